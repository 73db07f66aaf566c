/* tools/protoc-gen-gw/lock.h: packets.lock, the memory of every number that was ever given away. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_LOCK_H
#define GW_TOOLS_PROTOC_GEN_GW_LOCK_H

#include "tools/protoc-gen-gw/schema.h"
#include "tools/protoc-gen-gw/text.h"

/*
 * Clients out there know packets and fields by their numbers, so a number means one thing for ever.
 * The lock is a text, kept with the schema: a line for each id, and one for each message that
 * packets are made of; behind the name, the numbers of its fields and their types:
 *
 *      # comment
 *       1000 client game.Enter reply=game.Entered 1:room:string
 *       1001 client game.Chat 1:text:string
 *       1002 both   game.Wave removed
 *       1100 server game.Entered 1:result:game.Result 3:members:game.Member[]
 *          - part   game.Member 1:player:fixed64 2:name:string
 *
 * Locks that were written before had no names of fields and no replies; the build adds them.
 *
 * The build compares. What is new is added; whatever else differs is a mistake in the schema, or
 * a decision that a person takes with `tools/packets accept`.
 */
struct lock_field {
    int32_t number;
    const char *name; /* NULL: the lock does not say */
    const char *type; /* "string", "game.Member[]" */
};

struct lock_line {
    const char *text; /* as it stands there */
    int line;         /* in the file, as it was read; 0 for one that is about to be added */

    const char *name; /* in full; NULL for a comment, which has nothing of what follows */
    uint32_t id;      /* 0 for a part */
    uint8_t from;     /* bits, as struct packet has them */
    bool is_removed;
    const char *reply;         /* in full; NULL: nothing answers it, or the lock does not say */
    struct lock_field *fields; /* by number */
    size_t field_count;
};

struct lock {
    const char *path;
    struct lock_line *list;
    size_t count;
    bool is_changed;
};

/*
 * Reads the lock at `path`; a file that is not there is an empty lock. What cannot be read is noted
 * in `schema`'s problems. Owns: borrows `path`; all memory is the schema's pool's.
 */
void lock_read(struct lock *lock, struct schema *schema, const char *path);

/* Writes the lock, if something was changed: all or nothing. Notes a failure as a problem. */
void lock_write(struct lock *lock, struct schema *schema);

/*
 * Compares, notes every contradiction in `schema`'s problems, and adds to `lock` what the schema
 * has more. With `is_frozen`, that is a problem too.
 */
void lock_check(struct lock *lock, struct schema *schema, bool is_frozen);

/*
 * Makes `lock` what the schema says, whatever was promised before, and says in `words` what that
 * changes and what it means for clients out there, a line each.
 */
void lock_accept(struct lock *lock, struct schema *schema, struct text *words);

/* Where the packet stands in the lock, as it will be written: a number of a line, or 0. */
int lock_line_of(const struct lock *lock, const struct packet *packet);

/* ---- shared by the files above ---- */

struct lock_line *lock_find_id(const struct lock *lock, uint32_t id);
/* The packet (not one that was removed) or the part with this name. */
struct lock_line *lock_find_name(const struct lock *lock, const char *name, bool is_part);
struct lock_field *lock_find_field(const struct lock_line *line, int32_t number);

/* In full, or NULL. */
const char *lock_reply_of(const struct packet *packet);

/* Adds a line in the order of ids, parts behind them in the order of names. */
void lock_add_packet(struct lock *lock, struct schema *schema, const struct packet *packet);
void lock_add_part(struct lock *lock, struct schema *schema, const struct type *type);

/* Gives a line the fields of a message, in addition to what it has or instead. */
void lock_add_field(struct lock *lock, struct schema *schema, struct lock_line *line,
                    const struct field *field);
void lock_set_fields(struct schema *schema, struct lock_line *line, const struct type *type);

/* Writes the line's text anew. */
void lock_line_changed(struct lock *lock, struct schema *schema, struct lock_line *line);

/* "client" of FROM_CLIENT, and a field's type as a lock writes it. */
const char *lock_from_word(uint8_t from);
const char *lock_type_word(struct pool *pool, const struct field *field);

/* Whether `type` is a message that the packets are made of, and not a packet. */
bool lock_is_part(const struct schema *schema, const struct type *type);

#endif

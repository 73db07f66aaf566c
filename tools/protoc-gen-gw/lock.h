/* tools/protoc-gen-gw/lock.h: The lock: ids, replies and field numbers that were ever assigned. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_LOCK_H
#define GW_TOOLS_PROTOC_GEN_GW_LOCK_H

#include "tools/protoc-gen-gw/schema.h"
#include "tools/protoc-gen-gw/text.h"

/*
 * Deployed clients know packets and fields by number, so the meaning of a number never changes. The
 * lock is a text file beside the schema, with a line for each id and for each message that packets
 * contain. The name is followed by the numbers, names and types of the fields:
 *
 *      # comment
 *       1000 client game.Enter reply=game.Entered 1:room:string
 *       1001 client game.Chat 1:text:string
 *       1002 both   game.Wave removed
 *       1100 server game.Entered 1:result:game.Result 3:members:game.Member[]
 *          - part   game.Member 1:player:fixed64 2:name:string
 *
 * Older locks have no field names and no replies; the build adds them.
 *
 * The build compares the schema with the lock. It adds what is new. Any other difference is an
 * error in the schema, or an incompatible change that a developer accepts with `tools/packets
 * accept`.
 */
struct lock_field {
    int32_t number;
    const char *name; /* NULL: not in the lock */
    const char *type; /* "string", "game.Member[]" */
};

struct lock_line {
    const char *text; /* as in the file */
    int line;         /* line number in the file; 0 for a new line */

    const char *name; /* full name; NULL for a comment, which has no further members */
    uint32_t id;      /* 0 for a part */
    uint8_t from;     /* bits, as in struct packet */
    bool is_removed;
    const char *reply;         /* full name; NULL: no reply, or not in the lock */
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
 * Reads the lock at `path`. A missing file is an empty lock. Adds errors to schema->problems. Owns:
 * borrows `path`; the schema's pool owns all memory.
 */
void lock_read(struct lock *lock, struct schema *schema, const char *path);

/* Writes the lock atomically if it changed. Adds a failure to the problems. */
void lock_write(struct lock *lock, struct schema *schema);

/*
 * Compares the schema with `lock`, adds each incompatible change to schema->problems, and adds new
 * packets and fields to `lock`. With `is_frozen` these are problems too.
 */
void lock_check(struct lock *lock, struct schema *schema, bool is_frozen);

/*
 * Makes `lock` equal to the schema. Writes each change, and its effect on deployed clients, to
 * `words`, one a line.
 */
void lock_accept(struct lock *lock, struct schema *schema, struct text *words);

/* The line number of the packet in the lock as it will be written, or 0. */
int lock_line_of(const struct lock *lock, const struct packet *packet);

/* ---- shared by the files above ---- */

struct lock_line *lock_find_id(const struct lock *lock, uint32_t id);
/* The line of the packet (unless removed) or part with this name. */
struct lock_line *lock_find_name(const struct lock *lock, const char *name, bool is_part);
struct lock_field *lock_find_field(const struct lock_line *line, int32_t number);

/* The full name of the reply, or NULL. */
const char *lock_reply_of(const struct packet *packet);

/* Adds a line: packets sorted by id, then parts sorted by name. */
void lock_add_packet(struct lock *lock, struct schema *schema, const struct packet *packet);
void lock_add_part(struct lock *lock, struct schema *schema, const struct type *type);

/* Adds the fields of a message to a line, or replaces its fields. */
void lock_add_field(struct lock *lock, struct schema *schema, struct lock_line *line,
                    const struct field *field);
void lock_set_fields(struct schema *schema, struct lock_line *line, const struct type *type);

/* Updates the text of a line. */
void lock_line_changed(struct lock *lock, struct schema *schema, struct lock_line *line);

/* "client" of FROM_CLIENT, and a field's type as a lock writes it. */
const char *lock_from_word(uint8_t from);
const char *lock_type_word(struct pool *pool, const struct field *field);

/* Whether packets contain the message `type` and it is no packet. */
bool lock_is_part(const struct schema *schema, const struct type *type);

#endif

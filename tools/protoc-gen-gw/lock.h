/* tools/protoc-gen-gw/lock.h: packets.lock, the memory of every id that was ever given away. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_LOCK_H
#define GW_TOOLS_PROTOC_GEN_GW_LOCK_H

#include "tools/protoc-gen-gw/schema.h"

/*
 * Clients out there know packets by their numbers, so a number means one thing for ever. The lock
 * is a text, kept with the schema, one line per id:
 *
 *      # comment
 *       1001 client game.Chat
 *       1002 both   game.Wave removed
 *
 * The build compares. What is new is appended; whatever else differs is a mistake in the schema,
 * or a decision that a person writes into the lock by hand.
 */
struct lock_line {
    const char *text; /* as it stands there */
    int line;         /* in the file; 0 for one that is about to be added */

    uint32_t id;  /* 0 for a comment, which has nothing of what follows */
    uint8_t from; /* bits, as struct packet has them */
    const char *name;
    bool is_removed;
};

struct lock {
    const char *path;
    struct lock_line *list;
    size_t count;
    size_t added_count;
};

/*
 * Reads the lock at `path`; a file that is not there is an empty lock. What cannot be read is noted
 * in `schema`'s problems. Owns: borrows `path`; all memory is the schema's pool's.
 */
void lock_read(struct lock *lock, struct schema *schema, const char *path);

/* Adds a line for `packet`, in the order of ids. */
void lock_add(struct lock *lock, struct schema *schema, const struct packet *packet);

/*
 * Compares, notes every contradiction in `schema`'s problems, and adds to `lock` what the schema
 * has more. With `is_frozen`, that is a problem too.
 */
void lock_check(struct lock *lock, struct schema *schema, bool is_frozen);

/* Writes the lock, if something was added: all or nothing. Notes a failure as a problem. */
void lock_write(struct lock *lock, struct schema *schema);

#endif

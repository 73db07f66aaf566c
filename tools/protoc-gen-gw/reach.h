/* tools/protoc-gen-gw/reach.h: which messages a message is made of. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_REACH_H
#define GW_TOOLS_PROTOC_GEN_GW_REACH_H

#include "tools/protoc-gen-gw/types.h"

#include <stdbool.h>

/* What is known of the types, by their places in the list. Shared by many questions. */
struct reach {
    const struct types *types;
    struct pool *pool;
    unsigned char *states;
    size_t *depths; /* 0: not known yet */
    struct reach_visit *stack;
};

void reach_init(struct reach *reach, struct pool *pool, const struct types *types);

/*
 * Whether something inside `type` contains itself, so that a body can nest as deep as it likes.
 *
 * Returns   the way round, as in "game.Chat > game.Part > game.Part", or NULL. Owns: the pool's.
 */
const char *reach_circle(struct reach *reach, const struct type *type);

/*
 * How many messages deep `type` nests, itself counted: 1 for one of plain fields. It must have no
 * circle in it.
 */
size_t reach_depth(struct reach *reach, const struct type *type);

/* Marks in `marks`, by places in the list, `type` and all that it is made of. */
void reach_mark(struct reach *reach, const struct type *type, bool *marks);

#endif

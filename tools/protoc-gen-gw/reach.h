/* tools/protoc-gen-gw/reach.h: Traversal of nested message types: recursion, depth and use. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_REACH_H
#define GW_TOOLS_PROTOC_GEN_GW_REACH_H

#include "tools/protoc-gen-gw/types.h"

#include <stdbool.h>

/* Results for each type, by its index in the list; reused by later calls. */
struct reach {
    const struct types *types;
    struct pool *pool;
    unsigned char *states;
    size_t *depths; /* 0: unknown */
    struct reach_visit *stack;
};

void reach_init(struct reach *reach, struct pool *pool, const struct types *types);

/*
 * Finds a message in `type` that contains itself, so that a body could nest without limit.
 *
 * Returns   the path, as in "game.Chat > game.Part > game.Part", or NULL. Owns: the pool keeps it.
 */
const char *reach_circle(struct reach *reach, const struct type *type);

/*
 * The nesting depth of `type`, including itself: 1 for a message of plain fields. It must not be
 * recursive.
 */
size_t reach_depth(struct reach *reach, const struct type *type);

/* Marks `type` and all types that it contains in `marks`, by index in the list. */
void reach_mark(struct reach *reach, const struct type *type, bool *marks);

#endif

/* protocol/arena.h: memory for one unpacked packet, given back all at once. */
#ifndef GW_PROTOCOL_ARENA_H
#define GW_PROTOCOL_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Unpacking a message takes many small allocations that all die together. An arena turns them
 * into steps along one block, and its size into the most memory one packet can cost: when it is
 * used up, protobuf-c is told that there is no memory, and gives up.
 *
 * Thread: one at a time; each worker has its own.
 */
struct gw_arena {
    ProtobufCAllocator allocator; /* hand this to protobuf-c */
    uint8_t *memory;
    size_t capacity_bytes;
    size_t used_bytes;
    bool exhausted; /* something was asked for since the last reset that did not fit */
};

/*
 * Makes `arena` hand out `memory`, from the first place on that is aligned as max_align_t.
 *
 * Owns      borrows `memory` as long as the arena is used. `arena` must stay where it is: its
 *           allocator points to it.
 */
void gw_arena_init(struct gw_arena *arena, void *memory, size_t capacity_bytes);

/* Takes back everything handed out so far. Here, because it happens with every packet. */
static inline void gw_arena_reset(struct gw_arena *arena)
{
    arena->used_bytes = 0;
    arena->exhausted = false;
}

#ifdef __cplusplus
}
#endif

#endif

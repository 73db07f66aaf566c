/* protocol/arena.h: Arena allocator for one unpacked packet. */
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
 * protobuf-c makes many small allocations to unpack a message, and all of them are freed together.
 * An arena serves them from one block. Its size limits the memory of one packet: when the arena is
 * exhausted the allocator returns NULL and protobuf-c fails to unpack.
 *
 * Thread: one at a time; each worker has its own.
 */
struct gw_arena {
    ProtobufCAllocator allocator; /* for protobuf-c */
    uint8_t *memory;
    size_t capacity_bytes;
    size_t used_bytes;
    bool exhausted; /* an allocation since the last reset did not fit */
};

/*
 * Initializes `arena` with `memory`, from its first address that is aligned as max_align_t.
 *
 * Owns      borrows `memory` while the arena is in use. `arena` must not move: its allocator points
 *           to it.
 */
void gw_arena_init(struct gw_arena *arena, void *memory, size_t capacity_bytes);

/* Frees all allocations. Inline: it runs twice for each packet. */
static inline void gw_arena_reset(struct gw_arena *arena)
{
    arena->used_bytes = 0;
    arena->exhausted = false;
}

#ifdef __cplusplus
}
#endif

#endif

/* protocol/arena.c: Arena allocator for one unpacked packet. */
#include "protocol/arena.h"

#include <stdalign.h>

enum { STEP_BYTES = alignof(max_align_t) };

/* An allocation of 0 bytes takes one step: NULL would mean that there is no memory. */
static size_t rounded_up(size_t bytes)
{
    return bytes == 0 ? STEP_BYTES : (bytes + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
}

static void *take(void *allocator_data, size_t bytes)
{
    struct gw_arena *arena = allocator_data;
    size_t left_bytes = arena->capacity_bytes - arena->used_bytes;
    /* The first comparison keeps the rounding of the second from wrapping. */
    if (bytes > left_bytes || rounded_up(bytes) > left_bytes) {
        arena->exhausted = true;
        return NULL;
    }
    void *taken = arena->memory + arena->used_bytes;
    arena->used_bytes += rounded_up(bytes);
    return taken;
}

static void give_back(void *allocator_data, void *taken)
{
    (void)allocator_data;
    (void)taken;
}

void gw_arena_init(struct gw_arena *arena, void *memory, size_t capacity_bytes)
{
    arena->allocator.alloc = take;
    arena->allocator.free = give_back;
    arena->allocator.allocator_data = arena;
    size_t skip_bytes = (STEP_BYTES - (uintptr_t)memory % STEP_BYTES) % STEP_BYTES;
    skip_bytes = skip_bytes < capacity_bytes ? skip_bytes : capacity_bytes;
    capacity_bytes -= skip_bytes;
    arena->memory = (uint8_t *)memory + skip_bytes;
    /* Whole steps only, so that rounding a request up never passes the end. */
    arena->capacity_bytes = capacity_bytes - capacity_bytes % STEP_BYTES;
    gw_arena_reset(arena);
}

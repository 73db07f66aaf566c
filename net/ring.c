/* net/ring.c: Ring buffers for received bytes, read in place. */
#include "net/ring.h"

#include "net/error.h"
#include "net/pool.h"
#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { CAPACITY_BITS_MIN = 8 };

/* Bytes of the ring's own memory; 0 while it has none. */
static uint32_t capacity_of(const struct gw_ring *ring)
{
    return ring->memory == NULL ? 0 : (uint32_t)1 << ring->capacity_bits;
}

static uint32_t own_bytes(const struct gw_ring *ring)
{
    return ring->tail - ring->head;
}

void gw_ring_init(struct gw_ring *ring, uint32_t capacity_bytes_max)
{
    assert(capacity_bytes_max > 0 && (capacity_bytes_max & (capacity_bytes_max - 1)) == 0);
    *ring = (struct gw_ring){.borrowed = NULL};
    while ((uint32_t)1 << ring->capacity_bits_max < capacity_bytes_max) {
        ring->capacity_bits_max++;
    }
}

static void give_memory(struct gw_ring *ring)
{
    gw__pool_give(ring->memory, capacity_of(ring));
    ring->memory = NULL;
    ring->head = 0;
    ring->tail = 0;
}

void gw_ring_fini(struct gw_ring *ring)
{
    give_memory(ring);
    ring->borrowed = NULL;
    ring->borrowed_bytes = 0;
}

void gw_ring_borrow(struct gw_ring *ring, const uint8_t *data, uint32_t bytes)
{
    assert(ring->borrowed_bytes == 0);
    ring->borrowed = data;
    ring->borrowed_bytes = bytes;
}

/* Copies `bytes` of the ring's own memory, beginning `skip` bytes after its head. */
static void copy_own(const struct gw_ring *ring, uint32_t skip, uint8_t *to, uint32_t bytes)
{
    uint32_t capacity = capacity_of(ring);
    uint32_t from = (ring->head + skip) & (capacity - 1);
    uint32_t before_wrap = capacity - from;
    if (bytes <= before_wrap) {
        memcpy(to, ring->memory + from, bytes);
        return;
    }
    memcpy(to, ring->memory + from, before_wrap);
    memcpy(to + before_wrap, ring->memory, bytes - before_wrap);
}

/* Makes the capacity at least `bytes`; the buffered bytes move to the beginning. */
static int grow(struct gw_ring *ring, uint32_t bytes)
{
    uint8_t bits = CAPACITY_BITS_MIN;
    if (bytes > (uint32_t)1 << ring->capacity_bits_max) {
        return GW_E_FULL;
    }
    while ((uint32_t)1 << bits < bytes) {
        bits++;
    }
    bits = bits < ring->capacity_bits_max ? bits : ring->capacity_bits_max;
    uint8_t *memory = gw__pool_take((uint32_t)1 << bits);
    if (memory == NULL) {
        return GW_E_MEMORY;
    }
    uint32_t used = own_bytes(ring);
    if (used > 0) {
        copy_own(ring, 0, memory, used);
    }
    give_memory(ring);
    ring->memory = memory;
    ring->capacity_bits = bits;
    ring->tail = used;
    return GW_OK;
}

/* Copies to the tail. The capacity is sufficient. */
static void append(struct gw_ring *ring, const uint8_t *data, uint32_t bytes)
{
    uint32_t capacity = capacity_of(ring);
    uint32_t at = ring->tail & (capacity - 1);
    uint32_t before_wrap = capacity - at;
    uint32_t first = bytes < before_wrap ? bytes : before_wrap;
    memcpy(ring->memory + at, data, first);
    memcpy(ring->memory, data + first, bytes - first);
    ring->tail += bytes;
}

int gw_ring_commit(struct gw_ring *ring)
{
    const uint8_t *borrowed = ring->borrowed;
    uint32_t bytes = ring->borrowed_bytes;
    ring->borrowed = NULL;
    ring->borrowed_bytes = 0;
    if (bytes == 0) {
        return GW_OK;
    }
    uint32_t needed = own_bytes(ring) + bytes;
    if (needed > capacity_of(ring)) {
        int error = grow(ring, needed);
        if (error != GW_OK) {
            return error;
        }
    }
    append(ring, borrowed, bytes);
    return GW_OK;
}

const uint8_t *gw_ring_peek_own(const struct gw_ring *ring, uint32_t bytes, uint8_t *bounce)
{
    uint32_t own = own_bytes(ring);
    uint32_t capacity = capacity_of(ring);
    uint32_t from = ring->head & (capacity - 1);
    if (bytes <= own && bytes <= capacity - from) {
        return ring->memory + from;
    }
    uint32_t first = bytes < own ? bytes : own;
    copy_own(ring, 0, bounce, first);
    if (bytes > first) {
        memcpy(bounce + first, ring->borrowed, bytes - first);
    }
    return bounce;
}

void gw_ring_consume_own(struct gw_ring *ring, uint32_t bytes)
{
    uint32_t own = own_bytes(ring);
    uint32_t first = bytes < own ? bytes : own;
    ring->head += first;
    if (first == own) {
        give_memory(ring);
    }
    if (bytes > first) {
        ring->borrowed += bytes - first;
        ring->borrowed_bytes -= bytes - first;
    }
}

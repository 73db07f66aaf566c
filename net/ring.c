/* net/ring.c: the bytes a session has received and not yet understood. */
#include "net/ring.h"

#include "net/error.h"
#include "net/pool.h"
#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { CAPACITY_BYTES_MIN = 256 };

static uint32_t own_bytes(const struct gw_ring *ring)
{
    return ring->tail - ring->head;
}

void gw_ring_init(struct gw_ring *ring, uint32_t capacity_bytes_max)
{
    assert(capacity_bytes_max > 0 && (capacity_bytes_max & (capacity_bytes_max - 1)) == 0);
    *ring = (struct gw_ring){.capacity_bytes_max = capacity_bytes_max};
}

static void give_memory(struct gw_ring *ring)
{
    gw__pool_give(ring->memory, ring->capacity_bytes);
    ring->memory = NULL;
    ring->capacity_bytes = 0;
    ring->head = 0;
    ring->tail = 0;
}

void gw_ring_fini(struct gw_ring *ring)
{
    give_memory(ring);
    ring->lent = NULL;
    ring->lent_bytes = 0;
}

void gw_ring_lend(struct gw_ring *ring, const uint8_t *data, uint32_t bytes)
{
    assert(ring->lent_bytes == 0);
    ring->lent = data;
    ring->lent_bytes = bytes;
}

/* Copies `bytes` from the ring's own memory, from `skip` after its head on. */
static void copy_own(const struct gw_ring *ring, uint32_t skip, uint8_t *to, uint32_t bytes)
{
    uint32_t from = (ring->head + skip) & (ring->capacity_bytes - 1);
    uint32_t before_seam = ring->capacity_bytes - from;
    if (bytes <= before_seam) {
        memcpy(to, ring->memory + from, bytes);
        return;
    }
    memcpy(to, ring->memory + from, before_seam);
    memcpy(to + before_seam, ring->memory, bytes - before_seam);
}

/* Makes room for `bytes` in all; what is there moves to the beginning. */
static int grow(struct gw_ring *ring, uint32_t bytes)
{
    uint32_t capacity = CAPACITY_BYTES_MIN;
    while (capacity < bytes) {
        capacity *= 2;
    }
    if (capacity > ring->capacity_bytes_max && bytes <= ring->capacity_bytes_max) {
        capacity = ring->capacity_bytes_max;
    }
    if (capacity > ring->capacity_bytes_max) {
        return GW_E_FULL;
    }
    uint8_t *memory = gw__pool_take(capacity);
    if (memory == NULL) {
        return GW_E_MEMORY;
    }
    uint32_t used = own_bytes(ring);
    if (used > 0) {
        copy_own(ring, 0, memory, used);
    }
    give_memory(ring);
    ring->memory = memory;
    ring->capacity_bytes = capacity;
    ring->tail = used;
    return GW_OK;
}

/* Copies to the tail. The room is there. */
static void append(struct gw_ring *ring, const uint8_t *data, uint32_t bytes)
{
    uint32_t at = ring->tail & (ring->capacity_bytes - 1);
    uint32_t before_seam = ring->capacity_bytes - at;
    uint32_t first = bytes < before_seam ? bytes : before_seam;
    memcpy(ring->memory + at, data, first);
    memcpy(ring->memory, data + first, bytes - first);
    ring->tail += bytes;
}

int gw_ring_settle(struct gw_ring *ring)
{
    const uint8_t *lent = ring->lent;
    uint32_t bytes = ring->lent_bytes;
    ring->lent = NULL;
    ring->lent_bytes = 0;
    if (bytes == 0) {
        return GW_OK;
    }
    uint32_t needed = own_bytes(ring) + bytes;
    if (needed > ring->capacity_bytes) {
        int error = grow(ring, needed);
        if (error != GW_OK) {
            return error;
        }
    }
    append(ring, lent, bytes);
    return GW_OK;
}

const uint8_t *gw_ring_peek(const struct gw_ring *ring, uint32_t bytes, uint8_t *bridge)
{
    uint32_t own = own_bytes(ring);
    assert(bytes <= gw_ring_used_bytes(ring));
    if (own == 0) {
        return ring->lent;
    }
    uint32_t from = ring->head & (ring->capacity_bytes - 1);
    if (bytes <= own && bytes <= ring->capacity_bytes - from) {
        return ring->memory + from;
    }
    uint32_t first = bytes < own ? bytes : own;
    copy_own(ring, 0, bridge, first);
    if (bytes > first) {
        memcpy(bridge + first, ring->lent, bytes - first);
    }
    return bridge;
}

void gw_ring_consume(struct gw_ring *ring, uint32_t bytes)
{
    assert(bytes <= gw_ring_used_bytes(ring));
    uint32_t own = own_bytes(ring);
    uint32_t first = bytes < own ? bytes : own;
    ring->head += first;
    if (own > 0 && first == own) {
        give_memory(ring);
    }
    if (bytes > first) {
        ring->lent += bytes - first;
        ring->lent_bytes -= bytes - first;
    }
}

/* net/ring.h: Ring buffers for received bytes, read in place. */
#ifndef GW_NET_RING_H
#define GW_NET_RING_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 *      the ring's own memory                       borrowed: where the kernel put them
 *
 *            head              tail
 *             v                 v
 *   +---------+-----------------+---------+        +-----------------------------+
 *   |  free   |      used       |  free   |  then  |  borrowed                   |
 *   +---------+-----------------+---------+        +-----------------------------+
 *   ^                                     ^
 *   +------------ wraps here -------------+
 *
 * A ring borrows received bytes and its user reads them in place, at the head. gw_ring_commit()
 * copies what was not consumed, an incomplete frame, to the tail of the ring's own memory. `head`
 * and `tail` only grow and wrap at 2^32; their low bits are the offset in memory. So a full ring
 * and an empty one differ, and all of the memory is used.
 *
 * An empty ring has no memory. Memory comes from the worker's pool in powers of two as needed, and
 * is given back as soon as the ring is empty again: ten thousand idle sessions have no buffers.
 *
 * A ring has no lock. It belongs to the turn of its stream.
 */
struct gw_ring {
    const uint8_t *borrowed; /* bytes to read in place, or NULL */
    uint8_t *memory;         /* the ring's own, or NULL */
    uint32_t borrowed_bytes;
    uint32_t head;
    uint32_t tail;
    uint8_t capacity_bits;     /* `memory` has 2 to the power of this, while it is there */
    uint8_t capacity_bits_max; /* the most that may wait */
};

/* Initializes an empty ring for at most `capacity_bytes_max`, a power of two. Needs no memory. */
void gw_ring_init(struct gw_ring *ring, uint32_t capacity_bytes_max);

/* Frees the memory and drops the borrowed bytes. A zeroed ring, and a second call, are allowed. */
void gw_ring_fini(struct gw_ring *ring);

/* Bytes that can be read. */
static inline uint32_t gw_ring_used_bytes(const struct gw_ring *ring)
{
    return ring->tail - ring->head + ring->borrowed_bytes;
}

/*
 * Adds received bytes behind those in the ring, without copying them.
 *
 * The bytes borrowed before must have been committed. They always fit: a stream receives only while
 * less than a frame is buffered, and the capacity is one frame and one receive.
 *
 * Owns      borrows `data` until gw_ring_commit().
 */
void gw_ring_borrow(struct gw_ring *ring, const uint8_t *data, uint32_t bytes);

/*
 * Ends the borrow: copies the bytes that were not consumed to the ring's own memory.
 *
 * Returns   0; GW_E_MEMORY, or GW_E_FULL when more than capacity_bytes_max would be buffered. After
 *           an error the borrowed bytes are lost.
 */
int gw_ring_commit(struct gw_ring *ring);

/*
 * Returns the next `bytes` (at most gw_ring_used_bytes) in one piece, without consuming them. The
 * pointer is to the bytes in place; they are copied to `bounce` only when they cross the end of the
 * ring's memory or the border between that memory and the borrowed bytes.
 *
 * Returns   a pointer to `bytes` bytes, valid until the next consume or commit; NULL when there are
 *           fewer.
 * Owns      borrows `bounce`, which must have room for `bytes`.
 */
static inline const uint8_t *gw_ring_peek(const struct gw_ring *ring, uint32_t bytes,
                                          uint8_t *bounce);

/* Removes the next `bytes`; all bytes when there are fewer. */
static inline void gw_ring_consume(struct gw_ring *ring, uint32_t bytes);

/*
 * The same two without the comparison, for a caller that has compared `bytes` with
 * gw_ring_used_bytes().
 */
static inline const uint8_t *gw_ring_peek_known(const struct gw_ring *ring, uint32_t bytes,
                                                uint8_t *bounce);
static inline void gw_ring_consume_known(struct gw_ring *ring, uint32_t bytes);

/* The same for a ring that has memory of its own. */
const uint8_t *gw_ring_peek_own(const struct gw_ring *ring, uint32_t bytes, uint8_t *bounce);
void gw_ring_consume_own(struct gw_ring *ring, uint32_t bytes);

/* Nearly always all bytes are borrowed. */
static inline const uint8_t *gw_ring_peek_known(const struct gw_ring *ring, uint32_t bytes,
                                                uint8_t *bounce)
{
    assert(bytes <= gw_ring_used_bytes(ring));
    return ring->memory == NULL ? ring->borrowed : gw_ring_peek_own(ring, bytes, bounce);
}

static inline void gw_ring_consume_known(struct gw_ring *ring, uint32_t bytes)
{
    assert(bytes <= gw_ring_used_bytes(ring));
    if (ring->memory != NULL) {
        gw_ring_consume_own(ring, bytes);
    } else if (bytes > 0) {
        ring->borrowed += bytes;
        ring->borrowed_bytes -= bytes;
    }
}

static inline const uint8_t *gw_ring_peek(const struct gw_ring *ring, uint32_t bytes,
                                          uint8_t *bounce)
{
    return bytes > gw_ring_used_bytes(ring) ? NULL : gw_ring_peek_known(ring, bytes, bounce);
}

static inline void gw_ring_consume(struct gw_ring *ring, uint32_t bytes)
{
    uint32_t used_bytes = gw_ring_used_bytes(ring);
    gw_ring_consume_known(ring, bytes < used_bytes ? bytes : used_bytes);
}

#ifdef __cplusplus
}
#endif

#endif

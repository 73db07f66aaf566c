/* net/ring.h: the bytes a session has received and not yet understood. */
#ifndef GW_NET_RING_H
#define GW_NET_RING_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 *      the ring's own memory                       the loan: where the kernel put them
 *
 *            head              tail
 *             v                 v
 *   +---------+-----------------+---------+        +-----------------------------+
 *   |  free   |      used       |  free   |  then  |  borrowed                       |
 *   +---------+-----------------+---------+        +-----------------------------+
 *   ^                                     ^
 *   +------------- the seam --------------+
 *
 * Received bytes are borrowed to the ring and read in place; the framer reads at the head. What is
 * left of them when the loan ends, a frame that is not whole yet, moves into the ring's own memory
 * at the tail. With the next loan only what that frame lacks is copied, and the rest is read in
 * place again. Both counters only grow, and wrap at 2^32; their low bits are the place in memory.
 * So a full ring and an empty one differ, and no byte of the memory is wasted.
 *
 * A ring that holds nothing holds no memory. Its memory comes from the worker's pool, in sizes of a
 * power of two as needed, and goes back as soon as the ring is empty again: ten thousand idle
 * sessions have no buffers at all.
 *
 * A ring has no lock. It belongs to whoever holds the turn of its stream.
 */
struct gw_ring {
    const uint8_t *borrowed; /* bytes read in place, or NULL */
    uint8_t *memory;         /* the ring's own, or NULL */
    uint32_t borrowed_bytes;
    uint32_t head;
    uint32_t tail;
    uint8_t capacity_bits;     /* `memory` has 2 to the power of this, while it is there */
    uint8_t capacity_bits_max; /* the most that may wait */
};

/* Prepares an empty ring for at most `capacity_bytes_max`, a power of two. Takes no memory. */
void gw_ring_init(struct gw_ring *ring, uint32_t capacity_bytes_max);

/* Gives the memory back and forgets the loan. A zeroed ring may be finished, and again. */
void gw_ring_fini(struct gw_ring *ring);

/* Bytes that wait to be read. */
static inline uint32_t gw_ring_used_bytes(const struct gw_ring *ring)
{
    return ring->tail - ring->head + ring->borrowed_bytes;
}

/*
 * Lends received bytes to the ring, behind those it has.
 *
 * The loan before must have been settled. It always fits: no receive is asked for while more than a
 * frame waits, and the capacity is one frame and one receive.
 *
 * Owns      borrows `data` until gw_ring_commit().
 */
void gw_ring_borrow(struct gw_ring *ring, const uint8_t *data, uint32_t bytes);

/*
 * Ends the loan: what was not consumed of it moves into the ring's own memory.
 *
 * Returns   0; GW_E_MEMORY, or GW_E_FULL when more than capacity_bytes_max would wait. After a
 *           failure the bytes of the loan are gone.
 */
int gw_ring_commit(struct gw_ring *ring);

/*
 * Shows the next `bytes` (at most gw_ring_used_bytes) laid end to end, without consuming them.
 * They are shown in place, and copied to `bounce` only when they lie across the seam or across the
 * edge between the ring's own memory and the loan.
 *
 * Returns   a pointer to `bytes` bytes; valid until the next consume or settle. NULL when there are
 *           fewer.
 * Owns      borrows `bounce`, which must hold `bytes`.
 */
static inline const uint8_t *gw_ring_peek(const struct gw_ring *ring, uint32_t bytes,
                                          uint8_t *bounce);

/* Lets go of the next `bytes`; of all there are when there are fewer. */
static inline void gw_ring_consume(struct gw_ring *ring, uint32_t bytes);

/*
 * The same two, without the comparison: for a caller that has compared `bytes` with
 * gw_ring_used_bytes() itself.
 */
static inline const uint8_t *gw_ring_peek_known(const struct gw_ring *ring, uint32_t bytes,
                                                uint8_t *bounce);
static inline void gw_ring_consume_known(struct gw_ring *ring, uint32_t bytes);

/* And for a ring that has memory of its own. */
const uint8_t *gw_ring_peek_own(const struct gw_ring *ring, uint32_t bytes, uint8_t *bounce);
void gw_ring_consume_own(struct gw_ring *ring, uint32_t bytes);

/* Nearly always all there is lies where the kernel put it. */
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

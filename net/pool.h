/* net/pool.h: A pool of small memory blocks, cached per worker. Private to net. */
#ifndef GW_NET_POOL_H
#define GW_NET_POOL_H

#include <stdint.h>

/*
 * Every packet takes and gives back rings, chunks and entries of send queues, and often one worker
 * gives back what another has taken. Each worker caches a few free blocks of each size. A cache
 * that is full or empty moves half its capacity to or from a depot that all workers share.
 *
 *      worker 1: cache  <---- half a cache ---->  depot  <---->  cache: worker 2
 *
 * Block sizes are powers of two, 64 to 4,096 bytes. A larger block is not pooled. Any thread may
 * take and give; a thread that is not a worker uses the source of the depot (pool_source.h).
 *
 * Source    Bonwick and Adams, "Magazines and vmem", 2001
 */
enum {
    GW_POOL_BLOCK_BYTES_MIN = 64,
    GW_POOL_BLOCK_BYTES_MAX = 4096,
    GW_POOL_CLASS_COUNT = 7,
};

/* The free blocks of one worker. All zero: empty. */
struct gw_pool_cache {
    struct gw_pool_block *free[GW_POOL_CLASS_COUNT];
    uint32_t count[GW_POOL_CLASS_COUNT];
};

/*
 * Takes a block of at least `bytes`, not zeroed, aligned for anything.
 *
 * Returns   the block, or NULL when out of memory.
 * Owns      gives the block; free it with gw__pool_give() and the same `bytes`.
 * Thread    any
 */
void *gw__pool_take(uint32_t bytes);

/* Owns: takes `block`, which may be NULL. Thread: any. */
void gw__pool_give(void *block, uint32_t bytes);

/* The size of the block that gw__pool_take() returns for `bytes`. */
uint32_t gw__pool_block_bytes(uint32_t bytes);

/* Gives all free blocks of a cache to the depot, when a worker returns. */
void gw__pool_cache_empty(struct gw_pool_cache *cache);

/* Frees the blocks of the depot. Thread: any. */
void gw__pool_trim(void);

/* Bytes that the process has taken and not given back; exact while no thread takes or gives. */
uint64_t gw__pool_used_bytes(void);

#endif

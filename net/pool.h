/* net/pool.h: small blocks of memory that come and go all the time. Private to net. */
#ifndef GW_NET_POOL_H
#define GW_NET_POOL_H

#include <stdint.h>

/*
 * Rings, chunks and entries of send queues are taken and given back at every packet, and often one
 * worker takes what another gives back. Each worker keeps a few free blocks of each size; what is
 * too many goes to a depot that all share, half a cache at a time.
 *
 *      worker 1: cache  <---- half a cache ---->  depot  <---->  cache: worker 2
 *
 * Blocks have sizes of a power of two, 64 to 4,096 bytes. A larger block is not pooled. Any thread
 * may take and give; one that is no worker goes to the depot's source (pool_source.h) itself.
 *
 * Source    Bonwick and Adams, "Magazines and vmem", 2001.
 */
enum {
    GW_POOL_BLOCK_BYTES_MIN = 64,
    GW_POOL_BLOCK_BYTES_MAX = 4096,
    GW_POOL_CLASS_COUNT = 7,
};

/* The free blocks of one worker. Zeroed is empty. */
struct gw_pool_cache {
    struct gw_pool_block *free[GW_POOL_CLASS_COUNT];
    uint32_t count[GW_POOL_CLASS_COUNT];
};

/*
 * Takes a block of at least `bytes`, not zeroed, aligned for anything.
 *
 * Returns   the block, or NULL when there is no memory.
 * Owns      gives the block; end it with gw__pool_give() and the same `bytes`.
 * Thread    any.
 */
void *gw__pool_take(uint32_t bytes);

/* Owns: takes `block`, which may be NULL. Thread: any. */
void gw__pool_give(void *block, uint32_t bytes);

/* How large the block is that one gets for `bytes`. */
uint32_t gw__pool_block_bytes(uint32_t bytes);

/* Gives all free blocks of a cache to the depot; a worker's last act. */
void gw__pool_cache_empty(struct gw_pool_cache *cache);

/* Frees what lies in the depot. Thread: any. */
void gw__pool_trim(void);

/* Bytes taken and not given back by the whole program, while nobody takes or gives. */
uint64_t gw__pool_used_bytes(void);

#endif

/* net/pool_source.h: The source of the pool's blocks. Private to net. */
#ifndef GW_NET_POOL_SOURCE_H
#define GW_NET_POOL_SOURCE_H

#include <stdint.h>

/*
 * The build selects one of two sources: the heap (pool_heap.c), or for debugging, with
 * GW_POOL_GUARD, separate pages for each block (pool_guard.c). There a block ends where an
 * inaccessible page begins, and stays inaccessible for a while after it was given back: an access
 * outside the block, or after its end, faults at once, on every system, also in the kernel.
 */

/* Take a block, aligned for any type (NULL: out of memory), and give it back. Thread: any. */
void *gw__pool_source_take(uint32_t bytes);
void gw__pool_source_give(void *block, uint32_t bytes);

/* Frees what the source keeps of blocks that were given back. Thread: any. */
void gw__pool_source_trim(void);

/* The most bytes of each class that a worker's cache and the depot keep; more is given back. */
extern const uint32_t gw__pool_cache_bytes_max;
extern const uint32_t gw__pool_depot_bytes_max;

#endif

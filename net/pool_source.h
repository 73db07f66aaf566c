/* net/pool_source.h: where the pool's blocks come from. Private to net. */
#ifndef GW_NET_POOL_SOURCE_H
#define GW_NET_POOL_SOURCE_H

#include <stdint.h>

/*
 * There are two sources, and the build takes one: the heap, and (with GW_POOL_GUARD, for finding
 * mistakes) pages of which each block has its own. There a block ends where a page that nobody may
 * touch begins, and one that was given back stays forbidden for a while: whoever writes too far, or
 * too late, is stopped in the act, on every system, the kernel included.
 */

/* Takes a block, aligned for anything; NULL when there is no memory. Gives it back. Thread: any. */
void *gw__pool_source_take(uint32_t bytes);
void gw__pool_source_give(void *block, uint32_t bytes);

/* Lets go whatever the source keeps of blocks that were given back. Thread: any. */
void gw__pool_source_trim(void);

/* How much of each class may lie in a worker's cache and in the depot, instead of being given back.
 */
extern const uint32_t gw__pool_cache_bytes_max;
extern const uint32_t gw__pool_depot_bytes_max;

#endif

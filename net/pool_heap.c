/* net/pool_heap.c: Blocks from the heap. GW_POOL_GUARD builds pool_guard.c instead. */
#include "net/pool_source.h"
#include <stdlib.h>

const uint32_t gw__pool_cache_bytes_max = 64 * 1024;
const uint32_t gw__pool_depot_bytes_max = 4 * 1024 * 1024;

void *gw__pool_source_take(uint32_t bytes)
{
    return malloc(bytes);
}

void gw__pool_source_give(void *block, uint32_t bytes)
{
    (void)bytes;
    free(block);
}

void gw__pool_source_trim(void)
{
}

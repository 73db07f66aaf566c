/* net/pool.c: A pool of small memory blocks, cached per worker. */
#include "net/pool.h"

#include "net/lane.h"
#include "net/pool_source.h"
#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>

enum {
    COUNTER_COUNT = GW_PORT_WORKER_COUNT_MAX + 1,
};

/* A block while it is free. */
struct gw_pool_block {
    struct gw_pool_block *next;
};

static struct {
    os_mutex mutex;
    struct gw_pool_block *free[GW_POOL_CLASS_COUNT];
    uint32_t count[GW_POOL_CLASS_COUNT];
} depot = {.mutex = OS_MUTEX_INIT};

/* Bytes in use, counted per thread that takes or gives; only the sum has a meaning. */
static struct {
    _Alignas(64) atomic_uint_least64_t bytes;
} counters[COUNTER_COUNT];

static void count(const struct gw_worker *worker, uint64_t bytes)
{
    uint32_t index = worker == NULL ? GW_PORT_WORKER_COUNT_MAX : worker->index;
    atomic_fetch_add_explicit(&counters[index].bytes, bytes, memory_order_relaxed);
}

uint64_t gw__pool_used_bytes(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < COUNTER_COUNT; i++) {
        sum += atomic_load_explicit(&counters[i].bytes, memory_order_relaxed);
    }
    return sum;
}

/* The class of a block, by its size in smallest blocks, rounded up. */
static const uint8_t class_of_blocks[] = {
    0, 0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5,
    5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
    6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6,
};

_Static_assert(sizeof(class_of_blocks) == GW_POOL_BLOCK_BYTES_MAX / GW_POOL_BLOCK_BYTES_MIN + 1,
               "every block has a class");

static unsigned class_of(uint32_t bytes)
{
    return class_of_blocks[(bytes + GW_POOL_BLOCK_BYTES_MIN - 1) / GW_POOL_BLOCK_BYTES_MIN];
}

static uint32_t class_bytes(unsigned class)
{
    return (uint32_t)GW_POOL_BLOCK_BYTES_MIN << class;
}

uint32_t gw__pool_block_bytes(uint32_t bytes)
{
    return bytes > GW_POOL_BLOCK_BYTES_MAX ? bytes : class_bytes(class_of(bytes));
}

static uint32_t cache_count_max(unsigned class)
{
    return gw__pool_cache_bytes_max / class_bytes(class);
}

static struct gw_pool_block *pop(struct gw_pool_block **list)
{
    struct gw_pool_block *block = *list;
    *list = block->next;
    return block;
}

static void push(struct gw_pool_block **list, struct gw_pool_block *block)
{
    block->next = *list;
    *list = block;
}

/* Moves up to half a cache from the depot. */
static void refill(struct gw_pool_cache *cache, unsigned class)
{
    uint32_t count = cache_count_max(class) / 2;
    os_mutex_lock(&depot.mutex);
    while (cache->count[class] < count && depot.count[class] > 0) {
        push(&cache->free[class], pop(&depot.free[class]));
        depot.count[class]--;
        cache->count[class]++;
    }
    os_mutex_unlock(&depot.mutex);
}

/* Moves all but `keep` blocks to the depot; what does not fit there is freed. */
static void spill(struct gw_pool_cache *cache, unsigned class, uint32_t keep)
{
    struct gw_pool_block *surplus = NULL;
    os_mutex_lock(&depot.mutex);
    while (cache->count[class] > keep) {
        struct gw_pool_block *block = pop(&cache->free[class]);
        cache->count[class]--;
        if (depot.count[class] < gw__pool_depot_bytes_max / class_bytes(class)) {
            push(&depot.free[class], block);
            depot.count[class]++;
        } else {
            push(&surplus, block);
        }
    }
    os_mutex_unlock(&depot.mutex);
    while (surplus != NULL) {
        gw__pool_source_give(pop(&surplus), class_bytes(class));
    }
}

void gw__pool_cache_empty(struct gw_pool_cache *cache)
{
    for (unsigned class = 0; class < GW_POOL_CLASS_COUNT; class ++) {
        spill(cache, class, 0);
    }
}

void gw__pool_trim(void)
{
    for (unsigned class = 0; class < GW_POOL_CLASS_COUNT; class ++) {
        os_mutex_lock(&depot.mutex);
        struct gw_pool_block *list = depot.free[class];
        depot.free[class] = NULL;
        depot.count[class] = 0;
        os_mutex_unlock(&depot.mutex);
        while (list != NULL) {
            gw__pool_source_give(pop(&list), class_bytes(class));
        }
    }
    gw__pool_source_trim();
}

static void *take_pooled(struct gw_worker *worker, unsigned class)
{
    if (worker == NULL) {
        return gw__pool_source_take(class_bytes(class));
    }
    struct gw_pool_cache *cache = &worker->pool;
    if (cache->count[class] == 0) {
        refill(cache, class);
    }
    if (cache->count[class] == 0) {
        return gw__pool_source_take(class_bytes(class));
    }
    cache->count[class]--;
    return pop(&cache->free[class]);
}

void *gw__pool_take(uint32_t bytes)
{
    struct gw_worker *worker = gw__worker();
    void *block = bytes > GW_POOL_BLOCK_BYTES_MAX ? gw__pool_source_take(bytes)
                                                  : take_pooled(worker, class_of(bytes));
    if (block != NULL) {
        count(worker, gw__pool_block_bytes(bytes));
    }
    return block;
}

static void give_pooled(struct gw_worker *worker, void *block, unsigned class)
{
    struct gw_pool_cache *cache = &worker->pool;
    push(&cache->free[class], block);
    cache->count[class]++;
    if (cache->count[class] > cache_count_max(class)) {
        spill(cache, class, cache_count_max(class) / 2);
    }
}

void gw__pool_give(void *block, uint32_t bytes)
{
    struct gw_worker *worker = gw__worker();
    if (block == NULL) {
        return;
    }
    count(worker, (uint64_t)0 - gw__pool_block_bytes(bytes));
    if (worker == NULL || bytes > GW_POOL_BLOCK_BYTES_MAX) {
        gw__pool_source_give(block, gw__pool_block_bytes(bytes));
    } else {
        give_pooled(worker, block, class_of(bytes));
    }
}

/* net/pool_guard.c: The pool's blocks on separate guarded pages, for debugging. */
#include "net/pool_source.h"

#include "net/os/os.h"
#include <stddef.h>

/*
 *      | unused | block, up to the end | inaccessible |    while it is taken
 *      |        inaccessible                          |    after it was given back
 *
 * A block begins at an aligned address, so up to 15 bytes behind a block of an odd size are not
 * guarded; the pool's own sizes have none. The last blocks that were given back stay inaccessible,
 * so that their addresses are not reused soon.
 */
enum { ALIGNMENT = 16, KEPT_COUNT = 1024 };

const uint32_t gw__pool_cache_bytes_max = 0;
const uint32_t gw__pool_depot_bytes_max = 0;

struct pages {
    uint8_t *begin;
    size_t bytes;
};

static struct {
    os_mutex mutex;
    struct pages ring[KEPT_COUNT];
    uint32_t next;
} kept = {.mutex = OS_MUTEX_INIT};

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* The bytes of a block's accessible pages. */
static size_t open_bytes(uint32_t bytes)
{
    return round_up(bytes, os_page_bytes());
}

static size_t offset_of(uint32_t bytes)
{
    return open_bytes(bytes) - round_up(bytes, ALIGNMENT);
}

void *gw__pool_source_take(uint32_t bytes)
{
    size_t open = open_bytes(bytes);
    uint8_t *begin = os_pages_take(open + os_page_bytes());
    if (begin == NULL) {
        return NULL;
    }
    os_pages_forbid(begin + open, os_page_bytes());
    return begin + offset_of(bytes);
}

/* Replaces the oldest kept pages, and returns those; their begin may be NULL. */
static struct pages keep(struct pages pages)
{
    os_mutex_lock(&kept.mutex);
    struct pages oldest = kept.ring[kept.next];
    kept.ring[kept.next] = pages;
    kept.next = (kept.next + 1) % KEPT_COUNT;
    os_mutex_unlock(&kept.mutex);
    return oldest;
}

static void give_pages(struct pages pages)
{
    if (pages.begin != NULL) {
        os_pages_give(pages.begin, pages.bytes);
    }
}

void gw__pool_source_give(void *block, uint32_t bytes)
{
    uint8_t *begin = (uint8_t *)block - offset_of(bytes);
    struct pages pages = {begin, open_bytes(bytes) + os_page_bytes()};
    os_pages_forbid(pages.begin, pages.bytes);
    give_pages(keep(pages));
}

void gw__pool_source_trim(void)
{
    const struct pages none = {NULL, 0};
    for (int i = 0; i < KEPT_COUNT; i++) {
        give_pages(keep(none));
    }
}

/* net/pool_guard.c: the pool's blocks, each with pages of its own, for finding mistakes. */
#include "net/pool_source.h"

#include "net/os/os.h"
#include <stddef.h>

/*
 *      | unused | block, up to the end | forbidden |      while it is taken
 *      |        forbidden                          |      when it was given back
 *
 * A block begins where it is aligned for anything, so that up to 15 bytes behind an odd one are
 * nobody's; the pool's own sizes have none. Of those that were given back the last ones stay
 * forbidden, so that their places are not soon somebody else's.
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

/* The pages of a block without the forbidden one. */
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

/* Takes the place of the oldest one, and returns that; its begin may be NULL. */
static struct pages keep(struct pages pages)
{
    os_mutex_lock(&kept.mutex);
    struct pages oldest = kept.ring[kept.next];
    kept.ring[kept.next] = pages;
    kept.next = (kept.next + 1) % KEPT_COUNT;
    os_mutex_unlock(&kept.mutex);
    return oldest;
}

static void let_go(struct pages pages)
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
    let_go(keep(pages));
}

void gw__pool_source_trim(void)
{
    const struct pages none = {NULL, 0};
    for (int i = 0; i < KEPT_COUNT; i++) {
        let_go(keep(none));
    }
}

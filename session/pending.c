/* session/pending.c: connections that have sent no HELLO, and their limit. */
#include "session/pending.h"

#include "session/spin_lock.h"

#include <stdlib.h>

bool gw__pending_init(struct gw_pending *pending, uint32_t count_max)
{
    atomic_flag_clear(&pending->lock);
    pending->count_max = count_max;
    pending->entries = calloc(count_max, sizeof(*pending->entries));
    return pending->entries != NULL;
}

void gw__pending_fini(struct gw_pending *pending)
{
    free(pending->entries);
}

static struct gw_pending_entry *entry_at(struct gw_pending *pending, uint32_t link)
{
    return &pending->entries[link - 1];
}

static void add_count(struct gw_pending *pending, uint32_t added)
{
    uint32_t count = atomic_load_explicit(&pending->count, memory_order_relaxed);
    atomic_store_explicit(&pending->count, count + added, memory_order_relaxed);
}

/* Returns the link of an unused entry, or 0. */
static uint32_t take(struct gw_pending *pending)
{
    uint32_t link = pending->free;
    if (link != 0) {
        pending->free = entry_at(pending, link)->newer;
    } else if (pending->used_count < pending->count_max) {
        link = ++pending->used_count;
    }
    return link;
}

uint32_t gw__pending_add(struct gw_pending *pending, gw_session_id id)
{
    gw__spin_lock(&pending->lock);
    uint32_t link = take(pending);
    if (link != 0) {
        *entry_at(pending, link) = (struct gw_pending_entry){.id = id, .older = pending->newest};
        if (pending->newest != 0) {
            entry_at(pending, pending->newest)->newer = link;
        } else {
            pending->oldest = link;
        }
        pending->newest = link;
        add_count(pending, 1);
    }
    gw__spin_unlock(&pending->lock);
    return link;
}

/* Takes an entry out of the list and frees it. */
static void drop(struct gw_pending *pending, uint32_t link)
{
    struct gw_pending_entry *entry = entry_at(pending, link);
    if (entry->older != 0) {
        entry_at(pending, entry->older)->newer = entry->newer;
    } else {
        pending->oldest = entry->newer;
    }
    if (entry->newer != 0) {
        entry_at(pending, entry->newer)->older = entry->older;
    } else {
        pending->newest = entry->older;
    }
    *entry = (struct gw_pending_entry){.id = GW_SESSION_ID_NONE, .newer = pending->free};
    pending->free = link;
    add_count(pending, UINT32_MAX);
}

bool gw__pending_has(struct gw_pending *pending, uint32_t entry, gw_session_id id)
{
    gw__spin_lock(&pending->lock);
    bool has = entry_at(pending, entry)->id == id;
    gw__spin_unlock(&pending->lock);
    return has;
}

bool gw__pending_remove(struct gw_pending *pending, uint32_t entry, gw_session_id id)
{
    gw__spin_lock(&pending->lock);
    bool is_pending = entry_at(pending, entry)->id == id;
    if (is_pending) {
        drop(pending, entry);
    }
    gw__spin_unlock(&pending->lock);
    return is_pending;
}

gw_session_id gw__pending_displace(struct gw_pending *pending)
{
    gw_session_id id = GW_SESSION_ID_NONE;
    gw__spin_lock(&pending->lock);
    uint32_t oldest = pending->oldest;
    if (oldest != 0) {
        id = entry_at(pending, oldest)->id;
        drop(pending, oldest);
    }
    gw__spin_unlock(&pending->lock);
    return id;
}

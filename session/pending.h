/* session/pending.h: connections that have sent no HELLO, and their limit. Private to session. */
#ifndef GW_SESSION_PENDING_H
#define GW_SESSION_PENDING_H

#include "session/session.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Links are indexes + 1; 0: none. */
struct gw_pending_entry {
    gw_session_id id; /* NONE: the entry is free */
    uint32_t older;
    uint32_t newer; /* of a free entry: the next free one */
};

/*
 * A list of the pending sessions in the order of their connections. A session has an entry from its
 * admission to its HELLO, its displacement or its end. There are count_max entries; when all are in
 * use, the oldest session is displaced, and the new one gets its entry. So a session that was
 * displaced finds an entry that is free or has another id.
 */
struct gw_pending {
    struct gw_pending_entry *entries;
    uint32_t count_max;
    atomic_flag lock; /* of all below and the entries; held for a few instructions */
    uint32_t oldest;  /* links, as the next two */
    uint32_t newest;
    uint32_t free;
    uint32_t used_count;    /* entries from this index on were never used */
    _Atomic uint32_t count; /* entries in use; read without the lock */
};

/* Returns false when out of memory. fini() may follow a failed init(). Thread: setup. */
bool gw__pending_init(struct gw_pending *pending, uint32_t count_max);
void gw__pending_fini(struct gw_pending *pending);

/* Thread of all below: any. */
/* Adds a session. Returns its entry as a link, or 0 when all entries are in use. */
uint32_t gw__pending_add(struct gw_pending *pending, gw_session_id id);

/* Whether a session still has its entry. Otherwise it was displaced. */
bool gw__pending_has(struct gw_pending *pending, uint32_t entry, gw_session_id id);

/* Frees the entry of a session. Returns false when it was displaced before. */
bool gw__pending_remove(struct gw_pending *pending, uint32_t entry, gw_session_id id);

/* Frees the entry of the oldest session. Returns its id, or NONE. */
gw_session_id gw__pending_displace(struct gw_pending *pending);

#endif

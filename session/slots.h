/* session/slots.h: ids that go stale, and objects that stay while held. Private to session. */
#ifndef GW_SESSION_SLOTS_H
#define GW_SESSION_SLOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A slot is a seat. Its object sits there until nobody holds it, and the generation says which of
 * all those who ever sat there an id means:
 *
 *      id     generation << 32 | index of the slot
 *      word   generation << 32 | ended | hidden | references
 *
 * The word is all that threads contend for. To find is to count one reference more, and that works
 * only while the generation is the id's, somebody holds the object, and it is neither hidden nor
 * ended: so a stale id finds nobody, and a found object cannot go. The last reference gives the
 * slot back under the next generation.
 *
 * Slots lie in pages that are made when needed and freed only with all of them, so that the word of
 * a slot can be read at any time. Nothing here waits for another thread.
 */
struct gw_slot {
    _Atomic uint64_t word;
    _Atomic uintptr_t sits; /* who holds it: the object; free: the next free index + 1, or 0 */
};

enum { GW_SLOT_PAGE_COUNT = 256 }; /* slots in a page */

struct gw_slots {
    _Atomic(struct gw_slot *) *pages;
    uint32_t count_max;
    _Atomic uint32_t count; /* slots from here on have never been used */
    _Atomic uint64_t free;  /* a tag that changes with each step << 32 | index + 1 of the first */
};

/* Prepares for `count_max` slots. Returns whether there was memory. Thread: setup. */
bool gw__slots_init(struct gw_slots *slots, uint32_t count_max);

/* Frees the pages. All slots must have been given back. Thread: setup. */
void gw__slots_fini(struct gw_slots *slots);

/*
 * Gives `object` a slot, hidden, and one reference, the caller's.
 *
 * Returns   its id, or 0 when all slots are taken or there is no memory for a page.
 * Thread    any.
 */
uint64_t gw__slots_take(struct gw_slots *slots, void *object);

/* From now on it can be found; from end() on, never again. Thread: any that holds a reference. */
void gw__slots_show(struct gw_slots *slots, uint64_t id);
void gw__slots_end(struct gw_slots *slots, uint64_t id);

/* Returns the object with one reference more, or NULL for an id that is stale. Thread: any. */
void *gw__slots_find(struct gw_slots *slots, uint64_t id);

/* As find(), for whoever sits in slot `index`, below the count. Thread: any. */
void *gw__slots_find_at(struct gw_slots *slots, uint32_t index);

/* How many slots were ever used. Thread: any. */
uint32_t gw__slots_count(struct gw_slots *slots);

/* Takes one more reference. Thread: any that holds one. */
void gw__slots_ref(struct gw_slots *slots, uint64_t id);

/*
 * Lets one reference go.
 *
 * Returns   true when it was the last one: then the slot is free for somebody else, and the object
 *           is the caller's alone.
 * Thread    any that holds one.
 */
bool gw__slots_unref(struct gw_slots *slots, uint64_t id);

#endif

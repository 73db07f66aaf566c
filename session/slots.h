/* session/slots.h: a table of objects with ids and reference counts. Private to session. */
#ifndef GW_SESSION_SLOTS_H
#define GW_SESSION_SLOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A slot contains one object until its last reference is released. Its generation distinguishes the
 * objects that use the slot one after the other:
 *
 *      id     generation << 32 | index of the slot
 *      word   generation << 32 | ended | hidden | reference count
 *
 * Threads contend only for the word. find() adds a reference, and does so only while the generation
 * is that of the id, the reference count is not 0, and the object is neither hidden nor ended. So a
 * stale id returns NULL, and an object that was found is not freed. The last reference returns the
 * slot with the next generation.
 *
 * Slots are allocated in pages on demand. Pages are freed only with the table, so the word of a
 * slot can be read at any time. All functions are lock-free.
 */
struct gw_slot {
    _Atomic uint64_t word;
    _Atomic uintptr_t value; /* in use: the object; free: the next free index + 1, or 0 */
};

enum { GW_SLOT_PAGE_COUNT = 256 }; /* slots in a page */

struct gw_slots {
    _Atomic(struct gw_slot *) *pages;
    uint32_t count_max;
    _Atomic uint32_t count; /* slots from this index on were never used */
    _Atomic uint64_t free;  /* a tag that changes with each step << 32 | first free index + 1 */
};

/* Prepares a table of at most `count_max` slots. Returns false when out of memory. Thread: setup.
 */
bool gw__slots_init(struct gw_slots *slots, uint32_t count_max);

/* Frees the pages. All slots must be free. Thread: setup. */
void gw__slots_fini(struct gw_slots *slots);

/*
 * Gives `object` a slot, hidden, with one reference for the caller.
 *
 * Returns   its id, or 0 when all slots are in use or out of memory
 * Thread    any
 */
uint64_t gw__slots_acquire(struct gw_slots *slots, void *object);

/*
 * find() returns the object from publish() to end(), and never again after that. Thread: any that
 * holds a reference.
 */
void gw__slots_publish(struct gw_slots *slots, uint64_t id);
void gw__slots_end(struct gw_slots *slots, uint64_t id);

/* Returns the object with an added reference, or NULL for a stale id. Thread: any. */
void *gw__slots_find(struct gw_slots *slots, uint64_t id);

/* Like find(), for the object in slot `index`, which is below the count. Thread: any. */
void *gw__slots_find_at(struct gw_slots *slots, uint32_t index);

/* Returns the number of slots that were ever used. Thread: any. */
uint32_t gw__slots_count(struct gw_slots *slots);

/* Adds a reference. Thread: any that holds one. */
void gw__slots_ref(struct gw_slots *slots, uint64_t id);

/*
 * Releases a reference.
 *
 * Returns   true when it was the last one: the slot is free, and the caller frees the object
 * Thread    any that holds one
 */
bool gw__slots_unref(struct gw_slots *slots, uint64_t id);

#endif

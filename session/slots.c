/* session/slots.c: a table of objects with ids and reference counts. */
#include "session/slots.h"

#include "session/internal.h"

#include <assert.h>
#include <stdlib.h>

#define ENDED      (UINT64_C(1) << 31)
#define HIDDEN     (UINT64_C(1) << 30)
#define REFERENCES (HIDDEN - 1)

static uint32_t high(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static uint32_t low(uint64_t word)
{
    return (uint32_t)word;
}

static uint64_t join(uint32_t high_half, uint32_t low_half)
{
    return (uint64_t)high_half << 32 | low_half;
}

/* Returns the number of pages for `count` slots. */
static uint32_t page_count(uint32_t count)
{
    return count / GW_SLOT_PAGE_COUNT + (count % GW_SLOT_PAGE_COUNT != 0);
}

/* `index` is below the count of slots, so its page is allocated. */
static struct gw_slot *slot_at(struct gw_slots *slots, uint32_t index)
{
    struct gw_slot *page =
        atomic_load_explicit(&slots->pages[index / GW_SLOT_PAGE_COUNT], memory_order_acquire);
    return &page[index % GW_SLOT_PAGE_COUNT];
}

bool gw__slots_init(struct gw_slots *slots, uint32_t count_max)
{
    assert(count_max > 0);
    atomic_init(&slots->count, 0);
    atomic_init(&slots->free, 0);
    slots->count_max = count_max;
    slots->pages = calloc(page_count(count_max), sizeof(*slots->pages));
    return slots->pages != NULL;
}

void gw__slots_fini(struct gw_slots *slots)
{
    uint32_t pages_used = page_count(atomic_load(&slots->count));
    for (uint32_t page = 0; page < pages_used; page++) {
        free(atomic_load(&slots->pages[page]));
    }
    free(slots->pages);
    slots->pages = NULL;
}

/* When two threads allocate the same page, the second one frees its own. */
static bool make_page(struct gw_slots *slots, uint32_t page)
{
    if (atomic_load_explicit(&slots->pages[page], memory_order_acquire) != NULL) {
        return true;
    }
    struct gw_slot *made = calloc(GW_SLOT_PAGE_COUNT, sizeof(*made));
    if (made == NULL) {
        return false;
    }
    struct gw_slot *none = NULL;
    if (!atomic_compare_exchange_strong(&slots->pages[page], &none, made)) {
        free(made);
    }
    return true;
}

/* Acquires the first slot that was never used. */
static bool take_fresh(struct gw_slots *slots, uint32_t *index_out)
{
    uint32_t index = atomic_load(&slots->count);
    do {
        if (index == slots->count_max || !make_page(slots, index / GW_SLOT_PAGE_COUNT)) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&slots->count, &index, index + 1));
    *index_out = index;
    return true;
}

/* The tag changes with each step, which prevents the ABA problem. */
static bool take_free(struct gw_slots *slots, uint32_t *index_out)
{
    uint64_t first = atomic_load(&slots->free);
    uint64_t rest;
    do {
        if (low(first) == 0) {
            return false;
        }
        struct gw_slot *slot = slot_at(slots, low(first) - 1);
        /* When another thread has acquired it, this is no index, and the exchange fails. */
        uintptr_t next = atomic_load_explicit(&slot->value, memory_order_relaxed);
        rest = join(high(first) + 1, (uint32_t)next);
    } while (!atomic_compare_exchange_weak(&slots->free, &first, rest));
    *index_out = low(first) - 1;
    return true;
}

static void give_back(struct gw_slots *slots, struct gw_slot *slot, uint32_t index)
{
    uint64_t first = atomic_load(&slots->free);
    uint64_t longer;
    do {
        atomic_store_explicit(&slot->value, low(first), memory_order_relaxed);
        longer = join(high(first) + 1, index + 1);
    } while (!atomic_compare_exchange_weak(&slots->free, &first, longer));
}

uint64_t gw__slots_acquire(struct gw_slots *slots, void *object)
{
    uint32_t index;
    if (!take_free(slots, &index) && !take_fresh(slots, &index)) {
        return 0;
    }
    struct gw_slot *slot = slot_at(slots, index);
    uint32_t generation = high(atomic_load_explicit(&slot->word, memory_order_relaxed));
    if (generation == 0) {
        generation = 1; /* 0 << 32 | 0 is GW_SESSION_ID_NONE */
    }
    atomic_store_explicit(&slot->value, (uintptr_t)object, memory_order_relaxed);
    atomic_store(&slot->word, join(generation, HIDDEN | 1));
    return join(generation, index);
}

void gw__slots_publish(struct gw_slots *slots, uint64_t id)
{
    atomic_fetch_and(&slot_at(slots, low(id))->word, ~HIDDEN);
}

void gw__slots_end(struct gw_slots *slots, uint64_t id)
{
    atomic_fetch_or(&slot_at(slots, low(id))->word, ENDED);
}

static bool can_be_found(uint64_t word)
{
    return (word & (ENDED | HIDDEN)) == 0 && (word & REFERENCES) != 0;
}

void *gw__slots_find(struct gw_slots *slots, uint64_t id)
{
    /* The id may come from a peer, with any index. */
    if (low(id) >= gw__slots_count(slots)) {
        return NULL;
    }
    struct gw_slot *slot = slot_at(slots, low(id));
    uint64_t word = atomic_load(&slot->word);
    do {
        if (high(word) != high(id) || !can_be_found(word)) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak(&slot->word, &word, word + 1));
    return (void *)atomic_load_explicit(&slot->value, memory_order_relaxed);
}

void *gw__slots_find_at(struct gw_slots *slots, uint32_t index)
{
    uint64_t word = atomic_load(&slot_at(slots, index)->word);
    return gw__slots_find(slots, join(high(word), index));
}

uint32_t gw__slots_count(struct gw_slots *slots)
{
    return atomic_load(&slots->count);
}

void gw__slots_ref(struct gw_slots *slots, uint64_t id)
{
    atomic_fetch_add_explicit(&slot_at(slots, low(id))->word, 1, memory_order_relaxed);
}

bool gw__slots_unref(struct gw_slots *slots, uint64_t id)
{
    struct gw_slot *slot = slot_at(slots, low(id));
    uint64_t before = atomic_fetch_sub_explicit(&slot->word, 1, memory_order_acq_rel);
    assert((before & REFERENCES) != 0 && high(before) == high(id));
    if ((before & REFERENCES) != 1) {
        return false;
    }
    atomic_store(&slot->word, join(high(id) + 1, 0));
    give_back(slots, slot, low(id));
    return true;
}

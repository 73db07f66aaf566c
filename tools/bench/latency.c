/* tools/bench/latency.c: how long things took, counted in slots that grow with what they hold. */
#include "tools/bench/latency.h"

enum { LINEAR_COUNT = 1 << LATENCY_SLOT_BITS };

static unsigned bits_of(uint64_t number)
{
    unsigned bits = 0;
    for (; number != 0; number >>= 1) {
        bits++;
    }
    return bits;
}

/* The highest LATENCY_SLOT_BITS + 1 bits of a number choose its slot. */
static uint32_t slot_of(uint64_t ns)
{
    if (ns < LINEAR_COUNT) {
        return (uint32_t)ns;
    }
    unsigned shift = bits_of(ns) - LATENCY_SLOT_BITS - 1;
    return (uint32_t)(((uint64_t)shift << LATENCY_SLOT_BITS) + (ns >> shift));
}

static uint64_t beginning_of(uint32_t slot)
{
    if (slot < LINEAR_COUNT) {
        return slot;
    }
    unsigned shift = (slot >> LATENCY_SLOT_BITS) - 1;
    return (uint64_t)(slot - (shift << LATENCY_SLOT_BITS)) << shift;
}

void latency_add(struct latency *latency, uint64_t ns)
{
    latency->count++;
    latency->max_ns = ns > latency->max_ns ? ns : latency->max_ns;
    latency->slots[slot_of(ns)]++;
}

uint64_t latency_percentile_ns(const struct latency *latency, uint32_t permille)
{
    uint64_t below = 0;
    for (uint32_t slot = 0; slot < LATENCY_SLOT_COUNT; slot++) {
        below += latency->slots[slot];
        if (below > 0 && below * 1000 >= latency->count * permille) {
            return beginning_of(slot);
        }
    }
    return 0;
}

/* tools/bench/latency.h: how long things took, counted in slots that grow with what they hold. */
#ifndef GW_TOOLS_BENCH_LATENCY_H
#define GW_TOOLS_BENCH_LATENCY_H

#include <stdint.h>

/* A slot is at most 1/64 wider than its beginning, so a percentile is off by that much. */
enum {
    LATENCY_SLOT_BITS = 6,
    LATENCY_SLOT_COUNT = (64 - LATENCY_SLOT_BITS + 1) << LATENCY_SLOT_BITS
};

struct latency {
    uint64_t count;
    uint64_t max_ns;
    uint64_t slots[LATENCY_SLOT_COUNT];
};

void latency_add(struct latency *latency, uint64_t ns);

/* What `permille` of a thousand did not exceed; 0 when there is nothing. */
uint64_t latency_percentile_ns(const struct latency *latency, uint32_t permille);

#endif

/* tools/dummy-client/pace.c: when each message of a client should leave. */
#include "tools/dummy-client/pace.h"

uint64_t dummy_pace_interval_ns(uint64_t rate_millionths)
{
    return rate_millionths == 0 ? 0 : UINT64_C(1000000000000000) / rate_millionths;
}

void dummy_pace_begin(struct dummy_pace *pace, uint64_t now_ns, uint32_t client)
{
    /* Multiples of the golden ratio spread evenly, however many there are. */
    uint32_t part = client * UINT32_C(0x9E3779B9) >> 16;
    pace->start_ns = now_ns + pace->interval_ns / 65536 * part;
}

uint64_t dummy_pace_slot_ns(const struct dummy_pace *pace, uint64_t slot)
{
    return pace->interval_ns == 0 ? DUMMY_NEVER : pace->start_ns + slot * pace->interval_ns;
}

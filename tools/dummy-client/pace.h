/* tools/dummy-client/pace.h: when each message of a client should leave. */
#ifndef GW_DUMMY_PACE_H
#define GW_DUMMY_PACE_H

#include <stdint.h>

/*
 * The loop is open: message k should leave at start + k * interval, whatever became of the ones
 * before it. Times are measured from then, so that a server that stands still for a second is seen
 * by everything that should have left in that second.
 */
struct dummy_pace {
    uint64_t start_ns;
    uint64_t interval_ns; /* 0: nothing ever leaves */
};

/* What is later than any run. */
#define DUMMY_NEVER UINT64_MAX

/* The interval for a rate in millionths of a message per second; 0 for a rate of 0. */
uint64_t dummy_pace_interval_ns(uint64_t rate_millionths);

/* Begins at `now_ns`, a part of the interval later that differs from client to client. */
void dummy_pace_begin(struct dummy_pace *pace, uint64_t now_ns, uint32_t client);

/* When message `slot`, from 0, should leave. */
uint64_t dummy_pace_slot_ns(const struct dummy_pace *pace, uint64_t slot);

#endif

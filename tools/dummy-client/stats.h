/* tools/dummy-client/stats.h: what all clients together have done so far. */
#ifndef GW_DUMMY_STATS_H
#define GW_DUMMY_STATS_H

#include "tools/dummy-client/histogram.h"
#include "tools/dummy-client/requests.h"
#include "tools/dummy-client/script.h"
#include <stdatomic.h>
#include <stdint.h>

struct gw_port;

/* What can be heard. */
enum dummy_received {
    DUMMY_RECEIVED_SAID,
    DUMMY_RECEIVED_LINE,
    DUMMY_RECEIVED_PLACE,
    DUMMY_RECEIVED_COUNT
};

/* What can take long. The first are the messages, each until its sender hears the answer. */
enum dummy_latency {
    DUMMY_LATENCY_SAY = DUMMY_SAY,
    DUMMY_LATENCY_CHAT = DUMMY_CHAT,
    DUMMY_LATENCY_MOVE = DUMMY_MOVE,
    DUMMY_LATENCY_DELIVERY, /* a chat line, until each of its listeners receives it */
    DUMMY_LATENCY_CONNECT,  /* until a client is greeted */
    DUMMY_LATENCY_COUNT
};

/* All zero is nothing so far. */
struct dummy_counter {
    atomic_uint_least64_t sent[DUMMY_MESSAGE_COUNT];
    atomic_uint_least64_t received[DUMMY_RECEIVED_COUNT];
    struct dummy_histogram latency[DUMMY_LATENCY_COUNT];
    struct dummy_request_counter requests[DUMMY_REQUEST_KIND_COUNT_MAX];
    atomic_uint_least64_t filled; /* packets of --send */
    char gap[128]; /* so that the next worker's counter shares no cache line with this one */
};

/* A counter for each worker: each counts in its own, and who wants to know adds them up. */
struct dummy_stats {
    struct gw_port *port;
    struct dummy_counter *counters;
};

/* Returns 0, or GW_E_MEMORY. Owns: borrows `port`. Thread: setup. */
int dummy_stats_init(struct dummy_stats *stats, struct gw_port *port);

/* A zeroed one may be finished. Thread: setup. */
void dummy_stats_fini(struct dummy_stats *stats);

/* The counter of the worker that calls. Thread: a worker of the port. */
struct dummy_counter *dummy_stats_mine(const struct dummy_stats *stats);

/* Counts in one's own counter. */
void dummy_counter_filled(struct dummy_counter *counter);
void dummy_counter_sent(struct dummy_counter *counter, enum dummy_message message);
void dummy_counter_received(struct dummy_counter *counter, enum dummy_received received,
                            uint64_t count);

/* Adds all counters to `sum`, which is zero at first. Thread: any. */
void dummy_stats_sum(const struct dummy_stats *stats, struct dummy_counter *sum);

/* All messages sent, and all things heard. */
uint64_t dummy_counter_sent_count(const struct dummy_counter *counter);
uint64_t dummy_counter_received_count(const struct dummy_counter *counter);

/* A latency's name for people and programs: "delivery". */
const char *dummy_latency_name(enum dummy_latency latency);

#endif

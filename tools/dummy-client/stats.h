/* tools/dummy-client/stats.h: counters of all clients, one set for each worker. */
#ifndef GW_DUMMY_STATS_H
#define GW_DUMMY_STATS_H

#include "net/histogram.h"
#include "tools/dummy-client/requests.h"
#include "tools/dummy-client/script.h"
#include <stdatomic.h>
#include <stdint.h>

struct gw_port;

/* What is counted when it is received. */
enum dummy_received {
    DUMMY_RECEIVED_SAID,
    DUMMY_RECEIVED_LINE,
    DUMMY_RECEIVED_POSITION,
    DUMMY_RECEIVED_COUNT
};

/* Latencies. The first are those of messages, each until its sender receives the answer. */
enum dummy_latency {
    DUMMY_LATENCY_SAY = DUMMY_SAY,
    DUMMY_LATENCY_CHAT = DUMMY_CHAT,
    DUMMY_LATENCY_MOVE = DUMMY_MOVE,
    DUMMY_LATENCY_DELIVERY, /* a chat line, until each member of the room receives it */
    DUMMY_LATENCY_CONNECT,  /* until a client is greeted */
    DUMMY_LATENCY_COUNT
};

/* All zero is empty. */
struct dummy_counter {
    atomic_uint_least64_t sent[DUMMY_MESSAGE_COUNT];
    atomic_uint_least64_t received[DUMMY_RECEIVED_COUNT];
    struct gw_histogram latency[DUMMY_LATENCY_COUNT];
    struct dummy_request_counter requests[DUMMY_REQUEST_KIND_COUNT_MAX];
    atomic_uint_least64_t filled; /* packets of --send */
    char gap[128];                /* keeps the next worker's counter in other cache lines */
};

/* A counter for each worker: each worker counts in its own, and a reader adds them up. */
struct dummy_stats {
    struct gw_port *port;
    struct dummy_counter *counters;
};

/* Returns 0, or GW_E_MEMORY. Owns: borrows `port`. Thread: setup. */
int dummy_stats_init(struct dummy_stats *stats, struct gw_port *port);

/* Releases the counters; zeroed ones too. Thread: setup. */
void dummy_stats_fini(struct dummy_stats *stats);

/* The counter of the calling worker. Thread: a worker of the port. */
struct dummy_counter *dummy_stats_mine(const struct dummy_stats *stats);

/* Counts. Thread: the worker of the counter. */
void dummy_counter_filled(struct dummy_counter *counter);
void dummy_counter_sent(struct dummy_counter *counter, enum dummy_message message);
void dummy_counter_received(struct dummy_counter *counter, enum dummy_received received,
                            uint64_t count);

/* Adds all counters to `sum`, which is zero at first. Thread: any. */
void dummy_stats_sum(const struct dummy_stats *stats, struct dummy_counter *sum);

/* All messages sent, and all received. */
uint64_t dummy_counter_sent_count(const struct dummy_counter *counter);
uint64_t dummy_counter_received_count(const struct dummy_counter *counter);

/* A latency's name in reports: "delivery". */
const char *dummy_latency_name(enum dummy_latency latency);

#endif

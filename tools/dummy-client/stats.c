/* tools/dummy-client/stats.c: counters of all clients, one set for each worker. */
#include "tools/dummy-client/stats.h"
#include "net/error.h"
#include "net/port.h"
#include <stdlib.h>

int dummy_stats_init(struct dummy_stats *stats, struct gw_port *port)
{
    stats->port = port;
    stats->counters = calloc(gw_port_worker_count(port), sizeof *stats->counters);
    return stats->counters == NULL ? GW_E_MEMORY : 0;
}

void dummy_stats_fini(struct dummy_stats *stats)
{
    free(stats->counters);
    stats->counters = NULL;
}

struct dummy_counter *dummy_stats_mine(const struct dummy_stats *stats)
{
    return &stats->counters[gw_port_worker(stats->port)];
}

static uint64_t get(const atomic_uint_least64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

/* Each number has one writer, so an addition needs no locked instruction. */
static void add(atomic_uint_least64_t *number, uint64_t count)
{
    atomic_store_explicit(number, get(number) + count, memory_order_relaxed);
}

void dummy_counter_sent(struct dummy_counter *counter, enum dummy_message message)
{
    add(&counter->sent[message], 1);
}

void dummy_counter_received(struct dummy_counter *counter, enum dummy_received received,
                            uint64_t count)
{
    add(&counter->received[received], count);
}

void dummy_counter_filled(struct dummy_counter *counter)
{
    add(&counter->filled, 1);
}

static void merge(struct dummy_counter *into, const struct dummy_counter *from)
{
    for (int i = 0; i < DUMMY_MESSAGE_COUNT; i++) {
        add(&into->sent[i], get(&from->sent[i]));
    }
    for (int i = 0; i < DUMMY_RECEIVED_COUNT; i++) {
        add(&into->received[i], get(&from->received[i]));
    }
    for (int i = 0; i < DUMMY_LATENCY_COUNT; i++) {
        gw_histogram_merge(&into->latency[i], &from->latency[i]);
    }
    for (int i = 0; i < DUMMY_REQUEST_KIND_COUNT_MAX; i++) {
        dummy_request_merge(&into->requests[i], &from->requests[i]);
    }
    add(&into->filled, get(&from->filled));
}

void dummy_stats_sum(const struct dummy_stats *stats, struct dummy_counter *sum)
{
    for (uint32_t worker = 0; worker < gw_port_worker_count(stats->port); worker++) {
        merge(sum, &stats->counters[worker]);
    }
}

uint64_t dummy_counter_sent_count(const struct dummy_counter *counter)
{
    uint64_t count = 0;
    for (int i = 0; i < DUMMY_MESSAGE_COUNT; i++) {
        count += get(&counter->sent[i]);
    }
    return count + get(&counter->filled);
}

uint64_t dummy_counter_received_count(const struct dummy_counter *counter)
{
    uint64_t count = 0;
    for (int i = 0; i < DUMMY_RECEIVED_COUNT; i++) {
        count += get(&counter->received[i]);
    }
    return count;
}

const char *dummy_latency_name(enum dummy_latency latency)
{
    switch (latency) {
    case DUMMY_LATENCY_DELIVERY:
        return "delivery";
    case DUMMY_LATENCY_CONNECT:
        return "connect";
    default:
        return dummy_message_name((enum dummy_message)latency);
    }
}

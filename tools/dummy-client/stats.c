/* tools/dummy-client/stats.c: what all clients together have done so far. */
#include "tools/dummy-client/stats.h"
#include "net/error.h"
#include "net/port.h"
#include <stdlib.h>

int dummy_stats_init(struct dummy_stats *stats, struct gw_port *port)
{
    stats->port = port;
    stats->tallies = calloc(gw_port_worker_count(port), sizeof *stats->tallies);
    return stats->tallies == NULL ? GW_E_MEMORY : 0;
}

void dummy_stats_fini(struct dummy_stats *stats)
{
    free(stats->tallies);
    stats->tallies = NULL;
}

struct dummy_tally *dummy_stats_mine(const struct dummy_stats *stats)
{
    return &stats->tallies[gw_port_worker(stats->port)];
}

static uint64_t get(const atomic_uint_least64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

/* Each number has one writer, so that adding needs no locked instruction. */
static void add(atomic_uint_least64_t *number, uint64_t count)
{
    atomic_store_explicit(number, get(number) + count, memory_order_relaxed);
}

void dummy_tally_sent(struct dummy_tally *tally, enum dummy_message message)
{
    add(&tally->sent[message], 1);
}

void dummy_tally_heard(struct dummy_tally *tally, enum dummy_heard heard, uint64_t count)
{
    add(&tally->heard[heard], count);
}

void dummy_tally_filled(struct dummy_tally *tally)
{
    add(&tally->filled, 1);
}

static void merge(struct dummy_tally *into, const struct dummy_tally *from)
{
    for (int i = 0; i < DUMMY_MESSAGE_COUNT; i++) {
        add(&into->sent[i], get(&from->sent[i]));
    }
    for (int i = 0; i < DUMMY_HEARD_COUNT; i++) {
        add(&into->heard[i], get(&from->heard[i]));
    }
    for (int i = 0; i < DUMMY_LATENCY_COUNT; i++) {
        dummy_histogram_merge(&into->latency[i], &from->latency[i]);
    }
    for (int i = 0; i < DUMMY_REQUEST_KIND_COUNT_MAX; i++) {
        dummy_request_merge(&into->requests[i], &from->requests[i]);
    }
    add(&into->filled, get(&from->filled));
}

void dummy_stats_sum(const struct dummy_stats *stats, struct dummy_tally *sum)
{
    for (uint32_t worker = 0; worker < gw_port_worker_count(stats->port); worker++) {
        merge(sum, &stats->tallies[worker]);
    }
}

uint64_t dummy_tally_sent_count(const struct dummy_tally *tally)
{
    uint64_t count = 0;
    for (int i = 0; i < DUMMY_MESSAGE_COUNT; i++) {
        count += get(&tally->sent[i]);
    }
    return count + get(&tally->filled);
}

uint64_t dummy_tally_heard_count(const struct dummy_tally *tally)
{
    uint64_t count = 0;
    for (int i = 0; i < DUMMY_HEARD_COUNT; i++) {
        count += get(&tally->heard[i]);
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

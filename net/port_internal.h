/* net/port_internal.h: Counters, lanes and limits of a port. Private to net. */
#ifndef GW_NET_PORT_INTERNAL_H
#define GW_NET_PORT_INTERNAL_H

#include "net/lane.h"
#include "net/port.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Creates a port as gw_port_create() does, on a backend that need not be in the list; for tests. */
int gw__port_create_on(const struct gw_backend_ops *ops, const struct gw_port_config *config,
                       struct gw_port **port_out);

const struct gw_backend_ops *gw__port_ops(const struct gw_port *port);

bool gw__port_is_stopping(const struct gw_port *port);

/* Posts the task for signals that have arrived since the last call (signals.c). Thread: worker. */
void gw__signals_poll(struct gw_port *port);

/* ---- lanes ---- */

struct gw_lane *gw__port_lane(struct gw_port *port, uint32_t index);

/* The lane for the next object: round robin, or the one with the fewest streams. */
struct gw_lane *gw__port_next_lane(struct gw_port *port);
struct gw_lane *gw__port_emptiest_lane(struct gw_port *port);

/* ---- the limit of streams ---- */

/* Counts one more stream. Returns false when stream_count_max are open. Thread: any. */
bool gw__port_reserve_stream(struct gw_port *port);
void gw__port_release_stream(struct gw_port *port);

/* ---- counters ---- */

/*
 * The counters that threads add to. gw_port_counters() copies their sums to struct gw_port_counters
 * (net/port.h), which the server's report prints (server/counters.c).
 */
enum gw_counter {
    GW_COUNTER_ACCEPTED,
    GW_COUNTER_TURNED_AWAY,
    GW_COUNTER_ACCEPT_PAUSES,
    GW_COUNTER_DIALED,
    GW_COUNTER_BYTES_IN,
    GW_COUNTER_BYTES_OUT,
    GW_COUNTER_RECV_COUNT,
    GW_COUNTER_SEND_COUNT,
    GW_COUNTER_SEND_QUEUE_BYTES,
    GW_COUNTER_SEND_COALESCED,
    GW_COUNTER_WAKE_COUNT,
    GW_COUNTER_COUNT
};

/* The counters of one worker, or of all other threads; the gap separates their cache lines. */
struct gw_worker_counters {
    atomic_uint_least64_t of[GW_COUNTER_COUNT];
    uint8_t gap[64];
};

/* The counters that only this worker adds to. */
struct gw_worker_counters *gw__port_worker_counters(struct gw_port *port, uint32_t worker_index);

/* Adds to a counter on a thread that is not a worker of the port. */
void gw__port_count_elsewhere(struct gw_port *port, enum gw_counter counter, uint64_t number);

/* Adds to a counter; a negative number is added as its complement. Thread: any. */
static inline void gw__port_count(struct gw_port *port, enum gw_counter counter, uint64_t number)
{
    const struct gw_worker *worker = gw__worker();
    if (worker == NULL || worker->port != port) {
        gw__port_count_elsewhere(port, counter, number);
        return;
    }
    /* No other thread writes this counter, so a load and a store do; no locked instruction. */
    atomic_uint_least64_t *sum = &worker->counters->of[counter];
    uint64_t before = atomic_load_explicit(sum, memory_order_relaxed);
    atomic_store_explicit(sum, before + number, memory_order_relaxed);
}

#endif

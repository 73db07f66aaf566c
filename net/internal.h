/* net/internal.h: what the files of this folder tell one another. Private to net. */
#ifndef GW_NET_INTERNAL_H
#define GW_NET_INTERNAL_H

#include "net/lane.h"
#include "net/port.h"
#include "net/turn.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gw_buf;
struct gw_stream;

/* ---- turn.c ---- */

/* As gw_turn_init(), with a home lane of one's own choice. */
void gw__turn_init(struct gw_turn *turn, struct gw_lane *lane, void (*on_free)(struct gw_turn *));

/* Runs what waits for the turn, GW_TURN_TASK_COUNT_MAX tasks at most. */
void gw__turn_run_tasks(struct gw_turn *turn);

/* Ends the turn's time in the queue of its lane. Returns false when more is waiting already. */
bool gw__turn_rest(struct gw_turn *turn);

/* Says that `function` was called outside `turn`, and what the calling thread runs instead. */
void gw__turn_explain(const struct gw_turn *turn, const char *function, char *text, size_t bytes);

/* Whether no task waits for the turn. Thread: its lane, which alone runs it. */
bool gw__turn_is_idle(const struct gw_turn *turn);

/* ---- timer.c ---- */

/* What a wheel does with a timer whose slot has come: posts it, or puts it back. */
void gw__timer_fire(struct gw_timer *timer, uint64_t now_ns);

/* ---- stream.c ---- */

/* The peer of the stream that has this turn; NULL for the turn of another object. Thread: any. */
const struct gw_addr *gw__stream_peer_of(const struct gw_turn *turn);

/* Sends what waits, if the stream is free to. Thread: its lane. */
void gw__stream_flush(struct gw_stream *stream);

/* The link through which a worker remembers the streams to flush. */
struct gw_stream **gw__stream_flush_next(struct gw_stream *stream);

/* ---- buf.c ---- */

/* The kind of a buffer's last bytes, and where they begin; 0: none. Thread: any. */
uint16_t gw__buf_key(const struct gw_buf *buf, uint32_t *begin_out);

/* ---- port.c ---- */

/* Names of the counters that threads add to; sums of them make struct gw_port_counters. */
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

/* The counters of one worker, or of all other threads; a cache line away from the next ones. */
struct gw_worker_counters {
    atomic_uint_least64_t of[GW_COUNTER_COUNT];
    uint8_t gap[64];
};

/* The counters of a worker, to which it alone adds. */
struct gw_worker_counters *gw__port_worker_counters(struct gw_port *port, uint32_t worker_index);

/* Adds to a counter; for threads that are no workers of the port. */
void gw__port_count_elsewhere(struct gw_port *port, enum gw_counter counter, uint64_t number);

/* Adds to a counter; a negative number is added as its complement. Thread: any. */
static inline void gw__port_count(struct gw_port *port, enum gw_counter counter, uint64_t number)
{
    const struct gw_worker *worker = gw__worker();
    if (worker == NULL || worker->port != port) {
        gw__port_count_elsewhere(port, counter, number);
        return;
    }
    /* Nobody else writes here, so that this need not lock the bus. */
    atomic_uint_least64_t *sum = &worker->counters->of[counter];
    uint64_t before = atomic_load_explicit(sum, memory_order_relaxed);
    atomic_store_explicit(sum, before + number, memory_order_relaxed);
}

/* As gw_port_create(), on a backend that need not be in the list; for tests. */
int gw__port_create_on(const struct gw_backend_ops *ops, const struct gw_port_config *config,
                       struct gw_port **port_out);

/* The lane whose turn it is to get a new object, and the one with the fewest streams. */
struct gw_lane *gw__port_next_lane(struct gw_port *port);
struct gw_lane *gw__port_emptiest_lane(struct gw_port *port);

struct gw_lane *gw__port_lane(struct gw_port *port, uint32_t index);

const struct gw_backend_ops *gw__port_ops(const struct gw_port *port);

/* Takes one of stream_count_max places, and gives it back. Taking returns false when none is left.
 */
bool gw__port_reserve_stream(struct gw_port *port);
void gw__port_release_stream(struct gw_port *port);

bool gw__port_is_stopping(const struct gw_port *port);

/* Leaves the signals that have come to their turn. Thread: worker. */
void gw__signals_look(struct gw_port *port);

/* Takes and gives back the place of the worker that this thread becomes. */
void gw__worker_enter(struct gw_worker *worker);
void gw__worker_leave(void);

#endif

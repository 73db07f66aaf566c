/* net/lane.h: one queue of the kernel, and the workers that serve it. Private to net. */
#ifndef GW_NET_LANE_H
#define GW_NET_LANE_H

#include "net/backend/backend.h"
#include "net/os/os.h"
#include "net/pool.h"
#include "net/port.h"
#include "net/stream.h"
#include "net/turn.h"
#include "net/wheel.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gw_stream;
struct gw_worker_counters;

/*
 *   other threads ---> inbox --+
 *                              v
 *   posts of its workers --> ready: turns that have tasks ---> run, 64 tasks each
 *                              ^
 *   timers ---> wheel ---------+          completions ---> wait() ---> done, as turns
 *
 * A lane is one queue of the kernel. On Windows all workers share one lane, and the kernel picks
 * the worker; on Linux each worker has its own, and a socket stays in the lane it was given to.
 */

/* Turns, first in, first out; linked through gw_turn.next. */
struct gw_turn_queue {
    struct gw_turn *first;
    struct gw_turn *last;
};

struct gw_lane {
    const struct gw_backend_ops *ops;
    void *own; /* what the backend keeps for this lane */
    struct gw_port *port;
    uint32_t index;

    struct gw_turn_queue ready;      /* of the lane's workers; locked on a shared lane */
    _Atomic(struct gw_turn *) inbox; /* newest first; from other threads, on a lane of its own */
    atomic_uint sleeper_count;       /* workers that may be waiting in the kernel */
    atomic_bool woken;               /* a wake is on its way to one of them */
    atomic_uint stream_count;        /* whose lane it is */
    struct gw_wheel wheel;           /* this and the next four: locked on a shared lane */
    uint64_t due_ns;                 /* when a worker is to look at the wheel again */
    uint64_t seen_ns;                /* what had arrived by then was taken: such timers may fire */
    uint64_t hold_until_ns;          /* timers are held back, until then at most; 0: they are not */
    uint32_t hold_look_count;        /* until so many looks have brought nothing */
    os_mutex ready_mutex;
    os_mutex wheel_mutex;
    struct gw_turn posted; /* gw_port_post() */
};

/* What belongs to one thread that serves a lane. */
struct gw_worker {
    struct gw_port *port;
    struct gw_lane *lane;
    struct gw_worker_counters *counters; /* its own; nobody else writes there */
    uint32_t index;
    uint64_t now_ns;      /* when the completions or turns of this round were taken */
    struct gw_turn *turn; /* whose turn it is now, or NULL */

    struct gw_task *ending_first; /* gw_turn_at_end() */
    struct gw_task *ending_last;
    struct gw_stream *flush_first; /* streams that were spoken to */
    struct gw_stream *flush_last;
    uint64_t wakes; /* a bit for each lane to wake at the end of the turn */

    struct gw_pool_cache pool;
    uint8_t recv_bytes[GW_STREAM_RECV_BYTES_MAX]; /* where a backend may read to */
};

/* The worker that the calling thread is, or NULL. */
extern _Thread_local struct gw_worker *gw__this_worker;

static inline struct gw_worker *gw__worker(void)
{
    return gw__this_worker;
}

/* Opens and closes a lane. Returns as the backend's open(). Thread: setup. */
int gw__lane_open(struct gw_lane *lane, struct gw_port *port, uint32_t index, const char **why_out);
void gw__lane_close(struct gw_lane *lane);

/* Serves the worker's lane until the port is stopped. Returns 0 or GW_E_SYSTEM. */
int gw__lane_run(struct gw_worker *worker);

/* Runs what still waits in a lane that nobody serves any more. Thread: setup. */
void gw__lane_sweep(struct gw_lane *lane, struct gw_worker *worker);

/* Whether the calling thread may touch what belongs to the lane without a lock. */
bool gw__lane_is_mine(const struct gw_lane *lane);

/* Queues a turn that has got its first task. Thread: any. */
void gw__lane_push(struct gw_lane *lane, struct gw_turn *turn);

/* Makes one sleeping worker look at the lane, if one sleeps. Thread: any; also a signal handler. */
void gw__lane_wake(struct gw_lane *lane);

/* Holds the lock of the wheel on a shared lane; nothing on a lane of its own. */
void gw__lane_lock_wheel(struct gw_lane *lane);
void gw__lane_unlock_wheel(struct gw_lane *lane);

/* Puts `stream` among those that are flushed at the end of this turn. Holds a reference. */
void gw__lane_flush_at_end(struct gw_stream *stream);

#endif

/* net/lane.h: One queue of the kernel and the workers that serve it. Private to net. */
#ifndef GW_NET_LANE_H
#define GW_NET_LANE_H

#include "net/backend/backend.h"
#include "net/os/os.h"
#include "net/pool.h"
#include "net/port.h"
#include "net/stream.h"
#include "net/turn.h"
#include "net/turn_internal.h"
#include "net/wheel.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_worker_counters;

/*
 *   other threads ---> inbox --+
 *                              v
 *   posts of its workers --> ready: turns that have tasks ---> run, 64 tasks each
 *                              ^
 *   timers ---> wheel ---------+          completions ---> wait() ---> done, as turns
 *
 * A lane is one queue of the kernel and its workers. There are two models of concurrency:
 *
 *   one worker    (epoll, io_uring; lane_single.c) Each worker has a lane. A socket stays on the
 * lane that it joined. Only the inbox is shared with other threads, so there is no lock. all
 * workers   (IOCP; lane_shared.c) The port has one lane. The kernel chooses the worker for each
 * completion; ready turns and timers are locked.
 */

/* Turns, first in, first out; linked through gw_turn.next. */
struct gw_turn_queue {
    struct gw_turn *first;
    struct gw_turn *last;
};

static inline void gw__turn_queue_append(struct gw_turn_queue *queue, struct gw_turn *turn)
{
    turn->next = NULL;
    if (queue->first == NULL) {
        queue->first = turn;
    } else {
        queue->last->next = turn;
    }
    queue->last = turn;
}

/* Removes and returns the first turn; NULL when the queue is empty. */
static inline struct gw_turn *gw__turn_queue_take(struct gw_turn_queue *queue)
{
    struct gw_turn *turn = queue->first;
    if (turn != NULL) {
        queue->first = turn->next;
    }
    return turn;
}

/* What differs between the two models. */
struct gw_lane_model {
    /* Queues a turn that has its first task. Thread: any. */
    void (*push)(struct gw_lane *lane, struct gw_turn *turn);

    /* Whether turns are ready. Thread: worker. */
    bool (*is_busy)(struct gw_lane *lane);

    /* Removes and returns all turns that are ready. Thread: worker, setup. */
    struct gw_turn_queue (*take_ready)(struct gw_lane *lane);

    /* Runs ready turns before the next poll of the kernel. Thread: worker. */
    void (*run_ready)(struct gw_lane *lane);

    /* Passes a completion to a turn of its socket's object; see gw__op_done(). Thread: worker. */
    void (*op_done)(struct gw_op *op, int result);

    /* Late timers are deferred until so many polls, each this long, have returned nothing. */
    uint32_t defer_poll_count;
    uint64_t defer_poll_ns; /* 0: polls take their normal time */
};

/* Runs all turns of `queue`. Thread: worker. */
void gw__turn_queue_run(struct gw_turn_queue queue);

extern const struct gw_lane_model gw__lane_single;
extern const struct gw_lane_model gw__lane_shared;

struct gw_lane {
    const struct gw_backend_ops *ops;
    const struct gw_lane_model *model;
    void *own; /* the backend's data */
    struct gw_port *port;
    uint32_t index;

    struct gw_turn_queue ready;      /* locked by ready_mutex on a shared lane */
    _Atomic(struct gw_turn *) inbox; /* from other threads, newest first; unused on a shared lane */
    atomic_uint sleeper_count;       /* workers that may be waiting in the kernel */
    atomic_bool woken;               /* a wake has been sent to one of them */
    atomic_uint stream_count;        /* streams on this lane */
    struct gw_wheel wheel;           /* this and the next four: locked by wheel_mutex if shared */
    uint64_t due_ns;                 /* when a worker must check the wheel again */
    uint64_t seen_ns;                /* completions up to here were taken: such timers may fire */
    uint64_t defer_until_ns;         /* timers are deferred, until then at most; 0: they are not */
    uint32_t defer_poll_count;       /* polls that must still return nothing */
    uint64_t turn_ns; /* the latest time of a turn on a shared lane; locked by ready_mutex */
    os_mutex ready_mutex;
    os_mutex wheel_mutex;
    struct gw_turn posted; /* gw_port_post() */
};

/* The data of one thread that serves a lane. */
struct gw_worker {
    struct gw_port *port;
    struct gw_lane *lane;
    struct gw_worker_counters *counters; /* only this worker writes them */
    uint32_t index;
    uint64_t now_ns;      /* when this round's completions or turns were taken */
    struct gw_turn *turn; /* the turn that is running, or NULL */

    struct gw_task_queue at_end[GW_TURN_END_PHASE_COUNT]; /* due at the end of the turn */
    struct gw_task wake_task; /* in the last phase while `wakes` is not 0 */
    uint64_t wakes;           /* a bit for each lane to wake at the end of the turn */

    struct gw_pool_cache pool;
    uint8_t recv_bytes[GW_STREAM_RECV_BYTES_MAX];      /* a backend may receive into it */
    uint8_t filter_bytes[2][GW_STREAM_RECV_BYTES_MAX]; /* the results of two filters */
};

/* The worker that the calling thread is, or NULL. */
extern _Thread_local struct gw_worker *gw__this_worker;

static inline struct gw_worker *gw__worker(void)
{
    return gw__this_worker;
}

/* Make the calling thread a worker, and undo that. */
void gw__worker_enter(struct gw_worker *worker);
void gw__worker_leave(void);

/* Opens and closes a lane. Returns as the backend's open(). Thread: setup. */
int gw__lane_open(struct gw_lane *lane, struct gw_port *port, uint32_t index, const char **why_out);
void gw__lane_close(struct gw_lane *lane);

/* Serves the worker's lane until the port is stopped. Returns 0 or GW_E_SYSTEM. */
int gw__lane_run(struct gw_worker *worker);

/*
 * Runs the turns that are still queued after the workers have returned, for a bounded number of
 * rounds; then frees the calls of those that post themselves again without end. Thread: setup.
 */
void gw__lane_sweep(struct gw_lane *lane, struct gw_worker *worker);
void gw__lane_drop_calls(struct gw_lane *lane);

/* Whether the calling thread may access the lane's objects without a lock. */
bool gw__lane_is_mine(const struct gw_lane *lane);

/* Queues a turn that has its first task. Thread: any. */
static inline void gw__lane_push(struct gw_lane *lane, struct gw_turn *turn)
{
    lane->model->push(lane, turn);
}

/* Wakes one worker that waits in the kernel, if any. Thread: any; also a signal handler. */
void gw__lane_wake(struct gw_lane *lane);

/* Wakes at the end of the turn that is running; at once when there is none. Thread: any. */
void gw__lane_wake_at_end(struct gw_lane *lane);

/* Lock the wheel of a shared lane; no effect on a lane of one worker. */
void gw__lane_lock_wheel(struct gw_lane *lane);
void gw__lane_unlock_wheel(struct gw_lane *lane);

#endif

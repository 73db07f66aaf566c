/* net/turn.h: Turns: serial execution of the tasks of an object. */
#ifndef GW_NET_TURN_H
#define GW_NET_TURN_H

#include "net/port.h"
#include <stdbool.h>
#include <stdint.h>
#ifndef __cplusplus
#include <stdatomic.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An object with turns runs its tasks one at a time without a thread of its own: a stream, a room,
 * an account. Other code posts tasks to it; some worker runs them, never two at the same time, and
 * each task sees everything that the task before it wrote.
 *
 *      worker 1    post(A)  ...  run A ...... run B   next object
 *      worker 2                  post(B)  continues its own work
 *
 * Posting only queues: a turn never starts inside a call. Every turn has a lane, one kernel queue
 * and its workers, and runs only on these workers. A task that one of them posts runs after the
 * current turn; a task of another thread goes through the lane's inbox, with one wake for a batch.
 * After GW_TURN_TASK_COUNT_MAX tasks the object goes to the end of the lane's queue, so that a busy
 * object does not delay the others.
 *
 * A turn has a reference count, which keeps alive the object that embeds it. Queued tasks hold a
 * reference; code that keeps a pointer from one turn to the next must hold one, too. When the last
 * reference is released, on_free frees the object.
 */
enum {
    GW_TURN_TASK_COUNT_MAX = 64,
    GW_TURN_CALL_BYTES_MAX = 4096, /* of the arguments of gw_turn_call() */
};

struct gw_lane;

/* All members are the library's. C++ has no _Atomic; there the struct has the same layout. */
struct gw_turn {
    struct gw_lane *lane;
    struct gw_task *backlog; /* taken from the inbox and not run yet, oldest first */
    struct gw_turn *next;    /* in the queue of the lane */
    void (*on_free)(struct gw_turn *turn);
#ifdef __cplusplus
    struct gw_task *inbox;
    unsigned ref_count;
#else
    _Atomic(struct gw_task *) inbox; /* newest first; see net/turn.c for the mark */
    atomic_uint ref_count;
#endif
};

/*
 * Initializes a turn on a lane of `port`, chosen round robin, with one reference for the caller.
 *
 * `on_free` is called when the last reference is released, on the thread that releases it, also
 * outside a turn. It may be NULL when other code frees the object after its last task. It must not
 * block.
 *
 * Thread    any
 */
void gw_turn_init(struct gw_turn *turn, struct gw_port *port, void (*on_free)(struct gw_turn *));

/* Adds a reference. Returns `turn`. Thread: any that holds a reference, or turn. */
struct gw_turn *gw_turn_ref(struct gw_turn *turn);

/* Releases a reference; the last one calls on_free. Thread: any. */
void gw_turn_unref(struct gw_turn *turn);

/*
 * Posts `task` to a turn. Tasks run in the order in which they are posted.
 *
 * Owns      borrows `task` until its run is called. The caller holds a reference to the turn during
 *           the call, and needs none after it.
 * Thread    any
 */
void gw_turn_post(struct gw_turn *turn, struct gw_task *task);

/*
 * Posts a call of `fn` with a copy of its arguments. It runs in a turn of `turn`, in order with the
 * tasks of gw_turn_post(). Unlike a task it needs no memory of the caller:
 *
 *      struct hit hit = {.damage = 7};
 *      gw_turn_call(room->turn, apply_hit, &hit, sizeof hit);
 *
 * `fn` receives a pointer to the copy, aligned for any type and valid until `fn` returns. It must
 * not block. A call that is pending when the port is destroyed runs in gw_port_destroy().
 *
 * Returns   0; GW_E_FULL when `bytes` exceeds GW_TURN_CALL_BYTES_MAX, or GW_E_MEMORY; then `fn` is
 *           not called
 * Owns      borrows `data`, which may be NULL when `bytes` is 0. The caller holds a reference to
 *           the turn during the call, and needs none after it.
 * Thread    any
 */
int gw_turn_call(struct gw_turn *turn, void (*fn)(struct gw_turn *turn, void *data),
                 const void *data, uint32_t bytes);

/*
 * Runs `task` at the end of the current turn, before the streams with queued bytes are flushed. For
 * work that must be done once per turn, however often the turn requests it.
 *
 * Owns      borrows `task` until its run is called. It must not be queued already.
 * Thread    turn
 */
void gw_turn_at_end(struct gw_turn *turn, struct gw_task *task);

/* Whether more tasks are queued after the one that is running. Thread: turn. */
bool gw_turn_has_more(const struct gw_turn *turn);

/* Whether the calling thread runs this turn. Thread: any. */
bool gw_turn_is_mine(const struct gw_turn *turn);

/*
 * As gw_turn_is_mine(), for an assertion at the top of a function that must run in a turn:
 *
 *      assert(gw_turn_check(room->turn, __func__));
 *
 * When the calling thread does not run the turn, writes to the standard error which function was
 * called, to which turn it belongs and which turn runs on this thread; the assertion then aborts
 * the program. A build without assertions (NDEBUG) does not call it.
 *
 * Thread    any
 */
bool gw_turn_check(const struct gw_turn *turn, const char *function);

/* The time at which this turn began, by the port's clock, without reading it. Thread: turn. */
uint64_t gw_turn_now_ns(const struct gw_turn *turn);

/* The turn's port. Thread: any. */
struct gw_port *gw_turn_port(const struct gw_turn *turn);

#ifdef __cplusplus
}
#endif

#endif

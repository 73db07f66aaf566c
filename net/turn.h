/* net/turn.h: one object, one turn at a time. */
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
 * A stream has turns, and so has anything else that must be serial without a thread of its own: a
 * room, an account, a save queue. Whoever has something for it leaves a task; some worker runs the
 * tasks, never two at once, and each sees all that the one before it wrote.
 *
 *      worker 1    post(A)  ...  run A ...... run B   next object
 *      worker 2                  post(B)  goes on with its own work
 *
 * Posting only queues: a turn never starts inside a call. Every turn has a home lane, and runs only
 * on workers of that lane: after the current turn when the poster is one of them, otherwise through
 * the lane's inbox, with one wake for a batch. After GW_TURN_TASK_COUNT_MAX tasks the object goes
 * to the end of the queue, so that a busy one does not hold its worker.
 *
 * A turn is counted, and with it the object it is embedded in. It holds itself from the first task
 * posted until the last has run; whoever keeps a pointer across turns holds a reference. When the
 * last one goes, on_free ends the object.
 */
enum {
    GW_TURN_TASK_COUNT_MAX = 64,
    GW_TURN_CALL_BYTES_MAX = 4096, /* of the arguments of gw_turn_call() */
};

struct gw_lane;

/* All members are the port's own. C++ has no _Atomic; there the struct has the same layout. */
struct gw_turn {
    struct gw_lane *lane;
    struct gw_task *backlog; /* taken from the inbox, oldest first, not yet run */
    struct gw_turn *next;    /* in the queue of the lane */
    void (*on_free)(struct gw_turn *turn);
#ifdef __cplusplus
    struct gw_task *inbox;
    unsigned ref_count;
#else
    _Atomic(struct gw_task *) inbox; /* newest first; see net/turn.c for its marks */
    atomic_uint ref_count;
#endif
};

/*
 * Gives the turn a home lane of `port` (they take turns in being chosen) and one reference, the
 * caller's.
 *
 * `on_free` is called when the last reference goes, by whoever lets it go, also outside a turn; it
 * may be NULL when something else ends the object after its last task. It must not block.
 *
 * Thread    any.
 */
void gw_turn_init(struct gw_turn *turn, struct gw_port *port, void (*on_free)(struct gw_turn *));

/* Takes one more reference. Returns `turn`. Thread: any that holds one, or turn. */
struct gw_turn *gw_turn_ref(struct gw_turn *turn);

/* Lets one reference go; the last one calls on_free. Thread: any. */
void gw_turn_unref(struct gw_turn *turn);

/*
 * Leaves `task` for a turn. Tasks run in the order in which they were left.
 *
 * Owns      borrows `task` until its run is called. The caller holds a reference to the turn during
 *           the call, and needs none after it.
 * Thread    any.
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
 * Returns   0; GW_E_FULL when `bytes` exceeds GW_TURN_CALL_BYTES_MAX, or GW_E_MEMORY. After an
 * error `fn` is not called. Owns      borrows `data`, which may be NULL when `bytes` is 0, during
 * the call. The caller holds a reference to the turn during the call, and needs none after it.
 * Thread    any.
 */
int gw_turn_call(struct gw_turn *turn, void (*fn)(struct gw_turn *turn, void *data),
                 const void *data, uint32_t bytes);

/*
 * Runs `task` at the end of the turn that is running now, before the streams that were spoken to
 * leave. What must happen once, however often it was asked for in a turn, belongs here.
 *
 * Owns      borrows `task` until its run is called. It must not be waiting already.
 * Thread    turn.
 */
void gw_turn_at_end(struct gw_turn *turn, struct gw_task *task);

/* Whether tasks wait already, behind the one that is running. Thread: turn. */
bool gw_turn_has_more(const struct gw_turn *turn);

/* Whether the calling thread has the turn. Thread: any. */
bool gw_turn_is_mine(const struct gw_turn *turn);

/*
 * The same, for the assertion at the top of a function that belongs to a turn:
 *
 *      assert(gw_turn_check(room->turn, __func__));
 *
 * When the calling thread does not have the turn, writes to the standard error which function was
 * called, which turn it belongs to and which turn runs on this thread; the assertion then stops the
 * program. A build without assertions (NDEBUG) does not call it.
 *
 * Thread    any.
 */
bool gw_turn_check(const struct gw_turn *turn, const char *function);

/* When this turn began, by the port's clock; cheaper than asking the clock. Thread: turn. */
uint64_t gw_turn_now_ns(const struct gw_turn *turn);

/* The port it belongs to. Thread: any. */
struct gw_port *gw_turn_port(const struct gw_turn *turn);

#ifdef __cplusplus
}
#endif

#endif

/* net/lane.c: The loop of a worker: ready turns, timers, and waiting for the kernel. */
#include "net/lane.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/port_internal.h"
#include <assert.h>

_Thread_local struct gw_worker *gw__this_worker;

static void wake_lanes(struct gw_task *task)
{
    struct gw_worker *worker = GW_CONTAINER_OF(task, struct gw_worker, wake_task);
    uint64_t wakes = worker->wakes;
    worker->wakes = 0;
    for (uint32_t index = 0; wakes != 0; index++, wakes >>= 1) {
        if ((wakes & 1) != 0) {
            gw__lane_wake(gw__port_lane(worker->port, index));
        }
    }
}

void gw__worker_enter(struct gw_worker *worker)
{
    assert(gw__worker() == NULL);
    worker->counters = gw__port_worker_counters(worker->port, worker->index);
    worker->wake_task.run = wake_lanes;
    gw__this_worker = worker;
}

void gw__worker_leave(void)
{
    gw__this_worker = NULL;
}

uint8_t *gw__worker_recv_bytes(void)
{
    return gw__worker()->recv_bytes;
}

static void fini_mutexes(struct gw_lane *lane)
{
    os_mutex_fini(&lane->wheel_mutex);
    os_mutex_fini(&lane->ready_mutex);
}

int gw__lane_open(struct gw_lane *lane, struct gw_port *port, uint32_t index, const char **why_out)
{
    const struct gw_backend_ops *ops = gw__port_ops(port);
    lane->ops = ops;
    lane->model = ops->lane_shared ? &gw__lane_shared : &gw__lane_single;
    lane->port = port;
    lane->index = index;
    os_mutex_init(&lane->ready_mutex);
    os_mutex_init(&lane->wheel_mutex);
    gw__wheel_init(&lane->wheel, ops->now_ns());
    gw__turn_init(&lane->posted, lane, NULL);
    int error = ops->open(lane, why_out);
    if (error != GW_OK) {
        fini_mutexes(lane);
    }
    return error;
}

void gw__lane_close(struct gw_lane *lane)
{
    lane->ops->close(lane);
    fini_mutexes(lane);
}

void gw__turn_queue_run(struct gw_turn_queue queue)
{
    for (struct gw_turn *turn; (turn = gw__turn_queue_take(&queue)) != NULL;) {
        gw__turn_run(turn);
    }
}

bool gw__lane_is_mine(const struct gw_lane *lane)
{
    return gw__worker() != NULL && gw__worker()->lane == lane && !lane->ops->lane_shared;
}

bool gw__lane_is_busy(struct gw_lane *lane)
{
    return lane->model->is_busy(lane);
}

void gw__op_done(struct gw_op *op, int result)
{
    gw__op_socket(op)->turn->lane->model->op_done(op, result);
}

/* ---- waking ---- */

void gw__lane_wake(struct gw_lane *lane)
{
    if (atomic_load(&lane->sleeper_count) > 0 && !atomic_exchange(&lane->woken, true)) {
        gw__port_count(lane->port, GW_COUNTER_WAKE_COUNT, 1);
        lane->ops->wake(lane);
    }
}

void gw__lane_wake_at_end(struct gw_lane *lane)
{
    struct gw_worker *worker = gw__worker();
    if (worker != NULL && worker->port == lane->port && worker->turn != NULL) {
        if (worker->wakes == 0) {
            gw__turn_at_end(GW_TURN_END_WAKE, &worker->wake_task);
        }
        worker->wakes |= (uint64_t)1 << lane->index;
    } else {
        gw__lane_wake(lane);
    }
}

void gw__lane_awake(struct gw_lane *lane)
{
    atomic_fetch_sub(&lane->sleeper_count, 1);
    atomic_store(&lane->woken, false);
    gw__worker()->now_ns = lane->ops->now_ns();
}

uint64_t gw__lane_left_ns(const struct gw_lane *lane, uint64_t deadline_ns)
{
    const uint64_t left_ns_max = (uint64_t)3600 * 1000000000; /* every kernel accepts an hour */
    uint64_t now_ns = deadline_ns == 0 ? 0 : lane->ops->now_ns();
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    return left_ns < left_ns_max ? left_ns : left_ns_max;
}

/* ---- timers ---- */

void gw__lane_lock_wheel(struct gw_lane *lane)
{
    if (lane->ops->lane_shared) {
        os_mutex_lock(&lane->wheel_mutex);
    }
}

void gw__lane_unlock_wheel(struct gw_lane *lane)
{
    if (lane->ops->lane_shared) {
        os_mutex_unlock(&lane->wheel_mutex);
    }
}

/* One call of the backend's wait(). */
struct poll {
    uint64_t began_ns;    /* when its round began */
    uint64_t deadline_ns; /* until when it was allowed to wait */
    uint64_t back_ns;     /* when it returned */
    bool was_empty;       /* it returned nothing, and no turn is ready */
};

/*
 * Returns the time up to which this poll has taken the completions. A wait that returned something
 * may have returned early, so only its beginning counts; one that returned nothing has taken all up
 * to its deadline.
 */
static uint64_t seen_until_ns(const struct poll *poll)
{
    uint64_t slept_until_ns = poll->deadline_ns < poll->back_ns ? poll->deadline_ns : poll->back_ns;
    return poll->was_empty && slept_until_ns > poll->began_ns ? slept_until_ns : poll->began_ns;
}

/*
 * Advances the time up to which timers may fire. After a poll that returned late, and after one
 * whose completions took long to handle, timers are deferred: their turns would see a time up to
 * which the kernel was not polled. They are deferred until as many polls as the model says have
 * returned nothing; for as long as the delay was, and one second at most. The wheel is locked.
 */
static void note_poll(struct gw_lane *lane, const struct poll *poll)
{
    enum { LATE_NS = 50000000, DEFER_NS_MAX = 1000000000 };
    uint64_t due_ns =
        poll->deadline_ns == 0 || lane->due_ns < poll->began_ns ? poll->began_ns : lane->due_ns;
    uint64_t now_ns = gw__worker()->now_ns;
    bool is_late = poll->back_ns != 0 && now_ns > due_ns; /* 0: no poll yet */
    uint64_t late_ns = is_late ? now_ns - due_ns : 0;
    if (lane->defer_until_ns == 0 && late_ns > LATE_NS) {
        lane->defer_until_ns = now_ns + (late_ns < DEFER_NS_MAX ? late_ns : DEFER_NS_MAX);
        lane->defer_poll_count = lane->model->defer_poll_count;
        return;
    }
    if (lane->defer_until_ns != 0) {
        lane->defer_poll_count -= poll->was_empty ? 1 : 0;
        if (lane->defer_poll_count > 0 && poll->back_ns < lane->defer_until_ns) {
            return;
        }
        lane->defer_until_ns = 0;
    }
    uint64_t seen_ns = seen_until_ns(poll);
    lane->seen_ns = seen_ns > lane->seen_ns ? seen_ns : lane->seen_ns;
}

/* Fires the timers that were due when the kernel was last polled, not those that are due now. */
static void fire_timers(struct gw_lane *lane, const struct poll *poll)
{
    gw__lane_lock_wheel(lane);
    note_poll(lane, poll);
    gw__wheel_advance(&lane->wheel, lane->seen_ns, gw__timer_fire);
    if (lane->ops->lane_shared) { /* other workers have waited since before these timers fired */
        lane->due_ns = gw__wheel_next_ns(&lane->wheel);
    }
    gw__lane_unlock_wheel(lane);
}

static uint64_t next_deadline_ns(struct gw_lane *lane)
{
    gw__lane_lock_wheel(lane);
    uint64_t next = gw__wheel_next_ns(&lane->wheel);
    if (lane->defer_until_ns != 0 && lane->model->defer_poll_ns != 0) {
        next = gw__worker()->now_ns + lane->model->defer_poll_ns;
    }
    lane->due_ns = next;
    gw__lane_unlock_wheel(lane);
    return next;
}

/* ---- the loop ---- */

/*
 * Waits for the kernel until the next timer is due. A thread that pushes a turn after the check
 * below sees a sleeper and `woken` false, so it wakes: `woken` is cleared here because a late wake
 * for the wait before may have set it after that wait had returned.
 */
static int wait_in_kernel(struct gw_lane *lane, struct poll *poll_out)
{
    struct poll poll = {.began_ns = gw__worker()->now_ns, .deadline_ns = next_deadline_ns(lane)};
    atomic_fetch_add(&lane->sleeper_count, 1);
    atomic_store(&lane->woken, false);
    if (gw__lane_is_busy(lane) || gw__port_is_stopping(lane->port)) {
        poll.deadline_ns = 0;
    }
    int result = lane->ops->wait(lane, poll.deadline_ns);
    poll.back_ns = gw__worker()->now_ns;
    poll.was_empty = result == GW_WAIT_NOTHING && !gw__lane_is_busy(lane);
    *poll_out = poll;
    return result;
}

int gw__lane_run(struct gw_worker *worker)
{
    struct gw_lane *lane = worker->lane;
    struct poll poll = {0};
    int result = GW_WAIT_NOTHING;
    while ((result == GW_WAIT_NOTHING || result == GW_WAIT_SOMETHING) &&
           !gw__port_is_stopping(worker->port)) {
        worker->now_ns = lane->ops->now_ns();
        gw__signals_poll(worker->port);
        fire_timers(lane, &poll);
        lane->model->run_ready(lane);
        result = wait_in_kernel(lane, &poll);
    }
    gw__lane_wake(lane); /* on a shared lane each worker that stops wakes the next one */
    return result == GW_WAIT_SOMETHING ? GW_OK : result;
}

void gw__lane_sweep(struct gw_lane *lane, struct gw_worker *worker)
{
    enum { ROUND_COUNT_MAX = 64 }; /* a task may post itself again without end */
    worker->lane = lane;
    worker->now_ns = lane->ops->now_ns();
    for (int round = 0; round < ROUND_COUNT_MAX && gw__lane_is_busy(lane); round++) {
        gw__turn_queue_run(lane->model->take_ready(lane));
    }
}

void gw__lane_drop_calls(struct gw_lane *lane)
{
    struct gw_turn_queue ready = lane->model->take_ready(lane);
    for (struct gw_turn *turn; (turn = gw__turn_queue_take(&ready)) != NULL;) {
        gw__turn_drop_calls(turn);
    }
}

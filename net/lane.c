/* net/lane.c: one queue of the kernel, and the workers that serve it. */
#include "net/lane.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/internal.h"
#include <assert.h>
#include <stddef.h>

_Thread_local struct gw_worker *gw__this_worker;

void gw__worker_enter(struct gw_worker *worker)
{
    assert(gw__worker() == NULL);
    worker->counters = gw__port_worker_counters(worker->port, worker->index);
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

bool gw__lane_is_mine(const struct gw_lane *lane)
{
    return gw__worker() != NULL && gw__worker()->lane == lane && !lane->ops->lane_shared;
}

static void lock(struct gw_lane *lane, os_mutex *mutex)
{
    if (lane->ops->lane_shared) {
        os_mutex_lock(mutex);
    }
}

static void unlock(struct gw_lane *lane, os_mutex *mutex)
{
    if (lane->ops->lane_shared) {
        os_mutex_unlock(mutex);
    }
}

void gw__lane_lock_wheel(struct gw_lane *lane)
{
    lock(lane, &lane->wheel_mutex);
}

void gw__lane_unlock_wheel(struct gw_lane *lane)
{
    unlock(lane, &lane->wheel_mutex);
}

/* ---- waking ---- */

void gw__lane_wake(struct gw_lane *lane)
{
    if (atomic_load(&lane->sleeper_count) > 0 && !atomic_exchange(&lane->woken, true)) {
        gw__port_count(lane->port, GW_COUNTER_WAKE_COUNT, 1);
        lane->ops->wake(lane);
    }
}

/* Wakes at the end of the turn, once for all that is left in it; at once when there is no turn. */
static void wake_soon(struct gw_lane *lane)
{
    if (gw__worker() != NULL && gw__worker()->port == lane->port && gw__worker()->turn != NULL) {
        gw__worker()->wakes |= (uint64_t)1 << lane->index;
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
    const uint64_t left_ns_max = (uint64_t)3600 * 1000000000; /* all kernels take an hour */
    uint64_t now_ns = deadline_ns == 0 ? 0 : lane->ops->now_ns();
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    return left_ns < left_ns_max ? left_ns : left_ns_max;
}

/* ---- the queue of turns ---- */

static void append(struct gw_turn_queue *queue, struct gw_turn *turn)
{
    turn->next = NULL;
    if (queue->first == NULL) {
        queue->first = turn;
    } else {
        queue->last->next = turn;
    }
    queue->last = turn;
}

static struct gw_turn *take_first(struct gw_turn_queue *queue)
{
    struct gw_turn *turn = queue->first;
    if (turn != NULL) {
        queue->first = turn->next;
    }
    return turn;
}

static void push_inbox(struct gw_lane *lane, struct gw_turn *turn)
{
    struct gw_turn *newest = atomic_load_explicit(&lane->inbox, memory_order_relaxed);
    do {
        turn->next = newest;
    } while (!atomic_compare_exchange_weak(&lane->inbox, &newest, turn));
}

/* A worker that leaves something in its own lane looks there before it sleeps. */
static bool serves(const struct gw_lane *lane)
{
    const struct gw_worker *worker = gw__worker();
    return worker != NULL && worker->lane == lane;
}

void gw__lane_push(struct gw_lane *lane, struct gw_turn *turn)
{
    if (gw__lane_is_mine(lane)) {
        append(&lane->ready, turn);
        return;
    }
    if (lane->ops->lane_shared) {
        os_mutex_lock(&lane->ready_mutex);
        append(&lane->ready, turn);
        os_mutex_unlock(&lane->ready_mutex);
    } else {
        push_inbox(lane, turn);
    }
    if (!serves(lane)) {
        wake_soon(lane);
    }
}

/* Moves what other threads have left behind what is ready, oldest first. */
static void collect_inbox(struct gw_lane *lane)
{
    if (atomic_load_explicit(&lane->inbox, memory_order_relaxed) == NULL) {
        return;
    }
    struct gw_turn *newest = atomic_exchange(&lane->inbox, NULL);
    struct gw_turn *oldest = NULL;
    while (newest != NULL) {
        struct gw_turn *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct gw_turn *next = oldest->next;
        append(&lane->ready, oldest);
        oldest = next;
    }
}

bool gw__lane_is_busy(struct gw_lane *lane)
{
    lock(lane, &lane->ready_mutex);
    bool busy = lane->ready.first != NULL || atomic_load(&lane->inbox) != NULL;
    unlock(lane, &lane->ready_mutex);
    return busy;
}

/* ---- turns ---- */

static void begin_turn(struct gw_turn *turn)
{
    gw__worker()->turn = turn;
}

static void run_endings(struct gw_worker *worker)
{
    while (worker->ending_first != NULL) {
        struct gw_task *task = worker->ending_first;
        worker->ending_first = task->next;
        task->run(task);
    }
}

void gw__lane_flush_at_end(struct gw_stream *stream)
{
    struct gw_worker *worker = gw__worker();
    *gw__stream_flush_next(stream) = NULL;
    if (worker->flush_first == NULL) {
        worker->flush_first = stream;
    } else {
        *gw__stream_flush_next(worker->flush_last) = stream;
    }
    worker->flush_last = stream;
}

static void flush_streams(struct gw_worker *worker)
{
    while (worker->flush_first != NULL) {
        struct gw_stream *stream = worker->flush_first;
        worker->flush_first = *gw__stream_flush_next(stream);
        gw__stream_flush(stream);
    }
}

static void wake_lanes(struct gw_worker *worker)
{
    uint64_t wakes = worker->wakes;
    worker->wakes = 0;
    for (uint32_t index = 0; wakes != 0; index++, wakes >>= 1) {
        if ((wakes & 1) != 0) {
            gw__lane_wake(gw__port_lane(worker->port, index));
        }
    }
}

/* What was said in the turn leaves now, while it is hot. */
static void end_turn(void)
{
    struct gw_worker *worker = gw__worker();
    run_endings(worker);
    flush_streams(worker);
    wake_lanes(worker);
    worker->turn = NULL;
}

static void run_turn(struct gw_lane *lane, struct gw_turn *turn)
{
    begin_turn(turn);
    gw__turn_run_tasks(turn);
    end_turn();
    if (!gw__turn_rest(turn)) {
        gw__lane_push(lane, turn);
        return;
    }
    gw_turn_unref(turn);
    flush_streams(gw__worker()); /* an object that goes may have had last words for others */
}

/* An operation's task, on a shared lane. */
static void run_op(struct gw_task *task)
{
    struct gw_op *op = GW_CONTAINER_OF(task, struct gw_op, own.task);
    gw__op_socket(op)->done(op, op->result);
}

void gw__op_done(struct gw_op *op, int result)
{
    struct gw_socket *socket = gw__op_socket(op);
    struct gw_turn *turn = socket->turn;
    if (turn->lane->ops->lane_shared) {
        op->result = result;
        op->own.task.run = run_op;
        gw_turn_post(turn, &op->own.task);
        return;
    }
    begin_turn(turn);
    socket->done(op, result);
    end_turn();
}

/* ---- the worker's round ---- */

/* One round: the turns that are ready now. Those that become ready meanwhile come next round. */
static void run_ready(struct gw_lane *lane)
{
    lock(lane, &lane->ready_mutex);
    struct gw_turn_queue round = lane->ready;
    lane->ready = (struct gw_turn_queue){NULL, NULL};
    unlock(lane, &lane->ready_mutex);
    for (struct gw_turn *turn; (turn = take_first(&round)) != NULL;) {
        run_turn(lane, turn);
    }
}

/*
 * On a shared lane the turns are dealt out one by one, so that no worker sits on many. Returns
 * whether there was one.
 */
static bool run_one_ready(struct gw_lane *lane, bool wake)
{
    lock(lane, &lane->ready_mutex);
    struct gw_turn *turn = take_first(&lane->ready);
    bool more = lane->ready.first != NULL;
    unlock(lane, &lane->ready_mutex);
    if (more && wake) {
        gw__lane_wake(lane);
    }
    if (turn != NULL) {
        run_turn(lane, turn);
    }
    return turn != NULL;
}

/*
 * Runs a few turns, then looks at the kernel again: what finishes there is as old as what is ready
 * here. Who takes the first one and sees more wakes the next worker, who does the same: one wake
 * for each round, however much there is.
 */
static void run_some_ready(struct gw_lane *lane)
{
    enum { SHARED_TURN_COUNT_MAX = 16 };
    for (int i = 0; i < SHARED_TURN_COUNT_MAX && run_one_ready(lane, i == 0); i++) {
    }
}

/* One call of wait(): when its round began, until when it was to last, when it returned. */
struct look {
    uint64_t began_ns;
    uint64_t deadline_ns;
    uint64_t back_ns;
    bool brought_nothing;
};

/*
 * Returns the time up to which this look has seen what arrived. A wait that brought something may
 * have returned early, so only its beginning counts; one that brought nothing has seen all up to
 * its deadline.
 */
static uint64_t seen_until_ns(const struct look *look)
{
    uint64_t slept_until_ns = look->deadline_ns < look->back_ns ? look->deadline_ns : look->back_ns;
    return look->brought_nothing && slept_until_ns > look->began_ns ? slept_until_ns
                                                                    : look->began_ns;
}

/*
 * After a late return timers are held back until a look brings nothing; on a shared lane several
 * looks that last a while, since another worker may have taken something from the kernel and not
 * have left its task yet. Locked.
 */
enum { LATE_NS = 50000000, HOLD_NS_MAX = 1000000000, SHARED_LOOK_COUNT = 5, LOOK_NS = 2000000 };

static void note_look(struct gw_lane *lane, const struct look *look)
{
    uint64_t due_ns =
        look->deadline_ns == 0 || lane->due_ns < look->began_ns ? look->began_ns : lane->due_ns;
    uint64_t late_ns = look->back_ns > due_ns ? look->back_ns - due_ns : 0;
    if (lane->hold_until_ns == 0 && late_ns > LATE_NS) {
        lane->hold_until_ns = look->back_ns + (late_ns < HOLD_NS_MAX ? late_ns : HOLD_NS_MAX);
        lane->hold_look_count = lane->ops->lane_shared ? SHARED_LOOK_COUNT : 1;
        return;
    }
    if (lane->hold_until_ns != 0) {
        lane->hold_look_count -= look->brought_nothing ? 1 : 0;
        if (lane->hold_look_count > 0 && look->back_ns < lane->hold_until_ns) {
            return;
        }
        lane->hold_until_ns = 0;
    }
    uint64_t seen_ns = seen_until_ns(look);
    lane->seen_ns = seen_ns > lane->seen_ns ? seen_ns : lane->seen_ns;
}

/* Fires the timers that were due when the kernel was last asked, not those that are due now. */
static void fire_timers(struct gw_lane *lane, const struct look *look)
{
    gw__lane_lock_wheel(lane);
    note_look(lane, look);
    gw__wheel_advance(&lane->wheel, lane->seen_ns, gw__timer_fire);
    if (lane->ops->lane_shared) { /* others have slept since before these timers fired */
        lane->due_ns = gw__wheel_next_ns(&lane->wheel);
    }
    gw__lane_unlock_wheel(lane);
}

static uint64_t next_deadline_ns(struct gw_lane *lane)
{
    gw__lane_lock_wheel(lane);
    uint64_t next = gw__wheel_next_ns(&lane->wheel);
    if (lane->hold_until_ns != 0 && lane->ops->lane_shared) {
        next = gw__worker()->now_ns + LOOK_NS;
    }
    lane->due_ns = next;
    gw__lane_unlock_wheel(lane);
    return next;
}

/*
 * Sleeps until there is something to do. Whoever leaves something after the look sees a sleeper,
 * and one that nobody has woken yet: a late waker of the sleep before may have marked it, and its
 * wake may have been taken already.
 */
static int wait_in_kernel(struct gw_lane *lane, struct look *look_out)
{
    struct look look = {.began_ns = gw__worker()->now_ns, .deadline_ns = next_deadline_ns(lane)};
    atomic_fetch_add(&lane->sleeper_count, 1);
    atomic_store(&lane->woken, false);
    if (gw__lane_is_busy(lane) || gw__port_is_stopping(lane->port)) {
        look.deadline_ns = 0;
    }
    int result = lane->ops->wait(lane, look.deadline_ns);
    look.back_ns = gw__worker()->now_ns;
    look.brought_nothing = result == GW_WAIT_NOTHING && !gw__lane_is_busy(lane);
    *look_out = look;
    return result;
}

int gw__lane_run(struct gw_worker *worker)
{
    struct gw_lane *lane = worker->lane;
    struct look look = {0};
    int result = GW_WAIT_NOTHING;
    while ((result == GW_WAIT_NOTHING || result == GW_WAIT_SOMETHING) &&
           !gw__port_is_stopping(worker->port)) {
        worker->now_ns = lane->ops->now_ns();
        gw__signals_look(worker->port);
        fire_timers(lane, &look);
        if (lane->ops->lane_shared) {
            run_some_ready(lane);
        } else {
            collect_inbox(lane);
            run_ready(lane);
        }
        result = wait_in_kernel(lane, &look);
    }
    gw__lane_wake(lane); /* the next worker of a shared lane receives of the stop from this one */
    return result == GW_WAIT_SOMETHING ? GW_OK : result;
}

void gw__lane_sweep(struct gw_lane *lane, struct gw_worker *worker)
{
    enum { ROUND_COUNT_MAX = 64 }; /* a task may leave itself again, for ever */
    worker->lane = lane;
    worker->now_ns = lane->ops->now_ns();
    for (int round = 0; round < ROUND_COUNT_MAX && gw__lane_is_busy(lane); round++) {
        collect_inbox(lane);
        run_ready(lane);
    }
}

/* net/lane_shared.c: A lane that all workers of a port share, with locks. */
#include "net/lane.h"

#include "net/container_of.h"

static void push(struct gw_lane *lane, struct gw_turn *turn)
{
    os_mutex_lock(&lane->ready_mutex);
    gw__turn_queue_append(&lane->ready, turn);
    os_mutex_unlock(&lane->ready_mutex);
    const struct gw_worker *worker = gw__worker();
    if (worker == NULL || worker->lane != lane) { /* a worker of the lane checks before it sleeps */
        gw__lane_wake_at_end(lane);
    }
}

static bool is_busy(struct gw_lane *lane)
{
    os_mutex_lock(&lane->ready_mutex);
    bool busy = lane->ready.first != NULL;
    os_mutex_unlock(&lane->ready_mutex);
    return busy;
}

static struct gw_turn_queue take_ready(struct gw_lane *lane)
{
    os_mutex_lock(&lane->ready_mutex);
    struct gw_turn_queue ready = lane->ready;
    lane->ready = (struct gw_turn_queue){NULL, NULL};
    os_mutex_unlock(&lane->ready_mutex);
    return ready;
}

/*
 * Runs one turn, if one is ready, and returns whether it did. With `wake` it first wakes another
 * worker if more are ready.
 *
 * Workers read the clock at different moments, and the next turn of an object may run on a worker
 * that read it earlier than the one before. So the lane keeps the latest time of a turn, and no
 * turn begins before it: for an object, time never goes back.
 */
static bool run_one(struct gw_lane *lane, bool wake)
{
    os_mutex_lock(&lane->ready_mutex);
    struct gw_turn *turn = gw__turn_queue_take(&lane->ready);
    bool more = lane->ready.first != NULL;
    struct gw_worker *worker = gw__worker();
    if (worker->now_ns < lane->turn_ns) {
        worker->now_ns = lane->turn_ns;
    }
    lane->turn_ns = worker->now_ns;
    os_mutex_unlock(&lane->ready_mutex);
    if (more && wake) {
        gw__lane_wake(lane);
    }
    if (turn != NULL) {
        gw__turn_run(turn);
    }
    return turn != NULL;
}

/*
 * A worker takes turns one by one, so that the others can run the rest, and polls the kernel again
 * after 16: completions there are as old as the turns that are ready here. The first turn of a
 * round wakes another worker when more are ready, and that worker does the same: each round wakes
 * one worker, however many turns there are.
 */
static void run_ready(struct gw_lane *lane)
{
    enum { TURN_COUNT_MAX = 16 };
    for (int i = 0; i < TURN_COUNT_MAX && run_one(lane, i == 0); i++) {
    }
}

static void run_op(struct gw_task *task)
{
    struct gw_op *op = GW_CONTAINER_OF(task, struct gw_op, own.task);
    gw__op_socket(op)->done(op, op->result);
}

/* Another worker may be running the object's turn, so the completion is posted to it. */
static void op_done(struct gw_op *op, int result)
{
    op->result = result;
    op->own.task.run = run_op;
    gw_turn_post(gw__op_socket(op)->turn, &op->own.task);
}

/* Another worker may have taken a completion and not yet posted it: hence several longer polls. */
const struct gw_lane_model gw__lane_shared = {
    .push = push,
    .is_busy = is_busy,
    .take_ready = take_ready,
    .run_ready = run_ready,
    .op_done = op_done,
    .defer_poll_count = 5,
    .defer_poll_ns = 2000000,
};

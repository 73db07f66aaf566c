/* net/lane_single.c: A lane of one worker: no locks, and an inbox for other threads. */
#include "net/lane.h"

static void push(struct gw_lane *lane, struct gw_turn *turn)
{
    if (gw__lane_is_mine(lane)) {
        gw__turn_queue_append(&lane->ready, turn);
        return;
    }
    struct gw_turn *newest = atomic_load_explicit(&lane->inbox, memory_order_relaxed);
    do {
        turn->next = newest;
    } while (!atomic_compare_exchange_weak(&lane->inbox, &newest, turn));
    gw__lane_wake_at_end(lane);
}

static bool is_busy(struct gw_lane *lane)
{
    return lane->ready.first != NULL || atomic_load(&lane->inbox) != NULL;
}

/* Appends the turns of the inbox to the ready ones, oldest first. */
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
        gw__turn_queue_append(&lane->ready, oldest);
        oldest = next;
    }
}

static struct gw_turn_queue take_ready(struct gw_lane *lane)
{
    collect_inbox(lane);
    struct gw_turn_queue ready = lane->ready;
    lane->ready = (struct gw_turn_queue){NULL, NULL};
    return ready;
}

/* Turns that become ready during this round run in the next one. */
static void run_ready(struct gw_lane *lane)
{
    gw__turn_queue_run(take_ready(lane));
}

/* The worker runs no turn while it takes completions, so the object's turn begins at once. */
static void op_done(struct gw_op *op, int result)
{
    struct gw_socket *socket = gw__op_socket(op);
    gw__turn_begin(socket->turn);
    socket->done(op, result);
    gw__turn_end();
}

const struct gw_lane_model gw__lane_single = {
    .push = push,
    .is_busy = is_busy,
    .take_ready = take_ready,
    .run_ready = run_ready,
    .op_done = op_done,
    .defer_poll_count = 1,
    .defer_poll_ns = 0,
};

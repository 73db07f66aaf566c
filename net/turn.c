/* net/turn.c: Turns: posted tasks of one object, run one after another. */
#include "net/turn.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/lane.h"
#include "net/offload_internal.h"
#include "net/pool.h"
#include "net/stream_internal.h"
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/*
 * The inbox is NULL while the turn is idle, that is, in no queue of its lane. The post that adds
 * the first task queues the turn. From then until no task is left, an empty inbox holds this mark,
 * so that no other post queues the turn again.
 */
static struct gw_task queued_mark;

static bool is_mark(const struct gw_task *task)
{
    return task == NULL || task == &queued_mark;
}

void gw__turn_init(struct gw_turn *turn, struct gw_lane *lane, void (*on_free)(struct gw_turn *))
{
    turn->lane = lane;
    atomic_init(&turn->inbox, NULL);
    turn->backlog = NULL;
    turn->next = NULL;
    turn->on_free = on_free;
    atomic_init(&turn->ref_count, 1);
}

void gw_turn_init(struct gw_turn *turn, struct gw_port *port, void (*on_free)(struct gw_turn *))
{
    gw__turn_init(turn, gw__port_next_lane(port), on_free);
}

struct gw_turn *gw_turn_ref(struct gw_turn *turn)
{
    atomic_fetch_add_explicit(&turn->ref_count, 1, memory_order_relaxed);
    return turn;
}

void gw_turn_unref(struct gw_turn *turn)
{
    if (atomic_fetch_sub_explicit(&turn->ref_count, 1, memory_order_acq_rel) == 1 &&
        turn->on_free != NULL) {
        turn->on_free(turn);
    }
}

void gw_turn_post(struct gw_turn *turn, struct gw_task *task)
{
    struct gw_task *newest = atomic_load_explicit(&turn->inbox, memory_order_relaxed);
    do {
        task->next = is_mark(newest) ? NULL : newest;
    } while (!atomic_compare_exchange_weak(&turn->inbox, &newest, task));

    if (newest == NULL) {
        gw_turn_ref(turn);
        gw__lane_push(turn->lane, turn);
    }
}

/* ---- calls ---- */

/* A pending call, in a block of the pool. */
struct call {
    struct gw_task task;
    struct gw_turn *turn;
    void (*fn)(struct gw_turn *turn, void *data);
    uint32_t bytes;
    _Alignas(max_align_t) uint8_t data[];
};

static void destroy_call(struct call *call)
{
    gw__pool_give(call, (uint32_t)sizeof(*call) + call->bytes);
}

static void run_call(struct gw_task *task)
{
    struct call *call = GW_CONTAINER_OF(task, struct call, task);
    call->fn(call->turn, call->data);
    destroy_call(call);
}

int gw_turn_call(struct gw_turn *turn, void (*fn)(struct gw_turn *turn, void *data),
                 const void *data, uint32_t bytes)
{
    if (bytes > GW_TURN_CALL_BYTES_MAX) {
        return GW_E_FULL;
    }
    struct call *call = gw__pool_take((uint32_t)sizeof(*call) + bytes);
    if (call == NULL) {
        return GW_E_MEMORY;
    }
    *call = (struct call){.task.run = run_call, .turn = turn, .fn = fn, .bytes = bytes};
    if (bytes > 0) {
        memcpy(call->data, data, bytes);
    }
    gw_turn_post(turn, &call->task);
    return GW_OK;
}

/* ---- the end of a turn ---- */

static void append(struct gw_task_queue *queue, struct gw_task *task)
{
    task->next = NULL;
    if (queue->first == NULL) {
        queue->first = task;
    } else {
        queue->last->next = task;
    }
    queue->last = task;
}

void gw__turn_at_end(enum gw_turn_end_phase phase, struct gw_task *task)
{
    append(&gw__worker()->at_end[phase], task);
}

void gw_turn_at_end(struct gw_turn *turn, struct gw_task *task)
{
    assert(gw_turn_check(turn, __func__));
    (void)turn;
    gw__turn_at_end(GW_TURN_END_TASKS, task);
}

static void run_at_end(struct gw_worker *worker)
{
    for (int phase = 0; phase < GW_TURN_END_PHASE_COUNT; phase++) {
        struct gw_task_queue *queue = &worker->at_end[phase];
        while (queue->first != NULL) {
            struct gw_task *task = queue->first;
            queue->first = task->next;
            task->run(task);
        }
    }
}

/* ---- running ---- */

void gw__turn_begin(struct gw_turn *turn)
{
    gw__worker()->turn = turn;
}

void gw__turn_end(void)
{
    struct gw_worker *worker = gw__worker();
    run_at_end(worker);
    worker->turn = NULL;
}

/* Returns all tasks posted so far, oldest first. */
static struct gw_task *take_inbox(struct gw_turn *turn)
{
    struct gw_task *newest = atomic_exchange(&turn->inbox, &queued_mark);
    struct gw_task *oldest = NULL;
    while (!is_mark(newest)) {
        struct gw_task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

/* Makes the turn idle, and returns true, unless it has more tasks. */
static bool rest(struct gw_turn *turn)
{
    struct gw_task *mark = &queued_mark;
    return turn->backlog == NULL && atomic_compare_exchange_strong(&turn->inbox, &mark, NULL);
}

void gw__turn_run(struct gw_turn *turn)
{
    gw__turn_begin(turn);
    if (turn->backlog == NULL) {
        turn->backlog = take_inbox(turn);
    }
    for (int i = 0; i < GW_TURN_TASK_COUNT_MAX && turn->backlog != NULL; i++) {
        struct gw_task *task = turn->backlog;
        turn->backlog = task->next;
        task->run(task); /* may free the task, or post it again */
    }
    gw__turn_end();
    if (!rest(turn)) {
        gw__lane_push(turn->lane, turn);
        return;
    }
    gw_turn_unref(turn);
    run_at_end(gw__worker()); /* on_free of the object may have sent on other streams */
}

static void drop_calls(struct gw_task *task)
{
    while (task != NULL) {
        struct gw_task *next = task->next;
        if (task->run == run_call) {
            destroy_call(GW_CONTAINER_OF(task, struct call, task));
        }
        task = next;
    }
}

void gw__turn_drop_calls(struct gw_turn *turn)
{
    drop_calls(turn->backlog);
    drop_calls(take_inbox(turn));
    turn->backlog = NULL;
}

bool gw__turn_is_idle(const struct gw_turn *turn)
{
    return atomic_load_explicit(&turn->inbox, memory_order_relaxed) == NULL;
}

bool gw_turn_has_more(const struct gw_turn *turn)
{
    assert(gw_turn_check(turn, __func__));
    return turn->backlog != NULL ||
           !is_mark(atomic_load_explicit(&turn->inbox, memory_order_relaxed));
}

bool gw_turn_is_mine(const struct gw_turn *turn)
{
    const struct gw_worker *worker = gw__worker();
    return worker != NULL && worker->turn == turn;
}

enum { TURN_TEXT_BYTES = 48 + GW_ADDR_TEXT_BYTES };

/* Writes which turn it is: by the peer's address for a stream, otherwise by its own address. */
static const char *describe(const struct gw_turn *turn, char *text)
{
    char addr[GW_ADDR_TEXT_BYTES];
    const struct gw_addr *peer = gw__stream_peer_of(turn);
    if (peer != NULL) {
        snprintf(text, TURN_TEXT_BYTES, "the turn of the connection with %s",
                 gw_addr_format(peer, addr));
    } else {
        snprintf(text, TURN_TEXT_BYTES, "turn %p", (const void *)turn);
    }
    return text;
}

void gw__turn_explain(const struct gw_turn *turn, const char *function, char *text, size_t bytes)
{
    const struct gw_worker *worker = gw__worker();
    char expected[TURN_TEXT_BYTES];
    char running[TURN_TEXT_BYTES];
    snprintf(text, bytes,
             "%s() may only be called in %s; this thread runs %s. Post a task with gw_turn_post().",
             function, describe(turn, expected),
             gw__offload_is_working() ? "the work of a job, which is no turn"
             : worker == NULL         ? "no turn, because it is not a worker"
             : worker->turn == NULL   ? "no turn now"
                                      : describe(worker->turn, running));
}

bool gw__rule_broken(const char *text)
{
    fprintf(stderr, "gangway: rule broken: %s\n", text);
    return false;
}

bool gw_turn_check(const struct gw_turn *turn, const char *function)
{
    char text[512];
    if (gw_turn_is_mine(turn)) {
        return true;
    }
    gw__turn_explain(turn, function, text, sizeof text);
    return gw__rule_broken(text);
}

uint64_t gw_turn_now_ns(const struct gw_turn *turn)
{
    assert(gw_turn_check(turn, __func__));
    (void)turn;
    return gw__worker()->now_ns;
}

struct gw_port *gw_turn_port(const struct gw_turn *turn)
{
    return turn->lane->port;
}

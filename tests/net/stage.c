/* tests/net/stage.c: a port with its crew and a door, for one test. */
#include "tests/net/stage.h"

#include "net/crew.h"
#include "net/error.h"
#include "net/internal.h"
#include "net/pool.h"
#include <stdlib.h>

struct stage stage;
const struct gw_backend_ops *stage_backend;
uint32_t stage_worker_count;

/* ---- the door ---- */

/*
 * Who comes in, comes after the door was opened; but that order is the kernel's, and
 * ThreadSanitizer sees it in an accept(2), not in an accept of io_uring. So it is said here.
 */
static void on_accept(struct gw_listener *listener, struct gw_stream *stream, void *context)
{
    (void)context;
    (void)atomic_load(&stage.door_is_open);
    if (stage.play->on_accept != NULL) {
        stage.play->on_accept(listener, stream);
    } else {
        (void)stage_start(stream);
    }
}

static void on_door_close(struct gw_listener *listener, void *context)
{
    (void)listener;
    (void)context;
    atomic_fetch_add(&stage.door_close_count, 1);
}

static const struct gw_listener_events door_events = {on_accept, on_door_close};

static void open_door(const char *addr)
{
    struct gw_listener_config config = {.stream = stage.stream_config};
    assert_int_equal(gw_addr_parse(addr == NULL ? "127.0.0.1:0" : addr, &config.addr), 0);
    assert_int_equal(gw_listener_open(stage.port, &config, &door_events, NULL, &stage.door), 0);
    stage.addr = *gw_listener_addr(stage.door);
    atomic_store(&stage.door_is_open, true);
}

void stage_shut_door(void)
{
    if (stage.door != NULL) {
        gw_listener_close(stage.door);
        stage.door = NULL;
        WAIT_FOR(atomic_load(&stage.door_close_count) == 1);
    }
}

/* ---- opening and closing ---- */

static void hear_log(enum gw_log_level level, const char *event, const struct gw_log_field *fields,
                     size_t field_count, void *context)
{
    (void)event;
    (void)fields;
    (void)field_count;
    (void)context;
    if (level != GW_LOG_DEBUG) {
        atomic_fetch_add(&stage.log_count, 1);
    }
}

static uint32_t or_default(uint32_t number, uint32_t otherwise)
{
    return number == 0 ? otherwise : number;
}

void stage_open(const struct stage_plan *plan)
{
    static const struct play nothing;
    const struct gw_port_config config = {
        .worker_count = stage_worker_count,
        .stream_count_max = or_default(plan->stream_count_max, 1000),
        .log = {hear_log, NULL},
    };
    const struct gw_backend_ops *ops = checking_kernel_on(stage_backend);
    assert_int_equal(gw__port_create_on(ops, &config, &stage.port), 0);
    assert_int_equal(gw_crew_start(stage.port, &stage.crew), 0);
    stage.stream_config = (struct gw_stream_config){
        .recv_bytes_max = or_default(plan->recv_bytes_max, 4096),
        .send_queue_bytes_max = or_default(plan->send_queue_bytes_max, 1 << 20),
    };
    stage.play = plan->play == NULL ? &nothing : plan->play;
    stage.pool_bytes_before = gw__pool_used_bytes();
    open_door(plan->addr);
}

static void end_streams(void)
{
    for (struct actor *actor = atomic_load(&stage.actors); actor != NULL; actor = actor->next) {
        (void)gw_stream_close(actor->stream, GW_E_CLOSED);
    }
    WAIT_FOR(stage_counters().stream_count == 0);
    for (struct actor *actor = atomic_load(&stage.actors); actor != NULL; actor = actor->next) {
        (void)actor_wait_close(actor);
    }
}

static void free_actors(void)
{
    struct actor *actor = atomic_exchange(&stage.actors, NULL);
    while (actor != NULL) {
        struct actor *next = actor->next;
        gw_stream_unref(actor->stream);
        free(actor);
        actor = next;
    }
}

static void assert_account_is_even(void)
{
    struct checking_account account = checking_kernel_account();
    if (checking_kernel_broken_rule() != NULL) {
        fail_msg("this does not hold: %s", checking_kernel_broken_rule());
    }
    assert_int_equal(account.started, account.completed);
    assert_int_equal(account.attached, 0);
    assert_int_equal(account.open, 0);
}

void stage_end(void)
{
    gw_port_stop(stage.port);
    assert_int_equal(gw_crew_join(stage.crew), 0);
    stage.crew = NULL;
    free_actors();
    assert_account_is_even();
    assert_int_equal(stage_counters().stream_count, 0);
    gw_port_destroy(stage.port);
    stage.port = NULL;
    assert_int_equal(gw__pool_used_bytes(), stage.pool_bytes_before);
}

void stage_close(void)
{
    checking_kernel_let_time_go();
    checking_kernel_hold_sends(false);
    stage_shut_door();
    end_streams();
    stage_settle();
    assert_int_equal(stage_counters().send_queue_bytes, 0);
    stage_end();
}

int stage_setup(void **state)
{
    (void)state;
    stage = (struct stage){.port = NULL};
    return 0;
}

/* After a failure the crew goes home, and what it worked for is left where it lies. */
int stage_teardown(void **state)
{
    (void)state;
    if (stage.crew != NULL) {
        gw_port_stop(stage.port);
        (void)gw_crew_join(stage.crew);
    }
    return 0;
}

bool stage_backend_tells_fin_behind_bytes(void)
{
    return stage_backend->backend != GW_BACKEND_IOCP;
}

bool stage_backend_tells_unsent(void)
{
    return stage_backend->backend != GW_BACKEND_IOCP;
}

/* ---- lanes and time ---- */

uint32_t stage_lane_count(void)
{
    return stage_backend->lane_shared ? 1 : stage_worker_count;
}

struct errand {
    struct gw_task task;
    void (*call)(void *context);
    void *context;
    atomic_bool done;
};

static void run_errand(struct gw_task *task)
{
    struct errand *errand = (struct errand *)(void *)task;
    if (errand->call != NULL) {
        errand->call(errand->context);
    }
    atomic_store(&errand->done, true);
}

void run_in_turn(struct gw_turn *turn, void (*call)(void *context), void *context)
{
    struct errand errand = {.task.run = run_errand, .call = call, .context = context};
    gw_turn_post(turn, &errand.task);
    WAIT_FOR(atomic_load(&errand.done));
}

static void run_all_lanes(void)
{
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < stage_lane_count(); i++) {
            run_in_turn(&gw__port_lane(stage.port, i)->errands, NULL, NULL);
        }
        if (stage_backend->lane_shared) { /* what was taken before may still run elsewhere */
            checking_kernel_see_workers(stage_worker_count);
        }
    }
}

static bool holds_timers(struct gw_lane *lane)
{
    gw__lane_lock_wheel(lane);
    bool holds = lane->hold_until_ns != 0;
    gw__lane_unlock_wheel(lane);
    return holds;
}

/* A leap of time looks like a program that did not run: a shared lane holds timers for a while. */
void stage_settle(void)
{
    run_all_lanes();
    if (stage_backend->lane_shared && holds_timers(gw__port_lane(stage.port, 0))) {
        WAIT_FOR(!holds_timers(gw__port_lane(stage.port, 0)));
        run_all_lanes();
    }
}

void stage_leap_ms(uint64_t ms)
{
    checking_kernel_leap_ns(ms * 1000000);
    stage_settle();
}

struct gw_port_counters stage_counters(void)
{
    struct gw_port_counters counters;
    gw_port_counters(stage.port, &counters);
    counters.pool_bytes -= stage.pool_bytes_before;
    return counters;
}

void gate_reset(struct gate *gate)
{
    atomic_store(&gate->reached, false);
    atomic_store(&gate->open, false);
}

void gate_wait(struct gate *gate)
{
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    atomic_store(&gate->reached, true);
    while (!atomic_load(&gate->open)) {
        if (os_now_ns() > end_ns) {
            checking_kernel_break("a gate that was reached is opened");
            return;
        }
        machine_sleep_ms(1);
    }
}

static struct {
    struct gate gate;
    _Atomic(struct gw_lane *) lane;
    atomic_uint left; /* workers of the lane that are still to be held */
} hold;

static bool take_hold(const struct gw_lane *lane)
{
    unsigned left = atomic_load(&hold.left);
    while (atomic_load(&hold.lane) == lane && left > 0) {
        if (atomic_compare_exchange_weak(&hold.left, &left, left - 1)) {
            return true;
        }
    }
    return false;
}

static void hold_worker(void)
{
    if (take_hold(gw__worker()->lane)) {
        gate_wait(&hold.gate);
    }
}

void stage_hold_worker(struct actor *actor)
{
    struct gw_lane *lane = gw_stream_turn(actor->stream)->home;
    stage_settle();
    gate_reset(&hold.gate);
    atomic_store(&hold.lane, lane);
    atomic_store(&hold.left, stage_backend->lane_shared ? stage_worker_count : 1);
    checking_kernel_before_wait(hold_worker);
    WAIT_FOR((lane->ops->wake(lane), atomic_load(&hold.left) == 0));
}

void stage_let_worker_go(void)
{
    machine_sleep_ms(5); /* what a peer did just now is on its way through the kernel */
    atomic_store(&hold.gate.open, true);
}

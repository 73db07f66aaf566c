/* tests/net/port_fixture.c: a port with its workers and a door, for one test. */
#include "tests/net/port_fixture.h"

#include "net/error.h"
#include "net/port_internal.h"
#include "net/pool.h"
#include "net/workers.h"
#include <stdlib.h>

struct port_fixture fixture;
const struct gw_backend_ops *fixture_backend;
uint32_t fixture_worker_count;

/* ---- the door ---- */

/*
 * Who comes in, comes after the door was opened; but that order is the kernel's, and
 * ThreadSanitizer sees it in an accept(2), not in an accept of io_uring. So it is said here.
 */
static void on_accept(struct gw_listener *listener, struct gw_stream *stream, void *context)
{
    (void)context;
    (void)atomic_load(&fixture.test_listener_is_open);
    if (fixture.play->on_accept != NULL) {
        fixture.play->on_accept(listener, stream);
    } else {
        (void)fixture_start(stream);
    }
}

static void on_test_listener_close(struct gw_listener *listener, void *context)
{
    (void)listener;
    (void)context;
    atomic_fetch_add(&fixture.test_listener_close_count, 1);
}

static const struct gw_listener_events test_listener_events = {on_accept, on_test_listener_close};

static void open_test_listener(const char *addr)
{
    struct gw_listener_config config = {.stream = fixture.stream_config};
    assert_int_equal(gw_addr_parse(addr == NULL ? "127.0.0.1:0" : addr, &config.addr), 0);
    assert_int_equal(gw_listener_open(fixture.port, &config, &test_listener_events, NULL,
                                      &fixture.test_listener),
                     0);
    fixture.addr = *gw_listener_addr(fixture.test_listener);
    atomic_store(&fixture.test_listener_is_open, true);
}

void fixture_shut_test_listener(void)
{
    if (fixture.test_listener != NULL) {
        gw_listener_close(fixture.test_listener);
        fixture.test_listener = NULL;
        WAIT_FOR(atomic_load(&fixture.test_listener_close_count) == 1);
    }
}

/* ---- opening and closing ---- */

static void receive_log(enum gw_log_level level, const char *event,
                        const struct gw_log_field *fields, size_t field_count, void *context)
{
    (void)event;
    (void)fields;
    (void)field_count;
    (void)context;
    if (level != GW_LOG_DEBUG) {
        atomic_fetch_add(&fixture.log_count, 1);
    }
}

static uint32_t or_default(uint32_t number, uint32_t otherwise)
{
    return number == 0 ? otherwise : number;
}

void fixture_open(const struct port_fixture_plan *plan)
{
    static const struct play nothing;
    const struct gw_port_config config = {
        .worker_count = fixture_worker_count,
        .stream_count_max = or_default(plan->stream_count_max, 1000),
        .log = {receive_log, NULL},
    };
    const struct gw_backend_ops *ops = checking_kernel_on(fixture_backend);
    assert_int_equal(gw__port_create_on(ops, &config, &fixture.port), 0);
    assert_int_equal(gw_workers_start(fixture.port, &fixture.workers), 0);
    fixture.stream_config = (struct gw_stream_config){
        .recv_bytes_max = or_default(plan->recv_bytes_max, 4096),
        .send_queue_bytes_max = or_default(plan->send_queue_bytes_max, 1 << 20),
    };
    fixture.play = plan->play == NULL ? &nothing : plan->play;
    fixture.pool_bytes_before = gw__pool_used_bytes();
    open_test_listener(plan->addr);
}

static void end_streams(void)
{
    for (struct actor *actor = atomic_load(&fixture.actors); actor != NULL; actor = actor->next) {
        (void)gw_stream_close(actor->stream, GW_E_CLOSED);
    }
    WAIT_FOR(fixture_counters().stream_count == 0);
    for (struct actor *actor = atomic_load(&fixture.actors); actor != NULL; actor = actor->next) {
        (void)actor_wait_close(actor);
    }
}

static void free_actors(void)
{
    struct actor *actor = atomic_exchange(&fixture.actors, NULL);
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

void fixture_end(void)
{
    gw_port_stop(fixture.port);
    assert_int_equal(gw_workers_join(fixture.workers), 0);
    fixture.workers = NULL;
    free_actors();
    assert_account_is_even();
    assert_int_equal(fixture_counters().stream_count, 0);
    gw_port_destroy(fixture.port);
    fixture.port = NULL;
    assert_int_equal(gw__pool_used_bytes(), fixture.pool_bytes_before);
}

void fixture_close(void)
{
    checking_kernel_let_time_go();
    checking_kernel_hold_sends(false);
    fixture_shut_test_listener();
    end_streams();
    fixture_run_now();
    assert_int_equal(fixture_counters().send_queue_bytes, 0);
    fixture_end();
}

int fixture_setup(void **state)
{
    (void)state;
    fixture = (struct port_fixture){.port = NULL};
    return 0;
}

/* After a failure the workers goes home, and what it worked for is left where it lies. */
int fixture_teardown(void **state)
{
    (void)state;
    if (fixture.workers != NULL) {
        gw_port_stop(fixture.port);
        (void)gw_workers_join(fixture.workers);
    }
    return 0;
}

bool fixture_backend_tells_fin_behind_bytes(void)
{
    return fixture_backend->backend != GW_BACKEND_IOCP;
}

bool fixture_backend_tells_unsent(void)
{
    return fixture_backend->backend != GW_BACKEND_IOCP;
}

/* ---- lanes and time ---- */

uint32_t fixture_lane_count(void)
{
    return fixture_backend->lane_shared ? 1 : fixture_worker_count;
}

struct posted_task {
    struct gw_task task;
    void (*call)(void *context);
    void *context;
    atomic_bool done;
};

static void run_posted_task(struct gw_task *task)
{
    struct posted_task *posted_task = (struct posted_task *)(void *)task;
    if (posted_task->call != NULL) {
        posted_task->call(posted_task->context);
    }
    atomic_store(&posted_task->done, true);
}

void run_in_turn(struct gw_turn *turn, void (*call)(void *context), void *context)
{
    struct posted_task posted_task = {
        .task.run = run_posted_task, .call = call, .context = context};
    gw_turn_post(turn, &posted_task.task);
    WAIT_FOR(atomic_load(&posted_task.done));
}

static void run_all_lanes(void)
{
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < fixture_lane_count(); i++) {
            run_in_turn(&gw__port_lane(fixture.port, i)->posted, NULL, NULL);
        }
        if (fixture_backend->lane_shared) { /* what was taken before may still run elsewhere */
            checking_kernel_see_workers(fixture_worker_count);
        }
    }
}

static bool holds_timers(struct gw_lane *lane)
{
    gw__lane_lock_wheel(lane);
    bool holds = lane->defer_until_ns != 0;
    gw__lane_unlock_wheel(lane);
    return holds;
}

/* A leap of time looks like a program that did not run: a shared lane holds timers for a while. */
void fixture_run_now(void)
{
    run_all_lanes();
    if (fixture_backend->lane_shared && holds_timers(gw__port_lane(fixture.port, 0))) {
        WAIT_FOR(!holds_timers(gw__port_lane(fixture.port, 0)));
        run_all_lanes();
    }
}

void fixture_leap_ms(uint64_t ms)
{
    checking_kernel_leap_ns(ms * 1000000);
    fixture_run_now();
}

struct gw_port_counters fixture_counters(void)
{
    struct gw_port_counters counters;
    gw_port_counters(fixture.port, &counters);
    counters.pool_bytes -= fixture.pool_bytes_before;
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

void fixture_hold_worker(struct actor *actor)
{
    struct gw_lane *lane = gw_stream_turn(actor->stream)->lane;
    fixture_run_now();
    gate_reset(&hold.gate);
    atomic_store(&hold.lane, lane);
    atomic_store(&hold.left, fixture_backend->lane_shared ? fixture_worker_count : 1);
    checking_kernel_before_wait(hold_worker);
    WAIT_FOR((lane->ops->wake(lane), atomic_load(&hold.left) == 0));
}

void fixture_let_worker_go(void)
{
    machine_sleep_ms(5); /* what a peer did just now is on its way through the kernel */
    atomic_store(&hold.gate.open, true);
}

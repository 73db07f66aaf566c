/* tests/net/port_fixture.c: A port with its workers and a listener, for one test. */
#include "tests/net/port_fixture.h"

#include "net/error.h"
#include "net/pool.h"
#include "net/port_internal.h"
#include "net/workers.h"
#include "tests/support/test_filter.h"
#include <stdio.h>
#include <stdlib.h>

struct port_fixture fixture;
const struct gw_backend_ops *fixture_backend;
uint32_t fixture_worker_count;
uint32_t fixture_filter_count;

/* ---- the listener ---- */

/*
 * A connection is accepted after the listener was opened. The kernel guarantees that order;
 * ThreadSanitizer sees it in accept(2), but not in an accept of io_uring. This load makes it
 * visible.
 */
static void on_accept(struct gw_listener *listener, struct gw_stream *stream, void *context)
{
    (void)atomic_load(&fixture.listener_is_open);
    if (fixture.callbacks->on_accept != NULL) {
        fixture.callbacks->on_accept(listener, stream);
    } else {
        (void)fixture_start(stream);
    }
}

static void on_listener_close(struct gw_listener *listener, void *context)
{
    atomic_fetch_add(&fixture.listener_close_count, 1);
}

static const struct gw_listener_events listener_events = {on_accept, on_listener_close};

static void open_listener(const struct port_fixture_plan *plan)
{
    struct gw_listener_config config = {.stream = fixture.stream_config};
    const char *text = plan->addr == NULL ? "127.0.0.1:0" : plan->addr;
    assert_int_equal(gw_addr_parse(text, &config.addr), 0);
    config.addr = plan->local_addr == NULL ? config.addr : *plan->local_addr;
    assert_int_equal(
        gw_listener_open(fixture.port, &config, &listener_events, NULL, &fixture.listener), 0);
    fixture.addr = *gw_listener_addr(fixture.listener);
    atomic_store(&fixture.listener_is_open, true);
}

void fixture_close_listener(void)
{
    if (fixture.listener != NULL) {
        gw_listener_close(fixture.listener);
        fixture.listener = NULL;
        WAIT_FOR(atomic_load(&fixture.listener_close_count) == 1);
    }
}

/* ---- opening and closing ---- */

static void receive_log(enum gw_log_level level, const char *event,
                        const struct gw_log_field *fields, size_t field_count, void *context)
{
    if (level != GW_LOG_DEBUG) {
        atomic_fetch_add(&fixture.log_count, 1);
    }
}

static uint32_t or_default(uint32_t number, uint32_t otherwise)
{
    return number == 0 ? otherwise : number;
}

/* ---- rules ---- */

static struct {
    atomic_bool is_set;
    char text[300];
} broken_rule;

void fixture_break_rule(const char *rule)
{
    if (!atomic_exchange(&broken_rule.is_set, true)) {
        (void)snprintf(broken_rule.text, sizeof(broken_rule.text), "%s", rule);
    }
}

const char *fixture_broken_rule(void)
{
    return atomic_load(&broken_rule.is_set) ? broken_rule.text : NULL;
}

static void break_backend_rule(int rule, const char *text)
{
    fixture_break_rule(text);
}

static void *take(size_t bytes)
{
    return calloc(1, bytes);
}

static const struct checking_config checking_config = {
    .broken = break_backend_rule,
    .take = take,
    .give = free,
    .allows_early_shutdown = true,
    .checksum_step = 61, /* all bytes would take long; memory is freed as a whole */
};

void fixture_open(const struct port_fixture_plan *plan)
{
    static const struct stream_callbacks nothing;
    const struct gw_port_config config = {
        .worker_count = fixture_worker_count,
        .stream_count_max = or_default(plan->stream_count_max, 1000),
        .log = {receive_log, NULL},
    };
    const struct gw_backend_ops *ops =
        checking_backend_init(controlled_backend_init(fixture_backend), &checking_config);
    atomic_store(&broken_rule.is_set, false);
    assert_int_equal(gw__port_create_on(ops, &config, &fixture.port), 0);
    assert_int_equal(gw_workers_start(fixture.port, &fixture.workers), 0);
    fixture.stream_config = (struct gw_stream_config){
        .recv_bytes_max = or_default(plan->recv_bytes_max, 4096),
        .send_queue_bytes_max = or_default(plan->send_queue_bytes_max, 1 << 20),
    };
    test_filter_add_clear(&fixture.stream_config, fixture_filter_count);
    fixture.callbacks = plan->callbacks == NULL ? &nothing : plan->callbacks;
    fixture.pool_bytes_before = gw__pool_used_bytes();
    open_listener(plan);
}

static void end_streams(void)
{
    for (struct checked_stream *checked = atomic_load(&fixture.streams); checked != NULL;
         checked = checked->next) {
        (void)gw_stream_close(checked->stream, GW_E_CLOSED);
    }
    WAIT_FOR(fixture_counters().stream_count == 0);
    for (struct checked_stream *checked = atomic_load(&fixture.streams); checked != NULL;
         checked = checked->next) {
        (void)checked_wait_close(checked);
    }
}

static void free_streams(void)
{
    struct checked_stream *checked = atomic_exchange(&fixture.streams, NULL);
    while (checked != NULL) {
        struct checked_stream *next = checked->next;
        gw_stream_unref(checked->stream);
        free(checked);
        checked = next;
    }
}

static void assert_contract_was_kept(void)
{
    checking_backend_fini(true);
    if (fixture_broken_rule() != NULL) {
        fail_msg("broken rule: %s", fixture_broken_rule());
    }
}

void fixture_end(void)
{
    gw_port_stop(fixture.port);
    assert_int_equal(gw_workers_join(fixture.workers), 0);
    fixture.workers = NULL;
    free_streams();
    assert_contract_was_kept();
    assert_int_equal(fixture_counters().stream_count, 0);
    gw_port_destroy(fixture.port);
    fixture.port = NULL;
    assert_int_equal(gw__pool_used_bytes(), fixture.pool_bytes_before);
}

void fixture_close(void)
{
    controlled_backend_resume_time();
    controlled_backend_delay_sends(false);
    fixture_close_listener();
    end_streams();
    fixture_run_now();
    assert_int_equal(fixture_counters().send_queue_bytes, 0);
    fixture_end();
}

int fixture_setup(void **state)
{
    fixture = (struct port_fixture){.port = NULL};
    return 0;
}

/* After a failure stops and joins the workers; the rest of the fixture leaks. */
int fixture_teardown(void **state)
{
    if (fixture.workers != NULL) {
        gw_port_stop(fixture.port);
        (void)gw_workers_join(fixture.workers);
    }
    return 0;
}

bool fixture_backend_reports_fin_behind_bytes(void)
{
    return fixture_backend->backend != GW_BACKEND_IOCP;
}

bool fixture_backend_reports_unsent(void)
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
        if (fixture_backend->lane_shared) { /* another worker may still run a turn */
            controlled_backend_wait_for_workers(fixture_worker_count);
        }
    }
}

static bool defers_timers(struct gw_lane *lane)
{
    gw__lane_lock_wheel(lane);
    bool defers = lane->defer_until_ns != 0;
    gw__lane_unlock_wheel(lane);
    return defers;
}

/* After a jump of the clock a shared lane defers its timers for a while, as after SIGSTOP. */
void fixture_run_now(void)
{
    run_all_lanes();
    if (fixture_backend->lane_shared && defers_timers(gw__port_lane(fixture.port, 0))) {
        WAIT_FOR(!defers_timers(gw__port_lane(fixture.port, 0)));
        run_all_lanes();
    }
}

void fixture_advance_ms(uint64_t ms)
{
    controlled_backend_advance_ns(ms * 1000000);
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
            fixture_break_rule("a gate that was reached is opened");
            return;
        }
        machine_sleep_ms(1);
    }
}

static struct {
    struct gate gate;
    _Atomic(struct gw_lane *) lane;
    atomic_uint left; /* workers of the lane that are to be blocked yet */
} block;

static bool take_block(const struct gw_lane *lane)
{
    unsigned left = atomic_load(&block.left);
    while (atomic_load(&block.lane) == lane && left > 0) {
        if (atomic_compare_exchange_weak(&block.left, &left, left - 1)) {
            return true;
        }
    }
    return false;
}

static void block_worker(void)
{
    if (take_block(gw__worker()->lane)) {
        gate_wait(&block.gate);
    }
}

void fixture_block_worker(struct checked_stream *checked)
{
    struct gw_lane *lane = gw_stream_turn(checked->stream)->lane;
    fixture_run_now();
    gate_reset(&block.gate);
    atomic_store(&block.lane, lane);
    atomic_store(&block.left, fixture_backend->lane_shared ? fixture_worker_count : 1);
    controlled_backend_before_wait(block_worker);
    WAIT_FOR((lane->ops->wake(lane), atomic_load(&block.left) == 0));
}

void fixture_unblock_worker(void)
{
    machine_sleep_ms(5); /* bytes of a peer may still be on their way through the kernel */
    atomic_store(&block.gate.open, true);
}

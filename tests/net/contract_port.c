/* tests/net/contract_port.c: Workers, tasks and the end of a port. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/port_internal.h"
#include "net/workers.h"
#include "tests/net/port_fixture.h"

static struct gw_port *port;
static struct gw_workers *workers;

static void create(void)
{
    const struct gw_port_config config = {
        .backend = fixture_backend->backend,
        .worker_count = fixture_worker_count,
        .stream_count_max = 10,
    };
    assert_int_equal(gw_port_create(&config, &port), 0);
}

static void start(void)
{
    create();
    assert_int_equal(gw_workers_start(port, &workers), 0);
}

static void stop(void)
{
    gw_port_stop(port);
    assert_int_equal(gw_workers_join(workers), 0);
    gw_port_destroy(port);
}

static void a_port_runs_on_the_requested_backend(void **state)
{
    create();
    assert_int_equal(gw_port_backend(port), fixture_backend->backend);
    assert_int_equal(gw_port_worker_count(port), fixture_worker_count);
    gw_port_destroy(port);
}

/* ---- tasks ---- */

enum { TASK_COUNT = 200 };

struct numbered {
    struct gw_task task;
    uint32_t number;
};

static struct numbered tasks[TASK_COUNT];
static uint32_t order[TASK_COUNT];
static atomic_uint run_count;
static atomic_uint wrong_worker_count;

static void run_numbered(struct gw_task *task)
{
    struct numbered *numbered = (struct numbered *)(void *)task;
    atomic_fetch_add(&wrong_worker_count, gw_port_worker(port) >= fixture_worker_count);
    order[atomic_fetch_add(&run_count, 1)] = numbered->number;
}

static void post_all(void)
{
    atomic_store(&run_count, 0);
    atomic_store(&wrong_worker_count, 0);
    for (uint32_t i = 0; i < TASK_COUNT; i++) {
        tasks[i] = (struct numbered){.task.run = run_numbered, .number = i};
        gw_port_post(port, &tasks[i].task);
    }
}

static void each_task_runs_once_on_a_worker(void **state)
{
    uint32_t seen[TASK_COUNT] = {0};
    start();
    post_all();
    WAIT_FOR(atomic_load(&run_count) == TASK_COUNT);
    stop();
    for (uint32_t i = 0; i < TASK_COUNT; i++) {
        assert_int_equal(seen[order[i]]++, 0);
        assert_true(fixture_worker_count > 1 || order[i] == i);
    }
    assert_int_equal(atomic_load(&wrong_worker_count), 0);
}

static void tasks_posted_before_the_workers_start_run_then(void **state)
{
    create();
    post_all();
    assert_int_equal(atomic_load(&run_count), 0);
    assert_int_equal(gw_workers_start(port, &workers), 0);
    WAIT_FOR(atomic_load(&run_count) == TASK_COUNT);
    stop();
}

/* A task that posts itself again a number of times. */
static struct numbered again;
static atomic_bool inside;
static atomic_uint nested_count;

static void run_again(struct gw_task *task)
{
    atomic_fetch_add(&nested_count, atomic_exchange(&inside, true));
    if (--again.number > 0) {
        gw_port_post(port, task);
    } else {
        atomic_fetch_add(&run_count, 1);
    }
    atomic_store(&inside, false);
}

static void a_task_can_post_itself_and_never_runs_inside_the_call(void **state)
{
    atomic_store(&run_count, 0);
    atomic_store(&nested_count, 0);
    again = (struct numbered){.task.run = run_again, .number = 2000};
    start();
    gw_port_post(port, &again.task);
    WAIT_FOR(atomic_load(&run_count) == 1);
    stop();
    assert_int_equal(atomic_load(&nested_count), 0);
}

/* ---- workers ---- */

static void a_thread_that_is_no_worker_has_the_index_after_the_last_worker(void **state)
{
    start();
    assert_int_equal(gw_port_worker(port), fixture_worker_count);
    stop();
}

static atomic_uint seen_workers;
static struct gw_turn lane_turns[64];
static struct gw_task lane_tasks[64];

static void note_worker(struct gw_task *task)
{
    atomic_fetch_or(&seen_workers, 1u << gw_port_worker(port));
    atomic_fetch_add(&run_count, 1);
}

static void every_worker_has_an_index_of_its_own(void **state)
{
    start();
    atomic_store(&seen_workers, 0);
    atomic_store(&run_count, 0);
    uint32_t lane_count = fixture_backend->lane_shared ? 1 : fixture_worker_count;
    for (uint32_t i = 0; i < lane_count; i++) {
        gw_turn_init(&lane_turns[i], port, NULL);
        lane_tasks[i].run = note_worker;
        gw_turn_post(&lane_turns[i], &lane_tasks[i]);
    }
    WAIT_FOR(atomic_load(&run_count) == lane_count);
    stop();
    assert_true(fixture_backend->lane_shared ||
                atomic_load(&seen_workers) == (1u << fixture_worker_count) - 1);
}

/* ---- the end ---- */

static void a_port_that_never_ran_can_be_destroyed(void **state)
{
    create();
    post_all();
    gw_port_destroy(port);
    gw_port_destroy(NULL);
}

static void a_stop_before_the_workers_start_takes_effect(void **state)
{
    create();
    gw_port_stop(port);
    gw_port_stop(port);
    assert_int_equal(gw_workers_start(port, &workers), 0);
    assert_int_equal(gw_workers_join(workers), 0);
    gw_port_destroy(port);
}

static void stop_here(struct gw_task *task)
{
    gw_port_stop(port);
}

static void a_worker_can_stop_its_port(void **state)
{
    struct gw_task task = {.run = stop_here};
    start();
    gw_port_post(port, &task);
    assert_int_equal(gw_workers_join(workers), 0);
    gw_port_destroy(port);
}

static void stop_elsewhere(void *context)
{
    gw_port_stop(context);
}

static void any_thread_can_stop_a_sleeping_port(void **state)
{
    for (int round = 0; round < 20; round++) {
        os_thread thread;
        start();
        machine_sleep_ms(round % 4);
        assert_int_equal(os_thread_start(&thread, stop_elsewhere, port), 0);
        assert_int_equal(gw_workers_join(workers), 0);
        os_thread_join(thread);
        gw_port_destroy(port);
    }
}

static void a_port_can_be_stopped_with_tasks_waiting(void **state)
{
    for (int round = 0; round < 20; round++) {
        start();
        post_all();
        stop();
        assert_true(atomic_load(&run_count) <= TASK_COUNT);
    }
}

static void stop_now(struct checked_stream *checked)
{
    gw_port_stop(fixture.port);
}

/* The last stream ends with its port, just after another thread has sent to it. */
static void sends_on_their_way_to_an_ended_stream_are_freed_with_the_port(void **state)
{
    static const struct stream_callbacks last = {.on_close = stop_now};
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(&last, &peer);
    fixture_close_listener();
    fixture_block_worker(checked);
    assert_int_equal(checked_send_buf(checked, 1000), 0);
    assert_int_equal(checked_send(checked, 1000), 0);
    raw_socket_reset(&peer);
    fixture_unblock_worker();
    assert_int_equal(checked_wait_close(checked), GW_E_RESET);
    fixture_end(); /* asserts that nothing is left open */
}

static void a_port_can_be_opened_and_closed_many_times(void **state)
{
    static const struct stream_callbacks echo = {.on_recv = checked_echo};
    for (int round = 0; round < 30; round++) {
        struct raw_socket peer;
        fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
        (void)fixture_connect(&peer);
        assert_true(raw_socket_send(&peer, "hello", 5));
        assert_true(raw_receives_text(&peer, "hello"));
        raw_socket_close(&peer);
        fixture_close();
        fixture_setup(state);
    }
}

static void two_ports_do_not_disturb_each_other(void **state)
{
    static const struct stream_callbacks echo = {.on_recv = checked_echo};
    struct raw_socket peer;
    start();
    struct checked_stream *checked = fixture_open_connected(&echo, &peer);
    post_all();
    for (int i = 0; i < 50; i++) {
        assert_true(raw_socket_send(&peer, "hello", 5));
        assert_true(raw_receives_text(&peer, "hello"));
    }
    WAIT_FOR(atomic_load(&run_count) == TASK_COUNT);
    assert_int_equal(atomic_load(&wrong_worker_count), 0);
    stop();
    assert_int_equal(checked_send_text(checked, "still here"), 0);
    assert_true(raw_receives_text(&peer, "still here"));
    fixture_close_connected(&peer);
}

static void the_clock_is_monotonic_and_random_numbers_differ(void **state)
{
    create();
    uint64_t now_ns = gw_port_now_ns(port);
    for (int i = 0; i < 1000; i++) {
        uint64_t next_ns = gw_port_now_ns(port);
        assert_true(next_ns >= now_ns);
        now_ns = next_ns;
    }
    machine_sleep_ms(2);
    assert_true(gw_port_now_ns(port) >= now_ns + 2000000);
    assert_int_not_equal(gw_port_random(port), gw_port_random(port));
    gw_port_destroy(port);
}

int contract_port(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_port_runs_on_the_requested_backend),
        FIXTURE_TEST(each_task_runs_once_on_a_worker),
        FIXTURE_TEST(tasks_posted_before_the_workers_start_run_then),
        FIXTURE_TEST(a_task_can_post_itself_and_never_runs_inside_the_call),
        FIXTURE_TEST(a_thread_that_is_no_worker_has_the_index_after_the_last_worker),
        FIXTURE_TEST(every_worker_has_an_index_of_its_own),
        FIXTURE_TEST(a_port_that_never_ran_can_be_destroyed),
        FIXTURE_TEST(a_stop_before_the_workers_start_takes_effect),
        FIXTURE_TEST(a_worker_can_stop_its_port),
        FIXTURE_TEST(any_thread_can_stop_a_sleeping_port),
        FIXTURE_TEST(a_port_can_be_stopped_with_tasks_waiting),
        FIXTURE_TEST(sends_on_their_way_to_an_ended_stream_are_freed_with_the_port),
        FIXTURE_TEST(a_port_can_be_opened_and_closed_many_times),
        FIXTURE_TEST(two_ports_do_not_disturb_each_other),
        FIXTURE_TEST(the_clock_is_monotonic_and_random_numbers_differ),
    };
    return cmocka_run_group_tests_name("contract: port", tests, NULL, NULL);
}

/* tests/net/contract_wake.c: Workers sleep, and wake when there is work. */
#include "tests/net/contract.h"

#include "net/port_internal.h"
#include "tests/net/port_fixture.h"

enum { CALLER_COUNT = 4, CALL_MS = 700, PING_COUNT = 20000 };

static atomic_bool over;
static atomic_uint lost_count;

struct call {
    struct gw_task task;
    struct gw_turn turn;
    atomic_bool answered;
};

static void answer(struct gw_task *task)
{
    atomic_store(&((struct call *)(void *)task)->answered, true);
}

static bool call_and_wait(struct call *call)
{
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    atomic_store(&call->answered, false);
    gw_turn_post(&call->turn, &call->task);
    while (!atomic_load(&call->answered)) {
        if (os_now_ns() > end_ns) {
            return false;
        }
        machine_yield();
    }
    return true;
}

static void call_again_and_again(void *context)
{
    struct call *call = context;
    while (!atomic_load(&over)) {
        if (!call_and_wait(call)) {
            atomic_fetch_add(&lost_count, 1);
            return;
        }
    }
}

/* A worker sleeps and is woken many thousand times; nothing but the wake would end its wait. */
static void no_wake_is_lost(void **state)
{
    static struct call calls[CALLER_COUNT];
    os_thread threads[CALLER_COUNT];
    atomic_store(&over, false);
    atomic_store(&lost_count, 0);
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    controlled_backend_stop_time();
    for (int i = 0; i < CALLER_COUNT; i++) {
        calls[i].task.run = answer;
        gw__turn_init(&calls[i].turn, gw__port_lane(fixture.port, 0), NULL);
        assert_int_equal(os_thread_start(&threads[i], call_again_and_again, &calls[i]), 0);
    }
    machine_sleep_ms(CALL_MS);
    atomic_store(&over, true);
    for (int i = 0; i < CALLER_COUNT; i++) {
        os_thread_join(threads[i]);
    }
    fixture_close();
    assert_int_equal(atomic_load(&lost_count), 0);
}

static struct gw_turn sides[2];
static struct gw_task balls[2];
static atomic_uint ping_count;

static void hit_back(struct gw_task *task)
{
    int other = task == &balls[0] ? 1 : 0;
    if (atomic_fetch_add(&ping_count, 1) < PING_COUNT) {
        gw_turn_post(&sides[other], &balls[other]);
    }
}

static void two_objects_can_post_to_each_other_forever(void **state)
{
    atomic_store(&ping_count, 0);
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    controlled_backend_stop_time();
    for (int i = 0; i < 2; i++) {
        gw_turn_init(&sides[i], fixture.port, NULL); /* on two lanes, if there are two */
        balls[i].run = hit_back;
    }
    gw_turn_post(&sides[0], &balls[0]);
    WAIT_FOR(atomic_load(&ping_count) > PING_COUNT);
    fixture_close();
}

/* ---- sleeping ---- */

static atomic_uint wait_count;

static void count_wait(void)
{
    atomic_fetch_add(&wait_count, 1);
}

static void a_wake_makes_one_wait_return(void **state)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    controlled_backend_stop_time();
    controlled_backend_before_wait(count_wait);
    fixture_run_now();
    for (int round = 0; round < 20; round++) {
        machine_sleep_ms(2);
        uint32_t before = atomic_load(&wait_count);
        gw__port_ops(fixture.port)->wake(gw__port_lane(fixture.port, 0));
        WAIT_FOR(atomic_load(&wait_count) > before);
    }
    fixture_close();
}

static void an_idle_port_uses_no_processor_time(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    assert_int_equal(checked_send_text(checked, "hello"), 0);
    assert_true(raw_receives_text(&peer, "hello"));
    fixture_run_now();
    controlled_backend_before_wait(count_wait);
    machine_sleep_ms(20);
    uint32_t before = atomic_load(&wait_count);
    machine_sleep_ms(100);
    assert_true(atomic_load(&wait_count) - before <= 2 * fixture_worker_count);
    fixture_close_connected(&peer);
}

int contract_wake(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(no_wake_is_lost),
        FIXTURE_TEST(two_objects_can_post_to_each_other_forever),
        FIXTURE_TEST(a_wake_makes_one_wait_return),
        FIXTURE_TEST(an_idle_port_uses_no_processor_time),
    };
    return cmocka_run_group_tests_name("contract: wake", tests, NULL, NULL);
}

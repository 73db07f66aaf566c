/* tests/net/contract_timer.c: Timers, by a clock that the test controls. */
#include "tests/net/contract.h"

#include "net/port_internal.h"
#include "net/timer.h"
#include "tests/net/port_fixture.h"
#include "tests/support/random.h"
#include <string.h>

#define MS  ((uint64_t)1000000)
#define DAY (24 * 3600000 * MS)

/* An object with a timer; times are in milliseconds since the start of the test. */
static struct {
    struct gw_turn turn;
    struct gw_timer timer;
    uint64_t begin_ns;
    atomic_uint fire_count;
    atomic_uint early_count;
} object;

static void fire(struct gw_timer *timer)
{
    if (timer != &object.timer || !gw_turn_is_mine(&object.turn) || gw_timer_is_set(timer)) {
        fixture_break_rule("a timer fires in its object's turn, and is not set then");
    }
    atomic_fetch_add(&object.early_count, gw_port_now_ns(fixture.port) < timer->deadline_ns);
    atomic_fetch_add(&object.fire_count, 1);
}

static void open_with_timer(void)
{
    memset(&object, 0, sizeof(object));
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    gw_turn_init(&object.turn, fixture.port, NULL);
    gw_timer_init(&object.timer, &object.turn, fire);
    controlled_backend_stop_time();
    fixture_run_now();
    object.begin_ns = gw_port_now_ns(fixture.port);
}

static void stop_posted_task(void *context)
{
    gw_timer_stop(&object.timer);
}

static void set_posted_task(void *context)
{
    gw_timer_set(&object.timer, *(uint64_t *)context);
}

static void set_at_ms(uint64_t ms)
{
    uint64_t deadline_ns = object.begin_ns + ms * MS;
    run_in_turn(&object.turn, set_posted_task, &deadline_ns);
}

static void stop_timer(void)
{
    run_in_turn(&object.turn, stop_posted_task, NULL);
}

static void go_to_ms(uint64_t ms)
{
    fixture_advance_ms(ms - (gw_port_now_ns(fixture.port) - object.begin_ns) / MS);
}

/* Each test stops its timer before it releases the object. */
static void close_with_timer(uint32_t fire_count)
{
    stop_timer();
    fixture_advance_ms(1);
    assert_int_equal(atomic_load(&object.fire_count), fire_count);
    assert_int_equal(atomic_load(&object.early_count), 0);
    fixture_close();
}

/* ---- set, move, stop ---- */

static void a_timer_fires_at_its_time_and_once(void **state)
{
    open_with_timer();
    set_at_ms(100);
    go_to_ms(99);
    assert_int_equal(atomic_load(&object.fire_count), 0);
    go_to_ms(102);
    assert_int_equal(atomic_load(&object.fire_count), 1);
    go_to_ms(100000);
    close_with_timer(1);
}

/* ---- while its task is posted ---- */

enum late_wish { MOVE_LATER, STOP_AND_SET_LATER, LEAVE };

static struct gate gate;

static void wait_at_gate(struct gw_task *task)
{
    gate_wait(&gate);
}

static enum late_wish late_wish;

static void change_mind(struct gw_task *task)
{
    if (late_wish == STOP_AND_SET_LATER) {
        gw_timer_stop(&object.timer);
    }
    if (late_wish == MOVE_LATER || late_wish == STOP_AND_SET_LATER) {
        gw_timer_set(&object.timer, object.begin_ns + 500 * MS);
    }
}

/*
 * While the lane's worker is busy with another object, a task is posted to the timer's object, and
 * the timer becomes due. So the timer's task is posted behind that task, and runs in the same turn.
 */
static void change_mind_when_time_has_come(enum late_wish wish)
{
    static struct gw_turn other;
    static struct gw_task other_task = {.run = wait_at_gate};
    static struct gw_task late_task = {.run = change_mind};
    open_with_timer();
    set_at_ms(100);
    gate_reset(&gate);
    gw__turn_init(&other, object.turn.lane, NULL);
    gw_turn_post(&other, &other_task);
    WAIT_FOR(atomic_load(&gate.reached));
    late_wish = wish;
    gw_turn_post(&object.turn, &late_task);
    controlled_backend_advance_ns(110 * MS);
    atomic_store(&gate.open, true);
    fixture_run_now();
}

static void a_timer_that_was_moved_while_its_task_was_posted_fires_later(void **state)
{
    change_mind_when_time_has_come(MOVE_LATER);
    go_to_ms(499);
    assert_int_equal(atomic_load(&object.fire_count), 0);
    go_to_ms(502);
    assert_int_equal(atomic_load(&object.fire_count), 1);
    close_with_timer(1);
}

static void a_timer_that_was_stopped_and_set_while_its_task_was_posted_fires_later(void **state)
{
    change_mind_when_time_has_come(STOP_AND_SET_LATER);
    go_to_ms(499);
    assert_int_equal(atomic_load(&object.fire_count), 0);
    go_to_ms(502);
    close_with_timer(1);
}

static void an_unchanged_timer_fires_after_the_tasks_posted_before_it(void **state)
{
    change_mind_when_time_has_come(LEAVE);
    assert_int_equal(atomic_load(&object.fire_count), 1);
    close_with_timer(1);
}

/* ---- the past ---- */

static void a_past_deadline_fires_at_once_after_any_uptime(void **state)
{
    open_with_timer();
    for (uint32_t round = 1; round <= 40; round++) {
        uint64_t later_ns = gw_port_now_ns(fixture.port) + 60000 * MS;
        uint64_t long_ago_ns = round % 2 == 0 ? 0 : 1;
        run_in_turn(&object.turn, set_posted_task, &later_ns);
        run_in_turn(&object.turn, set_posted_task, &long_ago_ns);
        fixture_advance_ms(3);
        assert_int_equal(atomic_load(&object.fire_count), round);
        controlled_backend_advance_ns(3 * DAY);
        fixture_run_now();
    }
    close_with_timer(40);
}

/* ---- many ---- */

enum { TIMER_COUNT = 10000 };

static struct {
    struct gw_turn turn;
    struct gw_timer timers[TIMER_COUNT];
    uint8_t fire_counts[TIMER_COUNT];
    bool stopped[TIMER_COUNT];
    atomic_uint fire_count;
    atomic_uint wrong_count;
    struct random random;
} crowd;

static void fire_one(struct gw_timer *timer)
{
    uint32_t index = (uint32_t)(timer - crowd.timers);
    crowd.fire_counts[index]++;
    atomic_fetch_add(&crowd.wrong_count, crowd.fire_counts[index] > 1 || crowd.stopped[index] ||
                                             timer->deadline_ns > gw_port_now_ns(fixture.port));
    atomic_fetch_add(&crowd.fire_count, 1);
}

static uint64_t some_deadline_ns(void)
{
    return gw_port_now_ns(fixture.port) + random_next(&crowd.random) % (300000 * MS);
}

static void set_all(void *context)
{
    for (int i = 0; i < TIMER_COUNT; i++) {
        gw_timer_init(&crowd.timers[i], &crowd.turn, fire_one);
        gw_timer_set(&crowd.timers[i], some_deadline_ns());
    }
    for (int i = 0; i < TIMER_COUNT; i++) { /* moves each one, and stops one of four */
        gw_timer_set(&crowd.timers[i], some_deadline_ns());
        crowd.stopped[i] = i % 4 == 0;
        if (crowd.stopped[i]) {
            gw_timer_stop(&crowd.timers[i]);
        }
    }
}

static void of_ten_thousand_timers_each_fires_once_unless_stopped(void **state)
{
    memset(&crowd, 0, sizeof(crowd));
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    gw_turn_init(&crowd.turn, fixture.port, NULL);
    controlled_backend_stop_time();
    run_in_turn(&crowd.turn, set_all, NULL);
    for (int i = 0; i < 30; i++) {
        fixture_advance_ms(random_below(&crowd.random, 20000));
    }
    fixture_advance_ms(301000);
    WAIT_FOR(atomic_load(&crowd.fire_count) == TIMER_COUNT - TIMER_COUNT / 4);
    assert_int_equal(atomic_load(&crowd.wrong_count), 0);
    fixture_close();
}

/* ---- real time ---- */

static void a_worker_that_sleeps_wakes_for_a_timer(void **state)
{
    open_with_timer();
    controlled_backend_resume_time();
    uint64_t deadline_ns = gw_port_now_ns(fixture.port) + 30 * MS;
    run_in_turn(&object.turn, set_posted_task, &deadline_ns);
    WAIT_FOR(atomic_load(&object.fire_count) == 1);
    assert_true(gw_port_now_ns(fixture.port) >= deadline_ns);
    assert_true(gw_port_now_ns(fixture.port) - deadline_ns < 5000 * MS);
    close_with_timer(1);
}

int contract_timer(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_timer_fires_at_its_time_and_once),
        FIXTURE_TEST(a_timer_that_was_moved_while_its_task_was_posted_fires_later),
        FIXTURE_TEST(a_timer_that_was_stopped_and_set_while_its_task_was_posted_fires_later),
        FIXTURE_TEST(an_unchanged_timer_fires_after_the_tasks_posted_before_it),
        FIXTURE_TEST(a_past_deadline_fires_at_once_after_any_uptime),
        FIXTURE_TEST(of_ten_thousand_timers_each_fires_once_unless_stopped),
        FIXTURE_TEST(a_worker_that_sleeps_wakes_for_a_timer),
    };
    return cmocka_run_group_tests_name("contract: timer", tests, NULL, NULL);
}

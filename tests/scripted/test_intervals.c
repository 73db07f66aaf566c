/* tests/scripted/test_intervals.c: Timers that repeat, gw_timer_set_every(), to the tick. */
#include "tests/test.h"

#include "net/timer.h"
#include "net/turn.h"
#include "tests/scripted/port_fixture.h"

#include <string.h>

enum { FIRED_COUNT_MAX = 4000 };

static struct gw_turn turn;
static struct gw_timer timer;
static uint64_t fired_ns[FIRED_COUNT_MAX];
static uint32_t fired_count;
static uint32_t stop_at_count;
static uint64_t begin_ns;

static void note(struct gw_timer *of)
{
    assert_ptr_equal(of, &timer);
    assert_true(gw_timer_is_set(&timer));
    assert_true(fired_count < FIRED_COUNT_MAX);
    fired_ns[fired_count++] = fixture_now_ns();
    if (fired_count == stop_at_count) {
        gw_timer_stop(&timer);
    }
}

static int open_timer(void **state)
{
    fixture_open(NULL);
    gw_turn_init(&turn, fixture_port, NULL);
    gw_timer_init(&timer, &turn, note);
    fired_count = 0;
    stop_at_count = 0;
    fixture_run_now();
    return 0;
}

static void stop(void *context)
{
    gw_timer_stop(&timer);
}

static int close_timer(void **state)
{
    fixture_in_turn(&turn, stop, NULL);
    fixture_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_timer, close_timer)

static void set_every(void *context)
{
    begin_ns = gw_turn_now_ns(&turn);
    gw_timer_set_every(&timer, *(uint64_t *)context);
}

static void every(uint64_t interval_ns)
{
    fixture_in_turn(&turn, set_every, &interval_ns);
}

static void set_once(void *context)
{
    gw_timer_set(&timer, gw_turn_now_ns(&turn) + *(uint64_t *)context);
}

static void a_timer_fires_every_interval_without_drift(void **state)
{
    const uint64_t interval_ns = 50 * FIXTURE_MS + 333333; /* not a multiple of the wheel's tick */
    every(interval_ns);
    fixture_run_ms(100000);
    assert_int_equal(fired_count, 100000 * FIXTURE_MS / interval_ns);
    for (uint32_t i = 0; i < fired_count; i++) {
        assert_int_equal(fired_ns[i], fixture_tick_at(begin_ns + (i + 1) * interval_ns));
    }
}

static void an_interval_of_hours_keeps_its_grid(void **state)
{
    const uint64_t interval_ns = UINT64_C(30) * 3600 * 1000 * FIXTURE_MS;
    every(interval_ns);
    fixture_run_ms(UINT64_C(10) * 30 * 3600 * 1000 + 10);
    assert_int_equal(fired_count, 10);
    for (uint32_t i = 0; i < fired_count; i++) {
        assert_int_equal(fired_ns[i], fixture_tick_at(begin_ns + (i + 1) * interval_ns));
    }
}

static void missed_ticks_become_one_and_the_next_is_on_the_grid(void **state)
{
    const uint64_t interval_ns = 100 * FIXTURE_MS;
    every(interval_ns);
    fixture_run_ms(250); /* at 100 and 200 */
    fixture_stop_at(fixture_now_ns(), 2000);
    fixture_run_ms(3000); /* stopped from 250 to 2250 */
    assert_true(fired_count > 4);
    assert_int_equal(fired_ns[0], fixture_tick_at(begin_ns + interval_ns));
    assert_int_equal(fired_ns[1], fixture_tick_at(begin_ns + 2 * interval_ns));
    assert_true(fired_ns[2] >= begin_ns + 2250 * FIXTURE_MS);
    assert_true(fired_ns[2] < begin_ns + 2300 * FIXTURE_MS);
    for (uint32_t i = 3; i < fired_count; i++) {
        assert_int_equal(fired_ns[i], fixture_tick_at(begin_ns + (20 + i) * interval_ns));
    }
}

static void on_time_may_stop_its_timer(void **state)
{
    stop_at_count = 3;
    every(10 * FIXTURE_MS);
    fixture_run_ms(1000);
    assert_int_equal(fired_count, 3);
    assert_false(gw_timer_is_set(&timer));
}

static void a_stopped_timer_does_not_fire_again(void **state)
{
    every(10 * FIXTURE_MS);
    fixture_run_ms(35);
    fixture_in_turn(&turn, stop, NULL);
    fixture_run_ms(1000);
    assert_int_equal(fired_count, 3);
}

static void once(struct gw_timer *of)
{
    assert_false(gw_timer_is_set(of));
    fired_count++;
}

static void setting_a_deadline_ends_the_repetition(void **state)
{
    uint64_t after_ns = 100 * FIXTURE_MS;
    every(10 * FIXTURE_MS);
    fixture_run_ms(5);
    timer.on_time = once;
    fixture_in_turn(&turn, set_once, &after_ns);
    fixture_run_ms(1000);
    assert_int_equal(fired_count, 1);
}

static void a_second_interval_replaces_the_first_and_begins_anew(void **state)
{
    every(10 * FIXTURE_MS);
    fixture_run_ms(5);
    every(100 * FIXTURE_MS);
    fixture_run_ms(1050);
    assert_int_equal(fired_count, 10);
    assert_int_equal(fired_ns[0], fixture_tick_at(begin_ns + 100 * FIXTURE_MS));
}

static void an_interval_of_0_fires_with_each_tick_of_the_wheel(void **state)
{
    every(0);
    fixture_run_ms(100);
    assert_in_range(fired_count, 90, 100);
}

static void twenty_days_are_the_longest_interval(void **state)
{
    const uint64_t day_ns = UINT64_C(24) * 3600 * 1000 * FIXTURE_MS;
    every(UINT64_MAX);
    fixture_run_ms(UINT64_C(41) * 24 * 3600 * 1000);
    assert_int_equal(fired_count, 2);
    assert_int_equal(fired_ns[1], fixture_tick_at(begin_ns + 40 * day_ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_timer_fires_every_interval_without_drift),
        TEST(an_interval_of_hours_keeps_its_grid),
        TEST(missed_ticks_become_one_and_the_next_is_on_the_grid),
        TEST(on_time_may_stop_its_timer),
        TEST(a_stopped_timer_does_not_fire_again),
        TEST(setting_a_deadline_ends_the_repetition),
        TEST(a_second_interval_replaces_the_first_and_begins_anew),
        TEST(an_interval_of_0_fires_with_each_tick_of_the_wheel),
        TEST(twenty_days_are_the_longest_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

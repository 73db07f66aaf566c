/* tests/scripted/test_timers.c: Timers, turns and wakes, to the tick. */
#include "tests/test.h"

#include "net/timer.h"
#include "net/turn.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/port_fixture.h"
#include "tests/support/random.h"

#include <string.h>

enum { TIMER_COUNT = 200 };

struct alarm {
    struct gw_timer timer;
    uint64_t wanted_ns;
    uint64_t rung_ns;
    uint32_t rung_count;
};

static struct gw_turn turn;
static struct alarm alarms[TIMER_COUNT];
static struct alarm *chosen;

static void on_timer(struct gw_timer *timer)
{
    struct alarm *alarm = (struct alarm *)(void *)timer;
    alarm->rung_ns = fixture_now_ns();
    alarm->rung_count++;
}

static int open_clock(void **state)
{
    fixture_open(NULL);
    gw_turn_init(&turn, fixture_port, NULL);
    memset(alarms, 0, sizeof alarms);
    for (int i = 0; i < TIMER_COUNT; i++) {
        gw_timer_init(&alarms[i].timer, &turn, on_timer);
    }
    fixture_run_now();
    return 0;
}

static void stop_all(void *context)
{
    for (int i = 0; i < TIMER_COUNT; i++) {
        gw_timer_stop(&alarms[i].timer);
    }
}

static int close_clock(void **state)
{
    fixture_in_turn(&turn, stop_all, NULL);
    fixture_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_clock, close_clock)

static void set_chosen(void *context)
{
    gw_timer_set(&chosen->timer, chosen->wanted_ns);
}

static void stop_chosen(void *context)
{
    gw_timer_stop(&chosen->timer);
}

static void set(struct alarm *alarm, uint64_t wanted_ns)
{
    chosen = alarm;
    alarm->wanted_ns = wanted_ns;
    fixture_in_turn(&turn, set_chosen, NULL);
}

static void each_timer_fires_once_at_its_tick_and_never_before(void **state)
{
    struct random random = {3};
    uint64_t from_ns = fixture_now_ns();
    for (int i = 0; i < TIMER_COUNT; i++) {
        /* From a microsecond to three hours: every level of the wheel but the last. */
        uint64_t far_ns = UINT64_C(1000) << random_below(&random, 33);
        set(&alarms[i], from_ns + far_ns + random_below(&random, 1000000));
    }
    fixture_run_ms(4 * 3600 * 1000);
    for (int i = 0; i < TIMER_COUNT; i++) {
        assert_int_equal(alarms[i].rung_count, 1);
        assert_int_equal(alarms[i].rung_ns, fixture_tick_at(alarms[i].wanted_ns));
    }
}

static void timers_are_exact_at_tick_and_level_boundaries(void **state)
{
    fixture_align_to_tick();
    uint64_t from_ns = fixture_now_ns();
    int count = 0;
    for (int level = 0; level < 5; level++) {
        uint64_t edge_ns = UINT64_C(1) << (20 + 6 * level);
        for (int64_t off = -1; off <= 1; off++) {
            set(&alarms[count++], from_ns + edge_ns + (uint64_t)off);
        }
    }
    fixture_run_ms(24 * 3600 * 1000);
    for (int i = 0; i < count; i++) {
        assert_int_equal(alarms[i].rung_count, 1);
        assert_int_equal(alarms[i].rung_ns, fixture_tick_at(alarms[i].wanted_ns));
    }
}

static void a_timer_is_limited_to_twenty_days(void **state)
{
    uint64_t from_ns = fixture_now_ns();
    set(&alarms[0], UINT64_MAX);
    fixture_run_ms(UINT64_C(19) * 24 * 3600 * 1000);
    assert_int_equal(alarms[0].rung_count, 0);
    fixture_run_ms(UINT64_C(2) * 24 * 3600 * 1000);
    assert_int_equal(alarms[0].rung_count, 1);
    assert_int_equal(alarms[0].rung_ns,
                     fixture_tick_at(from_ns + UINT64_C(20) * 24 * 3600 * 1000 * FIXTURE_MS));
}

static void a_timer_set_a_thousand_times_fires_once(void **state)
{
    for (int i = 0; i < 1000; i++) {
        set(&alarms[0], fixture_now_ns() + 500 * FIXTURE_MS);
        fixture_run_ms(7);
    }
    assert_int_equal(alarms[0].rung_count, 0);
    fixture_run_ms(1000);
    assert_int_equal(alarms[0].rung_count, 1);
    assert_int_equal(alarms[0].rung_ns, fixture_tick_at(alarms[0].wanted_ns));
}

static void a_timer_set_to_an_earlier_time_fires_then(void **state)
{
    set(&alarms[0], fixture_now_ns() + 100000 * FIXTURE_MS);
    fixture_run_ms(10);
    set(&alarms[0], fixture_now_ns() + 20 * FIXTURE_MS);
    fixture_run_ms(1000);
    assert_int_equal(alarms[0].rung_ns, fixture_tick_at(alarms[0].wanted_ns));
}

static void a_stopped_timer_does_not_fire(void **state)
{
    set(&alarms[0], fixture_now_ns() + 20 * FIXTURE_MS);
    fixture_run_ms(10);
    fixture_in_turn(&turn, stop_chosen, NULL);
    fixture_run_ms(1000);
    assert_int_equal(alarms[0].rung_count, 0);
}

static void stop_the_other(struct gw_timer *timer)
{
    on_timer(timer);
    gw_timer_stop(&alarms[timer == &alarms[0].timer ? 1 : 0].timer);
}

/* Both have expired, and their tasks are posted: the one that runs first stops the other. */
static void a_timer_stopped_in_its_turn_does_not_run_its_posted_task(void **state)
{
    gw_timer_init(&alarms[0].timer, &turn, stop_the_other);
    gw_timer_init(&alarms[1].timer, &turn, stop_the_other);
    set(&alarms[0], fixture_now_ns() + 20 * FIXTURE_MS);
    set(&alarms[1], fixture_now_ns() + 20 * FIXTURE_MS);
    fixture_run_ms(1000);
    assert_int_equal(alarms[0].rung_count + alarms[1].rung_count, 1);
}

static void again(struct gw_timer *timer)
{
    on_timer(timer);
    gw_timer_set(timer, gw_turn_now_ns(&turn) + 10 * FIXTURE_MS);
}

static void a_timer_may_set_itself_again(void **state)
{
    gw_timer_init(&alarms[0].timer, &turn, again);
    fixture_align_to_tick();
    set(&alarms[0], fixture_now_ns());
    fixture_run_ms(1000);
    assert_in_range(alarms[0].rung_count, 90, 101);
}

/* ---- turns ---- */

struct posted_task {
    struct gw_task task;
    uint32_t number;
};

static uint32_t ran[1000];
static uint32_t ran_count;

static void run_posted_task(struct gw_task *task)
{
    ran[ran_count++] = ((struct posted_task *)(void *)task)->number;
}

static void tasks_run_in_the_order_in_which_they_were_posted(void **state)
{
    static struct posted_task posted[1000];
    ran_count = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        posted[i] = (struct posted_task){.task.run = run_posted_task, .number = i};
        gw_turn_post(&turn, &posted[i].task);
    }
    fixture_run_now();
    assert_int_equal(ran_count, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(ran[i], i);
    }
}

static struct posted_task endless;
static uint32_t endless_count;
static uint32_t endless_count_then;

static void run_endless(struct gw_task *task)
{
    if (++endless_count < 10000) {
        gw_turn_post(&turn, task);
    }
}

static void note_endless(struct gw_task *task)
{
    endless_count_then = endless_count;
}

/* A turn that always has more tasks goes to the end of the queue after 64 of them. */
static void a_busy_turn_does_not_delay_other_turns(void **state)
{
    static struct posted_task backlog[500];
    static struct posted_task other = {.task.run = note_endless};
    endless_count = 0;
    for (int i = 0; i < 500; i++) {
        backlog[i].task.run = run_endless;
    }
    endless_count = 9000; /* the tasks end here */
    for (int i = 0; i < 500; i++) {
        gw_turn_post(&turn, &backlog[i].task);
    }
    gw_port_post(fixture_port, &other.task);
    (void)endless;
    fixture_run_now();
    assert_in_range(endless_count_then, 9000, 9000 + GW_TURN_TASK_COUNT_MAX);
    assert_true(endless_count >= 9500);
}

/* ---- waking ---- */

static uint64_t posted_ns;
static uint64_t done_ns;

static void note_time(struct gw_task *task)
{
    done_ns = fixture_now_ns();
}

static void post_from_another_thread(void *context)
{
    static struct gw_task task = {.run = note_time};
    posted_ns = fixture_now_ns();
    gw_turn_post(&turn, &task);
}

static void a_task_posted_by_another_thread_wakes_a_sleeping_worker(void **state)
{
    set(&alarms[0], fixture_now_ns() + 100000 * FIXTURE_MS);
    uint64_t wakes = fixture_counters().wake_count;
    kernel_at(fixture_now_ns() + 500 * FIXTURE_MS, post_from_another_thread, NULL);
    done_ns = 0;
    fixture_run_ms(2000);
    assert_int_equal(done_ns, posted_ns);
    assert_int_equal(fixture_counters().wake_count, wakes + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_timer_fires_once_at_its_tick_and_never_before),
        TEST(timers_are_exact_at_tick_and_level_boundaries),
        TEST(a_timer_is_limited_to_twenty_days),
        TEST(a_timer_set_a_thousand_times_fires_once),
        TEST(a_timer_set_to_an_earlier_time_fires_then),
        TEST(a_stopped_timer_does_not_fire),
        TEST(a_timer_stopped_in_its_turn_does_not_run_its_posted_task),
        TEST(a_timer_may_set_itself_again),
        TEST(tasks_run_in_the_order_in_which_they_were_posted),
        TEST(a_busy_turn_does_not_delay_other_turns),
        TEST(a_task_posted_by_another_thread_wakes_a_sleeping_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/net/test_wheel.c: The wheel, compared with a list that is searched from end to end. */
#include "tests/test.h"

#include "net/wheel.h"
#include "tests/support/random.h"
#include <string.h>

#define MS  ((uint64_t)1000000)
#define DAY ((uint64_t)86400000 * MS)

enum { TIMER_COUNT = 200 };

/* A wheel, its timers, and which of them should be in it. */
static struct {
    struct gw_wheel wheel;
    struct gw_timer timers[TIMER_COUNT];
    bool set[TIMER_COUNT];
    uint64_t now_ns;
    uint32_t fired_count;
    bool again; /* a timer that fires is added again, a little later */
    struct random random;
} world;

static void world_init(uint64_t now_ns, uint64_t seed)
{
    memset(&world, 0, sizeof(world));
    world.now_ns = now_ns;
    world.random.state = seed;
    gw__wheel_init(&world.wheel, now_ns);
}

static void add(uint32_t index, uint64_t deadline_ns)
{
    world.timers[index].deadline_ns = deadline_ns;
    gw__wheel_add(&world.wheel, &world.timers[index]);
    world.set[index] = true;
}

static void take_out(uint32_t index)
{
    gw__wheel_remove(&world.wheel, &world.timers[index]);
    world.set[index] = false;
}

static void fire(struct gw_timer *timer, uint64_t now_ns)
{
    uint32_t index = (uint32_t)(timer - world.timers);
    assert_int_equal(now_ns, world.now_ns);
    assert_true(world.set[index]);
    assert_true(timer->deadline_ns <= now_ns);
    world.set[index] = false;
    world.fired_count++;
    if (world.again) {
        add(index, now_ns + 1 + random_below(&world.random, 50) * MS);
    }
}

/* The earliest tick of all timers, in nanoseconds. */
static uint64_t first_ns(void)
{
    uint64_t first = UINT64_MAX;
    for (uint32_t i = 0; i < TIMER_COUNT; i++) {
        uint64_t tick_ns = gw__wheel_tick_of(world.timers[i].deadline_ns) << GW_WHEEL_TICK_SHIFT;
        if (world.set[i] && tick_ns < first) {
            first = tick_ns;
        }
    }
    return first;
}

/* Advances to `now_ns`. All due timers have fired then, and the wheel returns the next look. */
static void go_to(uint64_t now_ns)
{
    world.now_ns = now_ns;
    gw__wheel_advance(&world.wheel, now_ns, fire);
    assert_true(first_ns() > now_ns);
    assert_true(gw__wheel_next_ns(&world.wheel) > now_ns);
    assert_true(gw__wheel_next_ns(&world.wheel) <= first_ns() ||
                gw__wheel_next_ns(&world.wheel) == UINT64_MAX);
}

static uint64_t some_time_ns(void)
{
    static const uint64_t spans[] = {2 * MS, 100 * MS, 5000 * MS, 300000 * MS, DAY, 20 * DAY};
    uint64_t span = spans[random_below(&world.random, sizeof(spans) / sizeof(spans[0]))];
    return random_next(&world.random) % span;
}

static void step(void)
{
    uint32_t index = random_below(&world.random, TIMER_COUNT);
    if (random_below(&world.random, 8) == 0) {
        go_to(world.now_ns + some_time_ns() / 16);
    } else if (world.set[index]) {
        take_out(index);
    } else {
        add(index, world.now_ns + some_time_ns());
    }
}

static void timers_fire_when_a_sorted_list_would(void **state)
{
    static const uint64_t begins[] = {0, 1, 30 * DAY, 400 * DAY + 12345};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        world_init(begins[i], 42 + i);
        for (int j = 0; j < 20000; j++) {
            step();
        }
        assert_true(world.fired_count > 1000);
        go_to(world.now_ns + 40 * DAY);
        assert_int_equal(gw__wheel_next_ns(&world.wheel), UINT64_MAX);
    }
}

static void a_timer_can_be_added_again_while_it_fires(void **state)
{
    world_init(5 * DAY, 9);
    world.again = true;
    for (uint32_t i = 0; i < TIMER_COUNT; i++) {
        add(i, world.now_ns + some_time_ns() / 1000);
    }
    for (int i = 0; i < 5000; i++) {
        go_to(world.now_ns + some_time_ns() / 1000);
    }
    assert_true(world.fired_count > 50000);
}

/* A caller that sleeps until gw__wheel_next_ns() each time is late by one tick at most. */
static void sleeping_until_the_next_look_misses_no_timer(void **state)
{
    world_init(3 * DAY, 10);
    for (uint32_t i = 0; i < TIMER_COUNT; i++) {
        add(i, world.now_ns + some_time_ns());
    }
    uint32_t look_count = 0;
    for (; world.fired_count < TIMER_COUNT; look_count++) {
        uint64_t first = first_ns();
        uint64_t next = gw__wheel_next_ns(&world.wheel);
        assert_true(next <= first);
        uint32_t fired_before = world.fired_count;
        go_to(next);
        assert_true(next < first || world.fired_count > fired_before);
    }
    /* Each timer needs one look for each level that it passes, and the longest one more. */
    assert_true(look_count <= TIMER_COUNT * (GW_WHEEL_LEVEL_COUNT + 1));
}

static void no_timer_fires_early_and_each_fires_in_its_tick(void **state)
{
    for (uint64_t distance = 0; distance < 70000; distance += distance < 200 ? 1 : 97) {
        for (uint64_t begin = 0; begin < 130; begin += 13) {
            uint64_t begin_ns = begin << GW_WHEEL_TICK_SHIFT;
            world_init(begin_ns, 1);
            add(0, begin_ns + (distance << GW_WHEEL_TICK_SHIFT));
            if (distance > 0) {
                go_to(world.timers[0].deadline_ns - 1);
                assert_int_equal(world.fired_count, 0);
            }
            go_to(world.timers[0].deadline_ns);
            assert_int_equal(world.fired_count, 1);
        }
    }
}

static void a_past_deadline_fires_at_the_next_look(void **state)
{
    world_init(30 * DAY, 1);
    go_to(30 * DAY + 5 * MS);
    add(0, 0);
    add(1, world.now_ns);
    add(2, world.now_ns - 1);
    assert_true(gw__wheel_next_ns(&world.wheel) <=
                world.now_ns + ((uint64_t)1 << GW_WHEEL_TICK_SHIFT));
    go_to(world.now_ns + ((uint64_t)1 << GW_WHEEL_TICK_SHIFT));
    assert_int_equal(world.fired_count, 3);
}

static void a_timer_beyond_the_range_of_the_wheel_is_not_early(void **state)
{
    world_init(DAY, 1);
    add(0, 20 * DAY);
    for (int day = 2; day < 20; day++) {
        go_to((uint64_t)day * DAY);
        assert_int_equal(world.fired_count, 0);
    }
    go_to(20 * DAY + ((uint64_t)1 << GW_WHEEL_TICK_SHIFT));
    assert_int_equal(world.fired_count, 1);
}

static void an_empty_wheel_needs_no_look(void **state)
{
    world_init(DAY, 1);
    assert_int_equal(gw__wheel_next_ns(&world.wheel), UINT64_MAX);
    add(0, 2 * DAY);
    take_out(0);
    assert_int_equal(gw__wheel_next_ns(&world.wheel), UINT64_MAX);
    go_to(500 * DAY);
    assert_int_equal(world.fired_count, 0);
}

static void a_tick_begins_when_its_deadlines_have_passed(void **state)
{
    const uint64_t tick_ns = (uint64_t)1 << GW_WHEEL_TICK_SHIFT;
    assert_int_equal(gw__wheel_tick_of(0), 0);
    assert_int_equal(gw__wheel_tick_of(1), 1);
    assert_int_equal(gw__wheel_tick_of(tick_ns - 1), 1);
    assert_int_equal(gw__wheel_tick_of(tick_ns), 1);
    assert_int_equal(gw__wheel_tick_of(tick_ns + 1), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_when_a_sorted_list_would),
        cmocka_unit_test(a_timer_can_be_added_again_while_it_fires),
        cmocka_unit_test(sleeping_until_the_next_look_misses_no_timer),
        cmocka_unit_test(no_timer_fires_early_and_each_fires_in_its_tick),
        cmocka_unit_test(a_past_deadline_fires_at_the_next_look),
        cmocka_unit_test(a_timer_beyond_the_range_of_the_wheel_is_not_early),
        cmocka_unit_test(an_empty_wheel_needs_no_look),
        cmocka_unit_test(a_tick_begins_when_its_deadlines_have_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_calls.c: Calls that copy their arguments, gw_turn_call(). */
#include "tests/test.h"

#include "net/error.h"
#include "net/turn.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/port_fixture.h"

#include <stdalign.h>
#include <string.h>

static struct gw_turn turn;
static uint32_t ran[400];
static uint32_t ran_count;

static int open_turn(void **state)
{
    fixture_open(NULL);
    gw_turn_init(&turn, fixture_port, NULL);
    ran_count = 0;
    fixture_run_now();
    return 0;
}

static int close_turn(void **state)
{
    fixture_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_turn, close_turn)

static void note(struct gw_turn *of, void *data)
{
    assert_ptr_equal(of, &turn);
    assert_true(gw_turn_is_mine(&turn));
    assert_true(ran_count < sizeof ran / sizeof ran[0]);
    memcpy(&ran[ran_count++], data, sizeof ran[0]);
}

static int call(uint32_t number)
{
    return gw_turn_call(&turn, note, &number, sizeof number);
}

struct numbered_task {
    struct gw_task task;
    uint32_t number;
};

static void run_numbered_task(struct gw_task *task)
{
    ran[ran_count++] = ((struct numbered_task *)(void *)task)->number;
}

static void calls_and_tasks_run_in_the_order_in_which_they_were_posted(void **state)
{
    static struct numbered_task tasks[200];
    for (uint32_t i = 0; i < 200; i++) {
        tasks[i] = (struct numbered_task){.task.run = run_numbered_task, .number = 2 * i + 1};
        assert_int_equal(call(2 * i), GW_OK);
        gw_turn_post(&turn, &tasks[i].task);
    }
    assert_int_equal(ran_count, 0);
    fixture_run_now();
    assert_int_equal(ran_count, 400);
    for (uint32_t i = 0; i < 400; i++) {
        assert_int_equal(ran[i], i);
    }
}

static void a_call_sees_its_arguments_as_they_were_when_it_was_posted(void **state)
{
    uint32_t number = 5;
    assert_int_equal(gw_turn_call(&turn, note, &number, sizeof number), GW_OK);
    number = 6;
    assert_int_equal(gw_turn_call(&turn, note, &number, sizeof number), GW_OK);
    number = 7;
    fixture_run_now();
    assert_int_equal(ran_count, 2);
    assert_int_equal(ran[0], 5);
    assert_int_equal(ran[1], 6);
}

static uint8_t pattern[GW_TURN_CALL_BYTES_MAX + 1];

static void compare_with_pattern(struct gw_turn *of, void *data)
{
    assert_int_equal((uintptr_t)data % alignof(max_align_t), 0);
    assert_memory_equal(data, pattern, ran[0]);
    ran_count++;
}

static void arguments_of_every_size_are_copied_and_aligned(void **state)
{
    for (size_t i = 0; i < sizeof pattern; i++) {
        pattern[i] = (uint8_t)(i * 7 + 3);
    }
    for (uint32_t bytes = 0; bytes <= GW_TURN_CALL_BYTES_MAX; bytes += bytes < 70 ? 1 : 1342) {
        ran[0] = bytes;
        assert_int_equal(
            gw_turn_call(&turn, compare_with_pattern, bytes == 0 ? NULL : pattern, bytes), GW_OK);
        fixture_run_now();
    }
    assert_int_equal(ran_count, 74);
}

static void arguments_that_are_too_large_are_refused(void **state)
{
    ran[0] = GW_TURN_CALL_BYTES_MAX;
    assert_int_equal(gw_turn_call(&turn, note, pattern, sizeof pattern), GW_E_FULL);
    assert_int_equal(gw_turn_call(&turn, note, pattern, UINT32_MAX), GW_E_FULL);
    assert_int_equal(gw_turn_call(&turn, compare_with_pattern, pattern, GW_TURN_CALL_BYTES_MAX),
                     GW_OK);
    fixture_run_now();
    assert_int_equal(ran_count, 1);
}

static void without_memory_a_call_is_refused_and_does_not_run(void **state)
{
    memory_fail_at(1);
    assert_int_equal(call(1), GW_E_MEMORY);
    memory_fail_at(0);
    assert_int_equal(call(2), GW_OK);
    fixture_run_now();
    assert_int_equal(ran_count, 1);
    assert_int_equal(ran[0], 2);
}

static void call_again(struct gw_turn *of, void *data)
{
    uint32_t left;
    memcpy(&left, data, sizeof left);
    ran_count++;
    if (left > 0) {
        left--;
        assert_int_equal(gw_turn_call(of, call_again, &left, sizeof left), GW_OK);
    }
}

static void a_call_may_post_another_call(void **state)
{
    uint32_t left = 9;
    assert_int_equal(gw_turn_call(&turn, call_again, &left, sizeof left), GW_OK);
    fixture_run_now();
    assert_int_equal(ran_count, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_and_tasks_run_in_the_order_in_which_they_were_posted),
        TEST(a_call_sees_its_arguments_as_they_were_when_it_was_posted),
        TEST(arguments_of_every_size_are_copied_and_aligned),
        TEST(arguments_that_are_too_large_are_refused),
        TEST(without_memory_a_call_is_refused_and_does_not_run),
        TEST(a_call_may_post_another_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

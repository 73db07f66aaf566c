/* tests/tools/dummy/test_place.c: where clients walk. */
#include "tests/test.h"
#include "tools/dummy-client/place.h"
#include <stdlib.h>

static void a_place_keeps_its_signs(void **state)
{
    (void)state;
    dummy_place place = dummy_place_at(-1000, -1);
    assert_int_equal(dummy_place_x(place), -1000);
    assert_int_equal(dummy_place_y(place), -1);
    assert_true(place != DUMMY_NOWHERE);
}

static void a_walk_stays_on_the_map_and_steps_by_one(void **state)
{
    (void)state;
    for (uint32_t step = 1; step < 100000; step++) {
        dummy_place from = dummy_place_step(3, step - 1), to = dummy_place_step(3, step);
        int32_t x = dummy_place_x(to), y = dummy_place_y(to);
        assert_true(x >= -1000 && x <= 1000 && y >= -1000 && y <= 1000);
        assert_int_equal(abs(x - dummy_place_x(from)) + abs(y - dummy_place_y(from)), 1);
    }
}

static void a_walk_is_in_no_place_twice(void **state)
{
    (void)state;
    enum { ROW = 2001 };
    uint8_t *was_here = calloc(ROW, ROW);
    assert_non_null(was_here);
    for (uint32_t step = 0; step < ROW * ROW; step++) {
        dummy_place place = dummy_place_step(12345, step);
        uint8_t *here =
            &was_here[(dummy_place_y(place) + 1000) * ROW + dummy_place_x(place) + 1000];
        assert_int_equal((*here)++, 0);
    }
    free(was_here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_keeps_its_signs),
        cmocka_unit_test(a_walk_stays_on_the_map_and_steps_by_one),
        cmocka_unit_test(a_walk_is_in_no_place_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

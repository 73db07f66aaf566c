/* tests/server/test_log_limit.c: Tests of the limit of log lines per second. */
#include "tests/test.h"

#include "server/log/limit.h"

static unsigned taken(struct server_log_limit *limit, uint64_t second, unsigned asked,
                      uint32_t lines_max)
{
    unsigned count = 0;
    for (unsigned i = 0; i < asked; i++) {
        bool is_first;
        count += server_log_limit_take(limit, second, lines_max, &is_first);
    }
    return count;
}

static void a_second_has_as_many_lines_as_the_limit(void **state)
{
    struct server_log_limit limit = {0};
    assert_int_equal(taken(&limit, 1000, 99, 100), 99);
    assert_int_equal(taken(&limit, 1000, 5, 100), 1);
    assert_int_equal(taken(&limit, 1001, 200, 100), 100);
}

static void dropped_lines_are_reported_once(void **state)
{
    struct server_log_limit limit = {0};
    taken(&limit, 1000, 17, 10);
    assert_int_equal(server_log_limit_take_dropped(&limit), 7);
    assert_int_equal(server_log_limit_take_dropped(&limit), 0);
    assert_int_equal(limit.dropped_total, 7);
}

static void the_first_line_of_a_second_is_marked(void **state)
{
    struct server_log_limit limit = {0};
    bool is_first;
    assert_true(server_log_limit_take(&limit, 1000, 10, &is_first) && is_first);
    assert_true(server_log_limit_take(&limit, 1000, 10, &is_first) && !is_first);
    assert_true(server_log_limit_take(&limit, 1001, 10, &is_first) && is_first);
}

static void a_second_slightly_in_the_past_counts_as_the_current_one(void **state)
{
    struct server_log_limit limit = {0};
    taken(&limit, 1001, 10, 10);
    assert_int_equal(taken(&limit, 1000, 10, 10), 0);
}

static void the_log_continues_after_the_clock_is_set_back(void **state)
{
    struct server_log_limit limit = {0};
    taken(&limit, 100000, 10, 10);
    assert_int_equal(taken(&limit, 50, 20, 10), 10);
}

static void the_maximum_limit_is_counted_exactly(void **state)
{
    struct server_log_limit limit = {0};
    assert_int_equal(taken(&limit, 1, SERVER_LOG_LINES_MAX + 5, SERVER_LOG_LINES_MAX),
                     SERVER_LOG_LINES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_has_as_many_lines_as_the_limit),
        cmocka_unit_test(dropped_lines_are_reported_once),
        cmocka_unit_test(the_first_line_of_a_second_is_marked),
        cmocka_unit_test(a_second_slightly_in_the_past_counts_as_the_current_one),
        cmocka_unit_test(the_log_continues_after_the_clock_is_set_back),
        cmocka_unit_test(the_maximum_limit_is_counted_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

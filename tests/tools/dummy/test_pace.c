/* tests/tools/dummy/test_pace.c: when each message should leave. */
#include "tests/test.h"
#include "tools/dummy-client/pace.h"

enum { SECOND_NS = 1000000000 };

static void a_rate_becomes_an_interval(void **state)
{
    (void)state;
    assert_int_equal(dummy_pace_interval_ns(1000000), SECOND_NS);
    assert_int_equal(dummy_pace_interval_ns(5000000), SECOND_NS / 5);
    assert_int_equal(dummy_pace_interval_ns(200000), UINT64_C(5) * SECOND_NS);
}

static void messages_do_not_wait_for_one_another(void **state)
{
    (void)state;
    struct dummy_pace pace = {.start_ns = 7, .interval_ns = SECOND_NS};
    assert_int_equal(dummy_pace_slot_ns(&pace, 0), 7);
    assert_int_equal(dummy_pace_slot_ns(&pace, 1000), 7 + UINT64_C(1000) * SECOND_NS);
}

static void without_a_rate_nothing_ever_leaves(void **state)
{
    (void)state;
    struct dummy_pace pace = {.interval_ns = dummy_pace_interval_ns(0)};
    dummy_pace_begin(&pace, 5, 1);
    assert_true(dummy_pace_slot_ns(&pace, 0) == DUMMY_NEVER);
}

static void clients_begin_spread_over_one_interval(void **state)
{
    (void)state;
    int tenths[10] = {0};
    for (uint32_t client = 0; client < 1000; client++) {
        struct dummy_pace pace = {.interval_ns = SECOND_NS};
        dummy_pace_begin(&pace, SECOND_NS, client);
        assert_in_range(pace.start_ns, SECOND_NS, UINT64_C(2) * SECOND_NS - 1);
        tenths[(pace.start_ns - SECOND_NS) / (SECOND_NS / 10)]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(tenths[i], 95, 105);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_becomes_an_interval),
        cmocka_unit_test(messages_do_not_wait_for_one_another),
        cmocka_unit_test(without_a_rate_nothing_ever_leaves),
        cmocka_unit_test(clients_begin_spread_over_one_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

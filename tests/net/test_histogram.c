/* tests/net/test_histogram.c: Percentiles of a histogram, against a sorted array. */
#include "net/histogram.h"
#include "tests/test.h"
#include <stdlib.h>
#include <string.h>

enum { VALUE_COUNT = 20000 };

static struct gw_histogram histogram, other;
static uint64_t values[VALUE_COUNT];

static int empty_both(void **state)
{
    memset(&histogram, 0, sizeof histogram);
    memset(&other, 0, sizeof other);
    return 0;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Numbers of every size up to a quarter of an hour. */
static void fill_values(void)
{
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < VALUE_COUNT; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        values[i] = (random >> 24) >> (random % 40);
    }
}

static void assert_within_one_part(uint64_t found, uint64_t exact)
{
    assert_true(found >= exact);
    assert_true(found - exact <= exact / GW_HISTOGRAM_PARTS);
}

static void an_empty_histogram_returns_zero(void **state)
{
    assert_int_equal(gw_histogram_count(&histogram), 0);
    assert_int_equal(gw_histogram_percentile_ns(&histogram, 50), 0);
    assert_int_equal(gw_histogram_percentile_ns(&histogram, 100), 0);
}

static void small_values_are_exact(void **state)
{
    for (uint64_t value = 0; value < 128; value++) {
        empty_both(NULL);
        gw_histogram_add(&histogram, value);
        gw_histogram_add(&histogram, 1000);
        assert_int_equal(gw_histogram_percentile_ns(&histogram, 50), value);
    }
}

static void both_sides_of_each_power_of_two_are_within_one_part(void **state)
{
    for (int bit = 1; bit < 40; bit++) {
        for (int64_t step = -1; step <= 1; step++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)step;
            empty_both(NULL);
            gw_histogram_add(&histogram, value);
            gw_histogram_add(&histogram, UINT64_MAX);
            assert_within_one_part(gw_histogram_percentile_ns(&histogram, 50), value);
        }
    }
}

static void percentiles_agree_with_a_sorted_array(void **state)
{
    static const double percents[] = {1, 10, 50, 90, 99, 99.9};
    fill_values();
    for (int i = 0; i < VALUE_COUNT; i++) {
        gw_histogram_add(&histogram, values[i]);
    }
    qsort(values, VALUE_COUNT, sizeof values[0], compare);
    for (int i = 0; i < 6; i++) {
        int rank = (int)(VALUE_COUNT * percents[i] / 100);
        assert_within_one_part(gw_histogram_percentile_ns(&histogram, percents[i]),
                               values[rank - 1]);
    }
    assert_int_equal(gw_histogram_percentile_ns(&histogram, 100), values[VALUE_COUNT - 1]);
}

static void merged_parts_equal_the_whole(void **state)
{
    static struct gw_histogram whole;
    fill_values();
    for (int i = 0; i < VALUE_COUNT; i++) {
        gw_histogram_add(i % 3 == 0 ? &histogram : &other, values[i]);
        gw_histogram_add(&whole, values[i]);
    }
    gw_histogram_merge(&histogram, &other);
    assert_memory_equal(&histogram, &whole, sizeof whole);
}

static void subtracted_values_no_longer_count(void **state)
{
    gw_histogram_add(&histogram, 1000000);
    gw_histogram_merge(&other, &histogram);
    gw_histogram_add(&histogram, 10);
    gw_histogram_add(&histogram, 20);
    gw_histogram_subtract(&histogram, &other);
    assert_int_equal(gw_histogram_count(&histogram), 2);
    assert_int_equal(gw_histogram_percentile_ns(&histogram, 50), 10);
    assert_int_equal(gw_histogram_percentile_ns(&histogram, 100), 20);
}

static void a_value_above_the_last_bucket_counts_there(void **state)
{
    gw_histogram_add(&histogram, UINT64_MAX);
    assert_int_equal(gw_histogram_count(&histogram), 1);
    assert_true(gw_histogram_percentile_ns(&histogram, 50) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_histogram_returns_zero, empty_both),
        cmocka_unit_test_setup(small_values_are_exact, empty_both),
        cmocka_unit_test_setup(both_sides_of_each_power_of_two_are_within_one_part, empty_both),
        cmocka_unit_test_setup(percentiles_agree_with_a_sorted_array, empty_both),
        cmocka_unit_test_setup(merged_parts_equal_the_whole, empty_both),
        cmocka_unit_test_setup(subtracted_values_no_longer_count, empty_both),
        cmocka_unit_test_setup(a_value_above_the_last_bucket_counts_there, empty_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/tools/dummy/test_sequence.c: tests of the check that numbers arrive once each, in order. */
#include "tests/test.h"
#include "tools/dummy-client/faults.h"
#include "tools/dummy-client/sequence.h"
#include <string.h>

static struct dummy_sequence sequence;
static struct dummy_faults faults;

static int begin_at_seven(void **state)
{
    memset(&faults, 0, sizeof faults);
    dummy_sequence_init(&sequence, 7);
    return 0;
}

static void receive(uint64_t number)
{
    dummy_sequence_receive(&sequence, number, &faults);
}

static void assert_faults(uint64_t lost, uint64_t doubled, uint64_t out_of_order)
{
    assert_int_equal(dummy_faults_count(&faults, DUMMY_LOST), lost);
    assert_int_equal(dummy_faults_count(&faults, DUMMY_DOUBLED), doubled);
    assert_int_equal(dummy_faults_count(&faults, DUMMY_OUT_OF_ORDER), out_of_order);
}

static void numbers_in_order_are_no_fault(void **state)
{
    for (uint64_t number = 7; number < 500; number++) {
        receive(number);
    }
    assert_int_equal(dummy_faults_total(&faults), 0);
    assert_int_equal(sequence.next, 500);
}

static void a_sequence_without_a_beginning_starts_at_any_number(void **state)
{
    dummy_sequence_init(&sequence, 0);
    receive(41);
    receive(42);
    assert_int_equal(dummy_faults_total(&faults), 0);
    receive(44);
    assert_faults(1, 0, 0);
}

static void a_gap_is_lost(void **state)
{
    receive(7);
    receive(11);
    assert_faults(3, 0, 0);
    receive(12);
    assert_faults(3, 0, 0);
}

static void a_gap_at_the_beginning_is_lost(void **state)
{
    receive(8);
    assert_faults(1, 0, 0);
}

static void a_number_received_twice_is_doubled(void **state)
{
    receive(7);
    receive(7);
    assert_faults(0, 1, 0);
    receive(8);
    receive(7);
    assert_faults(0, 2, 0);
}

static void a_late_number_is_out_of_order_and_not_lost(void **state)
{
    receive(8);
    receive(7);
    receive(9);
    assert_faults(0, 0, 1);
    receive(7);
    assert_faults(0, 1, 1);
}

static void a_number_from_before_the_beginning_is_doubled(void **state)
{
    receive(7);
    receive(6);
    assert_faults(0, 1, 0);
}

static void a_number_late_by_63_is_remembered_and_by_64_is_not(void **state)
{
    receive(7 + 64);
    receive(8);
    assert_faults(63, 0, 1);
    receive(7);
    assert_faults(63, 1, 1);
}

static void after_a_large_gap_only_the_last_64_are_remembered(void **state)
{
    receive(7);
    receive(1007);
    assert_faults(999, 0, 0);
    receive(1006);
    assert_faults(998, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(numbers_in_order_are_no_fault, begin_at_seven),
        cmocka_unit_test_setup(a_sequence_without_a_beginning_starts_at_any_number, begin_at_seven),
        cmocka_unit_test_setup(a_gap_is_lost, begin_at_seven),
        cmocka_unit_test_setup(a_gap_at_the_beginning_is_lost, begin_at_seven),
        cmocka_unit_test_setup(a_number_received_twice_is_doubled, begin_at_seven),
        cmocka_unit_test_setup(a_late_number_is_out_of_order_and_not_lost, begin_at_seven),
        cmocka_unit_test_setup(a_number_from_before_the_beginning_is_doubled, begin_at_seven),
        cmocka_unit_test_setup(a_number_late_by_63_is_remembered_and_by_64_is_not, begin_at_seven),
        cmocka_unit_test_setup(after_a_large_gap_only_the_last_64_are_remembered, begin_at_seven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

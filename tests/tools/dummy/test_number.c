/* tests/tools/dummy/test_number.c: tests of parsing and formatting of numbers. */
#include "tests/test.h"
#include "tools/dummy-client/number.h"

static void a_number_ends_where_its_digits_end(void **state)
{
    uint64_t number;
    const char *text = "120 apples";
    assert_ptr_equal(dummy_number_read(text, 1000, &number), text + 3);
    assert_int_equal(number, 120);
}

static void a_number_may_equal_its_limit_and_not_exceed_it(void **state)
{
    uint64_t number;
    assert_non_null(dummy_number_read("255", 255, &number));
    assert_null(dummy_number_read("256", 255, &number));
    assert_null(dummy_number_read("", 255, &number));
    assert_null(dummy_number_read("-1", 255, &number));
    assert_non_null(dummy_number_read("999999999999999999", UINT64_MAX, &number));
    assert_null(dummy_number_read("9999999999999999999", UINT64_MAX, &number));
}

static void fractions_are_read_in_millionths(void **state)
{
    uint64_t millionths;
    assert_true(dummy_number_read_millionths("2", &millionths));
    assert_int_equal(millionths, 2000000);
    assert_true(dummy_number_read_millionths("0.25", &millionths));
    assert_int_equal(millionths, 250000);
    assert_true(dummy_number_read_millionths("10.000001", &millionths));
    assert_int_equal(millionths, 10000001);
}

static void an_invalid_fraction_is_refused(void **state)
{
    static const char *const texts[] = {"",    ".5",  "5.",  "1.0000001", "1,5",
                                        "1e3", "nan", "0x1", "1.5 ",      "1.-5"};
    uint64_t millionths;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(dummy_number_read_millionths(texts[i], &millionths));
    }
}

static void large_numbers_have_thousands_separators(void **state)
{
    char text[DUMMY_NUMBER_TEXT_BYTES];
    assert_string_equal(dummy_number_write(0, text), "0");
    assert_string_equal(dummy_number_write(999, text), "999");
    assert_string_equal(dummy_number_write(1000, text), "1,000");
    assert_string_equal(dummy_number_write(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_ends_where_its_digits_end),
        cmocka_unit_test(a_number_may_equal_its_limit_and_not_exceed_it),
        cmocka_unit_test(fractions_are_read_in_millionths),
        cmocka_unit_test(an_invalid_fraction_is_refused),
        cmocka_unit_test(large_numbers_have_thousands_separators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/tools/dummy/test_source.c: tests of source address ranges. */
#include "net/addr.h"
#include "tests/test.h"
#include "tools/dummy-client/source.h"

static void assert_comes_from(const struct dummy_source *source, uint32_t index, const char *text)
{
    struct gw_addr addr;
    char found[GW_ADDR_TEXT_BYTES];
    assert_true(dummy_source_addr(source, index, &addr));
    assert_true(gw_addr_is_ipv4(&addr));
    assert_string_equal(gw_addr_format(&addr, found), text);
}

static void clients_use_the_addresses_round_robin(void **state)
{
    struct dummy_source source;
    assert_true(dummy_source_parse("127.0.0.2-127.0.0.4", &source));
    assert_comes_from(&source, 0, "127.0.0.2:0");
    assert_comes_from(&source, 2, "127.0.0.4:0");
    assert_comes_from(&source, 3, "127.0.0.2:0");
}

static void a_range_may_cross_a_byte_boundary(void **state)
{
    struct dummy_source source;
    assert_true(dummy_source_parse("10.0.0.254-10.0.1.1", &source));
    assert_int_equal(source.count, 4);
    assert_comes_from(&source, 2, "10.0.1.0:0");
}

static void one_address_is_a_range_of_one(void **state)
{
    struct dummy_source source;
    assert_true(dummy_source_parse("127.0.0.9", &source));
    assert_comes_from(&source, 17, "127.0.0.9:0");
    assert_true(dummy_source_parse("127.0.0.9-127.0.0.9", &source));
    assert_int_equal(source.count, 1);
}

static void without_a_range_there_is_no_source_address(void **state)
{
    struct dummy_source source = {0};
    struct gw_addr addr;
    assert_false(dummy_source_addr(&source, 0, &addr));
}

static void an_invalid_range_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "127.0.0",
        "127.0.0.2-",
        "127.0.0.4-127.0.0.2",
        "127.0.0.256",
        "127.0.0.2x",
        "127.0.0.2-127.0.0.3-",
        "-127.0.0.2",
        "::1",
        "localhost",
        "127.0.0.2:80",
        "127..0.1",
        "0.0.0.0",
        "127.0.0.2 ",
        "1.2.3.4.5",
        "1.2.3.99999999999999999999",
    };
    struct dummy_source source = {.first = 1, .count = 2};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(dummy_source_parse(texts[i], &source));
    }
    assert_int_equal(source.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_use_the_addresses_round_robin),
        cmocka_unit_test(a_range_may_cross_a_byte_boundary),
        cmocka_unit_test(one_address_is_a_range_of_one),
        cmocka_unit_test(without_a_range_there_is_no_source_address),
        cmocka_unit_test(an_invalid_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

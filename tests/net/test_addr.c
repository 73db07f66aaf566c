/* tests/net/test_addr.c: Parsing and formatting of addresses. */
#include "tests/test.h"

#include "net/addr.h"
#include "net/error.h"
#include "tests/support/random.h"
#include <string.h>

static void a_parsed_address_formats_to_the_same_text(void **state)
{
    static const char *const texts[] = {
        "127.0.0.1:7777", "0.0.0.0:0", "255.255.255.255:65535",
        "[::1]:7777",     "*:7777",    "[fe80::1:2]:65535",
        "[2001:db8::]:1", "*:0",       "[fe80::1%65535]:1",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct gw_addr addr;
        char text[GW_ADDR_TEXT_BYTES];
        assert_int_equal(gw_addr_parse(texts[i], &addr), GW_OK);
        assert_string_equal(gw_addr_format(&addr, text), texts[i]);
    }
}

static void an_invalid_address_leaves_the_output_unchanged(void **state)
{
    static const char *const texts[] = {
        "",
        ":",
        ":7777",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:99999999999999999999",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1: 1",
        "127.0.0.1:1 ",
        "127.0.0.1:0x10",
        " 127.0.0.1:1",
        "127.0.0:1",
        "127.0.0.256:1",
        "127.0.0.1.1:1",
        "[127.0.0.1]:1",
        "::1:7777",
        "[::1]",
        "[::1]7777",
        "[::1:7777",
        "::1]:7777",
        "[]:1",
        "[*]:1",
        "**:1",
        "localhost:1",
        "[::1%lo]:1",
        "[fe80::1%]:1",
        "[fe80::1%0]:1",
        "[fe80::1%65536]:1",
        "[fe80::1%no such interface]:1",
        "[fe80::1%1%1]:1",
        "[%1]:1",
        "127.0.0.1%1:1",
        "[1:2:3:4:5:6:7:8:9]:1",
        "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255.255]:1",
        "[0000000000000000000000000000000000000000000000000000000000::1]:1",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct gw_addr addr = {.ip = {1, 2, 3}, .port = 4};
        const struct gw_addr before = addr;
        assert_int_equal(gw_addr_parse(texts[i], &addr), GW_E_ADDRESS);
        assert_memory_equal(&addr, &before, sizeof(addr));
    }
}

static void an_invalid_address_is_rejected_with_a_reason(void **state)
{
    static const char *const cases[][2] = {
        {"127.0.0.1:0", NULL},
        {"*:7777", NULL},
        {"[::1]:1", NULL},
        {"[fe80::1%1]:1", NULL},
        {"127.0.0.1", "an address without a port"},
        {"127.0.0.1:", "an address without a port from 0 to 65535"},
        {"127.0.0.1:65536", "an address without a port from 0 to 65535"},
        {"::1:7777", "not an address, or an IPv6 address without [ ] around it"},
        {"[::1%1]:1", "an address with a zone, which only link-local ones have (fe80::...)"},
        {"[fe80::1%nowhere]:1", "an address with a zone that is no interface of this machine"},
        {"[fe80::1]:1", "a link-local address without its interface ([fe80::1%eth0]:7777)"},
        {"", "not an address"},
        {"[::g]:1", "not an address"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *problem = gw_addr_problem(cases[i][0]);
        if (cases[i][1] == NULL) {
            assert_null(problem);
        } else {
            assert_non_null(problem);
            assert_string_equal(problem, cases[i][1]);
        }
    }
}

static void a_zone_is_the_name_or_the_number_of_an_interface(void **state)
{
    struct gw_addr addr;
    char text[GW_ADDR_TEXT_BYTES];
    assert_int_equal(gw_addr_parse("[fe80::1%1]:7777", &addr), GW_OK);
    assert_int_equal(addr.zone, 1);
    assert_int_equal(gw_addr_parse("[::1]:7777", &addr), GW_OK);
    assert_int_equal(addr.zone, 0);
    if (gw_addr_parse("[fe80::1%lo]:7777", &addr) != GW_OK) {
        skip(); /* a system without names, or without that one */
    }
    assert_int_not_equal(addr.zone, 0);
    assert_string_equal(gw_addr_format(&addr, text), "[fe80::1%lo]:7777");
}

static void every_port_is_read_and_written(void **state)
{
    for (uint32_t port = 0; port <= UINT16_MAX; port++) {
        struct gw_addr addr = {.ip = {[15] = 1}, .port = (uint16_t)port};
        struct gw_addr again;
        char text[GW_ADDR_TEXT_BYTES];
        assert_int_equal(gw_addr_parse(gw_addr_format(&addr, text), &again), GW_OK);
        assert_memory_equal(&again, &addr, sizeof(addr));
    }
}

/* Makes zeros likely, because they have a short form. */
static struct gw_addr random_addr(struct random *random)
{
    struct gw_addr addr = {.port = (uint16_t)random_next(random)};
    for (int i = 0; i < 16; i++) {
        addr.ip[i] = random_below(random, 2) == 0 ? 0 : (uint8_t)random_next(random);
    }
    if (random_below(random, 4) == 0) {
        memset(addr.ip, 0, 10);
        memset(addr.ip + 10, 0xFF, 2);
    }
    return addr;
}

static void any_address_is_equal_after_formatting_and_parsing(void **state)
{
    struct random random = {1};
    for (int i = 0; i < 100000; i++) {
        struct gw_addr addr = random_addr(&random);
        struct gw_addr again;
        char text[GW_ADDR_TEXT_BYTES];
        assert_int_equal(gw_addr_parse(gw_addr_format(&addr, text), &again), GW_OK);
        assert_memory_equal(&again, &addr, sizeof(addr));
    }
}

static void the_longest_address_fits_its_text(void **state)
{
    struct gw_addr addr = {.port = 65535};
    char text[GW_ADDR_TEXT_BYTES];
    memset(addr.ip, 0xFF, sizeof(addr.ip));
    assert_string_equal(gw_addr_format(&addr, text),
                        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void an_ipv4_address_is_stored_in_mapped_form(void **state)
{
    const uint8_t mapped[16] = {[10] = 0xFF, [11] = 0xFF, 192, 168, 1, 2};
    struct gw_addr addr;
    struct gw_addr by_hand;
    assert_int_equal(gw_addr_parse("192.168.1.2:80", &addr), GW_OK);
    assert_memory_equal(addr.ip, mapped, 16);
    assert_int_equal(addr.port, 80);
    assert_true(gw_addr_is_ipv4(&addr));
    assert_int_equal(gw_addr_parse("[::ffff:192.168.1.2]:80", &by_hand), GW_OK);
    assert_memory_equal(&by_hand, &addr, sizeof(addr));
}

static void the_any_address_of_both_families_is_not_ipv4(void **state)
{
    struct gw_addr addr;
    assert_int_equal(gw_addr_parse("*:80", &addr), GW_OK);
    assert_false(gw_addr_is_ipv4(&addr));
    assert_int_equal(gw_addr_parse("0.0.0.0:80", &addr), GW_OK);
    assert_true(gw_addr_is_ipv4(&addr));
    assert_int_equal(gw_addr_parse("[::1]:80", &addr), GW_OK);
    assert_false(gw_addr_is_ipv4(&addr));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parsed_address_formats_to_the_same_text),
        cmocka_unit_test(an_invalid_address_leaves_the_output_unchanged),
        cmocka_unit_test(an_invalid_address_is_rejected_with_a_reason),
        cmocka_unit_test(a_zone_is_the_name_or_the_number_of_an_interface),
        cmocka_unit_test(every_port_is_read_and_written),
        cmocka_unit_test(any_address_is_equal_after_formatting_and_parsing),
        cmocka_unit_test(the_longest_address_fits_its_text),
        cmocka_unit_test(an_ipv4_address_is_stored_in_mapped_form),
        cmocka_unit_test(the_any_address_of_both_families_is_not_ipv4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/tools/dummy/test_connect.c: The address of a host name that the clients connect to. */
#include "tests/test.h"

#include "net/error.h"
#include "net/os/os.h"
#include "tests/support/raw_socket.h"
#include "tools/dummy-client/connect.h"
#include "tools/dummy-client/options.h"

#include <string.h>

int __wrap_os_addr_lookup(const char *name, struct gw_addr *addrs_out, uint32_t count_max,
                          uint32_t *count_out);

/* What the resolver gives. */
static const char *const *found;
static int found_error;

int __wrap_os_addr_lookup(const char *name, struct gw_addr *addrs_out, uint32_t count_max,
                          uint32_t *count_out)
{
    assert_string_equal(name, "server.example");
    *count_out = 0;
    while (found_error == GW_OK && found[*count_out] != NULL && *count_out < count_max) {
        assert_int_equal(gw_addr_parse(found[*count_out], &addrs_out[*count_out]), GW_OK);
        ++*count_out;
    }
    return found_error;
}

static struct raw_socket listener;
static struct gw_addr addr;
static struct dummy_options options;
static struct problem problem;

/* Listens at 127.0.0.1 alone. */
static int listen_at_one_address(void **state)
{
    char text[64];
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &addr), GW_OK);
    assert_true(raw_socket_listen(&listener, &addr, 8));
    snprintf(text, sizeof text, "server.example:%u", (unsigned)addr.port);
    dummy_options_init(&options);
    assert_null(url_parse(text, &options.connect));
    assert_true(options.connect.is_name);
    found_error = GW_OK;
    return 0;
}

static int close_listener(void **state)
{
    dummy_connect_close(&options);
    raw_socket_close(&listener);
    return 0;
}

static void assert_chosen(const char *const *addrs, const char *expected)
{
    char text[GW_ADDR_TEXT_BYTES];
    found = addrs;
    assert_true(dummy_connect_open(&options, &problem));
    assert_int_equal(options.connect.addr.port, addr.port);
    options.connect.addr.port = 0;
    assert_string_equal(gw_addr_format(&options.connect.addr, text), expected);
}

static void the_only_address_is_taken(void **state)
{
    static const char *const addrs[] = {"127.0.0.2:0", NULL};
    assert_chosen(addrs, "127.0.0.2:0");
}

static void the_first_address_that_accepts_is_taken(void **state)
{
    static const char *const addrs[] = {"127.0.0.2:0", "[::1]:0", "127.0.0.1:0", "127.0.0.3:0",
                                        NULL};
    assert_chosen(addrs, "127.0.0.1:0");
}

static void the_first_address_is_taken_when_none_accepts(void **state)
{
    static const char *const addrs[] = {"127.0.0.2:0", "127.0.0.3:0", NULL};
    assert_chosen(addrs, "127.0.0.2:0");
}

static void a_name_that_is_unknown_gives_one_line(void **state)
{
    found_error = GW_E_NAME;
    assert_false(dummy_connect_open(&options, &problem));
    assert_non_null(strstr(problem.text, "--connect server.example:"));
    assert_non_null(strstr(problem.text, "The host name is unknown, or has no address."));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, listen_at_one_address, close_listener)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_only_address_is_taken),
        TEST(the_first_address_that_accepts_is_taken),
        TEST(the_first_address_is_taken_when_none_accepts),
        TEST(a_name_that_is_unknown_gives_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

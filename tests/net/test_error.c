/* tests/net/test_error.c: Names and texts of errors. */
#include "tests/test.h"

#include "net/error.h"
#include "net/os/os.h"

#include <string.h>

static void every_error_has_the_name_of_its_enumerator(void **state)
{
    static const char *const names[] = {
        "GW_OK",        "GW_E_CLOSED",  "GW_E_RESET",  "GW_E_REFUSED",     "GW_E_TIMEOUT",
        "GW_E_ADDRESS", "GW_E_FULL",    "GW_E_MEMORY", "GW_E_UNSUPPORTED", "GW_E_SYSTEM",
        "GW_E_IN_USE",  "GW_E_PROXY",   "GW_E_TLS",    "GW_E_WEBSOCKET",   "GW_E_INVALID",
        "GW_E_DENIED",  "GW_E_NO_FILE", "GW_E_NAME",
    };
    for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++) {
        assert_string_equal(gw_error_name(-i), names[i]);
    }
}

static void an_unknown_error_number_has_a_name_too(void **state)
{
    assert_string_equal(gw_error_name(1), "GW_E_?");
    assert_string_equal(gw_error_name(GW_E_NAME - 1), "GW_E_?");
    assert_string_equal(gw_error_name(INT32_MIN), "GW_E_?");
}

static void every_error_has_a_text_of_its_own(void **state)
{
    for (int i = 0; i <= -GW_E_NAME; i++) {
        const char *text = gw_error_text(-i);
        assert_in_range(text[0], 'A', 'Z');
        assert_int_equal(text[strlen(text) - 1], '.');
        assert_string_not_equal(text, gw_error_text(1));
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(text, gw_error_text(-k));
        }
    }
    assert_string_equal(gw_error_text(GW_E_RESET), "The peer reset the connection.");
}

static void an_unknown_error_number_has_a_text_too(void **state)
{
    assert_string_equal(gw_error_text(1), "Unknown error.");
    assert_string_equal(gw_error_text(GW_E_NAME - 1), "Unknown error.");
    assert_string_equal(gw_error_text(INT32_MIN), "Unknown error.");
}

static void no_system_error_becomes_ok(void **state)
{
    for (int code = -1; code < 200; code++) {
        assert_true(os_error(code) < 0);
        assert_string_not_equal(gw_error_name(os_error(code)), "GW_E_?");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_the_name_of_its_enumerator),
        cmocka_unit_test(an_unknown_error_number_has_a_name_too),
        cmocka_unit_test(every_error_has_a_text_of_its_own),
        cmocka_unit_test(an_unknown_error_number_has_a_text_too),
        cmocka_unit_test(no_system_error_becomes_ok),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/server/test_text.c: what players write: is it UTF-8, and may a terminal see it? */
#include "tests/test.h"

#include "server/log/text.h"

static bool is_utf8(const char *text)
{
    return server_text_is_valid(text, 0, 1000);
}

static void utf8_of_every_length_is_valid(void **state)
{
    (void)state;
    assert_true(is_utf8(""));
    assert_true(is_utf8("plain"));
    assert_true(is_utf8("\xC2\x80 \xDF\xBF"));
    assert_true(is_utf8("\xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF"));
    assert_true(is_utf8("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF"));
}

static void what_is_not_shortest_or_not_a_character_is_invalid(void **state)
{
    static const char *const broken[] = {
        "\x80",             /* begins in the middle */
        "\xC0\x80",         /* NUL in two bytes */
        "\xC1\xBF",         /* too long a form */
        "\xE0\x9F\xBF",     /* too long a form */
        "\xF0\x8F\xBF\xBF", /* too long a form */
        "\xED\xA0\x80",     /* half of a surrogate pair */
        "\xED\xBF\xBF",     /* the other half */
        "\xF4\x90\x80\x80", /* beyond the last code point */
        "\xF5\x80\x80\x80", /* a byte that never occurs */
        "\xFF",
        "\xC3",     /* ends too early */
        "\xE2\x82", /* ends too early */
        "\xF0\x9F\x98",
        "\xE2(\xA1", /* goes on wrongly */
    };
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_false(is_utf8(broken[i]));
    }
}

static void both_ends_of_the_length_belong_to_it(void **state)
{
    (void)state;
    assert_false(server_text_is_valid("", 1, 4));
    assert_true(server_text_is_valid("a", 1, 4));
    assert_true(server_text_is_valid("abcd", 1, 4));
    assert_false(server_text_is_valid("abcde", 1, 4));
    assert_false(server_text_is_valid("\xC3\xA4\xC3\xA4z", 1, 4)); /* bytes, not letters */
}

static void code_points_come_one_by_one(void **state)
{
    const char *at = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xFFz";
    static const int32_t expected[] = {'a', 0xE4, 0x20AC, 0x1F600, SERVER_TEXT_BROKEN, 'z'};
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(server_text_next(&at), expected[i]);
    }
    assert_int_equal(*at, '\0');
}

static void letters_are_harmless(void **state)
{
    static const int32_t letters[] = {' ', 'A', '~', 0xA0, 0xE4, 0x20AC, 0x4E2D, 0x1F600};
    (void)state;
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        assert_true(server_text_is_harmless(letters[i]));
    }
}

static void controls_and_turned_directions_are_not(void **state)
{
    static const int32_t harmful[] = {SERVER_TEXT_BROKEN,
                                      0,
                                      '\n',
                                      0x1B,
                                      0x7F,
                                      0x85,
                                      0x9B,
                                      0x200B,
                                      0x200E,
                                      0x2028,
                                      0x202E,
                                      0x2066,
                                      0x2069,
                                      0xFEFF,
                                      0xE0041};
    (void)state;
    for (size_t i = 0; i < sizeof harmful / sizeof harmful[0]; i++) {
        assert_false(server_text_is_harmless(harmful[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_of_every_length_is_valid),
        cmocka_unit_test(what_is_not_shortest_or_not_a_character_is_invalid),
        cmocka_unit_test(both_ends_of_the_length_belong_to_it),
        cmocka_unit_test(code_points_come_one_by_one),
        cmocka_unit_test(letters_are_harmless),
        cmocka_unit_test(controls_and_turned_directions_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

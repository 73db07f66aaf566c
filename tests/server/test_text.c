/* tests/server/test_text.c: Tests of the decoding and escaping of text. */
#include "tests/test.h"

#include "server/log/text.h"

static bool is_utf8(const char *text)
{
    while (*text != '\0') {
        struct server_text_point point = server_text_next(text);
        if (point.code_point < 0) {
            return false;
        }
        text += point.byte_count;
    }
    return true;
}

static void sequences_of_one_to_four_bytes_are_well_formed(void **state)
{
    assert_true(is_utf8("plain"));
    assert_true(is_utf8("\xC2\x80 \xDF\xBF"));
    assert_true(is_utf8("\xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF"));
    assert_true(is_utf8("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF"));
}

static void overlong_partial_and_surrogate_sequences_are_malformed(void **state)
{
    static const char *const malformed[] = {
        "\x80",             /* a continuation byte first */
        "\xC0\x80",         /* NUL in two bytes */
        "\xC1\xBF",         /* overlong */
        "\xE0\x9F\xBF",     /* overlong */
        "\xF0\x8F\xBF\xBF", /* overlong */
        "\xED\xA0\x80",     /* a high surrogate */
        "\xED\xBF\xBF",     /* a low surrogate */
        "\xF4\x90\x80\x80", /* beyond U+10FFFF */
        "\xF5\x80\x80\x80", /* a byte that never occurs */
        "\xFF",
        "\xC3",     /* partial */
        "\xE2\x82", /* partial */
        "\xF0\x9F\x98",
        "\xE2(\xA1", /* not a continuation byte */
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        assert_false(is_utf8(malformed[i]));
        assert_int_equal(server_text_next(malformed[i]).byte_count, 1);
    }
}

static void code_points_are_decoded_one_by_one(void **state)
{
    const char *text = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xFFz";
    static const int32_t expected[] = {'a', 0xE4, 0x20AC, 0x1F600, -1, 'z'};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct server_text_point point = server_text_next(text);
        assert_int_equal(point.code_point, expected[i]);
        text += point.byte_count;
    }
    assert_int_equal(*text, '\0');
}

static void letters_and_symbols_are_printable(void **state)
{
    static const char *const texts[] = {
        " ", "A", "~", "\xC2\xA0", "\xC3\xA4", "\xE2\x82\xAC", "\xE4\xB8\xAD", "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(server_text_next(texts[i]).is_printable);
    }
}

static void controls_directions_and_private_use_are_not_printable(void **state)
{
    static const char *const texts[] = {
        "\xFF",             /* malformed */
        "\n",               /* controls */
        "\x1B",             /* ESC */
        "\x7F",             /* DEL */
        "\xC2\x85",         /* U+0085: next line */
        "\xC2\x9B",         /* U+009B: CSI */
        "\xE2\x80\x8B",     /* U+200B: zero width space */
        "\xE2\x80\x8E",     /* U+200E: left-to-right mark */
        "\xE2\x80\xA8",     /* U+2028: line separator */
        "\xE2\x80\xAE",     /* U+202E: right-to-left override */
        "\xE2\x81\xA6",     /* U+2066: directional isolate */
        "\xE2\x81\xA9",     /* U+2069: its end */
        "\xEF\xBB\xBF",     /* U+FEFF: byte order mark */
        "\xEE\x80\x80",     /* U+E000: private use */
        "\xF3\xA0\x81\x81", /* U+E0041: a tag */
        "\xF4\x8F\xBF\xBD", /* U+10FFFD: private use */
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(server_text_next(texts[i]).is_printable);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_of_one_to_four_bytes_are_well_formed),
        cmocka_unit_test(overlong_partial_and_surrogate_sequences_are_malformed),
        cmocka_unit_test(code_points_are_decoded_one_by_one),
        cmocka_unit_test(letters_and_symbols_are_printable),
        cmocka_unit_test(controls_directions_and_private_use_are_not_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

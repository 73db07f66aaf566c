/* tests/protocol/test_utf8.c: what is text and what is not. */
#include "tests/test.h"

#include "protocol/utf8.h"

#include <string.h>

/* The definition, spelled out slowly: encodes a code point, or says that there is none. */
static size_t encode(uint32_t code_point, uint8_t *bytes)
{
    static const uint8_t firsts[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
    size_t length = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = length; i > 1; i--) {
        bytes[i - 1] = (uint8_t)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    bytes[0] = (uint8_t)(firsts[length] | code_point);
    return length;
}

static void of_all_code_points_only_nul_and_surrogates_are_no_text(void **state)
{
    (void)state;
    for (uint32_t code_point = 0; code_point <= 0x110000; code_point++) {
        uint8_t bytes[4];
        size_t length = encode(code_point, bytes);
        bool expected = code_point != 0 && code_point <= 0x10FFFF &&
                        !(code_point >= 0xD800 && code_point <= 0xDFFF);
        assert_int_equal(gw_utf8_is_text(bytes, length), expected);
    }
}

/* Counts what passes among all sequences of up to three bytes: a number anyone can work out. */
static void of_all_short_sequences_just_the_well_formed_pass(void **state)
{
    (void)state;
    size_t passed = 0;
    for (uint32_t word = 0; word <= 0xFFFFFF; word++) {
        const uint8_t bytes[] = {(uint8_t)(word >> 16), (uint8_t)(word >> 8), (uint8_t)word};
        passed += gw_utf8_is_text(bytes, sizeof bytes);
    }
    size_t ones = 0x7F;
    size_t twos = 0x800 - 0x80;
    size_t threes = 0x10000 - 0x800 - 0x800;
    assert_int_equal(passed, ones * ones * ones + 2 * ones * twos + threes);
}

static void a_cut_character_is_no_text(void **state)
{
    (void)state;
    static const char *const characters[] = {"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *bytes = (const uint8_t *)characters[i];
        size_t length = strlen(characters[i]);
        assert_true(gw_utf8_is_text(bytes, length));
        for (size_t cut = 1; cut < length; cut++) {
            assert_false(gw_utf8_is_text(bytes, cut));
            assert_false(gw_utf8_is_text(bytes + cut, length - cut));
        }
    }
}

/* Eight bytes at a time, one bad one is found wherever it stands. */
static void one_bad_byte_in_a_long_text_is_found(void **state)
{
    (void)state;
    uint8_t text[40];
    memset(text, 'x', sizeof text);
    for (size_t length = 0; length <= sizeof text; length++) {
        assert_true(gw_utf8_is_text(text, length));
        for (size_t at = 0; at < length; at++) {
            for (unsigned bad = 0; bad <= 0xFF; bad += 0x80) {
                text[at] = (uint8_t)bad;
                assert_false(gw_utf8_is_text(text, length));
            }
            text[at] = 0x01;
            assert_true(gw_utf8_is_text(text, length));
            text[at] = 'x';
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_all_code_points_only_nul_and_surrogates_are_no_text),
        cmocka_unit_test(of_all_short_sequences_just_the_well_formed_pass),
        cmocka_unit_test(a_cut_character_is_no_text),
        cmocka_unit_test(one_bad_byte_in_a_long_text_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

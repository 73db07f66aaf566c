/* tests/protocol/test_utf8.c: Tests of UTF-8 validation and decoding. */
#include "tests/test.h"

#include "protocol/utf8.h"

#include <string.h>

/* A slow reference: encodes a code point. Returns its length, or 0 if it is none. */
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

static void every_code_point_but_nul_and_surrogates_is_text(void **state)
{
    for (uint32_t code_point = 0; code_point <= 0x110000; code_point++) {
        uint8_t bytes[4];
        size_t length = encode(code_point, bytes);
        bool expected = code_point != 0 && code_point <= 0x10FFFF &&
                        !(code_point >= 0xD800 && code_point <= 0xDFFF);
        assert_int_equal(gw_utf8_is_text(bytes, length), expected);
    }
}

static void every_code_point_is_decoded_and_a_truncated_one_is_not(void **state)
{
    for (uint32_t code_point = 0; code_point <= 0x110000; code_point++) {
        uint8_t bytes[4];
        size_t length = encode(code_point, bytes);
        bool is_valid = code_point <= 0x10FFFF && !(code_point >= 0xD800 && code_point <= 0xDFFF);
        uint32_t decoded = 0;
        assert_int_equal(gw_utf8_next(bytes, length, &decoded), is_valid ? length : 0);
        assert_int_equal(decoded, is_valid ? code_point : 0);
        if (length > 1) {
            assert_int_equal(gw_utf8_next(bytes, length - 1, &decoded), 0);
        }
    }
}

/* Counts the valid ones among all sequences of up to three bytes: a number that can be computed. */
static void only_well_formed_short_sequences_are_text(void **state)
{
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

static void a_truncated_character_is_no_text(void **state)
{
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

/* Eight bytes are checked at a time: an invalid byte is found at every position. */
static void one_invalid_byte_in_a_long_text_is_found(void **state)
{
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

/* The limits of each unprintable range, from the Unicode data. */
static bool is_listed(uint32_t code_point)
{
    static const uint32_t ends[][2] = {
        {0x0001, 0x001F},   {0x007F, 0x009F},  {0x00AD, 0x00AD},   {0x034F, 0x034F},
        {0x061C, 0x061C},   {0x115F, 0x1160},  {0x17B4, 0x17B5},   {0x180B, 0x180F},
        {0x200B, 0x200F},   {0x2028, 0x202E},  {0x2060, 0x206F},   {0x2800, 0x2800},
        {0x3164, 0x3164},   {0xFDD0, 0xFDEF},  {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},
        {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},  {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3},
        {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (code_point >= ends[i][0] && code_point <= ends[i][1]) {
            return true;
        }
    }
    return code_point % 0x10000 >= 0xFFFE;
}

static void control_invisible_and_directional_characters_are_not_printable(void **state)
{
    for (uint32_t code_point = 1; code_point <= 0x10FFFF; code_point++) {
        uint8_t bytes[8] = "a";
        size_t length = 1 + encode(code_point, bytes + 1);
        bytes[length++] = 'z';
        if (gw_utf8_is_text(bytes, length)) {
            assert_int_equal(gw_utf8_is_printable(bytes, length), !is_listed(code_point));
        }
    }
    assert_true(gw_utf8_is_printable(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_but_nul_and_surrogates_is_text),
        cmocka_unit_test(every_code_point_is_decoded_and_a_truncated_one_is_not),
        cmocka_unit_test(only_well_formed_short_sequences_are_text),
        cmocka_unit_test(a_truncated_character_is_no_text),
        cmocka_unit_test(one_invalid_byte_in_a_long_text_is_found),
        cmocka_unit_test(control_invisible_and_directional_characters_are_not_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/tools/dummy/test_text.c: tests of message texts. */
#include "tests/test.h"
#include "tools/dummy-client/text.h"
#include <string.h>

static void a_chat_line_is_parsed_as_written(void **state)
{
    char text[DUMMY_CHAT_TEXT_BYTES];
    struct dummy_chat_text chat = {.client = 41, .line = 17, .intended_us = 12345678}, found;
    dummy_text_write_chat(&chat, text);
    assert_string_equal(text, "dummy 000042 line 00000017 at 00012345678 us");
    assert_true(dummy_text_read_chat(text, &found));
    assert_int_equal(found.client, 41);
    assert_int_equal(found.line, 17);
    assert_int_equal(found.intended_us, 12345678);
}

static void the_largest_numbers_fit(void **state)
{
    char text[DUMMY_CHAT_TEXT_BYTES];
    struct dummy_chat_text found,
        chat = {.client = DUMMY_CLIENT_COUNT_MAX - 1, .line = 99999999, .intended_us = 99999999999};
    assert_true(dummy_text_read_chat(dummy_text_write_chat(&chat, text), &found));
    assert_memory_equal(&found, &chat, sizeof chat);
}

static void a_truncated_chat_line_is_refused(void **state)
{
    char text[DUMMY_CHAT_TEXT_BYTES];
    struct dummy_chat_text chat = {.client = 1, .line = 1}, found;
    for (size_t bytes = 0; bytes < DUMMY_CHAT_TEXT_BYTES - 1; bytes++) {
        dummy_text_write_chat(&chat, text);
        text[bytes] = '\0';
        assert_false(dummy_text_read_chat(text, &found));
    }
}

static void a_chat_line_with_a_wrong_byte_is_refused(void **state)
{
    char text[DUMMY_CHAT_TEXT_BYTES];
    struct dummy_chat_text chat = {.client = 1, .line = 1}, found;
    for (size_t at = 0; at < DUMMY_CHAT_TEXT_BYTES - 1; at++) {
        dummy_text_write_chat(&chat, text);
        text[at] = '~';
        assert_false(dummy_text_read_chat(text, &found));
    }
}

static void a_chat_line_with_a_suffix_is_refused(void **state)
{
    struct dummy_chat_text found;
    assert_true(dummy_text_read_chat("dummy 000042 line 00000017 at 00012345678 us", &found));
    assert_false(dummy_text_read_chat("dummy 000042 line 00000017 at 00012345678 us!", &found));
}

static void a_hello_is_parsed_as_written(void **state)
{
    char text[DUMMY_HELLO_TEXT_BYTES];
    uint32_t client, message;
    dummy_text_write_hello(1, 1, text);
    assert_string_equal(text, "hello from dummy 2, message 1");
    assert_true(dummy_text_read_hello(text, &client, &message));
    assert_int_equal(client, 1);
    assert_int_equal(message, 1);
}

static void an_invalid_hello_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "hello",
                                        "hello from dummy x, message 1",
                                        "hello from dummy 2, message ",
                                        "hello from dummy 2, message 1!",
                                        "hello from dummy 2,message 1"};
    uint32_t client, message;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(dummy_text_read_hello(texts[i], &client, &message));
    }
}

static void names_count_from_one(void **state)
{
    char name[DUMMY_NAME_BYTES];
    assert_string_equal(dummy_text_write_name(0, name), "dummy-1");
    assert_string_equal(dummy_text_write_name(DUMMY_CLIENT_COUNT_MAX - 1, name), "dummy-999999");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chat_line_is_parsed_as_written),
        cmocka_unit_test(the_largest_numbers_fit),
        cmocka_unit_test(a_truncated_chat_line_is_refused),
        cmocka_unit_test(a_chat_line_with_a_wrong_byte_is_refused),
        cmocka_unit_test(a_chat_line_with_a_suffix_is_refused),
        cmocka_unit_test(a_hello_is_parsed_as_written),
        cmocka_unit_test(an_invalid_hello_is_refused),
        cmocka_unit_test(names_count_from_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

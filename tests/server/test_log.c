/* tests/server/test_log.c: Tests of log lines: fields, escapes, levels, the limit, the end. */
#include "tests/server/captured.h"

#include <ctype.h>

enum { PLENTY = 1000000 };

static struct captured captured;

static int setup(void **state)
{
    captured_init(&captured, GW_LOG_INFO, PLENTY);
    return 0;
}

static int teardown(void **state)
{
    captured_fini(&captured);
    return 0;
}

/* Returns the text as a line has it. */
static const char *logged(const char *text)
{
    struct server_log_line line;
    server_log_begin(&line, captured.log, GW_LOG_INFO, "said");
    server_log_text(&line, "text", text);
    server_log_end(&line);
    return captured_last(&captured);
}

static void a_line_has_time_level_event_and_fields(void **state)
{
    struct server_log_line line;
    server_log_begin(&line, captured.log, GW_LOG_WARNING, "happened");
    server_log_number(&line, "number", -5);
    server_log_id(&line, "id", UINT64_MAX);
    server_log_word(&line, "word", "BY_PEER");
    server_log_text(&line, "text", "a b");
    server_log_end(&line);
    const char *text = captured_read(&captured);
    for (const char *form = "dddd-dd-ddTdd:dd:dd.dddZ"; *form != '\0'; form++, text++) {
        assert_true(*form == 'd' ? isdigit((unsigned char)*text) : *text == *form);
    }
    assert_string_equal(text, " warning happened number=-5 id=18446744073709551615 word=BY_PEER "
                              "text=\"a b\"\n");
}

static void text_of_clients_is_quoted(void **state)
{
    assert_string_equal(logged("Ann"), "said text=\"Ann\"");
    assert_string_equal(logged(""), "said text=\"\"");
    assert_string_equal(logged("\xC3\xA4 \xE2\x82\xAC"), "said text=\"\xC3\xA4 \xE2\x82\xAC\"");
}

static void quotes_and_newlines_in_a_text_are_escaped(void **state)
{
    assert_string_equal(logged("a\" level=error \""), "said text=\"a\\\" level=error \\\"\"");
    assert_string_equal(logged("back\\"), "said text=\"back\\\\\"");
    assert_string_equal(logged("a\nb\r\tc"), "said text=\"a\\nb\\r\\tc\"");
}

static void controls_and_directional_marks_in_a_text_are_escaped(void **state)
{
    assert_string_equal(logged("\x1B[2J\x07\x7F"), "said text=\"\\x1B[2J\\x07\\x7F\"");
    assert_string_equal(logged("\xC2\x9B"), "said text=\"\\u{9B}\"");
    assert_string_equal(logged("\xE2\x80\xAE"), "said text=\"\\u{202E}\"");
    assert_string_equal(logged("\xFF\xC3("), "said text=\"\\xFF\\xC3(\"");
}

static void a_word_with_blanks_is_quoted(void **state)
{
    struct server_log_line line;
    server_log_begin(&line, captured.log, GW_LOG_INFO, "it");
    server_log_word(&line, "word", "two words");
    server_log_end(&line);
    assert_string_equal(captured_last(&captured), "it word=\"two words\"");
}

/* Every code point, a few in each line: no control character reaches the terminal. */
static void no_text_writes_a_control_character(void **state)
{
    for (int byte = 1; byte < 256; byte++) {
        const char text[] = {(char)byte, 'x', (char)byte, '\0'};
        for (const char *at = logged(text); *at != '\0'; at++) {
            assert_false(iscntrl((unsigned char)*at));
            assert_true((unsigned char)*at < 0x80);
        }
    }
}

static void a_line_that_is_too_long_is_cut_and_ends_in_dots(void **state)
{
    char text[4 * SERVER_LOG_LINE_BYTES];
    for (size_t bytes = SERVER_LOG_LINE_BYTES - 80; bytes < SERVER_LOG_LINE_BYTES + 80; bytes++) {
        memset(text, 'a', bytes);
        text[bytes] = '\0';
        const char *last = logged(text);
        size_t length = strlen(last);
        bool is_whole = length > bytes && last[length - 1] == '"';
        bool is_cut = length < SERVER_LOG_LINE_BYTES && strcmp(last + length - 4, "\"...") == 0;
        assert_true(is_whole != is_cut);
        teardown(NULL);
        setup(NULL);
    }
    memset(text, '\x01', sizeof text);
    text[sizeof text - 1] = '\0';
    const char *last = logged(text);
    assert_true(strlen(last) < SERVER_LOG_LINE_BYTES);
    assert_string_equal(last + strlen(last) - 8, "\\x01\"...");
}

static void a_full_line_ignores_further_fields(void **state)
{
    struct server_log_line line;
    server_log_begin(&line, captured.log, GW_LOG_INFO, "long");
    for (int i = 0; i < 1000; i++) {
        server_log_text(&line, "name", "some text");
        server_log_number(&line, "number", i);
    }
    server_log_end(&line);
    assert_int_equal(captured_line_count(&captured), 1);
    assert_true(strlen(captured_read(&captured)) <= SERVER_LOG_LINE_BYTES);
}

static void lines_below_the_level_are_not_written(void **state)
{
    struct server_log_line line;
    server_log_begin(&line, captured.log, GW_LOG_DEBUG, "detail");
    server_log_text(&line, "text", "a");
    server_log_end(&line);
    assert_int_equal(captured_line_count(&captured), 0);
}

static void events_of_the_layers_below_become_lines(void **state)
{
    const struct gw_log log = server_log_hook(captured.log);
    const struct gw_log_field fields[] = {GW_LOG_NUMBER("streams", 7),
                                          GW_LOG_TEXT("error", "GW_E_FULL")};
    gw_log_write(&log, GW_LOG_ERROR, "accept_failed", fields, 2);
    assert_string_equal(captured_last(&captured), "accept_failed streams=7 error=GW_E_FULL");
}

static void write_lines(enum gw_log_level level, int count)
{
    for (int i = 0; i < count; i++) {
        struct server_log_line line;
        server_log_begin(&line, captured.log, level, "said");
        server_log_end(&line);
    }
}

/* The second may change during a flood; then both seconds have their lines. */
static void a_flood_is_limited_and_dropped_lines_are_counted(void **state)
{
    teardown(NULL);
    captured_init(&captured, GW_LOG_INFO, 100);
    write_lines(GW_LOG_INFO, 50000);
    unsigned written = captured_line_count(&captured);
    assert_in_range(written, 90, 3 * 91);
    uint64_t dropped = server_log_dropped(captured.log);
    assert_in_range(dropped + written, 50000, 50000 + 3);
}

static void a_flood_of_info_lines_leaves_a_tenth_for_errors(void **state)
{
    teardown(NULL);
    captured_init(&captured, GW_LOG_INFO, 100);
    write_lines(GW_LOG_INFO, 1000);
    unsigned before = captured_line_count(&captured);
    write_lines(GW_LOG_ERROR, 5);
    assert_int_equal(captured_line_count(&captured), before + 5);
}

static void the_end_of_a_log_reports_dropped_lines(void **state)
{
    teardown(NULL);
    captured_init(&captured, GW_LOG_INFO, 10);
    write_lines(GW_LOG_INFO, 5000);
    FILE *file = captured.file;
    server_log_destroy(captured.log);
    captured.log = NULL;
    captured.file = file;
    assert_non_null(strstr(captured_read(&captured), " log_dropped lines="));
}

static void a_report_ignores_the_limit(void **state)
{
    struct server_log_line line;
    teardown(NULL);
    captured_init(&captured, GW_LOG_ERROR, 10);
    write_lines(GW_LOG_ERROR, 1000);
    unsigned before = captured_line_count(&captured);
    server_log_begin_report(&line, captured.log, "report");
    server_log_end(&line);
    assert_int_equal(captured_line_count(&captured), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_time_level_event_and_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(text_of_clients_is_quoted, setup, teardown),
        cmocka_unit_test_setup_teardown(quotes_and_newlines_in_a_text_are_escaped, setup, teardown),
        cmocka_unit_test_setup_teardown(controls_and_directional_marks_in_a_text_are_escaped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_word_with_blanks_is_quoted, setup, teardown),
        cmocka_unit_test_setup_teardown(no_text_writes_a_control_character, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_that_is_too_long_is_cut_and_ends_in_dots, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_full_line_ignores_further_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_below_the_level_are_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(events_of_the_layers_below_become_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood_is_limited_and_dropped_lines_are_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_flood_of_info_lines_leaves_a_tenth_for_errors, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_end_of_a_log_reports_dropped_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(a_report_ignores_the_limit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

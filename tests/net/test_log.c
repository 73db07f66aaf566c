/* tests/net/test_log.c: Log events and their callback. */
#include "tests/test.h"

#include "net/log.h"

/* The last event that was written. */
struct received {
    enum gw_log_level level;
    const char *event;
    const struct gw_log_field *fields;
    size_t field_count;
    int count;
};

static void receive(enum gw_log_level level, const char *event, const struct gw_log_field *fields,
                    size_t field_count, void *context)
{
    struct received *received = context;
    *received = (struct received){level, event, fields, field_count, received->count + 1};
}

static void a_log_event_arrives_as_it_was_written(void **state)
{
    struct received received = {.count = 0};
    const struct gw_log log = {receive, &received};
    const struct gw_log_field fields[] = {GW_LOG_NUMBER("streams", -3), GW_LOG_TEXT("why", "full")};
    gw_log_write(&log, GW_LOG_WARNING, "accept_paused", fields, 2);
    assert_int_equal(received.count, 1);
    assert_int_equal(received.level, GW_LOG_WARNING);
    assert_string_equal(received.event, "accept_paused");
    assert_ptr_equal(received.fields, fields);
    assert_int_equal(received.field_count, 2);
}

static void a_field_is_a_number_or_a_text(void **state)
{
    const struct gw_log_field number = GW_LOG_NUMBER("streams", -3);
    const struct gw_log_field text = GW_LOG_TEXT("why", "full");
    assert_string_equal(number.name, "streams");
    assert_null(number.text);
    assert_int_equal(number.number, -3);
    assert_string_equal(text.name, "why");
    assert_string_equal(text.text, "full");
}

static void a_log_without_a_callback_accepts_everything(void **state)
{
    const struct gw_log nobody = {NULL, NULL};
    gw_log_write(&nobody, GW_LOG_ERROR, "lost", NULL, 0);
}

static void every_level_has_a_name(void **state)
{
    assert_string_equal(gw_log_level_name(GW_LOG_ERROR), "error");
    assert_string_equal(gw_log_level_name(GW_LOG_WARNING), "warning");
    assert_string_equal(gw_log_level_name(GW_LOG_INFO), "info");
    assert_string_equal(gw_log_level_name(GW_LOG_DEBUG), "debug");
    assert_string_equal(gw_log_level_name((enum gw_log_level)99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_event_arrives_as_it_was_written),
        cmocka_unit_test(a_field_is_a_number_or_a_text),
        cmocka_unit_test(a_log_without_a_callback_accepts_everything),
        cmocka_unit_test(every_level_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_requests.c: Requests from a client, and their replies. */
#include "tests/test.h"

#include "protocol/frame.h"
#include "session/request.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/session_fixture.h"

#include <string.h>

enum { TIMEOUT_MS = 5000, SLACK_MS = 3 };

static void ask(uint16_t id, uint16_t tag)
{
    session_fixture_send_request(peer, id, tag);
    fixture_run_now();
}

static void answer(struct gw_session *session, const struct gw_frame *request, const char *text)
{
    Gw__Error reply = GW__ERROR__INIT;
    reply.text = (char *)text;
    gw_session_reply(session, request, ANSWER, &reply.base);
}

/* Answers outside any turn, like another thread. */
static void answer_from_another_turn(uint32_t place, const char *text)
{
    answer(session_fixture.last, &session_fixture.asked[place], text);
    fixture_run_now();
}

/* Reads a frame, which must be this answer. */
static void expect_frame(uint16_t id, uint8_t flags, uint16_t tag, uint32_t code, const char *text)
{
    uint8_t body[256];
    size_t bytes;
    assert_true(peer_unread_count(peer) >= 8);
    struct frame_header frame = frame_read_header(peer_data(peer));
    assert_int_equal(frame.id, id);
    assert_int_equal(frame.flags, flags);
    assert_int_equal(frame.tag, tag);
    assert_int_equal(session_fixture_next(peer, body, &bytes), id);
    Gw__Error *error = gw__error__unpack(NULL, bytes, body);
    assert_non_null(error);
    assert_int_equal(error->code, code);
    assert_string_equal(error->text, text);
    gw__error__free_unpacked(error, NULL);
}

static void expect_reply(uint16_t tag, const char *text)
{
    expect_frame(ANSWER, GW_FRAME_REPLY, tag, 0, text);
}

static void expect_error(uint16_t tag, Gw__ErrorCode code)
{
    expect_frame(ERROR_REPLY, GW_FRAME_REPLY | GW_FRAME_ERROR, tag, (uint32_t)code, "");
}

static void expect_nothing(void)
{
    assert_int_equal(peer_unread_count(peer), 0);
}

/* ---- answers ---- */

static void answer_at_once(struct gw_session *session, const struct gw_frame *frame)
{
    answer(session, frame, "yes");
}

static void a_reply_has_the_tag_of_its_request(void **state)
{
    session_fixture.on_asked = answer_at_once;
    for (uint16_t tag = 1; tag < 100; tag++) {
        ask(ASK, tag);
        expect_reply(tag, "yes");
    }
    ask(ASK, 65535);
    expect_reply(65535, "yes");
    expect_nothing();
}

static void answers_may_come_later_from_another_turn_and_in_any_order(void **state)
{
    ask(ASK, 7);
    ask(ASK, 8);
    ask(ASK, 9);
    fixture_run_ms(TIMEOUT_MS - 100);
    answer_from_another_turn(2, "third");
    answer_from_another_turn(0, "first");
    answer_from_another_turn(1, "second");
    expect_reply(9, "third");
    expect_reply(7, "first");
    expect_reply(8, "second");
    fixture_run_ms(2 * TIMEOUT_MS);
    assert_int_equal(session_fixture_counters().requests_late, 0);
    assert_int_equal(session_fixture_counters().answers_ignored, 0);
}

static void a_reply_keeps_its_order_among_other_messages(void **state)
{
    Gw__Error line = GW__ERROR__INIT;
    ask(ASK, 7);
    line.text = "before";
    gw_session_send(session_fixture.last, LINE, &line.base);
    answer(session_fixture.last, &session_fixture.asked[0], "between");
    line.text = "behind";
    gw_session_send(session_fixture.last, LINE, &line.base);
    fixture_run_now();
    expect_frame(LINE, 0, 0, 0, "before");
    expect_reply(7, "between");
    expect_frame(LINE, 0, 0, 0, "behind");
}

static void a_request_without_a_tag_gets_plain_packets(void **state)
{
    ask(ASK, 0);
    answer_from_another_turn(0, "once");
    answer_from_another_turn(0, "twice");
    expect_frame(ANSWER, 0, 0, 0, "once");
    expect_frame(ANSWER, 0, 0, 0, "twice");
    gw_session_refuse(session_fixture.last, &session_fixture.asked[0], GW__ERROR_CODE__REFUSED,
                      "no request is open");
    fixture_run_ms(2 * TIMEOUT_MS);
    assert_int_equal(session_fixture_counters().requests_late, 0);
}

static void a_tag_on_a_packet_that_is_no_request_is_ignored(void **state)
{
    ask(SAY, 7);
    ask(SAY, 7);
    fixture_run_ms(TIMEOUT_MS + SLACK_MS);
    expect_nothing();
    assert_int_equal(session_fixture.received_count, 2);
}

static void a_request_can_be_refused(void **state)
{
    ask(ASK, 7);
    gw_session_refuse(session_fixture.last, &session_fixture.asked[0], 1234, "not today");
    answer_from_another_turn(0, "or is it?");
    expect_frame(ERROR_REPLY, GW_FRAME_REPLY | GW_FRAME_ERROR, 7, 1234, "not today");
    expect_nothing();
    assert_int_equal(session_fixture_counters().answers_ignored, 1);
}

/* ---- exactly one answer ---- */

static void answer_twice(struct gw_session *session, const struct gw_frame *frame)
{
    answer(session, frame, "yes");
    answer(session, frame, "no");
}

static void a_second_answer_is_ignored_counted_and_logged(void **state)
{
    session_fixture.on_asked = answer_twice;
    ask(ASK, 7);
    expect_reply(7, "yes");
    expect_nothing();
    assert_int_equal(session_fixture_counters().answers_ignored, 1);
    assert_int_equal(fixture_logged_count("answer_ignored"), 1);
}

static void a_second_answer_from_another_turn_is_ignored(void **state)
{
    ask(ASK, 7);
    answer(session_fixture.last, &session_fixture.asked[0], "first");
    answer(session_fixture.last, &session_fixture.asked[0], "second");
    fixture_run_now();
    expect_reply(7, "first");
    expect_nothing();
    assert_int_equal(session_fixture_counters().answers_ignored, 1);
}

static void a_reply_of_another_packet_is_no_answer(void **state)
{
    Gw__Error line = GW__ERROR__INIT;
    ask(ASK, 7);
    gw_session_reply(session_fixture.last, &session_fixture.asked[0], LINE, &line.base);
    fixture_run_now();
    expect_nothing();
    assert_int_equal(session_fixture_counters().answers_ignored, 1);
    answer_from_another_turn(0, "yes");
    expect_reply(7, "yes");
}

static char too_long[65537];

static void answer_too_long(struct gw_session *session, const struct gw_frame *frame)
{
    memset(too_long, 'x', sizeof too_long - 1);
    answer(session, frame, too_long);
}

static void an_answer_above_the_length_limit_is_dropped(void **state)
{
    session_fixture.on_asked = answer_too_long;
    ask(ASK, 7);
    expect_nothing();
    fixture_run_ms(TIMEOUT_MS + SLACK_MS);
    expect_error(7, GW__ERROR_CODE__TIMEOUT);
}

static void a_tag_that_was_answered_may_be_used_again(void **state)
{
    session_fixture.on_asked = answer_at_once;
    ask(ASK, 7);
    ask(ASK, 7);
    expect_reply(7, "yes");
    expect_reply(7, "yes");
}

static void reusing_an_open_tag_closes_the_session(void **state)
{
    ask(ASK, 7);
    ask(ASK, 7);
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__BAD_FLAGS);
    assert_int_equal(session_fixture.asked_count, 1);
}

/* ---- deadlines ---- */

static void an_unanswered_request_receives_one_timeout_error(void **state)
{
    fixture_run_ms(777);
    uint64_t from_ns = fixture_now_ns();
    ask(ASK, 7);
    fixture_run_until(from_ns + TIMEOUT_MS * FIXTURE_MS);
    expect_nothing();
    fixture_run_until(from_ns + (TIMEOUT_MS + SLACK_MS) * FIXTURE_MS);
    expect_error(7, GW__ERROR_CODE__TIMEOUT);
    answer_from_another_turn(0, "sorry to be late");
    expect_nothing();
    assert_int_equal(session_fixture_counters().requests_late, 1);
    assert_int_equal(session_fixture_counters().answers_ignored, 1);
    ask(ASK, 8);
    answer_from_another_turn(1, "in time");
    expect_reply(8, "in time");
}

static void each_request_has_its_own_timeout(void **state)
{
    uint64_t from_ns = fixture_now_ns();
    for (uint16_t tag = 1; tag <= 5; tag++) {
        ask(ASK, tag);
        fixture_run_until(from_ns + tag * 1000 * FIXTURE_MS);
    }
    answer_from_another_turn(2, "the third");
    for (uint16_t tag = 1; tag <= 5; tag++) {
        fixture_run_until(from_ns + (TIMEOUT_MS + (tag - 1) * 1000 + SLACK_MS) * FIXTURE_MS);
        if (tag == 1) {
            expect_reply(3, "the third");
        }
        if (tag != 3) {
            expect_error(tag, GW__ERROR_CODE__TIMEOUT);
        }
        expect_nothing();
    }
}

static const struct gw_session_manager_config patient = {.excess_ms = 60000};

/* A throttled session is not read, but its answers are sent. */
static void a_throttled_session_receives_its_request_timeouts(void **state)
{
    ask(ASK, 7);
    for (int i = 0; i < 10; i++) {
        session_fixture_send_text(peer, RARE, "x");
    }
    fixture_run_ms(TIMEOUT_MS + SLACK_MS);
    expect_error(7, GW__ERROR_CODE__TIMEOUT);
}

/* ---- limits ---- */

static void sixteen_requests_may_be_open_and_the_next_is_refused(void **state)
{
    for (uint16_t tag = 1; tag <= GW_REQUEST_COUNT_MAX; tag++) {
        ask(ASK, tag);
    }
    expect_nothing();
    ask(ASK, 100);
    expect_error(100, GW__ERROR_CODE__REFUSED);
    assert_int_equal(session_fixture.asked_count, GW_REQUEST_COUNT_MAX);
    assert_int_equal(session_fixture_counters().requests_refused, 1);
    answer_from_another_turn(3, "one less");
    expect_reply(4, "one less");
    ask(ASK, 100);
    assert_int_equal(session_fixture.asked_count, GW_REQUEST_COUNT_MAX + 1);
    expect_nothing();
}

static void an_ended_session_is_not_answered(void **state)
{
    ask(ASK, 7);
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
    answer_from_another_turn(0, "too late");
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__KICKED);
    assert_int_equal(session_fixture_counters().answers_ignored, 0);
}

static void a_silent_session_frees_its_request_memory(void **state)
{
    uint8_t body[64];
    size_t bytes;
    int64_t before = memory_block_count();
    session_fixture.on_asked = answer_at_once;
    ask(ASK, 7);
    expect_reply(7, "yes");
    assert_int_equal(memory_block_count(), before + 1);
    fixture_run_ms(10010);
    assert_int_equal(session_fixture_next(peer, body, &bytes), PING);
    assert_int_equal(memory_block_count(), before);
}

static void without_memory_for_a_request_the_session_ends(void **state)
{
    memory_fail_at(1);
    ask(ASK, 7);
    memory_fail_at(0);
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__NO_MEMORY);
    assert_int_equal(session_fixture.asked_count, 0);
}

static void without_memory_for_an_answer_the_session_ends(void **state)
{
    ask(ASK, 7);
    memory_fail_at(1);
    answer_from_another_turn(0, "yes");
    memory_fail_at(0);
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOINED_TEST(a_reply_has_the_tag_of_its_request),
        JOINED_TEST(answers_may_come_later_from_another_turn_and_in_any_order),
        JOINED_TEST(a_reply_keeps_its_order_among_other_messages),
        JOINED_TEST(a_request_without_a_tag_gets_plain_packets),
        JOINED_TEST(a_tag_on_a_packet_that_is_no_request_is_ignored),
        JOINED_TEST(a_request_can_be_refused),
        JOINED_TEST(a_second_answer_is_ignored_counted_and_logged),
        JOINED_TEST(a_second_answer_from_another_turn_is_ignored),
        JOINED_TEST(a_reply_of_another_packet_is_no_answer),
        JOINED_TEST(an_answer_above_the_length_limit_is_dropped),
        JOINED_TEST(a_tag_that_was_answered_may_be_used_again),
        JOINED_TEST(reusing_an_open_tag_closes_the_session),
        JOINED_TEST(an_unanswered_request_receives_one_timeout_error),
        JOINED_TEST(each_request_has_its_own_timeout),
        JOINED_TEST_WITH(a_throttled_session_receives_its_request_timeouts, &patient),
        JOINED_TEST(sixteen_requests_may_be_open_and_the_next_is_refused),
        JOINED_TEST(an_ended_session_is_not_answered),
        JOINED_TEST(a_silent_session_frees_its_request_memory),
        JOINED_TEST(without_memory_for_a_request_the_session_ends),
        JOINED_TEST(without_memory_for_an_answer_the_session_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

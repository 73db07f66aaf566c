/* tests/scripted/test_half_close.c: Sessions whose client has sent FIN. */
#include "tests/test.h"

#include "net/stream.h"
#include "protocol/frame.h"
#include "session/request.h"
#include "tests/scripted/session_fixture.h"
#include "tests/support/random.h"

#include <string.h>

enum { TIMEOUT_MS = 5000, SLACK_MS = 3 };

static void answer(struct gw_session *session, const struct gw_frame *request)
{
    Gw__Error reply = GW__ERROR__INIT;
    reply.text = "yes";
    gw_session_reply(session, request, ANSWER, &reply.base);
}

static void answer_at_once(struct gw_session *session, const struct gw_frame *frame)
{
    answer(session, frame);
}

static void answer_from_another_turn(uint32_t index)
{
    answer(session_fixture.last, &session_fixture.asked[index]);
    fixture_run_now();
}

/* Reads a frame with this id and tag. */
static void expect_frame(uint16_t id, uint16_t tag)
{
    uint8_t body[256];
    size_t bytes;
    assert_true(peer_unread_count(peer) >= FRAME_HEADER_BYTES);
    assert_int_equal(frame_read_header(peer_data(peer)).tag, tag);
    assert_int_equal(session_fixture_next(peer, body, &bytes), id);
}

static void expect_open(void)
{
    assert_int_equal(session_fixture.ended_count, 0);
    assert_false(peer_has_fin(peer));
}

/* FIN without CLOSE: no request was open. */
static void expect_end(void)
{
    assert_int_equal(peer_unread_count(peer), 0);
    assert_true(peer_has_fin(peer));
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__BY_PEER);
}

static void finish(void)
{
    peer_finish(peer);
    fixture_run_now();
}

/* ---- open requests ---- */

static void fin_without_open_requests_ends_the_session_at_once(void **state)
{
    peer = session_fixture_join();
    finish();
    expect_end();
}

static void requests_that_are_open_at_fin_are_answered_before_the_end(void **state)
{
    peer = session_fixture_join();
    for (uint16_t tag = 1; tag <= 3; tag++) {
        session_fixture_send_request(peer, ASK, tag);
    }
    finish();
    assert_int_equal(session_fixture.asked_count, 3);
    fixture_run_ms(TIMEOUT_MS - 100);
    answer_from_another_turn(2);
    answer_from_another_turn(0);
    expect_open();
    answer_from_another_turn(1);
    expect_frame(ANSWER, 3);
    expect_frame(ANSWER, 1);
    expect_frame(ANSWER, 2);
    expect_end();
}

static void answer_in_turn(void *context)
{
    answer(session_fixture.last, context);
}

static void an_answer_in_a_turn_of_the_session_ends_it(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    finish();
    fixture_in_turn(gw_session_turn(session_fixture.last), answer_in_turn,
                    &session_fixture.asked[0]);
    expect_frame(ANSWER, 7);
    expect_end();
}

static void an_error_reply_counts_as_an_answer(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    finish();
    gw_session_refuse(session_fixture.last, &session_fixture.asked[0], 1234, "no");
    fixture_run_now();
    expect_frame(ERROR_REPLY, 7);
    expect_end();
}

static void each_request_keeps_its_own_deadline_after_fin(void **state)
{
    peer = session_fixture_join();
    uint64_t from_ns = fixture_now_ns();
    session_fixture_send_request(peer, ASK, 1);
    fixture_run_ms(2000);
    session_fixture_send_request(peer, ASK, 2);
    fixture_run_ms(1000);
    finish();
    fixture_run_until(from_ns + (TIMEOUT_MS + SLACK_MS) * FIXTURE_MS);
    expect_frame(ERROR_REPLY, 1);
    expect_open();
    fixture_run_until(from_ns + (2000 + TIMEOUT_MS + SLACK_MS) * FIXTURE_MS);
    expect_frame(ERROR_REPLY, 2);
    expect_end();
}

static void messages_to_a_half_closed_session_arrive(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    finish();
    Gw__Error line = GW__ERROR__INIT;
    line.text = "news";
    gw_session_send(session_fixture.last, LINE, &line.base);
    fixture_run_now();
    answer_from_another_turn(0);
    expect_frame(LINE, 0);
    expect_frame(ANSWER, 7);
    expect_end();
}

/* ---- frames that arrived before FIN ---- */

static void frames_of_many_turns_are_handled_before_the_end(void **state)
{
    peer = session_fixture_join();
    session_fixture.on_asked = answer_at_once;
    for (uint16_t tag = 1; tag <= 200; tag++) {
        session_fixture_send_request(peer, ASK, tag);
    }
    finish();
    for (uint16_t tag = 1; tag <= 200; tag++) {
        expect_frame(ANSWER, tag);
    }
    expect_end();
}

static void throttled_frames_are_handled_before_the_end(void **state)
{
    peer = session_fixture_join();
    session_fixture.on_asked = answer_at_once;
    for (int i = 0; i < 4; i++) {
        session_fixture_send_text(peer, RARE, "x");
    }
    session_fixture_send_request(peer, ASK, 7);
    finish();
    assert_int_equal(session_fixture.received_count, 1);
    expect_open();
    fixture_run_ms(3000 + SLACK_MS);
    expect_frame(ANSWER, 7);
    expect_end();
    assert_int_equal(session_fixture.received_count, 5);
}

static void pause(struct gw_session *session)
{
    gw_session_pause(session);
}

static void frames_behind_a_pause_are_handled_after_the_resume(void **state)
{
    peer = session_fixture_join();
    session_fixture.on_received = pause;
    session_fixture_say(peer, "wait");
    session_fixture_send_request(peer, ASK, 7);
    finish();
    fixture_run_ms(TIMEOUT_MS - 100);
    assert_int_equal(session_fixture.asked_count, 0);
    expect_open();
    session_fixture.on_received = NULL;
    session_fixture_resume();
    assert_int_equal(session_fixture.asked_count, 1);
    answer_from_another_turn(0);
    expect_frame(ANSWER, 7);
    expect_end();
}

static void a_resume_with_nothing_left_ends_the_session(void **state)
{
    peer = session_fixture_join();
    session_fixture.on_received = pause;
    session_fixture_say(peer, "wait");
    finish();
    expect_open();
    session_fixture_resume();
    expect_end();
}

/* Both limits apply: of the pause, and of a request that was open before it. */
static void a_pause_after_fin_is_limited_to_the_request_timeout(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    fixture_run_now();
    session_fixture_pause();
    fixture_run_ms(1000);
    finish();
    fixture_run_ms(TIMEOUT_MS - 1000 + SLACK_MS);
    expect_frame(ERROR_REPLY, 7);
    expect_open();
    fixture_run_ms(1000);
    expect_end();
}

static void fin_in_a_partial_frame_ends_the_session(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    session_fixture_send_header(peer, 100, 0, SAY, 0);
    finish();
    fixture_run_ms(TIMEOUT_MS - 1);
    answer_from_another_turn(0);
    expect_frame(ANSWER, 7);
    expect_end();
}

/* ---- timeouts that do not apply after FIN ---- */

static const struct gw_session_manager_config short_timeout = {
    .heartbeat_ms = 100, .idle_timeout_ms = 150, .frame_timeout_ms = 50};

/* After FIN a client can neither answer PING nor complete a frame. */
static void a_half_closed_session_is_neither_pinged_nor_silent(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    session_fixture_send_header(peer, 100, 0, SAY, 0);
    finish();
    fixture_run_ms(TIMEOUT_MS - 100);
    answer_from_another_turn(0);
    expect_frame(ANSWER, 7);
    expect_end();
}

static void a_pending_ping_does_not_time_out_after_fin(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    fixture_run_ms(110);
    expect_frame(PING, 0);
    finish();
    fixture_run_ms(1000);
    answer_from_another_turn(0);
    expect_frame(ANSWER, 7);
    expect_end();
}

/* ---- the greeting ---- */

static void greet(void *context)
{
    gw_session_greet(session_fixture.last, 0);
}

static void a_deferred_greeting_is_answered_after_fin(void **state)
{
    session_fixture.result = GW_GREET_LATER;
    peer = session_fixture_connect();
    session_fixture_send_hello(peer);
    finish();
    fixture_run_ms(TIMEOUT_MS - 100);
    expect_open();
    fixture_in_turn(gw_session_turn(session_fixture.last), greet, NULL);
    expect_frame(HELLO_ACK, HELLO_TAG);
    expect_end();
}

static void a_deferred_greeting_times_out_after_fin(void **state)
{
    session_fixture.result = GW_GREET_LATER;
    peer = session_fixture_connect();
    session_fixture_send_hello(peer);
    finish();
    fixture_run_ms(TIMEOUT_MS + SLACK_MS);
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__GREETING_TIMEOUT);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__GREETING_TIMEOUT);
}

static void fin_without_a_greeting_ends_the_session_at_once(void **state)
{
    peer = session_fixture_connect();
    finish();
    expect_end();
}

/* ---- other ends ---- */

static void the_server_can_end_a_half_closed_session(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    finish();
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
    fixture_run_now();
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__KICKED);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__KICKED);
}

static void close_ends_a_session_with_open_requests(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    Gw__Close close = GW__CLOSE__INIT;
    close.reason = GW__CLOSE_REASON__SHUTDOWN;
    session_fixture_send(peer, CLOSE, &close.base);
    finish();
    expect_end();
}

static void a_reset_after_fin_ends_the_session(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    finish();
    peer_reset(peer);
    fixture_run_now();
    answer_from_another_turn(0);
    fixture_run_ms(GW_STREAM_LINGER_MS + 5);
    assert_int_equal(session_fixture.ended_count, 1);
}

static void a_client_that_reads_nothing_after_fin_is_reset(void **state)
{
    peer = session_fixture_join();
    peer_set_window(peer, 10);
    session_fixture_send_request(peer, ASK, 7);
    finish();
    answer_from_another_turn(0);
    fixture_run_ms(GW_STREAM_FLUSH_MS + 5);
    assert_int_equal(session_fixture.ended_count, 1);
}

static void a_drain_closes_half_closed_sessions(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    finish();
    session_fixture_drain(100);
    fixture_run_ms(110);
    expect_frame(GO_AWAY, 0);
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__SHUTDOWN);
}

/* ---- any order of events, on a kernel that splits, delays and reorders ---- */

enum { WALK_COUNT = 150, WALK_REQUESTS_MAX = 12 };

static struct random random;

static struct kernel_config walk_kernel(uint64_t seed)
{
    return (struct kernel_config){
        .seed = seed,
        .lane_shared = seed % 2 == 0,
        .recv_bytes_max = random_below(&random, 2) * (1 + random_below(&random, 40)),
        .send_bytes_max = random_below(&random, 2) * (1 + random_below(&random, 40)),
        .late_ns_max = random_below(&random, 2) * 20000000,
        .split_percent = (uint8_t)random_below(&random, 90),
        .nothing_percent = (uint8_t)random_below(&random, 30),
        .immediate_percent = (uint8_t)random_below(&random, 100),
        .delay_percent = (uint8_t)random_below(&random, 60),
        .spurious_percent = (uint8_t)random_below(&random, 20),
        .shuffles = random_below(&random, 2) == 0,
    };
}

static void answer_random_request(struct gw_session *session, const struct gw_frame *frame)
{
    if (random_below(&random, 3) == 0) {
        answer(session, frame);
    } else {
        session_fixture.asked[session_fixture.asked_count++] = *frame;
    }
}

static void maybe_pause_now(struct gw_session *session)
{
    if (random_below(&random, 8) == 0) {
        gw_session_pause(session);
    }
}

static void do_something(uint32_t ms_max)
{
    uint32_t what = random_below(&random, 3);
    if (session_fixture.last != NULL && what == 0 && session_fixture.asked_count > 0) {
        answer(session_fixture.last,
               &session_fixture.asked[random_below(&random, session_fixture.asked_count)]);
    } else if (session_fixture.last != NULL && what == 1) {
        session_fixture_resume();
    } else {
        fixture_run_ms(random_below(&random, ms_max));
    }
}

/* Each tag that the client used was answered exactly once. */
static void expect_all_answered(uint16_t tag_count)
{
    uint8_t body[256];
    size_t bytes;
    uint32_t answers[WALK_REQUESTS_MAX + 1] = {0};
    while (peer_unread_count(peer) > 0) {
        uint16_t tag = frame_read_header(peer_data(peer)).tag;
        uint16_t id = session_fixture_next(peer, body, &bytes);
        assert_true(id == ANSWER || id == ERROR_REPLY);
        assert_true(tag > 0 && tag <= tag_count);
        answers[tag]++;
    }
    for (uint16_t tag = 1; tag <= tag_count; tag++) {
        assert_int_equal(answers[tag], 1);
    }
}

static void walk(uint64_t seed)
{
    random = (struct random){seed};
    const struct port_fixture_config fixture = {.kernel = walk_kernel(seed)};
    const struct gw_session_manager_config config = {.heartbeat_ms = 100000};
    session_fixture_open(&fixture, &config);
    peer = session_fixture_connect();
    session_fixture_send_hello(peer);
    fixture_run_ms(3000);
    assert_int_equal(session_fixture.greeted_count, 1);
    peer_read(peer, NULL, peer_unread_count(peer));
    session_fixture.on_asked = answer_random_request;
    session_fixture.on_received = maybe_pause_now;
    uint16_t tag_count = (uint16_t)(1 + random_below(&random, WALK_REQUESTS_MAX));
    for (uint16_t tag = 1; tag <= tag_count; tag++) {
        session_fixture_send_text(peer, random_below(&random, 4) == 0 ? RARE : SAY, "x");
        session_fixture_send_request(peer, ASK, tag);
        if (random_below(&random, 4) == 0) {
            do_something(1500);
        }
    }
    peer_finish(peer);
    for (int i = 0; i < 10 && session_fixture.ended_count == 0; i++) {
        do_something(TIMEOUT_MS / 10); /* a pause after FIN has a limit */
    }
    session_fixture.on_received = NULL;
    if (session_fixture.last != NULL) {
        session_fixture_resume();
    }
    fixture_run_ms(WALK_REQUESTS_MAX * 1000 + TIMEOUT_MS + 1000);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__BY_PEER);
    expect_all_answered(tag_count);
    peer_close(peer);
    session_fixture_close();
}

static void on_any_kernel_each_request_before_fin_is_answered_once(void **state)
{
    for (uint64_t seed = 1; seed <= WALK_COUNT; seed++) {
        walk(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION_TEST(fin_without_open_requests_ends_the_session_at_once),
        SESSION_TEST(requests_that_are_open_at_fin_are_answered_before_the_end),
        SESSION_TEST(an_answer_in_a_turn_of_the_session_ends_it),
        SESSION_TEST(an_error_reply_counts_as_an_answer),
        SESSION_TEST(each_request_keeps_its_own_deadline_after_fin),
        SESSION_TEST(messages_to_a_half_closed_session_arrive),
        SESSION_TEST(frames_of_many_turns_are_handled_before_the_end),
        SESSION_TEST(throttled_frames_are_handled_before_the_end),
        SESSION_TEST(frames_behind_a_pause_are_handled_after_the_resume),
        SESSION_TEST(a_resume_with_nothing_left_ends_the_session),
        SESSION_TEST(a_pause_after_fin_is_limited_to_the_request_timeout),
        SESSION_TEST(fin_in_a_partial_frame_ends_the_session),
        SESSION_TEST_WITH(a_half_closed_session_is_neither_pinged_nor_silent, &short_timeout),
        SESSION_TEST_WITH(a_pending_ping_does_not_time_out_after_fin, &short_timeout),
        SESSION_TEST(a_deferred_greeting_is_answered_after_fin),
        SESSION_TEST(a_deferred_greeting_times_out_after_fin),
        SESSION_TEST(fin_without_a_greeting_ends_the_session_at_once),
        SESSION_TEST(the_server_can_end_a_half_closed_session),
        SESSION_TEST(close_ends_a_session_with_open_requests),
        SESSION_TEST(a_reset_after_fin_ends_the_session),
        SESSION_TEST(a_client_that_reads_nothing_after_fin_is_reset),
        SESSION_TEST(a_drain_closes_half_closed_sessions),
        cmocka_unit_test(on_any_kernel_each_request_before_fin_is_answered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

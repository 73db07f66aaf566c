/* tests/scripted/test_sessions.c: sessions: their deadlines to the tick, their frames to the byte.
 */
#include "tests/test.h"

#include "net/error.h"
#include "session/session.h"
#include "tests/scripted/session_fixture.h"

#include <string.h>

enum { GREETING_MS = 5000, HEARTBEAT_MS = 10000, FRAME_MS = 10000, IDLE_MS = 30000 };

static struct peer *peer;

static int open_session_fixture(void **state)
{
    session_fixture_open(NULL, *state);
    peer = NULL;
    return 0;
}

static int close_session_fixture(void **state)
{
    (void)state;
    if (peer != NULL) {
        peer_close(peer);
    }
    session_fixture_close();
    return 0;
}

#define TEST_WITH(name, config)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(name, open_session_fixture, close_session_fixture,    \
                                             (void *)(config))
#define TEST(name) TEST_WITH(name, NULL)

/* When a limit must have done its work: times are kept in whole milliseconds, never too early. */
static uint64_t past(uint64_t from_ns, uint64_t limit_ms)
{
    return fixture_tick_at(from_ns + (limit_ms + 2) * FIXTURE_MS);
}

/* Not before its limit, and at the next tick after it. */
static void assert_ends_after(uint64_t from_ns, uint64_t limit_ms, Gw__CloseReason reason)
{
    fixture_run_until(from_ns + limit_ms * FIXTURE_MS);
    assert_false(gw_session_has_ended(session_fixture.last));
    fixture_run_until(past(from_ns, limit_ms));
    assert_true(gw_session_has_ended(session_fixture.last));
    assert_int_equal(session_fixture_close_reason(peer), reason);
    peer_finish(peer);
    fixture_run_now();
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, reason);
}

/* Returns when it was asked, not before the heartbeat and at the next tick after it. */
static uint64_t assert_pinged_after(uint64_t from_ns)
{
    uint8_t body[64];
    size_t bytes;
    fixture_run_until(from_ns + HEARTBEAT_MS * FIXTURE_MS);
    assert_int_equal(peer_unread_count(peer), 0);
    fixture_run_until(past(from_ns, HEARTBEAT_MS));
    assert_int_equal(session_fixture_next(peer, body, &bytes), PING);
    return fixture_now_ns();
}

/* ---- deadlines ---- */

static void who_says_nothing_is_ended_after_five_seconds(void **state)
{
    (void)state;
    peer = session_fixture_knock();
    assert_ends_after(fixture_now_ns(), GREETING_MS, GW__CLOSE_REASON__GREETING_TIMEOUT);
}

static void who_drips_its_hello_is_ended_after_five_seconds_too(void **state)
{
    (void)state;
    uint8_t frame[128];
    size_t bytes = session_fixture_hello_frame(frame);
    peer = session_fixture_knock();
    uint64_t from_ns = fixture_now_ns();
    for (size_t i = 0; i + 1 < bytes && i < 12; i++) {
        peer_send(peer, frame + i, 1);
        fixture_run_ms(400);
    }
    assert_ends_after(from_ns, GREETING_MS, GW__CLOSE_REASON__GREETING_TIMEOUT);
}

static void an_answer_put_off_has_what_is_left_of_five_seconds(void **state)
{
    (void)state;
    uint8_t frame[128];
    session_fixture.result = GW_GREET_LATER;
    peer = session_fixture_knock();
    uint64_t from_ns = fixture_now_ns();
    fixture_run_ms(3000);
    peer_send(peer, frame, session_fixture_hello_frame(frame));
    assert_ends_after(from_ns, GREETING_MS, GW__CLOSE_REASON__GREETING_TIMEOUT);
}

static void a_frame_that_has_begun_must_be_whole_in_ten_seconds(void **state)
{
    (void)state;
    peer = session_fixture_join();
    fixture_run_ms(777);
    session_fixture_send_header(peer, 200, 0, SAY, 0);
    fixture_run_now();
    uint64_t from_ns = fixture_now_ns();
    for (int i = 0; i < 9; i++) {
        fixture_run_ms(1000);
        peer_send(peer, "x", 1); /* a sign of test_stream, and no excuse */
    }
    assert_ends_after(from_ns, FRAME_MS, GW__CLOSE_REASON__FRAME_TIMEOUT);
}

static void half_a_header_is_a_frame_that_has_begun(void **state)
{
    (void)state;
    peer = session_fixture_join();
    peer_send(peer, "\x02", 1);
    fixture_run_now();
    uint64_t from_ns = fixture_now_ns();
    for (int i = 0; i < 3; i++) {
        fixture_run_ms(3000);
        peer_send(peer, "\0", 1);
    }
    assert_ends_after(from_ns, FRAME_MS, GW__CLOSE_REASON__FRAME_TIMEOUT);
}

static void silence_is_asked_after_one_heartbeat_and_ended_after_three(void **state)
{
    (void)state;
    peer = session_fixture_join();
    uint64_t from_ns = fixture_now_ns();
    (void)assert_pinged_after(from_ns);
    /* The answer has two heartbeats, from the question on. */
    fixture_run_until(from_ns + 3 * HEARTBEAT_MS * FIXTURE_MS);
    assert_false(gw_session_has_ended(session_fixture.last));
    fixture_run_until(past(past(from_ns, HEARTBEAT_MS), 2 * HEARTBEAT_MS));
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__HEARTBEAT_LOST);
}

static void any_byte_is_a_sign_of_test_stream(void **state)
{
    (void)state;
    uint8_t body[64];
    size_t bytes;
    peer = session_fixture_join();
    for (int i = 0; i < 20; i++) {
        fixture_run_ms(HEARTBEAT_MS - 10);
        session_fixture_ping(peer, 5);
        fixture_run_now();
        assert_int_equal(session_fixture_next(peer, body, &bytes), PONG);
        assert_int_equal(peer_unread_count(peer), 0); /* it was not asked */
    }
    (void)assert_pinged_after(fixture_now_ns());
    fixture_run_ms(2 * HEARTBEAT_MS - 5);
    session_fixture_ping(peer, 6);
    fixture_run_ms(10);
    assert_int_equal(session_fixture.ended_count, 0);
}

static void who_does_not_play_is_idle(void **state)
{
    (void)state;
    uint8_t body[64];
    size_t bytes;
    peer = session_fixture_join();
    fixture_run_ms(5000);
    session_fixture_say(peer, "still here");
    fixture_run_now();
    uint64_t from_ns = fixture_now_ns();
    for (int i = 0; i < 5; i++) {
        fixture_run_ms(5000);
        session_fixture_ping(peer, 1); /* alive, but not playing */
        fixture_run_now();
        assert_int_equal(session_fixture_next(peer, body, &bytes), PONG);
    }
    assert_ends_after(from_ns, IDLE_MS, GW__CLOSE_REASON__IDLE);
}

/* Whatever part of a millisecond has passed when a limit begins, and when it is looked at again. */
static void no_limit_is_early_by_a_part_of_a_millisecond(void **state)
{
    (void)state;
    enum { PHASE_COUNT = 60, STEP_NS = 97003 };
    struct peer *peers[PHASE_COUNT];
    uint64_t from_ns[PHASE_COUNT];
    for (int i = 0; i < PHASE_COUNT; i++) {
        peers[i] = session_fixture_join();
        fixture_run_until(fixture_now_ns() + STEP_NS * 3);
    }
    fixture_run_ms(3000);
    for (int i = 0; i < PHASE_COUNT; i++) {
        fixture_run_until(fixture_now_ns() + STEP_NS);
        session_fixture_send_header(peers[i], 200, 0, SAY, 0);
        fixture_run_now();
        from_ns[i] = fixture_now_ns();
    }
    for (int i = 0; i < PHASE_COUNT; i++) {
        fixture_run_until(from_ns[i] + FRAME_MS * FIXTURE_MS - 1);
        assert_int_equal(peer_unread_count(peers[i]), 0);
    }
    fixture_run_ms(10);
    for (int i = 0; i < PHASE_COUNT; i++) {
        assert_int_equal(session_fixture_close_reason(peers[i]), GW__CLOSE_REASON__FRAME_TIMEOUT);
        peer_close(peers[i]);
    }
}

/* ---- header checks, in their order ---- */

struct check {
    uint32_t body_bytes;
    uint8_t flags;
    uint16_t id;
    Gw__CloseReason reason;
};

/* Each is wrong in what its reason says and, from there on, in everything that comes later. */
static const struct check checks[] = {
    {0xFFFFFF, 0x04, 9999, GW__CLOSE_REASON__BAD_FLAGS},
    {0, 0x80, SAY, GW__CLOSE_REASON__BAD_FLAGS},
    {4097, 0, 9999, GW__CLOSE_REASON__TOO_LONG},
    {0xFFFFFF, 0, SAY, GW__CLOSE_REASON__TOO_LONG},
    {4097, 0, BIG, GW__CLOSE_REASON__TOO_LONG},
    {4096, 0, 9999, GW__CLOSE_REASON__UNKNOWN_PACKET},
    {0, 0, 0, GW__CLOSE_REASON__UNKNOWN_PACKET},
    {0, 0, 65535, GW__CLOSE_REASON__UNKNOWN_PACKET},
    {4096, 0, LINE, GW__CLOSE_REASON__WRONG_WAY},
    {0, 0, HELLO_ACK, GW__CLOSE_REASON__WRONG_WAY},
    {4096, 0, IN_ROOM, GW__CLOSE_REASON__WRONG_STAGE},
    {2, 0, HELLO, GW__CLOSE_REASON__WRONG_STAGE},
    {257, 0, SAY, GW__CLOSE_REASON__TOO_LONG},
    {17, 0, PING, GW__CLOSE_REASON__TOO_LONG},
};

static void every_header_is_checked_by_the_first_check_that_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        struct peer *other = session_fixture_join();
        int64_t pool_bytes = (int64_t)fixture_counters().pool_bytes;
        session_fixture_send_header(other, checks[i].body_bytes, checks[i].flags, checks[i].id, 0);
        fixture_run_now();
        assert_int_equal(session_fixture_close_reason(other), checks[i].reason);
        assert_int_equal(fixture_counters().pool_bytes, pool_bytes); /* no room for its body */
        peer_finish(other);
        fixture_run_now();
        assert_int_equal(session_fixture.reason, checks[i].reason);
        peer_close(other);
    }
    assert_int_equal(session_fixture.received_count, 0);
}

static void the_longest_that_is_allowed_is_received(void **state)
{
    (void)state;
    char text[254];
    peer = session_fixture_join();
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    session_fixture_say(peer, text); /* 3 bytes before it: 256 in all */
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
    assert_int_equal(session_fixture.ended_count, 0);
}

/* BIG has max_bytes 16,384; by default a server accepts 4,096. */
static void a_server_that_allows_it_receives_a_body_above_4096_bytes(void **state)
{
    (void)state;
    static char text[16384 - 3];
    peer = session_fixture_join();
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    session_fixture_tell(peer, BIG, text); /* 4 bytes before it: 16,384 in all */
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
    session_fixture_send_header(peer, 16385, 0, BIG, 0);
    fixture_run_now();
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__TOO_LONG);
}

static void a_body_that_is_no_message_ends_it(void **state)
{
    (void)state;
    peer = session_fixture_join();
    session_fixture_send_header(peer, 3, 0, SAY, 0);
    peer_send(peer, "\xFF\xFF\xFF", 3);
    fixture_run_now();
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__BAD_BODY);
}

static void who_is_not_a_player_receives_nothing(void **state)
{
    (void)state;
    peer = session_fixture_knock();
    peer_send(peer, "GET / HTTP/1.1\r\n\r\n", 18);
    fixture_run_now();
    assert_int_equal(peer_unread_count(peer), 0);
    assert_true(peer_has_fin(peer));
    peer_finish(peer);
    fixture_run_now();
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__UNKNOWN_PROTOCOL);
}

static void frames_behind_the_one_that_ends_it_are_not_received(void **state)
{
    (void)state;
    peer = session_fixture_join();
    session_fixture_say(peer, "first");
    session_fixture_send_header(peer, 0, 0, 9999, 0);
    session_fixture_say(peer, "never");
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
}

/* ---- budgets ---- */

static uint32_t received_by_then;

static void note_received(void *context)
{
    (void)context;
    received_by_then = session_fixture.received_count;
}

static struct gw_task note = {.run = NULL};

static void run_note(struct gw_task *task)
{
    note_received(task);
}

static void post_note(struct gw_session *session)
{
    (void)session;
    if (session_fixture.received_count == 1) {
        note.run = run_note;
        gw_port_post(fixture_port, &note);
    }
}

static void after_64_frames_others_have_a_turn(void **state)
{
    (void)state;
    peer = session_fixture_join();
    session_fixture.on_received = post_note;
    for (int i = 0; i < 300; i++) {
        session_fixture_say(peer, "x");
    }
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 300);
    assert_in_range(received_by_then, 1, 128);
}

/* ---- a pause ---- */

static void pause_last(void *context)
{
    (void)context;
    gw_session_pause(session_fixture.last);
    gw_session_pause(session_fixture.last);
}

static void resume_last(void *context)
{
    (void)context;
    gw_session_resume(session_fixture.last);
    gw_session_resume(session_fixture.last);
}

static void who_is_paused_is_not_received_and_loses_nothing(void **state)
{
    (void)state;
    peer = session_fixture_join();
    fixture_in_turn(gw_session_turn(session_fixture.last), pause_last, NULL);
    for (int i = 0; i < 100; i++) {
        session_fixture_say(peer, "x");
        fixture_run_ms(1000);
    }
    assert_int_equal(session_fixture.received_count, 0);
    assert_int_equal(peer_unread_count(peer), 0); /* and nobody has asked whether it lives */
    fixture_in_turn(gw_session_turn(session_fixture.last), resume_last, NULL);
    assert_int_equal(session_fixture.received_count, 100);
    (void)assert_pinged_after(fixture_now_ns());
}

/* The answer waits with all else that nobody reads. */
static void who_was_asked_before_a_pause_has_its_time_after_it(void **state)
{
    (void)state;
    peer = session_fixture_join();
    (void)assert_pinged_after(fixture_now_ns());
    fixture_in_turn(gw_session_turn(session_fixture.last), pause_last, NULL);
    fixture_run_ms(5 * HEARTBEAT_MS);
    fixture_in_turn(gw_session_turn(session_fixture.last), resume_last, NULL);
    uint64_t from_ns = fixture_now_ns();
    fixture_run_now();
    assert_false(gw_session_has_ended(session_fixture.last));
    (void)assert_pinged_after(from_ns);
}

static void greet_last(void *context)
{
    (void)context;
    gw_session_greet(session_fixture.last, 0);
}

static void who_is_let_in_while_paused_is_idle_from_the_end_of_the_pause_on(void **state)
{
    (void)state;
    uint8_t frame[128];
    session_fixture.result = GW_GREET_LATER;
    peer = session_fixture_knock();
    peer_send(peer, frame, session_fixture_hello_frame(frame));
    fixture_run_now();
    fixture_in_turn(gw_session_turn(session_fixture.last), pause_last, NULL);
    fixture_run_ms(3000);
    fixture_in_turn(gw_session_turn(session_fixture.last), greet_last, NULL);
    fixture_run_ms(1000);
    fixture_in_turn(gw_session_turn(session_fixture.last), resume_last, NULL);
    uint64_t from_ns = fixture_now_ns();
    for (int i = 0; i < 3; i++) {
        fixture_run_until(from_ns + i * (HEARTBEAT_MS - 1000) * FIXTURE_MS);
        assert_int_equal(session_fixture.ended_count, 0);
        session_fixture_ping(peer, 1);
    }
    peer_read(peer, NULL, peer_unread_count(peer));
    fixture_run_until(from_ns + IDLE_MS * FIXTURE_MS);
    assert_int_equal(session_fixture.ended_count, 0);
    fixture_run_until(past(from_ns, IDLE_MS));
    peer_finish(peer);
    fixture_run_now();
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__IDLE);
}

static void pause_it(struct gw_session *session)
{
    gw_session_pause(session);
}

/* One at a time, though they came together. */
static void a_handler_may_pause_its_own_session(void **state)
{
    (void)state;
    peer = session_fixture_join();
    session_fixture.on_received = pause_it;
    for (int i = 0; i < 10; i++) {
        session_fixture_say(peer, "x");
    }
    fixture_run_now();
    for (uint32_t i = 1; i <= 10; i++) {
        assert_int_equal(session_fixture.received_count, i);
        fixture_in_turn(gw_session_turn(session_fixture.last), resume_last, NULL);
    }
    assert_int_equal(session_fixture.received_count, 10);
}

static void who_is_paused_and_held_is_received_when_neither_holds(void **state)
{
    (void)state;
    peer = session_fixture_join();
    session_fixture_tell(peer, RARE, "x");
    session_fixture_tell(peer, RARE, "x");
    fixture_run_now();
    fixture_in_turn(gw_session_turn(session_fixture.last), pause_last, NULL);
    fixture_run_ms(3000);
    assert_int_equal(session_fixture.received_count, 1);
    fixture_in_turn(gw_session_turn(session_fixture.last), resume_last, NULL);
    assert_int_equal(session_fixture.received_count, 2);
    session_fixture_tell(peer, RARE, "x");
    session_fixture_tell(peer, RARE, "x");
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 3);
    fixture_in_turn(gw_session_turn(session_fixture.last), pause_last, NULL);
    fixture_in_turn(gw_session_turn(session_fixture.last), resume_last, NULL);
    assert_int_equal(session_fixture.received_count, 3);
    fixture_run_ms(1010);
    assert_int_equal(session_fixture.received_count, 4);
}

int main(void)
{
    static const struct gw_session_manager_config idle = {.idle_timeout_ms = IDLE_MS};
    static const struct gw_session_manager_config large_bodies = {.body_bytes_max = 65536};
    const struct CMUnitTest tests[] = {
        TEST(who_says_nothing_is_ended_after_five_seconds),
        TEST(who_drips_its_hello_is_ended_after_five_seconds_too),
        TEST(an_answer_put_off_has_what_is_left_of_five_seconds),
        TEST(a_frame_that_has_begun_must_be_whole_in_ten_seconds),
        TEST(half_a_header_is_a_frame_that_has_begun),
        TEST(silence_is_asked_after_one_heartbeat_and_ended_after_three),
        TEST(any_byte_is_a_sign_of_test_stream),
        TEST_WITH(who_does_not_play_is_idle, &idle),
        TEST(no_limit_is_early_by_a_part_of_a_millisecond),
        TEST(every_header_is_checked_by_the_first_check_that_fails),
        TEST(the_longest_that_is_allowed_is_received),
        TEST_WITH(a_server_that_allows_it_receives_a_body_above_4096_bytes, &large_bodies),
        TEST(a_body_that_is_no_message_ends_it),
        TEST(who_is_not_a_player_receives_nothing),
        TEST(frames_behind_the_one_that_ends_it_are_not_received),
        TEST(after_64_frames_others_have_a_turn),
        TEST(who_is_paused_is_not_received_and_loses_nothing),
        TEST(who_was_asked_before_a_pause_has_its_time_after_it),
        TEST_WITH(who_is_let_in_while_paused_is_idle_from_the_end_of_the_pause_on, &idle),
        TEST(a_handler_may_pause_its_own_session),
        TEST(who_is_paused_and_held_is_received_when_neither_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

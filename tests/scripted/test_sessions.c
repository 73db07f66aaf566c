/* tests/scripted/test_sessions.c: Timeouts of sessions to the tick, budgets, and pauses. */
#include "tests/test.h"

#include "net/error.h"
#include "session/session.h"
#include "tests/scripted/session_fixture.h"

#include <string.h>

enum { GREETING_MS = 5000, HEARTBEAT_MS = 10000, FRAME_MS = 10000, IDLE_MS = 30000 };

/* The time by which a timeout must have expired: times are in whole milliseconds, never early. */
static uint64_t past(uint64_t from_ns, uint64_t limit_ms)
{
    return fixture_tick_at(from_ns + (limit_ms + 2) * FIXTURE_MS);
}

/* The session does not end before its limit, and ends at the next tick after it. */
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

/* The server sends PING not before the heartbeat, and at the next tick after it. Returns when. */
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

/* ---- timeouts ---- */

static void a_connection_without_hello_is_closed_after_five_seconds(void **state)
{
    peer = session_fixture_connect();
    assert_ends_after(fixture_now_ns(), GREETING_MS, GW__CLOSE_REASON__GREETING_TIMEOUT);
}

static void slow_bytes_do_not_extend_the_greeting_timeout(void **state)
{
    uint8_t frame[128];
    size_t bytes = session_fixture_hello_frame(frame);
    peer = session_fixture_connect();
    uint64_t from_ns = fixture_now_ns();
    for (size_t i = 0; i + 1 < bytes && i < 12; i++) {
        peer_send(peer, frame + i, 1);
        fixture_run_ms(400);
    }
    assert_ends_after(from_ns, GREETING_MS, GW__CLOSE_REASON__GREETING_TIMEOUT);
}

static void a_deferred_greeting_has_the_rest_of_the_greeting_timeout(void **state)
{
    session_fixture.result = GW_GREET_LATER;
    peer = session_fixture_connect();
    uint64_t from_ns = fixture_now_ns();
    fixture_run_ms(3000);
    session_fixture_send_hello(peer);
    assert_ends_after(from_ns, GREETING_MS, GW__CLOSE_REASON__GREETING_TIMEOUT);
}

static void a_frame_must_be_complete_within_the_frame_timeout(void **state)
{
    peer = session_fixture_join();
    fixture_run_ms(777);
    session_fixture_send_header(peer, 200, 0, SAY, 0);
    fixture_run_now();
    uint64_t from_ns = fixture_now_ns();
    for (int i = 0; i < 9; i++) {
        fixture_run_ms(1000);
        peer_send(peer, "x", 1); /* restarts the heartbeat, not the frame timeout */
    }
    assert_ends_after(from_ns, FRAME_MS, GW__CLOSE_REASON__FRAME_TIMEOUT);
}

static void a_partial_header_starts_the_frame_timeout(void **state)
{
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

static void a_silent_client_is_pinged_after_one_heartbeat_and_closed_after_three(void **state)
{
    peer = session_fixture_join();
    uint64_t from_ns = fixture_now_ns();
    (void)assert_pinged_after(from_ns);
    /* The answer has two heartbeats from the PING on. */
    fixture_run_until(from_ns + 3 * HEARTBEAT_MS * FIXTURE_MS);
    assert_false(gw_session_has_ended(session_fixture.last));
    fixture_run_until(past(past(from_ns, HEARTBEAT_MS), 2 * HEARTBEAT_MS));
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__HEARTBEAT_LOST);
}

static void any_byte_from_a_client_restarts_the_heartbeat(void **state)
{
    uint8_t body[64];
    size_t bytes;
    peer = session_fixture_join();
    for (int i = 0; i < 20; i++) {
        fixture_run_ms(HEARTBEAT_MS - 10);
        session_fixture_ping(peer, 5);
        fixture_run_now();
        assert_int_equal(session_fixture_next(peer, body, &bytes), PONG);
        assert_int_equal(peer_unread_count(peer), 0); /* the server has sent no PING */
    }
    (void)assert_pinged_after(fixture_now_ns());
    fixture_run_ms(2 * HEARTBEAT_MS - 5);
    session_fixture_ping(peer, 6);
    fixture_run_ms(10);
    assert_int_equal(session_fixture.ended_count, 0);
}

static void a_client_that_only_pings_is_closed_with_idle(void **state)
{
    uint8_t body[64];
    size_t bytes;
    peer = session_fixture_join();
    fixture_run_ms(5000);
    session_fixture_say(peer, "still here");
    fixture_run_now();
    uint64_t from_ns = fixture_now_ns();
    for (int i = 0; i < 5; i++) {
        fixture_run_ms(5000);
        session_fixture_ping(peer, 1); /* restarts the heartbeat, not the idle timeout */
        fixture_run_now();
        assert_int_equal(session_fixture_next(peer, body, &bytes), PONG);
    }
    assert_ends_after(from_ns, IDLE_MS, GW__CLOSE_REASON__IDLE);
}

/* A whole frame must arrive in time before the greeting, too. */
static void the_frame_timeout_also_applies_before_the_greeting(void **state)
{
    peer = session_fixture_connect();
    session_fixture_send_header(peer, 100, 0, HELLO, HELLO_TAG);
    fixture_run_now();
    assert_ends_after(fixture_now_ns(), 1000, GW__CLOSE_REASON__FRAME_TIMEOUT);
}

/* Each frame has a timeout of its own, however many follow each other without a pause. */
static void each_frame_has_its_own_timeout(void **state)
{
    uint8_t header[FRAME_HEADER_BYTES];
    frame_write_header(header, 0, 0, SAY, 0);
    peer = session_fixture_join();
    peer_send(peer, header, 4);
    for (uint32_t i = 1; i <= 10; i++) {
        fixture_run_ms(FRAME_MS - 1000);
        peer_send(peer, header + 4, 4); /* the end of one, and the beginning of the next */
        peer_send(peer, header, 4);
        fixture_run_now();
        assert_int_equal(session_fixture.received_count, i);
    }
    assert_int_equal(session_fixture.ended_count, 0);
}

static void a_client_that_answers_each_ping_stays(void **state)
{
    uint8_t body[64];
    size_t bytes;
    peer = session_fixture_join();
    for (int i = 0; i < 10; i++) {
        Gw__Pong pong = GW__PONG__INIT;
        fixture_run_ms(2 * HEARTBEAT_MS + 10);
        assert_int_equal(session_fixture_next(peer, body, &bytes), PING);
        assert_int_equal(peer_unread_count(peer), 0);
        session_fixture_send(peer, PONG, &pong.base);
        fixture_run_now();
    }
    assert_int_equal(session_fixture.ended_count, 0);
}

/* Only bytes from the client prove that it is alive. */
static void a_client_that_only_reads_is_closed_with_heartbeat_lost(void **state)
{
    Gw__Error line = GW__ERROR__INIT;
    peer = session_fixture_join();
    uint64_t from_ns = fixture_now_ns();
    while (fixture_now_ns() < from_ns + (3 * HEARTBEAT_MS - 1000) * FIXTURE_MS) {
        gw_session_send(session_fixture.last, LINE, &line.base);
        fixture_run_ms(1000);
    }
    fixture_run_ms(1100);
    peer_read(peer, NULL, SIZE_MAX);
    peer_finish(peer);
    fixture_run_ms(100);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__HEARTBEAT_LOST);
}

/* For any fraction of a millisecond at which a timeout starts and is checked. */
static void no_timeout_is_early_by_a_fraction_of_a_millisecond(void **state)
{
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
    }
}

/* ---- budgets ---- */

static uint32_t received_by_then;

static void note_received(void *context)
{
    received_by_then = session_fixture.received_count;
}

static struct gw_task note = {.run = NULL};

static void run_note(struct gw_task *task)
{
    note_received(task);
}

static void post_note(struct gw_session *session)
{
    if (session_fixture.received_count == 1) {
        note.run = run_note;
        gw_port_post(fixture_port, &note);
    }
}

static void other_turns_run_after_64_frames(void **state)
{
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
    gw_session_pause(session_fixture.last);
    gw_session_pause(session_fixture.last);
}

static void resume_last(void *context)
{
    gw_session_resume(session_fixture.last);
    gw_session_resume(session_fixture.last);
}

static void a_paused_session_receives_nothing_and_loses_nothing(void **state)
{
    peer = session_fixture_join();
    fixture_in_turn(gw_session_turn(session_fixture.last), pause_last, NULL);
    for (int i = 0; i < 100; i++) {
        session_fixture_say(peer, "x");
        fixture_run_ms(1000);
    }
    assert_int_equal(session_fixture.received_count, 0);
    assert_int_equal(peer_unread_count(peer), 0); /* the server has sent no PING */
    fixture_in_turn(gw_session_turn(session_fixture.last), resume_last, NULL);
    assert_int_equal(session_fixture.received_count, 100);
    (void)assert_pinged_after(fixture_now_ns());
}

/* The answer waits among other bytes that are not read. */
static void the_answer_to_a_ping_before_a_pause_is_due_after_it(void **state)
{
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
    gw_session_greet(session_fixture.last, 0);
}

static void the_idle_timeout_of_a_client_greeted_in_a_pause_starts_at_the_resume(void **state)
{
    session_fixture.result = GW_GREET_LATER;
    peer = session_fixture_connect();
    session_fixture_send_hello(peer);
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

static void pause_session(struct gw_session *session)
{
    gw_session_pause(session);
}

/* One packet per resume, although they arrived together. */
static void a_handler_may_pause_its_own_session(void **state)
{
    peer = session_fixture_join();
    session_fixture.on_received = pause_session;
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

static void a_paused_and_throttled_session_receives_when_neither_applies(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_text(peer, RARE, "x");
    session_fixture_send_text(peer, RARE, "x");
    fixture_run_now();
    fixture_in_turn(gw_session_turn(session_fixture.last), pause_last, NULL);
    fixture_run_ms(3000);
    assert_int_equal(session_fixture.received_count, 1);
    fixture_in_turn(gw_session_turn(session_fixture.last), resume_last, NULL);
    assert_int_equal(session_fixture.received_count, 2);
    session_fixture_send_text(peer, RARE, "x");
    session_fixture_send_text(peer, RARE, "x");
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
    static const struct gw_session_manager_config short_frames = {.frame_timeout_ms = 1000};
    static const struct gw_session_manager_config idle = {.idle_timeout_ms = IDLE_MS};
    const struct CMUnitTest tests[] = {
        SESSION_TEST(a_connection_without_hello_is_closed_after_five_seconds),
        SESSION_TEST(slow_bytes_do_not_extend_the_greeting_timeout),
        SESSION_TEST(a_deferred_greeting_has_the_rest_of_the_greeting_timeout),
        SESSION_TEST(a_frame_must_be_complete_within_the_frame_timeout),
        SESSION_TEST(a_partial_header_starts_the_frame_timeout),
        SESSION_TEST(a_silent_client_is_pinged_after_one_heartbeat_and_closed_after_three),
        SESSION_TEST(any_byte_from_a_client_restarts_the_heartbeat),
        SESSION_TEST_WITH(a_client_that_only_pings_is_closed_with_idle, &idle),
        SESSION_TEST_WITH(the_frame_timeout_also_applies_before_the_greeting, &short_frames),
        SESSION_TEST(each_frame_has_its_own_timeout),
        SESSION_TEST(a_client_that_answers_each_ping_stays),
        SESSION_TEST(a_client_that_only_reads_is_closed_with_heartbeat_lost),
        SESSION_TEST(no_timeout_is_early_by_a_fraction_of_a_millisecond),
        SESSION_TEST(other_turns_run_after_64_frames),
        SESSION_TEST(a_paused_session_receives_nothing_and_loses_nothing),
        SESSION_TEST(the_answer_to_a_ping_before_a_pause_is_due_after_it),
        SESSION_TEST_WITH(the_idle_timeout_of_a_client_greeted_in_a_pause_starts_at_the_resume,
                          &idle),
        SESSION_TEST(a_handler_may_pause_its_own_session),
        SESSION_TEST(a_paused_and_throttled_session_receives_when_neither_applies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

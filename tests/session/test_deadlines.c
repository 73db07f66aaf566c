/* tests/session/test_deadlines.c: Timeouts of sessions, measured with the system's clock. */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

/*
 * tests/scripted/test_sessions.c shows each timeout to the tick, on a clock of its own. Here the
 * clocks of a real backend agree. How late a timeout is depends on the machine, so that is not
 * tested. A turn uses the time at which its worker's round began, which may be a little earlier
 * than that of the test.
 */
enum { LIMIT_MS = 120, TOLERANCE_MS = 20 };

static void expect_elapsed(uint64_t from_ms, uint64_t limit_ms)
{
    assert_true(fixture_now_ms() - from_ms + TOLERANCE_MS >= limit_ms);
}

static const struct loopback_fixture_config short_limits = {
    .server = {.greeting_timeout_ms = LIMIT_MS, .heartbeat_ms = LIMIT_MS}};

static void a_connection_that_sends_no_hello_is_closed_with_greeting_timeout(void **state)
{
    uint64_t from_ms = fixture_now_ms();
    struct raw_socket peer = peer_connect(fixture.port_number);
    peer_expect_close(&peer, GW__CLOSE_REASON__GREETING_TIMEOUT);
    expect_elapsed(from_ms, LIMIT_MS);
}

static void a_silent_client_is_pinged_once_and_closed_with_heartbeat_lost(void **state)
{
    uint64_t from_ms = fixture_now_ms();
    struct raw_socket peer = peer_join();
    peer_expect_stamp(&peer, PING);
    expect_elapsed(from_ms, LIMIT_MS);
    peer_expect_close(&peer, GW__CLOSE_REASON__HEARTBEAT_LOST);
    expect_elapsed(from_ms, 3 * LIMIT_MS);
}

static const struct loopback_fixture_config short_idle = {
    .server = {.idle_timeout_ms = 4 * LIMIT_MS, .heartbeat_ms = LIMIT_MS}};

/* PING and PONG prove that a client is alive, and not that it plays. */
static void a_client_that_only_answers_pings_is_closed_with_idle(void **state)
{
    struct peer_frame frame = {0};
    uint64_t from_ms = fixture_now_ms();
    struct raw_socket peer = peer_join();
    while (peer_read_frame(&peer, &frame) && frame.header.id == PING) {
        Gw__Pong pong = GW__PONG__INIT;
        peer_send_message(&peer, PONG, &pong.base);
    }
    expect_elapsed(from_ms, 4 * LIMIT_MS);
    assert_int_equal(frame.header.id, CLOSE);
    assert_int_equal(frame.body[1], GW__CLOSE_REASON__IDLE);
    peer_expect_fin(&peer);
}

static const struct loopback_fixture_config short_frames = {
    .server = {.frame_timeout_ms = LIMIT_MS}};

static void an_incomplete_frame_is_closed_with_frame_timeout(void **state)
{
    uint64_t from_ms = fixture_now_ms();
    struct raw_socket peer = peer_join();
    peer_send_header(&peer, 100, 0, SAY, 0);
    peer_expect_close(&peer, GW__CLOSE_REASON__FRAME_TIMEOUT);
    expect_elapsed(from_ms, LIMIT_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST_WITH(a_connection_that_sends_no_hello_is_closed_with_greeting_timeout,
                          &short_limits),
        FIXTURE_TEST_WITH(a_silent_client_is_pinged_once_and_closed_with_heartbeat_lost,
                          &short_limits),
        FIXTURE_TEST_WITH(a_client_that_only_answers_pings_is_closed_with_idle, &short_idle),
        FIXTURE_TEST_WITH(an_incomplete_frame_is_closed_with_frame_timeout, &short_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

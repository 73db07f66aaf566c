/* tests/scripted/test_paused.c: Paused and throttled sessions whose peer disconnects. */
#include "tests/test.h"

#include "session/session.h"
#include "tests/scripted/session_fixture.h"

#include <string.h>

/* The longest time until a session notices, and how long it then keeps a pause after FIN. */
enum { NOTICE_MS = 1005, LIMIT_MS = 5000, SAY_COUNT = 40, RARE_COUNT = 5 };

static const struct port_fixture_config plain = {.kernel = {.lane_shared = false}};
static const struct port_fixture_config shared = {.kernel = {.lane_shared = true}};
static const struct port_fixture_config small_receives = {.kernel = {.recv_bytes_max = 40}};

static int open_session_fixture(void **state)
{
    session_fixture_open(*state, NULL);
    peer = session_fixture_join();
    return 0;
}

#define TEST_ON(name, config)                                                                      \
    cmocka_unit_test_prestate_setup_teardown(name, open_session_fixture, session_fixture_teardown, \
                                             (void *)(config))
#define TEST(name) TEST_ON(name, &plain), TEST_ON(name, &shared), TEST_ON(name, &small_receives)

static void pause_once(struct gw_session *session)
{
    session_fixture.on_received = NULL;
    gw_session_pause(session);
}

/* The server pauses the session when it handles the first packet; the others wait behind it. */
static void pause_behind_first(void)
{
    session_fixture.on_received = pause_once;
    for (int i = 0; i < SAY_COUNT; i++) {
        session_fixture_say(peer, "some packet of the game");
    }
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
}

/* The first packet takes the only token of its type; each further one waits for a second. */
static void exceed_the_rate(void)
{
    for (int i = 0; i < RARE_COUNT; i++) {
        session_fixture_send_text(peer, RARE, "too often");
    }
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
}

/* ---- a peer that has disconnected ---- */

static void a_reset_ends_a_paused_session(void **state)
{
    pause_behind_first();
    fixture_run_ms(60000);
    assert_int_equal(session_fixture.ended_count, 0);
    peer_reset(peer);
    fixture_run_ms(NOTICE_MS);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__NETWORK);
    assert_int_equal(session_fixture.received_count, 1);
}

static void a_reset_ends_a_throttled_session(void **state)
{
    exceed_the_rate();
    peer_reset(peer);
    fixture_run_ms(NOTICE_MS);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__NETWORK);
}

static void a_pause_before_an_unread_fin_is_limited(void **state)
{
    pause_behind_first();
    fixture_run_ms(60000);
    peer_finish(peer);
    fixture_run_ms(LIMIT_MS - 1000);
    assert_int_equal(session_fixture.ended_count, 0);
    fixture_run_ms(1000 + NOTICE_MS);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__BY_PEER);
    assert_int_equal(session_fixture.received_count, 1);
}

/* No bytes were sent behind the pause: FIN alone has arrived. */
static void a_fin_without_data_ends_a_paused_session(void **state)
{
    session_fixture.on_received = pause_once;
    session_fixture_say(peer, "only");
    fixture_run_now();
    peer_finish(peer);
    fixture_run_ms(LIMIT_MS + NOTICE_MS);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__BY_PEER);
}

/* ---- a peer that is connected ---- */

static void a_pause_with_a_connected_peer_is_not_limited(void **state)
{
    pause_behind_first();
    fixture_run_ms(24 * 3600 * 1000);
    assert_int_equal(session_fixture.ended_count, 0);
    session_fixture_resume();
    assert_int_equal(session_fixture.received_count, SAY_COUNT);
    fixture_run_ms(1000);
    assert_int_equal(session_fixture.ended_count, 0);
}

static void packets_sent_before_fin_are_handled_after_a_resume(void **state)
{
    pause_behind_first();
    peer_finish(peer);
    fixture_run_ms(LIMIT_MS - 100);
    assert_int_equal(session_fixture.ended_count, 0);
    session_fixture_resume();
    assert_int_equal(session_fixture.received_count, SAY_COUNT);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__BY_PEER);
}

/* A second pause before FIN is read is limited, too. */
static void a_second_pause_after_fin_is_limited(void **state)
{
    pause_behind_first();
    peer_finish(peer);
    fixture_run_ms(2000);
    session_fixture.on_received = pause_once;
    session_fixture_resume();
    assert_int_equal(session_fixture.received_count, 2);
    fixture_run_ms(LIMIT_MS + NOTICE_MS);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__BY_PEER);
}

static void throttled_packets_are_handled_after_fin_without_a_limit(void **state)
{
    exceed_the_rate();
    peer_finish(peer);
    fixture_run_ms(1000);
    assert_int_equal(session_fixture.ended_count, 0);
    fixture_run_ms(RARE_COUNT * 1000);
    assert_int_equal(session_fixture.received_count, RARE_COUNT);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__BY_PEER);
}

static void end_now(void *context)
{
    gw_session_pause(session_fixture.last);
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
}

static void an_ended_session_is_not_polled_for_a_reset(void **state)
{
    session_fixture_pause();
    fixture_run_ms(500);
    fixture_in_turn(gw_session_turn(session_fixture.last), end_now, NULL);
    peer_reset(peer);
    fixture_run_ms(3000);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__KICKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reset_ends_a_paused_session),
        TEST(a_reset_ends_a_throttled_session),
        TEST(a_pause_before_an_unread_fin_is_limited),
        TEST(a_fin_without_data_ends_a_paused_session),
        TEST(a_pause_with_a_connected_peer_is_not_limited),
        TEST(packets_sent_before_fin_are_handled_after_a_resume),
        TEST(a_second_pause_after_fin_is_limited),
        TEST(throttled_packets_are_handled_after_fin_without_a_limit),
        TEST(an_ended_session_is_not_polled_for_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

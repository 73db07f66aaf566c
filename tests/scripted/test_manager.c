/* tests/scripted/test_manager.c: listening, broadcasting and switched-off timeouts of a manager. */
#include "tests/test.h"

#include "net/error.h"
#include "net/listener.h"
#include "net/port.h"
#include "net/stream.h"
#include "protocol/frame.h"
#include "session/request.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/session_fixture.h"

#include <string.h>

/* ---- gw_session_manager_listen() ---- */

static struct peer *connect_to(const struct gw_listener *listener)
{
    struct peer *peer = peer_connect(gw_listener_addr(listener)->port);
    assert_non_null(peer);
    fixture_run_now();
    return peer;
}

static void a_manager_admits_sessions_from_two_listeners(void **state)
{
    const struct gw_addr addr = peer_addr(0);
    struct gw_listener *second;
    assert_int_equal(gw_session_manager_listen(session_fixture.manager, &addr, &second), 0);
    fixture_run_now();
    (void)session_fixture_connect();
    (void)connect_to(second);
    assert_int_equal(gw_session_manager_pending_count(session_fixture.manager), 2);
    assert_int_equal(gw_session_manager_count(session_fixture.manager), 0);
    assert_int_equal(session_fixture.closed_listener_count, 0);
    gw_listener_close(second);
    fixture_run_now();
    assert_int_equal(session_fixture.closed_listener_count, 1);
    assert_int_equal(gw_session_manager_pending_count(session_fixture.manager),
                     2); /* sessions continue */
}

static void listening_at_an_address_in_use_is_an_error(void **state)
{
    const struct gw_addr addr = peer_addr(session_fixture.port);
    struct gw_listener *listener = NULL;
    assert_int_equal(gw_session_manager_listen(session_fixture.manager, &addr, &listener),
                     GW_E_IN_USE);
    assert_null(listener);
}

static void on_end(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
}

static void a_clients_side_does_not_listen(void **state)
{
    static const struct gw_session_events events = {.on_end = on_end};
    const struct gw_session_manager_config config = {.side = GW_SIDE_CLIENT,
                                                     .session_count_max = 4};
    struct gw_session_manager *clients =
        gw_session_manager_create(fixture_port, &config, &session_fixture_packets, &events, NULL);
    const struct gw_addr addr = peer_addr(0);
    struct gw_listener *listener = NULL;
    assert_int_equal(gw_session_manager_listen(clients, &addr, &listener), GW_E_UNSUPPORTED);
    assert_null(listener);
    assert_int_equal(fixture_logged_count("misuse"), 1);
    gw_session_manager_destroy(clients);
}

/* ---- gw_session_manager_broadcast() ---- */

static void broadcast(const char *text)
{
    Gw__Error line = GW__ERROR__INIT;
    line.text = (char *)text;
    gw_session_manager_broadcast(session_fixture.manager, LINE, &line.base);
    fixture_run_now();
}

static void expect_line(struct peer *peer, const char *text)
{
    static uint8_t body[70000];
    size_t bytes;
    assert_int_equal(session_fixture_next(peer, body, &bytes), LINE);
    Gw__Error *line = gw__error__unpack(NULL, bytes, body);
    assert_non_null(line);
    assert_string_equal(line->text, text);
    gw__error__free_unpacked(line, NULL);
    assert_int_equal(peer_unread_count(peer), 0);
}

static void every_greeted_session_receives_a_broadcast_and_no_other(void **state)
{
    struct peer *first = session_fixture_join();
    struct peer *ended = session_fixture_join();
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
    struct peer *pending = session_fixture_connect();
    struct peer *second = session_fixture_join();
    broadcast("maintenance in 5 minutes");
    expect_line(first, "maintenance in 5 minutes");
    expect_line(second, "maintenance in 5 minutes");
    assert_int_equal(peer_unread_count(pending), 0);
    assert_int_equal(session_fixture_close_reason(ended), GW__CLOSE_REASON__KICKED);
    assert_int_equal(session_fixture_counters_of(LINE).out, 2);
}

static void a_broadcast_that_may_not_be_sent_is_logged_and_dropped(void **state)
{
    Gw__Error line = GW__ERROR__INIT;
    Gw__Ping ping = GW__PING__INIT;
    struct peer *peer = session_fixture_join();
    gw_session_manager_broadcast(session_fixture.manager, SAY,
                                 &line.base); /* only clients send it */
    assert_int_equal(fixture_logged_count("misuse"), 1);
    fixture_run_ms(1001);
    gw_session_manager_broadcast(session_fixture.manager, LINE, &ping.base);
    assert_int_equal(fixture_logged_count("misuse"), 2);
    fixture_run_now();
    assert_int_equal(peer_unread_count(peer), 0);
    assert_int_equal(session_fixture_counters_of(LINE).out, 0);
}

static void without_memory_for_a_broadcast_greeted_sessions_end(void **state)
{
    static char text[60000];
    memset(text, 'x', sizeof text - 1);
    Gw__Error line = GW__ERROR__INIT;
    line.text = text;
    struct peer *peer = session_fixture_join();
    struct peer *pending = session_fixture_connect();
    memory_fail_at(1);
    gw_session_manager_broadcast(session_fixture.manager, LINE, &line.base);
    assert_int_equal(memory_failed_count(), 1);
    memory_fail_at(0);
    fixture_run_now();
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__NO_MEMORY);
    assert_false(peer_has_fin(pending));
}

/* ---- GW_OFF ---- */

enum { HOUR_MS = 3600 * 1000, DAYS = 30 };

static const struct gw_session_manager_config without_timeouts = {
    .greeting_timeout_ms = GW_OFF,
    .heartbeat_ms = GW_OFF,
    .idle_timeout_ms = GW_OFF,
    .frame_timeout_ms = GW_OFF,
    .excess_ms = GW_OFF,
    .request_timeout_ms = GW_OFF,
};

static void run_days(void)
{
    for (int i = 0; i < DAYS; i++) {
        fixture_run_ms(24 * HOUR_MS);
    }
}

static void a_pending_session_without_greeting_timeout_stays(void **state)
{
    uint8_t body[128];
    size_t bytes;
    struct peer *peer = session_fixture_connect();
    run_days();
    assert_false(peer_has_fin(peer));
    session_fixture_send_hello(peer);
    fixture_run_now();
    assert_int_equal(session_fixture_next(peer, body, &bytes), HELLO_ACK);
}

static void without_heartbeat_hello_ack_says_0_and_no_ping_is_sent(void **state)
{
    uint8_t body[128];
    size_t bytes;
    struct peer *peer = session_fixture_connect();
    session_fixture_send_hello(peer);
    fixture_run_now();
    assert_int_equal(session_fixture_next(peer, body, &bytes), HELLO_ACK);
    Gw__HelloAck *ack = gw__hello_ack__unpack(NULL, bytes, body);
    assert_non_null(ack);
    assert_int_equal(ack->heartbeat_ms, 0);
    gw__hello_ack__free_unpacked(ack, NULL);
    run_days();
    assert_int_equal(peer_unread_count(peer), 0);
    assert_int_equal(session_fixture.ended_count, 0);
}

static void a_partial_frame_without_frame_timeout_is_completed_days_later(void **state)
{
    uint8_t header[FRAME_HEADER_BYTES];
    struct peer *peer = session_fixture_join();
    frame_write_header(header, 0, 0, SAY, 0);
    peer_send(peer, header, 3);
    run_days();
    peer_send(peer, header + 3, sizeof header - 3);
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
}

static void a_request_without_request_timeout_is_answered_days_later(void **state)
{
    static uint8_t body[512];
    size_t bytes;
    Gw__Error answer = GW__ERROR__INIT;
    struct peer *peer = session_fixture_join();
    session_fixture_send_header(peer, 0, 0, ASK, 7);
    peer_finish(peer); /* the session waits for the answer */
    run_days();
    assert_int_equal(peer_unread_count(peer), 0);
    assert_int_equal(session_fixture.ended_count, 0);
    gw_session_reply(session_fixture.last, &session_fixture.asked[0], ANSWER, &answer.base);
    fixture_run_now();
    assert_int_equal(session_fixture_next(peer, body, &bytes), ANSWER);
    assert_true(peer_has_fin(peer));
}

/* ---- gw_session_send_queue_bytes(), on_send_low ---- */

enum { QUEUE_BYTES_MAX = 262144, LINE_BYTES = 10000 };

static void send_line_of_10000_bytes(void *context)
{
    static char text[LINE_BYTES + 1];
    Gw__Error line = GW__ERROR__INIT;
    memset(text, 'x', LINE_BYTES);
    line.text = text;
    gw_session_send(session_fixture.last, LINE, &line.base);
}

static uint32_t send_queue_bytes(void)
{
    return gw_session_send_queue_bytes(session_fixture.last);
}

static void a_queue_that_was_above_a_fourth_is_low_at_an_eighth(void **state)
{
    struct peer *peer = session_fixture_join();
    struct gw_turn *turn = gw_session_turn(session_fixture.last);
    assert_int_equal(send_queue_bytes(), 0);
    peer_set_window(peer, 0);
    while (send_queue_bytes() <= QUEUE_BYTES_MAX / 4) {
        uint32_t before = send_queue_bytes();
        fixture_in_turn(turn, send_line_of_10000_bytes, NULL);
        assert_true(send_queue_bytes() == 0 || send_queue_bytes() >= before);
    }
    assert_int_equal(session_fixture.send_low_count, 0);
    while (send_queue_bytes() > QUEUE_BYTES_MAX / 8) {
        assert_int_equal(session_fixture.send_low_count, 0);
        peer_read(peer, NULL, SIZE_MAX);
        peer_set_window(peer, 2000);
        fixture_run_now();
    }
    assert_int_equal(session_fixture.send_low_count, 1);
    peer_set_window(peer, SIZE_MAX / 2);
    fixture_run_now();
    assert_int_equal(send_queue_bytes(), 0);
    assert_int_equal(session_fixture.send_low_count, 1); /* once */
    peer_read(peer, NULL, SIZE_MAX);
}

static void a_session_that_has_ended_has_no_send_low(void **state)
{
    struct peer *peer = session_fixture_join();
    struct gw_turn *turn = gw_session_turn(session_fixture.last);
    peer_set_window(peer, 0);
    while (send_queue_bytes() <= QUEUE_BYTES_MAX / 4) {
        fixture_in_turn(turn, send_line_of_10000_bytes, NULL);
    }
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
    peer_set_window(peer, SIZE_MAX / 2);
    fixture_run_now();
    assert_int_equal(session_fixture.send_low_count, 0);
    peer_read(peer, NULL, SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION_TEST(a_manager_admits_sessions_from_two_listeners),
        SESSION_TEST(listening_at_an_address_in_use_is_an_error),
        SESSION_TEST(a_clients_side_does_not_listen),
        SESSION_TEST(every_greeted_session_receives_a_broadcast_and_no_other),
        SESSION_TEST(a_broadcast_that_may_not_be_sent_is_logged_and_dropped),
        SESSION_TEST(without_memory_for_a_broadcast_greeted_sessions_end),
        SESSION_TEST(a_queue_that_was_above_a_fourth_is_low_at_an_eighth),
        SESSION_TEST(a_session_that_has_ended_has_no_send_low),
        SESSION_TEST_WITH(a_pending_session_without_greeting_timeout_stays, &without_timeouts),
        SESSION_TEST_WITH(without_heartbeat_hello_ack_says_0_and_no_ping_is_sent,
                          &without_timeouts),
        SESSION_TEST_WITH(a_partial_frame_without_frame_timeout_is_completed_days_later,
                          &without_timeouts),
        SESSION_TEST_WITH(a_request_without_request_timeout_is_answered_days_later,
                          &without_timeouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

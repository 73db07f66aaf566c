/* tests/scripted/test_checks.c: The checks of WIRE.md, each on both sides of its limit. */
#include "tests/test.h"

#include "protocol/packet.h"
#include "session/session.h"
#include "tests/scripted/session_fixture.h"

#include <string.h>

static void expect_close(struct peer *peer, Gw__CloseReason reason)
{
    fixture_run_now();
    assert_int_equal(session_fixture_close_reason(peer), reason);
    peer_finish(peer);
    fixture_run_now();
    assert_int_equal(session_fixture.reason, reason);
}

/* The header alone decides: the peer sends no body, and the session reserves no memory for one. */
static void expect_close_by_header(uint32_t body_bytes, uint8_t flags, uint16_t id,
                                   Gw__CloseReason reason)
{
    struct peer *peer = session_fixture_join();
    uint64_t pool_bytes = fixture_counters().pool_bytes;
    session_fixture_send_header(peer, body_bytes, flags, id, 0);
    fixture_run_now();
    assert_int_equal(fixture_counters().pool_bytes, pool_bytes);
    expect_close(peer, reason);
}

/* A body of zeros is no message; an empty one is. */
static void expect_header_accepted(uint16_t id, uint8_t flags, uint32_t body_bytes)
{
    static uint8_t body[4096];
    struct peer *peer = session_fixture_join();
    uint32_t received_count = session_fixture.received_count;
    session_fixture_send_header(peer, body_bytes, flags, id, 0);
    peer_send(peer, body, body_bytes);
    if (body_bytes > 0) {
        expect_close(peer, GW__CLOSE_REASON__BAD_BODY);
        return;
    }
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, received_count + 1);
    peer_close(peer);
    fixture_run_now();
}

static void a_reserved_flag_closes_with_bad_flags(void **state)
{
    for (unsigned flags = 0; flags < 256; flags++) {
        if ((flags & ~3u) == 0) {
            expect_header_accepted(SAY, (uint8_t)flags, 0);
        } else if ((flags & (flags - 1)) == 0 || flags == 255) {
            expect_close_by_header(0, (uint8_t)flags, SAY, GW__CLOSE_REASON__BAD_FLAGS);
        }
    }
}

static void a_greeted_client_sends_at_most_4096_bytes_of_body(void **state)
{
    expect_header_accepted(BIG, 0, 4096);
    expect_close_by_header(4097, 0, BIG, GW__CLOSE_REASON__TOO_LONG);
    expect_close_by_header(0xFFFFFF, 0, BIG, GW__CLOSE_REASON__TOO_LONG);
}

static void the_config_sets_the_length_limits_of_the_stages(void **state)
{
    expect_header_accepted(BIG, 0, 100);
    expect_close_by_header(101, 0, BIG, GW__CLOSE_REASON__TOO_LONG);
    struct peer *peer = session_fixture_connect();
    session_fixture_send_header(peer, 51, 0, HELLO, HELLO_TAG);
    expect_close(peer, GW__CLOSE_REASON__TOO_LONG);
}

static void a_packet_has_a_length_limit_of_its_own(void **state)
{
    expect_header_accepted(SAY, 0, 256);
    expect_close_by_header(257, 0, SAY, GW__CLOSE_REASON__TOO_LONG);
    expect_header_accepted(PING, 0, 16);
    expect_close_by_header(17, 0, PING, GW__CLOSE_REASON__TOO_LONG);
}

static void a_text_of_the_maximum_length_is_received(void **state)
{
    char text[254];
    struct peer *peer = session_fixture_join();
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    session_fixture_say(peer, text); /* 3 bytes before it: 256 in all */
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
    assert_int_equal(session_fixture.ended_count, 0);
}

/* BIG has max_bytes 16,384; by default a server accepts 4,096. */
static void a_configured_limit_above_4096_bytes_accepts_longer_bodies(void **state)
{
    static char text[16384 - 3];
    struct peer *peer = session_fixture_join();
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    session_fixture_send_text(peer, BIG, text); /* 4 bytes before it: 16,384 in all */
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
    session_fixture_send_header(peer, 16385, 0, BIG, 0);
    expect_close(peer, GW__CLOSE_REASON__TOO_LONG);
}

static void an_unassigned_id_closes_with_unknown_packet(void **state)
{
    static const uint16_t ids[] = {0, 7, 63, 64, 255, SAY - 1, ASK_ROOM + 1, ANSWER + 1, 32767};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        expect_close_by_header(0, 0, ids[i], GW__CLOSE_REASON__UNKNOWN_PACKET);
    }
    for (uint32_t id = 65280; id <= 65535;
         id++) { /* an id does not index memory behind the table */
        expect_close_by_header(0, 0, (uint16_t)id, GW__CLOSE_REASON__UNKNOWN_PACKET);
    }
}

static void a_packet_of_the_server_closes_with_wrong_way(void **state)
{
    static const uint16_t ids[] = {HELLO_ACK, GO_AWAY, ERROR_REPLY, LINE, PLACE};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        expect_close_by_header(0, 0, ids[i], GW__CLOSE_REASON__WRONG_WAY);
    }
}

static void change_stage(struct gw_session *session)
{
    gw_session_set_stage(session, session_fixture.received_count % 2);
}

static void a_packet_is_accepted_only_in_its_stages(void **state)
{
    expect_close_by_header(0, 0, IN_ROOM, GW__CLOSE_REASON__WRONG_STAGE);
    session_fixture.on_received = change_stage;
    struct peer *peer = session_fixture_join();
    session_fixture_say(peer, "enter");
    session_fixture_send_header(peer, 0, 0, IN_ROOM, 0); /* leaves */
    session_fixture_say(peer, "enter");
    session_fixture_send_header(peer, 0, 0, IN_ROOM, 0); /* leaves */
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 4);
    session_fixture_send_header(peer, 0, 0, IN_ROOM, 0);
    expect_close(peer, GW__CLOSE_REASON__WRONG_STAGE);
    assert_int_equal(session_fixture.received_count, 4);
}

/* The stages are bits of one word: the last one is neither the first nor none. */
static void set_last_stage(void *context)
{
    gw_session_set_stage(context, GW_STAGE_GAME_MAX);
}

static struct peer *join_in_last_stage(void)
{
    struct peer *peer = session_fixture_join();
    fixture_in_turn(gw_session_turn(session_fixture.last), set_last_stage, session_fixture.last);
    return peer;
}

static void the_last_stage_is_a_greeted_one(void **state)
{
    struct peer *peer = join_in_last_stage();
    session_fixture_say(peer, "x");
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
    session_fixture_send_header(peer, 0, 0, IN_ROOM, 0);
    expect_close(peer, GW__CLOSE_REASON__WRONG_STAGE);
    peer = join_in_last_stage();
    session_fixture_send_header(peer, 0, 0, HELLO, 0);
    expect_close(peer, GW__CLOSE_REASON__WRONG_STAGE);
}

/* Each header also fails all checks after the one that gives the reason. */
static void the_first_failing_check_gives_the_reason(void **state)
{
    expect_close_by_header(0xFFFFFF, 0x80, 65535, GW__CLOSE_REASON__BAD_FLAGS);
    expect_close_by_header(0xFFFFFF, 0x04, 9999, GW__CLOSE_REASON__BAD_FLAGS);
    expect_close_by_header(0xFFFFFF, 0, 65535, GW__CLOSE_REASON__TOO_LONG);
    expect_close_by_header(4097, 0, 9999, GW__CLOSE_REASON__TOO_LONG);
    expect_close_by_header(4096, 0, 65535, GW__CLOSE_REASON__UNKNOWN_PACKET);
    expect_close_by_header(4096, 0, LINE, GW__CLOSE_REASON__WRONG_WAY);
    expect_close_by_header(4096, 0, IN_ROOM, GW__CLOSE_REASON__WRONG_STAGE);
    expect_close_by_header(2, 0, HELLO, GW__CLOSE_REASON__WRONG_STAGE);
    expect_close_by_header(4096, 0, SAY, GW__CLOSE_REASON__TOO_LONG);
    assert_int_equal(session_fixture.received_count, 0);
}

static void a_malformed_body_closes_with_bad_body(void **state)
{
    static const uint8_t bodies[][4] = {
        {0x0A, 0x7F, 'x', 'y'},   /* a text longer than the body */
        {0x08, 0xFF, 0xFF, 0xFF}, /* a number without an end */
        {0x0F, 0x00, 0x00, 0x00}, /* a wire type that does not exist */
        {0x00, 0x00, 0x00, 0x00}, /* a field with number 0 */
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct peer *peer = session_fixture_join();
        session_fixture_send_header(peer, sizeof bodies[i], 0, SAY, 0);
        peer_send(peer, bodies[i], sizeof bodies[i]);
        expect_close(peer, GW__CLOSE_REASON__BAD_BODY);
    }
    assert_int_equal(session_fixture.received_count, 0);
}

static void a_message_larger_than_the_arena_closes_with_too_complex(void **state)
{
    char text[2000];
    struct peer *peer = session_fixture_join();
    memset(text, 'x', sizeof text);
    text[200] = '\0';
    session_fixture_send_text(peer, BIG, text);
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
    text[200] = 'x';
    text[sizeof text - 1] = '\0';
    session_fixture_send_text(peer, BIG, text);
    expect_close(peer, GW__CLOSE_REASON__TOO_COMPLEX);
    assert_int_equal(session_fixture.received_count, 1);
}

static void a_connection_that_starts_with_http_is_closed_without_an_answer(void **state)
{
    struct peer *peer = session_fixture_connect();
    peer_send(peer, "GET / HTTP/1.1\r\n\r\n", 18);
    fixture_run_now();
    assert_int_equal(peer_unread_count(peer), 0);
    assert_true(peer_has_fin(peer));
    peer_close(peer);
    fixture_run_now();
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__UNKNOWN_PROTOCOL);
}

static void frames_behind_a_refused_one_are_not_received(void **state)
{
    struct peer *peer = session_fixture_join();
    session_fixture_say(peer, "first");
    session_fixture_send_header(peer, 0, 0, 9999, 0);
    session_fixture_say(peer, "second");
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
}

int main(void)
{
    static const struct gw_session_manager_config short_bodies = {.body_bytes_max = 100,
                                                                  .body_bytes_max_connected = 50};
    static const struct gw_session_manager_config long_bodies = {.body_bytes_max = 65536};
    static const struct gw_session_manager_config small_arena = {.arena_bytes = 512};
    const struct CMUnitTest tests[] = {
        SESSION_TEST(a_reserved_flag_closes_with_bad_flags),
        SESSION_TEST(a_greeted_client_sends_at_most_4096_bytes_of_body),
        SESSION_TEST_WITH(the_config_sets_the_length_limits_of_the_stages, &short_bodies),
        SESSION_TEST(a_packet_has_a_length_limit_of_its_own),
        SESSION_TEST(a_text_of_the_maximum_length_is_received),
        SESSION_TEST_WITH(a_configured_limit_above_4096_bytes_accepts_longer_bodies, &long_bodies),
        SESSION_TEST(an_unassigned_id_closes_with_unknown_packet),
        SESSION_TEST(a_packet_of_the_server_closes_with_wrong_way),
        SESSION_TEST(a_packet_is_accepted_only_in_its_stages),
        SESSION_TEST(the_last_stage_is_a_greeted_one),
        SESSION_TEST(the_first_failing_check_gives_the_reason),
        SESSION_TEST(a_malformed_body_closes_with_bad_body),
        SESSION_TEST_WITH(a_message_larger_than_the_arena_closes_with_too_complex, &small_arena),
        SESSION_TEST(a_connection_that_starts_with_http_is_closed_without_an_answer),
        SESSION_TEST(frames_behind_a_refused_one_are_not_received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

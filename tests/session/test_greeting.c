/* tests/session/test_greeting.c: HELLO and its answers. */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

#include <string.h>

static char long_text[600];

/* A text of `bytes` characters. */
static char *text_of(size_t bytes)
{
    memset(long_text, 'x', sizeof long_text);
    long_text[bytes] = '\0';
    return long_text;
}

/* The session of the last on_greet; 0: none since the last HELLO was sent. */
static _Atomic gw_session_id deferred_id;

static struct raw_socket send_hello(const Gw__Hello *hello)
{
    atomic_store(&deferred_id, 0); /* an id of an earlier test may be valid in this server, too */
    struct raw_socket peer = peer_connect(fixture.port_number);
    peer_send_hello(&peer, hello);
    return peer;
}

static void expect_accepted(const Gw__Hello *hello)
{
    struct raw_socket peer = send_hello(hello);
    peer_expect(&peer, HELLO_ACK);
    raw_socket_close(&peer);
}

static void expect_refusal(const Gw__Hello *hello, Gw__CloseReason reason)
{
    struct raw_socket peer = send_hello(hello);
    peer_expect_close(&peer, reason);
}

static void hello_ack_replies_to_hello_and_announces_the_limits(void **state)
{
    const Gw__Hello hello = peer_valid_hello();
    struct raw_socket peer = send_hello(&hello);
    const struct peer_frame *frame = peer_expect(&peer, HELLO_ACK);
    assert_int_equal(frame->header.flags, GW_FRAME_REPLY);
    assert_int_equal(frame->header.tag, HELLO_TAG);
    Gw__HelloAck *ack = gw__hello_ack__unpack(NULL, frame->header.body_bytes, frame->body);
    assert_int_equal(ack->heartbeat_ms, 10000);
    assert_int_equal(ack->body_bytes_max, 4096);
    assert_int_not_equal(ack->schema_hash, 0);
    wait_for_count(&fixture.server.greeted, 1);
    assert_int_equal(ack->session_id, atomic_load(&fixture.server.last_id));
    gw__hello_ack__free_unpacked(ack, NULL);
    raw_socket_close(&peer);
}

static void each_field_of_a_hello_has_a_maximum_length(void **state)
{
    Gw__Hello hello = peer_valid_hello();
    hello.name = text_of(32);
    expect_accepted(&hello);
    hello.name = text_of(33);
    expect_refusal(&hello, GW__CLOSE_REASON__BAD_BODY);
    hello = peer_valid_hello();
    hello.client_build = text_of(64);
    expect_accepted(&hello);
    hello.client_build = text_of(65);
    expect_refusal(&hello, GW__CLOSE_REASON__BAD_BODY);
    hello = peer_valid_hello();
    hello.credentials.data = (uint8_t *)text_of(513);
    hello.credentials.len = 512;
    expect_accepted(&hello);
    hello.credentials.len = 513;
    expect_refusal(&hello, GW__CLOSE_REASON__BAD_BODY);
}

static void a_hello_has_at_most_1024_bytes(void **state)
{
    /* Fills the body with an unknown field, 15: a tag, a length of two bytes, then the bytes. */
    uint8_t body[1024] = {0x08, GW_PROTOCOL_MAJOR, 0x7A, 0xFB, 0x07};
    assert_int_equal(0x07 * 128 + 0x7B, sizeof body - 5);
    struct raw_socket peer = peer_connect(fixture.port_number);
    peer_send_frame(&peer, HELLO, HELLO_TAG, body, sizeof body);
    peer_expect(&peer, HELLO_ACK);
    raw_socket_close(&peer);
    peer = peer_connect(fixture.port_number);
    peer_send_header(&peer, 1025, 0, HELLO, HELLO_TAG);
    peer_expect_close(&peer, GW__CLOSE_REASON__TOO_LONG);
}

static void a_malformed_hello_ends_with_bad_body(void **state)
{
    const uint8_t body[] = {0x08, 0xFF, 0xFF};
    struct raw_socket peer = peer_connect(fixture.port_number);
    peer_send_frame(&peer, HELLO, HELLO_TAG, body, sizeof body);
    peer_expect_close(&peer, GW__CLOSE_REASON__BAD_BODY);
}

static void a_second_hello_ends_with_wrong_stage(void **state)
{
    struct raw_socket peer = peer_join();
    const Gw__Hello hello = peer_valid_hello();
    peer_send_hello(&peer, &hello);
    peer_expect_close(&peer, GW__CLOSE_REASON__WRONG_STAGE);
}

static void other_schemas_are_accepted_counted_and_logged_once_each(void **state)
{
    Gw__Hello hello = peer_valid_hello();
    expect_accepted(&hello); /* 0: not known */
    hello.schema_hash = 77;
    expect_accepted(&hello);
    expect_accepted(&hello);
    hello.schema_hash = 78;
    expect_accepted(&hello);
    wait_for_count(&fixture.server.greeted, 4);
    assert_int_equal(counters_of(&fixture.server).other_schema, 3);
    assert_int_equal(atomic_load(&fixture.other_schema_logged), 2);
}

static void a_flood_of_schemas_does_not_flood_the_log(void **state)
{
    Gw__Hello hello = peer_valid_hello();
    for (uint64_t hash = 1; hash <= 40; hash++) {
        hello.schema_hash = hash;
        expect_accepted(&hello);
    }
    assert_int_equal(counters_of(&fixture.server).other_schema, 40);
    assert_int_equal(atomic_load(&fixture.other_schema_logged), 16);
}

/* ---- foreign protocols ---- */

static void expect_foreign(const char *bytes, size_t count, enum gw_foreign_protocol protocol)
{
    struct gw_session_counters before = counters_of(&fixture.server);
    struct raw_socket peer = peer_connect(fixture.port_number);
    peer_send(&peer, bytes, count);
    peer_expect_fin(&peer);
    wait_until_empty(fixture.server.manager);
    struct gw_session_counters after = counters_of(&fixture.server);
    assert_int_equal(after.unknown_protocol[protocol], before.unknown_protocol[protocol] + 1);
    assert_int_equal(after.ended[GW__CLOSE_REASON__UNKNOWN_PROTOCOL],
                     before.ended[GW__CLOSE_REASON__UNKNOWN_PROTOCOL] + 1);
}

#define EXPECT_FOREIGN(bytes, protocol) expect_foreign(bytes, sizeof(bytes) - 1, protocol)

static void a_foreign_protocol_is_closed_without_an_answer_and_counted_by_protocol(void **state)
{
    EXPECT_FOREIGN("GET / HTTP/1.1\r\n\r\n", GW_FOREIGN_HTTP);
    EXPECT_FOREIGN("POST /login HTTP/1.1\r\n", GW_FOREIGN_HTTP);
    EXPECT_FOREIGN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", GW_FOREIGN_HTTP);
    EXPECT_FOREIGN("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", GW_FOREIGN_TLS);
    EXPECT_FOREIGN("SSH-2.0-OpenSSH_9.2\r\n", GW_FOREIGN_SSH);
    EXPECT_FOREIGN("\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01", GW_FOREIGN_RDP);
    EXPECT_FOREIGN("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", GW_FOREIGN_PROXY);
    EXPECT_FOREIGN("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C", GW_FOREIGN_PROXY);
    EXPECT_FOREIGN("\r\n\r\n\r\n\r\n", GW_FOREIGN_OTHER);
    EXPECT_FOREIGN("\x02\x00\x00\x00\x01\x00\x00\x00\x08\x01", GW_FOREIGN_OTHER); /* no tag */
    EXPECT_FOREIGN("\x02\x00\x00\x01\x01\x00\x47\x57\x08\x01", GW_FOREIGN_OTHER); /* a flag */
    EXPECT_FOREIGN("\x02\x00\x00\x00\x03\x00\x47\x57\x08\x01", GW_FOREIGN_OTHER); /* PING */
    EXPECT_FOREIGN("\x01\x00\x00\x00\x01\x00\x47\x57\x08", GW_FOREIGN_OTHER);     /* a body of 1 */
    EXPECT_FOREIGN("\x00\x00\x00\x00\x00\x00\x00\x00", GW_FOREIGN_OTHER);
    EXPECT_FOREIGN("\xff\xff\xff\xff\xff\xff\xff\xff", GW_FOREIGN_OTHER);
    assert_int_equal(atomic_load(&fixture.logged), 3); /* a hint for HTTP, TLS and PROXY, once */
}

static void a_hello_of_two_bytes_is_accepted(void **state)
{
    const uint8_t body[] = {0x08, GW_PROTOCOL_MAJOR};
    struct raw_socket peer = peer_connect(fixture.port_number);
    peer_send_frame(&peer, HELLO, HELLO_TAG, body, sizeof body);
    peer_expect(&peer, HELLO_ACK);
    raw_socket_close(&peer);
}

static void a_hello_is_gangway_on_a_listener_that_expects_another_protocol(void **state)
{
    static const uint8_t hello[] = "\x02\x00\x00\x00\x01\x00GW\x08\x01";
    assert_int_equal(gw_foreign_protocol_of(hello, sizeof hello - 1), GW_FOREIGN_GANGWAY);
    assert_int_equal(gw_foreign_protocol_of(hello, 8), GW_FOREIGN_GANGWAY);
    assert_int_equal(gw_foreign_protocol_of(hello, 7), GW_FOREIGN_OTHER);
    assert_int_equal(gw_foreign_protocol_of(hello, 0), GW_FOREIGN_OTHER);
    assert_int_equal(gw_foreign_protocol_of((const uint8_t *)"\x16\x03", 2), GW_FOREIGN_TLS);
    assert_int_equal(gw_foreign_protocol_of((const uint8_t *)"\x16\x03", 1), GW_FOREIGN_OTHER);
    assert_int_equal(gw_foreign_protocol_of((const uint8_t *)"PROXY", 5), GW_FOREIGN_OTHER);
}

static void every_foreign_protocol_has_a_name(void **state)
{
    assert_string_equal(gw_foreign_protocol_name(GW_FOREIGN_HTTP), "http");
    assert_string_equal(gw_foreign_protocol_name(GW_FOREIGN_PROXY), "proxy");
    assert_string_equal(gw_foreign_protocol_name(GW_FOREIGN_GANGWAY), "gangway");
    assert_string_equal(gw_foreign_protocol_name(GW_FOREIGN_OTHER), "other");
    assert_string_equal(gw_foreign_protocol_name(GW_FOREIGN_COUNT), "?");
}

/* ---- on_greet decides ---- */

static int set_stage_room(struct gw_session *session, const Gw__Hello *hello)
{
    gw_session_set_stage(session, 1);
    return 0;
}

static const struct loopback_fixture_config into_room = {
    .server_hooks = {.on_greet = set_stage_room}};

static void the_greeting_leads_to_the_stage_that_on_greet_chose(void **state)
{
    struct raw_socket peer = peer_join();
    peer_send_stamp(&peer, IN_ROOM, 1);
    peer_sync(&peer);
    peer_send_stamp(&peer, IN_LOBBY, 1);
    peer_expect_close(&peer, GW__CLOSE_REASON__WRONG_STAGE);
}

/* ---- deferred greetings ---- */

static int answer_later(struct gw_session *session, const Gw__Hello *hello)
{
    gw_session_set_stage(session, 1); /* applies from the answer on */
    atomic_store(&deferred_id, gw_session_id_of(session));
    return GW_GREET_LATER;
}

static const struct loopback_fixture_config slow_game = {
    .server_hooks = {.on_greet = answer_later}};

struct answer {
    struct gw_session *session;
    int result;
};

static void give_answer(void *context)
{
    const struct answer *answer = context;
    gw_session_greet(answer->session, answer->result);
}

/* Waits until on_greet was called. */
static struct gw_session *deferred_session(void)
{
    for (uint64_t end = fixture_now_ms() + RAW_SOCKET_PATIENCE_MS; fixture_now_ms() < end;) {
        struct gw_session *session =
            gw_session_manager_find(fixture.server.manager, atomic_load(&deferred_id));
        if (session != NULL) {
            return session;
        }
        machine_sleep_ms(1);
    }
    fail();
    return NULL;
}

/* Answers in the session's turn. */
static void answer_now(int result)
{
    struct answer answer = {deferred_session(), result};
    run_in_turn(gw_session_turn(answer.session), give_answer, &answer);
    gw_session_unref(answer.session);
}

static void a_deferred_greeting_can_accept(void **state)
{
    const Gw__Hello hello = peer_valid_hello();
    struct raw_socket peer = send_hello(&hello);
    peer_sync(&peer); /* PING is accepted in this time */
    assert_int_equal(atomic_load(&fixture.server.greeted), 0);
    answer_now(0);
    peer_expect(&peer, HELLO_ACK);
    peer_send_stamp(&peer, IN_ROOM, 1);
    peer_sync(&peer);
    raw_socket_close(&peer);
}

static void a_deferred_greeting_can_refuse(void **state)
{
    const Gw__Hello hello = peer_valid_hello();
    struct raw_socket peer = send_hello(&hello);
    answer_now(GW__CLOSE_REASON__NOT_WELCOME);
    peer_expect_close(&peer, GW__CLOSE_REASON__NOT_WELCOME);
}

static void while_a_greeting_is_deferred_a_second_hello_ends_with_wrong_stage(void **state)
{
    const Gw__Hello hello = peer_valid_hello();
    struct raw_socket peer = send_hello(&hello);
    peer_send_hello(&peer, &hello);
    peer_expect_close(&peer, GW__CLOSE_REASON__WRONG_STAGE);
}

static void while_a_greeting_is_deferred_game_packets_end_with_wrong_stage(void **state)
{
    const Gw__Hello hello = peer_valid_hello();
    struct raw_socket peer = send_hello(&hello);
    peer_send_stamp(&peer, IN_ROOM, 1);
    peer_expect_close(&peer, GW__CLOSE_REASON__WRONG_STAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(hello_ack_replies_to_hello_and_announces_the_limits),
        FIXTURE_TEST(each_field_of_a_hello_has_a_maximum_length),
        FIXTURE_TEST(a_hello_has_at_most_1024_bytes),
        FIXTURE_TEST(a_malformed_hello_ends_with_bad_body),
        FIXTURE_TEST(a_second_hello_ends_with_wrong_stage),
        FIXTURE_TEST(other_schemas_are_accepted_counted_and_logged_once_each),
        FIXTURE_TEST(a_flood_of_schemas_does_not_flood_the_log),
        FIXTURE_TEST(a_foreign_protocol_is_closed_without_an_answer_and_counted_by_protocol),
        FIXTURE_TEST(a_hello_of_two_bytes_is_accepted),
        cmocka_unit_test(a_hello_is_gangway_on_a_listener_that_expects_another_protocol),
        cmocka_unit_test(every_foreign_protocol_has_a_name),
        FIXTURE_TEST_WITH(the_greeting_leads_to_the_stage_that_on_greet_chose, &into_room),
        FIXTURE_TEST_WITH(a_deferred_greeting_can_accept, &slow_game),
        FIXTURE_TEST_WITH(a_deferred_greeting_can_refuse, &slow_game),
        FIXTURE_TEST_WITH(while_a_greeting_is_deferred_a_second_hello_ends_with_wrong_stage,
                          &slow_game),
        FIXTURE_TEST_WITH(while_a_greeting_is_deferred_game_packets_end_with_wrong_stage,
                          &slow_game),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/session/test_client.c: Client-side sessions, with our server and with a raw server. */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

#include <string.h>

static void send_hello(struct gw_session *session)
{
    const Gw__Hello hello = peer_valid_hello();
    gw_session_hello(session, &hello);
}

static gw_session_id dial(void *user)
{
    gw_session_id id = gw_session_manager_dial(fixture.client.manager, &fixture.addr, NULL, user);
    assert_int_not_equal(id, GW_SESSION_ID_NONE);
    return id;
}

/* ---- client and server of the library ---- */

static atomic_uint user_seen;
static int dial_context;

static void check_user(struct gw_session *session)
{
    if (gw_session_user(session) == &dial_context) {
        atomic_fetch_add(&user_seen, 1);
    }
    send_hello(session);
}

static void exchange(struct gw_session *session)
{
    Gw__Error say = GW__ERROR__INIT;
    say.text = "here I am";
    gw_session_send(session, SAY, &say.base);
}

static void answer(struct gw_session *session, const struct gw_frame *frame,
                   const ProtobufCMessage *message)
{
    if (frame->packet_id == SAY) {
        Gw__Error line = GW__ERROR__INIT;
        line.text = ((const Gw__Error *)message)->text;
        gw_session_send(session, LINE, &line.base);
    }
}

static atomic_uint lines_received;

static void check_line(struct gw_session *session, const struct gw_frame *frame,
                       const ProtobufCMessage *message)
{
    if (frame->packet_id == LINE && strcmp(((const Gw__Error *)message)->text, "here I am") == 0) {
        atomic_fetch_add(&lines_received, 1);
    }
    gw_session_end(session, GW__CLOSE_REASON__SHUTDOWN);
}

static const struct loopback_fixture_config conversation = {
    .server_hooks = {.on_received = answer},
    .client_hooks = {.on_begin = check_user, .on_greeted = exchange, .on_received = check_line}};

static void a_client_greets_sends_receives_and_leaves(void **state)
{
    enum { COUNT = 50 };
    for (int i = 0; i < COUNT; i++) {
        dial(&dial_context);
    }
    wait_for_count(&fixture.client.ended, COUNT);
    wait_for_count(&fixture.server.ended, COUNT);
    assert_int_equal(atomic_load(&user_seen), COUNT);
    assert_int_equal(atomic_load(&lines_received), COUNT);
    assert_int_equal(atomic_load(&fixture.client.ended_for[GW__CLOSE_REASON__SHUTDOWN]), COUNT);
    assert_int_equal(atomic_load(&fixture.server.ended_for[GW__CLOSE_REASON__BY_PEER]), COUNT);
    assert_int_equal(atomic_load(&fixture.server.peer_reasons[GW__CLOSE_REASON__SHUTDOWN]), COUNT);
    struct gw_session_counters server = counters_of(&fixture.server);
    struct gw_session_counters client = counters_of(&fixture.client);
    assert_int_equal(server.frames_out, client.frames_in);
    assert_int_equal(client.frames_out, server.frames_in);
}

/* ---- a raw server ---- */

static const struct loopback_fixture_config caller = {.client_hooks = {.on_begin = send_hello}};

/* Dials a raw socket and reads the HELLO. */
static struct raw_socket accept_dial(void)
{
    uint16_t port;
    struct raw_socket listener = peer_listen(&port);
    struct gw_addr addr = fixture.addr;
    addr.port = port;
    assert_int_not_equal(gw_session_manager_dial(fixture.client.manager, &addr, NULL, NULL),
                         GW_SESSION_ID_NONE);
    struct raw_socket peer = peer_accept(&listener);
    raw_socket_close(&listener);
    const struct peer_frame *frame = peer_expect(&peer, HELLO);
    assert_int_equal(frame->header.tag, HELLO_TAG);
    assert_int_equal(frame->header.flags, 0);
    return peer;
}

static void send_ack(struct raw_socket *peer, uint8_t flags, uint16_t tag, uint32_t heartbeat_ms)
{
    Gw__HelloAck ack = GW__HELLO_ACK__INIT;
    ack.heartbeat_ms = heartbeat_ms;
    uint8_t frame[FRAME_HEADER_BYTES + 64];
    peer_send(peer, frame, frame_write(frame, HELLO_ACK, flags, tag, &ack.base));
}

static struct raw_socket accept_and_greet(uint32_t heartbeat_ms)
{
    struct raw_socket peer = accept_dial();
    send_ack(&peer, GW_FRAME_REPLY, HELLO_TAG, heartbeat_ms);
    return peer;
}

static void a_hello_has_the_version_and_the_schema_hash(void **state)
{
    uint16_t port;
    struct raw_socket listener = peer_listen(&port);
    struct gw_addr addr = fixture.addr;
    addr.port = port;
    gw_session_manager_dial(fixture.client.manager, &addr, NULL, NULL);
    struct raw_socket peer = peer_accept(&listener);
    const struct peer_frame *frame = peer_expect(&peer, HELLO);
    Gw__Hello *hello = gw__hello__unpack(NULL, frame->header.body_bytes, frame->body);
    assert_int_equal(hello->protocol_major, GW_PROTOCOL_MAJOR);
    assert_int_not_equal(hello->schema_hash, 0);
    assert_string_equal(hello->name, "Ada");
    gw__hello__free_unpacked(hello, NULL);
    raw_socket_close(&listener);
    raw_socket_close(&peer);
    wait_for_count(&fixture.client.ended_for[GW__CLOSE_REASON__BY_PEER], 1);
}

static void a_hello_ack_without_reply_flag_or_tag_ends_with_wrong_stage(void **state)
{
    static const struct {
        uint8_t flags;
        uint16_t tag;
    } wrong[] = {{0, HELLO_TAG}, {GW_FRAME_REPLY, 0}, {GW_FRAME_REPLY, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct raw_socket peer = accept_dial();
        send_ack(&peer, wrong[i].flags, wrong[i].tag, 0);
        peer_expect_close(&peer, GW__CLOSE_REASON__WRONG_STAGE);
    }
    assert_int_equal(atomic_load(&fixture.client.greeted), 0);
}

static void a_second_hello_ack_ends_with_wrong_stage(void **state)
{
    struct raw_socket peer = accept_and_greet(0);
    wait_for_count(&fixture.client.greeted, 1);
    send_ack(&peer, GW_FRAME_REPLY, HELLO_TAG, 0);
    peer_expect_close(&peer, GW__CLOSE_REASON__WRONG_STAGE);
    assert_int_equal(atomic_load(&fixture.client.greeted), 1);
}

static void a_packet_of_the_client_ends_with_wrong_way(void **state)
{
    static const uint16_t ids[] = {HELLO, SAY, IN_LOBBY};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct raw_socket peer = accept_and_greet(0);
        peer_send_header(&peer, 0, 0, ids[i], 0);
        peer_expect_close(&peer, GW__CLOSE_REASON__WRONG_WAY);
    }
}

static void a_server_sends_at_most_65536_bytes_of_body(void **state)
{
    static char text[65536];
    memset(text, 'x', sizeof text - 1);
    Gw__Error line = GW__ERROR__INIT;
    line.text = text;
    text[65536 - 4] = '\0';
    struct raw_socket peer = accept_and_greet(0);
    peer_send_message(&peer, LINE, &line.base);
    wait_for_count(&fixture.client.received, 1);
    peer_send_header(&peer, 65537, 0, LINE, 0);
    peer_expect_close(&peer, GW__CLOSE_REASON__TOO_LONG);
}

/* A server that receives bytes does not ping, so the client pings when the server is silent. */
static void a_client_pings_a_silent_server_and_ends_with_heartbeat_lost(void **state)
{
    uint64_t began_ms = fixture_now_ms();
    struct raw_socket peer = accept_and_greet(300);
    peer_send_stamp(&peer, PONG, peer_expect_stamp(&peer, PING));
    peer_expect_stamp(&peer, PING);
    peer_expect_close(&peer, GW__CLOSE_REASON__HEARTBEAT_LOST);
    assert_true(fixture_now_ms() + 20 - began_ms >= 4 * 300);
}

static void without_an_announced_heartbeat_a_silent_server_is_not_closed(void **state)
{
    struct raw_socket peer = accept_and_greet(0);
    machine_sleep_ms(100);
    assert_false(raw_socket_has_news(&peer));
    peer_sync(&peer);
    raw_socket_close(&peer);
}

static const struct loopback_fixture_config short_heartbeat = {
    .client = {.greeting_timeout_ms = 80}, .client_hooks = {.on_begin = send_hello}};

static void a_server_that_does_not_greet_ends_with_greeting_timeout(void **state)
{
    struct raw_socket peer = accept_dial();
    peer_expect_close(&peer, GW__CLOSE_REASON__GREETING_TIMEOUT);
}

static atomic_uint go_away_ms;

static void note_go_away(struct gw_session *session, const Gw__GoAway *go_away)
{
    atomic_store(&go_away_ms, go_away->deadline_ms);
    gw_session_end(session, GW__CLOSE_REASON__SHUTDOWN);
}

static const struct loopback_fixture_config closes_after_goaway = {
    .client_hooks = {.on_begin = send_hello, .on_go_away = note_go_away}};

static void a_client_may_close_gracefully_after_goaway(void **state)
{
    dial(NULL);
    wait_for_count(&fixture.client.greeted, 1);
    fixture_drain(&fixture.server, 5000);
    wait_for_count(&fixture.client.ended, 1);
    assert_int_equal(atomic_load(&go_away_ms), 5000);
    wait_until_drained(&fixture.server);
    wait_for_count(&fixture.server.peer_reasons[GW__CLOSE_REASON__SHUTDOWN], 1);
}

static void a_client_receives_the_close_reason(void **state)
{
    dial(NULL);
    wait_for_count(&fixture.server.greeted, 1);
    struct gw_session *session = fixture_session();
    gw_session_end(session, GW__CLOSE_REASON__KICKED);
    gw_session_unref(session);
    wait_for_count(&fixture.client.ended_for[GW__CLOSE_REASON__BY_PEER], 1);
    wait_for_count(&fixture.client.peer_reasons[GW__CLOSE_REASON__KICKED], 1);
}

static void a_refused_dial_ends_without_a_begin(void **state)
{
    uint16_t port;
    struct raw_socket listener = peer_listen(&port);
    raw_socket_close(&listener);
    struct gw_addr addr = fixture.addr;
    addr.port = port;
    gw_session_id id = gw_session_manager_dial(fixture.client.manager, &addr, NULL, NULL);
    if (id != GW_SESSION_ID_NONE) {
        wait_for_count(&fixture.client.ended_for[GW__CLOSE_REASON__NETWORK], 1);
    }
    assert_int_equal(atomic_load(&fixture.client.begun), 0);
}

static void a_dial_can_be_cancelled(void **state)
{
    for (unsigned i = 1; i <= 50; i++) {
        gw_session_id id = dial(NULL);
        struct gw_session *session = gw_session_manager_find(fixture.client.manager, id);
        if (session != NULL) {
            gw_session_end(session, GW__CLOSE_REASON__SHUTDOWN);
            gw_session_unref(session);
        }
        wait_for_count(&fixture.client.ended, i);
    }
    assert_int_equal(atomic_load(&fixture.client.ended_for[GW__CLOSE_REASON__SHUTDOWN]), 50);
}

static const struct loopback_fixture_config two_callers = {
    .client = {.session_count_max = 2}, .client_hooks = {.on_begin = send_hello}};

static void no_more_sessions_are_dialed_than_the_limit(void **state)
{
    dial(NULL);
    dial(NULL);
    assert_int_equal(gw_session_manager_dial(fixture.client.manager, &fixture.addr, NULL, NULL),
                     GW_SESSION_ID_NONE);
    wait_for_count(&fixture.client.greeted, 2);
    fixture_drain(&fixture.client, 0);
    wait_until_drained(&fixture.client);
    assert_int_equal(gw_session_manager_dial(fixture.client.manager, &fixture.addr, NULL, NULL),
                     GW_SESSION_ID_NONE);
    assert_int_equal(counters_of(&fixture.client).begun, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST_WITH(a_client_greets_sends_receives_and_leaves, &conversation),
        FIXTURE_TEST_WITH(a_hello_has_the_version_and_the_schema_hash, &caller),
        FIXTURE_TEST_WITH(a_hello_ack_without_reply_flag_or_tag_ends_with_wrong_stage, &caller),
        FIXTURE_TEST_WITH(a_second_hello_ack_ends_with_wrong_stage, &caller),
        FIXTURE_TEST_WITH(a_packet_of_the_client_ends_with_wrong_way, &caller),
        FIXTURE_TEST_WITH(a_server_sends_at_most_65536_bytes_of_body, &caller),
        FIXTURE_TEST_WITH(a_client_pings_a_silent_server_and_ends_with_heartbeat_lost, &caller),
        FIXTURE_TEST_WITH(without_an_announced_heartbeat_a_silent_server_is_not_closed, &caller),
        FIXTURE_TEST_WITH(a_server_that_does_not_greet_ends_with_greeting_timeout,
                          &short_heartbeat),
        FIXTURE_TEST_WITH(a_client_may_close_gracefully_after_goaway, &closes_after_goaway),
        FIXTURE_TEST_WITH(a_client_receives_the_close_reason, &caller),
        FIXTURE_TEST_WITH(a_refused_dial_ends_without_a_begin, &caller),
        FIXTURE_TEST_WITH(a_dial_can_be_cancelled, &caller),
        FIXTURE_TEST_WITH(no_more_sessions_are_dialed_than_the_limit, &two_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

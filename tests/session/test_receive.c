/* tests/session/test_receive.c: Reception of frames, however their bytes arrive. */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

#include "net/buf.h"
#include "tests/support/wait.h"
#include <stdlib.h>
#include <string.h>

/* A checksum over the stamps of the received packets, in order. */
static _Atomic uint64_t digest;

static uint64_t stir(uint64_t sum, uint64_t stamp)
{
    return sum * 31 + stamp;
}

static void take_note(struct gw_session *session, const struct gw_frame *frame,
                      const ProtobufCMessage *message)
{
    uint64_t stamp = message->descriptor == &gw__ping__descriptor
                         ? ((const Gw__Ping *)message)->stamp
                         : strlen(((const Gw__Error *)message)->text);
    atomic_store(&digest, stir(atomic_load(&digest), stamp));
}

static const struct loopback_fixture_config listening = {
    .server_hooks = {.on_received = take_note}};

/* HELLO, then packets of many lengths, some of them empty. */
enum { STAMP_COUNT = 40 };

struct script {
    uint8_t bytes[STAMP_COUNT * 300 + 100];
    size_t count;
    uint64_t digest;
};

static void add(struct script *script, uint16_t id, uint16_t tag, const ProtobufCMessage *message)
{
    size_t body_bytes = protobuf_c_message_get_packed_size(message);
    uint8_t *place = script->bytes + script->count;
    protobuf_c_message_pack(message, frame_write_header(place, (uint32_t)body_bytes, 0, id, tag));
    script->count += 8 + body_bytes;
}

static void add_packet(struct script *script, unsigned i)
{
    char text[250] = "";
    Gw__Ping ping = GW__PING__INIT;
    Gw__Error error = GW__ERROR__INIT;
    ping.stamp = i % 5 == 0 ? 0 : i;
    error.text = text;
    memset(text, 'x', i * 6);
    if (i % 3 == 0) {
        add(script, SAY, 0, &error.base);
        script->digest = stir(script->digest, strlen(text));
    } else {
        add(script, EITHER, 0, &ping.base);
        script->digest = stir(script->digest, ping.stamp);
    }
}

static void write_script(struct script *script)
{
    memset(script, 0, sizeof *script);
    const Gw__Hello hello = peer_valid_hello();
    add(script, HELLO, HELLO_TAG, &hello.base);
    for (unsigned i = 0; i < STAMP_COUNT; i++) {
        add_packet(script, i);
    }
}

static void expect_received(struct raw_socket *peer, const struct script *script)
{
    peer_expect(peer, HELLO_ACK);
    peer_sync(peer);
    assert_int_equal(atomic_load(&fixture.server.received), STAMP_COUNT);
    assert_int_equal(atomic_load(&digest), script->digest);
    raw_socket_close(peer);
    atomic_store(&fixture.server.received, 0);
    atomic_store(&digest, 0);
}

/* Splits at random positions, into pieces of one byte or more. */
static void frames_sent_in_pieces_are_all_received(void **state)
{
    static struct script script;
    write_script(&script);
    srand(20240229);
    for (int round = 0; round < 30; round++) {
        struct raw_socket peer = peer_connect(fixture.port_number);
        for (size_t sent = 0; sent < script.count;) {
            size_t piece = 1 + (size_t)rand() % (round % 3 == 0 ? 20 : 700);
            piece = piece < script.count - sent ? piece : script.count - sent;
            peer_send(&peer, script.bytes + sent, piece);
            sent += piece;
        }
        expect_received(&peer, &script);
    }
}

/* More than one turn may handle: other turns run in between, and no packet is lost. */
static void a_flood_of_frames_is_received_in_order(void **state)
{
    enum { COUNT = 5000 };
    static uint8_t flood[COUNT * 17];
    uint64_t expected = 0;
    size_t count = 0;
    for (uint64_t i = 1; i <= COUNT; i++) {
        Gw__Ping ping = GW__PING__INIT;
        ping.stamp = i;
        uint8_t *body = frame_write_header(flood + count, 9, 0, EITHER, 0);
        count += 8 + protobuf_c_message_pack(&ping.base, body);
        expected = stir(expected, i);
    }
    struct raw_socket peer = peer_join();
    peer_send(&peer, flood, count);
    peer_sync(&peer);
    assert_int_equal(atomic_load(&fixture.server.received), COUNT);
    assert_int_equal(atomic_load(&digest), expected);
    atomic_store(&digest, 0);
    raw_socket_close(&peer);
}

static void exactly_the_frame_budget_of_a_turn_is_received(void **state)
{
    for (unsigned count = 62; count <= 66; count++) {
        uint8_t frames[66 * 8];
        for (unsigned i = 0; i < count; i++) {
            frame_write_header(frames + i * 8, 0, 0, EITHER, 0);
        }
        struct raw_socket peer = peer_join();
        peer_send(&peer, frames, count * 8);
        peer_sync(&peer);
        assert_int_equal(atomic_load(&fixture.server.received), count);
        atomic_store(&fixture.server.received, 0);
        raw_socket_close(&peer);
    }
    atomic_store(&digest, 0);
}

static void the_largest_frame_is_received_between_others(void **state)
{
    static char text[4096 - 2];
    memset(text, 'x', sizeof text - 1);
    Gw__Error big = GW__ERROR__INIT;
    big.text = text;
    text[4096 - 3] = '\0';
    assert_int_equal(gw__error__get_packed_size(&big), 4096);
    struct raw_socket peer = peer_join();
    for (unsigned i = 0; i < 20; i++) {
        peer_send_text(&peer, "small");
        peer_send_message(&peer, BIG, &big.base);
    }
    peer_sync(&peer);
    assert_int_equal(atomic_load(&fixture.server.received), 40);
    atomic_store(&digest, 0);
    raw_socket_close(&peer);
}

/* ---- on_packet ---- */

enum { SHOWN_COUNT_MAX = 32 };

/* The packets that on_packet has seen, in order. */
static struct shown {
    uint16_t packet_id;
    uint16_t tag;
    bool inbound;
    bool has_session;
    unsigned received; /* packets handled before */
} shown[SHOWN_COUNT_MAX];
static atomic_uint shown_count;

static void start_watching(struct gw_session *session, const struct gw_session_packet *packet)
{
    const ProtobufCMessageDescriptor *type =
        packet->message == NULL ? NULL : packet->message->descriptor;
    assert_ptr_equal(type, packet->packet->message);
    assert_int_equal(packet->frame->packet_id, packet->packet->id);
    unsigned at = atomic_load(&shown_count);
    assert_in_range(at, 0, SHOWN_COUNT_MAX - 1);
    shown[at] = (struct shown){packet->frame->packet_id, packet->frame->tag, packet->inbound,
                               session != NULL, atomic_load(&fixture.server.received)};
    atomic_fetch_add(&shown_count, 1); /* one thread at a time sends or receives */
}

static int fixture_open_watched(void **state)
{
    atomic_store(&shown_count, 0);
    return fixture_open(state);
}

#define WATCHED_TEST(test, config)                                                                 \
    cmocka_unit_test_prestate_setup_teardown(test, fixture_open_watched, fixture_close,            \
                                             (void *)(config))

static void assert_shown(unsigned at, bool inbound, uint16_t packet_id, uint16_t tag)
{
    WAIT_FOR(atomic_load(&shown_count) > at);
    assert_int_equal(shown[at].packet_id, packet_id);
    assert_int_equal(shown[at].inbound, inbound);
    assert_int_equal(shown[at].tag, tag);
}

static const struct loopback_fixture_config watched = {
    .worker_count = 1, .server_hooks = {.on_shown = start_watching}};

static void on_packet_sees_each_packet_before_it_is_handled(void **state)
{
    struct raw_socket peer = peer_join();
    peer_send_text(&peer, "look");
    peer_sync(&peer);
    assert_int_equal(atomic_load(&fixture.server.received), 1);
    assert_shown(0, true, HELLO, HELLO_TAG);
    assert_shown(1, false, HELLO_ACK, HELLO_TAG);
    assert_shown(2, true, SAY, 0);
    assert_int_equal(shown[2].received, 0);
    assert_shown(3, true, PING, 0);
    assert_shown(4, false, PONG, 0);
    assert_int_equal(atomic_load(&shown_count), 5);
    raw_socket_close(&peer);
}

static void on_packet_sees_packets_encoded_before(void **state)
{
    struct raw_socket peer = peer_join();
    wait_for_count(&fixture.server.greeted, 1);
    Gw__Error line = GW__ERROR__INIT;
    line.text = "encoded";
    struct gw_buf *frame = gw_session_encode(LINE, &line.base);
    assert_non_null(frame);
    struct gw_session *session = fixture_session();
    gw_session_send_encoded(session, frame);
    gw_session_unref(session);
    gw_buf_unref(frame);
    peer_expect_line(&peer, "encoded");
    assert_shown(2, false, LINE, 0);
    fixture_drain(&fixture.server, 50);
    peer_expect(&peer, GO_AWAY);
    peer_expect_close(&peer, GW__CLOSE_REASON__SHUTDOWN);
    assert_shown(3, false, GO_AWAY, 0);
    assert_shown(4, false, CLOSE, 0);
    wait_until_drained(&fixture.server);
    assert_int_equal(atomic_load(&shown_count), 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(shown[i].has_session);
    }
}

static const struct loopback_fixture_config watched_full = {
    .worker_count = 1,
    .server = {.address_connection_count_max = 1, .limit_loopback = true},
    .server_hooks = {.on_shown = start_watching},
};

static void on_packet_sees_the_close_of_a_connection_that_is_turned_away(void **state)
{
    struct raw_socket first = peer_join();
    wait_for_count(&fixture.server.greeted, 1);
    struct raw_socket second = peer_connect(fixture.port_number);
    peer_expect_close(&second, GW__CLOSE_REASON__ADDRESS_LIMIT);
    assert_shown(2, false, CLOSE, 0);
    assert_false(shown[2].has_session);
    raw_socket_close(&first);
}

static void packets_are_counted_by_type(void **state)
{
    struct raw_socket peer = peer_join();
    for (int i = 0; i < 3; i++) {
        peer_send_text(&peer, "one more");
    }
    peer_sync(&peer);
    assert_int_equal(packet_counters_of(&fixture.server, SAY).in, 3);
    assert_int_equal(packet_counters_of(&fixture.server, SAY).out, 0);
    assert_int_equal(packet_counters_of(&fixture.server, PING).in, 1);
    assert_int_equal(packet_counters_of(&fixture.server, PONG).out, 1);
    assert_int_equal(packet_counters_of(&fixture.server, 65535).in, 0);
    assert_int_equal(packet_counters_of(&fixture.server, 65535).out, 0);
    struct gw_session_counters counters = counters_of(&fixture.server);
    assert_int_equal(counters.frames_in, 5);
    assert_int_equal(counters.frames_out, 2);
    atomic_store(&digest, 0);
    raw_socket_close(&peer);
}

static void echo_bytes(struct gw_session *session, const struct gw_frame *frame,
                       const uint8_t *body)
{
    gw_session_send_opaque(session, frame, body);
}

static const struct loopback_fixture_config watched_bytes = {
    .worker_count = 1,
    .server_hooks = {.on_shown = start_watching, .on_bytes = echo_bytes},
};

static void on_packet_sees_packets_without_a_message(void **state)
{
    struct raw_socket peer = peer_join();
    peer_send_frame(&peer, BYTES, 9, "abc", 3);
    peer_expect(&peer, BYTES);
    assert_shown(2, true, BYTES, 9);
    assert_shown(3, false, BYTES, 9);
    raw_socket_close(&peer);
}

static const struct loopback_fixture_config echoing = {.server_hooks = {.on_bytes = echo_bytes}};

static void an_opaque_body_is_returned_unchanged(void **state)
{
    uint8_t body[512];
    struct raw_socket peer = peer_join();
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] = (uint8_t)(0xFF - i);
    }
    peer_send_frame(&peer, BYTES, 7, body, sizeof body);
    const struct peer_frame *frame = peer_expect(&peer, BYTES);
    assert_int_equal(frame->header.tag, 7);
    assert_int_equal(frame->header.body_bytes, sizeof body);
    assert_memory_equal(frame->body, body, sizeof body);
    peer_send_frame(&peer, BYTES, 0, body, 0);
    assert_int_equal(peer_expect(&peer, BYTES)->header.body_bytes, 0);
    raw_socket_close(&peer);
}

static void send_too_much(struct gw_session *session, const struct gw_frame *frame,
                          const uint8_t *body)
{
    static const uint8_t long_body[513];
    struct gw_frame longer = *frame;
    longer.body_bytes = sizeof long_body;
    gw_session_send_opaque(session, &longer, long_body);
    gw_session_send_opaque(session, frame, body);
}

static const struct loopback_fixture_config sending_too_much = {
    .server_hooks = {.on_bytes = send_too_much}};

static void a_body_that_is_too_long_is_not_sent(void **state)
{
    struct raw_socket peer = peer_join();
    peer_send_frame(&peer, BYTES, 0, "short", 5);
    assert_int_equal(peer_expect(&peer, BYTES)->header.body_bytes, 5);
    assert_int_equal(atomic_load(&fixture.too_long_logged), 1);
    raw_socket_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST_WITH(frames_sent_in_pieces_are_all_received, &listening),
        FIXTURE_TEST_WITH(a_flood_of_frames_is_received_in_order, &listening),
        FIXTURE_TEST_WITH(exactly_the_frame_budget_of_a_turn_is_received, &listening),
        FIXTURE_TEST_WITH(the_largest_frame_is_received_between_others, &listening),
        WATCHED_TEST(on_packet_sees_each_packet_before_it_is_handled, &watched),
        WATCHED_TEST(on_packet_sees_packets_encoded_before, &watched),
        WATCHED_TEST(on_packet_sees_the_close_of_a_connection_that_is_turned_away, &watched_full),
        WATCHED_TEST(on_packet_sees_packets_without_a_message, &watched_bytes),
        FIXTURE_TEST_WITH(packets_are_counted_by_type, &listening),
        FIXTURE_TEST_WITH(an_opaque_body_is_returned_unchanged, &echoing),
        FIXTURE_TEST_WITH(a_body_that_is_too_long_is_not_sent, &sending_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

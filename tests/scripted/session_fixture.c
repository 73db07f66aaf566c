/* tests/scripted/session_fixture.c: Sessions with a small schema on the simulated kernel. */
#include "tests/scripted/session_fixture.h"

#include "tests/test.h"

#include "net/listener.h"
#include "net/stream.h"
#include "protocol/packet.h"

#include <string.h>

enum { BODY_BYTES_MAX = 70000, PACKET_COUNT = 11 };

struct session_fixture session_fixture;
struct peer *peer;

static struct gw_listener *listener;
static bool is_draining;

/* ---- the schema ---- */

static void handle(void *sender, const struct gw_frame *frame, const ProtobufCMessage *message)
{
    static uint8_t body[BODY_BYTES_MAX];
    size_t bytes = protobuf_c_message_pack(message, body);
    session_fixture.received_count++;
    bytes_put(&session_fixture.received, &frame->packet_id, sizeof frame->packet_id);
    bytes_put(&session_fixture.received, &frame->tag, sizeof frame->tag);
    bytes_put(&session_fixture.received, body, bytes);
    if (session_fixture.on_received != NULL) {
        session_fixture.on_received(sender);
    }
    if (frame->packet_id == ASK) {
        if (session_fixture.on_asked != NULL) {
            session_fixture.on_asked(sender, frame);
        } else {
            session_fixture.asked[session_fixture.asked_count++ % ASKED_MAX] = *frame;
        }
    }
}

#define PACKET(packet_id, side, packet_stages, bytes_max, type, ...)                               \
    {                                                                                              \
        .id = packet_id, .from = GW_FROM_##side, .stages = packet_stages,                          \
        .body_bytes_max = bytes_max, .message = &gw__##type##__descriptor, __VA_ARGS__             \
    }

static const struct gw_packet packets[PACKET_COUNT] = {
    PACKET(SAY, CLIENT, GW_STAGE_GREETED, 256, error, .handle = handle),
    PACKET(IN_ROOM, CLIENT, 1u << 2, 16, ping, .handle = handle),
    PACKET(BIG, CLIENT, GW_STAGE_GREETED, 16384, error, .handle = handle),
    PACKET(OFTEN, CLIENT, GW_STAGE_GREETED, 256, error, .handle = handle, .rate_per_second = 10,
           .burst_count = 5),
    PACKET(RARE, CLIENT, GW_STAGE_GREETED, 256, error, .handle = handle, .rate_per_second = 1,
           .burst_count = 1),
    PACKET(DROPS, CLIENT, GW_STAGE_GREETED, 4096, error, .handle = handle,
           .flags = GW_PACKET_DROPPABLE, .rate_per_second = 10, .burst_count = 5),
    PACKET(ASK, CLIENT, GW_STAGE_GREETED, 256, error, .handle = handle, .reply_id = ANSWER),
    PACKET(ASK_ROOM, CLIENT, 1u << 2, 256, error, .handle = handle, .rate_per_second = 10,
           .burst_count = 5, .reply_id = ANSWER),
    PACKET(LINE, SERVER, GW_STAGE_ANY, 65536, error, .handle = NULL),
    PACKET(PLACE, SERVER, GW_STAGE_ANY, 65536, error, .handle = NULL, .flags = GW_PACKET_COALESCE),
    PACKET(ANSWER, SERVER, GW_STAGE_ANY, 65536, error, .handle = NULL),
};
static const uint16_t places[ANSWER - SAY + 1] = {
    [0] = 1,          [IN_ROOM - SAY] = 2, [BIG - SAY] = 3,    [OFTEN - SAY] = 4,
    [RARE - SAY] = 5, [DROPS - SAY] = 6,   [ASK - SAY] = 7,    [ASK_ROOM - SAY] = 8,
    [LINE - SAY] = 9, [PLACE - SAY] = 10,  [ANSWER - SAY] = 11};
const struct gw_packet_table session_fixture_packets = {
    .packets = packets,
    .index = places,
    .packet_count = PACKET_COUNT,
    .id_first = SAY,
    .id_count = ANSWER - SAY + 1,
    .schema_hash = 7,
};

/* ---- session events ---- */

static void on_begin(struct gw_session *session, void *context)
{
    session_fixture.last = session;
    session_fixture.begun_count++;
}

static int on_greet(struct gw_session *session, const Gw__Hello *hello, void *context)
{
    return session_fixture.result;
}

static void on_greeted(struct gw_session *session, const Gw__HelloAck *ack, void *context)
{
    assert_null(ack);
    session_fixture.greeted_count++;
}

static void on_lost(struct gw_session *session, uint16_t packet_id, void *context)
{
    assert_int_equal(packet_id, PLACE);
    session_fixture.lost_count++;
    if (session_fixture.on_lost != NULL) {
        session_fixture.on_lost(session, packet_id);
    }
}

static void on_send_low(struct gw_session *session, void *context)
{
    session_fixture.send_low_count++;
}

static void on_end(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
    session_fixture.last = session_fixture.last == session ? NULL : session_fixture.last;
    session_fixture.ended_count++;
    session_fixture.reason = reason;
    session_fixture.peer_reason = peer_reason;
    session_fixture.problem = gw_session_problem(session);
    session_fixture.ended_ns = fixture_now_ns();
}

static void on_listener_closed(struct gw_listener *closed, void *context)
{
    session_fixture.closed_listener_count++;
}

static const struct gw_session_events events = {.on_begin = on_begin,
                                                .on_greet = on_greet,
                                                .on_greeted = on_greeted,
                                                .on_lost = on_lost,
                                                .on_send_low = on_send_low,
                                                .on_end = on_end,
                                                .on_listener_closed = on_listener_closed};

/* ---- opening and closing ---- */

void session_fixture_open(const struct port_fixture_config *fixture,
                          const struct gw_session_manager_config *sessions)
{
    static const struct gw_session_manager_config usual = {0};
    bytes_fini(&session_fixture.received);
    memset(&session_fixture, 0, sizeof session_fixture);
    is_draining = false;
    fixture_open(fixture);
    struct gw_session_manager_config config = sessions != NULL ? *sessions : usual;
    config.side = GW_SIDE_SERVER;
    config.session_count_max = config.session_count_max != 0 ? config.session_count_max : 64;
    session_fixture.manager =
        gw_session_manager_create(fixture_port, &config, &session_fixture_packets, &events, NULL);
    assert_non_null(session_fixture.manager);
    const struct gw_addr addr = peer_addr(0);
    assert_int_equal(gw_session_manager_listen(session_fixture.manager, &addr, &listener), 0);
    session_fixture.port = gw_listener_addr(listener)->port;
    fixture_run_now();
    fixture_align_to_tick();
}

static void on_drained(void *context)
{
    session_fixture.drained_count++;
    session_fixture.drained_ns = fixture_now_ns();
}

void session_fixture_drain(uint32_t drain_ms)
{
    is_draining = true;
    gw_session_manager_drain(session_fixture.manager, drain_ms, on_drained, NULL);
    fixture_run_now();
}

void session_fixture_close(void)
{
    peer_close_all();
    if (!is_draining) {
        session_fixture_drain(0);
    }
    gw_listener_close(listener);
    fixture_run_ms(GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS + 5);
    assert_int_equal(session_fixture.drained_count, 1);
    assert_int_equal(gw_session_manager_count(session_fixture.manager), 0);
    assert_int_equal(session_fixture.ended_count, session_fixture.begun_count);
    gw_session_manager_destroy(session_fixture.manager);
    fixture_close();
}

int session_fixture_setup(void **state)
{
    session_fixture_open(NULL, *state);
    return 0;
}

int session_fixture_setup_joined(void **state)
{
    session_fixture_open(NULL, *state);
    peer = session_fixture_join();
    return 0;
}

int session_fixture_teardown(void **state)
{
    session_fixture_close();
    return 0;
}

/* ---- the server's side ---- */

struct gw_session_counters session_fixture_counters(void)
{
    struct gw_session_counters counters;
    gw_session_manager_counters(session_fixture.manager, &counters);
    return counters;
}

struct gw_session_packet_counters session_fixture_counters_of(uint16_t packet_id)
{
    struct gw_session_packet_counters counters;
    gw_session_manager_packet_counters(session_fixture.manager, packet_id, &counters);
    return counters;
}

static void pause_session(void *session)
{
    gw_session_pause(session);
}

static void resume_session(void *session)
{
    gw_session_resume(session);
}

void session_fixture_pause(void)
{
    fixture_in_turn(gw_session_turn(session_fixture.last), pause_session, session_fixture.last);
}

void session_fixture_resume(void)
{
    fixture_in_turn(gw_session_turn(session_fixture.last), resume_session, session_fixture.last);
}

/* ---- peers ---- */

struct peer *session_fixture_connect(void)
{
    struct peer *connected = peer_connect(session_fixture.port);
    assert_non_null(connected);
    fixture_run_now();
    return connected;
}

size_t session_fixture_hello_frame(uint8_t *out)
{
    Gw__Hello hello = GW__HELLO__INIT;
    hello.protocol_major = GW_PROTOCOL_MAJOR;
    hello.name = "Ada";
    return frame_write(out, HELLO, 0, HELLO_TAG, &hello.base);
}

void session_fixture_send_hello(struct peer *sender)
{
    uint8_t frame[128];
    peer_send(sender, frame, session_fixture_hello_frame(frame));
}

struct peer *session_fixture_join(void)
{
    uint8_t body[128];
    size_t bytes;
    struct peer *joined = session_fixture_connect();
    session_fixture_send_hello(joined);
    fixture_run_now();
    assert_int_equal(session_fixture_next(joined, body, &bytes), HELLO_ACK);
    session_fixture.joined_ns = fixture_now_ns();
    return joined;
}

void session_fixture_send(struct peer *peer, uint16_t id, const ProtobufCMessage *message)
{
    static uint8_t frame[BODY_BYTES_MAX];
    peer_send(peer, frame, frame_write(frame, id, 0, 0, message));
}

void session_fixture_send_request(struct peer *peer, uint16_t id, uint16_t tag)
{
    uint8_t frame[64];
    Gw__Error request = GW__ERROR__INIT;
    request.text = "?";
    peer_send(peer, frame, frame_write(frame, id, 0, tag, &request.base));
}

void session_fixture_send_header(struct peer *peer, uint32_t body_bytes, uint8_t flags, uint16_t id,
                                 uint16_t tag)
{
    uint8_t header[FRAME_HEADER_BYTES];
    frame_write_header(header, body_bytes, flags, id, tag);
    peer_send(peer, header, sizeof header);
}

void session_fixture_send_text(struct peer *peer, uint16_t id, const char *text)
{
    Gw__Error error = GW__ERROR__INIT;
    error.text = (char *)text;
    session_fixture_send(peer, id, &error.base);
}

void session_fixture_say(struct peer *peer, const char *text)
{
    session_fixture_send_text(peer, SAY, text);
}

void session_fixture_ping(struct peer *peer, uint64_t stamp)
{
    Gw__Ping ping = GW__PING__INIT;
    ping.stamp = stamp;
    session_fixture_send(peer, PING, &ping.base);
}

uint16_t session_fixture_next(struct peer *peer, uint8_t *body_out, size_t *bytes_out)
{
    if (peer_unread_count(peer) < FRAME_HEADER_BYTES) {
        return 0;
    }
    struct frame_header header = frame_read_header(peer_data(peer));
    *bytes_out = header.body_bytes;
    assert_true(peer_unread_count(peer) >= FRAME_HEADER_BYTES + *bytes_out);
    peer_read(peer, NULL, FRAME_HEADER_BYTES);
    peer_read(peer, body_out, *bytes_out);
    return header.id;
}

static Gw__Close *next_close(struct peer *reader)
{
    uint8_t body[512];
    size_t bytes = 0;
    assert_int_equal(session_fixture_next(reader, body, &bytes), CLOSE);
    Gw__Close *close = gw__close__unpack(NULL, bytes, body);
    assert_non_null(close);
    assert_true(peer_has_fin(reader)); /* CLOSE is the last frame before FIN */
    return close;
}

Gw__CloseReason session_fixture_close_reason(struct peer *reader)
{
    Gw__Close *close = next_close(reader);
    Gw__CloseReason reason = close->reason;
    gw__close__free_unpacked(close, NULL);
    return reason;
}

void session_fixture_expect_close(struct peer *reader, int reason, const char *text)
{
    Gw__Close *close = next_close(reader);
    assert_int_equal(close->reason, reason);
    assert_string_equal(close->text, text);
    gw__close__free_unpacked(close, NULL);
}

/* tests/session/socket_peer.c: Peer of a session on a plain socket. */
#include "tests/session/socket_peer.h"

#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

#include <string.h>

/* ---- connecting ---- */

static struct gw_addr loopback(uint16_t port)
{
    struct gw_addr addr;
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &addr), 0);
    addr.port = port;
    return addr;
}

struct raw_socket peer_connect(uint16_t port)
{
    const struct gw_addr addr = loopback(port);
    struct raw_socket peer;
    assert_true(raw_socket_connect(&peer, &addr));
    return peer;
}

struct raw_socket peer_connect_narrow(uint16_t port)
{
    const struct gw_addr addr = loopback(port);
    struct raw_socket peer;
    assert_true(raw_socket_connect_narrow(&peer, &addr));
    return peer;
}

struct raw_socket peer_listen(uint16_t *port_out)
{
    struct gw_addr addr = loopback(0);
    struct raw_socket listener;
    assert_true(raw_socket_listen(&listener, &addr, 16));
    *port_out = addr.port;
    return listener;
}

struct raw_socket peer_accept(const struct raw_socket *listener)
{
    struct raw_socket peer;
    struct gw_addr from;
    assert_true(raw_socket_accept(listener, &peer, &from));
    return peer;
}

struct raw_socket peer_join(void)
{
    struct raw_socket peer = peer_connect(fixture.port_number);
    const Gw__Hello hello = peer_valid_hello();
    peer_send_hello(&peer, &hello);
    peer_expect(&peer, HELLO_ACK);
    return peer;
}

/* ---- sending ---- */

void peer_send(struct raw_socket *peer, const void *bytes, size_t count)
{
    assert_true(raw_socket_send(peer, bytes, count));
}

void peer_send_header(struct raw_socket *peer, uint32_t body_bytes, uint8_t flags, uint16_t id,
                      uint16_t tag)
{
    uint8_t header[FRAME_HEADER_BYTES];
    frame_write_header(header, body_bytes, flags, id, tag);
    peer_send(peer, header, sizeof header);
}

void peer_send_frame(struct raw_socket *peer, uint16_t id, uint16_t tag, const void *body,
                     size_t body_bytes)
{
    static uint8_t bytes[FRAME_HEADER_BYTES + PEER_BODY_BYTES_MAX];
    assert_true(body_bytes <= PEER_BODY_BYTES_MAX);
    uint8_t *place = frame_write_header(bytes, (uint32_t)body_bytes, 0, id, tag);
    if (body_bytes > 0) {
        memcpy(place, body, body_bytes);
    }
    peer_send(peer, bytes, FRAME_HEADER_BYTES + body_bytes);
}

static void send_tagged(struct raw_socket *peer, uint16_t id, uint16_t tag,
                        const ProtobufCMessage *message)
{
    static uint8_t bytes[FRAME_HEADER_BYTES + PEER_BODY_BYTES_MAX];
    assert_true(protobuf_c_message_get_packed_size(message) <= PEER_BODY_BYTES_MAX);
    peer_send(peer, bytes, frame_write(bytes, id, 0, tag, message));
}

void peer_send_message(struct raw_socket *peer, uint16_t id, const ProtobufCMessage *message)
{
    send_tagged(peer, id, 0, message);
}

Gw__Hello peer_valid_hello(void)
{
    Gw__Hello hello = GW__HELLO__INIT;
    hello.protocol_major = GW_PROTOCOL_MAJOR;
    hello.name = "Ada";
    return hello;
}

void peer_send_hello(struct raw_socket *peer, const Gw__Hello *hello)
{
    send_tagged(peer, HELLO, HELLO_TAG, &hello->base);
}

void peer_send_text(struct raw_socket *peer, const char *text)
{
    Gw__Error say = GW__ERROR__INIT;
    say.text = (char *)text;
    peer_send_message(peer, SAY, &say.base);
}

void peer_send_stamp(struct raw_socket *peer, uint16_t id, uint64_t stamp)
{
    Gw__Ping ping = GW__PING__INIT;
    ping.stamp = stamp;
    peer_send_message(peer, id, &ping.base);
}

/* ---- reading ---- */

static struct peer_frame frame;

/* Returns false when the connection ends first; fails when nothing comes. */
static bool recv_all_or_end(struct raw_socket *peer, uint8_t *bytes, size_t count)
{
    for (size_t received = 0; received < count;) {
        int more = raw_socket_recv(peer, bytes + received, count - received);
        assert_int_not_equal(more, RAW_SOCKET_NOTHING);
        if (more <= 0) {
            return false;
        }
        received += (size_t)more;
    }
    return true;
}

bool peer_read_frame(struct raw_socket *peer, struct peer_frame *frame_out)
{
    uint8_t header[FRAME_HEADER_BYTES];
    if (!recv_all_or_end(peer, header, sizeof header)) {
        return false;
    }
    frame_out->header = frame_read_header(header);
    assert_true(frame_out->header.body_bytes <= PEER_BODY_BYTES_MAX);
    return recv_all_or_end(peer, frame_out->body, frame_out->header.body_bytes);
}

bool peer_reads_fin(struct raw_socket *peer)
{
    uint8_t byte;
    return raw_socket_recv(peer, &byte, 1) == RAW_SOCKET_FIN;
}

const struct peer_frame *peer_expect(struct raw_socket *peer, uint16_t id)
{
    assert_true(peer_read_frame(peer, &frame));
    assert_int_equal(frame.header.id, id);
    return &frame;
}

uint64_t peer_expect_stamp(struct raw_socket *peer, uint16_t id)
{
    peer_expect(peer, id);
    Gw__Ping *ping = gw__ping__unpack(NULL, frame.header.body_bytes, frame.body);
    assert_non_null(ping);
    uint64_t stamp = ping->stamp;
    gw__ping__free_unpacked(ping, NULL);
    return stamp;
}

void peer_expect_line(struct raw_socket *peer, const char *text)
{
    peer_expect(peer, LINE);
    Gw__Error *line = gw__error__unpack(NULL, frame.header.body_bytes, frame.body);
    assert_non_null(line);
    assert_string_equal(line->text, text);
    gw__error__free_unpacked(line, NULL);
}

void peer_sync(struct raw_socket *peer)
{
    static uint64_t stamp;
    peer_send_stamp(peer, PING, ++stamp);
    assert_int_equal(peer_expect_stamp(peer, PONG), stamp);
}

void peer_expect_close(struct raw_socket *peer, Gw__CloseReason reason)
{
    peer_expect(peer, CLOSE);
    Gw__Close *close = gw__close__unpack(NULL, frame.header.body_bytes, frame.body);
    assert_non_null(close);
    assert_int_equal(close->reason, reason);
    gw__close__free_unpacked(close, NULL);
    peer_expect_fin(peer);
}

void peer_expect_fin(struct raw_socket *peer)
{
    assert_true(peer_reads_fin(peer));
    raw_socket_close(peer);
}

/* tests/session/raw_peer.c: a peer that is a bare socket. */
#include "tests/session/raw_peer.h"

#include "tests/test.h"

#include "net/os/os.h"
#include "tests/support/machine.h"

#include <string.h>

static struct gw_addr loopback(uint16_t port)
{
    struct gw_addr addr;
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &addr), 0);
    addr.port = port;
    return addr;
}

struct raw_peer raw_connect(uint16_t port)
{
    const struct gw_addr addr = loopback(port);
    struct raw_peer peer;
    assert_true(raw_socket_connect(&peer.socket, &addr));
    return peer;
}

struct raw_peer raw_connect_narrow(uint16_t port)
{
    const struct gw_addr addr = loopback(port);
    struct raw_peer peer;
    assert_true(raw_socket_connect_narrow(&peer.socket, &addr));
    return peer;
}

struct raw_peer raw_listen(uint16_t *port_out)
{
    struct gw_addr addr = loopback(0);
    struct raw_peer listener;
    assert_true(raw_socket_listen(&listener.socket, &addr, 16));
    *port_out = addr.port;
    return listener;
}

struct raw_peer raw_accept(struct raw_peer *listener)
{
    struct raw_peer peer;
    struct gw_addr from;
    assert_true(raw_socket_accept(&listener->socket, &peer.socket, &from));
    return peer;
}

void raw_send(struct raw_peer *peer, const void *bytes, size_t count)
{
    assert_true(raw_socket_send(&peer->socket, bytes, count));
}

void raw_drip(struct raw_peer *peer, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        raw_send(peer, (const uint8_t *)bytes + i, 1);
    }
}

size_t raw_send_some(struct raw_peer *peer, const void *bytes, size_t count)
{
    return raw_socket_send_some(&peer->socket, bytes, count);
}

uint8_t *raw_header(uint8_t *out, uint32_t body_bytes, uint8_t flags, uint16_t id, uint16_t tag)
{
    const uint8_t header[] = {body_bytes & 0xFF,
                              body_bytes >> 8 & 0xFF,
                              body_bytes >> 16 & 0xFF,
                              flags,
                              id & 0xFF,
                              (uint8_t)(id >> 8),
                              tag & 0xFF,
                              (uint8_t)(tag >> 8)};
    memcpy(out, header, sizeof header);
    return out + sizeof header;
}

void raw_send_header(struct raw_peer *peer, uint32_t body_bytes, uint8_t flags, uint16_t id,
                     uint16_t tag)
{
    uint8_t header[8];
    raw_header(header, body_bytes, flags, id, tag);
    raw_send(peer, header, sizeof header);
}

void raw_send_frame(struct raw_peer *peer, uint16_t id, uint16_t tag, const void *body,
                    size_t body_bytes)
{
    static uint8_t frame[8 + RAW_BODY_BYTES_MAX];
    assert_true(body_bytes <= RAW_BODY_BYTES_MAX);
    uint8_t *place = raw_header(frame, (uint32_t)body_bytes, 0, id, tag);
    if (body_bytes > 0) {
        memcpy(place, body, body_bytes);
    }
    raw_send(peer, frame, 8 + body_bytes);
}

/* Returns how many came: fewer than `count` only at the end. */
static size_t read_bytes(struct raw_peer *peer, uint8_t *bytes, size_t count)
{
    size_t got = 0;
    while (got < count) {
        int more = raw_socket_recv(&peer->socket, bytes + got, count - got);
        assert_int_not_equal(more, RAW_SOCKET_NOTHING);
        if (more <= 0) {
            break;
        }
        got += (size_t)more;
    }
    return got;
}

bool raw_read(struct raw_peer *peer, struct raw_frame *frame_out)
{
    uint8_t header[8];
    if (read_bytes(peer, header, sizeof header) < sizeof header) {
        return false;
    }
    frame_out->body_bytes = header[0] + (header[1] << 8) + ((uint32_t)header[2] << 16);
    frame_out->flags = header[3];
    frame_out->id = (uint16_t)(header[4] + (header[5] << 8));
    frame_out->tag = (uint16_t)(header[6] + (header[7] << 8));
    assert_true(frame_out->body_bytes <= RAW_BODY_BYTES_MAX);
    return read_bytes(peer, frame_out->body, frame_out->body_bytes) == frame_out->body_bytes;
}

bool raw_has_news(struct raw_peer *peer)
{
    return raw_socket_has_news(&peer->socket);
}

bool raw_reads_fin(struct raw_peer *peer)
{
    uint8_t byte;
    return raw_socket_recv(&peer->socket, &byte, 1) == RAW_SOCKET_FIN;
}

void raw_finish(struct raw_peer *peer)
{
    raw_socket_finish(&peer->socket);
}

void raw_close(struct raw_peer *peer)
{
    raw_socket_close(&peer->socket);
}

void raw_reset(struct raw_peer *peer)
{
    raw_socket_reset(&peer->socket);
}

void raw_sleep_ms(unsigned ms)
{
    machine_sleep_ms(ms);
}

uint64_t raw_now_ms(void)
{
    return os_now_ns() / 1000000;
}

/* tests/session/raw_peer.c: a peer that is a bare socket, on POSIX. */
#define _POSIX_C_SOURCE 200809L
#include "tests/session/raw_peer.h"

#include "tests/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return addr;
}

static struct raw_peer open_socket(void)
{
    struct raw_peer peer = {socket(AF_INET, SOCK_STREAM, 0)};
    assert_true(peer.socket >= 0);
    return peer;
}

static void set_option(struct raw_peer *peer, int level, int option, int value)
{
    assert_int_equal(setsockopt(peer->socket, level, option, &value, sizeof value), 0);
}

struct raw_peer raw_connect_narrow(uint16_t port, int recv_bytes)
{
    struct raw_peer peer = open_socket();
    struct sockaddr_in addr = loopback(port);
    if (recv_bytes != 0) {
        set_option(&peer, SOL_SOCKET, SO_RCVBUF, recv_bytes);
    }
    set_option(&peer, IPPROTO_TCP, TCP_NODELAY, 1);
    assert_int_equal(connect(peer.socket, (struct sockaddr *)&addr, sizeof addr), 0);
    return peer;
}

struct raw_peer raw_connect(uint16_t port)
{
    return raw_connect_narrow(port, 0);
}

struct raw_peer raw_listen(uint16_t *port_out)
{
    struct raw_peer listener = open_socket();
    struct sockaddr_in addr = loopback(0);
    socklen_t bytes = sizeof addr;
    assert_int_equal(bind(listener.socket, (struct sockaddr *)&addr, bytes), 0);
    assert_int_equal(listen(listener.socket, 16), 0);
    assert_int_equal(getsockname(listener.socket, (struct sockaddr *)&addr, &bytes), 0);
    *port_out = ntohs(addr.sin_port);
    return listener;
}

static bool wait_for(struct raw_peer *peer, short events, int ms)
{
    struct pollfd poll_for = {.fd = peer->socket, .events = events};
    return poll(&poll_for, 1, ms) == 1;
}

struct raw_peer raw_accept(struct raw_peer *listener)
{
    assert_true(wait_for(listener, POLLIN, RAW_PATIENCE_MS));
    struct raw_peer peer = {accept(listener->socket, NULL, NULL)};
    assert_true(peer.socket >= 0);
    return peer;
}

void raw_send(struct raw_peer *peer, const void *bytes, size_t count)
{
    const uint8_t *rest = bytes;
    while (count > 0) {
        assert_true(wait_for(peer, POLLOUT, RAW_PATIENCE_MS));
        ssize_t sent = send(peer->socket, rest, count, MSG_NOSIGNAL);
        assert_true(sent > 0);
        rest += sent;
        count -= (size_t)sent;
    }
}

void raw_drip(struct raw_peer *peer, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        raw_send(peer, (const uint8_t *)bytes + i, 1);
    }
}

size_t raw_send_some(struct raw_peer *peer, const void *bytes, size_t count)
{
    ssize_t sent = send(peer->socket, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? (size_t)sent : 0;
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
        assert_true(wait_for(peer, POLLIN, RAW_PATIENCE_MS));
        ssize_t more = recv(peer->socket, bytes + got, count - got, 0);
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
    return wait_for(peer, POLLIN, 0);
}

bool raw_reads_fin(struct raw_peer *peer)
{
    uint8_t byte;
    assert_true(wait_for(peer, POLLIN, RAW_PATIENCE_MS));
    return recv(peer->socket, &byte, 1, 0) == 0;
}

void raw_finish(struct raw_peer *peer)
{
    shutdown(peer->socket, SHUT_WR);
}

void raw_close(struct raw_peer *peer)
{
    if (peer->socket >= 0) {
        close(peer->socket);
        peer->socket = -1;
    }
}

void raw_reset(struct raw_peer *peer)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(peer->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    raw_close(peer);
}

void raw_sleep_ms(unsigned ms)
{
    struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
    }
}

uint64_t raw_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

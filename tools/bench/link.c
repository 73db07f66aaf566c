/* tools/bench/link.c: one connection of the load generator. */
#define _GNU_SOURCE
#include "tools/bench/link.h"

#include "tools/bench/link_tls.h"
#include "tools/bench/serve.h"
#include "tools/bench/wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECV_BYTES_MAX = 256 * 1024,
    SEND_BYTES_MAX = 512 * 1024, /* of messages of WebSocket with their headers */
    SOURCE_COUNT = 200,
    WEBSOCKET_HEADER_BYTES_MAX = 8, /* of a message of less than 64 KiB, with its mask */
};

_Noreturn void link_fail(const struct link *link, const char *what)
{
    fprintf(stderr, "connection %u: %s\n", link->index, what);
    exit(1);
}

/* Source addresses, so many that ports in TIME_WAIT do not use up all ports: ip(7). */
static void choose_source(const struct link *link)
{
    int on = 1;
    struct sockaddr_in source = {.sin_family = AF_INET,
                                 .sin_addr.s_addr =
                                     htonl(INADDR_LOOPBACK + link->index % SOURCE_COUNT)};
    if (setsockopt(link->socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 ||
        bind(link->socket, (struct sockaddr *)&source, sizeof(source)) != 0) {
        link_fail(link, "no address to come from");
    }
}

static ssize_t put_some(struct link *link, const uint8_t *data, size_t bytes)
{
    return link->tls != NULL ? link_tls_send(link->tls, data, bytes)
                             : send(link->socket, data, bytes, MSG_NOSIGNAL);
}

static ssize_t get_some(struct link *link, uint8_t *data, size_t bytes, int flags)
{
    return link->tls != NULL ? link_tls_recv(link->tls, data, bytes)
                             : recv(link->socket, data, bytes, flags);
}

static void shake_hands(struct link *link)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    uint8_t answer[512];
    uint32_t bytes = 0;
    if (put_some(link, (const uint8_t *)request, sizeof(request) - 1) !=
        (ssize_t)sizeof(request) - 1) {
        link_fail(link, "cannot be sent to");
    }
    while (bytes < 4 || memcmp(answer + bytes - 4, "\r\n\r\n", 4) != 0) {
        if (bytes == sizeof(answer) || get_some(link, answer + bytes, 1, 0) != 1) {
            link_fail(link, "received no answer of WebSocket");
        }
        bytes++;
    }
    if (memcmp(answer, "HTTP/1.1 101 ", 13) != 0) {
        link_fail(link, "refused WebSocket");
    }
}

/* Writes a message of WebSocket to `out`. Returns its bytes. */
static uint32_t wrap(uint8_t *out, const uint8_t *data, uint32_t bytes)
{
    static uint32_t mask = 0x9E3779B9u;
    uint8_t *at = out;
    uint8_t key[4];
    mask = mask * 1664525u + 1013904223u;
    memcpy(key, &mask, sizeof(key));
    *at++ = 0x82;
    *at++ = (uint8_t)(0x80 | (bytes < 126 ? bytes : 126));
    if (bytes >= 126) {
        *at++ = (uint8_t)(bytes >> 8);
        *at++ = (uint8_t)bytes;
    }
    memcpy(at, key, sizeof(key));
    at += sizeof(key);
    for (uint32_t i = 0; i < bytes; i++) {
        at[i] = data[i] ^ key[i % 4];
    }
    return (uint32_t)(at - out) + bytes;
}

/* The next byte of a header. Returns the length of the payload when it is complete, or -1. */
static int32_t take_header_byte(struct link *link, uint8_t byte)
{
    link->head[link->head_bytes++] = byte;
    if (link->head[0] != 0x82 || (link->head_bytes > 1 && link->head[1] > 126)) {
        link_fail(link, "received another frame of WebSocket than a binary message");
    }
    if (link->head_bytes < 2 || (link->head[1] == 126 && link->head_bytes < 4)) {
        return -1;
    }
    link->head_bytes = 0;
    return link->head[1] < 126 ? link->head[1] : link->head[2] << 8 | link->head[3];
}

/* Removes the headers of messages in place. Returns the bytes that are left. */
static uint32_t unwrap(struct link *link, uint8_t *data, uint32_t bytes)
{
    uint32_t kept = 0;
    for (uint32_t at = 0; at < bytes;) {
        if (link->left_bytes == 0) {
            int32_t length = take_header_byte(link, data[at++]);
            link->left_bytes = length > 0 ? (uint32_t)length : 0;
            continue;
        }
        uint32_t part = link->left_bytes < bytes - at ? link->left_bytes : bytes - at;
        memmove(data + kept, data + at, part);
        link->left_bytes -= part;
        kept += part;
        at += part;
    }
    return kept;
}

void link_open(struct link *link, uint32_t index, uint16_t port, bool is_tls, bool is_websocket)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    *link = (struct link){
        .index = index, .is_websocket = is_websocket, .socket = socket(AF_INET, SOCK_STREAM, 0)};
    if (link->socket < 0) {
        serve_fail("socket");
    }
    choose_source(link);
    if (connect(link->socket, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        serve_fail("connect");
    }
    if (is_tls && (link->tls = link_tls_open(link->socket)) == NULL) {
        link_fail(link, "has no TLS");
    }
    if (is_websocket) {
        shake_hands(link);
    }
}

void link_close(struct link *link)
{
    link_tls_close(link->tls);
    close(link->socket);
    free(link->partial);
    free(link->late);
    free(link->received_of);
}

/* ---- blocking ---- */

void link_put(struct link *link, const uint8_t *data, uint32_t bytes)
{
    uint8_t message[WIRE_FRAME_BYTES_MAX + WEBSOCKET_HEADER_BYTES_MAX];
    if (link->is_websocket) {
        bytes = wrap(message, data, bytes);
        data = message;
    }
    if (put_some(link, data, bytes) != (ssize_t)bytes) {
        link_fail(link, "cannot be sent to");
    }
}

static void get_bytes(struct link *link, uint8_t *to, uint32_t bytes)
{
    while (bytes > 0) {
        uint32_t part = bytes;
        if (link->is_websocket) {
            part = link->left_bytes == 0 ? 1 : link->left_bytes < bytes ? link->left_bytes : bytes;
        }
        ssize_t got = get_some(link, to, part, MSG_WAITALL);
        if (got <= 0) {
            link_fail(link, "closed by the server");
        }
        part = (uint32_t)got;
        part = link->is_websocket ? unwrap(link, to, part) : part;
        to += part;
        bytes -= part;
    }
}

void link_get(struct link *link, uint8_t *frame)
{
    get_bytes(link, frame, WIRE_HEADER_BYTES);
    if (wire_body_bytes(frame) > WIRE_FRAME_BYTES_MAX - WIRE_HEADER_BYTES) {
        link_fail(link, "received a frame that is too long");
    }
    get_bytes(link, frame + WIRE_HEADER_BYTES, wire_body_bytes(frame));
}

/* ---- non-blocking ---- */

static void arm(struct link *link, int set, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = link};
    if (epoll_ctl(set, how, link->socket, &event) != 0) {
        serve_fail("epoll_ctl");
    }
}

void link_join_set(struct link *link, int set)
{
    serve_prepare(link->socket);
    arm(link, set, EPOLL_CTL_ADD, EPOLLIN);
}

static void keep(struct link *link, const uint8_t *data, uint32_t bytes)
{
    link->late = realloc(link->late, link->late_bytes + bytes);
    if (link->late == NULL) {
        serve_fail("realloc");
    }
    memcpy(link->late + link->late_bytes, data, bytes);
    link->late_bytes += bytes;
}

static uint32_t send_some(struct link *link, const uint8_t *data, uint32_t bytes)
{
    ssize_t sent = put_some(link, data, bytes);
    if (sent < 0 && errno != EAGAIN) {
        link_fail(link, "cannot be sent to");
    }
    return sent < 0 ? 0 : (uint32_t)sent;
}

void link_send(struct link *link, int set, const uint8_t *data, uint32_t bytes,
               uint32_t message_bytes)
{
    static uint8_t messages[SEND_BYTES_MAX];
    bool waits = link->late_bytes > 0;
    if (link->is_websocket) {
        uint32_t all = 0;
        for (uint32_t at = 0; at < bytes; at += message_bytes) {
            all += wrap(messages + all, data + at, message_bytes);
        }
        data = messages;
        bytes = all;
    }
    uint32_t sent = waits ? 0 : send_some(link, data, bytes);
    if (sent < bytes) {
        keep(link, data + sent, bytes - sent);
    }
    if (!waits && link->late_bytes > 0) {
        arm(link, set, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
}

void link_send_late(struct link *link, int set)
{
    uint32_t sent = send_some(link, link->late, link->late_bytes);
    link->late_bytes -= sent;
    memmove(link->late, link->late + sent, link->late_bytes);
    if (link->late_bytes == 0) {
        arm(link, set, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static void keep_partial(struct link *link, const uint8_t *data, uint32_t bytes)
{
    link->partial_bytes = bytes;
    if (bytes == 0) {
        return;
    }
    if (link->partial == NULL) {
        link->partial = malloc(WIRE_FRAME_BYTES_MAX);
    }
    if (link->partial == NULL || bytes > WIRE_FRAME_BYTES_MAX) {
        link_fail(link, "received a frame that is too long");
    }
    memcpy(link->partial, data, bytes);
}

bool link_read(struct link *link,
               void (*on_frame)(struct link *link, const uint8_t *frame, uint32_t bytes))
{
    static uint8_t bytes[WIRE_FRAME_BYTES_MAX + RECV_BYTES_MAX];
    uint32_t partial = link->partial_bytes;
    if (partial != 0) {
        memcpy(bytes, link->partial, partial);
    }
    ssize_t got = get_some(link, bytes + partial, RECV_BYTES_MAX, 0);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    if (link->is_websocket) {
        got = unwrap(link, bytes + partial, (uint32_t)got);
    }
    uint32_t left = partial + (uint32_t)got;
    const uint8_t *at = bytes;
    while (left >= WIRE_HEADER_BYTES && WIRE_HEADER_BYTES + wire_body_bytes(at) <= left) {
        uint32_t frame = WIRE_HEADER_BYTES + wire_body_bytes(at);
        on_frame(link, at, frame);
        at += frame;
        left -= frame;
    }
    keep_partial(link, at, left);
    return true;
}

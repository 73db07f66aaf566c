/* tools/bench/link.c: one connection of the load generator. */
#define _GNU_SOURCE
#include "tools/bench/link.h"

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

enum { RECV_BYTES_MAX = 256 * 1024, SOURCE_COUNT = 200 };

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

void link_open(struct link *link, uint32_t index, uint16_t port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    *link = (struct link){.index = index, .socket = socket(AF_INET, SOCK_STREAM, 0)};
    if (link->socket < 0) {
        serve_fail("socket");
    }
    choose_source(link);
    if (connect(link->socket, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        serve_fail("connect");
    }
}

void link_close(struct link *link)
{
    close(link->socket);
    free(link->partial);
    free(link->late);
    free(link->received_of);
}

/* ---- blocking ---- */

void link_put(struct link *link, const uint8_t *data, uint32_t bytes)
{
    if (send(link->socket, data, bytes, MSG_NOSIGNAL) != (ssize_t)bytes) {
        link_fail(link, "cannot be sent to");
    }
}

static void get_bytes(struct link *link, uint8_t *to, uint32_t bytes)
{
    if (bytes != 0 && recv(link->socket, to, bytes, MSG_WAITALL) != (ssize_t)bytes) {
        link_fail(link, "closed by the server");
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
    ssize_t sent = send(link->socket, data, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        link_fail(link, "cannot be sent to");
    }
    return sent < 0 ? 0 : (uint32_t)sent;
}

void link_send(struct link *link, int set, const uint8_t *data, uint32_t bytes)
{
    bool waits = link->late_bytes > 0;
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
    ssize_t got = recv(link->socket, bytes + partial, RECV_BYTES_MAX, 0);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
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

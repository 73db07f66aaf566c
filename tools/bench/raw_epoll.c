/* tools/bench/raw_epoll.c: a server on level-triggered epoll without a library. */
#define _GNU_SOURCE
#include "tools/bench/peer.h"
#include "tools/bench/room.h"
#include "tools/bench/serve.h"
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { EVENT_COUNT_MAX = 1024 };

static int set;

static void arm(struct peer *peer, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};
    if (epoll_ctl(set, how, peer->socket, &event) != 0) {
        serve_fail("epoll_ctl");
    }
}

static void accept_all(int listener)
{
    int socket;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct peer *peer = peer_create(socket);
        if (peer == NULL) {
            serve_fail("accept");
        }
        serve_prepare(socket);
        arm(peer, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static void await_room(struct peer *peer)
{
    arm(peer, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

/* Returns false when the peer must be closed. */
static bool read_some(struct peer *peer)
{
    uint8_t bytes[PEER_RECV_BYTES_MAX];
    bool was_late = peer_is_late(peer);
    ssize_t got = recv(peer->socket, bytes, sizeof(bytes), 0);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    if (!peer_take(peer, bytes, (uint32_t)got)) {
        return false;
    }
    if (!was_late && peer_is_late(peer)) {
        await_room(peer);
    }
    return true;
}

static bool write_some(struct peer *peer)
{
    if (!peer_send_late(peer)) {
        return false;
    }
    if (!peer_is_late(peer)) {
        arm(peer, EPOLL_CTL_MOD, EPOLLIN);
    }
    return true;
}

static void be_ready(struct peer *peer, uint32_t events)
{
    bool lives = true;
    if ((events & EPOLLOUT) != 0 && peer_is_late(peer)) {
        lives = write_some(peer);
    }
    if (lives && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        lives = read_some(peer);
    }
    if (!lives) {
        peer_destroy(peer);
    }
}

static void serve_round(int listener)
{
    struct epoll_event events[EVENT_COUNT_MAX];
    int count = epoll_wait(set, events, EVENT_COUNT_MAX, rooms_left_ms());
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL) {
            accept_all(listener);
        } else {
            be_ready(events[i].data.ptr, events[i].events);
        }
    }
    if (rooms_are_due()) {
        rooms_flush(await_room);
    }
}

int main(int argc, char **argv)
{
    struct serve_options options = serve_options(argc, argv);
    int listener = serve_listen();
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    set = epoll_create1(0);
    if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, listener, &event) != 0) {
        serve_fail("epoll");
    }
    rooms_tick(options.room_tick_ms);
    serve_ready(serve_port_of(listener));
    for (;;) {
        serve_round(listener);
    }
}

/* tests/guard/guard_pair.c: the benchmark's server and its clients on one thread, in lock step. */
#define _GNU_SOURCE
#include "tests/guard/guard_pair.h"

#include "tests/guard/counts.h"
#include "tools/bench/bench_game.h"
#include "tools/bench/wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PLAYER_COUNT_MAX = 256, BYTES_MAX = 512 * 1024, DONE_ROUND_COUNT_MAX = 1000000 };

struct player {
    int socket;
    uint32_t sent_count;
    uint32_t received_count; /* messages in this round */
    uint32_t partial_bytes;
    uint8_t *partial;
};

static struct {
    struct guard_pair guard_pair;
    struct gw_port *port;
    struct gw_task task;
    uint16_t port_number;
    uint32_t round;
    uint32_t awaited_count; /* of each player */
    struct player players[PLAYER_COUNT_MAX];
} pair;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "guard_pair: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- players ---- */

static void connect_player(struct player *player)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons(pair.port_number)};
    player->socket = socket(AF_INET, SOCK_STREAM, 0);
    player->partial = malloc(WIRE_FRAME_BYTES_MAX);
    if (player->socket < 0 || player->partial == NULL ||
        connect(player->socket, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        fail("connect");
    }
    serve_prepare(player->socket);
}

static void put(struct player *player, const uint8_t *bytes, size_t count)
{
    if (send(player->socket, bytes, count, 0) != (ssize_t)count) {
        fail("send");
    }
}

static void send_hello(struct player *player)
{
    uint8_t hello[WIRE_HELLO_BYTES];
    wire_hello(hello);
    put(player, hello, sizeof(hello));
}

static void join(struct player *player)
{
    uint8_t request[WIRE_JOIN_BYTES];
    wire_join(request, 1 + (uint64_t)(player - pair.players) / pair.guard_pair.room_size);
    put(player, request, sizeof(request));
}

static uint64_t stamp_of(const struct player *player, uint32_t count)
{
    return (uint64_t)(player - pair.players + 1) << 32 | count;
}

static void send_messages(struct player *player)
{
    static uint8_t bytes[BYTES_MAX];
    const struct guard_pair *guard_pair = &pair.guard_pair;
    for (uint32_t i = 0; i < guard_pair->depth; i++) {
        wire_message(bytes + (size_t)i * guard_pair->frame_bytes, guard_pair->frame_bytes,
                     guard_pair->packet_id, stamp_of(player, player->sent_count++));
    }
    put(player, bytes, (size_t)guard_pair->depth * guard_pair->frame_bytes);
}

static void receive(struct player *player, const uint8_t *frame, uint32_t bytes)
{
    bool is_message = wire_id(frame) == pair.guard_pair.packet_id;
    if (is_message &&
        !wire_is_message(frame, bytes, pair.guard_pair.packet_id, wire_stamp(frame))) {
        fail("a message was changed");
    }
    player->received_count++;
}

static void receive_from(struct player *player)
{
    static uint8_t bytes[WIRE_FRAME_BYTES_MAX + BYTES_MAX];
    memcpy(bytes, player->partial, player->partial_bytes);
    ssize_t got = recv(player->socket, bytes + player->partial_bytes, BYTES_MAX, 0);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        fail("the server closed a connection");
    }
    uint32_t left = player->partial_bytes + (uint32_t)got;
    const uint8_t *at = bytes;
    while (left >= WIRE_HEADER_BYTES && WIRE_HEADER_BYTES + wire_body_bytes(at) <= left) {
        uint32_t frame = WIRE_HEADER_BYTES + wire_body_bytes(at);
        receive(player, at, frame);
        at += frame;
        left -= frame;
    }
    memcpy(player->partial, at, left);
    player->partial_bytes = left;
}

/* ---- rounds ---- */

static void each(uint32_t count, void (*act)(struct player *player))
{
    for (uint32_t i = 0; i < count; i++) {
        act(&pair.players[i]);
    }
}

static uint32_t sender_count(const struct guard_pair *guard_pair)
{
    return guard_pair->sender_count != 0 ? guard_pair->sender_count : guard_pair->player_count;
}

/* How many messages each receiver gets in a round. */
static uint32_t messages_in_round(const struct guard_pair *guard_pair)
{
    return guard_pair->room_size == 0 ? guard_pair->depth
                                      : sender_count(guard_pair) * guard_pair->depth;
}

uint32_t guard_pair_received_count(const struct guard_pair *guard_pair)
{
    uint32_t receivers =
        guard_pair->room_size == 0 ? sender_count(guard_pair) : guard_pair->player_count;
    return receivers * messages_in_round(guard_pair);
}

static bool all_have_received(void)
{
    const struct guard_pair *guard_pair = &pair.guard_pair;
    bool rooms = guard_pair->room_size != 0;
    uint32_t receivers =
        pair.round < 2 || rooms ? guard_pair->player_count : sender_count(guard_pair);
    for (uint32_t i = 0; i < receivers; i++) {
        if (pair.players[i].received_count < pair.awaited_count) {
            return false;
        }
    }
    return true;
}

static void reset(struct player *player)
{
    player->received_count = 0;
}

/* Round 0 greets, round 1 joins rooms; the others send messages. */
static void begin_round(void)
{
    const struct guard_pair *guard_pair = &pair.guard_pair;
    each(guard_pair->player_count, reset);
    pair.awaited_count = 1;
    if (pair.round == 0) {
        each(guard_pair->player_count, send_hello);
    } else if (pair.round == 1 && guard_pair->room_size != 0) {
        each(guard_pair->player_count, join);
    } else {
        pair.awaited_count = messages_in_round(guard_pair);
        each(sender_count(guard_pair), send_messages);
    }
}

static void end_round(void)
{
    const struct guard_pair *guard_pair = &pair.guard_pair;
    pair.round++;
    if (pair.round == 2 + guard_pair->warm_round_count && guard_pair->on_warm != NULL) {
        guard_pair->on_warm();
    }
    if (pair.round == 2 + guard_pair->warm_round_count + guard_pair->round_count) {
        if (guard_pair->on_done != NULL) {
            guard_pair->on_done();
        }
        gw_port_stop(pair.port);
    } else {
        begin_round();
    }
}

static void step(struct gw_task *task)
{
    counts_pause();
    each(pair.guard_pair.player_count, receive_from);
    if (all_have_received()) {
        end_round();
    }
    counts_resume();
    gw_port_post(pair.port, task);
}

static void begin(struct gw_task *task)
{
    counts_pause();
    each(pair.guard_pair.player_count, connect_player);
    begin_round();
    counts_resume();
    task->run = step;
    gw_port_post(pair.port, task);
}

bool guard_pair_run(const struct guard_pair *guard_pair)
{
    const struct gw_port_config config = {
        .backend = guard_pair->backend, .worker_count = 1, .stream_count_max = PLAYER_COUNT_MAX};
    const struct serve_options options = {.no_rates = false};
    if (gw_port_create(&config, &pair.port) != 0) {
        return false;
    }
    pair.guard_pair = *guard_pair;
    pair.task.run = begin;
    pair.port_number = bench_game_open(pair.port, &options);
    gw_port_post(pair.port, &pair.task);
    return gw_port_run(pair.port) == 0;
}

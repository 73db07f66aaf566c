/* tests/guard/guard_pair.c: the benchmark's hall and its players on one thread, step by step. */
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
    uint32_t said_count;
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
} world;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "the party: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- players ---- */

static void come(struct player *player)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons(world.port_number)};
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

static void say_hello(struct player *player)
{
    uint8_t hello[WIRE_HELLO_BYTES];
    wire_hello(hello);
    put(player, hello, sizeof(hello));
}

static void join(struct player *player)
{
    uint8_t wish[WIRE_JOIN_BYTES];
    wire_join(wish, 1 + (uint64_t)(player - world.players) / world.guard_pair.room_size);
    put(player, wish, sizeof(wish));
}

static uint64_t stamp_of(const struct player *player, uint32_t count)
{
    return (uint64_t)(player - world.players + 1) << 32 | count;
}

static void speak(struct player *player)
{
    static uint8_t bytes[BYTES_MAX];
    const struct guard_pair *guard_pair = &world.guard_pair;
    for (uint32_t i = 0; i < guard_pair->depth; i++) {
        wire_message(bytes + (size_t)i * guard_pair->frame_bytes, guard_pair->frame_bytes,
                     guard_pair->packet_id, stamp_of(player, player->said_count++));
    }
    put(player, bytes, (size_t)guard_pair->depth * guard_pair->frame_bytes);
}

static void receive(struct player *player, const uint8_t *frame, uint32_t bytes)
{
    bool is_word = wire_id(frame) == world.guard_pair.packet_id;
    if (is_word && !wire_is_message(frame, bytes, world.guard_pair.packet_id, wire_stamp(frame))) {
        fail("a word was garbled");
    }
    player->received_count++;
}

static void listen_to(struct player *player)
{
    static uint8_t bytes[WIRE_FRAME_BYTES_MAX + BYTES_MAX];
    memcpy(bytes, player->partial, player->partial_bytes);
    ssize_t got = recv(player->socket, bytes + player->partial_bytes, BYTES_MAX, 0);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        fail("the server has hung up");
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
        act(&world.players[i]);
    }
}

static uint32_t speaker_count(const struct guard_pair *guard_pair)
{
    return guard_pair->speaker_count != 0 ? guard_pair->speaker_count : guard_pair->player_count;
}

/* What each of those who hear anything hears in a round. */
static uint32_t words_in_round(const struct guard_pair *guard_pair)
{
    return guard_pair->room_size == 0 ? guard_pair->depth
                                      : speaker_count(guard_pair) * guard_pair->depth;
}

uint32_t guard_pair_received_count(const struct guard_pair *guard_pair)
{
    uint32_t hearers =
        guard_pair->room_size == 0 ? speaker_count(guard_pair) : guard_pair->player_count;
    return hearers * words_in_round(guard_pair);
}

static bool all_have_received(void)
{
    const struct guard_pair *guard_pair = &world.guard_pair;
    bool rooms = guard_pair->room_size != 0;
    uint32_t hearers =
        world.round < 2 || rooms ? guard_pair->player_count : speaker_count(guard_pair);
    for (uint32_t i = 0; i < hearers; i++) {
        if (world.players[i].received_count < world.awaited_count) {
            return false;
        }
    }
    return true;
}

static void forget(struct player *player)
{
    player->received_count = 0;
}

/* Rounds 0 and 1 are greeting and joining; the others are talk. */
static void begin_round(void)
{
    const struct guard_pair *guard_pair = &world.guard_pair;
    each(guard_pair->player_count, forget);
    world.awaited_count = 1;
    if (world.round == 0) {
        each(guard_pair->player_count, say_hello);
    } else if (world.round == 1 && guard_pair->room_size != 0) {
        each(guard_pair->player_count, join);
    } else {
        world.awaited_count = words_in_round(guard_pair);
        each(speaker_count(guard_pair), speak);
    }
}

static void end_round(void)
{
    const struct guard_pair *guard_pair = &world.guard_pair;
    world.round++;
    if (world.round == 2 + guard_pair->warm_round_count && guard_pair->on_warm != NULL) {
        guard_pair->on_warm();
    }
    if (world.round == 2 + guard_pair->warm_round_count + guard_pair->round_count) {
        if (guard_pair->on_done != NULL) {
            guard_pair->on_done();
        }
        gw_port_stop(world.port);
    } else {
        begin_round();
    }
}

static void step(struct gw_task *task)
{
    counts_pause();
    each(world.guard_pair.player_count, listen_to);
    if (all_have_received()) {
        end_round();
    }
    counts_resume();
    gw_port_post(world.port, task);
}

static void begin(struct gw_task *task)
{
    counts_pause();
    each(world.guard_pair.player_count, come);
    begin_round();
    counts_resume();
    task->run = step;
    gw_port_post(world.port, task);
}

bool guard_pair_run(const struct guard_pair *guard_pair)
{
    const struct gw_port_config config = {
        .backend = guard_pair->backend, .worker_count = 1, .stream_count_max = PLAYER_COUNT_MAX};
    const struct serve_options options = {.no_rates = false};
    if (gw_port_create(&config, &world.port) != 0) {
        return false;
    }
    world.guard_pair = *guard_pair;
    world.task.run = begin;
    world.port_number = bench_game_open(world.port, &options);
    gw_port_post(world.port, &world.task);
    return gw_port_run(world.port) == 0;
}

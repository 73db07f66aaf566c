/* tests/guard/party.c: the benchmark's hall and its players on one thread, step by step. */
#define _GNU_SOURCE
#include "tests/guard/party.h"

#include "tests/guard/counts.h"
#include "tools/bench/hall.h"
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
    uint32_t heard_count; /* messages in this round */
    uint32_t torn_bytes;
    uint8_t *torn;
};

static struct {
    struct party party;
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
    player->torn = malloc(WIRE_FRAME_BYTES_MAX);
    if (player->socket < 0 || player->torn == NULL ||
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
    wire_join(wish, 1 + (uint64_t)(player - world.players) / world.party.room_size);
    put(player, wish, sizeof(wish));
}

static uint64_t stamp_of(const struct player *player, uint32_t count)
{
    return (uint64_t)(player - world.players + 1) << 32 | count;
}

static void speak(struct player *player)
{
    static uint8_t bytes[BYTES_MAX];
    const struct party *party = &world.party;
    for (uint32_t i = 0; i < party->depth; i++) {
        wire_message(bytes + (size_t)i * party->frame_bytes, party->frame_bytes, party->packet_id,
                     stamp_of(player, player->said_count++));
    }
    put(player, bytes, (size_t)party->depth * party->frame_bytes);
}

static void hear(struct player *player, const uint8_t *frame, uint32_t bytes)
{
    bool is_word = wire_id(frame) == world.party.packet_id;
    if (is_word && !wire_is_message(frame, bytes, world.party.packet_id, wire_stamp(frame))) {
        fail("a word was garbled");
    }
    player->heard_count++;
}

static void listen_to(struct player *player)
{
    static uint8_t bytes[WIRE_FRAME_BYTES_MAX + BYTES_MAX];
    memcpy(bytes, player->torn, player->torn_bytes);
    ssize_t got = recv(player->socket, bytes + player->torn_bytes, BYTES_MAX, 0);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        fail("the server has hung up");
    }
    uint32_t left = player->torn_bytes + (uint32_t)got;
    const uint8_t *at = bytes;
    while (left >= WIRE_HEADER_BYTES && WIRE_HEADER_BYTES + wire_body_bytes(at) <= left) {
        uint32_t frame = WIRE_HEADER_BYTES + wire_body_bytes(at);
        hear(player, at, frame);
        at += frame;
        left -= frame;
    }
    memcpy(player->torn, at, left);
    player->torn_bytes = left;
}

/* ---- rounds ---- */

static void each(uint32_t count, void (*act)(struct player *player))
{
    for (uint32_t i = 0; i < count; i++) {
        act(&world.players[i]);
    }
}

static uint32_t speaker_count(const struct party *party)
{
    return party->speaker_count != 0 ? party->speaker_count : party->player_count;
}

/* What each of those who hear anything hears in a round. */
static uint32_t words_in_round(const struct party *party)
{
    return party->room_size == 0 ? party->depth : speaker_count(party) * party->depth;
}

uint32_t party_heard_count(const struct party *party)
{
    uint32_t hearers = party->room_size == 0 ? speaker_count(party) : party->player_count;
    return hearers * words_in_round(party);
}

static bool all_have_heard(void)
{
    const struct party *party = &world.party;
    bool rooms = party->room_size != 0;
    uint32_t hearers = world.round < 2 || rooms ? party->player_count : speaker_count(party);
    for (uint32_t i = 0; i < hearers; i++) {
        if (world.players[i].heard_count < world.awaited_count) {
            return false;
        }
    }
    return true;
}

static void forget(struct player *player)
{
    player->heard_count = 0;
}

/* Rounds 0 and 1 are greeting and joining; the others are talk. */
static void begin_round(void)
{
    const struct party *party = &world.party;
    each(party->player_count, forget);
    world.awaited_count = 1;
    if (world.round == 0) {
        each(party->player_count, say_hello);
    } else if (world.round == 1 && party->room_size != 0) {
        each(party->player_count, join);
    } else {
        world.awaited_count = words_in_round(party);
        each(speaker_count(party), speak);
    }
}

static void end_round(void)
{
    const struct party *party = &world.party;
    world.round++;
    if (world.round == 2 + party->warm_round_count && party->on_warm != NULL) {
        party->on_warm();
    }
    if (world.round == 2 + party->warm_round_count + party->round_count) {
        if (party->on_done != NULL) {
            party->on_done();
        }
        gw_port_stop(world.port);
    } else {
        begin_round();
    }
}

static void step(struct gw_task *task)
{
    counts_pause();
    each(world.party.player_count, listen_to);
    if (all_have_heard()) {
        end_round();
    }
    counts_resume();
    gw_port_post(world.port, task);
}

static void begin(struct gw_task *task)
{
    counts_pause();
    each(world.party.player_count, come);
    begin_round();
    counts_resume();
    task->run = step;
    gw_port_post(world.port, task);
}

bool party_run(const struct party *party)
{
    const struct gw_port_config config = {
        .backend = party->backend, .worker_count = 1, .stream_count_max = PLAYER_COUNT_MAX};
    const struct serve_options options = {.no_rates = false};
    if (gw_port_create(&config, &world.port) != 0) {
        return false;
    }
    world.party = *party;
    world.task.run = begin;
    world.port_number = hall_open(world.port, &options);
    gw_port_post(world.port, &world.task);
    return gw_port_run(world.port) == 0;
}

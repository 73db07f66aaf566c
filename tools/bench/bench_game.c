/* tools/bench/bench_game.c: echoes and rooms on Gangway, written as a game is. */
#include "tools/bench/bench_game.h"

#include "bench/bench.gen.h"
#include "bench/bench_server.gen.h"
#include "net/filter/source.h"
#include "net/filter/tls.h"
#include "net/filter/websocket.h"
#include "net/listener.h"
#include "net/port.h"
#include "net/turn.h"
#include "session/group.h"
#include "session/manager.h"
#include "tools/bench/serve.h"
#include "tools/bench/table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_COUNT_MAX = 1024 };

struct room {
    struct gw_turn turn;
    struct gw_group *group;
};

/* A Join or Say, posted to the turn of its room. */
struct command {
    struct gw_task task; /* the first, so that a task is its command */
    struct room *room;
    struct gw_session *session; /* that joins, with a reference; NULL for a Say */
    uint64_t number;
    size_t payload_bytes;
    uint8_t payload[];
};

static struct gw_port *port;
static struct gw_session_manager *manager;
static struct room rooms[ROOM_COUNT_MAX];
static uint32_t tick_ms;

/* ---- echo ---- */

void bench_on_echo(struct gw_session *session, const struct gw_frame *frame,
                   const Bench__Echo *echo)
{
    (void)frame;
    bench_send_echo(session, echo);
}

void table_on_opaque(void *peer, const struct gw_frame *frame, const uint8_t *body)
{
    gw_session_send_opaque(peer, frame, body);
}

/* ---- rooms ---- */

static struct room *room_at(uint64_t number)
{
    struct room *room = &rooms[number % ROOM_COUNT_MAX];
    if (room->group == NULL) {
        const struct gw_group_config config = {.tick_ms = tick_ms};
        gw_turn_init(&room->turn, port, NULL);
        room->group = gw_group_create(manager, &room->turn, &config);
    }
    return room;
}

static struct command *command_create(struct room *room, uint64_t number,
                                      const ProtobufCBinaryData *data)
{
    struct command *command = malloc(sizeof(*command) + data->len);
    if (command == NULL) {
        serve_fail("malloc");
    }
    *command = (struct command){.room = room, .number = number, .payload_bytes = data->len};
    if (data->len != 0) {
        memcpy(command->payload, data->data, data->len);
    }
    return command;
}

static void run_join(struct gw_task *task)
{
    struct command *command = (struct command *)task;
    Bench__Join join = BENCH__JOIN__INIT;
    join.room = command->number;
    (void)gw_group_add(command->room->group, command->session);
    gw_group_send(command->room->group, gw_session_id_of(command->session), BENCH_PACKET_JOIN,
                  &join.base);
    gw_session_unref(command->session);
    free(command);
}

static void run_say(struct gw_task *task)
{
    struct command *command = (struct command *)task;
    Bench__Say say = BENCH__SAY__INIT;
    say.stamp = command->number;
    say.payload = (ProtobufCBinaryData){command->payload_bytes, command->payload};
    gw_group_broadcast(command->room->group, BENCH_PACKET_SAY, &say.base);
    free(command);
}

static void post(struct command *command, void (*run)(struct gw_task *task))
{
    command->task.run = run;
    gw_turn_post(&command->room->turn, &command->task);
}

void bench_on_join(struct gw_session *session, const struct gw_frame *frame,
                   const Bench__Join *join)
{
    (void)frame;
    const ProtobufCBinaryData nothing = {0, NULL};
    struct command *command = command_create(room_at(join->room), join->room, &nothing);
    command->session = gw_session_ref(session);
    gw_session_set_user(session, command->room);
    post(command, run_join);
}

void bench_on_say(struct gw_session *session, const struct gw_frame *frame, const Bench__Say *say)
{
    (void)frame;
    struct room *room = gw_session_user(session);
    if (room != NULL) {
        post(command_create(room, say->stamp, &say->payload), run_say);
    }
}

/* ---- sessions ---- */

static void on_end(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
    (void)session;
    (void)peer_reason;
    (void)context;
    if (reason != GW__CLOSE_REASON__BY_PEER && reason != GW__CLOSE_REASON__NETWORK) {
        fprintf(stderr, "a session ended: %s\n", gw_close_reason_name(reason));
    }
}

static const struct gw_session_events session_events = {.on_end = on_end};

static struct gw_filter_source *create_tls(const char *name)
{
    struct gw_filter_source *source;
    char certificate[512], key[512], problem[GW_TLS_PROBLEM_BYTES];
    snprintf(certificate, sizeof(certificate), "%s.pem", name);
    snprintf(key, sizeof(key), "%s.key", name);
    const struct gw_tls_server_config config = {.certificate_path = certificate,
                                                .key_path = key,
                                                .alpn = "gangway/1",
                                                .handshake_count_max = 1024};
    if (gw_tls_server_create(&config, &source, problem) != 0) {
        fprintf(stderr, "%s\n", problem);
        exit(77);
    }
    return source;
}

uint16_t bench_game_open(struct gw_port *on, const struct serve_options *options)
{
    struct gw_addr addr;
    struct gw_listener *listener;
    struct gw_filter_source *filters[GW_STREAM_FILTER_COUNT_MAX] = {NULL};
    const struct gw_websocket_server_config websocket = {.path = NULL};
    const struct gw_session_manager_config config = {
        .side = GW_SIDE_SERVER,
        .session_count_max = BENCH_GAME_SESSION_COUNT_MAX,
        .pending_count_max = BENCH_GAME_SESSION_COUNT_MAX};
    port = on;
    tick_ms = options->room_tick_ms;
    manager = gw_session_manager_create(port, &config, table_of_packets(options->no_rates),
                                        &session_events, NULL);
    gw_addr_parse("127.0.0.1:0", &addr);
    if (options->websocket && gw_websocket_server_create(&websocket, &filters[0]) != 0) {
        fprintf(stderr, "this build has no WebSocket\n");
        exit(77);
    }
    if (options->tls != NULL) {
        filters[0] = create_tls(options->tls);
    }
    if (gw_session_manager_listen_filtered(manager, &addr, filters, &listener) != 0) {
        serve_fail("gw_session_manager_listen_filtered");
    }
    gw_filter_source_unref(filters[0]);
    return gw_listener_addr(listener)->port;
}

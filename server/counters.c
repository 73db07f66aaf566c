/* server/counters.c: everything the server counts, in one struct. */
#include "server/counters.h"

#include "proto/game/game_server.gen.h"
#include "server/game.h"
#include "server/log.h"

/* The control packets of the wire format, whose table is the session layer's own. */
static const struct {
    uint16_t id;
    const ProtobufCMessageDescriptor *message;
} control_packets[] = {
    {1, &gw__hello__descriptor},  {2, &gw__hello_ack__descriptor}, {3, &gw__ping__descriptor},
    {4, &gw__pong__descriptor},   {5, &gw__close__descriptor},     {6, &gw__go_away__descriptor},
    {11, &gw__error__descriptor},
};

static void add_packet(struct game *game, uint16_t id, const ProtobufCMessageDescriptor *message,
                       struct server_counters *counters)
{
    if (counters->packet_kind_count < SERVER_PACKET_KIND_COUNT_MAX) {
        struct server_packet_count *count = &counters->packets[counters->packet_kind_count++];
        count->name = message->short_name;
        gw_session_manager_packet_count(game->sessions, id, &count->in, &count->out);
    }
}

static void read_packets(struct game *game, struct server_counters *counters)
{
    counters->packet_kind_count = 0;
    for (size_t i = 0; i < sizeof control_packets / sizeof control_packets[0]; i++) {
        add_packet(game, control_packets[i].id, control_packets[i].message, counters);
    }
    for (uint32_t i = 0; i < game_server_packets.packet_count; i++) {
        const struct gw_packet *packet = &game_server_packets.packets[i];
        add_packet(game, packet->id, packet->message, counters);
    }
}

static uint64_t now(const atomic_uint_least64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void server_counters_read(struct game *game, struct server_counters *counters_out)
{
    counters_out->session_count = gw_session_manager_count(game->sessions);
    counters_out->rooms = now(&game->counters.rooms);
    counters_out->rooms_opened = now(&game->counters.rooms_opened);
    counters_out->room_members = now(&game->counters.room_members);
    counters_out->entered = now(&game->counters.entered);
    counters_out->enters_refused = now(&game->counters.enters_refused);
    counters_out->lines = now(&game->counters.lines);
    counters_out->log_dropped = server_log_dropped(game->log);
    gw_port_counters(game->port, &counters_out->port);
    gw_session_manager_counters(game->sessions, &counters_out->sessions);
    read_packets(game, counters_out);
}

/* ---- for people ---- */

static void number(struct server_log_line *line, const char *name, uint64_t value)
{
    server_log_id(line, name, value);
}

static void number_unless_0(struct server_log_line *line, const char *name, uint64_t value)
{
    if (value != 0) {
        server_log_id(line, name, value);
    }
}

static void report_players(const struct server_counters *counters, struct server_log *log,
                           uint64_t uptime_ms)
{
    struct server_log_line line;
    server_log_begin_report(&line, log, "report");
    number(&line, "uptime_s", uptime_ms / 1000);
    number(&line, "sessions", counters->session_count);
    number(&line, "begun", counters->sessions.begun);
    number(&line, "greeted", counters->sessions.greeted);
    number(&line, "rooms", counters->rooms);
    number(&line, "rooms_opened", counters->rooms_opened);
    number(&line, "room_members", counters->room_members);
    number(&line, "entered", counters->entered);
    number(&line, "enters_refused", counters->enters_refused);
    number(&line, "chat_lines", counters->lines);
    number(&line, "log_dropped", counters->log_dropped);
    server_log_end(&line);
}

static void report_ended(const struct server_counters *counters, struct server_log *log)
{
    struct server_log_line line;
    server_log_begin_report(&line, log, "report_ended");
    for (int reason = 0; reason < GW_CLOSE_REASON_COUNT; reason++) {
        number_unless_0(&line, gw_close_reason_name((Gw__CloseReason)reason),
                        counters->sessions.ended[reason]);
    }
    for (int visitor = 0; visitor < GW_VISITOR_COUNT; visitor++) {
        number_unless_0(&line, gw_visitor_name((enum gw_visitor)visitor),
                        counters->sessions.not_a_player[visitor]);
    }
    number_unless_0(&line, "other_schema", counters->sessions.other_schema);
    server_log_end(&line);
}

static void report_bytes(const struct server_counters *counters, struct server_log *log)
{
    struct server_log_line line;
    server_log_begin_report(&line, log, "report_bytes");
    number(&line, "accepted", counters->port.accepted);
    number(&line, "turned_away", counters->port.turned_away);
    number(&line, "accept_pauses", counters->port.accept_pauses);
    number(&line, "streams", counters->port.stream_count);
    number(&line, "bytes_in", counters->port.bytes_in);
    number(&line, "bytes_out", counters->port.bytes_out);
    number(&line, "receives", counters->port.recv_count);
    number(&line, "sends", counters->port.send_count);
    number(&line, "send_queue_bytes", counters->port.send_queue_bytes);
    number(&line, "pool_bytes", counters->port.pool_bytes);
    number(&line, "wakes", counters->port.wake_count);
    server_log_end(&line);
}

static void report_packets(const struct server_counters *counters, struct server_log *log,
                           bool inbound)
{
    struct server_log_line line;
    server_log_begin_report(&line, log, inbound ? "report_packets_in" : "report_packets_out");
    number(&line, "all", inbound ? counters->sessions.frames_in : counters->sessions.frames_out);
    for (uint32_t i = 0; i < counters->packet_kind_count; i++) {
        const struct server_packet_count *count = &counters->packets[i];
        number_unless_0(&line, count->name, inbound ? count->in : count->out);
    }
    server_log_end(&line);
}

void server_counters_report(const struct server_counters *counters, struct server_log *log,
                            uint64_t uptime_ms)
{
    report_players(counters, log, uptime_ms);
    report_ended(counters, log);
    report_bytes(counters, log);
    report_packets(counters, log, true);
    report_packets(counters, log, false);
}

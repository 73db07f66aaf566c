/* server/counters.c: Reading and reporting of the server's counters. */
#include "server/counters.h"

#include "proto/game/game_server.gen.h"
#include "server/game/game.h"
#include "server/log/log.h"

static void add_packet(struct game *game, const struct gw_packet *packet,
                       struct server_counters *counters)
{
    if (counters->packet_count < SERVER_PACKET_COUNT_MAX) {
        struct server_packet_count *count = &counters->packets[counters->packet_count++];
        count->name = packet->name;
        gw_session_manager_packet_counters(game->sessions, packet->id, &count->count);
    }
}

static void add_table(struct game *game, const struct gw_packet_table *table,
                      struct server_counters *counters)
{
    for (uint32_t i = 0; i < table->packet_count; i++) {
        add_packet(game, &table->packets[i], counters);
    }
}

static void read_packets(struct game *game, struct server_counters *counters)
{
    counters->packet_count = 0;
    add_table(game, gw_control_packets(), counters);
    add_table(game, &game_server_packets, counters);
}

static uint64_t load(const atomic_uint_least64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void server_counters_read(struct game *game, struct server_counters *counters_out)
{
    counters_out->session_count = gw_session_manager_count(game->sessions);
    counters_out->pending_count = gw_session_manager_pending_count(game->sessions);
    counters_out->rooms = load(&game->counters.rooms);
    counters_out->rooms_opened = load(&game->counters.rooms_opened);
    counters_out->room_members = load(&game->counters.room_members);
    counters_out->entered = load(&game->counters.entered);
    counters_out->enters_refused = load(&game->counters.enters_refused);
    counters_out->lines = load(&game->counters.lines);
    counters_out->log_dropped = server_log_dropped(game->log);
    counters_out->has_login = game->login != NULL;
    if (game->login != NULL) {
        login_counters_read(game->login, &counters_out->login);
    }
    gw_port_counters(game->port, &counters_out->port);
    gw_session_manager_counters(game->sessions, &counters_out->sessions);
    read_packets(game, counters_out);
}

/* ---- the report ---- */

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
    number(&line, "pending", counters->pending_count);
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
    number_unless_0(&line, "other_schema", counters->sessions.other_schema);
    number_unless_0(&line, "requests_late", counters->sessions.requests_late);
    number_unless_0(&line, "requests_refused", counters->sessions.requests_refused);
    number_unless_0(&line, "answers_ignored", counters->sessions.answers_ignored);
    server_log_end(&line);
}

static void report_logins(const struct server_counters *counters, struct server_log *log)
{
    struct server_log_line line;
    server_log_begin_report(&line, log, "report_logins");
    for (int i = 0; i < GW_TOKEN_RESULT_COUNT; i++) {
        number_unless_0(&line, gw_token_result_name((enum gw_token_result)i),
                        counters->login.tokens[i]);
    }
    number_unless_0(&line, "duplicates", counters->login.duplicates);
    server_log_end(&line);
}

/* Connections that ended before a greeting: probes, scanners, refused ones. They make no line. */
static void report_ungreeted(const struct server_counters *counters, struct server_log *log)
{
    struct server_log_line line;
    server_log_begin_report(&line, log, "report_ungreeted");
    for (int reason = 0; reason < GW_CLOSE_REASON_COUNT; reason++) {
        number_unless_0(&line, gw_close_reason_name((Gw__CloseReason)reason),
                        counters->sessions.ended_ungreeted[reason]);
    }
    for (int foreign = 0; foreign < GW_FOREIGN_COUNT; foreign++) {
        number_unless_0(&line, gw_foreign_protocol_name((enum gw_foreign_protocol)foreign),
                        counters->sessions.unknown_protocol[foreign]);
    }
    number_unless_0(&line, "displaced", counters->sessions.displaced);
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
    number(&line, "send_coalesced", counters->port.send_coalesced_count);
    number(&line, "pool_bytes", counters->port.pool_bytes);
    number(&line, "wakes", counters->port.wake_count);
    server_log_end(&line);
}

/* A line with one counter of each packet; see struct gw_session_packet_counters. */
static const struct {
    const char *event;
    size_t offset;
    bool is_rare; /* omitted when all its numbers are 0 */
} packet_reports[] = {
    {"report_packets_in", offsetof(struct gw_session_packet_counters, in), false},
    {"report_packets_out", offsetof(struct gw_session_packet_counters, out), false},
    {"report_packets_delayed", offsetof(struct gw_session_packet_counters, delayed), true},
    {"report_packets_dropped", offsetof(struct gw_session_packet_counters, dropped), true},
    {"report_packets_crossed", offsetof(struct gw_session_packet_counters, crossed), true},
    {"report_packets_lost", offsetof(struct gw_session_packet_counters, lost), true},
};

static uint64_t number_of(const struct server_packet_count *packet, size_t offset)
{
    return *(const uint64_t *)(const void *)((const char *)&packet->count + offset);
}

static uint64_t sum_of(const struct server_counters *counters, size_t offset)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < counters->packet_count; i++) {
        sum += number_of(&counters->packets[i], offset);
    }
    return sum;
}

static void report_packets(const struct server_counters *counters, struct server_log *log,
                           const char *event, size_t offset)
{
    struct server_log_line line;
    server_log_begin_report(&line, log, event);
    number(&line, "all", sum_of(counters, offset));
    for (uint32_t i = 0; i < counters->packet_count; i++) {
        const struct server_packet_count *packet = &counters->packets[i];
        number_unless_0(&line, packet->name, number_of(packet, offset));
    }
    server_log_end(&line);
}

void server_counters_report(const struct server_counters *counters, struct server_log *log,
                            uint64_t uptime_ms)
{
    report_players(counters, log, uptime_ms);
    report_ended(counters, log);
    report_ungreeted(counters, log);
    if (counters->has_login) {
        report_logins(counters, log);
    }
    report_bytes(counters, log);
    for (size_t i = 0; i < sizeof packet_reports / sizeof packet_reports[0]; i++) {
        size_t offset = packet_reports[i].offset;
        if (!packet_reports[i].is_rare || sum_of(counters, offset) > 0) {
            report_packets(counters, log, packet_reports[i].event, offset);
        }
    }
}

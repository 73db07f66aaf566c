/* server/admin/metrics.c: Every counter as a metric, in two text formats. */
#include "server/admin/answers.h"

#include "net/port.h"
#include "server/counters.h"
#include "server/server.h"

#include <inttypes.h>
#include <time.h>

/* A family of metrics: lines with the same name and other labels. */
struct writer {
    struct admin_text *text;
    bool openmetrics;
    const char *name;
    bool is_counter;
};

static void begin(struct writer *writer, const char *name, bool is_counter, const char *help)
{
    const char *suffix = is_counter && !writer->openmetrics ? "_total" : "";
    writer->name = name;
    writer->is_counter = is_counter;
    admin_text_add(writer->text, "# TYPE gangway_%s%s %s\n# HELP gangway_%s%s %s\n", name, suffix,
                   is_counter ? "counter" : "gauge", name, suffix, help);
}

static void value(struct writer *writer, const char *label, const char *label_value,
                  uint64_t number)
{
    admin_text_add(writer->text, "gangway_%s%s", writer->name, writer->is_counter ? "_total" : "");
    if (label != NULL) {
        admin_text_add(writer->text, "{%s=\"", label);
        admin_text_add_label(writer->text, label_value);
        admin_text_add(writer->text, "\"}");
    }
    admin_text_add(writer->text, " %" PRIu64 "\n", number);
}

static void counter(struct writer *writer, const char *name, const char *help, uint64_t number)
{
    begin(writer, name, true, help);
    value(writer, NULL, NULL, number);
}

static void gauge(struct writer *writer, const char *name, const char *help, uint64_t number)
{
    begin(writer, name, false, help);
    value(writer, NULL, NULL, number);
}

static void write_program(struct writer *writer, struct server *server)
{
    const struct gw_port *port = server_port(server);
    begin(writer, "build_info", false, "The version and the kernel interface of the server.");
    admin_text_add(writer->text, "gangway_build_info{version=\"%s\",backend=\"%s\"} 1\n",
                   GANGWAY_VERSION, gw_backend_name(gw_port_backend(port)));
    gauge(writer, "workers", "Worker threads.", gw_port_worker_count(port));
    gauge(writer, "draining", "1 while the server shuts down gracefully.",
          server_is_draining(server));
    begin(writer, "uptime_seconds", false, "Time since the server began.");
    admin_text_add(writer->text, "gangway_uptime_seconds %.3f\n",
                   (double)server_uptime_ns(server) / 1e9);
    begin(writer, "cpu_seconds", true, "Processor time of the process.");
    admin_text_add(writer->text, "gangway_cpu_seconds_total %.6f\n",
                   (double)clock() / (double)CLOCKS_PER_SEC);
}

static void write_sessions(struct writer *writer, const struct server_counters *counters)
{
    const struct gw_session_counters *sessions = &counters->sessions;
    gauge(writer, "sessions", "Sessions now.", counters->session_count);
    gauge(writer, "sessions_pending", "Connections without a HELLO now.", counters->pending_count);
    counter(writer, "sessions_begun", "Connections that were accepted.", sessions->begun);
    counter(writer, "sessions_greeted", "Sessions that completed the greeting.", sessions->greeted);
    begin(writer, "sessions_ended", true, "Sessions that have ended, by close reason.");
    for (int reason = 0; reason < GW_CLOSE_REASON_COUNT; reason++) {
        const char *name = gw_close_reason_name((Gw__CloseReason)reason);
        if (name[0] != '?') {
            value(writer, "reason", name, sessions->ended[reason]);
        }
    }
    begin(writer, "sessions_ended_ungreeted", true,
          "Connections that have ended before the greeting, by close reason.");
    for (int reason = 0; reason < GW_CLOSE_REASON_COUNT; reason++) {
        const char *name = gw_close_reason_name((Gw__CloseReason)reason);
        if (name[0] != '?') {
            value(writer, "reason", name, sessions->ended_ungreeted[reason]);
        }
    }
    begin(writer, "foreign_protocols", true, "Connections that spoke another protocol, by kind.");
    for (int foreign = 0; foreign < GW_FOREIGN_COUNT; foreign++) {
        value(writer, "protocol", gw_foreign_protocol_name((enum gw_foreign_protocol)foreign),
              sessions->unknown_protocol[foreign]);
    }
    counter(writer, "sessions_displaced", "Sessions ended before HELLO to make room.",
            sessions->displaced);
    counter(writer, "other_schemas", "HELLOs with another schema hash.", sessions->other_schema);
    counter(writer, "requests_late", "Requests answered with ERROR TIMEOUT.",
            sessions->requests_late);
    counter(writer, "requests_refused", "Requests refused because too many were open.",
            sessions->requests_refused);
    counter(writer, "answers_ignored", "Answers to requests that were not open.",
            sessions->answers_ignored);
}

static void write_packets(struct writer *writer, const struct server_counters *counters)
{
    static const struct {
        const char *name;
        const char *help;
        size_t offset;
    } families[] = {
        {"packets_received", "Packets received, by type.",
         offsetof(struct gw_session_packet_counters, in)},
        {"packets_sent", "Packets sent, by type; once for each receiver.",
         offsetof(struct gw_session_packet_counters, out)},
        {"packets_delayed", "Packets that waited for a token of their rate.",
         offsetof(struct gw_session_packet_counters, delayed)},
        {"packets_dropped", "Droppable packets above their rate.",
         offsetof(struct gw_session_packet_counters, dropped)},
        {"packets_crossed", "Packets that crossed a change of stage.",
         offsetof(struct gw_session_packet_counters, crossed)},
        {"packets_lost", "Coalesced packets that a slow reader lost.",
         offsetof(struct gw_session_packet_counters, lost)},
    };
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        begin(writer, families[i].name, true, families[i].help);
        for (uint32_t k = 0; k < counters->packet_count; k++) {
            const struct server_packet_count *packet = &counters->packets[k];
            const char *count = (const char *)&packet->count + families[i].offset;
            value(writer, "packet", packet->name, *(const uint64_t *)(const void *)count);
        }
    }
}

static void write_connections(struct writer *writer, const struct gw_port_counters *port)
{
    gauge(writer, "connections", "Open connections.", port->stream_count);
    counter(writer, "connections_accepted", "Accepted connections.", port->accepted);
    counter(writer, "connections_turned_away", "Connections closed at once, for want of room.",
            port->turned_away);
    counter(writer, "accept_pauses", "Times that accepting paused.", port->accept_pauses);
    counter(writer, "received_bytes", "Bytes received.", port->bytes_in);
    counter(writer, "sent_bytes", "Bytes sent.", port->bytes_out);
    counter(writer, "receives", "Receives that returned bytes.", port->recv_count);
    counter(writer, "sends", "Sends that took bytes.", port->send_count);
    gauge(writer, "send_queue_bytes", "Bytes in the send queues of all connections.",
          port->send_queue_bytes);
    counter(writer, "sends_coalesced", "Older messages dropped for newer ones.",
            port->send_coalesced_count);
    gauge(writer, "pool_bytes", "Bytes of rings, chunks and queue entries.", port->pool_bytes);
    counter(writer, "wakes", "Times that one thread woke another.", port->wake_count);
}

static void write_game(struct writer *writer, const struct server_counters *counters)
{
    gauge(writer, "rooms", "Rooms now.", counters->rooms);
    gauge(writer, "room_members", "Players in rooms now.", counters->room_members);
    counter(writer, "rooms_opened", "Rooms that were created.", counters->rooms_opened);
    counter(writer, "rooms_entered", "Players that entered a room.", counters->entered);
    counter(writer, "enters_refused", "Enters that were refused.", counters->enters_refused);
    counter(writer, "chat_lines", "Chat lines.", counters->lines);
    counter(writer, "log_lines_dropped", "Log lines that were dropped.", counters->log_dropped);
    if (counters->has_login) {
        begin(writer, "logins", true, "Login tokens, by result.");
        for (int i = 0; i < GW_TOKEN_RESULT_COUNT; i++) {
            value(writer, "result", gw_token_result_name((enum gw_token_result)i),
                  counters->login.tokens[i]);
        }
        counter(writer, "duplicate_logins", "Logins of an account that was logged in.",
                counters->login.duplicates);
    }
}

void admin_write_metrics(struct admin_text *text, struct server *server, bool openmetrics)
{
    struct writer writer = {.text = text, .openmetrics = openmetrics};
    struct server_counters counters;
    server_counters(server, &counters);
    write_program(&writer, server);
    write_sessions(&writer, &counters);
    write_packets(&writer, &counters);
    write_connections(&writer, &counters.port);
    write_game(&writer, &counters);
    if (openmetrics) {
        admin_text_add(text, "# EOF\n");
    }
}

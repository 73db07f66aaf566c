/* server/admin/state.c: The program, its configuration, listeners and counters as JSON. */
#include "server/admin/answers.h"

#include "net/port.h"
#include "server/config/options.h"
#include "server/counters.h"
#include "server/server.h"

#include <inttypes.h>

static void write_config(struct admin_text *text, const struct server_config *config)
{
    char option[SERVER_OPTION_TEXT_BYTES];
    admin_text_add(text, "\"config\":{");
    for (size_t i = 0; i < server_option_count; i++) {
        admin_text_add(text, "%s\"%s\":", i == 0 ? "" : ",", server_options[i].name);
        admin_text_add_json(text, server_option_text(&server_options[i], config, option));
    }
    admin_text_add(text, "},");
}

static void write_listeners(struct admin_text *text, const struct server *server)
{
    char url[URL_TEXT_BYTES];
    admin_text_add(text, "\"listeners\":[");
    for (uint32_t i = 0; server_url(server, i) != NULL; i++) {
        admin_text_add(text, "%s", i == 0 ? "" : ",");
        admin_text_add_json(text, url_format(server_url(server, i), url));
    }
    admin_text_add(text, "],");
}

static void number(struct admin_text *text, const char *name, uint64_t value)
{
    admin_text_add(text, "\"%s\":%" PRIu64 ",", name, value);
}

static void write_counters(struct admin_text *text, const struct server_counters *counters)
{
    number(text, "sessions", counters->session_count);
    number(text, "sessions_pending", counters->pending_count);
    number(text, "sessions_begun", counters->sessions.begun);
    number(text, "sessions_greeted", counters->sessions.greeted);
    number(text, "rooms", counters->rooms);
    number(text, "room_members", counters->room_members);
    number(text, "connections", counters->port.stream_count);
    number(text, "received_bytes", counters->port.bytes_in);
    number(text, "sent_bytes", counters->port.bytes_out);
    number(text, "send_queue_bytes", counters->port.send_queue_bytes);
    admin_text_add(text, "\"ended\":{");
    const char *separator = "";
    for (int reason = 0; reason < GW_CLOSE_REASON_COUNT; reason++) {
        if (counters->sessions.ended[reason] > 0) {
            admin_text_add(text, "%s\"%s\":%" PRIu64, separator,
                           gw_close_reason_name((Gw__CloseReason)reason),
                           counters->sessions.ended[reason]);
            separator = ",";
        }
    }
    admin_text_add(text, "}");
}

void admin_write_state(struct admin_text *text, struct server *server,
                       const struct server_config *config)
{
    struct server_counters counters;
    const struct gw_port *port = server_port(server);
    server_counters(server, &counters);
    admin_text_add(text, "{\"program\":\"gangway-server\",\"version\":\"%s\",\"backend\":\"%s\",",
                   GANGWAY_VERSION, gw_backend_name(gw_port_backend(port)));
    number(text, "workers", gw_port_worker_count(port));
    number(text, "uptime_ms", server_uptime_ns(server) / 1000000);
    admin_text_add(text, "\"draining\":%s,", server_is_draining(server) ? "true" : "false");
    write_listeners(text, server);
    write_config(text, config);
    write_counters(text, &counters);
    admin_text_add(text, "}\n");
}

bool admin_write_web_socket(struct admin_text *text, const struct server *server)
{
    char url[URL_TEXT_BYTES];
    for (uint32_t i = 0; server_url(server, i) != NULL; i++) {
        if (url_has_websocket(server_url(server, i))) {
            admin_text_add(text, "%s\n", url_format(server_url(server, i), url));
            return true;
        }
    }
    return false;
}

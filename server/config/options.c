/* server/config/options.c: The table of options, one row for each. */
#include "server/config/options.h"

#include "net/log.h"
#include "net/port.h"
#include "net/stream.h"
#include "protocol/frame.h"
#include "server/log/limit.h"
#include "session/token.h"
#include "tools/common/command_line.h"

#include <string.h>

enum { MINUTE_MS = 60 * 1000, DAY_MS = 24 * 60 * MINUTE_MS, MEBIBYTE = 1024 * 1024 };

/* A message of the maximum size, and a full batch of a room, which has the same size. */
enum {
    LONGEST_BYTES = GW_FRAME_HEADER_BYTES + 64 * 1024 + GW_STREAM_BUF_OVERHEAD_BYTES,
    SEND_QUEUE_BYTES_MIN = 2 * LONGEST_BYTES,
};

static const char *backend_name(uint32_t value)
{
    return gw_backend_name((enum gw_backend)value);
}

static const char *level_name(uint32_t value)
{
    return gw_log_level_name((enum gw_log_level)value);
}

static const char *auth_name(uint32_t value)
{
    static const char *const names[] = {"open", "token"};
    return names[value];
}

static const char *duplicate_name(uint32_t value)
{
    static const char *const names[] = {"newest", "oldest", "allow"};
    return names[value];
}

#define AT(member) .offset = offsetof(struct server_config, member), .name = #member
#define NUMBER(least, most, unit)                                                                  \
    .kind = SERVER_OPTION_NUMBER, .min = (least), .max = (most), .value = (unit)
#define CHOICE(most, names)                                                                        \
    .kind = SERVER_OPTION_CHOICE, .max = (most), .name_of = (names), .value = "NAME"

#define TEXT(most, what, placeholder)                                                              \
    .kind = SERVER_OPTION_TEXT, .max = (most), .wants = (what), .value = (placeholder)

const struct server_option server_options[] = {
    {AT(listen), .kind = SERVER_OPTION_LISTEN, .value = "URL",
     .initial = "127.0.0.1:7777,ws://127.0.0.1:7778",
     .help = "addresses to listen on, separated by commas"},
    {AT(insecure_listen), .kind = SERVER_OPTION_SWITCH, .initial = "no",
     .help = "listen also where other machines can connect without TLS"},
    {AT(tls_cert), TEXT(SERVER_TEXT_BYTES - 1, "a file", "FILE"), .initial = "",
     .help = "certificates for tls:// and wss://, PEM: the server's first"},
    {AT(tls_key), TEXT(SERVER_TEXT_BYTES - 1, "a file", "FILE"), .initial = "",
     .help = "the key of the certificate, PEM; empty: in the same file"},
    {AT(tls_handshakes_max), NUMBER(1, 100000, "COUNT"), .initial = "500",
     .help = "maximum number of TLS handshakes at a time, on each listener"},
    {AT(ws_origins), TEXT(SERVER_TEXT_BYTES - 1, "origins, separated by commas", "ORIGIN"),
     .initial = "", .help = "sites that browsers may come from; empty: this host; *: any"},
    {AT(proxy_from), TEXT(SERVER_TEXT_BYTES - 1, "networks, separated by commas", "CIDR"),
     .initial = "", .help = "proxies, which must send a PROXY header: 10.0.0.0/8,::1"},
    {AT(backend), CHOICE(GW_BACKEND_EPOLL, backend_name), .initial = "auto",
     .help = "kernel interface of the completion port"},
    {AT(workers), NUMBER(0, GW_PORT_WORKER_COUNT_MAX, "COUNT"), .initial = "0",
     .help = "worker threads; 0: one for each processor"},
    {AT(sessions_max), NUMBER(1, 1000000, "COUNT"), .initial = "10000",
     .help = "maximum number of sessions"},
    {AT(pending_max), NUMBER(0, 1000000, "COUNT"), .initial = "0",
     .help = "connections that are not greeted; 0: sessions_max / 4, at least 1024"},
    {AT(address_connections_max), NUMBER(0, 1000000, "COUNT"), .initial = "20",
     .help = "connections of one address (IPv4, or a /64 of IPv6); 0: no limit"},
    {AT(address_connects_per_second), NUMBER(0, 100000, "COUNT"), .initial = "10",
     .help = "new connections of one address; burst: 4 times as many; 0: no limit"},
    {AT(limit_loopback), .kind = SERVER_OPTION_SWITCH, .initial = "no",
     .help = "limit addresses of 127.0.0.0/8 and ::1, too"},
    {AT(room_members_max), NUMBER(1, 1000, "COUNT"), .initial = "100",
     .help = "maximum number of players in a room"},
    {AT(rooms_max), NUMBER(1, 100000, "COUNT"), .initial = "1000",
     .help = "maximum number of rooms"},
    {AT(room_tick_ms), NUMBER(0, 10000, "MS"), .initial = "50",
     .help = "interval between a room's broadcasts; 0: send at once"},
    {AT(drain_ms), NUMBER(0, 60 * MINUTE_MS, "MS"), .initial = "2000",
     .help = "time that players are served after a stop signal"},
    {AT(greeting_timeout_ms), NUMBER(1, 60 * MINUTE_MS, "MS"), .initial = "5000",
     .help = "maximum time from connect to the greeting"},
    {AT(heartbeat_ms), NUMBER(100, 60 * MINUTE_MS, "MS"), .initial = "10000",
     .help = "PING a client that sent nothing for so long; end after 3 times"},
    {AT(idle_timeout_ms), NUMBER(0, DAY_MS, "MS"), .initial = "0",
     .help = "end a session without game packets for so long; 0: never"},
    {AT(frame_timeout_ms), NUMBER(1, 60 * MINUTE_MS, "MS"), .initial = "10000",
     .help = "maximum time from a packet's first byte to its last"},
    {AT(excess_ms), NUMBER(1, DAY_MS, "MS"), .initial = "12000",
     .help = "end a session that is so far ahead of a rate, after a burst"},
    {AT(unlimited), .kind = SERVER_OPTION_SWITCH, .initial = "no",
     .help = "do not limit rates; for measurements"},
    {AT(request_timeout_ms), NUMBER(1, 60 * MINUTE_MS, "MS"), .initial = "5000",
     .help = "time from a request to ERROR TIMEOUT"},
    {AT(send_queue_bytes_max), NUMBER(SEND_QUEUE_BYTES_MIN, 256 * MEBIBYTE, "BYTES"),
     .initial = "262144", .help = "end a session whose send queue exceeds so many bytes"},
    {AT(auth), CHOICE(SERVER_AUTH_TOKEN, auth_name), .initial = "open",
     .help = "open: a player says its name; token: a login token proves it"},
    {AT(token_key), TEXT(SERVER_TEXT_BYTES - 1, "a file", "FILE"), .initial = "",
     .help = "keys of login tokens, made by gangway-token key"},
    {AT(token_realm), TEXT(GW_TOKEN_REALM_BYTES_MAX, "a name", "NAME"), .initial = "gangway",
     .help = "realm that login tokens must be for"},
    {AT(duplicate_login), CHOICE(SERVER_DUPLICATE_ALLOW, duplicate_name), .initial = "newest",
     .help = "which login of one account stays, with --auth token"},
    {AT(log_level), CHOICE(GW_LOG_DEBUG, level_name), .initial = "info",
     .help = "log lines of this level and of more severe ones"},
    {AT(log_packets), .kind = SERVER_OPTION_SWITCH, .initial = "no",
     .help = "log every packet, decoded"},
    {AT(log_lines_per_second), NUMBER(1, SERVER_LOG_LINES_MAX, "COUNT"), .initial = "1000",
     .help = "maximum number of log lines; further lines are counted"},
    {AT(report_seconds), NUMBER(0, DAY_MS / 1000, "SECONDS"), .initial = "60",
     .help = "interval between reports; 0: only on SIGUSR1 and at the end"},
    {AT(admin),
     TEXT(GW_ADDR_TEXT_BYTES - 1, "an address such as 127.0.0.1:7780, or off", "ADDRESS"),
     .initial = "127.0.0.1:7780", .help = "address of /metrics and the like, by HTTP; off: none"},
    {AT(admin_token), TEXT(SERVER_TEXT_BYTES - 1, "a file", "FILE"), .initial = "",
     .help = "file with the token that requests there need"},
};
const size_t server_option_count = sizeof server_options / sizeof server_options[0];

_Static_assert(sizeof server_options / sizeof server_options[0] <= 64, "server_config.given");

const struct server_option *server_option_find(const struct command_line_option *option)
{
    for (size_t i = 0; i < server_option_count; i++) {
        if (command_line_is_named(option, server_options[i].name)) {
            return &server_options[i];
        }
    }
    return NULL;
}

bool server_option_is_given(const struct server_config *config, const char *name)
{
    const struct command_line_option option = {.name = name, .name_bytes = strlen(name)};
    const struct server_option *found = server_option_find(&option);
    return found != NULL && (config->given >> (found - server_options) & 1) != 0;
}

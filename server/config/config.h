/* server/config/config.h: The server's configuration: command line and INI file. */
#ifndef GW_SERVER_CONFIG_CONFIG_H
#define GW_SERVER_CONFIG_CONFIG_H

#include "tools/common/problem.h"
#include "tools/common/url.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    SERVER_LISTEN_COUNT_MAX = 16,
    SERVER_TEXT_BYTES = 512, /* of a text and its NUL */
};

enum server_auth { SERVER_AUTH_OPEN, SERVER_AUTH_TOKEN };

/* Which session stays when an account logs in twice. */
enum server_duplicate { SERVER_DUPLICATE_NEWEST, SERVER_DUPLICATE_OLDEST, SERVER_DUPLICATE_ALLOW };

/* Each member is the value of the option of the same name; options.c has the table. */
struct server_config {
    struct url listen[SERVER_LISTEN_COUNT_MAX];
    uint32_t listen_count;
    bool listen_is_default; /* the option was not given: WebSocket may be missing */
    char tls_cert[SERVER_TEXT_BYTES];
    char tls_key[SERVER_TEXT_BYTES];
    uint32_t tls_handshakes_max;
    char ws_origins[SERVER_TEXT_BYTES];
    char proxy_from[SERVER_TEXT_BYTES];
    uint32_t backend; /* enum gw_backend */
    uint32_t workers;
    uint32_t sessions_max;
    uint32_t pending_max;             /* 0: a default */
    uint32_t address_connections_max; /* 0: no limit, as the next one */
    uint32_t address_connects_per_second;
    bool limit_loopback;
    bool insecure_listen;
    uint32_t room_members_max;
    uint32_t rooms_max;
    uint32_t room_tick_ms;
    uint32_t drain_ms;
    uint32_t greeting_timeout_ms;
    uint32_t heartbeat_ms;
    uint32_t idle_timeout_ms;
    uint32_t frame_timeout_ms;
    uint32_t excess_ms;
    bool unlimited;
    uint32_t request_timeout_ms;
    uint32_t send_queue_bytes_max;
    uint32_t auth; /* enum server_auth */
    char token_key[SERVER_TEXT_BYTES];
    char token_realm[SERVER_TEXT_BYTES];
    uint32_t duplicate_login; /* enum server_duplicate */
    uint32_t log_level;       /* enum gw_log_level */
    bool log_packets;
    uint32_t log_lines_per_second;
    uint32_t report_seconds;
    char admin[SERVER_TEXT_BYTES];
    char admin_token[SERVER_TEXT_BYTES];

    uint64_t given; /* a bit for each option of the table that the file or the command line sets */
};

/* Sets every option to its default. */
void server_config_init(struct server_config *config);

enum server_config_result {
    SERVER_CONFIG_RUN,  /* the configuration is complete */
    SERVER_CONFIG_DONE, /* --help, --version or --print-config: the output was printed */
    SERVER_CONFIG_BAD,  /* *problem_out has the reason */
};

/*
 * Reads the command line, and the INI file that it names. Options of the command line override
 * those of the file. Prints the output of --help, --version and --print-config to `out`.
 */
enum server_config_result server_config_read(int argc, char **argv, FILE *out,
                                             struct server_config *config_out,
                                             struct problem *problem_out);

/*
 * Reads an INI file: `name = value` lines, comments from ; or #. Names are those of the options.
 *
 * Returns   whether the file is valid; if not, *problem_out has the reason, with the name of the
 *           file and the number of the line.
 */
bool server_config_read_file(struct server_config *config, const char *path,
                             struct problem *problem_out);

/*
 * Without TLS everybody on the way reads and changes what players send, also their login tokens. So
 * only this machine may connect, unless --insecure-listen was given.
 *
 * Returns   whether the server may listen there; if not, *problem_out has the reason.
 */
bool server_config_check_listen(const struct server_config *config, const struct url *url,
                                struct problem *problem_out);

/* Prints the configuration as an INI file that server_config_read_file() reads back. */
void server_config_print(const struct server_config *config, FILE *out);

/* Prints the output of --help. */
void server_config_print_help(FILE *out);

#endif

/* tools/dummy-client/options.h: the options of the command line. */
#ifndef GW_DUMMY_OPTIONS_H
#define GW_DUMMY_OPTIONS_H

#include "net/addr.h"
#include "net/port.h"
#include "net/stream.h"
#include "tools/common/problem.h"
#include "tools/common/url.h"
#include "tools/dummy-client/script.h"
#include "tools/dummy-client/source.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct gw_packet;
struct gw_tokens;

struct dummy_options {
    struct url connect;
    const char *tls_ca; /* the file with trusted certificates; NULL: those of the system */
    bool tls_insecure;
    struct gw_filter_source *filters[GW_STREAM_FILTER_COUNT_MAX]; /* see connect.h */
    struct dummy_source source;
    uint32_t client_count;
    uint32_t room_size;
    enum dummy_script script;
    uint64_t rate_millionths;     /* of a message per second, for each client */
    const struct gw_packet *send; /* instead of the script, once from each client; or NULL */
    uint32_t slow_count;          /* the first so many clients read slowly while they send */
    uint64_t talk_microseconds;   /* how long clients send, after the ramp */
    uint64_t ramp_microseconds;   /* the time over which clients are dialed */
    uint32_t worker_count;
    enum gw_backend backend;
    const char *token_key;    /* the key file of login tokens; NULL: clients send none */
    struct gw_tokens *tokens; /* opened from it by the program */
    bool stay;                /* continue after GOAWAY, until the server closes */
    bool json;
    bool quiet;
    bool take_signals; /* stop early on signals; set by the program only */
};

enum dummy_options_result {
    DUMMY_OPTIONS_RUN,
    DUMMY_OPTIONS_HELP,    /* --help was given */
    DUMMY_OPTIONS_VERSION, /* --version was given */
    DUMMY_OPTIONS_BAD
};

/* Whether clients enter rooms: for their script, or for the packet of --send. */
bool dummy_options_have_rooms(const struct dummy_options *options);

/* Sets every option to its default. */
void dummy_options_init(struct dummy_options *options_out);

/*
 * Parses a command line, "--name value" or "--name=value", on top of the defaults.
 *
 * Returns   what to do. On BAD *problem_out has a line with the error and its remedy;
 *           *options_out is set only on RUN.
 */
enum dummy_options_result dummy_options_read(int argc, char *const *argv,
                                             struct dummy_options *options_out,
                                             struct problem *problem_out);

/* Print the output of --help and --version. */
void dummy_options_print_help(FILE *file);
void dummy_options_print_version(FILE *file);

#endif

/* tools/dummy-client/options.h: what the user asks of the clients. */
#ifndef GW_DUMMY_OPTIONS_H
#define GW_DUMMY_OPTIONS_H

#include "net/addr.h"
#include "net/port.h"
#include "tools/dummy-client/script.h"
#include "tools/dummy-client/source.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct gw_packet;

struct dummy_options {
    struct gw_addr connect;
    struct dummy_source source;
    uint32_t client_count;
    uint32_t room_size;
    enum dummy_script script;
    uint64_t rate_millionths;     /* of a message, per client and second */
    const struct gw_packet *send; /* instead of the script, once for each client; or NULL */
    uint32_t slow_count;          /* so many read slowly while they talk */
    uint64_t talk_microseconds;   /* how long clients talk, once all should have come */
    uint64_t ramp_microseconds;   /* over which they come */
    uint32_t worker_count;
    enum gw_backend backend;
    bool stay; /* where GOAWAY came, go on until the server closes */
    bool json;
    bool quiet;
    bool take_signals; /* stop early on SIGINT; for the program alone */
};

enum dummy_options_result {
    DUMMY_OPTIONS_RUN,
    DUMMY_OPTIONS_HELP,    /* --help was among them */
    DUMMY_OPTIONS_VERSION, /* --version was */
    DUMMY_OPTIONS_BAD
};

enum { DUMMY_PROBLEM_BYTES = 1000 };

/* Whether clients are in rooms: there is a script for it, or a packet that is sent there. */
bool dummy_options_have_rooms(const struct dummy_options *options);

/* Sets every option to its default. */
void dummy_options_init(struct dummy_options *options_out);

/*
 * Reads a command line, "--name value" or "--name=value", on top of the defaults.
 *
 * Returns   what is to be done. On BAD `problem_out` says in one line what is wrong and what to do;
 *           *options_out is set only on RUN.
 */
enum dummy_options_result dummy_options_read(int argc, char *const *argv,
                                             struct dummy_options *options_out,
                                             char problem_out[DUMMY_PROBLEM_BYTES]);

/* Prints what --help and --version ask for. */
void dummy_options_print_help(FILE *file);
void dummy_options_print_version(FILE *file);

#endif

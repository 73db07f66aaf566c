/* tools/dummy-client/options.c: the options of the command line. */
#include "tools/dummy-client/options.h"
#include "tools/common/command_line.h"
#include "tools/dummy-client/fill.h"
#include "tools/dummy-client/option.h"
#include "tools/dummy-client/text.h"
#include <string.h>

#define FIELD(name) offsetof(struct dummy_options, name)

static const struct dummy_option table[] = {
    {.name = "connect",
     .value = "URL",
     .initial = "127.0.0.1:7777",
     .help = "where the server listens",
     .wants =
         "HOST:PORT such as 127.0.0.1:7777, tls://HOST:PORT, ws:// or wss://HOST:PORT/PATH, or "
         "unix:/PATH",
     .field = FIELD(connect),
     .take = dummy_take_url},
    {.name = "tls-ca",
     .value = "FILE",
     .help = "trust the certificates in this file, PEM, instead of the system's",
     .wants = "a file",
     .field = FIELD(tls_ca),
     .take = dummy_take_text},
    {.name = "tls-insecure",
     .help = "accept any certificate",
     .field = FIELD(tls_insecure),
     .take = dummy_take_flag},
    {.name = "source",
     .value = "A[-B]",
     .help = "IPv4 addresses to connect from, round robin",
     .wants = "IPv4 addresses, such as 127.0.0.2-127.0.0.21",
     .field = FIELD(source),
     .take = dummy_take_source},
    {.name = "clients",
     .value = "N",
     .initial = "10",
     .help = "number of clients",
     .min = 1,
     .max = DUMMY_CLIENT_COUNT_MAX,
     .field = FIELD(client_count),
     .take = dummy_take_count},
    {.name = "room-size",
     .value = "N",
     .initial = "50",
     .help = "clients in each room",
     .min = 1,
     .max = 10000,
     .field = FIELD(room_size),
     .take = dummy_take_count},
    {.name = "script",
     .value = "NAME",
     .initial = "mixed",
     .help = "what they send: hello, chat, move or mixed",
     .wants = "hello, chat, move or mixed",
     .field = FIELD(script),
     .take = dummy_take_script},
    {.name = "send",
     .value = "PACKET",
     .help = "send this once from each, with generated values",
     .wants = "one of",
     .list = dummy_fill_list,
     .field = FIELD(send),
     .take = dummy_take_packet},
    {.name = "slow-readers",
     .value = "N",
     .initial = "0",
     .help = "the first N read two packets a second while they send",
     .max = DUMMY_CLIENT_COUNT_MAX,
     .field = FIELD(slow_count),
     .take = dummy_take_count},
    {.name = "rate",
     .value = "N",
     .initial = "1",
     .help = "messages per second of each client, such as 5 or 0.2; 0: silent",
     .max = 10000,
     .field = FIELD(rate_millionths),
     .take = dummy_take_millionths},
    {.name = "seconds",
     .value = "N",
     .initial = "10",
     .help = "how long they send, after the ramp",
     .max = 86400,
     .field = FIELD(talk_microseconds),
     .take = dummy_take_millionths},
    {.name = "ramp",
     .value = "SECONDS",
     .initial = "1",
     .help = "time over which they connect",
     .max = 3600,
     .field = FIELD(ramp_microseconds),
     .take = dummy_take_millionths},
    {.name = "workers",
     .value = "N",
     .initial = "0",
     .help = "worker threads; 0: one for each processor",
     .max = GW_PORT_WORKER_COUNT_MAX,
     .field = FIELD(worker_count),
     .take = dummy_take_count},
    {.name = "backend",
     .value = "NAME",
     .initial = "auto",
     .help = "kernel interface: auto, iocp, uring or epoll",
     .wants = "auto, iocp, uring or epoll",
     .field = FIELD(backend),
     .take = dummy_take_backend},
    {.name = "token-key",
     .value = "FILE",
     .help = "log in with tokens sealed with its first key, as accounts 1, 2, ...",
     .wants = "a file that gangway-token key has made",
     .field = FIELD(token_key),
     .take = dummy_take_text},
    {.name = "stay",
     .help = "continue after GOAWAY until the server closes",
     .field = FIELD(stay),
     .take = dummy_take_flag},
    {.name = "json",
     .help = "print the report as one JSON object",
     .field = FIELD(json),
     .take = dummy_take_flag},
    {.name = "quiet",
     .help = "print no progress line each second",
     .field = FIELD(quiet),
     .take = dummy_take_flag},
    {.name = "help", .help = "print this help"},
    {.name = "version", .help = "print the version"},
};

enum { OPTION_COUNT = sizeof table / sizeof table[0] };

static void *field_of(struct dummy_options *options, const struct dummy_option *option)
{
    return (char *)options + option->field;
}

bool dummy_options_have_rooms(const struct dummy_options *options)
{
    if (options->send != NULL) {
        return dummy_fill_in_room(options->send);
    }
    return dummy_script_has_rooms(options->script);
}

void dummy_options_init(struct dummy_options *options_out)
{
    *options_out = (struct dummy_options){0};
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (table[i].initial != NULL) {
            table[i].take(table[i].initial, &table[i], field_of(options_out, &table[i]));
        }
    }
}

static const struct dummy_option *find(const struct command_line_option *argument)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (command_line_is_named(argument, table[i].name)) {
            return &table[i];
        }
    }
    return NULL;
}

static bool explain(const struct dummy_option *option, const char *text, struct problem *problem)
{
    if (option->wants == NULL) {
        return problem_set(problem, "--%s %.60s: give a number from %llu to %llu", option->name,
                           text, (unsigned long long)option->min, (unsigned long long)option->max);
    }
    char list[PROBLEM_BYTES - 200] = "";
    if (option->list != NULL) {
        option->list(list, sizeof list);
    }
    return problem_set(problem, "--%s %.60s: give %s%s", option->name, text, option->wants, list);
}

static bool read_option(struct command_line *line, struct dummy_options *options,
                        struct problem *problem)
{
    struct command_line_option argument;
    if (!command_line_next(line, &argument, problem)) {
        return false;
    }
    const struct dummy_option *option = find(&argument);
    if (option == NULL) {
        return command_line_unknown(&argument, problem);
    }
    bool is_complete = option->value == NULL
                           ? command_line_refuse_value(&argument, problem)
                           : command_line_take_value(line, &argument, option->value, problem);
    return is_complete && (option->take == NULL ||
                           option->take(argument.value, option, field_of(options, option)) ||
                           explain(option, argument.value, problem));
}

/* HELP or VERSION if the option is given anywhere; otherwise RUN. */
static enum dummy_options_result look_for_page(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return DUMMY_OPTIONS_HELP;
        }
        if (strcmp(argv[i], "--version") == 0) {
            return DUMMY_OPTIONS_VERSION;
        }
    }
    return DUMMY_OPTIONS_RUN;
}

enum dummy_options_result dummy_options_read(int argc, char *const *argv,
                                             struct dummy_options *options_out,
                                             struct problem *problem_out)
{
    enum dummy_options_result page = look_for_page(argc, argv);
    if (page != DUMMY_OPTIONS_RUN) {
        return page;
    }
    struct dummy_options options;
    struct command_line line = {.count = argc, .arguments = argv, .next = 1};
    dummy_options_init(&options);
    while (line.next < line.count) {
        if (!read_option(&line, &options, problem_out)) {
            return DUMMY_OPTIONS_BAD;
        }
    }
    if (options.slow_count > options.client_count) {
        problem_set(problem_out, "--slow-readers %u: there are %u --clients; give as many or fewer",
                    (unsigned)options.slow_count, (unsigned)options.client_count);
        return DUMMY_OPTIONS_BAD;
    }
    *options_out = options;
    return DUMMY_OPTIONS_RUN;
}

void dummy_options_print_help(FILE *file)
{
    fprintf(file, "gangway-dummy: a load generator whose clients check what they receive.\n\n"
                  "  gangway-dummy [options]\n\n");
    for (int i = 0; i < OPTION_COUNT; i++) {
        char left[40];
        snprintf(left, sizeof left, "--%s %s", table[i].name,
                 table[i].value != NULL ? table[i].value : "");
        const char *initial = table[i].initial;
        fprintf(file, "  %-17s %s%s%s%s\n", left, table[i].help, initial != NULL ? " [" : "",
                initial != NULL ? initial : "", initial != NULL ? "]" : "");
    }
    fprintf(file, "\nExit status: 0 if nothing was lost, doubled or out of order and all clients "
                  "left;\n1 if not, or if the report could not be written; 2 for invalid "
                  "options.\n");
}

void dummy_options_print_version(FILE *file)
{
    fprintf(file, "gangway-dummy %s\n", DUMMY_VERSION);
}

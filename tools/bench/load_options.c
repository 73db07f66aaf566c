/* tools/bench/load_options.c: the load generator's command line. */
#include "tools/bench/load.h"
#include "tools/bench/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: bench-load --mode echo|group|storm|idle --port PORT --pid PID [--connections COUNT]\n"
    "  [--depth COUNT] [--bytes BYTES] [--rate PER_SECOND] [--room SIZE] [--packet ID] [--greet] "
    "[--websocket] [--tls]\n"
    "  [--warm-ms MS] [--run-ms MS]\n";

static _Noreturn void refuse(const char *word)
{
    fprintf(stderr, "what is '%s'?\n%s", word, usage);
    exit(2);
}

static uint32_t number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value > UINT32_MAX) {
        refuse(text);
    }
    return (uint32_t)value;
}

static void take(struct load_options *options, const char *name, const char *value)
{
    const struct {
        const char *name;
        uint32_t *number;
    } numbers[] = {
        {"--connections", &options->connection_count},
        {"--depth", &options->depth},
        {"--bytes", &options->frame_bytes},
        {"--rate", &options->rate},
        {"--room", &options->room_size},
        {"--warm-ms", &options->warm_ms},
        {"--run-ms", &options->run_ms},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            *numbers[i].number = number(value);
            return;
        }
    }
    if (strcmp(name, "--mode") == 0) {
        options->mode = value;
    } else if (strcmp(name, "--port") == 0) {
        options->port = (uint16_t)number(value);
    } else if (strcmp(name, "--pid") == 0) {
        options->pid = (int)number(value);
    } else if (strcmp(name, "--packet") == 0) {
        options->packet_id = (uint16_t)number(value);
    } else {
        refuse(name);
    }
}

static bool make_sense(const struct load_options *options)
{
    return options->port != 0 && options->pid > 0 && options->connection_count > 0 &&
           options->frame_bytes >= WIRE_FRAME_BYTES_MIN &&
           options->frame_bytes <= WIRE_FRAME_BYTES_MAX;
}

struct load_options load_options(int argc, char **argv)
{
    struct load_options options = {
        .mode = "",
        .connection_count = 1,
        .depth = 1,
        .frame_bytes = 128,
        .packet_id = WIRE_OPAQUE,
        .warm_ms = 500,
        .run_ms = 2000,
    };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--greet") == 0) {
            options.greet = true;
        } else if (strcmp(argv[i], "--websocket") == 0) {
            options.websocket = true;
        } else if (strcmp(argv[i], "--tls") == 0) {
            options.tls = true;
        } else if (i + 1 < argc) {
            take(&options, argv[i], argv[i + 1]);
            i++;
        } else {
            refuse(argv[i]);
        }
    }
    if (!make_sense(&options)) {
        refuse("all this together");
    }
    return options;
}

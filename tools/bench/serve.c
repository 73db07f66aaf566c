/* tools/bench/serve.c: command line, listener and clock of all servers of the benchmark. */
#define _GNU_SOURCE
#include "tools/bench/serve.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

_Noreturn void serve_fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Raises the descriptor limit to its maximum. */
static void want_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct serve_options serve_options(int argc, char **argv)
{
    struct serve_options options = {.mechanism = argc > 1 ? argv[1] : ""};
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--tick-ms") == 0 && i + 1 < argc) {
            options.room_tick_ms = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--per-frame") == 0) {
            options.per_frame = true;
        } else if (strcmp(argv[i], "--no-rates") == 0) {
            options.no_rates = true;
        } else if (strcmp(argv[i], "--websocket") == 0) {
            options.websocket = true;
        } else if (strcmp(argv[i], "--tls") == 0 && i + 1 < argc) {
            options.tls = argv[++i];
        } else {
            fprintf(stderr,
                    "usage: %s MECHANISM [--tick-ms MS] [--per-frame] [--no-rates] [--websocket]"
                    " [--tls NAME]\n",
                    argv[0]);
            exit(2);
        }
    }
    signal(SIGPIPE, SIG_IGN);
    want_descriptors();
    return options;
}

int serve_listen(void)
{
    enum { BACKLOG = 4096 };
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(listener, BACKLOG) != 0) {
        serve_fail("listen");
    }
    return listener;
}

uint16_t serve_port_of(int listener)
{
    struct sockaddr_in addr;
    socklen_t bytes = sizeof(addr);
    if (getsockname(listener, (struct sockaddr *)&addr, &bytes) != 0) {
        serve_fail("getsockname");
    }
    return ntohs(addr.sin_port);
}

void serve_ready(uint16_t port)
{
    printf("ready %u\n", port);
    fflush(stdout);
}

void serve_prepare(int socket)
{
    int on = 1;
    (void)fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

uint64_t serve_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

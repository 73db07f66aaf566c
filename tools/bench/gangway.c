/* tools/bench/gangway.c: a server on Gangway. */
#include "tools/bench/bench_game.h"

#include "net/port.h"
#include "tools/bench/serve.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct gw_port *port;

static enum gw_backend backend_of(const char *mechanism)
{
    for (int backend = GW_BACKEND_AUTO; backend <= GW_BACKEND_EPOLL; backend++) {
        if (strcmp(gw_backend_name((enum gw_backend)backend), mechanism) == 0) {
            return (enum gw_backend)backend;
        }
    }
    fprintf(stderr, "no backend is called '%s'\n", mechanism);
    exit(2);
}

static void on_stop(int signal)
{
    (void)signal;
    gw_port_stop(port);
}

/* Prints the counters of the port. Sessions of the load are still open; the exit closes them. */
static void report(void)
{
    struct gw_port_counters counters;
    gw_port_counters(port, &counters);
    printf("counters %llu recv %llu send %llu wake\n", (unsigned long long)counters.recv_count,
           (unsigned long long)counters.send_count, (unsigned long long)counters.wake_count);
    fflush(stdout);
    _Exit(0);
}

int main(int argc, char **argv)
{
    struct serve_options options = serve_options(argc, argv);
    const struct gw_port_config config = {.backend = backend_of(options.mechanism),
                                          .worker_count = 1,
                                          .stream_count_max = BENCH_GAME_SESSION_COUNT_MAX};
    if (gw_port_create(&config, &port) != 0) {
        fprintf(stderr, "this machine does not run %s\n", options.mechanism);
        return 77;
    }
    signal(SIGTERM, on_stop);
    serve_ready(bench_game_open(port, &options));
    if (gw_port_run(port) != 0) {
        serve_fail("gw_port_run");
    }
    report();
}

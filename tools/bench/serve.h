/* tools/bench/serve.h: command line, listener and clock of all servers of the benchmark. */
#ifndef GW_TOOLS_BENCH_SERVE_H
#define GW_TOOLS_BENCH_SERVE_H

#include <stdbool.h>
#include <stdint.h>

struct serve_options {
    const char *mechanism; /* the first argument: which variant of the server */
    uint32_t room_tick_ms; /* --tick-ms: 0: rooms are flushed at the end of a wake-up */
    bool per_frame;        /* --per-frame: one write for each frame to each member */
    bool no_rates;         /* --no-rates: no rate limits, in a server that has them */
    const char *tls;       /* --tls NAME: TLS, with NAME.pem and NAME.key; NULL: none */
    bool websocket;        /* --websocket: clients speak WebSocket, to a server that can */
};

/* Parses the command line; an invalid one ends the program. */
struct serve_options serve_options(int argc, char **argv);

/* Opens a non-blocking listener on a port of 127.0.0.1 that the kernel picks. */
int serve_listen(void);

/* Prints the port to standard output, for the driver. */
void serve_ready(uint16_t port);
uint16_t serve_port_of(int listener);

/* Makes an accepted socket non-blocking, with TCP_NODELAY. */
void serve_prepare(int socket);

/* The time of the monotonic clock. */
uint64_t serve_now_ns(void);

/* Prints what failed, and ends the program. */
_Noreturn void serve_fail(const char *what);

#endif

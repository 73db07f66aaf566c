/* tools/bench/serve.h: what all servers of the benchmark have in common: their command line. */
#ifndef GW_TOOLS_BENCH_SERVE_H
#define GW_TOOLS_BENCH_SERVE_H

#include <stdbool.h>
#include <stdint.h>

struct serve_options {
    const char *mechanism; /* the first word: which kind of this server */
    uint32_t room_tick_ms; /* --tick-ms: 0: rooms are flushed at the end of a wake-up */
    bool per_frame;        /* --per-frame: one write for each frame to each member */
    bool no_rates;         /* --no-rates: a server that limits rates does not */
};

/* Reads the command line; a wrong one ends the program. */
struct serve_options serve_options(int argc, char **argv);

/* Opens a non-blocking listener on a port of 127.0.0.1 that the kernel picks. */
int serve_listen(void);

/* Tells the driver, which reads standard output, where the server listens. */
void serve_ready(uint16_t port);
uint16_t serve_port_of(int listener);

/* Prepares a socket that was accepted: non-blocking, without delay. */
void serve_prepare(int socket);

/* The time of a clock that only goes forward. */
uint64_t serve_now_ns(void);

/* Says what failed, and ends the program. */
_Noreturn void serve_fail(const char *what);

#endif

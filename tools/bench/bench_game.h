/* tools/bench/bench_game.h: echoes and rooms on Gangway, as its users write them. */
#ifndef GW_TOOLS_BENCH_BENCH_GAME_H
#define GW_TOOLS_BENCH_BENCH_GAME_H

#include "tools/bench/serve.h"
#include <stdint.h>

struct gw_port;

enum { BENCH_GAME_SESSION_COUNT_MAX = 20000 };

/*
 * Opens the door on a port of 127.0.0.1 that the kernel picks, and returns it. What is here lives
 * as long as the process.
 */
uint16_t bench_game_open(struct gw_port *port, const struct serve_options *options);

#endif

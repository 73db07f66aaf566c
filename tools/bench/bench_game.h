/* tools/bench/bench_game.h: echoes and rooms on Gangway, written as a game is. */
#ifndef GW_TOOLS_BENCH_BENCH_GAME_H
#define GW_TOOLS_BENCH_BENCH_GAME_H

#include "tools/bench/serve.h"
#include <stdint.h>

struct gw_port;

enum { BENCH_GAME_SESSION_COUNT_MAX = 20000 };

/*
 * Listens on a port of 127.0.0.1 that the kernel picks, and returns its number. Everything here
 * exists until the process exits.
 */
uint16_t bench_game_open(struct gw_port *port, const struct serve_options *options);

#endif

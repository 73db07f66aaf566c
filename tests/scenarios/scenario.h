/* tests/scenarios/scenario.h: a whole server, for as long as a story lasts. */
#ifndef GW_TESTS_SCENARIOS_SCENARIO_H
#define GW_TESTS_SCENARIOS_SCENARIO_H

#include "tests/test.h"

#include "server/config/config.h"
#include "server/counters.h"
#include <stdbool.h>
#include <stdint.h>

struct server;
struct server_log;

/*
 * A story's program is called with the name of a backend and a number of workers. Each test opens
 * a server on loopback and closes it: then nobody may be left, and nothing.
 */
struct scenario {
    struct server_config config;
    struct server *server; /* NULL between scenarios */
    struct server_log *log;
    FILE *log_file;
    struct gw_addr addr; /* its first test_listener */
};

extern struct scenario scenario;

/* For main(): BACKEND WORKERS [TEST]. Ends the program when this machine cannot run them. */
void scenario_begin(int argc, char **argv);

/* The whole of `count`, or the part of it that a slow build should bear; never 0. */
uint32_t scenario_count(uint32_t count);

/* A seed for chance: `nth`, or with GW_SCENARIO_SEED in the environment, another one for each. */
uint64_t scenario_seed(uint64_t nth);

/* How long `ms` may take here: more in a slow build. */
uint64_t scenario_patience_ms(uint64_t ms);

/* The configuration of a test: all that happens is in the log, and ticks are quick. */
struct server_config scenario_config(void);

/* Opens the server; scenario_serve() with the configuration of most tests. */
void scenario_serve(const struct server_config *config);
void scenario_open(void);

/* Waits until nobody is left, nor anything of them. Then the counters are exact. */
void scenario_wait_until_empty(void);

/*
 * Waits until nobody is left, takes the server down, and checks that all was given back, that the
 * counters add up, and that each session ended once.
 */
void scenario_close(void);

/* The same in two steps, for who drains it otherwise: waits until its workers is home; the rest. */
void scenario_join(void);
void scenario_destroy(void);

/* A moment's picture of the counters, and some of them. */
struct server_counters scenario_counters(void);
uint64_t scenario_ended(Gw__CloseReason reason);
struct gw_session_packet_counters scenario_packet(const char *name);

/* How many lines the log has. */
uint64_t scenario_log_lines(void);

/* Ends what a test that failed has left. */
int scenario_teardown(void **state);

#define SCENARIO(test) cmocka_unit_test_teardown(test, scenario_teardown)

#endif

/* tests/scenarios/scenario.h: Server fixture: a whole server that a test opens and closes. */
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
 * A scenario program takes the name of a backend and a number of workers. Each test opens a server
 * on loopback. Closing it checks that no session and no resource is left.
 */
struct scenario {
    struct server_config config;
    struct server *server; /* NULL between tests */
    struct server_log *log;
    FILE *log_file;
    struct gw_addr addr; /* of its first listener */
};

extern struct scenario scenario;

/*
 * For main(): parses BACKEND WORKERS [TEST]. Exits with 77 (skipped) when this machine does not
 * have the backend.
 */
void scenario_begin(int argc, char **argv);

/* Returns `count`, divided by GW_SCENARIO_ONE_IN in a slow build; at least 1. */
uint32_t scenario_count(uint32_t count);

/* Returns the seed for the nth random run: `nth`, shifted by GW_SCENARIO_SEED if that is set. */
uint64_t scenario_seed(uint64_t nth);

/* Returns the limit for what should take `ms`: three times as much in a slow build. */
uint64_t scenario_patience_ms(uint64_t ms);

/* The configuration of most tests: the log drops no line, and a room ticks every 20 ms. */
struct server_config scenario_config(void);

/* scenario_serve() opens the server; scenario_open() opens it with scenario_config(). */
void scenario_serve(const struct server_config *config);
void scenario_open(void);

/* Waits until no session, room, stream or buffer is left. From then on the counters are exact. */
void scenario_wait_until_empty(void);

/*
 * Waits until no session is left, shuts the server down, and checks that all resources were
 * released, that the counters add up, and that each session ended once.
 */
void scenario_close(void);

/*
 * The steps of scenario_close(), for a test that drains the server itself: scenario_join() waits
 * until the workers have returned; scenario_destroy() does the checks and frees the server.
 */
void scenario_join(void);
void scenario_destroy(void);

/* A snapshot of all counters; the sessions that ended with a reason; the counters of a packet. */
struct server_counters scenario_counters(void);
uint64_t scenario_ended(Gw__CloseReason reason);
struct gw_session_packet_counters scenario_packet(const char *name);

/* The number of lines in the log. */
uint64_t scenario_log_lines(void);

/* Closes the clients and the server of a test that failed. */
int scenario_teardown(void **state);

#define SCENARIO(test) cmocka_unit_test_teardown(test, scenario_teardown)

#endif

/* tests/stories/story.h: a whole server, for as long as a story lasts. */
#ifndef GW_TESTS_STORIES_STORY_H
#define GW_TESTS_STORIES_STORY_H

#include "tests/test.h"

#include "server/config.h"
#include "server/counters.h"
#include <stdbool.h>
#include <stdint.h>

struct server;
struct server_log;

/*
 * A story's program is called with the name of a backend and a number of workers. Each test opens
 * a server on loopback and closes it: then nobody may be left, and nothing.
 */
struct story {
    struct server_config config;
    struct server *server; /* NULL between stories */
    struct server_log *log;
    FILE *log_file;
    struct gw_addr addr; /* its first door */
};

extern struct story story;

/* For main(): BACKEND WORKERS [TEST]. Ends the program when this machine cannot run them. */
void story_begin(int argc, char **argv);

/* The whole of `count`, or the part of it that a slow build should bear; never 0. */
uint32_t story_count(uint32_t count);

/* A seed for chance: `nth`, or with GW_STORY_SEED in the environment, another one for each. */
uint64_t story_seed(uint64_t nth);

/* How long `ms` may take here: more in a slow build. */
uint64_t story_patience_ms(uint64_t ms);

/* The configuration of a test: all that happens is in the log, and ticks are quick. */
struct server_config story_config(void);

/* Opens the server; story_serve() with the configuration of most tests. */
void story_serve(const struct server_config *config);
void story_open(void);

/* Waits until nobody is left, nor anything of them. Then the counters are exact. */
void story_wait_until_empty(void);

/*
 * Waits until nobody is left, takes the server down, and checks that all was given back, that the
 * counters add up, and that each session ended once.
 */
void story_close(void);

/* The same in two steps, for who drains it otherwise: waits until its crew is home; the rest. */
void story_join(void);
void story_destroy(void);

/* A moment's picture of the counters, and some of them. */
struct server_counters story_counters(void);
uint64_t story_ended(Gw__CloseReason reason);
struct gw_session_packet_counters story_packet(const char *name);

/* How many lines the log has. */
uint64_t story_log_lines(void);

/* Ends what a test that failed has left. */
int story_teardown(void **state);

#define STORY(test) cmocka_unit_test_teardown(test, story_teardown)

#endif

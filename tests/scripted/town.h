/* tests/scripted/town.h: the whole game server, on the stage. */
#ifndef GW_TESTS_SCRIPTED_TOWN_H
#define GW_TESTS_SCRIPTED_TOWN_H

#include "server/config.h"
#include "tests/scripted/stage.h"
#include <stdbool.h>
#include <stdint.h>

struct server;

/*
 * The server makes its port with gw_port_create(), and a crew for it. The linker sends these calls
 * here: it gets the port of the stage, and the thread of the test is its crew. What else makes a
 * port meanwhile gets the same one. When all of them have asked it to stop, the town is over.
 */
struct town_config {
    struct stage_config stage;
    uint32_t sessions_max;     /* 0: 64 */
    uint32_t room_members_max; /* 0: 16 */
    uint32_t rooms_max;        /* 0: 8 */
    uint32_t drain_ms;         /* 0: 2,000 */
    uint32_t idle_timeout_ms;
    uint32_t send_queue_bytes_max;      /* 0: 65,536 */
    const struct server_config *server; /* all options, instead of those above; NULL: those */
};

extern struct server *town_server;
extern uint16_t town_port;

/* Opens stage and server; `fail_at` are what memory_fail_at() and kernel_fail_at() are told before
 * the server is made. Returns false when the server could not be made; then all is closed. */
struct town_failure {
    uint64_t memory_at;
    uint64_t call_at;
    int call_error;
};
bool town_open(const struct town_config *config, const struct town_failure *failure);

/* Says goodbye to everybody and runs until it is over; fails when that takes too long. */
void town_drain(void);
bool town_is_over(void);

/* Drains it if nobody has; then everything must be gone, and every number add up. */
void town_close(void);

#endif

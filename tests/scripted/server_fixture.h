/* tests/scripted/server_fixture.h: the whole game server, on the stage. */
#ifndef GW_TESTS_SCRIPTED_SERVER_FIXTURE_H
#define GW_TESTS_SCRIPTED_SERVER_FIXTURE_H

#include "server/config/config.h"
#include "tests/scripted/port_fixture.h"
#include <stdbool.h>
#include <stdint.h>

struct server;

/*
 * The server makes its port with gw_port_create(), and a workers for it. The linker sends these
 * calls here: it gets the port of the stage, and the thread of the test is its workers. What else
 * makes a port meanwhile gets the same one. When all of them have asked it to stop, the town is
 * over.
 */
struct server_fixture_config {
    struct port_fixture_config fixture;
    uint32_t sessions_max;     /* 0: 64 */
    uint32_t room_members_max; /* 0: 16 */
    uint32_t rooms_max;        /* 0: 8 */
    uint32_t drain_ms;         /* 0: 2,000 */
    uint32_t idle_timeout_ms;
    uint32_t send_queue_bytes_max;      /* 0: 65,536 */
    const struct server_config *server; /* all options, instead of those above; NULL: those */
};

extern struct server *server_fixture_server;
extern uint16_t server_fixture_port;

/* Opens stage and server; `fail_at` are what memory_fail_at() and kernel_fail_at() are told before
 * the server is made. Returns false when the server could not be made; then all is closed. */
struct server_fixture_failure {
    uint64_t memory_at;
    uint64_t call_at;
    int call_error;
};
bool server_fixture_open(const struct server_fixture_config *config,
                         const struct server_fixture_failure *failure);

/* Says goodbye to everybody and runs until it is over; fails when that takes too long. */
void server_fixture_drain(void);
bool server_fixture_is_over(void);

/* Drains it if nobody has; then everything must be gone, and every number add up. */
void server_fixture_close(void);

#endif

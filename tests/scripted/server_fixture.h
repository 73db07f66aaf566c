/* tests/scripted/server_fixture.h: The whole game server on the simulated kernel. */
#ifndef GW_TESTS_SCRIPTED_SERVER_FIXTURE_H
#define GW_TESTS_SCRIPTED_SERVER_FIXTURE_H

#include "server/config/config.h"
#include "tests/scripted/port_fixture.h"
#include <stdbool.h>
#include <stdint.h>

struct server;

/*
 * The server calls gw_port_create() and gw_workers_start(). The linker redirects these calls: the
 * server gets the port of the fixture, and the thread of the test is its worker. Other callers get
 * the same port. The fixture is over when all of them have stopped it.
 */
struct server_fixture_config {
    struct port_fixture_config fixture;
    uint32_t sessions_max;     /* 0: 64 */
    uint32_t room_members_max; /* 0: 16 */
    uint32_t rooms_max;        /* 0: 8 */
    uint32_t drain_ms;         /* 0: 2,000 */
    uint32_t idle_timeout_ms;
    uint32_t send_queue_bytes_max;      /* 0: 65,536 */
    bool is_websocket;                  /* the listener is ws:// */
    const struct server_config *server; /* all options; NULL: those above */
};

extern struct server *server_fixture_server;
extern uint16_t server_fixture_port;

/*
 * Opens the port and the server. `failure` sets memory_fail_at() and kernel_fail_at() before the
 * server is created. Returns false when the server could not be created; everything is closed then.
 */
struct server_fixture_failure {
    uint64_t memory_at;
    uint64_t call_at;
    int call_error;
};
bool server_fixture_open(const struct server_fixture_config *config,
                         const struct server_fixture_failure *failure);

/* Drains the server and runs until that is over, for as long as its limits allow. */
void server_fixture_drain(void);
bool server_fixture_is_over(void);

/* Drains the server unless that was done. Fails unless everything is released and all counters
 * agree. */
void server_fixture_close(void);

#endif

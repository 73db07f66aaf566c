/* server/admin/admin.h: The HTTP interface for operators: metrics, health, state, drain. */
#ifndef GW_SERVER_ADMIN_ADMIN_H
#define GW_SERVER_ADMIN_ADMIN_H

#include "net/addr.h"
#include "tools/common/problem.h"
#include <stdbool.h>
#include <stdint.h>

struct admin;
struct server;
struct server_config;

/*
 * GET  /metrics          every counter, as OpenMetrics text or in the older format of Prometheus
 * GET  /healthz          200 while the process serves
 * GET  /readyz           200; 503 while the server drains, so that a balancer sends no new players
 * GET  /api/v1/state     the program, its configuration, listeners and counters, as JSON
 * POST /api/v1/drain     begins a graceful shutdown
 * GET  /play             the game in a browser, over the first WebSocket listener
 *
 * It has a thread of its own, which reads counters and never waits for a worker. At most
 * ADMIN_CONNECTION_COUNT_MAX connections are open; a request has ADMIN_HEAD_BYTES_MAX bytes and
 * ADMIN_BODY_BYTES_MAX bytes of body at most.
 *
 * Safety: without a token it listens on loopback only, and a request must name an IP address or
 * localhost as its host: a page that has made its own name resolve to 127.0.0.1 is refused (DNS
 * rebinding). A request with an Origin must come from a page of this interface. With a token every
 * request but /healthz, /readyz and the play page needs "Authorization: Bearer TOKEN".
 */
enum {
    ADMIN_CONNECTION_COUNT_MAX = 16,
    ADMIN_HEAD_BYTES_MAX = 16 * 1024,
    ADMIN_BODY_BYTES_MAX = 16 * 1024,
    ADMIN_TIMEOUT_S = 10, /* for a connection that neither sends nor receives */
    ADMIN_TOKEN_BYTES_MIN = 16,
    ADMIN_TOKEN_BYTES_MAX = 256,
};

/*
 * Starts the interface at the address of --admin, and reads the file of --admin-token.
 *
 * Returns   true, with *admin_out, which is NULL when the interface is off; false with the reason
 * in *problem_out: the address cannot be used, the token cannot be read, or this build has no
 *           libmicrohttpd
 * Owns      gives the interface; stop it with admin_destroy(). Borrows `server` and `config`.
 * Thread    setup
 */
bool admin_create(struct server *server, const struct server_config *config,
                  struct admin **admin_out, struct problem *problem_out);

/* Stops the interface. Owns: takes `admin`, which may be NULL. Thread: setup. */
void admin_destroy(struct admin *admin);

/* Its address, with the port that the kernel chose. Thread: any. */
const struct gw_addr *admin_addr(const struct admin *admin);

#endif

/* server/server.h: A complete server as an object, for the program and for tests. */
#ifndef GW_SERVER_SERVER_H
#define GW_SERVER_SERVER_H

#include "server/config/config.h"
#include <stdint.h>

struct gw_port;
struct server_counters;
struct server_log;

/*
 *      create    opens the port, the sessions, the game, and the listeners
 *      start     starts the worker threads: clients connect and are served
 *      drain     sends GOAWAY; after the last session, closes the listeners and stops the port
 *      join      waits until the port has stopped
 *      destroy   frees everything
 */
struct server;

/*
 * Creates a server that listens on the addresses of the configuration.
 *
 * Returns   the server, or NULL; then *problem_out has the reason.
 * Owns      gives the server; destroy it with server_destroy(). Copies `config`; borrows `log`.
 * Thread    setup.
 */
struct server *server_create(const struct server_config *config, struct server_log *log,
                             struct problem *problem_out);

/* Returns the server's port. Thread: any. */
struct gw_port *server_port(const struct server *server);

/* Returns the URL of a listener, with the actual port if the configuration has 0; NULL for an index
 * beyond the last one. Thread: any. */
const struct url *server_url(const struct server *server, uint32_t index);

/* Starts the worker threads. Returns false if that fails; *problem_out has the reason. Thread:
 * setup. */
bool server_start(struct server *server, struct problem *problem_out);

/*
 * Shuts the server down gracefully: sends GOAWAY to all clients, and ends the sessions that are
 * left after `drain_ms` of the configuration. A second call has no effect. Thread: any.
 */
void server_drain(struct server *server);

/* Whether a drain has begun. Thread: any. */
bool server_is_draining(const struct server *server);

/* The time since the server was created. Thread: any. */
uint64_t server_uptime_ns(const struct server *server);

/* Writes the counters to the log. Thread: any, between create and destroy. */
void server_report(struct server *server);

/* Reads the counters. Thread: any, between create and destroy. */
void server_counters(struct server *server, struct server_counters *counters_out);

/*
 * Waits until a drain is complete, or the port has failed. Returns 0, or a gw_error.
 * Thread: the one that called server_start().
 */
int server_join(struct server *server);

/* Owns: takes `server`, which has been joined, or was not started. Thread: setup. */
void server_destroy(struct server *server);

#endif

/* server/server.h: a whole server, as an object: for the program, and for tests with several. */
#ifndef GW_SERVER_SERVER_H
#define GW_SERVER_SERVER_H

#include "server/config/config.h"
#include <stdint.h>

struct gw_addr;
struct gw_port;
struct server_counters;
struct server_log;

/*
 *      create   the house stands, its doors are open, and nobody is at home yet
 *      start    the workers serves                                    <-- players come and go
 *      drain    says goodbye; when the last player has gone, the doors are shut and the workers
 * stops join     waits for that destroy
 */
struct server;

/*
 * Builds everything that serving needs, and takes the addresses of the configuration.
 *
 * Returns   the server, or NULL; then *problem_out says why.
 * Owns      gives the server; end it with server_destroy(). Copies `config`; borrows `log`.
 * Thread    setup.
 */
struct server *server_create(const struct server_config *config, struct server_log *log,
                             struct server_problem *problem_out);

/* Its port. Thread: any. */
struct gw_port *server_port(const struct server *server);

/* One of its addresses, with the real port where 0 was asked for. Thread: any, before a drain. */
const struct gw_addr *server_addr(const struct server *server, uint32_t index);

/* Serves, on threads of its own. Returns whether they could be started. Thread: setup. */
bool server_start(struct server *server, struct server_problem *problem_out);

/*
 * Asks everybody to leave within `drain_ms` of the configuration, then sends away who is left. A
 * second call changes nothing. Thread: any.
 */
void server_drain(struct server *server);

/* Tells the counters to the log. Thread: any, between create and destroy. */
void server_report(struct server *server);

/* Adds the counters up. Thread: any, between create and destroy. */
void server_counters(struct server *server, struct server_counters *counters_out);

/*
 * Waits until a drain is over, or the port has failed. Returns 0, or a gw_error.
 * Thread: the one that started it.
 */
int server_join(struct server *server);

/* Owns: takes `server`, which has been joined, or never been started. Thread: setup. */
void server_destroy(struct server *server);

#endif

/* server/listen.h: Listeners of the server, and the byte filters of their connections. */
#ifndef GW_SERVER_LISTEN_H
#define GW_SERVER_LISTEN_H

#include "server/config/config.h"

struct gw_listener;
struct gw_session_manager;

/*
 * Opens a listener that admits its connections to `manager`, through the filters of the URL's
 * scheme.
 *
 * Returns   whether it listens; if not, *problem_out has the reason.
 * Owns      as gw_session_manager_listen()
 * Thread    setup: reads files, and waits a second for an address in use
 */
bool server_listen(struct gw_session_manager *manager, const struct server_config *config,
                   const struct url *url, struct gw_listener **listener_out,
                   struct problem *problem_out);

#endif

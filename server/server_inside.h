/* server/server_inside.h: what a server is made of; for server.c and server_turn.c alone. */
#ifndef GW_SERVER_SERVER_INSIDE_H
#define GW_SERVER_SERVER_INSIDE_H

#include "net/timer.h"
#include "net/turn.h"
#include "server/config.h"
#include "server/game.h"
#include "server/server.h"
#include "session/manager.h"

struct gw_workers;
struct gw_listener;

struct server {
    struct server_config config;
    struct server_log *log;
    struct gw_port *port;
    struct gw_workers *workers;
    struct gw_session_events events;
    struct game game;
    uint64_t begun_ns;
    atomic_bool is_draining;

    /* The rest belongs to the server's own turn, once it serves. */
    struct gw_turn turn;
    struct gw_timer report_timer;
    struct gw_timer shut_timer;
    struct gw_task begin_task;
    struct gw_task drain_task;
    struct gw_task drained_task;
    struct gw_task over_task;
    struct gw_listener *listeners[SERVER_LISTEN_COUNT_MAX];
    uint32_t listener_count;
    bool is_shut;
};

/* In server_turn.c. */

/* Makes the turn, and hears from the game when it is over. Thread: setup. */
void server_turn_init(struct server *server);

/* Begins what comes by itself: reports. Thread: setup. */
void server_turn_begin(struct server *server);

/* Says goodbye to everybody, and shuts the doors when they have gone. Thread: any, once. */
void server_turn_drain(struct server *server, uint32_t drain_ms);

#endif

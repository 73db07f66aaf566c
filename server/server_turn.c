/* server/server_turn.c: what a server does by itself: it reports, shuts its doors, and ends. */
#include "server/server_inside.h"

#include "net/container_of.h"
#include "net/listener.h"
#include "net/port.h"

enum { NS_PER_MS = 1000000 };

#define SERVER_OF(pointer, member) GW_CONTAINER_OF(pointer, struct server, member)

static void set_timer(struct gw_timer *timer, const struct server *server, uint64_t wait_ms)
{
    gw_timer_set(timer, gw_turn_now_ns(&server->turn) + wait_ms * NS_PER_MS);
}

/* ---- reports ---- */

static void await_report(struct server *server)
{
    if (server->config.report_seconds > 0) {
        set_timer(&server->report_timer, server, (uint64_t)server->config.report_seconds * 1000);
    }
}

static void on_report_time(struct gw_timer *timer)
{
    struct server *server = SERVER_OF(timer, report_timer);
    server_report(server);
    await_report(server);
}

static void on_begin(struct gw_task *task)
{
    await_report(SERVER_OF(task, begin_task));
}

void server_turn_begin(struct server *server)
{
    gw_turn_post(&server->turn, &server->begin_task);
}

/* ---- the end ---- */

static void shut_listeners(struct server *server)
{
    for (uint32_t i = 0; i < server->listener_count && !server->is_shut; i++) {
        gw_listener_close(server->listeners[i]);
    }
    server->is_shut = true;
}

static void on_shut_time(struct gw_timer *timer)
{
    shut_listeners(SERVER_OF(timer, shut_timer));
}

/*
 * The doors stay open while we drain, so that who comes late is told why there is no entrance; but
 * not longer, because somebody always comes.
 */
static void on_drain(struct gw_task *task)
{
    struct server *server = SERVER_OF(task, drain_task);
    set_timer(&server->shut_timer, server, server->config.drain_ms);
}

static void on_drained_task(struct gw_task *task)
{
    struct server *server = SERVER_OF(task, drained_task);
    shut_listeners(server);
    game_release(&server->game);
}

static void on_drained(void *context)
{
    struct server *server = context;
    gw_turn_post(&server->turn, &server->drained_task);
}

void server_turn_drain(struct server *server, uint32_t drain_ms)
{
    gw_turn_post(&server->turn, &server->drain_task);
    gw_session_manager_drain(server->game.sessions, drain_ms, on_drained, server);
}

/* The last turn of all: a task that came after it would never run. */
static void on_over_task(struct gw_task *task)
{
    struct server *server = SERVER_OF(task, over_task);
    gw_timer_stop(&server->report_timer);
    gw_timer_stop(&server->shut_timer);
    gw_port_stop(server->port);
}

static void on_over(void *context)
{
    struct server *server = context;
    gw_turn_post(&server->turn, &server->over_task);
}

void server_turn_init(struct server *server)
{
    gw_turn_init(&server->turn, server->port, NULL);
    gw_timer_init(&server->report_timer, &server->turn, on_report_time);
    gw_timer_init(&server->shut_timer, &server->turn, on_shut_time);
    server->begin_task.run = on_begin;
    server->drain_task.run = on_drain;
    server->drained_task.run = on_drained_task;
    server->over_task.run = on_over_task;
    server->game.on_over = on_over;
    server->game.context = server;
}

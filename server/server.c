/* server/server.c: A complete server: creation, reports, shutdown. */
#include "server/server.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/listener.h"
#include "net/port.h"
#include "net/timer.h"
#include "net/turn.h"
#include "net/workers.h"
#include "proto/game/game_server.gen.h"
#include "server/counters.h"
#include "server/game/game.h"
#include "server/game/lobby.h"
#include "server/game/login.h"
#include "server/listen.h"
#include "server/log/log.h"
#include "session/manager.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { NS_PER_MS = 1000000 };

struct server {
    struct server_config config;
    struct server_log *log;
    struct gw_port *port;
    struct gw_workers *workers;
    struct gw_session_events events;
    struct game game;
    uint64_t begun_ns;
    atomic_bool is_draining;

    /* All below belongs to `turn` once the workers have started. */
    struct gw_turn turn;
    struct gw_timer report_timer;
    struct gw_timer close_timer;
    struct gw_task begin_task;
    struct gw_task drain_task;
    struct gw_task drained_task;
    struct gw_task over_task;
    struct server_listener {
        struct gw_listener *listener;
        struct url url; /* with the port that the kernel chose */
    } listeners[SERVER_LISTEN_COUNT_MAX];
    uint32_t listener_count;
    bool are_listeners_closed;
};

#define SERVER_OF(pointer, member) GW_CONTAINER_OF(pointer, struct server, member)

static void set_timer(struct gw_timer *timer, const struct server *server, uint64_t wait_ms)
{
    gw_timer_set(timer, gw_turn_now_ns(&server->turn) + wait_ms * NS_PER_MS);
}

/* ---- reports ---- */

static void schedule_report(struct server *server)
{
    if (server->config.report_seconds > 0) {
        set_timer(&server->report_timer, server, (uint64_t)server->config.report_seconds * 1000);
    }
}

static void on_report_time(struct gw_timer *timer)
{
    struct server *server = SERVER_OF(timer, report_timer);
    server_report(server);
    schedule_report(server);
}

static void on_begin(struct gw_task *task)
{
    schedule_report(SERVER_OF(task, begin_task));
}

static void start_reports(struct server *server)
{
    gw_turn_post(&server->turn, &server->begin_task);
}

/* ---- closing of listeners, and the end ---- */

static void close_listeners(struct server *server)
{
    for (uint32_t i = 0; i < server->listener_count && !server->are_listeners_closed; i++) {
        gw_listener_close(server->listeners[i].listener);
    }
    server->are_listeners_closed = true;
}

static void on_close_time(struct gw_timer *timer)
{
    close_listeners(SERVER_OF(timer, close_timer));
}

/*
 * Listeners stay open during a drain, so that a late client receives SHUTDOWN; but no longer than
 * drain_ms, because there may always be another client.
 */
static void on_drain(struct gw_task *task)
{
    struct server *server = SERVER_OF(task, drain_task);
    set_timer(&server->close_timer, server, server->config.drain_ms);
}

static void on_drained_task(struct gw_task *task)
{
    struct server *server = SERVER_OF(task, drained_task);
    close_listeners(server);
    game_release(&server->game);
}

static void on_drained(void *context)
{
    struct server *server = context;
    gw_turn_post(&server->turn, &server->drained_task);
}

static void begin_drain(struct server *server, uint32_t drain_ms)
{
    gw_turn_post(&server->turn, &server->drain_task);
    gw_session_manager_drain(server->game.sessions, drain_ms, on_drained, server);
}

/* The last turn of the port: a task that is posted later never runs. */
static void on_game_over_task(struct gw_task *task)
{
    struct server *server = SERVER_OF(task, over_task);
    gw_timer_stop(&server->report_timer);
    gw_timer_stop(&server->close_timer);
    gw_port_stop(server->port);
}

static void on_game_over(void *context)
{
    struct server *server = context;
    gw_turn_post(&server->turn, &server->over_task);
}

static void init_turn(struct server *server)
{
    gw_turn_init(&server->turn, server->port, NULL);
    gw_timer_init(&server->report_timer, &server->turn, on_report_time);
    gw_timer_init(&server->close_timer, &server->turn, on_close_time);
    server->begin_task.run = on_begin;
    server->drain_task.run = on_drain;
    server->drained_task.run = on_drained_task;
    server->over_task.run = on_game_over_task;
    server->game.on_over = on_game_over;
    server->game.context = server;
}

/* ---- creation ---- */

enum { PENDING_MIN = 1024 };

static uint32_t pending_max(const struct server_config *config)
{
    uint32_t quarter = config->sessions_max / 4;
    return config->pending_max != 0 ? config->pending_max
           : quarter > PENDING_MIN  ? quarter
                                    : PENDING_MIN;
}

/* With connections that are refused, which are accepted to send the reason to their clients, and
 * those that a burst has displaced and whose close takes a moment. */
static uint32_t streams_max(const struct server_config *config)
{
    return config->sessions_max + pending_max(config) + 4 * GW_REFUSED_COUNT_MAX;
}

static uint32_t or_off(uint32_t limit)
{
    return limit != 0 ? limit : GW_OFF;
}

static bool open_port(struct server *server, struct problem *problem)
{
    const struct gw_port_config config = {
        .backend = (enum gw_backend)server->config.backend,
        .worker_count = server->config.workers,
        .stream_count_max = streams_max(&server->config),
        .log = server_log_hook(server->log),
    };
    int error = gw_port_create(&config, &server->port);
    if (error == GW_E_UNSUPPORTED) {
        const char *refusal = gw_backend_refusal(config.backend);
        return problem_set(problem, "backend %s: %s; give --backend auto",
                           gw_backend_name(config.backend),
                           refusal != NULL ? refusal
                                           : "the system grants it, but not for so many "
                                             "--workers (ulimit -l, ulimit -n)");
    }
    if (error != 0) {
        return problem_set(problem, "cannot open the port (%s); give fewer --workers",
                           gw_error_name(error));
    }
    server->begun_ns = gw_port_now_ns(server->port);
    return true;
}

static bool open_sessions(struct server *server, struct problem *problem)
{
    const struct gw_session_manager_config config = {
        .side = GW_SIDE_SERVER,
        .session_count_max = server->config.sessions_max,
        .pending_count_max = pending_max(&server->config),
        .address_connection_count_max = or_off(server->config.address_connections_max),
        .address_connects_per_second = or_off(server->config.address_connects_per_second),
        .limit_loopback = server->config.limit_loopback,
        .greeting_timeout_ms = server->config.greeting_timeout_ms,
        .heartbeat_ms = server->config.heartbeat_ms,
        .idle_timeout_ms = server->config.idle_timeout_ms,
        .frame_timeout_ms = server->config.frame_timeout_ms,
        .excess_ms = server->config.excess_ms,
        .unlimited = server->config.unlimited,
        .request_timeout_ms = server->config.request_timeout_ms,
        .send_queue_bytes_max = server->config.send_queue_bytes_max,
    };
    server->events = game_events(server->config.log_packets);
    server->game.sessions = gw_session_manager_create(server->port, &config, &game_server_packets,
                                                      &server->events, &server->game);
    if (server->game.sessions == NULL) {
        return problem_set(problem, "no memory for so many; give fewer --sessions-max");
    }
    return true;
}

static bool open_game(struct server *server, struct problem *problem)
{
    struct game *game = &server->game;
    game->port = server->port;
    game->log = server->log;
    game->limits = (struct game_limits){
        .room_members_max = server->config.room_members_max,
        .rooms_max = server->config.rooms_max,
        .room_tick_ms = server->config.room_tick_ms,
    };
    game_hold(game); /* until all sessions have ended */
    game->lobby = lobby_create(game);
    if (game->lobby == NULL) {
        return problem_set(problem, "no memory; free some");
    }
    if (server->config.auth == SERVER_AUTH_TOKEN) {
        game->login = login_create(&server->config, problem);
    }
    return server->config.auth == SERVER_AUTH_OPEN || game->login != NULL;
}

/* Without --listen, a WebSocket listener that cannot be opened is left out. */
static void log_left_out(struct server *server, const struct url *url, const char *why)
{
    struct server_log_line line;
    char text[URL_TEXT_BYTES];
    server_log_begin(&line, server->log, GW_LOG_WARNING, "not_listening");
    server_log_word(&line, "url", url_format(url, text));
    server_log_text(&line, "problem", why);
    server_log_end(&line);
}

static bool open_listeners(struct server *server, struct problem *problem)
{
    for (uint32_t i = 0; i < server->config.listen_count; i++) {
        struct url *url = &server->config.listen[i];
        struct server_listener *listener = &server->listeners[server->listener_count];
        if (server_listen(server->game.sessions, &server->config, url, &listener->listener,
                          problem)) {
            game_hold(&server->game); /* until on_listener_closed */
            listener->url = *url;
            listener->url.addr = *gw_listener_addr(listener->listener);
            server->listener_count++;
            if (url->scheme == URL_FD &&
                !server_config_check_listen(&server->config, &listener->url, problem)) {
                return false;
            }
        } else if (server->config.listen_is_default && url->scheme == URL_WS) {
            log_left_out(server, url, problem->text);
        } else {
            return false;
        }
    }
    return true;
}

struct server *server_create(const struct server_config *config, struct server_log *log,
                             struct problem *problem_out)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        problem_set(problem_out, "no memory; free some");
        return NULL;
    }
    server->config = *config;
    server->log = log;
    if (!open_port(server, problem_out)) {
        free(server);
        return NULL;
    }
    init_turn(server);
    if (!open_sessions(server, problem_out) || !open_game(server, problem_out) ||
        !open_listeners(server, problem_out)) {
        server_destroy(server);
        return NULL;
    }
    return server;
}

/* ---- serving ---- */

struct gw_port *server_port(const struct server *server)
{
    return server->port;
}

const struct url *server_url(const struct server *server, uint32_t index)
{
    return index < server->listener_count ? &server->listeners[index].url : NULL;
}

bool server_start(struct server *server, struct problem *problem_out)
{
    start_reports(server);
    if (gw_workers_start(server->port, &server->workers) != 0) {
        return problem_set(problem_out, "cannot start threads; give fewer --workers");
    }
    return true;
}

void server_counters(struct server *server, struct server_counters *counters_out)
{
    server_counters_read(&server->game, counters_out);
}

bool server_is_draining(const struct server *server)
{
    return atomic_load(&server->is_draining);
}

uint64_t server_uptime_ns(const struct server *server)
{
    return gw_port_now_ns(server->port) - server->begun_ns;
}

void server_report(struct server *server)
{
    struct server_counters counters;
    server_counters(server, &counters);
    server_counters_report(&counters, server->log, server_uptime_ns(server) / NS_PER_MS);
}

/* ---- the end ---- */

void server_drain(struct server *server)
{
    if (!atomic_exchange(&server->is_draining, true)) {
        struct server_log_line line;
        server_log_begin_report(&line, server->log, "draining");
        server_log_number(&line, "drain_ms", server->config.drain_ms);
        server_log_number(&line, "sessions", gw_session_manager_count(server->game.sessions));
        server_log_end(&line);
        begin_drain(server, server->config.drain_ms);
    }
}

int server_join(struct server *server)
{
    return gw_workers_join(server->workers);
}

void server_destroy(struct server *server)
{
    struct problem ignored;
    /* A listener closes in a turn, so open listeners need worker threads to close. */
    if (server->workers == NULL && server->listener_count > 0 && server_start(server, &ignored)) {
        begin_drain(server, 0);
        (void)server_join(server);
    }
    lobby_destroy(server->game.lobby);
    gw_session_manager_destroy(server->game.sessions);
    gw_port_destroy(server->port);
    login_destroy(server->game.login);
    free(server);
}

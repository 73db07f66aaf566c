/* tests/scripted/server_fixture.c: The whole game server on the simulated kernel. */
#include "tests/scripted/server_fixture.h"

#include "tests/test.h"

#include "net/error.h"
#include "net/stream.h"
#include "net/workers.h"
#include "server/counters.h"
#include "server/log/log.h"
#include "server/server.h"
#include "tests/scripted/memory.h"

#include <stdio.h>
#include <string.h>

enum { SERVER_FIXTURE_PORT = 7777, SLACK_MS = 3 };

struct server *server_fixture_server;
uint16_t server_fixture_port;

static struct {
    bool is_open; /* port functions use the port of the fixture */
    bool is_over;
    bool is_draining;
    uint32_t drain_ms;
    struct server_log *log;
} server_fixture;

/* ---- functions that the linker redirects ---- */

int __real_gw_port_create(const struct gw_port_config *config, struct gw_port **port_out);
void __real_gw_port_destroy(struct gw_port *port);
void __real_gw_port_stop(struct gw_port *port);
int __real_gw_workers_start(struct gw_port *port, struct gw_workers **workers_out);
int __real_gw_workers_join(struct gw_workers *workers);
int __wrap_gw_port_create(const struct gw_port_config *config, struct gw_port **port_out);
void __wrap_gw_port_destroy(struct gw_port *port);
void __wrap_gw_port_stop(struct gw_port *port);
int __wrap_gw_workers_start(struct gw_port *port, struct gw_workers **workers_out);
int __wrap_gw_workers_join(struct gw_workers *workers);

int __wrap_gw_port_create(const struct gw_port_config *config, struct gw_port **port_out)
{
    if (!server_fixture.is_open) {
        return __real_gw_port_create(config, port_out);
    }
    *port_out = fixture_port;
    return 0;
}

void __wrap_gw_port_destroy(struct gw_port *port)
{
    if (!server_fixture.is_open) {
        __real_gw_port_destroy(port);
    }
}

void __wrap_gw_port_stop(struct gw_port *port)
{
    if (!server_fixture.is_open) {
        __real_gw_port_stop(port);
    }
    server_fixture.is_over = true;
}

int __wrap_gw_workers_start(struct gw_port *port, struct gw_workers **workers_out)
{
    static char no_threads; /* not NULL, as a server that was started has */
    if (!server_fixture.is_open) {
        return __real_gw_workers_start(port, workers_out);
    }
    *workers_out = (struct gw_workers *)(void *)&no_threads;
    return 0;
}

/* A drain takes less than ten minutes. */
int __wrap_gw_workers_join(struct gw_workers *workers)
{
    if (!server_fixture.is_open) {
        return __real_gw_workers_join(workers);
    }
    for (int seconds = 0; !server_fixture.is_over; seconds++) {
        assert_true(seconds < 600);
        fixture_run_ms(1000);
    }
    server_fixture.is_over =
        server_fixture
            .is_draining; /* otherwise a client program's workers end, and the server goes on */
    return 0;
}

/* ---- opening ---- */

static uint32_t or_usual(uint32_t value, uint32_t usual)
{
    return value != 0 ? value : usual;
}

static struct server_config config_of(const struct server_fixture_config *config)
{
    struct server_config server;
    server_config_init(&server);
    if (config->server != NULL) {
        server = *config->server;
    }
    server.listen_count = 1;
    const char *listen = config->is_websocket ? "ws://127.0.0.1:7777" : "127.0.0.1:7777";
    assert_null(url_parse(listen, &server.listen[0]));
    server.workers = 1;
    if (config->server != NULL) {
        return server;
    }
    server.sessions_max = or_usual(config->sessions_max, 64);
    server.room_members_max = or_usual(config->room_members_max, 16);
    server.rooms_max = or_usual(config->rooms_max, 8);
    server.drain_ms = or_usual(config->drain_ms, 2000);
    server.idle_timeout_ms = config->idle_timeout_ms;
    server.send_queue_bytes_max = or_usual(config->send_queue_bytes_max, 65536);
    server.report_seconds = 0;
    return server;
}

static void close_fixture(void)
{
    server_fixture.is_open = false;
    fixture_close();
    server_log_destroy(server_fixture.log);
}

/* One file for all fixtures: on Windows tmpfile() runs out of names. */
static void open_log(void)
{
    static const struct server_log_config config = {GW_LOG_ERROR, 100};
    static FILE *nowhere;
    if (nowhere == NULL) {
        nowhere = tmpfile();
    }
    assert_non_null(nowhere);
    server_fixture.log = server_log_create(nowhere, &config);
    assert_non_null(server_fixture.log);
}

bool server_fixture_open(const struct server_fixture_config *config,
                         const struct server_fixture_failure *failure)
{
    static const struct server_fixture_config usual = {0};
    static const struct server_fixture_failure none = {0};
    config = config != NULL ? config : &usual;
    failure = failure != NULL ? failure : &none;
    memset(&server_fixture, 0, sizeof server_fixture);
    memory_fail_at(0); /* from a previous test that failed */
    open_log();
    fixture_open(&config->fixture);
    server_fixture.is_open = true;
    struct problem problem;
    struct server_config server = config_of(config);
    server_fixture.drain_ms = server.drain_ms;
    server_fixture_port = SERVER_FIXTURE_PORT;
    memory_fail_at(failure->memory_at);
    kernel_fail_at(failure->call_at, failure->call_error);
    server_fixture_server = server_create(&server, server_fixture.log, &problem);
    if (server_fixture_server == NULL) {
        assert_true(failure != &none);
        close_fixture();
        return false;
    }
    assert_true(server_start(server_fixture_server, &problem));
    fixture_run_now();
    return true;
}

/* ---- closing ---- */

bool server_fixture_is_over(void)
{
    return server_fixture.is_over;
}

void server_fixture_drain(void)
{
    server_fixture.is_draining = true;
    server_drain(server_fixture_server);
    fixture_run_ms(server_fixture.drain_ms + GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS + SLACK_MS);
}

static void check_books(void)
{
    struct server_counters counters;
    uint64_t ended = 0;
    server_counters(server_fixture_server, &counters);
    for (int reason = 0; reason < GW_CLOSE_REASON_COUNT; reason++) {
        ended += counters.sessions.ended[reason];
    }
    assert_int_equal(ended, counters.sessions.begun);
    assert_int_equal(counters.session_count, 0);
    assert_int_equal(counters.rooms, 0);
    assert_int_equal(counters.room_members, 0);
}

void server_fixture_close(void)
{
    if (!server_fixture.is_draining) {
        server_fixture_drain();
    }
    if (!server_fixture.is_over) {
        fail_msg("the server is not over %u ms after it was to be",
                 (unsigned)(GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS + SLACK_MS));
    }
    assert_int_equal(server_join(server_fixture_server), 0);
    check_books();
    server_destroy(server_fixture_server);
    close_fixture();
}

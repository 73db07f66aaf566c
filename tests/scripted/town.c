/* tests/scripted/town.c: the whole game server, on the stage. */
#include "tests/scripted/town.h"

#include "tests/test.h"

#include "net/crew.h"
#include "net/error.h"
#include "net/stream.h"
#include "server/counters.h"
#include "server/log.h"
#include "server/server.h"
#include "tests/scripted/memory.h"

#include <stdio.h>
#include <string.h>

enum { TOWN_PORT = 7777, SLACK_MS = 3 };

struct server *town_server;
uint16_t town_port;

static struct {
    bool is_open; /* the stage's port is everybody's */
    bool is_over;
    bool is_draining;
    uint32_t drain_ms;
    struct server_log *log;
} town;

/* ---- what the linker sends here ---- */

int __real_gw_port_create(const struct gw_port_config *config, struct gw_port **port_out);
void __real_gw_port_destroy(struct gw_port *port);
void __real_gw_port_stop(struct gw_port *port);
int __real_gw_crew_start(struct gw_port *port, struct gw_crew **crew_out);
int __real_gw_crew_join(struct gw_crew *crew);
int __wrap_gw_port_create(const struct gw_port_config *config, struct gw_port **port_out);
void __wrap_gw_port_destroy(struct gw_port *port);
void __wrap_gw_port_stop(struct gw_port *port);
int __wrap_gw_crew_start(struct gw_port *port, struct gw_crew **crew_out);
int __wrap_gw_crew_join(struct gw_crew *crew);

int __wrap_gw_port_create(const struct gw_port_config *config, struct gw_port **port_out)
{
    if (!town.is_open) {
        return __real_gw_port_create(config, port_out);
    }
    *port_out = stage_port;
    return 0;
}

void __wrap_gw_port_destroy(struct gw_port *port)
{
    if (!town.is_open) {
        __real_gw_port_destroy(port);
    }
}

void __wrap_gw_port_stop(struct gw_port *port)
{
    if (!town.is_open) {
        __real_gw_port_stop(port);
    }
    town.is_over = true;
}

int __wrap_gw_crew_start(struct gw_port *port, struct gw_crew **crew_out)
{
    return town.is_open ? 0 : __real_gw_crew_start(port, crew_out);
}

/* Ten minutes are more than any goodbye may take. */
int __wrap_gw_crew_join(struct gw_crew *crew)
{
    if (!town.is_open) {
        return __real_gw_crew_join(crew);
    }
    for (int seconds = 0; !town.is_over; seconds++) {
        assert_true(seconds < 600);
        stage_run_ms(1000);
    }
    town.is_over = town.is_draining; /* another one's crew: the server's goes on */
    return 0;
}

/* ---- opening ---- */

static uint32_t or_usual(uint32_t value, uint32_t usual)
{
    return value != 0 ? value : usual;
}

static struct server_config config_of(const struct town_config *config)
{
    struct server_config server;
    server_config_init(&server);
    if (config->server != NULL) {
        server = *config->server;
    }
    server.listen_count = 1;
    assert_int_equal(gw_addr_parse("127.0.0.1:7777", &server.listen[0]), 0);
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

static void close_stage(void)
{
    town.is_open = false;
    stage_close();
    server_log_destroy(town.log);
}

/* One file for all towns: on Windows tmpfile() runs out of names. */
static void open_log(void)
{
    static const struct server_log_config config = {GW_LOG_ERROR, 100};
    static FILE *nowhere;
    if (nowhere == NULL) {
        nowhere = tmpfile();
    }
    assert_non_null(nowhere);
    town.log = server_log_create(nowhere, &config);
    assert_non_null(town.log);
}

bool town_open(const struct town_config *config, const struct town_failure *failure)
{
    static const struct town_config usual = {0};
    static const struct town_failure none = {0};
    config = config != NULL ? config : &usual;
    failure = failure != NULL ? failure : &none;
    memset(&town, 0, sizeof town);
    memory_fail_at(0); /* what a test that failed has left behind */
    open_log();
    stage_open(&config->stage);
    town.is_open = true;
    struct server_problem problem;
    struct server_config server = config_of(config);
    town.drain_ms = server.drain_ms;
    town_port = TOWN_PORT;
    memory_fail_at(failure->memory_at);
    kernel_fail_at(failure->call_at, failure->call_error);
    town_server = server_create(&server, town.log, &problem);
    if (town_server == NULL) {
        assert_true(failure != &none);
        close_stage();
        return false;
    }
    assert_true(server_start(town_server, &problem));
    stage_settle();
    return true;
}

/* ---- closing ---- */

bool town_is_over(void)
{
    return town.is_over;
}

void town_drain(void)
{
    town.is_draining = true;
    server_drain(town_server);
    stage_run_ms(town.drain_ms + GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS + SLACK_MS);
}

static void check_books(void)
{
    struct server_counters counters;
    uint64_t ended = 0;
    server_counters(town_server, &counters);
    for (int reason = 0; reason < GW_CLOSE_REASON_COUNT; reason++) {
        ended += counters.sessions.ended[reason];
    }
    assert_int_equal(ended, counters.sessions.begun);
    assert_int_equal(counters.session_count, 0);
    assert_int_equal(counters.rooms, 0);
    assert_int_equal(counters.room_members, 0);
}

void town_close(void)
{
    if (!town.is_draining) {
        town_drain();
    }
    if (!town.is_over) {
        fail_msg("the server is not over %u ms after it was to be",
                 (unsigned)(GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS + SLACK_MS));
    }
    assert_int_equal(server_join(town_server), 0);
    check_books();
    server_destroy(town_server);
    close_stage();
}

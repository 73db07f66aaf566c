/* tests/scenarios/scenario.c: Server fixture: a whole server that a test opens and closes. */
#include "tests/scenarios/scenario.h"

#include "server/log/log.h"
#include "server/server.h"
#include "tests/scenarios/log_check.h"
#include "tests/scenarios/test_client.h"
#include "tests/support/machine.h"
#include "tests/support/wait.h"
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77, WORKERS_MAX = 64, LINES_PER_SECOND = 1000000, TICK_MS = 20 };

struct scenario scenario;
static enum gw_backend backend;
static uint32_t worker_count;
static uint32_t divisor = 1; /* of numbers of clients, in a slow build */

/* ---- the program ---- */

static bool find_backend(const char *name)
{
    for (int i = GW_BACKEND_IOCP; i <= GW_BACKEND_EPOLL; i++) {
        backend = (enum gw_backend)i;
        if (strcmp(gw_backend_name(backend), name) == 0) {
            return true;
        }
    }
    return false;
}

void scenario_begin(int argc, char **argv)
{
    worker_count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    if (worker_count == 0 || worker_count > WORKERS_MAX || !find_backend(argv[1])) {
        fprintf(stderr, "usage: %s BACKEND WORKERS [TEST]\n", argv[0]);
        exit(2);
    }
    if (gw_backend_refusal(backend) != NULL) {
        fprintf(stderr, "%s: %s\n", argv[1], gw_backend_refusal(backend));
        exit(SKIPPED);
    }
    if (argc > 3) {
        cmocka_set_test_filter(argv[3]);
    }
    const char *one_in = getenv("GW_SCENARIO_ONE_IN");
    divisor = one_in != NULL ? (uint32_t)strtoul(one_in, NULL, 10) : 1;
}

uint32_t scenario_count(uint32_t count)
{
    return count > divisor ? count / divisor : 1;
}

uint64_t scenario_seed(uint64_t nth)
{
    const char *shift = getenv("GW_SCENARIO_SEED");
    return shift != NULL ? nth + 1000 * strtoull(shift, NULL, 10) : nth;
}

uint64_t scenario_patience_ms(uint64_t ms)
{
    return divisor > 1 ? 3 * ms : ms;
}

/* ---- opening ---- */

struct server_config scenario_config(void)
{
    struct server_config config;
    server_config_init(&config);
    config.backend = (uint32_t)backend;
    config.workers = worker_count;
    config.log_lines_per_second = LINES_PER_SECOND;
    config.report_seconds = 0;
    config.room_tick_ms = TICK_MS;
    assert_null(url_parse("127.0.0.1:0", &config.listen[0]));
    config.listen_count = 1;
    return config;
}

static void open_log(void)
{
    const struct server_log_config config = {(enum gw_log_level)scenario.config.log_level,
                                             scenario.config.log_lines_per_second};
    scenario.log_file = machine_scratch_file();
    assert_non_null(scenario.log_file);
    scenario.log = server_log_create(scenario.log_file, &config);
    assert_non_null(scenario.log);
}

void scenario_serve(const struct server_config *config)
{
    struct problem problem;
    scenario.config = *config;
    open_log();
    scenario.server = server_create(config, scenario.log, &problem);
    if (scenario.server == NULL) {
        fail_msg("%s", problem.text);
    }
    scenario.addr = server_url(scenario.server, 0)->addr;
    assert_true(server_start(scenario.server, &problem));
}

void scenario_open(void)
{
    const struct server_config config = scenario_config();
    scenario_serve(&config);
}

/* ---- counters ---- */

struct server_counters scenario_counters(void)
{
    struct server_counters counters;
    server_counters(scenario.server, &counters);
    return counters;
}

uint64_t scenario_ended(Gw__CloseReason reason)
{
    return scenario_counters().sessions.ended[reason];
}

struct gw_session_packet_counters scenario_packet(const char *name)
{
    const struct server_counters counters = scenario_counters();
    for (uint32_t i = 0; i < counters.packet_count; i++) {
        if (strcmp(counters.packets[i].name, name) == 0) {
            return counters.packets[i].count;
        }
    }
    fail_msg("there is no packet %s", name);
    return (struct gw_session_packet_counters){0};
}

uint64_t scenario_log_lines(void)
{
    return log_line_count(scenario.log_file);
}

/* ---- closing ---- */

static bool is_empty(void)
{
    const struct server_counters counters = scenario_counters();
    (void)test_clients_receive();
    return counters.session_count + counters.rooms + counters.room_members +
               counters.port.stream_count + counters.port.send_queue_bytes +
               counters.port.pool_bytes ==
           0;
}

void scenario_wait_until_empty(void)
{
    WAIT_FOR(is_empty());
}

void scenario_close(void)
{
    scenario_wait_until_empty();
    server_drain(scenario.server);
    scenario_join();
    scenario_destroy();
}

void scenario_join(void)
{
    assert_int_equal(server_join(scenario.server), 0);
}

static void expect_nothing_left(const struct server_counters *counters)
{
    assert_int_equal(counters->session_count, 0);
    assert_int_equal(counters->rooms, 0);
    assert_int_equal(counters->room_members, 0);
    assert_int_equal(counters->port.stream_count, 0);
    assert_int_equal(counters->port.send_queue_bytes, 0);
    assert_int_equal(counters->port.pool_bytes, 0);
}

static void expect_sums(const struct server_counters *counters)
{
    uint64_t ended = 0, in = 0, out = 0;
    for (int reason = 0; reason < GW_CLOSE_REASON_COUNT; reason++) {
        ended += counters->sessions.ended[reason];
    }
    for (uint32_t i = 0; i < counters->packet_count; i++) {
        in += counters->packets[i].count.in;
        out += counters->packets[i].count.out;
    }
    assert_int_equal(ended, counters->sessions.begun);
    assert_int_equal(in, counters->sessions.frames_in);
    assert_int_equal(out, counters->sessions.frames_out);
    assert_true(counters->sessions.greeted <= counters->sessions.begun);
    assert_true(counters->sessions.begun + counters->port.turned_away <= counters->port.accepted);
}

static void close_log(void)
{
    server_log_destroy(scenario.log);
    fclose(scenario.log_file);
    scenario.log = NULL;
    scenario.log_file = NULL;
}

void scenario_destroy(void)
{
    const struct server_counters counters = scenario_counters();
    expect_nothing_left(&counters);
    expect_sums(&counters);
    struct server *server = scenario.server;
    scenario.server = NULL;
    server_destroy(server);
    if (counters.log_dropped == 0) {
        log_expect_each_session_ended_once(scenario.log_file, counters.sessions.greeted);
    }
    test_clients_close();
    close_log();
}

int scenario_teardown(void **state)
{
    test_clients_close();
    if (scenario.server != NULL) {
        server_drain(scenario.server);
        (void)server_join(scenario.server);
        server_destroy(scenario.server);
        scenario.server = NULL;
        close_log();
    }
    return 0;
}

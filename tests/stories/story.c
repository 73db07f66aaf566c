/* tests/stories/story.c: a whole server, for as long as a story lasts. */
#include "tests/stories/story.h"

#include "server/log.h"
#include "server/server.h"
#include "tests/stories/chronicle.h"
#include "tests/stories/puppet.h"
#include "tests/support/machine.h"
#include "tests/support/wait.h"
#include <stdlib.h>
#include <string.h>

enum { REFUSED = 77, WORKERS_MAX = 64, LINES_PER_SECOND = 1000000, TICK_MS = 20 };

struct story story;
static enum gw_backend backend;
static uint32_t worker_count;
static uint32_t share = 1; /* one in so many is enough */

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

void story_begin(int argc, char **argv)
{
    worker_count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    if (worker_count == 0 || worker_count > WORKERS_MAX || !find_backend(argv[1])) {
        fprintf(stderr, "usage: %s BACKEND WORKERS [TEST]\n", argv[0]);
        exit(2);
    }
    if (gw_backend_refusal(backend) != NULL) {
        fprintf(stderr, "%s: %s\n", argv[1], gw_backend_refusal(backend));
        exit(REFUSED);
    }
    if (argc > 3) {
        cmocka_set_test_filter(argv[3]);
    }
    const char *one_in = getenv("GW_STORY_ONE_IN");
    share = one_in != NULL ? (uint32_t)strtoul(one_in, NULL, 10) : 1;
}

uint32_t story_count(uint32_t count)
{
    return count > share ? count / share : 1;
}

uint64_t story_seed(uint64_t nth)
{
    const char *shift = getenv("GW_STORY_SEED");
    return shift != NULL ? nth + 1000 * strtoull(shift, NULL, 10) : nth;
}

uint64_t story_patience_ms(uint64_t ms)
{
    return share > 1 ? 3 * ms : ms;
}

/* ---- opening ---- */

struct server_config story_config(void)
{
    struct server_config config;
    server_config_init(&config);
    config.backend = (uint32_t)backend;
    config.workers = worker_count;
    config.log_lines_per_second = LINES_PER_SECOND;
    config.report_seconds = 0;
    config.room_tick_ms = TICK_MS;
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &config.listen[0]), 0);
    return config;
}

static void open_log(void)
{
    const struct server_log_config config = {(enum gw_log_level)story.config.log_level,
                                             story.config.log_lines_per_second};
    story.log_file = machine_scratch_file();
    assert_non_null(story.log_file);
    story.log = server_log_create(story.log_file, &config);
    assert_non_null(story.log);
}

void story_serve(const struct server_config *config)
{
    struct server_problem problem;
    story.config = *config;
    open_log();
    story.server = server_create(config, story.log, &problem);
    if (story.server == NULL) {
        fail_msg("%s", problem.text);
    }
    story.addr = *server_addr(story.server, 0);
    assert_true(server_start(story.server, &problem));
}

void story_open(void)
{
    const struct server_config config = story_config();
    story_serve(&config);
}

/* ---- closing ---- */

static bool is_empty(void)
{
    const struct server_counters counters = story_counters();
    (void)puppets_listen();
    return counters.session_count + counters.rooms + counters.room_members +
               counters.port.stream_count + counters.port.send_queue_bytes +
               counters.port.pool_bytes ==
           0;
}

void story_wait_until_empty(void)
{
    WAIT_FOR(is_empty());
}

void story_close(void)
{
    story_wait_until_empty();
    server_drain(story.server);
    story_join();
    story_destroy();
}

void story_join(void)
{
    assert_int_equal(server_join(story.server), 0);
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
    for (uint32_t i = 0; i < counters->packet_kind_count; i++) {
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
    server_log_destroy(story.log);
    fclose(story.log_file);
    story.log = NULL;
    story.log_file = NULL;
}

void story_destroy(void)
{
    const struct server_counters counters = story_counters();
    expect_nothing_left(&counters);
    expect_sums(&counters);
    struct server *server = story.server;
    story.server = NULL;
    server_destroy(server);
    if (counters.log_dropped == 0) {
        chronicle_expect_each_ended_once(story.log_file, counters.sessions.begun);
    }
    puppets_close();
    close_log();
}

int story_teardown(void **state)
{
    (void)state;
    puppets_close();
    if (story.server != NULL) {
        server_drain(story.server);
        (void)server_join(story.server);
        server_destroy(story.server);
        story.server = NULL;
        close_log();
    }
    return 0;
}

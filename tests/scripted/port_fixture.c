/* tests/scripted/port_fixture.c: A port on the simulated kernel that a test runs step by step. */
#include "tests/scripted/port_fixture.h"

#include "tests/test.h"

#include "net/error.h"
#include "net/pool.h"
#include "net/port_internal.h"
#include "net/stream_internal.h"
#include "net/wheel.h"
#include "tests/scripted/broken.h"
#include "tests/scripted/memory.h"
#include "tests/support/checking_backend.h"
#include "tests/support/test_filter.h"

#include <stdlib.h>
#include <string.h>

enum { EVENT_COUNT_MAX = 32, EVENT_BYTES = 32 };

struct gw_port *fixture_port;

static struct {
    struct gw_worker worker;
    int64_t block_count;
    uint64_t pool_bytes;
    uint64_t begun_ns;
    char logged[EVENT_COUNT_MAX][EVENT_BYTES];
    uint32_t logged_count[EVENT_COUNT_MAX];
} fixture;

static void write_log(enum gw_log_level level, const char *event, const struct gw_log_field *fields,
                      size_t field_count, void *context)
{
    int place = 0;
    while (fixture.logged[place][0] != 0 && strcmp(fixture.logged[place], event) != 0) {
        place++;
    }
    assert_true(place < EVENT_COUNT_MAX - 1);
    strncpy(fixture.logged[place], event, EVENT_BYTES - 1);
    fixture.logged_count[place]++;
}

uint32_t fixture_logged_count(const char *event)
{
    for (int place = 0; place < EVENT_COUNT_MAX; place++) {
        if (strcmp(fixture.logged[place], event) == 0) {
            return fixture.logged_count[place];
        }
    }
    return 0;
}

/* ---- filters ---- */

int __real_gw__stream_filters_create(struct gw_stream *stream,
                                     const struct gw_stream_config *config);
int __wrap_gw__stream_filters_create(struct gw_stream *stream,
                                     const struct gw_stream_config *config);

/* SCRIPTED_FILTERS: the number of filters that each stream without any gets; they change no byte.
 */
int __wrap_gw__stream_filters_create(struct gw_stream *stream,
                                     const struct gw_stream_config *config)
{
    const char *count = getenv("SCRIPTED_FILTERS");
    struct gw_stream_config filtered = *config;
    test_filter_add_clear(&filtered, count == NULL ? 0 : (uint32_t)strtoul(count, NULL, 10));
    return __real_gw__stream_filters_create(stream, &filtered);
}

/* ---- opening and closing ---- */

static void break_rule(int rule, const char *text)
{
    broken(rule, "%s", text);
}

const struct gw_backend_ops *fixture_checked_ops(void)
{
    static const struct checking_config config = {
        .broken = break_rule,
        .take = memory_take_unseen,
        .give = memory_free_unseen,
        .has_exact_time = true,
        .checksum_step = 1,
    };
    return checking_backend_init(kernel_ops(), &config);
}

int fixture_open_any(const struct port_fixture_config *config)
{
    static const struct port_fixture_config kind = {0};
    config = config != NULL ? config : &kind;
    broken_set_thread();
    gw__worker_leave(); /* from a previous test that failed */
    memset(&fixture, 0, sizeof fixture);
    gw__pool_trim();
    fixture.block_count = memory_block_count();
    fixture.pool_bytes = gw__pool_used_bytes();
    kernel_init(&config->kernel);
    fixture.begun_ns = kernel_now_ns();
    const struct gw_port_config port_config = {
        .worker_count = 1,
        .stream_count_max = config->stream_count_max != 0 ? config->stream_count_max : 4096,
        .log = {.write = write_log},
    };
    const struct gw_backend_ops *ops = fixture_checked_ops();
    int error = gw__port_create_on(config->wrap != NULL ? config->wrap(ops) : ops, &port_config,
                                   &fixture_port);
    if (error != GW_OK) {
        kernel_fini();
        return error;
    }
    fixture.worker.port = fixture_port;
    fixture.worker.lane = gw__port_lane(fixture_port, 0);
    return GW_OK;
}

void fixture_open(const struct port_fixture_config *config)
{
    assert_int_equal(fixture_open_any(config), GW_OK);
}

void fixture_close(void)
{
    memory_fail_at(0);
    kernel_fail_at(0, 0);
    fixture_run_now();
    struct gw_port_counters counters = fixture_counters();
    assert_int_equal(counters.stream_count, 0);
    assert_int_equal(counters.send_queue_bytes, 0);
    gw__worker_enter(&fixture.worker);
    gw__pool_cache_empty(&fixture.worker.pool);
    gw__worker_leave();
    gw_port_destroy(fixture_port);
    assert_int_equal(gw__pool_used_bytes(), fixture.pool_bytes);
    memory_expect_block_count(fixture.block_count);
    assert_int_equal(kernel_ticket_count(), 0);
    checking_backend_fini(true);
    assert_int_equal(kernel_fini(), 0);
}

/* ---- time ---- */

static void run_until(uint64_t time_ns)
{
    kernel_run_until(time_ns);
    gw__worker_enter(&fixture.worker);
    int result = gw__lane_run(&fixture.worker);
    gw__worker_leave();
    assert_true(result == KERNEL_PAUSED || gw__port_is_stopping(fixture_port));
    checking_backend_check_cancelled();
}

void fixture_run_until(uint64_t time_ns)
{
    run_until(time_ns);
    assert_true(kernel_now_ns() >= time_ns || gw__port_is_stopping(fixture_port));
}

void fixture_run_until_idle(void)
{
    run_until(UINT64_MAX);
}

void fixture_run_now(void)
{
    run_until(kernel_now_ns());
}

void fixture_run_ms(uint64_t ms)
{
    run_until(kernel_now_ns() + ms * FIXTURE_MS);
}

uint64_t fixture_now_ns(void)
{
    return kernel_now_ns();
}

uint64_t fixture_ms(uint64_t time_ns)
{
    return (time_ns - fixture.begun_ns) / FIXTURE_MS;
}

uint64_t fixture_tick_at(uint64_t deadline_ns)
{
    return gw__wheel_tick_of(deadline_ns) << GW_WHEEL_TICK_SHIFT;
}

void fixture_align_to_tick(void)
{
    run_until(fixture_tick_at(kernel_now_ns()));
}

void fixture_stop_at(uint64_t time_ns, uint64_t ms)
{
    checking_backend_allow_late(ms * FIXTURE_MS);
    kernel_stop_at(time_ns, ms * FIXTURE_MS);
}

/* ---- turns and counters ---- */

struct posted_task {
    struct gw_task task;
    void (*work)(void *context);
    void *context;
    bool is_done;
};

static void run_posted_task(struct gw_task *task)
{
    struct posted_task *posted_task = (struct posted_task *)(void *)task;
    posted_task->work(posted_task->context);
    posted_task->is_done = true;
}

void fixture_in_turn(struct gw_turn *turn, void (*work)(void *context), void *context)
{
    struct posted_task posted_task = {
        .task.run = run_posted_task, .work = work, .context = context};
    gw_turn_post(turn, &posted_task.task);
    fixture_run_now();
    assert_true(posted_task.is_done);
}

struct gw_port_counters fixture_counters(void)
{
    struct gw_port_counters counters;
    gw_port_counters(fixture_port, &counters);
    return counters;
}

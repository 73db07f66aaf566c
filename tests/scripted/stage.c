/* tests/scripted/stage.c: a port on the scripted kernel, and a test that goes on step by step. */
#include "tests/scripted/stage.h"

#include "tests/test.h"

#include "net/error.h"
#include "net/internal.h"
#include "net/pool.h"
#include "net/wheel.h"
#include "tests/scripted/audit.h"
#include "tests/scripted/broken.h"
#include "tests/scripted/memory.h"

#include <string.h>

enum { EVENT_COUNT_MAX = 32, EVENT_BYTES = 32 };

struct gw_port *stage_port;

static struct {
    struct gw_worker worker;
    int64_t block_count;
    uint64_t pool_bytes;
    uint64_t begun_ns;
    char logged[EVENT_COUNT_MAX][EVENT_BYTES];
    uint32_t logged_count[EVENT_COUNT_MAX];
} stage;

static void write_log(enum gw_log_level level, const char *event, const struct gw_log_field *fields,
                      size_t field_count, void *context)
{
    (void)level;
    (void)fields;
    (void)field_count;
    (void)context;
    int place = 0;
    while (stage.logged[place][0] != 0 && strcmp(stage.logged[place], event) != 0) {
        place++;
    }
    assert_true(place < EVENT_COUNT_MAX - 1);
    strncpy(stage.logged[place], event, EVENT_BYTES - 1);
    stage.logged_count[place]++;
}

uint32_t stage_logged_count(const char *event)
{
    for (int place = 0; place < EVENT_COUNT_MAX; place++) {
        if (strcmp(stage.logged[place], event) == 0) {
            return stage.logged_count[place];
        }
    }
    return 0;
}

/* ---- opening and closing ---- */

static int open_on(const struct stage_config *config, stage_wrap *wrap)
{
    static const struct stage_config kind = {0};
    config = config != NULL ? config : &kind;
    broken_set_thread();
    gw__worker_leave(); /* a test that failed may have left it behind */
    memset(&stage, 0, sizeof stage);
    gw__pool_trim();
    stage.block_count = memory_block_count();
    stage.pool_bytes = gw__pool_used_bytes();
    kernel_init(&config->kernel);
    stage.begun_ns = kernel_now_ns();
    const struct gw_port_config port_config = {
        .worker_count = 1,
        .stream_count_max = config->stream_count_max != 0 ? config->stream_count_max : 4096,
        .log = {.write = write_log},
    };
    const struct gw_backend_ops *ops = audit_init(kernel_ops());
    int error = gw__port_create_on(wrap != NULL ? wrap(ops) : ops, &port_config, &stage_port);
    if (error != GW_OK) {
        kernel_fini();
        return error;
    }
    stage.worker.port = stage_port;
    stage.worker.lane = gw__port_lane(stage_port, 0);
    return GW_OK;
}

int stage_open_any(const struct stage_config *config)
{
    return open_on(config, NULL);
}

void stage_open(const struct stage_config *config)
{
    assert_int_equal(open_on(config, NULL), GW_OK);
}

void stage_open_wrapped(const struct stage_config *config, stage_wrap *wrap)
{
    assert_int_equal(open_on(config, wrap), GW_OK);
}

void stage_close(void)
{
    memory_fail_at(0);
    kernel_fail_at(0, 0);
    stage_settle();
    struct gw_port_counters counters = stage_counters();
    assert_int_equal(counters.stream_count, 0);
    assert_int_equal(counters.send_queue_bytes, 0);
    gw__worker_enter(&stage.worker);
    gw__pool_cache_empty(&stage.worker.pool);
    gw__worker_leave();
    gw_port_destroy(stage_port);
    assert_int_equal(gw__pool_used_bytes(), stage.pool_bytes);
    memory_expect_block_count(stage.block_count);
    assert_int_equal(kernel_ticket_count(), 0);
    audit_fini(true);
    assert_int_equal(kernel_fini(), 0);
}

/* ---- time ---- */

static void run_until(uint64_t time_ns)
{
    kernel_run_until(time_ns);
    gw__worker_enter(&stage.worker);
    int result = gw__lane_run(&stage.worker);
    gw__worker_leave();
    assert_true(result == KERNEL_PAUSED || gw__port_is_stopping(stage_port));
    audit_check_cancelled();
}

void stage_run_until(uint64_t time_ns)
{
    run_until(time_ns);
    assert_true(kernel_now_ns() >= time_ns || gw__port_is_stopping(stage_port));
}

void stage_run_until_idle(void)
{
    run_until(UINT64_MAX);
}

void stage_settle(void)
{
    run_until(kernel_now_ns());
}

void stage_run_ms(uint64_t ms)
{
    run_until(kernel_now_ns() + ms * STAGE_MS);
}

uint64_t stage_now_ns(void)
{
    return kernel_now_ns();
}

uint64_t stage_ms(uint64_t time_ns)
{
    return (time_ns - stage.begun_ns) / STAGE_MS;
}

uint64_t stage_tick_at(uint64_t deadline_ns)
{
    return gw__wheel_tick_of(deadline_ns) << GW_WHEEL_TICK_SHIFT;
}

void stage_align(void)
{
    run_until(stage_tick_at(kernel_now_ns()));
}

void stage_stop_at(uint64_t time_ns, uint64_t ms)
{
    audit_allow_late(ms * STAGE_MS);
    kernel_stop_at(time_ns, ms * STAGE_MS);
}

/* ---- doing ---- */

struct errand {
    struct gw_task task;
    void (*work)(void *context);
    void *context;
    bool is_done;
};

static void run_errand(struct gw_task *task)
{
    struct errand *errand = (struct errand *)(void *)task;
    errand->work(errand->context);
    errand->is_done = true;
}

void stage_in_turn(struct gw_turn *turn, void (*work)(void *context), void *context)
{
    struct errand errand = {.task.run = run_errand, .work = work, .context = context};
    gw_turn_post(turn, &errand.task);
    stage_settle();
    assert_true(errand.is_done);
}

struct gw_port_counters stage_counters(void)
{
    struct gw_port_counters counters;
    gw_port_counters(stage_port, &counters);
    return counters;
}

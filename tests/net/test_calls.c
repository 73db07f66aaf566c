/* tests/net/test_calls.c: gw_turn_call() from many threads, and calls that are pending at the end
 * of a port. */
#include "tests/test.h"

#include "net/error.h"
#include "net/os/os.h"
#include "net/pool.h"
#include "net/port.h"
#include "net/turn.h"
#include "net/workers.h"

#include <stdatomic.h>
#include <string.h>

static struct gw_port *port;
static struct gw_turn turn;

static int open_port(void **state)
{
    const struct gw_port_config config = {.worker_count = 2, .stream_count_max = 1};
    assert_int_equal(gw_port_create(&config, &port), GW_OK);
    gw_turn_init(&turn, port, NULL);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, open_port)

/* ---- many threads ---- */

enum { CALLER_COUNT = 3, CALL_COUNT = 20000 };

struct argument {
    uint32_t caller;
    uint32_t number;
};

/* Only turns of `turn` access it, so it has no lock. */
static struct {
    uint32_t next[CALLER_COUNT];
    uint32_t wrong_count;
    uint32_t count;
} seen;

static void see(struct gw_turn *of, void *data)
{
    struct argument argument;
    memcpy(&argument, data, sizeof argument);
    seen.wrong_count += !gw_turn_is_mine(of) || argument.number != seen.next[argument.caller]++;
    if (++seen.count == CALLER_COUNT * CALL_COUNT) {
        gw_port_stop(port);
    }
}

static void call_many(void *context)
{
    struct argument argument = {.caller = *(uint32_t *)context};
    for (; argument.number < CALL_COUNT; argument.number++) {
        while (gw_turn_call(&turn, see, &argument, sizeof argument) != GW_OK) {
        }
    }
}

static void calls_of_each_thread_run_in_order_and_never_overlap(void **state)
{
    struct gw_workers *workers;
    os_thread threads[CALLER_COUNT];
    uint32_t callers[CALLER_COUNT];
    memset(&seen, 0, sizeof seen);
    assert_int_equal(gw_workers_start(port, &workers), GW_OK);
    for (uint32_t i = 0; i < CALLER_COUNT; i++) {
        callers[i] = i;
        assert_int_equal(os_thread_start(&threads[i], call_many, &callers[i]), GW_OK);
    }
    for (uint32_t i = 0; i < CALLER_COUNT; i++) {
        os_thread_join(threads[i]);
    }
    assert_int_equal(gw_workers_join(workers), GW_OK);
    gw_port_destroy(port);
    assert_int_equal(seen.count, CALLER_COUNT * CALL_COUNT);
    assert_int_equal(seen.wrong_count, 0);
    assert_int_equal(gw__pool_used_bytes(), 0);
}

/* ---- the end of a port ---- */

static uint32_t run_count;

static void count_run(struct gw_turn *of, void *data)
{
    run_count++;
}

static void a_pending_call_runs_when_the_port_is_destroyed(void **state)
{
    static const uint8_t large[GW_TURN_CALL_BYTES_MAX];
    run_count = 0;
    assert_int_equal(gw_turn_call(&turn, count_run, NULL, 0), GW_OK);
    assert_int_equal(gw_turn_call(&turn, count_run, large, sizeof large), GW_OK);
    assert_true(gw__pool_used_bytes() > sizeof large);
    gw_port_destroy(port);
    assert_int_equal(run_count, 2);
    assert_int_equal(gw__pool_used_bytes(), 0);
}

static void call_again(struct gw_turn *of, void *data)
{
    run_count++;
    assert_int_equal(gw_turn_call(of, call_again, data, sizeof run_count), GW_OK);
}

static void a_call_that_repeats_without_end_is_freed_when_the_port_is_destroyed(void **state)
{
    run_count = 0;
    assert_int_equal(gw_turn_call(&turn, call_again, &run_count, sizeof run_count), GW_OK);
    gw_port_destroy(port);
    assert_in_range(run_count, 1, 1000);
    assert_int_equal(gw__pool_used_bytes(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_of_each_thread_run_in_order_and_never_overlap),
        TEST(a_pending_call_runs_when_the_port_is_destroyed),
        TEST(a_call_that_repeats_without_end_is_freed_when_the_port_is_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_workers.c: Several worker threads on the simulated kernel. */
#include "tests/test.h"

#include "net/listener.h"
#include "net/pool.h"
#include "net/port_internal.h"
#include "net/workers.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/port_fixture.h"
#include "tests/scripted/test_stream.h"
#include "tests/support/checking_backend.h"

#include <string.h>

enum { STREAM_COUNT = 24, ROUND_COUNT = 40, MESSAGE_BYTES = 8, SEED_COUNT = 4 };

static struct test_listener test_listener;
static struct test_stream callers[STREAM_COUNT];
static atomic_uint open_callers;

/* ---- the conversation ---- */

static void echo(struct test_stream *test_stream)
{
    const uint8_t *last = test_stream->received.data + test_stream->received.end - MESSAGE_BYTES;
    (void)test_stream_send(test_stream, last, MESSAGE_BYTES);
}

static void begin(struct test_stream *test_stream)
{
    (void)test_stream_send(test_stream, "question", MESSAGE_BYTES);
}

static void ask_again(struct test_stream *test_stream)
{
    if (bytes_count(&test_stream->received) < ROUND_COUNT * MESSAGE_BYTES) {
        echo(test_stream);
    } else {
        gw_stream_finish(test_stream->stream, 7, NULL);
    }
}

static void count_out(struct test_stream *test_stream)
{
    if (atomic_fetch_sub(&open_callers, 1) == 1) {
        gw_listener_close(test_listener.listener);
    }
}

static void greet(struct test_stream *test_stream)
{
    test_stream->message_bytes = MESSAGE_BYTES;
    test_stream->on_recv = echo;
}

static void call(struct test_stream *test_stream)
{
    *test_stream = (struct test_stream){.message_bytes = MESSAGE_BYTES,
                                        .on_open = begin,
                                        .on_recv = ask_again,
                                        .on_close = count_out};
    assert_int_equal(test_stream_dial(test_stream, test_listener.port), 0);
}

/* ---- the threads ---- */

static void check(const struct test_stream *test_stream)
{
    assert_int_equal(test_stream->open_count, 1);
    assert_int_equal(test_stream->close_count, 1);
    assert_int_equal(test_stream->reason, 7);
    assert_int_equal(bytes_count(&test_stream->received), ROUND_COUNT * MESSAGE_BYTES);
    for (int i = 0; i < ROUND_COUNT; i++) {
        assert_memory_equal(bytes_data(&test_stream->received) + i * MESSAGE_BYTES, "question", 8);
    }
}

/* They stop when nothing is left to do: then every stream must be closed. */
static void work(void)
{
    struct gw_workers *workers;
    kernel_run_until(UINT64_MAX);
    assert_int_equal(gw_workers_start(fixture_port, &workers), 0);
    (void)gw_workers_join(workers);
    assert_int_equal(atomic_load(&open_callers), 0);
    assert_int_equal(test_listener.close_count, 1);
    assert_int_equal(test_listener.count, STREAM_COUNT);
    for (int i = 0; i < STREAM_COUNT; i++) {
        check(&callers[i]);
        test_stream_fini(&callers[i]);
    }
    test_listener_fini(&test_listener);
}

static void converse(const struct kernel_config *kernel_config)
{
    const struct gw_port_config config = {.worker_count = kernel_config->worker_count,
                                          .stream_count_max = 100};
    int64_t block_count = memory_block_count();
    kernel_init(kernel_config);
    assert_int_equal(gw__port_create_on(fixture_checked_ops(), &config, &fixture_port), 0);
    test_listener = (struct test_listener){.on_accept = greet};
    assert_int_equal(test_listener_open(&test_listener, 0, NULL), 0);
    atomic_store(&open_callers, STREAM_COUNT);
    for (int i = 0; i < STREAM_COUNT; i++) {
        call(&callers[i]);
    }
    work();
    gw_port_destroy(fixture_port);
    checking_backend_fini(true);
    assert_int_equal(kernel_fini(), 0);
    memory_expect_block_count(block_count);
}

static void two_workers_serve_their_own_lanes(void **state)
{
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
        const struct kernel_config config = {.seed = seed,
                                             .worker_count = 2,
                                             .split_percent = 40,
                                             .delay_percent = 20,
                                             .immediate_percent = 50,
                                             .late_ns_max = 100000,
                                             .shuffles = true};
        converse(&config);
    }
}

static void four_workers_serve_one_shared_lane(void **state)
{
    for (uint64_t seed = 0; seed < SEED_COUNT; seed++) {
        const struct kernel_config config = {.seed = seed,
                                             .worker_count = 4,
                                             .lane_shared = true,
                                             .split_percent = 40,
                                             .delay_percent = 20,
                                             .immediate_percent = 50,
                                             .late_ns_max = 100000,
                                             .shuffles = true};
        converse(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_workers_serve_their_own_lanes),
        cmocka_unit_test(four_workers_serve_one_shared_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

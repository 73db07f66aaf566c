/* tests/net/test_pool.c: Allocation of small blocks. */
#include "tests/test.h"

#include "net/os/os.h"
#include "net/pool.h"
#include "net/port.h"
#include "net/workers.h"
#include "tests/support/random.h"
#include "tests/support/wait.h"
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

static void a_block_size_is_the_next_power_of_two(void **state)
{
    assert_int_equal(gw__pool_block_bytes(1), 64);
    assert_int_equal(gw__pool_block_bytes(64), 64);
    assert_int_equal(gw__pool_block_bytes(65), 128);
    assert_int_equal(gw__pool_block_bytes(2048), 2048);
    assert_int_equal(gw__pool_block_bytes(2049), 4096);
    assert_int_equal(gw__pool_block_bytes(4096), 4096);
    assert_int_equal(gw__pool_block_bytes(4097), 4097);
}

static void used_bytes_count_blocks_until_they_are_given_back(void **state)
{
    for (uint32_t bytes = 1; bytes < 10000; bytes += 13) {
        uint8_t *block = gw__pool_take(bytes);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % alignof(max_align_t), 0);
        memset(block, 0xA5, gw__pool_block_bytes(bytes));
        assert_int_equal(gw__pool_used_bytes(), gw__pool_block_bytes(bytes));
        gw__pool_give(block, bytes);
        assert_int_equal(gw__pool_used_bytes(), 0);
    }
}

static void giving_back_null_does_nothing(void **state)
{
    gw__pool_give(NULL, 64);
    assert_int_equal(gw__pool_used_bytes(), 0);
}

/* Blocks move between threads: one thread allocates a block, another one releases it. */
enum { PLACE_COUNT = 64, TASK_COUNT = 200, STEP_COUNT = 200, HOLD_COUNT = 400 };

static _Atomic(uint8_t *) places[PLACE_COUNT];
static atomic_uint run_count;
static atomic_uint next_seed;
static atomic_uint wrong_count;

/* The first bytes of a block and its last byte contain its size. */
static uint8_t *take_marked(uint32_t bytes)
{
    uint8_t *block = gw__pool_take(bytes);
    memcpy(block, &bytes, sizeof(bytes));
    block[bytes - 1] = (uint8_t)bytes;
    return block;
}

static void give_marked(uint8_t *block)
{
    uint32_t bytes;
    if (block == NULL) {
        return;
    }
    memcpy(&bytes, block, sizeof(bytes));
    if (block[bytes - 1] != (uint8_t)bytes) {
        atomic_fetch_add(&wrong_count, 1);
    }
    memset(block, 0, bytes);
    gw__pool_give(block, bytes);
}

static void wander(struct gw_task *task)
{
    struct random random = {atomic_fetch_add(&next_seed, 1)};
    for (int i = 0; i < STEP_COUNT; i++) {
        uint8_t *block = take_marked(8 + random_below(&random, 5000));
        give_marked(atomic_exchange(&places[random_below(&random, PLACE_COUNT)], block));
    }
    atomic_fetch_add(&run_count, 1);
}

/* Takes more blocks than a cache keeps, and gives all back. */
static void swell(struct gw_task *task)
{
    static _Thread_local uint8_t *held[HOLD_COUNT];
    for (uint32_t bytes = 64; bytes <= GW_POOL_BLOCK_BYTES_MAX; bytes *= 2) {
        for (int i = 0; i < HOLD_COUNT; i++) {
            held[i] = take_marked(bytes);
        }
        for (int i = 0; i < HOLD_COUNT; i++) {
            give_marked(held[i]);
        }
    }
    atomic_fetch_add(&run_count, 1);
}

static void blocks_can_move_between_workers_and_other_threads(void **state)
{
    static struct gw_task tasks[TASK_COUNT];
    const struct gw_port_config config = {.worker_count = 3, .stream_count_max = 1};
    struct gw_port *port;
    struct gw_workers *workers;
    assert_int_equal(gw_port_create(&config, &port), 0);
    assert_int_equal(gw_workers_start(port, &workers), 0);
    for (int i = 0; i < TASK_COUNT; i++) {
        tasks[i].run = i % 10 == 0 ? swell : wander;
        gw_port_post(port, &tasks[i]);
        struct gw_task here = {.run = NULL};
        wander(&here);
    }
    WAIT_FOR(atomic_load(&run_count) == 2 * TASK_COUNT);
    gw_port_stop(port);
    assert_int_equal(gw_workers_join(workers), 0);
    for (int i = 0; i < PLACE_COUNT; i++) {
        give_marked(atomic_load(&places[i]));
    }
    assert_int_equal(atomic_load(&wrong_count), 0);
    assert_int_equal(gw__pool_used_bytes(), 0);
    gw_port_destroy(port); /* a sanitizer reports a leak unless it frees all cached blocks */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_size_is_the_next_power_of_two),
        cmocka_unit_test(used_bytes_count_blocks_until_they_are_given_back),
        cmocka_unit_test(giving_back_null_does_nothing),
        cmocka_unit_test(blocks_can_move_between_workers_and_other_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

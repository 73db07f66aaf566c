/* tests/net/test_pool_guard.c: Blocks with pages of their own, which fault on a wrong access. */
#include "tests/test.h"

#include "net/os/os.h"
#include "net/pool.h"
#include "net/pool_source.h"
#include "net/port.h"
#include "net/workers.h"
#include "tests/support/machine.h"
#include "tests/support/wait.h"
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

static const uint32_t sizes[] = {1, 63, 64, 65, 100, 2048, 4095, 4096, 4097, 20000, 65536};
enum { SIZE_COUNT = sizeof(sizes) / sizeof(sizes[0]) };

static void a_block_ends_at_an_inaccessible_page(void **state)
{
    for (int i = 0; i < SIZE_COUNT; i++) {
        uint32_t bytes = (gw__pool_block_bytes(sizes[i]) + 15) / 16 * 16;
        uint8_t *block = gw__pool_take(sizes[i]);
        assert_int_equal((uintptr_t)block % alignof(max_align_t), 0);
        memset(block, 0xA5, bytes);
        assert_true(machine_may_touch(block + bytes - 1));
        assert_false(machine_may_touch(block + bytes));
        gw__pool_give(block, sizes[i]);
    }
}

static void a_released_block_is_inaccessible(void **state)
{
    for (int i = 0; i < SIZE_COUNT; i++) {
        uint8_t *block = gw__pool_take(sizes[i]);
        assert_true(machine_may_touch(block));
        gw__pool_give(block, sizes[i]);
        assert_false(machine_may_touch(block));
        assert_false(machine_may_touch(block + gw__pool_block_bytes(sizes[i]) - 1));
    }
}

static void the_address_of_a_released_block_is_not_reused_soon(void **state)
{
    uint8_t *block = gw__pool_take(64);
    gw__pool_give(block, 64);
    for (int i = 0; i < 500; i++) {
        uint8_t *other = gw__pool_take(64);
        assert_ptr_not_equal(other, block);
        gw__pool_give(other, 64);
    }
    assert_false(machine_may_touch(block));
}

/* The same on a worker, which otherwise has a cache. */
static struct {
    struct gw_task task;
    uint8_t *block;
    atomic_bool done;
} posted_task;

static void take_and_give(struct gw_task *task)
{
    posted_task.block = gw__pool_take(256);
    memset(posted_task.block, 0xA5, 256);
    gw__pool_give(posted_task.block, 256);
    atomic_store(&posted_task.done, true);
}

static void a_worker_caches_no_guarded_block(void **state)
{
    const struct gw_port_config config = {.worker_count = 1, .stream_count_max = 1};
    struct gw_port *port;
    struct gw_workers *workers;
    assert_int_equal(gw_port_create(&config, &port), 0);
    assert_int_equal(gw_workers_start(port, &workers), 0);
    posted_task.task.run = take_and_give;
    gw_port_post(port, &posted_task.task);
    WAIT_FOR(atomic_load(&posted_task.done));
    assert_false(machine_may_touch(posted_task.block));
    assert_int_equal(gw__pool_used_bytes(), 0);
    gw_port_stop(port);
    assert_int_equal(gw_workers_join(workers), 0);
    gw_port_destroy(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_ends_at_an_inaccessible_page),
        cmocka_unit_test(a_released_block_is_inaccessible),
        cmocka_unit_test(the_address_of_a_released_block_is_not_reused_soon),
        cmocka_unit_test(a_worker_caches_no_guarded_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/session/test_pending.c: The list of pending sessions and the table of addresses, with
 * threads. */
#include "tests/test.h"

#include "net/addr.h"
#include "net/os/os.h"
#include "net/port.h"
#include "session/internal.h"
#include "session/pending.h"
#include "tests/support/random.h"

#include <string.h>

enum { ENTRY_COUNT = 16, STEP_COUNT = 20000 };

static struct gw_pending pending;

static int setup(void **state)
{
    (void)state;
    memset(&pending, 0, sizeof pending);
    return gw__pending_init(&pending, ENTRY_COUNT) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    gw__pending_fini(&pending);
    return 0;
}

static void the_oldest_of_a_full_list_is_displaced(void **state)
{
    uint32_t entries[ENTRY_COUNT];
    for (uint32_t i = 0; i < ENTRY_COUNT; i++) {
        entries[i] = gw__pending_add(&pending, 100 + i);
        assert_int_not_equal(entries[i], 0);
    }
    assert_int_equal(gw__pending_add(&pending, 1), 0);
    assert_true(gw__pending_remove(&pending, entries[0], 100));
    assert_true(gw__pending_remove(&pending, entries[7], 107));
    assert_false(gw__pending_remove(&pending, entries[7], 107));
    assert_int_equal(gw__pending_displace(&pending), 101);
    assert_false(gw__pending_has(&pending, entries[1], 101));
    assert_true(gw__pending_has(&pending, entries[2], 102));
    for (uint32_t i = 2; i < ENTRY_COUNT; i++) {
        if (i != 7) {
            assert_int_equal(gw__pending_displace(&pending), 100 + i);
        }
    }
    assert_int_equal(gw__pending_displace(&pending), GW_SESSION_ID_NONE);
    assert_int_equal(atomic_load(&pending.count), 0);
}

/* A plain array in the order of arrival does the same. */
static void random_steps_keep_the_order_of_arrival(void **state)
{
    struct random random = {1};
    gw_session_id ids[ENTRY_COUNT];
    uint32_t entries[ENTRY_COUNT];
    uint32_t count = 0;
    for (gw_session_id id = 1; id <= STEP_COUNT; id++) {
        uint32_t removed = 0;
        if (random_below(&random, 2) == 0) {
            uint32_t entry = gw__pending_add(&pending, id);
            assert_int_equal(entry != 0, count < ENTRY_COUNT);
            if (entry != 0) {
                ids[count] = id;
                entries[count++] = entry;
            }
            continue;
        }
        if (count > 0 && random_below(&random, 2) == 0) {
            removed = random_below(&random, count);
            assert_true(gw__pending_remove(&pending, entries[removed], ids[removed]));
        } else {
            assert_int_equal(gw__pending_displace(&pending),
                             count > 0 ? ids[0] : GW_SESSION_ID_NONE);
        }
        if (count > 0) {
            count--;
            memmove(&ids[removed], &ids[removed + 1], (count - removed) * sizeof ids[0]);
            memmove(&entries[removed], &entries[removed + 1],
                    (count - removed) * sizeof entries[0]);
        }
        assert_int_equal(atomic_load(&pending.count), count);
    }
}

/* ---- threads ---- */

enum { THREAD_COUNT = 4, ROUND_COUNT = 20000, AT_ONCE_COUNT = 3 };

static atomic_uint displaced_count; /* sessions that threads displaced */
static atomic_uint missing_count;   /* sessions that had no entry any more */

static void add_and_remove(void *context)
{
    gw_session_id first = (gw_session_id)(uintptr_t)context << 32;
    for (uint32_t i = 1; i <= ROUND_COUNT; i++) {
        uint32_t entries[2 * ENTRY_COUNT / THREAD_COUNT];
        uint32_t count = sizeof entries / sizeof entries[0];
        for (uint32_t j = 0; j < count; j++) {
            while ((entries[j] = gw__pending_add(&pending, first + i * count + j)) == 0) {
                atomic_fetch_add(&displaced_count,
                                 gw__pending_displace(&pending) != GW_SESSION_ID_NONE);
            }
        }
        for (uint32_t j = 0; j < count; j++) {
            bool is_removed = gw__pending_remove(&pending, entries[j], first + i * count + j);
            atomic_fetch_add(&missing_count, !is_removed);
        }
    }
}

static void run_threads(void (*run)(void *context))
{
    os_thread threads[THREAD_COUNT];
    for (uintptr_t i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(os_thread_start(&threads[i], run, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < THREAD_COUNT; i++) {
        os_thread_join(threads[i]);
    }
}

/* Together the threads add twice as many as there are entries. */
static void each_session_is_removed_or_displaced_once(void **state)
{
    run_threads(add_and_remove);
    assert_int_equal(atomic_load(&pending.count), 0);
    assert_int_equal(gw__pending_displace(&pending), GW_SESSION_ID_NONE);
    assert_int_equal(atomic_load(&displaced_count), atomic_load(&missing_count));
}

static struct gw_session_manager manager;
static atomic_int here_counts[2]; /* connections of each address, as the threads see them */
static atomic_uint above_count;   /* times that an address had more than its limit */

static struct gw_addr addr_of(uint32_t index)
{
    return (struct gw_addr){.ip = {[10] = 0xFF, [11] = 0xFF, 192, 0, 2, (uint8_t)(1 + index)}};
}

/* It is counted here after it has entered, and no more before it leaves: at most the limit. */
static void count_here(uint32_t index, int added)
{
    if (atomic_fetch_add(&here_counts[index], added) + added > AT_ONCE_COUNT) {
        atomic_fetch_add(&above_count, 1);
    }
}

static void enter_move_and_leave(void *context)
{
    struct random random = {(uintptr_t)context};
    for (int i = 0; i < ROUND_COUNT; i++) {
        uint32_t index = random_below(&random, 2);
        uint32_t address;
        struct gw_addr addr = addr_of(index);
        if (!gw__address_enter(&manager, &addr, &address)) {
            continue;
        }
        count_here(index, 1);
        if (random_below(&random, 2) == 0) {
            count_here(index, -1);
            index = 1 - index;
            addr = addr_of(index);
            if (!gw__address_move(&manager, &addr, &address)) {
                continue; /* it has left */
            }
            count_here(index, 1);
        }
        count_here(index, -1);
        gw__address_leave(&manager, address);
    }
}

static void threads_never_exceed_the_limit_of_an_address(void **state)
{
    const struct gw_port_config port = {.worker_count = 1, .stream_count_max = 1};
    assert_int_equal(gw_port_create(&port, &manager.port), 0);
    manager.config = (struct gw_session_manager_config){
        .session_count_max = 64,
        .pending_count_max = 64,
        .address_connection_count_max = AT_ONCE_COUNT,
        .address_connects_per_second = GW_OFF,
    };
    assert_true(gw__addresses_init(&manager));
    run_threads(enter_move_and_leave);
    assert_int_equal(atomic_load(&above_count), 0);
    for (uint32_t index = 0; index < 2; index++) {
        uint32_t addresses[AT_ONCE_COUNT];
        const struct gw_addr addr = addr_of(index);
        for (int i = 0; i < AT_ONCE_COUNT; i++) {
            assert_true(gw__address_enter(&manager, &addr, &addresses[i]));
        }
        assert_false(gw__address_enter(&manager, &addr, &addresses[0]));
    }
    gw__addresses_fini(&manager);
    gw_port_destroy(manager.port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_oldest_of_a_full_list_is_displaced, setup, teardown),
        cmocka_unit_test_setup_teardown(random_steps_keep_the_order_of_arrival, setup, teardown),
        cmocka_unit_test_setup_teardown(each_session_is_removed_or_displaced_once, setup, teardown),
        cmocka_unit_test(threads_never_exceed_the_limit_of_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

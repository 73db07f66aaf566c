/* tests/scripted/test_dummy.c: the dummy client's crowd and the server in one small world. */
#include "tests/test.h"

#include "net/error.h"
#include "tests/scripted/chaos.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/town.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/report.h"
#include "tools/dummy-client/run.h"

#include <stdio.h>

enum { CLIENT_COUNT = 8, CHAOS_COUNT = 20 };

static struct chaos_seeds seeds;
static struct dummy_report report;

static int run_crowd(void)
{
    struct dummy_options options;
    dummy_options_init(&options);
    options.connect = peer_addr(town_port);
    options.client_count = CLIENT_COUNT;
    options.room_size = 4;
    options.script = DUMMY_SCRIPT_MIXED;
    options.rate_millionths = 5000000;
    options.talk_microseconds = 2000000;
    options.ramp_microseconds = 300000;
    options.worker_count = 1;
    options.quiet = true;
    return dummy_run(&options, &report);
}

static void assert_clean(void)
{
    if (!dummy_report_is_clean(&report)) {
        chaos_tell();
        dummy_report_print(&report, stderr);
    }
    assert_true(dummy_report_is_clean(&report));
    assert_int_equal(report.ready, CLIENT_COUNT);
}

static void a_crowd_hears_all_that_it_says(void **state)
{
    (void)state;
    assert_true(town_open(NULL, NULL));
    assert_int_equal(run_crowd(), 0);
    assert_clean();
    town_close();
}

static void a_crowd_hears_all_that_it_says_however_the_kernel_behaves(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < seeds.count; i++) {
        struct town_config config = chaos_config(seeds.first + i);
        config.stage.kernel.window_bytes = 0;
        chaos_note(seeds.first + i);
        assert_true(town_open(&config, NULL));
        assert_int_equal(run_crowd(), 0);
        assert_clean();
        town_close();
    }
}

/* Both sides may be the one without memory: whatever the report says, all ends, and all is freed.
 */
static void each_allocation_of_both_sides_may_fail(void **state)
{
    (void)state;
    uint64_t number = 0;
    bool has_failed = true;
    while (has_failed) {
        number++;
        assert_true(town_open(NULL, NULL));
        memory_fail_at(number);
        int error = run_crowd();
        has_failed = memory_failed_count() > 0;
        assert_true(error == 0 || error == GW_E_MEMORY);
        town_close();
    }
    print_message("each of %u allocations has failed\n", (unsigned)number - 1);
    assert_true(number > 100);
}

int main(int argc, char **argv)
{
    seeds = chaos_seeds(argc, argv, CHAOS_COUNT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_hears_all_that_it_says),
        cmocka_unit_test(a_crowd_hears_all_that_it_says_however_the_kernel_behaves),
        cmocka_unit_test(each_allocation_of_both_sides_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_anomalies.c: Failure of each allocation and of each kernel call, one at a
 * time. */
#include "tests/test.h"

#include "net/error.h"
#include "tests/scripted/bot.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The ways in which bytes and completions arrive. */
static const struct server_fixture_config ways[] = {
    {.fixture.kernel = {.seed = 1}},
    {.fixture.kernel = {.seed = 2,
                        .recv_bytes_max = 3,
                        .send_bytes_max = 5,
                        .immediate_percent = 50,
                        .delay_percent = 20,
                        .nothing_percent = 10,
                        .cancel_loses_percent = 50,
                        .shuffles = true}},
    {.fixture.kernel = {.seed = 3, .recv_bytes_max = 100, .send_bytes_max = 70, .shuffles = true},
     .is_websocket = true},
};

/* The last one needs WebSocket, which may be left out of the build. */
static int way_count(void)
{
    int count = sizeof ways / sizeof ways[0];
    return bot_can_speak_websocket() ? count : count - 1;
}

/* A failure to repeat, from the environment: "memory 12" or "call 12 -7", and the way. */
static void print_failure(const char *what, uint64_t number, int error, int way)
{
    if (getenv("SCRIPTED_VERBOSE") != NULL) {
        fprintf(stderr, "%s %llu %d, way %d\n", what, (unsigned long long)number, error, way);
    }
}

static void without_a_failure_the_scenario_completes(void **state)
{
    for (int way = 0; way < way_count(); way++) {
        scenario_run(&ways[way], NULL);
        assert_int_equal(scenario_score().greeted_count, 4);
        assert_int_equal(scenario_score().entered_count, 5);
        assert_int_equal(scenario_score().line_count, 3 * 3 + 1 + 2 * 2 + 2 * 2);
    }
}

/* Returns whether the allocation took place. */
static bool fail_allocation(int way, uint64_t number)
{
    const struct server_fixture_failure failure = {.memory_at = number};
    print_failure("memory", number, 0, way);
    memory_fail_at(0);
    scenario_run(&ways[way], &failure);
    return true;
}

static uint64_t count_allocations(int way)
{
    const struct server_fixture_failure failure = {.memory_at = UINT64_MAX};
    scenario_run(&ways[way], &failure);
    return scenario_allocation_count();
}

static void each_allocation_may_fail(void **state)
{
    for (int way = 0; way < way_count(); way++) {
        uint64_t count = count_allocations(way);
        assert_true(count > 100);
        for (uint64_t number = 1; number <= count; number++) {
            fail_allocation(way, number);
        }
        print_message("way %d: each of %u allocations has failed\n", way, (unsigned)count);
    }
}

static uint64_t count_calls(int way)
{
    const struct server_fixture_failure failure = {.call_at = UINT64_MAX};
    scenario_run(&ways[way], &failure);
    return scenario_call_count();
}

static const int errors[] = {GW_E_RESET, GW_E_REFUSED, GW_E_TIMEOUT, GW_E_ADDRESS,
                             GW_E_FULL,  GW_E_MEMORY,  GW_E_SYSTEM};

static uint32_t fail_call(int way, uint64_t number)
{
    uint32_t failed_count = 0;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        const struct server_fixture_failure failure = {.call_at = number, .call_error = errors[i]};
        print_failure("call", number, errors[i], way);
        scenario_run(&ways[way], &failure);
        failed_count += scenario_call_has_failed() ? 1 : 0;
    }
    return failed_count;
}

static void each_call_of_the_kernel_may_fail_with_each_of_its_errors(void **state)
{
    for (int way = 0; way < way_count(); way++) {
        uint64_t count = count_calls(way);
        uint32_t failure_count = 0;
        for (uint64_t number = 1; number <= count; number++) {
            failure_count += fail_call(way, number);
        }
        assert_true(failure_count > count);
        print_message("way %d: each of %u calls has failed, in %u ways\n", way, (unsigned)count,
                      (unsigned)failure_count);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_failure_the_scenario_completes),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(each_call_of_the_kernel_may_fail_with_each_of_its_errors),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

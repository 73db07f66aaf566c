/* tests/tools/dummy/test_report.c: tests of which results fail a run. */
#include "tests/test.h"
#include "tools/dummy-client/fill.h"
#include "tools/dummy-client/report.h"
#include <string.h>

static struct dummy_report report;

static int clear(void **state)
{
    memset(&report, 0, sizeof report);
    report.complete = true;
    return 0;
}

static void a_run_without_problems_succeeds(void **state)
{
    assert_true(dummy_report_is_clean(&report));
}

static void every_kind_of_fault_fails_a_run(void **state)
{
    for (int fault = 0; fault < DUMMY_FAULT_COUNT; fault++) {
        clear(NULL);
        dummy_faults_add(&report.faults, (enum dummy_fault)fault, 1);
        assert_false(dummy_report_is_clean(&report));
    }
}

static void every_other_problem_fails_a_run(void **state)
{
    uint32_t *const counts[] = {&report.dial_failed, &report.refused[0], &report.refused[1],
                                &report.refused[3],  &report.disorderly, &report.not_asked,
                                &report.not_ready,   &report.unended};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        clear(NULL);
        *counts[i] = 1;
        assert_false(dummy_report_is_clean(&report));
    }
    uint64_t *const requests[] = {&report.requests_refused, &report.requests_late};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        clear(NULL);
        *requests[i] = 1;
        assert_false(dummy_report_is_clean(&report));
        report.options.send = dummy_fill_find("Who");
        assert_false(dummy_report_is_clean(&report));
    }
    clear(NULL);
    report.nobody_listens = true;
    assert_false(dummy_report_is_clean(&report));
}

static void go_away_does_not_fail_a_run(void **state)
{
    report.complete = false;
    report.asked_to_go = 2000;
    report.unanswered = 7;
    assert_true(dummy_report_is_clean(&report));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_run_without_problems_succeeds, clear),
        cmocka_unit_test_setup(every_kind_of_fault_fails_a_run, clear),
        cmocka_unit_test_setup(every_other_problem_fails_a_run, clear),
        cmocka_unit_test_setup(go_away_does_not_fail_a_run, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

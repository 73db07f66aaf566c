/* tests/scenarios/dummies.c: A run of dummy clients on threads of its own. */
#include "tests/scenarios/dummies.h"

#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"
#include "tests/support/wait.h"
#include "tools/dummy-client/run.h"

enum { RATE_MILLIONTHS = 5000000, US_PER_MS = 1000, RAMP_US = 200000 };

void dummies_init(struct dummies *dummies, uint32_t count, uint32_t talk_ms)
{
    *dummies = (struct dummies){0};
    dummy_options_init(&dummies->options);
    dummies->options.connect.addr = scenario.addr;
    dummies->options.client_count = count;
    dummies->options.script = DUMMY_SCRIPT_MIXED;
    dummies->options.rate_millionths = RATE_MILLIONTHS;
    dummies->options.talk_microseconds = (uint64_t)talk_ms * US_PER_MS;
    dummies->options.ramp_microseconds = RAMP_US;
    dummies->options.worker_count = scenario.config.workers;
    dummies->options.backend = (enum gw_backend)scenario.config.backend;
    dummies->options.quiet = true;
}

static void run(void *context)
{
    struct dummies *dummies = context;
    dummies->error = dummy_run_execute(&dummies->options, &dummies->report);
    atomic_store(&dummies->have_finished, true);
}

void dummies_start(struct dummies *dummies)
{
    assert_int_equal(os_thread_start(&dummies->thread, run, dummies), 0);
}

static bool are_in_rooms(const struct dummies *dummies, uint64_t members_before)
{
    (void)test_clients_receive();
    return scenario_counters().room_members - members_before >= dummies->options.client_count;
}

void dummies_come(struct dummies *dummies)
{
    uint64_t members = scenario_counters().room_members;
    dummies_start(dummies);
    WAIT_FOR(are_in_rooms(dummies, members));
}

void dummies_join(struct dummies *dummies)
{
    WAIT_FOR((test_clients_receive(), atomic_load(&dummies->have_finished)));
    os_thread_join(dummies->thread);
}

void dummies_expect_clean(const struct dummies *dummies)
{
    assert_int_equal(dummies->error, 0);
    if (!dummy_report_is_clean(&dummies->report)) {
        dummy_report_print(&dummies->report, stderr);
        fail_msg("the dummy clients found an error");
    }
}

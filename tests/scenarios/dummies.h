/* tests/scenarios/dummies.h: A run of dummy clients on threads of its own. */
#ifndef GW_TESTS_SCENARIOS_DUMMIES_H
#define GW_TESTS_SCENARIOS_DUMMIES_H

#include "net/os/os.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/report.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Dummy clients that run beside the test. They check every packet that they receive. */
struct dummies {
    struct dummy_options options;
    struct dummy_report report; /* valid once they have finished */
    int error;
    atomic_bool have_finished;
    os_thread thread;
};

/*
 * Prepares `count` clients of the mixed script. Each sends five messages a second for `talk_ms`, on
 * the backend of the scenario, to its server. The caller may change the options before the start.
 */
void dummies_init(struct dummies *dummies, uint32_t count, uint32_t talk_ms);

/* dummies_start() starts them; dummies_come() also waits until all are in their rooms. */
void dummies_start(struct dummies *dummies);
void dummies_come(struct dummies *dummies);

/* Waits until all have ended. Meanwhile the test clients read and answer PING. */
void dummies_join(struct dummies *dummies);

/* Fails, and prints the report, if a client has found an error. */
void dummies_expect_clean(const struct dummies *dummies);

#endif

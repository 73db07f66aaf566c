/* tests/scenarios/dummies.h: dummy clients, many, on threads of their own. */
#ifndef GW_TESTS_SCENARIOS_DUMMIES_H
#define GW_TESTS_SCENARIOS_DUMMIES_H

#include "net/os/os.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/report.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A run beside the test's own doings. They check all that they hear. */
struct dummies {
    struct dummy_options options;
    struct dummy_report report; /* once they are over */
    int error;
    atomic_bool are_over;
    os_thread thread;
};

/*
 * So many of the mixed script, five messages a second each, who talk for `talk_ms`, on the story's
 * backend. They call the story's server; the options may be changed before they start.
 */
void dummies_init(struct dummies *dummies, uint32_t count, uint32_t talk_ms);

/* Lets them come; waits until all of them are in their rooms. */
void dummies_start(struct dummies *dummies);
void dummies_come(struct dummies *dummies);

/* Waits until all have gone. Beside it puppets listen. */
void dummies_join(struct dummies *dummies);

/* Fails unless nothing was wrong at all; then the report is printed. */
void dummies_expect_clean(const struct dummies *dummies);

#endif

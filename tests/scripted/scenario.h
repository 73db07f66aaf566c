/* tests/scripted/scenario.h: everything that happens in a town on a good day, in a few seconds. */
#ifndef GW_TESTS_SCRIPTED_SCENARIO_H
#define GW_TESTS_SCRIPTED_SCENARIO_H

#include "tests/scripted/server_fixture.h"

/*
 * Players connect, are greeted, enter, chat, move, ask who is here, leave, enter another room, go
 * away in every way there is, and the server is drained. Whatever fails on the way: nobody hears
 * anything wrong, every session ends once, and nothing is left.
 */
void scenario_tell(const struct server_fixture_config *config,
                   const struct server_fixture_failure *failure);

/* What came of it, when nothing failed: so many were greeted, and so many lines were heard. */
struct scenario_score {
    uint32_t greeted_count;
    uint32_t line_count;
    uint32_t entered_count;
};
struct scenario_score scenario_score(void);

/* How many allocations and calls of the kernel there were, and whether the chosen call failed. */
uint64_t scenario_allocation_count(void);
uint64_t scenario_call_count(void);
bool scenario_call_has_failed(void);

#endif

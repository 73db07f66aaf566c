/* tests/scripted/scenario.h: A short run of a server that uses every packet of the game. */
#ifndef GW_TESTS_SCRIPTED_SCENARIO_H
#define GW_TESTS_SCRIPTED_SCENARIO_H

#include "tests/scripted/server_fixture.h"

/*
 * Clients connect, greet, enter a room, chat, move, ask for the members, leave, enter another room
 * and disconnect in each possible way; then the server drains. With any injected failure, no client
 * receives anything inconsistent, every session ends once, and nothing leaks.
 */
void scenario_run(const struct server_fixture_config *config,
                  const struct server_fixture_failure *failure);

/* The counts of all clients together. Without a failure they have known values. */
struct scenario_score {
    uint32_t greeted_count;
    uint32_t line_count;
    uint32_t entered_count;
};
struct scenario_score scenario_score(void);

/* The number of allocations and of kernel calls; whether the selected call failed. */
uint64_t scenario_allocation_count(void);
uint64_t scenario_call_count(void);
bool scenario_call_has_failed(void);

#endif

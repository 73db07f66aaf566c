/* tests/scripted/chaos.h: Random kernel behaviour from a seed. */
#ifndef GW_TESTS_SCRIPTED_CHAOS_H
#define GW_TESTS_SCRIPTED_CHAOS_H

#include "tests/scripted/server_fixture.h"

/* A mixture of everything that the contract allows a kernel to do; it depends on the seed alone. */
struct server_fixture_config chaos_config(uint64_t seed);

/* The seeds to run: 1 to `usual`, or FIRST [COUNT] from the command line. */
struct chaos_seeds {
    uint64_t first;
    uint64_t count;
};
struct chaos_seeds chaos_seeds(int argc, char **argv, uint64_t usual);

/* Records the seed that runs now; 0 when all have passed. chaos_print() prints it unless it is 0.
 */
void chaos_set_seed(uint64_t seed);
void chaos_print(void);

#endif

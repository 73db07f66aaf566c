/* tests/scripted/chaos.h: a kernel that is as bad as it may be, by a seed. */
#ifndef GW_TESTS_SCRIPTED_CHAOS_H
#define GW_TESTS_SCRIPTED_CHAOS_H

#include "tests/scripted/server_fixture.h"

/* Everything that is allowed, in a mixture that depends on the seed. */
struct server_fixture_config chaos_config(uint64_t seed);

/* The seeds to try: `usual` of them from 1 on, or what the command line says: FIRST [COUNT]. */
struct chaos_seeds {
    uint64_t first;
    uint64_t count;
};
struct chaos_seeds chaos_seeds(int argc, char **argv, uint64_t usual);

/* Which seed is being tried, to be told unless it is 0 by then: when it has failed. */
void chaos_note(uint64_t seed);
void chaos_tell(void);

#endif

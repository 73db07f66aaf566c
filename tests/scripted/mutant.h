/* tests/scripted/mutant.h: Kernel faults that the tests must notice. */
#ifndef GW_TESTS_SCRIPTED_MUTANT_H
#define GW_TESTS_SCRIPTED_MUTANT_H

#include <stdbool.h>

/*
 * Each one is a fault that a backend could have. The environment variable SCRIPTED_MUTANT selects
 * the fault of the simulated kernel; without it there is none. mutants.py runs the tests with each
 * fault: a fault that no test notices shows that a test is missing.
 */
enum mutant {
    MUTANT_NONE,
    MUTANT_DONE_NEVER, /* rule 1 */
    MUTANT_DONE_TWICE,
    MUTANT_DONE_IN_SUBMIT, /* rule 2 */
    MUTANT_DONE_WITHOUT_TURN,
    MUTANT_SEND_TWO_AT_ONCE, /* rule 3 */
    MUTANT_BYTES_SWAPPED,
    MUTANT_BYTES_TWICE,
    MUTANT_RECV_GONE_EARLY, /* rule 4 */
    MUTANT_RECV_TOO_LONG,
    MUTANT_SPANS_READ_LATE,
    MUTANT_CANCEL_FORGETS, /* rule 5 */
    MUTANT_CANCEL_LIES,
    MUTANT_FIN_LOST, /* rule 6 */
    MUTANT_SHUTDOWN_CLOSES,
    MUTANT_HANDLE_KEPT,
    MUTANT_RESULT_UNKNOWN,
    MUTANT_SEND_BOASTS,
    MUTANT_PEER_NEVER_ENDS,
    MUTANT_WAKE_LOST, /* rule 8, and the lane */
    MUTANT_DEADLINE_IGNORED,
    MUTANT_DEADLINE_EARLY,
    MUTANT_CLOCK_BACK,
    MUTANT_AWAKE_MISSING,
    MUTANT_WAIT_DENIES,
    MUTANT_COUNT
};

bool mutant_is(enum mutant mutant);

/* Its name in the environment variable: "done-twice". */
const char *mutant_name(enum mutant mutant);

/* Whether the fault occurs now: once in `every` calls, since most operations of a faulty backend
 * work. */
bool mutant_strikes(enum mutant mutant, unsigned every);

#endif

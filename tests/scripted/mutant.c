/* tests/scripted/mutant.c: Kernel faults that the tests must notice. */
#include "tests/scripted/mutant.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[MUTANT_COUNT] = {
    [MUTANT_NONE] = "none",
    [MUTANT_DONE_NEVER] = "done-never",
    [MUTANT_DONE_TWICE] = "done-twice",
    [MUTANT_DONE_IN_SUBMIT] = "done-in-submit",
    [MUTANT_DONE_WITHOUT_TURN] = "done-without-turn",
    [MUTANT_SEND_TWO_AT_ONCE] = "send-interleaved",
    [MUTANT_BYTES_SWAPPED] = "bytes-swapped",
    [MUTANT_BYTES_TWICE] = "bytes-twice",
    [MUTANT_RECV_GONE_EARLY] = "recv-gone-early",
    [MUTANT_RECV_TOO_LONG] = "recv-too-long",
    [MUTANT_SPANS_READ_LATE] = "spans-read-late",
    [MUTANT_CANCEL_FORGETS] = "cancel-forgets",
    [MUTANT_CANCEL_LIES] = "cancel-lies",
    [MUTANT_FIN_LOST] = "fin-lost",
    [MUTANT_SHUTDOWN_CLOSES] = "shutdown-closes",
    [MUTANT_HANDLE_KEPT] = "handle-kept",
    [MUTANT_RESULT_UNKNOWN] = "result-unknown",
    [MUTANT_SEND_BOASTS] = "send-boasts",
    [MUTANT_PEER_NEVER_ENDS] = "peer-never-ends",
    [MUTANT_WAKE_LOST] = "wake-lost",
    [MUTANT_DEADLINE_IGNORED] = "deadline-ignored",
    [MUTANT_DEADLINE_EARLY] = "deadline-early",
    [MUTANT_CLOCK_BACK] = "clock-back",
    [MUTANT_AWAKE_MISSING] = "awake-missing",
    [MUTANT_WAIT_DENIES] = "wait-denies",
};

static enum mutant find(const char *name)
{
    for (int mutant = MUTANT_NONE; mutant < MUTANT_COUNT; mutant++) {
        if (name != NULL && strcmp(names[mutant], name) == 0) {
            return (enum mutant)mutant;
        }
    }
    return MUTANT_NONE;
}

bool mutant_is(enum mutant mutant)
{
    static enum mutant chosen = MUTANT_COUNT;
    if (chosen == MUTANT_COUNT) {
        chosen = find(getenv("SCRIPTED_MUTANT"));
    }
    return chosen == mutant;
}

const char *mutant_name(enum mutant mutant)
{
    return names[mutant];
}

bool mutant_strikes(enum mutant mutant, unsigned every)
{
    static unsigned count;
    return mutant_is(mutant) && ++count % every == 0;
}

/* tools/dummy-client/state.h: state transitions of a client, and the timer that drives them. */
#ifndef GW_DUMMY_STATE_H
#define GW_DUMMY_STATE_H

#include "tools/dummy-client/client.h"

/*
 * The timer runs in the turns of the session: when a message is due, and otherwise to follow the
 * phase of the run or a GOAWAY. All functions: Thread: turn.
 */

/* The session has begun: starts the timer. */
void dummy_state_begin(struct dummy_client *client);

/* Follows the phase and GOAWAY now, and sets the timer. */
void dummy_state_update(struct dummy_client *client);

/* Enters a state, and updates the counters of the run that the schedule reads. */
void dummy_state_set(struct dummy_client *client, enum dummy_state state);

/* The session has ended: stops the timer. */
void dummy_state_end(struct dummy_client *client);

#endif

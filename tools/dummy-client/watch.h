/* tools/dummy-client/watch.h: what a client does when its time comes. */
#ifndef GW_DUMMY_WATCH_H
#define GW_DUMMY_WATCH_H

#include "tools/dummy-client/client.h"

/*
 * A client wakes by a timer in its session's turn: to talk when a message is due, and otherwise to
 * see what the phase of the run, or a server that has asked it to go, wants of it. All functions:
 * Thread: turn.
 */

/* The connection stands: from now on it wakes. */
void dummy_watch_begin(struct dummy_client *client);

/* Something has changed: it looks at once. */
void dummy_watch_look(struct dummy_client *client);

/* Moves on, and tells the conductor what it counts. */
void dummy_watch_become(struct dummy_client *client, enum dummy_state state);

/* It is gone, and wakes no more. */
void dummy_watch_end(struct dummy_client *client);

#endif

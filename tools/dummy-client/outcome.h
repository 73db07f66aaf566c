/* tools/dummy-client/outcome.h: how it went for one client, and whether it ended well. */
#ifndef GW_DUMMY_OUTCOME_H
#define GW_DUMMY_OUTCOME_H

#include "proto/gw/control.pb-c.h"
#include <stdbool.h>

/*
 * What a client gives as its reason when it goes home. No server of ours can be the one that said
 * it: its reasons come as BY_PEER.
 */
#define DUMMY_LEAVES GW__CLOSE_REASON__SHUTDOWN

/* It asked to enter, and the answer was ERROR or none. */
enum { DUMMY_REFUSED_BY_ERROR = -1 };

/* What is left to tell of a client when it is gone. */
struct dummy_outcome {
    bool begun;       /* the connection stood */
    bool greeted;     /* HELLO_ACK came */
    bool ready;       /* and it was let into its room, if its script has rooms */
    bool asked_to_go; /* GOAWAY came */
    bool ended;       /* on_end came; with: */
    Gw__CloseReason reason;
    Gw__CloseReason peer_reason;
    int refusal; /* a Game__EnterResult, or below; not ENTERED_OK: its room did not take it */
};

/*
 * Whether it ended in good order: it was sent home, or the server asked it to go before it closed.
 * Who was not yet greeted when the server began to ask may be turned away without a word.
 */
bool dummy_outcome_is_orderly(const struct dummy_outcome *outcome, bool crowd_was_asked);

#endif

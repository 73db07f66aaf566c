/* tools/dummy-client/outcome.c: how it went for one client, and whether it ended well. */
#include "tools/dummy-client/outcome.h"

bool dummy_outcome_is_orderly(const struct dummy_outcome *outcome, bool crowd_was_asked)
{
    if (outcome->reason == DUMMY_LEAVES) {
        return true;
    }
    if (!outcome->greeted && crowd_was_asked) {
        return outcome->reason == GW__CLOSE_REASON__BY_PEER ||
               outcome->reason == GW__CLOSE_REASON__NETWORK;
    }
    return outcome->asked_to_go && outcome->reason == GW__CLOSE_REASON__BY_PEER &&
           outcome->peer_reason == GW__CLOSE_REASON__SHUTDOWN;
}

/* tools/dummy-client/story.c: how it went for one client, and whether it ended well. */
#include "tools/dummy-client/story.h"

bool dummy_story_is_orderly(const struct dummy_story *story, bool crowd_was_asked)
{
    if (story->reason == DUMMY_LEAVES) {
        return true;
    }
    if (!story->greeted && crowd_was_asked) {
        return story->reason == GW__CLOSE_REASON__BY_PEER ||
               story->reason == GW__CLOSE_REASON__NETWORK;
    }
    return story->asked_to_go && story->reason == GW__CLOSE_REASON__BY_PEER &&
           story->peer_reason == GW__CLOSE_REASON__SHUTDOWN;
}

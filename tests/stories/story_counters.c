/* tests/stories/story_counters.c: what the server of a story has counted. */
#include "tests/stories/story.h"

#include "server/server.h"
#include "tests/stories/chronicle.h"
#include <string.h>

struct server_counters story_counters(void)
{
    struct server_counters counters;
    server_counters(story.server, &counters);
    return counters;
}

uint64_t story_ended(Gw__CloseReason reason)
{
    return story_counters().sessions.ended[reason];
}

struct gw_session_packet_counters story_packet(const char *name)
{
    const struct server_counters counters = story_counters();
    for (uint32_t i = 0; i < counters.packet_kind_count; i++) {
        if (strcmp(counters.packets[i].name, name) == 0) {
            return counters.packets[i].count;
        }
    }
    fail_msg("there is no packet %s", name);
    return (struct gw_session_packet_counters){0};
}

uint64_t story_log_lines(void)
{
    return chronicle_lines(story.log_file);
}

/* tests/scenarios/scenario_counters.c: what the server of a story has counted. */
#include "tests/scenarios/scenario.h"

#include "server/server.h"
#include "tests/scenarios/chronicle.h"
#include <string.h>

struct server_counters scenario_counters(void)
{
    struct server_counters counters;
    server_counters(scenario.server, &counters);
    return counters;
}

uint64_t scenario_ended(Gw__CloseReason reason)
{
    return scenario_counters().sessions.ended[reason];
}

struct gw_session_packet_counters scenario_packet(const char *name)
{
    const struct server_counters counters = scenario_counters();
    for (uint32_t i = 0; i < counters.packet_count; i++) {
        if (strcmp(counters.packets[i].name, name) == 0) {
            return counters.packets[i].count;
        }
    }
    fail_msg("there is no packet %s", name);
    return (struct gw_session_packet_counters){0};
}

uint64_t scenario_log_lines(void)
{
    return chronicle_lines(scenario.log_file);
}

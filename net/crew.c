/* net/crew.c: the worker threads of a port. */
#include "net/crew.h"

#include "net/error.h"
#include "net/os/os.h"
#include "net/port.h"
#include <stdlib.h>

struct member {
    struct gw_port *port;
    os_thread thread;
    int result;
};

struct gw_crew {
    uint32_t member_count;
    struct member members[];
};

static void serve(void *context)
{
    struct member *member = context;
    member->result = gw_port_run(member->port);
}

int gw_crew_start(struct gw_port *port, struct gw_crew **crew_out)
{
    uint32_t count = gw_port_worker_count(port);
    struct gw_crew *crew = calloc(1, sizeof(*crew) + count * sizeof(struct member));
    if (crew == NULL) {
        return GW_E_MEMORY;
    }
    for (; crew->member_count < count; crew->member_count++) {
        struct member *member = &crew->members[crew->member_count];
        member->port = port;
        if (os_thread_start(&member->thread, serve, member) != GW_OK) {
            gw_port_stop(port);
            (void)gw_crew_join(crew);
            return GW_E_SYSTEM;
        }
    }
    *crew_out = crew;
    return GW_OK;
}

int gw_crew_join(struct gw_crew *crew)
{
    int result = GW_OK;
    for (uint32_t i = 0; i < crew->member_count; i++) {
        os_thread_join(crew->members[i].thread);
        if (result == GW_OK) {
            result = crew->members[i].result;
        }
    }
    free(crew);
    return result;
}

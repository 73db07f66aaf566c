/* net/workers.c: The worker threads of a port. */
#include "net/workers.h"

#include "net/error.h"
#include "net/os/os.h"
#include "net/port.h"
#include <stdlib.h>

struct member {
    struct gw_port *port;
    os_thread thread;
    int result;
};

struct gw_workers {
    uint32_t member_count;
    struct member members[];
};

static void serve(void *context)
{
    struct member *member = context;
    member->result = gw_port_run(member->port);
}

int gw_workers_start(struct gw_port *port, struct gw_workers **workers_out)
{
    uint32_t count = gw_port_worker_count(port);
    struct gw_workers *workers = calloc(1, sizeof(*workers) + count * sizeof(struct member));
    if (workers == NULL) {
        return GW_E_MEMORY;
    }
    for (; workers->member_count < count; workers->member_count++) {
        struct member *member = &workers->members[workers->member_count];
        member->port = port;
        if (os_thread_start(&member->thread, serve, member) != GW_OK) {
            gw_port_stop(port);
            (void)gw_workers_join(workers);
            return GW_E_SYSTEM;
        }
    }
    *workers_out = workers;
    return GW_OK;
}

int gw_workers_join(struct gw_workers *workers)
{
    int result = GW_OK;
    for (uint32_t i = 0; i < workers->member_count; i++) {
        os_thread_join(workers->members[i].thread);
        if (result == GW_OK) {
            result = workers->members[i].result;
        }
    }
    free(workers);
    return result;
}

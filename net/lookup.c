/* net/lookup.c: Lookup of the addresses of host names, as jobs of an offload pool. */
#include "net/lookup.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/port_internal.h"
#include <string.h>

static void look_up(struct gw_job *job)
{
    struct gw_lookup *lookup = GW_CONTAINER_OF(job, struct gw_lookup, job);
    const struct gw_backend_ops *ops = gw__port_ops(gw_turn_port(lookup->turn));
    lookup->result = ops->addr_lookup(lookup->name, lookup->addrs, GW_LOOKUP_ADDR_COUNT_MAX,
                                      &lookup->addr_count);
    for (uint32_t i = 0; i < lookup->addr_count; i++) {
        lookup->addrs[i].port = lookup->port;
    }
}

static void call_done(struct gw_job *job, int result)
{
    struct gw_lookup *lookup = GW_CONTAINER_OF(job, struct gw_lookup, job);
    lookup->on_done(lookup, result == GW_OK ? lookup->result : result);
}

int gw_lookup_post(struct gw_lookup *lookup, struct gw_offload *pool, struct gw_turn *turn,
                   const char *name, uint16_t port)
{
    size_t bytes = strlen(name);
    if (bytes == 0 || bytes > GW_LOOKUP_NAME_BYTES_MAX) {
        return GW_E_ADDRESS;
    }
    memcpy(lookup->name, name, bytes + 1);
    lookup->port = port;
    lookup->turn = turn;
    lookup->addr_count = 0;
    lookup->job = (struct gw_job){.work = look_up, .done = call_done, .name = "lookup"};
    return gw_offload_post(pool, turn, &lookup->job);
}

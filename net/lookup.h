/* net/lookup.h: Lookup of the addresses of host names. */
#ifndef GW_NET_LOOKUP_H
#define GW_NET_LOOKUP_H

#include "net/addr.h"
#include "net/offload.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    GW_LOOKUP_NAME_BYTES_MAX = 253, /* of a host name: RFC 1035, without its last dot */
    GW_LOOKUP_ADDR_COUNT_MAX = 16,  /* further addresses of a name are dropped */
};

/* A lookup. Set on_done, and leave the other members zero. */
struct gw_lookup {
    /*
     * Called once, in a turn of the object that was passed to gw_lookup_post(). `result` is 0,
     * GW_E_NAME (no address has this name), GW_E_TIMEOUT (no name server has answered),
     * GW_E_MEMORY, GW_E_SYSTEM, or GW_E_CLOSED (the pool was closed before). It may free the
     * lookup. It must not block.
     */
    void (*on_done)(struct gw_lookup *lookup, int result);

    /* The addresses, in the order in which the system prefers them (RFC 6724); at least one when
     * the result is 0. */
    struct gw_addr addrs[GW_LOOKUP_ADDR_COUNT_MAX];
    uint32_t addr_count;

    /* The library's. */
    struct gw_job job;
    struct gw_turn *turn;
    int result;
    uint16_t port;
    char name[GW_LOOKUP_NAME_BYTES_MAX + 1];
};

/*
 * Looks up the addresses of a host name on a thread of `pool`, by the system's resolver
 * (getaddrinfo(3): /etc/hosts, DNS). The addresses get `port`. A name server that does not answer
 * occupies the thread for as long as the resolver waits, usually 5 to 30 seconds. An IP address as
 * the name has itself as its address.
 *
 * Returns   0; GW_E_ADDRESS (the name is empty, or longer than GW_LOOKUP_NAME_BYTES_MAX), or as
 *           gw_offload_post(). After an error on_done is not called.
 * Owns      borrows `lookup` until on_done is called. Copies `name`. The pool holds a reference to
 *           `turn` until on_done has returned.
 * Thread    any
 */
int gw_lookup_post(struct gw_lookup *lookup, struct gw_offload *pool, struct gw_turn *turn,
                   const char *name, uint16_t port);

#ifdef __cplusplus
}
#endif

#endif

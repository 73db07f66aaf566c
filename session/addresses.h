/* session/addresses.h: limits of connections for each peer address. Private to session. */
#ifndef GW_SESSION_ADDRESSES_H
#define GW_SESSION_ADDRESSES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gw_addr;
struct gw_session_manager;

enum {
    GW_ADDRESS_WAY_COUNT = 8,
    GW_ADDRESS_SET_COUNT_MAX = 1 << 19,
    GW_ADDRESS_BURST_FACTOR = 4,   /* connects at once: this many times those of a second */
    GW_ADDRESS_LOG_MS = 60 * 1000, /* interval of log lines about one address */
};

/* One address: an IPv4 address, or the /64 of an IPv6 address. */
struct gw_address {
    uint64_t key;     /* 0: none */
    uint64_t full_ns; /* when the token bucket of connects is full again */
    uint64_t log_ns;  /* when refusals may be logged again */
    uint32_t connection_count;
    uint32_t refused_count : 31;  /* not logged yet */
    uint32_t refused_by_rate : 1; /* the last one */
};

struct gw_address_set {
    atomic_flag lock; /* held for one search of the set */
    struct gw_address ways[GW_ADDRESS_WAY_COUNT];
};

/*
 * A hash table of fixed size: an address is in the set that its hash selects, in any of the
 * GW_ADDRESS_WAY_COUNT ways. The seed of the hash is random, so a client cannot choose addresses
 * that share a set.
 *
 * An address without connections, with a full bucket and without refusals to log carries no state:
 * a new address replaces it. When all ways of a set carry state, a connection from another address
 * is admitted and not counted: a full table never keeps a player out.
 */
struct gw_addresses {
    struct gw_address_set *sets; /* NULL: there is no limit */
    uint32_t set_mask;           /* their number, a power of two, minus 1 */
    uint64_t seed[2];
    uint64_t connect_ns; /* time for one token; 0: connects are not limited */
};

/* Reads the limits of manager->config. init() returns false when out of memory. fini() may follow a
 * failed init(). Thread: setup. */
bool gw__addresses_init(struct gw_session_manager *manager);
void gw__addresses_fini(struct gw_session_manager *manager);

/* Thread of all below: any. */
/*
 * Counts a connection from `addr`. *address_out identifies the address for leave(); 0 when the
 * connection is not counted.
 *
 * Returns   false when a limit of the address is reached; then the refusal was counted for the log
 */
bool gw__address_enter(struct gw_session_manager *manager, const struct gw_addr *addr,
                       uint32_t *address_out);
/* A connection has closed. `address` may be 0. */
void gw__address_leave(struct gw_session_manager *manager, uint32_t address);
/*
 * The peer of a connection is now `addr`; behind a proxy it is known after the first bytes. Does
 * nothing when that is the counted address; otherwise releases the connection and its connect from
 * the old address, and counts them for the new one.
 *
 * Returns   as enter()
 */
bool gw__address_move(struct gw_session_manager *manager, const struct gw_addr *addr,
                      uint32_t *address);

/* SipHash-2-4 of the 8 bytes of `key`, the lowest first. */
uint64_t gw__address_hash(const uint64_t seed[2], uint64_t key);

#endif

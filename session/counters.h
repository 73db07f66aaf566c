/* session/counters.h: what each worker has for itself: tallies and scratch. Private to session. */
#ifndef GW_SESSION_COUNTERS_H
#define GW_SESSION_COUNTERS_H

#include "protocol/arena.h"
#include "session/manager.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How often one type of packet came in and went out. */
struct gw_passed {
    _Atomic uint64_t in;
    _Atomic uint64_t out;
};

/*
 * One for each worker, so that counting needs no lock and unpacking no memory, and one more for all
 * other threads, which have no scratch: packets are only handled on workers. `edge` keeps the
 * tallies of two shards out of one cache line.
 */
struct gw_shard {
    bool shared; /* the one for all other threads */
    struct gw_arena arena;
    void *arena_memory;
    uint8_t *bridge; /* holds one largest frame */
    uint8_t edge[64];
    _Atomic uint64_t begun;
    _Atomic uint64_t greeted;
    _Atomic uint64_t other_schema;
    _Atomic uint64_t ended[GW_CLOSE_REASON_COUNT];
    _Atomic uint64_t not_a_player[GW_VISITOR_COUNT];
    struct gw_passed passed[]; /* the control packets, then the game's */
};

/* Makes and frees the shards of a manager. init() returns whether there was memory. */
bool gw__shards_init(struct gw_session_manager *manager);
void gw__shards_fini(struct gw_session_manager *manager);

/* The calling thread's shard. */
struct gw_shard *gw__shard(const struct gw_session_manager *manager);

/* Adds to a tally of the calling thread's shard. */
void gw__count(struct gw_shard *shard, _Atomic uint64_t *tally, uint64_t count);

/* The tally of a packet, which is of one of the manager's tables. */
struct gw_passed *gw__passed(const struct gw_session_manager *manager, struct gw_shard *shard,
                             const struct gw_packet *packet);

#endif

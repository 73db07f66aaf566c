/* session/counters.h: what each worker has for itself: counters and scratch. Private to session. */
#ifndef GW_SESSION_COUNTERS_H
#define GW_SESSION_COUNTERS_H

#include "protocol/arena.h"
#include "session/internal.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of one type of packet; see struct gw_session_packet_counters. */
struct gw_passed {
    _Atomic uint64_t in;
    _Atomic uint64_t out;
    _Atomic uint64_t delayed;
    _Atomic uint64_t dropped;
    _Atomic uint64_t crossed;
    _Atomic uint64_t lost;
};

/*
 * One for each worker, so that counting needs no lock and unpacking no memory, and one more for all
 * other threads, which have no scratch: packets are only handled on workers. `edge` keeps the
 * counters of two shards out of one cache line.
 */
struct gw_shard {
    bool shared; /* the one for all other threads */
    struct gw_arena arena;
    void *arena_memory;
    uint8_t *bounce; /* holds one largest frame */
    uint8_t edge[64];
    _Atomic uint64_t begun;
    _Atomic uint64_t greeted;
    _Atomic uint64_t other_schema;
    _Atomic uint64_t displaced;
    _Atomic uint64_t requests_late;
    _Atomic uint64_t requests_refused;
    _Atomic uint64_t answers_ignored;
    _Atomic uint64_t ended[GW_CLOSE_REASON_COUNT];
    _Atomic uint64_t unknown_protocol[GW_FOREIGN_COUNT];
    struct gw_passed passed[]; /* the control packets, then the game's */
};

/* Makes and frees the shards of a manager. init() returns whether there was memory. */
bool gw__shards_init(struct gw_session_manager *manager);
void gw__shards_fini(struct gw_session_manager *manager);

/* The calling thread's shard. */
struct gw_shard *gw__shard(const struct gw_session_manager *manager);

/* Adds to a counter of the calling thread's shard. */
static inline void gw__count(struct gw_shard *shard, _Atomic uint64_t *counter, uint64_t count)
{
    if (shard->shared) {
        atomic_fetch_add_explicit(counter, count, memory_order_relaxed);
        return;
    }
    /* Nobody else writes here, so that this need not lock the bus. */
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, before + count, memory_order_relaxed);
}

/*
 * A place for each packet of the manager's tables, from 0 on: for what is kept beside them. Thread:
 * any.
 */
size_t gw__packet_count(const struct gw_session_manager *manager);
static inline size_t gw__packet_index(const struct gw_session_manager *manager,
                                      const struct gw_packet *packet)
{
    if (packet->id <= GW_PACKET_ID_CONTROL_MAX) {
        return (size_t)(packet - gw__control_packets.packets);
    }
    return gw__control_packets.packet_count + (size_t)(packet - manager->packets->packets);
}

/* The counter of a packet, which is of one of the manager's tables. */
static inline struct gw_passed *gw__passed(const struct gw_session_manager *manager,
                                           struct gw_shard *shard, const struct gw_packet *packet)
{
    return &shard->passed[gw__packet_index(manager, packet)];
}

#endif

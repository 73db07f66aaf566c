/* session/counters.h: counters and scratch memory of each worker. Private to session. */
#ifndef GW_SESSION_COUNTERS_H
#define GW_SESSION_COUNTERS_H

#include "protocol/arena.h"
#include "session/internal.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The counters of a packet type; see struct gw_session_packet_counters. */
struct gw_packet_counters {
    _Atomic uint64_t in;
    _Atomic uint64_t out;
    _Atomic uint64_t delayed;
    _Atomic uint64_t dropped;
    _Atomic uint64_t crossed;
    _Atomic uint64_t lost;
};

/*
 * A shard belongs to one worker, so that counting needs no lock and decoding no allocation. One
 * more shard serves all other threads; it has no scratch memory, because only workers handle
 * packets. `edge` separates the counters of two shards by a cache line.
 *
 * counters.c adds the counters of all shards up to struct gw_session_counters and struct
 * gw_session_packet_counters (session/manager.h), which have a member for each counter here. The
 * server's report prints them (server/counters.c).
 */
struct gw_shard {
    bool shared; /* it serves all other threads */
    struct gw_arena arena;
    void *arena_memory;
    uint8_t *bounce; /* for one frame of the largest size */
    uint8_t edge[64];
    _Atomic uint64_t begun;
    _Atomic uint64_t greeted;
    _Atomic uint64_t other_schema;
    _Atomic uint64_t displaced;
    _Atomic uint64_t requests_late;
    _Atomic uint64_t requests_refused;
    _Atomic uint64_t answers_ignored;
    _Atomic uint64_t ended[GW_CLOSE_REASON_COUNT];
    _Atomic uint64_t ended_ungreeted[GW_CLOSE_REASON_COUNT];
    _Atomic uint64_t unknown_protocol[GW_FOREIGN_COUNT];
    struct gw_packet_counters packets[]; /* by gw__packet_index() */
};

/* Creates and frees the shards of a manager. init() returns false when out of memory. */
bool gw__shards_init(struct gw_session_manager *manager);
void gw__shards_fini(struct gw_session_manager *manager);

/* Returns the calling thread's shard. */
struct gw_shard *gw__shard(const struct gw_session_manager *manager);

/* Adds to a counter of the calling thread's shard. */
static inline void gw__count(struct gw_shard *shard, _Atomic uint64_t *counter, uint64_t count)
{
    if (shard->shared) {
        atomic_fetch_add_explicit(counter, count, memory_order_relaxed);
        return;
    }
    /* Only this thread writes here, so an atomic addition is not necessary. */
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, before + count, memory_order_relaxed);
}

/*
 * The number of packets in both tables, and the index of a packet: first the control packets, then
 * those of the game. For arrays with one entry for each packet. Thread: any.
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

/* Returns the counters of a packet, which is in one of the manager's tables. */
static inline struct gw_packet_counters *
gw__packet_counters(const struct gw_session_manager *manager, struct gw_shard *shard,
                    const struct gw_packet *packet)
{
    return &shard->packets[gw__packet_index(manager, packet)];
}

#endif

/* session/counters.c: what each worker has for itself: counters and scratch. */
#include "session/counters.h"

#include "session/internal.h"

#include <stdlib.h>
#include <string.h>

size_t gw__packet_count(const struct gw_session_manager *manager)
{
    return (size_t)gw__control_packets.packet_count + manager->packets->packet_count;
}

static uint32_t shard_count(const struct gw_session_manager *manager)
{
    return gw_port_worker_count(manager->port) + 1;
}

static struct gw_shard *shard_create(const struct gw_session_manager *manager)
{
    size_t bytes = sizeof(struct gw_shard) + gw__packet_count(manager) * sizeof(struct gw_passed);
    return calloc(1, bytes + sizeof(((struct gw_shard *)NULL)->edge));
}

static void shard_destroy(struct gw_shard *shard)
{
    if (shard != NULL) {
        free(shard->arena_memory);
        free(shard->bounce);
        free(shard);
    }
}

static bool add_scratch(const struct gw_session_manager *manager, struct gw_shard *shard)
{
    shard->arena_memory = malloc(manager->config.arena_bytes);
    shard->bounce = malloc(gw__frame_bytes_max(manager));
    if (shard->arena_memory == NULL || shard->bounce == NULL) {
        return false;
    }
    gw_arena_init(&shard->arena, shard->arena_memory, manager->config.arena_bytes);
    return true;
}

static bool add_shard(struct gw_session_manager *manager, uint32_t index)
{
    struct gw_shard *shard = shard_create(manager);
    manager->shards[index] = shard;
    if (shard == NULL) {
        return false;
    }
    shard->shared = index == gw_port_worker_count(manager->port);
    return shard->shared || add_scratch(manager, shard);
}

bool gw__shards_init(struct gw_session_manager *manager)
{
    manager->shards = calloc(shard_count(manager), sizeof(struct gw_shard *));
    bool made = manager->shards != NULL;
    for (uint32_t i = 0; made && i < shard_count(manager); i++) {
        made = add_shard(manager, i);
    }
    return made;
}

void gw__shards_fini(struct gw_session_manager *manager)
{
    for (uint32_t i = 0; manager->shards != NULL && i < shard_count(manager); i++) {
        shard_destroy(manager->shards[i]);
    }
    free(manager->shards);
}

struct gw_shard *gw__shard(const struct gw_session_manager *manager)
{
    return manager->shards[gw_port_worker(manager->port)];
}

static uint64_t seen(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_up(const struct gw_session_manager *manager, struct gw_shard *shard,
                   struct gw_session_counters *sum)
{
    sum->begun += seen(&shard->begun);
    sum->greeted += seen(&shard->greeted);
    sum->other_schema += seen(&shard->other_schema);
    sum->displaced += seen(&shard->displaced);
    sum->requests_late += seen(&shard->requests_late);
    sum->requests_refused += seen(&shard->requests_refused);
    sum->answers_ignored += seen(&shard->answers_ignored);
    for (size_t i = 0; i < GW_CLOSE_REASON_COUNT; i++) {
        sum->ended[i] += seen(&shard->ended[i]);
    }
    for (size_t i = 0; i < GW_FOREIGN_COUNT; i++) {
        sum->unknown_protocol[i] += seen(&shard->unknown_protocol[i]);
    }
    for (size_t i = 0; i < gw__packet_count(manager); i++) {
        sum->frames_in += seen(&shard->passed[i].in);
        sum->frames_out += seen(&shard->passed[i].out);
    }
}

void gw_session_manager_counters(const struct gw_session_manager *manager,
                                 struct gw_session_counters *counters_out)
{
    memset(counters_out, 0, sizeof(*counters_out));
    for (uint32_t i = 0; i < shard_count(manager); i++) {
        add_up(manager, manager->shards[i], counters_out);
    }
}

void gw_session_manager_packet_counters(const struct gw_session_manager *manager,
                                        uint16_t packet_id,
                                        struct gw_session_packet_counters *counters_out)
{
    *counters_out = (struct gw_session_packet_counters){0};
    const struct gw_packet *packet =
        gw_packet_find(gw__packet_table(manager, packet_id), packet_id);
    for (uint32_t i = 0; packet != NULL && i < shard_count(manager); i++) {
        struct gw_passed *passed = gw__passed(manager, manager->shards[i], packet);
        counters_out->in += seen(&passed->in);
        counters_out->out += seen(&passed->out);
        counters_out->delayed += seen(&passed->delayed);
        counters_out->dropped += seen(&passed->dropped);
        counters_out->crossed += seen(&passed->crossed);
        counters_out->lost += seen(&passed->lost);
    }
}

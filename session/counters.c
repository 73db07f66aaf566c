/* session/counters.c: counters and scratch memory of each worker. */
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

/* The shard of the threads that are no workers is the last one. */
static bool create_shard(struct gw_session_manager *manager, uint32_t index)
{
    const struct gw_session_manager_config *config = &manager->config;
    size_t bytes = sizeof(struct gw_shard) +
                   gw__packet_count(manager) * sizeof(struct gw_packet_counters) +
                   sizeof(((struct gw_shard *)NULL)->edge);
    struct gw_shard *shard = calloc(1, bytes);
    manager->shards[index] = shard;
    if (shard == NULL) {
        return false;
    }
    shard->shared = index == gw_port_worker_count(manager->port);
    if (shard->shared) {
        return true;
    }
    shard->arena_memory = malloc(config->arena_bytes);
    shard->bounce = malloc(gw__frame_bytes_max(manager));
    if (shard->arena_memory == NULL || shard->bounce == NULL) {
        return false;
    }
    gw_arena_init(&shard->arena, shard->arena_memory, config->arena_bytes);
    return true;
}

bool gw__shards_init(struct gw_session_manager *manager)
{
    manager->shards = calloc(shard_count(manager), sizeof(struct gw_shard *));
    bool complete = manager->shards != NULL;
    for (uint32_t i = 0; complete && i < shard_count(manager); i++) {
        complete = create_shard(manager, i);
    }
    return complete;
}

void gw__shards_fini(struct gw_session_manager *manager)
{
    for (uint32_t i = 0; manager->shards != NULL && i < shard_count(manager); i++) {
        if (manager->shards[i] != NULL) {
            free(manager->shards[i]->arena_memory);
            free(manager->shards[i]->bounce);
            free(manager->shards[i]);
        }
    }
    free(manager->shards);
}

struct gw_shard *gw__shard(const struct gw_session_manager *manager)
{
    return manager->shards[gw_port_worker(manager->port)];
}

static uint64_t load(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_shard(const struct gw_session_manager *manager, struct gw_shard *shard,
                      struct gw_session_counters *sum)
{
    sum->begun += load(&shard->begun);
    sum->greeted += load(&shard->greeted);
    sum->other_schema += load(&shard->other_schema);
    sum->displaced += load(&shard->displaced);
    sum->requests_late += load(&shard->requests_late);
    sum->requests_refused += load(&shard->requests_refused);
    sum->answers_ignored += load(&shard->answers_ignored);
    for (size_t i = 0; i < GW_CLOSE_REASON_COUNT; i++) {
        sum->ended[i] += load(&shard->ended[i]);
        sum->ended_ungreeted[i] += load(&shard->ended_ungreeted[i]);
    }
    for (size_t i = 0; i < GW_FOREIGN_COUNT; i++) {
        sum->unknown_protocol[i] += load(&shard->unknown_protocol[i]);
    }
    for (size_t i = 0; i < gw__packet_count(manager); i++) {
        sum->frames_in += load(&shard->packets[i].in);
        sum->frames_out += load(&shard->packets[i].out);
    }
}

void gw_session_manager_counters(const struct gw_session_manager *manager,
                                 struct gw_session_counters *counters_out)
{
    memset(counters_out, 0, sizeof(*counters_out));
    for (uint32_t i = 0; i < shard_count(manager); i++) {
        add_shard(manager, manager->shards[i], counters_out);
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
        struct gw_packet_counters *packet_counters =
            gw__packet_counters(manager, manager->shards[i], packet);
        counters_out->in += load(&packet_counters->in);
        counters_out->out += load(&packet_counters->out);
        counters_out->delayed += load(&packet_counters->delayed);
        counters_out->dropped += load(&packet_counters->dropped);
        counters_out->crossed += load(&packet_counters->crossed);
        counters_out->lost += load(&packet_counters->lost);
    }
}

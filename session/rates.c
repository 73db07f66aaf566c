/* session/rates.c: how often a client may send each type of packet. */
#include "session/rates.h"

#include "session/counters.h"
#include "session/internal.h"

#include <assert.h>
#include <stdlib.h>

#define NANOSECONDS_PER_S UINT64_C(1000000000)

enum { NO_BUCKET = UINT16_MAX };

/* ---- which packets have a bucket ---- */

/* Only what clients send is counted. */
static bool is_limited(const struct gw_session_manager *manager, const struct gw_packet *packet)
{
    const struct gw_session_manager_config *config = &manager->config;
    return config->side == GW_SIDE_SERVER && !config->unlimited &&
           (packet->from & GW_FROM_CLIENT) != 0 && packet->rate_per_second != 0;
}

static void give_places(struct gw_session_manager *manager, const struct gw_packet_table *table)
{
    for (uint32_t i = 0; i < table->packet_count; i++) {
        const struct gw_packet *packet = &table->packets[i];
        manager->bucket_places[gw__packet_place(manager, packet)] =
            is_limited(manager, packet) ? (uint16_t)manager->bucket_count++ : NO_BUCKET;
    }
}

bool gw__rates_init(struct gw_session_manager *manager)
{
    manager->bucket_places =
        malloc(gw__packet_place_count(manager) * sizeof(*manager->bucket_places));
    if (manager->bucket_places == NULL) {
        return false;
    }
    give_places(manager, &gw__control_packets);
    give_places(manager, manager->packets);
    return true;
}

void gw__rates_fini(struct gw_session_manager *manager)
{
    free(manager->bucket_places);
}

/* ---- one bucket ---- */

static uint64_t interval_ns(const struct gw_packet *packet)
{
    return NANOSECONDS_PER_S / packet->rate_per_second;
}

static uint64_t burst_ns(const struct gw_packet *packet)
{
    return interval_ns(packet) * (packet->burst_count != 0 ? packet->burst_count : 1);
}

static uint64_t missing_ns(const struct gw_bucket *bucket, uint64_t now_ns)
{
    return bucket->full_ns > now_ns ? bucket->full_ns - now_ns : 0;
}

/* How long until there is a whole token. */
static uint64_t left_ns(const struct gw_bucket *bucket, const struct gw_packet *packet,
                        uint64_t now_ns)
{
    uint64_t after_ns = missing_ns(bucket, now_ns) + interval_ns(packet);
    return after_ns > burst_ns(packet) ? after_ns - burst_ns(packet) : 0;
}

/* Takes a token at that time. */
static void take(struct gw_bucket *bucket, const struct gw_packet *packet, uint64_t at_ns)
{
    bucket->full_ns = at_ns + missing_ns(bucket, at_ns) + interval_ns(packet);
    bucket->dropped_count = 0;
}

/* ---- the buckets of a session ---- */

static uint64_t now_ns_of(const struct gw_session *session)
{
    return gw_turn_now_ns(gw_stream_turn(session->stream));
}

static uint16_t place_of(const struct gw_session *session, const struct gw_packet *packet)
{
    const struct gw_session_manager *manager = session->manager;
    return manager->bucket_places[gw__packet_place(manager, packet)];
}

static struct gw_bucket *bucket_of(const struct gw_session *session, const struct gw_packet *packet)
{
    return &session->buckets[place_of(session, packet)];
}

/* Full ones: their time is long past. */
static bool has_buckets(struct gw_session *session)
{
    if (session->buckets == NULL) {
        session->buckets = calloc(session->manager->bucket_count, sizeof(*session->buckets));
    }
    return session->buckets != NULL;
}

/* A packet has found no token. */
static enum gw_rate note_excess(struct gw_session *session, struct gw_bucket *bucket,
                                const struct gw_packet *packet)
{
    uint32_t now_ms = gw__session_now_ms(session);
    if (!bucket->in_excess) {
        bucket->in_excess = true;
        bucket->excess_ms = now_ms;
    } else if (now_ms - bucket->excess_ms > session->manager->config.excess_ms) {
        return GW_RATE_TOO_OFTEN;
    }
    bool drops =
        (packet->flags & GW_PACKET_DROPPABLE) != 0 && bucket->dropped_count < GW_RATE_DROPS_MAX;
    bucket->dropped_count = (uint16_t)(bucket->dropped_count + (drops ? 1 : 0));
    return drops ? GW_RATE_DROP : GW_RATE_DELAY;
}

enum gw_rate gw__rates_judge(struct gw_session *session, const struct gw_packet *packet)
{
    uint16_t place = place_of(session, packet);
    if (place == NO_BUCKET) {
        return GW_RATE_PASS;
    }
    if (!has_buckets(session)) {
        return GW_RATE_NO_MEMORY;
    }
    uint64_t now_ns = now_ns_of(session);
    struct gw_bucket *bucket = &session->buckets[place];
    if (left_ns(bucket, packet, now_ns) > 0) {
        return note_excess(session, bucket, packet);
    }
    if (bucket->dropped_count == 0 && missing_ns(bucket, now_ns) <= burst_ns(packet) / 2) {
        bucket->in_excess = false;
    }
    take(bucket, packet, now_ns);
    return GW_RATE_PASS;
}

uint64_t gw__rates_left_ns(const struct gw_session *session, const struct gw_packet *packet)
{
    return left_ns(bucket_of(session, packet), packet, now_ns_of(session));
}

/* When it came, not when we looked: what waits at an empty bucket takes each token at once. */
void gw__rates_take(struct gw_session *session, const struct gw_packet *packet)
{
    struct gw_bucket *bucket = bucket_of(session, packet);
    take(bucket, packet, bucket->full_ns + interval_ns(packet) - burst_ns(packet));
}

void gw__rates_rest(struct gw_session *session)
{
    uint64_t now_ns = now_ns_of(session);
    for (uint32_t i = 0; session->buckets != NULL && i < session->manager->bucket_count; i++) {
        if (missing_ns(&session->buckets[i], now_ns) > 0) {
            return;
        }
    }
    free(session->buckets);
    session->buckets = NULL;
}

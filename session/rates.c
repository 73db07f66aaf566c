/* session/rates.c: rate limits of packet types, and suspension of reading. */
#include "session/rates.h"

#include "session/counters.h"
#include "session/deadline.h"
#include "session/internal.h"
#include "session/receive.h"

#include <assert.h>
#include <stdlib.h>

#define NANOSECONDS_PER_S  UINT64_C(1000000000)
#define NANOSECONDS_PER_MS UINT64_C(1000000)

/* ---- the rule of each packet type ---- */

/* Only packets from clients have a rate. */
static bool is_limited(const struct gw_session_manager *manager, const struct gw_packet *packet)
{
    const struct gw_session_manager_config *config = &manager->config;
    return config->side == GW_SIDE_SERVER && !config->unlimited &&
           (packet->from & GW_FROM_CLIENT) != 0 && packet->rate_per_second != 0;
}

static struct gw_rate_rule rule_for(struct gw_session_manager *manager,
                                    const struct gw_packet *packet)
{
    struct gw_rate_rule rule = {.interval_ns = 0};
    if (is_limited(manager, packet)) {
        uint64_t burst_count = packet->burst_count != 0 ? packet->burst_count : 1;
        bool is_droppable = (packet->flags & GW_PACKET_DROPPABLE) != 0;
        rule.interval_ns = NANOSECONDS_PER_S / packet->rate_per_second;
        rule.token_ns = is_droppable ? rule.interval_ns : rule.interval_ns / 2;
        rule.spare_ns = rule.token_ns * (burst_count - 1);
        rule.ahead_ns_max =
            rule.interval_ns * burst_count + manager->config.excess_ms * NANOSECONDS_PER_MS;
        rule.bucket = manager->bucket_count++;
    }
    return rule;
}

static void make_rules(struct gw_session_manager *manager, const struct gw_packet_table *table)
{
    for (uint32_t i = 0; i < table->packet_count; i++) {
        const struct gw_packet *packet = &table->packets[i];
        manager->rate_rules[gw__packet_index(manager, packet)] = rule_for(manager, packet);
    }
}

bool gw__rates_init(struct gw_session_manager *manager)
{
    manager->rate_rules = malloc(gw__packet_count(manager) * sizeof(*manager->rate_rules));
    if (manager->rate_rules == NULL) {
        return false;
    }
    make_rules(manager, &gw__control_packets);
    make_rules(manager, manager->packets);
    return true;
}

void gw__rates_fini(struct gw_session_manager *manager)
{
    free(manager->rate_rules);
}

/* ---- one bucket ---- */

/* Returns the time until there is a token. */
static uint64_t left_ns(const struct gw_bucket *bucket, const struct gw_rate_rule *rule,
                        uint64_t now_ns)
{
    uint64_t spare_ns = now_ns + rule->spare_ns;
    return bucket->full_ns > spare_ns ? bucket->full_ns - spare_ns : 0;
}

static void take(struct gw_bucket *bucket, const struct gw_rate_rule *rule, uint64_t at_ns)
{
    bucket->full_ns = (bucket->full_ns > at_ns ? bucket->full_ns : at_ns) + rule->token_ns;
}

/* ---- the buckets of a session ---- */

static uint64_t now_ns_of(const struct gw_session *session)
{
    return gw_turn_now_ns(gw_stream_turn(session->stream));
}

static const struct gw_rate_rule *rule_of(const struct gw_session *session,
                                          const struct gw_packet *packet)
{
    return &session->manager->rate_rules[gw__packet_index(session->manager, packet)];
}

static struct gw_bucket *bucket_of(const struct gw_session *session,
                                   const struct gw_rate_rule *rule)
{
    return &session->buckets[rule->bucket];
}

/* A zeroed bucket is full: its times have passed. */
static bool has_buckets(struct gw_session *session)
{
    if (session->buckets == NULL) {
        session->buckets = calloc(session->manager->bucket_count, sizeof(*session->buckets));
    }
    return session->buckets != NULL;
}

static uint64_t lag_ns(const struct gw_session *session, uint64_t now_ns)
{
    return session->no_lag_ns > now_ns ? session->no_lag_ns - now_ns : 0;
}

enum gw_rate gw__rates_check(struct gw_session *session, const struct gw_packet *packet)
{
    const struct gw_rate_rule *rule = rule_of(session, packet);
    if (rule->interval_ns == 0) {
        return GW_RATE_PASS;
    }
    if (!has_buckets(session)) {
        return GW_RATE_NO_MEMORY;
    }
    uint64_t now_ns = now_ns_of(session);
    struct gw_bucket *bucket = bucket_of(session, rule);
    uint64_t from_ns = now_ns - lag_ns(session, now_ns);
    bucket->covered_ns =
        (bucket->covered_ns > from_ns ? bucket->covered_ns : from_ns) + rule->interval_ns;
    if (bucket->covered_ns > now_ns + rule->ahead_ns_max) {
        return GW_RATE_TOO_OFTEN;
    }
    if (left_ns(bucket, rule, now_ns) > 0) {
        return (packet->flags & GW_PACKET_DROPPABLE) != 0 ? GW_RATE_DROP : GW_RATE_DELAY;
    }
    take(bucket, rule, now_ns);
    return GW_RATE_PASS;
}

uint64_t gw__rates_left_ns(const struct gw_session *session, const struct gw_packet *packet)
{
    const struct gw_rate_rule *rule = rule_of(session, packet);
    return left_ns(bucket_of(session, rule), rule, now_ns_of(session));
}

/* Takes the token at the time when it returned, so that a late call does not slow the pace. */
void gw__rates_take(struct gw_session *session, const struct gw_packet *packet)
{
    const struct gw_rate_rule *rule = rule_of(session, packet);
    struct gw_bucket *bucket = bucket_of(session, rule);
    take(bucket, rule, bucket->full_ns - rule->spare_ns);
}

/* The previous lag and the time without reading both shrink from now on. */
void gw__rates_add_unread(struct gw_session *session, uint32_t since_ms)
{
    uint64_t now_ns = now_ns_of(session);
    uint64_t unread_ns = (gw__session_now_ms(session) - since_ms) * NANOSECONDS_PER_MS;
    session->no_lag_ns = now_ns + unread_ns + lag_ns(session, now_ns - unread_ns);
}

void gw__rates_free_idle(struct gw_session *session)
{
    uint64_t now_ns = now_ns_of(session);
    for (uint32_t i = 0; session->buckets != NULL && i < session->manager->bucket_count; i++) {
        const struct gw_bucket *bucket = &session->buckets[i];
        if (bucket->covered_ns > now_ns || bucket->full_ns > now_ns) {
            return;
        }
    }
    free(session->buckets);
    session->buckets = NULL;
}

/* ---- suspension of reading ---- */

/*
 * After FIN, the time of a pause is measured from its beginning. Before FIN, the connection is
 * checked every GW_PEER_CHECK_MS. Short suspensions in succession count as one: each would restart
 * the interval otherwise, and the check would never occur.
 */
static void restart_peer_check(struct gw_session *session)
{
    uint32_t now_ms = gw__session_now_ms(session);
    bool has_checked = now_ms - session->probed_ms < 2 * GW_PEER_CHECK_MS;
    if (session->recv_ended || session->fin_seen || !has_checked) {
        session->probed_ms = now_ms;
    }
}

static void suspend_reading(struct gw_session *session, bool throttled, bool paused)
{
    if (gw__session_reads(session)) {
        session->partial = false;
        session->since_ms = gw__session_now_ms(session);
        gw_stream_pause(session->stream);
    }
    restart_peer_check(session);
    session->throttled = throttled;
    session->paused = paused;
    gw__session_update_deadline(session);
}

/* The time of the suspension does not count for the heartbeat, idle and stage timeouts. */
static void resume_reading(struct gw_session *session, bool throttled, bool paused)
{
    session->throttled = throttled;
    session->paused = paused;
    if (gw__session_reads(session)) {
        uint32_t now_ms = gw__session_now_ms(session);
        session->received_ms = now_ms;
        session->ping_pending = false;
        if (session->greeted) {
            session->active_ms += now_ms - session->since_ms;
        }
        gw__stage_exclude(session, session->since_ms, now_ms);
        gw_stream_resume(session->stream);
        gw__session_update_deadline(session);
    }
}

void gw__session_throttle(struct gw_session *session)
{
    struct gw_shard *shard = gw__shard(session->manager);
    gw__count(shard, &gw__packet_counters(session->manager, shard, session->packet)->delayed, 1);
    suspend_reading(session, true, session->paused);
}

void gw__session_unthrottle(struct gw_session *session)
{
    gw__rates_take(session, session->packet);
    resume_reading(session, false, session->paused);
}

void gw_session_pause(struct gw_session *session)
{
    assert(gw_turn_check(gw_session_turn(session), __func__));
    if (!session->paused) {
        suspend_reading(session, session->throttled, true);
    }
}

void gw_session_resume(struct gw_session *session)
{
    assert(gw_turn_check(gw_session_turn(session), __func__));
    if (session->paused) {
        gw__rates_add_unread(session, session->since_ms);
        resume_reading(session, session->throttled, false);
    }
}

/* session/rates.c: how often a client may send each type of packet. */
#include "session/rates.h"

#include "session/counters.h"
#include "session/internal.h"

#include <assert.h>
#include <stdlib.h>

#define NANOSECONDS_PER_S UINT64_C(1000000000)

/* ---- which packets have a bucket ---- */

/* Only what clients send is counted. */
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
        rule.interval_ns = NANOSECONDS_PER_S / packet->rate_per_second;
        rule.burst_ns = rule.interval_ns * (packet->burst_count != 0 ? packet->burst_count : 1);
        rule.bucket = manager->bucket_count++;
    }
    return rule;
}

static void make_rules(struct gw_session_manager *manager, const struct gw_packet_table *table)
{
    for (uint32_t i = 0; i < table->packet_count; i++) {
        const struct gw_packet *packet = &table->packets[i];
        manager->rate_rules[gw__packet_place(manager, packet)] = rule_for(manager, packet);
    }
}

bool gw__rates_init(struct gw_session_manager *manager)
{
    manager->rate_rules = malloc(gw__packet_place_count(manager) * sizeof(*manager->rate_rules));
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

static uint64_t missing_ns(const struct gw_bucket *bucket, uint64_t now_ns)
{
    return bucket->full_ns > now_ns ? bucket->full_ns - now_ns : 0;
}

/* How long until there is a whole token. */
static uint64_t left_ns(const struct gw_bucket *bucket, const struct gw_rate_rule *rule,
                        uint64_t now_ns)
{
    uint64_t after_ns = missing_ns(bucket, now_ns) + rule->interval_ns;
    return after_ns > rule->burst_ns ? after_ns - rule->burst_ns : 0;
}

/* Takes a token at that time. */
static void take(struct gw_bucket *bucket, const struct gw_rate_rule *rule, uint64_t at_ns)
{
    bucket->full_ns = at_ns + missing_ns(bucket, at_ns) + rule->interval_ns;
    bucket->dropped_count = 0;
}

/* ---- the buckets of a session ---- */

static uint64_t now_ns_of(const struct gw_session *session)
{
    return gw_turn_now_ns(gw_stream_turn(session->stream));
}

static const struct gw_rate_rule *rule_of(const struct gw_session *session,
                                          const struct gw_packet *packet)
{
    return &session->manager->rate_rules[gw__packet_place(session->manager, packet)];
}

static struct gw_bucket *bucket_of(const struct gw_session *session,
                                   const struct gw_rate_rule *rule)
{
    return &session->buckets[rule->bucket];
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
    const struct gw_rate_rule *rule = rule_of(session, packet);
    if (rule->interval_ns == 0) {
        return GW_RATE_PASS;
    }
    if (!has_buckets(session)) {
        return GW_RATE_NO_MEMORY;
    }
    uint64_t now_ns = now_ns_of(session);
    struct gw_bucket *bucket = bucket_of(session, rule);
    if (left_ns(bucket, rule, now_ns) > 0) {
        return note_excess(session, bucket, packet);
    }
    if (bucket->dropped_count == 0 && missing_ns(bucket, now_ns) <= rule->burst_ns / 2) {
        bucket->in_excess = false;
    }
    take(bucket, rule, now_ns);
    return GW_RATE_PASS;
}

uint64_t gw__rates_left_ns(const struct gw_session *session, const struct gw_packet *packet)
{
    const struct gw_rate_rule *rule = rule_of(session, packet);
    return left_ns(bucket_of(session, rule), rule, now_ns_of(session));
}

/* When it came, not when we looked: what waits at an empty bucket takes each token at once. */
void gw__rates_take(struct gw_session *session, const struct gw_packet *packet)
{
    const struct gw_rate_rule *rule = rule_of(session, packet);
    struct gw_bucket *bucket = bucket_of(session, rule);
    take(bucket, rule, bucket->full_ns + rule->interval_ns - rule->burst_ns);
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

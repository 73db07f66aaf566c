/* session/rates.h: how often a client may send each type of packet. Private to session. */
#ifndef GW_SESSION_RATES_H
#define GW_SESSION_RATES_H

#include "session/session.h"
#include <stdbool.h>
#include <stdint.h>

struct gw_packet;
struct gw_session_manager;

/*
 * A token bucket for each type of packet that has a rate, and for each session. It is kept as the
 * one time at which it will be full again:
 *
 *      now            full                       a token is one interval, 1 s / rate
 *       |--|--|--|-----|                         what lies between now and full is missing;
 *       |<- missing -->|                         with `burst` tokens missing it is empty
 *
 * A packet that is let through moves that time on by one interval, and time passes by itself: there
 * is no window, and so no edge of one at which twice as many would pass.
 *
 * A session that has sent nothing yet has no buckets, and one that has been silent for a heartbeat
 * gives them back if they are full.
 */
struct gw_bucket {
    uint64_t full_ns;
    uint32_t excess_ms;     /* when its excess began, if `in_excess` */
    uint16_t dropped_count; /* since a packet was let through */
    bool in_excess;
};

/* What a packet's rate says, once for all sessions. */
struct gw_rate_rule {
    uint64_t interval_ns; /* of one token; 0: no rate */
    uint64_t burst_ns;    /* of a full bucket */
    uint32_t bucket;      /* its place among those of a session */
};

/*
 * So many packets are dropped for each that is let through; then reading stops for droppable ones
 * too. What one flooder costs is bounded by that.
 */
enum { GW_RATE_DROPS_MAX = 64 };

enum gw_rate {
    GW_RATE_PASS,
    GW_RATE_DELAY, /* reading stops until gw__rates_left_ns() is over */
    GW_RATE_DROP,
    GW_RATE_TOO_OFTEN, /* the excess has lasted longer than the manager's excess_ms */
    GW_RATE_NO_MEMORY,
};

/* Finds out which packets have a rate. Returns whether there was memory. Thread: setup. */
bool gw__rates_init(struct gw_session_manager *manager);
void gw__rates_fini(struct gw_session_manager *manager);

/*
 * Judges a packet that has come in, and takes a token for one that passes. Thread of these and of
 * all below: turn.
 *
 * The excess of a type begins with a packet that finds no token. It is over when one that need not
 * wait finds its bucket at least half full, and none was dropped since the one before. Whoever goes
 * on sending more than the rate never gets there.
 */
enum gw_rate gw__rates_judge(struct gw_session *session, const struct gw_packet *packet);

/* For a packet that was delayed: how long until there is a token, and taking it then. */
uint64_t gw__rates_left_ns(const struct gw_session *session, const struct gw_packet *packet);
void gw__rates_take(struct gw_session *session, const struct gw_packet *packet);

/* Gives the buckets back when all of them are full. */
void gw__rates_rest(struct gw_session *session);

#endif

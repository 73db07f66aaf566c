/* session/rates.h: rate limits of packet types, and suspension of reading. Private to session. */
#ifndef GW_SESSION_RATES_H
#define GW_SESSION_RATES_H

#include "session/internal.h"
#include "session/session.h"
#include <stdbool.h>
#include <stdint.h>

struct gw_packet;
struct gw_session_manager;

/*
 * Each session has two limits for each packet type with a rate. Each limit is stored as a time that
 * advances by one interval for each packet, so there is no window, and no edge of a window.
 *
 * Pace: a token bucket of `burst` tokens. A packet that finds no token is dropped if its type is
 * droppable. Otherwise reading is suspended until there is a token (the session is throttled).
 * Tokens return at the rate for a droppable type, and at twice the rate for a delayed one: at the
 * rate itself, the packets that a client sends in excess would wait in the kernel, where they
 * cannot be counted.
 *
 * Total: every packet counts, also a delayed or dropped one. A packet ends the session when the
 * packets so far exceed what the rate allows since any earlier time by more than `burst` and
 * `excess_ms` of the rate.
 *
 *      now - lag      now        covered     now + burst + excess_ms
 *          |-----------|-------------|-----------------|
 *          |           |<-- ahead -->|                 `covered` beyond this: TOO_OFTEN
 *
 * A client that observes (rate, burst) when it sends, and whose packets arrive at most excess_ms
 * later, in order, in any clusters, is never ended:
 * 1. Suppose each packet arrived exactly excess_ms after it was sent. Then each one would find a
 *    token, and none would wait, in whatever order the types follow one another. Packets that
 * arrive earlier than that are only handled earlier. So each packet is handled within excess_ms of
 * its sending.
 * 2. So the packets handled in any time T were sent in T + excess_ms, and are not more than
 *    rate * (T + excess_ms) + burst. That is the limit.
 * 3. While the server does not read (the game paused the session, or the process did not run), up
 *    to that time more may wait. So the session stores a lag: it grows with the time in which the
 *    server did not read, and shrinks with the time in which it reads. All packets sent more than
 *    lag + excess_ms ago were handled: `now - lag` advances by up to 2 s in a second, in which at
 *    most 2 * rate were sent, and the pace allows as many. Therefore `covered` begins at now - lag
 *    where it would begin at now otherwise.
 *
 * A client that continues to send at 1.5 times its rate gets ahead by 0.5 s in each second, since
 * the pace passes all of its packets, and is ended after 2 * (burst / rate + excess_ms): 28 s by
 * default.
 *
 * A session that has sent no packet yet has no buckets. They are freed after a heartbeat interval
 * without received bytes.
 */
struct gw_bucket {
    uint64_t covered_ns; /* when the rate, since the beginning or since now - lag, covers all */
    uint64_t full_ns;    /* when all tokens are back */
};

/* The rate of a packet type, shared by all sessions. */
struct gw_rate_rule {
    uint64_t interval_ns;  /* 1 s / rate; 0: no rate */
    uint64_t token_ns;     /* time in which one token returns */
    uint64_t spare_ns;     /* time in which all but one of them return */
    uint64_t ahead_ns_max; /* `burst` and `excess_ms` of the rate */
    uint32_t bucket;       /* the index of its bucket in a session */
};

enum gw_rate {
    GW_RATE_PASS,
    GW_RATE_DELAY, /* reading is suspended for gw__rates_left_ns() */
    GW_RATE_DROP,
    GW_RATE_TOO_OFTEN,
    GW_RATE_NO_MEMORY,
};

/* Computes the rule of each packet type. Returns false when out of memory. Thread: setup. */
bool gw__rates_init(struct gw_session_manager *manager);
void gw__rates_fini(struct gw_session_manager *manager);

/*
 * Counts a packet whose header was received, and takes a token when it passes. Thread of this and
 * of all below: turn.
 */
enum gw_rate gw__rates_check(struct gw_session *session, const struct gw_packet *packet);

/* In explain.c: ends the session with TOO_OFTEN or NO_MEMORY. Returns false. */
bool gw__session_end_by_rate(struct gw_session *session, const struct gw_packet *packet,
                             enum gw_rate rate);

/* For a delayed packet: the time until there is a token, and taking the token after that time. */
uint64_t gw__rates_left_ns(const struct gw_session *session, const struct gw_packet *packet);
void gw__rates_take(struct gw_session *session, const struct gw_packet *packet);

/* Adds the time since `since_ms`, in which the server did not read, to the lag. */
void gw__rates_add_unread(struct gw_session *session, uint32_t since_ms);

/* Frees the buckets when all of them are full. */
void gw__rates_free_idle(struct gw_session *session);

/* Returns whether the session reads. While it does not, missing bytes are not the peer's fault. */
static inline bool gw__session_reads(const struct gw_session *session)
{
    return !session->throttled && !session->paused;
}
/* Suspends reading until session->packet has a token; resumes reading with that token. */
void gw__session_throttle(struct gw_session *session);
void gw__session_unthrottle(struct gw_session *session);

#endif

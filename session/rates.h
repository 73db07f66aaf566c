/* session/rates.h: how often a client may send each type of packet. Private to session. */
#ifndef GW_SESSION_RATES_H
#define GW_SESSION_RATES_H

#include "session/internal.h"
#include "session/session.h"
#include <stdbool.h>
#include <stdint.h>

struct gw_packet;
struct gw_session_manager;

/*
 * Each session has two limits for each packet type with a rate. Both are kept as a time that moves
 * on by one interval for each packet, so there is no window, and no edge of a window.
 *
 * Pace: a token bucket of `burst` tokens. A packet that finds no token is dropped if its type is
 * droppable. Otherwise reading is suspended until there is a token (the session holds the packet).
 * Tokens come back at the rate for a droppable type, and at twice the rate for a delayed one: at
 * the rate itself, what a client sends in excess would wait in the kernel, where nobody can count.
 *
 * Total: every packet counts, delayed and dropped ones too. A packet that makes the packets so far
 * exceed what the rate allows since any earlier time, by more than `burst` and `excess_ms` of the
 * rate, ends the session.
 *
 *      now - lag      now        covered     now + burst + excess_ms
 *          |-----------|-------------|-----------------|
 *          |           |<-- ahead -->|                 `covered` beyond this: TOO_OFTEN
 *
 * Why no client is ended that keeps to (rate, burst) when it sends, and whose packets arrive up to
 * excess_ms later, in order, in whatever clusters:
 * 1. Suppose each packet arrived exactly excess_ms after it was sent. Then each one would find a
 *    token, and none would wait, however the types follow one another. Packets that arrive earlier
 *    than that are only handled earlier. So each packet is handled within excess_ms of its sending.
 * 2. So the packets handled in any time T were sent in T + excess_ms, and are not more than
 *    rate * (T + excess_ms) + burst. That is the limit.
 * 3. While the server does not read (the game paused the session, or the process did not run), up
 *    to that time more may wait. So the session keeps a lag: it grows with the time in which the
 *    server did not read, and shrinks with the time in which it reads. All that was sent more than
 *    lag + excess_ms ago has been handled: `now - lag` advances by up to 2 s in a second, in which
 *    at most 2 * rate were sent, and the pace allows as many. Therefore `covered` begins at
 *    now - lag where it would begin at now otherwise.
 *
 * A client that goes on sending at 1.5 times its rate gets ahead by 0.5 s in each second, since the
 * pace lets all of it through, and is ended after 2 * (burst / rate + excess_ms): 28 s by default.
 *
 * A session that has sent nothing yet has no buckets, and frees them after a heartbeat of silence.
 */
struct gw_bucket {
    uint64_t covered_ns; /* the rate since the beginning, or since now - lag, covers all then */
    uint64_t full_ns;    /* all tokens are back then */
};

/* What a packet's rate says, once for all sessions. */
struct gw_rate_rule {
    uint64_t interval_ns;  /* 1 s / rate; 0: no rate */
    uint64_t token_ns;     /* after which one token comes back */
    uint64_t spare_ns;     /* after which all but one of them are back */
    uint64_t ahead_ns_max; /* `burst` and `excess_ms` of the rate */
    uint32_t bucket;       /* its index among those of a session */
};

enum gw_rate {
    GW_RATE_PASS,
    GW_RATE_DELAY, /* reading stops until gw__rates_left_ns() is over */
    GW_RATE_DROP,
    GW_RATE_TOO_OFTEN,
    GW_RATE_NO_MEMORY,
};

/* Finds out which packets have a rate. Returns whether there was memory. Thread: setup. */
bool gw__rates_init(struct gw_session_manager *manager);
void gw__rates_fini(struct gw_session_manager *manager);

/*
 * Counts a packet whose header has arrived, and takes a token for one that passes. Thread of this
 * and of all below: turn.
 */
enum gw_rate gw__rates_check(struct gw_session *session, const struct gw_packet *packet);

/* In explain.c: ends the session for TOO_OFTEN or NO_MEMORY. Returns false. */
bool gw__session_end_by_rate(struct gw_session *session, const struct gw_packet *packet,
                             enum gw_rate rate);

/* For a packet that was delayed: how long until there is a token, and taking it then. */
uint64_t gw__rates_left_ns(const struct gw_session *session, const struct gw_packet *packet);
void gw__rates_take(struct gw_session *session, const struct gw_packet *packet);

/* The server has not read from `since_ms` until now. */
void gw__rates_note_unread(struct gw_session *session, uint32_t since_ms);

/* Frees the buckets when all of them are as new. */
void gw__rates_rest(struct gw_session *session);

/* In hold.c. Thread of all: turn. */
/* Whether we listen: otherwise it is not the peer's fault that nothing comes. */
static inline bool gw__session_listens(const struct gw_session *session)
{
    return !session->held && !session->paused;
}
/* Reading stops until session->packet has a token, and goes on once it has. */
void gw__session_throttle(struct gw_session *session);
void gw__session_unthrottle(struct gw_session *session);

#endif

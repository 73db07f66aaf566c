/* session/deadline.c: what must not take too long. */
#include "session/deadline.h"

#include "session/end.h"
#include "session/internal.h"
#include "session/open_requests.h"
#include "session/rates.h"

#include "net/error.h"

#include <assert.h>

#define NANOSECONDS_PER_MS UINT64_C(1000000)

enum {
    LOOK_AGAIN_MS = 24 * 60 * 60 * 1000, /* so that 32 bits of time never wrap unseen */
    SILENT_INTERVAL_COUNT = 3,           /* WIRE.md: so many heartbeats of silence end a session */
};

/*
 * What comes first: in how long, and what it ends the session with. NONE: a held frame has its
 * token, a PING is due, or a pause after FIN has lasted too long.
 */
struct due {
    uint64_t left_ms;
    Gw__CloseReason reason;
};

/*
 * Nothing was moved when bytes came: their time was stored, and the deadline that was set for the
 * bytes before them finds out here that there is time left. Whoever is busy costs nothing.
 */
static void consider(struct due *due, uint32_t passed_ms, uint64_t limit_ms, Gw__CloseReason reason)
{
    /* One more, because both ends of `passed_ms` are rounded down: never early. */
    uint64_t left_ms = passed_ms > limit_ms ? 0 : limit_ms + 1 - passed_ms;
    if (left_ms < due->left_ms) {
        *due = (struct due){left_ms, reason};
    }
}

static void consider_heartbeat(struct due *due, const struct gw_session *session, uint32_t now_ms)
{
    uint64_t heartbeat_ms = session->heartbeat_ms;
    if (heartbeat_ms == 0) {
        return;
    }
    if (session->pinged) {
        consider(due, now_ms - session->pinged_ms, heartbeat_ms * (SILENT_INTERVAL_COUNT - 1),
                 GW__CLOSE_REASON__HEARTBEAT_LOST);
    } else {
        consider(due, now_ms - session->received_ms, heartbeat_ms, GW__CLOSE_REASON__NONE);
    }
}

static void consider_idleness(struct due *due, const struct gw_session *session, uint32_t now_ms)
{
    uint32_t idle_timeout_ms = session->manager->config.idle_timeout_ms;
    if (idle_timeout_ms != 0) {
        consider(due, now_ms - session->played_ms, idle_timeout_ms, GW__CLOSE_REASON__IDLE);
    }
}

static void consider_requests(struct due *due, const struct gw_session *session, uint32_t now_ms)
{
    uint32_t begun_ms;
    if (gw__open_requests_first(session, &begun_ms)) {
        consider(due, now_ms - begun_ms, session->manager->config.request_timeout_ms,
                 GW__CLOSE_REASON__NONE);
    }
}

/* After FIN: what the game does not read of it is not waited for any longer than for an answer. */
static void consider_pause(struct due *due, const struct gw_session *session, uint32_t now_ms)
{
    if (session->paused && !session->held && !session->recv_done) {
        consider(due, now_ms - session->pinged_ms, session->manager->config.request_timeout_ms,
                 GW__CLOSE_REASON__NONE);
    }
}

static void consider_token(struct due *due, const struct gw_session *session)
{
    uint64_t left_ns = gw__rates_left_ns(session, session->packet);
    due->left_ms = (left_ns + NANOSECONDS_PER_MS - 1) / NANOSECONDS_PER_MS;
}

/* A peer whose frame is held is not asked for more: we do not listen. */
static struct due first_due(const struct gw_session *session, uint32_t now_ms)
{
    const struct gw_session_manager_config *config = &session->manager->config;
    struct due due = {LOOK_AGAIN_MS, GW__CLOSE_REASON__NONE};
    if (session->held) {
        consider_token(&due, session);
    } else if (session->partial && !session->paused && !session->recv_ended) {
        consider(&due, now_ms - session->partial_ms, config->frame_timeout_ms,
                 GW__CLOSE_REASON__FRAME_TIMEOUT);
    }
    if (!session->greeted) {
        consider(&due, now_ms - session->begun_ms, config->greeting_timeout_ms,
                 GW__CLOSE_REASON__GREETING_TIMEOUT);
    }
    if (session->recv_ended || (session->fin_seen && !gw__session_listens(session))) {
        consider_pause(&due, session, now_ms);
    } else if (!gw__session_listens(session)) {
        consider(&due, now_ms - session->pinged_ms, GW_PEER_LOOK_MS, GW__CLOSE_REASON__NONE);
    } else if (session->greeted) {
        consider_heartbeat(&due, session, now_ms);
        consider_idleness(&due, session, now_ms);
    }
    consider_requests(&due, session, now_ms);
    return due;
}

uint32_t gw__session_now_ms(const struct gw_session *session)
{
    uint64_t now_ns = gw_turn_now_ns(gw_stream_turn(session->stream));
    return (uint32_t)((now_ns - session->manager->begun_ns) / NANOSECONDS_PER_MS);
}

static void set_deadline(struct gw_session *session, uint32_t now_ms, uint32_t left_ms)
{
    struct gw_stream *stream = session->stream;
    session->due_ms = now_ms + left_ms;
    gw_stream_set_deadline(stream,
                           gw_turn_now_ns(gw_stream_turn(stream)) + left_ms * NANOSECONDS_PER_MS);
}

void gw__session_watch(struct gw_session *session)
{
    uint32_t now_ms = gw__session_now_ms(session);
    set_deadline(session, now_ms, (uint32_t)first_due(session, now_ms).left_ms);
}

void gw__session_watch_within(struct gw_session *session, uint32_t left_ms)
{
    uint32_t now_ms = gw__session_now_ms(session);
    if (left_ms < session->due_ms - now_ms) {
        gw__session_watch(session);
    }
}

static void ping(struct gw_session *session, uint32_t now_ms)
{
    Gw__Ping message = GW__PING__INIT;
    message.stamp = gw_turn_now_ns(gw_stream_turn(session->stream));
    session->pinged = true;
    session->pinged_ms = now_ms;
    gw_session_send(session, GW_CONTROL_PING, &message.base);
}

/* Reading is paused, so nothing tells of FIN or RST. From here on no look is due. */
static void look_for_peer(struct gw_session *session, uint32_t now_ms)
{
    bool looks = !gw__session_listens(session) && !session->recv_ended && !session->fin_seen;
    if (!looks || now_ms - session->pinged_ms < GW_PEER_LOOK_MS) {
        return;
    }
    session->pinged_ms = now_ms;
    int error = gw_stream_peer_end(session->stream);
    session->fin_seen = error == GW_E_CLOSED;
    if (error != GW_OK && error != GW_E_CLOSED) {
        gw_stream_close(session->stream, error);
    }
}

static void do_what_is_due(struct gw_session *session, uint32_t now_ms)
{
    if (session->held) {
        gw__session_unthrottle(session);
    } else if (session->recv_ended || session->paused) {
        session->recv_done = true; /* after FIN the pause has lasted too long */
    } else {
        gw__rates_rest(session); /* it has been silent for a heartbeat */
        gw__open_requests_rest(session);
        ping(session, now_ms);
    }
}

void gw__session_on_deadline(struct gw_stream *stream, void *context)
{
    (void)stream;
    struct gw_session *session = context;
    uint32_t now_ms = gw__session_now_ms(session);
    if (session->held && gw__session_overslept(session, now_ms)) {
        gw__rates_note_unread(session, session->partial_ms);
    }
    look_for_peer(session, now_ms);
    gw__open_requests_expire(session); /* from here on no request is due */
    struct due due = first_due(session, now_ms);
    if (due.left_ms == 0 && due.reason == GW__CLOSE_REASON__NONE) {
        do_what_is_due(session, now_ms);
        due = first_due(session, now_ms);
    }
    if (due.left_ms == 0) {
        gw__session_end_by_time(session, due.reason);
    } else {
        set_deadline(session, now_ms, (uint32_t)due.left_ms);
    }
    gw__session_finish_if_done(session);
}

/* session/deadline.c: the timeouts of a session, with one deadline. */
#include "session/deadline.h"

#include "session/end.h"
#include "session/internal.h"
#include "session/open_requests.h"
#include "session/rates.h"

#include "net/error.h"
#include "net/port.h"

#include <assert.h>

#define NANOSECONDS_PER_MS UINT64_C(1000000)

enum {
    DEADLINE_MS_MAX = 24 * 60 * 60 * 1000, /* so that differences of 32-bit times do not wrap */
    HEARTBEAT_LOST_COUNT = 3,              /* WIRE.md: heartbeat intervals without received bytes */
};

/*
 * The earliest timeout: the time left, and the reason with which it ends the session. NONE: a
 * throttled frame has its token, a PING is due, or a pause after FIN has lasted too long.
 */
struct due {
    uint64_t left_ms;
    Gw__CloseReason reason;
};

/*
 * Receiving bytes only stores their time. The deadline that was set for earlier bytes computes here
 * that there is time left. So an active session never sets a timer.
 */
static void consider(struct due *due, uint32_t passed_ms, uint64_t limit_ms, Gw__CloseReason reason)
{
    if (limit_ms == GW_OFF) {
        return;
    }
    /* 1 ms more, because both ends of `passed_ms` are rounded down: never early. */
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
    if (session->ping_pending) {
        consider(due, now_ms - session->probed_ms, heartbeat_ms * (HEARTBEAT_LOST_COUNT - 1),
                 GW__CLOSE_REASON__HEARTBEAT_LOST);
    } else {
        consider(due, now_ms - session->received_ms, heartbeat_ms, GW__CLOSE_REASON__NONE);
    }
}

/* After FIN: the game may pause for request_timeout_ms, as long as an answer may take. */
static void consider_pause(struct due *due, const struct gw_session *session, uint32_t now_ms)
{
    if (session->paused && !session->throttled && !session->recv_done) {
        consider(due, now_ms - session->probed_ms, session->manager->config.request_timeout_ms,
                 GW__CLOSE_REASON__NONE);
    }
}

/* While reading is suspended, no PING is sent: its answer would not be read. */
static struct due first_due(const struct gw_session *session, uint32_t now_ms)
{
    const struct gw_session_manager_config *config = &session->manager->config;
    struct due due = {DEADLINE_MS_MAX, GW__CLOSE_REASON__NONE};
    uint32_t request_ms;
    if (session->throttled) {
        uint64_t left_ns = gw__rates_left_ns(session, session->packet);
        due.left_ms = (left_ns + NANOSECONDS_PER_MS - 1) / NANOSECONDS_PER_MS;
    } else if (session->partial && !session->paused && !session->recv_ended) {
        consider(&due, now_ms - session->since_ms, config->frame_timeout_ms,
                 GW__CLOSE_REASON__FRAME_TIMEOUT);
    }
    if (!session->greeted) {
        consider(&due, now_ms - session->begun_ms, config->greeting_timeout_ms,
                 GW__CLOSE_REASON__GREETING_TIMEOUT);
    }
    if (session->recv_ended || (session->fin_seen && !gw__session_reads(session))) {
        consider_pause(&due, session, now_ms);
    } else if (!gw__session_reads(session)) {
        consider(&due, now_ms - session->probed_ms, GW_PEER_CHECK_MS, GW__CLOSE_REASON__NONE);
    } else if (session->greeted) {
        consider_heartbeat(&due, session, now_ms);
        consider(&due, now_ms - session->active_ms, config->idle_timeout_ms,
                 GW__CLOSE_REASON__IDLE);
    }
    if (gw__open_requests_first(session, &request_ms)) {
        consider(&due, now_ms - request_ms, config->request_timeout_ms, GW__CLOSE_REASON__NONE);
    }
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

void gw__session_update_deadline(struct gw_session *session)
{
    uint32_t now_ms = gw__session_now_ms(session);
    set_deadline(session, now_ms, (uint32_t)first_due(session, now_ms).left_ms);
}

void gw__session_shorten_deadline(struct gw_session *session, uint32_t left_ms)
{
    uint32_t now_ms = gw__session_now_ms(session);
    if (left_ms < session->due_ms - now_ms) {
        gw__session_update_deadline(session);
    }
}

static void ping(struct gw_session *session, uint32_t now_ms)
{
    Gw__Ping message = GW__PING__INIT;
    message.stamp = gw_turn_now_ns(gw_stream_turn(session->stream));
    session->ping_pending = true;
    session->probed_ms = now_ms;
    gw_session_send(session, GW_CONTROL_PING, &message.base);
}

/* While reading is suspended, the kernel reports neither FIN nor RST. After this no check is due.
 */
static void check_peer(struct gw_session *session, uint32_t now_ms)
{
    bool checks = !gw__session_reads(session) && !session->recv_ended && !session->fin_seen;
    if (!checks || now_ms - session->probed_ms < GW_PEER_CHECK_MS) {
        return;
    }
    session->probed_ms = now_ms;
    int error = gw_stream_peer_end(session->stream);
    session->fin_seen = error == GW_E_CLOSED;
    if (error != GW_OK && error != GW_E_CLOSED) {
        gw_stream_close(session->stream, error);
    }
}

static void handle_due(struct gw_session *session, uint32_t now_ms)
{
    if (session->throttled) {
        gw__session_unthrottle(session);
    } else if (session->recv_ended || session->paused) {
        session->recv_done = true; /* the pause after FIN has lasted too long */
    } else {
        gw__rates_free_idle(session); /* no bytes were received for a heartbeat interval */
        gw__open_requests_free_idle(session);
        ping(session, now_ms);
    }
}

void gw__session_on_deadline(struct gw_stream *stream, void *context)
{
    (void)stream;
    struct gw_session *session = context;
    uint32_t now_ms = gw__session_now_ms(session);
    if (session->throttled && gw__session_stalled(session, now_ms)) {
        gw__rates_add_unread(session, session->since_ms);
    }
    check_peer(session, now_ms);
    gw__open_requests_expire(session); /* after this no request is due */
    struct due due = first_due(session, now_ms);
    if (due.left_ms == 0 && due.reason == GW__CLOSE_REASON__NONE) {
        handle_due(session, now_ms);
        due = first_due(session, now_ms);
    }
    if (due.left_ms == 0) {
        gw__session_end_by_time(session, due.reason);
    } else {
        set_deadline(session, now_ms, (uint32_t)due.left_ms);
    }
    gw__session_finish_if_done(session);
}

/* session/hold.c: not to listen for a while. */
#include "session/counters.h"
#include "session/internal.h"
#include "session/rates.h"

#include <assert.h>

/*
 * After FIN a pause counts from its beginning. Before it the peer is looked for now and then; short
 * holds that follow each other count as one, or it would never be.
 */
static void note_pause(struct gw_session *session)
{
    uint32_t now_ms = gw__session_now_ms(session);
    bool has_looked = now_ms - session->pinged_ms < 2 * GW_PEER_LOOK_MS;
    if (session->recv_ended || session->fin_seen || !has_looked) {
        session->pinged_ms = now_ms;
    }
}

static void stop_listening(struct gw_session *session, bool *why)
{
    if (gw__session_listens(session)) {
        session->partial = false;
        session->partial_ms = gw__session_now_ms(session);
        gw_stream_pause(session->stream);
    }
    note_pause(session);
    *why = true;
    gw__session_watch(session);
}

/* Who could not be heard meanwhile was neither silent nor idle. */
static void listen_again(struct gw_session *session, bool *why)
{
    *why = false;
    if (gw__session_listens(session)) {
        uint32_t now_ms = gw__session_now_ms(session);
        session->received_ms = now_ms;
        session->pinged = false;
        session->played_ms += now_ms - session->partial_ms;
        gw__stage_leave_out(session, session->partial_ms, now_ms);
        gw_stream_resume(session->stream);
        gw__session_watch(session);
    }
}

void gw__session_throttle(struct gw_session *session)
{
    struct gw_shard *shard = gw__shard(session->manager);
    gw__count(shard, &gw__passed(session->manager, shard, session->packet)->delayed, 1);
    stop_listening(session, &session->held);
}

void gw__session_unthrottle(struct gw_session *session)
{
    gw__rates_take(session, session->packet);
    listen_again(session, &session->held);
}

void gw_session_pause(struct gw_session *session)
{
    assert(gw_turn_check(gw_session_turn(session), __func__));
    if (!session->paused) {
        stop_listening(session, &session->paused);
    }
}

void gw_session_resume(struct gw_session *session)
{
    assert(gw_turn_check(gw_session_turn(session), __func__));
    if (session->paused) {
        gw__rates_note_unread(session, session->partial_ms);
        listen_again(session, &session->paused);
    }
}

/* session/hold.c: a frame that waits for a token of its rate, and all behind it. */
#include "session/counters.h"
#include "session/internal.h"
#include "session/rates.h"

void gw__session_hold(struct gw_session *session)
{
    struct gw_shard *shard = gw__shard(session->manager);
    gw__count(shard, &gw__passed(session->manager, shard, session->packet)->delayed, 1);
    session->held = true;
    session->torn = false;
    session->torn_ms = gw__session_now_ms(session);
    gw_stream_pause(session->stream);
    gw__session_watch(session);
}

/* Who could not be heard meanwhile was neither silent nor idle. */
void gw__session_go_on(struct gw_session *session)
{
    uint32_t now_ms = gw__session_now_ms(session);
    gw__rates_take(session, session->packet);
    session->held = false;
    session->heard_ms = now_ms;
    session->played_ms += now_ms - session->torn_ms;
    gw_stream_resume(session->stream);
}

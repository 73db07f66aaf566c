/* session/control.c: handlers of PING, PONG, CLOSE, GOAWAY and ERROR. */
#include "session/end.h"
#include "session/internal.h"
#include "session/open_requests.h"

void gw__on_ping(struct gw_session *session, const struct gw_frame *frame, const Gw__Ping *ping)
{
    (void)frame;
    Gw__Pong pong = GW__PONG__INIT;
    pong.stamp = ping->stamp;
    gw_session_send(session, GW_CONTROL_PONG, &pong.base);
}

void gw__on_pong(struct gw_session *session, const struct gw_frame *frame, const Gw__Pong *pong)
{
    /* Any received byte ends the wait for it. */
    (void)session;
    (void)frame;
    (void)pong;
}

void gw__on_close(struct gw_session *session, const struct gw_frame *frame, const Gw__Close *close)
{
    (void)frame;
    session->peer_reason = (uint16_t)gw__reason_of_peer((int)close->reason);
    gw_session_end(session, GW__CLOSE_REASON__BY_PEER);
}

void gw__on_go_away(struct gw_session *session, const struct gw_frame *frame,
                    const Gw__GoAway *go_away)
{
    (void)frame;
    const struct gw_session_manager *manager = session->manager;
    if (manager->events->on_go_away != NULL) {
        manager->events->on_go_away(session, go_away, manager->context);
    }
}

void gw__on_error(struct gw_session *session, const struct gw_frame *frame, const Gw__Error *error)
{
    gw__open_requests_answer(session, frame, &error->base);
}

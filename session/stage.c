/* session/stage.c: the stage of a session, and packets in flight when it changes. */
#include "session/admission.h"
#include "session/counters.h"
#include "session/deadline.h"
#include "session/end.h"
#include "session/internal.h"
#include "session/open_requests.h"
#include "session/rates.h"
#include "session/receive.h"

#include "net/error.h"

/*
 * The client does not know of a change outside a handler of its packets yet: packets that it has
 * sent for the previous stage are in flight.
 */
static void change(struct gw_session *session, uint8_t stage_bit)
{
    if (session->greeted && !session->handling && stage_bit != session->stage_bit) {
        uint32_t now_ms = gw__session_now_ms(session);
        bool is_crossing = now_ms - session->stage_ms <= GW_CROSSING_MS;
        session->previous_stages = is_crossing ? session->previous_stages : 0;
        session->previous_stages |= UINT32_C(1) << session->stage_bit;
        session->stage_ms = now_ms;
    }
    session->stage_bit = stage_bit;
}

/* A change from another turn. It holds a reference to the session, and one to the manager. */
struct posted_change {
    struct gw_session *session;
    uint8_t stage_bit;
};

static void run_change(struct gw_turn *turn, void *data)
{
    (void)turn;
    const struct posted_change *posted = data;
    struct gw_session_manager *manager = posted->session->manager;
    change(posted->session, posted->stage_bit);
    gw_session_unref(posted->session);
    gw__manager_unref(manager);
}

static void post_change(struct gw_session *session, uint8_t stage_bit)
{
    struct gw_session_manager *manager = session->manager;
    if (gw_session_has_ended(session) || !gw__manager_ref(manager)) {
        return;
    }
    const struct posted_change posted = {gw_session_ref(session), stage_bit};
    if (gw_turn_call(gw_session_turn(session), run_change, &posted, sizeof posted) != GW_OK) {
        gw_session_end(session, GW__CLOSE_REASON__NO_MEMORY);
        gw_session_unref(session);
        gw__manager_unref(manager);
    }
}

void gw_session_set_stage(struct gw_session *session, uint32_t stage)
{
    uint8_t stage_bit = (uint8_t)(stage + 1);
    if (stage > GW_STAGE_GAME_MAX) {
        gw__misuse(session->manager, __func__, "a stage is at most GW_STAGE_GAME_MAX", stage);
    } else if (gw_turn_is_mine(gw_session_turn(session))) {
        change(session, stage_bit);
    } else {
        post_change(session, stage_bit);
    }
}

/* Refuses or drops a packet that was allowed when the client sent it. */
static void refuse(struct gw_session *session, const struct gw_packet *packet,
                   const struct gw_frame *frame)
{
    struct gw_shard *shard = gw__shard(session->manager);
    gw__count(shard, &gw__packet_counters(session->manager, shard, packet)->crossed, 1);
    if (gw__is_request(session, packet, frame)) {
        gw__open_requests_refuse(session, frame);
    }
    gw__session_skip(session, frame);
}

/* All checks apply except that of the current stage; the rates apply too. */
bool gw__stage_admit_crossed(struct gw_session *session, const struct gw_frame *frame,
                             const struct gw_packet_sender *here)
{
    bool is_crossing = gw__session_now_ms(session) - session->stage_ms <= GW_CROSSING_MS;
    if (!session->greeted || !is_crossing) {
        return gw__session_end_by_header(session, frame, GW_PACKET_WRONG_STAGE, here);
    }
    const struct gw_packet_sender sender = {GW_FROM_CLIENT, session->previous_stages,
                                            session->manager->config.body_bytes_max};
    const struct gw_packet_table *table = gw__packet_table(session->manager, frame->packet_id);
    const struct gw_packet *packet;
    enum gw_packet_result result = gw_packet_admit(table, frame, &sender, &packet);
    if (result != GW_PACKET_OK) {
        return gw__session_end_by_header(session, frame, result,
                                         result == GW_PACKET_WRONG_STAGE ? here : &sender);
    }
    enum gw_rate rate = gw__rates_check(session, packet);
    if (rate == GW_RATE_TOO_OFTEN || rate == GW_RATE_NO_MEMORY) {
        return gw__session_end_by_rate(session, packet, rate);
    }
    refuse(session, packet, frame);
    return true;
}

void gw__stage_recheck(struct gw_session *session, const struct gw_frame *frame)
{
    uint32_t stage = session->greeted ? UINT32_C(1) << session->stage_bit : GW_STAGE_CONNECTED;
    if (session->manager->config.side == GW_SIDE_SERVER && (session->packet->stages & stage) == 0) {
        refuse(session, session->packet, frame);
    }
}

void gw__stage_exclude(struct gw_session *session, uint32_t since_ms, uint32_t now_ms)
{
    if (session->previous_stages != 0) {
        bool changed_before = now_ms - session->stage_ms > now_ms - since_ms;
        session->stage_ms = changed_before ? session->stage_ms + (now_ms - since_ms) : now_ms;
    }
}

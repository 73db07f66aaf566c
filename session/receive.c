/* session/receive.c: bytes become packets. */
#include "session/counters.h"
#include "session/internal.h"
#include "session/rates.h"
#include "session/requests.h"

#include "net/port.h"
#include "net/ring.h"

#include <assert.h>

static struct gw_packet_sender sender_of(const struct gw_session *session)
{
    const struct gw_session_manager_config *config = &session->manager->config;
    if (config->side == GW_SIDE_CLIENT) {
        return (struct gw_packet_sender){GW_FROM_SERVER, UINT32_C(1) << session->stage_bit,
                                         config->body_bytes_max};
    }
    if (!session->greeted) {
        return (struct gw_packet_sender){GW_FROM_CLIENT, GW_STAGE_CONNECTED,
                                         config->body_bytes_max_connected};
    }
    return (struct gw_packet_sender){GW_FROM_CLIENT, UINT32_C(1) << session->stage_bit,
                                     config->body_bytes_max};
}

/* On the server's side, whoever has not said HELLO yet must be saying it. */
static bool is_stranger(const struct gw_session *session)
{
    return session->manager->config.side == GW_SIDE_SERVER && !session->asked;
}

static bool end(struct gw_session *session, Gw__CloseReason reason)
{
    gw_session_end(session, reason);
    return false;
}

/* It is skipped as it comes; but who sends it is not idle. */
static void skip_frame(struct gw_session *session, const struct gw_frame *frame)
{
    session->packet = NULL;
    session->skip_bytes = GW_FRAME_HEADER_BYTES + frame->body_bytes;
    session->played_ms = session->heard_ms;
}

static struct gw_passed *passed(const struct gw_session *session, const struct gw_packet *packet)
{
    return gw__passed(session->manager, gw__shard(session->manager), packet);
}

static bool is_request(const struct gw_session *session, const struct gw_packet *packet,
                       const struct gw_frame *frame)
{
    return packet->reply_id != 0 && frame->tag != 0 &&
           session->manager->config.side == GW_SIDE_SERVER;
}

/* Whether there is a token for session->packet. Returns false when reading must not go on. */
static bool has_token(struct gw_session *session, const struct gw_frame *frame)
{
    switch (gw__rates_judge(session, session->packet)) {
    case GW_RATE_DELAY:
        gw__session_hold(session);
        return false;
    case GW_RATE_DROP:
        gw__count(gw__shard(session->manager), &passed(session, session->packet)->dropped, 1);
        skip_frame(session, frame);
        return true;
    case GW_RATE_TOO_OFTEN:
        return end(session, GW__CLOSE_REASON__TOO_OFTEN);
    case GW_RATE_NO_MEMORY:
        return end(session, GW__CLOSE_REASON__NO_MEMORY);
    default:
        return true;
    }
}

/* ---- packets that cross a change of stage ---- */

/* The client sent it when it was welcome, and the server has left that stage since. */
static void refuse_crossed(struct gw_session *session, const struct gw_packet *packet,
                           const struct gw_frame *frame)
{
    gw__count(gw__shard(session->manager), &passed(session, packet)->crossed, 1);
    if (is_request(session, packet, frame)) {
        gw__requests_refuse(session, frame);
    }
    skip_frame(session, frame);
}

/* A frame was admitted, and what is missing of it has come, or its token. */
static void look_again(struct gw_session *session, const struct gw_frame *frame)
{
    const struct gw_packet_sender sender = sender_of(session);
    if (sender.from == GW_FROM_CLIENT && (session->packet->stages & sender.stage) == 0) {
        refuse_crossed(session, session->packet, frame);
    }
}

/*
 * A frame is for another stage. If the server has left that one just now, all other checks hold,
 * and the rates too. Returns as admit_once().
 */
static bool admit_crossed(struct gw_session *session, const struct gw_frame *frame,
                          const struct gw_packet_table *table)
{
    struct gw_packet_sender sender = sender_of(session);
    const struct gw_packet *packet;
    if (gw__session_now_ms(session) - session->moved_ms <= GW_CROSSING_MS) {
        sender.stage = session->stages_left;
    }
    enum gw_packet_verdict verdict = gw_packet_admit(table, frame, &sender, &packet);
    if (verdict != GW_PACKET_OK) {
        return end(session, gw__reason_of_verdict(verdict));
    }
    enum gw_rate rate = gw__rates_judge(session, packet);
    if (rate == GW_RATE_TOO_OFTEN || rate == GW_RATE_NO_MEMORY) {
        return end(session, rate == GW_RATE_NO_MEMORY ? GW__CLOSE_REASON__NO_MEMORY
                                                      : GW__CLOSE_REASON__TOO_OFTEN);
    }
    refuse_crossed(session, packet, frame);
    return true;
}

/* ---- frames ---- */

/*
 * Judges a frame once, when its header is there; session->packet is kept until its last byte has
 * been consumed. Returns false when reading must not go on: it has ended the session, or waits.
 */
static bool admit_once(struct gw_session *session, const struct gw_frame *frame,
                       const uint8_t *header)
{
    if (session->packet != NULL) {
        look_again(session, frame);
        return true;
    }
    if (is_stranger(session) && !gw__session_is_player(session, header)) {
        return false;
    }
    const struct gw_packet_sender sender = sender_of(session);
    const struct gw_packet_table *table = gw__packet_table(session->manager, frame->packet_id);
    const struct gw_packet *packet;
    enum gw_packet_verdict verdict = gw_packet_admit(table, frame, &sender, &packet);
    if (verdict == GW_PACKET_WRONG_STAGE) {
        return admit_crossed(session, frame, table);
    }
    if (verdict != GW_PACKET_OK) {
        return end(session, gw__reason_of_verdict(verdict));
    }
    session->packet = packet;
    return has_token(session, frame);
}

struct watched {
    struct gw_session *session;
    const struct gw_packet *packet;
    bool is_answer;
};

static void show_and_handle(void *peer, const struct gw_frame *frame,
                            const ProtobufCMessage *message)
{
    const struct watched *watched = peer;
    const struct gw_session_packet shown = {watched->packet, frame, message, true};
    gw__packet_show(watched->session->manager, watched->session, &shown);
    if (watched->is_answer) {
        gw__requests_answer(watched->session, frame, message);
    } else if (watched->packet->handle != NULL) {
        watched->packet->handle(watched->session, frame, message);
    }
}

/* A reply goes to who asked. ERROR has a handler, which sees to that; HELLO_ACK answers nobody. */
static bool is_answer(const struct gw_session *session, const struct gw_frame *frame)
{
    return (frame->flags & GW_FRAME_REPLY) != 0 && frame->packet_id > GW_PACKET_ID_CONTROL_MAX &&
           session->manager->config.side == GW_SIDE_CLIENT;
}

/* A request is noted before it is handled. Returns false when it is not to be. */
static bool is_welcome(struct gw_session *session, const struct gw_packet *packet,
                       const struct gw_frame *frame)
{
    return !is_request(session, packet, frame) || gw__requests_take(session, frame);
}

/* Who watches sees a packet between unpacking and handling, where only a handler comes by. */
static enum gw_packet_verdict dispatch(struct gw_session *session, const struct gw_packet *packet,
                                       const struct gw_frame *frame, const uint8_t *body,
                                       struct gw_arena *arena)
{
    struct watched watched = {session, packet, is_answer(session, frame)};
    bool is_watched = session->manager->events->on_packet != NULL || watched.is_answer;
    if (is_watched && packet->message == NULL) {
        const struct gw_session_packet opaque = {packet, frame, NULL, true};
        gw__packet_show(session->manager, session, &opaque);
    }
    if (!is_watched || packet->message == NULL) {
        return gw_packet_dispatch(packet, frame, body, session, arena);
    }
    struct gw_packet shown = *packet;
    shown.handle = show_and_handle;
    return gw_packet_dispatch(&shown, frame, body, &watched, arena);
}

static void count_in(struct gw_session *session, const struct gw_packet *packet,
                     struct gw_shard *shard)
{
    gw__count(shard, &gw__passed(session->manager, shard, packet)->in, 1);
    if (packet->id > GW_PACKET_ID_CONTROL_MAX) {
        session->played_ms = session->heard_ms;
    }
}

/* Handles the frame at the head of the ring, which is whole. */
static void take(struct gw_session *session, struct gw_ring *ring, const struct gw_frame *frame,
                 struct gw_shard *shard)
{
    uint32_t frame_bytes = GW_FRAME_HEADER_BYTES + frame->body_bytes;
    const uint8_t *bytes = gw_ring_peek_known(ring, frame_bytes, shard->bridge);
    const struct gw_packet *packet = session->packet;
    count_in(session, packet, shard);
    enum gw_packet_verdict verdict = GW_PACKET_OK;
    session->handling = true;
    if (is_welcome(session, packet, frame)) {
        verdict = dispatch(session, packet, frame, bytes + GW_FRAME_HEADER_BYTES, &shard->arena);
    }
    session->handling = false;
    gw_ring_consume_known(ring, frame_bytes);
    session->packet = NULL;
    session->torn = false;
    if (verdict != GW_PACKET_OK) {
        gw_session_end(session, gw__reason_of_verdict(verdict));
    }
}

/* Lets go of what is there of a dropped frame. Returns whether that was all. */
static bool skip(struct gw_session *session, struct gw_ring *ring)
{
    uint32_t used_bytes = gw_ring_used_bytes(ring);
    uint32_t bytes = used_bytes < session->skip_bytes ? used_bytes : session->skip_bytes;
    gw_ring_consume_known(ring, bytes);
    session->skip_bytes -= bytes;
    session->torn = session->torn && session->skip_bytes > 0;
    return session->skip_bytes == 0;
}

/* Takes the next frame. Returns false when none is whole, or the session has ended. */
static bool take_next(struct gw_session *session, struct gw_ring *ring, struct gw_shard *shard)
{
    uint32_t used_bytes = gw_ring_used_bytes(ring);
    if (session->paused) {
        return false; /* by the handler of the frame before */
    }
    if (session->skip_bytes > 0) {
        return skip(session, ring);
    }
    if (gw_session_has_ended(session) || used_bytes < GW_FRAME_HEADER_BYTES) {
        return false;
    }
    const uint8_t *header = gw_ring_peek_known(ring, GW_FRAME_HEADER_BYTES, shard->bridge);
    const struct gw_frame frame = gw_frame_read(header);
    if (!admit_once(session, &frame, header)) {
        return false;
    }
    if (session->skip_bytes > 0) {
        return skip(session, ring);
    }
    if (used_bytes < GW_FRAME_HEADER_BYTES + frame.body_bytes) {
        return false;
    }
    take(session, ring, &frame, shard);
    return true;
}

/* A frame that has begun must be whole in time, however steadily its bytes drip. */
static void note_torn(struct gw_session *session, const struct gw_ring *ring)
{
    bool has_begun = gw_ring_used_bytes(ring) > 0 || session->skip_bytes > 0;
    if (session->recv_ended) {
        session->recv_done = session->recv_done || gw__session_listens(session);
        gw__session_finish_if_done(session);
    } else if (!session->torn && gw__session_listens(session) && has_begun) {
        session->torn = true;
        session->torn_ms = session->heard_ms;
        gw__session_watch_within(session, session->manager->config.frame_timeout_ms);
    }
}

enum gw_recv gw__session_on_recv(struct gw_stream *stream, struct gw_ring *ring, void *context)
{
    (void)stream;
    struct gw_session *session = context;
    struct gw_shard *shard = gw__shard(session->manager);
    assert(!shard->shared);
    uint32_t now_ms = gw__session_now_ms(session);
    if (gw__session_overslept(session, now_ms)) {
        gw__rates_note_unread(session, session->heard_ms);
        gw__session_leave_out(session, session->heard_ms, now_ms);
    }
    session->heard_ms = now_ms;
    session->pinged = false;
    for (int count = 0; count < GW_FRAMES_PER_TURN_MAX; count++) {
        if (!take_next(session, ring, shard)) {
            note_torn(session, ring);
            return GW_RECV_MORE;
        }
    }
    return GW_RECV_AGAIN;
}

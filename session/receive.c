/* session/receive.c: division of received bytes into frames, their admission and dispatch. */
#include "session/receive.h"

#include "session/counters.h"
#include "session/deadline.h"
#include "session/end.h"
#include "session/internal.h"
#include "session/open_requests.h"
#include "session/rates.h"
#include "session/send.h"

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

/* Server side: the first frame of a connection must be HELLO. */
static bool must_send_hello(const struct gw_session *session)
{
    return session->manager->config.side == GW_SIDE_SERVER && !session->hello_done;
}

/* Checks the rate of session->packet. Returns false when no further frame may be handled. */
static bool has_token(struct gw_session *session, const struct gw_frame *frame)
{
    enum gw_rate rate = gw__rates_check(session, session->packet);
    if (rate == GW_RATE_PASS) {
        return true;
    }
    if (rate == GW_RATE_DELAY) {
        gw__session_throttle(session);
        return false;
    }
    if (rate == GW_RATE_DROP) {
        struct gw_shard *shard = gw__shard(session->manager);
        gw__count(shard, &gw__packet_counters(session->manager, shard, session->packet)->dropped,
                  1);
        gw__session_skip(session, frame);
        return true;
    }
    return gw__session_end_by_rate(session, session->packet, rate);
}

/*
 * Checks a frame once, when its header was received; session->packet is kept until its last byte
 * was consumed. Returns false when no further frame may be handled: the session has ended, or
 * reading is suspended.
 */
static bool admit_once(struct gw_session *session, const struct gw_frame *frame,
                       const uint8_t *header)
{
    if (session->packet != NULL) {
        gw__stage_recheck(session, frame);
        return true;
    }
    if (must_send_hello(session) && !gw__hello_header_check(session, header)) {
        return false;
    }
    const struct gw_packet_sender sender = sender_of(session);
    const struct gw_packet_table *table = gw__packet_table(session->manager, frame->packet_id);
    const struct gw_packet *packet;
    enum gw_packet_result result = gw_packet_admit(table, frame, &sender, &packet);
    if (result != GW_PACKET_OK) {
        return result == GW_PACKET_WRONG_STAGE
                   ? gw__stage_admit_crossed(session, frame, &sender)
                   : gw__session_end_by_header(session, frame, result, &sender);
    }
    session->packet = packet;
    return has_token(session, frame);
}

struct observed {
    struct gw_session *session;
    const struct gw_packet *packet;
    bool is_answer;
};

static void observe_and_handle(void *peer, const struct gw_frame *frame,
                               const ProtobufCMessage *message)
{
    const struct observed *observed = peer;
    const struct gw_session_packet received = {observed->packet, frame, message, true};
    gw__packet_notify(observed->session->manager, observed->session, received);
    if (observed->is_answer) {
        gw__open_requests_answer(observed->session, frame, message);
    } else if (observed->packet->handle != NULL) {
        observed->packet->handle(observed->session, frame, message);
    }
}

/* A reply is passed to on_answer. ERROR does so in its handler; HELLO_ACK answers no request. */
static bool is_answer(const struct gw_session *session, const struct gw_frame *frame)
{
    return (frame->flags & GW_FRAME_REPLY) != 0 && frame->packet_id > GW_PACKET_ID_CONTROL_MAX &&
           session->manager->config.side == GW_SIDE_CLIENT;
}

/* on_packet and on_answer need the decoded message, which only a handler receives. */
static enum gw_packet_result dispatch(struct gw_session *session, const struct gw_packet *packet,
                                      const struct gw_frame *frame, const uint8_t *body,
                                      struct gw_arena *arena)
{
    bool answers = is_answer(session, frame);
    bool is_observed = session->manager->events->on_packet != NULL || answers;
    if (is_observed && packet->message == NULL) {
        const struct gw_session_packet opaque = {packet, frame, NULL, true};
        gw__packet_notify(session->manager, session, opaque);
    }
    if (!is_observed || packet->message == NULL) {
        return gw_packet_dispatch(packet, frame, body, session, arena);
    }
    struct observed observed = {session, packet, answers};
    struct gw_packet copy = *packet;
    copy.handle = observe_and_handle;
    return gw_packet_dispatch(&copy, frame, body, &observed, arena);
}

/* Handles the frame at the head of the ring, which is complete. */
static void take(struct gw_session *session, struct gw_ring *ring, const struct gw_frame *frame,
                 struct gw_shard *shard)
{
    uint32_t frame_bytes = GW_FRAME_HEADER_BYTES + frame->body_bytes;
    const uint8_t *bytes = gw_ring_peek_known(ring, frame_bytes, shard->bounce);
    const struct gw_packet *packet = session->packet;
    gw__count(shard, &gw__packet_counters(session->manager, shard, packet)->in, 1);
    if (packet->id > GW_PACKET_ID_CONTROL_MAX) {
        session->active_ms = session->received_ms;
    }
    enum gw_packet_result result = GW_PACKET_OK;
    /* A request is added to the open ones before it is handled. */
    if (!gw__is_request(session, packet, frame) || gw__open_requests_accept(session, frame)) {
        result = dispatch(session, packet, frame, bytes + GW_FRAME_HEADER_BYTES, &shard->arena);
    }
    if (result != GW_PACKET_OK) {
        gw__session_end_by_body(session, packet, result, bytes + GW_FRAME_HEADER_BYTES,
                                frame->body_bytes);
    }
    gw_ring_consume_known(ring, frame_bytes);
    session->packet = NULL;
    session->partial = false;
}

/* Discards the received bytes of a dropped frame. Returns whether these were all. */
static bool skip(struct gw_session *session, struct gw_ring *ring)
{
    uint32_t used_bytes = gw_ring_used_bytes(ring);
    uint32_t bytes = used_bytes < session->skip_bytes ? used_bytes : session->skip_bytes;
    gw_ring_consume_known(ring, bytes);
    session->skip_bytes -= bytes;
    session->partial = session->partial && session->skip_bytes > 0;
    return session->skip_bytes == 0;
}

/* Handles the next frame. Returns false when none is complete, or the session has ended. */
static bool take_next(struct gw_session *session, struct gw_ring *ring, struct gw_shard *shard)
{
    uint32_t used_bytes = gw_ring_used_bytes(ring);
    if (session->paused) {
        return false; /* by the handler of the previous frame */
    }
    if (session->skip_bytes > 0) {
        return skip(session, ring);
    }
    if (atomic_load_explicit(&session->ended, memory_order_acquire) ||
        used_bytes < GW_FRAME_HEADER_BYTES) {
        return false;
    }
    const uint8_t *header = gw_ring_peek_known(ring, GW_FRAME_HEADER_BYTES, shard->bounce);
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

/* The frame timeout begins with the first byte of a frame; later bytes do not extend it. */
static void note_partial(struct gw_session *session, const struct gw_ring *ring)
{
    bool has_begun = gw_ring_used_bytes(ring) > 0 || session->skip_bytes > 0;
    if (session->recv_ended) {
        session->recv_done = session->recv_done || gw__session_reads(session);
        gw__session_finish_if_done(session);
    } else if (!session->partial && gw__session_reads(session) && has_begun) {
        session->partial = true;
        session->since_ms = session->received_ms;
        gw__session_shorten_deadline(session, session->manager->config.frame_timeout_ms);
    }
}

enum gw_recv gw__session_on_recv(struct gw_stream *stream, struct gw_ring *ring, void *context)
{
    (void)stream;
    struct gw_session *session = context;
    struct gw_shard *shard = gw__shard(session->manager);
    assert(!shard->shared);
    uint32_t now_ms = gw__session_now_ms(session);
    if (gw__session_stalled(session, now_ms)) {
        gw__rates_add_unread(session, session->received_ms);
        gw__stage_exclude(session, session->received_ms, now_ms);
    }
    session->received_ms = now_ms;
    session->ping_pending = false;
    session->handling = true;
    int count = 0;
    while (count < GW_FRAMES_PER_TURN_MAX && take_next(session, ring, shard)) {
        count++;
    }
    session->handling = false;
    if (count == GW_FRAMES_PER_TURN_MAX) {
        return GW_RECV_AGAIN;
    }
    note_partial(session, ring);
    return GW_RECV_MORE;
}

/* session/send.c: encoding and queueing of sent packets. */
#include "session/send.h"

#include "session/counters.h"
#include "session/end.h"
#include "session/internal.h"

#include "net/error.h"
#include "net/log.h"
#include "net/port.h"

#include <string.h>

void gw__packet_log_too_long(struct gw_session_manager *manager, const struct gw_packet *packet,
                             size_t body_bytes)
{
    if (gw__misuse_log_allowed(manager)) {
        const struct gw_log_field fields[] = {
            GW_LOG_TEXT("packet", packet->message == NULL ? "opaque" : packet->message->name),
            GW_LOG_NUMBER("packet_id", packet->id),
            GW_LOG_NUMBER("body_bytes", body_bytes),
            GW_LOG_NUMBER("body_bytes_max", packet->body_bytes_max),
        };
        gw_log_write(gw_port_log(manager->port), GW_LOG_ERROR, "packet_too_long", fields,
                     sizeof fields / sizeof fields[0]);
    }
}

void gw__packet_notify_encoded(struct gw_session_manager *manager, struct gw_session *session,
                               struct gw_buf *buf)
{
    if (manager->events->on_packet == NULL) {
        return;
    }
    const uint8_t *header = gw_buf_data(buf);
    const struct gw_frame frame = gw_frame_read(header);
    const struct gw_packet *packet = gw__packet_to_send(manager, frame.packet_id);
    ProtobufCMessage *message = NULL;
    if (packet->message != NULL) {
        message = protobuf_c_message_unpack(packet->message, NULL, frame.body_bytes,
                                            header + GW_FRAME_HEADER_BYTES);
    }
    const struct gw_session_packet shown = {packet, &frame, message, false};
    gw__packet_notify(manager, session, shown);
    protobuf_c_message_free_unpacked(message, NULL);
}

void gw__packet_count_out(struct gw_session_manager *manager, const struct gw_packet *packet,
                          uint32_t receiver_count)
{
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &gw__packet_counters(manager, shard, packet)->out, receiver_count);
}

void gw_session_send(struct gw_session *session, uint16_t packet_id,
                     const ProtobufCMessage *message)
{
    const struct gw_frame frame = {.packet_id = packet_id};
    gw_session_send_frame(session, &frame, message);
}

bool gw__packet_coalesces(const struct gw_session_manager *manager, const struct gw_packet *packet)
{
    return (packet->flags & GW_PACKET_COALESCE) != 0 && manager->events->on_lost != NULL;
}

static struct gw_buf *pack(const struct gw_frame *frame, const ProtobufCMessage *message)
{
    struct gw_buf *buf = gw_buf_create(GW_FRAME_HEADER_BYTES + frame->body_bytes);
    if (buf != NULL) {
        protobuf_c_message_pack(message, gw_frame_write(gw_buf_data(buf), frame));
    }
    return buf;
}

/* Encodes into a separate buffer, which a newer one may replace. */
static void queue_coalescing(struct gw_session *session, const struct gw_packet *packet,
                             const struct gw_frame *frame, const ProtobufCMessage *message)
{
    struct gw_buf *buf = pack(frame, message);
    if (buf == NULL) {
        gw__session_end_by_error(session, GW_E_MEMORY);
        return;
    }
    gw_buf_mark(buf, 0, packet->id);
    if (gw__session_push_part(session, buf, 0, gw_buf_bytes(buf))) {
        gw__packet_count_out(session->manager, packet, 1);
    }
    gw_buf_unref(buf);
}

/* Reserves space in the stream's queue. Without space the session ends. */
static bool reserve(struct gw_session *session, const struct gw_frame *frame,
                    struct gw_stream_reservation *reservation_out)
{
    int error = gw_stream_reserve(session->stream, GW_FRAME_HEADER_BYTES + frame->body_bytes,
                                  reservation_out);
    if (error != GW_OK) {
        gw__session_end_by_error(session, error);
    }
    return error == GW_OK;
}

void gw__session_queue(struct gw_session *session, const struct gw_packet *packet,
                       const struct gw_frame *frame, const ProtobufCMessage *message)
{
    struct gw_stream_reservation place;
    if (reserve(session, frame, &place)) {
        protobuf_c_message_pack(message, gw_frame_write(place.data, frame));
        gw_stream_commit(session->stream, &place);
        gw__packet_count_out(session->manager, packet, 1);
    }
}

const struct gw_packet *gw__session_check_send(struct gw_session *session, struct gw_frame *frame,
                                               const ProtobufCMessage *message)
{
    struct gw_session_manager *manager = session->manager;
    const struct gw_packet *packet = gw__packet_to_send(manager, frame->packet_id);
    if (packet == NULL || gw_session_has_ended(session) ||
        !gw__packet_is_of(manager, packet, message)) {
        return NULL;
    }
    size_t body_bytes = protobuf_c_message_get_packed_size(message);
    if (!gw__packet_fits(manager, packet, body_bytes)) {
        return NULL;
    }
    frame->body_bytes = (uint32_t)body_bytes;
    const struct gw_session_packet shown = {packet, frame, message, false};
    gw__packet_notify(manager, session, shown);
    return packet;
}

void gw_session_send_frame(struct gw_session *session, const struct gw_frame *frame,
                           const ProtobufCMessage *message)
{
    struct gw_frame sized = *frame;
    const struct gw_packet *packet = gw__session_check_send(session, &sized, message);
    if (packet == NULL) {
        return;
    }
    if (gw__packet_coalesces(session->manager, packet) && frame->tag == 0) {
        queue_coalescing(session, packet, &sized, message);
    } else {
        gw__session_queue(session, packet, &sized, message);
    }
}

void gw__session_send_packed(struct gw_session *session, const struct gw_packet *packet,
                             const struct gw_frame *frame, const uint8_t *body)
{
    struct gw_stream_reservation place;
    if (reserve(session, frame, &place)) {
        uint8_t *to = gw_frame_write(place.data, frame);
        if (frame->body_bytes > 0) { /* `body` may be NULL then */
            memcpy(to, body, frame->body_bytes);
        }
        gw_stream_commit(session->stream, &place);
        gw__packet_count_out(session->manager, packet, 1);
    }
}

void gw_session_send_opaque(struct gw_session *session, const struct gw_frame *frame,
                            const uint8_t *body)
{
    const struct gw_packet *packet = gw__packet_to_send(session->manager, frame->packet_id);
    if (packet == NULL) {
        return;
    }
    if (packet->message != NULL) {
        gw__misuse(session->manager, __func__, "the packet has no message type", frame->packet_id);
        return;
    }
    if (!gw_session_has_ended(session) &&
        gw__packet_fits(session->manager, packet, frame->body_bytes)) {
        const struct gw_session_packet shown = {packet, frame, NULL, false};
        gw__packet_notify(session->manager, session, shown);
        gw__session_send_packed(session, packet, frame, body);
    }
}

struct gw_buf *gw_session_encode(uint16_t packet_id, const ProtobufCMessage *message)
{
    size_t body_bytes = protobuf_c_message_get_packed_size(message);
    if (body_bytes > GW_FRAME_BODY_BYTES_MAX) {
        return NULL;
    }
    const struct gw_frame frame = {.body_bytes = (uint32_t)body_bytes, .packet_id = packet_id};
    return pack(&frame, message);
}

bool gw__session_push_part(struct gw_session *session, struct gw_buf *buf, uint32_t begin,
                           uint32_t end)
{
    if (gw_session_has_ended(session)) {
        return false;
    }
    int error = gw_stream_send_part(session->stream, buf, begin, end);
    if (error != GW_OK) {
        gw__session_end_by_error(session, error);
    }
    return error == GW_OK;
}

void gw_session_send_encoded(struct gw_session *session, struct gw_buf *frame)
{
    struct gw_session_manager *manager = session->manager;
    uint32_t bytes = gw_buf_bytes(frame);
    struct gw_frame header = {.packet_id = 0};
    if (bytes >= GW_FRAME_HEADER_BYTES) {
        header = gw_frame_read(gw_buf_data(frame));
    }
    if (bytes != GW_FRAME_HEADER_BYTES + header.body_bytes) {
        gw__misuse(manager, __func__, "the buffer is one frame of gw_session_encode()", bytes);
        return;
    }
    const struct gw_packet *packet = gw__packet_to_send(manager, header.packet_id);
    if (packet != NULL && gw__session_push_part(session, frame, 0, bytes)) {
        gw__packet_count_out(manager, packet, 1);
        gw__packet_notify_encoded(manager, session, frame);
    }
}

/* ---- to all sessions ---- */

struct broadcast {
    const struct gw_packet *packet;
    struct gw_buf *buf; /* NULL: out of memory */
};

static void send_broadcast(struct gw_session *session, void *context)
{
    const struct broadcast *broadcast = context;
    if (!atomic_load(&session->greeted)) {
        return;
    }
    if (broadcast->buf == NULL) {
        gw_session_end(session, GW__CLOSE_REASON__NO_MEMORY);
    } else if (gw__session_push_part(session, broadcast->buf, 0, gw_buf_bytes(broadcast->buf))) {
        gw__packet_count_out(session->manager, broadcast->packet, 1);
    }
}

void gw_session_manager_broadcast(struct gw_session_manager *manager, uint16_t packet_id,
                                  const ProtobufCMessage *message)
{
    const struct gw_packet *packet = gw__packet_to_send(manager, packet_id);
    if (packet == NULL || !gw__packet_is_of(manager, packet, message)) {
        return;
    }
    size_t body_bytes = protobuf_c_message_get_packed_size(message);
    if (!gw__packet_fits(manager, packet, body_bytes)) {
        return;
    }
    const struct gw_frame frame = {.body_bytes = (uint32_t)body_bytes, .packet_id = packet_id};
    const struct gw_session_packet sent = {packet, &frame, message, false};
    struct broadcast broadcast = {packet, pack(&frame, message)};
    gw__packet_notify(manager, NULL, sent);
    if (broadcast.buf != NULL && gw__packet_coalesces(manager, packet)) {
        gw_buf_mark(broadcast.buf, 0, packet->id);
    }
    gw_session_manager_each(manager, send_broadcast, &broadcast);
    gw_buf_unref(broadcast.buf);
}

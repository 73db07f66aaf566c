/* session/send.c: packets become bytes. */
#include "session/send.h"

#include "session/counters.h"
#include "session/end.h"
#include "session/internal.h"

#include "net/error.h"
#include "net/log.h"
#include "net/port.h"

#include <string.h>

enum { COMPLAINT_INTERVAL_MS = 1000 };

bool gw__is_quiet_over(const struct gw_session_manager *manager, _Atomic uint64_t *quiet_until_ns)
{
    uint64_t now_ns = gw_port_now_ns(manager->port);
    uint64_t until_ns = atomic_load(quiet_until_ns);
    return now_ns >= until_ns &&
           atomic_compare_exchange_strong(quiet_until_ns, &until_ns,
                                          now_ns + COMPLAINT_INTERVAL_MS * UINT64_C(1000000));
}

/* One complaint in a while is enough: a program that sends one packet too long sends many. */
bool gw__may_complain(struct gw_session_manager *manager)
{
    return gw__is_quiet_over(manager, &manager->quiet_until_ns);
}

void gw__misuse(struct gw_session_manager *manager, const char *function, const char *rule,
                int64_t value)
{
    if (gw__may_complain(manager)) {
        const struct gw_log_field fields[] = {GW_LOG_TEXT("function", function),
                                              GW_LOG_TEXT("rule", rule),
                                              GW_LOG_NUMBER("value", value)};
        gw_log_write(gw_port_log(manager->port), GW_LOG_ERROR, "misuse", fields,
                     sizeof fields / sizeof fields[0]);
    }
}

void gw__packet_complain(struct gw_session_manager *manager, const struct gw_packet *packet,
                         size_t body_bytes)
{
    if (gw__may_complain(manager)) {
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

void gw__packet_show_encoded(struct gw_session_manager *manager, struct gw_session *session,
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
    gw__packet_show(manager, session, shown);
    protobuf_c_message_free_unpacked(message, NULL);
}

void gw__packet_count_out(struct gw_session_manager *manager, const struct gw_packet *packet,
                          uint32_t receiver_count)
{
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &gw__passed(manager, shard, packet)->out, receiver_count);
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

/* Packs into a buffer of its own, which may make way for a newer one. */
static void queue_apart(struct gw_session *session, const struct gw_packet *packet,
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

/* Finds room in the stream's queue. A session that has none ends. */
static bool reserve(struct gw_session *session, const struct gw_frame *frame,
                    struct gw_stream_reservation *place_out)
{
    int error =
        gw_stream_reserve(session->stream, GW_FRAME_HEADER_BYTES + frame->body_bytes, place_out);
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

const struct gw_packet *gw__session_prepare(struct gw_session *session, struct gw_frame *frame,
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
    gw__packet_show(manager, session, shown);
    return packet;
}

void gw_session_send_frame(struct gw_session *session, const struct gw_frame *frame,
                           const ProtobufCMessage *message)
{
    struct gw_frame sized = *frame;
    const struct gw_packet *packet = gw__session_prepare(session, &sized, message);
    if (packet == NULL) {
        return;
    }
    if (gw__packet_coalesces(session->manager, packet) && frame->tag == 0) {
        queue_apart(session, packet, &sized, message);
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
        gw__misuse(session->manager, __func__, "the packet has a message", frame->packet_id);
        return;
    }
    if (!gw_session_has_ended(session) &&
        gw__packet_fits(session->manager, packet, frame->body_bytes)) {
        const struct gw_session_packet shown = {packet, frame, NULL, false};
        gw__packet_show(session->manager, session, shown);
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
        gw__packet_show_encoded(manager, session, frame);
    }
}

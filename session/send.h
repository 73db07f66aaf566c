/* session/send.h: checks, counters and queueing of sent packets. Private to session. */
#ifndef GW_SESSION_SEND_H
#define GW_SESSION_SEND_H

#include "session/internal.h"
#include <stdbool.h>
#include <stdint.h>

/* Thread of all: any. */
/*
 * Checks that `frame` with `message` may be sent, sets its length, and reports it to on_packet.
 * Returns its packet, or NULL when it may not be sent or the session has ended.
 */
const struct gw_packet *gw__session_check_send(struct gw_session *session, struct gw_frame *frame,
                                               const ProtobufCMessage *message);
/* Encodes a message directly into the stream's queue; `frame` has its length. */
void gw__session_queue(struct gw_session *session, const struct gw_packet *packet,
                       const struct gw_frame *frame, const ProtobufCMessage *message);
/* Queues an encoded body. */
void gw__session_send_packed(struct gw_session *session, const struct gw_packet *packet,
                             const struct gw_frame *frame, const uint8_t *body);
/* Queues bytes [begin, end) of `buf`. Returns false when the session has ended or ends by this. */
bool gw__session_push_part(struct gw_session *session, struct gw_buf *buf, uint32_t begin,
                           uint32_t end);

/* Returns whether `message` is of the type of its packet; logs it otherwise. */
static inline bool gw__packet_is_of(struct gw_session_manager *manager,
                                    const struct gw_packet *packet, const ProtobufCMessage *message)
{
    bool is_of = message->descriptor == packet->message;
    if (!is_of) {
        gw__misuse(manager, "send", "the message is of another type than its packet", packet->id);
    }
    return is_of;
}

/* Returns whether newer packets of this type may replace older ones when the peer is slow. */
bool gw__packet_coalesces(const struct gw_session_manager *manager, const struct gw_packet *packet);

/* Returns whether a body is within the limit of its packet; logs it otherwise. */
void gw__packet_log_too_long(struct gw_session_manager *manager, const struct gw_packet *packet,
                             size_t body_bytes);
static inline bool gw__packet_fits(struct gw_session_manager *manager,
                                   const struct gw_packet *packet, size_t body_bytes)
{
    bool fits = body_bytes <= packet->body_bytes_max;
    if (!fits) {
        gw__packet_log_too_long(manager, packet, body_bytes);
    }
    return fits;
}

/* Counts a packet that was queued for `receiver_count` sessions. */
void gw__packet_count_out(struct gw_session_manager *manager, const struct gw_packet *packet,
                          uint32_t receiver_count);

/*
 * Calls on_packet, unless it is NULL. `session` is NULL for a group, and for a CLOSE without a
 * session.
 */
static inline void gw__packet_notify(struct gw_session_manager *manager, struct gw_session *session,
                                     struct gw_session_packet packet)
{
    if (manager->events->on_packet != NULL) {
        /* A copy, so that without a callback the compiler keeps `packet` in registers. */
        const struct gw_session_packet passed = packet;
        manager->events->on_packet(session, &passed, manager->context);
    }
}
/* The same for an encoded frame, which is decoded only when there is an on_packet. */
void gw__packet_notify_encoded(struct gw_session_manager *manager, struct gw_session *session,
                               struct gw_buf *buf);

#endif

/* session/send.h: Checks, counting and queueing of packets to send. Private to session. */
#ifndef GW_SESSION_SEND_H
#define GW_SESSION_SEND_H

#include "session/internal.h"
#include <stdbool.h>
#include <stdint.h>

/* In send.c. Thread: any. */
/* Whether the time in `quiet_until_ns` is over; then another second of quiet begins. */
bool gw__is_quiet_over(const struct gw_session_manager *manager, _Atomic uint64_t *quiet_until_ns);
/* One complaint of our own in a while: whether this may be it. */
bool gw__may_complain(struct gw_session_manager *manager);
/* Gives a frame its length, and shows it. Returns its packet; NULL when it may not be sent. */
const struct gw_packet *gw__session_prepare(struct gw_session *session, struct gw_frame *frame,
                                            const ProtobufCMessage *message);
/* Packs a message straight into the stream's queue; `frame` has its length. */
void gw__session_queue(struct gw_session *session, const struct gw_packet *packet,
                       const struct gw_frame *frame, const ProtobufCMessage *message);
/* Queues a body that is packed already. */
void gw__session_send_packed(struct gw_session *session, const struct gw_packet *packet,
                             const struct gw_frame *frame, const uint8_t *body);
/* Queues bytes [begin, end) of `buf`, and returns whether it did. A session that cannot take them
 * ends. */
bool gw__session_push_part(struct gw_session *session, struct gw_buf *buf, uint32_t begin,
                           uint32_t end);
/* Whether a message is of the type of its packet. One that is not goes to the log. */
static inline bool gw__packet_is_of(struct gw_session_manager *manager,
                                    const struct gw_packet *packet, const ProtobufCMessage *message)
{
    bool is_of = message->descriptor == packet->message;
    if (!is_of) {
        gw__misuse(manager, "send", "the message is of another type than its packet", packet->id);
    }
    return is_of;
}
/* Whether older ones may make way for newer ones, where a peer is slow. */
bool gw__packet_coalesces(const struct gw_session_manager *manager, const struct gw_packet *packet);
/* Whether a body is not too long for its packet. One that is goes to the log. */
void gw__packet_complain(struct gw_session_manager *manager, const struct gw_packet *packet,
                         size_t body_bytes);
static inline bool gw__packet_fits(struct gw_session_manager *manager,
                                   const struct gw_packet *packet, size_t body_bytes)
{
    bool fits = body_bytes <= packet->body_bytes_max;
    if (!fits) {
        gw__packet_complain(manager, packet, body_bytes);
    }
    return fits;
}
/* Counts a packet that went out to so many. */
void gw__packet_count_out(struct gw_session_manager *manager, const struct gw_packet *packet,
                          uint32_t receiver_count);
/* Calls on_packet, if there is one. `session` is NULL for a group, and for a CLOSE without session.
 */
static inline void gw__packet_show(struct gw_session_manager *manager, struct gw_session *session,
                                   struct gw_session_packet packet)
{
    if (manager->events->on_packet != NULL) {
        const struct gw_session_packet shown = packet; /* without a callback it is in no memory */
        manager->events->on_packet(session, &shown, manager->context);
    }
}
/* The same for a frame that was encoded before. Only on_packet costs the decoding. */
void gw__packet_show_encoded(struct gw_session_manager *manager, struct gw_session *session,
                             struct gw_buf *buf);

#endif

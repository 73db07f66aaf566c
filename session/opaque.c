/* session/opaque.c: packets whose bodies are not messages. */
#include "session/internal.h"

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

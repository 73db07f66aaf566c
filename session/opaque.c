/* session/opaque.c: packets whose bodies are not messages. */
#include "session/internal.h"

#include "net/error.h"

#include <assert.h>
#include <string.h>

/* Copies straight into the stream's queue. */
static int queue(struct gw_session *session, const struct gw_frame *frame, const uint8_t *body)
{
    struct gw_stream_place place;
    int error =
        gw_stream_reserve(session->stream, GW_FRAME_HEADER_BYTES + frame->body_bytes, &place);
    if (error == GW_OK) {
        memcpy(gw_frame_write(place.data, frame), body, frame->body_bytes);
        gw_stream_commit(session->stream, &place);
    }
    return error;
}

void gw_session_send_opaque(struct gw_session *session, const struct gw_frame *frame,
                            const uint8_t *body)
{
    const struct gw_packet *packet = gw__packet_to_send(session->manager, frame->packet_id);
    assert(packet->message == NULL);
    if (gw_session_has_ended(session) ||
        !gw__packet_fits(session->manager, packet, frame->body_bytes)) {
        return;
    }
    int error = queue(session, frame, body);
    if (error != GW_OK) {
        gw__session_end_by_error(session, error);
    } else {
        gw__packet_count_out(session->manager, packet, 1);
    }
}

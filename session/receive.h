/* session/receive.h: Receiving: frames, the first header, stages. Private to session. */
#ifndef GW_SESSION_RECEIVE_H
#define GW_SESSION_RECEIVE_H

#include "session/internal.h"
#include <stdbool.h>
#include <stdint.h>

/* In receive.c: cuts what has come into frames. */
enum gw_recv gw__session_on_recv(struct gw_stream *stream, struct gw_ring *ring, void *context);

/* The frame at the head of the ring is skipped as it arrives. Its client is not idle. Thread: turn.
 */
static inline void gw__session_skip(struct gw_session *session, const struct gw_frame *frame)
{
    session->packet = NULL;
    session->skip_bytes = GW_FRAME_HEADER_BYTES + frame->body_bytes;
    session->played_ms = session->received_ms;
}

/*
 * In greeting.c: judges the first header that a server's peer sends. Returns false when it is not
 * a player's; then the session has ended. Owns: borrows GW_FRAME_HEADER_BYTES bytes. Thread: turn.
 */
bool gw__session_is_player(struct gw_session *session, const uint8_t *header);

/* In visitor.c: who begins with these eight bytes. */
enum gw_foreign_protocol gw__foreign_protocol_of(const uint8_t *bytes);

/* In stage.c. Thread of all: turn. */
/*
 * A frame has come that is not welcome in the session's stage. If it crosses a change of stage, it
 * is refused; otherwise, or when another check fails, the session ends. Returns whether it goes on.
 */
bool gw__stage_admit_crossed(struct gw_session *session, const struct gw_frame *frame,
                             const struct gw_packet_sender *here);
/* The same for session->packet, whose frame was admitted in an earlier call of on_recv. */
void gw__stage_look_again(struct gw_session *session, const struct gw_frame *frame);
/* Leaves the time from `since_ms` to `now_ms`, in which nothing was read, out of GW_CROSSING_MS. */
void gw__stage_leave_out(struct gw_session *session, uint32_t since_ms, uint32_t now_ms);

#endif

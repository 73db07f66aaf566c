/* session/receive.h: admission, stage and handling of received frames. Private to session. */
#ifndef GW_SESSION_RECEIVE_H
#define GW_SESSION_RECEIVE_H

#include "session/internal.h"
#include <stdbool.h>
#include <stdint.h>

/* In receive.c: divides the received bytes into frames and handles them. */
enum gw_recv gw__session_on_recv(struct gw_stream *stream, struct gw_ring *ring, void *context);

/* Discards the frame at the head of the ring as it arrives. Its client is not idle. Thread: turn.
 */
static inline void gw__session_skip(struct gw_session *session, const struct gw_frame *frame)
{
    session->packet = NULL;
    session->skip_bytes = GW_FRAME_HEADER_BYTES + frame->body_bytes;
    session->active_ms = session->received_ms;
}

/*
 * In greeting.c, server side: checks the first header of a connection. Returns false when it is not
 * that of a HELLO; then the session has ended with UNKNOWN_PROTOCOL.
 *
 * Owns      borrows GW_FRAME_HEADER_BYTES bytes
 * Thread    turn
 */
bool gw__hello_header_check(struct gw_session *session, const uint8_t *header);

/* In stage.c. Thread of all: turn. */
/*
 * A received frame is not allowed in the session's stage. When it is allowed in a stage that the
 * server left less than GW_CROSSING_MS ago, it is refused; otherwise, or when another check fails,
 * the session ends. Returns false when the session ends.
 */
bool gw__stage_admit_crossed(struct gw_session *session, const struct gw_frame *frame,
                             const struct gw_packet_sender *here);
/* Checks the stage of session->packet again, which an earlier call of on_recv has admitted. */
void gw__stage_recheck(struct gw_session *session, const struct gw_frame *frame);
/* Excludes the time from `since_ms` to `now_ms`, when nothing was read, from GW_CROSSING_MS. */
void gw__stage_exclude(struct gw_session *session, uint32_t since_ms, uint32_t now_ms);

#endif

/* session/end.h: close reasons, close frames, and the end of a session. Private to session. */
#ifndef GW_SESSION_END_H
#define GW_SESSION_END_H

#include "session/internal.h"
#include <stdbool.h>
#include <stdint.h>

/* Translation into close reasons. Thread: any. */
Gw__CloseReason gw__reason_of_result(enum gw_packet_result result);
Gw__CloseReason gw__reason_of_stream(int reason); /* of on_close: a close reason or a gw_error */
Gw__CloseReason gw__reason_of_peer(int reason);   /* NONE when it is unknown */

/*
 * After the peer's FIN: finishes the stream when all frames before the FIN were handled and no
 * answer is outstanding. Thread: turn.
 */
void gw__session_finish_if_done(struct gw_session *session);
void gw__session_on_recv_end(struct gw_stream *stream, void *context);

/*
 * In explain.c: end a session for an error of its peer. The text of CLOSE describes the error; so
 * does a log line, at most once a second. The first one returns false. Thread: turn.
 */
bool gw__session_end_by_header(struct gw_session *session, const struct gw_frame *frame,
                               enum gw_packet_result result, const struct gw_packet_sender *sender);
void gw__session_end_by_body(struct gw_session *session, const struct gw_packet *packet,
                             enum gw_packet_result result, const uint8_t *body,
                             uint32_t body_bytes);
void gw__session_end_by_time(struct gw_session *session, Gw__CloseReason reason);
void gw__session_end_format(struct gw_session *session, Gw__CloseReason reason, const char *format,
                            ...);

/* Thread of all below: any. */
/* Like gw_session_end(), with `close_frame`, or with the preallocated one when it is NULL. */
void gw__session_end_with(struct gw_session *session, Gw__CloseReason reason,
                          struct gw_buf *close_frame);
/* Ends a session after a send has failed with `error`. */
void gw__session_end_by_error(struct gw_session *session, int error);
/* Finishes a stream with CLOSE, unless it is finished. `session` is NULL when there is none. */
void gw__stream_finish_with_close(struct gw_session_manager *manager, struct gw_session *session,
                                  struct gw_stream *stream, Gw__CloseReason reason,
                                  struct gw_buf *close_frame);
/* Allocates a CLOSE for each reason, so that one can be sent when there is no memory. */
bool gw__close_frames_init(struct gw_session_manager *manager);
void gw__close_frames_fini(struct gw_session_manager *manager);

#endif

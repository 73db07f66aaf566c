/* session/end.h: Close reasons, and the end of a session. Private to session. */
#ifndef GW_SESSION_END_H
#define GW_SESSION_END_H

#include "session/internal.h"
#include <stdbool.h>
#include <stdint.h>

/* In reason.c: what translates into the one list of reasons. Thread: any. */
Gw__CloseReason gw__reason_of_result(enum gw_packet_result result);
Gw__CloseReason gw__reason_of_stream(int reason); /* of on_close: one of ours, or a gw_error */
Gw__CloseReason gw__reason_of_peer(int reason);   /* NONE when it is not in the list */

/*
 * In end.c, after the peer has sent FIN. Finishes the stream once all frames that came before it
 * were handled and no answer is due any more. Thread: turn.
 */
void gw__session_finish_if_done(struct gw_session *session);
void gw__session_on_recv_end(struct gw_stream *stream, void *context);

/*
 * In explain.c: ends a session for what its peer did wrong. CLOSE says it in words, and so does one
 * line of the log in a second. The first one returns false. Thread: turn.
 */
bool gw__session_end_by_header(struct gw_session *session, const struct gw_frame *frame,
                               enum gw_packet_result result, const struct gw_packet_sender *sender);
void gw__session_end_by_body(struct gw_session *session, const struct gw_packet *packet,
                             enum gw_packet_result result, const uint8_t *body,
                             uint32_t body_bytes);
void gw__session_end_by_time(struct gw_session *session, Gw__CloseReason reason);
void gw__session_end_saying(struct gw_session *session, Gw__CloseReason reason, const char *format,
                            ...);

/* In end.c. Thread: any. */
/* As gw_session_end(), with a CLOSE of its own; NULL: with the usual one. */
void gw__session_end_with(struct gw_session *session, Gw__CloseReason reason,
                          struct gw_buf *close_frame);
/* Ends a session to which sending has failed, for that reason. */
void gw__session_end_by_error(struct gw_session *session, int error);
/* Finishes a stream with CLOSE, unless it was finished already. `session` is NULL where there is
 * none. */
void gw__stream_finish_with_close(struct gw_session_manager *manager, struct gw_session *session,
                                  struct gw_stream *stream, Gw__CloseReason reason,
                                  struct gw_buf *close_frame);
/* Makes all that is ever said in CLOSE, so that lack of memory does not keep us from saying so. */
bool gw__close_frames_init(struct gw_session_manager *manager);
void gw__close_frames_fini(struct gw_session_manager *manager);

#endif

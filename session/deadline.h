/* session/deadline.h: the timeouts of a session, with one deadline. Private to session. */
#ifndef GW_SESSION_DEADLINE_H
#define GW_SESSION_DEADLINE_H

#include "session/internal.h"
#include <stdbool.h>
#include <stdint.h>

/* Thread of all: turn. */
uint32_t gw__session_now_ms(const struct gw_session *session);

/* Returns whether the process did not run for a while: on_deadline is over GW_STALL_MS late. */
static inline bool gw__session_stalled(const struct gw_session *session, uint32_t now_ms)
{
    return now_ms - session->due_ms - GW_STALL_MS < UINT32_MAX / 2; /* and not early */
}

/* Sets the deadline of the stream to the earliest timeout of the session. */
void gw__session_update_deadline(struct gw_session *session);

/* The same after a new timeout in `left_ms`; does little when the deadline is earlier. */
void gw__session_shorten_deadline(struct gw_session *session, uint32_t left_ms);

void gw__session_on_deadline(struct gw_stream *stream, void *context);

#endif

/* session/deadline.h: Deadlines of a session. Private to session. */
#ifndef GW_SESSION_DEADLINE_H
#define GW_SESSION_DEADLINE_H

#include "session/internal.h"
#include <stdbool.h>
#include <stdint.h>

/* In deadline.c. Thread of all: turn. */
uint32_t gw__session_now_ms(const struct gw_session *session);
/* Whether the process did not run for a while: on_deadline is more than a second late. */
static inline bool gw__session_overslept(const struct gw_session *session, uint32_t now_ms)
{
    return now_ms - session->due_ms - GW_OVERSLEPT_MS < UINT32_MAX / 2; /* and not before */
}
/* Sees to it that on_deadline comes in time for whatever is due first. */
void gw__session_watch(struct gw_session *session);
/* The same when all that is new is due in `left_ms`: cheap when on_deadline comes before. */
void gw__session_watch_within(struct gw_session *session, uint32_t left_ms);
void gw__session_on_deadline(struct gw_stream *stream, void *context);

#endif

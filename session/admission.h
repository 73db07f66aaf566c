/* session/admission.h: Admission, the count of sessions, draining. Private to session. */
#ifndef GW_SESSION_ADMISSION_H
#define GW_SESSION_ADMISSION_H

#include "session/internal.h"
#include <stdbool.h>
#include <stdint.h>

/* In places.c. Thread: any. */
bool gw__manager_is_draining(struct gw_session_manager *manager);
/*
 * One session more: returns NONE, or why there is no room for it, SHUTDOWN when all is over. One
 * less: the last thing that is done for it.
 */
Gw__CloseReason gw__manager_enter(struct gw_session_manager *manager);
void gw__manager_leave(struct gw_session_manager *manager);
/*
 * Something of a session is on its way through turns, and nobody is told that all is over before it
 * has been released. Returns false when they were told already.
 */
bool gw__manager_ref(struct gw_session_manager *manager);
void gw__manager_unref(struct gw_session_manager *manager);
/* From now on we are draining; afterwards the last one to leave calls gw__manager_drained(). */
void gw__manager_set_draining(struct gw_session_manager *manager);
/* If nobody is left now, calls gw__manager_drained(), unless it has been called. */
void gw__manager_check_drained(struct gw_session_manager *manager);

/* In door.c. */
/* Makes room for the ids of sessions without a HELLO; init() returns whether there is memory. */
bool gw__silent_init(struct gw_session_manager *manager);
void gw__silent_fini(struct gw_session_manager *manager);
/* A connection stands and has sent nothing yet. Thread: turn. */
void gw__silent_add(struct gw_session *session);
/* A HELLO has come. Returns false when the session was displaced, and ends. Thread: turn. */
bool gw__silent_end(struct gw_session *session);

/* In drain.c. */
void gw__drain_init(struct gw_session_manager *manager);
/* Nobody is left. Thread: any, once. */
void gw__manager_drained(struct gw_session_manager *manager);

#endif

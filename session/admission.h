/* session/admission.h: the count of sessions, pending sessions, draining. Private to session. */
#ifndef GW_SESSION_ADMISSION_H
#define GW_SESSION_ADMISSION_H

#include "session/internal.h"
#include <stdbool.h>
#include <stdint.h>

/* Thread of all: any. */
bool gw__manager_is_draining(struct gw_session_manager *manager);
/*
 * enter() counts one session more. Returns NONE; SERVER_FULL at the limit; SHUTDOWN when the
 * manager is drained. leave() counts one less, as the last access to the manager for the session.
 */
Gw__CloseReason gw__manager_enter(struct gw_session_manager *manager);
void gw__manager_leave(struct gw_session_manager *manager);
/*
 * Adds and releases a reference for work that a session has left in other turns: on_drained is not
 * called before it is released. ref() returns false when the manager is drained.
 */
bool gw__manager_ref(struct gw_session_manager *manager);
void gw__manager_unref(struct gw_session_manager *manager);
/* Begins draining: from then on the last leave() or unref() calls gw__manager_drained(). */
void gw__manager_set_draining(struct gw_session_manager *manager);
/* Calls gw__manager_drained() when no session and no reference is left, once. */
void gw__manager_check_drained(struct gw_session_manager *manager);

/*
 * The list of pending sessions: connected, without a HELLO. init() returns false when out of
 * memory.
 */
bool gw__pending_init(struct gw_session_manager *manager);
void gw__pending_fini(struct gw_session_manager *manager);
/* Adds a session whose connection is established. Thread: turn. */
void gw__pending_add(struct gw_session *session);
/* A HELLO was received. Returns false when the session was displaced and ends. Thread: turn. */
bool gw__pending_end(struct gw_session *session);

/* In drain.c. */
void gw__drain_init(struct gw_session_manager *manager);
/* No session is left. Thread: any, once. */
void gw__manager_drained(struct gw_session_manager *manager);

#endif

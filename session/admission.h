/* session/admission.h: the count of sessions, admission of pending ones. Private to session. */
#ifndef GW_SESSION_ADMISSION_H
#define GW_SESSION_ADMISSION_H

#include "session/internal.h"
#include <stdbool.h>
#include <stdint.h>

/* Thread of all: any. */
bool gw__manager_is_draining(struct gw_session_manager *manager);
/* A session has closed: the last access to the manager for it. */
void gw__manager_leave(struct gw_session_manager *manager, bool was_pending);
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

/* Server side, before HELLO. Thread of all: turn. */
/* find() returns the session from now on: ends it if it was displaced before. */
void gw__session_check_displaced(struct gw_session *session);
/*
 * The first bytes of a session have arrived: behind a proxy its peer is known from now on. Returns
 * false when the session was refused with ADDRESS_LIMIT.
 */
bool gw__session_check_address(struct gw_session *session);
/*
 * A HELLO was received: the session counts as one from now on. Returns false when it was displaced
 * or refused with SERVER_FULL.
 */
bool gw__session_enter(struct gw_session *session);
/*
 * The session has closed: releases its entry among the pending ones, and its count of the address.
 * Returns whether it did not count as a session. No effect on the client side.
 */
bool gw__session_leave_pending(struct gw_session *session);

/* In drain.c. */
void gw__drain_init(struct gw_session_manager *manager);
/* No session is left. Thread: any, once. */
void gw__manager_drained(struct gw_session_manager *manager);

#endif

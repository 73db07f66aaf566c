/* session/membership.h: what ties a session to a group. Private to session. */
#ifndef GW_SESSION_MEMBERSHIP_H
#define GW_SESSION_MEMBERSHIP_H

#include "net/timer.h"
#include "net/turn.h"
#include "session/group.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gw_buf;

#define GW_INDEX_NONE UINT32_MAX

/*
 * A membership has two ends: a place in the group's arrays, which the owner's turn may touch, and a
 * link in the session's list, which the session's turn may touch. Either side cuts its own end and
 * sends the other a task, which cuts the other end. Both may do so at once; each end has one
 * reference, which goes along with the task, and whoever lets the second one go frees it all.
 *
 *      owner's turn                        session's turn
 *      add      place it   -- link ---->   put it into the list; or, too late: leave
 *      remove   cut        -- unlink -->   cut, unless it is
 *               cut, unless it is   <-- leave --   cut      the session's last turn
 */
struct gw_membership {
    struct gw_group *group;     /* holds a reference */
    struct gw_session *session; /* holds a reference */
    struct gw_task link;
    struct gw_task unlink;
    struct gw_task leave;
    struct gw_membership *next;  /* in the session's list */
    struct gw_membership **tied; /* what points to it there; NULL: that end is cut */
    uint32_t place;              /* in the group; GW_INDEX_NONE: that end is cut */
    uint32_t sent_bytes;         /* of the batch: so much was sent to it, or is not for it */
    atomic_uint ref_count;
};

/*
 * What a group was told and has not left yet is its batch: one buffer for all members, or several
 * pieces, because only the tail of a buffer can coalesce.
 *
 *      pieces    | 0: frames ... frames of one kind | 1: frames ...  |
 *                ^                  ^               ^                ^
 *                0        sent_bytes of a member    pieces[1].begin  batch_bytes
 */
enum { GW_BATCH_PIECE_COUNT_MAX = 16 };

struct gw_batch_piece {
    struct gw_buf *buf;
    uint32_t begin;     /* where it begins in the batch */
    uint32_t key_begin; /* from here on its bytes are of `kind`, unless that is 0 */
    uint16_t kind;      /* the id of a packet that coalesces */
};

struct gw_group {
    struct gw_session_manager *manager;
    struct gw_turn *owner; /* holds a reference */
    struct gw_group_config config;
    atomic_uint ref_count; /* its creator's, its memberships', that of an end task that waits */

    /* The rest is the owner's turn's alone. */
    gw_session_id *ids; /* beside the members, to look through them quickly */
    struct gw_membership **members;
    uint32_t count;
    uint32_t capacity;

    struct gw_batch_piece pieces[GW_BATCH_PIECE_COUNT_MAX];
    uint32_t piece_count;
    uint32_t batch_bytes;        /* in all pieces */
    uint32_t batch_bytes_before; /* of the last batch */

    struct gw_task end_task;  /* without a tick: the end of the turn, or behind what waits */
    struct gw_timer timer;    /* with one */
    struct gw_task free_task; /* behind the timer's own, which may be on its way */
    uint64_t phase_ns;
    bool awaited;   /* a tick will come */
    bool postponed; /* and waits behind what the owner's turn had no room for */
    bool ticking;   /* on_tick is running */
    bool expected;  /* in on_tick: the next one was asked for */
    bool destroyed;
    bool holds; /* the manager, since it was destroyed */
};

/* In group.c. Thread: any. */
struct gw_group *gw__group_ref(struct gw_group *group);
void gw__group_unref(struct gw_group *group);

/* In membership.c. Thread of all: turn of the owner. */
/* Returns 0 or GW_E_MEMORY. */
int gw__membership_create(struct gw_group *group, struct gw_session *session);
void gw__membership_end(struct gw_membership *membership);
/* Where a session is in the arrays, or GW_INDEX_NONE. */
uint32_t gw__membership_find(const struct gw_group *group, gw_session_id id);

#endif

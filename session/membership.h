/* session/membership.h: the connection of a session with a group. Private to session. */
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
 * A membership has two ends: an entry in the group's arrays, which only the owner's turn may
 * access, and an entry in the session's list, which only the session's turn may access. Either side
 * removes its own entry and posts a task to the other turn, which removes the other entry. Both
 * sides may do so at the same time. Each end has one reference, which is passed on with the task;
 * releasing the second one frees the membership.
 *
 *      owner's turn                              session's turn
 *      add      insert    -- link ---->          insert; or, when the session has ended: leave
 *      remove   remove    -- unlink -->          remove, unless it is done
 *               remove, unless it is done   <-- leave --   remove      the session has ended
 */
struct gw_membership {
    struct gw_group *group;     /* holds a reference */
    struct gw_session *session; /* holds a reference */
    struct gw_task link;
    struct gw_task unlink;
    struct gw_task leave;
    struct gw_membership *next;           /* in the session's list */
    struct gw_membership **previous_next; /* points to this one; NULL: not in the list */
    uint32_t index;                       /* in the group; GW_INDEX_NONE: not in the arrays */
    uint32_t sent_bytes; /* the part of the batch that it has, or that precedes it */
    atomic_uint ref_count;
};

/*
 * The batch is what was broadcast and not sent yet: one buffer for all members, or several pieces,
 * because only the end of a buffer can coalesce.
 *
 *      pieces    | 0: frames ... frames with a key  | 1: frames ...  |
 *                ^                  ^               ^                ^
 *                0        sent_bytes of a member    pieces[1].begin  batch_bytes
 */
enum { GW_BATCH_PIECE_COUNT_MAX = 16 };

struct gw_batch_piece {
    struct gw_buf *buf;
    uint32_t begin;     /* its position in the batch */
    uint32_t key_begin; /* the bytes from here on have `key`, unless that is 0 */
    uint16_t key;       /* the coalescing key: the id of the packet; 0: none */
};

struct gw_group {
    struct gw_session_manager *manager;
    struct gw_turn *owner; /* holds a reference */
    struct gw_group_config config;
    atomic_uint ref_count; /* of its creator, its memberships, and a posted turn_end_task */

    /* Only the owner's turn accesses the members below. */
    gw_session_id *ids; /* beside `members`, for a fast search */
    struct gw_membership **members;
    uint32_t count;
    uint32_t capacity;

    struct gw_batch_piece pieces[GW_BATCH_PIECE_COUNT_MAX];
    uint32_t piece_count;
    uint32_t batch_bytes;      /* in all pieces */
    uint32_t last_batch_bytes; /* of the previous batch */

    struct gw_task turn_end_task; /* without tick_ms: at the end of the turn, or posted */
    struct gw_timer timer;        /* with tick_ms */
    struct gw_task free_task;     /* posted after the timer's task, which may be queued */
    uint64_t phase_ns;
    bool tick_pending;   /* a tick will occur */
    bool tick_postponed; /* it was posted behind the tasks that wait for the owner */
    bool in_on_tick;     /* on_tick is running */
    bool tick_requested; /* in on_tick, for the next one */
    bool destroyed;
    bool manager_referenced; /* since it was destroyed */
};

/* In group.c. Thread: any. */
struct gw_group *gw__group_ref(struct gw_group *group);
void gw__group_unref(struct gw_group *group);

/* In membership.c. Thread of all: turn of the owner. */
/* Returns 0 or GW_E_MEMORY. */
int gw__membership_create(struct gw_group *group, struct gw_session *session);
void gw__membership_end(struct gw_membership *membership);
/* Returns the index of a session in the arrays, or GW_INDEX_NONE. */
uint32_t gw__membership_find(const struct gw_group *group, gw_session_id id);

#endif

/* session/membership.c: what ties a session to a group. */
#include "session/membership.h"

#include "session/admission.h"
#include "session/internal.h"

#include "net/container_of.h"
#include "net/error.h"

#include <assert.h>
#include <stdlib.h>

enum { MEMBER_COUNT_MIN = 8 };

/* Lets go of one or both ends. */
static void let_go(struct gw_membership *membership, unsigned end_count)
{
    if (atomic_fetch_sub(&membership->ref_count, end_count) != end_count) {
        return;
    }
    struct gw_session_manager *manager = membership->group->manager;
    gw_session_unref(membership->session);
    gw__group_unref(membership->group);
    free(membership);
    gw__manager_unref(manager);
}

/* The task may let go of all that keeps the turn, before the post has returned. */
static void post(struct gw_turn *turn, struct gw_task *task)
{
    gw_turn_ref(turn);
    gw_turn_post(turn, task);
    gw_turn_unref(turn);
}

static void tie(struct gw_membership *membership)
{
    struct gw_membership **first = &membership->session->memberships;
    membership->next = *first;
    membership->tied = first;
    if (membership->next != NULL) {
        membership->next->tied = &membership->next;
    }
    *first = membership;
}

static void untie(struct gw_membership *membership)
{
    *membership->tied = membership->next;
    if (membership->next != NULL) {
        membership->next->tied = membership->tied;
    }
    membership->tied = NULL;
}

/* In the session's turn: a member was added. */
static void run_link(struct gw_task *task)
{
    struct gw_membership *membership = GW_CONTAINER_OF(task, struct gw_membership, link);
    if (membership->session->gone) {
        post(membership->group->owner, &membership->leave);
    } else {
        tie(membership);
    }
}

/* In the session's turn: it was removed. */
static void run_unlink(struct gw_task *task)
{
    struct gw_membership *membership = GW_CONTAINER_OF(task, struct gw_membership, unlink);
    bool is_tied = membership->tied != NULL;
    if (is_tied) {
        untie(membership);
    }
    let_go(membership, is_tied ? 2 : 1);
}

void gw__session_leave_groups(struct gw_session *session)
{
    session->gone = true;
    while (session->memberships != NULL) {
        struct gw_membership *membership = session->memberships;
        untie(membership);
        post(membership->group->owner, &membership->leave);
    }
}

/* The last one takes the place of the one that goes. */
static void take_out(struct gw_membership *membership)
{
    struct gw_group *group = membership->group;
    uint32_t last = --group->count;
    group->members[membership->place] = group->members[last];
    group->ids[membership->place] = group->ids[last];
    group->members[membership->place]->place = membership->place;
    membership->place = GW_INDEX_NONE;
}

/* In the owner's turn: the session has ended. */
static void run_leave(struct gw_task *task)
{
    struct gw_membership *membership = GW_CONTAINER_OF(task, struct gw_membership, leave);
    bool is_placed = membership->place != GW_INDEX_NONE;
    if (is_placed) {
        take_out(membership);
    }
    let_go(membership, is_placed ? 2 : 1);
}

void gw__membership_end(struct gw_membership *membership)
{
    take_out(membership);
    post(gw_session_turn(membership->session), &membership->unlink);
}

uint32_t gw__membership_find(const struct gw_group *group, gw_session_id id)
{
    for (uint32_t i = 0; i < group->count; i++) {
        if (group->ids[i] == id) {
            return i;
        }
    }
    return GW_INDEX_NONE;
}

/* Makes room for one more. */
static bool grow(struct gw_group *group)
{
    if (group->count < group->capacity) {
        return true;
    }
    uint32_t capacity = group->capacity != 0 ? group->capacity * 2 : MEMBER_COUNT_MIN;
    gw_session_id *ids = realloc(group->ids, capacity * sizeof(*ids));
    if (ids == NULL) {
        return false;
    }
    group->ids = ids;
    struct gw_membership **members = realloc(group->members, capacity * sizeof(*members));
    if (members == NULL) {
        return false;
    }
    group->members = members;
    group->capacity = capacity;
    return true;
}

static void place(struct gw_membership *membership)
{
    struct gw_group *group = membership->group;
    membership->place = group->count++;
    membership->sent_bytes = group->batch_bytes; /* what was said before is not for it */
    group->members[membership->place] = membership;
    group->ids[membership->place] = gw_session_id_of(membership->session);
}

/* From a session that has ended the answer to `link` is `leave`: nothing else has to be asked. */
int gw__membership_create(struct gw_group *group, struct gw_session *session)
{
    struct gw_membership *membership = calloc(1, sizeof(*membership));
    if (membership == NULL || !grow(group)) {
        free(membership);
        return GW_E_MEMORY;
    }
    if (!gw__manager_ref(group->manager)) {
        free(membership); /* all is over, also for this session */
        return GW_OK;
    }
    membership->group = gw__group_ref(group);
    membership->session = gw_session_ref(session);
    membership->link.run = run_link;
    membership->unlink.run = run_unlink;
    membership->leave.run = run_leave;
    atomic_init(&membership->ref_count, 2);
    place(membership);
    post(gw_session_turn(session), &membership->link);
    return GW_OK;
}

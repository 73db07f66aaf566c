/* session/membership.c: the connection of a session with a group. */
#include "session/membership.h"

#include "session/admission.h"
#include "session/internal.h"

#include "net/container_of.h"
#include "net/error.h"

#include <assert.h>
#include <stdlib.h>

enum { MEMBER_COUNT_MIN = 8 };

/* Releases the references of one or both ends. */
static void release(struct gw_membership *membership, unsigned end_count)
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

/* The task may release the last reference to the turn before gw_turn_post() has returned. */
static void post(struct gw_turn *turn, struct gw_task *task)
{
    gw_turn_ref(turn);
    gw_turn_post(turn, task);
    gw_turn_unref(turn);
}

static void list_add(struct gw_membership *membership)
{
    struct gw_membership **first = &membership->session->memberships;
    membership->next = *first;
    membership->previous_next = first;
    if (membership->next != NULL) {
        membership->next->previous_next = &membership->next;
    }
    *first = membership;
}

static void list_remove(struct gw_membership *membership)
{
    *membership->previous_next = membership->next;
    if (membership->next != NULL) {
        membership->next->previous_next = membership->previous_next;
    }
    membership->previous_next = NULL;
}

/* In the session's turn: the group has added the session. */
static void run_link(struct gw_task *task)
{
    struct gw_membership *membership = GW_CONTAINER_OF(task, struct gw_membership, link);
    if (membership->session->closed) {
        post(membership->group->owner, &membership->leave);
    } else {
        list_add(membership);
    }
}

/* In the session's turn: the group has removed the session. */
static void run_unlink(struct gw_task *task)
{
    struct gw_membership *membership = GW_CONTAINER_OF(task, struct gw_membership, unlink);
    bool is_linked = membership->previous_next != NULL;
    if (is_linked) {
        list_remove(membership);
    }
    release(membership, is_linked ? 2 : 1);
}

void gw__session_leave_groups(struct gw_session *session)
{
    session->closed = true;
    while (session->memberships != NULL) {
        struct gw_membership *membership = session->memberships;
        list_remove(membership);
        post(membership->group->owner, &membership->leave);
    }
}

/* The last member moves to the index of the removed one. */
static void array_remove(struct gw_membership *membership)
{
    struct gw_group *group = membership->group;
    uint32_t last = --group->count;
    group->members[membership->index] = group->members[last];
    group->ids[membership->index] = group->ids[last];
    group->members[membership->index]->index = membership->index;
    membership->index = GW_INDEX_NONE;
}

/* In the owner's turn: the session has ended. */
static void run_leave(struct gw_task *task)
{
    struct gw_membership *membership = GW_CONTAINER_OF(task, struct gw_membership, leave);
    bool is_inserted = membership->index != GW_INDEX_NONE;
    if (is_inserted) {
        array_remove(membership);
    }
    release(membership, is_inserted ? 2 : 1);
}

void gw__membership_end(struct gw_membership *membership)
{
    array_remove(membership);
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

/* Ensures capacity for one more member. */
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

static void insert(struct gw_membership *membership)
{
    struct gw_group *group = membership->group;
    membership->index = group->count++;
    membership->sent_bytes = group->batch_bytes; /* earlier broadcasts are not for it */
    group->members[membership->index] = membership;
    group->ids[membership->index] = gw_session_id_of(membership->session);
}

/* When the session has ended meanwhile, `link` posts `leave`, so no other check is needed. */
int gw__membership_create(struct gw_group *group, struct gw_session *session)
{
    struct gw_membership *membership = calloc(1, sizeof(*membership));
    if (membership == NULL || !grow(group)) {
        free(membership);
        return GW_E_MEMORY;
    }
    if (!gw__manager_ref(group->manager)) {
        free(membership); /* the manager is drained: the session has ended */
        return GW_OK;
    }
    membership->group = gw__group_ref(group);
    membership->session = gw_session_ref(session);
    membership->link.run = run_link;
    membership->unlink.run = run_unlink;
    membership->leave.run = run_leave;
    atomic_init(&membership->ref_count, 2);
    insert(membership);
    post(gw_session_turn(session), &membership->link);
    return GW_OK;
}

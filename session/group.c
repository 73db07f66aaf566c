/* session/group.c: many sessions, told at once. */
#include "session/group.h"

#include "net/container_of.h"
#include "session/internal.h"
#include "session/membership.h"

#include "net/error.h"

#include <assert.h>
#include <stdlib.h>

struct gw_group *gw__group_ref(struct gw_group *group)
{
    atomic_fetch_add_explicit(&group->ref_count, 1, memory_order_relaxed);
    return group;
}

static void end(struct gw_group *group)
{
    struct gw_session_manager *manager = group->manager;
    bool holds = group->holds;
    gw_turn_unref(group->owner);
    free(group->ids);
    free(group->members);
    free(group);
    if (holds) {
        gw__manager_unref(manager);
    }
}

void gw__group_unref(struct gw_group *group)
{
    if (atomic_fetch_sub_explicit(&group->ref_count, 1, memory_order_acq_rel) == 1) {
        end(group);
    }
}

static void run_free(struct gw_task *task)
{
    gw__group_unref(GW_CONTAINER_OF(task, struct gw_group, free_task));
}

struct gw_group *gw_group_create(struct gw_session_manager *manager, struct gw_turn *turn,
                                 const struct gw_group_config *config)
{
    struct gw_group *group = calloc(1, sizeof(*group));
    if (group == NULL) {
        return NULL;
    }
    group->manager = manager;
    group->owner = gw_turn_ref(turn);
    group->config = *config;
    atomic_init(&group->ref_count, 1);
    group->free_task.run = run_free;
    gw__tick_init(group);
    return group;
}

void gw_group_destroy(struct gw_group *group)
{
    assert(gw_turn_check(group->owner, __func__));
    gw_group_flush(group);
    while (group->count > 0) {
        gw__membership_end(group->members[group->count - 1]);
    }
    gw__tick_stop(group);
    group->destroyed = true;
    group->holds = gw__manager_ref(group->manager);
    gw_turn_post(group->owner, &group->free_task);
}

int gw_group_add(struct gw_group *group, struct gw_session *session)
{
    assert(gw_turn_check(group->owner, __func__));
    if (gw_session_manager_of(session) != group->manager) {
        gw__misuse(group->manager, __func__, "a member is of the group's manager", 0);
        return GW_E_SYSTEM;
    }
    if (gw_session_has_ended(session) ||
        gw__membership_find(group, gw_session_id_of(session)) != GW_INDEX_NONE) {
        return GW_OK;
    }
    return gw__membership_create(group, session);
}

void gw_group_remove(struct gw_group *group, gw_session_id id)
{
    assert(gw_turn_check(group->owner, __func__));
    uint32_t place = gw__membership_find(group, id);
    if (place != GW_INDEX_NONE) {
        gw__batch_send(group, group->members[place]);
        gw__membership_end(group->members[place]);
    }
}

uint32_t gw_group_count(const struct gw_group *group)
{
    assert(gw_turn_check(group->owner, __func__));
    return group->count;
}

/* What they have been told so far leaves before they do. */
static void end_all(struct gw_group *group, Gw__CloseReason reason)
{
    gw_group_flush(group);
    for (uint32_t i = 0; i < group->count; i++) {
        gw_session_end(group->members[i]->session, reason);
    }
}

static void add_to_batch(struct gw_group *group, const struct gw_packet *packet,
                         const struct gw_frame *frame, const ProtobufCMessage *message)
{
    uint16_t kind = gw__packet_coalesces(group->manager, packet) ? packet->id : 0;
    uint8_t *place = gw__batch_add(group, GW_FRAME_HEADER_BYTES + frame->body_bytes, kind);
    if (place == NULL) {
        end_all(group, GW__CLOSE_REASON__NO_MEMORY);
        return;
    }
    protobuf_c_message_pack(message, gw_frame_write(place, frame));
    gw__packet_count_out(group->manager, packet, group->count);
    gw__tick_await(group);
}

void gw_group_broadcast(struct gw_group *group, uint16_t packet_id, const ProtobufCMessage *message)
{
    assert(gw_turn_check(group->owner, __func__));
    const struct gw_packet *packet = gw__packet_to_send(group->manager, packet_id);
    if (packet == NULL || group->count == 0 || !gw__packet_is_of(group->manager, packet, message)) {
        return;
    }
    size_t body_bytes = protobuf_c_message_get_packed_size(message);
    if (!gw__packet_fits(group->manager, packet, body_bytes)) {
        return;
    }
    const struct gw_frame frame = {.body_bytes = (uint32_t)body_bytes, .packet_id = packet_id};
    const struct gw_session_packet shown = {packet, &frame, message, false};
    gw__packet_show(group->manager, NULL, shown);
    add_to_batch(group, packet, &frame, message);
}

void gw_group_send(struct gw_group *group, gw_session_id id, uint16_t packet_id,
                   const ProtobufCMessage *message)
{
    assert(gw_turn_check(group->owner, __func__));
    uint32_t place = gw__membership_find(group, id);
    if (place != GW_INDEX_NONE) {
        gw__batch_send(group, group->members[place]);
        gw_session_send(group->members[place]->session, packet_id, message);
    }
}

void gw_group_reply(struct gw_group *group, gw_session_id id, const struct gw_frame *request,
                    uint16_t packet_id, const ProtobufCMessage *message)
{
    assert(gw_turn_check(group->owner, __func__));
    uint32_t place = gw__membership_find(group, id);
    if (place != GW_INDEX_NONE) {
        gw__batch_send(group, group->members[place]);
        gw_session_reply(group->members[place]->session, request, packet_id, message);
    }
}

void gw_group_flush(struct gw_group *group)
{
    assert(gw_turn_check(group->owner, __func__));
    if (group->batch_bytes == 0) {
        return;
    }
    for (uint32_t i = 0; i < group->count; i++) {
        gw__batch_send(group, group->members[i]);
        group->members[i]->sent_bytes = 0;
    }
    gw__batch_drop(group);
}

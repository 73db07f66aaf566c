/* session/group.c: broadcast groups: members, the batch of collected frames, the tick. */
#include "session/group.h"

#include "session/admission.h"
#include "session/internal.h"
#include "session/membership.h"
#include "session/send.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/port.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NANOSECONDS_PER_MS UINT64_C(1000000)

/* ---- the batch: collected frames ---- */

enum { PIECE_BYTES_MIN = 256, BATCH_BYTES_MAX = 64 * 1024 };

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The size is a power of two of at least `bytes`, so that a growing buffer is copied seldom. */
static struct gw_buf *create_buf(uint32_t bytes)
{
    uint32_t size = PIECE_BYTES_MIN;
    while (size < bytes) {
        size *= 2;
    }
    return gw_buf_create(size);
}

static struct gw_batch_piece *last_piece(struct gw_group *group)
{
    return &group->pieces[group->piece_count - 1];
}

static uint32_t end_of_piece(const struct gw_group *group, uint32_t piece)
{
    return piece + 1 < group->piece_count ? group->pieces[piece + 1].begin : group->batch_bytes;
}

static void mark(struct gw_batch_piece *piece)
{
    if (piece->key != 0) {
        gw_buf_mark(piece->buf, piece->key_begin, piece->key);
    }
}

/* Only the end of a buffer can coalesce, because the send queue can truncate it there. */
static bool last_piece_has_room_for_key(struct gw_group *group, uint16_t key)
{
    return group->piece_count > 0 && (last_piece(group)->key == 0 || last_piece(group)->key == key);
}

/* The first piece has the size of the previous batch: successive batches are of similar size. */
static bool begin_piece(struct gw_group *group, uint32_t bytes)
{
    uint32_t bytes_before = group->piece_count == 0 ? group->last_batch_bytes : 0;
    struct gw_buf *buf = create_buf(larger(bytes, bytes_before));
    if (buf != NULL) {
        group->pieces[group->piece_count++] =
            (struct gw_batch_piece){.buf = buf, .begin = group->batch_bytes};
    }
    return buf != NULL;
}

/* The send queues that already share the old buffer keep it. */
static bool grow(struct gw_batch_piece *piece, uint32_t used_bytes, uint32_t bytes)
{
    struct gw_buf *buf = create_buf(used_bytes + bytes);
    if (buf == NULL) {
        return false;
    }
    memcpy(gw_buf_data(buf), gw_buf_data(piece->buf), used_bytes);
    gw_buf_unref(piece->buf);
    piece->buf = buf;
    mark(piece);
    return true;
}

/*
 * Returns where to write one frame of `bytes` at the end of the batch, or NULL when out of memory.
 * Flushes the group first when the batch would exceed 64 KiB or GW_BATCH_PIECE_COUNT_MAX pieces.
 * `key` is the id of a packet that coalesces, or 0.
 */
static uint8_t *batch_add(struct gw_group *group, uint32_t bytes, uint16_t key)
{
    bool fits = group->batch_bytes == 0 || group->batch_bytes + bytes <= BATCH_BYTES_MAX;
    bool fits_key = last_piece_has_room_for_key(group, key);
    if (!fits || (!fits_key && group->piece_count == GW_BATCH_PIECE_COUNT_MAX)) {
        gw_group_flush(group);
        fits_key = false;
    }
    if (!fits_key && !begin_piece(group, bytes)) {
        return NULL;
    }
    struct gw_batch_piece *piece = last_piece(group);
    uint32_t used_bytes = group->batch_bytes - piece->begin;
    if (used_bytes + bytes > gw_buf_bytes(piece->buf) && !grow(piece, used_bytes, bytes)) {
        return NULL;
    }
    if (piece->key != key) {
        piece->key = key;
        piece->key_begin = used_bytes;
        mark(piece);
    }
    group->batch_bytes += bytes;
    return gw_buf_data(piece->buf) + used_bytes;
}

static void batch_send(struct gw_group *group, struct gw_membership *membership)
{
    for (uint32_t i = 0; i < group->piece_count; i++) {
        const struct gw_batch_piece *piece = &group->pieces[i];
        uint32_t begin = larger(membership->sent_bytes, piece->begin);
        uint32_t end = end_of_piece(group, i);
        if (begin < end) {
            gw__session_push_part(membership->session, piece->buf, begin - piece->begin,
                                  end - piece->begin);
        }
    }
    membership->sent_bytes = group->batch_bytes;
}

static void batch_drop(struct gw_group *group)
{
    while (group->piece_count > 0) {
        gw_buf_unref(last_piece(group)->buf);
        group->piece_count--;
    }
    group->last_batch_bytes = group->batch_bytes;
    group->batch_bytes = 0;
}

/* ---- the tick: when the batch is sent ---- */

/* Ticks are at multiples of tick_ms after a random phase, so they do not drift or coincide. */
static uint64_t next_tick_ns(const struct gw_group *group)
{
    uint64_t tick_ns = group->config.tick_ms * NANOSECONDS_PER_MS;
    uint64_t now_ns = gw_turn_now_ns(group->owner);
    return now_ns + tick_ns - (now_ns + tick_ns - group->phase_ns) % tick_ns;
}

static void tick_await(struct gw_group *group)
{
    if (group->tick_pending || group->in_on_tick) {
        return;
    }
    group->tick_pending = true;
    if (group->config.tick_ms == 0) {
        gw__group_ref(group);
        gw_turn_at_end(group->owner, &group->turn_end_task);
    } else {
        gw_timer_set(&group->timer, next_tick_ns(group));
    }
}

/* The caller holds a reference, because on_tick may destroy the group. */
static void tick(struct gw_group *group)
{
    group->tick_pending = false;
    if (group->config.on_tick != NULL) {
        group->in_on_tick = true;
        group->config.on_tick(group, group->config.context);
        group->in_on_tick = false;
    }
    if (group->destroyed) {
        return;
    }
    gw_group_flush(group);
    if (group->tick_requested) {
        group->tick_requested = false;
        tick_await(group);
    }
}

/*
 * The end of a turn in which a message was queued. When tasks are waiting for the owner, the tick
 * is posted behind them, once: a turn runs a limited number of tasks, and when all members of a
 * large room send at the same time, each member still receives the messages in one piece.
 */
static void run_turn_end(struct gw_task *task)
{
    struct gw_group *group = GW_CONTAINER_OF(task, struct gw_group, turn_end_task);
    group->tick_postponed = !group->tick_postponed && gw_turn_has_more(group->owner);
    if (group->tick_postponed) {
        gw_turn_post(group->owner, &group->turn_end_task);
        return;
    }
    if (!group->destroyed) {
        tick(group);
    }
    gw__group_unref(group);
}

static void on_time(struct gw_timer *timer)
{
    struct gw_group *group = GW_CONTAINER_OF(timer, struct gw_group, timer);
    gw__group_ref(group);
    tick(group);
    gw__group_unref(group);
}

void gw_group_request_tick(struct gw_group *group)
{
    assert(gw_turn_check(group->owner, __func__));
    group->tick_requested = group->in_on_tick && group->config.tick_ms != 0;
    tick_await(group);
}

/* ---- the public functions ---- */

struct gw_group *gw__group_ref(struct gw_group *group)
{
    atomic_fetch_add_explicit(&group->ref_count, 1, memory_order_relaxed);
    return group;
}

static void group_free(struct gw_group *group)
{
    struct gw_session_manager *manager = group->manager;
    bool is_referenced = group->manager_referenced;
    gw_turn_unref(group->owner);
    free(group->ids);
    free(group->members);
    free(group);
    if (is_referenced) {
        gw__manager_unref(manager);
    }
}

void gw__group_unref(struct gw_group *group)
{
    if (atomic_fetch_sub_explicit(&group->ref_count, 1, memory_order_acq_rel) == 1) {
        group_free(group);
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
    group->turn_end_task.run = run_turn_end;
    if (config->tick_ms != 0) {
        gw_timer_init(&group->timer, turn, on_time);
        group->phase_ns = gw_port_random(manager->port) % (config->tick_ms * NANOSECONDS_PER_MS);
    }
    return group;
}

void gw_group_destroy(struct gw_group *group)
{
    assert(gw_turn_check(group->owner, __func__));
    gw_group_flush(group);
    while (group->count > 0) {
        gw__membership_end(group->members[group->count - 1]);
    }
    if (group->config.tick_ms != 0) {
        gw_timer_stop(&group->timer);
    }
    group->destroyed = true;
    group->manager_referenced = gw__manager_ref(group->manager);
    gw_turn_post(group->owner, &group->free_task);
}

int gw_group_add(struct gw_group *group, struct gw_session *session)
{
    assert(gw_turn_check(group->owner, __func__));
    if (gw_session_manager_of(session) != group->manager) {
        gw__misuse(group->manager, __func__, "a member belongs to the group's manager", 0);
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
    uint32_t index = gw__membership_find(group, id);
    if (index != GW_INDEX_NONE) {
        batch_send(group, group->members[index]);
        gw__membership_end(group->members[index]);
    }
}

uint32_t gw_group_count(const struct gw_group *group)
{
    assert(gw_turn_check(group->owner, __func__));
    return group->count;
}

/* Sends what was collected, then ends every member except the one with index `except`. */
static void end_all(struct gw_group *group, uint32_t except, Gw__CloseReason reason)
{
    gw_group_flush(group);
    for (uint32_t i = 0; i < group->count; i++) {
        if (i != except) {
            gw_session_end(group->members[i]->session, reason);
        }
    }
}

static void add_to_batch(struct gw_group *group, uint32_t except, const struct gw_packet *packet,
                         const struct gw_frame *frame, const ProtobufCMessage *message)
{
    uint16_t key = gw__packet_coalesces(group->manager, packet) ? packet->id : 0;
    uint8_t *to = batch_add(group, GW_FRAME_HEADER_BYTES + frame->body_bytes, key);
    if (to == NULL) {
        end_all(group, except, GW__CLOSE_REASON__NO_MEMORY);
        return;
    }
    protobuf_c_message_pack(message, gw_frame_write(to, frame));
    gw__packet_count_out(group->manager, packet, group->count - (except != GW_INDEX_NONE ? 1 : 0));
    tick_await(group);
}

/* Queues a message for all members except the one with index `except`. */
static void broadcast(struct gw_group *group, uint32_t except, uint16_t packet_id,
                      const ProtobufCMessage *message)
{
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
    gw__packet_notify(group->manager, NULL, shown);
    add_to_batch(group, except, packet, &frame, message);
}

void gw_group_broadcast(struct gw_group *group, uint16_t packet_id, const ProtobufCMessage *message)
{
    assert(gw_turn_check(group->owner, __func__));
    broadcast(group, GW_INDEX_NONE, packet_id, message);
}

/* The excluded member is sent the batch before the message, and skips the message. */
void gw_group_broadcast_except(struct gw_group *group, gw_session_id id, uint16_t packet_id,
                               const ProtobufCMessage *message)
{
    assert(gw_turn_check(group->owner, __func__));
    uint32_t except = gw__membership_find(group, id);
    if (except == GW_INDEX_NONE) {
        broadcast(group, GW_INDEX_NONE, packet_id, message);
    } else if (group->count > 1) {
        batch_send(group, group->members[except]);
        broadcast(group, except, packet_id, message);
        group->members[except]->sent_bytes = group->batch_bytes;
    }
}

/* Backwards, because array_remove() moves the last member to the index of the removed one. */
void gw_group_each(struct gw_group *group, void (*visit)(struct gw_session *session, void *context),
                   void *context)
{
    assert(gw_turn_check(group->owner, __func__));
    for (uint32_t i = group->count; i > 0; i--) {
        if (i <= group->count) {
            visit(group->members[i - 1]->session, context);
        }
    }
}

void gw_group_send(struct gw_group *group, gw_session_id id, uint16_t packet_id,
                   const ProtobufCMessage *message)
{
    assert(gw_turn_check(group->owner, __func__));
    uint32_t index = gw__membership_find(group, id);
    if (index != GW_INDEX_NONE) {
        batch_send(group, group->members[index]);
        gw_session_send(group->members[index]->session, packet_id, message);
    }
}

void gw_group_reply(struct gw_group *group, gw_session_id id, const struct gw_frame *request,
                    uint16_t packet_id, const ProtobufCMessage *message)
{
    assert(gw_turn_check(group->owner, __func__));
    uint32_t index = gw__membership_find(group, id);
    if (index != GW_INDEX_NONE) {
        batch_send(group, group->members[index]);
        gw_session_reply(group->members[index]->session, request, packet_id, message);
    }
}

void gw_group_flush(struct gw_group *group)
{
    assert(gw_turn_check(group->owner, __func__));
    if (group->batch_bytes == 0) {
        return;
    }
    for (uint32_t i = 0; i < group->count; i++) {
        batch_send(group, group->members[i]);
        group->members[i]->sent_bytes = 0;
    }
    batch_drop(group);
}

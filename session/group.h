/* session/group.h: broadcast groups. */
#ifndef GW_SESSION_GROUP_H
#define GW_SESSION_GROUP_H

#include "session/session.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A group is a set of sessions that receive the same messages: a room, a party, every player in
 * view.
 *
 * A message is encoded once; the send queues of all members share the buffer. Messages are
 * collected and sent together at the group's tick. Without a tick (tick_ms = 0) they are sent at
 * the end of the turn that queued them, or, when tasks are waiting for the owner, after those
 * tasks.
 *
 *      broadcast A   broadcast B   add(bob)   broadcast C   tick
 *      alice receives A B C; bob receives C
 *
 * Before the tick a member receives its part only when a message is sent to it alone
 * (gw_group_send(), gw_group_reply()), when it is excluded from one, or when it is removed. The
 * other members still receive everything at the tick, in one piece. When more than 64 KiB are
 * collected, or when coalescing and other packets alternate more than 16 times, all members are
 * sent what was collected so far.
 *
 * CLOSE does not wait for the tick. Before gw_session_end() of a member that must still receive
 * what was collected, call gw_group_flush().
 *
 * A group belongs to a turn, its owner (usually the room). All functions below run in that turn, so
 * a group has no lock. A session that ends is removed from its groups automatically.
 */
struct gw_group;
struct gw_turn;

struct gw_group_config {
    uint32_t tick_ms; /* interval between sends; 0: at the end of the turn */

    /*
     * Called in a turn of the owner at each tick, before the collected messages are sent. Messages
     * queued here are part of the same tick. Ticks occur only when a message was queued or
     * gw_group_request_tick() was called. May be NULL. It must not block.
     */
    void (*on_tick)(struct gw_group *group, void *context);
    void *context;
};

/*
 * Creates an empty group for sessions of `manager`, owned by `turn`.
 *
 * Returns   the group, or NULL when out of memory
 * Owns      gives the group, destroy it with gw_group_destroy(); copies `config`, borrows
 *           `manager`, holds a reference to `turn`
 * Thread    any
 */
struct gw_group *gw_group_create(struct gw_session_manager *manager, struct gw_turn *turn,
                                 const struct gw_group_config *config);

/*
 * Sends what was collected, removes all members and destroys the group. Its memory is freed in a
 * later turn of the owner.
 *
 * Owns      takes `group`
 * Thread    turn of the owner; also in on_tick
 */
void gw_group_destroy(struct gw_group *group);

/*
 * Adds a session. It receives the messages that are broadcast after this call. Adding a member
 * twice, or a session that has ended, has no effect. A session that ends is removed in a later
 * turn; messages to it are dropped until then.
 *
 * Returns   0, GW_E_MEMORY, or GW_E_SYSTEM when the session belongs to another manager
 * Owns      holds a reference to `session` while it is a member
 * Thread    turn of the owner
 */
int gw_group_add(struct gw_group *group, struct gw_session *session);

/*
 * Sends a member what was broadcast so far and removes it. No effect when `id` is not a member.
 *
 * Thread    turn of the owner
 */
void gw_group_remove(struct gw_group *group, gw_session_id id);

/* Returns the number of members. Thread: turn of the owner. */
uint32_t gw_group_count(const struct gw_group *group);

/*
 * Calls `visit` for each member, in no particular order. `visit` runs in the turn of the owner, not
 * of the session, so it may call only the functions for a session that are marked any. It may
 * remove the member that it visits, add members, which are not visited, or destroy the group, which
 * ends the visits. It must not block.
 *
 * Owns      `visit` borrows the session
 * Thread    turn of the owner
 */
void gw_group_each(struct gw_group *group, void (*visit)(struct gw_session *session, void *context),
                   void *context);

/*
 * Queues a message for all members.
 *
 * When there is no memory for the message, every member that misses it is closed with NO_MEMORY: no
 * member ever sees a gap.
 *
 * Owns      borrows `message`
 * Thread    turn of the owner
 */
void gw_group_broadcast(struct gw_group *group, uint16_t packet_id,
                        const ProtobufCMessage *message);

/*
 * Like gw_group_broadcast(), for all members except `id`: the sender of a chat line, for example.
 * When `id` is not a member, all members receive the message. The excluded member is sent what was
 * collected before this call, now; it stays a member and is not closed when there is no memory.
 *
 * Owns      borrows `message`
 * Thread    turn of the owner
 */
void gw_group_broadcast_except(struct gw_group *group, gw_session_id id, uint16_t packet_id,
                               const ProtobufCMessage *message);

/*
 * Sends a message to one member, after everything broadcast so far. Other members are not flushed.
 * No effect when `id` is not a member.
 *
 * Owns      borrows `message`
 * Thread    turn of the owner
 */
void gw_group_send(struct gw_group *group, gw_session_id id, uint16_t packet_id,
                   const ProtobufCMessage *message);

/*
 * Sends an answer to a request of one member, in the same order as gw_group_send(); see
 * gw_session_reply().
 *
 * Owns      borrows `request` and `message`
 * Thread    turn of the owner
 */
void gw_group_reply(struct gw_group *group, gw_session_id id, const struct gw_frame *request,
                    uint16_t packet_id, const ProtobufCMessage *message);

/*
 * Requests a tick, also when no message is queued. With tick_ms = 0 the tick occurs at the end of
 * this turn, and a call in on_tick has no effect.
 *
 * Thread    turn of the owner
 */
void gw_group_request_tick(struct gw_group *group);

/* Sends all members what was collected, now, without a tick. Thread: turn of the owner. */
void gw_group_flush(struct gw_group *group);

#ifdef __cplusplus
}
#endif

#endif

/* session/group.h: many sessions, told at once. */
#ifndef GW_SESSION_GROUP_H
#define GW_SESSION_GROUP_H

#include "session/session.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A group is a set of sessions that hear the same things: a room, a party, everybody in sight.
 * What is said is encoded once, and every member's queue shares the one buffer. With a tick, all
 * that was said since the last one leaves together; without, at the end of the turn, or behind what
 * waits for the next one then.
 *
 *      say  say  add(B)  say  ...  tick        A hears all four, B the last; both in this order
 *
 * Before the tick a member is sent its part only when something is sent to it alone
 * (gw_group_send(), gw_group_reply()) or when it is removed; the rest follows at the tick. The
 * other members still get all of it at the tick, in one piece. More than 64 KiB, or a packet that
 * coalesces followed by one that does not, 16 times, do not wait: then all members are sent what
 * was said so far.
 *
 * A group has no lock: it belongs to the turn of what it is part of, its owner. A member that ends
 * leaves it by itself.
 */
struct gw_group;
struct gw_turn;

struct gw_group_config {
    /* 0: the end of a turn in which something was said is the tick; when tasks wait for the owner
     * by then, it comes behind those. */
    uint32_t tick_ms;

    /*
     * Called at each tick, in a turn of the owner, before what was said leaves: what it says leaves
     * too. Ticks come only when something was said, or gw_group_request_tick() asked. May be NULL.
     * It must not block.
     */
    void (*on_tick)(struct gw_group *group, void *context);
    void *context;
};

/*
 * Makes an empty group of sessions of `manager`, owned by `turn`.
 *
 * Returns   the group, or NULL when there is no memory for it.
 * Owns      gives the group; end it with gw_group_destroy(). Holds a reference to `turn`. Copies
 *           `config`; borrows `manager`.
 * Thread    any.
 */
struct gw_group *gw_group_create(struct gw_session_manager *manager, struct gw_turn *turn,
                                 const struct gw_group_config *config);

/*
 * Lets all members go; what was said and has not left is sent. Its memory goes in a later turn of
 * the owner.
 *
 * Thread    turn of the owner; also in on_tick.
 */
void gw_group_destroy(struct gw_group *group);

/*
 * Adds and removes a member. A member hears exactly what was said between the two. A session that
 * ends is removed in a later turn; until then what is said to it is dropped.
 *
 * Returns   0, GW_E_MEMORY, or GW_E_SYSTEM for a session of another manager; adding a session that
 *           is a member already, or has ended, is 0 too.
 * Owns      holds a reference to `session` while it is a member.
 * Thread    turn of the owner.
 */
int gw_group_add(struct gw_group *group, struct gw_session *session);
void gw_group_remove(struct gw_group *group, gw_session_id id);

/* How many members there are. Thread: turn of the owner. */
uint32_t gw_group_count(const struct gw_group *group);

/*
 * Tells all members. What cannot be told for want of memory is not told: the members that missed it
 * end with NO_MEMORY, so that nobody goes on with a hole.
 *
 * Owns      borrows `message`.
 * Thread    turn of the owner.
 */
void gw_group_broadcast(struct gw_group *group, uint16_t packet_id,
                        const ProtobufCMessage *message);

/*
 * Sends a packet to one member, behind all that the group was told so far, which that member is
 * sent now, and no other. Does nothing when `id` is not a member. Owns, Thread: as above.
 */
void gw_group_send(struct gw_group *group, gw_session_id id, uint16_t packet_id,
                   const ProtobufCMessage *message);

/*
 * As gw_group_send(), in answer to a request of that member; see gw_session_reply().
 */
void gw_group_reply(struct gw_group *group, gw_session_id id, const struct gw_frame *request,
                    uint16_t packet_id, const ProtobufCMessage *message);

/*
 * Sees to it that the next tick comes although nothing was said. With tick_ms 0 that is the end of
 * this turn, and inside on_tick there is no next one.
 *
 * Thread    turn of the owner.
 */
void gw_group_request_tick(struct gw_group *group);

/* Sends all members what was said, now, without a tick. Thread: turn of the owner. */
void gw_group_flush(struct gw_group *group);

#ifdef __cplusplus
}
#endif

#endif

/* tools/dummy-client/room.h: the true state of a room, written by the clients that change it. */
#ifndef GW_DUMMY_ROOM_H
#define GW_DUMMY_ROOM_H

#include "tools/dummy-client/position.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * All clients of a room are in this process, so what each should receive is known: senders record
 * here what they send, and ledgers compare what they received with it. Each number has one writer
 * or is only added to; any thread may read. Thread: any, but for init and fini.
 */
struct dummy_member {
    atomic_uint_least64_t player;   /* its session id on the server; 0 until it is greeted */
    atomic_uint_least64_t position; /* the last it moved to */
    atomic_bool here;               /* in the room, and not lost before the end */
};

struct dummy_room {
    uint32_t client_first; /* member 0 is this client, member 1 the next */
    uint32_t member_count;
    struct dummy_member *members;
    atomic_uint_least64_t line_base;      /* the room's last line before the first client entered */
    atomic_uint_least64_t lines_sent;     /* by all members together */
    atomic_uint_least64_t lines_doubtful; /* sent by members that were lost before receiving them */
    atomic_uint_least64_t line_last;      /* the latest that a remaining member has received */
    atomic_bool has_outsiders;            /* other processes have clients here: how many lines they
                                             send is not known */
};

/* Returns 0, or GW_E_MEMORY. Thread: setup. */
int dummy_room_init(struct dummy_room *room, uint32_t client_first, uint32_t member_count);

/* Releases a room; a zeroed one too. Thread: setup. */
void dummy_room_fini(struct dummy_room *room);

/* A member has entered, after the room's line `line`, at `position`. */
void dummy_room_enter(struct dummy_room *room, uint32_t member, uint64_t line,
                      dummy_position position);

/* A member is about to send a line, or to move. */
void dummy_room_say(struct dummy_room *room);
void dummy_room_move(struct dummy_room *room, uint32_t member, dummy_position position);

/* A member is lost before the end. `lines_doubtful` lines of its may never reach the others. */
void dummy_room_lose(struct dummy_room *room, uint32_t member, uint64_t lines_doubtful);

/* A member that remains has received everything up to `line`. */
void dummy_room_received(struct dummy_room *room, uint64_t line);

/* The smallest and the largest number that the last line can have. */
uint64_t dummy_room_line_least(const struct dummy_room *room);
uint64_t dummy_room_line_most(const struct dummy_room *room);

#endif

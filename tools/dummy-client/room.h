/* tools/dummy-client/room.h: what is true of a room, told by those who did it. */
#ifndef GW_DUMMY_ROOM_H
#define GW_DUMMY_ROOM_H

#include "tools/dummy-client/place.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * All clients of a room live in this process, so what each of them should hear is known: senders
 * write down here what they did, and ledgers compare what was heard with it. Each number has one
 * writer or is only added to; anybody may read. Thread: any, but for init and fini.
 */
struct dummy_member {
    atomic_uint_least64_t player; /* the server's name for it; 0 until it is greeted */
    atomic_uint_least64_t place;  /* where it last went */
    atomic_bool here;             /* in the room, and not gone before the end */
};

struct dummy_room {
    uint32_t client_first; /* member 0 is this client, member 1 the next */
    uint32_t member_count;
    struct dummy_member *members;
    atomic_uint_least64_t line_base;      /* the room's last line before any of us came */
    atomic_uint_least64_t lines_sent;     /* by all members together */
    atomic_uint_least64_t lines_doubtful; /* sent by who was gone before hearing them */
    atomic_uint_least64_t line_last;      /* the latest that anybody who stayed has received */
    atomic_bool has_outsiders;            /* others are here: how much they say is not known */
};

/* Returns 0, or GW_E_MEMORY. Thread: setup. */
int dummy_room_init(struct dummy_room *room, uint32_t client_first, uint32_t member_count);

/* A zeroed one may be finished. Thread: setup. */
void dummy_room_fini(struct dummy_room *room);

/* A member is in: the room's last line was `line` then, and the server has put it at `place`. */
void dummy_room_enter(struct dummy_room *room, uint32_t member, uint64_t line, dummy_place place);

/* A member is about to say a line, or to go somewhere. */
void dummy_room_say(struct dummy_room *room);
void dummy_room_move(struct dummy_room *room, uint32_t member, dummy_place place);

/* A member is gone before the end, and may have said `lines_doubtful` that nobody will hear. */
void dummy_room_lose(struct dummy_room *room, uint32_t member, uint64_t lines_doubtful);

/* A member that stayed has heard everything up to `line`. */
void dummy_room_received(struct dummy_room *room, uint64_t line);

/* The last line there must be, and the last there can be. */
uint64_t dummy_room_line_least(const struct dummy_room *room);
uint64_t dummy_room_line_most(const struct dummy_room *room);

#endif

/* server/room_inside.h: what a room is made of; for room.c and room_command.c alone. */
#ifndef GW_SERVER_ROOM_INSIDE_H
#define GW_SERVER_ROOM_INSIDE_H

#include "net/turn.h"
#include "server/player.h"
#include "server/roster.h"

struct gw_group;

/* All of it belongs to the room's turn, but for its name and its game, which do not change. */
struct room {
    struct gw_turn turn; /* the first, so that a pointer to it is one to the room */
    struct gw_task closing;
    struct game *game;
    struct gw_group *group;
    struct roster roster;
    uint32_t place_count; /* of the members, and of who was let in and has not arrived yet */
    uint64_t line;        /* of the last chat line; they count from 1 */
    char name[PLAYER_ROOM_NAME_BYTES_MAX + 1];
};

/* Makes a member of the player, which has a place. Thread: turn of the room. */
void room_admit(struct room *room, struct player *player);

#endif

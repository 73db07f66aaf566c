/* server/game/room.h: A room: its members, its chat, and their positions. */
#ifndef GW_SERVER_GAME_ROOM_H
#define GW_SERVER_GAME_ROOM_H

#include <stdint.h>

struct game;
struct player;
struct room;

/*
 * A room has turns of its own: its commands are handled in one order, all members receive the
 * results in that order, and rooms run in parallel on the workers. Commands of players are posted
 * to the room; what it broadcasts is sent at its tick.
 *
 *      room_post_chat() ...   post tasks to the room's turn
 *      tick                   sends all Joined, Gone and ChatLine, and one Snapshot of moves
 *
 * The lobby closes a room that has no players. So a player that is in a room may post to it without
 * a reference.
 */

/*
 * Creates an empty room.
 *
 * Returns   the room, or NULL when out of memory.
 * Owns      gives the room; end it with room_close(). Copies `name`. Holds the game until freed.
 * Thread    any.
 */
struct room *room_create(struct game *game, const char *name);

/* Returns its name. Thread: any, while the room is open. */
const char *room_name(const struct room *room);

/* Closes the room, which has no members, in a later turn of it. Thread: turn of the lobby. */
void room_close(struct room *room);

/*
 * Adds the player: members receive Joined, the player receives Entered, then what is broadcast. If
 * the room is full, refuses with ROOM_FULL, without memory with SERVER_BUSY, through the lobby.
 *
 * Owns      has the player's task until player_complete().
 * Thread    turn of the lobby.
 */
void room_post_enter(struct room *room, struct player *player);

/*
 * Removes the player: it receives Left after everything broadcast so far, members receive Gone. The
 * transition completes through the lobby.
 *
 * Owns      has the player's task until player_complete().
 * Thread    turn of the player's session.
 */
void room_post_leave(struct room *room, struct player *player);

/*
 * Commands of a player, for the room it is in. A session with PLAYER_COMMAND_COUNT_MAX unhandled
 * commands is paused until the room has handled them. When out of memory, the session ends with
 * NO_MEMORY.
 *
 * Thread    turn of the player's session.
 */
void room_post_chat(struct player *player, const char *text);
void room_post_move(struct player *player, int32_t x, int32_t y);
void room_post_who(struct player *player, uint16_t tag);

/* The player has lost a Snapshot: it receives the positions of all members. Thread: as above. */
void room_post_catch_up(struct player *player);

#endif

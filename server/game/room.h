/* server/game/room.h: players who hear and see each other. */
#ifndef GW_SERVER_GAME_ROOM_H
#define GW_SERVER_GAME_ROOM_H

#include <stdint.h>

struct game;
struct player;
struct room;

/*
 * A room is an object with turns, so that what happens in it happens in one order, the same for
 * everybody inside, and rooms run side by side on the workers. Nobody reaches into it: what a
 * player wants of it is posted, and what it has to say leaves at its tick.
 *
 *      post_chat  post_move  post_leave ...      each a task of the room's turn
 *                                       | tick   Snapshot of who moved; all lines, comings, goings
 *
 * It lives as long as the lobby wants: the lobby counts who was sent here, and closes a room that
 * has nobody. So a player that is in a room may post to it without a reference of its own.
 */

/*
 * Makes an empty room, and holds the game until it is gone.
 *
 * Returns   the room, or NULL when there is no memory for it.
 * Owns      gives the room; end it with room_close(). Copies `name`.
 * Thread    any.
 */
struct room *room_create(struct game *game, const char *name);

/* Its name. Thread: any, for who keeps it open. */
const char *room_name(const struct room *room);

/* Ends the room, in a turn of its own. Nobody may be in it. Thread: turn of the lobby. */
void room_close(struct room *room);

/*
 * Keeps a place for the player and sends it home, or, when there are too many, sends it home
 * through the lobby, which counts it out.
 *
 * Owns      has the player until it is home.
 * Thread    turn of the lobby.
 */
void room_post_enter(struct room *room, struct player *player);

/*
 * Lets the player go, with Left as the last it hears of the room, and sends it home through the
 * lobby.
 *
 * Owns      has the player until it is home.
 * Thread    turn of the player's session.
 */
void room_post_leave(struct room *room, struct player *player);

/*
 * What a player says and does, for the room it is in. The session of a player with too much on its
 * way is paused until the room has handled that. Without memory the session ends with NO_MEMORY.
 *
 * Thread    turn of the player's session.
 */
void room_post_chat(struct player *player, const char *text);
void room_post_move(struct player *player, int32_t x, int32_t y);
void room_post_who(struct player *player, uint16_t tag);

/* It has missed some Snapshots: it is told where everybody is now. Thread: as above. */
void room_post_catch_up(struct player *player);

#endif

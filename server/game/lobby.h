/* server/game/lobby.h: the directory of rooms. */
#ifndef GW_SERVER_GAME_LOBBY_H
#define GW_SERVER_GAME_LOBBY_H

struct game;
struct lobby;
struct player;

/*
 * The lobby is an object with turns: it alone makes rooms and lets them go. For each room it counts
 * the players that it has sent there and that have not come back through it, so it knows that a
 * room with none of them has nobody inside and nobody on the way, and can be closed; whoever wants
 * to enter next gets a new one.
 */
struct lobby *lobby_create(struct game *game);

/* Owns: takes `lobby`, which may be NULL. All players must be gone. Thread: setup. */
void lobby_destroy(struct lobby *lobby);

/*
 * Sends the player to the room it wants, making the room when there is none of that name, or home
 * with SERVER_BUSY when there are too many.
 *
 * Owns      has the player until it is home.
 * Thread    turn of its session.
 */
void lobby_post_enter(struct lobby *lobby, struct player *player);

/*
 * The player is no longer in its room, or was not let in: counts it out and sends it home.
 *
 * Owns      has the player until it is home.
 * Thread    turn of its room.
 */
void lobby_post_release(struct lobby *lobby, struct player *player);

#endif

/* server/game/lobby.h: The directory of rooms. */
#ifndef GW_SERVER_GAME_LOBBY_H
#define GW_SERVER_GAME_LOBBY_H

struct game;
struct lobby;
struct player;

/*
 * The lobby has turns of its own. Only the lobby creates and closes rooms. For each room it counts
 * the players inside, on the way in and on the way out. At 0 it closes the room; the next Enter
 * creates a new one of that name.
 *
 * Returns   the lobby, or NULL when out of memory.
 * Owns      gives the lobby; destroy it with lobby_destroy(). Borrows `game`.
 * Thread    setup.
 */
struct lobby *lobby_create(struct game *game);

/* Owns: takes `lobby`, which may be NULL. No player may exist. Thread: setup. */
void lobby_destroy(struct lobby *lobby);

/*
 * Posts the player to the room of its room_name, which is created if it does not exist. Refuses an
 * invalid name with BAD_ROOM_NAME. If there are too many rooms, or memory is exhausted, refuses
 * with SERVER_BUSY.
 *
 * Owns      has the player's task until player_complete().
 * Thread    turn of its session.
 */
void lobby_post_enter(struct lobby *lobby, struct player *player);

/*
 * The player has left its room, or the room has refused it: decrements the room's count, and
 * completes the transition.
 *
 * Owns      has the player's task until player_complete().
 * Thread    turn of its room.
 */
void lobby_post_release(struct lobby *lobby, struct player *player);

#endif

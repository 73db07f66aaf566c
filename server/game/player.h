/* server/game/player.h: what the game ties to a session. */
#ifndef GW_SERVER_GAME_PLAYER_H
#define GW_SERVER_GAME_PLAYER_H

#include "net/port.h"
#include "proto/game/game.pb-c.h"
#include "session/session.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct game;
struct room;

enum {
    PLAYER_NAME_BYTES_MAX = 32,
    PLAYER_ROOM_NAME_BYTES_MAX = 32,
    PLAYER_COMMAND_COUNT_MAX = 256, /* on its way to a room; then the session is paused */
};

/*
 * A player lives in the turn of its session. To enter a room, and to leave it, it travels through
 * the turns of the lobby and the room as a task, and comes home:
 *
 *                 on_enter                                                       on_leave, on_end
 *      IN_LOBBY --------------> ENTERING ----------------> IN_ROOM --------------------+
 *         ^                        |  refused                                          |
 *         |                        v                                                   v
 *         +--------- home <----- lobby <--------------------- room <-------------- LEAVING
 *
 * There is one task, so there is one journey at a time: a player that ends on its way is freed when
 * it comes home, and one that wants to be in another room before it has left this one sets out when
 * it is home. A turn that a journey leads through is the only one to touch what is marked so.
 */
enum player_place { PLAYER_IN_LOBBY, PLAYER_ENTERING, PLAYER_IN_ROOM, PLAYER_LEAVING };

struct player {
    struct gw_task task; /* the first, so that the task of a journey is its player */
    struct game *game;
    struct gw_session *session; /* borrowed; a reference goes along on a journey */
    gw_session_id id;
    uint64_t begun_ns;
    struct room *room;         /* journey: counted by the lobby, from there until back there */
    atomic_uint command_count; /* on its way to the room, see room.c */
    uint8_t place;             /* enum player_place */
    uint8_t enter_result;      /* journey: enum Game__EnterResult */
    uint16_t enter_tag;        /* of the Enter that this journey answers */
    uint16_t next_tag;         /* of the one that next_room_name answers */
    bool has_ended;
    bool is_paused;          /* its session, by room.c */
    struct gw_task resuming; /* of that */
    char *room_name;         /* journey: where to, while it is entering */
    char *next_room_name;    /* where to, once it has left; or NULL */
    char name[PLAYER_NAME_BYTES_MAX + 1];
};

/*
 * Makes the player of a session that begins, and holds the game until the player is gone.
 *
 * Returns   the player, or NULL when there is no memory for it.
 * Owns      gives the player; end it with player_end().
 * Thread    turn of the session, as all below but player_go_home().
 */
struct player *player_create(struct game *game, struct gw_session *session);

/* The session has ended: the player leaves its room, if it is in one, and goes. */
void player_end(struct player *player);

/* Returns whether the name is one: 1 to 32 bytes of UTF-8. */
bool player_set_name(struct player *player, const char *name);

/* Since its session began. */
uint64_t player_age_ms(const struct player *player);

/*
 * Answered with Entered, sooner or later, under the tag of the Enter. SERVER_BUSY to who is
 * entering another room already.
 */
void player_enter(struct player *player, uint16_t tag, const char *room_name);

/* Answered with Left. The player is in the room. */
void player_leave(struct player *player);

/* It has been slow to read, and has missed where others went. */
void player_catch_up(struct player *player);

/* Ends a journey. Thread: the turn that has the player. */
void player_go_home(struct player *player);

#endif

/* server/game/player.h: The player of a session: its name, its room, its transitions. */
#ifndef GW_SERVER_GAME_PLAYER_H
#define GW_SERVER_GAME_PLAYER_H

#include "net/turn.h"
#include "proto/game/game.pb-c.h"
#include "server/game/name.h"
#include "session/session.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct game;
struct room;

enum {
    PLAYER_COMMAND_COUNT_MAX = 256, /* queued for a room; at this number the session is paused */
};

/*
 * A player belongs to the turn of its session. To enter a room or to leave it, the player's task
 * passes through the turns of the lobby and of the room, and back:
 *
 *      Enter   session -> lobby     finds or creates the room
 *              lobby   -> room      adds a member, sends Entered
 *              room    -> session   sets the stage, resumes reading
 *
 *      Leave   session -> room      removes the member, sends Left
 *              room    -> lobby     closes an empty room
 *              lobby   -> session   sets the stage, resumes reading
 *
 * The lobby or the room may refuse an Enter: then the task returns to the session at once, from the
 * room by the lobby.
 *
 * There is one task, so there is one transition at a time. While it is under way, the session reads
 * no packets. The transition ends in the session's turn, which sets the stage of the session and
 * resumes reading: packets that a client sent behind Enter or Leave are checked against the new
 * stage. A player whose session ends during a transition is freed when the transition is complete.
 *
 * The turn that has the task is the only one to access the members that are marked "transition".
 */
enum player_state { PLAYER_IN_LOBBY, PLAYER_ENTERING, PLAYER_IN_ROOM, PLAYER_LEAVING };

struct player {
    struct gw_task task; /* of a transition; the first member, so that the task is its player */
    struct game *game;
    struct gw_session *session; /* borrowed; a transition holds a reference */
    gw_session_id id;
    uint64_t account; /* see login.h; 0: none */
    uint64_t begun_ns;
    struct room *room;         /* transition; counted by the lobby until the player has left */
    char *room_name;           /* transition: the room to enter */
    atomic_uint command_count; /* queued for the room, see room.c */
    struct gw_task inbox_task; /* see room.c: the room has handled the queued commands */
    uint16_t enter_tag;        /* transition: of the Enter that is answered */
    uint8_t enter_result;      /* transition: enum Game__EnterResult */
    uint8_t state;             /* enum player_state */
    bool is_inbox_full;        /* PLAYER_COMMAND_COUNT_MAX commands are queued */
    bool is_paused;            /* the session does not read packets */
    bool is_greeted;
    bool has_ended;
    char name[NAME_BYTES_MAX + 1];
};

/*
 * Creates the player of a session that begins.
 *
 * Returns   the player, or NULL when out of memory.
 * Owns      gives the player; end it with player_end(). Holds the game until the player is freed.
 * Thread    turn of the session, as for all functions below but player_complete().
 */
struct player *player_create(struct game *game, struct gw_session *session);

/* The session has ended. Leaves the room, if the player is in one, and frees the player. */
void player_end(struct player *player);

/* Sets the name, if name.h allows it. Returns whether it does. */
bool player_set_name(struct player *player, const char *name);

/* Returns the milliseconds since the session began. */
uint64_t player_age_ms(const struct player *player);

/*
 * Enters a room. The client receives Entered with the tag of its Enter. The player is in the lobby.
 * Ends the session with NO_MEMORY when out of memory.
 */
void player_enter(struct player *player, uint16_t tag, const char *room_name);

/* Leaves the room. The client receives Left. The player is in a room. */
void player_leave(struct player *player);

/* The session has lost a Snapshot. If the player is in a room, the client receives all positions.
 */
void player_catch_up(struct player *player);

/* Pauses or resumes reading: no packet is read during a transition or while the inbox is full. */
void player_update_reading(struct player *player);

/* Returns the player to the turn of its session. Thread: the turn that has the player's task. */
void player_complete(struct player *player);

#endif

/* server/game/player.c: Transitions of a player between the lobby and a room. */
#include "server/game/player.h"

#include "net/port.h"
#include "proto/game/game.gen.h"
#include "protocol/frame.h"
#include "server/game/game.h"
#include "server/game/lobby.h"
#include "server/game/room.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct player *player_create(struct game *game, struct gw_session *session)
{
    struct player *player = calloc(1, sizeof *player);
    if (player != NULL) {
        player->game = game;
        player->session = session;
        player->id = gw_session_id_of(session);
        player->begun_ns = gw_port_now_ns(game->port);
        game_hold(game);
    }
    return player;
}

static void destroy(struct player *player)
{
    struct game *game = player->game;
    free(player);
    game_release(game);
}

bool player_set_name(struct player *player, const char *name)
{
    bool is_name = name_is_valid(name);
    if (is_name) {
        strcpy(player->name, name);
    }
    return is_name;
}

uint64_t player_age_ms(const struct player *player)
{
    return (gw_port_now_ns(player->game->port) - player->begun_ns) / 1000000;
}

void player_update_reading(struct player *player)
{
    bool is_moving = player->state == PLAYER_ENTERING || player->state == PLAYER_LEAVING;
    bool is_paused = is_moving || player->is_inbox_full;
    if (player->has_ended || player->is_paused == is_paused) {
        return;
    }
    player->is_paused = is_paused;
    if (is_paused) {
        gw_session_pause(player->session);
    } else {
        gw_session_resume(player->session);
    }
}

static void begin_transition(struct player *player, enum player_state state)
{
    player->state = (uint8_t)state;
    gw_session_ref(player->session); /* until on_complete() */
    player_update_reading(player);
}

void player_enter(struct player *player, uint16_t tag, const char *room_name)
{
    assert(player->state == PLAYER_IN_LOBBY);
    /* Allocated, because most players are not entering a room. */
    player->room_name = malloc(strlen(room_name) + 1);
    if (player->room_name == NULL) {
        gw_session_end(player->session, GW__CLOSE_REASON__NO_MEMORY);
        return;
    }
    strcpy(player->room_name, room_name);
    player->enter_tag = tag;
    begin_transition(player, PLAYER_ENTERING);
    lobby_post_enter(player->game->lobby, player);
}

void player_leave(struct player *player)
{
    assert(player->state == PLAYER_IN_ROOM);
    begin_transition(player, PLAYER_LEAVING);
    room_post_leave(player->room, player);
}

void player_catch_up(struct player *player)
{
    if (player->state == PLAYER_IN_ROOM) {
        room_post_catch_up(player);
    }
}

/*
 * The stage changes to IN_ROOM and back: packets of a room that the client has sent behind Enter
 * cross a change of stage (WIRE.md, "Stages"), and are dropped instead of ending the session.
 */
static void refuse(struct player *player)
{
    const struct gw_frame enter = {.packet_id = GAME_PACKET_ENTER, .tag = player->enter_tag};
    Game__Entered entered = GAME__ENTERED__INIT;
    entered.result = player->enter_result;
    entered.room =
        player->enter_result == GAME__ENTER_RESULT__BAD_ROOM_NAME ? "" : player->room_name;
    atomic_fetch_add_explicit(&player->game->counters.enters_refused, 1, memory_order_relaxed);
    game_reply_entered(player->session, &enter, &entered);
    gw_session_set_stage(player->session, GAME__STAGE__IN_ROOM);
    gw_session_set_stage(player->session, GAME__STAGE__LOBBY);
}

static void on_complete(struct gw_task *task)
{
    struct player *player = (struct player *)task;
    struct gw_session *session = player->session;
    if (player->state == PLAYER_LEAVING) {
        player->state = PLAYER_IN_LOBBY;
        gw_session_set_stage(session, GAME__STAGE__LOBBY);
    } else if (player->enter_result == GAME__ENTER_RESULT__ENTERED_OK) {
        player->state = PLAYER_IN_ROOM;
        gw_session_set_stage(session, GAME__STAGE__IN_ROOM);
    } else {
        player->state = PLAYER_IN_LOBBY;
        refuse(player);
    }
    free(player->room_name);
    player->room_name = NULL;
    if (player->has_ended) {
        player_end(player);
    } else {
        player_update_reading(player);
    }
    gw_session_unref(session);
}

void player_complete(struct player *player)
{
    player->task.run = on_complete;
    gw_turn_post(gw_session_turn(player->session), &player->task);
}

void player_end(struct player *player)
{
    player->has_ended = true;
    if (player->state == PLAYER_IN_ROOM) {
        player_leave(player);
    } else if (player->state == PLAYER_IN_LOBBY) {
        destroy(player);
    }
    /* During a transition: on_complete() does the rest. */
}

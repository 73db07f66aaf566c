/* server/game/player.c: what the game ties to a session. */
#include "server/game/player.h"

#include "net/turn.h"
#include "proto/game/game.gen.h"
#include "protocol/frame.h"
#include "server/game/game.h"
#include "server/game/lobby.h"
#include "server/game/room.h"
#include "server/log/text.h"

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
    free(player->next_room_name);
    free(player);
    game_release(game);
}

bool player_set_name(struct player *player, const char *name)
{
    bool is_name = server_text_is_valid(name, 1, PLAYER_NAME_BYTES_MAX);
    if (is_name) {
        strcpy(player->name, name);
    }
    return is_name;
}

uint64_t player_age_ms(const struct player *player)
{
    return (gw_port_now_ns(player->game->port) - player->begun_ns) / 1000000;
}

static void refuse(struct player *player, uint16_t tag, const char *room_name,
                   Game__EnterResult result)
{
    const struct gw_frame enter = {.packet_id = GAME_PACKET_ENTER, .tag = tag};
    Game__Entered entered = GAME__ENTERED__INIT;
    entered.result = result;
    entered.room = (char *)room_name;
    atomic_fetch_add_explicit(&player->game->counters.enters_refused, 1, memory_order_relaxed);
    game_reply_entered(player->session, &enter, &entered);
}

/* Takes `room_name`. */
static void set_out(struct player *player, uint16_t tag, char *room_name)
{
    player->room_name = room_name;
    player->enter_tag = tag;
    player->place = PLAYER_ENTERING;
    gw_session_ref(player->session);
    lobby_post_enter(player->game->lobby, player);
}

/* Most players are not on their way, so the name is not kept in the player. */
static char *copy_name(struct player *player, const char *room_name)
{
    char *copy = malloc(strlen(room_name) + 1);
    if (copy == NULL) {
        gw_session_end(player->session, GW__CLOSE_REASON__NO_MEMORY);
        return NULL;
    }
    return strcpy(copy, room_name);
}

static void want(struct player *player, uint16_t tag, char *room_name)
{
    if (room_name != NULL && player->place == PLAYER_IN_LOBBY) {
        set_out(player, tag, room_name);
    } else {
        player->next_room_name = room_name;
        player->next_tag = tag;
    }
}

void player_enter(struct player *player, uint16_t tag, const char *room_name)
{
    bool is_leaving = player->place == PLAYER_LEAVING && player->next_room_name == NULL;
    if (!server_text_is_valid(room_name, 1, PLAYER_ROOM_NAME_BYTES_MAX)) {
        refuse(player, tag, "", GAME__ENTER_RESULT__BAD_ROOM_NAME);
    } else if (player->place == PLAYER_IN_LOBBY || is_leaving) {
        want(player, tag, copy_name(player, room_name));
    } else {
        refuse(player, tag, room_name, GAME__ENTER_RESULT__SERVER_BUSY);
    }
}

void player_leave(struct player *player)
{
    player->place = PLAYER_LEAVING;
    gw_session_set_stage(player->session, GAME__STAGE__LOBBY);
    gw_session_ref(player->session);
    room_post_leave(player->room, player);
}

void player_catch_up(struct player *player)
{
    if (player->place == PLAYER_IN_ROOM) {
        room_post_catch_up(player);
    }
}

static void be_in_room(struct player *player)
{
    player->place = PLAYER_IN_ROOM;
    if (!player->has_ended) {
        gw_session_set_stage(player->session, GAME__STAGE__IN_ROOM);
        room_post_arrival(player);
    }
}

/* What the room or the lobby has decided. */
static void arrive(struct player *player)
{
    if (player->place == PLAYER_LEAVING) {
        player->place = PLAYER_IN_LOBBY;
    } else if (player->enter_result == GAME__ENTER_RESULT__ENTERED_OK) {
        be_in_room(player);
    } else {
        player->place = PLAYER_IN_LOBBY;
        refuse(player, player->enter_tag, player->room_name, player->enter_result);
    }
}

/* What was asked for meanwhile. */
static void go_on(struct player *player)
{
    char *next_room_name = player->next_room_name;
    if (player->has_ended) {
        player_end(player);
    } else if (next_room_name != NULL) {
        player->next_room_name = NULL;
        set_out(player, player->next_tag, next_room_name);
    }
}

static void on_home(struct gw_task *task)
{
    struct player *player = (struct player *)task;
    struct gw_session *session = player->session;
    arrive(player);
    free(player->room_name);
    player->room_name = NULL;
    go_on(player);
    gw_session_unref(session); /* the reference of this journey; another one has its own */
}

void player_go_home(struct player *player)
{
    player->task.run = on_home;
    gw_turn_post(gw_session_turn(player->session), &player->task);
}

void player_end(struct player *player)
{
    player->has_ended = true;
    if (player->place == PLAYER_IN_ROOM) {
        player_leave(player);
    } else if (player->place == PLAYER_IN_LOBBY) {
        destroy(player);
    }
    /* On a journey: the rest is done when it comes home. */
}

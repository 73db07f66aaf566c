/* server/room.c: players who hear and see each other. */
#include "server/room.h"

#include "net/container_of.h"
#include "proto/game/game.gen.h"
#include "protocol/frame.h"
#include "server/game.h"
#include "server/lobby.h"
#include "server/log.h"
#include "server/player.h"
#include "server/room_inside.h"
#include "session/group.h"

#include <stdlib.h>
#include <string.h>

/* ---- coming to be, and ceasing ---- */

static void on_free(struct gw_turn *turn)
{
    struct room *room = (struct room *)turn;
    struct game *game = room->game;
    roster_fini(&room->roster);
    free(room);
    atomic_fetch_sub_explicit(&game->counters.rooms, 1, memory_order_relaxed);
    game_release(game);
}

/* Whoever moved since the last tick, once for all. */
static void on_tick(struct gw_group *group, void *context)
{
    struct room *room = context;
    if (room->roster.moved_count > 0) {
        Game__Snapshot snapshot = GAME__SNAPSHOT__INIT;
        snapshot.n_positions = room->roster.moved_count;
        snapshot.positions = room->roster.moved;
        game_say_snapshot(group, &snapshot);
        roster_forget_moves(&room->roster);
    }
}

struct room *room_create(struct game *game, const char *name)
{
    struct room *room = calloc(1, sizeof *room);
    if (room == NULL) {
        return NULL;
    }
    room->game = game;
    strcpy(room->name, name);
    gw_turn_init(&room->turn, game->port, on_free);
    game_hold(game);
    atomic_fetch_add_explicit(&game->counters.rooms, 1, memory_order_relaxed);
    const struct gw_group_config config = {
        .tick_ms = game->limits.room_tick_ms, .on_tick = on_tick, .context = room};
    room->group = gw_group_create(game->sessions, &room->turn, &config);
    if (room->group == NULL) {
        gw_turn_unref(&room->turn);
        return NULL;
    }
    atomic_fetch_add_explicit(&game->counters.rooms_opened, 1, memory_order_relaxed);
    return room;
}

const char *room_name(const struct room *room)
{
    return room->name;
}

static void on_close(struct gw_task *task)
{
    struct room *room = GW_CONTAINER_OF(task, struct room, closing);
    gw_group_destroy(room->group);
}

void room_close(struct room *room)
{
    room->closing.run = on_close;
    gw_turn_post(&room->turn, &room->closing);
    gw_turn_unref(&room->turn);
}

/* ---- entering and leaving ---- */

static void log_passage(const struct room *room, const struct player *player, const char *event)
{
    struct server_log_line line;
    server_log_begin(&line, room->game->log, GW_LOG_INFO, event);
    server_log_id(&line, "session", player->id);
    server_log_text(&line, "name", player->name);
    server_log_text(&line, "room", room->name);
    server_log_number(&line, "members", room->roster.member_count);
    server_log_end(&line);
}

static void say_joined(struct room *room, const Game__Member *member)
{
    Game__Joined joined = GAME__JOINED__INIT;
    joined.member = (Game__Member *)member;
    game_say_joined(room->group, &joined);
}

static void say_gone(struct room *room, uint64_t player)
{
    Game__Gone gone = GAME__GONE__INIT;
    gone.player = player;
    game_say_gone(room->group, &gone);
}

static void send_entered(struct room *room, const struct player *player)
{
    const struct gw_frame enter = {.packet_id = GAME_PACKET_ENTER, .tag = player->enter_tag};
    Game__Entered entered = GAME__ENTERED__INIT;
    entered.result = GAME__ENTER_RESULT__ENTERED_OK;
    entered.room = room->name;
    entered.n_members = room->roster.member_count;
    entered.members = room->roster.everybody;
    entered.line = room->line;
    game_reply_entered(player->session, &enter, &entered);
}

/*
 * Those who are here are told of the newcomer, and what they were told before is not for it; then
 * it hears what it has come into, and from then on what the others hear.
 */
void room_admit(struct room *room, struct player *player)
{
    const Game__Member *member = roster_add(&room->roster, player->id, player->name);
    if (member == NULL) {
        gw_session_end(player->session, GW__CLOSE_REASON__NO_MEMORY);
        return;
    }
    say_joined(room, member);
    send_entered(room, player);
    if (gw_group_add(room->group, player->session) != 0) {
        gw_session_end(player->session, GW__CLOSE_REASON__NO_MEMORY);
    }
    log_passage(room, player, "entered");
    atomic_fetch_add_explicit(&room->game->counters.entered, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&room->game->counters.room_members, 1, memory_order_relaxed);
}

/* Keeps a place. The player goes home and comes again: see room_post_arrival(). */
static void on_enter(struct gw_task *task)
{
    struct player *player = (struct player *)task;
    struct room *room = player->room;
    if (room->place_count < room->game->limits.room_members_max) {
        room->place_count++;
        player->enter_result = GAME__ENTER_RESULT__ENTERED_OK;
        player_go_home(player);
    } else {
        player->enter_result = GAME__ENTER_RESULT__ROOM_FULL;
        lobby_post_release(room->game->lobby, player);
    }
}

static void dismiss(struct room *room, const struct player *player)
{
    const Game__Left left = GAME__LEFT__INIT;
    gw_group_send(room->group, player->id, GAME_PACKET_LEFT, &left.base);
    gw_group_remove(room->group, player->id);
    say_gone(room, player->id);
    log_passage(room, player, "left");
    atomic_fetch_sub_explicit(&room->game->counters.room_members, 1, memory_order_relaxed);
}

static void on_leave(struct gw_task *task)
{
    struct player *player = (struct player *)task;
    struct room *room = player->room;
    room->place_count--;
    if (roster_remove(&room->roster, player->id)) { /* not one that ended before its arrival */
        dismiss(room, player);
    }
    lobby_post_release(room->game->lobby, player);
}

void room_post_enter(struct room *room, struct player *player)
{
    player->task.run = on_enter;
    gw_turn_post(&room->turn, &player->task);
}

void room_post_leave(struct room *room, struct player *player)
{
    player->task.run = on_leave;
    gw_turn_post(&room->turn, &player->task);
}

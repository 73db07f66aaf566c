/* server/game/room.c: A room: its members, its chat, and their positions. */
#include "server/game/room.h"

#include "net/container_of.h"
#include "net/turn.h"
#include "proto/game/game.gen.h"
#include "protocol/frame.h"
#include "server/game/game.h"
#include "server/game/lobby.h"
#include "server/game/player.h"
#include "server/game/roster.h"
#include "server/log/log.h"
#include "session/group.h"

#include <stdlib.h>
#include <string.h>

/* Belongs to the room's turn, except name and game, which do not change. */
struct room {
    struct gw_turn turn; /* the first member, so that a turn is its room */
    struct gw_task closing;
    struct game *game;
    struct gw_group *group;
    struct roster roster;
    uint64_t line; /* number of the last chat line; the first is 1 */
    char name[NAME_BYTES_MAX + 1];
};

/* ---- creation and destruction ---- */

static void on_free(struct gw_turn *turn)
{
    struct room *room = (struct room *)turn;
    struct game *game = room->game;
    roster_fini(&room->roster);
    free(room);
    atomic_fetch_sub_explicit(&game->counters.rooms, 1, memory_order_relaxed);
    game_release(game);
}

/* Sends one Snapshot of all members that have moved since the last tick. */
static void on_tick(struct gw_group *group, void *context)
{
    struct room *room = context;
    if (room->roster.moved_count > 0) {
        Game__Snapshot snapshot = GAME__SNAPSHOT__INIT;
        snapshot.n_positions = room->roster.moved_count;
        snapshot.positions = room->roster.moved;
        game_broadcast_snapshot(group, &snapshot);
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

static void broadcast_joined(struct room *room, const Game__Member *member)
{
    Game__Joined joined = GAME__JOINED__INIT;
    joined.member = (Game__Member *)member;
    game_broadcast_joined(room->group, &joined);
}

static void broadcast_gone(struct room *room, uint64_t player)
{
    Game__Gone gone = GAME__GONE__INIT;
    gone.player = player;
    game_broadcast_gone(room->group, &gone);
}

static void send_entered(struct room *room, const struct player *player)
{
    const struct gw_frame enter = {.packet_id = GAME_PACKET_ENTER, .tag = player->enter_tag};
    Game__Entered entered = GAME__ENTERED__INIT;
    entered.result = GAME__ENTER_RESULT__ENTERED_OK;
    entered.room = room->name;
    entered.n_members = room->roster.member_count;
    entered.members = room->roster.members;
    entered.line = room->line;
    game_reply_entered(player->session, &enter, &entered);
}

/*
 * Members receive Joined; the new one is not a member yet. It receives Entered, then everything
 * that is broadcast from now on.
 */
static void admit(struct room *room, struct player *player, const Game__Member *member)
{
    broadcast_joined(room, member);
    send_entered(room, player);
    if (gw_group_add(room->group, player->session) != 0) {
        gw_session_end(player->session, GW__CLOSE_REASON__NO_MEMORY);
    }
    log_passage(room, player, "entered");
    atomic_fetch_add_explicit(&room->game->counters.entered, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&room->game->counters.room_members, 1, memory_order_relaxed);
}

/* Refuses a player through the lobby, which counts the players of each room. */
static void on_enter(struct gw_task *task)
{
    struct player *player = (struct player *)task;
    struct room *room = player->room;
    bool is_full = room->roster.member_count >= room->game->limits.room_members_max;
    const Game__Member *member =
        is_full ? NULL : roster_add(&room->roster, player->id, player->name);
    if (member != NULL) {
        player->enter_result = GAME__ENTER_RESULT__ENTERED_OK;
        admit(room, player, member);
        player_complete(player);
    } else {
        player->enter_result =
            is_full ? GAME__ENTER_RESULT__ROOM_FULL : GAME__ENTER_RESULT__SERVER_BUSY;
        lobby_post_release(room->game->lobby, player);
    }
}

static void remove_member(struct room *room, const struct player *player)
{
    (void)roster_remove(&room->roster, player->id);
    const Game__Left left = GAME__LEFT__INIT;
    game_group_send_left(room->group, player->id, &left);
    gw_group_remove(room->group, player->id);
    broadcast_gone(room, player->id);
    log_passage(room, player, "left");
    atomic_fetch_sub_explicit(&room->game->counters.room_members, 1, memory_order_relaxed);
}

static void on_leave(struct gw_task *task)
{
    struct player *player = (struct player *)task;
    struct room *room = player->room;
    remove_member(room, player);
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

/* ---- commands of players ---- */

/*
 * A task of the room's turn. It may point to the player without a reference: Leave is posted behind
 * all commands of a player, so the player outlives them. It is no gw_turn_call(), for which command
 * and text would first have to be copied into one buffer.
 */
struct command {
    struct gw_task task; /* the first member, so that a task is its command */
    struct player *player;
    int32_t x;
    int32_t y;
    uint16_t tag;     /* of the packet, which is a request */
    bool is_the_last; /* the session is paused until this one is handled */
    char text[];
};

static struct command *command_create(struct player *player, const char *text)
{
    struct command *command = malloc(sizeof *command + strlen(text) + 1);
    if (command == NULL) {
        gw_session_end(player->session, GW__CLOSE_REASON__NO_MEMORY);
        return NULL;
    }
    command->player = player;
    command->is_the_last = false;
    strcpy(command->text, text);
    return command;
}

static void on_inbox_handled(struct gw_task *task)
{
    struct player *player = GW_CONTAINER_OF(task, struct player, inbox_task);
    player->is_inbox_full = false;
    player_update_reading(player);
}

/*
 * Without a limit, a player that sends faster than its room handles commands would fill the memory.
 * At the limit its session is paused until the room has handled all of them.
 */
static void command_post(struct command *command, void (*run)(struct gw_task *task))
{
    struct player *player = command->player;
    uint32_t count = atomic_fetch_add_explicit(&player->command_count, 1, memory_order_relaxed) + 1;
    if (count >= PLAYER_COMMAND_COUNT_MAX && !player->is_inbox_full) {
        command->is_the_last = true;
        player->is_inbox_full = true;
        player_update_reading(player);
    }
    command->task.run = run;
    gw_turn_post(&player->room->turn, &command->task);
}

/* A player that leaves is posted behind its commands, and returns behind this task. */
static void command_destroy(struct command *command)
{
    struct player *player = command->player;
    atomic_fetch_sub_explicit(&player->command_count, 1, memory_order_relaxed);
    if (command->is_the_last) {
        player->inbox_task.run = on_inbox_handled;
        gw_turn_post(gw_session_turn(player->session), &player->inbox_task);
    }
    free(command);
}

static void broadcast_line(struct room *room, const struct command *command)
{
    Game__ChatLine line = GAME__CHAT_LINE__INIT;
    room->line++;
    line.player = command->player->id;
    line.text = (char *)command->text;
    line.line = room->line;
    game_broadcast_chat_line(room->group, &line);
    atomic_fetch_add_explicit(&room->game->counters.lines, 1, memory_order_relaxed);
}

static void on_chat_command(struct gw_task *task)
{
    struct command *command = (struct command *)task;
    broadcast_line(command->player->room, command);
    command_destroy(command);
}

/* Sends nothing now: however often a member moves between two ticks, one Snapshot has its position.
 */
static void on_move_command(struct gw_task *task)
{
    struct command *command = (struct command *)task;
    struct room *room = command->player->room;
    if (roster_move(&room->roster, command->player->id, command->x, command->y)) {
        gw_group_request_tick(room->group);
    }
    command_destroy(command);
}

static void on_list_command(struct gw_task *task)
{
    struct command *command = (struct command *)task;
    struct room *room = command->player->room;
    const struct gw_frame request = {.packet_id = GAME_PACKET_WHO, .tag = command->tag};
    Game__WhoIsHere list = GAME__WHO_IS_HERE__INIT;
    list.n_members = room->roster.member_count;
    list.members = room->roster.members;
    game_group_reply_who_is_here(room->group, command->player->id, &request, &list);
    command_destroy(command);
}

/* A member that has lost a Snapshot receives the positions of all members, its own too. */
static void on_catch_up_command(struct gw_task *task)
{
    struct command *command = (struct command *)task;
    struct room *room = command->player->room;
    Game__Snapshot snapshot = GAME__SNAPSHOT__INIT;
    snapshot.n_positions = room->roster.member_count;
    snapshot.positions = room->roster.positions;
    game_group_send_snapshot(room->group, command->player->id, &snapshot);
    command_destroy(command);
}

void room_post_chat(struct player *player, const char *text)
{
    struct command *command = command_create(player, text);
    if (command != NULL) {
        command_post(command, on_chat_command);
    }
}

void room_post_move(struct player *player, int32_t x, int32_t y)
{
    struct command *command = command_create(player, "");
    if (command != NULL) {
        command->x = x;
        command->y = y;
        command_post(command, on_move_command);
    }
}

void room_post_who(struct player *player, uint16_t tag)
{
    struct command *command = command_create(player, "");
    if (command != NULL) {
        command->tag = tag;
        command_post(command, on_list_command);
    }
}

void room_post_catch_up(struct player *player)
{
    struct command *command = command_create(player, "");
    if (command != NULL) {
        command_post(command, on_catch_up_command);
    }
}

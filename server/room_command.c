/* server/room_command.c: what players say and do, on its way to their room, and there. */
#include "net/container_of.h"
#include "proto/game/game.gen.h"
#include "protocol/frame.h"
#include "server/game.h"
#include "server/player.h"
#include "server/room.h"
#include "server/room_inside.h"
#include "session/group.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * It may point to the player: a player that leaves is posted behind all of its mail, and so
 * outlives it.
 */
struct command {
    struct gw_task task; /* the first, so that a task is its command */
    struct player *player;
    int32_t x;
    int32_t y;
    uint16_t tag;     /* of the request it was */
    bool is_the_last; /* the session is paused until the room has handled it */
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

static void on_resume(struct gw_task *task)
{
    struct player *player = GW_CONTAINER_OF(task, struct player, resuming);
    player->is_paused = false;
    if (!player->has_ended) {
        gw_session_resume(player->session);
    }
}

/*
 * Without a limit a player that sends faster than its room can handle would fill the memory. So its
 * session is paused at the limit, until the room has handled all of it.
 */
static void command_post(struct command *command, void (*run)(struct gw_task *task))
{
    struct player *player = command->player;
    uint32_t count = atomic_fetch_add_explicit(&player->command_count, 1, memory_order_relaxed) + 1;
    if (count >= PLAYER_COMMAND_COUNT_MAX && !player->is_paused) {
        command->is_the_last = true;
        player->is_paused = true;
        gw_session_pause(player->session);
    }
    command->task.run = run;
    gw_turn_post(&player->room->turn, &command->task);
}

/* A player that leaves is posted behind its mail and comes back behind the task of this. */
static void command_destroy(struct command *command)
{
    struct player *player = command->player;
    atomic_fetch_sub_explicit(&player->command_count, 1, memory_order_relaxed);
    if (command->is_the_last) {
        player->resuming.run = on_resume;
        gw_turn_post(gw_session_turn(player->session), &player->resuming);
    }
    free(command);
}

static void on_arrival_command(struct gw_task *task)
{
    struct command *command = (struct command *)task;
    room_admit(command->player->room, command->player);
    command_destroy(command);
}

static void say_line(struct room *room, const struct command *command)
{
    Game__ChatLine line = GAME__CHAT_LINE__INIT;
    room->line++;
    line.player = command->player->id;
    line.text = (char *)command->text;
    line.line = room->line;
    game_say_chat_line(room->group, &line);
    atomic_fetch_add_explicit(&room->game->counters.lines, 1, memory_order_relaxed);
}

/* One who spoke before having read Entered may have found no memory to become a member. */
static void on_chat_command(struct gw_task *task)
{
    struct command *command = (struct command *)task;
    struct room *room = command->player->room;
    if (roster_find(&room->roster, command->player->id) != NULL) {
        say_line(room, command);
    }
    command_destroy(command);
}

/* Nothing is said yet: however often somebody moves between two ticks, the others hear it once. */
static void on_move_command(struct gw_task *task)
{
    struct command *command = (struct command *)task;
    struct room *room = command->player->room;
    if (roster_move(&room->roster, command->player->id, command->x, command->y)) {
        gw_group_request_tick(room->group);
    }
    command_destroy(command);
}

static void on_who_command(struct gw_task *task)
{
    struct command *command = (struct command *)task;
    struct room *room = command->player->room;
    const struct gw_frame who = {.packet_id = GAME_PACKET_WHO, .tag = command->tag};
    Game__WhoIsHere who_is_here = GAME__WHO_IS_HERE__INIT;
    who_is_here.n_members = room->roster.member_count;
    who_is_here.members = room->roster.everybody;
    gw_group_reply(room->group, command->player->id, &who, GAME_PACKET_WHO_IS_HERE,
                   &who_is_here.base);
    command_destroy(command);
}

/* One who has missed what others were told hears where everybody is now, itself too. */
static void on_catch_up_command(struct gw_task *task)
{
    struct command *command = (struct command *)task;
    struct room *room = command->player->room;
    Game__Snapshot snapshot = GAME__SNAPSHOT__INIT;
    snapshot.n_positions = room->roster.member_count;
    snapshot.positions = room->roster.places;
    gw_group_send(room->group, command->player->id, GAME_PACKET_SNAPSHOT, &snapshot.base);
    command_destroy(command);
}

void room_post_arrival(struct player *player)
{
    struct command *command = command_create(player, "");
    if (command != NULL) {
        command_post(command, on_arrival_command);
    }
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
        command_post(command, on_who_command);
    }
}

void room_post_catch_up(struct player *player)
{
    struct command *command = command_create(player, "");
    if (command != NULL) {
        command_post(command, on_catch_up_command);
    }
}

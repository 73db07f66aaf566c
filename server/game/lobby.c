/* server/game/lobby.c: The directory of rooms. */
#include "server/game/lobby.h"

#include "net/turn.h"
#include "server/game/game.h"
#include "server/game/name.h"
#include "server/game/player.h"
#include "server/game/room.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct open_room {
    struct room *room;
    uint32_t player_count; /* inside, on the way in, on the way out */
};

/* Sorted by name, for a binary search: names that clients choose cannot make it slow. */
struct lobby {
    struct gw_turn turn;
    struct game *game;
    struct open_room *rooms;
    uint32_t room_count;
    uint32_t room_capacity;
};

static void on_free(struct gw_turn *turn)
{
    struct lobby *lobby = (struct lobby *)turn;
    assert(lobby->room_count == 0);
    free(lobby->rooms);
    free(lobby);
}

struct lobby *lobby_create(struct game *game)
{
    struct lobby *lobby = calloc(1, sizeof *lobby);
    if (lobby != NULL) {
        lobby->game = game;
        gw_turn_init(&lobby->turn, game->port, on_free);
    }
    return lobby;
}

void lobby_destroy(struct lobby *lobby)
{
    if (lobby != NULL) {
        gw_turn_unref(&lobby->turn);
    }
}

/* Returns the index of the first room whose name is not less than `name`. */
static uint32_t index_of(const struct lobby *lobby, const char *name)
{
    uint32_t low = 0;
    uint32_t high = lobby->room_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(room_name(lobby->rooms[middle].room), name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct open_room *find(const struct lobby *lobby, const char *name)
{
    uint32_t index = index_of(lobby, name);
    bool is_it =
        index < lobby->room_count && strcmp(room_name(lobby->rooms[index].room), name) == 0;
    return is_it ? &lobby->rooms[index] : NULL;
}

static bool make_space(struct lobby *lobby)
{
    if (lobby->room_count < lobby->room_capacity) {
        return true;
    }
    uint32_t capacity = lobby->room_capacity == 0 ? 16 : lobby->room_capacity * 2;
    struct open_room *rooms = realloc(lobby->rooms, capacity * sizeof *rooms);
    if (rooms != NULL) {
        lobby->rooms = rooms;
        lobby->room_capacity = capacity;
    }
    return rooms != NULL;
}

static struct open_room *add_room(struct lobby *lobby, const char *name)
{
    if (lobby->room_count == lobby->game->limits.rooms_max || !make_space(lobby)) {
        return NULL;
    }
    struct room *room = room_create(lobby->game, name);
    if (room == NULL) {
        return NULL;
    }
    uint32_t index = index_of(lobby, name);
    struct open_room *added = &lobby->rooms[index];
    memmove(added + 1, added, (lobby->room_count - index) * sizeof *added);
    lobby->room_count++;
    *added = (struct open_room){.room = room};
    return added;
}

static void remove_room(struct lobby *lobby, struct open_room *removed)
{
    struct room *room = removed->room;
    uint32_t index = (uint32_t)(removed - lobby->rooms);
    lobby->room_count--;
    memmove(removed, removed + 1, (lobby->room_count - index) * sizeof *removed);
    room_close(room);
}

static void on_enter(struct gw_task *task)
{
    struct player *player = (struct player *)task;
    struct lobby *lobby = player->game->lobby;
    if (!name_is_valid(player->room_name)) {
        player->enter_result = GAME__ENTER_RESULT__BAD_ROOM_NAME;
        player_complete(player);
        return;
    }
    struct open_room *open = find(lobby, player->room_name);
    if (open == NULL) {
        open = add_room(lobby, player->room_name);
    }
    if (open == NULL) {
        player->enter_result = GAME__ENTER_RESULT__SERVER_BUSY;
        player_complete(player);
        return;
    }
    open->player_count++;
    player->room = open->room;
    room_post_enter(player->room, player);
}

static void on_release(struct gw_task *task)
{
    struct player *player = (struct player *)task;
    struct lobby *lobby = player->game->lobby;
    struct open_room *open = find(lobby, room_name(player->room));
    open->player_count--;
    if (open->player_count == 0) {
        remove_room(lobby, open);
    }
    player->room = NULL;
    player_complete(player);
}

void lobby_post_enter(struct lobby *lobby, struct player *player)
{
    player->task.run = on_enter;
    gw_turn_post(&lobby->turn, &player->task);
}

void lobby_post_release(struct lobby *lobby, struct player *player)
{
    player->task.run = on_release;
    gw_turn_post(&lobby->turn, &player->task);
}

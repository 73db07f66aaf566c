/* server/game/roster.c: who is in a room, and who of them has moved. */
#include "server/game/roster.h"

#include "net/container_of.h"
#include "server/game/player.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct member {
    Game__Member wire; /* the first, so that a pointer to it is one to the member */
    Game__Position position;
    bool has_moved;
    char name[PLAYER_NAME_BYTES_MAX + 1];
};

void roster_fini(struct roster *roster)
{
    for (uint32_t i = 0; i < roster->member_count; i++) {
        free(roster->everybody[i]);
    }
    free(roster->everybody);
    free(roster->moved);
    free(roster->places);
    *roster = (struct roster){0};
}

/* The first place whose member does not come before `player`. */
static uint32_t place_of(const struct roster *roster, uint64_t player)
{
    uint32_t low = 0;
    uint32_t high = roster->member_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (roster->everybody[middle]->player < player) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct member *find(const struct roster *roster, uint64_t player)
{
    uint32_t place = place_of(roster, player);
    bool is_it = place < roster->member_count && roster->everybody[place]->player == player;
    return is_it ? (struct member *)roster->everybody[place] : NULL;
}

const Game__Member *roster_find(const struct roster *roster, uint64_t player)
{
    const struct member *member = find(roster, player);
    return member == NULL ? NULL : &member->wire;
}

static bool grow_positions(Game__Position ***positions, uint32_t capacity)
{
    Game__Position **grown = realloc(*positions, capacity * sizeof *grown);
    *positions = grown == NULL ? *positions : grown;
    return grown != NULL;
}

/* All lists grow here, so that a member, once in, can always be told of. */
static bool make_space(struct roster *roster)
{
    if (roster->member_count < roster->capacity) {
        return true;
    }
    uint32_t capacity = roster->capacity == 0 ? 8 : roster->capacity * 2;
    Game__Member **everybody = realloc(roster->everybody, capacity * sizeof *everybody);
    roster->everybody = everybody == NULL ? roster->everybody : everybody;
    bool is_enough = everybody != NULL && grow_positions(&roster->moved, capacity) &&
                     grow_positions(&roster->places, capacity);
    roster->capacity = is_enough ? capacity : roster->capacity;
    return is_enough;
}

static struct member *make_member(uint64_t player, const char *name)
{
    struct member *member = calloc(1, sizeof *member);
    if (member != NULL) {
        game__member__init(&member->wire);
        game__position__init(&member->position);
        strncpy(member->name, name, PLAYER_NAME_BYTES_MAX);
        member->wire.player = player;
        member->wire.name = member->name;
        member->position.player = player;
    }
    return member;
}

const Game__Member *roster_add(struct roster *roster, uint64_t player, const char *name)
{
    struct member *member = make_space(roster) ? make_member(player, name) : NULL;
    if (member == NULL) {
        return NULL;
    }
    uint32_t place = place_of(roster, player);
    Game__Member **at = &roster->everybody[place];
    Game__Position **position_at = &roster->places[place];
    memmove(at + 1, at, (roster->member_count - place) * sizeof(*at));
    memmove(position_at + 1, position_at, (roster->member_count - place) * sizeof(*position_at));
    *at = &member->wire;
    *position_at = &member->position;
    roster->member_count++;
    return &member->wire;
}

static void forget_move(struct roster *roster, const struct member *member)
{
    uint32_t place = 0;
    while (place < roster->moved_count && roster->moved[place] != &member->position) {
        place++;
    }
    if (place < roster->moved_count) {
        Game__Position **at = &roster->moved[place];
        roster->moved_count--;
        memmove(at, at + 1, (roster->moved_count - place) * sizeof(*at));
    }
}

bool roster_remove(struct roster *roster, uint64_t player)
{
    struct member *member = find(roster, player);
    if (member == NULL) {
        return false;
    }
    uint32_t place = place_of(roster, player);
    Game__Member **at = &roster->everybody[place];
    Game__Position **position_at = &roster->places[place];
    roster->member_count--;
    memmove(at, at + 1, (roster->member_count - place) * sizeof(*at));
    memmove(position_at, position_at + 1, (roster->member_count - place) * sizeof(*position_at));
    forget_move(roster, member);
    free(member);
    return true;
}

bool roster_move(struct roster *roster, uint64_t player, int32_t x, int32_t y)
{
    struct member *member = find(roster, player);
    if (member == NULL || (member->wire.x == x && member->wire.y == y)) {
        return false;
    }
    member->wire.x = member->position.x = x;
    member->wire.y = member->position.y = y;
    if (!member->has_moved) {
        member->has_moved = true;
        roster->moved[roster->moved_count++] = &member->position;
    }
    return true;
}

void roster_forget_moves(struct roster *roster)
{
    for (uint32_t i = 0; i < roster->moved_count; i++) {
        GW_CONTAINER_OF(roster->moved[i], struct member, position)->has_moved = false;
    }
    roster->moved_count = 0;
}

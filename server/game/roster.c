/* server/game/roster.c: The members of a room, and those that have moved. */
#include "server/game/roster.h"

#include "net/container_of.h"
#include "server/game/name.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct member {
    Game__Member wire; /* the first member, so that a pointer to it is one to the struct */
    Game__Position position;
    bool has_moved;
    char name[NAME_BYTES_MAX + 1];
};

void roster_fini(struct roster *roster)
{
    for (uint32_t i = 0; i < roster->member_count; i++) {
        free(roster->members[i]);
    }
    free(roster->members);
    free(roster->moved);
    free(roster->positions);
    *roster = (struct roster){0};
}

/* Returns the index of the first member whose id is not less than `player`. */
static uint32_t index_of(const struct roster *roster, uint64_t player)
{
    uint32_t low = 0;
    uint32_t high = roster->member_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (roster->members[middle]->player < player) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct member *find(const struct roster *roster, uint64_t player)
{
    uint32_t index = index_of(roster, player);
    bool is_it = index < roster->member_count && roster->members[index]->player == player;
    return is_it ? (struct member *)roster->members[index] : NULL;
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

/* All lists grow here, so that a member can be added to each of them without allocation. */
static bool make_space(struct roster *roster)
{
    if (roster->member_count < roster->capacity) {
        return true;
    }
    uint32_t capacity = roster->capacity == 0 ? 8 : roster->capacity * 2;
    Game__Member **members = realloc(roster->members, capacity * sizeof *members);
    roster->members = members == NULL ? roster->members : members;
    bool is_enough = members != NULL && grow_positions(&roster->moved, capacity) &&
                     grow_positions(&roster->positions, capacity);
    roster->capacity = is_enough ? capacity : roster->capacity;
    return is_enough;
}

static struct member *make_member(uint64_t player, const char *name)
{
    struct member *member = calloc(1, sizeof *member);
    if (member != NULL) {
        game__member__init(&member->wire);
        game__position__init(&member->position);
        strncpy(member->name, name, NAME_BYTES_MAX);
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
    uint32_t index = index_of(roster, player);
    Game__Member **at = &roster->members[index];
    Game__Position **position_at = &roster->positions[index];
    memmove(at + 1, at, (roster->member_count - index) * sizeof(*at));
    memmove(position_at + 1, position_at, (roster->member_count - index) * sizeof(*position_at));
    *at = &member->wire;
    *position_at = &member->position;
    roster->member_count++;
    return &member->wire;
}

static void forget_move(struct roster *roster, const struct member *member)
{
    uint32_t index = 0;
    while (index < roster->moved_count && roster->moved[index] != &member->position) {
        index++;
    }
    if (index < roster->moved_count) {
        Game__Position **at = &roster->moved[index];
        roster->moved_count--;
        memmove(at, at + 1, (roster->moved_count - index) * sizeof(*at));
    }
}

bool roster_remove(struct roster *roster, uint64_t player)
{
    struct member *member = find(roster, player);
    if (member == NULL) {
        return false;
    }
    uint32_t index = index_of(roster, player);
    Game__Member **at = &roster->members[index];
    Game__Position **position_at = &roster->positions[index];
    roster->member_count--;
    memmove(at, at + 1, (roster->member_count - index) * sizeof(*at));
    memmove(position_at, position_at + 1, (roster->member_count - index) * sizeof(*position_at));
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

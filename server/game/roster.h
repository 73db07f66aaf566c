/* server/game/roster.h: The members of a room, and those that have moved. */
#ifndef GW_SERVER_GAME_ROSTER_H
#define GW_SERVER_GAME_ROSTER_H

#include "proto/game/game.pb-c.h"
#include <stdbool.h>
#include <stdint.h>

struct member;

/*
 * Members are stored as messages, so that the lists of members and of positions can be sent at any
 * time, without conversion and without allocation.
 *
 * All zero is an empty roster. It has no lock; it belongs to the turn of its room.
 */
struct roster {
    Game__Member **members;     /* member_count, by id */
    Game__Position **moved;     /* moved_count, in the order of their first move */
    Game__Position **positions; /* member_count, at the index of the member */
    uint32_t member_count;
    uint32_t moved_count;
    uint32_t capacity;
};

/* Removes all members, and frees the roster's memory. */
void roster_fini(struct roster *roster);

/*
 * Adds a member at 0,0. `player` is not a member yet.
 *
 * Returns   the member, or NULL when out of memory.
 * Owns      copies `name`, up to NAME_BYTES_MAX bytes.
 */
const Game__Member *roster_add(struct roster *roster, uint64_t player, const char *name);

/* Returns the member, or NULL if `player` is not one. */
const Game__Member *roster_find(const struct roster *roster, uint64_t player);

/* Removes a member. Returns whether `player` was one. */
bool roster_remove(struct roster *roster, uint64_t player);

/* Sets the position of a member. Returns whether it has changed. */
bool roster_move(struct roster *roster, uint64_t player, int32_t x, int32_t y);

/* Clears the list of members that have moved. */
void roster_forget_moves(struct roster *roster);

#endif

/* server/game/roster.h: who is in a room, and who of them has moved. */
#ifndef GW_SERVER_GAME_ROSTER_H
#define GW_SERVER_GAME_ROSTER_H

#include "proto/game/game.pb-c.h"
#include <stdbool.h>
#include <stdint.h>

struct member;

/*
 * The members are kept in the form in which they are told of, so that the list of who is here and
 * the list of who has moved are ready for a message at any time, without work and without memory.
 *
 * All zero is an empty one. It has no lock; it belongs to the turn of its room.
 */
struct roster {
    Game__Member **everybody; /* member_count, by id */
    Game__Position **moved;   /* moved_count, in the order in which they moved first */
    Game__Position **places;  /* member_count, beside everybody */
    uint32_t member_count;
    uint32_t moved_count;
    uint32_t capacity;
};

/* Lets everybody go. */
void roster_fini(struct roster *roster);

/*
 * Adds a member, who is not one yet, at 0,0.
 *
 * Returns   the member, or NULL when there is no memory for it.
 * Owns      copies `name`, of which it keeps 32 bytes.
 */
const Game__Member *roster_add(struct roster *roster, uint64_t player, const char *name);

/* Returns the member, or NULL when it is not here. */
const Game__Member *roster_find(const struct roster *roster, uint64_t player);

/* Removes a member. Returns whether it was one. */
bool roster_remove(struct roster *roster, uint64_t player);

/* Puts a member where it is now. Returns whether that is somewhere else. */
bool roster_move(struct roster *roster, uint64_t player, int32_t x, int32_t y);

/* Begins a new list of who has moved. */
void roster_forget_moves(struct roster *roster);

#endif

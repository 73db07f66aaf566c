/* tools/dummy-client/players.h: a lock-free map from player ids of the server to clients. */
#ifndef GW_DUMMY_PLAYERS_H
#define GW_DUMMY_PLAYERS_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * The server identifies players by their session ids. A client adds its id when it is greeted,
 * before any other client can receive that id; clients look up the ids that they receive. Nothing
 * is removed, so that neither needs a lock.
 */
struct dummy_player {
    atomic_uint_least64_t id; /* 0: a free slot */
    atomic_uint_least32_t index;
};

struct dummy_players {
    struct dummy_player *slots; /* a power of two, at least twice the number of players */
    uint32_t slot_mask;
};

/* A player that is not one of this process's clients. */
#define DUMMY_PLAYER_OUTSIDER UINT32_MAX

/* Makes room for `count` players. Returns 0, or GW_E_MEMORY. Thread: setup. */
int dummy_players_init(struct dummy_players *players, uint32_t count);

/* Releases the map; a zeroed one too. Thread: setup. */
void dummy_players_fini(struct dummy_players *players);

/* Player `id`, not 0, is client `index`. Once per client. Thread: any. */
void dummy_players_add(struct dummy_players *players, uint64_t id, uint32_t index);

/* The client of player `id`, or DUMMY_PLAYER_OUTSIDER. Thread: any. */
uint32_t dummy_players_find(const struct dummy_players *players, uint64_t id);

#endif

/* tools/dummy-client/players.h: which client a player of the server is. */
#ifndef GW_DUMMY_PLAYERS_H
#define GW_DUMMY_PLAYERS_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * The server knows players by the ids of their sessions. Each client says which id it was given
 * when it is greeted, before anybody can hear of it; who hears of a player looks the client up.
 * Nothing is ever taken out, so neither needs a lock.
 */
struct dummy_player {
    atomic_uint_least64_t id; /* 0: a free place */
    atomic_uint_least32_t index;
};

struct dummy_players {
    struct dummy_player *places; /* a power of two of them, at least twice as many as players */
    uint32_t place_mask;
};

/* What a player is who is not one of ours. */
#define DUMMY_PLAYER_OUTSIDER UINT32_MAX

/* Makes room for `count` players. Returns 0, or GW_E_MEMORY. Thread: setup. */
int dummy_players_init(struct dummy_players *players, uint32_t count);

/* A zeroed one may be finished. Thread: setup. */
void dummy_players_fini(struct dummy_players *players);

/* Player `id`, not 0, is client `index`. Once per client. Thread: any. */
void dummy_players_add(struct dummy_players *players, uint64_t id, uint32_t index);

/* The client that player `id` is, or DUMMY_PLAYER_OUTSIDER. Thread: any. */
uint32_t dummy_players_find(const struct dummy_players *players, uint64_t id);

#endif

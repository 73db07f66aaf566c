/* tools/dummy-client/players.c: which client a player of the server is. */
#include "tools/dummy-client/players.h"
#include "net/error.h"
#include <stdlib.h>

int dummy_players_init(struct dummy_players *players, uint32_t count)
{
    uint32_t place_count = 16;
    while (place_count < 2 * count) {
        place_count *= 2;
    }
    players->places = calloc(place_count, sizeof *players->places);
    players->place_mask = place_count - 1;
    return players->places == NULL ? GW_E_MEMORY : 0;
}

void dummy_players_fini(struct dummy_players *players)
{
    free(players->places);
    *players = (struct dummy_players){0};
}

/* Ids differ in their low and in their high bits; a multiplication mixes both into the top. */
static uint32_t first_place(const struct dummy_players *players, uint64_t id)
{
    return (uint32_t)(id * UINT64_C(0x9E3779B97F4A7C15) >> 40) & players->place_mask;
}

/* Takes the place for `id` unless somebody has it. */
static int take(struct dummy_player *place, uint64_t id)
{
    uint_least64_t nobody = 0;
    return atomic_compare_exchange_strong(&place->id, &nobody, id);
}

void dummy_players_add(struct dummy_players *players, uint64_t id, uint32_t index)
{
    uint32_t at = first_place(players, id);
    while (!take(&players->places[at], id)) {
        at = (at + 1) & players->place_mask;
    }
    /* Off by one, so that a place that is taken but not yet filled in is a stranger's. */
    atomic_store_explicit(&players->places[at].index, index + 1, memory_order_release);
}

uint32_t dummy_players_find(const struct dummy_players *players, uint64_t id)
{
    uint32_t at = first_place(players, id);
    for (;;) {
        const struct dummy_player *place = &players->places[at];
        uint64_t here = atomic_load_explicit(&place->id, memory_order_acquire);
        if (here == id && id != 0) {
            return atomic_load_explicit(&place->index, memory_order_acquire) - 1;
        }
        if (here == 0) {
            return DUMMY_PLAYER_OUTSIDER;
        }
        at = (at + 1) & players->place_mask;
    }
}

/* tools/dummy-client/players.c: a lock-free map from player ids of the server to clients. */
#include "tools/dummy-client/players.h"
#include "net/error.h"
#include <stdlib.h>

int dummy_players_init(struct dummy_players *players, uint32_t count)
{
    uint32_t slot_count = 16;
    while (slot_count < 2 * count) {
        slot_count *= 2;
    }
    players->slots = calloc(slot_count, sizeof *players->slots);
    players->slot_mask = slot_count - 1;
    return players->slots == NULL ? GW_E_MEMORY : 0;
}

void dummy_players_fini(struct dummy_players *players)
{
    free(players->slots);
    *players = (struct dummy_players){0};
}

/* Ids differ in low and in high bits; the multiplication mixes both into the top bits. */
static uint32_t first_slot(const struct dummy_players *players, uint64_t id)
{
    return (uint32_t)(id * UINT64_C(0x9E3779B97F4A7C15) >> 40) & players->slot_mask;
}

/* Takes a free slot for `id`. Returns whether it was free. */
static int take(struct dummy_player *slot, uint64_t id)
{
    uint_least64_t free_id = 0;
    return atomic_compare_exchange_strong(&slot->id, &free_id, id);
}

void dummy_players_add(struct dummy_players *players, uint64_t id, uint32_t index)
{
    uint32_t at = first_slot(players, id);
    while (!take(&players->slots[at], id)) {
        at = (at + 1) & players->slot_mask;
    }
    /* Off by one: a slot that is taken and has no index yet reads as DUMMY_PLAYER_OUTSIDER. */
    atomic_store_explicit(&players->slots[at].index, index + 1, memory_order_release);
}

uint32_t dummy_players_find(const struct dummy_players *players, uint64_t id)
{
    uint32_t at = first_slot(players, id);
    for (;;) {
        const struct dummy_player *slot = &players->slots[at];
        uint64_t here = atomic_load_explicit(&slot->id, memory_order_acquire);
        if (here == id && id != 0) {
            return atomic_load_explicit(&slot->index, memory_order_acquire) - 1;
        }
        if (here == 0) {
            return DUMMY_PLAYER_OUTSIDER;
        }
        at = (at + 1) & players->slot_mask;
    }
}

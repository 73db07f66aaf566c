/* tools/dummy-client/room.c: the true state of a room, written by the clients that change it. */
#include "tools/dummy-client/room.h"
#include "net/error.h"
#include <stdlib.h>

int dummy_room_init(struct dummy_room *room, uint32_t client_first, uint32_t member_count)
{
    *room = (struct dummy_room){.client_first = client_first, .member_count = member_count};
    atomic_init(&room->line_base, UINT64_MAX);
    room->members = calloc(member_count, sizeof *room->members);
    return room->members == NULL ? GW_E_MEMORY : 0;
}

void dummy_room_fini(struct dummy_room *room)
{
    free(room->members);
    room->members = NULL;
}

void dummy_room_enter(struct dummy_room *room, uint32_t member, uint64_t line,
                      dummy_position position)
{
    uint_least64_t base = atomic_load(&room->line_base);
    while (line < base && !atomic_compare_exchange_weak(&room->line_base, &base, line)) {
    }
    atomic_store(&room->members[member].position, position);
    atomic_store(&room->members[member].here, true);
}

void dummy_room_say(struct dummy_room *room)
{
    atomic_fetch_add(&room->lines_sent, 1);
}

void dummy_room_move(struct dummy_room *room, uint32_t member, dummy_position position)
{
    atomic_store(&room->members[member].position, position);
}

void dummy_room_lose(struct dummy_room *room, uint32_t member, uint64_t lines_doubtful)
{
    atomic_store(&room->members[member].here, false);
    atomic_fetch_add(&room->lines_doubtful, lines_doubtful);
}

void dummy_room_received(struct dummy_room *room, uint64_t line)
{
    uint_least64_t last = atomic_load(&room->line_last);
    while (line > last && !atomic_compare_exchange_weak(&room->line_last, &last, line)) {
    }
}

uint64_t dummy_room_line_most(const struct dummy_room *room)
{
    return atomic_load(&room->line_base) + atomic_load(&room->lines_sent);
}

uint64_t dummy_room_line_least(const struct dummy_room *room)
{
    uint64_t sure = dummy_room_line_most(room) - atomic_load(&room->lines_doubtful);
    uint64_t received = atomic_load(&room->line_last);
    return received > sure ? received : sure;
}

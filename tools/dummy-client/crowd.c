/* tools/dummy-client/crowd.c: all clients of a run, and what they share. */
#include "tools/dummy-client/crowd.h"
#include "net/error.h"
#include "net/port.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/room.h"
#include <stdlib.h>

static int make_rooms(struct dummy_crowd *crowd)
{
    const struct dummy_options *options = crowd->options;
    if (!dummy_options_have_rooms(options)) {
        return 0;
    }
    uint32_t count = (options->client_count + options->room_size - 1) / options->room_size;
    crowd->rooms = calloc(count, sizeof *crowd->rooms);
    if (crowd->rooms == NULL) {
        return GW_E_MEMORY;
    }
    int error = 0;
    for (crowd->room_count = 0; crowd->room_count < count && error == 0; crowd->room_count++) {
        uint32_t first = crowd->room_count * options->room_size;
        uint32_t rest = options->client_count - first;
        error = dummy_room_init(&crowd->rooms[crowd->room_count], first,
                                rest < options->room_size ? rest : options->room_size);
    }
    return error;
}

static int make_clients(struct dummy_crowd *crowd)
{
    uint32_t count = crowd->options->client_count;
    crowd->clients = calloc(count, sizeof *crowd->clients);
    if (crowd->clients == NULL) {
        return GW_E_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        dummy_client_init(&crowd->clients[i], crowd, i);
    }
    return dummy_players_init(&crowd->players, count);
}

int dummy_crowd_init(struct dummy_crowd *crowd)
{
    const struct dummy_options *options = crowd->options;
    crowd->origin_ns = gw_port_now_ns(crowd->port);
    crowd->stop_ns =
        crowd->origin_ns + (options->ramp_microseconds + options->talk_microseconds) * 1000;
    int error = dummy_stats_init(&crowd->stats, crowd->port);
    if (error == 0) {
        error = make_rooms(crowd);
    }
    return error == 0 ? make_clients(crowd) : error;
}

void dummy_crowd_fini(struct dummy_crowd *crowd)
{
    for (uint32_t i = 0; crowd->clients != NULL && i < crowd->options->client_count; i++) {
        dummy_client_fini(&crowd->clients[i]);
    }
    for (uint32_t i = 0; i < crowd->room_count; i++) {
        dummy_room_fini(&crowd->rooms[i]);
    }
    free(crowd->clients);
    free(crowd->rooms);
    dummy_players_fini(&crowd->players);
    dummy_stats_fini(&crowd->stats);
}

struct dummy_room *dummy_crowd_room(const struct dummy_crowd *crowd, uint32_t client,
                                    uint32_t *member_out)
{
    uint32_t room_size = crowd->options->room_size;
    *member_out = client % room_size;
    return crowd->rooms == NULL ? NULL : &crowd->rooms[client / room_size];
}

uint64_t dummy_crowd_fault_count(const struct dummy_crowd *crowd)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < crowd->options->client_count; i++) {
        for (int fault = 0; fault < DUMMY_FAULT_COUNT; fault++) {
            count += dummy_ledger_fault_count(&crowd->clients[i].ledger, (enum dummy_fault)fault);
        }
    }
    return count;
}

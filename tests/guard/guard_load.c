/* tests/guard/guard_load.c: deterministic loads for counting instructions. */
#include "tests/guard/guard_pair.h"
#include "tools/bench/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * guard_load SCENARIO ROUNDS. guard.py runs each scenario with two values of ROUNDS; the difference
 * of the instruction counts is the cost of the further rounds.
 */
static const struct {
    const char *name;
    struct guard_pair guard_pair;
} scenarios[] = {
    {"echo-depth-1",
     {.player_count = 64, .depth = 1, .frame_bytes = 128, .packet_id = WIRE_OPAQUE}},
    {"echo-depth-16",
     {.player_count = 64, .depth = 16, .frame_bytes = 128, .packet_id = WIRE_OPAQUE}},
    {"echo-whole-way",
     {.player_count = 64, .depth = 16, .frame_bytes = 128, .packet_id = WIRE_ECHO}},
    {"room-of-64",
     {.player_count = 64, .depth = 1, .frame_bytes = 128, .packet_id = WIRE_SAY, .room_size = 64}},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (strcmp(argv[1], scenarios[i].name) == 0) {
            struct guard_pair guard_pair = scenarios[i].guard_pair;
            guard_pair.backend = GW_BACKEND_EPOLL;
            guard_pair.round_count = (uint32_t)strtoul(argv[2], NULL, 10);
            printf("%u\n", guard_pair_received_count(&guard_pair));
            return guard_pair_run(&guard_pair) ? 0 : 1;
        }
    }
    for (size_t i = 0; argc == 1 && i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        printf("%s\n", scenarios[i].name);
    }
    return argc == 1 ? 0 : 2;
}

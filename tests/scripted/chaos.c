/* tests/scripted/chaos.c: a kernel that is as bad as it may be, by a seed. */
#include "tests/scripted/chaos.h"

#include "tests/support/chance.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t noted;

/* One time in three nothing, otherwise anything up to the limit. */
static uint8_t percent(struct chance *chance, uint32_t limit)
{
    return (uint8_t)(chance_below(chance, 3) == 0 ? 0 : chance_below(chance, limit));
}

static uint32_t few(struct chance *chance, uint32_t limit)
{
    return chance_below(chance, 2) == 0 ? 0 : 1 + chance_below(chance, limit);
}

struct town_config chaos_config(uint64_t seed)
{
    struct chance chance = {seed * 1000003};
    struct town_config config = {0};
    struct kernel_config *kernel = &config.stage.kernel;
    kernel->seed = seed;
    kernel->lane_shared = chance_below(&chance, 3) == 0;
    kernel->recv_bytes_max = few(&chance, 40);
    kernel->send_bytes_max = few(&chance, 60);
    kernel->window_bytes = chance_below(&chance, 3) == 0 ? 64 + chance_below(&chance, 4000) : 0;
    kernel->late_ns_max = chance_below(&chance, 3) == 0 ? 0 : chance_below(&chance, 20000000);
    kernel->split_percent = percent(&chance, 90);
    kernel->nothing_percent = percent(&chance, 30);
    kernel->hot_percent = percent(&chance, 100);
    kernel->held_percent = percent(&chance, 60);
    kernel->cancel_loses_percent = percent(&chance, 100);
    kernel->spurious_percent = percent(&chance, 20);
    kernel->shuffles = chance_below(&chance, 3) != 0;
    return config;
}

struct chaos_seeds chaos_seeds(int argc, char **argv, uint64_t usual)
{
    struct chaos_seeds seeds = {1, usual};
    if (argc > 1) {
        seeds.first = strtoull(argv[1], NULL, 10);
        seeds.count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    }
    return seeds;
}

void chaos_note(uint64_t seed)
{
    noted = seed;
}

void chaos_tell(void)
{
    if (noted == 0) {
        return;
    }
    fprintf(stderr, "seed %llu; give it as an argument to repeat it\n", (unsigned long long)noted);
}

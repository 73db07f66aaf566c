/* tests/scripted/chaos.c: Random kernel behaviour from a seed. */
#include "tests/scripted/chaos.h"

#include "tests/support/random.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t noted;

/* 0 in one third of the cases, otherwise a number below the limit. */
static uint8_t percent(struct random *random, uint32_t limit)
{
    return (uint8_t)(random_below(random, 3) == 0 ? 0 : random_below(random, limit));
}

static uint32_t few(struct random *random, uint32_t limit)
{
    return random_below(random, 2) == 0 ? 0 : 1 + random_below(random, limit);
}

struct server_fixture_config chaos_config(uint64_t seed)
{
    struct random random = {seed * 1000003};
    struct server_fixture_config config = {0};
    struct kernel_config *kernel = &config.fixture.kernel;
    kernel->seed = seed;
    kernel->lane_shared = random_below(&random, 3) == 0;
    kernel->recv_bytes_max = few(&random, 40);
    kernel->send_bytes_max = few(&random, 60);
    kernel->window_bytes = random_below(&random, 3) == 0 ? 64 + random_below(&random, 4000) : 0;
    kernel->late_ns_max = random_below(&random, 3) == 0 ? 0 : random_below(&random, 20000000);
    kernel->split_percent = percent(&random, 90);
    kernel->nothing_percent = percent(&random, 30);
    kernel->immediate_percent = percent(&random, 100);
    kernel->delay_percent = percent(&random, 60);
    kernel->cancel_loses_percent = percent(&random, 100);
    kernel->spurious_percent = percent(&random, 20);
    kernel->shuffles = random_below(&random, 3) != 0;
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

void chaos_set_seed(uint64_t seed)
{
    noted = seed;
}

void chaos_print(void)
{
    if (noted == 0) {
        return;
    }
    fprintf(stderr, "seed %llu; give it as an argument to repeat it\n", (unsigned long long)noted);
}

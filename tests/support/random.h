/* tests/support/random.h: Random numbers that are the same in every run. */
#ifndef GW_TESTS_SUPPORT_RANDOM_H
#define GW_TESTS_SUPPORT_RANDOM_H

#include <stdint.h>

/* Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t number = random->state += 0x9E3779B97F4A7C15u;
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9u;
    number = (number ^ number >> 27) * 0x94D049BB133111EBu;
    return number ^ number >> 31;
}

/* A number from 0 to `limit` - 1. */
static inline uint32_t random_below(struct random *random, uint32_t limit)
{
    return (uint32_t)(random_next(random) % limit);
}

/* The byte at a position of an endless pattern, in which no two ranges are equal. */
static inline uint8_t pattern_byte(uint64_t seed, uint64_t place)
{
    struct random random = {seed * 0x2545F4914F6CDD1Du + place / 8};
    return (uint8_t)(random_next(&random) >> place % 8 * 8);
}

#endif

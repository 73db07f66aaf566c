/* tests/fuzz/replay.c: main() of a fuzzer without libFuzzer.
 *
 * fuzz_x LIST ROUNDS runs every seed (the lines of LIST are their paths) and ROUNDS mutants of
 * them. The mutants are deterministic.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/support/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS_MAX = 256, BYTES_MAX = 1 << 16 };

struct seed {
    uint8_t *bytes;
    size_t length;
};

static struct seed seeds[SEEDS_MAX];
static size_t seed_count;

static void read_seed(const char *path)
{
    static uint8_t bytes[BYTES_MAX];
    FILE *file = fopen(path, "rb");
    fuzz_expect(file != NULL && seed_count < SEEDS_MAX, "there is no such seed, or too many");
    struct seed *seed = &seeds[seed_count++];
    seed->length = fread(bytes, 1, sizeof bytes, file);
    seed->bytes = malloc(seed->length + 1);
    memcpy(seed->bytes, bytes, seed->length);
    fclose(file);
}

static void read_seeds(const char *list)
{
    char path[4096];
    FILE *file = fopen(list, "r");
    fuzz_expect(file != NULL, "there is no list of seeds");
    while (fgets(path, sizeof path, file) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        read_seed(path);
    }
    fclose(file);
    fuzz_expect(seed_count != 0, "there are no seeds");
}

/* Copies an input into a separate block, so that a sanitizer detects a read beyond its end. */
static void try_bytes(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length == 0 ? 1 : length);
    memcpy(copy, bytes, length);
    LLVMFuzzerTestOneInput(copy, length);
    free(copy);
}

/* Changes, removes or duplicates a few bytes. Returns the new length. */
static size_t mutate_once(struct random *random, uint8_t *bytes, size_t length)
{
    size_t at = random_below(random, (uint32_t)length + 1);
    size_t span = random_below(random, 8) + 1;
    switch (random_below(random, 4)) {
    case 0:
        if (at < length) {
            bytes[at] = (uint8_t)random_below(random, 256);
        }
        return length;
    case 1:
        if (at < length) {
            bytes[at] ^= (uint8_t)(1u << random_below(random, 8));
        }
        return length;
    case 2:
        span = span < length - at ? span : length - at;
        memmove(bytes + at, bytes + at + span, length - at - span);
        return length - span;
    default:
        span = span < length - at ? span : length - at;
        memmove(bytes + at + span, bytes + at, length - at);
        return length + span;
    }
}

static void try_mutant(struct random *random)
{
    static uint8_t bytes[BYTES_MAX + 64];
    const struct seed *seed = &seeds[random_below(random, (uint32_t)seed_count)];
    size_t length = seed->length;
    memcpy(bytes, seed->bytes, length);
    for (uint32_t times = random_below(random, 6) + 1; times > 0; times--) {
        length = mutate_once(random, bytes, length);
    }
    try_bytes(bytes, length);
}

int main(int argc, char **argv)
{
    fuzz_expect(argc == 3, "usage: LIST ROUNDS");
    read_seeds(argv[1]);
    for (size_t i = 0; i < seed_count; i++) {
        try_bytes(seeds[i].bytes, seeds[i].length);
    }
    struct random random = {1};
    for (long rounds = atol(argv[2]); rounds > 0; rounds--) {
        try_mutant(&random);
    }
    for (size_t i = 0; i < seed_count; i++) {
        free(seeds[i].bytes);
    }
    printf("%zu seeds\n", seed_count);
    return 0;
}

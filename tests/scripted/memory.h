/* tests/scripted/memory.h: the heap, counted, and out of memory when a test says so. */
#ifndef GW_TESTS_SCRIPTED_MEMORY_H
#define GW_TESTS_SCRIPTED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The linker sends every malloc, calloc, realloc and free of the house and of the tests here. What
 * the test's own machinery takes unseen is neither counted nor refused.
 */

/* Blocks that were taken and not given back. */
int64_t memory_block_count(void);

/*
 * Expects that so many are. Where thread-locals are emulated (MinGW), their first use takes blocks
 * that stay: there nothing is expected the first time.
 */
void memory_expect_block_count(int64_t expected);

/* From now on allocations are numbered from 1, and the one with this number fails; 0: none. */
void memory_fail_at(uint64_t number);

/* From now on one in `chance` fails, as this seed decides; 0: none. */
void memory_fail_by_random(uint32_t random, uint64_t seed);

/* How many there have been since either call, and how many of them failed. */
uint64_t memory_taken_count(void);
uint64_t memory_failed_count(void);

void *memory_take_unseen(size_t bytes); /* zeroed */
void *memory_resize_unseen(void *memory, size_t bytes);
void memory_free_unseen(void *memory);

#endif

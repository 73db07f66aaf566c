/* tests/scripted/memory.h: Counting allocator with injected failures. */
#ifndef GW_TESTS_SCRIPTED_MEMORY_H
#define GW_TESTS_SCRIPTED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The linker redirects malloc, calloc, realloc and free of the library and of the tests to this
 * file. Memory of the test's own tools ("unseen") is neither counted nor refused. */

/* The number of allocated blocks. */
int64_t memory_block_count(void);

/* Fails unless this many blocks are allocated. Where thread-locals are emulated (MinGW), their
 * first use allocates blocks that stay: the first call then checks nothing. */
void memory_expect_block_count(int64_t expected);

/* Numbers allocations from 1 from now on and fails the one with this number; 0: none. */
void memory_fail_at(uint64_t number);

/* From now on one in `random` allocations fails, decided by this seed; 0: none. */
void memory_fail_randomly(uint32_t random, uint64_t seed);

/* The number of allocations since the last of these calls, and of those that failed. */
uint64_t memory_taken_count(void);
uint64_t memory_failed_count(void);

/* The size of the last allocation. */
size_t memory_last_bytes(void);

void *memory_take_unseen(size_t bytes); /* zeroed */
void *memory_resize_unseen(void *memory, size_t bytes);
void memory_free_unseen(void *memory);

#endif

/* tests/scripted/memory.c: Counting allocator with injected failures. */
#include "tests/scripted/memory.h"

#include "tests/support/random.h"
#include "tests/test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void __real_free(void *memory);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void __wrap_free(void *memory);

static struct {
    _Atomic int64_t block_count;
    _Atomic uint64_t taken_count;
    _Atomic uint64_t failed_count;
    _Atomic size_t last_bytes;
    uint64_t fail_at;
    uint32_t fail_random;
    struct random random;
} heap;

int64_t memory_block_count(void)
{
    return atomic_load(&heap.block_count);
}

static bool thread_locals_take_blocks(void)
{
    static _Thread_local volatile bool is_used;
    int64_t before = memory_block_count();
    is_used = true;
    return is_used && memory_block_count() != before;
}

void memory_expect_block_count(int64_t expected)
{
    static bool is_later;
    if (is_later || !thread_locals_take_blocks()) {
        assert_int_equal(memory_block_count(), expected);
    }
    is_later = true;
}

static void begin_counting(void)
{
    atomic_store(&heap.taken_count, 0);
    atomic_store(&heap.failed_count, 0);
}

void memory_fail_at(uint64_t number)
{
    begin_counting();
    heap.fail_random = 0;
    heap.fail_at = number;
}

void memory_fail_randomly(uint32_t random, uint64_t seed)
{
    begin_counting();
    heap.fail_at = 0;
    heap.random = (struct random){seed};
    heap.fail_random = random;
}

uint64_t memory_taken_count(void)
{
    return atomic_load(&heap.taken_count);
}

uint64_t memory_failed_count(void)
{
    return atomic_load(&heap.failed_count);
}

size_t memory_last_bytes(void)
{
    return atomic_load(&heap.last_bytes);
}

static bool is_refused(size_t bytes)
{
    atomic_store(&heap.last_bytes, bytes);
    uint64_t number = atomic_fetch_add(&heap.taken_count, 1) + 1;
    bool refused = number == heap.fail_at ||
                   (heap.fail_random != 0 && random_below(&heap.random, heap.fail_random) == 0);
    if (refused) {
        atomic_fetch_add(&heap.failed_count, 1);
    }
    return refused;
}

static void *counted(void *memory)
{
    atomic_fetch_add(&heap.block_count, memory != NULL ? 1 : 0);
    return memory;
}

void *__wrap_malloc(size_t bytes)
{
    return is_refused(bytes) ? NULL : counted(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_refused(count * bytes) ? NULL : counted(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    if (is_refused(bytes)) {
        return NULL;
    }
    void *resized = __real_realloc(memory, bytes);
    return memory == NULL ? counted(resized) : resized;
}

void __wrap_free(void *memory)
{
    atomic_fetch_sub(&heap.block_count, memory != NULL ? 1 : 0);
    __real_free(memory);
}

static void *or_give_up(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "the test itself has no memory\n");
        abort();
    }
    return memory;
}

void *memory_take_unseen(size_t bytes)
{
    return or_give_up(__real_calloc(1, bytes));
}

void *memory_resize_unseen(void *memory, size_t bytes)
{
    return or_give_up(__real_realloc(memory, bytes));
}

void memory_free_unseen(void *memory)
{
    __real_free(memory);
}

/* tests/protocol/test_arena.c: Tests of the arena allocator. */
#include "tests/test.h"

#include "protocol/arena.h"

#include <stdalign.h>
#include <string.h>

enum { STEP_BYTES = alignof(max_align_t), ARENA_BYTES = 64 * STEP_BYTES };

static max_align_t memory[ARENA_BYTES / sizeof(max_align_t)];

static void *take(struct gw_arena *arena, size_t bytes)
{
    return arena->allocator.alloc(arena->allocator.allocator_data, bytes);
}

static void every_allocation_is_aligned_for_any_type(void **state)
{
    struct gw_arena arena;
    for (size_t bytes = 0; bytes <= 3 * STEP_BYTES; bytes++) {
        gw_arena_init(&arena, memory, ARENA_BYTES);
        assert_int_equal((uintptr_t)take(&arena, bytes) % STEP_BYTES, 0);
        assert_int_equal((uintptr_t)take(&arena, bytes) % STEP_BYTES, 0);
    }
}

static void allocations_do_not_overlap(void **state)
{
    struct gw_arena arena;
    gw_arena_init(&arena, memory, ARENA_BYTES);
    uint8_t *taken[8];
    for (uint8_t i = 0; i < 8; i++) {
        taken[i] = take(&arena, (size_t)i * 7);
        memset(taken[i], i, (size_t)i * 7);
    }
    for (uint8_t i = 0; i < 8; i++) {
        for (size_t place = 0; place < (size_t)i * 7; place++) {
            assert_int_equal(taken[i][place], i);
        }
    }
}

static void an_allocation_of_0_bytes_has_its_own_address(void **state)
{
    struct gw_arena arena;
    gw_arena_init(&arena, memory, ARENA_BYTES);
    void *first = take(&arena, 0);
    assert_non_null(first);
    assert_ptr_not_equal(first, take(&arena, 0));
    assert_false(arena.exhausted);
}

static void the_whole_block_can_be_allocated_and_no_byte_more(void **state)
{
    struct gw_arena arena;
    gw_arena_init(&arena, memory, ARENA_BYTES);
    assert_null(take(&arena, ARENA_BYTES + 1));
    assert_true(arena.exhausted);
    assert_int_equal(arena.used_bytes, 0);

    gw_arena_reset(&arena);
    assert_false(arena.exhausted);
    assert_non_null(take(&arena, ARENA_BYTES));
    assert_false(arena.exhausted);
    assert_null(take(&arena, 1));
    assert_true(arena.exhausted);
}

static void a_smaller_allocation_succeeds_after_a_failed_one(void **state)
{
    struct gw_arena arena;
    gw_arena_init(&arena, memory, 2 * STEP_BYTES);
    assert_non_null(take(&arena, 1));
    assert_null(take(&arena, STEP_BYTES + 1));
    assert_non_null(take(&arena, STEP_BYTES));
    assert_true(arena.exhausted);
}

static void a_size_that_would_wrap_around_is_refused(void **state)
{
    struct gw_arena arena;
    gw_arena_init(&arena, memory, ARENA_BYTES);
    assert_non_null(take(&arena, 1));
    for (size_t below = 0; below <= 2 * STEP_BYTES; below++) {
        assert_null(take(&arena, SIZE_MAX - below));
    }
    assert_int_equal(arena.used_bytes, STEP_BYTES);
}

static void a_block_smaller_than_one_step_is_not_used(void **state)
{
    struct gw_arena arena;
    gw_arena_init(&arena, memory, 2 * STEP_BYTES - 1);
    assert_non_null(take(&arena, STEP_BYTES));
    assert_null(take(&arena, 1));

    gw_arena_init(&arena, memory, 0);
    assert_null(take(&arena, 0));
    assert_true(arena.exhausted);
}

static void memory_is_freed_by_reset_only(void **state)
{
    struct gw_arena arena;
    gw_arena_init(&arena, memory, ARENA_BYTES);
    void *first = take(&arena, 1);
    arena.allocator.free(arena.allocator.allocator_data, first);
    assert_ptr_not_equal(take(&arena, 1), first);
    gw_arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_ptr_equal(take(&arena, 1), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_is_aligned_for_any_type),
        cmocka_unit_test(allocations_do_not_overlap),
        cmocka_unit_test(an_allocation_of_0_bytes_has_its_own_address),
        cmocka_unit_test(the_whole_block_can_be_allocated_and_no_byte_more),
        cmocka_unit_test(a_smaller_allocation_succeeds_after_a_failed_one),
        cmocka_unit_test(a_size_that_would_wrap_around_is_refused),
        cmocka_unit_test(a_block_smaller_than_one_step_is_not_used),
        cmocka_unit_test(memory_is_freed_by_reset_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/net/test_ring.c: The ring, compared with a plain array of bytes. */
#include "tests/test.h"

#include "net/error.h"
#include "net/pool.h"
#include "net/ring.h"
#include "tests/support/random.h"
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 1 << 16 };

/* A ring, and the bytes that should be in it: all in `bytes`, the borrowed ones at the end. */
struct twin {
    struct gw_ring ring;
    uint32_t capacity_bytes_max;
    struct random random;
    uint8_t bytes[2 * BYTES_MAX];
    uint32_t used;
    uint32_t borrowed; /* of them borrowed */
    uint8_t *loan;     /* of the exact size, so that a sanitizer reports an access beyond it */
};

static void twin_init(struct twin *twin, uint32_t capacity_bytes_max, uint64_t seed)
{
    memset(twin, 0, sizeof(*twin));
    twin->random.state = seed;
    twin->capacity_bytes_max = capacity_bytes_max;
    gw_ring_init(&twin->ring, capacity_bytes_max);
}

static void twin_borrow(struct twin *twin, uint32_t bytes)
{
    twin->loan = malloc(bytes);
    for (uint32_t i = 0; i < bytes; i++) {
        twin->loan[i] = (uint8_t)random_next(&twin->random);
    }
    memcpy(twin->bytes + twin->used, twin->loan, bytes);
    twin->used += bytes;
    twin->borrowed = bytes;
    gw_ring_borrow(&twin->ring, twin->loan, bytes);
}

/* Commits; the ring must not use the borrowed memory any more. */
static int twin_run_now(struct twin *twin)
{
    bool fits = twin->borrowed == 0 || twin->used <= twin->capacity_bytes_max;
    int error = gw_ring_commit(&twin->ring);
    free(twin->loan);
    twin->loan = NULL;
    assert_int_equal(error, fits ? GW_OK : GW_E_FULL);
    if (!fits) {
        twin->used -= twin->borrowed;
    }
    twin->borrowed = 0;
    return error;
}

static void twin_consume(struct twin *twin, uint32_t bytes)
{
    gw_ring_consume(&twin->ring, bytes);
    twin->used -= bytes;
    memmove(twin->bytes, twin->bytes + bytes, twin->used);
    twin->borrowed = twin->borrowed < twin->used ? twin->borrowed : twin->used;
}

static void twin_check(struct twin *twin, uint32_t bytes)
{
    uint8_t *bounce = malloc(bytes);
    assert_int_equal(gw_ring_used_bytes(&twin->ring), twin->used);
    const uint8_t *shown = gw_ring_peek(&twin->ring, bytes, bounce);
    if (bytes > 0) {
        assert_memory_equal(shown, twin->bytes, bytes);
    }
    free(bounce);
    if (twin->used == twin->borrowed) {
        assert_null(twin->ring.memory);
        assert_int_equal(gw__pool_used_bytes(), 0);
    }
}

static void twin_fini(struct twin *twin)
{
    gw_ring_fini(&twin->ring);
    free(twin->loan);
    assert_int_equal(gw__pool_used_bytes(), 0);
}

static uint32_t some_of(struct twin *twin, uint32_t bytes)
{
    return random_below(&twin->random, bytes + 1);
}

static void step(struct twin *twin)
{
    switch (random_below(&twin->random, 4)) {
    case 0:
        if (twin->loan == NULL) {
            twin_borrow(twin, 1 + some_of(twin, twin->capacity_bytes_max / 2));
        }
        break;
    case 1:
        (void)twin_run_now(twin);
        break;
    case 2:
        twin_consume(twin, some_of(twin, twin->used));
        break;
    default:
        twin_check(twin, some_of(twin, twin->used));
        break;
    }
}

static void a_ring_is_a_queue_of_bytes(void **state)
{
    static struct twin twin;
    static const struct {
        uint32_t capacity_bytes_max;
        int step_count;
    } rings[] = {{1, 20000}, {64, 200000}, {256, 100000}, {1024, 50000}, {BYTES_MAX, 3000}};
    for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
        twin_init(&twin, rings[i].capacity_bytes_max, 42 + i);
        for (int j = 0; j < rings[i].step_count; j++) {
            step(&twin);
        }
        twin_fini(&twin);
    }
}

/* As a session uses it: one frame of the maximum size and one receive, frames cut anywhere. */
static void frames_of_any_size_survive_receives_of_any_size(void **state)
{
    static struct twin twin;
    twin_init(&twin, 32 * 1024, 7);
    uint32_t frame = 1;
    for (int i = 0; i < 20000; i++) {
        twin_borrow(&twin, 1 + random_below(&twin.random, 2000));
        while (twin.used >= frame) {
            twin_check(&twin, frame);
            twin_consume(&twin, frame);
            frame = 1 + random_below(&twin.random, 3000);
        }
        assert_int_equal(twin_run_now(&twin), GW_OK);
        twin_check(&twin, twin.used);
    }
    twin_fini(&twin);
}

static void frames_that_arrive_byte_by_byte_are_complete(void **state)
{
    static struct twin twin;
    twin_init(&twin, 4096, 3);
    for (int frame = 0; frame < 3; frame++) {
        for (uint32_t i = 1; i <= 4096; i++) {
            twin_borrow(&twin, 1);
            twin_check(&twin, i);
            assert_int_equal(twin_run_now(&twin), GW_OK);
            twin_check(&twin, i);
        }
        twin_consume(&twin, 4096);
        twin_check(&twin, 0);
    }
    twin_fini(&twin);
}

static void a_ring_accepts_its_capacity_and_not_a_byte_more(void **state)
{
    static struct twin twin;
    twin_init(&twin, 512, 5);
    twin_borrow(&twin, 512);
    assert_int_equal(twin_run_now(&twin), GW_OK);
    twin_check(&twin, 512);
    twin_borrow(&twin, 1);
    twin_check(&twin, 513); /* borrowed, it fits */
    assert_int_equal(twin_run_now(&twin), GW_E_FULL);
    twin_check(&twin, 512);
    twin_consume(&twin, 1);
    twin_borrow(&twin, 1);
    assert_int_equal(twin_run_now(&twin), GW_OK);
    twin_check(&twin, 512); /* across the wrap, and full */
    twin_fini(&twin);
}

static void bytes_across_the_wrap_are_returned_contiguously(void **state)
{
    static struct twin twin;
    for (uint32_t begin = 1; begin < 256; begin++) {
        twin_init(&twin, 256, begin);
        twin_borrow(&twin, 256);
        assert_int_equal(twin_run_now(&twin), GW_OK);
        twin_consume(&twin, begin);
        twin_borrow(&twin, begin);
        assert_int_equal(twin_run_now(&twin), GW_OK);
        twin_check(&twin, 256);
        twin_borrow(&twin, 100);
        twin_check(&twin, 356); /* the wrap and the borrowed bytes together */
        twin_fini(&twin);
    }
}

static void contiguous_bytes_are_returned_in_place(void **state)
{
    static const uint8_t data[64];
    uint8_t bounce[64];
    struct gw_ring ring;
    gw_ring_init(&ring, 256);
    gw_ring_borrow(&ring, data, 64);
    assert_ptr_equal(gw_ring_peek(&ring, 64, bounce), data);
    gw_ring_consume(&ring, 60);
    assert_ptr_equal(gw_ring_peek(&ring, 4, bounce), data + 60);
    assert_int_equal(gw_ring_commit(&ring), GW_OK);
    gw_ring_borrow(&ring, data, 8);
    assert_ptr_equal(gw_ring_peek(&ring, 4, bounce), ring.memory);
    assert_ptr_equal(gw_ring_peek(&ring, 5, bounce), bounce);
    gw_ring_consume(&ring, 4);
    assert_ptr_equal(gw_ring_peek(&ring, 8, bounce), data); /* after the partial frame, again */
    gw_ring_fini(&ring);
}

static void growing_across_the_wrap_keeps_the_order(void **state)
{
    static struct twin twin;
    twin_init(&twin, 1024, 11);
    twin_borrow(&twin, 256);
    assert_int_equal(twin_run_now(&twin), GW_OK);
    twin_consume(&twin, 200);
    twin_borrow(&twin, 150);
    assert_int_equal(twin_run_now(&twin), GW_OK); /* lies across the wrap of 256 */
    twin_borrow(&twin, 700);
    assert_int_equal(twin_run_now(&twin), GW_OK); /* 906 of 1,024 */
    twin_check(&twin, 906);
    twin_fini(&twin);
}

static void the_counters_of_a_ring_can_wrap(void **state)
{
    static struct twin twin;
    twin_init(&twin, 256, 13);
    twin_borrow(&twin, 200);
    assert_int_equal(twin_run_now(&twin), GW_OK);
    twin.ring.head += UINT32_MAX - 511; /* a multiple of the capacity */
    twin.ring.tail += UINT32_MAX - 511;
    for (int i = 0; i < 100; i++) {
        twin_consume(&twin, 37);
        twin_check(&twin, twin.used);
        twin_borrow(&twin, 37);
        assert_int_equal(twin_run_now(&twin), GW_OK);
        twin_check(&twin, 200);
    }
    assert_true(twin.ring.tail < 8192);
    twin_fini(&twin);
}

static void an_empty_ring_uses_no_memory(void **state)
{
    static struct twin twin;
    twin_init(&twin, BYTES_MAX, 17);
    assert_int_equal(gw__pool_used_bytes(), 0);
    twin_borrow(&twin, 5000);
    assert_int_equal(gw__pool_used_bytes(), 0);
    assert_int_equal(twin_run_now(&twin), GW_OK);
    assert_int_equal(gw__pool_used_bytes(), 8192);
    twin_consume(&twin, 4999);
    assert_int_equal(gw__pool_used_bytes(), 8192);
    twin_consume(&twin, 1);
    assert_int_equal(gw__pool_used_bytes(), 0);
    twin_fini(&twin);
}

static void a_ring_can_be_finished_at_any_time_and_twice(void **state)
{
    static const uint8_t data[64];
    struct gw_ring ring = {.borrowed = NULL};
    gw_ring_fini(&ring);
    gw_ring_init(&ring, 256);
    gw_ring_borrow(&ring, data, 64);
    assert_int_equal(gw_ring_commit(&ring), GW_OK);
    gw_ring_borrow(&ring, data, 64);
    gw_ring_fini(&ring);
    gw_ring_fini(&ring);
    assert_int_equal(gw_ring_used_bytes(&ring), 0);
    assert_int_equal(gw__pool_used_bytes(), 0);
}

/* The reader of a stream gives both numbers. */
static void a_peek_beyond_the_end_fails_and_a_consume_beyond_it_empties_the_ring(void **state)
{
    struct gw_ring ring;
    uint8_t bounce[8];
    gw_ring_init(&ring, 256);
    assert_null(gw_ring_peek(&ring, 1, bounce));
    gw_ring_consume(&ring, UINT32_MAX);
    gw_ring_borrow(&ring, (const uint8_t *)"1234", 4);
    assert_null(gw_ring_peek(&ring, 5, bounce));
    assert_memory_equal(gw_ring_peek(&ring, 4, bounce), "1234", 4);
    assert_int_equal(gw_ring_commit(&ring), GW_OK);
    gw_ring_borrow(&ring, (const uint8_t *)"56", 2);
    assert_null(gw_ring_peek(&ring, 7, bounce));
    assert_memory_equal(gw_ring_peek(&ring, 6, bounce), "123456", 6);
    gw_ring_consume(&ring, 7);
    assert_int_equal(gw_ring_used_bytes(&ring), 0);
    gw_ring_fini(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_is_a_queue_of_bytes),
        cmocka_unit_test(frames_of_any_size_survive_receives_of_any_size),
        cmocka_unit_test(frames_that_arrive_byte_by_byte_are_complete),
        cmocka_unit_test(a_ring_accepts_its_capacity_and_not_a_byte_more),
        cmocka_unit_test(bytes_across_the_wrap_are_returned_contiguously),
        cmocka_unit_test(contiguous_bytes_are_returned_in_place),
        cmocka_unit_test(growing_across_the_wrap_keeps_the_order),
        cmocka_unit_test(the_counters_of_a_ring_can_wrap),
        cmocka_unit_test(an_empty_ring_uses_no_memory),
        cmocka_unit_test(a_peek_beyond_the_end_fails_and_a_consume_beyond_it_empties_the_ring),
        cmocka_unit_test(a_ring_can_be_finished_at_any_time_and_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

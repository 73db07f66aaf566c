/* tests/session/test_slots.c: Table of sessions by id, with generations. */
#include "tests/test.h"

#include "net/os/os.h"
#include "session/slots.h"

#include <stdatomic.h>
#include <stdlib.h>

static struct gw_slots slots;

static int open_slots(void **state)
{
    return gw__slots_init(&slots, 2 * GW_SLOT_PAGE_COUNT) ? 0 : -1;
}

static int close_slots(void **state)
{
    gw__slots_fini(&slots);
    return 0;
}

static uint64_t take_shown(void *object)
{
    uint64_t id = gw__slots_acquire(&slots, object);
    gw__slots_publish(&slots, id);
    return id;
}

static void an_object_is_found_from_show_on(void **state)
{
    int object;
    uint64_t id = gw__slots_acquire(&slots, &object);
    assert_int_not_equal(id, 0);
    assert_null(gw__slots_find(&slots, id));
    gw__slots_publish(&slots, id);
    assert_ptr_equal(gw__slots_find(&slots, id), &object);
    assert_false(gw__slots_unref(&slots, id));
    assert_true(gw__slots_unref(&slots, id));
}

static void an_ended_object_is_not_found_but_stays_while_it_is_referenced(void **state)
{
    int object;
    int other;
    uint64_t id = take_shown(&object);
    assert_ptr_equal(gw__slots_find(&slots, id), &object);
    gw__slots_end(&slots, id);
    assert_null(gw__slots_find(&slots, id));
    uint64_t other_id = take_shown(&other);
    assert_int_not_equal((uint32_t)id, (uint32_t)other_id);
    assert_false(gw__slots_unref(&slots, id));
    assert_true(gw__slots_unref(&slots, id));
    assert_true(gw__slots_unref(&slots, other_id));
}

static void an_object_that_ends_before_show_is_never_found(void **state)
{
    int object;
    uint64_t id = gw__slots_acquire(&slots, &object);
    gw__slots_end(&slots, id);
    gw__slots_publish(&slots, id);
    assert_null(gw__slots_find(&slots, id));
    assert_true(gw__slots_unref(&slots, id));
}

static void a_stale_id_finds_nothing(void **state)
{
    int first;
    int second;
    uint64_t stale = take_shown(&first);
    assert_true(gw__slots_unref(&slots, stale));
    assert_null(gw__slots_find(&slots, stale));
    uint64_t id = take_shown(&second);
    assert_int_equal((uint32_t)id, (uint32_t)stale);
    assert_int_not_equal(id, stale);
    assert_null(gw__slots_find(&slots, stale));
    assert_ptr_equal(gw__slots_find(&slots, id), &second);
    gw__slots_unref(&slots, id);
    gw__slots_unref(&slots, id);
}

static void an_id_that_was_never_issued_finds_nothing(void **state)
{
    int object;
    uint64_t id = take_shown(&object);
    static const uint64_t ids[] = {0, 1, UINT32_MAX, UINT64_MAX, UINT64_C(1) << 32 | UINT32_MAX};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_null(gw__slots_find(&slots, ids[i]));
    }
    assert_null(gw__slots_find(&slots, id + 1));
    assert_null(gw__slots_find(&slots, id - (UINT64_C(1) << 32)));
    assert_null(gw__slots_find(&slots, id + (UINT64_C(1) << 32)));
    assert_true(gw__slots_unref(&slots, id));
}

static void the_generation_wraps_to_the_first(void **state)
{
    int object;
    assert_true(gw__slots_unref(&slots, take_shown(&object)));
    struct gw_slot *slot = &atomic_load(&slots.pages[0])[0];
    atomic_store(&slot->word, (uint64_t)UINT32_MAX << 32);
    uint64_t last = take_shown(&object);
    assert_int_equal(last >> 32, UINT32_MAX);
    assert_true(gw__slots_unref(&slots, last));
    uint64_t first = take_shown(&object);
    assert_int_equal(first, UINT64_C(1) << 32);
    assert_true(gw__slots_unref(&slots, first));
}

static void the_table_has_the_requested_number_of_slots(void **state)
{
    int object;
    uint64_t ids[2 * GW_SLOT_PAGE_COUNT];
    for (size_t i = 0; i < 2 * GW_SLOT_PAGE_COUNT; i++) {
        ids[i] = take_shown(&object);
        assert_int_not_equal(ids[i], 0);
    }
    assert_int_equal(gw__slots_acquire(&slots, &object), 0);
    assert_true(gw__slots_unref(&slots, ids[7]));
    ids[7] = take_shown(&object);
    assert_int_not_equal(ids[7], 0);
    assert_int_equal(gw__slots_acquire(&slots, &object), 0);
    for (size_t i = 0; i < 2 * GW_SLOT_PAGE_COUNT; i++) {
        assert_true(gw__slots_unref(&slots, ids[i]));
    }
}

static void each_slot_is_visited_while_it_is_in_use(void **state)
{
    int objects[3];
    uint64_t ids[3];
    for (size_t i = 0; i < 3; i++) {
        ids[i] = take_shown(&objects[i]);
    }
    gw__slots_end(&slots, ids[1]);
    assert_int_equal(gw__slots_count(&slots), 3);
    assert_ptr_equal(gw__slots_find_at(&slots, 0), &objects[0]);
    assert_null(gw__slots_find_at(&slots, 1));
    assert_ptr_equal(gw__slots_find_at(&slots, 2), &objects[2]);
    gw__slots_unref(&slots, ids[0]);
    gw__slots_unref(&slots, ids[2]);
    for (size_t i = 0; i < 3; i++) {
        assert_true(gw__slots_unref(&slots, ids[i]));
    }
    assert_null(gw__slots_find_at(&slots, 0));
}

/* The race: threads add and end objects while others find and reference them. */
enum {
    OWNER_COUNT = 2,
    FINDER_COUNT = 2,
    AT_ONCE_COUNT = 4, /* objects of one owner */
    PUBLISHED_COUNT = 16,
    ROUND_COUNT = 20000,
    FOUND_COUNT = 5000,
    VALID_MARK = 0x5EA7
};

struct object {
    uint64_t id;
    int mark;
};

static _Atomic uint64_t published[PUBLISHED_COUNT]; /* ids, mostly stale */
static atomic_uint found_count;
static atomic_uint fault_count;
static atomic_uint freed_count;
static atomic_bool owners_are_done;

/* cmocka's assertions work on the thread of the test alone. */
static void expect_that(bool holds)
{
    if (!holds) {
        atomic_fetch_add(&fault_count, 1);
    }
}

static void release(struct object *object)
{
    expect_that(object->mark == VALID_MARK);
    uint64_t id = object->id;
    if (gw__slots_unref(&slots, id)) {
        object->mark = 0;
        free(object);
        atomic_fetch_add(&freed_count, 1);
    }
}

static struct object *add_object(unsigned round)
{
    struct object *object = malloc(sizeof(*object));
    object->mark = VALID_MARK;
    object->id = gw__slots_acquire(&slots, object);
    expect_that(object->id != 0);
    gw__slots_publish(&slots, object->id);
    atomic_store(&published[round % PUBLISHED_COUNT], object->id);
    return object;
}

/* Half of the objects end before they are released. */
static void end_and_release(struct object *object, unsigned round)
{
    if (object != NULL) {
        if (round % 2 == 0) {
            gw__slots_end(&slots, object->id);
        }
        release(object);
    }
}

static void add_and_release_objects(void *argument)
{
    struct object *objects[AT_ONCE_COUNT] = {NULL};
    atomic_uint *round_count = argument;
    unsigned round = 0;
    while (round < ROUND_COUNT || atomic_load(&found_count) < FOUND_COUNT) {
        end_and_release(objects[round % AT_ONCE_COUNT], round);
        objects[round % AT_ONCE_COUNT] = add_object(round);
        round++;
    }
    atomic_fetch_add(round_count, round);
    for (unsigned i = 0; i < AT_ONCE_COUNT; i++) {
        end_and_release(objects[i], i);
    }
}

static void look_at(struct object *object)
{
    if (object != NULL) {
        atomic_fetch_add(&found_count, 1);
        release(object);
    }
}

static void find_and_reference(void *argument)
{
    for (unsigned i = 0; !atomic_load(&owners_are_done); i++) {
        uint64_t id = atomic_load(&published[i % PUBLISHED_COUNT]);
        struct object *object = gw__slots_find(&slots, id);
        expect_that(object == NULL || object->id == id);
        look_at(object);
        uint32_t count = gw__slots_count(&slots);
        look_at(count == 0 ? NULL : gw__slots_find_at(&slots, i % count));
    }
}

static void a_found_object_is_valid_while_its_slot_is_reused(void **state)
{
    os_thread owners[OWNER_COUNT];
    os_thread finders[FINDER_COUNT];
    atomic_uint round_count = 0;
    for (int i = 0; i < FINDER_COUNT; i++) {
        assert_int_equal(os_thread_start(&finders[i], find_and_reference, NULL), 0);
    }
    for (int i = 0; i < OWNER_COUNT; i++) {
        assert_int_equal(os_thread_start(&owners[i], add_and_release_objects, &round_count), 0);
    }
    for (int i = 0; i < OWNER_COUNT; i++) {
        os_thread_join(owners[i]);
    }
    atomic_store(&owners_are_done, true);
    for (int i = 0; i < FINDER_COUNT; i++) {
        os_thread_join(finders[i]);
    }
    assert_int_equal(atomic_load(&fault_count), 0);
    assert_int_equal(atomic_load(&freed_count), atomic_load(&round_count));
    /* A referenced object keeps its slot, so there are few more slots than objects. */
    assert_in_range(gw__slots_count(&slots), 1,
                    OWNER_COUNT * (AT_ONCE_COUNT + 1) + FINDER_COUNT * 2);
    for (size_t i = 0; i < PUBLISHED_COUNT; i++) {
        assert_null(gw__slots_find(&slots, atomic_load(&published[i])));
    }
}

#define SLOTS_TEST(test) cmocka_unit_test_setup_teardown(test, open_slots, close_slots)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SLOTS_TEST(an_object_is_found_from_show_on),
        SLOTS_TEST(an_ended_object_is_not_found_but_stays_while_it_is_referenced),
        SLOTS_TEST(an_object_that_ends_before_show_is_never_found),
        SLOTS_TEST(a_stale_id_finds_nothing),
        SLOTS_TEST(an_id_that_was_never_issued_finds_nothing),
        SLOTS_TEST(the_generation_wraps_to_the_first),
        SLOTS_TEST(the_table_has_the_requested_number_of_slots),
        SLOTS_TEST(each_slot_is_visited_while_it_is_in_use),
        SLOTS_TEST(a_found_object_is_valid_while_its_slot_is_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

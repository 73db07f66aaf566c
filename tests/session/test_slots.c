/* tests/session/test_slots.c: a stale id finds nobody, and a found object stays. */
#include "tests/test.h"

#include "net/os/os.h"
#include "session/slots.h"

#include <stdatomic.h>
#include <stdlib.h>

static struct gw_slots slots;

static int open_slots(void **state)
{
    (void)state;
    return gw__slots_init(&slots, 2 * GW_SLOT_PAGE_COUNT) ? 0 : -1;
}

static int close_slots(void **state)
{
    (void)state;
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
    (void)state;
    int object;
    uint64_t id = gw__slots_acquire(&slots, &object);
    assert_int_not_equal(id, 0);
    assert_null(gw__slots_find(&slots, id));
    gw__slots_publish(&slots, id);
    assert_ptr_equal(gw__slots_find(&slots, id), &object);
    assert_false(gw__slots_unref(&slots, id));
    assert_true(gw__slots_unref(&slots, id));
}

static void an_object_that_has_ended_is_not_found_but_stays_while_it_is_held(void **state)
{
    (void)state;
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

static void who_ends_before_it_is_shown_is_never_found(void **state)
{
    (void)state;
    int object;
    uint64_t id = gw__slots_acquire(&slots, &object);
    gw__slots_end(&slots, id);
    gw__slots_publish(&slots, id);
    assert_null(gw__slots_find(&slots, id));
    assert_true(gw__slots_unref(&slots, id));
}

static void a_stale_id_finds_nobody(void **state)
{
    (void)state;
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

static void an_id_that_was_never_given_finds_nobody(void **state)
{
    (void)state;
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

static void after_the_last_generation_comes_the_first(void **state)
{
    (void)state;
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

static void there_are_as_many_slots_as_were_asked_for(void **state)
{
    (void)state;
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

static void each_place_is_seen_as_long_as_somebody_sits_there(void **state)
{
    (void)state;
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

/* The race: owners come and go, finders hold on to whoever they find. */
enum {
    OWNER_COUNT = 2,
    FINDER_COUNT = 2,
    AT_ONCE_COUNT = 4, /* guests of one owner */
    BOARD_COUNT = 16,
    LIFE_COUNT = 20000,
    FOUND_COUNT = 5000,
    ALIVE = 0x5EA7
};

struct guest {
    uint64_t id;
    int alive;
};

static _Atomic uint64_t board[BOARD_COUNT]; /* ids, mostly stale */
static atomic_uint found_count;
static atomic_uint fault_count;
static atomic_uint freed_count;
static atomic_bool owners_are_done;

/* For threads that are not the test's. */
static void expect_that(bool holds)
{
    if (!holds) {
        atomic_fetch_add(&fault_count, 1);
    }
}

static void let_go(struct guest *guest)
{
    expect_that(guest->alive == ALIVE);
    uint64_t id = guest->id;
    if (gw__slots_unref(&slots, id)) {
        guest->alive = 0;
        free(guest);
        atomic_fetch_add(&freed_count, 1);
    }
}

static struct guest *invite(unsigned life)
{
    struct guest *guest = malloc(sizeof(*guest));
    guest->alive = ALIVE;
    guest->id = gw__slots_acquire(&slots, guest);
    expect_that(guest->id != 0);
    gw__slots_publish(&slots, guest->id);
    atomic_store(&board[life % BOARD_COUNT], guest->id);
    return guest;
}

/* Some end before they are let go of, some are just let go of. */
static void part_from(struct guest *guest, unsigned life)
{
    if (guest != NULL) {
        if (life % 2 == 0) {
            gw__slots_end(&slots, guest->id);
        }
        let_go(guest);
    }
}

static void come_and_go(void *argument)
{
    struct guest *guests[AT_ONCE_COUNT] = {NULL};
    atomic_uint *life_count = argument;
    unsigned life = 0;
    while (life < LIFE_COUNT || atomic_load(&found_count) < FOUND_COUNT) {
        part_from(guests[life % AT_ONCE_COUNT], life);
        guests[life % AT_ONCE_COUNT] = invite(life);
        life++;
    }
    atomic_fetch_add(life_count, life);
    for (unsigned i = 0; i < AT_ONCE_COUNT; i++) {
        part_from(guests[i], i);
    }
}

static void look_at(struct guest *guest)
{
    if (guest != NULL) {
        atomic_fetch_add(&found_count, 1);
        let_go(guest);
    }
}

static void find_and_hold(void *argument)
{
    (void)argument;
    for (unsigned i = 0; !atomic_load(&owners_are_done); i++) {
        uint64_t id = atomic_load(&board[i % BOARD_COUNT]);
        struct guest *guest = gw__slots_find(&slots, id);
        expect_that(guest == NULL || guest->id == id);
        look_at(guest);
        uint32_t count = gw__slots_count(&slots);
        look_at(count == 0 ? NULL : gw__slots_find_at(&slots, i % count));
    }
}

static void who_is_found_is_alive_while_others_end_and_take_the_same_seats(void **state)
{
    (void)state;
    os_thread owners[OWNER_COUNT];
    os_thread finders[FINDER_COUNT];
    atomic_uint life_count = 0;
    for (int i = 0; i < FINDER_COUNT; i++) {
        assert_int_equal(os_thread_start(&finders[i], find_and_hold, NULL), 0);
    }
    for (int i = 0; i < OWNER_COUNT; i++) {
        assert_int_equal(os_thread_start(&owners[i], come_and_go, &life_count), 0);
    }
    for (int i = 0; i < OWNER_COUNT; i++) {
        os_thread_join(owners[i]);
    }
    atomic_store(&owners_are_done, true);
    for (int i = 0; i < FINDER_COUNT; i++) {
        os_thread_join(finders[i]);
    }
    assert_int_equal(atomic_load(&fault_count), 0);
    assert_int_equal(atomic_load(&freed_count), atomic_load(&life_count));
    /* Who is held keeps its slot: there are never many more slots than guests. */
    assert_in_range(gw__slots_count(&slots), 1,
                    OWNER_COUNT * (AT_ONCE_COUNT + 1) + FINDER_COUNT * 2);
    for (size_t i = 0; i < BOARD_COUNT; i++) {
        assert_null(gw__slots_find(&slots, atomic_load(&board[i])));
    }
}

#define SLOTS_TEST(test) cmocka_unit_test_setup_teardown(test, open_slots, close_slots)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SLOTS_TEST(an_object_is_found_from_show_on),
        SLOTS_TEST(an_object_that_has_ended_is_not_found_but_stays_while_it_is_held),
        SLOTS_TEST(who_ends_before_it_is_shown_is_never_found),
        SLOTS_TEST(a_stale_id_finds_nobody),
        SLOTS_TEST(an_id_that_was_never_given_finds_nobody),
        SLOTS_TEST(after_the_last_generation_comes_the_first),
        SLOTS_TEST(there_are_as_many_slots_as_were_asked_for),
        SLOTS_TEST(each_place_is_seen_as_long_as_somebody_sits_there),
        SLOTS_TEST(who_is_found_is_alive_while_others_end_and_take_the_same_seats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

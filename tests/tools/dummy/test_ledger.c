/* tests/tools/dummy/test_ledger.c: each kind of fault is caught, and a clean run is clean. */
#include "tests/test.h"
#include "tools/dummy-client/ledger.h"
#include "tools/dummy-client/room.h"
#include <string.h>

/* A room of three, whose last line was 10 before they came. Ann is 0, Bob 1 and Cat 2. */
enum { ANN, BOB, CAT, MEMBER_COUNT };

static struct dummy_room room;
static struct dummy_ledger ledgers[MEMBER_COUNT];
static uint64_t line_last;
static uint64_t said[MEMBER_COUNT];

static dummy_place home(uint32_t member)
{
    return dummy_place_at((int32_t)member * 10, 0);
}

static void enter(uint32_t self)
{
    assert_int_equal(dummy_ledger_enter(&ledgers[self], &room, self, line_last), 0);
    for (uint32_t other = 0; other < self; other++) {
        dummy_ledger_was_here(&ledgers[self], other, home(other));
        dummy_ledger_joined(&ledgers[other], self, home(self));
    }
    dummy_ledger_was_here(&ledgers[self], self, home(self));
    dummy_room_enter(&room, self, line_last, home(self));
}

static int open_room(void **state)
{
    (void)state;
    line_last = 10;
    memset(said, 0, sizeof said);
    memset(ledgers, 0, sizeof ledgers);
    assert_int_equal(dummy_room_init(&room, 100, MEMBER_COUNT), 0);
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        enter(member);
    }
    return 0;
}

static int close_room(void **state)
{
    (void)state;
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        dummy_ledger_fini(&ledgers[member]);
    }
    dummy_room_fini(&room);
    return 0;
}

/* Somebody says something; all but `deaf` hear it. */
static void say(uint32_t speaker, uint32_t closed)
{
    dummy_room_say(&room);
    said[speaker]++;
    line_last++;
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        if (member != closed) {
            dummy_ledger_line(&ledgers[member], speaker, said[speaker], line_last);
        }
    }
}

static void move(uint32_t mover, dummy_place place, uint32_t blind)
{
    dummy_room_move(&room, mover, place);
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        if (member != blind) {
            dummy_ledger_moved(&ledgers[member], mover, place);
        }
    }
}

enum { NOBODY = MEMBER_COUNT };

static void check(void)
{
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        if (atomic_load(&room.members[member].here)) {
            dummy_ledger_freeze(&ledgers[member]);
        }
    }
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        if (ledgers[member].frozen) {
            dummy_ledger_check(&ledgers[member]);
        }
    }
}

/* All ledgers together have `count` faults of this kind, and none of another. */
static void assert_only(enum dummy_fault fault, uint64_t count)
{
    uint64_t found[DUMMY_FAULT_COUNT] = {0};
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        for (int i = 0; i < DUMMY_FAULT_COUNT; i++) {
            found[i] += dummy_ledger_fault_count(&ledgers[member], (enum dummy_fault)i);
        }
    }
    for (int i = 0; i < DUMMY_FAULT_COUNT; i++) {
        assert_int_equal(found[i], i == (int)fault ? count : 0);
    }
}

static void a_clean_run_is_clean(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 300; round++) {
        say(round % MEMBER_COUNT, NOBODY);
        move(ANN, dummy_place_step(ANN, round), NOBODY);
    }
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        assert_true(dummy_ledger_is_complete(&ledgers[member]));
    }
    check();
    assert_only(DUMMY_LOST, 0);
    assert_int_equal(dummy_ledger_own_lines(&ledgers[ANN]), 100);
}

static void a_line_that_one_listener_misses_is_lost_once(void **state)
{
    (void)state;
    say(ANN, NOBODY);
    say(ANN, CAT);
    say(BOB, NOBODY);
    say(ANN, NOBODY);
    check();
    assert_only(DUMMY_LOST, 1);
}

static void a_last_line_that_one_listener_misses_is_lost(void **state)
{
    (void)state;
    say(ANN, NOBODY);
    say(ANN, CAT);
    assert_false(dummy_ledger_is_complete(&ledgers[CAT]));
    assert_true(dummy_ledger_is_complete(&ledgers[BOB]));
    check();
    assert_only(DUMMY_LOST, 1);
}

static void a_line_that_the_server_never_took_in_is_lost_by_all(void **state)
{
    (void)state;
    say(ANN, NOBODY);
    dummy_room_say(&room);
    said[ANN]++;
    say(ANN, NOBODY);
    check();
    assert_only(DUMMY_LOST, MEMBER_COUNT);
}

static void a_line_that_comes_twice_is_doubled(void **state)
{
    (void)state;
    say(ANN, NOBODY);
    dummy_ledger_line(&ledgers[BOB], ANN, said[ANN], line_last);
    check();
    assert_only(DUMMY_DOUBLED, 1);
}

static void a_line_that_the_server_counts_twice_is_doubled_for_all(void **state)
{
    (void)state;
    say(ANN, NOBODY);
    line_last++;
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        dummy_ledger_line(&ledgers[member], ANN, said[ANN], line_last);
    }
    check();
    assert_only(DUMMY_DOUBLED, MEMBER_COUNT);
}

static void two_lines_in_the_wrong_order_are_out_of_order(void **state)
{
    (void)state;
    say(ANN, NOBODY);
    say(ANN, CAT);
    say(ANN, CAT);
    dummy_ledger_line(&ledgers[CAT], ANN, 3, 13);
    dummy_ledger_line(&ledgers[CAT], ANN, 2, 12);
    check();
    assert_only(DUMMY_OUT_OF_ORDER, 1);
}

static void a_sender_whose_lines_are_swapped_by_the_server_is_out_of_order(void **state)
{
    (void)state;
    say(BOB, NOBODY);
    dummy_room_say(&room);
    dummy_room_say(&room);
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        dummy_ledger_line(&ledgers[member], BOB, 3, 12);
        dummy_ledger_line(&ledgers[member], BOB, 2, 13);
    }
    check();
    assert_only(DUMMY_OUT_OF_ORDER, MEMBER_COUNT);
}

static void a_wrong_position_is_caught(void **state)
{
    (void)state;
    move(BOB, dummy_place_at(5, 5), ANN);
    assert_false(dummy_ledger_is_complete(&ledgers[ANN]));
    check();
    assert_only(DUMMY_WRONG_POSITION, 1);
}

static void who_is_here_and_not_known_has_a_wrong_position(void **state)
{
    (void)state;
    dummy_ledger_gone(&ledgers[ANN], CAT);
    check();
    assert_only(DUMMY_WRONG_POSITION, 1);
}

static void who_speaks_and_is_not_here_is_garbled(void **state)
{
    (void)state;
    dummy_ledger_gone(&ledgers[ANN], CAT);
    dummy_room_lose(&room, CAT, 0);
    say(CAT, CAT);
    check();
    /* Bob was not told that Cat is gone. Her own ledger is not judged. */
    assert_only(DUMMY_GARBLED, 1);
}

static void who_joins_twice_is_doubled(void **state)
{
    (void)state;
    dummy_ledger_joined(&ledgers[ANN], CAT, home(CAT));
    check();
    assert_only(DUMMY_DOUBLED, 1);
}

static void the_first_line_of_who_joined_is_his_line_1(void **state)
{
    (void)state;
    dummy_room_say(&room);
    said[CAT]++;
    say(CAT, NOBODY);
    check();
    assert_only(DUMMY_LOST, MEMBER_COUNT);
}

static void what_comes_before_the_room_is_entered_is_garbled(void **state)
{
    (void)state;
    dummy_ledger_fini(&ledgers[CAT]);
    dummy_ledger_line(&ledgers[CAT], ANN, 1, 11);
    dummy_ledger_moved(&ledgers[CAT], ANN, home(ANN));
    assert_only(DUMMY_GARBLED, 2);
}

static void what_comes_after_the_freeze_is_not_received(void **state)
{
    (void)state;
    say(ANN, NOBODY);
    dummy_ledger_freeze(&ledgers[BOB]);
    dummy_ledger_gone(&ledgers[BOB], ANN);
    dummy_ledger_line(&ledgers[BOB], CAT, 99, 99);
    check();
    assert_only(DUMMY_LOST, 0);
}

static void who_is_gone_early_may_have_said_a_last_line_or_not(void **state)
{
    (void)state;
    say(ANN, NOBODY);
    dummy_room_say(&room); /* Cat's, on its way when she vanished */
    dummy_room_lose(&room, CAT, 1);
    dummy_ledger_gone(&ledgers[ANN], CAT);
    dummy_ledger_gone(&ledgers[BOB], CAT);
    assert_false(dummy_ledger_is_complete(&ledgers[ANN]));
    check();
    assert_only(DUMMY_LOST, 0);
}

static void a_doubtful_line_that_one_has_received_all_must_receive(void **state)
{
    (void)state;
    say(CAT, BOB);
    dummy_room_lose(&room, CAT, 1);
    dummy_ledger_gone(&ledgers[ANN], CAT);
    dummy_ledger_gone(&ledgers[BOB], CAT);
    check();
    assert_only(DUMMY_LOST, 1);
}

static void with_outsiders_only_the_order_is_checked(void **state)
{
    (void)state;
    dummy_ledger_outsider(&ledgers[ANN]);
    dummy_ledger_odd_line(&ledgers[ANN], 11);
    dummy_ledger_odd_line(&ledgers[ANN], 12);
    assert_true(dummy_ledger_is_complete(&ledgers[ANN]));
    check();
    assert_only(DUMMY_LOST, 0);
    assert_true(atomic_load(&room.has_outsiders));
}

static void a_hole_among_outsiders_is_lost_too(void **state)
{
    (void)state;
    dummy_ledger_outsider(&ledgers[ANN]);
    dummy_ledger_odd_line(&ledgers[ANN], 12);
    check();
    assert_only(DUMMY_LOST, 1);
}

#define IN_ROOM(test) cmocka_unit_test_setup_teardown(test, open_room, close_room)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ROOM(a_clean_run_is_clean),
        IN_ROOM(a_line_that_one_listener_misses_is_lost_once),
        IN_ROOM(a_last_line_that_one_listener_misses_is_lost),
        IN_ROOM(a_line_that_the_server_never_took_in_is_lost_by_all),
        IN_ROOM(a_line_that_comes_twice_is_doubled),
        IN_ROOM(a_line_that_the_server_counts_twice_is_doubled_for_all),
        IN_ROOM(two_lines_in_the_wrong_order_are_out_of_order),
        IN_ROOM(a_sender_whose_lines_are_swapped_by_the_server_is_out_of_order),
        IN_ROOM(a_wrong_position_is_caught),
        IN_ROOM(who_is_here_and_not_known_has_a_wrong_position),
        IN_ROOM(who_speaks_and_is_not_here_is_garbled),
        IN_ROOM(who_joins_twice_is_doubled),
        IN_ROOM(the_first_line_of_who_joined_is_his_line_1),
        IN_ROOM(what_comes_before_the_room_is_entered_is_garbled),
        IN_ROOM(what_comes_after_the_freeze_is_not_received),
        IN_ROOM(who_is_gone_early_may_have_said_a_last_line_or_not),
        IN_ROOM(a_doubtful_line_that_one_has_received_all_must_receive),
        IN_ROOM(with_outsiders_only_the_order_is_checked),
        IN_ROOM(a_hole_among_outsiders_is_lost_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

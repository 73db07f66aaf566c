/* tests/tools/dummy/test_ledger.c: tests of the ledger: each kind of fault is counted. */
#include "tests/test.h"
#include "tools/dummy-client/ledger.h"
#include "tools/dummy-client/room.h"
#include "tools/dummy-client/script.h"
#include <string.h>

/* A room of three clients, entered after line 10. */
enum { ANN, BOB, CAT, MEMBER_COUNT };

static struct dummy_room room;
static struct dummy_ledger ledgers[MEMBER_COUNT];
static uint64_t line_last;
static uint64_t said[MEMBER_COUNT];

static dummy_position start(uint32_t member)
{
    return dummy_position_at((int32_t)member * 10, 0);
}

static void enter(uint32_t self)
{
    assert_int_equal(dummy_ledger_enter(&ledgers[self], &room, self, line_last), 0);
    for (uint32_t other = 0; other < self; other++) {
        dummy_ledger_was_here(&ledgers[self], other, start(other));
        dummy_ledger_joined(&ledgers[other], self, start(self));
    }
    dummy_ledger_was_here(&ledgers[self], self, start(self));
    dummy_room_enter(&room, self, line_last, start(self));
}

static int open_room(void **state)
{
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
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        dummy_ledger_fini(&ledgers[member]);
    }
    dummy_room_fini(&room);
    return 0;
}

/* A member sends a line; all but `missing` receive it. */
static void say(uint32_t speaker, uint32_t missing)
{
    dummy_room_say(&room);
    said[speaker]++;
    line_last++;
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        if (member != missing) {
            dummy_ledger_line(&ledgers[member], speaker, said[speaker], line_last);
        }
    }
}

static void move(uint32_t mover, dummy_position position, uint32_t missing)
{
    dummy_room_move(&room, mover, position);
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        if (member != missing) {
            dummy_ledger_moved(&ledgers[member], mover, position);
        }
    }
}

enum { NONE = MEMBER_COUNT };

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

static void a_run_without_faults_counts_none(void **state)
{
    for (uint32_t round = 0; round < 300; round++) {
        say(round % MEMBER_COUNT, NONE);
        move(ANN, dummy_script_position(ANN, round), NONE);
    }
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        assert_true(dummy_ledger_is_complete(&ledgers[member]));
    }
    check();
    assert_only(DUMMY_LOST, 0);
    assert_int_equal(dummy_ledger_own_lines(&ledgers[ANN]), 100);
}

static void a_line_that_one_member_misses_is_lost_once(void **state)
{
    say(ANN, NONE);
    say(ANN, CAT);
    say(BOB, NONE);
    say(ANN, NONE);
    check();
    assert_only(DUMMY_LOST, 1);
}

static void a_last_line_that_one_member_misses_is_lost(void **state)
{
    say(ANN, NONE);
    say(ANN, CAT);
    assert_false(dummy_ledger_is_complete(&ledgers[CAT]));
    assert_true(dummy_ledger_is_complete(&ledgers[BOB]));
    check();
    assert_only(DUMMY_LOST, 1);
}

static void a_line_that_the_server_never_accepted_is_lost_for_all(void **state)
{
    say(ANN, NONE);
    dummy_room_say(&room);
    said[ANN]++;
    say(ANN, NONE);
    check();
    assert_only(DUMMY_LOST, MEMBER_COUNT);
}

static void a_line_received_twice_is_doubled(void **state)
{
    say(ANN, NONE);
    dummy_ledger_line(&ledgers[BOB], ANN, said[ANN], line_last);
    check();
    assert_only(DUMMY_DOUBLED, 1);
}

static void a_line_that_the_server_counts_twice_is_doubled_for_all(void **state)
{
    say(ANN, NONE);
    line_last++;
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        dummy_ledger_line(&ledgers[member], ANN, said[ANN], line_last);
    }
    check();
    assert_only(DUMMY_DOUBLED, MEMBER_COUNT);
}

static void two_lines_in_the_wrong_order_are_out_of_order(void **state)
{
    say(ANN, NONE);
    say(ANN, CAT);
    say(ANN, CAT);
    dummy_ledger_line(&ledgers[CAT], ANN, 3, 13);
    dummy_ledger_line(&ledgers[CAT], ANN, 2, 12);
    check();
    assert_only(DUMMY_OUT_OF_ORDER, 1);
}

static void lines_of_a_sender_that_the_server_swaps_are_out_of_order(void **state)
{
    say(BOB, NONE);
    dummy_room_say(&room);
    dummy_room_say(&room);
    for (uint32_t member = 0; member < MEMBER_COUNT; member++) {
        dummy_ledger_line(&ledgers[member], BOB, 3, 12);
        dummy_ledger_line(&ledgers[member], BOB, 2, 13);
    }
    check();
    assert_only(DUMMY_OUT_OF_ORDER, MEMBER_COUNT);
}

static void a_wrong_position_is_counted(void **state)
{
    move(BOB, dummy_position_at(5, 5), ANN);
    assert_false(dummy_ledger_is_complete(&ledgers[ANN]));
    check();
    assert_only(DUMMY_WRONG_POSITION, 1);
}

static void a_member_that_the_ledger_does_not_know_has_a_wrong_position(void **state)
{
    dummy_ledger_gone(&ledgers[ANN], CAT);
    check();
    assert_only(DUMMY_WRONG_POSITION, 1);
}

static void a_line_from_a_member_that_left_is_garbled(void **state)
{
    dummy_ledger_gone(&ledgers[ANN], CAT);
    dummy_room_lose(&room, CAT, 0);
    say(CAT, CAT);
    check();
    /* Bob received no Gone of Cat. Her own ledger is not checked. */
    assert_only(DUMMY_GARBLED, 1);
}

static void a_second_joined_is_doubled(void **state)
{
    dummy_ledger_joined(&ledgers[ANN], CAT, start(CAT));
    check();
    assert_only(DUMMY_DOUBLED, 1);
}

static void the_first_line_of_a_member_that_joined_is_its_line_1(void **state)
{
    dummy_room_say(&room);
    said[CAT]++;
    say(CAT, NONE);
    check();
    assert_only(DUMMY_LOST, MEMBER_COUNT);
}

static void packets_before_entered_are_garbled(void **state)
{
    dummy_ledger_fini(&ledgers[CAT]);
    dummy_ledger_line(&ledgers[CAT], ANN, 1, 11);
    dummy_ledger_moved(&ledgers[CAT], ANN, start(ANN));
    assert_only(DUMMY_GARBLED, 2);
}

static void packets_after_the_freeze_are_ignored(void **state)
{
    say(ANN, NONE);
    dummy_ledger_freeze(&ledgers[BOB]);
    dummy_ledger_gone(&ledgers[BOB], ANN);
    dummy_ledger_line(&ledgers[BOB], CAT, 99, 99);
    check();
    assert_only(DUMMY_LOST, 0);
}

static void a_line_in_flight_from_a_lost_member_may_be_missing(void **state)
{
    say(ANN, NONE);
    dummy_room_say(&room); /* Cat's, in flight when her connection is lost */
    dummy_room_lose(&room, CAT, 1);
    dummy_ledger_gone(&ledgers[ANN], CAT);
    dummy_ledger_gone(&ledgers[BOB], CAT);
    assert_false(dummy_ledger_is_complete(&ledgers[ANN]));
    check();
    assert_only(DUMMY_LOST, 0);
}

static void a_doubtful_line_that_one_member_received_is_required_of_all(void **state)
{
    say(CAT, BOB);
    dummy_room_lose(&room, CAT, 1);
    dummy_ledger_gone(&ledgers[ANN], CAT);
    dummy_ledger_gone(&ledgers[BOB], CAT);
    check();
    assert_only(DUMMY_LOST, 1);
}

static void with_outsiders_only_the_order_is_checked(void **state)
{
    dummy_ledger_outsider(&ledgers[ANN]);
    dummy_ledger_odd_line(&ledgers[ANN], 11);
    dummy_ledger_odd_line(&ledgers[ANN], 12);
    assert_true(dummy_ledger_is_complete(&ledgers[ANN]));
    check();
    assert_only(DUMMY_LOST, 0);
    assert_true(atomic_load(&room.has_outsiders));
}

static void a_gap_in_lines_of_outsiders_is_lost(void **state)
{
    dummy_ledger_outsider(&ledgers[ANN]);
    dummy_ledger_odd_line(&ledgers[ANN], 12);
    check();
    assert_only(DUMMY_LOST, 1);
}

#define IN_ROOM(test) cmocka_unit_test_setup_teardown(test, open_room, close_room)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ROOM(a_run_without_faults_counts_none),
        IN_ROOM(a_line_that_one_member_misses_is_lost_once),
        IN_ROOM(a_last_line_that_one_member_misses_is_lost),
        IN_ROOM(a_line_that_the_server_never_accepted_is_lost_for_all),
        IN_ROOM(a_line_received_twice_is_doubled),
        IN_ROOM(a_line_that_the_server_counts_twice_is_doubled_for_all),
        IN_ROOM(two_lines_in_the_wrong_order_are_out_of_order),
        IN_ROOM(lines_of_a_sender_that_the_server_swaps_are_out_of_order),
        IN_ROOM(a_wrong_position_is_counted),
        IN_ROOM(a_member_that_the_ledger_does_not_know_has_a_wrong_position),
        IN_ROOM(a_line_from_a_member_that_left_is_garbled),
        IN_ROOM(a_second_joined_is_doubled),
        IN_ROOM(the_first_line_of_a_member_that_joined_is_its_line_1),
        IN_ROOM(packets_before_entered_are_garbled),
        IN_ROOM(packets_after_the_freeze_are_ignored),
        IN_ROOM(a_line_in_flight_from_a_lost_member_may_be_missing),
        IN_ROOM(a_doubtful_line_that_one_member_received_is_required_of_all),
        IN_ROOM(with_outsiders_only_the_order_is_checked),
        IN_ROOM(a_gap_in_lines_of_outsiders_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/server/test_roster.c: Tests of the members of a room, and those that have moved. */
#include "tests/test.h"

#include "server/game/roster.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 300 };

static void members_are_found_by_id(void **state)
{
    struct roster roster = {0};
    assert_non_null(roster_add(&roster, 30, "thirty"));
    assert_non_null(roster_add(&roster, 10, "ten"));
    assert_non_null(roster_add(&roster, 20, "twenty"));
    assert_string_equal(roster_find(&roster, 10)->name, "ten");
    assert_string_equal(roster_find(&roster, 20)->name, "twenty");
    assert_string_equal(roster_find(&roster, 30)->name, "thirty");
    assert_null(roster_find(&roster, 15));
    assert_null(roster_find(&roster, 31));
    roster_fini(&roster);
}

static void a_removed_member_is_not_found(void **state)
{
    struct roster roster = {0};
    roster_add(&roster, 1, "one");
    roster_add(&roster, 2, "two");
    assert_true(roster_remove(&roster, 1));
    assert_false(roster_remove(&roster, 1));
    assert_null(roster_find(&roster, 1));
    assert_int_equal(roster.member_count, 1);
    assert_int_equal(roster.members[0]->player, 2);
    roster_fini(&roster);
}

static void many_members_are_added_and_removed_in_any_order(void **state)
{
    struct roster roster = {0};
    for (uint64_t i = 0; i < MANY; i++) {
        assert_non_null(roster_add(&roster, i * 7 % MANY, "somebody"));
        roster_move(&roster, i * 7 % MANY, (int32_t)i + 1, 0);
    }
    assert_int_equal(roster.member_count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(roster.members[i]->player, i);
    }
    for (uint64_t i = 0; i < MANY; i++) {
        assert_true(roster_remove(&roster, i * 11 % MANY));
        assert_int_equal(roster.moved_count, roster.member_count);
    }
    roster_fini(&roster);
}

static void a_member_that_moves_twice_is_listed_once_with_its_last_position(void **state)
{
    struct roster roster = {0};
    roster_add(&roster, 1, "one");
    roster_add(&roster, 2, "two");
    assert_true(roster_move(&roster, 2, 5, 5));
    assert_true(roster_move(&roster, 1, 3, 4));
    assert_true(roster_move(&roster, 2, 6, 6));
    assert_int_equal(roster.moved_count, 2);
    assert_int_equal(roster.moved[0]->player, 2);
    assert_int_equal(roster.moved[0]->x, 6);
    assert_int_equal(roster.moved[1]->player, 1);
    assert_int_equal(roster_find(&roster, 2)->y, 6);
    roster_fini(&roster);
}

static void a_cleared_list_is_empty_and_may_list_all_members_again(void **state)
{
    struct roster roster = {0};
    roster_add(&roster, 1, "one");
    roster_move(&roster, 1, 1, 1);
    roster_forget_moves(&roster);
    assert_int_equal(roster.moved_count, 0);
    assert_true(roster_move(&roster, 1, 2, 2));
    assert_int_equal(roster.moved_count, 1);
    roster_fini(&roster);
}

static void a_move_to_the_same_position_is_no_move(void **state)
{
    struct roster roster = {0};
    roster_add(&roster, 1, "one");
    assert_false(roster_move(&roster, 1, 0, 0));
    assert_false(roster_move(&roster, 2, 1, 1));
    assert_int_equal(roster.moved_count, 0);
    roster_fini(&roster);
}

static void a_removed_member_is_not_listed_as_moved(void **state)
{
    struct roster roster = {0};
    for (uint64_t i = 1; i <= 3; i++) {
        roster_add(&roster, i, "somebody");
        roster_move(&roster, i, 1, 1);
    }
    roster_remove(&roster, 2);
    assert_int_equal(roster.moved_count, 2);
    assert_int_equal(roster.moved[0]->player, 1);
    assert_int_equal(roster.moved[1]->player, 3);
    roster_fini(&roster);
}

static void a_name_of_the_maximum_length_is_kept(void **state)
{
    struct roster roster = {0};
    const Game__Member *member = roster_add(&roster, 1, "12345678901234567890123456789012");
    assert_string_equal(member->name, "12345678901234567890123456789012");
    roster_fini(&roster);
}

static void positions_have_the_order_of_the_members(void **state)
{
    struct roster roster = {0};
    for (uint64_t player = 40; player > 0; player -= 2) {
        roster_add(&roster, player, "somebody");
        roster_move(&roster, player, (int32_t)player, 7);
    }
    roster_remove(&roster, 2);
    roster_remove(&roster, 20);
    roster_remove(&roster, 40);
    assert_int_equal(roster.member_count, 17);
    for (uint32_t i = 0; i < roster.member_count; i++) {
        assert_int_equal(roster.positions[i]->player, roster.members[i]->player);
        assert_int_equal(roster.positions[i]->x, (int32_t)roster.members[i]->player);
    }
    roster_fini(&roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_by_id),
        cmocka_unit_test(a_removed_member_is_not_found),
        cmocka_unit_test(many_members_are_added_and_removed_in_any_order),
        cmocka_unit_test(a_member_that_moves_twice_is_listed_once_with_its_last_position),
        cmocka_unit_test(a_cleared_list_is_empty_and_may_list_all_members_again),
        cmocka_unit_test(a_move_to_the_same_position_is_no_move),
        cmocka_unit_test(a_removed_member_is_not_listed_as_moved),
        cmocka_unit_test(a_name_of_the_maximum_length_is_kept),
        cmocka_unit_test(positions_have_the_order_of_the_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/server/test_roster.c: who is in a room, and who of them has moved. */
#include "tests/test.h"

#include "server/game/roster.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 300 };

static void members_are_found_by_id(void **state)
{
    struct roster roster = {0};
    (void)state;
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

static void who_is_removed_is_not_found(void **state)
{
    struct roster roster = {0};
    (void)state;
    roster_add(&roster, 1, "one");
    roster_add(&roster, 2, "two");
    assert_true(roster_remove(&roster, 1));
    assert_false(roster_remove(&roster, 1));
    assert_null(roster_find(&roster, 1));
    assert_int_equal(roster.member_count, 1);
    assert_int_equal(roster.everybody[0]->player, 2);
    roster_fini(&roster);
}

static void many_come_and_go_in_any_order(void **state)
{
    struct roster roster = {0};
    (void)state;
    for (uint64_t i = 0; i < MANY; i++) {
        assert_non_null(roster_add(&roster, i * 7 % MANY, "somebody"));
        roster_move(&roster, i * 7 % MANY, (int32_t)i + 1, 0);
    }
    assert_int_equal(roster.member_count, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(roster.everybody[i]->player, i);
    }
    for (uint64_t i = 0; i < MANY; i++) {
        assert_true(roster_remove(&roster, i * 11 % MANY));
        assert_int_equal(roster.moved_count, roster.member_count);
    }
    roster_fini(&roster);
}

static void who_moves_twice_is_told_of_once_where_it_is_now(void **state)
{
    struct roster roster = {0};
    (void)state;
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

static void a_new_list_begins_empty_and_may_have_everybody_again(void **state)
{
    struct roster roster = {0};
    (void)state;
    roster_add(&roster, 1, "one");
    roster_move(&roster, 1, 1, 1);
    roster_forget_moves(&roster);
    assert_int_equal(roster.moved_count, 0);
    assert_true(roster_move(&roster, 1, 2, 2));
    assert_int_equal(roster.moved_count, 1);
    roster_fini(&roster);
}

static void standing_still_is_no_move(void **state)
{
    struct roster roster = {0};
    (void)state;
    roster_add(&roster, 1, "one");
    assert_false(roster_move(&roster, 1, 0, 0));
    assert_false(roster_move(&roster, 2, 1, 1));
    assert_int_equal(roster.moved_count, 0);
    roster_fini(&roster);
}

static void who_has_gone_has_not_moved(void **state)
{
    struct roster roster = {0};
    (void)state;
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

static void a_name_of_full_length_is_kept(void **state)
{
    struct roster roster = {0};
    (void)state;
    const Game__Member *member = roster_add(&roster, 1, "12345678901234567890123456789012");
    assert_string_equal(member->name, "12345678901234567890123456789012");
    roster_fini(&roster);
}

static void everybody_has_a_place_in_the_same_order(void **state)
{
    (void)state;
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
        assert_int_equal(roster.places[i]->player, roster.everybody[i]->player);
        assert_int_equal(roster.places[i]->x, (int32_t)roster.everybody[i]->player);
    }
    roster_fini(&roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_by_id),
        cmocka_unit_test(who_is_removed_is_not_found),
        cmocka_unit_test(many_come_and_go_in_any_order),
        cmocka_unit_test(who_moves_twice_is_told_of_once_where_it_is_now),
        cmocka_unit_test(a_new_list_begins_empty_and_may_have_everybody_again),
        cmocka_unit_test(standing_still_is_no_move),
        cmocka_unit_test(who_has_gone_has_not_moved),
        cmocka_unit_test(a_name_of_full_length_is_kept),
        cmocka_unit_test(everybody_has_a_place_in_the_same_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/tools/dummy/test_players.c: which client a player of the server is. */
#include "tests/test.h"
#include "tools/dummy-client/players.h"

enum { PLAYER_COUNT = 5000 };

/* Ids as a server gives them: a generation above, a slot below. */
static uint64_t id_of(uint32_t index)
{
    return (uint64_t)(index % 3 + 1) << 32 | (index + 1);
}

static void every_player_is_found_again(void **state)
{
    (void)state;
    struct dummy_players players;
    assert_int_equal(dummy_players_init(&players, PLAYER_COUNT), 0);
    for (uint32_t i = 0; i < PLAYER_COUNT; i++) {
        dummy_players_add(&players, id_of(i), i);
    }
    for (uint32_t i = 0; i < PLAYER_COUNT; i++) {
        assert_int_equal(dummy_players_find(&players, id_of(i)), i);
    }
    dummy_players_fini(&players);
}

static void who_was_not_added_is_a_outsider(void **state)
{
    (void)state;
    struct dummy_players players;
    assert_int_equal(dummy_players_init(&players, 1), 0);
    assert_int_equal(dummy_players_find(&players, 0), DUMMY_PLAYER_OUTSIDER);
    dummy_players_add(&players, 77, 0);
    assert_int_equal(dummy_players_find(&players, 78), DUMMY_PLAYER_OUTSIDER);
    assert_int_equal(dummy_players_find(&players, 0), DUMMY_PLAYER_OUTSIDER);
    dummy_players_fini(&players);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_player_is_found_again),
        cmocka_unit_test(who_was_not_added_is_a_outsider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

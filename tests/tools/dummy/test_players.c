/* tests/tools/dummy/test_players.c: tests of the map from player ids to clients. */
#include "tests/test.h"
#include "tools/dummy-client/players.h"

enum { PLAYER_COUNT = 5000 };

/* Ids as a server makes them: generation in the high half, slot in the low half. */
static uint64_t id_of(uint32_t index)
{
    return (uint64_t)(index % 3 + 1) << 32 | (index + 1);
}

static void every_added_player_is_found(void **state)
{
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

static void a_player_that_was_not_added_is_an_outsider(void **state)
{
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
        cmocka_unit_test(every_added_player_is_found),
        cmocka_unit_test(a_player_that_was_not_added_is_an_outsider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

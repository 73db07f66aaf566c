/* tests/scenarios/limits.c: when all places are taken: in a room, in the lobby, in the server. */
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"
#include "tests/support/wait.h"
#include <string.h>

enum { PLACES = 5, CROWD = 20, ROOMS = 3, SESSIONS = 8, STORM = 200, NAME_BYTES = 32 };

/* ---- a room ---- */

static void open_with_room_of(uint32_t room_members_max)
{
    struct server_config config = scenario_config();
    config.room_members_max = room_members_max;
    scenario_serve(&config);
}

static void a_full_room_lets_in_who_comes_when_somebody_has_left(void **state)
{
    struct test_client *inside[PLACES];
    (void)state;
    open_with_room_of(PLACES);
    for (int i = 0; i < PLACES; i++) {
        inside[i] = test_client_come("inside");
        (void)test_client_be_in(inside[i], "full");
    }
    struct test_client *outside = test_client_come("outside");
    test_client_enter(outside, "full");
    (void)test_client_receive_entered(outside, GAME__ENTER_RESULT__ROOM_FULL);
    (void)test_client_be_in(outside, "another");
    test_client_leave(outside);
    (void)test_client_receive(outside, GAME_PACKET_LEFT);
    test_client_leave(inside[0]);
    WAIT_FOR((test_clients_listen(), scenario_counters().room_members == PLACES - 1));
    (void)test_client_be_in(outside, "full");
    assert_int_equal(scenario_counters().enters_refused, 1);
    test_clients_close();
    scenario_close();
}

/* Who was let in, and who was told that the room is full; others' comings between. */
static int count_let_in(struct test_client **crowd)
{
    int count = 0;
    for (int i = 0; i < CROWD; i++) {
        const Game__Entered *entered = test_client_receive(crowd[i], GAME_PACKET_ENTERED);
        count += entered->result == GAME__ENTER_RESULT__ENTERED_OK;
        assert_true(entered->result == GAME__ENTER_RESULT__ENTERED_OK ||
                    entered->result == GAME__ENTER_RESULT__ROOM_FULL);
    }
    return count;
}

static void of_many_at_once_just_as_many_enter_as_there_are_places(void **state)
{
    struct test_client *crowd[CROWD];
    (void)state;
    open_with_room_of(PLACES);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = test_client_come("crowd");
    }
    for (int i = 0; i < CROWD; i++) {
        test_client_enter(crowd[i], "full");
    }
    assert_int_equal(count_let_in(crowd), PLACES);
    WAIT_FOR(scenario_counters().room_members == PLACES);
    assert_int_equal(scenario_counters().enters_refused, CROWD - PLACES);
    test_clients_close();
    scenario_close();
}

/* ---- rooms ---- */

static void when_there_are_too_many_rooms_a_new_one_must_wait(void **state)
{
    static const char *const rooms[ROOMS] = {"one", "two", "three"};
    struct test_client *players[ROOMS];
    (void)state;
    struct server_config config = scenario_config();
    config.rooms_max = ROOMS;
    scenario_serve(&config);
    for (int i = 0; i < ROOMS; i++) {
        players[i] = test_client_come("inside");
        (void)test_client_be_in(players[i], rooms[i]);
    }
    struct test_client *late = test_client_come("late");
    test_client_enter(late, "four");
    (void)test_client_receive_entered(late, GAME__ENTER_RESULT__SERVER_BUSY);
    test_client_go(players[1]);
    WAIT_FOR(scenario_counters().rooms == ROOMS - 1);
    (void)test_client_be_in(late, "four");
    test_clients_close();
    scenario_close();
}

static void expect_bad_room_name(struct test_client *test_client, const char *room)
{
    test_client_enter(test_client, room);
    const Game__Entered *entered =
        test_client_receive_entered(test_client, GAME__ENTER_RESULT__BAD_ROOM_NAME);
    assert_int_equal(entered->n_members, 0);
}

static void a_room_has_a_name_of_1_to_32_bytes_of_text(void **state)
{
    char name[NAME_BYTES + 2] = {0};
    (void)state;
    scenario_open();
    struct test_client *test_client = test_client_come("namer");
    memset(name, 'r', NAME_BYTES + 1);
    expect_bad_room_name(test_client, "");
    expect_bad_room_name(test_client, name);
    name[NAME_BYTES] = '\0';
    (void)test_client_be_in(test_client, name);
    test_client_go(test_client);
    test_client = test_client_come("no text");
    test_client_enter(test_client, "\xFF");
    test_client_receive_close(test_client, GW__CLOSE_REASON__BAD_BODY);
    scenario_close();
}

/* ---- names ---- */

static void expect_refused(const char *name, Gw__CloseReason reason)
{
    struct test_client *test_client = test_client_knock(&scenario.addr);
    assert_non_null(test_client);
    test_client_hello(test_client, name);
    test_client_receive_close(test_client, reason);
}

static void a_player_has_a_name_of_1_to_32_bytes_of_text(void **state)
{
    char name[NAME_BYTES + 2] = {0};
    (void)state;
    scenario_open();
    memset(name, 'n', NAME_BYTES + 1);
    expect_refused("", GW__CLOSE_REASON__NOT_WELCOME);
    expect_refused("\xFF", GW__CLOSE_REASON__BAD_BODY);
    expect_refused(name, GW__CLOSE_REASON__BAD_BODY);
    name[NAME_BYTES] = '\0';
    test_client_go(test_client_come(name));
    scenario_close();
}

/* ---- the server ---- */

static void open_for(uint32_t sessions_max)
{
    struct server_config config = scenario_config();
    config.sessions_max = sessions_max;
    scenario_serve(&config);
}

static void a_full_server_says_so_and_has_room_again_when_somebody_has_left(void **state)
{
    struct test_client *inside[SESSIONS];
    (void)state;
    open_for(SESSIONS);
    for (int i = 0; i < SESSIONS; i++) {
        inside[i] = test_client_come("inside");
    }
    for (int i = 0; i < 2 * SESSIONS; i++) {
        expect_refused("one too many", GW__CLOSE_REASON__SERVER_FULL);
    }
    test_client_go(inside[3]);
    WAIT_FOR(scenario_counters().session_count == SESSIONS - 1);
    test_client_go(test_client_come("now there is a place"));
    test_client_receive_silence(inside[0]);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SERVER_FULL), 2 * SESSIONS);
    test_clients_close();
    scenario_close();
}

/* More than the places and those where one is told so: the rest is closed without a word. */
static int count_greeted(struct test_client **storm, int *told_out)
{
    int greeted = 0;
    *told_out = 0;
    for (int i = 0; i < STORM; i++) {
        uint16_t id = 0;
        const void *message = test_client_wait(storm[i], &id);
        greeted += id == HELLO_ACK;
        *told_out += id == CLOSE;
        if (id == CLOSE) {
            assert_int_equal(((const Gw__Close *)message)->reason, GW__CLOSE_REASON__SERVER_FULL);
        }
    }
    return greeted;
}

static void a_storm_on_a_small_server_fills_it_and_no_more(void **state)
{
    struct test_client *storm[STORM];
    int told;
    (void)state;
    open_for(SESSIONS);
    for (int i = 0; i < STORM; i++) {
        storm[i] = test_client_knock(&scenario.addr);
        assert_non_null(storm[i]);
        test_client_hello(storm[i], "storm");
    }
    assert_int_equal(count_greeted(storm, &told), SESSIONS);
    assert_int_equal(scenario_counters().session_count, SESSIONS);
    /* Where the storm takes long, a HELLO may be late; that session ends when its peer closes. */
    assert_true(scenario_ended(GW__CLOSE_REASON__SERVER_FULL) +
                    scenario_counters().sessions.displaced >=
                (uint64_t)told);
    assert_true(told > 0);
    test_clients_close();
    WAIT_FOR(scenario_counters().port.stream_count == 0);
    test_client_go(test_client_come("after the storm"));
    assert_int_equal(scenario_counters().sessions.begun + scenario_counters().port.turned_away,
                     STORM + 1);
    scenario_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_full_room_lets_in_who_comes_when_somebody_has_left),
        SCENARIO(of_many_at_once_just_as_many_enter_as_there_are_places),
        SCENARIO(when_there_are_too_many_rooms_a_new_one_must_wait),
        SCENARIO(a_room_has_a_name_of_1_to_32_bytes_of_text),
        SCENARIO(a_player_has_a_name_of_1_to_32_bytes_of_text),
        SCENARIO(a_full_server_says_so_and_has_room_again_when_somebody_has_left),
        SCENARIO(a_storm_on_a_small_server_fills_it_and_no_more),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

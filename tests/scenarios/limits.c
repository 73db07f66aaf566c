/* tests/scenarios/limits.c: Limits of members, rooms, sessions and names. */
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"
#include "tests/support/wait.h"
#include <string.h>

enum { MEMBERS = 5, CROWD = 20, ROOMS = 3, SESSIONS = 8, STORM = 200, NAME_BYTES = 32 };

/* ---- a room ---- */

static void open_with_room_of(uint32_t room_members_max)
{
    struct server_config config = scenario_config();
    config.room_members_max = room_members_max;
    scenario_serve(&config);
}

static void a_full_room_admits_a_player_after_another_has_left(void **state)
{
    struct test_client *inside[MEMBERS];
    open_with_room_of(MEMBERS);
    for (int i = 0; i < MEMBERS; i++) {
        inside[i] = test_client_open("inside");
        (void)test_client_join(inside[i], "full");
    }
    struct test_client *outside = test_client_open("outside");
    test_client_enter(outside, "full");
    (void)test_client_receive_entered(outside, GAME__ENTER_RESULT__ROOM_FULL);
    (void)test_client_join(outside, "another");
    test_client_leave(outside);
    (void)test_client_receive(outside, GAME_PACKET_LEFT);
    test_client_leave(inside[0]);
    WAIT_FOR((test_clients_receive(), scenario_counters().room_members == MEMBERS - 1));
    (void)test_client_join(outside, "full");
    assert_int_equal(scenario_counters().enters_refused, 1);
    test_clients_close();
    scenario_close();
}

/* Receives ENTERED_OK or ROOM_FULL for each. Returns the number of ENTERED_OK. */
static int count_entered(struct test_client **crowd)
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

static void of_simultaneous_enters_exactly_the_limit_succeeds(void **state)
{
    struct test_client *crowd[CROWD];
    open_with_room_of(MEMBERS);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = test_client_open("crowd");
    }
    for (int i = 0; i < CROWD; i++) {
        test_client_enter(crowd[i], "full");
    }
    assert_int_equal(count_entered(crowd), MEMBERS);
    WAIT_FOR(scenario_counters().room_members == MEMBERS);
    assert_int_equal(scenario_counters().enters_refused, CROWD - MEMBERS);
    test_clients_close();
    scenario_close();
}

/* ---- rooms ---- */

static void a_new_room_above_the_limit_is_refused_until_another_closes(void **state)
{
    static const char *const rooms[ROOMS] = {"one", "two", "three"};
    struct test_client *players[ROOMS];
    struct server_config config = scenario_config();
    config.rooms_max = ROOMS;
    scenario_serve(&config);
    for (int i = 0; i < ROOMS; i++) {
        players[i] = test_client_open("inside");
        (void)test_client_join(players[i], rooms[i]);
    }
    struct test_client *late = test_client_open("late");
    test_client_enter(late, "four");
    (void)test_client_receive_entered(late, GAME__ENTER_RESULT__SERVER_BUSY);
    test_client_quit(players[1]);
    WAIT_FOR(scenario_counters().rooms == ROOMS - 1);
    (void)test_client_join(late, "four");
    test_clients_close();
    scenario_close();
}

static void expect_bad_room_name(struct test_client *client, const char *room)
{
    test_client_enter(client, room);
    const Game__Entered *entered =
        test_client_receive_entered(client, GAME__ENTER_RESULT__BAD_ROOM_NAME);
    assert_int_equal(entered->n_members, 0);
}

static void a_room_name_has_1_to_32_bytes_of_utf8(void **state)
{
    char name[NAME_BYTES + 2] = {0};
    scenario_open();
    struct test_client *client = test_client_open("namer");
    memset(name, 'r', NAME_BYTES + 1);
    expect_bad_room_name(client, "");
    expect_bad_room_name(client, name);
    name[NAME_BYTES] = '\0';
    (void)test_client_join(client, name);
    test_client_quit(client);
    client = test_client_open("no text");
    test_client_enter(client, "\xFF");
    test_client_receive_close(client, GW__CLOSE_REASON__BAD_BODY);
    scenario_close();
}

/* ---- names ---- */

static void expect_refused(const char *name, Gw__CloseReason reason)
{
    struct test_client *client = test_client_connect(&scenario.addr);
    assert_non_null(client);
    test_client_hello(client, name);
    test_client_receive_close(client, reason);
}

static void a_player_name_has_1_to_32_bytes_of_utf8(void **state)
{
    char name[NAME_BYTES + 2] = {0};
    scenario_open();
    memset(name, 'n', NAME_BYTES + 1);
    expect_refused("", GW__CLOSE_REASON__NOT_WELCOME);
    expect_refused("\xFF", GW__CLOSE_REASON__BAD_BODY);
    expect_refused(name, GW__CLOSE_REASON__BAD_BODY);
    name[NAME_BYTES] = '\0';
    test_client_quit(test_client_open(name));
    scenario_close();
}

/* ---- the server ---- */

static void open_for(uint32_t sessions_max)
{
    struct server_config config = scenario_config();
    config.sessions_max = sessions_max;
    scenario_serve(&config);
}

static void a_full_server_sends_server_full_until_a_session_ends(void **state)
{
    struct test_client *inside[SESSIONS];
    open_for(SESSIONS);
    for (int i = 0; i < SESSIONS; i++) {
        inside[i] = test_client_open("inside");
    }
    for (int i = 0; i < 2 * SESSIONS; i++) {
        expect_refused("surplus", GW__CLOSE_REASON__SERVER_FULL);
    }
    test_client_quit(inside[3]);
    WAIT_FOR(scenario_counters().session_count == SESSIONS - 1);
    test_client_quit(test_client_open("newcomer"));
    test_client_expect_idle(inside[0]);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SERVER_FULL), 2 * SESSIONS);
    test_clients_close();
    scenario_close();
}

/* The rest, beyond the sessions and those that receive SERVER_FULL, is closed without CLOSE. */
static int count_greeted(struct test_client **storm, int *refused_out)
{
    int greeted = 0;
    *refused_out = 0;
    for (int i = 0; i < STORM; i++) {
        uint16_t id = 0;
        const void *message = test_client_wait(storm[i], &id);
        greeted += id == HELLO_ACK;
        *refused_out += id == CLOSE;
        if (id == CLOSE) {
            assert_int_equal(((const Gw__Close *)message)->reason, GW__CLOSE_REASON__SERVER_FULL);
        }
    }
    return greeted;
}

static void a_storm_of_connections_fills_a_small_server_exactly(void **state)
{
    struct test_client *storm[STORM];
    int refused;
    open_for(SESSIONS);
    for (int i = 0; i < STORM; i++) {
        storm[i] = test_client_connect(&scenario.addr);
        assert_non_null(storm[i]);
        test_client_hello(storm[i], "storm");
    }
    assert_int_equal(count_greeted(storm, &refused), SESSIONS);
    assert_int_equal(scenario_counters().session_count, SESSIONS);
    assert_true(refused > 0);
    test_clients_close();
    WAIT_FOR(scenario_counters().port.stream_count == 0);
    /* On a slow machine a HELLO may arrive late, and its session be displaced before. */
    assert_true(scenario_ended(GW__CLOSE_REASON__SERVER_FULL) +
                    scenario_counters().sessions.displaced >=
                (uint64_t)refused);
    test_client_quit(test_client_open("after the storm"));
    assert_int_equal(scenario_counters().sessions.begun + scenario_counters().port.turned_away,
                     STORM + 1);
    scenario_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_full_room_admits_a_player_after_another_has_left),
        SCENARIO(of_simultaneous_enters_exactly_the_limit_succeeds),
        SCENARIO(a_new_room_above_the_limit_is_refused_until_another_closes),
        SCENARIO(a_room_name_has_1_to_32_bytes_of_utf8),
        SCENARIO(a_player_name_has_1_to_32_bytes_of_utf8),
        SCENARIO(a_full_server_sends_server_full_until_a_session_ends),
        SCENARIO(a_storm_of_connections_fills_a_small_server_exactly),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scenarios/limits.c: Limits of members and sessions, reached by many clients at once. */
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"
#include "tests/support/wait.h"

enum { MEMBERS = 5, CROWD = 20, SESSIONS = 8, STORM = 200 };

/* ---- a room ---- */

static void open_with_room_of(uint32_t room_members_max)
{
    struct server_config config = scenario_config();
    config.room_members_max = room_members_max;
    scenario_serve(&config);
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

/* ---- the server ---- */

static void open_for(uint32_t sessions_max)
{
    struct server_config config = scenario_config();
    config.sessions_max = sessions_max;
    scenario_serve(&config);
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
        SCENARIO(of_simultaneous_enters_exactly_the_limit_succeeds),
        SCENARIO(a_storm_of_connections_fills_a_small_server_exactly),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

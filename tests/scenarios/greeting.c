/* tests/scenarios/greeting.c: Sessions from HELLO to CLOSE, and every packet that each client
 * receives. */
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"

#include <stdio.h>

enum { PLAYERS = 5, LINES = 3 };

static const char *const names[PLAYERS] = {"Ada", "Grace", "Linus", "Margaret", "Zo\xC3\xAB"};
static struct test_client *players[PLAYERS];

static void all_connect(void)
{
    for (int i = 0; i < PLAYERS; i++) {
        players[i] = test_client_open(names[i]);
        for (int before = 0; before < i; before++) {
            assert_true(players[i]->id != players[before]->id);
        }
    }
}

static const Game__Member *find(Game__Member *const *members, size_t count, uint64_t player)
{
    for (size_t i = 0; i < count; i++) {
        if (members[i]->player == player) {
            return members[i];
        }
    }
    fail_msg("a member is missing");
    return NULL;
}

static void one_enters(int newcomer)
{
    test_client_enter(players[newcomer], "Harbour");
    const Game__Entered *entered =
        test_client_receive_entered(players[newcomer], GAME__ENTER_RESULT__ENTERED_OK);
    assert_string_equal(entered->room, "Harbour");
    assert_int_equal(entered->line, 0);
    assert_int_equal(entered->n_members, newcomer + 1);
    for (int i = 0; i <= newcomer; i++) {
        const Game__Member *member = find(entered->members, entered->n_members, players[i]->id);
        assert_string_equal(member->name, names[i]);
    }
    for (int i = 0; i < newcomer; i++) {
        test_client_receive_joined(players[i], players[newcomer]);
    }
}

static void all_enter(void)
{
    for (int i = 0; i < PLAYERS; i++) {
        one_enters(i);
    }
}

static void all_chat(void)
{
    for (uint64_t line = 1; line <= LINES * PLAYERS; line++) {
        char text[32];
        struct test_client *speaker = players[line % PLAYERS];
        snprintf(text, sizeof text, "this is line %u", (unsigned)line);
        test_client_chat(speaker, text);
        for (int i = 0; i < PLAYERS; i++) {
            test_client_receive_line(players[i], speaker, text, line);
        }
    }
}

static void one_moves(int mover, int32_t x, int32_t y, int32_t to_x, int32_t to_y)
{
    test_client_move(players[mover], x, y);
    for (int i = 0; i < PLAYERS; i++) {
        test_client_receive_position(players[i], players[mover], to_x, to_y);
    }
}

static void all_move(void)
{
    for (int i = 1; i < PLAYERS; i++) {
        one_moves(i, 10 * i, -i, 10 * i, -i);
    }
    one_moves(0, 5000, -5000, 1000, -1000); /* the map ends there */
}

static void all_send_who(void)
{
    for (int i = 0; i < PLAYERS; i++) {
        test_client_who(players[i]);
        const Game__WhoIsHere *here = test_client_receive(players[i], GAME_PACKET_WHO_IS_HERE);
        assert_int_equal(here->n_members, PLAYERS);
        for (int other = 0; other < PLAYERS; other++) {
            const Game__Member *member = find(here->members, PLAYERS, players[other]->id);
            assert_string_equal(member->name, names[other]);
            assert_int_equal(member->x, other == 0 ? 1000 : 10 * other);
            assert_int_equal(member->y, other == 0 ? -1000 : -other);
        }
    }
}

static void the_first_leaves_and_returns(void)
{
    test_client_leave(players[0]);
    (void)test_client_receive(players[0], GAME_PACKET_LEFT);
    for (int i = 1; i < PLAYERS; i++) {
        test_client_receive_gone(players[i], players[0]->id);
    }
    test_client_chat(players[1], "has it left?");
    for (int i = 1; i < PLAYERS; i++) {
        test_client_receive_line(players[i], players[1], "has it left?", LINES * PLAYERS + 1);
    }
    test_client_expect_idle(players[0]);
    assert_int_equal(test_client_join(players[0], "Harbour"), LINES * PLAYERS + 1);
    for (int i = 1; i < PLAYERS; i++) {
        test_client_receive_joined(players[i], players[0]);
    }
}

static void all_close(void)
{
    for (int i = 0; i < PLAYERS; i++) {
        uint64_t id = players[i]->id;
        test_client_send_close(players[i], GW__CLOSE_REASON__NONE);
        test_client_receive_fin(players[i]);
        for (int other = i + 1; other < PLAYERS; other++) {
            test_client_receive_gone(players[other], id);
        }
    }
}

static void expect_counters(void)
{
    const struct server_counters counters = scenario_counters();
    assert_int_equal(counters.sessions.begun, PLAYERS);
    assert_int_equal(counters.sessions.greeted, PLAYERS);
    assert_int_equal(counters.sessions.ended[GW__CLOSE_REASON__BY_PEER], PLAYERS);
    assert_int_equal(counters.entered, PLAYERS + 1);
    assert_int_equal(counters.enters_refused, 0);
    assert_int_equal(counters.lines, LINES * PLAYERS + 1);
    assert_int_equal(counters.rooms_opened, 1);
    assert_int_equal(counters.port.accepted, PLAYERS);
}

static void expect_packets_in(void)
{
    assert_int_equal(scenario_packet("Hello").in, PLAYERS);
    assert_int_equal(scenario_packet("Enter").in, PLAYERS + 1);
    assert_int_equal(scenario_packet("Chat").in, LINES * PLAYERS + 1);
    assert_int_equal(scenario_packet("Move").in, PLAYERS);
    assert_int_equal(scenario_packet("Who").in, PLAYERS);
    assert_int_equal(scenario_packet("Leave").in, 1);
    assert_int_equal(scenario_packet("Say").in, 1);
    assert_int_equal(scenario_packet("Close").in, PLAYERS);
}

/* A packet to a group counts once for each member. */
static void expect_packets_out(void)
{
    int pairs = PLAYERS * (PLAYERS - 1) / 2;
    assert_int_equal(scenario_packet("HelloAck").out, PLAYERS);
    assert_int_equal(scenario_packet("Entered").out, PLAYERS + 1);
    assert_int_equal(scenario_packet("Joined").out, pairs + PLAYERS - 1);
    assert_int_equal(scenario_packet("Gone").out, pairs + PLAYERS - 1);
    assert_int_equal(scenario_packet("ChatLine").out, LINES * PLAYERS * PLAYERS + PLAYERS - 1);
    assert_int_equal(scenario_packet("Snapshot").out, PLAYERS * PLAYERS);
    assert_int_equal(scenario_packet("WhoIsHere").out, PLAYERS);
    assert_int_equal(scenario_packet("Left").out, 1);
    assert_int_equal(scenario_packet("Said").out, 1);
    assert_int_equal(scenario_packet("Close").out, 0);
}

static void five_players_receive_exactly_the_packets_of_their_room(void **state)
{
    scenario_open();
    all_connect();
    all_enter();
    all_chat();
    all_move();
    all_send_who();
    the_first_leaves_and_returns();
    all_close();
    scenario_wait_until_empty();
    expect_counters();
    expect_packets_in();
    expect_packets_out();
    scenario_close();
}

static void a_room_receives_no_packet_of_another_room(void **state)
{
    scenario_open();
    struct test_client *here = test_client_open("here");
    struct test_client *there = test_client_open("there");
    (void)test_client_join(here, "Harbour");
    (void)test_client_join(there, "harbour");
    test_client_chat(here, "hello?");
    test_client_receive_line(here, here, "hello?", 1);
    test_client_move(here, 7, 7);
    test_client_receive_position(here, here, 7, 7);
    test_client_chat(there, "hello!");
    test_client_receive_line(there, there, "hello!", 1);
    test_client_quit(here);
    test_client_expect_idle(there);
    test_client_quit(there);
    assert_int_equal(scenario_counters().rooms_opened, 2);
    scenario_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(five_players_receive_exactly_the_packets_of_their_room),
        SCENARIO(a_room_receives_no_packet_of_another_room),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

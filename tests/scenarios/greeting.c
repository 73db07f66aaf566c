/* tests/scenarios/greeting.c: from greeting to farewell, and each hears exactly what it should. */
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"

#include <stdio.h>

enum { PLAYERS = 5, LINES = 3, GUESTS = 20, VISITS = 5 };

static const char *const names[PLAYERS] = {"Ada", "Grace", "Linus", "Margaret", "Zo\xC3\xAB"};
static struct test_client *players[PLAYERS];

static void everybody_comes(void)
{
    for (int i = 0; i < PLAYERS; i++) {
        players[i] = test_client_come(names[i]);
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

static void everybody_enters(void)
{
    for (int i = 0; i < PLAYERS; i++) {
        one_enters(i);
    }
}

static void everybody_speaks(void)
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
        test_client_receive_at(players[i], players[mover], to_x, to_y);
    }
}

static void everybody_moves(void)
{
    for (int i = 1; i < PLAYERS; i++) {
        one_moves(i, 10 * i, -i, 10 * i, -i);
    }
    one_moves(0, 5000, -5000, 1000, -1000); /* the map ends there */
}

static void everybody_asks_who_is_here(void)
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

static void the_first_goes_out_and_comes_back(void)
{
    test_client_leave(players[0]);
    (void)test_client_receive(players[0], GAME_PACKET_LEFT);
    for (int i = 1; i < PLAYERS; i++) {
        test_client_receive_gone(players[i], players[0]->id);
    }
    test_client_chat(players[1], "is he gone?");
    for (int i = 1; i < PLAYERS; i++) {
        test_client_receive_line(players[i], players[1], "is he gone?", LINES * PLAYERS + 1);
    }
    test_client_receive_silence(players[0]);
    assert_int_equal(test_client_be_in(players[0], "Harbour"), LINES * PLAYERS + 1);
    for (int i = 1; i < PLAYERS; i++) {
        test_client_receive_joined(players[i], players[0]);
    }
}

static void everybody_goes(void)
{
    for (int i = 0; i < PLAYERS; i++) {
        uint64_t id = players[i]->id;
        test_client_close_frame(players[i], GW__CLOSE_REASON__NONE);
        test_client_receive_nothing_but_fin(players[i]);
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

/* To a group: once for each member. */
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

static void several_players_live_a_whole_life_together(void **state)
{
    (void)state;
    scenario_open();
    everybody_comes();
    everybody_enters();
    everybody_speaks();
    everybody_moves();
    everybody_asks_who_is_here();
    the_first_goes_out_and_comes_back();
    everybody_goes();
    scenario_wait_until_empty();
    expect_counters();
    expect_packets_in();
    expect_packets_out();
    scenario_close();
}

static void rooms_receive_nothing_of_each_other(void **state)
{
    (void)state;
    scenario_open();
    struct test_client *here = test_client_come("here");
    struct test_client *there = test_client_come("there");
    (void)test_client_be_in(here, "Harbour");
    (void)test_client_be_in(there, "harbour");
    test_client_chat(here, "hello?");
    test_client_receive_line(here, here, "hello?", 1);
    test_client_move(here, 7, 7);
    test_client_receive_at(here, here, 7, 7);
    test_client_chat(there, "nobody");
    test_client_receive_line(there, there, "nobody", 1);
    test_client_go(here);
    test_client_receive_silence(there);
    test_client_go(there);
    assert_int_equal(scenario_counters().rooms_opened, 2);
    scenario_close();
}

/* What follows CLOSE is discarded, and the peer's reason is not ours. */
static void what_is_said_after_a_close_frame_is_not_received(void **state)
{
    (void)state;
    scenario_open();
    struct test_client *ada = test_client_come("Ada");
    struct test_client *bob = test_client_come("Bob");
    (void)test_client_be_in(ada, "room");
    (void)test_client_be_in(bob, "room");
    test_client_receive_joined(ada, bob);
    test_client_close_frame(bob, GW__CLOSE_REASON__KICKED);
    test_client_chat(bob, "one more thing");
    uint64_t id = bob->id;
    assert_int_equal(test_client_receive_out(bob), GW__CLOSE_REASON__NONE);
    test_client_close(bob);
    test_client_receive_gone(ada, id);
    test_client_receive_silence(ada);
    test_client_go(ada);
    scenario_wait_until_empty();
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__BY_PEER), 2);
    assert_int_equal(scenario_counters().lines, 0);
    scenario_close();
}

static void all_come_and_go(uint64_t *ids)
{
    struct test_client *guests[GUESTS];
    for (int i = 0; i < GUESTS; i++) {
        guests[i] = test_client_come("guest");
        (void)test_client_be_in(guests[i], "inn");
        ids[i] = guests[i]->id;
    }
    for (int i = 0; i < GUESTS; i++) {
        test_client_go(guests[i]);
    }
}

static void who_comes_back_is_somebody_new(void **state)
{
    uint64_t ids[GUESTS * VISITS];
    (void)state;
    scenario_open();
    for (int visit = 0; visit < VISITS; visit++) {
        all_come_and_go(ids + visit * GUESTS);
    }
    for (int i = 0; i < GUESTS * VISITS; i++) {
        for (int before = 0; before < i; before++) {
            assert_true(ids[i] != ids[before]);
        }
    }
    scenario_wait_until_empty();
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__BY_PEER), GUESTS * VISITS);
    scenario_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(several_players_live_a_whole_life_together),
        SCENARIO(rooms_receive_nothing_of_each_other),
        SCENARIO(what_is_said_after_a_close_frame_is_not_received),
        SCENARIO(who_comes_back_is_somebody_new),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_game.c: The game server on the simulated kernel. */
#include "tests/test.h"

#include "net/error.h"
#include "server/counters.h"
#include "server/server.h"
#include "tests/scripted/bot.h"
#include "tests/scripted/server_fixture.h"

#include <string.h>

static struct bot bots[BOT_COUNT_MAX];

static int open_server_fixture(void **state)
{
    memset(bots, 0, sizeof bots);
    assert_true(server_fixture_open(*state, NULL));
    return 0;
}

static int close_server_fixture(void **state)
{
    for (int i = 0; i < BOT_COUNT_MAX; i++) {
        bot_fini(&bots[i]);
    }
    server_fixture_close();
    return 0;
}

#define TEST_WITH(name, config)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(name, open_server_fixture, close_server_fixture,      \
                                             (void *)(config))
#define TEST(name) TEST_WITH(name, NULL)

static void read_all(void)
{
    for (int i = 0; i < BOT_COUNT_MAX; i++) {
        bot_read(&bots[i]);
    }
}

static void run_ms(uint64_t ms)
{
    for (uint64_t passed = 0; passed < ms; passed += 50) {
        fixture_run_ms(ms - passed < 50 ? ms - passed : 50);
        read_all();
    }
}

/* Connects `count` bots, which enter one room. */
static void enter_all(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(bot_connect(&bots[i], i, server_fixture_port));
        bot_hello(&bots[i]);
        bot_enter(&bots[i], "hall");
    }
    run_ms(200);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(bots[i].is_greeted);
        assert_true(bots[i].is_in_room);
        assert_int_equal(bots[i].member_count, count);
    }
}

static struct server_counters count(void)
{
    struct server_counters counters;
    server_counters(server_fixture_server, &counters);
    return counters;
}

static void a_client_that_sends_hello_is_greeted(void **state)
{
    bot_connect(&bots[0], 0, server_fixture_port);
    bot_hello(&bots[0]);
    fixture_run_now();
    read_all();
    assert_true(bots[0].is_greeted);
    assert_int_equal(count().sessions.greeted, 1);
}

static void all_members_receive_chat_lines_in_one_order(void **state)
{
    enter_all(5);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 5; i++) {
            bot_chat(&bots[i]);
        }
        run_ms(100);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(bots[i].line_count, 50);
        assert_int_equal(bots[i].own_line_count, 10);
    }
}

static void a_moving_player_is_in_one_snapshot_per_tick(void **state)
{
    enter_all(3);
    for (int i = 0; i < 20; i++) {
        bot_move(&bots[0], i + 1, -i);
    }
    run_ms(200);
    assert_true(bots[1].snapshot_count >= 1 && bots[1].snapshot_count <= 2);
    assert_int_equal(bots[1].snapshot_count, bots[2].snapshot_count);
}

static void a_player_that_leaves_receives_left_last_and_may_enter_again(void **state)
{
    enter_all(2);
    bot_chat(&bots[0]);
    bot_leave(&bots[1]);
    run_ms(100);
    assert_int_equal(bots[1].left_count, 1);
    assert_int_equal(bots[0].member_count, 1);
    bot_chat(&bots[0]);
    run_ms(100);
    bot_enter(&bots[1], "hall");
    run_ms(100);
    assert_int_equal(bots[1].entered_count, 2);
    bot_chat(&bots[1]);
    run_ms(100);
    assert_int_equal(bots[0].line_count, 3);
}

/* ---- packets that are sent behind Enter and Leave, without waiting for the answer ---- */

static void chat_behind_enter_is_received_in_the_room(void **state)
{
    bot_connect(&bots[0], 0, server_fixture_port);
    bot_hello(&bots[0]);
    bot_enter(&bots[0], "hall");
    bot_chat(&bots[0]);
    bot_ask_members(&bots[0]);
    run_ms(200);
    assert_true(bots[0].is_in_room);
    assert_int_equal(bots[0].own_line_count, 1);
    assert_false(bots[0].has_close);
}

static void enter_behind_leave_leads_to_the_next_room(void **state)
{
    enter_all(2);
    bot_chat(&bots[0]);
    bot_leave(&bots[0]);
    bot_chat(&bots[0]); /* dropped: the client is in the lobby */
    bot_enter(&bots[0], "attic");
    bot_chat(&bots[0]);
    run_ms(200);
    assert_int_equal(bots[0].left_count, 1);
    assert_int_equal(bots[0].entered_count, 2);
    assert_int_equal(bots[0].member_count, 1);
    assert_int_equal(bots[1].line_count, 1);
    assert_int_equal(count().lines, 2);
    assert_int_equal(count().rooms, 2);
    assert_false(bots[0].has_close);
}

static void chat_behind_a_refused_enter_is_dropped(void **state)
{
    enter_all(3);
    bot_connect(&bots[3], 3, server_fixture_port);
    bot_hello(&bots[3]);
    bot_enter(&bots[3], "hall");
    bot_chat(&bots[3]);
    bot_enter(&bots[3], "");
    bot_chat(&bots[3]);
    bot_leave(&bots[3]);
    bot_enter(&bots[3], "attic");
    bot_enter(&bots[3], "attic"); /* dropped: the client is in a room */
    bot_chat(&bots[3]);
    run_ms(200);
    assert_int_equal(bots[3].entered_count, 3);
    assert_true(bots[3].is_in_room);
    assert_int_equal(bots[3].own_line_count, 1);
    assert_int_equal(count().lines, 1);
    assert_false(bots[3].has_close);
}

static void a_client_that_sends_fin_behind_enter_receives_entered(void **state)
{
    bot_connect(&bots[0], 0, server_fixture_port);
    bot_hello(&bots[0]);
    bot_enter(&bots[0], "hall");
    bot_chat(&bots[0]);
    peer_finish(bots[0].peer);
    run_ms(200);
    assert_int_equal(bots[0].entered_count, 1);
    assert_true(bot_is_over(&bots[0]));
    assert_int_equal(count().session_count, 0);
    assert_int_equal(count().rooms, 0);
}

/* Reading is suspended when RST or CLOSE arrives; server_fixture_close() checks that all is freed.
 */
static void a_session_may_end_while_it_changes_rooms(void **state)
{
    enter_all(2);
    bot_leave(&bots[0]);
    bot_enter(&bots[0], "attic");
    bot_close(&bots[0]);
    bot_leave(&bots[1]);
    peer_reset(bots[1].peer);
    bot_connect(&bots[2], 2, server_fixture_port);
    bot_hello(&bots[2]);
    bot_enter(&bots[2], "hall");
    peer_reset(bots[2].peer);
    run_ms(3000);
    assert_int_equal(count().session_count, 0);
    assert_int_equal(count().rooms, 0);
}

static void a_room_is_destroyed_with_its_last_member(void **state)
{
    enter_all(3);
    assert_int_equal(count().rooms, 1);
    bot_leave(&bots[0]);
    bot_close(&bots[1]);
    peer_reset(bots[2].peer);
    run_ms(3000);
    assert_int_equal(count().rooms, 0);
    assert_int_equal(count().session_count, 1);
}

static void a_full_room_refuses_a_player(void **state)
{
    enter_all(3);
    bot_connect(&bots[3], 3, server_fixture_port);
    bot_hello(&bots[3]);
    bot_enter(&bots[3], "hall");
    run_ms(200);
    assert_int_equal(bots[3].entered, GAME__ENTER_RESULT__ROOM_FULL);
    bot_leave(&bots[0]);
    run_ms(100);
    bot_enter(&bots[3], "hall");
    run_ms(100);
    assert_int_equal(bots[3].entered, GAME__ENTER_RESULT__ENTERED_OK);
}

static void a_client_above_the_session_limit_reads_server_full(void **state)
{
    enter_all(2);
    bot_connect(&bots[2], 2, server_fixture_port);
    bot_hello(&bots[2]);
    run_ms(100);
    assert_true(bots[2].has_close);
    assert_int_equal(bots[2].reason, GW__CLOSE_REASON__SERVER_FULL);
    bot_fini(&bots[0]);
    run_ms(3000);
    bot_connect(&bots[3], 3, server_fixture_port);
    bot_hello(&bots[3]);
    run_ms(100);
    assert_true(bots[3].is_greeted);
}

static void a_player_that_does_not_read_is_closed_and_others_are_not_affected(void **state)
{
    enter_all(3);
    bots[2].is_closed = true;
    peer_set_window(bots[2].peer, 1000);
    for (int i = 0; i < 200; i++) {
        bot_chat(&bots[i % 2]);
        run_ms(50);
    }
    run_ms(3000);
    assert_int_equal(count().sessions.ended[GW__CLOSE_REASON__SLOW_CONSUMER], 1);
    assert_int_equal(bots[0].line_count, 200);
    assert_int_equal(bots[1].line_count, 200);
    assert_int_equal(bots[0].member_count, 2);
}

static void a_silent_client_is_pinged_and_then_closed(void **state)
{
    enter_all(2);
    bots[1].is_closed = true; /* answers no PING */
    run_ms(9900);
    assert_int_equal(count().session_count, 2);
    run_ms(22000);
    assert_int_equal(count().session_count, 1);
    assert_int_equal(count().sessions.ended[GW__CLOSE_REASON__HEARTBEAT_LOST], 1);
    assert_int_equal(bots[0].member_count, 1);
}

/* ---- drain ---- */

static void a_drain_sends_goaway_to_all_and_waits_for_them(void **state)
{
    enter_all(4);
    server_drain(server_fixture_server);
    run_ms(100);
    for (int i = 0; i < 4; i++) {
        assert_true(bots[i].has_goaway);
        bot_chat(&bots[i]);
    }
    run_ms(200);
    assert_int_equal(bots[0].line_count, 4); /* served until the end */
    for (int i = 0; i < 4; i++) {
        bot_close(&bots[i]);
    }
    run_ms(100);
    assert_true(server_fixture_is_over());
}

static void a_drain_closes_clients_that_stay(void **state)
{
    enter_all(2);
    uint64_t from_ns = fixture_now_ns();
    server_drain(server_fixture_server);
    run_ms(1990);
    assert_false(bots[0].has_close);
    run_ms(20);
    assert_true(bots[0].has_close);
    assert_int_equal(bots[0].reason, GW__CLOSE_REASON__SHUTDOWN);
    bot_fini(&bots[0]);
    bot_fini(&bots[1]);
    run_ms(100);
    assert_true(server_fixture_is_over());
    assert_true(fixture_now_ns() - from_ns < 2200 * FIXTURE_MS);
}

static void a_drain_does_not_wait_for_clients_that_do_not_read(void **state)
{
    enter_all(2);
    bots[0].is_closed = true;
    peer_set_window(bots[0].peer, 0);
    server_fixture_drain();
    assert_true(server_fixture_is_over());
}

static void a_client_that_connects_during_a_drain_reads_shutdown(void **state)
{
    enter_all(1);
    server_drain(server_fixture_server);
    run_ms(100);
    bot_connect(&bots[1], 1, server_fixture_port);
    bot_hello(&bots[1]);
    run_ms(100);
    assert_true(bots[1].has_close);
    assert_int_equal(bots[1].reason, GW__CLOSE_REASON__SHUTDOWN);
}

int main(void)
{
    static const struct server_fixture_config small_rooms = {.room_members_max = 3};
    static const struct server_fixture_config small = {.sessions_max = 2};
    static const struct server_fixture_config narrow = {.send_queue_bytes_max = 2000};
    const struct CMUnitTest tests[] = {
        TEST(a_client_that_sends_hello_is_greeted),
        TEST(all_members_receive_chat_lines_in_one_order),
        TEST(a_moving_player_is_in_one_snapshot_per_tick),
        TEST(a_player_that_leaves_receives_left_last_and_may_enter_again),
        TEST(chat_behind_enter_is_received_in_the_room),
        TEST(enter_behind_leave_leads_to_the_next_room),
        TEST_WITH(chat_behind_a_refused_enter_is_dropped, &small_rooms),
        TEST(a_client_that_sends_fin_behind_enter_receives_entered),
        TEST(a_session_may_end_while_it_changes_rooms),
        TEST(a_room_is_destroyed_with_its_last_member),
        TEST_WITH(a_full_room_refuses_a_player, &small_rooms),
        TEST_WITH(a_client_above_the_session_limit_reads_server_full, &small),
        TEST_WITH(a_player_that_does_not_read_is_closed_and_others_are_not_affected, &narrow),
        TEST(a_silent_client_is_pinged_and_then_closed),
        TEST(a_drain_sends_goaway_to_all_and_waits_for_them),
        TEST(a_drain_closes_clients_that_stay),
        TEST(a_drain_does_not_wait_for_clients_that_do_not_read),
        TEST(a_client_that_connects_during_a_drain_reads_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

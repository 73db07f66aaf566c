/* tests/scripted/test_listener.c: doors and dials, when the kernel runs out of things. */
#include "tests/test.h"

#include "net/error.h"
#include "net/listener.h"
#include "tests/scripted/life.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/stage.h"

#include <string.h>

enum { PAUSE_MS = 100, FAILURE_COUNT_MAX = 16 };

static struct door door;
static struct peer *peers[64];

static int open_door(void **state)
{
    stage_open(*state);
    memset(&door, 0, sizeof door);
    memset(peers, 0, sizeof peers);
    assert_int_equal(door_open(&door, 0, NULL), 0);
    stage_settle();
    stage_align();
    return 0;
}

static int close_door(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        if (peers[i] != NULL) {
            peer_close(peers[i]);
        }
    }
    if (door.close_count == 0) {
        door_close(&door);
    }
    stage_run_ms(5000);
    door_fini(&door);
    stage_close();
    return 0;
}

#define TEST_WITH(name, config)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(name, open_door, close_door, (void *)(config))
#define TEST(name) TEST_WITH(name, NULL)

static void knock(uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < from + count; i++) {
        peers[i] = peer_connect(door.port);
        assert_non_null(peers[i]);
    }
}

/* ---- accepting ---- */

static void everybody_who_knocks_comes_in(void **state)
{
    (void)state;
    knock(0, 40);
    stage_settle();
    assert_int_equal(door.count, 40);
    assert_int_equal(stage_counters().accepted, 40);
}

/* Trying again at once would find the same: it waits exactly so long, and does not spin. */
static void a_shortage_pauses_for_exactly_100_ms_and_passes(void **state)
{
    (void)state;
    static const int shortages[] = {GW_E_FULL, GW_E_MEMORY};
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t pauses = stage_counters().accept_pauses;
        uint32_t count = door.count;
        kernel_fail_next(KERNEL_ACCEPT, 2, shortages[i]);
        knock(2 * i, 2); /* the accept in flight takes the first; the next one fails */
        stage_settle();
        uint64_t from_ns = stage_now_ns();
        assert_int_equal(door.count, count + 1);
        assert_int_equal(stage_counters().accept_pauses, pauses + 1);
        stage_run_until(stage_tick_at(from_ns + PAUSE_MS * STAGE_MS) - 1);
        assert_int_equal(stage_counters().accept_pauses, pauses + 1);
        stage_run_until(stage_tick_at(from_ns + PAUSE_MS * STAGE_MS));
        assert_int_equal(stage_counters().accept_pauses, pauses + 2);
        assert_int_equal(door.count, count + 1);
        stage_run_ms(PAUSE_MS + 2);
        assert_int_equal(door.count, count + 2);
        stage_align();
    }
}

static void a_long_shortage_is_told_once(void **state)
{
    (void)state;
    kernel_fail_next(KERNEL_ACCEPT, 50, GW_E_FULL);
    knock(0, 2);
    stage_run_ms(3000);
    assert_true(stage_counters().accept_pauses >= 28);
    assert_int_equal(stage_logged_count("accept_paused"), 1);
}

static void who_leaves_the_queue_again_does_not_stop_the_others(void **state)
{
    (void)state;
    kernel_fail_next(KERNEL_ACCEPT, 5, GW_E_RESET);
    knock(0, 3);
    stage_settle();
    assert_int_equal(door.count, 3);
    assert_int_equal(stage_counters().accept_pauses, 0);
}

/* Whatever accept() may say of one connection; what has no word of its own is GW_E_SYSTEM. */
static void an_error_of_one_connection_does_not_delay_the_next(void **state)
{
    (void)state;
    static const int errors[] = {GW_E_CLOSED,  GW_E_RESET,   GW_E_REFUSED,
                                 GW_E_TIMEOUT, GW_E_ADDRESS, GW_E_SYSTEM};
    uint64_t from_ns = stage_now_ns();
    for (uint32_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        uint32_t count = door.count;
        kernel_fail_next(KERNEL_ACCEPT, FAILURE_COUNT_MAX - 1, errors[i]);
        knock(2 * i, 1); /* the accept in flight is older than the failures */
        stage_settle();
        knock(2 * i + 1, 1);
        stage_settle();
        assert_int_equal(door.count, count + 2);
    }
    assert_int_equal(stage_now_ns(), from_ns);
    assert_int_equal(stage_counters().accept_pauses, 0);
    assert_int_equal(stage_logged_count("accept_paused"), 0);
}

static void errors_of_connections_without_end_pause_accepting(void **state)
{
    (void)state;
    kernel_fail_next(KERNEL_ACCEPT, 3 * FAILURE_COUNT_MAX, GW_E_SYSTEM);
    knock(0, 2);
    stage_settle();
    assert_int_equal(door.count, 1);
    assert_int_equal(stage_counters().accept_pauses, 1);
    stage_run_ms(2 * PAUSE_MS + 4);
    assert_int_equal(stage_counters().accept_pauses, 3);
    assert_int_equal(door.count, 1);
    stage_run_ms(PAUSE_MS + 2);
    assert_int_equal(door.count, 2);
}

static void without_descriptors_who_waits_comes_in_later(void **state)
{
    (void)state;
    knock(0, 7);
    stage_settle();
    assert_int_equal(door.count, 4); /* five descriptors: the door's, and four */
    stage_run_ms(1000);
    assert_int_equal(door.count, 4);
    assert_true(stage_counters().accept_pauses >= 9);
    peer_send(peers[0], "still here", 10);
    stage_settle();
    assert_int_equal(bytes_count(&door.lives[0]->heard), 10);
    peer_finish(peers[0]);
    peer_finish(peers[1]);
    stage_run_ms(PAUSE_MS + 2);
    assert_int_equal(door.count, 6);
}

static void a_stream_beyond_the_limit_is_turned_away(void **state)
{
    (void)state;
    knock(0, 5);
    stage_settle();
    assert_int_equal(door.count, 2);
    assert_int_equal(stage_counters().accepted, 5);
    assert_int_equal(stage_counters().turned_away, 3);
    assert_false(peer_is_connected(peers[4]));
    peer_finish(peers[0]);
    stage_settle();
    knock(5, 1);
    stage_settle();
    assert_int_equal(door.count, 3);
}

static void a_stream_that_is_not_started_is_closed(void **state)
{
    (void)state;
    door.leaves_alone = true;
    knock(0, 2);
    stage_settle();
    assert_false(peer_is_connected(peers[0]));
    assert_int_equal(stage_counters().stream_count, 0);
    assert_int_equal(kernel_handle_count(), 1);
}

static void a_socket_that_cannot_join_its_lane_only_closes(void **state)
{
    (void)state;
    kernel_fail_next(KERNEL_ATTACH, 1, GW_E_MEMORY);
    knock(0, 2);
    stage_settle();
    assert_int_equal(door.count, 2);
    assert_int_equal(door.lives[0]->open_count, 0);
    assert_int_equal(door.lives[0]->close_count, 1);
    assert_int_equal(door.lives[0]->reason, GW_E_MEMORY);
    assert_int_equal(door.lives[1]->open_count, 1);
}

/* ---- closing ---- */

static void a_closed_door_turns_away_who_waits_and_keeps_who_is_in(void **state)
{
    (void)state;
    knock(0, 1);
    stage_settle();
    door_close(&door);
    assert_int_equal(door.close_count, 1);
    assert_null(peer_connect(door.port));
    peer_send(peers[0], "still", 5);
    stage_settle();
    assert_int_equal(bytes_count(&door.lives[0]->heard), 5);
    struct door second = {0};
    assert_int_equal(door_open(&second, door.port, NULL), 0);
    stage_settle();
    door_close(&second);
}

static void a_door_can_be_closed_in_the_middle_of_a_pause(void **state)
{
    (void)state;
    kernel_fail_next(KERNEL_ACCEPT, 100, GW_E_FULL);
    knock(0, 2);
    stage_run_ms(350);
    door_close(&door);
    assert_int_equal(door.close_count, 1);
    stage_run_ms(1000);
}

static void a_door_can_be_closed_before_its_first_turn(void **state)
{
    (void)state;
    struct door second = {0};
    assert_int_equal(door_open(&second, 0, NULL), 0);
    gw_listener_close(second.listener);
    stage_settle();
    assert_int_equal(second.close_count, 1);
}

static void whoever_crosses_the_close_is_not_left_open(void **state)
{
    (void)state;
    kernel_behaviour()->cancel_loses_percent = 100;
    knock(0, 1);
    gw_listener_close(door.listener);
    stage_settle();
    assert_int_equal(door.close_count, 1);
    assert_int_equal(kernel_handle_count(), stage_counters().stream_count);
}

/* ---- opening ---- */

static void a_door_that_cannot_be_opened_says_why(void **state)
{
    (void)state;
    struct door second = {0};
    for (const int *error = kernel_errors_of(KERNEL_SOCKET_LISTEN); *error != 0; error++) {
        kernel_fail_next(KERNEL_SOCKET_LISTEN, 1, *error);
        assert_int_equal(door_open(&second, 0, NULL), *error);
    }
    assert_int_equal(door_open(&second, door.port, NULL), GW_E_IN_USE);
}

static void a_door_that_cannot_join_its_lane_can_still_be_closed(void **state)
{
    (void)state;
    struct door second = {0};
    kernel_fail_next(KERNEL_ATTACH, 1, GW_E_MEMORY);
    assert_int_equal(door_open(&second, 0, NULL), 0);
    stage_run_ms(1000);
    assert_int_equal(stage_logged_count("listen_failed"), 1);
    door_close(&second);
    assert_int_equal(second.close_count, 1);
}

/* ---- dialing ---- */

static void a_dial_that_cannot_begin_says_why(void **state)
{
    (void)state;
    struct life life = {0};
    for (const int *error = kernel_errors_of(KERNEL_SOCKET_OPEN); *error != 0; error++) {
        kernel_fail_next(KERNEL_SOCKET_OPEN, 1, *error);
        assert_int_equal(life_dial(&life, door.port), *error);
    }
    stage_settle();
    assert_int_equal(stage_counters().stream_count, 0);
    assert_int_equal(life.close_count, 0);
}

static void a_dial_that_fails_is_one_on_close(void **state)
{
    (void)state;
    for (const int *error = kernel_errors_of(KERNEL_CONNECT); *error != 0; error++) {
        struct life life = {0};
        kernel_fail_next(KERNEL_CONNECT, 1, *error);
        assert_int_equal(life_dial(&life, door.port), 0);
        assert_int_equal(life_send(&life, "unheard", 7), 0);
        stage_settle();
        assert_int_equal(life.open_count, 0);
        assert_int_equal(life.close_count, 1);
        assert_int_equal(life.reason, *error);
        life_fini(&life);
    }
    assert_int_equal(stage_counters().send_queue_bytes, 0);
}

static void where_nobody_listens_a_dial_is_refused(void **state)
{
    (void)state;
    struct life life = {0};
    assert_int_equal(life_dial(&life, 1), 0);
    stage_settle();
    assert_int_equal(life.reason, GW_E_REFUSED);
    life_fini(&life);
}

static void a_stream_can_be_closed_while_it_connects(void **state)
{
    (void)state;
    for (int finishes = 0; finishes < 2; finishes++) {
        struct life life = {0};
        assert_int_equal(life_dial(&life, 0), 0); /* where nobody answers, ever */
        stage_run_ms(60000);
        assert_int_equal(life.close_count, 0);
        if (finishes) {
            assert_true(gw_stream_finish(life.stream, 7, NULL));
        } else {
            assert_true(gw_stream_close(life.stream, 7));
        }
        stage_settle();
        assert_int_equal(life.open_count, 0);
        assert_int_equal(life.close_count, 1);
        assert_int_equal(life.reason, 7);
        life_fini(&life);
    }
}

static void a_stream_can_be_closed_before_its_first_turn(void **state)
{
    (void)state;
    struct life life = {0};
    assert_int_equal(life_dial(&life, door.port), 0);
    assert_true(gw_stream_close(life.stream, 7));
    stage_settle();
    assert_int_equal(life.open_count, 0);
    assert_int_equal(life.close_count, 1);
    life_fini(&life);
    assert_int_equal(door.count, 0);
}

static void a_connect_that_wins_against_its_cancel_is_closed_too(void **state)
{
    (void)state;
    struct life life = {0};
    kernel_behaviour()->cancel_loses_percent = 100;
    kernel_behaviour()->late_ns_max = 1000;
    assert_int_equal(life_dial(&life, door.port), 0);
    stage_settle();
    gw_stream_close(life.stream, 7);
    stage_run_ms(10);
    assert_int_equal(life.open_count, life.opened_ns != 0 ? 1 : 0);
    assert_int_equal(life.close_count, 1);
    life_fini(&life);
    stage_run_ms(3000);
}

int main(void)
{
    static const struct stage_config few_handles = {.kernel = {.handle_count_max = 5}};
    static const struct stage_config two_streams = {.stream_count_max = 2};
    const struct CMUnitTest tests[] = {
        TEST(everybody_who_knocks_comes_in),
        TEST(a_shortage_pauses_for_exactly_100_ms_and_passes),
        TEST(a_long_shortage_is_told_once),
        TEST(who_leaves_the_queue_again_does_not_stop_the_others),
        TEST(an_error_of_one_connection_does_not_delay_the_next),
        TEST(errors_of_connections_without_end_pause_accepting),
        TEST_WITH(without_descriptors_who_waits_comes_in_later, &few_handles),
        TEST_WITH(a_stream_beyond_the_limit_is_turned_away, &two_streams),
        TEST(a_stream_that_is_not_started_is_closed),
        TEST(a_socket_that_cannot_join_its_lane_only_closes),
        TEST(a_closed_door_turns_away_who_waits_and_keeps_who_is_in),
        TEST(a_door_can_be_closed_in_the_middle_of_a_pause),
        TEST(a_door_can_be_closed_before_its_first_turn),
        TEST(whoever_crosses_the_close_is_not_left_open),
        TEST(a_door_that_cannot_be_opened_says_why),
        TEST(a_door_that_cannot_join_its_lane_can_still_be_closed),
        TEST(a_dial_that_cannot_begin_says_why),
        TEST(a_dial_that_fails_is_one_on_close),
        TEST(where_nobody_listens_a_dial_is_refused),
        TEST(a_stream_can_be_closed_while_it_connects),
        TEST(a_stream_can_be_closed_before_its_first_turn),
        TEST(a_connect_that_wins_against_its_cancel_is_closed_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

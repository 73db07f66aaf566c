/* tests/scripted/test_listener.c: Listeners and dials when the kernel runs out of resources. */
#include "tests/test.h"

#include "net/error.h"
#include "net/listener.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/port_fixture.h"
#include "tests/scripted/test_stream.h"

#include <string.h>

enum { PAUSE_MS = 100, FAILURE_COUNT_MAX = 16 };

static struct test_listener test_listener;
static struct peer *peers[64];

static int open_test_listener(void **state)
{
    fixture_open(*state);
    memset(&test_listener, 0, sizeof test_listener);
    memset(peers, 0, sizeof peers);
    assert_int_equal(test_listener_open(&test_listener, 0, NULL), 0);
    fixture_run_now();
    fixture_align_to_tick();
    return 0;
}

static int close_test_listener(void **state)
{
    for (uint32_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        if (peers[i] != NULL) {
            peer_close(peers[i]);
        }
    }
    if (test_listener.close_count == 0) {
        test_listener_close(&test_listener);
    }
    fixture_run_ms(5000);
    test_listener_fini(&test_listener);
    fixture_close();
    return 0;
}

#define TEST_WITH(name, config)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(name, open_test_listener, close_test_listener,        \
                                             (void *)(config))
#define TEST(name) TEST_WITH(name, NULL)

static void connect_peer(uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < from + count; i++) {
        peers[i] = peer_connect(test_listener.port);
        assert_non_null(peers[i]);
    }
}

/* ---- accepting ---- */

static void every_connection_is_accepted(void **state)
{
    connect_peer(0, 40);
    fixture_run_now();
    assert_int_equal(test_listener.count, 40);
    assert_int_equal(fixture_counters().accepted, 40);
}

/* A retry at once would fail again: the listener waits for exactly this long. */
static void a_shortage_pauses_for_exactly_100_ms_and_passes(void **state)
{
    static const int shortages[] = {GW_E_FULL, GW_E_MEMORY};
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t pauses = fixture_counters().accept_pauses;
        uint32_t count = test_listener.count;
        kernel_fail_next(KERNEL_ACCEPT, 2, shortages[i]);
        connect_peer(2 * i, 2); /* the accept in flight takes the first one; the next one fails */
        fixture_run_now();
        uint64_t from_ns = fixture_now_ns();
        assert_int_equal(test_listener.count, count + 1);
        assert_int_equal(fixture_counters().accept_pauses, pauses + 1);
        fixture_run_until(fixture_tick_at(from_ns + PAUSE_MS * FIXTURE_MS) - 1);
        assert_int_equal(fixture_counters().accept_pauses, pauses + 1);
        fixture_run_until(fixture_tick_at(from_ns + PAUSE_MS * FIXTURE_MS));
        assert_int_equal(fixture_counters().accept_pauses, pauses + 2);
        assert_int_equal(test_listener.count, count + 1);
        fixture_run_ms(PAUSE_MS + 2);
        assert_int_equal(test_listener.count, count + 2);
        fixture_align_to_tick();
    }
}

static void a_long_shortage_is_logged_once(void **state)
{
    kernel_fail_next(KERNEL_ACCEPT, 50, GW_E_FULL);
    connect_peer(0, 2);
    fixture_run_ms(3000);
    assert_true(fixture_counters().accept_pauses >= 28);
    assert_int_equal(fixture_logged_count("accept_paused"), 1);
}

static void a_connection_reset_in_the_backlog_does_not_stop_accepting(void **state)
{
    kernel_fail_next(KERNEL_ACCEPT, 5, GW_E_RESET);
    connect_peer(0, 3);
    fixture_run_now();
    assert_int_equal(test_listener.count, 3);
    assert_int_equal(fixture_counters().accept_pauses, 0);
}

/* Any error of accept() for one connection; errors without a code of their own are GW_E_SYSTEM. */
static void an_error_of_one_connection_does_not_delay_the_next(void **state)
{
    static const int errors[] = {GW_E_CLOSED,  GW_E_RESET,   GW_E_REFUSED,
                                 GW_E_TIMEOUT, GW_E_ADDRESS, GW_E_SYSTEM};
    uint64_t from_ns = fixture_now_ns();
    for (uint32_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        uint32_t count = test_listener.count;
        kernel_fail_next(KERNEL_ACCEPT, FAILURE_COUNT_MAX - 1, errors[i]);
        connect_peer(2 * i, 1); /* the accept in flight was submitted before */
        fixture_run_now();
        connect_peer(2 * i + 1, 1);
        fixture_run_now();
        assert_int_equal(test_listener.count, count + 2);
    }
    assert_int_equal(fixture_now_ns(), from_ns);
    assert_int_equal(fixture_counters().accept_pauses, 0);
    assert_int_equal(fixture_logged_count("accept_paused"), 0);
}

static void repeated_connection_errors_pause_accepting(void **state)
{
    kernel_fail_next(KERNEL_ACCEPT, 3 * FAILURE_COUNT_MAX, GW_E_SYSTEM);
    connect_peer(0, 2);
    fixture_run_now();
    assert_int_equal(test_listener.count, 1);
    assert_int_equal(fixture_counters().accept_pauses, 1);
    fixture_run_ms(2 * PAUSE_MS + 4);
    assert_int_equal(fixture_counters().accept_pauses, 3);
    assert_int_equal(test_listener.count, 1);
    fixture_run_ms(PAUSE_MS + 2);
    assert_int_equal(test_listener.count, 2);
}

static void without_descriptors_connections_are_accepted_later(void **state)
{
    connect_peer(0, 7);
    fixture_run_now();
    assert_int_equal(test_listener.count, 4); /* five descriptors: the listener's, and four */
    fixture_run_ms(1000);
    assert_int_equal(test_listener.count, 4);
    assert_true(fixture_counters().accept_pauses >= 9);
    peer_send(peers[0], "still here", 10);
    fixture_run_now();
    assert_int_equal(bytes_count(&test_listener.streams[0]->received), 10);
    peer_finish(peers[0]);
    peer_finish(peers[1]);
    fixture_run_ms(PAUSE_MS + 2);
    assert_int_equal(test_listener.count, 6);
}

static void a_connection_above_the_stream_limit_is_closed(void **state)
{
    connect_peer(0, 5);
    fixture_run_now();
    assert_int_equal(test_listener.count, 2);
    assert_int_equal(fixture_counters().accepted, 5);
    assert_int_equal(fixture_counters().turned_away, 3);
    assert_false(peer_is_connected(peers[4]));
    peer_finish(peers[0]);
    fixture_run_now();
    connect_peer(5, 1);
    fixture_run_now();
    assert_int_equal(test_listener.count, 3);
}

static void a_stream_that_is_not_started_is_closed(void **state)
{
    test_listener.leaves_alone = true;
    connect_peer(0, 2);
    fixture_run_now();
    assert_false(peer_is_connected(peers[0]));
    assert_int_equal(fixture_counters().stream_count, 0);
    assert_int_equal(kernel_handle_count(), 1);
}

static void a_socket_that_cannot_attach_is_closed(void **state)
{
    kernel_fail_next(KERNEL_ATTACH, 1, GW_E_MEMORY);
    connect_peer(0, 2);
    fixture_run_now();
    assert_int_equal(test_listener.count, 2);
    assert_int_equal(test_listener.streams[0]->open_count, 0);
    assert_int_equal(test_listener.streams[0]->close_count, 1);
    assert_int_equal(test_listener.streams[0]->reason, GW_E_MEMORY);
    assert_int_equal(test_listener.streams[1]->open_count, 1);
}

/* ---- closing ---- */

static void closing_a_listener_resets_its_backlog_and_keeps_accepted_streams(void **state)
{
    connect_peer(0, 1);
    fixture_run_now();
    test_listener_close(&test_listener);
    assert_int_equal(test_listener.close_count, 1);
    assert_null(peer_connect(test_listener.port));
    peer_send(peers[0], "still", 5);
    fixture_run_now();
    assert_int_equal(bytes_count(&test_listener.streams[0]->received), 5);
    struct test_listener second = {0};
    assert_int_equal(test_listener_open(&second, test_listener.port, NULL), 0);
    fixture_run_now();
    test_listener_close(&second);
}

static void a_listener_can_be_closed_during_a_pause(void **state)
{
    kernel_fail_next(KERNEL_ACCEPT, 100, GW_E_FULL);
    connect_peer(0, 2);
    fixture_run_ms(350);
    test_listener_close(&test_listener);
    assert_int_equal(test_listener.close_count, 1);
    fixture_run_ms(1000);
}

static void a_listener_can_be_closed_before_its_first_turn(void **state)
{
    struct test_listener second = {0};
    assert_int_equal(test_listener_open(&second, 0, NULL), 0);
    gw_listener_close(second.listener);
    fixture_run_now();
    assert_int_equal(second.close_count, 1);
}

static void a_connection_accepted_during_the_close_is_closed(void **state)
{
    kernel_behaviour()->cancel_loses_percent = 100;
    connect_peer(0, 1);
    gw_listener_close(test_listener.listener);
    fixture_run_now();
    assert_int_equal(test_listener.close_count, 1);
    assert_int_equal(kernel_handle_count(), fixture_counters().stream_count);
}

/* ---- opening ---- */

static void a_listener_that_cannot_be_opened_returns_its_error(void **state)
{
    struct test_listener second = {0};
    for (const int *error = kernel_errors_of(KERNEL_SOCKET_LISTEN); *error != 0; error++) {
        kernel_fail_next(KERNEL_SOCKET_LISTEN, 1, *error);
        assert_int_equal(test_listener_open(&second, 0, NULL), *error);
    }
    assert_int_equal(test_listener_open(&second, test_listener.port, NULL), GW_E_IN_USE);
}

static void a_listener_that_cannot_attach_can_still_be_closed(void **state)
{
    struct test_listener second = {0};
    kernel_fail_next(KERNEL_ATTACH, 1, GW_E_MEMORY);
    assert_int_equal(test_listener_open(&second, 0, NULL), 0);
    fixture_run_ms(1000);
    assert_int_equal(fixture_logged_count("listen_failed"), 1);
    test_listener_close(&second);
    assert_int_equal(second.close_count, 1);
}

/* ---- dialing ---- */

static void a_dial_that_cannot_start_returns_its_error(void **state)
{
    struct test_stream test_stream = {0};
    for (const int *error = kernel_errors_of(KERNEL_SOCKET_OPEN); *error != 0; error++) {
        kernel_fail_next(KERNEL_SOCKET_OPEN, 1, *error);
        assert_int_equal(test_stream_dial(&test_stream, test_listener.port), *error);
    }
    fixture_run_now();
    assert_int_equal(fixture_counters().stream_count, 0);
    assert_int_equal(test_stream.close_count, 0);
}

static void a_failed_dial_calls_on_close_once(void **state)
{
    for (const int *error = kernel_errors_of(KERNEL_CONNECT); *error != 0; error++) {
        struct test_stream test_stream = {0};
        kernel_fail_next(KERNEL_CONNECT, 1, *error);
        assert_int_equal(test_stream_dial(&test_stream, test_listener.port), 0);
        assert_int_equal(test_stream_send(&test_stream, "unheard", 7), 0);
        fixture_run_now();
        assert_int_equal(test_stream.open_count, 0);
        assert_int_equal(test_stream.close_count, 1);
        assert_int_equal(test_stream.reason, *error);
        test_stream_fini(&test_stream);
    }
    assert_int_equal(fixture_counters().send_queue_bytes, 0);
}

static void a_dial_to_a_closed_port_is_refused(void **state)
{
    struct test_stream test_stream = {0};
    assert_int_equal(test_stream_dial(&test_stream, 1), 0);
    fixture_run_now();
    assert_int_equal(test_stream.reason, GW_E_REFUSED);
    test_stream_fini(&test_stream);
}

static void a_stream_can_be_closed_while_it_connects(void **state)
{
    for (int finishes = 0; finishes < 2; finishes++) {
        struct test_stream test_stream = {0};
        assert_int_equal(test_stream_dial(&test_stream, 0), 0); /* a host that never answers */
        fixture_run_ms(60000);
        assert_int_equal(test_stream.close_count, 0);
        if (finishes) {
            assert_true(gw_stream_finish(test_stream.stream, 7, NULL));
        } else {
            assert_true(gw_stream_close(test_stream.stream, 7));
        }
        fixture_run_now();
        assert_int_equal(test_stream.open_count, 0);
        assert_int_equal(test_stream.close_count, 1);
        assert_int_equal(test_stream.reason, 7);
        test_stream_fini(&test_stream);
    }
}

static void a_stream_can_be_closed_before_its_first_turn(void **state)
{
    struct test_stream test_stream = {0};
    assert_int_equal(test_stream_dial(&test_stream, test_listener.port), 0);
    assert_true(gw_stream_close(test_stream.stream, 7));
    fixture_run_now();
    assert_int_equal(test_stream.open_count, 0);
    assert_int_equal(test_stream.close_count, 1);
    test_stream_fini(&test_stream);
    assert_int_equal(test_listener.count, 0);
}

static void a_connect_that_completes_despite_its_cancel_is_closed(void **state)
{
    struct test_stream test_stream = {0};
    kernel_behaviour()->cancel_loses_percent = 100;
    kernel_behaviour()->late_ns_max = 1000;
    assert_int_equal(test_stream_dial(&test_stream, test_listener.port), 0);
    fixture_run_now();
    gw_stream_close(test_stream.stream, 7);
    fixture_run_ms(10);
    assert_int_equal(test_stream.open_count, test_stream.opened_ns != 0 ? 1 : 0);
    assert_int_equal(test_stream.close_count, 1);
    test_stream_fini(&test_stream);
    fixture_run_ms(3000);
}

int main(void)
{
    static const struct port_fixture_config few_handles = {.kernel = {.handle_count_max = 5}};
    static const struct port_fixture_config two_streams = {.stream_count_max = 2};
    const struct CMUnitTest tests[] = {
        TEST(every_connection_is_accepted),
        TEST(a_shortage_pauses_for_exactly_100_ms_and_passes),
        TEST(a_long_shortage_is_logged_once),
        TEST(a_connection_reset_in_the_backlog_does_not_stop_accepting),
        TEST(an_error_of_one_connection_does_not_delay_the_next),
        TEST(repeated_connection_errors_pause_accepting),
        TEST_WITH(without_descriptors_connections_are_accepted_later, &few_handles),
        TEST_WITH(a_connection_above_the_stream_limit_is_closed, &two_streams),
        TEST(a_stream_that_is_not_started_is_closed),
        TEST(a_socket_that_cannot_attach_is_closed),
        TEST(closing_a_listener_resets_its_backlog_and_keeps_accepted_streams),
        TEST(a_listener_can_be_closed_during_a_pause),
        TEST(a_listener_can_be_closed_before_its_first_turn),
        TEST(a_connection_accepted_during_the_close_is_closed),
        TEST(a_listener_that_cannot_be_opened_returns_its_error),
        TEST(a_listener_that_cannot_attach_can_still_be_closed),
        TEST(a_dial_that_cannot_start_returns_its_error),
        TEST(a_failed_dial_calls_on_close_once),
        TEST(a_dial_to_a_closed_port_is_refused),
        TEST(a_stream_can_be_closed_while_it_connects),
        TEST(a_stream_can_be_closed_before_its_first_turn),
        TEST(a_connect_that_completes_despite_its_cancel_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

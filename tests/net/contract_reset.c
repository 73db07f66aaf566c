/* tests/net/contract_reset.c: Resets and failed operations. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"

/* ---- resets ---- */

static void a_reset_ends_a_stream_with_its_reason(void **state)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    for (int round = 0; round < 20; round++) {
        struct raw_socket peer;
        struct checked_stream *checked = fixture_connect(&peer);
        if (round % 2 == 0) {
            assert_true(raw_socket_send(&peer, "half a", 6));
        }
        WAIT_FOR(atomic_load(&checked->open_count) == 1);
        raw_socket_reset(&peer);
        assert_int_equal(checked_wait_close(checked), GW_E_RESET);
    }
    fixture_close();
}

static void a_reset_ends_a_stream_that_cannot_send(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_narrow(NULL, &peer);
    checked_fill(checked);
    fixture_run_now();
    raw_socket_reset(&peer);
    assert_int_equal(checked_wait_close(checked), GW_E_RESET);
    assert_int_equal(checked_send_buf(checked, 10), GW_E_CLOSED);
    fixture_close();
}

static void bytes_that_arrived_before_a_reset_are_received(void **state)
{
    static const struct stream_callbacks listening = {.on_recv = checked_receive};
    fixture_open(&(struct port_fixture_plan){.callbacks = &listening});
    for (int round = 0; round < 20; round++) {
        struct raw_socket peer;
        uint64_t sent = 0;
        struct checked_stream *checked = fixture_connect(&peer);
        assert_true(raw_send_pattern(&peer, &sent, 100));
        WAIT_FOR(atomic_load(&checked->received) == 100);
        raw_socket_reset(&peer);
        assert_int_equal(checked_wait_close(checked), GW_E_RESET);
    }
    fixture_close();
}

/* ---- resets by the library: a peer that does not read leaves nothing in the kernel ---- */

static void a_peer_that_stops_reading_is_reset_after_the_flush_timeout(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_narrow(NULL, &peer);
    checked_fill(checked);
    fixture_run_now();
    controlled_backend_stop_time();
    assert_true(checked_finish(checked, 77, "final_text"));
    fixture_run_now();
    fixture_advance_ms(GW_STREAM_FLUSH_MS + 5);
    assert_int_equal(checked_wait_close(checked), 77);
    assert_true(raw_socket_recv_until_reset(&peer));
    fixture_close_connected(&peer);
}

static void a_close_with_unsent_bytes_is_a_reset(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_narrow(NULL, &peer);
    checked_fill(checked);
    fixture_run_now();
    assert_true(checked_close(checked, 77));
    assert_int_equal(checked_wait_close(checked), 77);
    assert_true(raw_socket_recv_until_reset(&peer));
    fixture_close_connected(&peer);
}

/* Makes the kernel refuse bytes before the end of the turn. */
static void fill_and_close(void *context)
{
    struct checked_stream *checked = context;
    checked_fill(checked);
    assert_true(checked_close(checked, 77));
}

static void a_close_in_the_turn_that_filled_the_kernel_is_a_reset(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_narrow(NULL, &peer);
    run_in_turn(gw_stream_turn(checked->stream), fill_and_close, checked);
    assert_int_equal(checked_wait_close(checked), 77);
    assert_true(raw_socket_recv_until_reset(&peer));
    fixture_close_connected(&peer);
}

/* RST would discard bytes that the peer has received and not read. */
static void a_close_with_all_bytes_sent_is_no_reset(void **state)
{
    struct raw_socket peer;
    uint64_t received = 0;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    assert_int_equal(checked_send_buf(checked, 10000), 0);
    fixture_run_now();
    assert_true(checked_close(checked, 77));
    assert_int_equal(checked_wait_close(checked), 77);
    assert_true(raw_receive_pattern(&peer, &received, 10000));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    fixture_close_connected(&peer);
}

/* The kernel has taken all bytes, and the peer's window is closed: the end waits, then resets. */
static void
a_half_closed_peer_that_does_not_read_is_reset_when_the_linger_time_is_over(void **state)
{
    struct raw_socket peer;
    if (!fixture_backend_reports_unsent()) {
        skip();
    }
    struct checked_stream *checked = fixture_open_narrow(NULL, &peer);
    assert_int_equal(checked_send_buf(checked, 60000), 0);
    WAIT_FOR(fixture_counters().send_queue_bytes == 0);
    controlled_backend_stop_time();
    raw_socket_finish(&peer);
    fixture_run_now(); /* FIN has arrived */
    fixture_run_now(); /* the turn that it caused has run */
    fixture_advance_ms(GW_STREAM_LINGER_MS - 5);
    assert_int_equal(atomic_load(&checked->close_count), 0);
    fixture_advance_ms(10);
    assert_int_equal(checked_wait_close(checked), GW_E_CLOSED);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_RESET);
    fixture_close_connected(&peer);
}

static void a_half_closed_peer_that_reads_gets_every_byte(void **state)
{
    struct raw_socket peer;
    uint64_t received = 0;
    struct checked_stream *checked = fixture_open_narrow(NULL, &peer);
    assert_int_equal(checked_send_buf(checked, 60000), 0);
    raw_socket_finish(&peer);
    assert_true(raw_receive_pattern(&peer, &received, 60000));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    fixture_advance_ms(GW_STREAM_LINGER_MS + 5);
    assert_int_equal(checked_wait_close(checked), GW_E_CLOSED);
    fixture_close_connected(&peer);
}

/* The kernel counts its overhead, too, and doubles the limit for that: socket(7). */
static void the_kernel_buffers_a_limited_number_of_bytes_for_one_peer(void **state)
{
    enum { PEER_BYTES_MAX = 16 * 1024 }; /* in the peer's small receive buffer */
    struct raw_socket peer;
    if (!fixture_backend_reports_unsent()) {
        skip();
    }
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = 4 * 1024 * 1024});
    struct checked_stream *checked = fixture_connect_narrow(&peer);
    checked_fill(checked);
    fixture_run_now();
    uint64_t sent = fixture_counters().bytes_out;
    assert_in_range(sent, 1, 2 * OS_SOCKET_SEND_BYTES + PEER_BYTES_MAX);
    raw_socket_close(&peer);
    (void)checked_wait_close(checked);
    fixture_close();
}

/* ---- operations that fail ---- */

static void a_failed_recv_ends_its_stream_alone(void **state)
{
    static const struct stream_callbacks echo = {.on_recv = checked_echo};
    static const int errors[] = {GW_E_RESET, GW_E_TIMEOUT, GW_E_MEMORY, GW_E_SYSTEM, GW_E_CLOSED};
    struct raw_socket bystander;
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    (void)fixture_connect(&bystander);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct raw_socket peer;
        struct checked_stream *checked = fixture_connect(&peer);
        fixture_run_now();
        controlled_backend_fail(CHECKING_RECV, errors[i], 1);
        assert_true(raw_socket_send(&peer, "?", 1));
        assert_int_equal(checked_wait_close(checked), errors[i]);
        raw_socket_close(&peer);
    }
    assert_true(raw_socket_send(&bystander, "still here", 10));
    assert_true(raw_receives_text(&bystander, "still here"));
    raw_socket_close(&bystander);
    fixture_close();
}

int contract_reset(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_reset_ends_a_stream_with_its_reason),
        FIXTURE_TEST(a_reset_ends_a_stream_that_cannot_send),
        FIXTURE_TEST(bytes_that_arrived_before_a_reset_are_received),
        FIXTURE_TEST(a_peer_that_stops_reading_is_reset_after_the_flush_timeout),
        FIXTURE_TEST(a_close_with_unsent_bytes_is_a_reset),
        FIXTURE_TEST(a_close_in_the_turn_that_filled_the_kernel_is_a_reset),
        FIXTURE_TEST(a_close_with_all_bytes_sent_is_no_reset),
        FIXTURE_TEST(a_half_closed_peer_that_does_not_read_is_reset_when_the_linger_time_is_over),
        FIXTURE_TEST(a_half_closed_peer_that_reads_gets_every_byte),
        FIXTURE_TEST(the_kernel_buffers_a_limited_number_of_bytes_for_one_peer),
        FIXTURE_TEST(a_failed_recv_ends_its_stream_alone),
    };
    return cmocka_run_group_tests_name("contract: reset", tests, NULL, NULL);
}

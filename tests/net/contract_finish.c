/* tests/net/contract_finish.c: The graceful end of a stream: flush, FIN, wait for the peer's FIN.
 */
#include "tests/net/contract.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <string.h>

enum { REASON = 77 };

/* ---- queued bytes ---- */

static void queued_bytes_arrive_before_fin(void **state)
{
    struct raw_socket peer;
    uint64_t received = 0;
    struct checked_stream *checked = fixture_open_narrow(NULL, &peer);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(checked_send_buf(checked, 5000), 0);
        assert_int_equal(checked_send(checked, 50), 0);
    }
    assert_true(checked_finish(checked, REASON, "final_text"));
    assert_true(raw_receive_pattern(&peer, &received, atomic_load(&checked->sent)));
    assert_true(raw_receives_text(&peer, "final_text"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    assert_int_equal(atomic_load(&checked->close_count),
                     0); /* the stream waits for the peer's FIN */
    raw_socket_close(&peer);
    assert_int_equal(checked_wait_close(checked), REASON);
    fixture_close();
}

static void the_final_buffer_is_sent_despite_a_full_queue(void **state)
{
    struct raw_socket peer;
    uint64_t received = 0;
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = 50000});
    struct checked_stream *checked = fixture_connect_narrow(&peer);
    for (int refused_count = 0; refused_count < 3;) {
        refused_count += checked_send(checked, 1000) != 0;
    }
    assert_true(checked_finish(checked, REASON, "final_text"));
    assert_true(raw_receive_pattern(&peer, &received, atomic_load(&checked->sent)));
    assert_true(raw_receives_text(&peer, "final_text"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);
    assert_int_equal(checked_wait_close(checked), REASON);
    fixture_close();
}

static void with_an_empty_queue_fin_is_sent_at_once(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    controlled_backend_stop_time();
    assert_true(checked_finish(checked, REASON, NULL));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);
    assert_int_equal(checked_wait_close(checked), REASON);
    fixture_close();
}

/* ---- a peer that is sending ---- */

struct chatterer {
    struct raw_socket socket;
    atomic_bool finished; /* the other side has sent its final text */
};

static void chatter(void *context)
{
    struct chatterer *chatterer = context;
    static const uint8_t data[1024];
    uint32_t count = 0;
    while (!atomic_load(&chatterer->finished) && count < 100) {
        count += raw_socket_send(&chatterer->socket, data, sizeof(data));
    }
    while (!atomic_load(&chatterer->finished)) {
        machine_sleep_ms(1);
    }
    for (int i = 0; i < 50; i++) {
        (void)raw_socket_send(&chatterer->socket, data, sizeof(data));
    }
    raw_socket_finish(&chatterer->socket);
}

/* A close with unread input is a reset, which discards bytes on their way to the peer. */
static void the_final_buffer_arrives_while_the_peer_is_sending(void **state)
{
    enum { ROUND_COUNT = 50 };
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    for (int round = 0; round < ROUND_COUNT; round++) {
        struct chatterer peer = {.finished = false};
        os_thread thread;
        struct checked_stream *checked = fixture_connect(&peer.socket);
        assert_int_equal(os_thread_start(&thread, chatter, &peer), 0);
        WAIT_FOR(atomic_load(&checked->recv_count) > 0);
        assert_true(checked_finish(checked, REASON, "final_text"));
        atomic_store(&peer.finished, true);
        os_thread_join(thread);
        assert_true(raw_receives_text(&peer.socket, "final_text"));
        assert_int_equal(raw_socket_recv_until_end(&peer.socket), RAW_SOCKET_FIN);
        raw_socket_close(&peer.socket);
        assert_int_equal(checked_wait_close(checked), REASON);
    }
    fixture_close();
}

static enum gw_recv finish_at_once(struct checked_stream *checked, struct gw_ring *ring)
{
    gw_ring_consume(ring, 1);
    (void)checked_finish(checked, REASON, "final_text");
    return GW_RECV_MORE;
}

static void pause_posted_task(void *context)
{
    struct checked_stream *checked = context;
    gw_stream_pause(checked->stream);
}

static void a_finish_reads_until_fin_despite_a_pause(void **state)
{
    struct raw_socket peer;
    uint8_t data[20000] = {0};
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    run_in_turn(gw_stream_turn(checked->stream), pause_posted_task, checked);
    controlled_backend_stop_time();
    assert_true(raw_socket_send(&peer, data, sizeof(data)));
    assert_true(checked_finish(checked, REASON, "final_text"));
    assert_true(raw_receives_text(&peer, "final_text"));
    raw_socket_close(&peer);
    assert_int_equal(checked_wait_close(checked), REASON);
    assert_int_equal(fixture_counters().bytes_in, sizeof(data));
    fixture_close();
}

/* ---- a peer that does not read or close ---- */

/* Both sides of a timeout: just before it the stream is open, just after it closed. */
static void assert_ends_after_ms(struct checked_stream *checked, uint32_t ms)
{
    fixture_advance_ms(ms - 5);
    assert_int_equal(atomic_load(&checked->close_count), 0);
    fixture_advance_ms(10);
    assert_int_equal(checked_wait_close(checked), REASON);
}

static void a_finish_ends_after_a_second_without_a_reading_peer(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_narrow(NULL, &peer);
    checked_fill(checked);
    fixture_run_now();
    controlled_backend_stop_time();
    assert_true(checked_finish(checked, REASON, "final_text"));
    fixture_run_now();
    assert_ends_after_ms(checked, GW_STREAM_FLUSH_MS);
    fixture_close_connected(&peer);
}

static void a_finish_ends_after_a_second_without_the_peers_fin(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    fixture_run_now();
    controlled_backend_stop_time();
    assert_true(checked_finish(checked, REASON, "final_text"));
    assert_true(raw_receives_text(&peer, "final_text"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    fixture_run_now();
    assert_ends_after_ms(checked, GW_STREAM_LINGER_MS);
    fixture_close_connected(&peer);
}

static void send_for_ever(void *context)
{
    const struct raw_socket *socket = context;
    static const uint8_t data[4096];
    while (raw_socket_send(socket, data, sizeof(data))) {
    }
}

static void a_finish_discards_a_limited_number_of_bytes(void **state)
{
    struct raw_socket peer;
    os_thread thread;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    fixture_run_now();
    controlled_backend_stop_time(); /* the number of bytes ends it, not the time */
    assert_int_equal(os_thread_start(&thread, send_for_ever, &peer), 0);
    WAIT_FOR(atomic_load(&checked->recv_count) > 0);
    uint64_t before = fixture_counters().bytes_in;
    run_in_turn(gw_stream_turn(checked->stream), NULL, NULL);
    assert_true(checked_finish(checked, REASON, NULL));
    uint64_t when_allowed = fixture_counters().bytes_in;
    assert_int_equal(checked_wait_close(checked), REASON);
    /* Bytes that were received before the finish do not count. */
    assert_in_range(fixture_counters().bytes_in - before, GW_STREAM_LINGER_BYTES,
                    when_allowed - before + GW_STREAM_LINGER_BYTES + 8 * GW_STREAM_RECV_BYTES_MAX);
    os_thread_join(thread);
    fixture_close_connected(&peer);
}

/* ---- the peer finishes first ---- */

static enum gw_recv echo_twice(struct checked_stream *checked, struct gw_ring *ring)
{
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    (void)checked_send_text(checked, "first");
    (void)checked_send_text(checked, "second");
    return GW_RECV_MORE;
}

static void a_half_closed_peer_receives_its_answer(void **state)
{
    static const struct stream_callbacks twice = {.on_recv = echo_twice};
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.callbacks = &twice});
    for (int round = 0; round < 20; round++) {
        struct checked_stream *checked = fixture_connect(&peer);
        assert_true(raw_socket_send(&peer, "?", 1));
        raw_socket_finish(&peer);
        assert_true(raw_receives_text(&peer, "firstsecond"));
        assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
        assert_int_equal(checked_wait_close(checked), GW_E_CLOSED);
        raw_socket_close(&peer);
    }
    fixture_close();
}

static void a_half_closed_peer_can_read_slowly(void **state)
{
    struct raw_socket peer;
    uint64_t received = 0;
    struct checked_stream *checked = fixture_open_narrow(NULL, &peer);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(checked_send_buf(checked, 20000), 0);
    }
    fixture_run_now();
    controlled_backend_stop_time();
    raw_socket_finish(&peer);
    assert_true(raw_receive_pattern(&peer, &received, 200000));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    fixture_advance_ms(GW_STREAM_LINGER_MS +
                       5); /* the kernel had unsent bytes when the FIN was sent */
    assert_int_equal(checked_wait_close(checked), GW_E_CLOSED);
    fixture_close_connected(&peer);
}

/* ---- several ends ---- */

static void the_first_finish_or_close_decides_the_reason(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    assert_true(checked_finish(checked, 1, NULL));
    assert_false(checked_finish(checked, 2, "not sent"));
    assert_false(checked_close(checked, 3));
    assert_int_equal(checked_wait_close(checked), 1);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);

    checked = fixture_connect(&peer);
    assert_true(checked_close(checked, 3));
    assert_false(checked_finish(checked, 2, "not sent"));
    assert_false(checked_close(checked, 1));
    assert_int_equal(checked_wait_close(checked), 3);
    fixture_close_connected(&peer);
}

static void any_number_can_be_a_reason(void **state)
{
    static const int reasons[] = {0, 1, -1, GW_E_SYSTEM, INT32_MAX, INT32_MIN};
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    for (size_t i = 0; i < 2 * sizeof(reasons) / sizeof(reasons[0]); i++) {
        struct raw_socket peer;
        struct checked_stream *checked = fixture_connect(&peer);
        int reason = reasons[i / 2];
        assert_true(i % 2 == 0 ? checked_finish(checked, reason, NULL)
                               : checked_close(checked, reason));
        raw_socket_close(&peer);
        assert_int_equal(checked_wait_close(checked), reason);
    }
    fixture_close();
}

static void after_a_finish_sends_are_refused(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    assert_true(checked_finish(checked, REASON, "final_text"));
    assert_int_equal(checked_send(checked, 1), GW_E_CLOSED);
    assert_int_equal(checked_send_buf(checked, 1), GW_E_CLOSED);
    assert_true(raw_receives_text(&peer, "final_text"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);
    assert_int_equal(checked_wait_close(checked), REASON);
    assert_int_equal(checked_send(checked, 1), GW_E_CLOSED);
    fixture_close();
}

static void after_a_finish_on_recv_is_not_called_again(void **state)
{
    static const struct stream_callbacks short_lived = {.on_recv = finish_at_once};
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(&short_lived, &peer);
    assert_true(raw_socket_send(&peer, "many words", 10));
    assert_true(raw_receives_text(&peer, "final_text"));
    assert_true(raw_socket_send(&peer, "and more", 8));
    raw_socket_close(&peer);
    assert_int_equal(checked_wait_close(checked), REASON);
    assert_int_equal(atomic_load(&checked->recv_count), 1);
    fixture_close();
}

static void a_close_cuts_a_finish_short(void **state)
{
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    controlled_backend_stop_time();
    struct checked_stream *lingering = fixture_connect(&peer);
    assert_true(checked_finish(lingering, REASON, NULL));
    fixture_run_now();
    assert_int_equal(atomic_load(&lingering->close_count), 0);
    assert_false(checked_close(lingering, 1));
    assert_int_equal(checked_wait_close(lingering), REASON);
    raw_socket_close(&peer);

    struct checked_stream *flushing = fixture_connect_narrow(&peer);
    checked_fill(flushing);
    assert_true(checked_finish(flushing, REASON, NULL));
    fixture_run_now();
    assert_int_equal(atomic_load(&flushing->close_count), 0);
    assert_false(checked_close(flushing, 1));
    assert_int_equal(checked_wait_close(flushing), REASON);
    fixture_close_connected(&peer);
}

int contract_finish(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(queued_bytes_arrive_before_fin),
        FIXTURE_TEST(the_final_buffer_is_sent_despite_a_full_queue),
        FIXTURE_TEST(with_an_empty_queue_fin_is_sent_at_once),
        FIXTURE_TEST(the_final_buffer_arrives_while_the_peer_is_sending),
        FIXTURE_TEST(a_finish_reads_until_fin_despite_a_pause),
        FIXTURE_TEST(a_finish_ends_after_a_second_without_a_reading_peer),
        FIXTURE_TEST(a_finish_ends_after_a_second_without_the_peers_fin),
        FIXTURE_TEST(a_finish_discards_a_limited_number_of_bytes),
        FIXTURE_TEST(a_half_closed_peer_receives_its_answer),
        FIXTURE_TEST(a_half_closed_peer_can_read_slowly),
        FIXTURE_TEST(the_first_finish_or_close_decides_the_reason),
        FIXTURE_TEST(any_number_can_be_a_reason),
        FIXTURE_TEST(after_a_finish_sends_are_refused),
        FIXTURE_TEST(after_a_finish_on_recv_is_not_called_again),
        FIXTURE_TEST(a_close_cuts_a_finish_short),
    };
    return cmocka_run_group_tests_name("contract: finish", tests, NULL, NULL);
}

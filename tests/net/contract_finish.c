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

/* ---- a peer that does not close ---- */

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
    fixture_advance_ms(GW_STREAM_LINGER_MS - 5);
    assert_int_equal(atomic_load(&checked->close_count), 0);
    fixture_advance_ms(10);
    assert_int_equal(checked_wait_close(checked), REASON);
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

/* ---- reasons ---- */

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

int contract_finish(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(queued_bytes_arrive_before_fin),
        FIXTURE_TEST(with_an_empty_queue_fin_is_sent_at_once),
        FIXTURE_TEST(the_final_buffer_arrives_while_the_peer_is_sending),
        FIXTURE_TEST(a_finish_ends_after_a_second_without_the_peers_fin),
        FIXTURE_TEST(a_half_closed_peer_receives_its_answer),
        FIXTURE_TEST(a_half_closed_peer_can_read_slowly),
        FIXTURE_TEST(any_number_can_be_a_reason),
    };
    return cmocka_run_group_tests_name("contract: finish", tests, NULL, NULL);
}

/* tests/net/contract_half_close.c: A stream whose peer has sent FIN and goes on receiving. */
#include "tests/net/contract.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <string.h>

enum { REASON = 77, MESSAGE_BYTES = 100, MESSAGE_COUNT = 50 };

/* A stream with an on_recv_end. It reads one message in each turn. */
static struct {
    _Atomic(struct gw_stream *) stream; /* with a reference */
    atomic_uint message_count;
    atomic_uint recv_end_count;
    atomic_uint count_at_end; /* messages that were read before on_recv_end */
    atomic_uint empty_count;  /* calls of on_recv after it with nothing in the ring */
    atomic_uint early_count;  /* calls of on_recv before it with nothing in the ring */
    atomic_uint close_count;
    atomic_int reason;
    bool pauses; /* at the first message */
} half;

static enum gw_recv on_recv(struct gw_stream *stream, struct gw_ring *ring, void *context)
{
    if (gw_ring_used_bytes(ring) == 0) {
        atomic_fetch_add(
            atomic_load(&half.recv_end_count) == 0 ? &half.early_count : &half.empty_count, 1);
    }
    if (gw_ring_used_bytes(ring) >= MESSAGE_BYTES) {
        gw_ring_consume(ring, MESSAGE_BYTES);
        if (atomic_fetch_add(&half.message_count, 1) == 0 && half.pauses) {
            gw_stream_pause(stream);
            return GW_RECV_MORE;
        }
    }
    return gw_ring_used_bytes(ring) >= MESSAGE_BYTES ? GW_RECV_AGAIN : GW_RECV_MORE;
}

static void on_recv_end(struct gw_stream *stream, void *context)
{
    atomic_store(&half.count_at_end, atomic_load(&half.message_count));
    atomic_fetch_add(&half.recv_end_count, 1);
}

static void on_close(struct gw_stream *stream, int reason, void *context)
{
    atomic_store(&half.reason, reason);
    atomic_fetch_add(&half.close_count, 1);
}

static void start_half(struct gw_listener *listener, struct gw_stream *stream)
{
    static const struct gw_stream_events events = {
        .on_recv = on_recv, .on_recv_end = on_recv_end, .on_close = on_close};
    atomic_store(&half.stream, gw_stream_ref(stream));
    gw_stream_start(stream, &events, NULL);
}

static void open_half(struct raw_socket *peer_out, bool pauses)
{
    static const struct stream_callbacks callbacks = {.on_accept = start_half};
    memset(&half, 0, sizeof half);
    half.pauses = pauses;
    fixture_open(&(struct port_fixture_plan){.callbacks = &callbacks});
    assert_true(raw_socket_connect(peer_out, &fixture.addr));
}

static void close_half(struct raw_socket *peer)
{
    WAIT_FOR(atomic_load(&half.close_count) == 1);
    raw_socket_close(peer);
    gw_stream_unref(atomic_load(&half.stream));
    fixture_close();
}

static void send_and_finish(const struct raw_socket *peer)
{
    static const uint8_t data[MESSAGE_BYTES * MESSAGE_COUNT];
    assert_true(raw_socket_send(peer, data, sizeof data));
    raw_socket_finish(peer);
}

static int send_text(const char *text)
{
    struct gw_buf *buf = gw_buf_create((uint32_t)strlen(text));
    memcpy(gw_buf_data(buf), text, strlen(text));
    int error = gw_stream_send(atomic_load(&half.stream), buf);
    gw_buf_unref(buf);
    return error;
}

static void a_stream_whose_peer_has_finished_goes_on_sending(void **state)
{
    struct raw_socket peer;
    open_half(&peer, false);
    send_and_finish(&peer);
    WAIT_FOR(atomic_load(&half.message_count) == MESSAGE_COUNT);
    WAIT_FOR(atomic_load(&half.recv_end_count) == 1);
    WAIT_FOR(atomic_load(&half.empty_count) == 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(send_text("answer"), 0);
        assert_true(raw_receives_text(&peer, "answer"));
    }
    assert_int_equal(atomic_load(&half.close_count), 0);
    assert_true(gw_stream_finish(atomic_load(&half.stream), REASON, NULL));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    close_half(&peer);
    assert_int_equal(atomic_load(&half.reason), REASON);
    assert_int_equal(atomic_load(&half.count_at_end), MESSAGE_COUNT);
    assert_int_equal(atomic_load(&half.early_count), 0);
    assert_int_equal(atomic_load(&half.recv_end_count), 1);
}

static void resume(void *context)
{
    gw_stream_resume(atomic_load(&half.stream));
}

/* FIN may be noticed during a pause or after it; no byte is lost in both cases. */
static void bytes_before_fin_are_read_after_a_pause(void **state)
{
    struct raw_socket peer;
    open_half(&peer, true);
    send_and_finish(&peer);
    WAIT_FOR(atomic_load(&half.message_count) == 1);
    fixture_run_now();
    assert_int_equal(atomic_load(&half.message_count), 1);
    run_in_turn(gw_stream_turn(atomic_load(&half.stream)), resume, NULL);
    WAIT_FOR(atomic_load(&half.message_count) == MESSAGE_COUNT);
    WAIT_FOR(atomic_load(&half.recv_end_count) == 1);
    assert_int_equal(send_text("answer"), 0);
    assert_true(raw_receives_text(&peer, "answer"));
    assert_true(gw_stream_finish(atomic_load(&half.stream), REASON, NULL));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    close_half(&peer);
}

/* No recv is in flight that would fail, but the next send fails. */
static void a_reset_after_fin_ends_the_stream(void **state)
{
    struct raw_socket peer;
    open_half(&peer, false);
    send_and_finish(&peer);
    WAIT_FOR(atomic_load(&half.recv_end_count) == 1);
    raw_socket_reset(&peer);
    while (send_text("answer") == 0) {
        fixture_run_now();
    }
    close_half(&peer);
    assert_true(atomic_load(&half.reason) < 0);
}

static void a_half_closed_stream_can_be_closed(void **state)
{
    struct raw_socket peer;
    open_half(&peer, false);
    send_and_finish(&peer);
    WAIT_FOR(atomic_load(&half.recv_end_count) == 1);
    assert_true(gw_stream_close(atomic_load(&half.stream), REASON));
    close_half(&peer);
    assert_int_equal(atomic_load(&half.reason), REASON);
}

int contract_half_close(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_stream_whose_peer_has_finished_goes_on_sending),
        FIXTURE_TEST(bytes_before_fin_are_read_after_a_pause),
        FIXTURE_TEST(a_reset_after_fin_ends_the_stream),
        FIXTURE_TEST(a_half_closed_stream_can_be_closed),
    };
    return cmocka_run_group_tests_name("contract: half close", tests, NULL, NULL);
}

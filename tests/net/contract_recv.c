/* tests/net/contract_recv.c: Receiving: pauses, the budget of a turn, partial messages, and
 * memory.
 */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <string.h>

/* ---- pause and resume ---- */

static void pause_posted_task(void *context)
{
    struct checked_stream *checked = context;
    gw_stream_pause(checked->stream);
}

static void resume_posted_task(void *context)
{
    struct checked_stream *checked = context;
    gw_stream_resume(checked->stream);
}

static void pause_it(struct checked_stream *checked)
{
    run_in_turn(gw_stream_turn(checked->stream), pause_posted_task, checked);
}

static void resume_it(struct checked_stream *checked)
{
    run_in_turn(gw_stream_turn(checked->stream), resume_posted_task, checked);
}

/* Sends until the kernels of both sides are full. Returns the number of bytes. */
static uint64_t send_until_stuck(const struct raw_socket *peer)
{
    static const uint8_t data[16384];
    uint64_t sent = 0;
    for (int stuck_count = 0; stuck_count < 20;) {
        size_t bytes = raw_socket_send_some(peer, data, sizeof(data));
        sent += bytes;
        stuck_count = bytes == 0 ? stuck_count + 1 : 0;
        machine_sleep_ms(bytes == 0 ? 1 : 0);
    }
    return sent;
}

static enum gw_recv count_bytes(struct checked_stream *checked, struct gw_ring *ring)
{
    atomic_fetch_add(&checked->received, gw_ring_used_bytes(ring));
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    return GW_RECV_MORE;
}

static void a_paused_stream_slows_its_peer_and_loses_nothing(void **state)
{
    static const struct stream_callbacks counting = {.on_recv = count_bytes};
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_narrow(&counting, &peer);
    pause_it(checked);
    uint64_t sent = send_until_stuck(&peer);
    assert_true(sent > 0);
    assert_int_equal(atomic_load(&checked->recv_count), 0);
    /* One recv was submitted before the pause. Its bytes are all that is buffered here. */
    assert_true(fixture_counters().bytes_in <= GW_STREAM_RECV_BYTES_MAX);
    assert_true(fixture_counters().pool_bytes <= 2 * GW_STREAM_RECV_BYTES_MAX);
    resume_it(checked);
    WAIT_FOR(atomic_load(&checked->received) == sent);
    WAIT_FOR(fixture_counters().pool_bytes == 0);
    fixture_close_connected(&peer);
}

static enum gw_recv receive_and_pause(struct checked_stream *checked, struct gw_ring *ring)
{
    (void)checked_receive(checked, ring);
    gw_stream_pause(checked->stream);
    return GW_RECV_MORE;
}

static void pausing_at_every_message_loses_nothing(void **state)
{
    enum { BYTE_COUNT = 200000 };
    static const struct stream_callbacks hesitant = {.on_recv = receive_and_pause};
    struct raw_socket peer;
    uint64_t sent = 0;
    struct checked_stream *checked = fixture_open_connected(&hesitant, &peer);
    assert_true(raw_send_pattern(&peer, &sent, BYTE_COUNT));
    raw_socket_finish(&peer);
    while (atomic_load(&checked->close_count) == 0) {
        resume_it(checked);
    }
    assert_int_equal(atomic_load(&checked->received), BYTE_COUNT);
    assert_int_equal(checked_wait_close(checked), GW_E_CLOSED);
    fixture_close_connected(&peer);
}

static void toggle_posted_task(void *context)
{
    struct checked_stream *checked = context;
    for (int i = 0; i < 5; i++) {
        gw_stream_pause(checked->stream);
        gw_stream_resume(checked->stream);
        gw_stream_resume(checked->stream);
        gw_stream_pause(checked->stream);
        gw_stream_pause(checked->stream);
        gw_stream_resume(checked->stream);
    }
}

static void pausing_and_resuming_any_number_of_times_is_harmless(void **state)
{
    static const struct stream_callbacks listening = {.on_recv = checked_receive};
    struct raw_socket peer;
    uint64_t sent = 0;
    struct checked_stream *checked = fixture_open_connected(&listening, &peer);
    for (int round = 0; round < 50; round++) {
        run_in_turn(gw_stream_turn(checked->stream), toggle_posted_task, checked);
        assert_true(raw_send_pattern(&peer, &sent, 1000));
        run_in_turn(gw_stream_turn(checked->stream), toggle_posted_task, checked);
    }
    WAIT_FOR(atomic_load(&checked->received) == sent);
    fixture_close_connected(&peer);
}

/* ---- complete and partial messages ---- */

enum { MESSAGE_BYTES = 100 };

/* Consumes complete messages only, all that there are. */
static enum gw_recv receive_messages(struct checked_stream *checked, struct gw_ring *ring,
                                     uint32_t count_max)
{
    for (uint32_t i = 0; i < count_max && gw_ring_used_bytes(ring) >= MESSAGE_BYTES; i++) {
        uint8_t bounce[MESSAGE_BYTES];
        const uint8_t *data = gw_ring_peek(ring, MESSAGE_BYTES, bounce);
        if (data[0] != (uint8_t)(atomic_load(&checked->received) / MESSAGE_BYTES) ||
            data[MESSAGE_BYTES - 1] != data[0]) {
            fixture_break_rule("messages come whole and in order");
        }
        gw_ring_consume(ring, MESSAGE_BYTES);
        atomic_fetch_add(&checked->received, MESSAGE_BYTES);
    }
    return gw_ring_used_bytes(ring) >= MESSAGE_BYTES ? GW_RECV_AGAIN : GW_RECV_MORE;
}

static enum gw_recv receive_one_message(struct checked_stream *checked, struct gw_ring *ring)
{
    return receive_messages(checked, ring, 1);
}

static enum gw_recv receive_all_messages(struct checked_stream *checked, struct gw_ring *ring)
{
    return receive_messages(checked, ring, UINT32_MAX);
}

/* Sends `count` messages in pieces of `piece_bytes`. */
static void send_messages(const struct raw_socket *peer, uint32_t count, uint32_t piece_bytes)
{
    static uint8_t data[1000 * MESSAGE_BYTES];
    for (uint32_t i = 0; i < count; i++) {
        memset(data + (size_t)i * MESSAGE_BYTES, (int)(uint8_t)i, MESSAGE_BYTES);
    }
    for (uint32_t at = 0; at < count * MESSAGE_BYTES; at += piece_bytes) {
        uint32_t left = count * MESSAGE_BYTES - at;
        assert_true(raw_socket_send(peer, data + at, left < piece_bytes ? left : piece_bytes));
    }
}

static void partial_messages_are_received_whole(void **state)
{
    static const struct stream_callbacks attentive = {.on_recv = receive_all_messages};
    static const uint32_t pieces[] = {1, 7, 60, 99, 101, 250, 16384};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct raw_socket peer;
        fixture_open(
            &(struct port_fixture_plan){.callbacks = &attentive, .recv_bytes_max = MESSAGE_BYTES});
        struct checked_stream *checked = fixture_connect(&peer);
        uint32_t count = pieces[i] < 10 ? 20 : 500;
        send_messages(&peer, count, pieces[i]);
        WAIT_FOR(atomic_load(&checked->received) == count * MESSAGE_BYTES);
        WAIT_FOR(fixture_counters().pool_bytes == 0);
        raw_socket_close(&peer);
        fixture_close();
        fixture_setup(state);
    }
}

static void half_a_message_waits_and_uses_memory_for_itself_only(void **state)
{
    static const struct stream_callbacks attentive = {.on_recv = receive_all_messages};
    struct raw_socket peer;
    uint8_t message[MESSAGE_BYTES] = {0};
    fixture_open(
        &(struct port_fixture_plan){.callbacks = &attentive, .recv_bytes_max = MESSAGE_BYTES});
    struct checked_stream *checked = fixture_connect(&peer);
    assert_int_equal(fixture_counters().pool_bytes, 0);
    assert_true(raw_socket_send(&peer, message, MESSAGE_BYTES - 1));
    WAIT_FOR(atomic_load(&checked->recv_count) == 1);
    fixture_run_now();
    assert_in_range(fixture_counters().pool_bytes, MESSAGE_BYTES, 256);
    assert_true(raw_socket_send(&peer, message, 1));
    WAIT_FOR(atomic_load(&checked->received) == MESSAGE_BYTES);
    WAIT_FOR(fixture_counters().pool_bytes == 0);
    fixture_close_connected(&peer);
}

/* ---- the budget ---- */

static void on_recv_that_returns_again_gets_one_turn_for_each_message(void **state)
{
    enum { COUNT = 160 }; /* one recv returns them all */
    static const struct stream_callbacks modest = {.on_recv = receive_one_message};
    struct raw_socket peer;
    fixture_open(
        &(struct port_fixture_plan){.callbacks = &modest, .recv_bytes_max = MESSAGE_BYTES});
    struct checked_stream *checked = fixture_connect(&peer);
    pause_it(checked);
    send_messages(&peer, COUNT, COUNT * MESSAGE_BYTES);
    raw_socket_finish(&peer); /* FIN arrives after all messages */
    resume_it(checked);
    assert_int_equal(checked_wait_close(checked), GW_E_CLOSED);
    assert_int_equal(atomic_load(&checked->received), COUNT * MESSAGE_BYTES);
    assert_in_range(atomic_load(&checked->recv_count), COUNT,
                    COUNT + 2); /* more when a message arrived in two parts */
    WAIT_FOR(fixture_counters().pool_bytes == 0);
    fixture_close_connected(&peer);
}

/* Returns AGAIN until the test allows it to read. */
static enum gw_recv read_when_allowed(struct checked_stream *checked, struct gw_ring *ring)
{
    if (atomic_load(&checked->number) == 0) {
        return GW_RECV_AGAIN;
    }
    return receive_messages(checked, ring, UINT32_MAX);
}

static void nothing_is_received_while_whole_messages_wait(void **state)
{
    static const struct stream_callbacks stubborn = {.on_recv = read_when_allowed};
    struct raw_socket peer;
    fixture_open(
        &(struct port_fixture_plan){.callbacks = &stubborn, .recv_bytes_max = MESSAGE_BYTES});
    struct checked_stream *checked = fixture_connect(&peer);
    send_messages(&peer, 1000, 1000 * MESSAGE_BYTES);
    WAIT_FOR(atomic_load(&checked->recv_count) > 1000);
    assert_int_equal(fixture_counters().recv_count, 1);
    assert_true(fixture_counters().pool_bytes <= 2 * GW_STREAM_RECV_BYTES_MAX);
    atomic_store(&checked->number, 1);
    WAIT_FOR(atomic_load(&checked->received) == 1000 * MESSAGE_BYTES);
    fixture_close_connected(&peer);
}

/* ---- mistakes and memory ---- */

static enum gw_recv leave_everything(struct checked_stream *checked, struct gw_ring *ring)
{
    return GW_RECV_MORE;
}

static void a_stream_that_never_consumes_is_closed(void **state)
{
    static const struct stream_callbacks closed = {.on_recv = leave_everything};
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(&closed, &peer);
    (void)send_until_stuck(&peer);
    assert_int_equal(checked_wait_close(checked), GW_E_FULL);
    assert_true(fixture_counters().bytes_in <= 3 * GW_STREAM_RECV_BYTES_MAX);
    fixture_close_connected(&peer);
}

static atomic_int bare_reason;

static void close_bare(struct gw_stream *stream, int reason, void *context)
{
    atomic_store(&bare_reason, reason);
}

static void start_bare(struct gw_listener *listener, struct gw_stream *stream)
{
    static const struct gw_stream_events bare = {.on_close = close_bare};
    gw_stream_start(stream, &bare, NULL);
}

static void without_on_recv_everything_is_discarded(void **state)
{
    static const struct stream_callbacks careless = {.on_accept = start_bare};
    struct raw_socket peer;
    uint64_t sent = 0;
    atomic_store(&bare_reason, 0);
    fixture_open(&(struct port_fixture_plan){.callbacks = &careless});
    assert_true(raw_socket_connect(&peer, &fixture.addr));
    assert_true(raw_send_pattern(&peer, &sent, 500000));
    raw_socket_finish(&peer);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    WAIT_FOR(atomic_load(&bare_reason) == GW_E_CLOSED);
    assert_int_equal(fixture_counters().bytes_in, 500000);
    fixture_close_connected(&peer);
}

static void idle_streams_use_no_pool_memory(void **state)
{
    enum { PEER_COUNT = 100 };
    static const struct stream_callbacks echo = {.on_recv = checked_echo};
    struct raw_socket peers[PEER_COUNT];
    uint8_t data[3000] = {0};
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    for (int i = 0; i < PEER_COUNT; i++) {
        assert_true(raw_socket_connect(&peers[i], &fixture.addr));
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PEER_COUNT; i++) {
            assert_true(raw_socket_send(&peers[i], data, sizeof(data)));
        }
        for (int i = 0; i < PEER_COUNT; i++) {
            assert_true(raw_socket_recv_all(&peers[i], data, sizeof(data)));
        }
        WAIT_FOR(fixture_counters().pool_bytes == 0);
        assert_int_equal(fixture_counters().stream_count, PEER_COUNT);
    }
    for (int i = 0; i < PEER_COUNT; i++) {
        raw_socket_close(&peers[i]);
    }
    fixture_close();
}

int contract_recv(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_paused_stream_slows_its_peer_and_loses_nothing),
        FIXTURE_TEST(pausing_at_every_message_loses_nothing),
        FIXTURE_TEST(pausing_and_resuming_any_number_of_times_is_harmless),
        FIXTURE_TEST(partial_messages_are_received_whole),
        FIXTURE_TEST(half_a_message_waits_and_uses_memory_for_itself_only),
        FIXTURE_TEST(on_recv_that_returns_again_gets_one_turn_for_each_message),
        FIXTURE_TEST(nothing_is_received_while_whole_messages_wait),
        FIXTURE_TEST(a_stream_that_never_consumes_is_closed),
        FIXTURE_TEST(without_on_recv_everything_is_discarded),
        FIXTURE_TEST(idle_streams_use_no_pool_memory),
    };
    return cmocka_run_group_tests_name("contract: recv", tests, NULL, NULL);
}

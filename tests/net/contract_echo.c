/* tests/net/contract_echo.c: Bytes arrive complete and in order, in pieces of any size. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "net/stream_internal.h"
#include "tests/net/port_fixture.h"
#include "tests/support/random.h"
#include <string.h>

static const struct stream_callbacks echo = {.on_recv = checked_echo};
static const struct stream_callbacks listening = {.on_recv = checked_receive};

static void a_stream_echoes_what_its_peer_sends(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(&echo, &peer);
    assert_true(raw_socket_send(&peer, "gangway", 7));
    assert_true(raw_receives_text(&peer, "gangway"));
    raw_socket_finish(&peer);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    assert_int_equal(checked_wait_close(checked), GW_E_CLOSED);
    assert_int_equal(fixture_counters().bytes_in, 7);
    assert_int_equal(fixture_counters().bytes_out, 7);
    fixture_close_connected(&peer);
}

static void many_peers_each_receive_their_own_bytes_back(void **state)
{
    enum { PEER_COUNT = 50, ROUND_COUNT = 10 };
    struct raw_socket peers[PEER_COUNT];
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    for (int i = 0; i < PEER_COUNT; i++) {
        assert_true(raw_socket_connect(&peers[i], &fixture.addr));
    }
    for (int round = 0; round < ROUND_COUNT; round++) {
        for (int i = 0; i < PEER_COUNT; i++) {
            uint8_t sent[2] = {(uint8_t)i, (uint8_t)round};
            assert_true(raw_socket_send(&peers[i], sent, 2));
        }
        for (int i = 0; i < PEER_COUNT; i++) {
            uint8_t received[2];
            assert_true(raw_socket_recv_all(&peers[i], received, 2));
            assert_int_equal(received[0], i);
            assert_int_equal(received[1], round);
        }
    }
    for (int i = 0; i < PEER_COUNT; i++) {
        raw_socket_close(&peers[i]);
    }
    fixture_close();
}

static void bytes_that_arrive_one_by_one_arrive_in_order(void **state)
{
    enum { BYTE_COUNT = 3000 };
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(&listening, &peer);
    for (uint64_t sent = 0; sent < BYTE_COUNT;) {
        assert_true(raw_send_pattern(&peer, &sent, 1));
    }
    WAIT_FOR(atomic_load(&checked->received) == BYTE_COUNT);
    fixture_close_connected(&peer);
}

/* Sends `bytes` in pieces of many sizes. */
struct talker {
    const struct raw_socket *socket;
    uint64_t bytes;
    bool ok;
};

static void talk(void *context)
{
    struct talker *talker = context;
    struct random random = {7};
    uint64_t sent = 0;
    talker->ok = true;
    while (talker->ok && sent < talker->bytes) {
        uint64_t bytes = 1 + random_below(&random, random_below(&random, 2) == 0 ? 40 : 40000);
        bytes = bytes < talker->bytes - sent ? bytes : talker->bytes - sent;
        talker->ok = raw_send_pattern(talker->socket, &sent, bytes);
    }
}

/* Sends the next piece while less than half of the queue's limit is queued. */
static void send_more(struct checked_stream *checked, uint64_t bytes_in_all)
{
    while (atomic_load(&checked->sent) < bytes_in_all &&
           gw_stream_send_queue_bytes(checked->stream) < 1 << 19) {
        uint64_t left = bytes_in_all - atomic_load(&checked->sent);
        struct random random = {left};
        uint32_t bytes = 1 + random_below(&random, random_below(&random, 2) == 0 ? 100 : 30000);
        bytes = bytes < left ? bytes : (uint32_t)left;
        int error = random_below(&random, 2) == 0 ? checked_send(checked, bytes)
                                                  : checked_send_buf(checked, bytes);
        if (error != 0) {
            fixture_break_rule("a queue with room takes more");
            return;
        }
    }
}

enum { MANY_BYTES = 3 << 20 };

/* Sends a piece for each one received; the test sends some, too, so that the exchange ends. */
static enum gw_recv receive_and_send(struct checked_stream *checked, struct gw_ring *ring)
{
    send_more(checked, MANY_BYTES);
    return checked_receive(checked, ring);
}

static void send_more_task(void *context)
{
    send_more(context, MANY_BYTES);
}

static void send_all(struct checked_stream *checked)
{
    while (atomic_load(&checked->sent) < MANY_BYTES) {
        run_in_turn(gw_stream_turn(checked->stream), send_more_task, checked);
        machine_sleep_ms(1);
    }
}

struct listener {
    const struct raw_socket *socket;
    uint64_t bytes;
    bool ok;
};

static void listen_to(void *context)
{
    struct listener *listener = context;
    uint64_t received = 0;
    listener->ok = raw_receive_pattern(listener->socket, &received, listener->bytes);
}

static void megabytes_pass_in_both_directions_at_once(void **state)
{
    static const struct stream_callbacks both = {.on_recv = receive_and_send};
    struct raw_socket peer;
    os_thread threads[2];
    struct checked_stream *checked = fixture_open_connected(&both, &peer);
    struct talker talker = {.socket = &peer, .bytes = MANY_BYTES};
    struct listener listener = {.socket = &peer, .bytes = MANY_BYTES};
    assert_int_equal(os_thread_start(&threads[0], talk, &talker), 0);
    assert_int_equal(os_thread_start(&threads[1], listen_to, &listener), 0);
    send_all(checked);
    os_thread_join(threads[0]);
    os_thread_join(threads[1]);
    assert_true(talker.ok);
    assert_true(listener.ok);
    WAIT_FOR(atomic_load(&checked->received) == MANY_BYTES);
    WAIT_FOR(gw_stream_send_queue_bytes(checked->stream) == 0);
    fixture_close_connected(&peer);
}

/* A peer with the smallest buffers that reads a little at a time: most sends are short where a
 * backend has short sends, and wait elsewhere. */
static void a_slow_reader_gets_everything_through_short_sends(void **state)
{
    enum { BYTE_COUNT = 300000, READ_BYTES = 1500 };
    struct raw_socket peer;
    uint64_t received = 0;
    struct checked_stream *checked = fixture_open_narrow(NULL, &peer);
    raw_socket_narrow((intptr_t)checked->stream->socket.handle);
    while (atomic_load(&checked->sent) < BYTE_COUNT) {
        assert_int_equal(checked_send_buf(checked, 30000), 0);
        assert_int_equal(checked_send(checked, 10), 0);
    }
    while (received < atomic_load(&checked->sent)) {
        uint64_t left = atomic_load(&checked->sent) - received;
        assert_true(raw_receive_pattern(&peer, &received, left < READ_BYTES ? left : READ_BYTES));
    }
    WAIT_FOR(gw_stream_send_queue_bytes(checked->stream) == 0);
    assert_int_equal(fixture_counters().bytes_out, received);
    fixture_close_connected(&peer);
}

static enum gw_recv count_and_echo(struct checked_stream *checked, struct gw_ring *ring)
{
    atomic_fetch_add(&checked->received, gw_ring_used_bytes(ring));
    return checked_echo(checked, ring);
}

/* Keeps this many bytes going round between two streams of the port. */
static void send_a_lot(struct checked_stream *checked)
{
    (void)checked_send(checked, 100000);
}

static void two_streams_of_one_port_can_exchange_bytes(void **state)
{
    enum { BYTE_COUNT = 2000000 };
    static const struct stream_callbacks caller = {.on_open = send_a_lot,
                                                   .on_recv = count_and_echo};
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    struct checked_stream *checked = fixture_dial(&caller, &fixture.addr, NULL, NULL);
    WAIT_FOR(atomic_load(&checked->received) >= BYTE_COUNT);
    fixture_close();
}

int contract_echo(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_stream_echoes_what_its_peer_sends),
        FIXTURE_TEST(many_peers_each_receive_their_own_bytes_back),
        FIXTURE_TEST(bytes_that_arrive_one_by_one_arrive_in_order),
        FIXTURE_TEST(megabytes_pass_in_both_directions_at_once),
        FIXTURE_TEST(a_slow_reader_gets_everything_through_short_sends),
        FIXTURE_TEST(two_streams_of_one_port_can_exchange_bytes),
    };
    return cmocka_run_group_tests_name("contract: echo", tests, NULL, NULL);
}

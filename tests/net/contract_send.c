/* tests/net/contract_send.c: The send queue of a stream: its limit, its counters, and when it is
 * flushed. */
#include "tests/net/contract.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <string.h>

/* ---- the limit ---- */

static atomic_uint wrong_count;

static void expect(bool right)
{
    atomic_fetch_add(&wrong_count, right ? 0 : 1);
}

/* The kernel takes nothing (sends are delayed), so that the limit can be reached exactly. */
static void fill_with_places(struct checked_stream *checked)
{
    expect(checked_send(checked, 999) == 0);
    expect(checked_send(checked, 2) == GW_E_FULL);
    expect(checked_send(checked, 1) == 0);
    expect(checked_send(checked, 1) == GW_E_FULL);
    expect(checked_send_buf(checked, 1) == GW_E_FULL);
    expect(gw_stream_send_queue_bytes(checked->stream) == 1000);
}

static void fill_with_buffers(struct checked_stream *checked)
{
    enum { OVERHEAD = GW_STREAM_BUF_OVERHEAD_BYTES };
    expect(checked_send_buf(checked, 900 - OVERHEAD) == 0);
    expect(checked_send_buf(checked, 101 - OVERHEAD) == GW_E_FULL);
    expect(checked_send_buf(checked, 100 - OVERHEAD) == 0);
    expect(checked_send(checked, 1) == GW_E_FULL);
    expect(gw_stream_send_queue_bytes(checked->stream) == 1000);
}

static void fill_queue_of_1000(const struct stream_callbacks *callbacks)
{
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    fixture_open(&(struct port_fixture_plan){.callbacks = callbacks, .send_queue_bytes_max = 1000});
    controlled_backend_delay_sends(true);
    struct checked_stream *checked = fixture_connect(&peer);
    WAIT_FOR(atomic_load(&checked->open_count) == 1);
    fixture_run_now();
    assert_int_equal(checked_send(checked, 1), GW_E_FULL); /* from another thread, too */
    controlled_backend_delay_sends(false);
    assert_true(raw_receive_pattern(&peer, &received, atomic_load(&checked->sent)));
    WAIT_FOR(gw_stream_send_queue_bytes(checked->stream) == 0);
    assert_int_equal(checked_send(checked, 1000), 0); /* all of it is free again */
    assert_true(raw_receive_pattern(&peer, &received, 1000));
    assert_int_equal(atomic_load(&wrong_count), 0);
    fixture_close_connected(&peer);
}

static void a_queue_accepts_its_limit_and_not_a_byte_more(void **state)
{
    static const struct stream_callbacks with_places = {.on_open = fill_with_places};
    fill_queue_of_1000(&with_places);
}

static void a_shared_buffer_counts_with_its_overhead(void **state)
{
    static const struct stream_callbacks with_buffers = {.on_open = fill_with_buffers};
    fill_queue_of_1000(&with_buffers);
}

/* A peer that does not read fills one queue, and no more. */
static void a_peer_that_does_not_read_fills_the_queue_and_receives_all_later(void **state)
{
    enum { LIMIT = 64 * 1024 };
    struct raw_socket peer;
    uint64_t received = 0;
    int error = 0;
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = LIMIT});
    struct checked_stream *checked = fixture_connect_narrow(&peer);
    for (int refused_count = 0; refused_count < 20;) {
        error =
            refused_count % 2 == 0 ? checked_send_buf(checked, 1000) : checked_send(checked, 1000);
        /* Until the kernel has refused bytes, this thread may queue more than the limit. */
        assert_true(gw_stream_send_queue_bytes(checked->stream) <= LIMIT * GW_STREAM_BURST_FACTOR);
        if (error != 0) {
            assert_int_equal(error, GW_E_FULL);
            refused_count++;
            machine_sleep_ms(2); /* the kernel may have taken some */
        }
    }
    assert_int_equal(fixture_counters().send_queue_bytes,
                     gw_stream_send_queue_bytes(checked->stream));
    assert_true(raw_receive_pattern(&peer, &received, atomic_load(&checked->sent)));
    WAIT_FOR(gw_stream_send_queue_bytes(checked->stream) == 0);
    assert_int_equal(fixture_counters().send_queue_bytes, 0);
    assert_int_equal(checked_send(checked, 10), 0);
    assert_true(raw_receive_pattern(&peer, &received, 10));
    fixture_close_connected(&peer);
}

/* ---- bytes that the kernel takes do not count ---- */

enum { NARROW = 10000, BURST_COUNT = 12, BURST_BYTES = 6000 };

static void send_a_burst(struct checked_stream *checked)
{
    for (int i = 0; i < BURST_COUNT; i++) {
        expect((i % 2 == 0 ? checked_send(checked, BURST_BYTES)
                           : checked_send_buf(checked, BURST_BYTES)) == 0);
        expect(gw_stream_send_queue_bytes(checked->stream) <= NARROW);
    }
}

/* Seven times the limit in one turn, which the kernel takes for an idle connection. */
static void a_burst_above_the_limit_in_one_turn_reaches_a_peer_that_reads(void **state)
{
    static const struct stream_callbacks burst = {.on_open = send_a_burst};
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    fixture_open(&(struct port_fixture_plan){.callbacks = &burst, .send_queue_bytes_max = NARROW});
    (void)fixture_connect(&peer);
    assert_true(raw_receive_pattern(&peer, &received, (uint64_t)BURST_COUNT * BURST_BYTES));
    assert_int_equal(atomic_load(&wrong_count), 0);
    fixture_close_connected(&peer);
}

static void send_a_burst_to_all(void *context)
{
    for (struct checked_stream *checked = atomic_load(&fixture.streams); checked != NULL;
         checked = checked->next) {
        for (int i = 0; i < 6; i++) {
            expect(checked_send_buf(checked, BURST_BYTES) == 0);
        }
    }
}

/* An object on some lane, which is also the lane of some of the streams. */
static void a_burst_of_another_object_reaches_peers_that_read(void **state)
{
    enum { PEER_COUNT = 8 };
    struct raw_socket peers[PEER_COUNT];
    struct gw_turn room;
    atomic_store(&wrong_count, 0);
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = NARROW});
    for (int i = 0; i < PEER_COUNT; i++) {
        (void)fixture_connect(&peers[i]);
    }
    fixture_run_now();
    gw_turn_init(&room, fixture.port, NULL);
    run_in_turn(&room, send_a_burst_to_all, NULL);
    for (int i = 0; i < PEER_COUNT; i++) {
        uint64_t received = 0;
        assert_true(raw_receive_pattern(&peers[i], &received, 6 * BURST_BYTES));
        raw_socket_close(&peers[i]);
    }
    assert_int_equal(atomic_load(&wrong_count), 0);
    fixture_close();
}

static void share_one_that_is_too_long(struct checked_stream *checked)
{
    expect(checked_send_buf(checked, NARROW + 1) == 0);
    expect(checked_send_buf(checked, NARROW + 1) == 0);
}

static void a_message_above_the_limit_is_accepted_by_an_empty_queue(void **state)
{
    static const struct stream_callbacks callbacks = {.on_open = share_one_that_is_too_long};
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    fixture_open(
        &(struct port_fixture_plan){.callbacks = &callbacks, .send_queue_bytes_max = NARROW});
    (void)fixture_connect(&peer);
    assert_true(raw_receive_pattern(&peer, &received, 2 * (NARROW + 1)));
    assert_int_equal(atomic_load(&wrong_count), 0);
    fixture_close_connected(&peer);
}

static void discarded_bytes_leave_the_counters(void **state)
{
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = 1 << 20});
    struct checked_stream *checked = fixture_connect_narrow(&peer);
    while (checked_send_buf(checked, 10000) == 0 && checked_send(checked, 100) == 0) {
    }
    assert_true(fixture_counters().send_queue_bytes > 0);
    checked_close(checked, GW_E_CLOSED);
    checked_wait_close(checked);
    WAIT_FOR(fixture_counters().send_queue_bytes == 0);
    assert_int_equal(gw_stream_send_queue_bytes(checked->stream), 0);
    fixture_close_connected(&peer);
}

/* ---- empty and long queues ---- */

static void sending_an_empty_buffer_does_nothing(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    struct gw_buf *empty = gw_buf_create(0);
    assert_int_equal(gw_stream_send(checked->stream, empty), 0);
    assert_int_equal(gw_stream_send_queue_bytes(checked->stream), 0);
    assert_int_equal(checked_send_text(checked, "more"), 0);
    assert_true(raw_receives_text(&peer, "more"));
    checked_close(checked, GW_E_CLOSED);
    checked_wait_close(checked);
    assert_int_equal(gw_stream_send(checked->stream, empty), GW_E_CLOSED);
    gw_buf_unref(empty);
    fixture_close_connected(&peer);
}

static void share_many(struct checked_stream *checked)
{
    for (int i = 0; i < 500; i++) {
        expect(checked_send_buf(checked, 1 + (uint32_t)i % 7) == 0);
        expect(i % 100 != 0 || checked_send(checked, 3) == 0);
    }
}

/* One send takes 64 spans; a queue can have more. */
static void hundreds_of_buffers_in_one_turn_arrive_in_order(void **state)
{
    static const struct stream_callbacks many = {.on_open = share_many};
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    struct checked_stream *checked = fixture_open_connected(&many, &peer);
    WAIT_FOR(atomic_load(&checked->open_count) == 1);
    fixture_run_now();
    assert_int_equal(atomic_load(&wrong_count), 0);
    assert_true(raw_receive_pattern(&peer, &received, atomic_load(&checked->sent)));
    fixture_close_connected(&peer);
}

static void one_buffer_can_be_sent_to_many_streams(void **state)
{
    enum { PEER_COUNT = 40, BYTES = 5000 };
    struct raw_socket peers[PEER_COUNT];
    struct checked_stream *streams[PEER_COUNT];
    struct gw_buf *buf = gw_buf_create(BYTES);
    uint8_t received[BYTES];
    memset(gw_buf_data(buf), 0x5A, BYTES);
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    for (int i = 0; i < PEER_COUNT; i++) {
        streams[i] = fixture_connect(&peers[i]);
    }
    for (int i = 0; i < PEER_COUNT; i++) {
        assert_int_equal(gw_stream_send(streams[i]->stream, buf), 0);
    }
    gw_buf_unref(buf); /* the queues have their own references */
    for (int i = 0; i < PEER_COUNT; i++) {
        assert_true(raw_socket_recv_all(&peers[i], received, BYTES));
        for (int j = 0; j < BYTES; j++) {
            assert_int_equal(received[j], 0x5A);
        }
        raw_socket_close(&peers[i]);
    }
    fixture_close();
}

/* ---- when the queue is flushed ---- */

static void send_100_times(struct checked_stream *checked)
{
    for (int i = 0; i < 100; i++) {
        expect(checked_send(checked, 20) == 0);
    }
}

static enum gw_recv answer_100_times(struct checked_stream *checked, struct gw_ring *ring)
{
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    send_100_times(checked);
    return GW_RECV_MORE;
}

static void messages_of_one_turn_leave_in_one_send(void **state)
{
    static const struct stream_callbacks talkative = {.on_recv = answer_100_times};
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    (void)fixture_open_connected(&talkative, &peer);
    for (uint64_t round = 1; round <= 10; round++) {
        assert_true(raw_socket_send(&peer, "?", 1));
        assert_true(raw_receive_pattern(&peer, &received, 2000));
        WAIT_FOR(fixture_counters().send_count == round);
    }
    assert_int_equal(atomic_load(&wrong_count), 0);
    fixture_close_connected(&peer);
    assert_int_equal(checking_backend_counts().sends, 10);
}

static void send_100_times_to_all(void *context)
{
    for (struct checked_stream *checked = atomic_load(&fixture.streams); checked != NULL;
         checked = checked->next) {
        send_100_times(checked);
    }
}

/* An object that is not a stream, such as a group. */
static void a_broadcast_in_one_turn_is_one_send_per_stream(void **state)
{
    enum { PEER_COUNT = 20 };
    struct raw_socket peers[PEER_COUNT];
    struct gw_turn room;
    atomic_store(&wrong_count, 0);
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    for (int i = 0; i < PEER_COUNT; i++) {
        (void)fixture_connect(&peers[i]);
    }
    fixture_run_now();
    gw_turn_init(&room, fixture.port, NULL);
    run_in_turn(&room, send_100_times_to_all, NULL);
    for (int i = 0; i < PEER_COUNT; i++) {
        uint64_t received = 0;
        assert_true(raw_receive_pattern(&peers[i], &received, 2000));
        raw_socket_close(&peers[i]);
    }
    assert_int_equal(atomic_load(&wrong_count), 0);
    fixture_close();
    /* From another lane each message is a task of its own, 64 of them in a turn. A filter needs one
     * of the spans of a send, of which there are as many. */
    bool is_filtered = fixture.stream_config.filters[0] != NULL;
    assert_in_range(checking_backend_counts().sends, PEER_COUNT,
                    (is_filtered ? 3 : 2) * PEER_COUNT);
}

static atomic_uint pending_count;

/* Nothing leaves before the turn has ended. */
static void send_and_look(struct checked_stream *checked)
{
    uint64_t sends = checking_backend_counts().sends;
    for (int i = 0; i < 1000; i++) {
        expect(checked_send(checked, 50) == 0);
        expect(checked_send_buf(checked, 50) == 0);
    }
    atomic_fetch_add(&pending_count, checking_backend_counts().sends != sends);
}

static void a_send_leaves_after_the_turn_not_inside_the_call(void **state)
{
    static const struct stream_callbacks talkative = {.on_open = send_and_look};
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    atomic_store(&pending_count, 0);
    struct checked_stream *checked = fixture_open_connected(&talkative, &peer);
    assert_true(raw_receive_pattern(&peer, &received, 100000));
    WAIT_FOR(gw_stream_send_queue_bytes(checked->stream) == 0);
    assert_int_equal(atomic_load(&wrong_count), 0);
    assert_int_equal(atomic_load(&pending_count), 0);
    fixture_close_connected(&peer);
}

static void the_memory_of_a_send_is_kept_until_its_done(void **state)
{
    struct raw_socket peer;
    uint64_t received = 0;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    controlled_backend_delay_sends(true);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(checked_send(checked, 300), 0);
        assert_int_equal(checked_send_buf(checked, 3000), 0);
    }
    fixture_run_now();
    assert_int_equal(checking_backend_counts().sends, 1); /* no second send is in flight */
    assert_int_equal(gw_stream_send_queue_bytes(checked->stream),
                     10 * (3300 + GW_STREAM_BUF_OVERHEAD_BYTES));
    controlled_backend_delay_sends(false);
    assert_true(raw_receive_pattern(&peer, &received, 33000));
    fixture_close_connected(&peer);
}

int contract_send(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_queue_accepts_its_limit_and_not_a_byte_more),
        FIXTURE_TEST(a_shared_buffer_counts_with_its_overhead),
        FIXTURE_TEST(a_peer_that_does_not_read_fills_the_queue_and_receives_all_later),
        FIXTURE_TEST(a_burst_above_the_limit_in_one_turn_reaches_a_peer_that_reads),
        FIXTURE_TEST(a_burst_of_another_object_reaches_peers_that_read),
        FIXTURE_TEST(a_message_above_the_limit_is_accepted_by_an_empty_queue),
        FIXTURE_TEST(discarded_bytes_leave_the_counters),
        FIXTURE_TEST(sending_an_empty_buffer_does_nothing),
        FIXTURE_TEST(hundreds_of_buffers_in_one_turn_arrive_in_order),
        FIXTURE_TEST(one_buffer_can_be_sent_to_many_streams),
        FIXTURE_TEST(messages_of_one_turn_leave_in_one_send),
        FIXTURE_TEST(a_broadcast_in_one_turn_is_one_send_per_stream),
        FIXTURE_TEST(a_send_leaves_after_the_turn_not_inside_the_call),
        FIXTURE_TEST(the_memory_of_a_send_is_kept_until_its_done),
    };
    return cmocka_run_group_tests_name("contract: send", tests, NULL, NULL);
}

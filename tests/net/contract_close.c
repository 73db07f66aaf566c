/* tests/net/contract_close.c: Closing a stream: cancel, wait for the operations in flight, close.
 */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/lane.h"
#include "net/ring.h"
#include "net/stream_internal.h"
#include "tests/net/port_fixture.h"

enum { REASON = 77 };

/* ---- promptly ---- */

static void a_close_is_prompt_and_discards_queued_bytes(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_narrow(NULL, &peer);
    checked_fill(checked);
    fixture_run_now();
    controlled_backend_stop_time(); /* no timer ends it */
    assert_true(checked_close(checked, REASON));
    assert_int_equal(checked_wait_close(checked), REASON);
    assert_true(checking_backend_counts().cancelled > 0);
    assert_int_equal(fixture_counters().stream_count, 0);
    WAIT_FOR(fixture_counters().send_queue_bytes == 0);
    fixture_close_connected(&peer);
}

static void an_idle_stream_closes_promptly(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    fixture_run_now();
    controlled_backend_stop_time();
    assert_true(checked_close(checked, REASON));
    assert_int_equal(checked_wait_close(checked), REASON);
    assert_true(raw_socket_recv_until_end(&peer) <= 0);
    fixture_close_connected(&peer);
}

static void a_close_waits_for_the_send_in_flight(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    controlled_backend_delay_sends(true);
    assert_int_equal(checked_send_buf(checked, 50000), 0);
    fixture_run_now();
    assert_int_equal(checking_backend_counts().sends, 1);
    assert_true(checked_close(checked, REASON));
    assert_int_equal(checked_wait_close(checked),
                     REASON); /* the checking backend has checked the order */
    fixture_close_connected(&peer);
}

/* ---- inside each callback ---- */

static void close_now(struct checked_stream *checked)
{
    (void)checked_close(checked, REASON);
}

static void finish_now(struct checked_stream *checked)
{
    (void)checked_finish(checked, REASON, "final_text");
}

static enum gw_recv close_while_reading(struct checked_stream *checked, struct gw_ring *ring)
{
    gw_ring_consume(ring, 1); /* leaves the rest unread */
    close_now(checked);
    return GW_RECV_MORE;
}

static enum gw_recv close_and_ask_again(struct checked_stream *checked, struct gw_ring *ring)
{
    close_now(checked);
    return GW_RECV_AGAIN;
}

static enum gw_recv close_a_paused_one(struct checked_stream *checked, struct gw_ring *ring)
{
    gw_stream_pause(checked->stream);
    close_now(checked);
    gw_stream_resume(checked->stream);
    return GW_RECV_MORE;
}

static enum gw_recv finish_while_reading(struct checked_stream *checked, struct gw_ring *ring)
{
    gw_ring_consume(ring, 1);
    finish_now(checked);
    return GW_RECV_AGAIN;
}

static void set_deadline_now(struct checked_stream *checked)
{
    gw_stream_set_deadline(checked->stream, 0);
}

/* Calls every function that is allowed on a closed stream. */
static void ask_for_everything(struct checked_stream *checked)
{
    if (checked_send_text(checked, "too late") != GW_E_CLOSED ||
        checked_send_buf(checked, 10) != GW_E_CLOSED ||
        gw_stream_finish(checked->stream, 1, NULL) || gw_stream_close(checked->stream, 2)) {
        fixture_break_rule("in on_close a stream is over");
    }
    gw_stream_pause(checked->stream);
    gw_stream_resume(checked->stream);
    gw_stream_set_deadline(checked->stream, 0);
    gw_stream_set_deadline(checked->stream, GW_STREAM_NO_DEADLINE);
}

static void a_stream_can_be_ended_inside_each_of_its_callbacks(void **state)
{
    static const struct stream_callbacks callbacks[] = {
        {.on_open = close_now, .on_close = ask_for_everything},
        {.on_open = finish_now, .on_close = ask_for_everything},
        {.on_recv = close_while_reading, .on_close = ask_for_everything},
        {.on_recv = close_and_ask_again, .on_close = ask_for_everything},
        {.on_recv = close_a_paused_one, .on_close = ask_for_everything},
        {.on_recv = finish_while_reading, .on_close = ask_for_everything},
        {.on_open = set_deadline_now, .on_deadline = close_now, .on_close = ask_for_everything},
        {.on_open = set_deadline_now, .on_deadline = finish_now, .on_close = ask_for_everything},
    };
    for (size_t i = 0; i < sizeof(callbacks) / sizeof(callbacks[0]); i++) {
        struct raw_socket peer;
        fixture_open(&(struct port_fixture_plan){.callbacks = &callbacks[i]});
        struct checked_stream *checked = fixture_connect(&peer);
        (void)raw_socket_send(&peer, "some words", 10);
        (void)raw_socket_recv_until_end(&peer);
        raw_socket_close(&peer);
        assert_int_equal(checked_wait_close(checked), REASON);
        fixture_close();
        fixture_setup(state);
    }
}

/* ---- from other threads ---- */

static void close_posted_task(void *context)
{
    (void)checked_close(context, REASON);
}

static void a_stream_may_be_closed_by_another_object(void **state)
{
    enum { PEER_COUNT = 20 };
    struct raw_socket peers[PEER_COUNT];
    struct checked_stream *streams[PEER_COUNT];
    struct gw_turn room;
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    gw_turn_init(&room, fixture.port, NULL);
    for (int i = 0; i < PEER_COUNT; i++) {
        streams[i] = fixture_connect(&peers[i]);
    }
    for (int i = 0; i < PEER_COUNT; i++) {
        run_in_turn(&room, close_posted_task, streams[i]);
        assert_int_equal(checked_wait_close(streams[i]), REASON);
        raw_socket_close(&peers[i]);
    }
    fixture_close();
}

static void talk_and_read(void *context)
{
    const struct raw_socket *peer = context;
    uint8_t data[3000] = {0};
    while (raw_socket_send(peer, data, sizeof(data)) &&
           raw_socket_recv(peer, data, sizeof(data)) > 0) {
    }
}

/* The close races with both directions, a little later each time. */
static void a_close_may_come_while_both_directions_are_busy(void **state)
{
    static const struct stream_callbacks echo = {.on_recv = checked_echo};
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    for (uint32_t round = 0; round < 60; round++) {
        struct raw_socket peer;
        os_thread thread;
        struct checked_stream *checked = fixture_connect(&peer);
        assert_int_equal(os_thread_start(&thread, talk_and_read, &peer), 0);
        WAIT_FOR(atomic_load(&checked->recv_count) > round % 10);
        assert_true(checked_close(checked, REASON));
        assert_int_equal(checked_wait_close(checked), REASON);
        os_thread_join(thread);
        raw_socket_close(&peer);
    }
    fixture_close();
}

/* ---- afterwards ---- */

static void a_reference_keeps_a_closed_stream_usable(void **state)
{
    struct raw_socket peer;
    char text[GW_ADDR_TEXT_BYTES];
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    assert_true(checked_close(checked, REASON));
    assert_int_equal(checked_wait_close(checked), REASON);
    fixture_run_now();
    assert_int_equal(checked_send(checked, 10), GW_E_CLOSED);
    assert_int_equal(checked_send_buf(checked, 10), GW_E_CLOSED);
    assert_false(checked_finish(checked, 1, "not sent"));
    assert_false(checked_close(checked, 1));
    assert_int_equal(gw_stream_send_queue_bytes(checked->stream), 0);
    assert_memory_equal(gw_addr_format(gw_stream_peer(checked->stream), text), "127.0.0.1:", 10);
    fixture_run_now();
    assert_int_equal(atomic_load(&checked->close_count), 1);
    fixture_close_connected(&peer);
}

static atomic_uint wait_count;

static void count_wait(void)
{
    atomic_fetch_add(&wait_count, 1);
}

/* A child process has the sockets of its parent, too. */
static void a_closed_stream_gets_no_events_while_a_child_process_has_its_socket(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    fixture_run_now();
    intptr_t child = machine_start_child();
    assert_true(checked_close(checked, REASON));
    assert_int_equal(checked_wait_close(checked), REASON);
    (void)raw_socket_send(&peer, "hello", 5); /* the child's copy of the socket receives it */
    controlled_backend_before_wait(count_wait);
    fixture_run_now();
    atomic_store(&wait_count, 0);
    machine_sleep_ms(100);
    machine_end_child(child);
    assert_in_range(atomic_load(&wait_count), 0, 2 * fixture_worker_count);
    fixture_close_connected(&peer);
}

static void unref_of_null_does_nothing(void **state)
{
    gw_stream_unref(NULL);
}

int contract_close(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_close_is_prompt_and_discards_queued_bytes),
        FIXTURE_TEST(an_idle_stream_closes_promptly),
        FIXTURE_TEST(a_close_waits_for_the_send_in_flight),
        FIXTURE_TEST(a_stream_can_be_ended_inside_each_of_its_callbacks),
        FIXTURE_TEST(a_stream_may_be_closed_by_another_object),
        FIXTURE_TEST(a_close_may_come_while_both_directions_are_busy),
        FIXTURE_TEST(a_reference_keeps_a_closed_stream_usable),
        FIXTURE_TEST(a_closed_stream_gets_no_events_while_a_child_process_has_its_socket),
        FIXTURE_TEST(unref_of_null_does_nothing),
    };
    return cmocka_run_group_tests_name("contract: close", tests, NULL, NULL);
}

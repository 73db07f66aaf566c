/* tests/scripted/test_streams.c: Streams on a kernel that completes everything at once. */
#include "tests/test.h"

#include "net/error.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/port_fixture.h"
#include "tests/scripted/test_stream.h"

#include <string.h>

static struct test_listener test_listener;
static struct peer *peer;
static struct test_stream *test_stream;

/* An accepted stream and its peer. */
static int open_one(void **state)
{
    fixture_open(*state);
    memset(&test_listener, 0, sizeof test_listener);
    assert_int_equal(test_listener_open(&test_listener, 0, NULL), 0);
    fixture_run_now();
    fixture_align_to_tick();
    peer = peer_connect(test_listener.port);
    fixture_run_now();
    test_stream = test_listener_last(&test_listener);
    return 0;
}

static int close_one(void **state)
{
    gw_stream_close(test_stream->stream, 99);
    test_listener_close(&test_listener);
    fixture_run_ms(5000);
    assert_int_equal(test_stream->close_count, 1);
    test_listener_fini(&test_listener);
    peer_close(peer);
    fixture_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_one, close_one)

static void an_accepted_stream_opens(void **state)
{
    assert_int_equal(test_stream->open_count, 1);
    assert_int_equal(test_stream->opened_ns, fixture_now_ns());
    assert_int_equal(gw_stream_peer(test_stream->stream)->port / 10000, 5);
    assert_int_equal(fixture_counters().accepted, 1);
    assert_int_equal(fixture_counters().stream_count, 1);
}

static void bytes_arrive_in_order_in_both_directions(void **state)
{
    peer_send(peer, "hello", 5);
    fixture_run_now();
    assert_memory_equal(bytes_data(&test_stream->received), "hello", 5);
    assert_int_equal(test_stream_send(test_stream, "good", 4), 0);
    assert_int_equal(test_stream_send(test_stream, "bye", 3), 0);
    fixture_run_now();
    assert_int_equal(peer_unread_count(peer), 7);
    assert_memory_equal(peer_data(peer), "goodbye", 7);
    assert_int_equal(fixture_counters().send_queue_bytes, 0);
}

static void bytes_queued_before_the_open_are_sent_after_it(void **state)
{
    struct test_stream dialed = {0};
    struct peer *listener = peer_listen(9);
    assert_int_equal(test_stream_dial(&dialed, 9), 0);
    assert_int_equal(test_stream_send(&dialed, "early", 5), 0);
    assert_int_equal(dialed.open_count, 0);
    fixture_run_now();
    struct peer *other = peer_accept(listener);
    assert_int_equal(peer_unread_count(other), 5);
    assert_int_equal(dialed.open_count, 1);
    peer_finish(other);
    fixture_run_now();
    assert_int_equal(dialed.reason, GW_E_CLOSED);
    test_stream_fini(&dialed);
    peer_close(other);
    peer_close(listener);
}

static void a_message_waits_in_the_ring_until_it_is_whole(void **state)
{
    test_stream->message_bytes = 10;
    peer_send(peer, "0123456", 7);
    fixture_run_now();
    assert_int_equal(bytes_count(&test_stream->received), 0);
    assert_true(fixture_counters().pool_bytes > 0);
    peer_send(peer, "789ABC", 6);
    fixture_run_now();
    assert_int_equal(bytes_count(&test_stream->received), 10);
    peer_send(peer, "DEFGHIJ", 7);
    fixture_run_now();
    assert_memory_equal(bytes_data(&test_stream->received), "0123456789ABCDEFGHIJ", 20);
    assert_int_equal(fixture_counters().pool_bytes, 0);
}

/* ---- pausing ---- */

static void pause(void *context)
{
    gw_stream_pause(((struct test_stream *)context)->stream);
}

static void resume(void *context)
{
    gw_stream_resume(((struct test_stream *)context)->stream);
}

static void a_paused_stream_receives_nothing_and_loses_nothing(void **state)
{
    fixture_in_turn(gw_stream_turn(test_stream->stream), pause, test_stream);
    peer_send(peer, "waits", 5);
    fixture_run_ms(1000);
    peer_send(peer, "longer", 6);
    fixture_run_ms(60000);
    assert_int_equal(test_stream->recv_count, 0);
    fixture_in_turn(gw_stream_turn(test_stream->stream), resume, test_stream);
    assert_memory_equal(bytes_data(&test_stream->received), "waitslonger", 11);
}

static void a_paused_stream_slows_its_peer_down(void **state)
{
    static uint8_t much[200000];
    fixture_in_turn(gw_stream_turn(test_stream->stream), pause, test_stream);
    peer_send(peer, much, sizeof much);
    fixture_run_ms(1000);
    /* One receive was in flight; its bytes are kept. */
    assert_int_equal(fixture_counters().recv_count, 1);
    assert_true(fixture_counters().bytes_in <= GW_STREAM_RECV_BYTES_MAX);
    fixture_in_turn(gw_stream_turn(test_stream->stream), resume, test_stream);
    assert_int_equal(bytes_count(&test_stream->received), sizeof much);
}

static void pause_in_recv(struct test_stream *which)
{
    gw_stream_pause(which->stream);
}

static void a_pause_inside_on_recv_keeps_the_next_message(void **state)
{
    test_stream->message_bytes = 4;
    test_stream->budget = 1;
    test_stream->on_recv = pause_in_recv;
    peer_send(peer, "aaaabbbbcccc", 12);
    fixture_run_ms(100);
    assert_int_equal(bytes_count(&test_stream->received), 4);
    fixture_in_turn(gw_stream_turn(test_stream->stream), resume, test_stream);
    assert_int_equal(bytes_count(&test_stream->received), 8);
    test_stream->on_recv = NULL;
    fixture_in_turn(gw_stream_turn(test_stream->stream), resume, test_stream);
    assert_memory_equal(bytes_data(&test_stream->received), "aaaabbbbcccc", 12);
}

static void a_fin_behind_a_pause_waits_for_the_resume(void **state)
{
    fixture_in_turn(gw_stream_turn(test_stream->stream), pause, test_stream);
    peer_send(peer, "last", 4);
    peer_finish(peer);
    fixture_run_ms(10000);
    assert_int_equal(test_stream->close_count, 0);
    fixture_in_turn(gw_stream_turn(test_stream->stream), resume, test_stream);
    assert_memory_equal(bytes_data(&test_stream->received), "last", 4);
    assert_int_equal(test_stream->close_count, 1);
    assert_int_equal(test_stream->reason, GW_E_CLOSED);
}

/* ---- budgets ---- */

static void messages_left_in_the_ring_are_delivered_without_a_receive(void **state)
{
    test_stream->message_bytes = 4;
    test_stream->budget = 2;
    peer_send(peer, "aaaabbbbccccddddeeee", 20);
    fixture_run_now();
    assert_int_equal(bytes_count(&test_stream->received), 20);
    assert_int_equal(fixture_counters().recv_count, 1);
    assert_int_equal(test_stream->recv_count, 3);
}

/* A busy stream must not delay another one. */
static void no_stream_monopolizes_the_worker(void **state)
{
    struct peer *second_peer = peer_connect(test_listener.port);
    fixture_run_now();
    struct test_stream *second = test_listener_last(&test_listener);
    static uint8_t much[16000];
    test_stream->message_bytes = 4;
    test_stream->budget = 1;
    peer_send(peer, much, sizeof much);
    peer_send(second_peer, "me too", 6);
    kernel_run_until(fixture_now_ns());
    fixture_run_now();
    assert_int_equal(bytes_count(&second->received), 6);
    assert_int_equal(bytes_count(&test_stream->received), sizeof much);
    peer_finish(second_peer);
    fixture_run_now();
    peer_close(second_peer);
}

/* ---- the send queue ---- */

static void a_full_queue_refuses_and_accepts_again_when_there_is_room(void **state)
{
    static uint8_t block[1000];
    peer_set_window(peer, 0);
    uint32_t cost = sizeof block + GW_STREAM_BUF_OVERHEAD_BYTES;
    uint32_t count = 1;
    assert_int_equal(test_stream_send(test_stream, block, sizeof block), 0);
    fixture_run_now(); /* the kernel has refused bytes */
    while (count < 1000 && test_stream_send(test_stream, block, sizeof block) == 0) {
        count++;
    }
    assert_int_equal(count, 65536 / cost);
    assert_int_equal(test_stream_send(test_stream, block, sizeof block), GW_E_FULL);
    assert_int_equal(gw_stream_send_queue_bytes(test_stream->stream), count * cost);
    fixture_run_ms(10000);
    assert_int_equal(gw_stream_send_queue_bytes(test_stream->stream), count * cost);
    peer_set_window(peer, 1 << 20);
    fixture_run_now();
    assert_int_equal(gw_stream_send_queue_bytes(test_stream->stream), 0);
    assert_int_equal(peer_unread_count(peer), count * sizeof block);
}

static void a_queue_accepts_exactly_its_limit(void **state)
{
    static uint8_t block[65536];
    uint32_t most = 65536 - 1 - 2 * GW_STREAM_BUF_OVERHEAD_BYTES;
    peer_set_window(peer, 0);
    assert_int_equal(test_stream_send(test_stream, block, 1), 0);
    fixture_run_now();
    assert_int_equal(test_stream_send(test_stream, block, most + 1), GW_E_FULL);
    assert_int_equal(test_stream_send(test_stream, block, most), 0);
    assert_int_equal(test_stream_send(test_stream, block, 1), GW_E_FULL);
    peer_set_window(peer, 1 << 20);
    fixture_run_now();
    assert_int_equal(peer_unread_count(peer), 1 + most);
}

/* A thread that cannot use send_now() may queue a limited burst. */
static void a_burst_from_another_turn_has_its_own_limit(void **state)
{
    static uint8_t block[65536 - GW_STREAM_BUF_OVERHEAD_BYTES];
    peer_set_window(peer, 0);
    assert_int_equal(test_stream_send(test_stream, block, 1), 0);
    fixture_run_now(); /* a refusal counts until the refused bytes have been sent */
    peer_set_window(peer, 1 << 20);
    fixture_run_now();
    assert_int_equal(peer_read(peer, NULL, 1), 1);
    for (int i = 0; i < GW_STREAM_BURST_FACTOR; i++) {
        assert_int_equal(test_stream_send(test_stream, block, sizeof block), 0);
    }
    assert_int_equal(test_stream_send(test_stream, block, 1), GW_E_FULL);
    fixture_run_now();
    assert_int_equal(peer_unread_count(peer), GW_STREAM_BURST_FACTOR * sizeof block);
    assert_int_equal(test_stream_send(test_stream, block, 1), 0);
}

static void send_five(void *context)
{
    static uint8_t block[16000];
    int *error_count = context;
    for (int i = 0; i < 5; i++) {
        *error_count += test_stream_send(test_stream, block, sizeof block) != 0 ? 1 : 0;
    }
}

/* 80,000 bytes where 65,536 may wait. */
static void a_burst_in_one_turn_is_offered_to_the_kernel_before_it_is_refused(void **state)
{
    int error_count = 0;
    kernel_behaviour()->immediate_percent = 100;
    fixture_in_turn(gw_stream_turn(test_stream->stream), send_five, &error_count);
    assert_int_equal(error_count, 0);
    assert_int_equal(peer_unread_count(peer), 5 * 16000);
    assert_int_equal(gw_stream_send_queue_bytes(test_stream->stream), 0);
}

static void bytes_the_kernel_does_not_take_in_a_burst_count(void **state)
{
    int error_count = 0;
    kernel_behaviour()->immediate_percent = 100;
    peer_set_window(peer, 10000);
    fixture_in_turn(gw_stream_turn(test_stream->stream), send_five, &error_count);
    assert_int_equal(error_count, 1); /* the fifth: the kernel took 10,000 of four */
    fixture_in_turn(gw_stream_turn(test_stream->stream), send_five, &error_count);
    assert_int_equal(error_count, 6);
    assert_true(gw_stream_send_queue_bytes(test_stream->stream) <= 65536);
}

static void write_bytes(void *context)
{
    struct gw_stream_reservation place;
    for (char letter = 'a'; letter < 'a' + 5; letter++) {
        assert_int_equal(gw_stream_reserve(((struct test_stream *)context)->stream, 3, &place), 0);
        memset(place.data, letter, 3);
        gw_stream_commit(((struct test_stream *)context)->stream, &place);
    }
}

static void bytes_written_in_place_are_sent_in_order(void **state)
{
    fixture_in_turn(gw_stream_turn(test_stream->stream), write_bytes, test_stream);
    assert_int_equal(peer_unread_count(peer), 15);
    assert_memory_equal(peer_data(peer), "aaabbbcccdddeee", 15);
    assert_int_equal(fixture_counters().send_count, 1);
    write_bytes(test_stream); /* from another turn */
    fixture_run_now();
    assert_memory_equal(peer_data(peer) + 15, "aaabbbcccdddeee", 15);
}

/* ---- the deadline ---- */

static uint64_t wanted_ns;

static void set_deadline(void *context)
{
    gw_stream_set_deadline(((struct test_stream *)context)->stream, wanted_ns);
}

static void a_deadline_fires_once_at_its_tick(void **state)
{
    wanted_ns = fixture_now_ns() + 2500 * FIXTURE_MS;
    fixture_in_turn(gw_stream_turn(test_stream->stream), set_deadline, test_stream);
    fixture_run_until(fixture_tick_at(wanted_ns) - 1);
    assert_int_equal(test_stream->deadline_count, 0);
    fixture_run_ms(60000);
    assert_int_equal(test_stream->deadline_count, 1);
    assert_int_equal(test_stream->deadline_ns, fixture_tick_at(wanted_ns));
}

static void a_deadline_can_be_moved_both_ways_and_taken_back(void **state)
{
    struct gw_turn *turn = gw_stream_turn(test_stream->stream);
    uint64_t from_ns = fixture_now_ns();
    wanted_ns = from_ns + 1000 * FIXTURE_MS;
    fixture_in_turn(turn, set_deadline, test_stream);
    wanted_ns = from_ns + 3000 * FIXTURE_MS;
    fixture_in_turn(turn, set_deadline, test_stream);
    fixture_run_ms(2000);
    assert_int_equal(test_stream->deadline_count, 0);
    wanted_ns = from_ns + 2100 * FIXTURE_MS;
    fixture_in_turn(turn, set_deadline, test_stream);
    fixture_run_ms(1000);
    assert_int_equal(test_stream->deadline_count, 1);
    assert_int_equal(test_stream->deadline_ns, fixture_tick_at(wanted_ns));
    wanted_ns = from_ns + 4000 * FIXTURE_MS;
    fixture_in_turn(turn, set_deadline, test_stream);
    wanted_ns = GW_STREAM_NO_DEADLINE;
    fixture_in_turn(turn, set_deadline, test_stream);
    fixture_run_ms(60000);
    assert_int_equal(test_stream->deadline_count, 1);
}

static void a_deadline_in_the_past_fires_at_once(void **state)
{
    wanted_ns = fixture_now_ns() - 5;
    fixture_in_turn(gw_stream_turn(test_stream->stream), set_deadline, test_stream);
    fixture_run_ms(2);
    assert_int_equal(test_stream->deadline_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_accepted_stream_opens),
        TEST(bytes_arrive_in_order_in_both_directions),
        TEST(bytes_queued_before_the_open_are_sent_after_it),
        TEST(a_message_waits_in_the_ring_until_it_is_whole),
        TEST(a_paused_stream_receives_nothing_and_loses_nothing),
        TEST(a_paused_stream_slows_its_peer_down),
        TEST(a_pause_inside_on_recv_keeps_the_next_message),
        TEST(a_fin_behind_a_pause_waits_for_the_resume),
        TEST(messages_left_in_the_ring_are_delivered_without_a_receive),
        TEST(no_stream_monopolizes_the_worker),
        TEST(a_full_queue_refuses_and_accepts_again_when_there_is_room),
        TEST(a_queue_accepts_exactly_its_limit),
        TEST(a_burst_from_another_turn_has_its_own_limit),
        TEST(a_burst_in_one_turn_is_offered_to_the_kernel_before_it_is_refused),
        TEST(bytes_the_kernel_does_not_take_in_a_burst_count),
        TEST(bytes_written_in_place_are_sent_in_order),
        TEST(a_deadline_fires_once_at_its_tick),
        TEST(a_deadline_can_be_moved_both_ways_and_taken_back),
        TEST(a_deadline_in_the_past_fires_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

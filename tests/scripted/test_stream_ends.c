/* tests/scripted/test_stream_ends.c: Ends of streams, to the tick and to the byte. */
#include "tests/test.h"

#include "net/buf.h"
#include "net/error.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/port_fixture.h"
#include "tests/scripted/test_stream.h"

#include <string.h>

enum { WHY = 77 };

static struct test_listener test_listener;
static struct peer *peer;
static struct test_stream *test_stream;
static uint64_t begun_ns;

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
    begun_ns = fixture_now_ns();
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

static uint64_t after_ms(uint64_t ms)
{
    return fixture_tick_at(begun_ns + ms * FIXTURE_MS);
}

static void assert_closed(int reason, uint64_t time_ns)
{
    assert_int_equal(test_stream->close_count, 1);
    assert_int_equal(test_stream->reason, reason);
    assert_int_equal(test_stream->closed_ns, time_ns);
    assert_int_equal(fixture_counters().stream_count, 0);
    assert_int_equal(kernel_handle_count(), 1); /* the listener's */
}

static void finish_with(const char *words)
{
    struct gw_buf *last = gw_buf_create((uint32_t)strlen(words));
    assert_non_null(last);
    memcpy(gw_buf_data(last), words, strlen(words));
    assert_true(gw_stream_finish(test_stream->stream, WHY, last));
    gw_buf_unref(last);
}

/* ---- finish ---- */

static void a_finish_sends_what_is_queued_then_fin_then_waits_for_the_peers(void **state)
{
    assert_int_equal(test_stream_send(test_stream, "said ", 5), 0);
    finish_with("before");
    assert_int_equal(test_stream_send(test_stream, "never", 5), GW_E_CLOSED);
    fixture_run_ms(500);
    assert_int_equal(test_stream->close_count, 0);
    assert_memory_equal(peer_data(peer), "said before", 11);
    peer_read(peer, NULL, 11);
    assert_true(peer_has_fin(peer));
    peer_finish(peer);
    fixture_run_now();
    assert_closed(WHY, fixture_now_ns());
    assert_false(peer_has_reset(peer));
}

static void the_final_bytes_are_sent_although_the_queue_is_full(void **state)
{
    static uint8_t block[65536 - GW_STREAM_BUF_OVERHEAD_BYTES];
    peer_set_window(peer, 10);
    assert_int_equal(test_stream_send(test_stream, block, sizeof block), 0);
    finish_with("but");
    fixture_run_ms(100);
    peer_set_window(peer, 1 << 20);
    fixture_run_now();
    assert_int_equal(peer_unread_count(peer), sizeof block + 3);
    peer_finish(peer);
}

static void a_stream_flushes_one_second_for_a_peer_that_does_not_read(void **state)
{
    peer_set_window(peer, 0);
    assert_int_equal(test_stream_send(test_stream, "stuck", 5), 0);
    gw_stream_finish(test_stream->stream, WHY, NULL);
    fixture_run_until(after_ms(GW_STREAM_FLUSH_MS) - 1);
    assert_int_equal(test_stream->close_count, 0);
    assert_false(peer_has_fin(peer));
    fixture_run_ms(10000);
    assert_closed(WHY, after_ms(GW_STREAM_FLUSH_MS));
    assert_int_equal(fixture_counters().send_queue_bytes, 0);
    assert_true(peer_has_reset(peer)); /* the kernel buffers nothing for it */
}

/* The flush time is for all bytes, however many the peer reads. */
static void a_slow_reader_does_not_extend_the_flush(void **state)
{
    static uint8_t block[60000];
    peer_set_window(peer, 100);
    assert_int_equal(test_stream_send(test_stream, block, sizeof block), 0);
    gw_stream_finish(test_stream->stream, WHY, NULL);
    for (int i = 0; i < 30; i++) {
        fixture_run_ms(100);
        peer_read(peer, NULL, 100);
    }
    assert_closed(WHY, after_ms(GW_STREAM_FLUSH_MS));
    assert_true(peer_has_reset(peer));
}

static void a_stream_lingers_one_second_for_a_peer_that_does_not_finish(void **state)
{
    finish_with("bye");
    fixture_run_until(after_ms(GW_STREAM_LINGER_MS) - 1);
    assert_int_equal(test_stream->close_count, 0);
    fixture_run_ms(10000);
    assert_closed(WHY, after_ms(GW_STREAM_LINGER_MS));
    assert_false(peer_has_reset(peer)); /* would discard unread bytes */
    assert_memory_equal(peer_data(peer), "bye", 3);
}

static void linger_follows_flush(void **state)
{
    peer_set_window(peer, 0);
    finish_with("bye");
    fixture_run_ms(900);
    uint64_t flushed_ns = fixture_now_ns();
    peer_set_window(peer, 100);
    fixture_run_until(fixture_tick_at(flushed_ns + GW_STREAM_LINGER_MS * FIXTURE_MS) - 1);
    assert_int_equal(test_stream->close_count, 0);
    fixture_run_ms(10);
    assert_closed(WHY, fixture_tick_at(flushed_ns + GW_STREAM_LINGER_MS * FIXTURE_MS));
}

static void bytes_received_while_lingering_are_discarded(void **state)
{
    static uint8_t block[1000];
    finish_with("bye");
    for (int i = 0; i < 100; i++) {
        peer_send(peer, block, sizeof block);
        fixture_run_ms(1);
    }
    assert_int_equal(test_stream->recv_count, 0);
    assert_int_equal(fixture_counters().bytes_in, 100 * sizeof block);
    peer_finish(peer);
    fixture_run_now();
    assert_closed(WHY, fixture_now_ns());
    assert_false(peer_has_reset(peer));
}

static void lingering_ends_when_too_many_bytes_arrive(void **state)
{
    static uint8_t block[GW_STREAM_LINGER_BYTES + 1];
    finish_with("bye");
    fixture_run_now();
    peer_send(peer, block, GW_STREAM_LINGER_BYTES);
    fixture_run_now();
    assert_int_equal(test_stream->close_count, 0);
    peer_send(peer, block, 1);
    fixture_run_now();
    assert_closed(WHY, fixture_now_ns());
}

static void bytes_received_while_flushing_are_bounded_and_the_final_bytes_are_sent(void **state)
{
    static uint8_t block[GW_STREAM_LINGER_BYTES + 40000];
    peer_set_window(peer, 0);
    finish_with("bye");
    fixture_run_now();
    peer_send(peer, block, sizeof block);
    fixture_run_now();
    assert_int_equal(test_stream->close_count, 0);
    assert_true(fixture_counters().bytes_in <= GW_STREAM_LINGER_BYTES + GW_STREAM_RECV_BYTES_MAX);
    peer_set_window(peer, 100);
    fixture_run_now();
    assert_int_equal(test_stream->close_count,
                     0); /* unread bytes at this time would have sent RST before the final bytes */
    assert_int_equal(fixture_counters().bytes_in, sizeof block);
    peer_finish(peer);
    fixture_run_now();
    assert_closed(WHY, fixture_now_ns());
}

static void pause(void *context)
{
    gw_stream_pause(((struct test_stream *)context)->stream);
}

static void a_pause_does_not_apply_to_the_end(void **state)
{
    fixture_in_turn(gw_stream_turn(test_stream->stream), pause, test_stream);
    static uint8_t block[50000];
    peer_send(peer, block, sizeof block);
    fixture_run_ms(100);
    finish_with("bye");
    fixture_run_now();
    peer_finish(peer);
    fixture_run_now();
    assert_closed(WHY, fixture_now_ns());
    assert_false(peer_has_reset(peer));
    assert_memory_equal(peer_data(peer), "bye", 3);
}

static void a_finish_drops_what_has_not_been_read(void **state)
{
    test_stream->message_bytes = 100;
    peer_send(peer, "half", 4);
    fixture_run_now();
    assert_true(fixture_counters().pool_bytes > 0);
    gw_stream_finish(test_stream->stream, WHY, NULL);
    fixture_run_now();
    assert_int_equal(fixture_counters().pool_bytes, 0);
}

static void the_first_end_sets_the_reason(void **state)
{
    assert_true(gw_stream_finish(test_stream->stream, WHY, NULL));
    assert_false(gw_stream_finish(test_stream->stream, 5, NULL));
    assert_false(gw_stream_close(test_stream->stream, 6));
    fixture_run_now();
    assert_closed(WHY, begun_ns);
}

static void a_close_shortens_a_finish_in_progress(void **state)
{
    peer_set_window(peer, 0);
    finish_with("bye");
    fixture_run_ms(300);
    assert_false(gw_stream_close(test_stream->stream, 6));
    fixture_run_now();
    assert_closed(WHY, fixture_now_ns());
    assert_true(peer_has_reset(peer));
}

static void a_close_with_all_bytes_sent_is_not_a_reset(void **state)
{
    assert_int_equal(test_stream_send(test_stream, "answer", 6), 0);
    fixture_run_now();
    assert_true(gw_stream_close(test_stream->stream, WHY));
    fixture_run_now();
    assert_closed(WHY, fixture_now_ns());
    assert_false(peer_has_reset(peer));
    assert_memory_equal(peer_data(peer), "answer", 6);
}

static void a_half_closed_peer_that_reads_nothing_is_reset_after_one_second(void **state)
{
    peer_set_window(peer, 0);
    assert_int_equal(test_stream_send(test_stream, "answer", 6), 0);
    peer_finish(peer);
    fixture_run_until(after_ms(GW_STREAM_FLUSH_MS) - 1);
    assert_int_equal(test_stream->close_count, 0);
    fixture_run_ms(10000);
    assert_closed(GW_E_CLOSED, after_ms(GW_STREAM_FLUSH_MS));
    assert_true(peer_has_reset(peer));
}

/* ---- the peer's end ---- */

static void the_peers_fin_finishes_the_stream(void **state)
{
    assert_int_equal(test_stream_send(test_stream, "answer", 6), 0);
    peer_send(peer, "question", 8);
    peer_finish(peer);
    fixture_run_now();
    assert_memory_equal(bytes_data(&test_stream->received), "question", 8);
    assert_memory_equal(peer_data(peer), "answer", 6);
    assert_closed(GW_E_CLOSED, fixture_now_ns());
}

static void a_peer_that_finished_still_receives_queued_bytes(void **state)
{
    static uint8_t block[30000];
    peer_set_window(peer, 1000);
    assert_int_equal(test_stream_send(test_stream, block, sizeof block), 0);
    peer_finish(peer);
    uint64_t got = 0;
    for (int i = 0; i < 40; i++) {
        fixture_run_ms(10);
        got += peer_read(peer, NULL, 5000);
    }
    assert_int_equal(got, sizeof block);
    assert_true(peer_has_fin(peer));
    assert_int_equal(test_stream->close_count, 1);
    assert_int_equal(test_stream->reason, GW_E_CLOSED);
}

static void a_reset_ends_it_at_once(void **state)
{
    test_stream->message_bytes = 100;
    peer_send(peer, "partial", 4);
    fixture_run_now();
    peer_reset(peer);
    fixture_run_now();
    assert_closed(GW_E_RESET, begun_ns);
    assert_int_equal(test_stream->recv_count, 1);
    assert_int_equal(fixture_counters().pool_bytes, 0);
}

static void a_reset_while_flushing_ends_it_at_once(void **state)
{
    peer_set_window(peer, 0);
    finish_with("bye");
    fixture_run_ms(200);
    peer_reset(peer);
    fixture_run_now();
    assert_closed(WHY, fixture_now_ns());
}

static void a_reset_while_lingering_ends_it_at_once(void **state)
{
    finish_with("bye");
    fixture_run_ms(200);
    peer_reset(peer);
    fixture_run_now();
    assert_closed(WHY, fixture_now_ns());
}

/* ---- failed sends ---- */

static void after_a_failed_send_bytes_that_had_arrived_are_delivered(void **state)
{
    kernel_fail_next(KERNEL_SEND, 1, GW_E_RESET);
    assert_int_equal(test_stream_send(test_stream, "lost", 4), 0);
    fixture_run_now();
    assert_int_equal(test_stream->close_count, 0);
    assert_int_equal(test_stream_send(test_stream, "more", 4), GW_E_CLOSED);
    peer_send(peer, "arrives", 7);
    fixture_run_ms(100);
    assert_memory_equal(bytes_data(&test_stream->received), "arrives", 7);
    peer_finish(peer);
    fixture_run_now();
    assert_closed(GW_E_RESET, fixture_now_ns());
}

static void after_a_failed_send_a_stream_receives_for_one_second(void **state)
{
    kernel_fail_next(KERNEL_SEND, 1, GW_E_TIMEOUT);
    assert_int_equal(test_stream_send(test_stream, "lost", 4), 0);
    fixture_run_until(after_ms(GW_STREAM_LINGER_MS) - 1);
    assert_int_equal(test_stream->close_count, 0);
    fixture_run_ms(5000);
    assert_closed(GW_E_TIMEOUT, after_ms(GW_STREAM_LINGER_MS));
}

static void set_a_far_deadline(void *context)
{
    gw_stream_set_deadline(((struct test_stream *)context)->stream,
                           fixture_now_ns() + 100000 * FIXTURE_MS);
}

static void a_user_deadline_does_not_move_the_end(void **state)
{
    kernel_fail_next(KERNEL_SEND, 1, GW_E_TIMEOUT);
    assert_int_equal(test_stream_send(test_stream, "lost", 4), 0);
    fixture_run_ms(100);
    fixture_in_turn(gw_stream_turn(test_stream->stream), set_a_far_deadline, test_stream);
    fixture_run_ms(5000);
    assert_closed(GW_E_TIMEOUT, after_ms(GW_STREAM_LINGER_MS));
    assert_int_equal(test_stream->deadline_count, 0);
}

static void a_close_after_a_failed_send_is_at_once(void **state)
{
    kernel_fail_next(KERNEL_SEND, 1, GW_E_RESET);
    assert_int_equal(test_stream_send(test_stream, "lost", 4), 0);
    fixture_run_ms(100);
    assert_false(gw_stream_close(test_stream->stream, WHY));
    fixture_run_now();
    assert_closed(GW_E_RESET, fixture_now_ns());
}

static void finish_and_reset(void *context)
{
    gw_stream_finish(test_stream->stream, WHY, NULL);
    peer_send(context, "too late", 8);
    peer_close(context);
}

/* In one round: a finish by another thread, a send that fails, and bytes that arrive. */
static void nothing_is_received_after_a_finish_although_sending_fails(void **state)
{
    struct peer *second = peer_connect(test_listener.port);
    gw_stream_close(test_stream->stream, WHY);
    fixture_run_now();
    test_stream = test_listener_last(&test_listener);
    peer_set_window(second, 0);
    assert_int_equal(test_stream_send(test_stream, "lost", 4), 0);
    fixture_run_now();
    peer_send(second, "in time", 7);
    fixture_run_now();
    assert_int_equal(test_stream->recv_count, 1);
    kernel_at(fixture_now_ns() + FIXTURE_MS, finish_and_reset, second);
    fixture_run_ms(5000);
    assert_int_equal(test_stream->close_count, 1);
    assert_int_equal(test_stream->reason, WHY);
    assert_int_equal(test_stream->recv_count, 1);
}

/* ---- closing with operations in flight ---- */

static void a_close_waits_for_both_directions(void **state)
{
    peer_set_window(peer, 0);
    assert_int_equal(test_stream_send(test_stream, "in flight", 9), 0);
    fixture_run_now();
    assert_int_equal(kernel_ticket_count(), 3); /* accept, recv, send */
    assert_true(gw_stream_close(test_stream->stream, WHY));
    fixture_run_now();
    assert_closed(WHY, begun_ns);
}

static void a_late_cancel_changes_nothing(void **state)
{
    kernel_behaviour()->cancel_loses_percent = 100;
    peer_set_window(peer, 0);
    assert_int_equal(test_stream_send(test_stream, "in flight", 9), 0);
    fixture_run_now();
    gw_stream_close(test_stream->stream, WHY);
    peer_set_window(peer, 100);
    peer_send(peer, "crossing", 8);
    fixture_run_now();
    assert_closed(WHY, begun_ns);
    assert_int_equal(test_stream->recv_count, 0);
}

static void close_itself(struct test_stream *which)
{
    gw_stream_close(which->stream, WHY);
}

static void a_close_inside_on_recv_stops_receiving(void **state)
{
    test_stream->message_bytes = 2;
    test_stream->on_recv = close_itself;
    test_stream->budget = 1;
    peer_send(peer, "aabbcc", 6);
    fixture_run_now();
    assert_closed(WHY, begun_ns);
    assert_int_equal(bytes_count(&test_stream->received), 2);
}

static void ask_for_more(struct test_stream *which)
{
    assert_int_equal(test_stream_send(which, "x", 1), GW_E_CLOSED);
    assert_false(gw_stream_finish(which->stream, 1, NULL));
    assert_false(gw_stream_close(which->stream, 1));
}

static void inside_on_close_no_bytes_are_accepted(void **state)
{
    test_stream->on_close = ask_for_more;
    gw_stream_close(test_stream->stream, WHY);
    fixture_run_now();
    assert_closed(WHY, begun_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_finish_sends_what_is_queued_then_fin_then_waits_for_the_peers),
        TEST(the_final_bytes_are_sent_although_the_queue_is_full),
        TEST(a_stream_flushes_one_second_for_a_peer_that_does_not_read),
        TEST(a_slow_reader_does_not_extend_the_flush),
        TEST(a_stream_lingers_one_second_for_a_peer_that_does_not_finish),
        TEST(linger_follows_flush),
        TEST(bytes_received_while_lingering_are_discarded),
        TEST(lingering_ends_when_too_many_bytes_arrive),
        TEST(bytes_received_while_flushing_are_bounded_and_the_final_bytes_are_sent),
        TEST(a_pause_does_not_apply_to_the_end),
        TEST(a_finish_drops_what_has_not_been_read),
        TEST(the_first_end_sets_the_reason),
        TEST(a_close_shortens_a_finish_in_progress),
        TEST(a_close_with_all_bytes_sent_is_not_a_reset),
        TEST(a_half_closed_peer_that_reads_nothing_is_reset_after_one_second),
        TEST(the_peers_fin_finishes_the_stream),
        TEST(a_peer_that_finished_still_receives_queued_bytes),
        TEST(a_reset_ends_it_at_once),
        TEST(a_reset_while_flushing_ends_it_at_once),
        TEST(a_reset_while_lingering_ends_it_at_once),
        TEST(after_a_failed_send_bytes_that_had_arrived_are_delivered),
        TEST(after_a_failed_send_a_stream_receives_for_one_second),
        TEST(a_user_deadline_does_not_move_the_end),
        TEST(a_close_after_a_failed_send_is_at_once),
        TEST(nothing_is_received_after_a_finish_although_sending_fails),
        TEST(a_close_waits_for_both_directions),
        TEST(a_late_cancel_changes_nothing),
        TEST(a_close_inside_on_recv_stops_receiving),
        TEST(inside_on_close_no_bytes_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

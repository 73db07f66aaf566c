/* tests/scripted/test_stream_ends.c: how streams end, to the tick and to the byte. */
#include "tests/test.h"

#include "net/buf.h"
#include "net/error.h"
#include "tests/scripted/life.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/stage.h"

#include <string.h>

enum { WHY = 77 };

static struct door door;
static struct peer *peer;
static struct life *life;
static uint64_t begun_ns;

static int open_one(void **state)
{
    stage_open(*state);
    memset(&door, 0, sizeof door);
    assert_int_equal(door_open(&door, 0, NULL), 0);
    stage_settle();
    stage_align();
    peer = peer_connect(door.port);
    stage_settle();
    life = door_last(&door);
    begun_ns = stage_now_ns();
    return 0;
}

static int close_one(void **state)
{
    (void)state;
    gw_stream_close(life->stream, 99);
    door_close(&door);
    stage_run_ms(5000);
    assert_int_equal(life->close_count, 1);
    door_fini(&door);
    peer_close(peer);
    stage_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_one, close_one)

static uint64_t after_ms(uint64_t ms)
{
    return stage_tick_at(begun_ns + ms * STAGE_MS);
}

static void assert_closed(int reason, uint64_t time_ns)
{
    assert_int_equal(life->close_count, 1);
    assert_int_equal(life->reason, reason);
    assert_int_equal(life->closed_ns, time_ns);
    assert_int_equal(stage_counters().stream_count, 0);
    assert_int_equal(kernel_handle_count(), 1); /* the door's */
}

static void finish_with(const char *words)
{
    struct gw_buf *last = gw_buf_create((uint32_t)strlen(words));
    assert_non_null(last);
    memcpy(gw_buf_data(last), words, strlen(words));
    assert_true(gw_stream_finish(life->stream, WHY, last));
    gw_buf_unref(last);
}

/* ---- finish ---- */

static void a_finish_sends_what_is_queued_then_fin_then_waits_for_the_peers(void **state)
{
    (void)state;
    assert_int_equal(life_send(life, "said ", 5), 0);
    finish_with("before");
    assert_int_equal(life_send(life, "never", 5), GW_E_CLOSED);
    stage_run_ms(500);
    assert_int_equal(life->close_count, 0);
    assert_memory_equal(peer_look(peer), "said before", 11);
    peer_read(peer, NULL, 11);
    assert_true(peer_has_fin(peer));
    peer_finish(peer);
    stage_settle();
    assert_closed(WHY, stage_now_ns());
    assert_false(peer_has_reset(peer));
}

static void the_last_words_leave_although_the_queue_is_full(void **state)
{
    (void)state;
    static uint8_t block[65536 - GW_STREAM_BUF_OVERHEAD_BYTES];
    peer_set_window(peer, 10);
    assert_int_equal(life_send(life, block, sizeof block), 0);
    finish_with("but");
    stage_run_ms(100);
    peer_set_window(peer, 1 << 20);
    stage_settle();
    assert_int_equal(peer_unread_count(peer), sizeof block + 3);
    peer_finish(peer);
}

static void a_peer_that_reads_nothing_is_waited_for_one_second(void **state)
{
    (void)state;
    peer_set_window(peer, 0);
    assert_int_equal(life_send(life, "stuck", 5), 0);
    gw_stream_finish(life->stream, WHY, NULL);
    stage_run_until(after_ms(GW_STREAM_FLUSH_MS) - 1);
    assert_int_equal(life->close_count, 0);
    assert_false(peer_has_fin(peer));
    stage_run_ms(10000);
    assert_closed(WHY, after_ms(GW_STREAM_FLUSH_MS));
    assert_int_equal(stage_counters().send_queue_bytes, 0);
    assert_true(peer_has_reset(peer)); /* nothing is left in the kernel for it */
}

/* However much it reads: the second is for all of it. */
static void a_slow_reader_gets_no_more_than_that_second(void **state)
{
    (void)state;
    static uint8_t block[60000];
    peer_set_window(peer, 100);
    assert_int_equal(life_send(life, block, sizeof block), 0);
    gw_stream_finish(life->stream, WHY, NULL);
    for (int i = 0; i < 30; i++) {
        stage_run_ms(100);
        peer_read(peer, NULL, 100);
    }
    assert_closed(WHY, after_ms(GW_STREAM_FLUSH_MS));
    assert_true(peer_has_reset(peer));
}

static void a_peer_that_does_not_finish_is_waited_for_one_second_more(void **state)
{
    (void)state;
    finish_with("bye");
    stage_run_until(after_ms(GW_STREAM_LINGER_MS) - 1);
    assert_int_equal(life->close_count, 0);
    stage_run_ms(10000);
    assert_closed(WHY, after_ms(GW_STREAM_LINGER_MS));
    assert_false(peer_has_reset(peer)); /* which would discard what it has not read yet */
    assert_memory_equal(peer_look(peer), "bye", 3);
}

static void flush_and_linger_follow_each_other(void **state)
{
    (void)state;
    peer_set_window(peer, 0);
    finish_with("bye");
    stage_run_ms(900);
    uint64_t flushed_ns = stage_now_ns();
    peer_set_window(peer, 100);
    stage_run_until(stage_tick_at(flushed_ns + GW_STREAM_LINGER_MS * STAGE_MS) - 1);
    assert_int_equal(life->close_count, 0);
    stage_run_ms(10);
    assert_closed(WHY, stage_tick_at(flushed_ns + GW_STREAM_LINGER_MS * STAGE_MS));
}

static void what_comes_while_lingering_is_discarded(void **state)
{
    (void)state;
    static uint8_t block[1000];
    finish_with("bye");
    for (int i = 0; i < 100; i++) {
        peer_send(peer, block, sizeof block);
        stage_run_ms(1);
    }
    assert_int_equal(life->recv_count, 0);
    assert_int_equal(stage_counters().bytes_in, 100 * sizeof block);
    peer_finish(peer);
    stage_settle();
    assert_closed(WHY, stage_now_ns());
    assert_false(peer_has_reset(peer));
}

static void lingering_ends_when_too_much_has_come(void **state)
{
    (void)state;
    static uint8_t block[GW_STREAM_LINGER_BYTES + 1];
    finish_with("bye");
    stage_settle();
    peer_send(peer, block, GW_STREAM_LINGER_BYTES);
    stage_settle();
    assert_int_equal(life->close_count, 0);
    peer_send(peer, block, 1);
    stage_settle();
    assert_closed(WHY, stage_now_ns());
}

static void what_comes_while_flushing_is_bounded_and_does_not_cost_the_last_words(void **state)
{
    (void)state;
    static uint8_t block[GW_STREAM_LINGER_BYTES + 40000];
    peer_set_window(peer, 0);
    finish_with("bye");
    stage_settle();
    peer_send(peer, block, sizeof block);
    stage_settle();
    assert_int_equal(life->close_count, 0);
    assert_true(stage_counters().bytes_in <= GW_STREAM_LINGER_BYTES + GW_STREAM_RECV_BYTES_MAX);
    peer_set_window(peer, 100);
    stage_settle();
    assert_int_equal(life->close_count, 0); /* what is unread now would have reset the last words */
    assert_int_equal(stage_counters().bytes_in, sizeof block);
    peer_finish(peer);
    stage_settle();
    assert_closed(WHY, stage_now_ns());
}

static void pause(void *context)
{
    gw_stream_pause(((struct life *)context)->stream);
}

static void a_pause_does_not_apply_to_the_end(void **state)
{
    (void)state;
    stage_in_turn(gw_stream_turn(life->stream), pause, life);
    static uint8_t block[50000];
    peer_send(peer, block, sizeof block);
    stage_run_ms(100);
    finish_with("bye");
    stage_settle();
    peer_finish(peer);
    stage_settle();
    assert_closed(WHY, stage_now_ns());
    assert_false(peer_has_reset(peer));
    assert_memory_equal(peer_look(peer), "bye", 3);
}

static void a_finish_drops_what_has_not_been_read(void **state)
{
    (void)state;
    life->message_bytes = 100;
    peer_send(peer, "half", 4);
    stage_settle();
    assert_true(stage_counters().pool_bytes > 0);
    gw_stream_finish(life->stream, WHY, NULL);
    stage_settle();
    assert_int_equal(stage_counters().pool_bytes, 0);
}

static void the_first_end_decides_the_reason(void **state)
{
    (void)state;
    assert_true(gw_stream_finish(life->stream, WHY, NULL));
    assert_false(gw_stream_finish(life->stream, 5, NULL));
    assert_false(gw_stream_close(life->stream, 6));
    stage_settle();
    assert_closed(WHY, begun_ns);
}

static void a_close_makes_haste(void **state)
{
    (void)state;
    peer_set_window(peer, 0);
    finish_with("bye");
    stage_run_ms(300);
    assert_false(gw_stream_close(life->stream, 6));
    stage_settle();
    assert_closed(WHY, stage_now_ns());
    assert_true(peer_has_reset(peer));
}

static void a_close_with_all_bytes_sent_is_no_reset(void **state)
{
    (void)state;
    assert_int_equal(life_send(life, "answer", 6), 0);
    stage_settle();
    assert_true(gw_stream_close(life->stream, WHY));
    stage_settle();
    assert_closed(WHY, stage_now_ns());
    assert_false(peer_has_reset(peer));
    assert_memory_equal(peer_look(peer), "answer", 6);
}

static void a_half_closed_peer_that_reads_nothing_is_reset_after_one_second(void **state)
{
    (void)state;
    peer_set_window(peer, 0);
    assert_int_equal(life_send(life, "answer", 6), 0);
    peer_finish(peer);
    stage_run_until(after_ms(GW_STREAM_FLUSH_MS) - 1);
    assert_int_equal(life->close_count, 0);
    stage_run_ms(10000);
    assert_closed(GW_E_CLOSED, after_ms(GW_STREAM_FLUSH_MS));
    assert_true(peer_has_reset(peer));
}

/* ---- the peer's end ---- */

static void the_peers_fin_finishes_the_stream(void **state)
{
    (void)state;
    assert_int_equal(life_send(life, "answer", 6), 0);
    peer_send(peer, "question", 8);
    peer_finish(peer);
    stage_settle();
    assert_memory_equal(bytes_look(&life->heard), "question", 8);
    assert_memory_equal(peer_look(peer), "answer", 6);
    assert_closed(GW_E_CLOSED, stage_now_ns());
}

static void a_peer_that_finished_still_gets_what_is_queued(void **state)
{
    (void)state;
    static uint8_t block[30000];
    peer_set_window(peer, 1000);
    assert_int_equal(life_send(life, block, sizeof block), 0);
    peer_finish(peer);
    uint64_t got = 0;
    for (int i = 0; i < 40; i++) {
        stage_run_ms(10);
        got += peer_read(peer, NULL, 5000);
    }
    assert_int_equal(got, sizeof block);
    assert_true(peer_has_fin(peer));
    assert_int_equal(life->close_count, 1);
    assert_int_equal(life->reason, GW_E_CLOSED);
}

static void a_reset_ends_it_at_once(void **state)
{
    (void)state;
    life->message_bytes = 100;
    peer_send(peer, "torn", 4);
    stage_settle();
    peer_reset(peer);
    stage_settle();
    assert_closed(GW_E_RESET, begun_ns);
    assert_int_equal(life->recv_count, 1);
    assert_int_equal(stage_counters().pool_bytes, 0);
}

static void a_reset_while_flushing_ends_it_at_once(void **state)
{
    (void)state;
    peer_set_window(peer, 0);
    finish_with("bye");
    stage_run_ms(200);
    peer_reset(peer);
    stage_settle();
    assert_closed(WHY, stage_now_ns());
}

static void a_reset_while_lingering_ends_it_at_once(void **state)
{
    (void)state;
    finish_with("bye");
    stage_run_ms(200);
    peer_reset(peer);
    stage_settle();
    assert_closed(WHY, stage_now_ns());
}

/* ---- sending fails ---- */

static void after_a_failed_send_what_had_arrived_is_delivered(void **state)
{
    (void)state;
    kernel_fail_next(KERNEL_SEND, 1, GW_E_RESET);
    assert_int_equal(life_send(life, "lost", 4), 0);
    stage_settle();
    assert_int_equal(life->close_count, 0);
    assert_int_equal(life_send(life, "more", 4), GW_E_CLOSED);
    peer_send(peer, "arrives", 7);
    stage_run_ms(100);
    assert_memory_equal(bytes_look(&life->heard), "arrives", 7);
    peer_finish(peer);
    stage_settle();
    assert_closed(GW_E_RESET, stage_now_ns());
}

static void after_a_failed_send_it_listens_for_one_second(void **state)
{
    (void)state;
    kernel_fail_next(KERNEL_SEND, 1, GW_E_TIMEOUT);
    assert_int_equal(life_send(life, "lost", 4), 0);
    stage_run_until(after_ms(GW_STREAM_LINGER_MS) - 1);
    assert_int_equal(life->close_count, 0);
    stage_run_ms(5000);
    assert_closed(GW_E_TIMEOUT, after_ms(GW_STREAM_LINGER_MS));
}

static void set_a_far_deadline(void *context)
{
    gw_stream_set_deadline(((struct life *)context)->stream, stage_now_ns() + 100000 * STAGE_MS);
}

static void a_users_deadline_does_not_move_the_end(void **state)
{
    (void)state;
    kernel_fail_next(KERNEL_SEND, 1, GW_E_TIMEOUT);
    assert_int_equal(life_send(life, "lost", 4), 0);
    stage_run_ms(100);
    stage_in_turn(gw_stream_turn(life->stream), set_a_far_deadline, life);
    stage_run_ms(5000);
    assert_closed(GW_E_TIMEOUT, after_ms(GW_STREAM_LINGER_MS));
    assert_int_equal(life->deadline_count, 0);
}

static void a_close_after_a_failed_send_is_at_once(void **state)
{
    (void)state;
    kernel_fail_next(KERNEL_SEND, 1, GW_E_RESET);
    assert_int_equal(life_send(life, "lost", 4), 0);
    stage_run_ms(100);
    assert_false(gw_stream_close(life->stream, WHY));
    stage_settle();
    assert_closed(GW_E_RESET, stage_now_ns());
}

static void finish_and_hang_up(void *context)
{
    gw_stream_finish(life->stream, WHY, NULL);
    peer_send(context, "too late", 8);
    peer_close(context);
}

/* In one round: the finish of another thread, a send that fails, and bytes. */
static void nothing_is_heard_after_a_finish_although_sending_fails(void **state)
{
    (void)state;
    struct peer *second = peer_connect(door.port);
    gw_stream_close(life->stream, WHY);
    stage_settle();
    life = door_last(&door);
    peer_set_window(second, 0);
    assert_int_equal(life_send(life, "lost", 4), 0);
    stage_settle();
    peer_send(second, "in time", 7);
    stage_settle();
    assert_int_equal(life->recv_count, 1);
    kernel_at(stage_now_ns() + STAGE_MS, finish_and_hang_up, second);
    stage_run_ms(5000);
    assert_int_equal(life->close_count, 1);
    assert_int_equal(life->reason, WHY);
    assert_int_equal(life->recv_count, 1);
}

/* ---- closing with operations in flight ---- */

static void a_close_waits_for_both_directions(void **state)
{
    (void)state;
    peer_set_window(peer, 0);
    assert_int_equal(life_send(life, "in flight", 9), 0);
    stage_settle();
    assert_int_equal(kernel_ticket_count(), 3); /* accept, recv, send */
    assert_true(gw_stream_close(life->stream, WHY));
    stage_settle();
    assert_closed(WHY, begun_ns);
}

static void a_cancel_that_comes_too_late_changes_nothing(void **state)
{
    (void)state;
    kernel_behaviour()->cancel_loses_percent = 100;
    peer_set_window(peer, 0);
    assert_int_equal(life_send(life, "in flight", 9), 0);
    stage_settle();
    gw_stream_close(life->stream, WHY);
    peer_set_window(peer, 100);
    peer_send(peer, "crossing", 8);
    stage_settle();
    assert_closed(WHY, begun_ns);
    assert_int_equal(life->recv_count, 0);
}

static void close_itself(struct life *which)
{
    gw_stream_close(which->stream, WHY);
}

static void a_close_inside_on_recv_is_the_last_that_is_heard(void **state)
{
    (void)state;
    life->message_bytes = 2;
    life->on_recv = close_itself;
    life->budget = 1;
    peer_send(peer, "aabbcc", 6);
    stage_settle();
    assert_closed(WHY, begun_ns);
    assert_int_equal(bytes_count(&life->heard), 2);
}

static void ask_for_more(struct life *which)
{
    assert_int_equal(life_send(which, "x", 1), GW_E_CLOSED);
    assert_false(gw_stream_finish(which->stream, 1, NULL));
    assert_false(gw_stream_close(which->stream, 1));
}

static void inside_on_close_nothing_is_taken_any_more(void **state)
{
    (void)state;
    life->on_close = ask_for_more;
    gw_stream_close(life->stream, WHY);
    stage_settle();
    assert_closed(WHY, begun_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_finish_sends_what_is_queued_then_fin_then_waits_for_the_peers),
        TEST(the_last_words_leave_although_the_queue_is_full),
        TEST(a_peer_that_reads_nothing_is_waited_for_one_second),
        TEST(a_slow_reader_gets_no_more_than_that_second),
        TEST(a_peer_that_does_not_finish_is_waited_for_one_second_more),
        TEST(flush_and_linger_follow_each_other),
        TEST(what_comes_while_lingering_is_discarded),
        TEST(lingering_ends_when_too_much_has_come),
        TEST(what_comes_while_flushing_is_bounded_and_does_not_cost_the_last_words),
        TEST(a_pause_does_not_apply_to_the_end),
        TEST(a_finish_drops_what_has_not_been_read),
        TEST(the_first_end_decides_the_reason),
        TEST(a_close_makes_haste),
        TEST(a_close_with_all_bytes_sent_is_no_reset),
        TEST(a_half_closed_peer_that_reads_nothing_is_reset_after_one_second),
        TEST(the_peers_fin_finishes_the_stream),
        TEST(a_peer_that_finished_still_gets_what_is_queued),
        TEST(a_reset_ends_it_at_once),
        TEST(a_reset_while_flushing_ends_it_at_once),
        TEST(a_reset_while_lingering_ends_it_at_once),
        TEST(after_a_failed_send_what_had_arrived_is_delivered),
        TEST(after_a_failed_send_it_listens_for_one_second),
        TEST(a_users_deadline_does_not_move_the_end),
        TEST(a_close_after_a_failed_send_is_at_once),
        TEST(nothing_is_heard_after_a_finish_although_sending_fails),
        TEST(a_close_waits_for_both_directions),
        TEST(a_cancel_that_comes_too_late_changes_nothing),
        TEST(a_close_inside_on_recv_is_the_last_that_is_heard),
        TEST(inside_on_close_nothing_is_taken_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_streams.c: the life of a stream, when the kernel is kind. */
#include "tests/test.h"

#include "net/error.h"
#include "tests/scripted/life.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/stage.h"

#include <string.h>

static struct door door;
static struct peer *peer;
static struct life *life;

/* A stream that has come in, and the script at its other end. */
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

static void a_stream_that_comes_in_opens(void **state)
{
    (void)state;
    assert_int_equal(life->open_count, 1);
    assert_int_equal(life->opened_ns, stage_now_ns());
    assert_int_equal(gw_stream_peer(life->stream)->port / 10000, 5);
    assert_int_equal(stage_counters().accepted, 1);
    assert_int_equal(stage_counters().stream_count, 1);
}

static void bytes_come_in_order_in_both_directions(void **state)
{
    (void)state;
    peer_send(peer, "hello", 5);
    stage_settle();
    assert_memory_equal(bytes_look(&life->heard), "hello", 5);
    assert_int_equal(life_send(life, "good", 4), 0);
    assert_int_equal(life_send(life, "bye", 3), 0);
    stage_settle();
    assert_int_equal(peer_unread_count(peer), 7);
    assert_memory_equal(peer_look(peer), "goodbye", 7);
    assert_int_equal(stage_counters().send_queue_bytes, 0);
}

static void what_is_queued_before_it_opens_leaves_then(void **state)
{
    (void)state;
    struct life dialed = {0};
    struct peer *listener = peer_listen(9);
    assert_int_equal(life_dial(&dialed, 9), 0);
    assert_int_equal(life_send(&dialed, "early", 5), 0);
    assert_int_equal(dialed.open_count, 0);
    stage_settle();
    struct peer *other = peer_accept(listener);
    assert_int_equal(peer_unread_count(other), 5);
    assert_int_equal(dialed.open_count, 1);
    peer_finish(other);
    stage_settle();
    assert_int_equal(dialed.reason, GW_E_CLOSED);
    life_fini(&dialed);
    peer_close(other);
    peer_close(listener);
}

static void a_message_waits_in_the_ring_until_it_is_whole(void **state)
{
    (void)state;
    life->message_bytes = 10;
    peer_send(peer, "0123456", 7);
    stage_settle();
    assert_int_equal(bytes_count(&life->heard), 0);
    assert_true(stage_counters().pool_bytes > 0);
    peer_send(peer, "789ABC", 6);
    stage_settle();
    assert_int_equal(bytes_count(&life->heard), 10);
    peer_send(peer, "DEFGHIJ", 7);
    stage_settle();
    assert_memory_equal(bytes_look(&life->heard), "0123456789ABCDEFGHIJ", 20);
    assert_int_equal(stage_counters().pool_bytes, 0);
}

/* ---- pausing ---- */

static void pause(void *context)
{
    gw_stream_pause(((struct life *)context)->stream);
}

static void resume(void *context)
{
    gw_stream_resume(((struct life *)context)->stream);
}

static void a_paused_stream_hears_nothing_and_loses_nothing(void **state)
{
    (void)state;
    stage_in_turn(gw_stream_turn(life->stream), pause, life);
    peer_send(peer, "waits", 5);
    stage_run_ms(1000);
    peer_send(peer, "longer", 6);
    stage_run_ms(60000);
    assert_int_equal(life->recv_count, 0);
    stage_in_turn(gw_stream_turn(life->stream), resume, life);
    assert_memory_equal(bytes_look(&life->heard), "waitslonger", 11);
}

static void a_paused_stream_slows_its_peer_down(void **state)
{
    (void)state;
    static uint8_t much[200000];
    stage_in_turn(gw_stream_turn(life->stream), pause, life);
    peer_send(peer, much, sizeof much);
    stage_run_ms(1000);
    /* One receive was in flight, and is kept. */
    assert_int_equal(stage_counters().recv_count, 1);
    assert_true(stage_counters().bytes_in <= GW_STREAM_RECV_BYTES_MAX);
    stage_in_turn(gw_stream_turn(life->stream), resume, life);
    assert_int_equal(bytes_count(&life->heard), sizeof much);
}

static void pause_in_recv(struct life *which)
{
    gw_stream_pause(which->stream);
}

static void a_pause_inside_on_recv_holds_the_next_message(void **state)
{
    (void)state;
    life->message_bytes = 4;
    life->budget = 1;
    life->on_recv = pause_in_recv;
    peer_send(peer, "aaaabbbbcccc", 12);
    stage_run_ms(100);
    assert_int_equal(bytes_count(&life->heard), 4);
    stage_in_turn(gw_stream_turn(life->stream), resume, life);
    assert_int_equal(bytes_count(&life->heard), 8);
    life->on_recv = NULL;
    stage_in_turn(gw_stream_turn(life->stream), resume, life);
    assert_memory_equal(bytes_look(&life->heard), "aaaabbbbcccc", 12);
}

static void a_fin_behind_a_pause_waits_for_the_resume(void **state)
{
    (void)state;
    stage_in_turn(gw_stream_turn(life->stream), pause, life);
    peer_send(peer, "last", 4);
    peer_finish(peer);
    stage_run_ms(10000);
    assert_int_equal(life->close_count, 0);
    stage_in_turn(gw_stream_turn(life->stream), resume, life);
    assert_memory_equal(bytes_look(&life->heard), "last", 4);
    assert_int_equal(life->close_count, 1);
    assert_int_equal(life->reason, GW_E_CLOSED);
}

/* ---- budgets ---- */

static void whole_messages_left_for_later_are_heard_without_a_receive(void **state)
{
    (void)state;
    life->message_bytes = 4;
    life->budget = 2;
    peer_send(peer, "aaaabbbbccccddddeeee", 20);
    stage_settle();
    assert_int_equal(bytes_count(&life->heard), 20);
    assert_int_equal(stage_counters().recv_count, 1);
    assert_int_equal(life->recv_count, 3);
}

/* A busy stream must not keep another one from being heard. */
static void nobody_holds_the_worker(void **state)
{
    (void)state;
    struct peer *second_peer = peer_connect(door.port);
    stage_settle();
    struct life *second = door_last(&door);
    static uint8_t much[16000];
    life->message_bytes = 4;
    life->budget = 1;
    peer_send(peer, much, sizeof much);
    peer_send(second_peer, "me too", 6);
    kernel_run_until(stage_now_ns());
    stage_settle();
    assert_int_equal(bytes_count(&second->heard), 6);
    assert_int_equal(bytes_count(&life->heard), sizeof much);
    peer_finish(second_peer);
    stage_settle();
    peer_close(second_peer);
}

/* ---- the send queue ---- */

static void a_full_queue_refuses_and_takes_again_when_there_is_room(void **state)
{
    (void)state;
    static uint8_t block[1000];
    peer_set_window(peer, 0);
    uint32_t cost = sizeof block + GW_STREAM_BUF_OVERHEAD_BYTES;
    uint32_t count = 1;
    assert_int_equal(life_send(life, block, sizeof block), 0);
    stage_settle(); /* now the kernel has refused something */
    while (count < 1000 && life_send(life, block, sizeof block) == 0) {
        count++;
    }
    assert_int_equal(count, 65536 / cost);
    assert_int_equal(life_send(life, block, sizeof block), GW_E_FULL);
    assert_int_equal(gw_stream_send_queue_bytes(life->stream), count * cost);
    stage_run_ms(10000);
    assert_int_equal(gw_stream_send_queue_bytes(life->stream), count * cost);
    peer_set_window(peer, 1 << 20);
    stage_settle();
    assert_int_equal(gw_stream_send_queue_bytes(life->stream), 0);
    assert_int_equal(peer_unread_count(peer), count * sizeof block);
}

static void the_limit_itself_still_fits(void **state)
{
    (void)state;
    static uint8_t block[65536];
    uint32_t most = 65536 - 1 - 2 * GW_STREAM_BUF_OVERHEAD_BYTES;
    peer_set_window(peer, 0);
    assert_int_equal(life_send(life, block, 1), 0);
    stage_settle();
    assert_int_equal(life_send(life, block, most + 1), GW_E_FULL);
    assert_int_equal(life_send(life, block, most), 0);
    assert_int_equal(life_send(life, block, 1), GW_E_FULL);
    peer_set_window(peer, 1 << 20);
    stage_settle();
    assert_int_equal(peer_unread_count(peer), 1 + most);
}

/* A thread that cannot ask the kernel may send a burst; not without end. */
static void a_burst_from_elsewhere_has_a_limit_of_its_own(void **state)
{
    (void)state;
    static uint8_t block[65536 - GW_STREAM_BUF_OVERHEAD_BYTES];
    peer_set_window(peer, 0);
    assert_int_equal(life_send(life, block, 1), 0);
    stage_settle(); /* a refusal counts only until what was refused has left */
    peer_set_window(peer, 1 << 20);
    stage_settle();
    assert_int_equal(peer_read(peer, NULL, 1), 1);
    for (int i = 0; i < GW_STREAM_BURST_FACTOR; i++) {
        assert_int_equal(life_send(life, block, sizeof block), 0);
    }
    assert_int_equal(life_send(life, block, 1), GW_E_FULL);
    stage_settle();
    assert_int_equal(peer_unread_count(peer), GW_STREAM_BURST_FACTOR * sizeof block);
    assert_int_equal(life_send(life, block, 1), 0);
}

static void send_five(void *context)
{
    static uint8_t block[16000];
    int *error_count = context;
    for (int i = 0; i < 5; i++) {
        *error_count += life_send(life, block, sizeof block) != 0 ? 1 : 0;
    }
}

/* 80,000 bytes where 65,536 may wait. */
static void a_burst_in_one_turn_is_offered_to_the_kernel_before_it_is_refused(void **state)
{
    (void)state;
    int error_count = 0;
    kernel_behaviour()->hot_percent = 100;
    stage_in_turn(gw_stream_turn(life->stream), send_five, &error_count);
    assert_int_equal(error_count, 0);
    assert_int_equal(peer_unread_count(peer), 5 * 16000);
    assert_int_equal(gw_stream_send_queue_bytes(life->stream), 0);
}

static void what_the_kernel_does_not_take_in_a_burst_counts(void **state)
{
    (void)state;
    int error_count = 0;
    kernel_behaviour()->hot_percent = 100;
    peer_set_window(peer, 10000);
    stage_in_turn(gw_stream_turn(life->stream), send_five, &error_count);
    assert_int_equal(error_count, 1); /* the fifth: the kernel took 10,000 of four */
    stage_in_turn(gw_stream_turn(life->stream), send_five, &error_count);
    assert_int_equal(error_count, 6);
    assert_true(gw_stream_send_queue_bytes(life->stream) <= 65536);
}

static void write_a_little(void *context)
{
    struct gw_stream_place place;
    for (char letter = 'a'; letter < 'a' + 5; letter++) {
        assert_int_equal(gw_stream_reserve(((struct life *)context)->stream, 3, &place), 0);
        memset(place.data, letter, 3);
        gw_stream_commit(((struct life *)context)->stream, &place);
    }
}

static void what_is_written_in_place_leaves_in_order(void **state)
{
    (void)state;
    stage_in_turn(gw_stream_turn(life->stream), write_a_little, life);
    assert_int_equal(peer_unread_count(peer), 15);
    assert_memory_equal(peer_look(peer), "aaabbbcccdddeee", 15);
    assert_int_equal(stage_counters().send_count, 1);
    write_a_little(life); /* from elsewhere */
    stage_settle();
    assert_memory_equal(peer_look(peer) + 15, "aaabbbcccdddeee", 15);
}

/* ---- the deadline ---- */

static uint64_t wanted_ns;

static void set_deadline(void *context)
{
    gw_stream_set_deadline(((struct life *)context)->stream, wanted_ns);
}

static void a_deadline_comes_once_at_its_tick(void **state)
{
    (void)state;
    wanted_ns = stage_now_ns() + 2500 * STAGE_MS;
    stage_in_turn(gw_stream_turn(life->stream), set_deadline, life);
    stage_run_until(stage_tick_at(wanted_ns) - 1);
    assert_int_equal(life->deadline_count, 0);
    stage_run_ms(60000);
    assert_int_equal(life->deadline_count, 1);
    assert_int_equal(life->deadline_ns, stage_tick_at(wanted_ns));
}

static void a_deadline_can_be_moved_both_ways_and_taken_back(void **state)
{
    (void)state;
    struct gw_turn *turn = gw_stream_turn(life->stream);
    uint64_t from_ns = stage_now_ns();
    wanted_ns = from_ns + 1000 * STAGE_MS;
    stage_in_turn(turn, set_deadline, life);
    wanted_ns = from_ns + 3000 * STAGE_MS;
    stage_in_turn(turn, set_deadline, life);
    stage_run_ms(2000);
    assert_int_equal(life->deadline_count, 0);
    wanted_ns = from_ns + 2100 * STAGE_MS;
    stage_in_turn(turn, set_deadline, life);
    stage_run_ms(1000);
    assert_int_equal(life->deadline_count, 1);
    assert_int_equal(life->deadline_ns, stage_tick_at(wanted_ns));
    wanted_ns = from_ns + 4000 * STAGE_MS;
    stage_in_turn(turn, set_deadline, life);
    wanted_ns = GW_STREAM_NO_DEADLINE;
    stage_in_turn(turn, set_deadline, life);
    stage_run_ms(60000);
    assert_int_equal(life->deadline_count, 1);
}

static void a_deadline_that_has_passed_comes_at_once(void **state)
{
    (void)state;
    wanted_ns = stage_now_ns() - 5;
    stage_in_turn(gw_stream_turn(life->stream), set_deadline, life);
    stage_run_ms(2);
    assert_int_equal(life->deadline_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_that_comes_in_opens),
        TEST(bytes_come_in_order_in_both_directions),
        TEST(what_is_queued_before_it_opens_leaves_then),
        TEST(a_message_waits_in_the_ring_until_it_is_whole),
        TEST(a_paused_stream_hears_nothing_and_loses_nothing),
        TEST(a_paused_stream_slows_its_peer_down),
        TEST(a_pause_inside_on_recv_holds_the_next_message),
        TEST(a_fin_behind_a_pause_waits_for_the_resume),
        TEST(whole_messages_left_for_later_are_heard_without_a_receive),
        TEST(nobody_holds_the_worker),
        TEST(a_full_queue_refuses_and_takes_again_when_there_is_room),
        TEST(the_limit_itself_still_fits),
        TEST(a_burst_from_elsewhere_has_a_limit_of_its_own),
        TEST(a_burst_in_one_turn_is_offered_to_the_kernel_before_it_is_refused),
        TEST(what_the_kernel_does_not_take_in_a_burst_counts),
        TEST(what_is_written_in_place_leaves_in_order),
        TEST(a_deadline_comes_once_at_its_tick),
        TEST(a_deadline_can_be_moved_both_ways_and_taken_back),
        TEST(a_deadline_that_has_passed_comes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

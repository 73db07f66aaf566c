/* tests/scripted/test_coalesce.c: Coalescing of queued packets for slow clients. */
#include "tests/test.h"

#include "net/buf.h"
#include "net/stream.h"
#include "net/turn.h"
#include "protocol/frame.h"
#include "session/group.h"
#include "session/session.h"
#include "tests/scripted/session_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUEUE_BYTES = 64 * 1024,
    SOFT_BYTES = QUEUE_BYTES / 4,
    LINE_BYTES = 4000,
    FULL = 1000, /* numbers of the PLACE that on_lost sends begin here */
    TEXT_BYTES = LINE_BYTES + 16,
};

static const struct gw_session_manager_config narrow = {.send_queue_bytes_max = QUEUE_BYTES};

static struct gw_turn turn;
static struct gw_group *group;

static int open_session_fixture(void **state)
{
    static const struct gw_group_config config = {.tick_ms = 0};
    session_fixture_open(NULL, &narrow);
    peer = session_fixture_join();
    gw_turn_init(&turn, fixture_port, NULL);
    group = gw_group_create(session_fixture.manager, &turn, &config);
    assert_non_null(group);
    return 0;
}

static void destroy(void *context)
{
    gw_group_destroy(group);
}

static int close_session_fixture(void **state)
{
    fixture_in_turn(&turn, destroy, NULL);
    session_fixture_close();
    return 0;
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, open_session_fixture, close_session_fixture)

/* ---- sending ---- */

static Gw__Error message_of(char text[TEXT_BYTES], uint32_t number, int width)
{
    Gw__Error message = GW__ERROR__INIT;
    snprintf(text, TEXT_BYTES, "%0*u", width, (unsigned)number);
    message.text = text;
    return message;
}

static void send_place(uint32_t number)
{
    char text[TEXT_BYTES];
    Gw__Error place = message_of(text, number, 1);
    gw_session_send(session_fixture.last, PLACE, &place.base);
}

static void send_line(uint32_t number)
{
    char text[TEXT_BYTES];
    Gw__Error line = message_of(text, number, LINE_BYTES);
    gw_session_send(session_fixture.last, LINE, &line.base);
}

static void broadcast(uint16_t id, uint32_t number, int width)
{
    char text[TEXT_BYTES];
    Gw__Error message = message_of(text, number, width);
    gw_group_broadcast(group, id, &message.base);
}

static uint64_t waiting_bytes(void)
{
    return fixture_counters().send_queue_bytes;
}

/* Stops reading, and fills the queue above the soft limit, where places are dropped. */
static void stop_reading(void)
{
    peer_set_window(peer, 0);
    for (uint32_t i = 0; waiting_bytes() <= SOFT_BYTES; i++) {
        send_line(i);
        fixture_run_now();
    }
}

/* Reads everything; on_lost may then be called and send a PLACE above FULL. */
static void read_everything(void)
{
    peer_set_window(peer, SIZE_MAX);
    fixture_run_now();
}

/* Reads the next PLACE, skipping LINEs. Returns its number, or UINT32_MAX. */
static uint32_t next_place(void)
{
    static uint8_t body[70000];
    size_t bytes;
    uint16_t id;
    while ((id = session_fixture_next(peer, body, &bytes)) == LINE) {
    }
    if (id != PLACE) {
        return UINT32_MAX;
    }
    Gw__Error *place = gw__error__unpack(NULL, bytes, body);
    assert_non_null(place);
    uint32_t number = (uint32_t)strtoul(place->text, NULL, 10);
    gw__error__free_unpacked(place, NULL);
    return number;
}

static void send_full_place(struct gw_session *session, uint16_t packet_id)
{
    send_place(FULL + session_fixture.lost_count);
}

/* ---- one session ---- */

static void a_client_that_reads_receives_every_place(void **state)
{
    for (uint32_t i = 0; i < 50; i++) {
        send_place(i);
        fixture_run_now();
        assert_int_equal(next_place(), i);
    }
    assert_int_equal(session_fixture.lost_count, 0);
    assert_int_equal(fixture_counters().send_coalesced_count, 0);
}

static void below_the_soft_limit_no_place_is_dropped(void **state)
{
    peer_set_window(peer, 0);
    for (uint32_t i = 0; waiting_bytes() < SOFT_BYTES - 2 * 128; i++) {
        send_place(i);
        fixture_run_now();
    }
    read_everything();
    for (uint32_t i = 0; peer_unread_count(peer) > 0; i++) {
        assert_int_equal(next_place(), i);
    }
    assert_int_equal(session_fixture.lost_count, 0);
}

static void a_slow_client_receives_the_newest_place_and_on_lost_is_called(void **state)
{
    session_fixture.on_lost = send_full_place;
    stop_reading();
    for (uint32_t i = 1; i <= 100; i++) {
        send_place(i);
        fixture_run_now();
    }
    assert_int_equal(fixture_counters().send_coalesced_count, 99);
    assert_int_equal(session_fixture.lost_count, 0); /* the queue is above the soft limit */
    read_everything();
    assert_int_equal(next_place(), 100);
    assert_int_equal(next_place(), FULL + 1);
    assert_int_equal(next_place(), UINT32_MAX);
    assert_int_equal(session_fixture.lost_count, 1);
    send_place(7);
    fixture_run_now();
    assert_int_equal(next_place(), 7);
    assert_int_equal(session_fixture.lost_count, 1);
}

/* send_now() must not send the packet behind a loss before on_lost was called. */
static void on_lost_is_called_although_the_kernel_sends_at_once(void **state)
{
    kernel_behaviour()->immediate_percent = 100;
    a_slow_client_receives_the_newest_place_and_on_lost_is_called(state);
}

static void send_places_of_4000_bytes(void *context)
{
    for (uint32_t i = 0; i < 8; i++) {
        char text[TEXT_BYTES];
        Gw__Error place = message_of(text, i, LINE_BYTES);
        gw_session_send(session_fixture.last, PLACE, &place.base);
    }
}

static void a_burst_of_places_in_one_turn_loses_none_when_the_kernel_takes_it(void **state)
{
    kernel_behaviour()->immediate_percent = 100;
    fixture_in_turn(gw_session_turn(session_fixture.last), send_places_of_4000_bytes, NULL);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(next_place(), i);
    }
    assert_int_equal(fixture_counters().send_coalesced_count, 0);
}

static void send_lines(void *context)
{
    for (uint32_t i = 0; i < *(const uint32_t *)context; i++) {
        send_line(i);
    }
}

static void a_burst_in_one_turn_does_not_close_a_client_that_reads(void **state)
{
    uint32_t count = 2 * QUEUE_BYTES / LINE_BYTES;
    kernel_behaviour()->immediate_percent = 100;
    fixture_in_turn(gw_session_turn(session_fixture.last), send_lines, &count);
    assert_false(gw_session_has_ended(session_fixture.last));
    assert_true(peer_unread_count(peer) >= count * LINE_BYTES);
}

/* Bytes that the kernel takes at once do not count against the limit. */
static void a_client_that_reads_works_with_the_smallest_and_the_largest_queue(void **state)
{
    const uint32_t limits[] = {1, UINT32_MAX};
    for (int i = 0; i < 2; i++) {
        const struct gw_session_manager_config config = {.send_queue_bytes_max = limits[i]};
        uint32_t count = 20;
        session_fixture_open(NULL, &config);
        struct peer *reader = session_fixture_join();
        kernel_behaviour()->immediate_percent = 100;
        fixture_in_turn(gw_session_turn(session_fixture.last), send_lines, &count);
        send_line(count);
        fixture_run_now();
        assert_false(gw_session_has_ended(session_fixture.last));
        assert_true(peer_unread_count(reader) > (count + 1) * LINE_BYTES);
        peer_close(reader);
        session_fixture_close();
    }
}

static void share_many_small_buffers(void *context)
{
    Gw__Error line = GW__ERROR__INIT;
    struct gw_buf *frame = gw_session_encode(LINE, &line.base);
    for (uint32_t i = 0; i < 2 * QUEUE_BYTES / GW_STREAM_BUF_OVERHEAD_BYTES; i++) {
        gw_session_send_encoded(session_fixture.last, frame);
    }
    gw_buf_unref(frame);
}

/* 8 bytes each, which count as 72. */
static void the_overhead_of_small_buffers_does_not_close_a_client_that_reads(void **state)
{
    kernel_behaviour()->immediate_percent = 100;
    fixture_in_turn(gw_session_turn(session_fixture.last), share_many_small_buffers, NULL);
    assert_false(gw_session_has_ended(session_fixture.last));
    assert_int_equal(peer_unread_count(peer), 8 * 2 * QUEUE_BYTES / GW_STREAM_BUF_OVERHEAD_BYTES);
}

static void a_burst_in_one_turn_closes_a_client_that_does_not_read(void **state)
{
    uint32_t count = 2 * QUEUE_BYTES / LINE_BYTES;
    kernel_behaviour()->immediate_percent = 100;
    peer_set_window(peer, QUEUE_BYTES / 8);
    fixture_in_turn(gw_session_turn(session_fixture.last), send_lines, &count);
    assert_true(gw_session_has_ended(session_fixture.last));
    peer_close(peer);
    fixture_run_now();
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__SLOW_CONSUMER);
    peer = session_fixture_join();
}

static void a_dropped_packet_is_counted(void **state)
{
    stop_reading();
    send_place(1);
    send_place(2);
    read_everything();
    struct gw_session_packet_counters counters = session_fixture_counters_of(PLACE);
    assert_int_equal(counters.lost, 1);
    assert_int_equal(counters.out, 2);
}

static void places_alone_do_not_exceed_the_queue_limit(void **state)
{
    stop_reading();
    uint64_t before = waiting_bytes();
    for (uint32_t i = 0; i < 10 * QUEUE_BYTES / 64; i++) {
        send_place(i);
        fixture_run_now();
    }
    assert_true(waiting_bytes() <= before + 128);
    assert_false(gw_session_has_ended(session_fixture.last));
}

static void above_the_hard_limit_a_client_is_closed_with_slow_consumer(void **state)
{
    stop_reading();
    for (uint32_t i = 0; !gw_session_has_ended(session_fixture.last); i++) {
        assert_true(i <= QUEUE_BYTES / LINE_BYTES);
        send_place(i);
        send_line(i);
        fixture_run_now();
    }
    peer_close(peer);
    fixture_run_now();
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__SLOW_CONSUMER);
    assert_int_equal(session_fixture.lost_count, 0);
    peer = session_fixture_join();
}

/* Of three places the first has been given to the kernel, which has a window of this size. */
static void expect_first_place_kept(size_t window_bytes)
{
    peer_set_window(peer, window_bytes);
    send_place(1);
    fixture_run_now();
    for (uint32_t i = 0; waiting_bytes() <= SOFT_BYTES; i++) {
        send_line(i);
        fixture_run_now();
    }
    send_place(2);
    send_place(3);
    read_everything();
    assert_int_equal(next_place(), 1);
    assert_int_equal(next_place(), 3);
}

/* Without the rest the frame would be partial. */
static void a_partially_sent_place_is_not_dropped(void **state)
{
    expect_first_place_kept(5);
}

/* The kernel may read the memory of a send at any time. */
static void a_place_in_flight_is_not_dropped(void **state)
{
    expect_first_place_kept(0);
}

static void a_reply_is_never_dropped(void **state)
{
    char text[TEXT_BYTES];
    Gw__Error place = message_of(text, 1, 1);
    stop_reading();
    const struct gw_frame reply = {.packet_id = PLACE, .tag = 5, .flags = GW_FRAME_REPLY};
    gw_session_send_frame(session_fixture.last, &reply, &place.base);
    send_place(2);
    send_place(3);
    read_everything();
    assert_int_equal(next_place(), 1);
    assert_int_equal(next_place(), 3);
}

/* ---- a group ---- */

static void add_last(void *context)
{
    assert_int_equal(gw_group_add(group, session_fixture.last), 0);
}

static void broadcast_line_and_place(void *context)
{
    uint32_t number = *(const uint32_t *)context;
    broadcast(LINE, number, 10);
    broadcast(PLACE, number, 1);
}

/* Runs `work` count times while the client does not read: all lines and one place arrive. */
static void expect_lines_and_one_place(void (*work)(void *context), uint32_t count)
{
    static uint8_t body[70000];
    size_t bytes;
    uint16_t id;
    uint32_t line_count = 0;
    uint32_t place_count = 0;
    fixture_in_turn(&turn, add_last, NULL);
    stop_reading();
    for (uint32_t i = 1; i <= count; i++) {
        fixture_in_turn(&turn, work, &i);
    }
    read_everything();
    while ((id = session_fixture_next(peer, body, &bytes)) != 0) {
        line_count += id == LINE && bytes < 20 ? 1 : 0;
        place_count += id == PLACE ? 1 : 0;
    }
    assert_int_equal(line_count, count);
    assert_int_equal(place_count, 1);
}

/* The line is the head of the buffer, and the place its tail. */
static void a_queued_batch_drops_old_places_and_keeps_its_lines(void **state)
{
    expect_lines_and_one_place(broadcast_line_and_place, 20);
    assert_int_equal(session_fixture.lost_count, 1);
    assert_int_equal(fixture_counters().send_coalesced_count, 19);
}

static void broadcast_place_and_line(void *context)
{
    broadcast(PLACE, *(const uint32_t *)context, 1);
    broadcast(LINE, 1, 10);
}

static void a_line_behind_a_dropped_place_is_kept(void **state)
{
    expect_lines_and_one_place(broadcast_place_and_line, 10);
}

enum { MANY = 60 }; /* so many that a buffer must grow */

static void broadcast_many_places(void *context)
{
    for (uint32_t i = 0; i < MANY; i++) {
        broadcast(PLACE, i, 10);
    }
}

static void a_batch_that_was_reallocated_drops_old_places(void **state)
{
    fixture_in_turn(&turn, add_last, NULL);
    stop_reading();
    for (int i = 0; i < 3; i++) {
        fixture_in_turn(&turn, broadcast_many_places, NULL);
    }
    read_everything();
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(next_place(), i);
    }
    assert_int_equal(next_place(), UINT32_MAX);
    assert_int_equal(fixture_counters().send_coalesced_count, 2);
}

static void a_slow_client_does_not_affect_other_clients(void **state)
{
    fixture_in_turn(&turn, add_last, NULL);
    stop_reading();
    peer = session_fixture_join();
    fixture_in_turn(&turn, add_last, NULL);
    for (uint32_t i = 1; i <= 20; i++) {
        fixture_in_turn(&turn, broadcast_line_and_place, &i);
        assert_int_equal(next_place(), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_that_reads_receives_every_place),
        TEST(below_the_soft_limit_no_place_is_dropped),
        TEST(a_slow_client_receives_the_newest_place_and_on_lost_is_called),
        TEST(on_lost_is_called_although_the_kernel_sends_at_once),
        TEST(a_burst_of_places_in_one_turn_loses_none_when_the_kernel_takes_it),
        TEST(a_burst_in_one_turn_does_not_close_a_client_that_reads),
        cmocka_unit_test(a_client_that_reads_works_with_the_smallest_and_the_largest_queue),
        TEST(the_overhead_of_small_buffers_does_not_close_a_client_that_reads),
        TEST(a_burst_in_one_turn_closes_a_client_that_does_not_read),
        TEST(a_dropped_packet_is_counted),
        TEST(places_alone_do_not_exceed_the_queue_limit),
        TEST(above_the_hard_limit_a_client_is_closed_with_slow_consumer),
        TEST(a_partially_sent_place_is_not_dropped),
        TEST(a_place_in_flight_is_not_dropped),
        TEST(a_reply_is_never_dropped),
        TEST(a_queued_batch_drops_old_places_and_keeps_its_lines),
        TEST(a_line_behind_a_dropped_place_is_kept),
        TEST(a_batch_that_was_reallocated_drops_old_places),
        TEST(a_slow_client_does_not_affect_other_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

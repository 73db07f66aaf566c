/* tests/scripted/test_coalesce.c: what a slow reader may lose, and how it hears of the rest. */
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
    FULL = 1000, /* from here on a PLACE makes up for all before it */
    TEXT_BYTES = LINE_BYTES + 16,
};

static const struct gw_session_manager_config narrow = {.send_queue_bytes_max = QUEUE_BYTES};

static struct peer *peer;
static struct gw_turn turn;
static struct gw_group *group;

static int open_session_fixture(void **state)
{
    static const struct gw_group_config config = {.tick_ms = 0};
    (void)state;
    session_fixture_open(NULL, &narrow);
    peer = session_fixture_join();
    gw_turn_init(&turn, fixture_port, NULL);
    group = gw_group_create(session_fixture.manager, &turn, &config);
    assert_non_null(group);
    return 0;
}

static void destroy(void *context)
{
    (void)context;
    gw_group_destroy(group);
}

static int close_session_fixture(void **state)
{
    (void)state;
    fixture_in_turn(&turn, destroy, NULL);
    peer_close(peer);
    session_fixture_close();
    return 0;
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, open_session_fixture, close_session_fixture)

/* ---- saying ---- */

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

static void say(uint16_t id, uint32_t number, int width)
{
    char text[TEXT_BYTES];
    Gw__Error message = message_of(text, number, width);
    gw_group_broadcast(group, id, &message.base);
}

static uint64_t waiting_bytes(void)
{
    return fixture_counters().send_queue_bytes;
}

/* Reads nothing from now on, and has so much waiting for it that places make way. */
static void fall_asleep(void)
{
    peer_set_window(peer, 0);
    for (uint32_t i = 0; waiting_bytes() <= SOFT_BYTES; i++) {
        send_line(i);
        fixture_run_now();
    }
}

/* Reads all that comes; a full one is said by who hears of a loss. */
static void wake_up(void)
{
    peer_set_window(peer, SIZE_MAX);
    fixture_run_now();
}

/* Takes the next PLACE behind any LINEs. Returns its number, or UINT32_MAX. */
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

static void make_up(struct gw_session *session, uint16_t packet_id)
{
    (void)session;
    (void)packet_id;
    send_place(FULL + session_fixture.lost_count);
}

/* ---- one session ---- */

static void who_reads_receives_every_place(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        send_place(i);
        fixture_run_now();
        assert_int_equal(next_place(), i);
    }
    assert_int_equal(session_fixture.lost_count, 0);
    assert_int_equal(fixture_counters().send_coalesced_count, 0);
}

static void below_the_soft_limit_nothing_is_lost(void **state)
{
    (void)state;
    peer_set_window(peer, 0);
    for (uint32_t i = 0; waiting_bytes() < SOFT_BYTES - 2 * 128; i++) {
        send_place(i);
        fixture_run_now();
    }
    wake_up();
    for (uint32_t i = 0; peer_unread_count(peer) > 0; i++) {
        assert_int_equal(next_place(), i);
    }
    assert_int_equal(session_fixture.lost_count, 0);
}

static void who_is_slow_receives_the_newest_and_then_what_makes_up_for_the_rest(void **state)
{
    (void)state;
    session_fixture.on_lost = make_up;
    fall_asleep();
    for (uint32_t i = 1; i <= 100; i++) {
        send_place(i);
        fixture_run_now();
    }
    assert_int_equal(fixture_counters().send_coalesced_count, 99);
    assert_int_equal(session_fixture.lost_count, 0); /* there is no room yet */
    wake_up();
    assert_int_equal(next_place(), 100);
    assert_int_equal(next_place(), FULL + 1);
    assert_int_equal(next_place(), UINT32_MAX);
    assert_int_equal(session_fixture.lost_count, 1);
    send_place(7);
    fixture_run_now();
    assert_int_equal(next_place(), 7);
    assert_int_equal(session_fixture.lost_count, 1);
}

/* What the kernel takes at once is not sent before a turn of the session can hear of the loss. */
static void a_kernel_that_takes_at_once_hides_no_loss(void **state)
{
    kernel_behaviour()->hot_percent = 100;
    who_is_slow_receives_the_newest_and_then_what_makes_up_for_the_rest(state);
}

static void send_places_of_4000_bytes(void *context)
{
    (void)context;
    for (uint32_t i = 0; i < 8; i++) {
        char text[TEXT_BYTES];
        Gw__Error place = message_of(text, i, LINE_BYTES);
        gw_session_send(session_fixture.last, PLACE, &place.base);
    }
}

static void a_burst_of_places_in_one_turn_loses_none_where_the_kernel_takes_it(void **state)
{
    (void)state;
    kernel_behaviour()->hot_percent = 100;
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

static void a_burst_in_one_turn_does_not_end_a_session_that_reads(void **state)
{
    (void)state;
    uint32_t count = 2 * QUEUE_BYTES / LINE_BYTES;
    kernel_behaviour()->hot_percent = 100;
    fixture_in_turn(gw_session_turn(session_fixture.last), send_lines, &count);
    assert_false(gw_session_has_ended(session_fixture.last));
    assert_true(peer_unread_count(peer) >= count * LINE_BYTES);
}

/* Whatever the limit is, what the kernel takes at once is not against it. */
static void a_session_that_reads_is_served_with_the_smallest_and_the_largest_queue(void **state)
{
    const uint32_t limits[] = {1, UINT32_MAX};
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct gw_session_manager_config config = {.send_queue_bytes_max = limits[i]};
        uint32_t count = 20;
        session_fixture_open(NULL, &config);
        struct peer *reader = session_fixture_join();
        kernel_behaviour()->hot_percent = 100;
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
    (void)context;
    for (uint32_t i = 0; i < 2 * QUEUE_BYTES / GW_STREAM_BUF_OVERHEAD_BYTES; i++) {
        gw_session_send_encoded(session_fixture.last, frame);
    }
    gw_buf_unref(frame);
}

/* 8 bytes each, which count as 72. */
static void the_overhead_of_small_buffers_does_not_end_a_session_that_reads(void **state)
{
    (void)state;
    kernel_behaviour()->hot_percent = 100;
    fixture_in_turn(gw_session_turn(session_fixture.last), share_many_small_buffers, NULL);
    assert_false(gw_session_has_ended(session_fixture.last));
    assert_int_equal(peer_unread_count(peer), 8 * 2 * QUEUE_BYTES / GW_STREAM_BUF_OVERHEAD_BYTES);
}

static void a_burst_in_one_turn_ends_a_session_that_does_not_read(void **state)
{
    (void)state;
    uint32_t count = 2 * QUEUE_BYTES / LINE_BYTES;
    kernel_behaviour()->hot_percent = 100;
    peer_set_window(peer, QUEUE_BYTES / 8);
    fixture_in_turn(gw_session_turn(session_fixture.last), send_lines, &count);
    assert_true(gw_session_has_ended(session_fixture.last));
    peer_close(peer);
    fixture_run_now();
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__SLOW_CONSUMER);
    peer = session_fixture_join();
}

static void the_loss_of_a_packet_is_counted(void **state)
{
    struct gw_session_packet_counters counters;
    (void)state;
    fall_asleep();
    send_place(1);
    send_place(2);
    wake_up();
    gw_session_manager_packet_counters(session_fixture.manager, PLACE, &counters);
    assert_int_equal(counters.lost, 1);
    assert_int_equal(counters.out, 2);
}

static void places_alone_never_make_a_consumer_too_slow(void **state)
{
    (void)state;
    fall_asleep();
    uint64_t before = waiting_bytes();
    for (uint32_t i = 0; i < 10 * QUEUE_BYTES / 64; i++) {
        send_place(i);
        fixture_run_now();
    }
    assert_true(waiting_bytes() <= before + 128);
    assert_false(gw_session_has_ended(session_fixture.last));
}

static void above_the_hard_limit_a_slow_consumer_is_ended(void **state)
{
    (void)state;
    fall_asleep();
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

/* Some of it has left; the rest must follow, or the frame would be partial. */
static void a_place_that_has_begun_to_leave_is_sent_whole(void **state)
{
    (void)state;
    peer_set_window(peer, 5);
    send_place(1);
    fixture_run_now();
    for (uint32_t i = 0; waiting_bytes() <= SOFT_BYTES; i++) {
        send_line(i);
        fixture_run_now();
    }
    send_place(2);
    send_place(3);
    wake_up();
    assert_int_equal(next_place(), 1);
    assert_int_equal(next_place(), 3);
}

/* The kernel has it, and reads it when it likes. */
static void a_place_that_is_on_its_way_is_not_dropped(void **state)
{
    (void)state;
    peer_set_window(peer, 0);
    send_place(1);
    fixture_run_now();
    for (uint32_t i = 0; waiting_bytes() <= SOFT_BYTES; i++) {
        send_line(i);
        fixture_run_now();
    }
    send_place(2);
    send_place(3);
    wake_up();
    assert_int_equal(next_place(), 1);
    assert_int_equal(next_place(), 3);
}

static void a_reply_is_never_dropped(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    Gw__Error place = message_of(text, 1, 1);
    fall_asleep();
    const struct gw_frame reply = {.packet_id = PLACE, .tag = 5, .flags = GW_FRAME_REPLY};
    gw_session_send_frame(session_fixture.last, &reply, &place.base);
    send_place(2);
    send_place(3);
    wake_up();
    assert_int_equal(next_place(), 1);
    assert_int_equal(next_place(), 3);
}

/* ---- a group ---- */

static void add_last(void *context)
{
    (void)context;
    assert_int_equal(gw_group_add(group, session_fixture.last), 0);
}

static void say_tick(void *context)
{
    uint32_t number = *(const uint32_t *)context;
    say(LINE, number, 10);
    say(PLACE, number, 1);
}

/* The line is the head of the buffer that the place is the tail of. */
static void a_batch_loses_its_places_and_none_of_its_lines(void **state)
{
    static uint8_t body[70000];
    (void)state;
    size_t bytes;
    uint16_t id;
    uint32_t line_count = 0;
    uint32_t place_count = 0;
    fixture_in_turn(&turn, add_last, NULL);
    fall_asleep();
    for (uint32_t i = 1; i <= 20; i++) {
        fixture_in_turn(&turn, say_tick, &i);
    }
    wake_up();
    while ((id = session_fixture_next(peer, body, &bytes)) != 0) {
        line_count += id == LINE && bytes < 20 ? 1 : 0;
        place_count += id == PLACE ? 1 : 0;
    }
    assert_int_equal(line_count, 20);
    assert_int_equal(place_count, 1);
    assert_int_equal(session_fixture.lost_count, 1);
    assert_int_equal(fixture_counters().send_coalesced_count, 19);
}

static void say_behind(void *context)
{
    say(PLACE, *(const uint32_t *)context, 1);
    say(LINE, 1, 10);
}

static void a_line_behind_a_place_is_not_lost_with_it(void **state)
{
    static uint8_t body[70000];
    (void)state;
    size_t bytes;
    uint16_t id;
    uint32_t line_count = 0;
    uint32_t place_count = 0;
    fixture_in_turn(&turn, add_last, NULL);
    fall_asleep();
    for (uint32_t i = 1; i <= 10; i++) {
        fixture_in_turn(&turn, say_behind, &i);
    }
    wake_up();
    while ((id = session_fixture_next(peer, body, &bytes)) != 0) {
        line_count += id == LINE && bytes < 20 ? 1 : 0;
        place_count += id == PLACE ? 1 : 0;
    }
    assert_int_equal(line_count, 10);
    assert_int_equal(place_count, 1);
}

enum { MANY = 60 }; /* of them a buffer must grow */

static void say_many_places(void *context)
{
    (void)context;
    for (uint32_t i = 0; i < MANY; i++) {
        say(PLACE, i, 10);
    }
}

static void a_batch_that_grows_loses_its_places_too(void **state)
{
    (void)state;
    fixture_in_turn(&turn, add_last, NULL);
    fall_asleep();
    for (int i = 0; i < 3; i++) {
        fixture_in_turn(&turn, say_many_places, NULL);
    }
    wake_up();
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(next_place(), i);
    }
    assert_int_equal(next_place(), UINT32_MAX);
    assert_int_equal(fixture_counters().send_coalesced_count, 2);
}

static void who_is_slow_costs_the_others_nothing(void **state)
{
    (void)state;
    fixture_in_turn(&turn, add_last, NULL);
    fall_asleep();
    struct peer *slow = peer;
    peer = session_fixture_join();
    fixture_in_turn(&turn, add_last, NULL);
    for (uint32_t i = 1; i <= 20; i++) {
        fixture_in_turn(&turn, say_tick, &i);
        assert_int_equal(next_place(), i);
    }
    peer_close(slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_reads_receives_every_place),
        TEST(below_the_soft_limit_nothing_is_lost),
        TEST(who_is_slow_receives_the_newest_and_then_what_makes_up_for_the_rest),
        TEST(a_kernel_that_takes_at_once_hides_no_loss),
        TEST(a_burst_of_places_in_one_turn_loses_none_where_the_kernel_takes_it),
        TEST(a_burst_in_one_turn_does_not_end_a_session_that_reads),
        cmocka_unit_test(a_session_that_reads_is_served_with_the_smallest_and_the_largest_queue),
        TEST(the_overhead_of_small_buffers_does_not_end_a_session_that_reads),
        TEST(a_burst_in_one_turn_ends_a_session_that_does_not_read),
        TEST(the_loss_of_a_packet_is_counted),
        TEST(places_alone_never_make_a_consumer_too_slow),
        TEST(above_the_hard_limit_a_slow_consumer_is_ended),
        TEST(a_place_that_has_begun_to_leave_is_sent_whole),
        TEST(a_place_that_is_on_its_way_is_not_dropped),
        TEST(a_reply_is_never_dropped),
        TEST(a_batch_loses_its_places_and_none_of_its_lines),
        TEST(a_line_behind_a_place_is_not_lost_with_it),
        TEST(a_batch_that_grows_loses_its_places_too),
        TEST(who_is_slow_costs_the_others_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

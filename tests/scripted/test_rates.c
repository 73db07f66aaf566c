/* tests/scripted/test_rates.c: Rate limits of packets, to the tick. */
#include "tests/test.h"

#include "session/session.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/session_fixture.h"
#include "tests/support/random.h"

#include <string.h>

enum {
    BURST = 5,      /* of OFTEN and DROPS */
    INTERVAL = 100, /* ms, of the same: 1 s / rate */
    PACE = 50,      /* ms, until OFTEN has one more token */
    SECOND = 1000,  /* ms, the interval of RARE */
    RARE_PACE = 500,
    EXCESS_MS = 12000,
    AHEAD_MAX = BURST + EXCESS_MS / INTERVAL, /* the burst of OFTEN and DROPS */
    HEARTBEAT_MS = 10000,
    IDLE_MS = 3000,
    FRAME_MS = 10000,
    RECEIVED_BYTES = 7, /* id, tag, and the body of the text "x" */
    LAG_MS = 2,         /* a deadline is in whole milliseconds and fires at a tick */
};

/* Whether it has ended or is about to. */
static bool is_over(void)
{
    return session_fixture.last == NULL || gw_session_has_ended(session_fixture.last);
}

static void send_of(uint16_t id, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        session_fixture_send_text(peer, id, "x");
    }
    fixture_run_now();
}

/* Runs until `ms` after the peer was greeted. */
static void run_until(uint64_t ms)
{
    fixture_run_until(session_fixture.joined_ns + ms * FIXTURE_MS);
}

static void expect_received(uint64_t ms, uint32_t count)
{
    run_until(ms);
    assert_int_equal(session_fixture.received_count, count);
}

/* ---- delay ---- */

static void a_burst_is_handled_at_once_and_the_rest_at_twice_the_rate(void **state)
{
    send_of(OFTEN, BURST + 10);
    assert_int_equal(session_fixture.received_count, BURST);
    for (uint32_t i = 1; i <= 10; i++) {
        expect_received(i * PACE - 1, BURST + i - 1);
        expect_received(i * PACE + LAG_MS, BURST + i);
    }
    assert_int_equal(session_fixture_counters_of(OFTEN).in, BURST + 10);
    assert_int_equal(session_fixture_counters_of(OFTEN).delayed, 10);
    assert_int_equal(session_fixture_counters_of(OFTEN).dropped, 0);
}

/* Shortly before a token returns, the bucket has one for each whole interval that has passed. */
static void tokens_come_back_one_by_one_up_to_a_burst(void **state)
{
    send_of(OFTEN, BURST);
    run_until(3 * PACE - 1);
    send_of(OFTEN, 3);
    assert_int_equal(session_fixture.received_count, BURST + 2);
    run_until(60 * INTERVAL);
    assert_int_equal(session_fixture.received_count, BURST + 3);
    send_of(OFTEN, BURST + 3);
    assert_int_equal(session_fixture.received_count, BURST + 3 + BURST);
}

/* Sends `count` packets at the end of one second and `count` at the beginning of the next. */
static void no_window_boundary_lets_twice_the_rate_pass(void **state)
{
    run_until(SECOND - 1);
    send_of(OFTEN, 100);
    run_until(SECOND + 1);
    send_of(OFTEN, 100);
    assert_int_equal(session_fixture.received_count, BURST);
    run_until(2 * SECOND - 1);
    assert_int_equal(session_fixture.received_count, BURST + SECOND / PACE - 1);
}

/* The index of the packet that was received `number`th; the first one is 0. */
static uint32_t place_of(uint16_t id)
{
    for (uint32_t i = 0; i * RECEIVED_BYTES < bytes_count(&session_fixture.received); i++) {
        uint16_t received;
        memcpy(&received, bytes_data(&session_fixture.received) + (size_t)i * RECEIVED_BYTES,
               sizeof received);
        if (received == id) {
            return i;
        }
    }
    return UINT32_MAX;
}

static void packets_behind_a_throttled_one_wait_and_keep_their_order(void **state)
{
    send_of(OFTEN, BURST + 1);
    send_of(SAY, 1);
    send_of(RARE, 1);
    assert_int_equal(session_fixture.received_count, BURST);
    expect_received(PACE + LAG_MS, BURST + 3);
    assert_int_equal(place_of(SAY), BURST + 1);
    assert_int_equal(place_of(RARE), BURST + 2);
}

static void each_packet_of_each_session_has_its_own_bucket(void **state)
{
    struct peer *other = session_fixture_join();
    send_of(RARE, 1);
    send_of(DROPS, BURST);
    send_of(OFTEN, BURST + 1);
    assert_int_equal(session_fixture.received_count, 1 + 2 * BURST);
    for (int i = 0; i < BURST; i++) {
        session_fixture_send_text(other, OFTEN, "y");
    }
    session_fixture_say(other, "another client exceeds its rate");
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1 + 3 * BURST + 1);
    peer_close(other);
}

static void a_packet_without_a_rate_is_not_limited(void **state)
{
    send_of(SAY, 5000);
    assert_int_equal(session_fixture.received_count, 5000);
    assert_int_equal(session_fixture_counters_of(SAY).delayed, 0);
}

/* For any arrival times, the server handles what a bucket lets through, and loses no packet. */
static void random_arrivals_pass_a_bucket_at_its_rate(void **state)
{
    struct random random = {77};
    uint32_t sent_count = 0;
    for (int step = 0; step < 300; step++) {
        uint32_t before = session_fixture.received_count;
        uint32_t ms = (uint32_t)random_below(&random, 900);
        uint32_t count = (uint32_t)random_below(&random, 10);
        sent_count += count;
        send_of(OFTEN, count);
        fixture_run_ms(ms);
        assert_true(session_fixture.received_count - before <= BURST + ms / PACE + 1);
    }
    fixture_run_ms(20 * SECOND);
    assert_int_equal(session_fixture.received_count, sent_count);
    assert_int_equal(session_fixture.ended_count, 0);
}

/* ---- while a frame is throttled ---- */

static const struct gw_session_manager_config patient = {.excess_ms = 10 * 60 * SECOND};
static const struct gw_session_manager_config impatient = {.excess_ms = 10 * 60 * SECOND,
                                                           .idle_timeout_ms = IDLE_MS};

/* The flood ends with half a frame, which begins long before the server reads it. */
static void a_throttled_session_is_neither_silent_nor_late(void **state)
{
    enum { COUNT = 25 };
    send_of(RARE, COUNT);
    session_fixture_send_header(peer, 20, 0, SAY, 0);
    for (uint32_t i = 1; i < COUNT; i++) {
        expect_received(i * RARE_PACE + LAG_MS, i + 1);
    }
    assert_int_equal(peer_unread_count(peer), 0); /* the server has sent no PING */
    run_until((COUNT - 1) * RARE_PACE + FRAME_MS - 100);
    assert_int_equal(session_fixture.ended_count, 0);
    assert_false(is_over());
    run_until((COUNT - 1) * RARE_PACE + FRAME_MS + 10);
    uint8_t body[64];
    size_t bytes;
    if (session_fixture_next(peer, body, &bytes) == PING) {
        assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__FRAME_TIMEOUT);
    }
    assert_true(is_over());
}

static const struct gw_session_manager_config anxious = {.heartbeat_ms = INTERVAL};

static void a_session_throttled_for_three_heartbeats_is_not_silent(void **state)
{
    send_of(RARE, 2);
    run_until(RARE_PACE - 10);
    assert_int_equal(peer_unread_count(peer), 0);
    expect_received(RARE_PACE + LAG_MS, 2);
    run_until(RARE_PACE + INTERVAL - 10);
    assert_int_equal(peer_unread_count(peer), 0);
    assert_false(is_over());
}

/* The frame timeout starts when the session reads again. */
static void a_throttle_extends_the_timeout_of_a_partial_frame(void **state)
{
    send_of(RARE, 1);
    peer_send(peer, "\x04", 1);
    fixture_run_now();
    peer_send(peer, "\0\0\0\x30\x01\0\0", 7); /* with the header of one more: 304 */
    run_until(RARE_PACE + FRAME_MS - 10);
    assert_false(is_over());
    run_until(RARE_PACE + FRAME_MS + 5 * LAG_MS);
    assert_true(is_over());
}

/* Eight seconds of PINGs above their rate, and then a packet of the game. */
static void a_throttled_session_is_not_idle(void **state)
{
    enum { PINGS = 40 + 2 * 20 * 8 };
    for (int i = 0; i < PINGS; i++) {
        session_fixture_ping(peer, 1);
    }
    send_of(SAY, 1);
    expect_received(8 * SECOND - 100, 0);
    assert_false(is_over());
    expect_received(8 * SECOND + 100, 1);
    run_until(8 * SECOND + IDLE_MS - 10);
    assert_false(is_over());
    run_until(8 * SECOND + IDLE_MS + 110);
    assert_true(is_over());
}

/* A frame takes one token, also when its body arrives while its header waits. */
static void a_frame_throttled_in_its_middle_is_received_whole(void **state)
{
    send_of(OFTEN, BURST);
    session_fixture_send_header(peer, 3, 0, OFTEN, 0);
    fixture_run_ms(INTERVAL / 2);
    peer_send(peer, "\x12\x01", 2);
    fixture_run_ms(3 * SECOND);
    assert_int_equal(session_fixture.received_count, BURST);
    peer_send(peer, "z", 1);
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, BURST + 1);
    assert_int_equal(session_fixture_counters_of(OFTEN).delayed, 1);
}

static void a_throttled_session_can_be_ended(void **state)
{
    send_of(RARE, 10);
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
    fixture_run_now();
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__KICKED);
    peer_finish(peer);
    fixture_run_now();
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.received_count, 1);
}

/* ---- dropping ---- */

static void an_excess_droppable_packet_is_dropped_and_the_next_is_received(void **state)
{
    send_of(DROPS, BURST + 20);
    send_of(SAY, 1);
    assert_int_equal(session_fixture.received_count, BURST + 1);
    assert_int_equal(session_fixture_counters_of(DROPS).in, BURST);
    assert_int_equal(session_fixture_counters_of(DROPS).dropped, 20);
    assert_int_equal(session_fixture_counters_of(DROPS).delayed, 0);
    run_until(INTERVAL);
    send_of(DROPS, 1);
    assert_int_equal(session_fixture.received_count, BURST + 2);
}

/* Sends it in pieces; the last piece has the next frame in it. */
static void a_dropped_body_is_not_stored(void **state)
{
    enum { BYTES = 4000, PIECE = 100 };
    static const uint8_t rubbish[PIECE] = {0xFF};
    send_of(DROPS, BURST);
    int64_t pool_bytes = (int64_t)fixture_counters().pool_bytes;
    session_fixture_send_header(peer, BYTES, 0, DROPS, 0);
    for (int sent = 0; sent < BYTES; sent += PIECE) {
        fixture_run_now();
        assert_int_equal(fixture_counters().pool_bytes, pool_bytes);
        peer_send(peer, rubbish, PIECE);
    }
    send_of(SAY, 1);
    assert_int_equal(session_fixture.received_count, BURST + 1);
    assert_int_equal(session_fixture.ended_count, 0);
}

static void a_dropped_frame_must_be_complete_in_time(void **state)
{
    send_of(DROPS, BURST);
    session_fixture_send_header(peer, 100, 0, DROPS, 0);
    fixture_run_now();
    for (int i = 0; i < 9; i++) {
        fixture_run_ms(SECOND);
        peer_send(peer, "x", 1);
    }
    run_until(FRAME_MS);
    assert_false(is_over());
    run_until(FRAME_MS + 2 * LAG_MS);
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__FRAME_TIMEOUT);
}

static void droppable_packets_are_not_throttled(void **state)
{
    send_of(DROPS, AHEAD_MAX);
    send_of(SAY, 1);
    assert_int_equal(session_fixture.received_count, BURST + 1);
    assert_int_equal(session_fixture_counters_of(DROPS).dropped, AHEAD_MAX - BURST);
    assert_int_equal(session_fixture_counters_of(DROPS).delayed, 0);
    assert_false(is_over());
}

/* Its tokens return at the rate, and not at twice the rate, since no packet waits for one. */
static void droppable_packets_at_the_rate_are_received(void **state)
{
    send_of(DROPS, BURST);
    run_until(INTERVAL - 1);
    send_of(DROPS, 1);
    assert_int_equal(session_fixture.received_count, BURST);
    run_until(INTERVAL + LAG_MS);
    send_of(DROPS, 1);
    assert_int_equal(session_fixture.received_count, BURST + 1);
}

/* ---- too far ahead of the rate ---- */

/* The peer does not answer PING. */
static const struct gw_session_manager_config calm = {.heartbeat_ms = 24 * 60 * 60 * SECOND};

static void expect_too_often(void)
{
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__TOO_OFTEN);
}

/* Dropped packets count, too. */
static void a_burst_plus_the_excess_is_allowed_and_one_more_closes(void **state)
{
    send_of(DROPS, AHEAD_MAX);
    assert_false(is_over());
    run_until(INTERVAL - 1);
    assert_false(is_over());
    send_of(DROPS, 1);
    expect_too_often();
}

static void after_an_interval_one_more_is_allowed(void **state)
{
    send_of(DROPS, AHEAD_MAX);
    run_until(INTERVAL + LAG_MS);
    send_of(DROPS, 1);
    assert_false(is_over());
    send_of(DROPS, 1);
    expect_too_often();
}

/* The server reads at twice the rate, so the client gains 1 s on its rate in each second. */
static void a_throttled_flood_is_closed_after_the_excess(void **state)
{
    run_until(500);
    send_of(OFTEN, 300);
    run_until(500 + EXCESS_MS - INTERVAL);
    assert_false(is_over());
    run_until(500 + EXCESS_MS + 2 * INTERVAL);
    expect_too_often();
    assert_in_range(session_fixture.received_count, AHEAD_MAX + EXCESS_MS / INTERVAL - 2,
                    AHEAD_MAX + EXCESS_MS / INTERVAL + 2);
}

/* Sends until the session ends, or for this long. Returns whether it ended. */
static bool send_every(uint16_t id, uint64_t interval_us, uint64_t limit_ms)
{
    for (uint64_t count = 0; !is_over() && count * interval_us < limit_ms * 1000; count++) {
        fixture_run_until(session_fixture.joined_ns + count * interval_us * FIXTURE_MS / 1000);
        send_of(id, 1);
    }
    return is_over();
}

static void one_and_a_half_times_the_rate_is_closed_within_30_s(void **state)
{
    assert_true(send_every(OFTEN, INTERVAL * 1000 * 2 / 3, 30 * SECOND));
    expect_too_often();
}

static void one_and_a_half_times_a_droppable_rate_is_closed_within_30_s(void **state)
{
    assert_true(send_every(DROPS, INTERVAL * 1000 * 2 / 3, 30 * SECOND));
    expect_too_often();
}

static void one_and_a_half_times_one_a_second_is_closed_within_30_s(void **state)
{
    assert_true(send_every(RARE, SECOND * 1000 * 2 / 3, 30 * SECOND));
    expect_too_often();
}

static void packets_slightly_above_the_rate_are_closed_with_too_often(void **state)
{
    assert_true(send_every(OFTEN, INTERVAL * 900, 150 * SECOND));
    expect_too_often();
}

static void at_the_rate_is_not_too_often(void **state)
{
    assert_false(send_every(OFTEN, INTERVAL * 1000, 50 * SECOND));
    assert_int_equal(session_fixture.received_count, 500);
    assert_int_equal(session_fixture_counters_of(OFTEN).delayed, 0);
}

/* A client that sends at its rate may do so for ever, although its bucket is never full. */
static void at_the_rate_after_a_burst_is_not_too_often(void **state)
{
    send_of(OFTEN, BURST);
    assert_false(send_every(OFTEN, INTERVAL * 1000, 50 * SECOND));
    assert_int_equal(session_fixture.received_count, BURST + 500);
}

/* Ten seconds of packets arrive at once, again and again. */
static void packets_delayed_by_a_stall_close_no_client(void **state)
{
    enum { STALL_S = 10 };
    for (uint32_t i = 1; i <= 10; i++) {
        run_until(i * STALL_S * SECOND);
        send_of(OFTEN, STALL_S * SECOND / INTERVAL);
        send_of(DROPS, STALL_S * SECOND / INTERVAL);
        send_of(RARE, STALL_S);
        assert_false(is_over());
    }
    fixture_run_ms(STALL_S * SECOND);
    assert_false(is_over());
    assert_int_equal(session_fixture_counters_of(OFTEN).in, 10 * STALL_S * SECOND / INTERVAL);
    assert_int_equal(session_fixture_counters_of(RARE).in, 10 * STALL_S);
}

/* The same with a burst of 1, and with dropped packets: two at once, long apart. */
static void packets_below_the_rate_are_not_too_often(void **state)
{
    for (uint32_t i = 0; i < 20; i++) {
        send_of(RARE, 2);
        send_of(DROPS, 2 * BURST);
        fixture_run_ms(15 * SECOND);
    }
    assert_false(is_over());
    assert_int_equal(session_fixture_counters_of(DROPS).in, 20 * BURST);
}

/* After a silence of any length a client may send as much as at first. */
static void a_silence_neither_saves_tokens_nor_costs_any(void **state)
{
    send_of(DROPS, AHEAD_MAX);
    fixture_run_ms(60 * 60 * SECOND);
    uint8_t body[64];
    size_t bytes;
    session_fixture_ping(peer, 1);
    fixture_run_now();
    while (session_fixture_next(peer, body, &bytes) != 0) {
        assert_false(is_over());
    }
    send_of(DROPS, AHEAD_MAX);
    assert_false(is_over());
    send_of(DROPS, 1);
    expect_too_often();
}

/* ---- while the server does not read ---- */

/* Packets sent in a pause of three minutes are handled like any others, and so are later ones. */
static void a_pause_of_the_server_closes_no_client(void **state)
{
    enum { PAUSE_S = 180 };
    send_of(OFTEN, BURST);
    session_fixture_pause();
    for (uint32_t i = 1; i <= PAUSE_S; i++) {
        send_of(OFTEN, SECOND / INTERVAL);
        send_of(DROPS, SECOND / INTERVAL);
        send_of(RARE, 1);
        run_until(i * SECOND);
    }
    session_fixture_resume();
    for (uint32_t i = 1; i <= 2 * PAUSE_S; i++) {
        send_of(OFTEN, SECOND / INTERVAL);
        run_until((PAUSE_S + i) * SECOND);
        assert_false(is_over());
    }
    assert_int_equal(session_fixture_counters_of(OFTEN).in,
                     BURST + 3 * PAUSE_S * SECOND / INTERVAL);
    assert_int_equal(session_fixture_counters_of(RARE).in, PAUSE_S);
}

/* Twice the time of the pause, and the allowance before it. */
static void the_allowance_of_a_pause_expires_after_the_same_time(void **state)
{
    session_fixture_pause();
    run_until(5 * SECOND);
    session_fixture_resume();
    send_of(DROPS, AHEAD_MAX + 5 * SECOND / INTERVAL);
    assert_false(is_over());
    run_until(60 * SECOND);
    session_fixture_pause();
    run_until(65 * SECOND);
    session_fixture_resume();
    run_until(70 * SECOND);
    send_of(DROPS, AHEAD_MAX);
    assert_false(is_over());
    send_of(DROPS, 1);
    expect_too_often();
}

static void send_for_a_second(void *context)
{
    for (uint32_t i = 0; i < SECOND / INTERVAL; i++) {
        session_fixture_send_text(peer, OFTEN, "x");
        session_fixture_send_text(peer, DROPS, "x");
    }
    session_fixture_send_text(peer, RARE, "x");
}

/* A client sends at its rates while the process is stopped, and for some time after it. */
static void expect_no_end_by_a_stop(uint32_t stop_s)
{
    uint64_t from_ns = fixture_now_ns();
    fixture_stop_at(from_ns + FIXTURE_MS, (uint64_t)stop_s * SECOND);
    for (uint32_t i = 1; i <= 3 * stop_s; i++) {
        kernel_at(from_ns + (uint64_t)i * SECOND * FIXTURE_MS, send_for_a_second, NULL);
    }
    for (uint32_t i = 1; i <= 4 * stop_s; i++) {
        fixture_run_until(from_ns + (uint64_t)i * SECOND * FIXTURE_MS);
        assert_false(is_over());
        session_fixture_ping(peer, 1);
    }
    assert_int_equal(session_fixture_counters_of(RARE).in, 3 * stop_s);
}

static void a_stopped_process_closes_no_client(void **state)
{
    send_of(OFTEN, 1);
    expect_no_end_by_a_stop(60);
}

/* The process stops while a packet waits for a token. */
static void a_process_stopped_while_a_packet_is_throttled_closes_no_client(void **state)
{
    send_of(OFTEN, BURST + 1);
    assert_int_equal(session_fixture_counters_of(OFTEN).delayed, 1);
    expect_no_end_by_a_stop(60);
}

/* ---- memory ---- */

static void a_silent_session_frees_its_buckets(void **state)
{
    uint8_t body[64];
    size_t bytes;
    int64_t before = memory_block_count();
    send_of(SAY, 1);
    assert_int_equal(memory_block_count(), before);
    send_of(RARE, 1);
    send_of(OFTEN, 1);
    assert_int_equal(memory_block_count(), before + 1);
    run_until(HEARTBEAT_MS + 10);
    assert_int_equal(session_fixture_next(peer, body, &bytes), PING);
    assert_int_equal(memory_block_count(), before);
}

/* The session is pinged, so no tokens have returned by packets. */
static void buckets_that_are_not_full_are_kept(void **state)
{
    uint8_t body[64];
    size_t bytes;
    send_of(OFTEN, BURST);
    run_until(2 * INTERVAL + 5 * LAG_MS);
    assert_int_equal(session_fixture_next(peer, body, &bytes), PING);
    send_of(OFTEN, BURST);
    assert_int_equal(session_fixture.received_count, BURST + 2 * INTERVAL / PACE);
}

static void without_memory_for_buckets_the_session_ends(void **state)
{
    session_fixture_send_text(peer, OFTEN, "x");
    memory_fail_at(1);
    fixture_run_now();
    memory_fail_at(0);
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__NO_MEMORY);
    assert_int_equal(session_fixture.received_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOINED_TEST(a_burst_is_handled_at_once_and_the_rest_at_twice_the_rate),
        JOINED_TEST(tokens_come_back_one_by_one_up_to_a_burst),
        JOINED_TEST(no_window_boundary_lets_twice_the_rate_pass),
        JOINED_TEST(packets_behind_a_throttled_one_wait_and_keep_their_order),
        JOINED_TEST(each_packet_of_each_session_has_its_own_bucket),
        JOINED_TEST(a_packet_without_a_rate_is_not_limited),
        JOINED_TEST_WITH(random_arrivals_pass_a_bucket_at_its_rate, &patient),
        JOINED_TEST_WITH(a_throttled_session_is_neither_silent_nor_late, &patient),
        JOINED_TEST_WITH(a_session_throttled_for_three_heartbeats_is_not_silent, &anxious),
        JOINED_TEST(a_throttle_extends_the_timeout_of_a_partial_frame),
        JOINED_TEST_WITH(a_throttled_session_is_not_idle, &impatient),
        JOINED_TEST(a_frame_throttled_in_its_middle_is_received_whole),
        JOINED_TEST(a_throttled_session_can_be_ended),
        JOINED_TEST(an_excess_droppable_packet_is_dropped_and_the_next_is_received),
        JOINED_TEST(a_dropped_body_is_not_stored),
        JOINED_TEST(a_dropped_frame_must_be_complete_in_time),
        JOINED_TEST(droppable_packets_are_not_throttled),
        JOINED_TEST(droppable_packets_at_the_rate_are_received),
        JOINED_TEST(a_burst_plus_the_excess_is_allowed_and_one_more_closes),
        JOINED_TEST(after_an_interval_one_more_is_allowed),
        JOINED_TEST(a_throttled_flood_is_closed_after_the_excess),
        JOINED_TEST(one_and_a_half_times_the_rate_is_closed_within_30_s),
        JOINED_TEST(one_and_a_half_times_a_droppable_rate_is_closed_within_30_s),
        JOINED_TEST(one_and_a_half_times_one_a_second_is_closed_within_30_s),
        JOINED_TEST(packets_slightly_above_the_rate_are_closed_with_too_often),
        JOINED_TEST(at_the_rate_is_not_too_often),
        JOINED_TEST(at_the_rate_after_a_burst_is_not_too_often),
        JOINED_TEST_WITH(packets_delayed_by_a_stall_close_no_client, &calm),
        JOINED_TEST_WITH(packets_below_the_rate_are_not_too_often, &calm),
        JOINED_TEST_WITH(a_silence_neither_saves_tokens_nor_costs_any, &calm),
        JOINED_TEST_WITH(a_pause_of_the_server_closes_no_client, &calm),
        JOINED_TEST_WITH(the_allowance_of_a_pause_expires_after_the_same_time, &calm),
        JOINED_TEST(a_stopped_process_closes_no_client),
        JOINED_TEST(a_process_stopped_while_a_packet_is_throttled_closes_no_client),
        JOINED_TEST(a_silent_session_frees_its_buckets),
        JOINED_TEST_WITH(buckets_that_are_not_full_are_kept, &anxious),
        JOINED_TEST(without_memory_for_buckets_the_session_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

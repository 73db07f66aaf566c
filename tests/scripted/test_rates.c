/* tests/scripted/test_rates.c: how often a client may send something, to the tick. */
#include "tests/test.h"

#include "session/session.h"
#include "tests/scripted/hall.h"
#include "tests/scripted/memory.h"
#include "tests/support/chance.h"

#include <string.h>

enum {
    BURST = 5,      /* of OFTEN and DROPS */
    INTERVAL = 100, /* ms, of the same */
    SECOND = 1000,  /* ms, of RARE */
    EXCESS_MS = 10000,
    DROPS_MAX = 64, /* for each that is let through */
    HEARTBEAT_MS = 10000,
    IDLE_MS = 3000,
    FRAME_MS = 10000,
    HEARD_BYTES = 7, /* id, tag, and a body that says "x" */
    LAG_MS = 2,      /* a deadline is in whole milliseconds, and at a tick */
};

static struct peer *peer;
static uint64_t begin_ns;

static int open_hall(void **state)
{
    hall_open(NULL, *state);
    peer = hall_join();
    begin_ns = stage_now_ns();
    return 0;
}

static int close_hall(void **state)
{
    (void)state;
    peer_close(peer);
    hall_close();
    return 0;
}

#define TEST_WITH(name, config)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(name, open_hall, close_hall, (void *)(config))
#define TEST(name) TEST_WITH(name, NULL)

static struct gw_session_packet_counters count_of(uint16_t id)
{
    struct gw_session_packet_counters counters;
    gw_session_manager_packet_counters(hall.manager, id, &counters);
    return counters;
}

/* Or about to be. */
static bool is_over(void)
{
    return hall.last == NULL || gw_session_has_ended(hall.last);
}

static void tell(uint16_t id, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        hall_tell(peer, id, "x");
    }
    stage_settle();
}

/* Until `ms` after the peer was greeted. */
static void run_until(uint64_t ms)
{
    stage_run_until(begin_ns + ms * STAGE_MS);
}

static void expect_heard(uint64_t ms, uint32_t count)
{
    run_until(ms);
    assert_int_equal(hall.heard_count, count);
}

/* ---- delay ---- */

static void a_burst_is_heard_at_once_and_the_rest_at_the_rate(void **state)
{
    (void)state;
    tell(OFTEN, BURST + 10);
    assert_int_equal(hall.heard_count, BURST);
    for (uint32_t i = 1; i <= 10; i++) {
        expect_heard(i * INTERVAL - 1, BURST + i - 1);
        expect_heard(i * INTERVAL + LAG_MS, BURST + i);
    }
    assert_int_equal(count_of(OFTEN).in, BURST + 10);
    assert_int_equal(count_of(OFTEN).delayed, 10);
    assert_int_equal(count_of(OFTEN).dropped, 0);
}

/* Just before, as many tokens have come back as whole intervals have passed. */
static void tokens_come_back_one_by_one_up_to_a_burst(void **state)
{
    (void)state;
    tell(OFTEN, BURST);
    run_until(3 * INTERVAL - 1);
    tell(OFTEN, 3);
    assert_int_equal(hall.heard_count, BURST + 2);
    run_until(60 * INTERVAL);
    assert_int_equal(hall.heard_count, BURST + 3);
    tell(OFTEN, BURST + 3);
    assert_int_equal(hall.heard_count, BURST + 3 + BURST);
}

/* So many at the end of one second and so many at the beginning of the next. */
static void there_is_no_edge_at_which_twice_as_many_pass(void **state)
{
    (void)state;
    run_until(SECOND - 1);
    tell(OFTEN, 100);
    run_until(SECOND + 1);
    tell(OFTEN, 100);
    assert_int_equal(hall.heard_count, BURST);
    run_until(2 * SECOND - 1);
    assert_int_equal(hall.heard_count, BURST + SECOND / INTERVAL - 1);
}

/* Which of those that were heard it was, the first being 0. */
static uint32_t place_of(uint16_t id)
{
    for (uint32_t i = 0; i * HEARD_BYTES < bytes_count(&hall.heard); i++) {
        uint16_t heard;
        memcpy(&heard, bytes_look(&hall.heard) + (size_t)i * HEARD_BYTES, sizeof heard);
        if (heard == id) {
            return i;
        }
    }
    return UINT32_MAX;
}

static void what_stands_behind_waits_too_and_the_order_stays(void **state)
{
    (void)state;
    tell(OFTEN, BURST + 1);
    tell(SAY, 1);
    tell(RARE, 1);
    assert_int_equal(hall.heard_count, BURST);
    expect_heard(INTERVAL + LAG_MS, BURST + 3);
    assert_int_equal(place_of(SAY), BURST + 1);
    assert_int_equal(place_of(RARE), BURST + 2);
}

static void each_type_and_each_session_has_its_own_bucket(void **state)
{
    (void)state;
    struct peer *other = hall_join();
    tell(RARE, 1);
    tell(DROPS, BURST);
    tell(OFTEN, BURST + 1);
    assert_int_equal(hall.heard_count, 1 + 2 * BURST);
    for (int i = 0; i < BURST; i++) {
        hall_tell(other, OFTEN, "y");
    }
    hall_say(other, "somebody floods, and it is nothing to me");
    stage_settle();
    assert_int_equal(hall.heard_count, 1 + 3 * BURST + 1);
    peer_close(other);
}

static void what_has_no_rate_is_never_counted(void **state)
{
    (void)state;
    tell(SAY, 5000);
    assert_int_equal(hall.heard_count, 5000);
    assert_int_equal(count_of(SAY).delayed, 0);
}

/* However they come, no more are heard than a bucket lets through, and none is lost. */
static void by_chance_too_a_bucket_lets_through_what_it_holds(void **state)
{
    (void)state;
    struct chance chance = {77};
    uint32_t told_count = 0;
    for (int step = 0; step < 300; step++) {
        uint32_t before = hall.heard_count;
        uint32_t ms = (uint32_t)chance_below(&chance, 900);
        uint32_t count = (uint32_t)chance_below(&chance, 10);
        told_count += count;
        tell(OFTEN, count);
        stage_run_ms(ms);
        assert_true(hall.heard_count - before <= BURST + ms / INTERVAL + 1);
    }
    stage_run_ms(20 * SECOND);
    assert_int_equal(hall.heard_count, told_count);
    assert_int_equal(hall.ended_count, 0);
}

/* ---- while a frame is held ---- */

static const struct gw_session_manager_config patient = {.excess_ms = 10 * 60 * SECOND};
static const struct gw_session_manager_config impatient = {.excess_ms = 10 * 60 * SECOND,
                                                           .idle_timeout_ms = IDLE_MS};

/* The tail of the flood is half a frame: it has begun long before anybody looks at it. */
static void who_is_held_is_neither_silent_nor_late(void **state)
{
    (void)state;
    enum { COUNT = 25 };
    tell(RARE, COUNT);
    hall_send_header(peer, 20, 0, SAY, 0);
    for (uint32_t i = 1; i < COUNT; i++) {
        expect_heard(i * SECOND + LAG_MS, i + 1);
    }
    assert_int_equal(peer_unread_count(peer), 0); /* nobody has asked whether it lives */
    run_until((COUNT - 1) * SECOND + FRAME_MS - 100);
    assert_int_equal(hall.ended_count, 0);
    assert_false(is_over());
    run_until((COUNT - 1) * SECOND + FRAME_MS + 10);
    uint8_t body[64];
    size_t bytes;
    if (hall_next(peer, body, &bytes) == HALL_PING) {
        assert_int_equal(hall_close_reason(peer), GW__CLOSE_REASON__FRAME_TIMEOUT);
    }
    assert_true(is_over());
}

static const struct gw_session_manager_config anxious = {.heartbeat_ms = 2 * INTERVAL};

static void who_is_held_for_three_heartbeats_is_not_silent(void **state)
{
    (void)state;
    tell(RARE, 2);
    run_until(SECOND - 10);
    assert_int_equal(peer_unread_count(peer), 0);
    expect_heard(SECOND + LAG_MS, 2);
    run_until(SECOND + 2 * INTERVAL - 10);
    assert_int_equal(peer_unread_count(peer), 0);
    assert_false(is_over());
}

/* It has ten seconds from the moment at which we listen again. */
static void a_frame_that_was_held_torn_is_late_later(void **state)
{
    (void)state;
    tell(RARE, 1);
    peer_send(peer, "\x04", 1);
    stage_settle();
    peer_send(peer, "\0\0\0\x30\x01\0\0", 7); /* the header of one more is whole: 304 */
    run_until(SECOND + FRAME_MS - 10);
    assert_false(is_over());
    run_until(SECOND + FRAME_MS + 5 * LAG_MS);
    assert_true(is_over());
}

/* Eight seconds of PINGs above their rate, and only then something of the game. */
static void who_is_held_is_not_idle(void **state)
{
    (void)state;
    enum { PINGS = 40 + 20 * 8 };
    for (int i = 0; i < PINGS; i++) {
        hall_ping(peer, 1);
    }
    tell(SAY, 1);
    expect_heard(8 * SECOND - 100, 0);
    assert_false(is_over());
    expect_heard(8 * SECOND + 100, 1);
    run_until(8 * SECOND + IDLE_MS - 10);
    assert_false(is_over());
    run_until(8 * SECOND + IDLE_MS + 110);
    assert_true(is_over());
}

/* A frame is judged once: also one whose body comes while its header waits. */
static void a_frame_that_is_held_torn_is_heard_whole(void **state)
{
    (void)state;
    tell(OFTEN, BURST);
    hall_send_header(peer, 3, 0, OFTEN, 0);
    stage_run_ms(INTERVAL / 2);
    peer_send(peer, "\x12\x01", 2);
    stage_run_ms(3 * SECOND);
    assert_int_equal(hall.heard_count, BURST);
    peer_send(peer, "z", 1);
    stage_settle();
    assert_int_equal(hall.heard_count, BURST + 1);
    assert_int_equal(count_of(OFTEN).delayed, 1);
}

static void who_is_held_can_be_ended(void **state)
{
    (void)state;
    tell(RARE, 10);
    gw_session_end(hall.last, GW__CLOSE_REASON__KICKED);
    stage_settle();
    assert_int_equal(hall_close_reason(peer), GW__CLOSE_REASON__KICKED);
    peer_finish(peer);
    stage_settle();
    assert_int_equal(hall.ended_count, 1);
    assert_int_equal(hall.heard_count, 1);
}

/* ---- drop ---- */

static void what_is_droppable_is_dropped_and_the_next_is_heard(void **state)
{
    (void)state;
    tell(DROPS, BURST + 20);
    tell(SAY, 1);
    assert_int_equal(hall.heard_count, BURST + 1);
    assert_int_equal(count_of(DROPS).in, BURST);
    assert_int_equal(count_of(DROPS).dropped, 20);
    assert_int_equal(count_of(DROPS).delayed, 0);
    run_until(INTERVAL);
    tell(DROPS, 1);
    assert_int_equal(hall.heard_count, BURST + 2);
}

/* Piece by piece, with the frame behind it in the last one. */
static void what_is_dropped_is_not_stored(void **state)
{
    (void)state;
    enum { BYTES = 4000, PIECE = 100 };
    static const uint8_t rubbish[PIECE] = {0xFF};
    tell(DROPS, BURST);
    int64_t pool_bytes = (int64_t)stage_counters().pool_bytes;
    hall_send_header(peer, BYTES, 0, DROPS, 0);
    for (int sent = 0; sent < BYTES; sent += PIECE) {
        stage_settle();
        assert_int_equal(stage_counters().pool_bytes, pool_bytes);
        peer_send(peer, rubbish, PIECE);
    }
    tell(SAY, 1);
    assert_int_equal(hall.heard_count, BURST + 1);
    assert_int_equal(hall.ended_count, 0);
}

static void a_dropped_frame_must_be_whole_in_time(void **state)
{
    (void)state;
    tell(DROPS, BURST);
    hall_send_header(peer, 100, 0, DROPS, 0);
    stage_settle();
    for (int i = 0; i < 9; i++) {
        stage_run_ms(SECOND);
        peer_send(peer, "x", 1);
    }
    run_until(FRAME_MS);
    assert_false(is_over());
    run_until(FRAME_MS + 2 * LAG_MS);
    assert_int_equal(hall_close_reason(peer), GW__CLOSE_REASON__FRAME_TIMEOUT);
}

/* What a flooder costs is bounded: reading stops for it too. */
static void so_many_are_dropped_and_the_next_one_waits(void **state)
{
    (void)state;
    tell(DROPS, BURST + DROPS_MAX + 1 + 10);
    tell(SAY, 1);
    assert_int_equal(hall.heard_count, BURST);
    assert_int_equal(count_of(DROPS).dropped, DROPS_MAX);
    assert_int_equal(count_of(DROPS).delayed, 1);
    expect_heard(INTERVAL + LAG_MS, BURST + 2);
    assert_int_equal(count_of(DROPS).dropped, DROPS_MAX + 10);
}

/* ---- persistent excess ---- */

static void expect_too_often(uint64_t from_ms)
{
    run_until(from_ms + EXCESS_MS);
    assert_false(is_over());
    run_until(from_ms + EXCESS_MS + INTERVAL + LAG_MS);
    assert_int_equal(hall_close_reason(peer), GW__CLOSE_REASON__TOO_OFTEN);
}

static void who_goes_on_too_often_is_ended(void **state)
{
    (void)state;
    run_until(500);
    tell(OFTEN, 300);
    expect_too_often(500);
    assert_in_range(hall.heard_count, BURST + EXCESS_MS / INTERVAL,
                    BURST + EXCESS_MS / INTERVAL + 1);
}

/* Two dozen in each interval, and one of them passes. */
static void who_goes_on_with_what_is_dropped_is_ended(void **state)
{
    (void)state;
    for (int i = 0; !is_over(); i++) {
        assert_true(i * INTERVAL <= EXCESS_MS + INTERVAL);
        tell(DROPS, 24);
        stage_run_ms(INTERVAL);
    }
    assert_true(stage_now_ns() > begin_ns + EXCESS_MS * STAGE_MS);
    assert_int_equal(hall_close_reason(peer), GW__CLOSE_REASON__TOO_OFTEN);
}

/* Again and again above the rate, but never for so long that its bucket does not come to rest. */
static void who_comes_back_below_the_rate_may_stay(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        tell(OFTEN, BURST + 20);
        stage_run_ms(26 * INTERVAL); /* all are heard, and it is more than half full */
        tell(OFTEN, 1);
    }
    assert_true(stage_now_ns() > begin_ns + 4 * EXCESS_MS * STAGE_MS);
    assert_int_equal(hall.heard_count, 20 * (BURST + 21));
    assert_int_equal(hall.ended_count, 0);
}

/* Just above the rate, for ever. */
static void a_little_too_often_is_too_often(void **state)
{
    (void)state;
    for (int i = 0; !is_over() && i < 500; i++) {
        tell(OFTEN, 1);
        stage_run_ms(INTERVAL * 9 / 10);
    }
    assert_int_equal(hall_close_reason(peer), GW__CLOSE_REASON__TOO_OFTEN);
}

/* Two at a time, and the bucket never more than touched: it must come to rest now and then. */
static void at_the_rate_with_an_empty_bucket_is_too_often(void **state)
{
    (void)state;
    tell(OFTEN, BURST + 1);
    for (int i = 0; !is_over() && i < 60; i++) {
        stage_run_ms(2 * INTERVAL);
        tell(OFTEN, 2);
    }
    assert_int_equal(hall_close_reason(peer), GW__CLOSE_REASON__TOO_OFTEN);
}

static void at_the_rate_is_not_too_often(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        tell(OFTEN, 1);
        stage_run_ms(INTERVAL);
    }
    assert_int_equal(hall.heard_count, 500);
    assert_int_equal(count_of(OFTEN).delayed, 0);
}

/* ---- memory ---- */

static void who_falls_silent_gives_its_buckets_back(void **state)
{
    (void)state;
    uint8_t body[64];
    size_t bytes;
    int64_t before = memory_block_count();
    tell(SAY, 1);
    assert_int_equal(memory_block_count(), before);
    tell(RARE, 1);
    tell(OFTEN, 1);
    assert_int_equal(memory_block_count(), before + 1);
    run_until(HEARTBEAT_MS + 10);
    assert_int_equal(hall_next(peer, body, &bytes), HALL_PING);
    assert_int_equal(memory_block_count(), before);
}

/* Asked for a sign of life, it has not come by tokens. */
static void buckets_that_are_not_full_are_kept(void **state)
{
    (void)state;
    uint8_t body[64];
    size_t bytes;
    tell(OFTEN, BURST);
    run_until(2 * INTERVAL + 5 * LAG_MS);
    assert_int_equal(hall_next(peer, body, &bytes), HALL_PING);
    tell(OFTEN, BURST);
    assert_int_equal(hall.heard_count, BURST + 2);
}

static void without_memory_for_buckets_it_ends(void **state)
{
    (void)state;
    hall_tell(peer, OFTEN, "x");
    memory_fail_at(1);
    stage_settle();
    memory_fail_at(0);
    assert_int_equal(hall_close_reason(peer), GW__CLOSE_REASON__NO_MEMORY);
    assert_int_equal(hall.heard_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_burst_is_heard_at_once_and_the_rest_at_the_rate),
        TEST(tokens_come_back_one_by_one_up_to_a_burst),
        TEST(there_is_no_edge_at_which_twice_as_many_pass),
        TEST(what_stands_behind_waits_too_and_the_order_stays),
        TEST(each_type_and_each_session_has_its_own_bucket),
        TEST(what_has_no_rate_is_never_counted),
        TEST_WITH(by_chance_too_a_bucket_lets_through_what_it_holds, &patient),
        TEST_WITH(who_is_held_is_neither_silent_nor_late, &patient),
        TEST_WITH(who_is_held_for_three_heartbeats_is_not_silent, &anxious),
        TEST(a_frame_that_was_held_torn_is_late_later),
        TEST_WITH(who_is_held_is_not_idle, &impatient),
        TEST(a_frame_that_is_held_torn_is_heard_whole),
        TEST(who_is_held_can_be_ended),
        TEST(what_is_droppable_is_dropped_and_the_next_is_heard),
        TEST(what_is_dropped_is_not_stored),
        TEST(a_dropped_frame_must_be_whole_in_time),
        TEST(so_many_are_dropped_and_the_next_one_waits),
        TEST(who_goes_on_too_often_is_ended),
        TEST(who_goes_on_with_what_is_dropped_is_ended),
        TEST(who_comes_back_below_the_rate_may_stay),
        TEST(a_little_too_often_is_too_often),
        TEST(at_the_rate_with_an_empty_bucket_is_too_often),
        TEST(at_the_rate_is_not_too_often),
        TEST(who_falls_silent_gives_its_buckets_back),
        TEST_WITH(buckets_that_are_not_full_are_kept, &anxious),
        TEST(without_memory_for_buckets_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

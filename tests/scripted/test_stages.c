/* tests/scripted/test_stages.c: Packets that cross a stage change of their session. */
#include "tests/test.h"

#include "protocol/frame.h"
#include "session/request.h"
#include "session/session.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/session_fixture.h"

enum { LOBBY, ROOM, OTHER, SECOND = 1000, BURST = 5, AHEAD_MAX = BURST + 120 };

static void move_to(void *stage)
{
    gw_session_set_stage(session_fixture.last, *(uint32_t *)stage);
}

/* A stage change that no packet of the session causes. */
static void move(uint32_t stage)
{
    fixture_in_turn(gw_session_turn(session_fixture.last), move_to, &stage);
}

/* Enters the room and stays for longer than the crossing time. */
static int open_session_fixture(void **state)
{
    session_fixture_open(NULL, *state);
    peer = session_fixture_join();
    move(ROOM);
    fixture_run_ms(2 * SECOND);
    return 0;
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, open_session_fixture, session_fixture_teardown)

static bool is_over(void)
{
    return session_fixture.last == NULL || gw_session_has_ended(session_fixture.last);
}

static void ping_room(void)
{
    session_fixture_send_header(peer, 0, 0, IN_ROOM, 0);
    fixture_run_now();
}

static void ask_room(uint16_t tag)
{
    session_fixture_send_header(peer, 0, 0, ASK_ROOM, tag);
    fixture_run_now();
}

static void expect_crossed(uint16_t id, uint64_t count)
{
    assert_false(is_over());
    assert_int_equal(session_fixture_counters_of(id).crossed, count);
    assert_int_equal(peer_unread_count(peer), 0);
}

static void expect_refused(uint16_t tag)
{
    uint8_t body[64];
    size_t bytes;
    assert_true(peer_unread_count(peer) >= 8);
    struct frame_header frame = frame_read_header(peer_data(peer));
    assert_int_equal(frame.flags, GW_FRAME_REPLY | GW_FRAME_ERROR);
    assert_int_equal(frame.tag, tag);
    assert_int_equal(session_fixture_next(peer, body, &bytes), ERROR_REPLY);
    Gw__Error *error = gw__error__unpack(NULL, bytes, body);
    assert_non_null(error);
    assert_int_equal(error->code, GW__ERROR_CODE__REFUSED);
    gw__error__free_unpacked(error, NULL);
}

static void expect_end(Gw__CloseReason reason)
{
    assert_int_equal(session_fixture_close_reason(peer), reason);
}

/* ---- the crossing time of one second ---- */

static void a_packet_that_crosses_a_stage_change_is_dropped(void **state)
{
    move(LOBBY);
    ping_room();
    expect_crossed(IN_ROOM, 1);
    assert_int_equal(session_fixture.received_count, 0);
    session_fixture_say(peer, "x");
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
}

static void a_request_that_crosses_a_stage_change_is_refused(void **state)
{
    move(LOBBY);
    ask_room(7);
    expect_refused(7);
    ask_room(0); /* without a tag it is no request */
    expect_crossed(ASK_ROOM, 2);
    assert_int_equal(session_fixture.received_count, 0);
}

static void after_the_crossing_time_an_old_packet_is_wrong_stage(void **state)
{
    move(LOBBY);
    fixture_run_ms(SECOND - 1);
    ping_room();
    ask_room(7);
    expect_refused(7);
    expect_crossed(IN_ROOM, 1);
    fixture_run_ms(3);
    ping_room();
    expect_end(GW__CLOSE_REASON__WRONG_STAGE);
}

static void a_packet_of_no_previous_stage_is_wrong_stage(void **state)
{
    move(LOBBY);
    fixture_run_ms(2 * SECOND);
    move(OTHER); /* the session left the room too long ago */
    ping_room();
    expect_end(GW__CLOSE_REASON__WRONG_STAGE);
}

static void both_of_two_changes_within_the_crossing_time_count(void **state)
{
    move(LOBBY);
    fixture_run_ms(SECOND / 2);
    move(OTHER);
    ping_room();
    expect_crossed(IN_ROOM, 1);
}

static void setting_the_same_stage_is_no_change(void **state)
{
    move(LOBBY);
    fixture_run_ms(SECOND - 1);
    move(LOBBY);
    fixture_run_ms(3);
    ping_room();
    expect_end(GW__CLOSE_REASON__WRONG_STAGE);
}

/* ---- the cause of the change ---- */

static void leave_room(struct gw_session *session)
{
    gw_session_set_stage(session, LOBBY);
}

static void after_a_change_by_its_own_packet_an_old_packet_is_wrong_stage(void **state)
{
    session_fixture.on_received = leave_room;
    session_fixture_say(peer, "leave");
    ping_room();
    expect_end(GW__CLOSE_REASON__WRONG_STAGE);
}

/* The change comes after the handler has returned: the client may have sent more by then. */
static void a_stage_change_after_its_own_packet_counts_as_one_of_the_server(void **state)
{
    session_fixture_say(peer, "leave, please");
    fixture_run_now();
    move(LOBBY);
    ping_room();
    expect_crossed(IN_ROOM, 1);
}

static void before_the_greeting_no_packet_crosses(void **state)
{
    struct peer *other = session_fixture_connect();
    move(ROOM);
    session_fixture_send_header(other, 0, 0, IN_ROOM, 0);
    fixture_run_now();
    assert_true(peer_has_fin(other));
    peer_close(other);
    fixture_run_now();
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__UNKNOWN_PROTOCOL);
}

/* ---- partial frames ---- */

/* The header arrived in time, so the body may arrive later. */
static void a_frame_whose_body_crosses_a_stage_change_is_not_handled(void **state)
{
    session_fixture_send_header(peer, 4, 0, ASK_ROOM, 9);
    peer_send(peer, "\x12\x02", 2);
    fixture_run_now();
    move(LOBBY);
    fixture_run_ms(3 * SECOND);
    assert_int_equal(peer_unread_count(peer), 0);
    peer_send(peer, "xy", 2);
    fixture_run_now();
    expect_refused(9);
    expect_crossed(ASK_ROOM, 1);
    session_fixture_say(peer, "x");
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
}

/* Its token returns after the change. */
static void a_frame_throttled_across_a_stage_change_is_not_handled(void **state)
{
    for (uint16_t tag = 1; tag <= BURST + 2; tag++) {
        ask_room(tag);
    }
    assert_int_equal(session_fixture.received_count, BURST);
    move(LOBBY);
    assert_int_equal(session_fixture.received_count, BURST);
    fixture_run_ms(SECOND / 2);
    expect_refused(BURST + 1);
    expect_refused(BURST + 2);
    expect_crossed(ASK_ROOM, 2);
    assert_int_equal(session_fixture.received_count, BURST);
}

static void the_body_of_a_crossing_packet_is_not_stored(void **state)
{
    move(LOBBY);
    int64_t pool_bytes = (int64_t)fixture_counters().pool_bytes;
    session_fixture_send_header(peer, 200, 0, ASK_ROOM, 0);
    for (int i = 0; i < 200; i++) {
        fixture_run_now();
        assert_int_equal(fixture_counters().pool_bytes, pool_bytes);
        peer_send(peer, "\xFF", 1);
    }
    session_fixture_say(peer, "x");
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
    expect_crossed(ASK_ROOM, 1);
}

/* ---- the other checks ---- */

static void a_crossing_packet_that_is_too_long_closes_the_session(void **state)
{
    move(LOBBY);
    session_fixture_send_header(peer, 257, 0, ASK_ROOM, 0);
    fixture_run_now();
    expect_end(GW__CLOSE_REASON__TOO_LONG);
}

static void an_open_tag_that_crosses_closes_the_session(void **state)
{
    ask_room(7);
    move(LOBBY);
    ask_room(7);
    expect_end(GW__CLOSE_REASON__BAD_FLAGS);
}

static void a_crossing_packet_counts_against_its_rate(void **state)
{
    move(LOBBY);
    for (int i = 0; i < AHEAD_MAX; i++) {
        ask_room(0);
    }
    expect_crossed(ASK_ROOM, AHEAD_MAX);
    ask_room(0);
    expect_end(GW__CLOSE_REASON__TOO_OFTEN);
}

/* ---- time in which the server does not read ---- */

static void a_pause_does_not_shorten_the_crossing_time(void **state)
{
    move(LOBBY);
    fixture_run_ms(SECOND / 2);
    session_fixture_pause();
    ping_room();
    fixture_run_ms(60 * SECOND);
    session_fixture_resume();
    expect_crossed(IN_ROOM, 1);
    fixture_run_ms(SECOND / 2 - 2);
    ping_room();
    expect_crossed(IN_ROOM, 2);
    fixture_run_ms(5);
    ping_room();
    expect_end(GW__CLOSE_REASON__WRONG_STAGE);
}

static void the_crossing_time_of_a_change_in_a_pause_starts_at_the_resume(void **state)
{
    session_fixture_pause();
    fixture_run_ms(SECOND);
    move(LOBBY);
    ping_room();
    fixture_run_ms(60 * SECOND);
    session_fixture_resume();
    expect_crossed(IN_ROOM, 1);
    fixture_run_ms(SECOND - 1);
    ping_room();
    expect_crossed(IN_ROOM, 2);
    fixture_run_ms(3);
    ping_room();
    expect_end(GW__CLOSE_REASON__WRONG_STAGE);
}

static void send_ping_room(void *context)
{
    session_fixture_send_header(peer, 0, 0, IN_ROOM, 0);
}

/* What arrives while the process is stopped was sent within the crossing time. */
static void a_stopped_process_does_not_shorten_the_crossing_time(void **state)
{
    session_fixture_say(peer, "x");
    fixture_run_now();
    move(LOBBY);
    uint64_t from_ns = fixture_now_ns();
    fixture_stop_at(from_ns + FIXTURE_MS, 25 * SECOND);
    kernel_at(from_ns + SECOND / 2 * FIXTURE_MS, send_ping_room, NULL);
    fixture_run_until(from_ns + 26 * SECOND * FIXTURE_MS);
    expect_crossed(IN_ROOM, 1);
}

/* ---- gw_session_set_stage() from elsewhere: the thread of the test has no turn here ---- */

static void a_stage_set_by_another_thread_applies_to_the_next_packet(void **state)
{
    Gw__Error line = GW__ERROR__INIT;
    line.text = "left";
    gw_session_set_stage(session_fixture.last, LOBBY);
    gw_session_set_stage(session_fixture.last, OTHER);
    gw_session_set_stage(session_fixture.last, ROOM);
    gw_session_send(session_fixture.last, LINE, &line.base);
    fixture_run_now();
    assert_true(peer_unread_count(peer) > 0);
    peer_read(peer, NULL, peer_unread_count(peer));
    ping_room();
    assert_int_equal(session_fixture.received_count, 1);
    expect_crossed(IN_ROOM, 0);
}

static void a_packet_that_crosses_a_change_by_another_thread_is_dropped(void **state)
{
    gw_session_set_stage(session_fixture.last, LOBBY);
    ping_room();
    expect_crossed(IN_ROOM, 1);
    fixture_run_ms(2 * SECOND);
    ping_room();
    assert_true(is_over());
}

static void a_stage_set_by_another_thread_does_not_wait_for_a_session_that_ends(void **state)
{
    struct gw_session *session = gw_session_ref(session_fixture.last);
    gw_session_set_stage(session, LOBBY);
    gw_session_end(session, GW__CLOSE_REASON__KICKED);
    gw_session_set_stage(session, OTHER);
    fixture_run_now();
    peer_close(peer);
    fixture_run_now();
    gw_session_set_stage(session, ROOM);
    fixture_run_now();
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__KICKED);
    gw_session_unref(session);
}

static void a_stage_set_by_another_thread_without_memory_ends_the_session(void **state)
{
    memory_fail_at(1);
    gw_session_set_stage(session_fixture.last, LOBBY);
    assert_int_equal(memory_failed_count(), 1);
    memory_fail_at(0);
    fixture_run_now();
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_packet_that_crosses_a_stage_change_is_dropped),
        TEST(a_request_that_crosses_a_stage_change_is_refused),
        TEST(after_the_crossing_time_an_old_packet_is_wrong_stage),
        TEST(a_packet_of_no_previous_stage_is_wrong_stage),
        TEST(both_of_two_changes_within_the_crossing_time_count),
        TEST(setting_the_same_stage_is_no_change),
        TEST(after_a_change_by_its_own_packet_an_old_packet_is_wrong_stage),
        TEST(a_stage_change_after_its_own_packet_counts_as_one_of_the_server),
        TEST(before_the_greeting_no_packet_crosses),
        TEST(a_frame_whose_body_crosses_a_stage_change_is_not_handled),
        TEST(a_frame_throttled_across_a_stage_change_is_not_handled),
        TEST(the_body_of_a_crossing_packet_is_not_stored),
        TEST(a_crossing_packet_that_is_too_long_closes_the_session),
        TEST(an_open_tag_that_crosses_closes_the_session),
        TEST(a_crossing_packet_counts_against_its_rate),
        TEST(a_pause_does_not_shorten_the_crossing_time),
        TEST(the_crossing_time_of_a_change_in_a_pause_starts_at_the_resume),
        TEST(a_stopped_process_does_not_shorten_the_crossing_time),
        TEST(a_stage_set_by_another_thread_applies_to_the_next_packet),
        TEST(a_packet_that_crosses_a_change_by_another_thread_is_dropped),
        TEST(a_stage_set_by_another_thread_does_not_wait_for_a_session_that_ends),
        TEST(a_stage_set_by_another_thread_without_memory_ends_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

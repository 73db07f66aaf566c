/* tests/session/test_deadlines.c: what takes too long, and what keeps a session alive. */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

/*
 * Nothing may come early; how late it comes is the machine's affair. So every limit is measured
 * from below, and what keeps alive is done several times within it.
 */
enum {
    LIMIT_MS = 120,
    LONG_LIMIT_MS = 500,
    STEP_MS = 15,
    TOLERANCE_MS = 20,
    MUCH_TOO_LATE_MS = 10000
};

static uint64_t began_ms;

static void begin_to_measure(void)
{
    began_ms = fixture_now_ms();
}

/* A turn's clock is that of its worker's round, which may have begun a little before the test did.
 */
static void expect_not_before(unsigned ms)
{
    assert_true(fixture_now_ms() - began_ms + TOLERANCE_MS >= ms);
}

static const struct loopback_fixture_config impatient = {
    .server = {.greeting_timeout_ms = LIMIT_MS}};

static void who_says_nothing_ends_with_greeting_timeout(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_connect(fixture.port_number);
    peer_expect_close(&peer, GW__CLOSE_REASON__GREETING_TIMEOUT);
    expect_not_before(LIMIT_MS);
}

/* The news must come while the bytes still drip. */
static void drip_until_news(struct raw_socket *peer)
{
    while (!raw_socket_has_news(peer)) {
        assert_true(fixture_now_ms() - began_ms < MUCH_TOO_LATE_MS);
        raw_socket_send_some(peer, "x", 1);
        machine_sleep_ms(STEP_MS);
    }
}

/* T4: the deadline is the greeting's, and bytes that drip in do not move it. */
static void slow_bytes_do_not_extend_the_greeting(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_connect(fixture.port_number);
    uint8_t header[8];
    frame_write_header(header, 1000, 0, HELLO, HELLO_TAG);
    for (size_t i = 0; i < sizeof header && !raw_socket_has_news(&peer); i++) {
        peer_send(&peer, &header[i], 1);
        machine_sleep_ms(STEP_MS);
    }
    drip_until_news(&peer);
    peer_expect_close(&peer, GW__CLOSE_REASON__GREETING_TIMEOUT);
    expect_not_before(LIMIT_MS);
}

static int never_answer(struct gw_session *session, const Gw__Hello *hello)
{
    (void)session;
    (void)hello;
    return GW_GREET_LATER;
}

static const struct loopback_fixture_config forgetful = {
    .server = {.greeting_timeout_ms = LIMIT_MS}, .server_hooks = {.on_greet = never_answer}};

static void a_greeting_that_the_game_forgets_ends_with_greeting_timeout(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_connect(fixture.port_number);
    const Gw__Hello hello = peer_valid_hello();
    peer_send_hello(&peer, &hello);
    peer_expect_close(&peer, GW__CLOSE_REASON__GREETING_TIMEOUT);
    expect_not_before(LIMIT_MS);
}

static const struct loopback_fixture_config patient = {
    .server = {.greeting_timeout_ms = LONG_LIMIT_MS}};

static void who_is_greeted_in_time_stays(void **state)
{
    (void)state;
    struct raw_socket peer = peer_join();
    machine_sleep_ms(LONG_LIMIT_MS + LIMIT_MS);
    peer_sync(&peer);
    raw_socket_close(&peer);
}

static const struct loopback_fixture_config beating = {.server = {.heartbeat_ms = LIMIT_MS}};

static void who_is_silent_is_pinged_once_and_ends_with_heartbeat_lost(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_join();
    peer_expect_stamp(&peer, PING);
    expect_not_before(LIMIT_MS);
    peer_expect_close(&peer, GW__CLOSE_REASON__HEARTBEAT_LOST);
    expect_not_before(3 * LIMIT_MS);
}

static const struct loopback_fixture_config calm = {.server = {.heartbeat_ms = 2 * LIMIT_MS}};

static void who_answers_each_ping_stays(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_join();
    for (int i = 0; i < 4; i++) {
        peer_send_stamp(&peer, PONG, peer_expect_stamp(&peer, PING));
    }
    expect_not_before(4 * 2 * LIMIT_MS);
    peer_sync(&peer);
    raw_socket_close(&peer);
}

/* Only inbound bytes are a sign of life, and any of them are. */
static void who_speaks_need_not_be_pinged(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_join();
    while (fixture_now_ms() - began_ms < 4 * LIMIT_MS) {
        peer_send_text(&peer, "still here");
        machine_sleep_ms(STEP_MS);
    }
    assert_int_equal(counters_of(&fixture.server).ended[GW__CLOSE_REASON__HEARTBEAT_LOST], 0);
    raw_socket_close(&peer);
}

static void say_something(struct gw_session *session)
{
    Gw__Ping number = GW__PING__INIT;
    gw_session_send(session, NUMBER, &number.base);
}

static void who_only_listens_ends_with_heartbeat_lost(void **state)
{
    (void)state;
    struct raw_socket peer = peer_join();
    struct peer_frame *frame = &(struct peer_frame){0};
    wait_for_count(&fixture.server.greeted, 1);
    struct gw_session *session = fixture_session();
    while (!gw_session_has_ended(session)) {
        say_something(session);
        machine_sleep_ms(STEP_MS);
    }
    gw_session_unref(session);
    while (peer_read_frame(&peer, frame) && frame->header.id != CLOSE) {
    }
    assert_int_equal(frame->header.id, CLOSE);
    assert_int_equal(frame->body[1], GW__CLOSE_REASON__HEARTBEAT_LOST);
    raw_socket_close(&peer);
}

static const struct loopback_fixture_config restless = {
    .server = {.idle_timeout_ms = LONG_LIMIT_MS, .heartbeat_ms = LIMIT_MS}};

/* PING and PONG are signs of life, and not of play. */
static void who_does_not_play_ends_with_idle(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_join();
    struct peer_frame *frame = &(struct peer_frame){0};
    while (peer_read_frame(&peer, frame) && frame->header.id == PING &&
           fixture_now_ms() - began_ms < MUCH_TOO_LATE_MS) {
        Gw__Pong pong = GW__PONG__INIT;
        peer_send_message(&peer, PONG, &pong.base);
    }
    expect_not_before(LONG_LIMIT_MS);
    assert_int_equal(frame->header.id, CLOSE);
    assert_int_equal(frame->body[1], GW__CLOSE_REASON__IDLE);
    assert_true(peer_reads_fin(&peer));
    raw_socket_close(&peer);
}

static const struct loopback_fixture_config unhurried = {
    .server = {.idle_timeout_ms = LONG_LIMIT_MS}};

static void who_plays_is_not_idle(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_join();
    while (fixture_now_ms() - began_ms < 2 * LONG_LIMIT_MS) {
        peer_send_stamp(&peer, EITHER, 1);
        machine_sleep_ms(STEP_MS);
    }
    peer_sync(&peer);
    peer_expect_close(&peer, GW__CLOSE_REASON__IDLE);
}

static const struct loopback_fixture_config brisk = {
    .server = {.frame_timeout_ms = LIMIT_MS, .greeting_timeout_ms = 60000}};

static void a_frame_that_does_not_end_ends_with_frame_timeout(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_join();
    peer_send_header(&peer, 100, 0, SAY, 0);
    peer_expect_close(&peer, GW__CLOSE_REASON__FRAME_TIMEOUT);
    expect_not_before(LIMIT_MS);
}

static void half_a_header_is_a_frame_that_has_begun(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_join();
    peer_send(&peer, "\x08", 1);
    peer_expect_close(&peer, GW__CLOSE_REASON__FRAME_TIMEOUT);
    expect_not_before(LIMIT_MS);
}

static void slow_bytes_do_not_extend_a_frame(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_join();
    peer_send_header(&peer, 4000, 0, BIG, 0);
    drip_until_news(&peer);
    peer_expect_close(&peer, GW__CLOSE_REASON__FRAME_TIMEOUT);
    expect_not_before(LIMIT_MS);
}

static const struct loopback_fixture_config steady = {
    .server = {.frame_timeout_ms = LONG_LIMIT_MS}};

/* Each frame has its own time, however many follow each other without a pause. */
static void frames_that_are_whole_in_time_may_follow_for_ever(void **state)
{
    (void)state;
    uint8_t header[8];
    frame_write_header(header, 0, 0, EITHER, 0);
    begin_to_measure();
    struct raw_socket peer = peer_join();
    peer_send(&peer, header, 4);
    while (fixture_now_ms() - began_ms < 2 * LONG_LIMIT_MS) {
        machine_sleep_ms(STEP_MS);
        peer_send(&peer, header + 4, 4); /* one ends ... */
        peer_send(&peer, header, 4);     /* ... and the next begins */
    }
    peer_send(&peer, header + 4, 4);
    peer_sync(&peer);
    raw_socket_close(&peer);
}

static void before_the_greeting_the_frame_deadline_holds_too(void **state)
{
    (void)state;
    begin_to_measure();
    struct raw_socket peer = peer_connect(fixture.port_number);
    peer_send_header(&peer, 100, 0, HELLO, HELLO_TAG);
    peer_expect_close(&peer, GW__CLOSE_REASON__FRAME_TIMEOUT);
    expect_not_before(LIMIT_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST_WITH(who_says_nothing_ends_with_greeting_timeout, &impatient),
        FIXTURE_TEST_WITH(slow_bytes_do_not_extend_the_greeting, &impatient),
        FIXTURE_TEST_WITH(a_greeting_that_the_game_forgets_ends_with_greeting_timeout, &forgetful),
        FIXTURE_TEST_WITH(who_is_greeted_in_time_stays, &patient),
        FIXTURE_TEST_WITH(who_is_silent_is_pinged_once_and_ends_with_heartbeat_lost, &beating),
        FIXTURE_TEST_WITH(who_answers_each_ping_stays, &calm),
        FIXTURE_TEST_WITH(who_speaks_need_not_be_pinged, &beating),
        FIXTURE_TEST_WITH(who_only_listens_ends_with_heartbeat_lost, &beating),
        FIXTURE_TEST_WITH(who_does_not_play_ends_with_idle, &restless),
        FIXTURE_TEST_WITH(who_plays_is_not_idle, &unhurried),
        FIXTURE_TEST_WITH(a_frame_that_does_not_end_ends_with_frame_timeout, &brisk),
        FIXTURE_TEST_WITH(half_a_header_is_a_frame_that_has_begun, &brisk),
        FIXTURE_TEST_WITH(slow_bytes_do_not_extend_a_frame, &brisk),
        FIXTURE_TEST_WITH(frames_that_are_whole_in_time_may_follow_for_ever, &steady),
        FIXTURE_TEST_WITH(before_the_greeting_the_frame_deadline_holds_too, &brisk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_late.c: deadlines of a program that did not run for a while. */
#include "tests/test.h"

#include "net/stream.h"
#include "session/session.h"
#include "tests/scripted/audit.h"
#include "tests/scripted/session_fixture.h"

#include <string.h>

/*
 * Each test brings a session to shortly before a deadline. Then the program stops running, and what
 * the peer owes arrives in time, behind what many others send, but after the program has stopped.
 */
enum {
    CROWD_COUNT = 20,
    HEARTBEAT_MS = 10000,
    STOP_MS = 3000,    /* how long the program does not run */
    BEFORE_MS = 200,   /* it stops so long before the deadline */
    HOLD_MS_MAX = 1000 /* the longest that a deadline waits after a stop */
};

/* What kind of stop, and on what kind of kernel. */
static const struct way {
    struct port_fixture_config fixture;
    bool in_a_turn; /* a handler takes so long; otherwise wait() returns late */
} ways[] = {
    {.fixture.kernel = {.wait_count_max = 0}, .in_a_turn = false},
    {.fixture.kernel = {.wait_count_max = 1}, .in_a_turn = false},
    {.fixture.kernel = {.wait_count_max = 0}, .in_a_turn = true},
    {.fixture.kernel = {.wait_count_max = 1}, .in_a_turn = true},
    {.fixture.kernel = {.lane_shared = true}, .in_a_turn = false},
    {.fixture.kernel = {.lane_shared = true, .wait_count_max = 1}, .in_a_turn = false},
    {.fixture.kernel = {.lane_shared = true, .wait_count_max = 1}, .in_a_turn = true},
};

enum { WAY_COUNT = sizeof ways / sizeof ways[0] };

static struct peer *crowd[CROWD_COUNT];
static struct peer *peer;
static uint64_t stop_ms;

static void make_crowd_say(void *context)
{
    (void)context;
    for (int i = 0; i < CROWD_COUNT; i++) {
        session_fixture_say(crowd[i], "noise");
        peer_read(crowd[i], NULL, peer_unread_count(crowd[i]));
    }
}

/* Goes on to `time_ns` while the others stay alive. */
static void run_until(uint64_t time_ns)
{
    while (fixture_now_ns() + 4000 * FIXTURE_MS < time_ns) {
        make_crowd_say(NULL);
        fixture_run_ms(4000);
    }
    make_crowd_say(NULL);
    fixture_run_until(time_ns);
}

/* The others are old acquaintances; `peer` has connected, and has joined if `joins`. */
static void begin(const struct way *way, const struct gw_session_manager_config *config, bool joins)
{
    session_fixture_open(&way->fixture, config);
    audit_allow_late(STOP_MS * FIXTURE_MS); /* also by a turn inside it */
    for (int i = 0; i < CROWD_COUNT; i++) {
        crowd[i] = session_fixture_join();
    }
    peer = joins ? session_fixture_join() : session_fixture_knock();
}

static void end(void)
{
    for (int i = 0; i < CROWD_COUNT; i++) {
        peer_close(crowd[i]);
    }
    peer_close(peer);
    session_fixture_close();
}

static void take_long(struct gw_session *session)
{
    (void)session;
    session_fixture.on_received = NULL;
    kernel_let_pass(stop_ms * FIXTURE_MS);
}

/*
 * Stops the program before `deadline_ns`, with `owed` (if any) arriving in between. Returns when it
 * runs again.
 */
static uint64_t stop_around(const struct way *way, uint64_t deadline_ns, void (*owed)(void *))
{
    uint64_t stop_ns = deadline_ns - BEFORE_MS * FIXTURE_MS;
    stop_ms = STOP_MS;
    run_until(stop_ns);
    kernel_at(stop_ns + FIXTURE_MS, make_crowd_say, NULL);
    if (owed != NULL) {
        kernel_at(deadline_ns - FIXTURE_MS, owed, NULL);
    }
    kernel_at(stop_ns + (STOP_MS - 1) * FIXTURE_MS, make_crowd_say, NULL);
    if (way->in_a_turn) {
        session_fixture.on_received = take_long;
        session_fixture_say(crowd[0], "takes long");
    } else {
        fixture_stop_at(stop_ns, STOP_MS);
    }
    fixture_run_now();
    uint64_t back_ns = stop_ns + STOP_MS * FIXTURE_MS;
    assert_true(fixture_now_ns() >= back_ns);
    return back_ns;
}

/* The peer has paid what it owed: the session is not ended, then or soon. */
static void assert_goes_on(void)
{
    fixture_run_ms(HOLD_MS_MAX + 500);
    assert_false(gw_session_has_ended(session_fixture.last));
    assert_int_equal(session_fixture.ended_count, 0);
}

/* The peer has not: the session is ended soon after the program runs again. */
static void assert_ended(uint64_t back_ns, Gw__CloseReason reason)
{
    if (fixture_now_ns() < back_ns + HOLD_MS_MAX * FIXTURE_MS) {
        fixture_run_until(back_ns + HOLD_MS_MAX * FIXTURE_MS);
    }
    assert_true(gw_session_has_ended(session_fixture.last));
    peer_finish(peer);
    fixture_run_now();
    assert_int_equal(session_fixture.reason, reason);
}

/* ---- what a peer may owe ---- */

static void send_hello(void *context)
{
    uint8_t frame[128];
    (void)context;
    peer_send(peer, frame, session_fixture_hello_frame(frame));
}

static void send_pong(void *context)
{
    const Gw__Pong pong = GW__PONG__INIT;
    (void)context;
    session_fixture_send(peer, PONG, &pong.base);
}

static void send_word(void *context)
{
    (void)context;
    session_fixture_say(peer, "here");
}

static void send_rest_of_frame(void *context)
{
    (void)context;
    peer_send(peer, "\x12\x01x", 3); /* Error.text */
}

/* ---- each deadline ---- */

/* Runs `kind` in each way, with a peer that does what it owes and with one that does not. */
static void in_each_way(void (*kind)(const struct way *way, bool pays))
{
    for (int i = 0; i < WAY_COUNT; i++) {
        kind(&ways[i], true);
        kind(&ways[i], false);
    }
}

static void greeting(const struct way *way, bool pays)
{
    begin(way, NULL, false);
    uint64_t deadline_ns = fixture_now_ns() + 5000 * FIXTURE_MS;
    uint64_t back_ns = stop_around(way, deadline_ns, pays ? send_hello : NULL);
    if (pays) {
        assert_goes_on();
        assert_int_equal(session_fixture.begun_count, CROWD_COUNT + 1);
    } else {
        assert_ended(back_ns, GW__CLOSE_REASON__GREETING_TIMEOUT);
    }
    end();
}

static void a_hello_that_arrived_in_time_counts(void **state)
{
    (void)state;
    in_each_way(greeting);
}

static void heartbeat(const struct way *way, bool pays)
{
    begin(way, NULL, true);
    uint64_t deadline_ns = fixture_now_ns() + 3 * HEARTBEAT_MS * FIXTURE_MS;
    uint64_t back_ns = stop_around(way, deadline_ns, pays ? send_pong : NULL);
    if (pays) {
        assert_goes_on();
    } else {
        assert_ended(back_ns, GW__CLOSE_REASON__HEARTBEAT_LOST);
    }
    end();
}

static void a_pong_that_arrived_in_time_counts(void **state)
{
    (void)state;
    in_each_way(heartbeat);
}

static void frame(const struct way *way, bool pays)
{
    begin(way, NULL, true);
    session_fixture_send_header(peer, 3, 0, SAY, 0);
    fixture_run_now();
    uint64_t deadline_ns = fixture_now_ns() + 10000 * FIXTURE_MS;
    uint64_t back_ns = stop_around(way, deadline_ns, pays ? send_rest_of_frame : NULL);
    if (pays) {
        assert_goes_on();
    } else {
        assert_ended(back_ns, GW__CLOSE_REASON__FRAME_TIMEOUT);
    }
    end();
}

static void the_rest_of_a_frame_that_arrived_in_time_counts(void **state)
{
    (void)state;
    in_each_way(frame);
}

static void idleness(const struct way *way, bool pays)
{
    static const struct gw_session_manager_config config = {.heartbeat_ms = 600000,
                                                            .idle_timeout_ms = 30000};
    begin(way, &config, true);
    uint64_t deadline_ns = fixture_now_ns() + 30000 * FIXTURE_MS;
    uint64_t back_ns = stop_around(way, deadline_ns, pays ? send_word : NULL);
    if (pays) {
        assert_goes_on();
    } else {
        assert_ended(back_ns, GW__CLOSE_REASON__IDLE);
    }
    end();
}

static void a_packet_that_arrived_in_time_is_no_idleness(void **state)
{
    (void)state;
    in_each_way(idleness);
}

static void finish_late(void *context)
{
    (void)context;
    peer_send(peer, "not read any more", 17);
    peer_finish(peer);
}

/* The peer sees what came of it: a socket that is closed before it was read is a reset. */
static void linger(const struct way *way, bool pays)
{
    begin(way, NULL, true);
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
    uint64_t deadline_ns = fixture_now_ns() + GW_STREAM_LINGER_MS * FIXTURE_MS;
    uint64_t back_ns = stop_around(way, deadline_ns, pays ? finish_late : NULL);
    fixture_run_until(back_ns + HOLD_MS_MAX * FIXTURE_MS);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_false(peer_has_reset(peer));
    end();
}

static void a_fin_that_arrived_in_time_ends_the_linger(void **state)
{
    (void)state;
    in_each_way(linger);
}

static void read_all(void *context)
{
    (void)context;
    peer_set_window(peer, 1 << 20);
}

static void flush(const struct way *way, bool pays)
{
    begin(way, NULL, true);
    peer_set_window(peer, 0);
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
    fixture_run_now();
    uint64_t deadline_ns = fixture_now_ns() + GW_STREAM_FLUSH_MS * FIXTURE_MS;
    uint64_t back_ns = stop_around(way, deadline_ns, pays ? read_all : NULL);
    fixture_run_until(back_ns + HOLD_MS_MAX * FIXTURE_MS);
    if (pays) {
        assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__KICKED);
    } else {
        assert_int_equal(peer_unread_count(peer), 0);
        assert_int_equal(session_fixture.ended_count, 1);
    }
    end();
}

static void room_that_came_in_time_lets_the_last_bytes_leave(void **state)
{
    (void)state;
    in_each_way(flush);
}

/* ---- the bound ---- */

static struct {
    struct peer *peer;
    uint64_t until_ns;
    uint64_t turn_ms;  /* how long each of its packets takes to handle */
    uint64_t ended_ns; /* when the silent session was seen to have ended */
} talk;

static void say_more(void *context)
{
    (void)context;
    session_fixture_say(talk.peer, "and on");
}

/* The next packet is there before this one has been handled, so that the kernel always has more. */
static void take_and_ask_for_more(struct gw_session *session)
{
    (void)session;
    if (talk.ended_ns == 0 && gw_session_has_ended(session_fixture.last)) {
        talk.ended_ns = fixture_now_ns();
    }
    if (fixture_now_ns() < talk.until_ns) {
        kernel_at(fixture_now_ns() + FIXTURE_MS / 2, say_more, NULL);
        kernel_let_pass(talk.turn_ms * FIXTURE_MS);
    }
}

/* Brings a silent session to its end while another one talks. Returns the deadline. */
static uint64_t talk_past_deadline(const struct way *way, uint64_t turn_ms, uint64_t stop)
{
    begin(way, NULL, true);
    uint64_t deadline_ns = fixture_now_ns() + 3 * HEARTBEAT_MS * FIXTURE_MS;
    run_until(deadline_ns - BEFORE_MS * FIXTURE_MS);
    talk.peer = crowd[1];
    talk.turn_ms = turn_ms;
    talk.ended_ns = 0;
    talk.until_ns = deadline_ns + 2 * STOP_MS * FIXTURE_MS;
    session_fixture.on_received = take_and_ask_for_more;
    kernel_at(fixture_now_ns() + FIXTURE_MS, say_more, NULL);
    if (stop > 0) {
        fixture_stop_at(fixture_now_ns(), stop);
    }
    fixture_run_until(talk.until_ns);
    session_fixture.on_received = NULL;
    end();
    return deadline_ns;
}

static void a_kernel_that_always_has_more_holds_deadlines_for_a_second(void **state)
{
    (void)state;
    for (int i = 0; i < WAY_COUNT; i++) {
        uint64_t deadline_ns = talk_past_deadline(&ways[i], 1, STOP_MS);
        uint64_t back_ns = deadline_ns + (STOP_MS - BEFORE_MS) * FIXTURE_MS;
        assert_in_range(talk.ended_ns, back_ns + (HOLD_MS_MAX - 50) * FIXTURE_MS,
                        back_ns + (HOLD_MS_MAX + 50) * FIXTURE_MS);
    }
}

/* Each turn is late; the deadlines that it holds back wait for no more than a few turns. */
static void turns_that_are_always_long_delay_a_deadline_by_a_few_of_them(void **state)
{
    (void)state;
    enum { TURN_MS = 100 };
    for (int i = 0; i < WAY_COUNT; i++) {
        uint64_t deadline_ns = talk_past_deadline(&ways[i], TURN_MS, 0);
        assert_in_range(talk.ended_ns, deadline_ns, deadline_ns + 5 * TURN_MS * FIXTURE_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_that_arrived_in_time_counts),
        cmocka_unit_test(a_pong_that_arrived_in_time_counts),
        cmocka_unit_test(the_rest_of_a_frame_that_arrived_in_time_counts),
        cmocka_unit_test(a_packet_that_arrived_in_time_is_no_idleness),
        cmocka_unit_test(a_fin_that_arrived_in_time_ends_the_linger),
        cmocka_unit_test(room_that_came_in_time_lets_the_last_bytes_leave),
        cmocka_unit_test(a_kernel_that_always_has_more_holds_deadlines_for_a_second),
        cmocka_unit_test(turns_that_are_always_long_delay_a_deadline_by_a_few_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

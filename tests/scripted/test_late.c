/* tests/scripted/test_late.c: Deadlines of a process that did not run for a while. */
#include "tests/test.h"

#include "net/stream.h"
#include "session/session.h"
#include "tests/scripted/session_fixture.h"
#include "tests/support/checking_backend.h"

#include <string.h>

/* Each test runs a session to shortly before a deadline. Then the process stops, and the bytes that
 * prevent the deadline arrive in time, behind those of many others, while it is stopped. */
enum {
    OTHER_COUNT = 20,
    HEARTBEAT_MS = 10000,
    STOP_MS = 3000,    /* the duration of the stop */
    BEFORE_MS = 200,   /* from the stop to the deadline */
    HOLD_MS_MAX = 1000 /* the longest postponement of a deadline after a stop */
};

/* The cause of the stop, and the behaviour of the kernel. */
static const struct way {
    struct port_fixture_config fixture;
    bool in_a_turn; /* a handler takes this long; otherwise wait() returns late */
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

static struct peer *others[OTHER_COUNT];
static uint64_t stop_ms;

static void send_from_others(void *context)
{
    for (int i = 0; i < OTHER_COUNT; i++) {
        session_fixture_say(others[i], "noise");
        peer_read(others[i], NULL, peer_unread_count(others[i]));
    }
}

/* Runs until `time_ns` while the other clients stay alive. */
static void run_until(uint64_t time_ns)
{
    while (fixture_now_ns() + 4000 * FIXTURE_MS < time_ns) {
        send_from_others(NULL);
        fixture_run_ms(4000);
    }
    send_from_others(NULL);
    fixture_run_until(time_ns);
}

/* The other clients have joined before; `peer` has connected, and has joined if `joins`. */
static void begin(const struct way *way, const struct gw_session_manager_config *config, bool joins)
{
    session_fixture_open(&way->fixture, config);
    checking_backend_allow_late(STOP_MS * FIXTURE_MS); /* also by a turn inside it */
    for (int i = 0; i < OTHER_COUNT; i++) {
        others[i] = session_fixture_join();
    }
    peer = joins ? session_fixture_join() : session_fixture_connect();
}

static void take_long(struct gw_session *session)
{
    session_fixture.on_received = NULL;
    kernel_let_pass(stop_ms * FIXTURE_MS);
}

/* Stops the process before `deadline_ns`; `owed` (if any) arrives in between. Returns the time at
 * which it runs again. */
static uint64_t stop_around(const struct way *way, uint64_t deadline_ns, void (*owed)(void *))
{
    uint64_t stop_ns = deadline_ns - BEFORE_MS * FIXTURE_MS;
    stop_ms = STOP_MS;
    run_until(stop_ns);
    kernel_at(stop_ns + FIXTURE_MS, send_from_others, NULL);
    if (owed != NULL) {
        kernel_at(deadline_ns - FIXTURE_MS, owed, NULL);
    }
    kernel_at(stop_ns + (STOP_MS - 1) * FIXTURE_MS, send_from_others, NULL);
    if (way->in_a_turn) {
        session_fixture.on_received = take_long;
        session_fixture_say(others[0], "takes long");
    } else {
        fixture_stop_at(stop_ns, STOP_MS);
    }
    fixture_run_now();
    uint64_t back_ns = stop_ns + STOP_MS * FIXTURE_MS;
    assert_true(fixture_now_ns() >= back_ns);
    return back_ns;
}

/* The peer has sent what it owes: its session stays. */
static void assert_goes_on(void)
{
    fixture_run_ms(HOLD_MS_MAX + 500);
    assert_int_equal(session_fixture.ended_count, 0);
    assert_false(gw_session_has_ended(session_fixture.last));
}

/* The peer has sent nothing: its session ends soon after the process runs again. */
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

/* ---- bytes that a peer owes ---- */

static void send_hello(void *context)
{
    session_fixture_send_hello(peer);
}

static void send_pong(void *context)
{
    const Gw__Pong pong = GW__PONG__INIT;
    session_fixture_send(peer, PONG, &pong.base);
}

static void send_word(void *context)
{
    session_fixture_say(peer, "here");
}

static void send_rest_of_frame(void *context)
{
    peer_send(peer, "\x12\x01x", 3); /* Error.text */
}

/* ---- each deadline ---- */

/* Runs `kind` in each way, with a peer that sends what it owes and with one that does not. */
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
        assert_int_equal(session_fixture.begun_count, OTHER_COUNT + 1);
    } else {
        assert_ended(back_ns, GW__CLOSE_REASON__GREETING_TIMEOUT);
    }
    session_fixture_close();
}

static void a_hello_that_arrived_in_time_counts(void **state)
{
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
    session_fixture_close();
}

static void a_pong_that_arrived_in_time_counts(void **state)
{
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
    session_fixture_close();
}

static void the_rest_of_a_frame_that_arrived_in_time_counts(void **state)
{
    in_each_way(frame);
}

static void idle_timeout(const struct way *way, bool pays)
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
    session_fixture_close();
}

static void a_packet_that_arrived_in_time_prevents_the_idle_timeout(void **state)
{
    in_each_way(idle_timeout);
}

static void finish_late(void *context)
{
    peer_send(peer, "not read any more", 17);
    peer_finish(peer);
}

/* A socket that is closed with unread bytes sends a reset, which the peer sees. */
static void linger(const struct way *way, bool pays)
{
    begin(way, NULL, true);
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
    uint64_t deadline_ns = fixture_now_ns() + GW_STREAM_LINGER_MS * FIXTURE_MS;
    uint64_t back_ns = stop_around(way, deadline_ns, pays ? finish_late : NULL);
    fixture_run_until(back_ns + HOLD_MS_MAX * FIXTURE_MS);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_false(peer_has_reset(peer));
    session_fixture_close();
}

static void a_fin_that_arrived_in_time_ends_the_linger(void **state)
{
    in_each_way(linger);
}

static void read_all(void *context)
{
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
    session_fixture_close();
}

static void window_space_that_arrived_in_time_flushes_the_queue(void **state)
{
    in_each_way(flush);
}

/* ---- a stop between a deadline and its turn ---- */

/* The first handler crosses the deadline, the next one takes long: the deadline is due by then. */
static void take_long_second(struct gw_session *session)
{
    session_fixture.on_received = take_long;
    kernel_let_pass(20 * FIXTURE_MS);
}

/* A PING is due before the stop, and the idle timeout during it. */
static void idle_timeout_behind_ping(const struct way *way, bool pays)
{
    static const struct gw_session_manager_config config = {.heartbeat_ms = HEARTBEAT_MS,
                                                            .idle_timeout_ms = 12000};
    begin(way, &config, true);
    uint64_t ping_ns = fixture_now_ns() + HEARTBEAT_MS * FIXTURE_MS;
    run_until(ping_ns - 10 * FIXTURE_MS);
    if (pays) {
        kernel_at(ping_ns + 1000 * FIXTURE_MS, send_word, NULL);
    }
    stop_ms = STOP_MS;
    session_fixture.on_received = take_long_second;
    session_fixture_say(others[0], "crosses the deadline");
    session_fixture_say(others[1], "takes long");
    fixture_run_now();
    assert_true(fixture_now_ns() >= ping_ns + STOP_MS * FIXTURE_MS);
    if (pays) {
        assert_goes_on();
    } else {
        assert_ended(fixture_now_ns(), GW__CLOSE_REASON__IDLE);
    }
    session_fixture_close();
}

static void a_deadline_that_is_due_before_a_stop_is_checked_after_what_arrived_in_it(void **state)
{
    in_each_way(idle_timeout_behind_ping);
}

/* ---- the longest postponement ---- */

static struct {
    struct peer *peer;
    uint64_t until_ns;
    uint64_t turn_ms;  /* duration of the handler of each packet */
    uint64_t ended_ns; /* when the test found that the silent session has ended */
} sender;

static void send_more(void *context)
{
    session_fixture_say(sender.peer, "and on");
}

/* The next packet arrives before this one was handled, so the kernel always has more. */
static void take_and_ask_for_more(struct gw_session *session)
{
    if (sender.ended_ns == 0 && gw_session_has_ended(session_fixture.last)) {
        sender.ended_ns = fixture_now_ns();
    }
    if (fixture_now_ns() < sender.until_ns) {
        kernel_at(fixture_now_ns() + FIXTURE_MS / 2, send_more, NULL);
        kernel_let_pass(sender.turn_ms * FIXTURE_MS);
    }
}

/* Runs a silent session to its end while another one sends. Returns the deadline. */
static uint64_t send_past_deadline(const struct way *way, uint64_t turn_ms, uint64_t stop)
{
    begin(way, NULL, true);
    uint64_t deadline_ns = fixture_now_ns() + 3 * HEARTBEAT_MS * FIXTURE_MS;
    run_until(deadline_ns - BEFORE_MS * FIXTURE_MS);
    sender.peer = others[1];
    sender.turn_ms = turn_ms;
    sender.ended_ns = 0;
    sender.until_ns = deadline_ns + 2 * STOP_MS * FIXTURE_MS;
    session_fixture.on_received = take_and_ask_for_more;
    kernel_at(fixture_now_ns() + FIXTURE_MS, send_more, NULL);
    if (stop > 0) {
        fixture_stop_at(fixture_now_ns(), stop);
    }
    fixture_run_until(sender.until_ns);
    session_fixture.on_received = NULL;
    session_fixture_close();
    return deadline_ns;
}

static void a_kernel_that_always_has_more_data_postpones_deadlines_by_at_most_a_second(void **state)
{
    for (int i = 0; i < WAY_COUNT; i++) {
        uint64_t deadline_ns = send_past_deadline(&ways[i], 1, STOP_MS);
        uint64_t back_ns = deadline_ns + (STOP_MS - BEFORE_MS) * FIXTURE_MS;
        assert_in_range(sender.ended_ns, back_ns + (HOLD_MS_MAX - 50) * FIXTURE_MS,
                        back_ns + (HOLD_MS_MAX + 50) * FIXTURE_MS);
    }
}

/* Each turn is late; the deadlines that wait for it are postponed by a few turns at most. */
static void long_turns_delay_a_deadline_by_a_few_turns(void **state)
{
    enum { TURN_MS = 100 };
    for (int i = 0; i < WAY_COUNT; i++) {
        uint64_t deadline_ns = send_past_deadline(&ways[i], TURN_MS, 0);
        assert_in_range(sender.ended_ns, deadline_ns, deadline_ns + 5 * TURN_MS * FIXTURE_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_that_arrived_in_time_counts),
        cmocka_unit_test(a_pong_that_arrived_in_time_counts),
        cmocka_unit_test(the_rest_of_a_frame_that_arrived_in_time_counts),
        cmocka_unit_test(a_packet_that_arrived_in_time_prevents_the_idle_timeout),
        cmocka_unit_test(a_fin_that_arrived_in_time_ends_the_linger),
        cmocka_unit_test(window_space_that_arrived_in_time_flushes_the_queue),
        cmocka_unit_test(a_deadline_that_is_due_before_a_stop_is_checked_after_what_arrived_in_it),
        cmocka_unit_test(
            a_kernel_that_always_has_more_data_postpones_deadlines_by_at_most_a_second),
        cmocka_unit_test(long_turns_delay_a_deadline_by_a_few_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_silent.c: a full server, and connections that have sent no HELLO. */
#include "tests/test.h"

#include "net/stream.h"
#include "tests/scripted/session_fixture.h"
#include "tests/support/random.h"

#include <string.h>

enum { SESSIONS = 4, PEERS_MAX = 64 };

static struct peer *peers[PEERS_MAX];
static uint32_t peer_count;

static const struct gw_session_manager_config small = {.session_count_max = SESSIONS};

static int open_session_fixture(void **state)
{
    (void)state;
    peer_count = 0;
    session_fixture_open(NULL, &small);
    return 0;
}

static int close_session_fixture(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < peer_count; i++) {
        peer_close(peers[i]);
    }
    session_fixture_close();
    return 0;
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, open_session_fixture, close_session_fixture)

/* One more connection. From then on it is silent, unless it sends its HELLO at once. */
static struct peer *knock_at_once(void)
{
    assert_true(peer_count < PEERS_MAX);
    peers[peer_count] = session_fixture_knock();
    return peers[peer_count++];
}

static struct peer *knock(void)
{
    fixture_run_ms(GW_HELLO_GRACE_MS + 1);
    return knock_at_once();
}

static void send_hello(struct peer *peer)
{
    uint8_t frame[128];
    peer_send(peer, frame, session_fixture_hello_frame(frame));
    fixture_run_now();
}

static void expect_greeted(struct peer *peer)
{
    uint8_t body[128];
    size_t bytes;
    assert_int_equal(session_fixture_next(peer, body, &bytes), HELLO_ACK);
    assert_false(peer_has_fin(peer));
}

static void expect_displaced(struct peer *peer)
{
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__SERVER_FULL);
}

static void expect_open(struct peer *peer)
{
    assert_int_equal(peer_unread_count(peer), 0);
    assert_false(peer_has_fin(peer));
}

static struct gw_session_counters counters(void)
{
    struct gw_session_counters all;
    gw_session_manager_counters(session_fixture.manager, &all);
    return all;
}

static void the_oldest_silent_connection_makes_room(void **state)
{
    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        expect_open(knock());
    }
    struct peer *player = knock();
    send_hello(player);
    expect_greeted(player);
    expect_displaced(peers[0]);
    for (int i = 1; i < SESSIONS; i++) {
        expect_open(peers[i]);
    }
    assert_int_equal(counters().displaced, 1);
    assert_int_equal(gw_session_manager_count(session_fixture.manager), SESSIONS);
}

static void they_make_room_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    for (int i = 0; i < 5 * SESSIONS; i++) {
        knock();
        for (int j = 0; j <= i; j++) {
            if (j == i - SESSIONS) {
                expect_displaced(peers[j]);
            } else if (j > i - SESSIONS) {
                expect_open(peers[j]);
            }
        }
    }
    assert_int_equal(counters().displaced, 4 * SESSIONS);
    assert_int_equal(gw_session_manager_count(session_fixture.manager), SESSIONS);
}

static void a_connection_is_not_silent_before_100_ms_have_passed(void **state)
{
    (void)state;
    fixture_align();
    for (int i = 0; i < SESSIONS; i++) {
        knock_at_once();
    }
    fixture_run_ms(GW_HELLO_GRACE_MS - 1);
    expect_displaced(knock_at_once()); /* it is refused */
    assert_int_equal(counters().displaced, 0);
    fixture_run_ms(1);
    expect_open(knock_at_once());
    expect_displaced(peers[0]);
    assert_int_equal(counters().displaced, 1);
}

static void greeted_sessions_make_no_room(void **state)
{
    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        send_hello(knock());
        expect_greeted(peers[i]);
    }
    expect_displaced(knock()); /* it gets the same CLOSE, and was never in */
    assert_int_equal(counters().displaced, 0);
    assert_int_equal(counters().ended[GW__CLOSE_REASON__SERVER_FULL], 1);
}

static void a_hello_that_waits_for_its_answer_makes_no_room(void **state)
{
    (void)state;
    session_fixture.result = GW_GREET_LATER;
    for (int i = 0; i < SESSIONS - 1; i++) {
        send_hello(knock());
    }
    struct peer *silent = knock();
    expect_open(knock());
    expect_displaced(silent);
    for (int i = 0; i < SESSIONS - 1; i++) {
        expect_open(peers[i]);
    }
}

static void a_part_of_a_hello_is_no_hello(void **state)
{
    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        peer_send(knock(), "\x0A\0\0\0\x01", 5);
        fixture_run_now();
    }
    expect_open(knock());
    expect_displaced(peers[0]);
}

/* Their ids are still in the line, in front of those that are silent. */
static void sessions_that_came_and_went_are_passed_over(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct peer *player = session_fixture_join();
        if (i % 3 != 0) {
            peer_close(player);
            fixture_run_now();
        } else {
            struct peer *silent = session_fixture_knock();
            peer_close(silent);
            peer_close(player);
            fixture_run_now();
        }
    }
    for (int i = 0; i < SESSIONS; i++) {
        knock();
    }
    expect_open(knock());
    expect_displaced(peers[0]);
    expect_open(peers[1]);
}

/* It closes for up to two seconds, if its peer does nothing, and is in nobody's way. */
static void a_displaced_connection_that_never_closes_is_gone_in_time(void **state)
{
    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        peer_set_window(knock(), 1);
    }
    for (int i = 0; i < SESSIONS; i++) {
        struct peer *player = knock();
        send_hello(player);
        expect_greeted(player);
    }
    assert_int_equal(gw_session_manager_count(session_fixture.manager), SESSIONS);
    assert_int_equal(session_fixture.ended_count, 0);
    fixture_run_ms(GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS + 5);
    assert_int_equal(session_fixture.ended_count, SESSIONS);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__SERVER_FULL);
}

static void a_drain_waits_for_displaced_connections(void **state)
{
    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        peer_set_window(knock(), 1);
    }
    knock();
    session_fixture_drain(0);
    assert_int_equal(session_fixture.drained_count, 0);
    fixture_run_ms(GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS + 5);
    assert_int_equal(session_fixture.drained_count, 1);
    assert_int_equal(session_fixture.ended_count, session_fixture.begun_count);
}

static void nobody_makes_room_while_the_server_drains(void **state)
{
    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        send_hello(knock());
    }
    session_fixture_drain(1000);
    knock();
    assert_int_equal(counters().displaced, 0);
}

/* ---- any order of events ---- */

enum { WALK_COUNT = 100, STEP_COUNT = 150 };

static struct random random;

static void step(void)
{
    uint32_t index = random_below(&random, 12);
    if (peers[index] == NULL) {
        peers[index] = peer_connect(session_fixture.port);
    } else if (random_below(&random, 3) == 0) {
        uint8_t frame[128];
        peer_send(peers[index], frame, session_fixture_hello_frame(frame));
    } else {
        peer_close(peers[index]);
        peers[index] = NULL;
    }
}

/* Returns how many were displaced. */
static uint64_t walk(uint64_t seed)
{
    random = (struct random){seed};
    const struct port_fixture_config fixture = {
        .kernel = {.seed = seed,
                   .lane_shared = seed % 2 == 0,
                   .late_ns_max = random_below(&random, 2) * 20000000,
                   .split_percent = (uint8_t)random_below(&random, 90),
                   .held_percent = (uint8_t)random_below(&random, 60),
                   .shuffles = random_below(&random, 2) == 0}};
    memset(peers, 0, sizeof peers);
    session_fixture_open(&fixture, &small);
    for (int i = 0; i < STEP_COUNT; i++) {
        step();
        if (random_below(&random, 3) == 0) {
            fixture_run_ms(random_below(&random, 120));
        }
        assert_true(gw_session_manager_count(session_fixture.manager) <= SESSIONS);
    }
    for (int i = 0; i < PEERS_MAX; i++) {
        if (peers[i] != NULL) {
            peer_close(peers[i]);
        }
    }
    fixture_run_ms(10000);
    assert_int_equal(gw_session_manager_count(session_fixture.manager), 0);
    uint64_t displaced_count = counters().displaced;
    session_fixture_close();
    return displaced_count;
}

static void whatever_happens_no_place_is_lost(void **state)
{
    (void)state;
    uint64_t displaced_count = 0;
    for (uint64_t seed = 1; seed <= WALK_COUNT; seed++) {
        displaced_count += walk(seed);
    }
    assert_true(displaced_count > WALK_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_oldest_silent_connection_makes_room),
        TEST(they_make_room_in_the_order_in_which_they_came),
        TEST(a_connection_is_not_silent_before_100_ms_have_passed),
        TEST(greeted_sessions_make_no_room),
        TEST(a_hello_that_waits_for_its_answer_makes_no_room),
        TEST(a_part_of_a_hello_is_no_hello),
        TEST(sessions_that_came_and_went_are_passed_over),
        TEST(a_displaced_connection_that_never_closes_is_gone_in_time),
        TEST(a_drain_waits_for_displaced_connections),
        TEST(nobody_makes_room_while_the_server_drains),
        cmocka_unit_test(whatever_happens_no_place_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

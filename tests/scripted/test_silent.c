/* tests/scripted/test_silent.c: The limit of connections that have sent no HELLO. */
#include "tests/test.h"

#include "net/listener.h"
#include "net/stream.h"
#include "tests/scripted/session_fixture.h"
#include "tests/support/random.h"

#include <string.h>

enum { SESSIONS = 4, PENDING = 5, PEERS_MAX = 64 };

static struct peer *peers[PEERS_MAX];
static uint32_t peer_count;

static const struct gw_session_manager_config small = {.session_count_max = SESSIONS,
                                                       .pending_count_max = PENDING};

static int open_session_fixture(void **state)
{
    peer_count = 0;
    session_fixture_open(NULL, &small);
    return 0;
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, open_session_fixture, session_fixture_teardown)

/* Adds a connection, which is silent unless it sends its HELLO at once. */
static struct peer *connect_peer(void)
{
    assert_true(peer_count < PEERS_MAX);
    peers[peer_count] = session_fixture_connect();
    return peers[peer_count++];
}

static void send_hello(struct peer *peer)
{
    session_fixture_send_hello(peer);
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

static void expect_counts(uint32_t session_count, uint32_t pending_count)
{
    assert_int_equal(gw_session_manager_count(session_fixture.manager), session_count);
    assert_int_equal(gw_session_manager_pending_count(session_fixture.manager), pending_count);
}

static void the_oldest_silent_connection_is_displaced(void **state)
{
    for (int i = 0; i < PENDING; i++) {
        expect_open(connect_peer());
    }
    struct peer *player = connect_peer();
    send_hello(player);
    expect_greeted(player);
    expect_displaced(peers[0]);
    for (int i = 1; i < PENDING; i++) {
        expect_open(peers[i]);
    }
    assert_int_equal(session_fixture_counters().displaced, 1);
    expect_counts(1, PENDING - 1);
}

static void silent_connections_are_displaced_in_order_of_arrival(void **state)
{
    for (int i = 0; i < 5 * PENDING; i++) {
        connect_peer();
        for (int j = 0; j <= i; j++) {
            if (j == i - PENDING) {
                expect_displaced(peers[j]);
            } else if (j > i - PENDING) {
                expect_open(peers[j]);
            }
        }
    }
    assert_int_equal(session_fixture_counters().displaced, 4 * PENDING);
    expect_counts(0, PENDING);
}

static void connections_that_arrive_together_are_displaced_before_they_begin(void **state)
{
    for (int i = 0; i < 3 * PENDING; i++) {
        peers[peer_count++] = peer_connect(session_fixture.port);
    }
    fixture_run_now();
    for (int i = 0; i < 2 * PENDING; i++) {
        expect_displaced(peers[i]);
    }
    for (int i = 2 * PENDING; i < 3 * PENDING; i++) {
        expect_open(peers[i]);
    }
    expect_counts(0, PENDING);
    assert_int_equal(session_fixture_counters().displaced, 2 * PENDING);
    assert_int_equal(session_fixture.begun_count, 3 * PENDING);
}

/* Two listeners accept before the first session has begun. */
static void a_session_that_is_displaced_before_it_begins_ends(void **state)
{
    static const struct gw_session_manager_config one = {.session_count_max = SESSIONS,
                                                         .pending_count_max = 1};
    const struct gw_addr addr = peer_addr(0);
    struct gw_listener *second;
    session_fixture_open(NULL, &one);
    assert_int_equal(gw_session_manager_listen(session_fixture.manager, &addr, &second), 0);
    fixture_run_now();
    struct peer *displaced = peer_connect(session_fixture.port);
    struct peer *other = peer_connect(gw_listener_addr(second)->port);
    fixture_run_now();
    expect_displaced(displaced);
    expect_open(other);
    expect_counts(0, 1);
    peer_close(displaced);
    peer_close(other);
    gw_listener_close(second);
    session_fixture_close();
}

static void silent_connections_take_no_place_of_a_session(void **state)
{
    for (int i = 0; i < PENDING - 1; i++) {
        connect_peer();
    }
    for (int i = 0; i < SESSIONS; i++) {
        struct peer *player = connect_peer();
        send_hello(player);
        expect_greeted(player);
        expect_counts((uint32_t)i + 1, PENDING - 1);
    }
    assert_int_equal(session_fixture_counters().displaced, 0);
}

static void greeted_sessions_are_not_displaced(void **state)
{
    for (int i = 0; i < SESSIONS; i++) {
        send_hello(connect_peer());
        expect_greeted(peers[i]);
    }
    struct peer *late = connect_peer();
    expect_open(late);
    send_hello(late);
    expect_displaced(late); /* it reads the same CLOSE */
    expect_counts(SESSIONS, 0);
    assert_int_equal(session_fixture_counters().displaced, 0);
    assert_int_equal(session_fixture_counters().ended[GW__CLOSE_REASON__SERVER_FULL], 0);
    peer_close(late);
    peers[peer_count - 1] = NULL;
    fixture_run_now();
    assert_int_equal(session_fixture_counters().ended[GW__CLOSE_REASON__SERVER_FULL], 1);
    assert_int_equal(session_fixture_counters().ended_ungreeted[GW__CLOSE_REASON__SERVER_FULL], 1);
}

static void a_place_that_becomes_free_goes_to_a_connection_that_waited(void **state)
{
    for (int i = 0; i < SESSIONS; i++) {
        send_hello(connect_peer());
    }
    struct peer *late = connect_peer();
    peer_finish(peers[0]);
    fixture_run_now();
    expect_counts(SESSIONS - 1, 1);
    send_hello(late);
    expect_greeted(late);
    expect_counts(SESSIONS, 0);
}

static void a_deferred_hello_is_not_displaced(void **state)
{
    session_fixture.result = GW_GREET_LATER;
    for (int i = 0; i < SESSIONS; i++) {
        send_hello(connect_peer());
    }
    expect_counts(SESSIONS, 0);
    for (int i = 0; i < PENDING; i++) {
        connect_peer();
    }
    expect_open(connect_peer());
    expect_displaced(peers[SESSIONS]);
    for (int i = 0; i < SESSIONS; i++) {
        expect_open(peers[i]);
    }
}

static void a_connection_with_a_partial_hello_can_be_displaced(void **state)
{
    for (int i = 0; i < PENDING; i++) {
        peer_send(connect_peer(), "\x0A\0\0\0\x01", 5);
        fixture_run_now();
    }
    expect_open(connect_peer());
    expect_displaced(peers[0]);
}

static void ended_sessions_are_skipped_when_displacing(void **state)
{
    for (int i = 0; i < 300; i++) {
        struct peer *player = session_fixture_join();
        struct peer *silent = i % 3 == 0 ? session_fixture_connect() : NULL;
        if (silent != NULL) {
            peer_close(silent);
        }
        peer_close(player);
        fixture_run_now();
    }
    expect_counts(0, 0);
    for (int i = 0; i < PENDING; i++) {
        connect_peer();
    }
    expect_open(connect_peer());
    expect_displaced(peers[0]);
    expect_open(peers[1]);
}

static void many_greetings_leave_an_old_silent_connection_displaceable(void **state)
{
    struct peer *silent = connect_peer();
    for (int i = 0; i < 300; i++) {
        peer_close(session_fixture_join());
        fixture_run_now();
    }
    for (int i = 0; i < PENDING; i++) {
        connect_peer();
    }
    expect_displaced(silent);
}

/*
 * When its peer does nothing it takes up to two seconds to close, and blocks no other connection.
 */
static void a_displaced_connection_that_never_closes_is_reset_in_time(void **state)
{
    for (int i = 0; i < PENDING; i++) {
        peer_set_window(connect_peer(), 1);
    }
    for (int i = 0; i < PENDING; i++) {
        connect_peer();
    }
    expect_counts(0, PENDING);
    assert_int_equal(session_fixture.ended_count, 0);
    fixture_run_ms(GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS + 5);
    assert_int_equal(session_fixture.ended_count, PENDING);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__SERVER_FULL);
}

static void a_drain_waits_for_displaced_connections(void **state)
{
    for (int i = 0; i < PENDING; i++) {
        peer_set_window(connect_peer(), 1);
    }
    connect_peer();
    session_fixture_drain(0);
    assert_int_equal(session_fixture.drained_count, 0);
    fixture_run_ms(GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS + 5);
    assert_int_equal(session_fixture.drained_count, 1);
    assert_int_equal(session_fixture.ended_count, session_fixture.begun_count);
}

static void a_connection_to_a_full_server_that_drains_reads_shutdown(void **state)
{
    for (int i = 0; i < PENDING; i++) {
        peer_set_window(connect_peer(), 1);
    }
    session_fixture_drain(1000);
    assert_int_equal(session_fixture_close_reason(connect_peer()), GW__CLOSE_REASON__SHUTDOWN);
}

/* ---- random events ---- */

enum { WALK_COUNT = 100, STEP_COUNT = 150 };

static struct random random;

static void step(void)
{
    uint32_t index = random_below(&random, 12);
    if (peers[index] == NULL) {
        peers[index] = peer_connect(session_fixture.port);
    } else if (random_below(&random, 3) == 0) {
        session_fixture_send_hello(peers[index]);
    } else {
        peer_close(peers[index]);
        peers[index] = NULL;
    }
}

/* Returns the number of displaced connections. */
static uint64_t random_run(uint64_t seed)
{
    random = (struct random){seed};
    const struct port_fixture_config fixture = {
        .kernel = {.seed = seed,
                   .lane_shared = seed % 2 == 0,
                   .late_ns_max = random_below(&random, 2) * 20000000,
                   .split_percent = (uint8_t)random_below(&random, 90),
                   .delay_percent = (uint8_t)random_below(&random, 60),
                   .shuffles = random_below(&random, 2) == 0}};
    memset(peers, 0, sizeof peers);
    session_fixture_open(&fixture, &small);
    for (int i = 0; i < STEP_COUNT; i++) {
        step();
        if (random_below(&random, 3) == 0) {
            fixture_run_ms(random_below(&random, 120));
        }
        assert_in_range(gw_session_manager_count(session_fixture.manager), 0, SESSIONS);
        assert_in_range(gw_session_manager_pending_count(session_fixture.manager), 0, PENDING);
    }
    peer_close_all();
    fixture_run_ms(10000);
    expect_counts(0, 0);
    uint64_t displaced_count = session_fixture_counters().displaced;
    session_fixture_close();
    return displaced_count;
}

static void random_arrivals_leak_no_session_slot(void **state)
{
    uint64_t displaced_count = 0;
    for (uint64_t seed = 1; seed <= WALK_COUNT; seed++) {
        displaced_count += random_run(seed);
    }
    assert_true(displaced_count > WALK_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_oldest_silent_connection_is_displaced),
        TEST(silent_connections_are_displaced_in_order_of_arrival),
        TEST(connections_that_arrive_together_are_displaced_before_they_begin),
        cmocka_unit_test(a_session_that_is_displaced_before_it_begins_ends),
        TEST(silent_connections_take_no_place_of_a_session),
        TEST(greeted_sessions_are_not_displaced),
        TEST(a_place_that_becomes_free_goes_to_a_connection_that_waited),
        TEST(a_deferred_hello_is_not_displaced),
        TEST(a_connection_with_a_partial_hello_can_be_displaced),
        TEST(ended_sessions_are_skipped_when_displacing),
        TEST(many_greetings_leave_an_old_silent_connection_displaceable),
        TEST(a_displaced_connection_that_never_closes_is_reset_in_time),
        TEST(a_drain_waits_for_displaced_connections),
        TEST(a_connection_to_a_full_server_that_drains_reads_shutdown),
        cmocka_unit_test(random_arrivals_leak_no_session_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

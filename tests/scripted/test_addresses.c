/* tests/scripted/test_addresses.c: Limits of connections for each address. */
#include "tests/test.h"

#include "net/filter/source.h"
#include "net/listener.h"
#include "net/stream.h"
#include "session/addresses.h"
#include "tests/scripted/session_fixture.h"
#include "tests/support/random.h"
#include "tests/support/test_filter.h"

#include <stdio.h>
#include <string.h>

enum { CONNECTIONS = 3, PER_SECOND = 2, BURST = PER_SECOND * GW_ADDRESS_BURST_FACTOR };

static void open_with(uint32_t connection_count_max, uint32_t connects_per_second)
{
    const struct gw_session_manager_config config = {
        .session_count_max = 64,
        .pending_count_max = 64,
        .address_connection_count_max = connection_count_max,
        .address_connects_per_second = connects_per_second};
    session_fixture_open(NULL, &config);
}

static int open_session_fixture(void **state)
{
    open_with(CONNECTIONS, GW_OFF);
    return 0;
}

static int open_with_rate(void **state)
{
    open_with(GW_OFF, PER_SECOND);
    return 0;
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, open_session_fixture, session_fixture_teardown)
#define TEST_RATE(name)                                                                            \
    cmocka_unit_test_setup_teardown(name, open_with_rate, session_fixture_teardown)

static struct gw_addr addr_of(const char *ip)
{
    char text[GW_ADDR_TEXT_BYTES + 2];
    struct gw_addr addr;
    snprintf(text, sizeof text, "%s:0", ip);
    assert_int_equal(gw_addr_parse(text, &addr), 0);
    return addr;
}

static struct peer *connect_from(const char *ip)
{
    const struct gw_addr source = addr_of(ip);
    struct peer *peer = peer_connect_from(&source, session_fixture.port);
    assert_non_null(peer);
    fixture_run_now();
    return peer;
}

static void expect_open(struct peer *peer)
{
    assert_int_equal(peer_unread_count(peer), 0);
    assert_false(peer_has_fin(peer));
}

/* Closes the peer: a test has more of them than a fixture closes. */
static void expect_refused(struct peer *peer)
{
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__ADDRESS_LIMIT);
    peer_close(peer);
    fixture_run_now();
}

static uint64_t refused_count(void)
{
    return session_fixture_counters().ended[GW__CLOSE_REASON__ADDRESS_LIMIT];
}

/* ---- connections at the same time ---- */

static void an_address_has_as_many_connections_as_its_limit(void **state)
{
    struct peer *peers[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        peers[i] = connect_from("192.0.2.1");
        expect_open(peers[i]);
    }
    expect_refused(connect_from("192.0.2.1"));
    expect_refused(connect_from("192.0.2.1"));
    expect_open(peers[CONNECTIONS - 1]);
    assert_int_equal(refused_count(), 2);
    peer_close(peers[0]);
    fixture_run_now();
    peers[0] = connect_from("192.0.2.1");
    expect_open(peers[0]);
    expect_refused(connect_from("192.0.2.1"));
    for (int i = 0; i < CONNECTIONS; i++) {
        peer_close(peers[i]);
    }
}

static void greeted_sessions_count_for_their_address(void **state)
{
    struct peer *peers[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        peers[i] = connect_from("192.0.2.1");
        session_fixture_send_hello(peers[i]);
        fixture_run_now();
    }
    assert_int_equal(gw_session_manager_count(session_fixture.manager), CONNECTIONS);
    expect_refused(connect_from("192.0.2.1"));
    assert_int_equal(gw_session_manager_count(session_fixture.manager), CONNECTIONS);
    for (int i = 0; i < CONNECTIONS; i++) {
        peer_close(peers[i]);
    }
}

/* Connects to the limit of `address`, then from `other`. Returns whether that one is refused. */
static bool shares_limit(const char *address, const char *other)
{
    struct peer *peers[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        peers[i] = connect_from(address);
        expect_open(peers[i]);
    }
    struct peer *peer = connect_from(other);
    bool is_refused = peer_has_fin(peer) || peer_unread_count(peer) > 0;
    peer_close(peer);
    for (int i = 0; i < CONNECTIONS; i++) {
        peer_close(peers[i]);
    }
    fixture_run_now();
    return is_refused;
}

static void an_ipv4_address_and_a_64_of_ipv6_have_a_limit_each(void **state)
{
    assert_true(shares_limit("192.0.2.1", "192.0.2.1"));
    assert_false(shares_limit("192.0.2.1", "192.0.2.2"));
    assert_false(shares_limit("192.0.2.1", "192.1.2.1"));
    assert_true(shares_limit("[2001:db8:0:1::1]", "[2001:db8:0:1:ffff:ffff:ffff:ffff]"));
    assert_false(shares_limit("[2001:db8:0:1::1]", "[2001:db8:0:2::1]"));
    assert_false(shares_limit("[2001:db8::1]", "[2001:db9::1]"));
    assert_true(shares_limit("[fe80::1%1]", "[fe80::1%1]"));
    assert_false(shares_limit("[fe80::1%1]", "[fe80::2%1]"));
    assert_false(shares_limit("192.0.2.1", "[2001:db8::1]"));
}

static void loopback_has_no_limit(void **state)
{
    assert_false(shares_limit("127.0.0.1", "127.0.0.1"));
    assert_false(shares_limit("127.1.2.3", "127.1.2.3"));
    assert_false(shares_limit("[::1]", "[::1]"));
    assert_int_equal(refused_count(), 0);
}

static void loopback_has_the_limit_when_the_option_says_so(void **state)
{
    const struct gw_session_manager_config config = {.address_connection_count_max = CONNECTIONS,
                                                     .limit_loopback = true};
    session_fixture_open(NULL, &config);
    assert_true(shares_limit("127.0.0.1", "127.0.0.1"));
    assert_false(shares_limit("127.0.0.1", "127.0.0.2"));
    assert_true(shares_limit("[::1]", "[::1]"));
    session_fixture_close();
}

static void the_default_is_20_connections_10_a_second_and_40_at_once(void **state)
{
    struct peer *peers[20];
    session_fixture_open(NULL, NULL);
    for (int i = 0; i < 20; i++) {
        peers[i] = connect_from("192.0.2.1");
        expect_open(peers[i]);
    }
    expect_refused(connect_from("192.0.2.1"));
    for (int i = 0; i < 20; i++) {
        peer_close(peers[i]);
    }
    fixture_run_now();
    for (int i = 20; i < 40; i++) {
        struct peer *peer = connect_from("192.0.2.1");
        expect_open(peer);
        peer_close(peer);
        fixture_run_now();
    }
    expect_refused(connect_from("192.0.2.1"));
    fixture_run_ms(101);
    struct peer *peer = connect_from("192.0.2.1");
    expect_open(peer);
    peer_close(peer);
    expect_refused(connect_from("192.0.2.1"));
    session_fixture_close();
}

/* ---- connects in a second ---- */

static void a_burst_of_connects_is_admitted_and_then_the_rate(void **state)
{
    for (int i = 0; i < BURST; i++) {
        struct peer *peer = connect_from("192.0.2.1");
        expect_open(peer);
        peer_close(peer);
        fixture_run_now();
    }
    expect_refused(connect_from("192.0.2.1"));
    struct peer *other = connect_from("192.0.2.2");
    expect_open(other);
    peer_close(other);
    fixture_run_ms(1000 / PER_SECOND - 1);
    expect_refused(connect_from("192.0.2.1"));
    fixture_run_ms(1);
    struct peer *peer = connect_from("192.0.2.1");
    expect_open(peer);
    peer_close(peer);
    expect_refused(connect_from("192.0.2.1"));
}

static void a_refused_connect_takes_no_token(void **state)
{
    for (int i = 0; i < BURST; i++) {
        peer_close(connect_from("192.0.2.1"));
    }
    for (int i = 0; i < 100; i++) {
        expect_refused(connect_from("192.0.2.1"));
    }
    fixture_run_ms(1000 / PER_SECOND);
    struct peer *peer = connect_from("192.0.2.1");
    expect_open(peer);
    peer_close(peer);
}

/* ---- the log ---- */

static void refusals_of_an_address_are_logged_once_a_minute(void **state)
{
    struct peer *peers[2 * CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        peers[2 * i] = connect_from("192.0.2.1");
        peers[2 * i + 1] = connect_from("[2001:db8::1]");
    }
    for (int i = 0; i < 50; i++) {
        expect_refused(connect_from("192.0.2.1"));
    }
    assert_int_equal(fixture_logged_count("address_limit"), 1);
    expect_refused(connect_from("[2001:db8::2]"));
    assert_int_equal(fixture_logged_count("address_limit"), 2);
    for (int i = 0; i < 2 * CONNECTIONS; i++) {
        peer_close(peers[i]);
    }
    fixture_run_ms(GW_ADDRESS_LOG_MS + 1);
    peer_close(connect_from("192.0.2.1")); /* the refusals before are logged now */
    fixture_run_now();
    assert_int_equal(fixture_logged_count("address_limit"), 3);
    peer_close(connect_from("192.0.2.1"));
    peer_close(connect_from("[2001:db8::2]")); /* its one refusal was logged */
    fixture_run_ms(GW_ADDRESS_LOG_MS + 1);
    assert_int_equal(fixture_logged_count("address_limit"), 3);
}

/* ---- a peer that is known after the first bytes ---- */

static bool enter(const char *ip, uint32_t *address_out)
{
    const struct gw_addr addr = addr_of(ip);
    return gw__address_enter(session_fixture.manager, &addr, address_out);
}

static bool move(const char *ip, uint32_t *address)
{
    const struct gw_addr addr = addr_of(ip);
    return gw__address_move(session_fixture.manager, &addr, address);
}

static void leave(uint32_t address)
{
    gw__address_leave(session_fixture.manager, address);
}

static void a_connection_moves_to_the_address_behind_its_proxy(void **state)
{
    uint32_t addresses[2 * CONNECTIONS];
    uint32_t refused;
    for (int i = 0; i < CONNECTIONS; i++) {
        assert_true(enter("192.0.2.1", &addresses[i]));
    }
    assert_false(enter("192.0.2.1", &refused));
    assert_int_equal(refused, 0);
    for (int i = 0; i < CONNECTIONS; i++) {
        assert_true(move("192.0.2.1", &addresses[i])); /* the same: nothing changes */
        assert_true(move("198.51.100.1", &addresses[i]));
    }
    for (int i = CONNECTIONS; i < 2 * CONNECTIONS; i++) {
        assert_true(enter("192.0.2.1", &addresses[i]));
    }
    assert_false(move("198.51.100.1", &addresses[CONNECTIONS])); /* which has its limit */
    assert_int_equal(addresses[CONNECTIONS], 0);
    assert_true(enter("192.0.2.1", &addresses[CONNECTIONS])); /* it has left the old one */
    assert_false(enter("192.0.2.1", &refused));
    for (int i = 0; i < 2 * CONNECTIONS; i++) {
        leave(addresses[i]);
    }
}

static void a_connection_without_a_limit_moves_to_an_address_with_one(void **state)
{
    uint32_t address;
    uint32_t others[CONNECTIONS];
    assert_true(enter("127.0.0.1", &address));
    assert_int_equal(address, 0);
    assert_true(move("192.0.2.1", &address));
    assert_int_not_equal(address, 0);
    for (int i = 1; i < CONNECTIONS; i++) {
        assert_true(enter("192.0.2.1", &others[i]));
    }
    assert_false(enter("192.0.2.1", &others[0]));
    assert_true(move("127.0.0.1", &address));
    assert_int_equal(address, 0);
    assert_true(enter("192.0.2.1", &others[0]));
    for (int i = 0; i < CONNECTIONS; i++) {
        leave(others[i]);
    }
}

static void a_move_returns_the_connect_to_the_old_address(void **state)
{
    uint32_t address;
    for (int i = 0; i < BURST; i++) {
        assert_true(enter("192.0.2.1", &address));
        assert_true(move("198.51.100.1", &address));
        leave(address);
    }
    assert_true(enter("192.0.2.1", &address));
    assert_false(move("198.51.100.1", &address));
    leave(address);
}

static void an_unknown_address_has_no_limit(void **state)
{
    const struct gw_addr unknown = {.port = 0};
    uint32_t address;
    for (int i = 0; i < 2 * CONNECTIONS; i++) {
        assert_true(gw__address_enter(session_fixture.manager, &unknown, &address));
        assert_int_equal(address, 0);
    }
}

/* Connects, and sends what a proxy sends first, and a HELLO. */
static struct peer *join_from(const char *ip, uint16_t port)
{
    const struct gw_addr source = addr_of(ip);
    struct peer *peer = peer_connect_from(&source, port);
    assert_non_null(peer);
    fixture_run_now();
    expect_open(peer);
    peer_send(peer, "prefix", 6);
    session_fixture_send_hello(peer);
    fixture_run_now();
    return peer;
}

static void a_session_counts_for_the_address_that_its_filter_says(void **state)
{
    static struct test_filter_source source;
    const struct gw_addr addr = peer_addr(0);
    struct test_filter_config config = {.kind = TEST_FILTER_PREFIX, .prefix_bytes = 6};
    struct gw_listener *listener;
    struct peer *peers[CONNECTIONS];
    uint8_t body[128];
    size_t bytes;
    config.peer = addr_of("198.51.100.1");
    config.peer.port = 5;
    test_filter_source_init(&source, &config);
    struct gw_filter_source *const filters[GW_STREAM_FILTER_COUNT_MAX] = {&source.base};
    assert_int_equal(
        gw_session_manager_listen_filtered(session_fixture.manager, &addr, filters, &listener), 0);
    gw_filter_source_unref(filters[0]);
    fixture_run_now();
    uint16_t port = gw_listener_addr(listener)->port;
    for (int i = 0; i < CONNECTIONS; i++) {
        peers[i] = join_from("192.0.2.1", port);
        assert_int_equal(session_fixture_next(peers[i], body, &bytes), HELLO_ACK);
    }
    struct peer *late = join_from("192.0.2.1", port); /* which the others have left */
    assert_int_equal(session_fixture_close_reason(late), GW__CLOSE_REASON__ADDRESS_LIMIT);
    assert_int_equal(gw_session_manager_count(session_fixture.manager), CONNECTIONS);
    assert_int_equal(gw_session_manager_pending_count(session_fixture.manager), 0);
    assert_true(shares_limit("192.0.2.1", "192.0.2.1"));
    peer_close(late);
    peer_close(peers[0]);
    fixture_run_now();
    peers[0] = join_from("192.0.2.1", port);
    assert_int_equal(session_fixture_next(peers[0], body, &bytes), HELLO_ACK);
    for (int i = 0; i < CONNECTIONS; i++) {
        peer_close(peers[i]);
    }
    fixture_run_now();
    assert_false(shares_limit("198.51.100.1", "192.0.2.1")); /* nothing is left counted */
    gw_listener_close(listener);
}

/* ---- the table ---- */

static void the_hash_is_siphash(void **state)
{
    /* The test vector of its authors for the bytes 0 to 7, with the key 0 to 15. */
    const uint64_t seed[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0F0E0D0C0B0A0908)};
    assert_true(gw__address_hash(seed, UINT64_C(0x0706050403020100)) ==
                UINT64_C(0x93F5F5799A932462));
}

/* 64 sessions and 64 pending ones: 256 ways. */
static void a_table_that_is_full_admits_and_forgets_nothing_that_it_counts(void **state)
{
    enum { ADDRESSES = 2000, WAYS = 256 };
    static uint32_t addresses[ADDRESSES];
    uint32_t counted = 0;
    char ip[GW_ADDR_TEXT_BYTES];
    for (int i = 0; i < ADDRESSES; i++) {
        snprintf(ip, sizeof ip, "10.0.%d.%d", i / 256, i % 256);
        assert_true(enter(ip, &addresses[i]));
        counted += addresses[i] != 0;
    }
    assert_in_range(counted, WAYS - 8, WAYS);
    for (int i = 0; i < ADDRESSES; i++) {
        uint32_t more[CONNECTIONS];
        snprintf(ip, sizeof ip, "10.0.%d.%d", i / 256, i % 256);
        for (int j = 0; j < CONNECTIONS; j++) {
            bool is_admitted = enter(ip, &more[j]);
            assert_int_equal(is_admitted, addresses[i] == 0 || j < CONNECTIONS - 1);
        }
        for (int j = 0; j < CONNECTIONS; j++) {
            leave(more[j]);
        }
    }
    for (int i = 0; i < ADDRESSES; i++) {
        leave(addresses[i]);
    }
    uint32_t address;
    fixture_run_ms(GW_ADDRESS_LOG_MS + 1);
    for (int i = 0; i < ADDRESSES; i++) { /* each way is free again */
        snprintf(ip, sizeof ip, "172.16.%d.%d", i / 256, i % 256);
        assert_true(enter(ip, &address));
        assert_int_not_equal(address, 0);
        leave(address);
    }
}

/* ---- refused connections ---- */

static void so_many_refused_connections_send_close_and_the_rest_is_closed_at_once(void **state)
{
    enum { REFUSED = GW_REFUSED_COUNT_MAX };
    static struct peer *peers[REFUSED];
    struct peer *inside[CONNECTIONS];
    int close_count = 0;
    for (int i = 0; i < CONNECTIONS; i++) {
        inside[i] = connect_from("192.0.2.1");
    }
    for (int i = 0; i < REFUSED; i++) {
        peers[i] = connect_from("192.0.2.1");
        assert_true(peer_has_fin(peers[i]) || peer_unread_count(peers[i]) > 0);
        close_count += peer_unread_count(peers[i]) > 0;
    }
    assert_int_equal(close_count, GW_REFUSED_COUNT_MAX / 2);
    assert_int_equal(fixture_counters().stream_count, CONNECTIONS + close_count);
    assert_int_equal(refused_count(), REFUSED);
    for (int i = 0; i < REFUSED; i++) {
        peer_close(peers[i]);
    }
    fixture_run_now();
    expect_refused(connect_from("192.0.2.1")); /* with CLOSE again */
    for (int i = 0; i < CONNECTIONS; i++) {
        peer_close(inside[i]);
    }
}

/* ---- random events ---- */

enum { WALK_COUNT = 100, STEP_COUNT = 200, PEER_COUNT = 24, ADDRESS_COUNT = 4 };

static void random_walk(uint64_t seed)
{
    struct random random = {seed};
    struct peer *peers[PEER_COUNT] = {NULL};
    const struct gw_session_manager_config config = {
        .session_count_max = 8,
        .pending_count_max = 1 + random_below(&random, 8),
        .address_connection_count_max = 1 + random_below(&random, 4),
        .address_connects_per_second = 1 + random_below(&random, 20)};
    const struct port_fixture_config fixture = {
        .kernel = {.seed = seed,
                   .lane_shared = seed % 2 == 0,
                   .late_ns_max = random_below(&random, 2) * 20000000,
                   .split_percent = (uint8_t)random_below(&random, 90),
                   .delay_percent = (uint8_t)random_below(&random, 60),
                   .shuffles = random_below(&random, 2) == 0}};
    session_fixture_open(&fixture, &config);
    for (int i = 0; i < STEP_COUNT; i++) {
        struct peer **peer = &peers[random_below(&random, PEER_COUNT)];
        if (*peer == NULL) {
            struct gw_addr source = addr_of("192.0.2.0");
            source.ip[15] = (uint8_t)random_below(&random, ADDRESS_COUNT);
            *peer = peer_connect_from(&source, session_fixture.port);
        } else if (random_below(&random, 2) == 0) {
            session_fixture_send_hello(*peer);
        } else {
            peer_close(*peer);
            *peer = NULL;
        }
        fixture_run_ms(random_below(&random, 60));
        assert_in_range(gw_session_manager_count(session_fixture.manager), 0, 8);
        assert_in_range(gw_session_manager_pending_count(session_fixture.manager), 0,
                        config.pending_count_max);
        assert_in_range(session_fixture.begun_count - session_fixture.ended_count, 0,
                        ADDRESS_COUNT * config.address_connection_count_max);
    }
    for (int i = 0; i < PEER_COUNT; i++) {
        if (peers[i] != NULL) {
            peer_close(peers[i]);
        }
    }
    fixture_run_ms(60000);
    assert_int_equal(gw_session_manager_pending_count(session_fixture.manager), 0);
    for (uint32_t i = 0; i < config.address_connection_count_max;
         i++) { /* nothing is left counted */
        peers[i] = connect_from("192.0.2.1");
        expect_open(peers[i]);
        fixture_run_ms(1100); /* a token */
        peer_finish(peers[i]);
    }
    for (uint32_t i = 0; i < config.address_connection_count_max; i++) {
        peer_close(peers[i]);
    }
    session_fixture_close();
}

static void no_order_of_events_exceeds_a_limit_or_leaks_a_count(void **state)
{
    for (uint64_t seed = 1; seed <= WALK_COUNT; seed++) {
        random_walk(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_address_has_as_many_connections_as_its_limit),
        TEST(greeted_sessions_count_for_their_address),
        TEST(an_ipv4_address_and_a_64_of_ipv6_have_a_limit_each),
        TEST(loopback_has_no_limit),
        cmocka_unit_test(loopback_has_the_limit_when_the_option_says_so),
        cmocka_unit_test(the_default_is_20_connections_10_a_second_and_40_at_once),
        TEST_RATE(a_burst_of_connects_is_admitted_and_then_the_rate),
        TEST_RATE(a_refused_connect_takes_no_token),
        TEST(refusals_of_an_address_are_logged_once_a_minute),
        TEST(a_connection_moves_to_the_address_behind_its_proxy),
        TEST(a_connection_without_a_limit_moves_to_an_address_with_one),
        TEST_RATE(a_move_returns_the_connect_to_the_old_address),
        TEST(an_unknown_address_has_no_limit),
        TEST(a_session_counts_for_the_address_that_its_filter_says),
        cmocka_unit_test(the_hash_is_siphash),
        TEST(a_table_that_is_full_admits_and_forgets_nothing_that_it_counts),
        TEST(so_many_refused_connections_send_close_and_the_rest_is_closed_at_once),
        cmocka_unit_test(no_order_of_events_exceeds_a_limit_or_leaks_a_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

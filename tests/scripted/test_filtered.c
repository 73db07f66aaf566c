/* tests/scripted/test_filtered.c: Sessions over byte filters. */
#include "tests/test.h"

#include "net/error.h"
#include "net/filter/source.h"
#include "net/listener.h"
#include "net/stream.h"
#include "session/end.h"
#include "session/internal.h"
#include "tests/scripted/session_fixture.h"
#include "tests/support/test_filter.h"

#include <string.h>

enum { FILTER_COUNT = 2 };

static struct test_filter_source server_sources[FILTER_COUNT];
static struct test_filter_source client_sources[FILTER_COUNT];
static struct gw_listener *listener;

static struct gw_session *session;
static struct gw_session_manager *clients;
static struct {
    uint32_t begun_count;
    uint32_t greeted_count;
    uint32_t ended_count;
    Gw__CloseReason reason;
    Gw__CloseReason peer_reason;
} client;

static void init_sources(struct test_filter_source *sources, const struct test_filter_config *outer,
                         bool is_client)
{
    struct test_filter_config config = *outer;
    config.is_client = is_client;
    test_filter_source_init(&sources[0], &config);
    const struct test_filter_config inner = {.kind = TEST_FILTER_MARKED, .piece_bytes = 5};
    test_filter_source_init(&sources[1], &inner);
}

/* A listener with two filters; the outer one as `outer`. */
static void listen_with(const struct test_filter_config *outer)
{
    const struct gw_addr addr = peer_addr(0);
    init_sources(server_sources, outer, false);
    struct gw_filter_source *const filters[GW_STREAM_FILTER_COUNT_MAX] = {&server_sources[0].base,
                                                                          &server_sources[1].base};
    assert_int_equal(
        gw_session_manager_listen_filtered(session_fixture.manager, &addr, filters, &listener), 0);
    gw_filter_source_unref(filters[0]);
    gw_filter_source_unref(filters[1]);
    fixture_run_now();
    fixture_align_to_tick();
}

static void close_listener(void)
{
    gw_listener_close(listener);
    fixture_run_ms(3000);
    assert_true(atomic_load(&server_sources[0].is_destroyed));
    assert_true(atomic_load(&server_sources[1].is_destroyed));
}

static struct peer *connect_raw(void)
{
    struct peer *raw = peer_connect(gw_listener_addr(listener)->port);
    assert_non_null(raw);
    fixture_run_now();
    return raw;
}

/* ---- a client of the library ---- */

static void on_begin(struct gw_session *begun, void *context)
{
    Gw__Hello hello = GW__HELLO__INIT;
    client.begun_count++;
    session = begun;
    hello.protocol_major = 1;
    gw_session_hello(begun, &hello);
}

static void on_greeted(struct gw_session *greeted, const Gw__HelloAck *ack, void *context)
{
    assert_non_null(ack);
    client.greeted_count++;
}

static void on_end(struct gw_session *ended, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
    client.ended_count++;
    client.reason = reason;
    client.peer_reason = peer_reason;
}

static void on_drained(void *context)
{
}

static void open_clients(const struct test_filter_config *outer)
{
    static const struct gw_session_events events = {
        .on_begin = on_begin, .on_greeted = on_greeted, .on_end = on_end};
    const struct gw_session_manager_config config = {.side = GW_SIDE_CLIENT,
                                                     .session_count_max = 4};
    memset(&client, 0, sizeof client);
    clients =
        gw_session_manager_create(fixture_port, &config, &session_fixture_packets, &events, NULL);
    assert_non_null(clients);
    init_sources(client_sources, outer, true);
    struct gw_filter_source *const filters[GW_STREAM_FILTER_COUNT_MAX] = {&client_sources[0].base,
                                                                          &client_sources[1].base};
    assert_int_not_equal(
        gw_session_manager_dial_filtered(clients, gw_listener_addr(listener), NULL, filters, NULL),
        GW_SESSION_ID_NONE);
    gw_filter_source_unref(filters[0]);
    gw_filter_source_unref(filters[1]);
    fixture_run_now();
}

static void close_clients(void)
{
    gw_session_manager_drain(clients, 0, on_drained, NULL);
    fixture_run_ms(3000);
    assert_int_equal(client.ended_count, 1);
    gw_session_manager_destroy(clients);
    assert_true(atomic_load(&client_sources[0].is_destroyed));
}

static void a_client_greets_and_speaks_through_filters(void **state)
{
    const struct test_filter_config secret = {.kind = TEST_FILTER_SECRET};
    listen_with(&secret);
    open_clients(&secret);
    assert_int_equal(client.greeted_count, 1);
    Gw__Error say = GW__ERROR__INIT;
    say.text = "through two filters";
    gw_session_send(session, SAY, &say.base);
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 1);
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
    fixture_run_now();
    assert_int_equal(client.reason, GW__CLOSE_REASON__BY_PEER);
    assert_int_equal(client.peer_reason, GW__CLOSE_REASON__KICKED);
    close_clients();
    close_listener();
}

static void a_client_that_is_refused_receives_the_reason_after_the_handshake(void **state)
{
    const struct test_filter_config secret = {.kind = TEST_FILTER_SECRET, .has_end = true};
    session_fixture.result = GW__CLOSE_REASON__NOT_WELCOME;
    listen_with(&secret);
    open_clients(&secret);
    assert_int_equal(client.greeted_count, 0);
    assert_int_equal(client.reason, GW__CLOSE_REASON__BY_PEER);
    assert_int_equal(client.peer_reason, GW__CLOSE_REASON__NOT_WELCOME);
    close_clients();
    close_listener();
}

/* ---- failures ---- */

static void the_greeting_deadline_is_for_the_handshake_too(void **state)
{
    const struct test_filter_config secret = {.kind = TEST_FILTER_SECRET};
    listen_with(&secret);
    struct peer *silent = connect_raw();
    fixture_run_ms(4900);
    assert_int_equal(session_fixture.ended_count, 0);
    fixture_run_ms(200 + GW_STREAM_FLUSH_MS);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__GREETING_TIMEOUT);
    assert_int_equal(peer_unread_count(silent), 0);
    close_listener();
}

static void a_failed_filter_gives_the_reason_and_the_problem(void **state)
{
    const struct test_filter_config secret = {.kind = TEST_FILTER_SECRET};
    listen_with(&secret);
    struct peer *foreign = connect_raw();
    peer_send(foreign, "GET / HTTP/1.1\r\n", 16);
    fixture_run_now();
    assert_int_equal(peer_unread_count(foreign), 3); /* the alert */
    peer_finish(foreign);
    fixture_run_ms(10);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__BAD_WEBSOCKET);
    assert_string_equal(session_fixture.problem, "a message that was not expected");
    assert_int_equal(session_fixture_counters().ended[GW__CLOSE_REASON__BAD_WEBSOCKET], 1);
    close_listener();
}

static void each_error_of_a_filter_has_its_reason(void **state)
{
    assert_int_equal(gw__reason_of_stream(GW_E_PROXY), GW__CLOSE_REASON__BAD_PROXY);
    assert_int_equal(gw__reason_of_stream(GW_E_TLS), GW__CLOSE_REASON__BAD_TLS);
    assert_int_equal(gw__reason_of_stream(GW_E_WEBSOCKET), GW__CLOSE_REASON__BAD_WEBSOCKET);
    for (int reason = GW__CLOSE_REASON__BAD_PROXY; reason <= GW__CLOSE_REASON__BAD_WEBSOCKET;
         reason++) {
        assert_null(session_fixture.manager->close_frames[reason]);
    }
}

static void a_connection_whose_filter_is_refused_is_turned_away(void **state)
{
    const struct test_filter_config second = {.kind = TEST_FILTER_SECRET, .create_step = 2};
    listen_with(&second);
    struct peer *first = connect_raw();
    struct peer *refused = connect_raw();
    assert_true(peer_is_connected(first));
    assert_false(peer_is_connected(refused));
    assert_int_equal(session_fixture.begun_count, 1);
    assert_int_equal(fixture_counters().turned_away, 1);
    assert_int_equal(fixture_counters().stream_count, 1);
    peer_close(first);
    close_listener();
}

static void the_peer_is_the_address_that_the_proxy_names(void **state)
{
    const struct test_filter_config proxy = {
        .kind = TEST_FILTER_PREFIX, .prefix_bytes = 10, .peer = {.ip = {[15] = 7}, .port = 4321}};
    listen_with(&proxy);
    struct peer *balancer = connect_raw();
    const struct gw_addr *before = gw_session_peer(session_fixture.last);
    const struct gw_addr copy = *before;
    peer_send(balancer, "0123456789", 10);
    fixture_run_now();
    assert_int_equal(gw_session_peer(session_fixture.last)->port, 4321);
    assert_int_equal(gw_session_peer(session_fixture.last)->ip[15], 7);
    assert_int_equal(atomic_load(&server_sources[0].destroyed_count), 1); /* it is done */
    assert_memory_equal(before, &copy, sizeof copy); /* which another thread may be reading */
    peer_close(balancer);
    close_listener();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION_TEST(a_client_greets_and_speaks_through_filters),
        SESSION_TEST(a_client_that_is_refused_receives_the_reason_after_the_handshake),
        SESSION_TEST(the_greeting_deadline_is_for_the_handshake_too),
        SESSION_TEST(a_failed_filter_gives_the_reason_and_the_problem),
        SESSION_TEST(each_error_of_a_filter_has_its_reason),
        SESSION_TEST(a_connection_whose_filter_is_refused_is_turned_away),
        SESSION_TEST(the_peer_is_the_address_that_the_proxy_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

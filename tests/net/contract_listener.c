/* tests/net/contract_listener.c: Listeners and the connections that they accept. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/lane.h"
#include "net/port_internal.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include "tests/support/machine.h"
#include <stdio.h>
#include <string.h>

static const struct stream_callbacks echo = {.on_recv = checked_echo};

static void assert_echoes(const struct gw_addr *addr)
{
    struct raw_socket peer;
    assert_true(raw_socket_connect(&peer, addr));
    assert_true(raw_socket_send(&peer, "hello", 5));
    assert_true(raw_receives_text(&peer, "hello"));
    raw_socket_close(&peer);
}

static struct gw_addr at(const char *text, uint16_t port)
{
    struct gw_addr addr;
    assert_int_equal(gw_addr_parse(text, &addr), 0);
    addr.port = port;
    return addr;
}

static bool can_connect(const struct gw_addr *addr)
{
    struct raw_socket peer;
    bool connected = raw_socket_connect(&peer, addr);
    if (connected) {
        raw_socket_close(&peer);
    }
    return connected;
}

/* ---- families ---- */

static void a_listener_can_use_ipv4(void **state)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo, .addr = "127.0.0.1:0"});
    assert_int_not_equal(fixture.addr.port, 0);
    assert_echoes(&fixture.addr);
    assert_true(gw_addr_is_ipv4(gw_stream_peer(atomic_load(&fixture.streams)->stream)));
    fixture_close();
}

static void a_listener_can_use_ipv6(void **state)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo, .addr = "[::1]:0"});
    assert_echoes(&fixture.addr);
    assert_false(gw_addr_is_ipv4(gw_stream_peer(atomic_load(&fixture.streams)->stream)));
    fixture_close();
}

static void a_listener_on_any_address_accepts_both_families(void **state)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo, .addr = "*:0"});
    struct gw_addr v4 = at("127.0.0.1:0", fixture.addr.port);
    struct gw_addr v6 = at("[::1]:0", fixture.addr.port);
    assert_echoes(&v4);
    assert_true(gw_addr_is_ipv4(gw_stream_peer(atomic_load(&fixture.streams)->stream)));
    assert_echoes(&v6);
    fixture_close();
}

static void a_listener_on_any_ipv4_address_accepts_ipv4_only(void **state)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo, .addr = "0.0.0.0:0"});
    struct gw_addr v4 = at("127.0.0.1:0", fixture.addr.port);
    struct gw_addr v6 = at("[::1]:0", fixture.addr.port);
    assert_echoes(&v4);
    assert_false(can_connect(&v6));
    fixture_close();
}

/* ---- several listeners ---- */

enum { TEST_LISTENER_COUNT = 5 };

static atomic_uint closed_count;

static void accept_stream(struct gw_listener *listener, struct gw_stream *stream, void *context)
{
    (void)fixture_start(stream);
}

static void count_closed(struct gw_listener *listener, void *context)
{
    atomic_fetch_add(&closed_count, 1);
}

static const struct gw_listener_events more_events = {accept_stream, count_closed};

static int open_more(const struct gw_addr *addr, struct gw_listener **test_listener_out)
{
    const struct gw_listener_config config = {.addr = *addr, .stream = fixture.stream_config};
    return gw_listener_open(fixture.port, &config, &more_events, NULL, test_listener_out);
}

static void say_hello(struct checked_stream *checked)
{
    (void)checked_send_text(checked, "hello");
}

static enum gw_recv close_after_hello(struct checked_stream *checked, struct gw_ring *ring)
{
    if (gw_ring_used_bytes(ring) < 5) {
        return GW_RECV_MORE;
    }
    gw_ring_consume(ring, 5);
    (void)checked_finish(checked, GW_E_CLOSED, NULL);
    return GW_RECV_MORE;
}

/* A path in the folder in which the test runs; skips the test where there are no Unix sockets. */
static void unix_addr(struct gw_addr *addr_out)
{
    char text[GW_ADDR_TEXT_BYTES];
    snprintf(text, sizeof(text), "unix:contract_%s_%u.sock",
             gw_backend_name(fixture_backend->backend), fixture_worker_count);
    if (gw_addr_parse_local(text, addr_out) != NULL) {
        print_message("skipped: this system has no Unix sockets here\n");
        skip();
    }
}

static void a_listener_and_a_dialed_stream_can_use_a_unix_socket(void **state)
{
    static const struct stream_callbacks dialer = {.on_open = say_hello,
                                                   .on_recv = close_after_hello};
    char peer[GW_ADDR_TEXT_BYTES];
    struct gw_addr addr;
    unix_addr(&addr);
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo, .local_addr = &addr});
    assert_memory_equal(&fixture.addr, &addr, sizeof(addr));
    struct checked_stream *dialed = fixture_dial(&dialer, &addr, NULL, NULL);
    assert_int_equal(checked_wait_close(dialed), GW_E_CLOSED);
    assert_int_equal(atomic_load(&dialed->open_count), 1);
    const struct checked_stream *accepted = fixture_stream(2);
    accepted = accepted == dialed ? accepted->next : accepted;
    (void)gw_addr_format(gw_stream_peer(accepted->stream), peer);
    assert_int_equal(strncmp(peer, "unix:pid=", 9), 0);
    fixture_close();
}

static void a_stream_to_a_unix_socket_that_is_not_there_never_opens(void **state)
{
    struct gw_addr addr;
    int error;
    unix_addr(&addr);
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    struct checked_stream *dialed = fixture_dial(NULL, &addr, NULL, NULL);
    assert_int_equal(checked_wait_close(dialed), GW_E_NO_FILE);
    assert_int_equal(atomic_load(&dialed->open_count), 0);
    assert_null(fixture_dial(NULL, &addr, &fixture.addr, &error)); /* it has no source address */
    assert_int_equal(error, GW_E_ADDRESS);
    fixture_close();
}

static void a_port_can_have_several_listeners(void **state)
{
    struct gw_listener *test_listeners[TEST_LISTENER_COUNT];
    struct gw_addr any = at("127.0.0.1:0", 0);
    atomic_store(&closed_count, 0);
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    for (int i = 0; i < TEST_LISTENER_COUNT; i++) {
        assert_int_equal(open_more(&any, &test_listeners[i]), 0);
    }
    for (int i = 0; i < TEST_LISTENER_COUNT; i++) {
        assert_echoes(gw_listener_addr(test_listeners[i]));
    }
    assert_echoes(&fixture.addr);
    for (int i = 0; i < TEST_LISTENER_COUNT; i++) {
        gw_listener_close(test_listeners[i]);
    }
    WAIT_FOR(atomic_load(&closed_count) == TEST_LISTENER_COUNT);
    fixture_close();
}

static void an_address_in_use_or_of_another_machine_is_refused(void **state)
{
    struct gw_listener *listener = NULL;
    struct gw_addr foreign = at("192.0.2.1:0", 0);
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    assert_int_equal(open_more(&fixture.addr, &listener), GW_E_IN_USE);
    assert_int_equal(open_more(&foreign, &listener), GW_E_ADDRESS);
    assert_null(listener);
    assert_echoes(&fixture.addr);
    fixture_close();
}

static void hold_for_a_while(void *context)
{
    struct raw_socket *holder = context;
    machine_sleep_ms(100);
    raw_socket_close(holder);
}

static void an_address_that_becomes_free_within_a_second_is_used(void **state)
{
    struct raw_socket holder;
    struct gw_listener *listener = NULL;
    struct gw_addr addr = at("127.0.0.1:0", 0);
    os_thread thread;
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    uint32_t log_count = atomic_load(&fixture.log_count);
    atomic_store(&closed_count, 0);
    assert_true(raw_socket_listen(&holder, &addr, 1));
    assert_int_equal(os_thread_start(&thread, hold_for_a_while, &holder), 0);
    assert_int_equal(open_more(&addr, &listener), 0);
    os_thread_join(thread);
    assert_int_equal(atomic_load(&fixture.log_count), log_count + 1); /* "listen_waits" */
    assert_echoes(&addr);
    gw_listener_close(listener);
    WAIT_FOR(atomic_load(&closed_count) == 1);
    fixture_close();
}

struct open_call {
    struct gw_addr addr;
    int error;
};

static void open_in_a_turn(void *context)
{
    struct open_call *open_call = context;
    struct gw_listener *listener = NULL;
    open_call->error = open_more(&open_call->addr, &listener);
}

static void a_turn_does_not_wait_for_an_address_in_use(void **state)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    struct open_call open_call = {.addr = fixture.addr};
    uint32_t log_count = atomic_load(&fixture.log_count);
    run_in_turn(&gw__port_lane(fixture.port, 0)->posted, open_in_a_turn, &open_call);
    assert_int_equal(open_call.error, GW_E_IN_USE);
    assert_int_equal(atomic_load(&fixture.log_count), log_count);
    fixture_close();
}

/* ---- closing ---- */

static void streams_outlive_their_listener_and_its_address_is_free(void **state)
{
    struct raw_socket peer;
    struct gw_listener *again;
    atomic_store(&closed_count, 0);
    (void)fixture_open_connected(&echo, &peer);
    fixture_close_listener();
    assert_false(can_connect(&fixture.addr));
    assert_true(raw_socket_send(&peer, "hello", 5));
    assert_true(raw_receives_text(&peer, "hello"));
    assert_int_equal(open_more(&fixture.addr, &again), 0);
    assert_echoes(&fixture.addr);
    gw_listener_close(again);
    WAIT_FOR(atomic_load(&closed_count) == 1);
    fixture_close_connected(&peer);
}

static void a_listener_can_be_closed_at_once_and_without_on_close(void **state)
{
    static const struct gw_listener_events quiet = {accept_stream, NULL};
    const struct gw_listener_config config = {.addr = at("127.0.0.1:0", 0)};
    struct gw_listener *listener;
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    for (int round = 0; round < 20; round++) {
        assert_int_equal(gw_listener_open(fixture.port, &config, &quiet, NULL, &listener), 0);
        gw_listener_close(listener);
    }
    WAIT_FOR(checking_backend_counts().open == 1); /* the fixture's own listener */
    fixture_close();
}

static void connect_until_closed(void *context)
{
    const struct gw_addr *addr = context;
    struct raw_socket peer;
    while (raw_socket_connect(&peer, addr)) {
        (void)raw_socket_send(&peer, "hello", 5);
        raw_socket_close(&peer);
    }
}

static void a_listener_can_be_closed_while_many_connect(void **state)
{
    enum { KNOCKER_COUNT = 2 };
    for (int round = 0; round < 10; round++) {
        os_thread connectors[KNOCKER_COUNT];
        fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
        for (int i = 0; i < KNOCKER_COUNT; i++) {
            assert_int_equal(os_thread_start(&connectors[i], connect_until_closed, &fixture.addr),
                             0);
        }
        WAIT_FOR(fixture_counters().accepted > 20);
        fixture_close_listener();
        for (int i = 0; i < KNOCKER_COUNT; i++) {
            os_thread_join(connectors[i]);
        }
        fixture_close();
        fixture_setup(state);
    }
}

static void shut_from_inside(struct gw_listener *listener, struct gw_stream *stream)
{
    (void)fixture_start(stream);
    if (fixture.listener != NULL) {
        fixture.listener = NULL;
        gw_listener_close(listener);
    }
}

static void a_listener_can_be_closed_in_on_accept(void **state)
{
    static const struct stream_callbacks last_one = {.on_accept = shut_from_inside,
                                                     .on_recv = checked_echo};
    struct raw_socket peer;
    (void)fixture_open_connected(&last_one, &peer);
    WAIT_FOR(atomic_load(&fixture.listener_close_count) == 1);
    assert_true(raw_socket_send(&peer, "hello", 5));
    assert_true(raw_receives_text(&peer, "hello"));
    fixture_close_connected(&peer);
}

static void streams_are_spread_evenly_over_the_lanes(void **state)
{
    enum { PER_LANE = 10 };
    struct raw_socket peers[PER_LANE * 4];
    uint32_t count_of_lane[4] = {0};
    uint32_t count = PER_LANE * fixture_lane_count();
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
    for (uint32_t i = 0; i < count; i++) {
        struct checked_stream *checked = fixture_connect(&peers[i]);
        count_of_lane[gw_stream_turn(checked->stream)->lane->index]++;
    }
    for (uint32_t i = 0; i < fixture_lane_count(); i++) {
        assert_int_equal(count_of_lane[i], PER_LANE);
    }
    for (uint32_t i = 0; i < count; i++) {
        raw_socket_close(&peers[i]);
    }
    fixture_close();
}

int contract_listener(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_listener_can_use_ipv4),
        FIXTURE_TEST(a_listener_can_use_ipv6),
        FIXTURE_TEST(a_listener_on_any_address_accepts_both_families),
        FIXTURE_TEST(a_listener_on_any_ipv4_address_accepts_ipv4_only),
        FIXTURE_TEST(a_listener_and_a_dialed_stream_can_use_a_unix_socket),
        FIXTURE_TEST(a_stream_to_a_unix_socket_that_is_not_there_never_opens),
        FIXTURE_TEST(a_port_can_have_several_listeners),
        FIXTURE_TEST(an_address_in_use_or_of_another_machine_is_refused),
        FIXTURE_TEST(an_address_that_becomes_free_within_a_second_is_used),
        FIXTURE_TEST(a_turn_does_not_wait_for_an_address_in_use),
        FIXTURE_TEST(streams_outlive_their_listener_and_its_address_is_free),
        FIXTURE_TEST(a_listener_can_be_closed_at_once_and_without_on_close),
        FIXTURE_TEST(a_listener_can_be_closed_while_many_connect),
        FIXTURE_TEST(a_listener_can_be_closed_in_on_accept),
        FIXTURE_TEST(streams_are_spread_evenly_over_the_lanes),
    };
    return cmocka_run_group_tests_name("contract: listener", tests, NULL, NULL);
}

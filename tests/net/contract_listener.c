/* tests/net/contract_listener.c: doors, and who comes through them. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/port_internal.h"
#include "net/lane.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include "tests/support/machine.h"

static const struct play echo = {.on_recv = actor_echo};

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

static void a_test_listener_may_be_ipv4(void **state)
{
    (void)state;
    fixture_open(&(struct port_fixture_plan){.play = &echo, .addr = "127.0.0.1:0"});
    assert_int_not_equal(fixture.addr.port, 0);
    assert_echoes(&fixture.addr);
    assert_true(gw_addr_is_ipv4(gw_stream_peer(atomic_load(&fixture.actors)->stream)));
    fixture_close();
}

static void a_test_listener_may_be_ipv6(void **state)
{
    (void)state;
    fixture_open(&(struct port_fixture_plan){.play = &echo, .addr = "[::1]:0"});
    assert_echoes(&fixture.addr);
    assert_false(gw_addr_is_ipv4(gw_stream_peer(atomic_load(&fixture.actors)->stream)));
    fixture_close();
}

static void a_test_listener_at_every_interface_takes_both_families(void **state)
{
    (void)state;
    fixture_open(&(struct port_fixture_plan){.play = &echo, .addr = "*:0"});
    struct gw_addr v4 = at("127.0.0.1:0", fixture.addr.port);
    struct gw_addr v6 = at("[::1]:0", fixture.addr.port);
    assert_echoes(&v4);
    assert_true(gw_addr_is_ipv4(gw_stream_peer(atomic_load(&fixture.actors)->stream)));
    assert_echoes(&v6);
    fixture_close();
}

static void a_test_listener_at_every_ipv4_interface_takes_ipv4_alone(void **state)
{
    (void)state;
    fixture_open(&(struct port_fixture_plan){.play = &echo, .addr = "0.0.0.0:0"});
    struct gw_addr v4 = at("127.0.0.1:0", fixture.addr.port);
    struct gw_addr v6 = at("[::1]:0", fixture.addr.port);
    assert_echoes(&v4);
    assert_false(can_connect(&v6));
    fixture_close();
}

/* ---- several doors ---- */

enum { TEST_LISTENER_COUNT = 5 };

static atomic_uint closed_count;

static void accept_actor(struct gw_listener *test_listener, struct gw_stream *stream, void *context)
{
    (void)test_listener;
    (void)context;
    (void)fixture_start(stream);
}

static void count_closed(struct gw_listener *test_listener, void *context)
{
    (void)test_listener;
    (void)context;
    atomic_fetch_add(&closed_count, 1);
}

static const struct gw_listener_events more_events = {accept_actor, count_closed};

static int open_more(const struct gw_addr *addr, struct gw_listener **test_listener_out)
{
    const struct gw_listener_config config = {.addr = *addr, .stream = fixture.stream_config};
    return gw_listener_open(fixture.port, &config, &more_events, NULL, test_listener_out);
}

static void a_port_may_have_several_test_listeners(void **state)
{
    (void)state;
    struct gw_listener *test_listeners[TEST_LISTENER_COUNT];
    struct gw_addr any = at("127.0.0.1:0", 0);
    atomic_store(&closed_count, 0);
    fixture_open(&(struct port_fixture_plan){.play = &echo});
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

static void an_address_that_is_taken_or_not_ours_is_refused(void **state)
{
    (void)state;
    struct gw_listener *test_listener = NULL;
    struct gw_addr foreign = at("192.0.2.1:0", 0);
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    assert_int_equal(open_more(&fixture.addr, &test_listener), GW_E_IN_USE);
    assert_int_equal(open_more(&foreign, &test_listener), GW_E_ADDRESS);
    assert_null(test_listener);
    assert_echoes(&fixture.addr);
    fixture_close();
}

static void hold_for_a_while(void *context)
{
    struct raw_socket *holder = context;
    machine_sleep_ms(100);
    raw_socket_close(holder);
}

static void an_address_that_becomes_free_within_a_second_is_taken(void **state)
{
    (void)state;
    struct raw_socket holder;
    struct gw_listener *test_listener = NULL;
    struct gw_addr addr = at("127.0.0.1:0", 0);
    os_thread thread;
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    uint32_t log_count = atomic_load(&fixture.log_count);
    atomic_store(&closed_count, 0);
    assert_true(raw_socket_listen(&holder, &addr, 1));
    assert_int_equal(os_thread_start(&thread, hold_for_a_while, &holder), 0);
    assert_int_equal(open_more(&addr, &test_listener), 0);
    os_thread_join(thread);
    assert_int_equal(atomic_load(&fixture.log_count), log_count + 1); /* "listen_waits" */
    assert_echoes(&addr);
    gw_listener_close(test_listener);
    WAIT_FOR(atomic_load(&closed_count) == 1);
    fixture_close();
}

struct attempt {
    struct gw_addr addr;
    int error;
};

static void open_in_a_turn(void *context)
{
    struct attempt *attempt = context;
    struct gw_listener *test_listener = NULL;
    attempt->error = open_more(&attempt->addr, &test_listener);
}

static void a_turn_does_not_wait_for_an_address_in_use(void **state)
{
    (void)state;
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    struct attempt attempt = {.addr = fixture.addr};
    uint32_t log_count = atomic_load(&fixture.log_count);
    run_in_turn(&gw__port_lane(fixture.port, 0)->posted, open_in_a_turn, &attempt);
    assert_int_equal(attempt.error, GW_E_IN_USE);
    assert_int_equal(atomic_load(&fixture.log_count), log_count);
    fixture_close();
}

/* ---- shutting ---- */

static void streams_outlive_their_test_listener_and_its_address_is_free(void **state)
{
    (void)state;
    struct raw_socket peer;
    struct gw_listener *again;
    atomic_store(&closed_count, 0);
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    (void)fixture_visit(&peer);
    fixture_shut_test_listener();
    assert_false(can_connect(&fixture.addr));
    assert_true(raw_socket_send(&peer, "hello", 5));
    assert_true(raw_receives_text(&peer, "hello"));
    assert_int_equal(open_more(&fixture.addr, &again), 0);
    assert_echoes(&fixture.addr);
    gw_listener_close(again);
    WAIT_FOR(atomic_load(&closed_count) == 1);
    raw_socket_close(&peer);
    fixture_close();
}

static void a_test_listener_may_be_shut_at_once_and_without_on_close(void **state)
{
    (void)state;
    static const struct gw_listener_events quiet = {accept_actor, NULL};
    const struct gw_listener_config config = {.addr = at("127.0.0.1:0", 0)};
    struct gw_listener *test_listener;
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    for (int round = 0; round < 20; round++) {
        assert_int_equal(gw_listener_open(fixture.port, &config, &quiet, NULL, &test_listener), 0);
        gw_listener_close(test_listener);
    }
    WAIT_FOR(checking_kernel_account().open == 1); /* the stage's own test_listener */
    fixture_close();
}

static void knock_until_shut(void *context)
{
    const struct gw_addr *addr = context;
    struct raw_socket peer;
    while (raw_socket_connect(&peer, addr)) {
        (void)raw_socket_send(&peer, "hello", 5);
        raw_socket_close(&peer);
    }
}

static void a_test_listener_may_be_shut_while_many_come_in(void **state)
{
    (void)state;
    enum { KNOCKER_COUNT = 2 };
    for (int round = 0; round < 10; round++) {
        os_thread knockers[KNOCKER_COUNT];
        fixture_open(&(struct port_fixture_plan){.play = &echo});
        for (int i = 0; i < KNOCKER_COUNT; i++) {
            assert_int_equal(os_thread_start(&knockers[i], knock_until_shut, &fixture.addr), 0);
        }
        WAIT_FOR(fixture_counters().accepted > 20);
        fixture_shut_test_listener();
        for (int i = 0; i < KNOCKER_COUNT; i++) {
            os_thread_join(knockers[i]);
        }
        fixture_close();
        fixture_setup(state);
    }
}

static void shut_from_inside(struct gw_listener *listener, struct gw_stream *stream)
{
    (void)fixture_start(stream);
    if (fixture.test_listener != NULL) {
        fixture.test_listener = NULL;
        gw_listener_close(listener);
    }
}

static void a_test_listener_may_be_shut_by_who_comes_in(void **state)
{
    (void)state;
    static const struct play last_one = {.on_accept = shut_from_inside, .on_recv = actor_echo};
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &last_one});
    (void)fixture_visit(&peer);
    WAIT_FOR(atomic_load(&fixture.test_listener_close_count) == 1);
    assert_true(raw_socket_send(&peer, "hello", 5));
    assert_true(raw_receives_text(&peer, "hello"));
    raw_socket_close(&peer);
    fixture_close();
}

/* ---- who does not come in ---- */

static void ignore(struct gw_listener *listener, struct gw_stream *stream)
{
    (void)listener;
    (void)stream;
}

static void a_stream_that_is_not_started_is_closed(void **state)
{
    (void)state;
    static const struct play unfriendly = {.on_accept = ignore};
    fixture_open(&(struct port_fixture_plan){.play = &unfriendly});
    for (uint64_t count = 1; count <= 20; count++) {
        struct raw_socket peer;
        assert_true(raw_socket_connect(&peer, &fixture.addr));
        assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
        raw_socket_close(&peer);
        WAIT_FOR(fixture_counters().accepted == count && fixture_counters().stream_count == 0);
    }
    fixture_close();
}

static void no_more_come_in_than_the_port_may_have(void **state)
{
    (void)state;
    struct raw_socket inside[3];
    struct raw_socket outside;
    fixture_open(&(struct port_fixture_plan){.play = &echo, .stream_count_max = 3});
    for (int i = 0; i < 3; i++) {
        (void)fixture_visit(&inside[i]);
    }
    for (uint64_t count = 1; count <= 10; count++) {
        assert_true(raw_socket_connect(&outside, &fixture.addr));
        assert_true(raw_socket_recv_until_end(&outside) <= 0);
        raw_socket_close(&outside);
        assert_int_equal(fixture_counters().turned_away, count);
        assert_int_equal(fixture_counters().stream_count, 3);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(raw_socket_send(&inside[i], "hello", 5));
        assert_true(raw_receives_text(&inside[i], "hello"));
        raw_socket_close(&inside[i]);
    }
    WAIT_FOR(fixture_counters().stream_count == 0);
    assert_echoes(&fixture.addr); /* there is room again */
    fixture_close();
}

static void streams_are_dealt_out_evenly_to_the_lanes(void **state)
{
    (void)state;
    enum { PER_LANE = 10 };
    struct raw_socket peers[PER_LANE * 4];
    uint32_t count_of_lane[4] = {0};
    uint32_t count = PER_LANE * fixture_lane_count();
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    for (uint32_t i = 0; i < count; i++) {
        struct actor *actor = fixture_visit(&peers[i]);
        count_of_lane[gw_stream_turn(actor->stream)->lane->index]++;
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
        FIXTURE_TEST(a_test_listener_may_be_ipv4),
        FIXTURE_TEST(a_test_listener_may_be_ipv6),
        FIXTURE_TEST(a_test_listener_at_every_interface_takes_both_families),
        FIXTURE_TEST(a_test_listener_at_every_ipv4_interface_takes_ipv4_alone),
        FIXTURE_TEST(a_port_may_have_several_test_listeners),
        FIXTURE_TEST(an_address_that_is_taken_or_not_ours_is_refused),
        FIXTURE_TEST(an_address_that_becomes_free_within_a_second_is_taken),
        FIXTURE_TEST(a_turn_does_not_wait_for_an_address_in_use),
        FIXTURE_TEST(streams_outlive_their_test_listener_and_its_address_is_free),
        FIXTURE_TEST(a_test_listener_may_be_shut_at_once_and_without_on_close),
        FIXTURE_TEST(a_test_listener_may_be_shut_while_many_come_in),
        FIXTURE_TEST(a_test_listener_may_be_shut_by_who_comes_in),
        FIXTURE_TEST(a_stream_that_is_not_started_is_closed),
        FIXTURE_TEST(no_more_come_in_than_the_port_may_have),
        FIXTURE_TEST(streams_are_dealt_out_evenly_to_the_lanes),
    };
    return cmocka_run_group_tests_name("contract: listener", tests, NULL, NULL);
}

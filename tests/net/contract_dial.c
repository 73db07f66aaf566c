/* tests/net/contract_dial.c: Dialed streams. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/port_internal.h"
#include "net/stream_internal.h"
#include "tests/net/port_fixture.h"

enum { REASON = 77 };

/* A raw socket that listens for dialed streams. */
static struct gw_addr addr;
static struct raw_socket listener;

static void listen_at(const char *text, int backlog_count_max)
{
    assert_int_equal(gw_addr_parse(text, &addr), 0);
    assert_true(raw_socket_listen(&listener, &addr, backlog_count_max));
}

static void stop_listening(void)
{
    raw_socket_close(&listener);
    fixture_close();
}

/* ---- connects that succeed ---- */

static void send_hello(struct checked_stream *checked)
{
    (void)checked_send_text(checked, "hello");
}

static void dial_and_talk(const char *listen_text)
{
    static const struct stream_callbacks polite = {.on_open = send_hello, .on_recv = checked_echo};
    struct raw_socket peer;
    struct gw_addr from;
    listen_at(listen_text, 10);
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    struct checked_stream *checked = fixture_dial(&polite, &addr, NULL, NULL);
    assert_true(raw_socket_accept(&listener, &peer, &from));
    assert_true(raw_receives_text(&peer, "hello"));
    assert_true(raw_socket_send(&peer, "and back", 8));
    assert_true(raw_receives_text(&peer, "and back"));
    assert_memory_equal(gw_stream_peer(checked->stream), &addr, sizeof(addr));
    assert_int_equal(fixture_counters().dialed, 1);
    raw_socket_close(&peer);
    assert_int_equal(checked_wait_close(checked), GW_E_CLOSED);
    assert_int_equal(atomic_load(&checked->open_count), 1);
    stop_listening();
}

static void a_dialed_stream_opens_sends_and_receives(void **state)
{
    dial_and_talk("127.0.0.1:0");
}

static void a_dialed_stream_can_use_ipv6(void **state)
{
    dial_and_talk("[::1]:0");
}

static void a_dialed_stream_uses_the_given_source_address(void **state)
{
    struct raw_socket peer;
    struct gw_addr from;
    struct gw_addr source;
    assert_int_equal(gw_addr_parse("127.0.0.2:0", &source), 0);
    listen_at("127.0.0.1:0", 10);
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    assert_non_null(fixture_dial(NULL, &addr, &source, NULL));
    assert_true(raw_socket_accept(&listener, &peer, &from));
    assert_memory_equal(from.ip, source.ip, sizeof(source.ip));
    raw_socket_close(&peer);
    stop_listening();
}

/* ---- connects that fail ---- */

/* TCP connects a socket to itself when its source port is the one that it dials, and no socket
 * listens there. */
static void a_stream_that_would_connect_to_itself_is_refused(void **state)
{
    listen_at("127.0.0.1:0", 10);
    raw_socket_close(&listener); /* the port is free again */
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    struct checked_stream *checked = fixture_dial(NULL, &addr, &addr, NULL);
    assert_non_null(checked);
    assert_int_equal(checked_wait_close(checked), GW_E_REFUSED);
    assert_int_equal(atomic_load(&checked->open_count), 0);
    fixture_close();
}

static void a_source_address_of_another_machine_is_refused_at_once(void **state)
{
    static const char *const sources[] = {"192.0.2.1:0", "[2001:db8::1]:0"};
    listen_at("127.0.0.1:0", 10);
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct gw_addr source;
        int error;
        assert_int_equal(gw_addr_parse(sources[i], &source), 0);
        assert_null(fixture_dial(NULL, &addr, &source, &error));
        assert_int_equal(error, GW_E_ADDRESS);
    }
    assert_int_equal(fixture_counters().stream_count, 0);
    assert_int_equal(fixture_counters().dialed, 0);
    stop_listening();
}

static void a_stream_to_a_port_without_a_listener_never_opens(void **state)
{
    listen_at("127.0.0.1:0", 10);
    raw_socket_close(&listener);
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    for (int round = 0; round < 20; round++) {
        struct checked_stream *checked = fixture_dial(NULL, &addr, NULL, NULL);
        assert_int_equal(checked_wait_close(checked), GW_E_REFUSED);
        assert_int_equal(atomic_load(&checked->open_count), 0);
        assert_int_equal(atomic_load(&checked->recv_count), 0);
    }
    stop_listening();
}

static void a_dial_above_stream_count_max_is_refused(void **state)
{
    int error;
    listen_at("127.0.0.1:0", 10);
    fixture_open(&(struct port_fixture_plan){.stream_count_max = 2});
    struct checked_stream *first = fixture_dial(NULL, &addr, NULL, NULL);
    assert_non_null(fixture_dial(NULL, &addr, NULL, NULL));
    assert_null(fixture_dial(NULL, &addr, NULL, &error));
    assert_int_equal(error, GW_E_FULL);
    checked_close(first, REASON);
    checked_wait_close(first);
    assert_non_null(fixture_dial(NULL, &addr, NULL, NULL)); /* its slot is free again */
    stop_listening();
}

/* ---- ended before on_open ---- */

static void a_dialed_stream_can_be_closed_at_once(void **state)
{
    listen_at("127.0.0.1:0", 100);
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    for (int round = 0; round < 50; round++) {
        struct checked_stream *checked = fixture_dial(NULL, &addr, NULL, NULL);
        assert_true(round % 2 == 0 ? checked_close(checked, REASON)
                                   : checked_finish(checked, REASON, "final_text"));
        assert_int_equal(checked_wait_close(checked), REASON);
    }
    stop_listening();
}

/* With a full backlog a connect waits for seconds. */
static void a_close_cancels_a_waiting_connect(void **state)
{
    enum { DIAL_COUNT = 8 };
    struct checked_stream *streams[DIAL_COUNT];
    listen_at("127.0.0.1:0", 0);
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    for (int i = 0; i < DIAL_COUNT; i++) {
        streams[i] = fixture_dial(NULL, &addr, NULL, NULL);
    }
    fixture_run_now();
    controlled_backend_stop_time();
    uint32_t open_count = 0;
    for (int i = 0; i < DIAL_COUNT; i++) {
        open_count += atomic_load(&streams[i]->open_count);
        assert_true(checked_close(streams[i], REASON));
        assert_int_equal(checked_wait_close(streams[i]), REASON);
    }
    assert_true(open_count < DIAL_COUNT);
    stop_listening();
}

int contract_dial(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_dialed_stream_opens_sends_and_receives),
        FIXTURE_TEST(a_dialed_stream_can_use_ipv6),
        FIXTURE_TEST(a_dialed_stream_uses_the_given_source_address),
        FIXTURE_TEST(a_source_address_of_another_machine_is_refused_at_once),
        FIXTURE_TEST(a_stream_that_would_connect_to_itself_is_refused),
        FIXTURE_TEST(a_stream_to_a_port_without_a_listener_never_opens),
        FIXTURE_TEST(a_dial_above_stream_count_max_is_refused),
        FIXTURE_TEST(a_dialed_stream_can_be_closed_at_once),
        FIXTURE_TEST(a_close_cancels_a_waiting_connect),
    };
    return cmocka_run_group_tests_name("contract: dial", tests, NULL, NULL);
}

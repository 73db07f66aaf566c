/* tests/net/contract_dial.c: streams that go out. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/port_internal.h"
#include "net/stream_internal.h"
#include "tests/net/port_fixture.h"

enum { REASON = 77 };

/* A raw socket that listens, for streams to dial. */
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

/* ---- it works ---- */

static void say_hello(struct actor *actor)
{
    (void)actor_tell(actor, "hello");
}

static void dial_and_talk(const char *listen_text)
{
    static const struct play polite = {.on_open = say_hello, .on_recv = actor_echo};
    struct raw_socket peer;
    struct gw_addr from;
    listen_at(listen_text, 10);
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_dial(&polite, &addr, NULL, NULL);
    assert_true(raw_socket_accept(&listener, &peer, &from));
    assert_true(raw_receives_text(&peer, "hello"));
    assert_true(raw_socket_send(&peer, "and back", 8));
    assert_true(raw_receives_text(&peer, "and back"));
    assert_memory_equal(gw_stream_peer(actor->stream), &addr, sizeof(addr));
    assert_int_equal(fixture_counters().dialed, 1);
    raw_socket_close(&peer);
    assert_int_equal(actor_wait_close(actor), GW_E_CLOSED);
    assert_int_equal(atomic_load(&actor->open_count), 1);
    stop_listening();
}

static void a_dialed_stream_opens_and_talks(void **state)
{
    (void)state;
    dial_and_talk("127.0.0.1:0");
}

static void a_dialed_stream_may_use_ipv6(void **state)
{
    (void)state;
    dial_and_talk("[::1]:0");
}

static void a_dialed_stream_comes_from_the_source_it_was_given(void **state)
{
    (void)state;
    struct raw_socket peer;
    struct gw_addr from;
    struct gw_addr source;
    assert_int_equal(gw_addr_parse("127.0.0.2:0", &source), 0);
    listen_at("127.0.0.1:0", 10);
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    assert_non_null(fixture_dial(NULL, &addr, &source, NULL));
    assert_true(raw_socket_accept(&listener, &peer, &from));
    assert_memory_equal(from.ip, source.ip, sizeof(source.ip));
    raw_socket_close(&peer);
    stop_listening();
}

/* ---- it does not ---- */

/* TCP connects a socket to itself when it comes from the port that it dials, and nobody listens. */
static void a_stream_that_would_connect_to_itself_is_refused(void **state)
{
    (void)state;
    listen_at("127.0.0.1:0", 10);
    raw_socket_close(&listener); /* the port is free again, and nobody else uses it */
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_dial(NULL, &addr, &addr, NULL);
    assert_non_null(actor);
    assert_int_equal(actor_wait_close(actor), GW_E_REFUSED);
    assert_int_equal(atomic_load(&actor->open_count), 0);
    fixture_close();
}

static void a_source_that_is_not_ours_is_refused_at_once(void **state)
{
    (void)state;
    static const char *const sources[] = {"192.0.2.1:0", "[2001:db8::1]:0"};
    listen_at("127.0.0.1:0", 10);
    fixture_open(&(struct port_fixture_plan){.play = NULL});
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

static void where_nobody_listens_the_stream_never_opens(void **state)
{
    (void)state;
    listen_at("127.0.0.1:0", 10);
    raw_socket_close(&listener);
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    for (int round = 0; round < 20; round++) {
        struct actor *actor = fixture_dial(NULL, &addr, NULL, NULL);
        assert_int_equal(actor_wait_close(actor), GW_E_REFUSED);
        assert_int_equal(atomic_load(&actor->open_count), 0);
        assert_int_equal(atomic_load(&actor->recv_count), 0);
    }
    stop_listening();
}

static void no_more_streams_are_dialed_than_the_port_may_have(void **state)
{
    (void)state;
    int error;
    listen_at("127.0.0.1:0", 10);
    fixture_open(&(struct port_fixture_plan){.stream_count_max = 2});
    struct actor *first = fixture_dial(NULL, &addr, NULL, NULL);
    assert_non_null(fixture_dial(NULL, &addr, NULL, NULL));
    assert_null(fixture_dial(NULL, &addr, NULL, &error));
    assert_int_equal(error, GW_E_FULL);
    actor_close(first, REASON);
    actor_wait_close(first);
    assert_non_null(fixture_dial(NULL, &addr, NULL, NULL)); /* its place is free again */
    stop_listening();
}

/* ---- ended before it opens ---- */

static void a_dialed_stream_may_be_closed_at_once(void **state)
{
    (void)state;
    listen_at("127.0.0.1:0", 100);
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    for (int round = 0; round < 50; round++) {
        struct actor *actor = fixture_dial(NULL, &addr, NULL, NULL);
        assert_true(round % 2 == 0 ? actor_close(actor, REASON)
                                   : actor_finish(actor, REASON, "farewell"));
        assert_int_equal(actor_wait_close(actor), REASON);
    }
    stop_listening();
}

/* A backlog that is full leaves a connect waiting for seconds. */
static void a_connect_that_waits_is_cancelled(void **state)
{
    (void)state;
    enum { DIAL_COUNT = 8 };
    struct actor *actors[DIAL_COUNT];
    listen_at("127.0.0.1:0", 0);
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    for (int i = 0; i < DIAL_COUNT; i++) {
        actors[i] = fixture_dial(NULL, &addr, NULL, NULL);
    }
    fixture_run_now();
    checking_kernel_stop_time();
    uint32_t open_count = 0;
    for (int i = 0; i < DIAL_COUNT; i++) {
        open_count += atomic_load(&actors[i]->open_count);
        assert_true(actor_close(actors[i], REASON));
        assert_int_equal(actor_wait_close(actors[i]), REASON);
    }
    assert_true(open_count < DIAL_COUNT);
    stop_listening();
}

static _Atomic(struct actor *) to_close;

/* As another thread may: after the connect was submitted, before it has come home. */
static void close_before_wait(void)
{
    struct actor *actor = atomic_load(&to_close);
    if (actor != NULL && gw_stream_turn(actor->stream)->lane == gw__worker()->lane &&
        actor->stream->sending && atomic_compare_exchange_strong(&to_close, &actor, NULL)) {
        (void)gw_stream_close(actor->stream, REASON);
        atomic_store(&actor->end_was_told, true);
    }
}

static void dial_posted_task(void *context)
{
    struct actor **actor = context;
    *actor = fixture_dial(NULL, &addr, NULL, NULL);
    atomic_store(&to_close, *actor);
}

static void a_stream_that_was_closed_while_it_connects_does_not_open(void **state)
{
    (void)state;
    listen_at("127.0.0.1:0", 100);
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    checking_kernel_before_wait(close_before_wait);
    for (int round = 0; round < 10; round++) {
        struct actor *actor = NULL; /* it gets lane 0, the first of those without a stream */
        run_in_turn(&gw__port_lane(fixture.port, 0)->posted, dial_posted_task, &actor);
        WAIT_FOR(atomic_load(&to_close) == NULL);
        assert_int_equal(actor_wait_close(actor), REASON);
    }
    stop_listening();
}

int contract_dial(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_dialed_stream_opens_and_talks),
        FIXTURE_TEST(a_dialed_stream_may_use_ipv6),
        FIXTURE_TEST(a_dialed_stream_comes_from_the_source_it_was_given),
        FIXTURE_TEST(a_source_that_is_not_ours_is_refused_at_once),
        FIXTURE_TEST(a_stream_that_would_connect_to_itself_is_refused),
        FIXTURE_TEST(where_nobody_listens_the_stream_never_opens),
        FIXTURE_TEST(no_more_streams_are_dialed_than_the_port_may_have),
        FIXTURE_TEST(a_dialed_stream_may_be_closed_at_once),
        FIXTURE_TEST(a_connect_that_waits_is_cancelled),
        FIXTURE_TEST(a_stream_that_was_closed_while_it_connects_does_not_open),
    };
    return cmocka_run_group_tests_name("contract: dial", tests, NULL, NULL);
}

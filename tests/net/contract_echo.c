/* tests/net/contract_echo.c: bytes come whole and in order, in pieces of any size. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "net/stream_internal.h"
#include "tests/net/port_fixture.h"
#include "tests/support/random.h"
#include <string.h>

static const struct play echo = {.on_recv = actor_echo};
static const struct play listening = {.on_recv = actor_receive};

static void what_a_peer_says_comes_back(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    struct actor *actor = fixture_visit(&peer);
    assert_true(raw_socket_send(&peer, "gangway", 7));
    assert_true(raw_receives_text(&peer, "gangway"));
    raw_socket_finish(&peer);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    assert_int_equal(actor_wait_close(actor), GW_E_CLOSED);
    assert_int_equal(fixture_counters().bytes_in, 7);
    assert_int_equal(fixture_counters().bytes_out, 7);
    raw_socket_close(&peer);
    fixture_close();
}

static void many_peers_are_answered_each_with_its_own(void **state)
{
    (void)state;
    enum { PEER_COUNT = 50, ROUND_COUNT = 10 };
    struct raw_socket peers[PEER_COUNT];
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    for (int i = 0; i < PEER_COUNT; i++) {
        assert_true(raw_socket_connect(&peers[i], &fixture.addr));
    }
    for (int round = 0; round < ROUND_COUNT; round++) {
        for (int i = 0; i < PEER_COUNT; i++) {
            uint8_t said[2] = {(uint8_t)i, (uint8_t)round};
            assert_true(raw_socket_send(&peers[i], said, 2));
        }
        for (int i = 0; i < PEER_COUNT; i++) {
            uint8_t received[2];
            assert_true(raw_socket_recv_all(&peers[i], received, 2));
            assert_int_equal(received[0], i);
            assert_int_equal(received[1], round);
        }
    }
    for (int i = 0; i < PEER_COUNT; i++) {
        raw_socket_close(&peers[i]);
    }
    fixture_close();
}

static void bytes_that_come_one_by_one_come_in_order(void **state)
{
    (void)state;
    enum { BYTE_COUNT = 3000 };
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &listening});
    struct actor *actor = fixture_visit(&peer);
    for (uint64_t said = 0; said < BYTE_COUNT;) {
        assert_true(raw_say(&peer, &said, 1));
    }
    WAIT_FOR(atomic_load(&actor->received) == BYTE_COUNT);
    raw_socket_close(&peer);
    fixture_close();
}

/* Says `bytes` in pieces of many sizes. */
struct talker {
    const struct raw_socket *socket;
    uint64_t bytes;
    bool ok;
};

static void talk(void *context)
{
    struct talker *talker = context;
    struct random random = {7};
    uint64_t said = 0;
    talker->ok = true;
    while (talker->ok && said < talker->bytes) {
        uint64_t bytes = 1 + random_below(&random, random_below(&random, 2) == 0 ? 40 : 40000);
        bytes = bytes < talker->bytes - said ? bytes : talker->bytes - said;
        talker->ok = raw_say(talker->socket, &said, bytes);
    }
}

/* Says the next piece, as long as less than half of the queue's limit waits. */
static void say_more(struct actor *actor, uint64_t bytes_in_all)
{
    while (atomic_load(&actor->said) < bytes_in_all &&
           gw_stream_send_queue_bytes(actor->stream) < 1 << 19) {
        uint64_t left = bytes_in_all - atomic_load(&actor->said);
        struct random random = {left};
        uint32_t bytes = 1 + random_below(&random, random_below(&random, 2) == 0 ? 100 : 30000);
        bytes = bytes < left ? bytes : (uint32_t)left;
        int error =
            random_below(&random, 2) == 0 ? actor_say(actor, bytes) : actor_share(actor, bytes);
        if (error != 0) {
            checking_kernel_break("a queue with room takes more");
            return;
        }
    }
}

enum { MANY_BYTES = 3 << 20 };

/* Says another piece with each that it hears; the test says some, too, to get on at the end. */
static enum gw_recv receive_and_say(struct actor *actor, struct gw_ring *ring)
{
    say_more(actor, MANY_BYTES);
    return actor_receive(actor, ring);
}

static void say_more_posted_task(void *context)
{
    say_more(context, MANY_BYTES);
}

static void say_all(struct actor *actor)
{
    while (atomic_load(&actor->said) < MANY_BYTES) {
        run_in_turn(gw_stream_turn(actor->stream), say_more_posted_task, actor);
        machine_sleep_ms(1);
    }
}

struct listener {
    const struct raw_socket *socket;
    uint64_t bytes;
    bool ok;
};

static void listen_to(void *context)
{
    struct listener *listener = context;
    uint64_t received = 0;
    listener->ok = raw_receive(listener->socket, &received, listener->bytes);
}

static void megabytes_go_both_ways_at_once(void **state)
{
    (void)state;
    static const struct play both = {.on_recv = receive_and_say};
    struct raw_socket peer;
    os_thread threads[2];
    fixture_open(&(struct port_fixture_plan){.play = &both});
    struct actor *actor = fixture_visit(&peer);
    struct talker talker = {.socket = &peer, .bytes = MANY_BYTES};
    struct listener listener = {.socket = &peer, .bytes = MANY_BYTES};
    assert_int_equal(os_thread_start(&threads[0], talk, &talker), 0);
    assert_int_equal(os_thread_start(&threads[1], listen_to, &listener), 0);
    say_all(actor);
    os_thread_join(threads[0]);
    os_thread_join(threads[1]);
    assert_true(talker.ok);
    assert_true(listener.ok);
    WAIT_FOR(atomic_load(&actor->received) == MANY_BYTES);
    WAIT_FOR(gw_stream_send_queue_bytes(actor->stream) == 0);
    raw_socket_close(&peer);
    fixture_close();
}

/* A peer with the smallest buffers, who reads a little at a time: where a send may be short, most
 * are; elsewhere they wait. */
static void a_slow_reader_gets_everything_through_short_sends(void **state)
{
    (void)state;
    enum { BYTE_COUNT = 300000, READ_BYTES = 1500 };
    struct raw_socket peer;
    uint64_t received = 0;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit_narrow(&peer);
    raw_socket_narrow((intptr_t)actor->stream->socket.handle);
    while (atomic_load(&actor->said) < BYTE_COUNT) {
        assert_int_equal(actor_share(actor, 30000), 0);
        assert_int_equal(actor_say(actor, 10), 0);
    }
    while (received < atomic_load(&actor->said)) {
        uint64_t left = atomic_load(&actor->said) - received;
        assert_true(raw_receive(&peer, &received, left < READ_BYTES ? left : READ_BYTES));
    }
    WAIT_FOR(gw_stream_send_queue_bytes(actor->stream) == 0);
    assert_int_equal(fixture_counters().bytes_out, received);
    raw_socket_close(&peer);
    fixture_close();
}

static enum gw_recv count_and_echo(struct actor *actor, struct gw_ring *ring)
{
    atomic_fetch_add(&actor->received, gw_ring_used_bytes(ring));
    return actor_echo(actor, ring);
}

/* Keeps so many bytes going round between two streams of the house. */
static void say_a_lot(struct actor *actor)
{
    (void)actor_say(actor, 100000);
}

static void two_streams_of_one_port_may_talk_to_each_other(void **state)
{
    (void)state;
    enum { BYTE_COUNT = 2000000 };
    static const struct play caller = {.on_open = say_a_lot, .on_recv = count_and_echo};
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    struct actor *actor = fixture_dial(&caller, &fixture.addr, NULL, NULL);
    WAIT_FOR(atomic_load(&actor->received) >= BYTE_COUNT);
    fixture_close();
}

int contract_echo(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(what_a_peer_says_comes_back),
        FIXTURE_TEST(many_peers_are_answered_each_with_its_own),
        FIXTURE_TEST(bytes_that_come_one_by_one_come_in_order),
        FIXTURE_TEST(megabytes_go_both_ways_at_once),
        FIXTURE_TEST(a_slow_reader_gets_everything_through_short_sends),
        FIXTURE_TEST(two_streams_of_one_port_may_talk_to_each_other),
    };
    return cmocka_run_group_tests_name("contract: echo", tests, NULL, NULL);
}

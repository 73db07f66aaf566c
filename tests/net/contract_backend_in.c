/* tests/net/contract_backend_in.c: a backend's accept and recv, and how they are cancelled. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "tests/net/backend_fixture.h"

/* ---- recv ---- */

static void a_recv_brings_what_is_there_and_0_at_the_end(void **state)
{
    (void)state;
    static struct backend_fixture backend_fixture;
    struct raw_socket peer;
    backend_fixture_port_open();
    backend_fixture_connect_to(&backend_fixture, &peer);
    backend_fixture_do(&backend_fixture, backend_fixture_recv);
    backend_fixture_assert_all_came_home(&backend_fixture, 0, 0); /* it waits */
    assert_true(raw_socket_send(&peer, "hello", 5));
    assert_int_equal(backend_fixture_wait_in(&backend_fixture, 1), 5);
    assert_memory_equal(backend_fixture.received, "hello", 5);
    raw_socket_finish(&peer);
    backend_fixture_assert_all_came_home(&backend_fixture, 1, 0); /* one recv, one done */
    backend_fixture_do(&backend_fixture, backend_fixture_recv);
    assert_int_equal(backend_fixture_wait_in(&backend_fixture, 2), 0);
    backend_fixture_do(&backend_fixture, backend_fixture_recv);
    assert_int_equal(backend_fixture_wait_in(&backend_fixture, 3), 0); /* and again */
    backend_fixture_end(&backend_fixture);
    raw_socket_close(&peer);
    backend_fixture_port_close();
}

static void a_recv_never_brings_more_than_its_limit(void **state)
{
    (void)state;
    static struct backend_fixture backend_fixture;
    static uint8_t data[3 * GW_STREAM_RECV_BYTES_MAX];
    struct raw_socket peer;
    backend_fixture_port_open();
    backend_fixture_connect_to(&backend_fixture, &peer);
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
    assert_true(raw_socket_send(&peer, data, sizeof(data)));
    uint32_t got = 0;
    for (uint32_t count = 1; got < sizeof(data); count++) {
        backend_fixture_do(&backend_fixture, backend_fixture_recv);
        int result = backend_fixture_wait_in(&backend_fixture, count);
        assert_in_range(result, 1, GW_STREAM_RECV_BYTES_MAX);
        assert_memory_equal(backend_fixture.received, data + got, result);
        got += (uint32_t)result;
    }
    backend_fixture_end(&backend_fixture);
    raw_socket_close(&peer);
    backend_fixture_port_close();
}

static void a_recv_that_waits_may_be_cancelled(void **state)
{
    (void)state;
    static struct backend_fixture backend_fixture;
    struct raw_socket peer;
    backend_fixture_port_open();
    backend_fixture_connect_to(&backend_fixture, &peer);
    backend_fixture_do(&backend_fixture,
                       backend_fixture_cancel); /* harmless: nothing is in flight */
    backend_fixture_do(&backend_fixture, backend_fixture_recv);
    backend_fixture_do(&backend_fixture, backend_fixture_cancel_twice);
    assert_int_equal(backend_fixture_wait_in(&backend_fixture, 1), GW_E_CLOSED);
    backend_fixture_assert_all_came_home(&backend_fixture, 1, 0);
    backend_fixture_do(&backend_fixture, backend_fixture_recv_and_cancel);
    assert_int_equal(backend_fixture_wait_in(&backend_fixture, 2), GW_E_CLOSED);
    backend_fixture_assert_all_came_home(&backend_fixture, 2, 0);
    backend_fixture_do(&backend_fixture, backend_fixture_cancel);
    backend_fixture_end(&backend_fixture);
    assert_true(raw_socket_recv_until_end(&peer) <= 0);
    raw_socket_close(&peer);
    backend_fixture_port_close();
}

static void a_cancel_that_loses_brings_the_true_result(void **state)
{
    (void)state;
    static struct backend_fixture backend_fixture;
    struct raw_socket peer;
    backend_fixture_port_open();
    for (int round = 0; round < 20; round++) {
        backend_fixture_connect_to(&backend_fixture, &peer);
        backend_fixture_do(&backend_fixture, backend_fixture_recv);
        assert_true(raw_socket_send(&peer, "hello", 5));
        backend_fixture_do(&backend_fixture, backend_fixture_cancel);
        int result = backend_fixture_wait_in(&backend_fixture, 1);
        assert_true(result == GW_E_CLOSED || result == 5);
        backend_fixture_assert_all_came_home(&backend_fixture, 1, 0);
        backend_fixture_end(&backend_fixture);
        raw_socket_close(&peer);
    }
    backend_fixture_port_close();
}

static void recvs_that_wait_hold_no_memory(void **state)
{
    (void)state;
    enum { BACKEND_FIXTURE_COUNT = 30 };
    static struct backend_fixture backend_fixtures[BACKEND_FIXTURE_COUNT];
    struct raw_socket peers[BACKEND_FIXTURE_COUNT];
    backend_fixture_port_open();
    for (int i = 0; i < BACKEND_FIXTURE_COUNT; i++) {
        backend_fixture_connect_to(&backend_fixtures[i], &peers[i]);
        backend_fixture_do(&backend_fixtures[i], backend_fixture_recv);
    }
    assert_int_equal(fixture_counters().pool_bytes, 0);
    for (int i = 0; i < BACKEND_FIXTURE_COUNT; i++) {
        raw_socket_reset(&peers[i]);
        assert_int_equal(backend_fixture_wait_in(&backend_fixtures[i], 1), GW_E_RESET);
        backend_fixture_end(&backend_fixtures[i]);
    }
    backend_fixture_port_close();
}

/* ---- accept ---- */

/* Bytes that the backend holds of a peer who floods a socket that has stopped asking. */
static uint64_t held_of_a_flood(void)
{
    enum { QUIET_COUNT = 4, FLOOD_COUNT = 1000 };
    static struct backend_fixture backend_fixture;
    static const uint8_t flood[4 * GW_STREAM_RECV_BYTES_MAX];
    struct raw_socket peer;
    backend_fixture_connect_to(&backend_fixture, &peer);
    for (uint32_t count = 1; count <= QUIET_COUNT; count++) {
        backend_fixture_do(&backend_fixture, backend_fixture_recv);
        assert_true(raw_socket_send(&peer, "hello", 5));
        assert_int_equal(backend_fixture_wait_in(&backend_fixture, count), 5);
    }
    backend_fixture_do(&backend_fixture, backend_fixture_recv);
    for (int i = 0; i < FLOOD_COUNT; i++) {
        (void)raw_socket_send_some(&peer, flood, sizeof(flood));
    }
    assert_true(backend_fixture_wait_in(&backend_fixture, QUIET_COUNT + 1) > 0);
    fixture_run_now();
    uint64_t held_bytes = fixture_counters().pool_bytes;
    backend_fixture_end(&backend_fixture);
    raw_socket_close(&peer);
    return held_bytes;
}

/* It may read ahead of who always asks again at once; when he does not, it stops soon, however fast
 * the peer goes on. */
static void what_nobody_asks_for_holds_little(void **state)
{
    (void)state;
    enum { PEER_COUNT = 10, HELD_BYTES_MAX = 1024 * 1024 };
    backend_fixture_port_open();
    for (int i = 0; i < PEER_COUNT; i++) {
        assert_in_range(held_of_a_flood(), 0, HELD_BYTES_MAX);
    }
    backend_fixture_port_close();
}

static void an_accept_brings_one_socket(void **state)
{
    (void)state;
    static struct backend_fixture backend_fixture;
    static struct backend_fixture guest;
    struct raw_socket peers[2];
    struct gw_addr addr;
    os_socket handle;
    backend_fixture_port_open();
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &addr), 0);
    assert_int_equal(backend_fixture_ops()->socket_listen(&addr, 10, 0, &handle), 0);
    backend_fixture_init(&backend_fixture, handle);
    backend_fixture.in_done = backend_fixture_accept_done;
    backend_fixture_do(&backend_fixture, backend_fixture_accept);
    backend_fixture_assert_all_came_home(&backend_fixture, 0, 0);
    assert_true(raw_socket_connect(&peers[0], &addr));
    assert_true(raw_socket_connect(&peers[1], &addr));
    assert_int_equal(backend_fixture_wait_in(&backend_fixture, 1), 0);
    backend_fixture_assert_all_came_home(&backend_fixture, 1,
                                         0); /* the second one waits for the next accept */

    backend_fixture_init(&guest, backend_fixture.accepted);
    backend_fixture_do(&guest, backend_fixture_recv);
    assert_true(raw_socket_send(&peers[0], "hello", 5));
    assert_int_equal(backend_fixture_wait_in(&guest, 1), 5);
    backend_fixture_end(&guest);

    backend_fixture_do(&backend_fixture, backend_fixture_accept);
    assert_int_equal(backend_fixture_wait_in(&backend_fixture, 2), 0);
    backend_fixture_ops()->socket_close(backend_fixture.accepted);
    backend_fixture_do(&backend_fixture, backend_fixture_accept);
    backend_fixture_do(&backend_fixture, backend_fixture_cancel_twice);
    assert_int_equal(backend_fixture_wait_in(&backend_fixture, 3), GW_E_CLOSED);
    backend_fixture_assert_all_came_home(&backend_fixture, 3, 0);
    backend_fixture_end(&backend_fixture);
    raw_socket_close(&peers[0]);
    raw_socket_close(&peers[1]);
    backend_fixture_port_close();
}

int contract_backend_in(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_recv_brings_what_is_there_and_0_at_the_end),
        FIXTURE_TEST(a_recv_never_brings_more_than_its_limit),
        FIXTURE_TEST(a_recv_that_waits_may_be_cancelled),
        FIXTURE_TEST(a_cancel_that_loses_brings_the_true_result),
        FIXTURE_TEST(recvs_that_wait_hold_no_memory),
        FIXTURE_TEST(what_nobody_asks_for_holds_little),
        FIXTURE_TEST(an_accept_brings_one_socket),
    };
    return cmocka_run_group_tests_name("contract: backend in", tests, NULL, NULL);
}

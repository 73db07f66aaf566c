/* tests/net/contract_backend_in.c: Accept and recv of a backend, and their cancellation. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "tests/net/endpoint.h"

/* ---- recv ---- */

static void a_recv_returns_the_bytes_that_arrived_and_0_after_fin(void **state)
{
    static struct endpoint endpoint;
    struct raw_socket peer;
    endpoint_port_open();
    endpoint_connect_to(&endpoint, &peer);
    endpoint_do(&endpoint, endpoint_recv);
    endpoint_assert_completed(&endpoint, 0, 0); /* it waits */
    assert_true(raw_socket_send(&peer, "hello", 5));
    assert_int_equal(endpoint_wait_in(&endpoint, 1), 5);
    assert_memory_equal(endpoint.received, "hello", 5);
    raw_socket_finish(&peer);
    endpoint_assert_completed(&endpoint, 1, 0); /* one recv, one done */
    endpoint_do(&endpoint, endpoint_recv);
    assert_int_equal(endpoint_wait_in(&endpoint, 2), 0);
    endpoint_do(&endpoint, endpoint_recv);
    assert_int_equal(endpoint_wait_in(&endpoint, 3), 0); /* and again */
    endpoint_end(&endpoint);
    raw_socket_close(&peer);
    endpoint_port_close();
}

static void a_recv_returns_at_most_one_full_buffer(void **state)
{
    static struct endpoint endpoint;
    static uint8_t data[3 * GW_STREAM_RECV_BYTES_MAX];
    struct raw_socket peer;
    endpoint_port_open();
    endpoint_connect_to(&endpoint, &peer);
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
    assert_true(raw_socket_send(&peer, data, sizeof(data)));
    uint32_t got = 0;
    for (uint32_t count = 1; got < sizeof(data); count++) {
        endpoint_do(&endpoint, endpoint_recv);
        int result = endpoint_wait_in(&endpoint, count);
        assert_in_range(result, 1, GW_STREAM_RECV_BYTES_MAX);
        assert_memory_equal(endpoint.received, data + got, result);
        got += (uint32_t)result;
    }
    endpoint_end(&endpoint);
    raw_socket_close(&peer);
    endpoint_port_close();
}

static void a_waiting_recv_can_be_cancelled(void **state)
{
    static struct endpoint endpoint;
    struct raw_socket peer;
    endpoint_port_open();
    endpoint_connect_to(&endpoint, &peer);
    endpoint_do(&endpoint, endpoint_cancel); /* no operation is in flight */
    endpoint_do(&endpoint, endpoint_recv);
    endpoint_do(&endpoint, endpoint_cancel_twice);
    assert_int_equal(endpoint_wait_in(&endpoint, 1), GW_E_CLOSED);
    endpoint_assert_completed(&endpoint, 1, 0);
    endpoint_do(&endpoint, endpoint_recv_and_cancel);
    assert_int_equal(endpoint_wait_in(&endpoint, 2), GW_E_CLOSED);
    endpoint_assert_completed(&endpoint, 2, 0);
    endpoint_do(&endpoint, endpoint_cancel);
    endpoint_end(&endpoint);
    assert_true(raw_socket_recv_until_end(&peer) <= 0);
    raw_socket_close(&peer);
    endpoint_port_close();
}

static void a_cancel_that_is_too_late_leaves_the_real_result(void **state)
{
    static struct endpoint endpoint;
    struct raw_socket peer;
    endpoint_port_open();
    for (int round = 0; round < 20; round++) {
        endpoint_connect_to(&endpoint, &peer);
        endpoint_do(&endpoint, endpoint_recv);
        assert_true(raw_socket_send(&peer, "hello", 5));
        endpoint_do(&endpoint, endpoint_cancel);
        int result = endpoint_wait_in(&endpoint, 1);
        assert_true(result == GW_E_CLOSED || result == 5);
        endpoint_assert_completed(&endpoint, 1, 0);
        endpoint_end(&endpoint);
        raw_socket_close(&peer);
    }
    endpoint_port_close();
}

static void waiting_recvs_use_no_memory(void **state)
{
    enum { BACKEND_FIXTURE_COUNT = 30 };
    static struct endpoint backend_fixtures[BACKEND_FIXTURE_COUNT];
    struct raw_socket peers[BACKEND_FIXTURE_COUNT];
    endpoint_port_open();
    for (int i = 0; i < BACKEND_FIXTURE_COUNT; i++) {
        endpoint_connect_to(&backend_fixtures[i], &peers[i]);
        endpoint_do(&backend_fixtures[i], endpoint_recv);
    }
    assert_int_equal(fixture_counters().pool_bytes, 0);
    for (int i = 0; i < BACKEND_FIXTURE_COUNT; i++) {
        raw_socket_reset(&peers[i]);
        assert_int_equal(endpoint_wait_in(&backend_fixtures[i], 1), GW_E_RESET);
        endpoint_end(&backend_fixtures[i]);
    }
    endpoint_port_close();
}

/* ---- accept ---- */

/* The pool memory that a backend uses for a peer that floods a socket without a recv. */
static uint64_t pool_bytes_of_a_flood(void)
{
    enum { QUIET_COUNT = 4, FLOOD_COUNT = 1000 };
    static struct endpoint endpoint;
    static const uint8_t flood[4 * GW_STREAM_RECV_BYTES_MAX];
    struct raw_socket peer;
    endpoint_connect_to(&endpoint, &peer);
    for (uint32_t count = 1; count <= QUIET_COUNT; count++) {
        endpoint_do(&endpoint, endpoint_recv);
        assert_true(raw_socket_send(&peer, "hello", 5));
        assert_int_equal(endpoint_wait_in(&endpoint, count), 5);
    }
    endpoint_do(&endpoint, endpoint_recv);
    for (int i = 0; i < FLOOD_COUNT; i++) {
        (void)raw_socket_send_some(&peer, flood, sizeof(flood));
    }
    assert_true(endpoint_wait_in(&endpoint, QUIET_COUNT + 1) > 0);
    fixture_run_now();
    uint64_t pool_bytes = fixture_counters().pool_bytes;
    endpoint_end(&endpoint);
    raw_socket_close(&peer);
    return pool_bytes;
}

/* A backend may read ahead while each done submits the next recv. Without a next recv it stops
 * soon, however fast the peer sends. */
static void bytes_without_a_recv_use_little_memory(void **state)
{
    enum { PEER_COUNT = 10, POOL_BYTES_MAX = 1024 * 1024 };
    endpoint_port_open();
    for (int i = 0; i < PEER_COUNT; i++) {
        assert_in_range(pool_bytes_of_a_flood(), 0, POOL_BYTES_MAX);
    }
    endpoint_port_close();
}

static void an_accept_returns_one_socket(void **state)
{
    static struct endpoint endpoint;
    static struct endpoint guest;
    struct raw_socket peers[2];
    struct gw_addr addr;
    os_socket handle;
    endpoint_port_open();
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &addr), 0);
    assert_int_equal(endpoint_ops()->socket_listen(&addr, 10, 0, &handle), 0);
    endpoint_init(&endpoint, handle);
    endpoint.in_done = endpoint_accept_done;
    endpoint_do(&endpoint, endpoint_accept);
    endpoint_assert_completed(&endpoint, 0, 0);
    assert_true(raw_socket_connect(&peers[0], &addr));
    assert_true(raw_socket_connect(&peers[1], &addr));
    assert_int_equal(endpoint_wait_in(&endpoint, 1), 0);
    endpoint_assert_completed(&endpoint, 1, 0); /* the second one waits for the next accept */

    endpoint_init(&guest, endpoint.accepted);
    endpoint_do(&guest, endpoint_recv);
    assert_true(raw_socket_send(&peers[0], "hello", 5));
    assert_int_equal(endpoint_wait_in(&guest, 1), 5);
    endpoint_end(&guest);

    endpoint_do(&endpoint, endpoint_accept);
    assert_int_equal(endpoint_wait_in(&endpoint, 2), 0);
    endpoint_ops()->socket_close(endpoint.accepted);
    endpoint_do(&endpoint, endpoint_accept);
    endpoint_do(&endpoint, endpoint_cancel_twice);
    assert_int_equal(endpoint_wait_in(&endpoint, 3), GW_E_CLOSED);
    endpoint_assert_completed(&endpoint, 3, 0);
    endpoint_end(&endpoint);
    raw_socket_close(&peers[0]);
    raw_socket_close(&peers[1]);
    endpoint_port_close();
}

int contract_backend_in(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_recv_returns_the_bytes_that_arrived_and_0_after_fin),
        FIXTURE_TEST(a_recv_returns_at_most_one_full_buffer),
        FIXTURE_TEST(a_waiting_recv_can_be_cancelled),
        FIXTURE_TEST(a_cancel_that_is_too_late_leaves_the_real_result),
        FIXTURE_TEST(waiting_recvs_use_no_memory),
        FIXTURE_TEST(bytes_without_a_recv_use_little_memory),
        FIXTURE_TEST(an_accept_returns_one_socket),
    };
    return cmocka_run_group_tests_name("contract: backend in", tests, NULL, NULL);
}

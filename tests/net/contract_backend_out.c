/* tests/net/contract_backend_out.c: Connect, send and shutdown of a backend, and their
 * cancellation. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "tests/net/endpoint.h"

/* ---- connect ---- */

static void a_connect_without_a_listener_is_refused(void **state)
{
    static struct endpoint endpoint;
    endpoint_port_open();
    raw_socket_close(&endpoint_listener);
    endpoint_dial(&endpoint, &endpoint_listener_addr);
    endpoint_do(&endpoint, endpoint_connect);
    assert_int_equal(endpoint_wait_out(&endpoint, 1), GW_E_REFUSED);
    endpoint_assert_completed(&endpoint, 0, 1);
    endpoint_end(&endpoint);
    fixture_close();
}

static void a_connect_can_be_cancelled(void **state)
{
    enum { BACKEND_FIXTURE_COUNT = 6 };
    static struct endpoint backend_fixtures[BACKEND_FIXTURE_COUNT];
    endpoint_port_open();
    raw_socket_close(&endpoint_listener);
    assert_true(raw_socket_listen(&endpoint_listener, &endpoint_listener_addr, 0)); /* soon full */
    for (int i = 0; i < BACKEND_FIXTURE_COUNT; i++) {
        endpoint_dial(&backend_fixtures[i], &endpoint_listener_addr);
        endpoint_do(&backend_fixtures[i], endpoint_connect);
    }
    for (int i = 0; i < BACKEND_FIXTURE_COUNT; i++) {
        endpoint_do(&backend_fixtures[i], endpoint_cancel);
        int result = endpoint_wait_out(&backend_fixtures[i], 1);
        assert_true(result == 0 || result == GW_E_CLOSED);
        endpoint_assert_completed(&backend_fixtures[i], 0, 1);
        endpoint_end(&backend_fixtures[i]);
    }
    assert_int_equal(atomic_load(&backend_fixtures[BACKEND_FIXTURE_COUNT - 1].out.result),
                     GW_E_CLOSED);
    endpoint_port_close();
}

/* ---- send ---- */

static void a_send_of_64_spans_keeps_their_order(void **state)
{
    static struct endpoint endpoint;
    static uint8_t data[GW_SEND_SPAN_COUNT_MAX];
    uint8_t received[GW_SEND_SPAN_COUNT_MAX];
    struct raw_socket peer;
    endpoint_port_open();
    endpoint_connect_to(&endpoint, &peer);
    for (int i = 0; i < GW_SEND_SPAN_COUNT_MAX; i++) {
        data[i] = (uint8_t)i;
        endpoint.spans[i] = (struct gw_span){&data[i], 1};
    }
    endpoint.span_count = GW_SEND_SPAN_COUNT_MAX;
    endpoint_do(&endpoint, endpoint_send);
    assert_int_equal(endpoint_wait_out(&endpoint, 1), GW_SEND_SPAN_COUNT_MAX);
    assert_true(raw_socket_recv_all(&peer, received, sizeof(received)));
    assert_memory_equal(received, data, sizeof(data));
    endpoint_end(&endpoint);
    raw_socket_close(&peer);
    endpoint_port_close();
}

/* Sends until a send waits for room. Returns how many have completed before it. */
static uint32_t fill(struct endpoint *endpoint)
{
    static uint8_t data[1 << 20];
    uint32_t count = 0;
    raw_socket_narrow((intptr_t)endpoint->socket.handle);
    endpoint_set_span(endpoint, data, sizeof(data));
    for (;; count++) {
        endpoint_do(endpoint, endpoint_send);
        fixture_run_now();
        if (atomic_load(&endpoint->out.count) == count) {
            return count;
        }
        assert_true(atomic_load(&endpoint->out.result) >= 0);
    }
}

static void a_send_waits_for_room(void **state)
{
    static struct endpoint endpoint;
    static uint8_t received[100000];
    struct raw_socket peer;
    endpoint_port_open();
    endpoint_connect_to(&endpoint, &peer);
    uint32_t count = fill(&endpoint);
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    while (atomic_load(&endpoint.out.count) == count && os_now_ns() < end_ns) {
        if (raw_socket_has_news(&peer)) {
            assert_true(raw_socket_recv(&peer, received, sizeof(received)) > 0);
        }
        machine_sleep_ms(1);
    }
    assert_true(endpoint_wait_out(&endpoint, count + 1) >= 0);
    endpoint_assert_completed(&endpoint, 0, count + 1);
    endpoint_end(&endpoint);
    raw_socket_close(&peer);
    endpoint_port_close();
}

static void a_waiting_send_can_be_cancelled_or_reset(void **state)
{
    static struct endpoint endpoint;
    endpoint_port_open();
    for (int round = 0; round < 2; round++) {
        struct raw_socket peer;
        endpoint_connect_to(&endpoint, &peer);
        uint32_t count = fill(&endpoint);
        endpoint_do(&endpoint, endpoint_recv);
        if (round == 0) {
            endpoint_do(&endpoint, endpoint_cancel);
            (void)endpoint_wait_out(&endpoint, count + 1);
            assert_int_equal(endpoint_wait_in(&endpoint, 1), GW_E_CLOSED);
        } else {
            raw_socket_reset(&peer);
            assert_true(endpoint_wait_out(&endpoint, count + 1) <= 0);
            assert_true(endpoint_wait_in(&endpoint, 1) <= 0);
        }
        endpoint_assert_completed(&endpoint, 1, count + 1);
        endpoint_end(&endpoint);
        raw_socket_close(&peer);
    }
    endpoint_port_close();
}

static void a_send_after_a_reset_fails_and_raises_no_sigpipe(void **state)
{
    static struct endpoint endpoint;
    struct raw_socket peer;
    endpoint_port_open();
    endpoint_connect_to(&endpoint, &peer);
    raw_socket_reset(&peer);
    endpoint_set_span(&endpoint, "hello", 5);
    uint32_t count = 0;
    do { /* the reset may not have arrived yet */
        endpoint_do(&endpoint, endpoint_send);
        count++;
    } while (endpoint_wait_out(&endpoint, count) >= 0 && count < 1000);
    assert_int_equal(atomic_load(&endpoint.out.result), GW_E_RESET);
    endpoint_end(&endpoint);
    endpoint_port_close();
}

static void after_a_shutdown_receiving_goes_on(void **state)
{
    static struct endpoint endpoint;
    struct raw_socket peer;
    endpoint_port_open();
    endpoint_connect_to(&endpoint, &peer);
    endpoint_do(&endpoint, endpoint_shutdown);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    assert_true(raw_socket_send(&peer, "hello", 5));
    endpoint_do(&endpoint, endpoint_recv);
    assert_int_equal(endpoint_wait_in(&endpoint, 1), 5);
    endpoint_end(&endpoint);
    raw_socket_close(&peer);
    endpoint_port_close();
}

int contract_backend_out(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_connect_without_a_listener_is_refused),
        FIXTURE_TEST(a_connect_can_be_cancelled),
        FIXTURE_TEST(a_send_of_64_spans_keeps_their_order),
        FIXTURE_TEST(a_send_waits_for_room),
        FIXTURE_TEST(a_waiting_send_can_be_cancelled_or_reset),
        FIXTURE_TEST(a_send_after_a_reset_fails_and_raises_no_sigpipe),
        FIXTURE_TEST(after_a_shutdown_receiving_goes_on),
    };
    return cmocka_run_group_tests_name("contract: backend out", tests, NULL, NULL);
}

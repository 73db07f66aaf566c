/* tests/net/contract_backend_out.c: a backend's connect, send and shutdown, and how they are
 * cancelled. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "tests/net/backend_fixture.h"

/* ---- connect ---- */

static void a_connect_to_nobody_is_refused(void **state)
{
    (void)state;
    static struct backend_fixture backend_fixture;
    backend_fixture_port_open();
    raw_socket_close(&backend_fixture_listener);
    backend_fixture_dial(&backend_fixture, &backend_fixture_listener_addr);
    backend_fixture_do(&backend_fixture, backend_fixture_connect);
    assert_int_equal(backend_fixture_wait_out(&backend_fixture, 1), GW_E_REFUSED);
    backend_fixture_assert_all_came_home(&backend_fixture, 0, 1);
    backend_fixture_end(&backend_fixture);
    fixture_close();
}

static void a_connect_may_be_cancelled(void **state)
{
    (void)state;
    enum { BACKEND_FIXTURE_COUNT = 6 };
    static struct backend_fixture backend_fixtures[BACKEND_FIXTURE_COUNT];
    backend_fixture_port_open();
    raw_socket_close(&backend_fixture_listener);
    assert_true(raw_socket_listen(&backend_fixture_listener, &backend_fixture_listener_addr,
                                  0)); /* soon full */
    for (int i = 0; i < BACKEND_FIXTURE_COUNT; i++) {
        backend_fixture_dial(&backend_fixtures[i], &backend_fixture_listener_addr);
        backend_fixture_do(&backend_fixtures[i], backend_fixture_connect);
    }
    for (int i = 0; i < BACKEND_FIXTURE_COUNT; i++) {
        backend_fixture_do(&backend_fixtures[i], backend_fixture_cancel);
        int result = backend_fixture_wait_out(&backend_fixtures[i], 1);
        assert_true(result == 0 || result == GW_E_CLOSED);
        backend_fixture_assert_all_came_home(&backend_fixtures[i], 0, 1);
        backend_fixture_end(&backend_fixtures[i]);
    }
    assert_int_equal(atomic_load(&backend_fixtures[BACKEND_FIXTURE_COUNT - 1].out.result),
                     GW_E_CLOSED);
    backend_fixture_port_close();
}

/* ---- send ---- */

static void a_send_of_64_spans_keeps_their_order(void **state)
{
    (void)state;
    static struct backend_fixture backend_fixture;
    static uint8_t data[GW_SEND_SPAN_COUNT_MAX];
    uint8_t received[GW_SEND_SPAN_COUNT_MAX];
    struct raw_socket peer;
    backend_fixture_port_open();
    backend_fixture_connect_to(&backend_fixture, &peer);
    for (int i = 0; i < GW_SEND_SPAN_COUNT_MAX; i++) {
        data[i] = (uint8_t)i;
        backend_fixture.spans[i] = (struct gw_span){&data[i], 1};
    }
    backend_fixture.span_count = GW_SEND_SPAN_COUNT_MAX;
    backend_fixture_do(&backend_fixture, backend_fixture_send);
    assert_int_equal(backend_fixture_wait_out(&backend_fixture, 1), GW_SEND_SPAN_COUNT_MAX);
    assert_true(raw_socket_recv_all(&peer, received, sizeof(received)));
    assert_memory_equal(received, data, sizeof(data));
    backend_fixture_end(&backend_fixture);
    raw_socket_close(&peer);
    backend_fixture_port_close();
}

/* Sends until a send waits for room. Returns how many were done before it. */
static uint32_t fill(struct backend_fixture *backend_fixture)
{
    static uint8_t data[1 << 20];
    uint32_t count = 0;
    raw_socket_narrow((intptr_t)backend_fixture->socket.handle);
    backend_fixture_set_span(backend_fixture, data, sizeof(data));
    for (;; count++) {
        backend_fixture_do(backend_fixture, backend_fixture_send);
        fixture_run_now();
        if (atomic_load(&backend_fixture->out.count) == count) {
            return count;
        }
        assert_true(atomic_load(&backend_fixture->out.result) >= 0);
    }
}

static void a_send_waits_for_room(void **state)
{
    (void)state;
    static struct backend_fixture backend_fixture;
    static uint8_t received[100000];
    struct raw_socket peer;
    backend_fixture_port_open();
    backend_fixture_connect_to(&backend_fixture, &peer);
    uint32_t count = fill(&backend_fixture);
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    while (atomic_load(&backend_fixture.out.count) == count && os_now_ns() < end_ns) {
        if (raw_socket_has_news(&peer)) {
            assert_true(raw_socket_recv(&peer, received, sizeof(received)) > 0);
        }
        machine_sleep_ms(1);
    }
    assert_true(backend_fixture_wait_out(&backend_fixture, count + 1) >= 0);
    backend_fixture_assert_all_came_home(&backend_fixture, 0, count + 1);
    backend_fixture_end(&backend_fixture);
    raw_socket_close(&peer);
    backend_fixture_port_close();
}

static void a_send_that_waits_may_be_cancelled_or_reset(void **state)
{
    (void)state;
    static struct backend_fixture backend_fixture;
    backend_fixture_port_open();
    for (int round = 0; round < 2; round++) {
        struct raw_socket peer;
        backend_fixture_connect_to(&backend_fixture, &peer);
        uint32_t count = fill(&backend_fixture);
        backend_fixture_do(&backend_fixture, backend_fixture_recv);
        if (round == 0) {
            backend_fixture_do(&backend_fixture, backend_fixture_cancel);
            (void)backend_fixture_wait_out(&backend_fixture, count + 1);
            assert_int_equal(backend_fixture_wait_in(&backend_fixture, 1), GW_E_CLOSED);
        } else {
            raw_socket_reset(&peer);
            assert_true(backend_fixture_wait_out(&backend_fixture, count + 1) <= 0);
            assert_true(backend_fixture_wait_in(&backend_fixture, 1) <= 0);
        }
        backend_fixture_assert_all_came_home(&backend_fixture, 1, count + 1);
        backend_fixture_end(&backend_fixture);
        raw_socket_close(&peer);
    }
    backend_fixture_port_close();
}

static void a_send_to_a_peer_that_is_gone_fails_and_kills_nobody(void **state)
{
    (void)state;
    static struct backend_fixture backend_fixture;
    struct raw_socket peer;
    backend_fixture_port_open();
    backend_fixture_connect_to(&backend_fixture, &peer);
    raw_socket_reset(&peer);
    backend_fixture_set_span(&backend_fixture, "hello", 5);
    uint32_t count = 0;
    do { /* the reset may not be here yet */
        backend_fixture_do(&backend_fixture, backend_fixture_send);
        count++;
    } while (backend_fixture_wait_out(&backend_fixture, count) >= 0 && count < 1000);
    assert_int_equal(atomic_load(&backend_fixture.out.result), GW_E_RESET);
    backend_fixture_end(&backend_fixture);
    backend_fixture_port_close();
}

static void after_a_shutdown_receiving_goes_on(void **state)
{
    (void)state;
    static struct backend_fixture backend_fixture;
    struct raw_socket peer;
    backend_fixture_port_open();
    backend_fixture_connect_to(&backend_fixture, &peer);
    backend_fixture_do(&backend_fixture, backend_fixture_shutdown);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    assert_true(raw_socket_send(&peer, "hello", 5));
    backend_fixture_do(&backend_fixture, backend_fixture_recv);
    assert_int_equal(backend_fixture_wait_in(&backend_fixture, 1), 5);
    backend_fixture_end(&backend_fixture);
    raw_socket_close(&peer);
    backend_fixture_port_close();
}

int contract_backend_out(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_connect_to_nobody_is_refused),
        FIXTURE_TEST(a_connect_may_be_cancelled),
        FIXTURE_TEST(a_send_of_64_spans_keeps_their_order),
        FIXTURE_TEST(a_send_waits_for_room),
        FIXTURE_TEST(a_send_that_waits_may_be_cancelled_or_reset),
        FIXTURE_TEST(a_send_to_a_peer_that_is_gone_fails_and_kills_nobody),
        FIXTURE_TEST(after_a_shutdown_receiving_goes_on),
    };
    return cmocka_run_group_tests_name("contract: backend out", tests, NULL, NULL);
}

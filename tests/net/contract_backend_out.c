/* tests/net/contract_backend_out.c: a backend's connect, send and shutdown, and how they are
 * cancelled. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "tests/net/rig.h"

/* ---- connect ---- */

static void a_connect_to_nobody_is_refused(void **state)
{
    (void)state;
    static struct rig rig;
    rig_stage_open();
    raw_socket_close(&rig_listener);
    rig_dial(&rig, &rig_listener_addr);
    rig_do(&rig, rig_connect);
    assert_int_equal(rig_wait_out(&rig, 1), GW_E_REFUSED);
    rig_assert_all_came_home(&rig, 0, 1);
    rig_end(&rig);
    stage_close();
}

static void a_connect_may_be_cancelled(void **state)
{
    (void)state;
    enum { RIG_COUNT = 6 };
    static struct rig rigs[RIG_COUNT];
    rig_stage_open();
    raw_socket_close(&rig_listener);
    assert_true(raw_socket_listen(&rig_listener, &rig_listener_addr, 0)); /* soon full */
    for (int i = 0; i < RIG_COUNT; i++) {
        rig_dial(&rigs[i], &rig_listener_addr);
        rig_do(&rigs[i], rig_connect);
    }
    for (int i = 0; i < RIG_COUNT; i++) {
        rig_do(&rigs[i], rig_cancel);
        int result = rig_wait_out(&rigs[i], 1);
        assert_true(result == 0 || result == GW_E_CLOSED);
        rig_assert_all_came_home(&rigs[i], 0, 1);
        rig_end(&rigs[i]);
    }
    assert_int_equal(atomic_load(&rigs[RIG_COUNT - 1].out.result), GW_E_CLOSED);
    rig_stage_close();
}

/* ---- send ---- */

static void a_send_of_64_spans_keeps_their_order(void **state)
{
    (void)state;
    static struct rig rig;
    static uint8_t data[GW_SEND_SPAN_COUNT_MAX];
    uint8_t heard[GW_SEND_SPAN_COUNT_MAX];
    struct raw_socket peer;
    rig_stage_open();
    rig_connect_to(&rig, &peer);
    for (int i = 0; i < GW_SEND_SPAN_COUNT_MAX; i++) {
        data[i] = (uint8_t)i;
        rig.spans[i] = (struct gw_span){&data[i], 1};
    }
    rig.span_count = GW_SEND_SPAN_COUNT_MAX;
    rig_do(&rig, rig_send);
    assert_int_equal(rig_wait_out(&rig, 1), GW_SEND_SPAN_COUNT_MAX);
    assert_true(raw_socket_recv_all(&peer, heard, sizeof(heard)));
    assert_memory_equal(heard, data, sizeof(data));
    rig_end(&rig);
    raw_socket_close(&peer);
    rig_stage_close();
}

/* Sends until a send waits for room. Returns how many were done before it. */
static uint32_t fill(struct rig *rig)
{
    static uint8_t data[1 << 20];
    uint32_t count = 0;
    raw_socket_narrow((intptr_t)rig->socket.handle);
    rig_set_span(rig, data, sizeof(data));
    for (;; count++) {
        rig_do(rig, rig_send);
        stage_settle();
        if (atomic_load(&rig->out.count) == count) {
            return count;
        }
        assert_true(atomic_load(&rig->out.result) >= 0);
    }
}

static void a_send_waits_for_room(void **state)
{
    (void)state;
    static struct rig rig;
    static uint8_t heard[100000];
    struct raw_socket peer;
    rig_stage_open();
    rig_connect_to(&rig, &peer);
    uint32_t count = fill(&rig);
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    while (atomic_load(&rig.out.count) == count && os_now_ns() < end_ns) {
        if (raw_socket_has_news(&peer)) {
            assert_true(raw_socket_recv(&peer, heard, sizeof(heard)) > 0);
        }
        machine_sleep_ms(1);
    }
    assert_true(rig_wait_out(&rig, count + 1) >= 0);
    rig_assert_all_came_home(&rig, 0, count + 1);
    rig_end(&rig);
    raw_socket_close(&peer);
    rig_stage_close();
}

static void a_send_that_waits_may_be_cancelled_or_reset(void **state)
{
    (void)state;
    static struct rig rig;
    rig_stage_open();
    for (int round = 0; round < 2; round++) {
        struct raw_socket peer;
        rig_connect_to(&rig, &peer);
        uint32_t count = fill(&rig);
        rig_do(&rig, rig_recv);
        if (round == 0) {
            rig_do(&rig, rig_cancel);
            (void)rig_wait_out(&rig, count + 1);
            assert_int_equal(rig_wait_in(&rig, 1), GW_E_CLOSED);
        } else {
            raw_socket_reset(&peer);
            assert_true(rig_wait_out(&rig, count + 1) <= 0);
            assert_true(rig_wait_in(&rig, 1) <= 0);
        }
        rig_assert_all_came_home(&rig, 1, count + 1);
        rig_end(&rig);
        raw_socket_close(&peer);
    }
    rig_stage_close();
}

static void a_send_to_a_peer_that_is_gone_fails_and_kills_nobody(void **state)
{
    (void)state;
    static struct rig rig;
    struct raw_socket peer;
    rig_stage_open();
    rig_connect_to(&rig, &peer);
    raw_socket_reset(&peer);
    rig_set_span(&rig, "hello", 5);
    uint32_t count = 0;
    do { /* the reset may not be here yet */
        rig_do(&rig, rig_send);
        count++;
    } while (rig_wait_out(&rig, count) >= 0 && count < 1000);
    assert_int_equal(atomic_load(&rig.out.result), GW_E_RESET);
    rig_end(&rig);
    rig_stage_close();
}

static void after_a_shutdown_receiving_goes_on(void **state)
{
    (void)state;
    static struct rig rig;
    struct raw_socket peer;
    rig_stage_open();
    rig_connect_to(&rig, &peer);
    rig_do(&rig, rig_shutdown);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    assert_true(raw_socket_send(&peer, "hello", 5));
    rig_do(&rig, rig_recv);
    assert_int_equal(rig_wait_in(&rig, 1), 5);
    rig_end(&rig);
    raw_socket_close(&peer);
    rig_stage_close();
}

int contract_backend_out(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(a_connect_to_nobody_is_refused),
        STAGE_TEST(a_connect_may_be_cancelled),
        STAGE_TEST(a_send_of_64_spans_keeps_their_order),
        STAGE_TEST(a_send_waits_for_room),
        STAGE_TEST(a_send_that_waits_may_be_cancelled_or_reset),
        STAGE_TEST(a_send_to_a_peer_that_is_gone_fails_and_kills_nobody),
        STAGE_TEST(after_a_shutdown_receiving_goes_on),
    };
    return cmocka_run_group_tests_name("contract: backend out", tests, NULL, NULL);
}

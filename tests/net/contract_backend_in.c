/* tests/net/contract_backend_in.c: a backend's accept and recv, and how they are cancelled. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "tests/net/rig.h"

/* ---- recv ---- */

static void a_recv_brings_what_is_there_and_0_at_the_end(void **state)
{
    (void)state;
    static struct rig rig;
    struct raw_socket peer;
    rig_stage_open();
    rig_connect_to(&rig, &peer);
    rig_do(&rig, rig_recv);
    rig_assert_all_came_home(&rig, 0, 0); /* it waits */
    assert_true(raw_socket_send(&peer, "hello", 5));
    assert_int_equal(rig_wait_in(&rig, 1), 5);
    assert_memory_equal(rig.heard, "hello", 5);
    raw_socket_finish(&peer);
    rig_assert_all_came_home(&rig, 1, 0); /* one recv, one done */
    rig_do(&rig, rig_recv);
    assert_int_equal(rig_wait_in(&rig, 2), 0);
    rig_do(&rig, rig_recv);
    assert_int_equal(rig_wait_in(&rig, 3), 0); /* and again */
    rig_end(&rig);
    raw_socket_close(&peer);
    rig_stage_close();
}

static void a_recv_never_brings_more_than_its_limit(void **state)
{
    (void)state;
    static struct rig rig;
    static uint8_t data[3 * GW_STREAM_RECV_BYTES_MAX];
    struct raw_socket peer;
    rig_stage_open();
    rig_connect_to(&rig, &peer);
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
    assert_true(raw_socket_send(&peer, data, sizeof(data)));
    uint32_t got = 0;
    for (uint32_t count = 1; got < sizeof(data); count++) {
        rig_do(&rig, rig_recv);
        int result = rig_wait_in(&rig, count);
        assert_in_range(result, 1, GW_STREAM_RECV_BYTES_MAX);
        assert_memory_equal(rig.heard, data + got, result);
        got += (uint32_t)result;
    }
    rig_end(&rig);
    raw_socket_close(&peer);
    rig_stage_close();
}

static void a_recv_that_waits_may_be_cancelled(void **state)
{
    (void)state;
    static struct rig rig;
    struct raw_socket peer;
    rig_stage_open();
    rig_connect_to(&rig, &peer);
    rig_do(&rig, rig_cancel); /* harmless: nothing is in flight */
    rig_do(&rig, rig_recv);
    rig_do(&rig, rig_cancel_twice);
    assert_int_equal(rig_wait_in(&rig, 1), GW_E_CLOSED);
    rig_assert_all_came_home(&rig, 1, 0);
    rig_do(&rig, rig_recv_and_cancel);
    assert_int_equal(rig_wait_in(&rig, 2), GW_E_CLOSED);
    rig_assert_all_came_home(&rig, 2, 0);
    rig_do(&rig, rig_cancel);
    rig_end(&rig);
    assert_true(raw_socket_recv_until_end(&peer) <= 0);
    raw_socket_close(&peer);
    rig_stage_close();
}

static void a_cancel_that_loses_brings_the_true_result(void **state)
{
    (void)state;
    static struct rig rig;
    struct raw_socket peer;
    rig_stage_open();
    for (int round = 0; round < 20; round++) {
        rig_connect_to(&rig, &peer);
        rig_do(&rig, rig_recv);
        assert_true(raw_socket_send(&peer, "hello", 5));
        rig_do(&rig, rig_cancel);
        int result = rig_wait_in(&rig, 1);
        assert_true(result == GW_E_CLOSED || result == 5);
        rig_assert_all_came_home(&rig, 1, 0);
        rig_end(&rig);
        raw_socket_close(&peer);
    }
    rig_stage_close();
}

static void recvs_that_wait_hold_no_memory(void **state)
{
    (void)state;
    enum { RIG_COUNT = 30 };
    static struct rig rigs[RIG_COUNT];
    struct raw_socket peers[RIG_COUNT];
    rig_stage_open();
    for (int i = 0; i < RIG_COUNT; i++) {
        rig_connect_to(&rigs[i], &peers[i]);
        rig_do(&rigs[i], rig_recv);
    }
    assert_int_equal(stage_counters().pool_bytes, 0);
    for (int i = 0; i < RIG_COUNT; i++) {
        raw_socket_reset(&peers[i]);
        assert_int_equal(rig_wait_in(&rigs[i], 1), GW_E_RESET);
        rig_end(&rigs[i]);
    }
    rig_stage_close();
}

/* ---- accept ---- */

/* Bytes that the backend holds of a peer who floods a socket that has stopped asking. */
static uint64_t held_of_a_flood(void)
{
    enum { QUIET_COUNT = 4, FLOOD_COUNT = 1000 };
    static struct rig rig;
    static const uint8_t flood[4 * GW_STREAM_RECV_BYTES_MAX];
    struct raw_socket peer;
    rig_connect_to(&rig, &peer);
    for (uint32_t count = 1; count <= QUIET_COUNT; count++) {
        rig_do(&rig, rig_recv);
        assert_true(raw_socket_send(&peer, "hello", 5));
        assert_int_equal(rig_wait_in(&rig, count), 5);
    }
    rig_do(&rig, rig_recv);
    for (int i = 0; i < FLOOD_COUNT; i++) {
        (void)raw_socket_send_some(&peer, flood, sizeof(flood));
    }
    assert_true(rig_wait_in(&rig, QUIET_COUNT + 1) > 0);
    stage_settle();
    uint64_t held_bytes = stage_counters().pool_bytes;
    rig_end(&rig);
    raw_socket_close(&peer);
    return held_bytes;
}

/* It may read ahead of who always asks again at once; when he does not, it stops soon, however fast
 * the peer goes on. */
static void what_nobody_asks_for_holds_little(void **state)
{
    (void)state;
    enum { PEER_COUNT = 10, HELD_BYTES_MAX = 1024 * 1024 };
    rig_stage_open();
    for (int i = 0; i < PEER_COUNT; i++) {
        assert_in_range(held_of_a_flood(), 0, HELD_BYTES_MAX);
    }
    rig_stage_close();
}

static void an_accept_brings_one_socket(void **state)
{
    (void)state;
    static struct rig rig;
    static struct rig guest;
    struct raw_socket peers[2];
    struct gw_addr addr;
    os_socket handle;
    rig_stage_open();
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &addr), 0);
    assert_int_equal(rig_ops()->socket_listen(&addr, 10, 0, &handle), 0);
    rig_init(&rig, handle);
    rig.in_done = rig_accept_done;
    rig_do(&rig, rig_accept);
    rig_assert_all_came_home(&rig, 0, 0);
    assert_true(raw_socket_connect(&peers[0], &addr));
    assert_true(raw_socket_connect(&peers[1], &addr));
    assert_int_equal(rig_wait_in(&rig, 1), 0);
    rig_assert_all_came_home(&rig, 1, 0); /* the second one waits for the next accept */

    rig_init(&guest, rig.accepted);
    rig_do(&guest, rig_recv);
    assert_true(raw_socket_send(&peers[0], "hello", 5));
    assert_int_equal(rig_wait_in(&guest, 1), 5);
    rig_end(&guest);

    rig_do(&rig, rig_accept);
    assert_int_equal(rig_wait_in(&rig, 2), 0);
    rig_ops()->socket_close(rig.accepted);
    rig_do(&rig, rig_accept);
    rig_do(&rig, rig_cancel_twice);
    assert_int_equal(rig_wait_in(&rig, 3), GW_E_CLOSED);
    rig_assert_all_came_home(&rig, 3, 0);
    rig_end(&rig);
    raw_socket_close(&peers[0]);
    raw_socket_close(&peers[1]);
    rig_stage_close();
}

int contract_backend_in(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(a_recv_brings_what_is_there_and_0_at_the_end),
        STAGE_TEST(a_recv_never_brings_more_than_its_limit),
        STAGE_TEST(a_recv_that_waits_may_be_cancelled),
        STAGE_TEST(a_cancel_that_loses_brings_the_true_result),
        STAGE_TEST(recvs_that_wait_hold_no_memory),
        STAGE_TEST(what_nobody_asks_for_holds_little),
        STAGE_TEST(an_accept_brings_one_socket),
    };
    return cmocka_run_group_tests_name("contract: backend in", tests, NULL, NULL);
}

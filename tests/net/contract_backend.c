/* tests/net/contract_backend.c: the backend's functions themselves, one operation at a time. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/internal.h"
#include "tests/net/stage.h"
#include <string.h>

/* What an operation brought. */
struct outcome {
    atomic_uint count;
    atomic_int result;
};

/* An object with a socket, and nothing of a stream. */
struct rig {
    struct gw_turn turn;
    struct gw_socket socket;
    struct gw_op in_op;
    struct gw_op out_op;
    struct outcome in;
    struct outcome out;
    os_socket accepted;
    uint8_t heard[GW_STREAM_RECV_BYTES_MAX];
    struct gw_addr addr;
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    int span_count;
};

static const struct gw_backend_ops *ops(void)
{
    return gw__port_ops(stage.port);
}

static void bring(struct outcome *outcome, int result)
{
    atomic_store(&outcome->result, result);
    atomic_fetch_add(&outcome->count, 1);
}

static void out_done(struct gw_op *op, int result)
{
    struct rig *rig = (struct rig *)((char *)op - offsetof(struct rig, out_op));
    bring(&rig->out, result);
}

static void recv_done(struct gw_op *op, int result)
{
    struct rig *rig = (struct rig *)((char *)op - offsetof(struct rig, in_op));
    if (result > 0) {
        memcpy(rig->heard, op->out.data, (size_t)result);
    }
    bring(&rig->in, result);
}

static void accept_done(struct gw_op *op, int result)
{
    struct rig *rig = (struct rig *)((char *)op - offsetof(struct rig, in_op));
    rig->accepted = result == 0 ? op->out.accepted : OS_SOCKET_NONE;
    bring(&rig->in, result);
}

/* ---- what is done in a turn ---- */

static void attach_errand(void *context)
{
    struct rig *rig = context;
    if (ops()->attach(&rig->socket) != 0) {
        checking_kernel_break("a socket can be attached");
    }
}

static void accept_errand(void *context)
{
    struct rig *rig = context;
    ops()->accept(&rig->socket, &rig->in_op);
}

static void connect_errand(void *context)
{
    struct rig *rig = context;
    ops()->connect(&rig->socket, &rig->out_op, &rig->addr);
}

static void recv_errand(void *context)
{
    struct rig *rig = context;
    ops()->recv(&rig->socket, &rig->in_op);
}

static void send_errand(void *context)
{
    struct rig *rig = context;
    ops()->send(&rig->socket, &rig->out_op, rig->spans, rig->span_count);
}

static void shutdown_errand(void *context)
{
    struct rig *rig = context;
    ops()->shutdown(&rig->socket);
}

static void cancel_errand(void *context)
{
    struct rig *rig = context;
    ops()->cancel(&rig->socket);
}

static void cancel_twice_errand(void *context)
{
    cancel_errand(context);
    cancel_errand(context);
}

static void recv_and_cancel_errand(void *context)
{
    recv_errand(context);
    cancel_errand(context);
}

static void detach_errand(void *context)
{
    struct rig *rig = context;
    ops()->detach(&rig->socket);
}

static void in_turn(struct rig *rig, void (*errand)(void *context))
{
    run_in_turn(&rig->turn, errand, rig);
}

/* ---- rigs ---- */

static struct raw_socket listener;
static struct gw_addr listener_addr;

static void open_with_listener(void)
{
    stage_open(&(struct stage_plan){.play = NULL});
    stage_settle();
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &listener_addr), 0);
    assert_true(raw_socket_listen(&listener, &listener_addr, 100));
}

static void close_with_listener(void)
{
    raw_socket_close(&listener);
    stage_close();
}

static void rig_init(struct rig *rig, os_socket handle)
{
    memset(rig, 0, sizeof(*rig));
    gw_turn_init(&rig->turn, stage.port, NULL);
    rig->socket.handle = handle;
    rig->socket.turn = &rig->turn;
    rig->in_op.done = recv_done;
    rig->out_op.done = out_done;
    in_turn(rig, attach_errand);
}

static void rig_dial(struct rig *rig, const struct gw_addr *addr)
{
    os_socket handle;
    assert_int_equal(ops()->socket_open(addr, NULL, &handle), 0);
    rig_init(rig, handle);
    rig->addr = *addr;
}

/* A rig that is connected to `peer_out`. */
static void rig_connect(struct rig *rig, struct raw_socket *peer_out)
{
    struct gw_addr from;
    rig_dial(rig, &listener_addr);
    in_turn(rig, connect_errand);
    WAIT_FOR(atomic_load(&rig->out.count) == 1);
    assert_int_equal(atomic_load(&rig->out.result), 0);
    assert_true(raw_socket_accept(&listener, peer_out, &from));
    atomic_store(&rig->out.count, 0);
}

/* Its turn may be running still when its errand is done, but not when all lanes have settled. */
static void rig_end(struct rig *rig)
{
    in_turn(rig, detach_errand);
    stage_settle();
}

static void set_span(struct rig *rig, const void *data, uint32_t bytes)
{
    rig->spans[0] = (struct gw_span){data, bytes};
    rig->span_count = 1;
}

static int wait_in(struct rig *rig, uint32_t count)
{
    WAIT_FOR(atomic_load(&rig->in.count) >= count);
    return atomic_load(&rig->in.result);
}

static int wait_out(struct rig *rig, uint32_t count)
{
    WAIT_FOR(atomic_load(&rig->out.count) >= count);
    return atomic_load(&rig->out.result);
}

/* Whatever was asked for has come home, each once. */
static void assert_all_came_home(struct rig *rig, uint32_t in_count, uint32_t out_count)
{
    stage_settle();
    assert_int_equal(atomic_load(&rig->in.count), in_count);
    assert_int_equal(atomic_load(&rig->out.count), out_count);
}

/* ---- connect ---- */

static void a_connect_to_nobody_is_refused(void **state)
{
    (void)state;
    static struct rig rig;
    open_with_listener();
    raw_socket_close(&listener);
    rig_dial(&rig, &listener_addr);
    in_turn(&rig, connect_errand);
    assert_int_equal(wait_out(&rig, 1), GW_E_REFUSED);
    assert_all_came_home(&rig, 0, 1);
    rig_end(&rig);
    stage_close();
}

static void a_connect_may_be_cancelled(void **state)
{
    (void)state;
    enum { RIG_COUNT = 6 };
    static struct rig rigs[RIG_COUNT];
    open_with_listener();
    raw_socket_close(&listener);
    assert_true(raw_socket_listen(&listener, &listener_addr, 0)); /* soon full */
    for (int i = 0; i < RIG_COUNT; i++) {
        rig_dial(&rigs[i], &listener_addr);
        in_turn(&rigs[i], connect_errand);
    }
    for (int i = 0; i < RIG_COUNT; i++) {
        in_turn(&rigs[i], cancel_errand);
        int result = wait_out(&rigs[i], 1);
        assert_true(result == 0 || result == GW_E_CLOSED);
        assert_all_came_home(&rigs[i], 0, 1);
        rig_end(&rigs[i]);
    }
    assert_int_equal(atomic_load(&rigs[RIG_COUNT - 1].out.result), GW_E_CLOSED);
    close_with_listener();
}

/* ---- recv ---- */

static void a_recv_brings_what_is_there_and_0_at_the_end(void **state)
{
    (void)state;
    static struct rig rig;
    struct raw_socket peer;
    open_with_listener();
    rig_connect(&rig, &peer);
    in_turn(&rig, recv_errand);
    assert_all_came_home(&rig, 0, 0); /* it waits */
    assert_true(raw_socket_send(&peer, "hello", 5));
    assert_int_equal(wait_in(&rig, 1), 5);
    assert_memory_equal(rig.heard, "hello", 5);
    raw_socket_finish(&peer);
    assert_all_came_home(&rig, 1, 0); /* one recv, one done */
    in_turn(&rig, recv_errand);
    assert_int_equal(wait_in(&rig, 2), 0);
    in_turn(&rig, recv_errand);
    assert_int_equal(wait_in(&rig, 3), 0); /* and again */
    rig_end(&rig);
    raw_socket_close(&peer);
    close_with_listener();
}

static void a_recv_never_brings_more_than_its_limit(void **state)
{
    (void)state;
    static struct rig rig;
    static uint8_t data[3 * GW_STREAM_RECV_BYTES_MAX];
    struct raw_socket peer;
    open_with_listener();
    rig_connect(&rig, &peer);
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
    assert_true(raw_socket_send(&peer, data, sizeof(data)));
    uint32_t got = 0;
    for (uint32_t count = 1; got < sizeof(data); count++) {
        in_turn(&rig, recv_errand);
        int result = wait_in(&rig, count);
        assert_in_range(result, 1, GW_STREAM_RECV_BYTES_MAX);
        assert_memory_equal(rig.heard, data + got, result);
        got += (uint32_t)result;
    }
    rig_end(&rig);
    raw_socket_close(&peer);
    close_with_listener();
}

static void a_recv_that_waits_may_be_cancelled(void **state)
{
    (void)state;
    static struct rig rig;
    struct raw_socket peer;
    open_with_listener();
    rig_connect(&rig, &peer);
    in_turn(&rig, cancel_errand); /* harmless: nothing is in flight */
    in_turn(&rig, recv_errand);
    in_turn(&rig, cancel_twice_errand);
    assert_int_equal(wait_in(&rig, 1), GW_E_CLOSED);
    assert_all_came_home(&rig, 1, 0);
    in_turn(&rig, recv_and_cancel_errand);
    assert_int_equal(wait_in(&rig, 2), GW_E_CLOSED);
    assert_all_came_home(&rig, 2, 0);
    in_turn(&rig, cancel_errand);
    rig_end(&rig);
    assert_true(raw_socket_recv_until_end(&peer) <= 0);
    raw_socket_close(&peer);
    close_with_listener();
}

static void a_cancel_that_loses_brings_the_true_result(void **state)
{
    (void)state;
    static struct rig rig;
    struct raw_socket peer;
    open_with_listener();
    for (int round = 0; round < 20; round++) {
        rig_connect(&rig, &peer);
        in_turn(&rig, recv_errand);
        assert_true(raw_socket_send(&peer, "hello", 5));
        in_turn(&rig, cancel_errand);
        int result = wait_in(&rig, 1);
        assert_true(result == GW_E_CLOSED || result == 5);
        assert_all_came_home(&rig, 1, 0);
        rig_end(&rig);
        raw_socket_close(&peer);
    }
    close_with_listener();
}

static void recvs_that_wait_hold_no_memory(void **state)
{
    (void)state;
    enum { RIG_COUNT = 30 };
    static struct rig rigs[RIG_COUNT];
    struct raw_socket peers[RIG_COUNT];
    open_with_listener();
    for (int i = 0; i < RIG_COUNT; i++) {
        rig_connect(&rigs[i], &peers[i]);
        in_turn(&rigs[i], recv_errand);
    }
    assert_int_equal(stage_counters().pool_bytes, 0);
    for (int i = 0; i < RIG_COUNT; i++) {
        raw_socket_reset(&peers[i]);
        assert_int_equal(wait_in(&rigs[i], 1), GW_E_RESET);
        rig_end(&rigs[i]);
    }
    close_with_listener();
}

/* ---- send ---- */

static void a_send_of_64_spans_keeps_their_order(void **state)
{
    (void)state;
    static struct rig rig;
    static uint8_t data[GW_SEND_SPAN_COUNT_MAX];
    uint8_t heard[GW_SEND_SPAN_COUNT_MAX];
    struct raw_socket peer;
    open_with_listener();
    rig_connect(&rig, &peer);
    for (int i = 0; i < GW_SEND_SPAN_COUNT_MAX; i++) {
        data[i] = (uint8_t)i;
        rig.spans[i] = (struct gw_span){&data[i], 1};
    }
    rig.span_count = GW_SEND_SPAN_COUNT_MAX;
    in_turn(&rig, send_errand);
    assert_int_equal(wait_out(&rig, 1), GW_SEND_SPAN_COUNT_MAX);
    assert_true(raw_socket_recv_all(&peer, heard, sizeof(heard)));
    assert_memory_equal(heard, data, sizeof(data));
    rig_end(&rig);
    raw_socket_close(&peer);
    close_with_listener();
}

/* Sends until a send waits for room. Returns how many were done before it. */
static uint32_t fill(struct rig *rig)
{
    static uint8_t data[1 << 20];
    uint32_t count = 0;
    raw_socket_narrow((intptr_t)rig->socket.handle);
    set_span(rig, data, sizeof(data));
    for (;; count++) {
        in_turn(rig, send_errand);
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
    open_with_listener();
    rig_connect(&rig, &peer);
    uint32_t count = fill(&rig);
    while (raw_socket_has_news(&peer)) {
        assert_true(raw_socket_recv(&peer, heard, sizeof(heard)) > 0);
        machine_sleep_ms(1);
    }
    assert_true(wait_out(&rig, count + 1) >= 0);
    assert_all_came_home(&rig, 0, count + 1);
    rig_end(&rig);
    raw_socket_close(&peer);
    close_with_listener();
}

static void a_send_that_waits_may_be_cancelled_or_reset(void **state)
{
    (void)state;
    static struct rig rig;
    open_with_listener();
    for (int round = 0; round < 2; round++) {
        struct raw_socket peer;
        rig_connect(&rig, &peer);
        uint32_t count = fill(&rig);
        in_turn(&rig, recv_errand);
        if (round == 0) {
            in_turn(&rig, cancel_errand);
            (void)wait_out(&rig, count + 1);
            assert_int_equal(wait_in(&rig, 1), GW_E_CLOSED);
        } else {
            raw_socket_reset(&peer);
            assert_true(wait_out(&rig, count + 1) <= 0);
            assert_true(wait_in(&rig, 1) <= 0);
        }
        assert_all_came_home(&rig, 1, count + 1);
        rig_end(&rig);
        raw_socket_close(&peer);
    }
    close_with_listener();
}

static void a_send_to_a_peer_that_is_gone_fails_and_kills_nobody(void **state)
{
    (void)state;
    static struct rig rig;
    struct raw_socket peer;
    open_with_listener();
    rig_connect(&rig, &peer);
    raw_socket_reset(&peer);
    set_span(&rig, "hello", 5);
    uint32_t count = 0;
    do { /* the reset may not be here yet */
        in_turn(&rig, send_errand);
        count++;
    } while (wait_out(&rig, count) >= 0 && count < 1000);
    assert_int_equal(atomic_load(&rig.out.result), GW_E_RESET);
    rig_end(&rig);
    close_with_listener();
}

static void after_a_shutdown_receiving_goes_on(void **state)
{
    (void)state;
    static struct rig rig;
    struct raw_socket peer;
    open_with_listener();
    rig_connect(&rig, &peer);
    in_turn(&rig, shutdown_errand);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    assert_true(raw_socket_send(&peer, "hello", 5));
    in_turn(&rig, recv_errand);
    assert_int_equal(wait_in(&rig, 1), 5);
    rig_end(&rig);
    raw_socket_close(&peer);
    close_with_listener();
}

/* ---- accept ---- */

static void an_accept_brings_one_socket(void **state)
{
    (void)state;
    static struct rig rig;
    static struct rig guest;
    struct raw_socket peers[2];
    struct gw_addr addr;
    os_socket handle;
    open_with_listener();
    assert_int_equal(gw_addr_parse("127.0.0.1:0", &addr), 0);
    assert_int_equal(ops()->socket_listen(&addr, 10, &handle), 0);
    rig_init(&rig, handle);
    rig.in_op.done = accept_done;
    in_turn(&rig, accept_errand);
    assert_all_came_home(&rig, 0, 0);
    assert_true(raw_socket_connect(&peers[0], &addr));
    assert_true(raw_socket_connect(&peers[1], &addr));
    assert_int_equal(wait_in(&rig, 1), 0);
    assert_all_came_home(&rig, 1, 0); /* the second one waits for the next accept */

    rig_init(&guest, rig.accepted);
    in_turn(&guest, recv_errand);
    assert_true(raw_socket_send(&peers[0], "hello", 5));
    assert_int_equal(wait_in(&guest, 1), 5);
    rig_end(&guest);

    in_turn(&rig, accept_errand);
    assert_int_equal(wait_in(&rig, 2), 0);
    ops()->socket_close(rig.accepted);
    in_turn(&rig, accept_errand);
    in_turn(&rig, cancel_twice_errand);
    assert_int_equal(wait_in(&rig, 3), GW_E_CLOSED);
    assert_all_came_home(&rig, 3, 0);
    rig_end(&rig);
    raw_socket_close(&peers[0]);
    raw_socket_close(&peers[1]);
    close_with_listener();
}

/* ---- waiting ---- */

static atomic_uint wait_count;

static void count_wait(void)
{
    atomic_fetch_add(&wait_count, 1);
}

static void a_wake_makes_one_wait_return(void **state)
{
    (void)state;
    open_with_listener();
    checking_kernel_stop_time();
    checking_kernel_before_wait(count_wait);
    stage_settle();
    for (int round = 0; round < 20; round++) {
        machine_sleep_ms(2);
        uint32_t before = atomic_load(&wait_count);
        ops()->wake(gw__port_lane(stage.port, 0));
        WAIT_FOR(atomic_load(&wait_count) > before);
    }
    close_with_listener();
}

static void a_port_with_nothing_to_do_sleeps(void **state)
{
    (void)state;
    struct raw_socket peer;
    open_with_listener();
    struct actor *actor = stage_visit(&peer);
    assert_int_equal(actor_tell(actor, "hello"), 0);
    assert_true(raw_hears_text(&peer, "hello"));
    stage_settle();
    checking_kernel_before_wait(count_wait);
    machine_sleep_ms(20);
    uint32_t before = atomic_load(&wait_count);
    machine_sleep_ms(100);
    assert_true(atomic_load(&wait_count) - before <= 2 * stage_worker_count);
    raw_socket_close(&peer);
    close_with_listener();
}

int contract_backend(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(a_connect_to_nobody_is_refused),
        STAGE_TEST(a_connect_may_be_cancelled),
        STAGE_TEST(a_recv_brings_what_is_there_and_0_at_the_end),
        STAGE_TEST(a_recv_never_brings_more_than_its_limit),
        STAGE_TEST(a_recv_that_waits_may_be_cancelled),
        STAGE_TEST(a_cancel_that_loses_brings_the_true_result),
        STAGE_TEST(recvs_that_wait_hold_no_memory),
        STAGE_TEST(a_send_of_64_spans_keeps_their_order),
        STAGE_TEST(a_send_waits_for_room),
        STAGE_TEST(a_send_that_waits_may_be_cancelled_or_reset),
        STAGE_TEST(a_send_to_a_peer_that_is_gone_fails_and_kills_nobody),
        STAGE_TEST(after_a_shutdown_receiving_goes_on),
        STAGE_TEST(an_accept_brings_one_socket),
        STAGE_TEST(a_wake_makes_one_wait_return),
        STAGE_TEST(a_port_with_nothing_to_do_sleeps),
    };
    return cmocka_run_group_tests_name("contract: backend", tests, NULL, NULL);
}

/* tests/net/contract_backend_stress.c: Many sockets of a backend at once, and the result of each
 * operation. */
#include "tests/net/contract.h"

#include "net/container_of.h"
#include "net/error.h"
#include "tests/net/endpoint.h"
#include "tests/support/random.h"
#include <string.h>

#define MS ((uint64_t)1000000)

enum { SOCKET_COUNT = 60, DURATION_MS = 1500, PIECE_BYTES_MAX = 40000 };

/* An endpoint that operates at random, and its peer. */
struct one {
    struct endpoint endpoint;
    struct raw_socket peer;
    struct gw_task task;
    struct random random;
    uint64_t seed;
    uint64_t sent; /* by the peer */
    _Atomic uint64_t received;
    atomic_uint started_in;
    atomic_uint started_out;
    atomic_bool is_busy; /* its task is posted or runs */
};

static struct one all[SOCKET_COUNT];
static uint8_t bytes[PIECE_BYTES_MAX];
static uint64_t next_seed;

static struct one *one_of(struct endpoint *endpoint)
{
    return GW_CONTAINER_OF(endpoint, struct one, endpoint);
}

/* Bytes arrive in order and once each, whatever was cancelled in between. */
static void received_some(struct endpoint *endpoint, int result)
{
    struct one *one = one_of(endpoint);
    uint64_t received = atomic_load(&one->received);
    for (int i = 0; i < result; i++, received++) {
        if (endpoint->socket.in.own.data[i] != pattern_byte(one->seed, received)) {
            fixture_break_rule("received bytes are those that were sent, in order");
            break;
        }
    }
    atomic_store(&one->received, received);
    atomic_store(&one->endpoint.in.result, result);
    atomic_fetch_add(&one->endpoint.in.count, 1);
}

static bool is_idle(atomic_uint *started, const struct outcome *outcome)
{
    return atomic_load(started) == atomic_load(&outcome->count);
}

static void listen_if_idle(struct one *one)
{
    if (is_idle(&one->started_in, &one->endpoint.in)) {
        atomic_fetch_add(&one->started_in, 1);
        endpoint_recv(&one->endpoint);
    }
}

static void talk_if_idle(struct one *one)
{
    if (is_idle(&one->started_out, &one->endpoint.out)) {
        atomic_fetch_add(&one->started_out, 1);
        endpoint_set_span(&one->endpoint, bytes, 1 + random_below(&one->random, sizeof(bytes)));
        endpoint_send(&one->endpoint);
    }
}

/* One or two operations in one turn. */
static void act(struct gw_task *task)
{
    struct one *one = GW_CONTAINER_OF(task, struct one, task);
    for (uint32_t i = random_below(&one->random, 2); i < 2; i++) {
        switch (random_below(&one->random, 8)) {
        case 0:
            endpoint_cancel(&one->endpoint);
            break;
        case 1:
        case 2:
            talk_if_idle(one);
            break;
        default:
            listen_if_idle(one);
            break;
        }
    }
    atomic_store(&one->is_busy, false);
}

static void begin_one(struct one *one)
{
    memset(one, 0, sizeof(*one));
    one->seed = ++next_seed;
    one->random.state = one->seed;
    one->task.run = act;
    endpoint_connect_to(&one->endpoint, &one->peer);
    one->endpoint.in_done = received_some;
}

static void let_act(struct one *one)
{
    if (!atomic_exchange(&one->is_busy, true)) {
        gw_turn_post(&one->endpoint.turn, &one->task);
    }
}

static void peer_sends_some(struct one *one, struct random *random)
{
    static uint8_t piece[PIECE_BYTES_MAX];
    uint32_t count = 1 + random_below(random, random_below(random, 4) == 0 ? PIECE_BYTES_MAX : 200);
    for (uint32_t i = 0; i < count; i++) {
        piece[i] = pattern_byte(one->seed, one->sent + i);
    }
    one->sent += raw_socket_send_some(&one->peer, piece, count);
}

static void peer_receives_some(struct one *one)
{
    static uint8_t received[PIECE_BYTES_MAX];
    if (raw_socket_has_news(&one->peer)) {
        (void)raw_socket_recv(&one->peer, received, sizeof(received));
    }
}

/* Each started operation completes once when it is cancelled; then the socket can be closed. */
static void end_one(struct one *one)
{
    WAIT_FOR(!atomic_load(&one->is_busy));
    endpoint_do(&one->endpoint, endpoint_cancel_twice);
    WAIT_FOR(is_idle(&one->started_in, &one->endpoint.in) &&
             is_idle(&one->started_out, &one->endpoint.out));
    endpoint_end(&one->endpoint);
    assert_true(is_idle(&one->started_in, &one->endpoint.in));
    assert_true(is_idle(&one->started_out, &one->endpoint.out));
    assert_true(atomic_load(&one->received) <= one->sent);
    raw_socket_close(&one->peer);
}

static void leave_and_come_again(struct one *one, struct random *random)
{
    if (random_below(random, 2) == 0) {
        raw_socket_reset(&one->peer);
    }
    end_one(one);
    begin_one(one);
}

static void listen_posted_task(void *context)
{
    listen_if_idle(context);
}

/* After all cancels, every byte that a peer has sent arrives. */
static void receive_out(struct one *one)
{
    WAIT_FOR(!atomic_load(&one->is_busy));
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    while (atomic_load(&one->received) < one->sent) {
        run_in_turn(&one->endpoint.turn, listen_posted_task, one);
        peer_receives_some(one);
        assert_true(os_now_ns() < end_ns);
    }
    assert_int_equal(atomic_load(&one->received), one->sent);
    end_one(one);
}

static void many_sockets_complete_each_operation_once_and_lose_no_byte(void **state)
{
    struct random random = {1};
    uint64_t left_count = 0;
    endpoint_port_open();
    for (int i = 0; i < SOCKET_COUNT; i++) {
        begin_one(&all[i]);
    }
    uint64_t end_ns = os_now_ns() + DURATION_MS * MS;
    while (os_now_ns() < end_ns) {
        struct one *one = &all[random_below(&random, SOCKET_COUNT)];
        peer_sends_some(one, &random);
        peer_receives_some(&all[random_below(&random, SOCKET_COUNT)]);
        for (int i = 0; i < 8; i++) {
            let_act(&all[random_below(&random, SOCKET_COUNT)]);
        }
        if (random_below(&random, 100) == 0) {
            leave_and_come_again(one, &random);
            left_count++;
        }
    }
    for (int i = 0; i < SOCKET_COUNT; i++) {
        receive_out(&all[i]);
    }
    assert_true(left_count > 0);
    assert_true(checking_backend_counts().started > 2 * SOCKET_COUNT);
    endpoint_port_close(); /* asserts that started and completed are equal */
}

int contract_backend_stress(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(many_sockets_complete_each_operation_once_and_lose_no_byte),
    };
    return cmocka_run_group_tests_name("contract: backend stress", tests, NULL, NULL);
}

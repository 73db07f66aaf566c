/* tests/net/contract_backend_stress.c: many sockets of a backend at once, and what became of each
 * operation. */
#include "tests/net/contract.h"

#include "net/container_of.h"
#include "net/error.h"
#include "tests/net/backend_fixture.h"
#include "tests/support/random.h"
#include <string.h>

#define MS ((uint64_t)1000000)

enum { SOCKET_COUNT = 60, DURATION_MS = 1500, PIECE_BYTES_MAX = 40000 };

/* A rig that does as it pleases, and its peer. */
struct one {
    struct backend_fixture backend_fixture;
    struct raw_socket peer;
    struct gw_task task;
    struct random random;
    uint64_t seed;
    uint64_t said; /* by the peer */
    _Atomic uint64_t received;
    atomic_uint started_in;
    atomic_uint started_out;
    atomic_bool is_busy; /* its task waits, or runs */
};

static struct one all[SOCKET_COUNT];
static uint8_t bytes[PIECE_BYTES_MAX];
static uint64_t next_seed;

static struct one *one_of(struct backend_fixture *backend_fixture)
{
    return GW_CONTAINER_OF(backend_fixture, struct one, backend_fixture);
}

/* Bytes come in order, none is lost, and none comes twice, whatever was cancelled between. */
static void received_some(struct backend_fixture *backend_fixture, int result)
{
    struct one *one = one_of(backend_fixture);
    uint64_t received = atomic_load(&one->received);
    for (int i = 0; i < result; i++, received++) {
        if (backend_fixture->socket.in.own.data[i] != pattern_byte(one->seed, received)) {
            checking_kernel_break("received bytes are those that were sent, in order");
            break;
        }
    }
    atomic_store(&one->received, received);
    atomic_store(&one->backend_fixture.in.result, result);
    atomic_fetch_add(&one->backend_fixture.in.count, 1);
}

static bool is_idle(atomic_uint *started, const struct outcome *outcome)
{
    return atomic_load(started) == atomic_load(&outcome->count);
}

static void listen_if_idle(struct one *one)
{
    if (is_idle(&one->started_in, &one->backend_fixture.in)) {
        atomic_fetch_add(&one->started_in, 1);
        backend_fixture_recv(&one->backend_fixture);
    }
}

static void talk_if_idle(struct one *one)
{
    if (is_idle(&one->started_out, &one->backend_fixture.out)) {
        atomic_fetch_add(&one->started_out, 1);
        backend_fixture_set_span(&one->backend_fixture, bytes,
                                 1 + random_below(&one->random, sizeof(bytes)));
        backend_fixture_send(&one->backend_fixture);
    }
}

/* One or two things in one turn. */
static void act(struct gw_task *task)
{
    struct one *one = GW_CONTAINER_OF(task, struct one, task);
    for (uint32_t i = random_below(&one->random, 2); i < 2; i++) {
        switch (random_below(&one->random, 8)) {
        case 0:
            backend_fixture_cancel(&one->backend_fixture);
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
    backend_fixture_connect_to(&one->backend_fixture, &one->peer);
    one->backend_fixture.in_done = received_some;
}

static void let_act(struct one *one)
{
    if (!atomic_exchange(&one->is_busy, true)) {
        gw_turn_post(&one->backend_fixture.turn, &one->task);
    }
}

static void peer_says_some(struct one *one, struct random *random)
{
    static uint8_t piece[PIECE_BYTES_MAX];
    uint32_t count = 1 + random_below(random, random_below(random, 4) == 0 ? PIECE_BYTES_MAX : 200);
    for (uint32_t i = 0; i < count; i++) {
        piece[i] = pattern_byte(one->seed, one->said + i);
    }
    one->said += raw_socket_send_some(&one->peer, piece, count);
}

static void peer_receives_some(struct one *one)
{
    static uint8_t received[PIECE_BYTES_MAX];
    if (raw_socket_has_news(&one->peer)) {
        (void)raw_socket_recv(&one->peer, received, sizeof(received));
    }
}

/* All that was started comes home, each once, when it is cancelled; then it can be closed. */
static void end_one(struct one *one)
{
    WAIT_FOR(!atomic_load(&one->is_busy));
    backend_fixture_do(&one->backend_fixture, backend_fixture_cancel_twice);
    WAIT_FOR(is_idle(&one->started_in, &one->backend_fixture.in) &&
             is_idle(&one->started_out, &one->backend_fixture.out));
    backend_fixture_end(&one->backend_fixture);
    assert_true(is_idle(&one->started_in, &one->backend_fixture.in));
    assert_true(is_idle(&one->started_out, &one->backend_fixture.out));
    assert_true(atomic_load(&one->received) <= one->said);
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

/* After all cancelling, everything that a peer has said is there. */
static void receive_out(struct one *one)
{
    WAIT_FOR(!atomic_load(&one->is_busy));
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    while (atomic_load(&one->received) < one->said) {
        run_in_turn(&one->backend_fixture.turn, listen_posted_task, one);
        peer_receives_some(one);
        assert_true(os_now_ns() < end_ns);
    }
    assert_int_equal(atomic_load(&one->received), one->said);
    end_one(one);
}

static void whatever_is_started_comes_home_once_and_nothing_is_lost(void **state)
{
    (void)state;
    struct random random = {1};
    uint64_t left_count = 0;
    backend_fixture_port_open();
    for (int i = 0; i < SOCKET_COUNT; i++) {
        begin_one(&all[i]);
    }
    uint64_t end_ns = os_now_ns() + DURATION_MS * MS;
    while (os_now_ns() < end_ns) {
        struct one *one = &all[random_below(&random, SOCKET_COUNT)];
        peer_says_some(one, &random);
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
    assert_true(checking_kernel_account().started > 2 * SOCKET_COUNT);
    backend_fixture_port_close(); /* and the account is even */
}

int contract_backend_stress(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(whatever_is_started_comes_home_once_and_nothing_is_lost),
    };
    return cmocka_run_group_tests_name("contract: backend stress", tests, NULL, NULL);
}

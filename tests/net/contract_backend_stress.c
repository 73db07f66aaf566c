/* tests/net/contract_backend_stress.c: many sockets of a backend at once, and what became of each
 * operation. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "tests/net/rig.h"
#include "tests/support/chance.h"
#include <string.h>

#define MS ((uint64_t)1000000)

enum { SOCKET_COUNT = 60, DURATION_MS = 1500, PIECE_BYTES_MAX = 40000 };

/* A rig that does as it pleases, and its peer. */
struct one {
    struct rig rig;
    struct raw_socket peer;
    struct gw_task task;
    struct chance chance;
    uint64_t seed;
    uint64_t said; /* by the peer */
    _Atomic uint64_t heard;
    atomic_uint started_in;
    atomic_uint started_out;
    atomic_bool is_busy; /* its task waits, or runs */
};

static struct one all[SOCKET_COUNT];
static uint8_t bytes[PIECE_BYTES_MAX];
static uint64_t next_seed;

static struct one *one_of(struct rig *rig)
{
    return (struct one *)((char *)rig - offsetof(struct one, rig));
}

/* Bytes come in order, none is lost, and none comes twice, whatever was cancelled between. */
static void heard_some(struct rig *rig, int result)
{
    struct one *one = one_of(rig);
    uint64_t heard = atomic_load(&one->heard);
    for (int i = 0; i < result; i++, heard++) {
        if (rig->socket.in.own.data[i] != pattern_byte(one->seed, heard)) {
            checking_kernel_break("received bytes are those that were sent, in order");
            break;
        }
    }
    atomic_store(&one->heard, heard);
    atomic_store(&one->rig.in.result, result);
    atomic_fetch_add(&one->rig.in.count, 1);
}

static bool is_idle(atomic_uint *started, const struct outcome *outcome)
{
    return atomic_load(started) == atomic_load(&outcome->count);
}

static void listen_if_idle(struct one *one)
{
    if (is_idle(&one->started_in, &one->rig.in)) {
        atomic_fetch_add(&one->started_in, 1);
        rig_recv(&one->rig);
    }
}

static void talk_if_idle(struct one *one)
{
    if (is_idle(&one->started_out, &one->rig.out)) {
        atomic_fetch_add(&one->started_out, 1);
        rig_set_span(&one->rig, bytes, 1 + chance_below(&one->chance, sizeof(bytes)));
        rig_send(&one->rig);
    }
}

/* One or two things in one turn. */
static void act(struct gw_task *task)
{
    struct one *one = (struct one *)((char *)task - offsetof(struct one, task));
    for (uint32_t i = chance_below(&one->chance, 2); i < 2; i++) {
        switch (chance_below(&one->chance, 8)) {
        case 0:
            rig_cancel(&one->rig);
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
    one->chance.state = one->seed;
    one->task.run = act;
    rig_connect_to(&one->rig, &one->peer);
    one->rig.in_done = heard_some;
}

static void let_act(struct one *one)
{
    if (!atomic_exchange(&one->is_busy, true)) {
        gw_turn_post(&one->rig.turn, &one->task);
    }
}

static void peer_says_some(struct one *one, struct chance *chance)
{
    static uint8_t piece[PIECE_BYTES_MAX];
    uint32_t count = 1 + chance_below(chance, chance_below(chance, 4) == 0 ? PIECE_BYTES_MAX : 200);
    for (uint32_t i = 0; i < count; i++) {
        piece[i] = pattern_byte(one->seed, one->said + i);
    }
    one->said += raw_socket_send_some(&one->peer, piece, count);
}

static void peer_hears_some(struct one *one)
{
    static uint8_t heard[PIECE_BYTES_MAX];
    if (raw_socket_has_news(&one->peer)) {
        (void)raw_socket_recv(&one->peer, heard, sizeof(heard));
    }
}

/* All that was started comes home, each once, when it is cancelled; then it can be closed. */
static void end_one(struct one *one)
{
    WAIT_FOR(!atomic_load(&one->is_busy));
    rig_do(&one->rig, rig_cancel_twice);
    WAIT_FOR(is_idle(&one->started_in, &one->rig.in) && is_idle(&one->started_out, &one->rig.out));
    rig_end(&one->rig);
    assert_true(is_idle(&one->started_in, &one->rig.in));
    assert_true(is_idle(&one->started_out, &one->rig.out));
    assert_true(atomic_load(&one->heard) <= one->said);
    raw_socket_close(&one->peer);
}

static void leave_and_come_again(struct one *one, struct chance *chance)
{
    if (chance_below(chance, 2) == 0) {
        raw_socket_reset(&one->peer);
    }
    end_one(one);
    begin_one(one);
}

static void listen_errand(void *context)
{
    listen_if_idle(context);
}

/* After all cancelling, everything that a peer has said is there. */
static void hear_out(struct one *one)
{
    WAIT_FOR(!atomic_load(&one->is_busy));
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    while (atomic_load(&one->heard) < one->said) {
        run_in_turn(&one->rig.turn, listen_errand, one);
        peer_hears_some(one);
        assert_true(os_now_ns() < end_ns);
    }
    assert_int_equal(atomic_load(&one->heard), one->said);
    end_one(one);
}

static void whatever_is_started_comes_home_once_and_nothing_is_lost(void **state)
{
    (void)state;
    struct chance chance = {1};
    uint64_t left_count = 0;
    rig_stage_open();
    for (int i = 0; i < SOCKET_COUNT; i++) {
        begin_one(&all[i]);
    }
    uint64_t end_ns = os_now_ns() + DURATION_MS * MS;
    while (os_now_ns() < end_ns) {
        struct one *one = &all[chance_below(&chance, SOCKET_COUNT)];
        peer_says_some(one, &chance);
        peer_hears_some(&all[chance_below(&chance, SOCKET_COUNT)]);
        for (int i = 0; i < 8; i++) {
            let_act(&all[chance_below(&chance, SOCKET_COUNT)]);
        }
        if (chance_below(&chance, 100) == 0) {
            leave_and_come_again(one, &chance);
            left_count++;
        }
    }
    for (int i = 0; i < SOCKET_COUNT; i++) {
        hear_out(&all[i]);
    }
    assert_true(left_count > 0);
    assert_true(checking_kernel_account().started > 2 * SOCKET_COUNT);
    rig_stage_close(); /* and the account is even */
}

int contract_backend_stress(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(whatever_is_started_comes_home_once_and_nothing_is_lost),
    };
    return cmocka_run_group_tests_name("contract: backend stress", tests, NULL, NULL);
}

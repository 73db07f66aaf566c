/* tests/net/contract_stress.c: everything at once, for a while, and then the account. */
#include "tests/net/contract.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/ring.h"
#include "tests/net/stage.h"
#include "tests/support/chance.h"
#include <string.h>

#define MS ((uint64_t)1000000)

enum {
    DURATION_MS = 2000,
    SLOT_COUNT = 100, /* for each of the threads */
    PEER_THREAD_COUNT = 2,
    MEDDLER_COUNT = 2,
    DIALED_COUNT_MAX = 3000,
    STREAM_COUNT_MAX = 400,
    QUEUE_BYTES_MAX = 200000,
};

static atomic_bool over;
static atomic_uint next_seed;
static atomic_uint dialed_count;

/* ---- streams that do as they please ---- */

static void say_something(struct actor *actor, struct chance *chance)
{
    uint32_t bytes = 1 + chance_below(chance, chance_below(chance, 20) == 0 ? 50000 : 300);
    if (chance_below(chance, 2) == 0) {
        (void)actor_say(actor, bytes);
    } else {
        (void)actor_share(actor, bytes);
    }
}

/* What may be done to any stream from any thread. */
static void meddle(struct actor *actor, struct chance *chance)
{
    switch (chance_below(chance, 40)) {
    case 0:
        (void)actor_finish(actor, 1, "farewell");
        break;
    case 1:
        (void)actor_finish(actor, 1, NULL);
        break;
    case 2:
        (void)actor_close(actor, 2);
        break;
    default:
        say_something(actor, chance);
        break;
    }
}

/* What may be done in its own turn. */
static void do_as_it_pleases(struct actor *actor)
{
    struct chance chance = {atomic_fetch_add(&next_seed, 1)};
    uint64_t now_ns = gw_turn_now_ns(gw_stream_turn(actor->stream));
    switch (chance_below(&chance, 8)) {
    case 0:
        gw_stream_pause(actor->stream);
        gw_stream_set_deadline(actor->stream, now_ns + chance_below(&chance, 5) * MS);
        break;
    case 1:
        gw_stream_set_deadline(actor->stream, chance_next(&chance) % (now_ns + 50 * MS));
        break;
    case 2:
        gw_stream_set_deadline(actor->stream, GW_STREAM_NO_DEADLINE);
        gw_stream_resume(actor->stream);
        break;
    default:
        meddle(actor, &chance);
        break;
    }
}

static void on_open(struct actor *actor)
{
    do_as_it_pleases(actor);
}

static enum gw_recv on_recv(struct actor *actor, struct gw_ring *ring)
{
    struct chance chance = {atomic_fetch_add(&next_seed, 1)};
    uint32_t used = gw_ring_used_bytes(ring);
    gw_ring_consume(ring, chance_below(&chance, 4) == 0 ? chance_below(&chance, used + 1) : used);
    do_as_it_pleases(actor);
    return gw_ring_used_bytes(ring) > 4096 || chance_below(&chance, 20) == 0 ? GW_RECV_AGAIN
                                                                             : GW_RECV_MORE;
}

static void on_deadline(struct actor *actor)
{
    gw_stream_resume(actor->stream);
    do_as_it_pleases(actor);
}

static const struct play play = {
    .on_open = on_open,
    .on_recv = on_recv,
    .on_deadline = on_deadline,
};

/* ---- raw peers that do as they please ---- */

static void leave(struct raw_socket *peer, struct chance *chance)
{
    if (chance_below(chance, 2) == 0) {
        raw_socket_reset(peer);
    } else {
        raw_socket_close(peer);
    }
}

static void act(struct raw_socket *peer, struct chance *chance)
{
    static const uint8_t data[20000];
    uint8_t heard[20000];
    if (peer->handle < 0) {
        (void)raw_socket_connect(peer, &stage.addr);
        return;
    }
    switch (chance_below(chance, 12)) {
    case 0:
        leave(peer, chance);
        break;
    case 1:
        raw_socket_finish(peer);
        break;
    case 2:
    case 3:
    case 4:
        (void)raw_socket_send_some(peer, data, 1 + chance_below(chance, sizeof(data)));
        break;
    default:
        if (raw_socket_has_news(peer) && raw_socket_recv(peer, heard, sizeof(heard)) <= 0) {
            raw_socket_close(peer);
        }
        break;
    }
}

static void act_for_a_while(void *context)
{
    struct raw_socket peers[SLOT_COUNT];
    struct chance chance = {atomic_fetch_add(&next_seed, 1)};
    (void)context;
    for (int i = 0; i < SLOT_COUNT; i++) {
        peers[i].handle = -1;
    }
    while (!atomic_load(&over)) {
        act(&peers[chance_below(&chance, SLOT_COUNT)], &chance);
    }
    for (int i = 0; i < SLOT_COUNT; i++) {
        raw_socket_close(&peers[i]);
    }
}

/* ---- threads that meddle ---- */

static struct actor *some_actor(struct chance *chance)
{
    struct actor *actor = atomic_load(&stage.actors);
    for (uint32_t steps = chance_below(chance, 2 * SLOT_COUNT); actor != NULL && steps > 0;
         steps--) {
        actor = actor->next;
    }
    return actor;
}

static void meddle_for_a_while(void *context)
{
    struct chance chance = {atomic_fetch_add(&next_seed, 1)};
    (void)context;
    while (!atomic_load(&over)) {
        struct actor *actor = some_actor(&chance);
        if (actor != NULL) {
            meddle(actor, &chance);
        }
        if (chance_below(&chance, 8) == 0 &&
            atomic_fetch_add(&dialed_count, 1) < DIALED_COUNT_MAX) {
            (void)stage_dial(&play, &stage.addr, NULL, NULL);
        }
    }
}

/* A picture of a moment ago may be a little off, but shows no more than there can be. */
static bool is_possible(const struct gw_port_counters *counters)
{
    return counters->stream_count <= STREAM_COUNT_MAX &&
           counters->send_queue_bytes <= (uint64_t)STREAM_COUNT_MAX * QUEUE_BYTES_MAX &&
           counters->pool_bytes <= (uint64_t)1 << 30;
}

static void watch_for_a_while(void)
{
    uint64_t end_ns = os_now_ns() + DURATION_MS * MS;
    while (os_now_ns() < end_ns) {
        struct gw_port_counters counters = stage_counters();
        if (!is_possible(&counters)) {
            checking_kernel_break("the counters show what can be");
        }
    }
}

static void everything_at_once_leaves_nothing_behind(void **state)
{
    (void)state;
    os_thread threads[PEER_THREAD_COUNT + MEDDLER_COUNT];
    uint32_t accepted = 0;
    atomic_store(&over, false);
    atomic_store(&dialed_count, 0);
    stage_open(&(struct stage_plan){.play = &play,
                                    .stream_count_max = STREAM_COUNT_MAX,
                                    .send_queue_bytes_max = QUEUE_BYTES_MAX});
    for (int i = 0; i < PEER_THREAD_COUNT + MEDDLER_COUNT; i++) {
        void (*run)(void *) = i < PEER_THREAD_COUNT ? act_for_a_while : meddle_for_a_while;
        assert_int_equal(os_thread_start(&threads[i], run, NULL), 0);
    }
    watch_for_a_while();
    atomic_store(&over, true);
    for (int i = 0; i < PEER_THREAD_COUNT + MEDDLER_COUNT; i++) {
        os_thread_join(threads[i]);
    }
    for (struct actor *actor = atomic_load(&stage.actors); actor != NULL; actor = actor->next) {
        accepted++;
    }
    assert_true(accepted > 100);
    stage_close(); /* on_close came once for each, and all counters are back at zero */
}

int contract_stress(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(everything_at_once_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("contract: stress", tests, NULL, NULL);
}

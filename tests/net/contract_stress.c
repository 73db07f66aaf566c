/* tests/net/contract_stress.c: Random streams, peers and threads at once, and the counters
 * afterwards. */
#include "tests/net/contract.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include "tests/support/random.h"
#include <string.h>

#define MS ((uint64_t)1000000)

enum {
    DURATION_MS = 2000,
    SLOT_COUNT = 100, /* of each thread */
    PEER_THREAD_COUNT = 2,
    MEDDLER_COUNT = 2,
    DIALED_COUNT_MAX = 3000,
    STREAM_COUNT_MAX = 400,
    QUEUE_BYTES_MAX = 200000,
};

static atomic_bool over;
static atomic_uint next_seed;
static atomic_uint dialed_count;

/* ---- streams with random behaviour ---- */

static void send_something(struct checked_stream *checked, struct random *random)
{
    uint32_t bytes = 1 + random_below(random, random_below(random, 20) == 0 ? 50000 : 300);
    if (random_below(random, 2) == 0) {
        (void)checked_send(checked, bytes);
    } else {
        (void)checked_send_buf(checked, bytes);
    }
}

/* A random call that any thread may make on any stream. */
static void use_stream_at_random(struct checked_stream *checked, struct random *random)
{
    switch (random_below(random, 40)) {
    case 0:
        (void)checked_finish(checked, 1, "final_text");
        break;
    case 1:
        (void)checked_finish(checked, 1, NULL);
        break;
    case 2:
        (void)checked_close(checked, 2);
        break;
    default:
        send_something(checked, random);
        break;
    }
}

/* A random call in the stream's own turn. */
static void do_as_it_pleases(struct checked_stream *checked)
{
    struct random random = {atomic_fetch_add(&next_seed, 1)};
    uint64_t now_ns = gw_turn_now_ns(gw_stream_turn(checked->stream));
    switch (random_below(&random, 8)) {
    case 0:
        gw_stream_pause(checked->stream);
        gw_stream_set_deadline(checked->stream, now_ns + random_below(&random, 5) * MS);
        break;
    case 1:
        gw_stream_set_deadline(checked->stream, random_next(&random) % (now_ns + 50 * MS));
        break;
    case 2:
        gw_stream_set_deadline(checked->stream, GW_STREAM_NO_DEADLINE);
        gw_stream_resume(checked->stream);
        break;
    default:
        use_stream_at_random(checked, &random);
        break;
    }
}

static void on_open(struct checked_stream *checked)
{
    do_as_it_pleases(checked);
}

static enum gw_recv on_recv(struct checked_stream *checked, struct gw_ring *ring)
{
    struct random random = {atomic_fetch_add(&next_seed, 1)};
    uint32_t used = gw_ring_used_bytes(ring);
    gw_ring_consume(ring, random_below(&random, 4) == 0 ? random_below(&random, used + 1) : used);
    do_as_it_pleases(checked);
    return gw_ring_used_bytes(ring) > 4096 || random_below(&random, 20) == 0 ? GW_RECV_AGAIN
                                                                             : GW_RECV_MORE;
}

static void on_deadline(struct checked_stream *checked)
{
    gw_stream_resume(checked->stream);
    do_as_it_pleases(checked);
}

static const struct stream_callbacks callbacks = {
    .on_open = on_open,
    .on_recv = on_recv,
    .on_deadline = on_deadline,
};

/* ---- raw peers with random behaviour ---- */

static void leave(struct raw_socket *peer, struct random *random)
{
    if (random_below(random, 2) == 0) {
        raw_socket_reset(peer);
    } else {
        raw_socket_close(peer);
    }
}

static void act(struct raw_socket *peer, struct random *random)
{
    static const uint8_t data[20000];
    uint8_t received[20000];
    if (peer->handle < 0) {
        (void)raw_socket_connect(peer, &fixture.addr);
        return;
    }
    switch (random_below(random, 12)) {
    case 0:
        leave(peer, random);
        break;
    case 1:
        raw_socket_finish(peer);
        break;
    case 2:
    case 3:
    case 4:
        (void)raw_socket_send_some(peer, data, 1 + random_below(random, sizeof(data)));
        break;
    default:
        if (raw_socket_has_news(peer) && raw_socket_recv(peer, received, sizeof(received)) <= 0) {
            raw_socket_close(peer);
        }
        break;
    }
}

static void act_for_a_while(void *context)
{
    struct raw_socket peers[SLOT_COUNT];
    struct random random = {atomic_fetch_add(&next_seed, 1)};
    for (int i = 0; i < SLOT_COUNT; i++) {
        peers[i].handle = -1;
    }
    while (!atomic_load(&over)) {
        act(&peers[random_below(&random, SLOT_COUNT)], &random);
    }
    for (int i = 0; i < SLOT_COUNT; i++) {
        raw_socket_close(&peers[i]);
    }
}

/* ---- threads that use all streams ---- */

static struct checked_stream *some_stream(struct random *random)
{
    struct checked_stream *checked = atomic_load(&fixture.streams);
    for (uint32_t steps = random_below(random, 2 * SLOT_COUNT); checked != NULL && steps > 0;
         steps--) {
        checked = checked->next;
    }
    return checked;
}

static void end_and_send_at_random(void *context)
{
    struct random random = {atomic_fetch_add(&next_seed, 1)};
    while (!atomic_load(&over)) {
        struct checked_stream *checked = some_stream(&random);
        if (checked != NULL) {
            use_stream_at_random(checked, &random);
        }
        if (random_below(&random, 8) == 0 &&
            atomic_fetch_add(&dialed_count, 1) < DIALED_COUNT_MAX) {
            (void)fixture_dial(&callbacks, &fixture.addr, NULL, NULL);
        }
    }
}

/* Counters that are read while streams run may be inexact, but do not exceed the possible. */
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
        struct gw_port_counters counters = fixture_counters();
        if (!is_possible(&counters)) {
            fixture_break_rule("the counters show what can be");
        }
    }
}

static void random_streams_peers_and_threads_leave_nothing_open(void **state)
{
    os_thread threads[PEER_THREAD_COUNT + MEDDLER_COUNT];
    uint32_t accepted = 0;
    atomic_store(&over, false);
    atomic_store(&dialed_count, 0);
    fixture_open(&(struct port_fixture_plan){.callbacks = &callbacks,
                                             .stream_count_max = STREAM_COUNT_MAX,
                                             .send_queue_bytes_max = QUEUE_BYTES_MAX});
    for (int i = 0; i < PEER_THREAD_COUNT + MEDDLER_COUNT; i++) {
        void (*run)(void *) = i < PEER_THREAD_COUNT ? act_for_a_while : end_and_send_at_random;
        assert_int_equal(os_thread_start(&threads[i], run, NULL), 0);
    }
    watch_for_a_while();
    atomic_store(&over, true);
    for (int i = 0; i < PEER_THREAD_COUNT + MEDDLER_COUNT; i++) {
        os_thread_join(threads[i]);
    }
    for (struct checked_stream *checked = atomic_load(&fixture.streams); checked != NULL;
         checked = checked->next) {
        accepted++;
    }
    assert_true(accepted > 100);
    fixture_close(); /* asserts that each stream had one on_close, and that all counters are 0 */
}

int contract_stress(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(random_streams_peers_and_threads_leave_nothing_open),
    };
    return cmocka_run_group_tests_name("contract: stress", tests, NULL, NULL);
}

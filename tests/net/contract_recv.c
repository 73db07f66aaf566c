/* tests/net/contract_recv.c: receiving: pauses, budgets, partial messages, and the memory they
 * cost.
 */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <string.h>

/* ---- pause and resume ---- */

static void pause_posted_task(void *context)
{
    struct actor *actor = context;
    gw_stream_pause(actor->stream);
}

static void resume_posted_task(void *context)
{
    struct actor *actor = context;
    gw_stream_resume(actor->stream);
}

static void pause_it(struct actor *actor)
{
    run_in_turn(gw_stream_turn(actor->stream), pause_posted_task, actor);
}

static void resume_it(struct actor *actor)
{
    run_in_turn(gw_stream_turn(actor->stream), resume_posted_task, actor);
}

/* Says as much as the kernels on the way take. Returns how much. */
static uint64_t say_until_stuck(const struct raw_socket *peer)
{
    static const uint8_t data[16384];
    uint64_t said = 0;
    for (int stuck_count = 0; stuck_count < 20;) {
        size_t bytes = raw_socket_send_some(peer, data, sizeof(data));
        said += bytes;
        stuck_count = bytes == 0 ? stuck_count + 1 : 0;
        machine_sleep_ms(bytes == 0 ? 1 : 0);
    }
    return said;
}

static enum gw_recv count_bytes(struct actor *actor, struct gw_ring *ring)
{
    atomic_fetch_add(&actor->received, gw_ring_used_bytes(ring));
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    return GW_RECV_MORE;
}

static void a_paused_stream_slows_its_peer_and_loses_nothing(void **state)
{
    (void)state;
    static const struct play counting = {.on_recv = count_bytes};
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &counting});
    struct actor *actor = fixture_visit_narrow(&peer);
    pause_it(actor);
    uint64_t said = say_until_stuck(&peer);
    assert_true(said > 0);
    assert_int_equal(atomic_load(&actor->recv_count), 0);
    /* One receive was asked for before the pause. It is all that lies here. */
    assert_true(fixture_counters().bytes_in <= GW_STREAM_RECV_BYTES_MAX);
    assert_true(fixture_counters().pool_bytes <= 2 * GW_STREAM_RECV_BYTES_MAX);
    resume_it(actor);
    WAIT_FOR(atomic_load(&actor->received) == said);
    WAIT_FOR(fixture_counters().pool_bytes == 0);
    raw_socket_close(&peer);
    fixture_close();
}

static enum gw_recv receive_and_pause(struct actor *actor, struct gw_ring *ring)
{
    (void)actor_receive(actor, ring);
    gw_stream_pause(actor->stream);
    return GW_RECV_MORE;
}

static void pausing_at_every_message_changes_nothing_but_the_pace(void **state)
{
    (void)state;
    enum { BYTE_COUNT = 200000 };
    static const struct play hesitant = {.on_recv = receive_and_pause};
    struct raw_socket peer;
    uint64_t said = 0;
    fixture_open(&(struct port_fixture_plan){.play = &hesitant});
    struct actor *actor = fixture_visit(&peer);
    assert_true(raw_say(&peer, &said, BYTE_COUNT));
    raw_socket_finish(&peer);
    while (atomic_load(&actor->close_count) == 0) {
        resume_it(actor);
    }
    assert_int_equal(atomic_load(&actor->received), BYTE_COUNT);
    assert_int_equal(actor_wait_close(actor), GW_E_CLOSED);
    raw_socket_close(&peer);
    fixture_close();
}

static void toggle_posted_task(void *context)
{
    struct actor *actor = context;
    for (int i = 0; i < 5; i++) {
        gw_stream_pause(actor->stream);
        gw_stream_resume(actor->stream);
        gw_stream_resume(actor->stream);
        gw_stream_pause(actor->stream);
        gw_stream_pause(actor->stream);
        gw_stream_resume(actor->stream);
    }
}

static void pausing_and_resuming_any_number_of_times_is_harmless(void **state)
{
    (void)state;
    static const struct play listening = {.on_recv = actor_receive};
    struct raw_socket peer;
    uint64_t said = 0;
    fixture_open(&(struct port_fixture_plan){.play = &listening});
    struct actor *actor = fixture_visit(&peer);
    for (int round = 0; round < 50; round++) {
        run_in_turn(gw_stream_turn(actor->stream), toggle_posted_task, actor);
        assert_true(raw_say(&peer, &said, 1000));
        run_in_turn(gw_stream_turn(actor->stream), toggle_posted_task, actor);
    }
    WAIT_FOR(atomic_load(&actor->received) == said);
    raw_socket_close(&peer);
    fixture_close();
}

/* ---- messages, whole and partial ---- */

enum { MESSAGE_BYTES = 100 };

/* Reads whole messages alone, and as many as it likes. */
static enum gw_recv receive_messages(struct actor *actor, struct gw_ring *ring, uint32_t count_max)
{
    for (uint32_t i = 0; i < count_max && gw_ring_used_bytes(ring) >= MESSAGE_BYTES; i++) {
        uint8_t bounce[MESSAGE_BYTES];
        const uint8_t *data = gw_ring_peek(ring, MESSAGE_BYTES, bounce);
        if (data[0] != (uint8_t)(atomic_load(&actor->received) / MESSAGE_BYTES) ||
            data[MESSAGE_BYTES - 1] != data[0]) {
            checking_kernel_break("messages come whole and in order");
        }
        gw_ring_consume(ring, MESSAGE_BYTES);
        atomic_fetch_add(&actor->received, MESSAGE_BYTES);
    }
    return gw_ring_used_bytes(ring) >= MESSAGE_BYTES ? GW_RECV_AGAIN : GW_RECV_MORE;
}

static enum gw_recv receive_one_message(struct actor *actor, struct gw_ring *ring)
{
    return receive_messages(actor, ring, 1);
}

static enum gw_recv receive_all_messages(struct actor *actor, struct gw_ring *ring)
{
    return receive_messages(actor, ring, UINT32_MAX);
}

/* Says `count` messages, partial into pieces of `piece_bytes`. */
static void say_messages(const struct raw_socket *peer, uint32_t count, uint32_t piece_bytes)
{
    static uint8_t data[1000 * MESSAGE_BYTES];
    for (uint32_t i = 0; i < count; i++) {
        memset(data + (size_t)i * MESSAGE_BYTES, (int)(uint8_t)i, MESSAGE_BYTES);
    }
    for (uint32_t at = 0; at < count * MESSAGE_BYTES; at += piece_bytes) {
        uint32_t left = count * MESSAGE_BYTES - at;
        assert_true(raw_socket_send(peer, data + at, left < piece_bytes ? left : piece_bytes));
    }
}

static void partial_messages_become_whole(void **state)
{
    (void)state;
    static const struct play attentive = {.on_recv = receive_all_messages};
    static const uint32_t pieces[] = {1, 7, 60, 99, 101, 250, 16384};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct raw_socket peer;
        fixture_open(
            &(struct port_fixture_plan){.play = &attentive, .recv_bytes_max = MESSAGE_BYTES});
        struct actor *actor = fixture_visit(&peer);
        uint32_t count = pieces[i] < 10 ? 20 : 500;
        say_messages(&peer, count, pieces[i]);
        WAIT_FOR(atomic_load(&actor->received) == count * MESSAGE_BYTES);
        WAIT_FOR(fixture_counters().pool_bytes == 0);
        raw_socket_close(&peer);
        fixture_close();
        fixture_setup(state);
    }
}

static void half_a_message_waits_and_is_all_that_takes_memory(void **state)
{
    (void)state;
    static const struct play attentive = {.on_recv = receive_all_messages};
    struct raw_socket peer;
    uint8_t message[MESSAGE_BYTES] = {0};
    fixture_open(&(struct port_fixture_plan){.play = &attentive, .recv_bytes_max = MESSAGE_BYTES});
    struct actor *actor = fixture_visit(&peer);
    assert_int_equal(fixture_counters().pool_bytes, 0);
    assert_true(raw_socket_send(&peer, message, MESSAGE_BYTES - 1));
    WAIT_FOR(atomic_load(&actor->recv_count) == 1);
    fixture_run_now();
    assert_in_range(fixture_counters().pool_bytes, MESSAGE_BYTES, 256);
    assert_true(raw_socket_send(&peer, message, 1));
    WAIT_FOR(atomic_load(&actor->received) == MESSAGE_BYTES);
    WAIT_FOR(fixture_counters().pool_bytes == 0);
    raw_socket_close(&peer);
    fixture_close();
}

/* ---- the budget ---- */

static void who_asks_for_another_turn_gets_each_message_in_one(void **state)
{
    (void)state;
    enum { COUNT = 160 }; /* one receive */
    static const struct play modest = {.on_recv = receive_one_message};
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &modest, .recv_bytes_max = MESSAGE_BYTES});
    struct actor *actor = fixture_visit(&peer);
    pause_it(actor);
    say_messages(&peer, COUNT, COUNT * MESSAGE_BYTES);
    raw_socket_finish(&peer); /* which is received last */
    resume_it(actor);
    assert_int_equal(actor_wait_close(actor), GW_E_CLOSED);
    assert_int_equal(atomic_load(&actor->received), COUNT * MESSAGE_BYTES);
    assert_in_range(atomic_load(&actor->recv_count), COUNT, COUNT + 2); /* if one came partial */
    WAIT_FOR(fixture_counters().pool_bytes == 0);
    raw_socket_close(&peer);
    fixture_close();
}

static atomic_uint turns_of_others;

static void run_other(struct gw_task *task)
{
    (void)task;
    atomic_fetch_add(&turns_of_others, 1);
}

/* The first message leaves work for another object of the same lane; the last one looks at it. */
static enum gw_recv receive_beside_others(struct actor *actor, struct gw_ring *ring)
{
    static struct gw_turn other;
    static struct gw_task task = {.run = run_other};
    uint64_t index = atomic_load(&actor->received) / MESSAGE_BYTES;
    if (index == 0) {
        gw_turn_init(&other, fixture.port, NULL);
        gw_turn_post(&other, &task);
    }
    atomic_store(&actor->number, atomic_load(&turns_of_others));
    return receive_messages(actor, ring, 1);
}

static void others_have_their_turn_in_between(void **state)
{
    (void)state;
    enum { COUNT = 160 };
    static const struct play modest = {.on_recv = receive_beside_others};
    struct raw_socket peer;
    atomic_store(&turns_of_others, 0);
    fixture_open(&(struct port_fixture_plan){.play = &modest, .recv_bytes_max = MESSAGE_BYTES});
    struct actor *actor = fixture_visit(&peer);
    say_messages(&peer, COUNT, COUNT * MESSAGE_BYTES);
    WAIT_FOR(atomic_load(&actor->received) == COUNT * MESSAGE_BYTES);
    assert_true(fixture_worker_count > 1 || atomic_load(&actor->number) == 1);
    WAIT_FOR(atomic_load(&turns_of_others) == 1);
    raw_socket_close(&peer);
    fixture_close();
}

/* Asks again and again, until the test lets it read. */
static enum gw_recv read_when_told(struct actor *actor, struct gw_ring *ring)
{
    if (atomic_load(&actor->number) == 0) {
        return GW_RECV_AGAIN;
    }
    return receive_messages(actor, ring, UINT32_MAX);
}

static void nothing_is_received_while_whole_messages_wait(void **state)
{
    (void)state;
    static const struct play stubborn = {.on_recv = read_when_told};
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &stubborn, .recv_bytes_max = MESSAGE_BYTES});
    struct actor *actor = fixture_visit(&peer);
    say_messages(&peer, 1000, 1000 * MESSAGE_BYTES);
    WAIT_FOR(atomic_load(&actor->recv_count) > 1000);
    assert_int_equal(fixture_counters().recv_count, 1);
    assert_true(fixture_counters().pool_bytes <= 2 * GW_STREAM_RECV_BYTES_MAX);
    atomic_store(&actor->number, 1);
    WAIT_FOR(atomic_load(&actor->received) == 1000 * MESSAGE_BYTES);
    raw_socket_close(&peer);
    fixture_close();
}

/* ---- mistakes and memory ---- */

static enum gw_recv leave_everything(struct actor *actor, struct gw_ring *ring)
{
    (void)actor;
    (void)ring;
    return GW_RECV_MORE;
}

static void who_never_reads_is_ended_and_not_fed(void **state)
{
    (void)state;
    static const struct play closed = {.on_recv = leave_everything};
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &closed});
    struct actor *actor = fixture_visit(&peer);
    (void)say_until_stuck(&peer);
    assert_int_equal(actor_wait_close(actor), GW_E_FULL);
    assert_true(fixture_counters().bytes_in <= 3 * GW_STREAM_RECV_BYTES_MAX);
    raw_socket_close(&peer);
    fixture_close();
}

static atomic_int bare_reason;

static void close_bare(struct gw_stream *stream, int reason, void *context)
{
    (void)stream;
    (void)context;
    atomic_store(&bare_reason, reason);
}

static void start_bare(struct gw_listener *listener, struct gw_stream *stream)
{
    static const struct gw_stream_events bare = {.on_close = close_bare};
    (void)listener;
    gw_stream_start(stream, &bare, NULL);
}

static void without_on_recv_everything_is_discarded(void **state)
{
    (void)state;
    static const struct play careless = {.on_accept = start_bare};
    struct raw_socket peer;
    uint64_t said = 0;
    atomic_store(&bare_reason, 0);
    fixture_open(&(struct port_fixture_plan){.play = &careless});
    assert_true(raw_socket_connect(&peer, &fixture.addr));
    assert_true(raw_say(&peer, &said, 500000));
    raw_socket_finish(&peer);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    WAIT_FOR(atomic_load(&bare_reason) == GW_E_CLOSED);
    assert_int_equal(fixture_counters().bytes_in, 500000);
    raw_socket_close(&peer);
    fixture_close();
}

static void idle_streams_hold_no_memory(void **state)
{
    (void)state;
    enum { PEER_COUNT = 100 };
    static const struct play echo = {.on_recv = actor_echo};
    struct raw_socket peers[PEER_COUNT];
    uint8_t data[3000] = {0};
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    for (int i = 0; i < PEER_COUNT; i++) {
        assert_true(raw_socket_connect(&peers[i], &fixture.addr));
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PEER_COUNT; i++) {
            assert_true(raw_socket_send(&peers[i], data, sizeof(data)));
        }
        for (int i = 0; i < PEER_COUNT; i++) {
            assert_true(raw_socket_recv_all(&peers[i], data, sizeof(data)));
        }
        WAIT_FOR(fixture_counters().pool_bytes == 0);
        assert_int_equal(fixture_counters().stream_count, PEER_COUNT);
    }
    for (int i = 0; i < PEER_COUNT; i++) {
        raw_socket_close(&peers[i]);
    }
    fixture_close();
}

int contract_recv(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_paused_stream_slows_its_peer_and_loses_nothing),
        FIXTURE_TEST(pausing_at_every_message_changes_nothing_but_the_pace),
        FIXTURE_TEST(pausing_and_resuming_any_number_of_times_is_harmless),
        FIXTURE_TEST(partial_messages_become_whole),
        FIXTURE_TEST(half_a_message_waits_and_is_all_that_takes_memory),
        FIXTURE_TEST(who_asks_for_another_turn_gets_each_message_in_one),
        FIXTURE_TEST(others_have_their_turn_in_between),
        FIXTURE_TEST(nothing_is_received_while_whole_messages_wait),
        FIXTURE_TEST(who_never_reads_is_ended_and_not_fed),
        FIXTURE_TEST(without_on_recv_everything_is_discarded),
        FIXTURE_TEST(idle_streams_hold_no_memory),
    };
    return cmocka_run_group_tests_name("contract: recv", tests, NULL, NULL);
}

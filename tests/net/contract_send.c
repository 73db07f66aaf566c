/* tests/net/contract_send.c: what waits to be sent: its limit, its account, and when it leaves. */
#include "tests/net/contract.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <string.h>

/* ---- the limit ---- */

static atomic_uint wrong_count;

static void expect(bool right)
{
    atomic_fetch_add(&wrong_count, right ? 0 : 1);
}

/* The kernel takes nothing (sends are held), so that the limit can be met exactly. */
static void fill_with_places(struct actor *actor)
{
    expect(actor_say(actor, 999) == 0);
    expect(actor_say(actor, 2) == GW_E_FULL);
    expect(actor_say(actor, 1) == 0);
    expect(actor_say(actor, 1) == GW_E_FULL);
    expect(actor_share(actor, 1) == GW_E_FULL);
    expect(gw_stream_send_queue_bytes(actor->stream) == 1000);
}

static void fill_with_buffers(struct actor *actor)
{
    enum { OVERHEAD = GW_STREAM_BUF_OVERHEAD_BYTES };
    expect(actor_share(actor, 900 - OVERHEAD) == 0);
    expect(actor_share(actor, 101 - OVERHEAD) == GW_E_FULL);
    expect(actor_share(actor, 100 - OVERHEAD) == 0);
    expect(actor_say(actor, 1) == GW_E_FULL);
    expect(gw_stream_send_queue_bytes(actor->stream) == 1000);
}

static void fill_queue_of_1000(const struct play *play)
{
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    fixture_open(&(struct port_fixture_plan){.play = play, .send_queue_bytes_max = 1000});
    checking_kernel_hold_sends(true);
    struct actor *actor = fixture_visit(&peer);
    WAIT_FOR(atomic_load(&actor->open_count) == 1);
    fixture_run_now();
    assert_int_equal(actor_say(actor, 1), GW_E_FULL); /* from elsewhere, too */
    checking_kernel_hold_sends(false);
    assert_true(raw_receive(&peer, &received, atomic_load(&actor->said)));
    WAIT_FOR(gw_stream_send_queue_bytes(actor->stream) == 0);
    assert_int_equal(actor_say(actor, 1000), 0); /* all of it is free again */
    assert_true(raw_receive(&peer, &received, 1000));
    assert_int_equal(atomic_load(&wrong_count), 0);
    raw_socket_close(&peer);
    fixture_close();
}

static void a_queue_takes_its_limit_and_not_a_byte_more(void **state)
{
    (void)state;
    static const struct play with_places = {.on_open = fill_with_places};
    fill_queue_of_1000(&with_places);
}

static void a_shared_buffer_counts_with_its_overhead(void **state)
{
    (void)state;
    static const struct play with_buffers = {.on_open = fill_with_buffers};
    fill_queue_of_1000(&with_buffers);
}

/* A peer that does not read can cost a queue, and no more (O6). */
static void a_peer_that_does_not_read_fills_its_queue_and_gets_it_all_later(void **state)
{
    (void)state;
    enum { LIMIT = 64 * 1024 };
    struct raw_socket peer;
    uint64_t received = 0;
    int error = 0;
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = LIMIT});
    struct actor *actor = fixture_visit_narrow(&peer);
    for (int refused_count = 0; refused_count < 20;) {
        error = refused_count % 2 == 0 ? actor_share(actor, 1000) : actor_say(actor, 1000);
        /* Until the kernel has refused something, this thread may send more than the limit. */
        assert_true(gw_stream_send_queue_bytes(actor->stream) <= LIMIT * GW_STREAM_BURST_FACTOR);
        if (error != 0) {
            assert_int_equal(error, GW_E_FULL);
            refused_count++;
            machine_sleep_ms(2); /* the kernel may have taken some */
        }
    }
    assert_int_equal(fixture_counters().send_queue_bytes,
                     gw_stream_send_queue_bytes(actor->stream));
    assert_true(raw_receive(&peer, &received, atomic_load(&actor->said)));
    WAIT_FOR(gw_stream_send_queue_bytes(actor->stream) == 0);
    assert_int_equal(fixture_counters().send_queue_bytes, 0);
    assert_int_equal(actor_say(actor, 10), 0);
    assert_true(raw_receive(&peer, &received, 10));
    raw_socket_close(&peer);
    fixture_close();
}

/* ---- what the kernel takes does not count ---- */

enum { NARROW = 10000, BURST_COUNT = 12, BURST_BYTES = 6000 };

static void say_a_burst(struct actor *actor)
{
    for (int i = 0; i < BURST_COUNT; i++) {
        expect((i % 2 == 0 ? actor_say(actor, BURST_BYTES) : actor_share(actor, BURST_BYTES)) == 0);
        expect(gw_stream_send_queue_bytes(actor->stream) <= NARROW);
    }
}

/* Seven times the limit in one turn; the kernel of an idle connection takes it. */
static void a_burst_in_one_turn_goes_to_a_peer_that_reads(void **state)
{
    (void)state;
    static const struct play burst = {.on_open = say_a_burst};
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    fixture_open(&(struct port_fixture_plan){.play = &burst, .send_queue_bytes_max = NARROW});
    (void)fixture_visit(&peer);
    assert_true(raw_receive(&peer, &received, (uint64_t)BURST_COUNT * BURST_BYTES));
    assert_int_equal(atomic_load(&wrong_count), 0);
    raw_socket_close(&peer);
    fixture_close();
}

static void say_a_burst_to_all(void *context)
{
    (void)context;
    for (struct actor *actor = atomic_load(&fixture.actors); actor != NULL; actor = actor->next) {
        for (int i = 0; i < 6; i++) {
            expect(actor_share(actor, BURST_BYTES) == 0);
        }
    }
}

/* An object on any lane, and on that of some of the streams. */
static void a_burst_of_another_object_goes_to_peers_that_read(void **state)
{
    (void)state;
    enum { PEER_COUNT = 8 };
    struct raw_socket peers[PEER_COUNT];
    struct gw_turn room;
    atomic_store(&wrong_count, 0);
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = NARROW});
    for (int i = 0; i < PEER_COUNT; i++) {
        (void)fixture_visit(&peers[i]);
    }
    fixture_run_now();
    gw_turn_init(&room, fixture.port, NULL);
    run_in_turn(&room, say_a_burst_to_all, NULL);
    for (int i = 0; i < PEER_COUNT; i++) {
        uint64_t received = 0;
        assert_true(raw_receive(&peers[i], &received, 6 * BURST_BYTES));
        raw_socket_close(&peers[i]);
    }
    assert_int_equal(atomic_load(&wrong_count), 0);
    fixture_close();
}

static void share_one_that_is_too_long(struct actor *actor)
{
    expect(actor_share(actor, NARROW + 1) == 0);
    expect(actor_share(actor, NARROW + 1) == 0);
}

static void a_message_longer_than_the_limit_is_taken_where_nothing_waits(void **state)
{
    (void)state;
    static const struct play play = {.on_open = share_one_that_is_too_long};
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    fixture_open(&(struct port_fixture_plan){.play = &play, .send_queue_bytes_max = NARROW});
    (void)fixture_visit(&peer);
    assert_true(raw_receive(&peer, &received, 2 * (NARROW + 1)));
    assert_int_equal(atomic_load(&wrong_count), 0);
    raw_socket_close(&peer);
    fixture_close();
}

static void what_is_dropped_is_not_counted_any_more(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = 1 << 20});
    struct actor *actor = fixture_visit_narrow(&peer);
    while (actor_share(actor, 10000) == 0 && actor_say(actor, 100) == 0) {
    }
    assert_true(fixture_counters().send_queue_bytes > 0);
    actor_close(actor, GW_E_CLOSED);
    actor_wait_close(actor);
    WAIT_FOR(fixture_counters().send_queue_bytes == 0);
    assert_int_equal(gw_stream_send_queue_bytes(actor->stream), 0);
    raw_socket_close(&peer);
    fixture_close();
}

/* ---- nothing and very much ---- */

static void sending_an_empty_buffer_does_nothing(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    struct gw_buf *empty = gw_buf_create(0);
    assert_int_equal(gw_stream_send(actor->stream, empty), 0);
    assert_int_equal(gw_stream_send_queue_bytes(actor->stream), 0);
    assert_int_equal(actor_tell(actor, "more"), 0);
    assert_true(raw_receives_text(&peer, "more"));
    actor_close(actor, GW_E_CLOSED);
    actor_wait_close(actor);
    assert_int_equal(gw_stream_send(actor->stream, empty), GW_E_CLOSED);
    gw_buf_unref(empty);
    raw_socket_close(&peer);
    fixture_close();
}

static void share_many(struct actor *actor)
{
    for (int i = 0; i < 500; i++) {
        expect(actor_share(actor, 1 + (uint32_t)i % 7) == 0);
        expect(i % 100 != 0 || actor_say(actor, 3) == 0);
    }
}

/* One send takes 64 spans; a queue may have more. */
static void hundreds_of_buffers_in_one_turn_arrive_in_order(void **state)
{
    (void)state;
    static const struct play many = {.on_open = share_many};
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    fixture_open(&(struct port_fixture_plan){.play = &many});
    struct actor *actor = fixture_visit(&peer);
    WAIT_FOR(atomic_load(&actor->open_count) == 1);
    fixture_run_now();
    assert_int_equal(atomic_load(&wrong_count), 0);
    assert_true(raw_receive(&peer, &received, atomic_load(&actor->said)));
    raw_socket_close(&peer);
    fixture_close();
}

static void one_buffer_may_go_to_many(void **state)
{
    (void)state;
    enum { PEER_COUNT = 40, BYTES = 5000 };
    struct raw_socket peers[PEER_COUNT];
    struct actor *actors[PEER_COUNT];
    struct gw_buf *buf = gw_buf_create(BYTES);
    uint8_t received[BYTES];
    memset(gw_buf_data(buf), 0x5A, BYTES);
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    for (int i = 0; i < PEER_COUNT; i++) {
        actors[i] = fixture_visit(&peers[i]);
    }
    for (int i = 0; i < PEER_COUNT; i++) {
        assert_int_equal(gw_stream_send(actors[i]->stream, buf), 0);
    }
    gw_buf_unref(buf); /* the queues have theirs */
    for (int i = 0; i < PEER_COUNT; i++) {
        assert_true(raw_socket_recv_all(&peers[i], received, BYTES));
        for (int j = 0; j < BYTES; j++) {
            assert_int_equal(received[j], 0x5A);
        }
        raw_socket_close(&peers[i]);
    }
    fixture_close();
}

/* ---- when it leaves ---- */

static void say_100_times(struct actor *actor)
{
    for (int i = 0; i < 100; i++) {
        expect(actor_say(actor, 20) == 0);
    }
}

static enum gw_recv answer_100_times(struct actor *actor, struct gw_ring *ring)
{
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    say_100_times(actor);
    return GW_RECV_MORE;
}

static void what_is_said_in_one_turn_leaves_in_one_send(void **state)
{
    (void)state;
    static const struct play talkative = {.on_recv = answer_100_times};
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    fixture_open(&(struct port_fixture_plan){.play = &talkative});
    (void)fixture_visit(&peer);
    for (uint64_t round = 1; round <= 10; round++) {
        assert_true(raw_socket_send(&peer, "?", 1));
        assert_true(raw_receive(&peer, &received, 2000));
        WAIT_FOR(fixture_counters().send_count == round);
    }
    assert_int_equal(atomic_load(&wrong_count), 0);
    raw_socket_close(&peer);
    fixture_close();
    assert_int_equal(checking_kernel_account().sends, 10);
}

static void say_100_times_to_all(void *context)
{
    (void)context;
    for (struct actor *actor = atomic_load(&fixture.actors); actor != NULL; actor = actor->next) {
        say_100_times(actor);
    }
}

/* An object that is no stream: a room, for instance. */
static void a_room_that_tells_many_sends_once_to_each(void **state)
{
    (void)state;
    enum { PEER_COUNT = 20 };
    struct raw_socket peers[PEER_COUNT];
    struct gw_turn room;
    atomic_store(&wrong_count, 0);
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    for (int i = 0; i < PEER_COUNT; i++) {
        (void)fixture_visit(&peers[i]);
    }
    fixture_run_now();
    gw_turn_init(&room, fixture.port, NULL);
    run_in_turn(&room, say_100_times_to_all, NULL);
    for (int i = 0; i < PEER_COUNT; i++) {
        uint64_t received = 0;
        assert_true(raw_receive(&peers[i], &received, 2000));
        raw_socket_close(&peers[i]);
    }
    assert_int_equal(atomic_load(&wrong_count), 0);
    fixture_close();
    /* From another lane each message comes by itself, 64 in a turn. */
    assert_in_range(checking_kernel_account().sends, PEER_COUNT, 2 * PEER_COUNT);
}

static atomic_uint pending_count;

/* Nothing leaves before the turn is over, whatever is said in it. */
static void say_and_look(struct actor *actor)
{
    uint64_t sends = checking_kernel_account().sends;
    for (int i = 0; i < 1000; i++) {
        expect(actor_say(actor, 50) == 0);
        expect(actor_share(actor, 50) == 0);
    }
    atomic_fetch_add(&pending_count, checking_kernel_account().sends != sends);
}

static void nothing_leaves_inside_the_call(void **state)
{
    (void)state;
    static const struct play talkative = {.on_open = say_and_look};
    struct raw_socket peer;
    uint64_t received = 0;
    atomic_store(&wrong_count, 0);
    atomic_store(&pending_count, 0);
    fixture_open(&(struct port_fixture_plan){.play = &talkative});
    struct actor *actor = fixture_visit(&peer);
    assert_true(raw_receive(&peer, &received, 100000));
    WAIT_FOR(gw_stream_send_queue_bytes(actor->stream) == 0);
    assert_int_equal(atomic_load(&wrong_count), 0);
    assert_int_equal(atomic_load(&pending_count), 0);
    raw_socket_close(&peer);
    fixture_close();
}

static void the_memory_of_a_send_waits_for_its_done(void **state)
{
    (void)state;
    struct raw_socket peer;
    uint64_t received = 0;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    checking_kernel_hold_sends(true);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(actor_say(actor, 300), 0);
        assert_int_equal(actor_share(actor, 3000), 0);
    }
    fixture_run_now();
    assert_int_equal(checking_kernel_account().sends, 1); /* and no second one beside it */
    assert_int_equal(gw_stream_send_queue_bytes(actor->stream),
                     10 * (3300 + GW_STREAM_BUF_OVERHEAD_BYTES));
    checking_kernel_hold_sends(false);
    assert_true(raw_receive(&peer, &received, 33000));
    raw_socket_close(&peer);
    fixture_close();
}

int contract_send(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_queue_takes_its_limit_and_not_a_byte_more),
        FIXTURE_TEST(a_shared_buffer_counts_with_its_overhead),
        FIXTURE_TEST(a_peer_that_does_not_read_fills_its_queue_and_gets_it_all_later),
        FIXTURE_TEST(a_burst_in_one_turn_goes_to_a_peer_that_reads),
        FIXTURE_TEST(a_burst_of_another_object_goes_to_peers_that_read),
        FIXTURE_TEST(a_message_longer_than_the_limit_is_taken_where_nothing_waits),
        FIXTURE_TEST(what_is_dropped_is_not_counted_any_more),
        FIXTURE_TEST(sending_an_empty_buffer_does_nothing),
        FIXTURE_TEST(hundreds_of_buffers_in_one_turn_arrive_in_order),
        FIXTURE_TEST(one_buffer_may_go_to_many),
        FIXTURE_TEST(what_is_said_in_one_turn_leaves_in_one_send),
        FIXTURE_TEST(a_room_that_tells_many_sends_once_to_each),
        FIXTURE_TEST(nothing_leaves_inside_the_call),
        FIXTURE_TEST(the_memory_of_a_send_waits_for_its_done),
    };
    return cmocka_run_group_tests_name("contract: send", tests, NULL, NULL);
}

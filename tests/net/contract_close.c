/* tests/net/contract_close.c: the end at once: cancel, wait for what is in flight, close. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/lane.h"
#include "net/ring.h"
#include "net/stream_internal.h"
#include "tests/net/port_fixture.h"

enum { REASON = 77 };

/* ---- promptly ---- */

static void a_close_is_prompt_and_drops_what_is_queued(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit_narrow(&peer);
    while (actor_say(actor, 10000) == 0) {
    }
    fixture_run_now();
    checking_kernel_stop_time(); /* no timer helps it */
    assert_true(actor_close(actor, REASON));
    assert_int_equal(actor_wait_close(actor), REASON);
    assert_true(checking_kernel_account().cancelled > 0);
    assert_int_equal(fixture_counters().stream_count, 0);
    WAIT_FOR(fixture_counters().send_queue_bytes == 0);
    raw_socket_close(&peer);
    fixture_close();
}

static void an_idle_stream_closes_as_promptly(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    fixture_run_now();
    checking_kernel_stop_time();
    assert_true(actor_close(actor, REASON));
    assert_int_equal(actor_wait_close(actor), REASON);
    assert_true(raw_socket_recv_until_end(&peer) <= 0);
    raw_socket_close(&peer);
    fixture_close();
}

static void a_close_waits_for_the_send_in_flight(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    checking_kernel_hold_sends(true);
    assert_int_equal(actor_share(actor, 50000), 0);
    fixture_run_now();
    assert_int_equal(checking_kernel_account().sends, 1);
    assert_true(actor_close(actor, REASON));
    assert_int_equal(actor_wait_close(actor), REASON); /* the checking kernel saw in which order */
    raw_socket_close(&peer);
    fixture_close();
}

/* ---- inside each callback ---- */

static void close_now(struct actor *actor)
{
    (void)actor_close(actor, REASON);
}

static void finish_now(struct actor *actor)
{
    (void)actor_finish(actor, REASON, "farewell");
}

static enum gw_recv close_while_reading(struct actor *actor, struct gw_ring *ring)
{
    gw_ring_consume(ring, 1); /* and leaves the rest */
    close_now(actor);
    return GW_RECV_MORE;
}

static enum gw_recv close_and_ask_again(struct actor *actor, struct gw_ring *ring)
{
    (void)ring;
    close_now(actor);
    return GW_RECV_AGAIN;
}

static enum gw_recv close_a_paused_one(struct actor *actor, struct gw_ring *ring)
{
    (void)ring;
    gw_stream_pause(actor->stream);
    close_now(actor);
    gw_stream_resume(actor->stream);
    return GW_RECV_MORE;
}

static enum gw_recv finish_while_reading(struct actor *actor, struct gw_ring *ring)
{
    gw_ring_consume(ring, 1);
    finish_now(actor);
    return GW_RECV_AGAIN;
}

static void set_deadline_now(struct actor *actor)
{
    gw_stream_set_deadline(actor->stream, 0);
}

/* Everything that may be asked of a stream, when it is over. */
static void ask_for_everything(struct actor *actor)
{
    if (actor_tell(actor, "too late") != GW_E_CLOSED || actor_share(actor, 10) != GW_E_CLOSED ||
        gw_stream_finish(actor->stream, 1, NULL) || gw_stream_close(actor->stream, 2)) {
        checking_kernel_break("in on_close a stream is over");
    }
    gw_stream_pause(actor->stream);
    gw_stream_resume(actor->stream);
    gw_stream_set_deadline(actor->stream, 0);
    gw_stream_set_deadline(actor->stream, GW_STREAM_NO_DEADLINE);
}

static void a_stream_may_be_ended_inside_each_of_its_callbacks(void **state)
{
    (void)state;
    static const struct play plays[] = {
        {.on_open = close_now, .on_close = ask_for_everything},
        {.on_open = finish_now, .on_close = ask_for_everything},
        {.on_recv = close_while_reading, .on_close = ask_for_everything},
        {.on_recv = close_and_ask_again, .on_close = ask_for_everything},
        {.on_recv = close_a_paused_one, .on_close = ask_for_everything},
        {.on_recv = finish_while_reading, .on_close = ask_for_everything},
        {.on_open = set_deadline_now, .on_deadline = close_now, .on_close = ask_for_everything},
        {.on_open = set_deadline_now, .on_deadline = finish_now, .on_close = ask_for_everything},
    };
    for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
        struct raw_socket peer;
        fixture_open(&(struct port_fixture_plan){.play = &plays[i]});
        struct actor *actor = fixture_visit(&peer);
        (void)raw_socket_send(&peer, "some words", 10);
        (void)raw_socket_recv_until_end(&peer);
        raw_socket_close(&peer);
        assert_int_equal(actor_wait_close(actor), REASON);
        fixture_close();
        fixture_setup(state);
    }
}

/* ---- from other threads ---- */

static void close_posted_task(void *context)
{
    (void)actor_close(context, REASON);
}

static void a_stream_may_be_closed_by_another_object(void **state)
{
    (void)state;
    enum { PEER_COUNT = 20 };
    struct raw_socket peers[PEER_COUNT];
    struct actor *actors[PEER_COUNT];
    struct gw_turn room;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    gw_turn_init(&room, fixture.port, NULL);
    for (int i = 0; i < PEER_COUNT; i++) {
        actors[i] = fixture_visit(&peers[i]);
    }
    for (int i = 0; i < PEER_COUNT; i++) {
        run_in_turn(&room, close_posted_task, actors[i]);
        assert_int_equal(actor_wait_close(actors[i]), REASON);
        raw_socket_close(&peers[i]);
    }
    fixture_close();
}

static void talk_and_read(void *context)
{
    const struct raw_socket *peer = context;
    uint8_t data[3000] = {0};
    while (raw_socket_send(peer, data, sizeof(data)) &&
           raw_socket_recv(peer, data, sizeof(data)) > 0) {
    }
}

/* T28: the close races with both directions, a little later each time. */
static void a_close_may_come_while_both_directions_are_busy(void **state)
{
    (void)state;
    static const struct play echo = {.on_recv = actor_echo};
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    for (uint32_t round = 0; round < 60; round++) {
        struct raw_socket peer;
        os_thread thread;
        struct actor *actor = fixture_visit(&peer);
        assert_int_equal(os_thread_start(&thread, talk_and_read, &peer), 0);
        WAIT_FOR(atomic_load(&actor->recv_count) > round % 10);
        assert_true(actor_close(actor, REASON));
        assert_int_equal(actor_wait_close(actor), REASON);
        os_thread_join(thread);
        raw_socket_close(&peer);
    }
    fixture_close();
}

static void nothing_is_received_after_a_close(void **state)
{
    (void)state;
    static const struct play unfriendly = {.on_recv = close_while_reading};
    fixture_open(&(struct port_fixture_plan){.play = &unfriendly});
    for (int round = 0; round < 20; round++) {
        struct raw_socket peer;
        struct actor *actor = fixture_visit(&peer);
        for (int i = 0; i < 20; i++) {
            (void)raw_socket_send(&peer, "some words", 10);
        }
        assert_int_equal(actor_wait_close(actor), REASON);
        assert_int_equal(atomic_load(&actor->recv_count), 1);
        raw_socket_close(&peer);
    }
    fixture_close();
}

/* ---- afterwards ---- */

static void whoever_holds_a_reference_may_ask_after_the_end(void **state)
{
    (void)state;
    struct raw_socket peer;
    char text[GW_ADDR_TEXT_BYTES];
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    assert_true(actor_close(actor, REASON));
    assert_int_equal(actor_wait_close(actor), REASON);
    fixture_run_now();
    assert_int_equal(actor_say(actor, 10), GW_E_CLOSED);
    assert_int_equal(actor_share(actor, 10), GW_E_CLOSED);
    assert_false(actor_finish(actor, 1, "not sent"));
    assert_false(actor_close(actor, 1));
    assert_int_equal(gw_stream_send_queue_bytes(actor->stream), 0);
    assert_memory_equal(gw_addr_format(gw_stream_peer(actor->stream), text), "127.0.0.1:", 10);
    fixture_run_now();
    assert_int_equal(atomic_load(&actor->close_count), 1);
    raw_socket_close(&peer);
    fixture_close();
}

static atomic_uint wait_count;

static void count_wait(void)
{
    atomic_fetch_add(&wait_count, 1);
}

/* A program that has started another one, however briefly, does not own its sockets alone. */
static void a_closed_stream_is_not_received_of_again_though_a_child_has_its_socket(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    fixture_run_now();
    intptr_t child = machine_start_child();
    assert_true(actor_close(actor, REASON));
    assert_int_equal(actor_wait_close(actor), REASON);
    (void)raw_socket_send(&peer, "hello", 5); /* the child's socket takes it */
    checking_kernel_before_wait(count_wait);
    fixture_run_now();
    atomic_store(&wait_count, 0);
    machine_sleep_ms(100);
    machine_end_child(child);
    assert_in_range(atomic_load(&wait_count), 0, 2 * fixture_worker_count);
    raw_socket_close(&peer);
    fixture_close();
}

static void no_reference_may_be_let_go(void **state)
{
    (void)state;
    gw_stream_unref(NULL);
}

int contract_close(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_close_is_prompt_and_drops_what_is_queued),
        FIXTURE_TEST(an_idle_stream_closes_as_promptly),
        FIXTURE_TEST(a_close_waits_for_the_send_in_flight),
        FIXTURE_TEST(a_stream_may_be_ended_inside_each_of_its_callbacks),
        FIXTURE_TEST(a_stream_may_be_closed_by_another_object),
        FIXTURE_TEST(a_close_may_come_while_both_directions_are_busy),
        FIXTURE_TEST(nothing_is_received_after_a_close),
        FIXTURE_TEST(whoever_holds_a_reference_may_ask_after_the_end),
        FIXTURE_TEST(a_closed_stream_is_not_received_of_again_though_a_child_has_its_socket),
        FIXTURE_TEST(no_reference_may_be_let_go),
    };
    return cmocka_run_group_tests_name("contract: close", tests, NULL, NULL);
}

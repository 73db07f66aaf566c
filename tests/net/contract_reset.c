/* tests/net/contract_reset.c: peers that go away in the middle, and operations that fail. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/lane.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"

/* ---- resets ---- */

static void a_reset_ends_a_stream_with_its_reason(void **state)
{
    (void)state;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    for (int round = 0; round < 20; round++) {
        struct raw_socket peer;
        struct actor *actor = fixture_visit(&peer);
        if (round % 2 == 0) {
            assert_true(raw_socket_send(&peer, "half a", 6));
        }
        WAIT_FOR(atomic_load(&actor->open_count) == 1);
        raw_socket_reset(&peer);
        assert_int_equal(actor_wait_close(actor), GW_E_RESET);
    }
    fixture_close();
}

static void a_reset_ends_a_stream_that_cannot_send(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit_narrow(&peer);
    while (actor_share(actor, 10000) == 0) {
    }
    fixture_run_now();
    raw_socket_reset(&peer);
    assert_int_equal(actor_wait_close(actor), GW_E_RESET);
    assert_int_equal(actor_share(actor, 10), GW_E_CLOSED);
    fixture_close();
}

static void a_reset_ends_a_finish(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    checking_kernel_stop_time();
    struct actor *actor = fixture_visit_narrow(&peer);
    while (actor_share(actor, 10000) == 0) {
    }
    assert_true(actor_finish(actor, 77, "farewell"));
    fixture_run_now();
    raw_socket_reset(&peer);
    assert_int_equal(actor_wait_close(actor), 77);
    fixture_close();
}

static void what_arrived_before_a_reset_is_received(void **state)
{
    (void)state;
    static const struct play listening = {.on_recv = actor_receive};
    fixture_open(&(struct port_fixture_plan){.play = &listening});
    for (int round = 0; round < 20; round++) {
        struct raw_socket peer;
        uint64_t said = 0;
        struct actor *actor = fixture_visit(&peer);
        assert_true(raw_say(&peer, &said, 100));
        WAIT_FOR(atomic_load(&actor->received) == 100);
        raw_socket_reset(&peer);
        assert_int_equal(actor_wait_close(actor), GW_E_RESET);
    }
    fixture_close();
}

/* ---- resets of our own: nothing stays in the kernel for a peer that does not read ---- */

static void a_peer_that_stops_reading_is_reset_when_the_flush_time_is_over(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit_narrow(&peer);
    while (actor_share(actor, 10000) == 0) {
    }
    fixture_run_now();
    checking_kernel_stop_time();
    assert_true(actor_finish(actor, 77, "farewell"));
    fixture_run_now();
    fixture_leap_ms(GW_STREAM_FLUSH_MS + 5);
    assert_int_equal(actor_wait_close(actor), 77);
    assert_true(raw_socket_recv_until_reset(&peer));
    raw_socket_close(&peer);
    fixture_close();
}

static void a_close_with_unsent_bytes_is_a_reset(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit_narrow(&peer);
    while (actor_share(actor, 10000) == 0) {
    }
    fixture_run_now();
    assert_true(actor_close(actor, 77));
    assert_int_equal(actor_wait_close(actor), 77);
    assert_true(raw_socket_recv_until_reset(&peer));
    raw_socket_close(&peer);
    fixture_close();
}

/* So that the kernel has refused something before the end of the turn. */
static void fill_and_close(void *context)
{
    struct actor *actor = context;
    while (actor_share(actor, 10000) == 0) {
    }
    assert_true(actor_close(actor, 77));
}

static void a_close_in_the_turn_that_filled_the_kernel_is_a_reset(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit_narrow(&peer);
    run_in_turn(gw_stream_turn(actor->stream), fill_and_close, actor);
    assert_int_equal(actor_wait_close(actor), 77);
    assert_true(raw_socket_recv_until_reset(&peer));
    raw_socket_close(&peer);
    fixture_close();
}

/* RST would discard what a peer has received and not read. */
static void a_close_with_all_bytes_sent_is_no_reset(void **state)
{
    (void)state;
    struct raw_socket peer;
    uint64_t received = 0;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    assert_int_equal(actor_share(actor, 10000), 0);
    fixture_run_now();
    assert_true(actor_close(actor, 77));
    assert_int_equal(actor_wait_close(actor), 77);
    assert_true(raw_receive(&peer, &received, 10000));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);
    fixture_close();
}

/* The kernel has taken all, and has no room at the peer: the end waits once more, then resets. */
static void
a_half_closed_peer_that_does_not_read_is_reset_when_the_linger_time_is_over(void **state)
{
    (void)state;
    struct raw_socket peer;
    if (!fixture_backend_tells_unsent()) {
        skip();
    }
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit_narrow(&peer);
    assert_int_equal(actor_share(actor, 60000), 0);
    WAIT_FOR(fixture_counters().send_queue_bytes == 0);
    checking_kernel_stop_time();
    raw_socket_finish(&peer);
    fixture_run_now(); /* the FIN has come */
    fixture_run_now(); /* what it led to is done */
    fixture_leap_ms(GW_STREAM_LINGER_MS - 5);
    assert_int_equal(atomic_load(&actor->close_count), 0);
    fixture_leap_ms(10);
    assert_int_equal(actor_wait_close(actor), GW_E_CLOSED);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_RESET);
    raw_socket_close(&peer);
    fixture_close();
}

static void a_half_closed_peer_that_reads_gets_every_byte(void **state)
{
    (void)state;
    struct raw_socket peer;
    uint64_t received = 0;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit_narrow(&peer);
    assert_int_equal(actor_share(actor, 60000), 0);
    raw_socket_finish(&peer);
    assert_true(raw_receive(&peer, &received, 60000));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    fixture_leap_ms(GW_STREAM_LINGER_MS + 5);
    assert_int_equal(actor_wait_close(actor), GW_E_CLOSED);
    raw_socket_close(&peer);
    fixture_close();
}

/* It counts what it holds with its overhead, and doubles the limit for that: socket(7). */
static void the_kernel_holds_no_more_for_one_peer_than_its_limit(void **state)
{
    (void)state;
    enum { PEER_BYTES_MAX = 16 * 1024 }; /* in the narrow buffer of the peer itself */
    struct raw_socket peer;
    if (!fixture_backend_tells_unsent()) {
        skip();
    }
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = 4 * 1024 * 1024});
    struct actor *actor = fixture_visit_narrow(&peer);
    while (actor_share(actor, 10000) == 0) {
    }
    fixture_run_now();
    uint64_t sent = fixture_counters().bytes_out;
    assert_in_range(sent, 1, 2 * OS_SOCKET_SEND_BYTES + PEER_BYTES_MAX);
    raw_socket_close(&peer);
    (void)actor_wait_close(actor);
    fixture_close();
}

/* ---- sends that fail ---- */

static struct gate gate;

static enum gw_recv wait_then_receive(struct actor *actor, struct gw_ring *ring)
{
    if (atomic_load(&actor->recv_count) == 1) {
        gate_wait(&gate);
        (void)actor_tell(actor, "this does not get out");
    }
    return actor_receive(actor, ring);
}

static void open_for_failure(const struct play *play, struct raw_socket *peer,
                             struct actor **actor_out)
{
    gate_reset(&gate);
    fixture_open(&(struct port_fixture_plan){.play = play});
    *actor_out = fixture_visit(peer);
    checking_kernel_stop_time();
    checking_kernel_fail(CHECKING_SEND, GW_E_RESET, 1);
}

static void what_had_arrived_is_received_though_a_send_failed(void **state)
{
    (void)state;
    static const struct play listening = {.on_recv = wait_then_receive};
    struct raw_socket peer;
    uint64_t said = 0;
    struct actor *actor;
    open_for_failure(&listening, &peer, &actor);
    assert_true(raw_say(&peer, &said, 10));
    WAIT_FOR(atomic_load(&gate.reached));
    assert_true(raw_say(&peer, &said, 30000));
    raw_socket_finish(&peer);
    atomic_store(&gate.open, true);
    assert_int_equal(actor_wait_close(actor), GW_E_RESET);
    assert_int_equal(atomic_load(&actor->received), 30010);
    assert_int_equal(actor_say(actor, 1), GW_E_CLOSED);
    raw_socket_close(&peer);
    fixture_close();
}

static void tell_once(struct actor *actor)
{
    (void)actor_tell(actor, "this does not get out");
}

static void after_a_failed_send_a_silent_peer_is_given_a_second(void **state)
{
    (void)state;
    static const struct play talkative = {.on_open = tell_once};
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &talkative});
    checking_kernel_stop_time();
    checking_kernel_fail(CHECKING_SEND, GW_E_RESET, 1);
    struct actor *actor = fixture_visit(&peer);
    WAIT_FOR(atomic_load(&actor->open_count) == 1);
    fixture_run_now();
    assert_int_equal(fixture_counters().send_queue_bytes, 0);
    fixture_leap_ms(GW_STREAM_LINGER_MS - 5);
    assert_int_equal(atomic_load(&actor->close_count), 0);
    fixture_leap_ms(10);
    assert_int_equal(actor_wait_close(actor), GW_E_RESET);
    raw_socket_close(&peer);
    fixture_close();
}

static void after_a_failed_send_a_close_is_still_prompt(void **state)
{
    (void)state;
    static const struct play talkative = {.on_open = tell_once};
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &talkative});
    checking_kernel_stop_time();
    checking_kernel_fail(CHECKING_SEND, GW_E_RESET, 1);
    struct actor *actor = fixture_visit(&peer);
    WAIT_FOR(atomic_load(&actor->open_count) == 1);
    fixture_run_now();
    assert_false(actor_close(actor, 77));
    assert_int_equal(actor_wait_close(actor), GW_E_RESET);
    raw_socket_close(&peer);
    fixture_close();
}

/* Closes the stream between a turn and a wait, as another thread may. */
static struct {
    _Atomic(struct actor *) actor;
} to_close;

static void close_before_wait(void)
{
    struct actor *actor = atomic_load(&to_close.actor);
    if (actor != NULL && gw_stream_turn(actor->stream)->lane == gw__worker()->lane &&
        atomic_compare_exchange_strong(&to_close.actor, &actor, NULL)) {
        (void)gw_stream_close(actor->stream, 77);
        atomic_store(&actor->end_was_told, true);
    }
}

static enum gw_recv tell_and_be_closed(struct actor *actor, struct gw_ring *ring)
{
    (void)actor_receive(actor, ring);
    gate_wait(&gate);
    (void)actor_tell(actor, "this does not get out");
    atomic_store(&to_close.actor, actor);
    return GW_RECV_MORE;
}

static void nothing_is_received_after_a_close_though_a_send_failed(void **state)
{
    (void)state;
    static const struct play closed = {.on_recv = tell_and_be_closed};
    struct raw_socket peer;
    uint64_t said = 0;
    struct actor *actor;
    if (fixture_backend->lane_shared) {
        skip(); /* there the next turn may come before the next wait */
    }
    open_for_failure(&closed, &peer, &actor);
    checking_kernel_before_wait(close_before_wait);
    assert_true(raw_say(&peer, &said, 10));
    WAIT_FOR(atomic_load(&gate.reached));
    assert_true(raw_say(&peer, &said, 10)); /* lies there when the failed send comes lane */
    atomic_store(&gate.open, true);
    (void)actor_wait_close(actor);
    assert_int_equal(atomic_load(&actor->recv_count), 1);
    raw_socket_close(&peer);
    fixture_close();
}

/* ---- other operations that fail ---- */

static void a_failed_recv_ends_its_stream_alone(void **state)
{
    (void)state;
    static const struct play echo = {.on_recv = actor_echo};
    static const int errors[] = {GW_E_RESET, GW_E_TIMEOUT, GW_E_MEMORY, GW_E_SYSTEM, GW_E_CLOSED};
    struct raw_socket bystander;
    fixture_open(&(struct port_fixture_plan){.play = &echo});
    (void)fixture_visit(&bystander);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct raw_socket peer;
        struct actor *actor = fixture_visit(&peer);
        fixture_run_now();
        checking_kernel_fail(CHECKING_RECV, errors[i], 1);
        assert_true(raw_socket_send(&peer, "?", 1));
        assert_int_equal(actor_wait_close(actor), errors[i]);
        raw_socket_close(&peer);
    }
    assert_true(raw_socket_send(&bystander, "still here", 10));
    assert_true(raw_receives_text(&bystander, "still here"));
    raw_socket_close(&bystander);
    fixture_close();
}

int contract_reset(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_reset_ends_a_stream_with_its_reason),
        FIXTURE_TEST(a_reset_ends_a_stream_that_cannot_send),
        FIXTURE_TEST(a_reset_ends_a_finish),
        FIXTURE_TEST(what_arrived_before_a_reset_is_received),
        FIXTURE_TEST(a_peer_that_stops_reading_is_reset_when_the_flush_time_is_over),
        FIXTURE_TEST(a_close_with_unsent_bytes_is_a_reset),
        FIXTURE_TEST(a_close_in_the_turn_that_filled_the_kernel_is_a_reset),
        FIXTURE_TEST(a_close_with_all_bytes_sent_is_no_reset),
        FIXTURE_TEST(a_half_closed_peer_that_does_not_read_is_reset_when_the_linger_time_is_over),
        FIXTURE_TEST(a_half_closed_peer_that_reads_gets_every_byte),
        FIXTURE_TEST(the_kernel_holds_no_more_for_one_peer_than_its_limit),
        FIXTURE_TEST(what_had_arrived_is_received_though_a_send_failed),
        FIXTURE_TEST(after_a_failed_send_a_silent_peer_is_given_a_second),
        FIXTURE_TEST(after_a_failed_send_a_close_is_still_prompt),
        FIXTURE_TEST(nothing_is_received_after_a_close_though_a_send_failed),
        FIXTURE_TEST(a_failed_recv_ends_its_stream_alone),
    };
    return cmocka_run_group_tests_name("contract: reset", tests, NULL, NULL);
}

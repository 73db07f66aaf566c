/* tests/net/contract_finish.c: the end in good order: flush, FIN, wait for the peer's. */
#include "tests/net/contract.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <string.h>

enum { REASON = 77 };

/* ---- what was queued ---- */

static void what_was_queued_arrives_before_the_fin(void **state)
{
    (void)state;
    struct raw_socket peer;
    uint64_t received = 0;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit_narrow(&peer);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(actor_share(actor, 5000), 0);
        assert_int_equal(actor_say(actor, 50), 0);
    }
    assert_true(actor_finish(actor, REASON, "farewell"));
    assert_true(raw_receive(&peer, &received, atomic_load(&actor->said)));
    assert_true(raw_receives_text(&peer, "farewell"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    assert_int_equal(atomic_load(&actor->close_count), 0); /* it waits for the peer's */
    raw_socket_close(&peer);
    assert_int_equal(actor_wait_close(actor), REASON);
    fixture_close();
}

static void the_last_words_pass_a_full_queue(void **state)
{
    (void)state;
    struct raw_socket peer;
    uint64_t received = 0;
    fixture_open(&(struct port_fixture_plan){.send_queue_bytes_max = 50000});
    struct actor *actor = fixture_visit_narrow(&peer);
    for (int refused_count = 0; refused_count < 3;) {
        refused_count += actor_say(actor, 1000) != 0;
    }
    assert_true(actor_finish(actor, REASON, "farewell"));
    assert_true(raw_receive(&peer, &received, atomic_load(&actor->said)));
    assert_true(raw_receives_text(&peer, "farewell"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);
    assert_int_equal(actor_wait_close(actor), REASON);
    fixture_close();
}

static void without_anything_queued_the_fin_comes_at_once(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    checking_kernel_stop_time();
    assert_true(actor_finish(actor, REASON, NULL));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);
    assert_int_equal(actor_wait_close(actor), REASON);
    fixture_close();
}

/* ---- a peer in the middle of sending ---- */

struct chatterer {
    struct raw_socket socket;
    atomic_bool finished; /* the other side has said its last words */
};

static void chatter(void *context)
{
    struct chatterer *chatterer = context;
    static const uint8_t data[1024];
    uint32_t count = 0;
    while (!atomic_load(&chatterer->finished) && count < 100) {
        count += raw_socket_send(&chatterer->socket, data, sizeof(data));
    }
    while (!atomic_load(&chatterer->finished)) {
        machine_sleep_ms(1);
    }
    for (int i = 0; i < 50; i++) {
        (void)raw_socket_send(&chatterer->socket, data, sizeof(data));
    }
    raw_socket_finish(&chatterer->socket);
}

/* Closing with unread input throws away what is on its way to the peer. */
static void the_last_words_arrive_while_the_peer_is_sending(void **state)
{
    (void)state;
    enum { ROUND_COUNT = 50 };
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    for (int round = 0; round < ROUND_COUNT; round++) {
        struct chatterer peer = {.finished = false};
        os_thread thread;
        struct actor *actor = fixture_visit(&peer.socket);
        assert_int_equal(os_thread_start(&thread, chatter, &peer), 0);
        WAIT_FOR(atomic_load(&actor->recv_count) > 0);
        assert_true(actor_finish(actor, REASON, "farewell"));
        atomic_store(&peer.finished, true);
        os_thread_join(thread);
        assert_true(raw_receives_text(&peer.socket, "farewell"));
        assert_int_equal(raw_socket_recv_until_end(&peer.socket), RAW_SOCKET_FIN);
        raw_socket_close(&peer.socket);
        assert_int_equal(actor_wait_close(actor), REASON);
    }
    fixture_close();
}

static enum gw_recv finish_at_once(struct actor *actor, struct gw_ring *ring)
{
    gw_ring_consume(ring, 1);
    (void)actor_finish(actor, REASON, "farewell");
    return GW_RECV_MORE;
}

static void pause_posted_task(void *context)
{
    struct actor *actor = context;
    gw_stream_pause(actor->stream);
}

static void a_pause_does_not_keep_an_end_from_reading(void **state)
{
    (void)state;
    struct raw_socket peer;
    uint8_t data[20000] = {0};
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    run_in_turn(gw_stream_turn(actor->stream), pause_posted_task, actor);
    checking_kernel_stop_time();
    assert_true(raw_socket_send(&peer, data, sizeof(data)));
    assert_true(actor_finish(actor, REASON, "farewell"));
    assert_true(raw_receives_text(&peer, "farewell"));
    raw_socket_close(&peer);
    assert_int_equal(actor_wait_close(actor), REASON);
    assert_int_equal(fixture_counters().bytes_in, sizeof(data));
    fixture_close();
}

/* ---- a peer that does not help ---- */

/* Both sides of a limit in time: a moment before it the stream is there, a moment after it gone. */
static void assert_ends_after_ms(struct actor *actor, uint32_t ms)
{
    fixture_leap_ms(ms - 5);
    assert_int_equal(atomic_load(&actor->close_count), 0);
    fixture_leap_ms(10);
    assert_int_equal(actor_wait_close(actor), REASON);
}

static void a_peer_that_never_reads_has_a_second_to_begin(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit_narrow(&peer);
    while (actor_say(actor, 10000) == 0) {
    }
    fixture_run_now();
    checking_kernel_stop_time();
    assert_true(actor_finish(actor, REASON, "farewell"));
    fixture_run_now();
    assert_ends_after_ms(actor, GW_STREAM_FLUSH_MS);
    raw_socket_close(&peer);
    fixture_close();
}

static void a_peer_that_never_closes_has_a_second_to_do_so(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    fixture_run_now();
    checking_kernel_stop_time();
    assert_true(actor_finish(actor, REASON, "farewell"));
    assert_true(raw_receives_text(&peer, "farewell"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    fixture_run_now();
    assert_ends_after_ms(actor, GW_STREAM_LINGER_MS);
    raw_socket_close(&peer);
    fixture_close();
}

static void send_for_ever(void *context)
{
    const struct raw_socket *socket = context;
    static const uint8_t data[4096];
    while (raw_socket_send(socket, data, sizeof(data))) {
    }
}

static void a_peer_that_sends_for_ever_is_read_so_far_and_no_further(void **state)
{
    (void)state;
    struct raw_socket peer;
    os_thread thread;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    fixture_run_now();
    checking_kernel_stop_time(); /* it is the bytes that end it, not the time */
    assert_int_equal(os_thread_start(&thread, send_for_ever, &peer), 0);
    WAIT_FOR(atomic_load(&actor->recv_count) > 0);
    uint64_t before = fixture_counters().bytes_in;
    run_in_turn(gw_stream_turn(actor->stream), NULL, NULL);
    assert_true(actor_finish(actor, REASON, NULL));
    uint64_t when_told = fixture_counters().bytes_in;
    assert_int_equal(actor_wait_close(actor), REASON);
    /* What was read while it was told is not to blame. */
    assert_in_range(fixture_counters().bytes_in - before, GW_STREAM_LINGER_BYTES,
                    when_told - before + GW_STREAM_LINGER_BYTES + 8 * GW_STREAM_RECV_BYTES_MAX);
    os_thread_join(thread);
    raw_socket_close(&peer);
    fixture_close();
}

/* ---- the peer is first ---- */

static enum gw_recv echo_twice(struct actor *actor, struct gw_ring *ring)
{
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    (void)actor_tell(actor, "first");
    (void)actor_tell(actor, "second");
    return GW_RECV_MORE;
}

static void a_peer_that_half_closes_still_gets_its_answer(void **state)
{
    (void)state;
    static const struct play twice = {.on_recv = echo_twice};
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &twice});
    for (int round = 0; round < 20; round++) {
        struct actor *actor = fixture_visit(&peer);
        assert_true(raw_socket_send(&peer, "?", 1));
        raw_socket_finish(&peer);
        assert_true(raw_receives_text(&peer, "firstsecond"));
        assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
        assert_int_equal(actor_wait_close(actor), GW_E_CLOSED);
        raw_socket_close(&peer);
    }
    fixture_close();
}

static void a_peer_that_half_closes_may_read_slowly(void **state)
{
    (void)state;
    struct raw_socket peer;
    uint64_t received = 0;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit_narrow(&peer);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(actor_share(actor, 20000), 0);
    }
    fixture_run_now();
    checking_kernel_stop_time();
    raw_socket_finish(&peer);
    assert_true(raw_receive(&peer, &received, 200000));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    fixture_leap_ms(GW_STREAM_LINGER_MS +
                    5); /* the kernel had not sent all when the FIN was sent */
    assert_int_equal(actor_wait_close(actor), GW_E_CLOSED);
    raw_socket_close(&peer);
    fixture_close();
}

/* ---- deciding ---- */

static void the_first_finish_or_close_decides_the_reason(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    assert_true(actor_finish(actor, 1, NULL));
    assert_false(actor_finish(actor, 2, "not sent"));
    assert_false(actor_close(actor, 3));
    assert_int_equal(actor_wait_close(actor), 1);
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);

    actor = fixture_visit(&peer);
    assert_true(actor_close(actor, 3));
    assert_false(actor_finish(actor, 2, "not sent"));
    assert_false(actor_close(actor, 1));
    assert_int_equal(actor_wait_close(actor), 3);
    raw_socket_close(&peer);
    fixture_close();
}

static void any_number_may_be_a_reason(void **state)
{
    (void)state;
    static const int reasons[] = {0, 1, -1, GW_E_SYSTEM, INT32_MAX, INT32_MIN};
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    for (size_t i = 0; i < 2 * sizeof(reasons) / sizeof(reasons[0]); i++) {
        struct raw_socket peer;
        struct actor *actor = fixture_visit(&peer);
        int reason = reasons[i / 2];
        assert_true(i % 2 == 0 ? actor_finish(actor, reason, NULL) : actor_close(actor, reason));
        raw_socket_close(&peer);
        assert_int_equal(actor_wait_close(actor), reason);
    }
    fixture_close();
}

static void after_a_finish_nothing_more_is_taken(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    assert_true(actor_finish(actor, REASON, "farewell"));
    assert_int_equal(actor_say(actor, 1), GW_E_CLOSED);
    assert_int_equal(actor_share(actor, 1), GW_E_CLOSED);
    assert_true(raw_receives_text(&peer, "farewell"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);
    assert_int_equal(actor_wait_close(actor), REASON);
    assert_int_equal(actor_say(actor, 1), GW_E_CLOSED);
    fixture_close();
}

static void after_a_finish_on_recv_is_not_called_again(void **state)
{
    (void)state;
    static const struct play short_lived = {.on_recv = finish_at_once};
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &short_lived});
    struct actor *actor = fixture_visit(&peer);
    assert_true(raw_socket_send(&peer, "many words", 10));
    assert_true(raw_receives_text(&peer, "farewell"));
    assert_true(raw_socket_send(&peer, "and more", 8));
    raw_socket_close(&peer);
    assert_int_equal(actor_wait_close(actor), REASON);
    assert_int_equal(atomic_load(&actor->recv_count), 1);
    fixture_close();
}

static void a_close_makes_haste_of_a_finish(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    checking_kernel_stop_time();
    struct actor *lingering = fixture_visit(&peer);
    assert_true(actor_finish(lingering, REASON, NULL));
    fixture_run_now();
    assert_int_equal(atomic_load(&lingering->close_count), 0);
    assert_false(actor_close(lingering, 1));
    assert_int_equal(actor_wait_close(lingering), REASON);
    raw_socket_close(&peer);

    struct actor *flushing = fixture_visit_narrow(&peer);
    while (actor_say(flushing, 10000) == 0) {
    }
    assert_true(actor_finish(flushing, REASON, NULL));
    fixture_run_now();
    assert_int_equal(atomic_load(&flushing->close_count), 0);
    assert_false(actor_close(flushing, 1));
    assert_int_equal(actor_wait_close(flushing), REASON);
    raw_socket_close(&peer);
    fixture_close();
}

int contract_finish(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(what_was_queued_arrives_before_the_fin),
        FIXTURE_TEST(the_last_words_pass_a_full_queue),
        FIXTURE_TEST(without_anything_queued_the_fin_comes_at_once),
        FIXTURE_TEST(the_last_words_arrive_while_the_peer_is_sending),
        FIXTURE_TEST(a_pause_does_not_keep_an_end_from_reading),
        FIXTURE_TEST(a_peer_that_never_reads_has_a_second_to_begin),
        FIXTURE_TEST(a_peer_that_never_closes_has_a_second_to_do_so),
        FIXTURE_TEST(a_peer_that_sends_for_ever_is_read_so_far_and_no_further),
        FIXTURE_TEST(a_peer_that_half_closes_still_gets_its_answer),
        FIXTURE_TEST(a_peer_that_half_closes_may_read_slowly),
        FIXTURE_TEST(the_first_finish_or_close_decides_the_reason),
        FIXTURE_TEST(any_number_may_be_a_reason),
        FIXTURE_TEST(after_a_finish_nothing_more_is_taken),
        FIXTURE_TEST(after_a_finish_on_recv_is_not_called_again),
        FIXTURE_TEST(a_close_makes_haste_of_a_finish),
    };
    return cmocka_run_group_tests_name("contract: finish", tests, NULL, NULL);
}

/* tests/net/contract_finish_elsewhere.c: ends that other threads and other turns ask for. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <string.h>

enum { REASON = 77 };

static struct gate gate;

/* Waits in the turn until the test has done its part. */
static enum gw_recv wait_in_on_recv(struct actor *actor, struct gw_ring *ring)
{
    (void)actor;
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    gate_wait(&gate);
    return GW_RECV_MORE;
}

/* As above, with a piece of work already waiting for the stream's next turn. */
static enum gw_recv wait_with_work_waiting(struct actor *actor, struct gw_ring *ring)
{
    gw_stream_pause(actor->stream);
    gw_stream_resume(actor->stream);
    return wait_in_on_recv(actor, ring);
}

/* ---- what was sent before a finish leaves before the FIN, whoever sent it ---- */

static void finish_from_here_during(const struct play *play)
{
    struct raw_socket peer;
    gate_reset(&gate);
    fixture_open(&(struct port_fixture_plan){.play = play});
    struct actor *actor = fixture_visit(&peer);
    assert_true(raw_socket_send(&peer, "?", 1));
    WAIT_FOR(atomic_load(&gate.reached));
    assert_int_equal(actor_tell(actor, "sent before, "), 0);
    assert_true(actor_finish(actor, REASON, "farewell"));
    atomic_store(&gate.open, true);
    assert_true(raw_receives_text(&peer, "sent before, farewell"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);
    assert_int_equal(actor_wait_close(actor), REASON);
    fixture_close();
}

static void a_finish_from_elsewhere_sends_what_was_queued_before_it(void **state)
{
    (void)state;
    static const struct play waiting = {.on_recv = wait_in_on_recv};
    finish_from_here_during(&waiting);
}

static void a_finish_does_not_overtake_what_was_sent_before_it(void **state)
{
    (void)state;
    static const struct play busy = {.on_recv = wait_with_work_waiting};
    finish_from_here_during(&busy);
}

static void what_was_taken_before_the_peers_fin_is_still_sent(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    fixture_hold_worker(actor);
    assert_int_equal(actor_tell(actor, "just in time"), 0);
    raw_socket_finish(&peer);
    fixture_let_worker_go();
    assert_true(raw_receives_text(&peer, "just in time"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    assert_int_equal(actor_wait_close(actor), GW_E_CLOSED);
    raw_socket_close(&peer);
    fixture_close();
}

static void the_last_words_leave_though_the_peer_finished_first(void **state)
{
    (void)state;
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    struct actor *actor = fixture_visit(&peer);
    fixture_hold_worker(actor);
    assert_true(actor_finish(actor, REASON, "farewell"));
    raw_socket_finish(&peer);
    fixture_let_worker_go();
    assert_true(raw_receives_text(&peer, "farewell"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    assert_int_equal(actor_wait_close(actor), REASON);
    raw_socket_close(&peer);
    fixture_close();
}

/* ---- before it has opened ---- */

static void start_and_finish(struct gw_listener *listener, struct gw_stream *stream)
{
    (void)listener;
    (void)gw_stream_ref(stream);
    struct actor *actor = fixture_start(stream);
    if (actor_tell(actor, "we are full, ") != 0 || !actor_finish(actor, REASON, "farewell")) {
        checking_kernel_break("a stream that was started can be finished");
    }
    gw_stream_unref(stream);
}

static void a_stream_that_is_finished_as_it_comes_in_says_its_last_words(void **state)
{
    (void)state;
    static const struct play unfriendly = {.on_accept = start_and_finish};
    struct raw_socket peer;
    fixture_open(&(struct port_fixture_plan){.play = &unfriendly});
    struct actor *actor = fixture_visit(&peer);
    assert_true(raw_receives_text(&peer, "we are full, farewell"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);
    assert_int_equal(actor_wait_close(actor), REASON);
    fixture_close();
}

/* ---- several at once ---- */

enum { RIVAL_COUNT = 4 };

struct rival {
    struct actor *actor;
    int reason;
    bool was_first;
};

static void end_it(void *context)
{
    struct rival *rival = context;
    rival->was_first = rival->reason % 2 == 0 ? actor_finish(rival->actor, rival->reason, NULL)
                                              : actor_close(rival->actor, rival->reason);
}

/* Returns the reason of the one who was first. */
static int let_them_end(struct actor *actor)
{
    struct rival rivals[RIVAL_COUNT];
    os_thread threads[RIVAL_COUNT];
    int first = 0;
    int first_count = 0;
    for (int i = 0; i < RIVAL_COUNT; i++) {
        rivals[i] = (struct rival){.actor = actor, .reason = 10 + i};
        assert_int_equal(os_thread_start(&threads[i], end_it, &rivals[i]), 0);
    }
    for (int i = 0; i < RIVAL_COUNT; i++) {
        os_thread_join(threads[i]);
        first = rivals[i].was_first ? rivals[i].reason : first;
        first_count += rivals[i].was_first;
    }
    assert_int_equal(first_count, 1);
    return first;
}

static void of_many_who_end_a_stream_one_is_the_first(void **state)
{
    (void)state;
    fixture_open(&(struct port_fixture_plan){.play = NULL});
    for (int round = 0; round < 50; round++) {
        struct raw_socket peer;
        struct actor *actor = fixture_visit(&peer);
        int reason = let_them_end(actor);
        assert_int_equal(actor_wait_close(actor), reason);
        raw_socket_close(&peer);
    }
    fixture_close();
}

int contract_finish_elsewhere(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_finish_from_elsewhere_sends_what_was_queued_before_it),
        FIXTURE_TEST(a_finish_does_not_overtake_what_was_sent_before_it),
        FIXTURE_TEST(what_was_taken_before_the_peers_fin_is_still_sent),
        FIXTURE_TEST(the_last_words_leave_though_the_peer_finished_first),
        FIXTURE_TEST(a_stream_that_is_finished_as_it_comes_in_says_its_last_words),
        FIXTURE_TEST(of_many_who_end_a_stream_one_is_the_first),
    };
    return cmocka_run_group_tests_name("contract: finish elsewhere", tests, NULL, NULL);
}

/* tests/net/contract_finish_elsewhere.c: Ends that other threads and other turns request. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <string.h>

enum { REASON = 77 };

static struct gate gate;

/* Blocks the turn until the test opens the gate. */
static enum gw_recv wait_in_on_recv(struct checked_stream *checked, struct gw_ring *ring)
{
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    gate_wait(&gate);
    return GW_RECV_MORE;
}

/* As above, with a task already posted to the stream's next turn. */
static enum gw_recv wait_with_work_waiting(struct checked_stream *checked, struct gw_ring *ring)
{
    gw_stream_pause(checked->stream);
    gw_stream_resume(checked->stream);
    return wait_in_on_recv(checked, ring);
}

/* ---- bytes sent before a finish leave before FIN, from any thread ---- */

static void finish_from_here_during(const struct stream_callbacks *callbacks)
{
    struct raw_socket peer;
    gate_reset(&gate);
    struct checked_stream *checked = fixture_open_connected(callbacks, &peer);
    assert_true(raw_socket_send(&peer, "?", 1));
    WAIT_FOR(atomic_load(&gate.reached));
    assert_int_equal(checked_send_text(checked, "sent before, "), 0);
    assert_true(checked_finish(checked, REASON, "final_text"));
    atomic_store(&gate.open, true);
    assert_true(raw_receives_text(&peer, "sent before, final_text"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);
    assert_int_equal(checked_wait_close(checked), REASON);
    fixture_close();
}

static void a_finish_by_another_thread_sends_what_was_queued_before_it(void **state)
{
    static const struct stream_callbacks waiting = {.on_recv = wait_in_on_recv};
    finish_from_here_during(&waiting);
}

static void a_finish_does_not_overtake_what_was_sent_before_it(void **state)
{
    static const struct stream_callbacks busy = {.on_recv = wait_with_work_waiting};
    finish_from_here_during(&busy);
}

static void the_final_buffer_is_sent_when_the_peer_finished_first(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(NULL, &peer);
    fixture_block_worker(checked);
    assert_true(checked_finish(checked, REASON, "final_text"));
    raw_socket_finish(&peer);
    fixture_unblock_worker();
    assert_true(raw_receives_text(&peer, "final_text"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    assert_int_equal(checked_wait_close(checked), REASON);
    fixture_close_connected(&peer);
}

/* ---- before on_open ---- */

static void start_and_finish(struct gw_listener *listener, struct gw_stream *stream)
{
    (void)gw_stream_ref(stream);
    struct checked_stream *checked = fixture_start(stream);
    if (checked_send_text(checked, "we are full, ") != 0 ||
        !checked_finish(checked, REASON, "final_text")) {
        fixture_break_rule("a stream that was started can be finished");
    }
    gw_stream_unref(stream);
}

static void a_stream_finished_in_on_accept_sends_its_final_buffer(void **state)
{
    static const struct stream_callbacks unfriendly = {.on_accept = start_and_finish};
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(&unfriendly, &peer);
    assert_true(raw_receives_text(&peer, "we are full, final_text"));
    assert_int_equal(raw_socket_recv_until_end(&peer), RAW_SOCKET_FIN);
    raw_socket_close(&peer);
    assert_int_equal(checked_wait_close(checked), REASON);
    fixture_close();
}

/* ---- several threads at once ---- */

enum { RIVAL_COUNT = 4 };

struct rival {
    struct checked_stream *checked;
    int reason;
    bool was_first;
};

static void end_it(void *context)
{
    struct rival *rival = context;
    rival->was_first = rival->reason % 2 == 0 ? checked_finish(rival->checked, rival->reason, NULL)
                                              : checked_close(rival->checked, rival->reason);
}

/* Returns the reason of the thread that was first. */
static int let_them_end(struct checked_stream *checked)
{
    struct rival rivals[RIVAL_COUNT];
    os_thread threads[RIVAL_COUNT];
    int first = 0;
    int first_count = 0;
    for (int i = 0; i < RIVAL_COUNT; i++) {
        rivals[i] = (struct rival){.checked = checked, .reason = 10 + i};
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

static void of_many_threads_that_end_a_stream_one_is_the_first(void **state)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    for (int round = 0; round < 50; round++) {
        struct raw_socket peer;
        struct checked_stream *checked = fixture_connect(&peer);
        int reason = let_them_end(checked);
        assert_int_equal(checked_wait_close(checked), reason);
        raw_socket_close(&peer);
    }
    fixture_close();
}

int contract_finish_elsewhere(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_finish_by_another_thread_sends_what_was_queued_before_it),
        FIXTURE_TEST(a_finish_does_not_overtake_what_was_sent_before_it),
        FIXTURE_TEST(the_final_buffer_is_sent_when_the_peer_finished_first),
        FIXTURE_TEST(a_stream_finished_in_on_accept_sends_its_final_buffer),
        FIXTURE_TEST(of_many_threads_that_end_a_stream_one_is_the_first),
    };
    return cmocka_run_group_tests_name("contract: finish elsewhere", tests, NULL, NULL);
}

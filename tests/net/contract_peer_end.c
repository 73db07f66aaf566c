/* tests/net/contract_peer_end.c: The end of a peer whose stream is paused. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <string.h>

enum { FIRST_BYTES = 10, REST_BYTES = 100000 };

/* Pauses at the first bytes, so that no recv is in flight; reads everything after the pause. */
static enum gw_recv pause_first(struct checked_stream *checked, struct gw_ring *ring)
{
    uint64_t received = atomic_fetch_add(&checked->received, gw_ring_used_bytes(ring));
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    if (received == 0) {
        gw_stream_pause(checked->stream);
        atomic_store(&checked->number, 1);
    }
    return GW_RECV_MORE;
}

static const struct stream_callbacks pausing = {.on_recv = pause_first};

static struct checked_stream *open_paused(struct raw_socket *peer)
{
    static const uint8_t data[FIRST_BYTES];
    fixture_open(&(struct port_fixture_plan){.callbacks = &pausing});
    struct checked_stream *checked = fixture_connect(peer);
    assert_true(raw_socket_send(peer, data, sizeof data));
    WAIT_FOR(atomic_load(&checked->number) == 1);
    return checked;
}

struct look {
    struct checked_stream *checked;
    int result;
};

static void look_in_turn(void *context)
{
    struct look *look = context;
    look->result = gw_stream_peer_end(look->checked->stream);
}

static int peer_end(struct checked_stream *checked)
{
    struct look look = {.checked = checked};
    run_in_turn(gw_stream_turn(checked->stream), look_in_turn, &look);
    return look.result;
}

static void resume_in_turn(void *context)
{
    gw_stream_resume(((struct checked_stream *)context)->stream);
}

static void resume(struct checked_stream *checked)
{
    run_in_turn(gw_stream_turn(checked->stream), resume_in_turn, checked);
}

static void close_all(struct checked_stream *checked, struct raw_socket *peer)
{
    checked_close(checked, 0);
    raw_socket_close(peer);
    fixture_close();
}

static void a_connected_peer_has_not_ended(void **state)
{
    static const uint8_t data[REST_BYTES];
    struct raw_socket peer;
    struct checked_stream *checked = open_paused(&peer);
    assert_int_equal(peer_end(checked), 0);
    assert_true(raw_socket_send(&peer, data, sizeof data));
    fixture_run_now();
    assert_int_equal(peer_end(checked), 0);
    assert_int_equal(atomic_load(&checked->close_count), 0);
    resume(checked);
    WAIT_FOR(atomic_load(&checked->received) == FIRST_BYTES + REST_BYTES);
    assert_int_equal(peer_end(checked), 0);
    close_all(checked, &peer);
}

static void a_fin_is_noticed_in_a_pause(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = open_paused(&peer);
    raw_socket_finish(&peer);
    WAIT_FOR(peer_end(checked) == GW_E_CLOSED);
    assert_int_equal(peer_end(checked), GW_E_CLOSED); /* at each call */
    assert_int_equal(atomic_load(&checked->close_count), 0);
    resume(checked);
    assert_int_equal(checked_wait_close(checked), GW_E_CLOSED);
    close_all(checked, &peer);
}

static void a_fin_behind_unread_bytes_is_noticed_and_they_are_read_after_it(void **state)
{
    static const uint8_t data[REST_BYTES];
    struct raw_socket peer;
    if (!fixture_backend_reports_fin_behind_bytes()) {
        skip();
    }
    struct checked_stream *checked = open_paused(&peer);
    assert_true(raw_socket_send(&peer, data, sizeof data));
    raw_socket_finish(&peer);
    WAIT_FOR(peer_end(checked) == GW_E_CLOSED);
    assert_int_equal(atomic_load(&checked->received), FIRST_BYTES);
    resume(checked);
    assert_int_equal(checked_wait_close(checked), GW_E_CLOSED);
    assert_int_equal(atomic_load(&checked->received), FIRST_BYTES + REST_BYTES);
    close_all(checked, &peer);
}

static void a_reset_is_noticed_in_a_pause(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = open_paused(&peer);
    raw_socket_reset(&peer);
    WAIT_FOR(peer_end(checked) == GW_E_RESET);
    assert_int_equal(atomic_load(&checked->close_count), 0);
    close_all(checked, &peer);
}

static void a_reset_behind_unread_bytes_is_noticed(void **state)
{
    static const uint8_t data[REST_BYTES];
    struct raw_socket peer;
    struct checked_stream *checked = open_paused(&peer);
    assert_true(raw_socket_send(&peer, data, sizeof data));
    fixture_run_now();
    raw_socket_reset(&peer);
    WAIT_FOR(peer_end(checked) == GW_E_RESET);
    close_all(checked, &peer);
}

static void peer_end_of_an_ended_stream_is_0(void **state)
{
    struct raw_socket peer;
    struct checked_stream *checked = open_paused(&peer);
    raw_socket_reset(&peer);
    WAIT_FOR(peer_end(checked) == GW_E_RESET);
    checked_close(checked, 5);
    assert_int_equal(peer_end(checked), 0);
    assert_int_equal(checked_wait_close(checked), 5);
    assert_int_equal(peer_end(checked), 0);
    close_all(checked, &peer);
}

int contract_peer_end(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_connected_peer_has_not_ended),
        FIXTURE_TEST(a_fin_is_noticed_in_a_pause),
        FIXTURE_TEST(a_fin_behind_unread_bytes_is_noticed_and_they_are_read_after_it),
        FIXTURE_TEST(a_reset_is_noticed_in_a_pause),
        FIXTURE_TEST(a_reset_behind_unread_bytes_is_noticed),
        FIXTURE_TEST(peer_end_of_an_ended_stream_is_0),
    };
    return cmocka_run_group_tests_name("contract: peer_end", tests, NULL, NULL);
}

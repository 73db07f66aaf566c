/* tests/net/contract_peer_end.c: the end of a peer whose stream is paused. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <string.h>

enum { FIRST_BYTES = 10, REST_BYTES = 100000 };

/* Pauses when the first bytes come, so that no receive is in flight; then reads all. */
static enum gw_recv pause_first(struct actor *actor, struct gw_ring *ring)
{
    uint64_t received = atomic_fetch_add(&actor->received, gw_ring_used_bytes(ring));
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    if (received == 0) {
        gw_stream_pause(actor->stream);
        atomic_store(&actor->number, 1);
    }
    return GW_RECV_MORE;
}

static const struct play pausing = {.on_recv = pause_first};

static struct actor *open_paused(struct raw_socket *peer)
{
    static const uint8_t data[FIRST_BYTES];
    fixture_open(&(struct port_fixture_plan){.play = &pausing});
    struct actor *actor = fixture_visit(peer);
    assert_true(raw_socket_send(peer, data, sizeof data));
    WAIT_FOR(atomic_load(&actor->number) == 1);
    return actor;
}

struct look {
    struct actor *actor;
    int result;
};

static void look_in_turn(void *context)
{
    struct look *look = context;
    look->result = gw_stream_peer_end(look->actor->stream);
}

static int peer_end(struct actor *actor)
{
    struct look look = {.actor = actor};
    run_in_turn(gw_stream_turn(actor->stream), look_in_turn, &look);
    return look.result;
}

static void resume_in_turn(void *context)
{
    gw_stream_resume(((struct actor *)context)->stream);
}

static void resume(struct actor *actor)
{
    run_in_turn(gw_stream_turn(actor->stream), resume_in_turn, actor);
}

static void close_all(struct actor *actor, struct raw_socket *peer)
{
    actor_close(actor, 0);
    raw_socket_close(peer);
    fixture_close();
}

static void a_peer_that_is_there_has_not_ended(void **state)
{
    (void)state;
    static const uint8_t data[REST_BYTES];
    struct raw_socket peer;
    struct actor *actor = open_paused(&peer);
    assert_int_equal(peer_end(actor), 0);
    assert_true(raw_socket_send(&peer, data, sizeof data));
    fixture_run_now();
    assert_int_equal(peer_end(actor), 0);
    assert_int_equal(atomic_load(&actor->close_count), 0);
    resume(actor);
    WAIT_FOR(atomic_load(&actor->received) == FIRST_BYTES + REST_BYTES);
    assert_int_equal(peer_end(actor), 0);
    close_all(actor, &peer);
}

static void a_fin_is_noticed_in_a_pause(void **state)
{
    (void)state;
    struct raw_socket peer;
    struct actor *actor = open_paused(&peer);
    raw_socket_finish(&peer);
    WAIT_FOR(peer_end(actor) == GW_E_CLOSED);
    assert_int_equal(peer_end(actor), GW_E_CLOSED); /* as often as it is asked */
    assert_int_equal(atomic_load(&actor->close_count), 0);
    resume(actor);
    assert_int_equal(actor_wait_close(actor), GW_E_CLOSED);
    close_all(actor, &peer);
}

static void a_fin_behind_unread_bytes_is_noticed_and_they_are_read_after_it(void **state)
{
    (void)state;
    static const uint8_t data[REST_BYTES];
    struct raw_socket peer;
    if (!fixture_backend_tells_fin_behind_bytes()) {
        skip();
    }
    struct actor *actor = open_paused(&peer);
    assert_true(raw_socket_send(&peer, data, sizeof data));
    raw_socket_finish(&peer);
    WAIT_FOR(peer_end(actor) == GW_E_CLOSED);
    assert_int_equal(atomic_load(&actor->received), FIRST_BYTES);
    resume(actor);
    assert_int_equal(actor_wait_close(actor), GW_E_CLOSED);
    assert_int_equal(atomic_load(&actor->received), FIRST_BYTES + REST_BYTES);
    close_all(actor, &peer);
}

static void a_reset_is_noticed_in_a_pause(void **state)
{
    (void)state;
    struct raw_socket peer;
    struct actor *actor = open_paused(&peer);
    raw_socket_reset(&peer);
    WAIT_FOR(peer_end(actor) == GW_E_RESET);
    assert_int_equal(atomic_load(&actor->close_count), 0);
    close_all(actor, &peer);
}

static void a_reset_behind_unread_bytes_is_noticed(void **state)
{
    (void)state;
    static const uint8_t data[REST_BYTES];
    struct raw_socket peer;
    struct actor *actor = open_paused(&peer);
    assert_true(raw_socket_send(&peer, data, sizeof data));
    fixture_run_now();
    raw_socket_reset(&peer);
    WAIT_FOR(peer_end(actor) == GW_E_RESET);
    close_all(actor, &peer);
}

static void a_stream_that_has_ended_has_no_peer_to_look_for(void **state)
{
    (void)state;
    struct raw_socket peer;
    struct actor *actor = open_paused(&peer);
    raw_socket_reset(&peer);
    WAIT_FOR(peer_end(actor) == GW_E_RESET);
    actor_close(actor, 5);
    assert_int_equal(peer_end(actor), 0);
    assert_int_equal(actor_wait_close(actor), 5);
    assert_int_equal(peer_end(actor), 0);
    close_all(actor, &peer);
}

int contract_peer_end(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_peer_that_is_there_has_not_ended),
        FIXTURE_TEST(a_fin_is_noticed_in_a_pause),
        FIXTURE_TEST(a_fin_behind_unread_bytes_is_noticed_and_they_are_read_after_it),
        FIXTURE_TEST(a_reset_is_noticed_in_a_pause),
        FIXTURE_TEST(a_reset_behind_unread_bytes_is_noticed),
        FIXTURE_TEST(a_stream_that_has_ended_has_no_peer_to_look_for),
    };
    return cmocka_run_group_tests_name("contract: peer_end", tests, NULL, NULL);
}

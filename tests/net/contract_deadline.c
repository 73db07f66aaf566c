/* tests/net/contract_deadline.c: The deadline of a stream, by the port's clock. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"

#define MS ((uint64_t)1000000)

/* A stream whose deadline the test sets. */
static struct {
    struct raw_socket peer;
    struct checked_stream *checked;
    uint64_t begin_ns;
} here;

static void open_with_stopped_time(const struct stream_callbacks *callbacks)
{
    fixture_open(&(struct port_fixture_plan){.callbacks = callbacks});
    here.checked = fixture_connect(&here.peer);
    fixture_run_now();
    controlled_backend_stop_time();
    fixture_run_now();
    here.begin_ns = gw_port_now_ns(fixture.port);
}

static void close_all(void)
{
    raw_socket_close(&here.peer);
    fixture_close();
}

static void set_posted_task(void *context)
{
    gw_stream_set_deadline(here.checked->stream, *(uint64_t *)context);
}

static void set_deadline(uint64_t deadline_ns)
{
    run_in_turn(gw_stream_turn(here.checked->stream), set_posted_task, &deadline_ns);
}

static void set_deadline_in_ms(uint64_t ms)
{
    set_deadline(here.begin_ns + ms * MS);
}

static void assert_comes_at_ms(uint64_t ms, uint32_t count_before)
{
    uint64_t now_ms = (gw_port_now_ns(fixture.port) - here.begin_ns) / MS;
    fixture_advance_ms(ms - now_ms - 1);
    assert_int_equal(atomic_load(&here.checked->deadline_count), count_before);
    fixture_advance_ms(3); /* the resolution is about a millisecond */
    WAIT_FOR(atomic_load(&here.checked->deadline_count) == count_before + 1);
}

static void a_deadline_fires_at_its_time_and_once(void **state)
{
    open_with_stopped_time(NULL);
    set_deadline_in_ms(500);
    assert_comes_at_ms(500, 0);
    fixture_advance_ms(100000);
    assert_int_equal(atomic_load(&here.checked->deadline_count), 1);
    close_all();
}

/* The wheel counts its ticks in 32 bits; a machine may be up for more than half of them. */
static void a_past_deadline_fires_at_once_after_a_month_of_uptime(void **state)
{
    for (uint64_t day = 5; day <= 120; day += 5) {
        open_with_stopped_time(NULL);
        controlled_backend_advance_ns(day * 24 * 3600000 * MS);
        fixture_run_now();
        set_deadline(gw_port_now_ns(fixture.port) + 60000 * MS);
        set_deadline(0);
        fixture_advance_ms(3);
        assert_int_equal(atomic_load(&here.checked->deadline_count), 1);
        close_all();
        fixture_setup(state);
    }
}

static void no_deadline_fires_after_a_finish(void **state)
{
    open_with_stopped_time(NULL);
    set_deadline_in_ms(500);
    assert_true(checked_finish(here.checked, 1, NULL));
    fixture_run_now();
    set_deadline_in_ms(600); /* setting one has no effect */
    fixture_advance_ms(900);
    assert_int_equal(atomic_load(&here.checked->deadline_count), 0);
    assert_int_equal(atomic_load(&here.checked->close_count),
                     0); /* the stream waits a second for FIN */
    fixture_advance_ms(200);
    assert_int_equal(checked_wait_close(here.checked), 1);
    close_all();
}

static enum gw_recv move_deadline(struct checked_stream *checked, struct gw_ring *ring)
{
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    gw_stream_set_deadline(checked->stream,
                           gw_turn_now_ns(gw_stream_turn(checked->stream)) + 1000 * MS);
    return GW_RECV_MORE;
}

/* As an idle timeout does: at every packet. */
static void a_deadline_that_each_message_moves_does_not_fire(void **state)
{
    static const struct stream_callbacks random_sockets = {.on_recv = move_deadline};
    open_with_stopped_time(&random_sockets);
    for (uint32_t round = 1; round <= 10; round++) {
        assert_true(raw_socket_send(&here.peer, "!", 1));
        WAIT_FOR(atomic_load(&here.checked->recv_count) == round);
        fixture_advance_ms(900);
    }
    assert_int_equal(atomic_load(&here.checked->deadline_count), 0);
    fixture_advance_ms(200);
    WAIT_FOR(atomic_load(&here.checked->deadline_count) == 1);
    close_all();
}

int contract_deadline(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_deadline_fires_at_its_time_and_once),
        FIXTURE_TEST(a_past_deadline_fires_at_once_after_a_month_of_uptime),
        FIXTURE_TEST(no_deadline_fires_after_a_finish),
        FIXTURE_TEST(a_deadline_that_each_message_moves_does_not_fire),
    };
    return cmocka_run_group_tests_name("contract: deadline", tests, NULL, NULL);
}

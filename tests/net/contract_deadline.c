/* tests/net/contract_deadline.c: the deadline of a stream, on the port's clock. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"

#define MS ((uint64_t)1000000)

/* A stream whose deadline the test sets. */
static struct {
    struct raw_socket peer;
    struct actor *actor;
    uint64_t begin_ns;
} here;

static void open_with_stopped_time(const struct play *play)
{
    fixture_open(&(struct port_fixture_plan){.play = play});
    here.actor = fixture_visit(&here.peer);
    fixture_run_now();
    checking_kernel_stop_time();
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
    gw_stream_set_deadline(here.actor->stream, *(uint64_t *)context);
}

static void set_deadline(uint64_t deadline_ns)
{
    run_in_turn(gw_stream_turn(here.actor->stream), set_posted_task, &deadline_ns);
}

static void set_deadline_in_ms(uint64_t ms)
{
    set_deadline(here.begin_ns + ms * MS);
}

static void assert_comes_at_ms(uint64_t ms, uint32_t count_before)
{
    uint64_t now_ms = (gw_port_now_ns(fixture.port) - here.begin_ns) / MS;
    fixture_leap_ms(ms - now_ms - 1);
    assert_int_equal(atomic_load(&here.actor->deadline_count), count_before);
    fixture_leap_ms(3); /* the grain is about a millisecond */
    WAIT_FOR(atomic_load(&here.actor->deadline_count) == count_before + 1);
}

static void a_deadline_comes_at_its_time_and_once(void **state)
{
    (void)state;
    open_with_stopped_time(NULL);
    set_deadline_in_ms(500);
    assert_comes_at_ms(500, 0);
    fixture_leap_ms(100000);
    assert_int_equal(atomic_load(&here.actor->deadline_count), 1);
    close_all();
}

static void a_deadline_may_be_moved_later_and_earlier(void **state)
{
    (void)state;
    open_with_stopped_time(NULL);
    set_deadline_in_ms(500);
    set_deadline_in_ms(2000);
    assert_comes_at_ms(2000, 0);
    set_deadline_in_ms(900000);
    set_deadline_in_ms(3000);
    assert_comes_at_ms(3000, 1);
    fixture_leap_ms(1000000);
    assert_int_equal(atomic_load(&here.actor->deadline_count), 2);
    close_all();
}

static void a_deadline_may_be_taken_back(void **state)
{
    (void)state;
    open_with_stopped_time(NULL);
    set_deadline_in_ms(500);
    set_deadline(GW_STREAM_NO_DEADLINE);
    fixture_leap_ms(100000);
    assert_int_equal(atomic_load(&here.actor->deadline_count), 0);
    close_all();
}

static void a_deadline_that_has_passed_comes_at_once(void **state)
{
    (void)state;
    open_with_stopped_time(NULL);
    set_deadline(here.begin_ns);
    fixture_leap_ms(2);
    WAIT_FOR(atomic_load(&here.actor->deadline_count) == 1);
    set_deadline(0);
    fixture_leap_ms(2);
    WAIT_FOR(atomic_load(&here.actor->deadline_count) == 2);
    close_all();
}

/* The wheel counts its ticks in 32 bits; a machine may have been up for longer than half of them.
 */
static void a_deadline_that_has_passed_comes_at_once_after_a_month(void **state)
{
    (void)state;
    for (uint64_t day = 5; day <= 120; day += 5) {
        open_with_stopped_time(NULL);
        checking_kernel_leap_ns(day * 24 * 3600000 * MS);
        fixture_run_now();
        set_deadline(gw_port_now_ns(fixture.port) + 60000 * MS);
        set_deadline(0);
        fixture_leap_ms(3);
        assert_int_equal(atomic_load(&here.actor->deadline_count), 1);
        close_all();
        fixture_setup(state);
    }
}

static void no_deadline_comes_after_a_finish(void **state)
{
    (void)state;
    open_with_stopped_time(NULL);
    set_deadline_in_ms(500);
    assert_true(actor_finish(here.actor, 1, NULL));
    fixture_run_now();
    set_deadline_in_ms(600); /* asking for one changes nothing */
    fixture_leap_ms(900);
    assert_int_equal(atomic_load(&here.actor->deadline_count), 0);
    assert_int_equal(atomic_load(&here.actor->close_count), 0); /* it lingers for a second */
    fixture_leap_ms(200);
    assert_int_equal(actor_wait_close(here.actor), 1);
    close_all();
}

static enum gw_recv move_deadline(struct actor *actor, struct gw_ring *ring)
{
    gw_ring_consume(ring, gw_ring_used_bytes(ring));
    gw_stream_set_deadline(actor->stream,
                           gw_turn_now_ns(gw_stream_turn(actor->stream)) + 1000 * MS);
    return GW_RECV_MORE;
}

/* As an idle timeout does: at every packet. */
static void a_deadline_that_is_moved_by_every_message_does_not_come(void **state)
{
    (void)state;
    static const struct play restless = {.on_recv = move_deadline};
    open_with_stopped_time(&restless);
    for (uint32_t round = 1; round <= 10; round++) {
        assert_true(raw_socket_send(&here.peer, "!", 1));
        WAIT_FOR(atomic_load(&here.actor->recv_count) == round);
        fixture_leap_ms(900);
    }
    assert_int_equal(atomic_load(&here.actor->deadline_count), 0);
    fixture_leap_ms(200);
    WAIT_FOR(atomic_load(&here.actor->deadline_count) == 1);
    close_all();
}

int contract_deadline(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_deadline_comes_at_its_time_and_once),
        FIXTURE_TEST(a_deadline_may_be_moved_later_and_earlier),
        FIXTURE_TEST(a_deadline_may_be_taken_back),
        FIXTURE_TEST(a_deadline_that_has_passed_comes_at_once),
        FIXTURE_TEST(a_deadline_that_has_passed_comes_at_once_after_a_month),
        FIXTURE_TEST(no_deadline_comes_after_a_finish),
        FIXTURE_TEST(a_deadline_that_is_moved_by_every_message_does_not_come),
    };
    return cmocka_run_group_tests_name("contract: deadline", tests, NULL, NULL);
}

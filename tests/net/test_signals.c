/* tests/net/test_signals.c: Signals run in turns. */
#include "tests/test.h"

#include "net/error.h"
#include "net/port.h"
#include "net/signals.h"
#include "net/workers.h"
#include "tests/support/machine.h"
#include "tests/support/wait.h"
#include <signal.h>
#include <stdatomic.h>

static struct gw_port *port;
static struct gw_workers *workers;
static atomic_uint counts[2]; /* by enum gw_signal */
static atomic_uint wrong_count;
static int here;

static void on_signal(enum gw_signal signal, void *context)
{
    bool on_worker = gw_port_worker(port) < gw_port_worker_count(port);
    atomic_fetch_add(&wrong_count, context != &here || !on_worker);
    atomic_fetch_add(&counts[signal], 1);
}

static int take(void **state)
{
    const struct gw_port_config config = {.worker_count = 2, .stream_count_max = 1};
    atomic_store(&counts[GW_SIGNAL_STOP], 0);
    atomic_store(&counts[GW_SIGNAL_REPORT], 0);
    atomic_store(&wrong_count, 0);
    assert_int_equal(gw_port_create(&config, &port), GW_OK);
    assert_int_equal(gw_signals_take(port, on_signal, &here), GW_OK);
    assert_int_equal(gw_workers_start(port, &workers), GW_OK);
    return 0;
}

static int give_back(void **state)
{
    gw_port_stop(port);
    assert_int_equal(gw_workers_join(workers), GW_OK);
    gw_signals_release();
    gw_port_destroy(port);
    assert_int_equal(atomic_load(&wrong_count), 0);
    return 0;
}

/* A system without the signal skips the test. */
static void raise_here(enum machine_signal signal)
{
    if (!machine_raise(signal)) {
        skip();
    }
}

static void a_stop_signal_runs_in_a_turn(void **state)
{
    raise_here(MACHINE_STOP);
    WAIT_FOR(atomic_load(&counts[GW_SIGNAL_STOP]) == 1);
    assert_int_equal(atomic_load(&counts[GW_SIGNAL_REPORT]), 0);
}

static void an_interrupt_is_a_stop_signal(void **state)
{
    raise_here(MACHINE_INTERRUPT);
    WAIT_FOR(atomic_load(&counts[GW_SIGNAL_STOP]) == 1);
}

static void a_report_can_be_requested_repeatedly(void **state)
{
    for (uint32_t count = 1; count <= 50; count++) {
        raise_here(MACHINE_REPORT);
        WAIT_FOR(atomic_load(&counts[GW_SIGNAL_REPORT]) == count);
    }
    raise_here(MACHINE_STOP);
    WAIT_FOR(atomic_load(&counts[GW_SIGNAL_STOP]) == 1);
    assert_int_equal(atomic_load(&counts[GW_SIGNAL_REPORT]), 50);
}

static void of_many_signals_at_least_one_is_received_after_the_last(void **state)
{
    for (int round = 0; round < 50; round++) {
        uint32_t before = atomic_load(&counts[GW_SIGNAL_REPORT]);
        for (int i = 0; i < 20; i++) {
            raise_here(MACHINE_REPORT);
        }
        WAIT_FOR(atomic_load(&counts[GW_SIGNAL_REPORT]) > before);
    }
    assert_true(atomic_load(&counts[GW_SIGNAL_REPORT]) <= 1000);
}

static void a_broken_pipe_raises_no_signal(void **state)
{
    raise_here(MACHINE_BROKEN_PIPE);
    raise_here(MACHINE_REPORT);
    WAIT_FOR(atomic_load(&counts[GW_SIGNAL_REPORT]) == 1);
    assert_int_equal(atomic_load(&counts[GW_SIGNAL_STOP]), 0);
}

static void one_port_at_a_time_takes_the_signals(void **state)
{
    assert_int_equal(gw_signals_take(port, on_signal, NULL), GW_E_FULL);
    raise_here(MACHINE_STOP);
    WAIT_FOR(atomic_load(&counts[GW_SIGNAL_STOP]) == 1);
}

int main(void)
{
    (void)signal(SIGINT, SIG_DFL); /* shells start background jobs with it ignored */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stop_signal_runs_in_a_turn, take, give_back),
        cmocka_unit_test_setup_teardown(an_interrupt_is_a_stop_signal, take, give_back),
        cmocka_unit_test_setup_teardown(a_report_can_be_requested_repeatedly, take, give_back),
        cmocka_unit_test_setup_teardown(of_many_signals_at_least_one_is_received_after_the_last,
                                        take, give_back),
        cmocka_unit_test_setup_teardown(a_broken_pipe_raises_no_signal, take, give_back),
        cmocka_unit_test_setup_teardown(one_port_at_a_time_takes_the_signals, take, give_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

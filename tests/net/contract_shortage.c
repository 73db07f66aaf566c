/* tests/net/contract_shortage.c: A shortage of descriptors or memory. */
#include "tests/net/contract.h"

#include "net/error.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"

enum {
    PEER_COUNT = 40,
    INSIDE_COUNT = 5,
    STREAM_COUNT_MAX = 100,
    DESCRIPTOR_COUNT = 300, /* more than a port with this many streams wants */
};

static const struct stream_callbacks echo = {.on_recv = checked_echo};

static void assert_echoes(const struct raw_socket *peer)
{
    assert_true(raw_socket_send(peer, "hello", 5));
    assert_true(raw_receives_text(peer, "hello"));
}

/* Peers that the kernel has connected, and for which the program has no descriptor. */
static struct raw_socket inside[INSIDE_COUNT];
static struct raw_socket outside[PEER_COUNT];
static uint64_t limit_before;

/* Lowers the limit before the first submit: some kernels read it then, and not again. */
static void run_out_of_descriptors(void)
{
    if (!machine_has_descriptor_limit()) {
        skip(); /* only memory can run out */
    }
    limit_before = machine_set_descriptor_limit(DESCRIPTOR_COUNT);
    assert_int_not_equal(limit_before, 0);
    fixture_open(
        &(struct port_fixture_plan){.callbacks = &echo, .stream_count_max = STREAM_COUNT_MAX});
    for (int i = 0; i < INSIDE_COUNT; i++) {
        (void)fixture_connect(&inside[i]);
    }
    assert_true(raw_socket_connect(&outside[0], &fixture.addr));
    WAIT_FOR(fixture_counters().accepted == INSIDE_COUNT + 1);
    assert_echoes(&outside[0]);
    machine_take_descriptors();
}

static void lift_limit(void)
{
    machine_set_descriptor_limit(limit_before);
    machine_give_back_descriptors();
}

static void end_shortage(void)
{
    lift_limit();
    for (int i = 0; i < INSIDE_COUNT; i++) {
        raw_socket_close(&inside[i]);
    }
    fixture_close();
}

/* The peer uses the one descriptor that is given back. */
static void connect_without_being_accepted(struct raw_socket *peer)
{
    machine_give_back_descriptor();
    assert_true(raw_socket_connect(peer, &fixture.addr));
}

static void without_descriptors_accepting_pauses_and_streams_go_on(void **state)
{
    struct raw_socket peer;
    run_out_of_descriptors();
    connect_without_being_accepted(&peer);
    WAIT_FOR(fixture_counters().accept_pauses >= 1);
    uint64_t pauses = fixture_counters().accept_pauses;
    uint64_t begin_ns = os_now_ns();
    uint64_t begin_cpu_ns = machine_cpu_ns();
    while (fixture_counters().accept_pauses < pauses + 4) {
        for (int i = 0; i < INSIDE_COUNT; i++) {
            assert_echoes(&inside[i]);
        }
        machine_sleep_ms(20);
        assert_true(os_now_ns() - begin_ns < WAIT_NS);
    }
    uint64_t took_ns = os_now_ns() - begin_ns;
    assert_true(took_ns >=
                (uint64_t)300 * 1000000); /* four pauses of 100 ms each start in this time */
    assert_true(machine_cpu_ns() - begin_cpu_ns < took_ns / 2);
    assert_int_equal(fixture_counters().turned_away, 0);

    raw_socket_close(&outside[0]); /* one connection ends, and the waiting one is accepted */
    assert_echoes(&peer);
    raw_socket_close(&peer);
    end_shortage();
}

static void waiting_connections_are_accepted_when_descriptors_are_free(void **state)
{
    struct raw_socket peers[10];
    run_out_of_descriptors();
    controlled_backend_stop_time(); /* so that the listener does not try again between two knocks
                                     */
    for (int i = 0; i < 10; i++) {
        connect_without_being_accepted(&peers[i]);
        WAIT_FOR(fixture_counters().accept_pauses == 1);
    }
    controlled_backend_resume_time();
    lift_limit();
    for (int i = 0; i < 10; i++) {
        assert_echoes(&peers[i]);
        raw_socket_close(&peers[i]);
    }
    raw_socket_close(&outside[0]);
    end_shortage();
}

static void without_descriptors_a_dial_fails(void **state)
{
    int error;
    run_out_of_descriptors();
    assert_null(fixture_dial(NULL, &fixture.addr, NULL, &error));
    assert_int_equal(error, GW_E_FULL);
    lift_limit();
    assert_non_null(fixture_dial(NULL, &fixture.addr, NULL, &error));
    raw_socket_close(&outside[0]);
    end_shortage();
}

int contract_shortage(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(without_descriptors_accepting_pauses_and_streams_go_on),
        FIXTURE_TEST(waiting_connections_are_accepted_when_descriptors_are_free),
        FIXTURE_TEST(without_descriptors_a_dial_fails),
    };
    return cmocka_run_group_tests_name("contract: shortage", tests, NULL, NULL);
}

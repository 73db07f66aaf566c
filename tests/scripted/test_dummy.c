/* tests/scripted/test_dummy.c: The dummy client and the server on one simulated kernel. */
#include "tests/test.h"

#include "net/error.h"
#include "protocol/packet.h"
#include "server/counters.h"
#include "server/server.h"
#include "tests/scripted/chaos.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/server_fixture.h"
#include "tools/dummy-client/fill.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/report.h"
#include "tools/dummy-client/run.h"

#include <stdio.h>
#include <string.h>

enum { CLIENT_COUNT = 8, CHAOS_COUNT = 20 };

static struct chaos_seeds seeds;
static struct dummy_report report;

static struct dummy_options options;

static void prepare_clients(void)
{
    dummy_options_init(&options);
    options.connect.addr = peer_addr(server_fixture_port);
    options.client_count = CLIENT_COUNT;
    options.room_size = 4;
    options.script = DUMMY_SCRIPT_MIXED;
    options.rate_millionths = 5000000;
    options.talk_microseconds = 2000000;
    options.ramp_microseconds = 300000;
    options.worker_count = 1;
    options.quiet = true;
}

static int run_clients(void)
{
    prepare_clients();
    return dummy_run_execute(&options, &report);
}

static const struct server_packet_count *packet_of(const struct server_counters *counters,
                                                   const char *name)
{
    for (uint32_t i = 0; i < counters->packet_count; i++) {
        if (strcmp(counters->packets[i].name, name) == 0) {
            return &counters->packets[i];
        }
    }
    fail_msg("there is no packet %s", name);
    return NULL;
}

static void assert_clean(void)
{
    if (!dummy_report_is_clean(&report)) {
        chaos_print();
        dummy_report_print(&report, stderr);
    }
    assert_true(dummy_report_is_clean(&report));
    assert_int_equal(report.ready, CLIENT_COUNT);
}

static void all_dummy_clients_receive_every_line(void **state)
{
    assert_true(server_fixture_open(NULL, NULL));
    assert_int_equal(run_clients(), 0);
    assert_clean();
    server_fixture_close();
}

static void all_dummy_clients_receive_every_line_on_any_kernel_behaviour(void **state)
{
    for (uint64_t i = 0; i < seeds.count; i++) {
        struct server_fixture_config config = chaos_config(seeds.first + i);
        config.fixture.kernel.window_bytes = 0;
        chaos_set_seed(seeds.first + i);
        assert_true(server_fixture_open(&config, NULL));
        assert_int_equal(run_clients(), 0);
        assert_clean();
        server_fixture_close();
    }
}

/* Two clients read two packets a second, so their queues exceed the soft limit. */
static void a_slow_reader_ends_with_the_newest_position_of_every_player(void **state)
{
    struct server_counters counters;
    struct server_fixture_config config = {.send_queue_bytes_max = 8192};
    config.fixture.kernel.window_bytes = 256;
    assert_true(server_fixture_open(&config, NULL));
    prepare_clients();
    options.script = DUMMY_SCRIPT_MOVE;
    options.rate_millionths = 10000000;
    options.talk_microseconds = 20000000;
    options.slow_count = 2;
    assert_int_equal(dummy_run_execute(&options, &report), 0);
    assert_clean();
    assert_true(report.complete);
    server_counters(server_fixture_server, &counters);
    assert_true(counters.port.send_coalesced_count > 100);
    assert_in_range(packet_of(&counters, "Snapshot")->count.lost, 2, 100);
    server_fixture_close();
}

static void request_latencies_are_measured_per_packet(void **state)
{
    assert_true(server_fixture_open(NULL, NULL));
    assert_int_equal(run_clients(), 0);
    for (uint32_t i = 0; dummy_request_packet(i) != NULL; i++) {
        const char *name = dummy_request_packet(i)->message->short_name;
        const struct dummy_request_counter *counter = &report.total.requests[i];
        uint64_t expected = strcmp(name, "Say") == 0 ? 0 : CLIENT_COUNT;
        assert_int_equal(dummy_request_count(counter, GW_ANSWER_REPLY), expected);
        assert_int_equal(gw_histogram_count(&counter->took), expected);
        assert_int_equal(dummy_request_count(counter, GW_ANSWER_ERROR), 0);
    }
    server_fixture_close();
}

/* Each packet has a fixture of its own. A run lasts for the configured time and waits for nothing
 * else. */
static void each_dummy_client_can_send_any_packet_once(void **state)
{
    static const char *const names[] = {"Enter", "Chat", "Leave", "Move", "Who", "Say"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct server_counters counters;
        assert_true(server_fixture_open(NULL, NULL));
        prepare_clients();
        options.send = dummy_fill_find(names[i]);
        assert_non_null(options.send);
        assert_int_equal(dummy_run_execute(&options, &report), 0);
        assert_clean();
        assert_int_equal(report.total.filled, CLIENT_COUNT);
        assert_true(report.complete && report.seconds < 4);
        server_counters(server_fixture_server, &counters);
        bool is_asked_anyway = strcmp(names[i], "Who") == 0;
        assert_int_equal(packet_of(&counters, names[i])->count.in,
                         is_asked_anyway ? 2 * CLIENT_COUNT : CLIENT_COUNT);
        server_fixture_close();
    }
}

/* The failure may occur on either side. Whatever the report says, everything ends and is freed. */
static void each_allocation_of_both_sides_may_fail(void **state)
{
    uint64_t number = 0;
    bool has_failed = true;
    while (has_failed) {
        number++;
        assert_true(server_fixture_open(NULL, NULL));
        memory_fail_at(number);
        int error = run_clients();
        has_failed = memory_failed_count() > 0;
        assert_true(error == 0 || error == GW_E_MEMORY);
        server_fixture_close();
    }
    print_message("each of %u allocations has failed\n", (unsigned)number - 1);
    assert_true(number > 100);
}

int main(int argc, char **argv)
{
    seeds = chaos_seeds(argc, argv, CHAOS_COUNT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_dummy_clients_receive_every_line),
        cmocka_unit_test(all_dummy_clients_receive_every_line_on_any_kernel_behaviour),
        cmocka_unit_test(a_slow_reader_ends_with_the_newest_position_of_every_player),
        cmocka_unit_test(request_latencies_are_measured_per_packet),
        cmocka_unit_test(each_dummy_client_can_send_any_packet_once),
        cmocka_unit_test(each_allocation_of_both_sides_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

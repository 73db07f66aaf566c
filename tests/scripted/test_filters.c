/* tests/scripted/test_filters.c: Streams with byte filters. */
#include "tests/test.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/filter/source.h"
#include "net/listener.h"
#include "net/ring.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/port_fixture.h"
#include "tests/scripted/test_stream.h"
#include "tests/support/test_filter.h"

#include <string.h>

enum { WHY = 77, LINK_COUNT_MAX = GW_STREAM_FILTER_COUNT_MAX };

/* ---- two streams of one port, with a chain at each end ---- */

static struct test_filter_source server_sources[LINK_COUNT_MAX];
static struct test_filter_source client_sources[LINK_COUNT_MAX];
static struct test_listener test_listener;
static struct test_stream client;
static struct test_stream *server;

static const struct gw_stream_config plain_config = {.recv_bytes_max = 4096,
                                                     .send_queue_bytes_max = 65536};

/* The chains of most tests, outermost first: the server's ends. */
static const struct test_filter_config chains[][LINK_COUNT_MAX + 1] = {
    {{.kind = TEST_FILTER_SECRET}},
    {{.kind = TEST_FILTER_MARKED}},
    {{.kind = TEST_FILTER_SECRET}, {.kind = TEST_FILTER_MARKED, .piece_bytes = 7}},
    {{.kind = TEST_FILTER_SECRET, .piece_bytes = 100},
     {.kind = TEST_FILTER_MARKED, .piece_bytes = 50},
     {.kind = TEST_FILTER_SECRET, .piece_bytes = 33}},
};
static const int chain_lengths[] = {1, 1, 2, 3};

enum { CHAIN_COUNT = sizeof chains / sizeof chains[0] };

static struct gw_stream_config config_of(struct test_filter_source *sources,
                                         const struct test_filter_config *links, int count,
                                         bool is_client)
{
    struct gw_stream_config config = plain_config;
    for (int i = 0; i < count; i++) {
        struct test_filter_config link = links[i];
        link.is_client = is_client;
        test_filter_source_init(&sources[i], &link);
        config.filters[i] = &sources[i].base;
    }
    return config;
}

/* Gives up the test's references to the sources: listener and streams have theirs. */
static void release(struct gw_stream_config *config)
{
    for (int i = 0; i < LINK_COUNT_MAX && config->filters[i] != NULL; i++) {
        gw_filter_source_unref(config->filters[i]);
    }
}

static void open_listener(const struct test_filter_config *links, int count)
{
    memset(&test_listener, 0, sizeof test_listener);
    struct gw_stream_config config = config_of(server_sources, links, count, false);
    assert_int_equal(test_listener_open(&test_listener, 0, &config), 0);
    release(&config);
    fixture_run_now();
    fixture_align_to_tick();
}

static void dial(const struct test_filter_config *links, int count)
{
    memset(&client, 0, sizeof client);
    client.config = config_of(client_sources, links, count, true);
    assert_int_equal(test_stream_dial(&client, test_listener.port), 0);
    release(&client.config);
}

/* Both ends have the chain `links` of `count` filters, and their handshakes are done. */
static void open_pair(const struct port_fixture_config *fixture,
                      const struct test_filter_config *links, int count)
{
    fixture_open(fixture);
    open_listener(links, count);
    dial(links, count);
    fixture_run_now();
    server = test_listener_last(&test_listener);
}

static void close_pair(void)
{
    gw_stream_close(client.stream, 99);
    gw_stream_close(server->stream, 99);
    test_listener_close(&test_listener);
    fixture_run_ms(5000);
    assert_int_equal(client.close_count, 1);
    assert_int_equal(server->close_count, 1);
    test_stream_fini(&client);
    test_listener_fini(&test_listener);
    for (int i = 0; i < LINK_COUNT_MAX; i++) {
        bool is_used = server_sources[i].base.create != NULL;
        assert_int_equal(atomic_load(&server_sources[i].is_destroyed), is_used);
        is_used = client_sources[i].base.create != NULL;
        assert_int_equal(atomic_load(&client_sources[i].is_destroyed), is_used);
    }
    memset(server_sources, 0, sizeof server_sources);
    memset(client_sources, 0, sizeof client_sources);
    fixture_close();
}

static void expect_pattern(const struct test_stream *stream, size_t count)
{
    assert_int_equal(bytes_count(&stream->received), count);
    assert_true(test_stream_is_pattern(bytes_data(&stream->received), count, 0));
}

/* ---- bytes ---- */

static void bytes_arrive_in_order_in_both_directions(void **state)
{
    for (int i = 0; i < CHAIN_COUNT; i++) {
        open_pair(NULL, chains[i], chain_lengths[i]);
        for (uint32_t k = 0; k < 40; k++) {
            assert_int_equal(test_stream_send_pattern(&client, k * UINT64_C(1000), 1000), 0);
            assert_int_equal(test_stream_send_pattern(server, k * UINT64_C(500), 500), 0);
            fixture_run_now();
        }
        expect_pattern(server, 40000);
        expect_pattern(&client, 20000);
        assert_int_equal(fixture_counters().send_queue_bytes, 0);
        close_pair();
    }
}

/* More than the kernel takes, and more than a batch. */
static void a_long_queue_leaves_in_batches(void **state)
{
    const struct port_fixture_config small = {.kernel.window_bytes = 777};
    for (int i = 0; i < CHAIN_COUNT; i++) {
        open_pair(&small, chains[i], chain_lengths[i]);
        assert_int_equal(test_stream_send_pattern(&client, 0, 50000), 0);
        for (uint32_t k = 0; k < 100; k++) {
            assert_int_equal(test_stream_send_pattern(&client, 50000 + k, 1), 0);
        }
        fixture_run_now();
        expect_pattern(server, 50100);
        assert_int_equal(fixture_counters().send_queue_bytes, 0);
        close_pair();
    }
}

static void bytes_are_sent_only_after_the_handshake(void **state)
{
    fixture_open(NULL);
    open_listener(chains[0], 1);
    dial(chains[0], 1);
    assert_int_equal(test_stream_send_pattern(&client, 0, 3000), 0);
    fixture_run_now();
    server = test_listener_last(&test_listener);
    expect_pattern(server, 3000);
    close_pair();
}

static void any_split_gives_the_same_bytes(void **state)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        const struct port_fixture_config hostile = {.kernel = {.seed = seed,
                                                               .recv_bytes_max = 1 + seed * 7 % 50,
                                                               .window_bytes = 1 + seed * 31 % 999,
                                                               .split_percent = 50,
                                                               .nothing_percent = 20,
                                                               .immediate_percent = 50,
                                                               .delay_percent = 30,
                                                               .shuffles = true}};
        int i = (int)(seed % CHAIN_COUNT);
        open_pair(&hostile, chains[i], chain_lengths[i]);
        assert_int_equal(test_stream_send_pattern(&client, 0, 5000), 0);
        assert_int_equal(test_stream_send_pattern(server, 0, 9000), 0);
        fixture_run_ms(10);
        expect_pattern(server, 5000);
        expect_pattern(&client, 9000);
        close_pair();
    }
}

/* ---- the end ---- */

static void a_finish_sends_what_is_queued_and_the_end_of_each_filter(void **state)
{
    for (int i = 0; i < CHAIN_COUNT; i++) {
        struct test_filter_config links[LINK_COUNT_MAX + 1];
        memcpy(links, chains[i], sizeof links);
        for (int k = 0; k < chain_lengths[i]; k++) {
            links[k].has_end = true;
        }
        open_pair(NULL, links, chain_lengths[i]);
        assert_int_equal(test_stream_send_pattern(server, 0, 40000), 0);
        assert_true(gw_stream_finish(server->stream, WHY, NULL));
        fixture_run_now();
        expect_pattern(&client, 40000);
        assert_int_equal(server->reason, WHY);
        assert_int_equal(client.reason, GW_E_CLOSED);
        for (int k = 0; k < chain_lengths[i]; k++) {
            assert_int_equal(atomic_load(&server_sources[k].finished_count), 1);
            assert_int_equal(atomic_load(&server_sources[k].reason), WHY);
            assert_true(k == 0 || atomic_load(&server_sources[k].order) <
                                      atomic_load(&server_sources[k - 1].order));
        }
        close_pair();
    }
}

static void a_dial_that_is_closed_before_it_connects_frees_its_filters(void **state)
{
    const struct port_fixture_config late = {.kernel.late_ns_max = 20 * FIXTURE_MS};
    bool in_flight = false;
    fixture_open(&late);
    open_listener(chains[2], 2);
    for (int ms = 0; ms < 20; ms++) {
        dial(chains[2], 2);
        assert_int_equal(test_stream_send_pattern(&client, 0, 100), 0);
        fixture_run_ms((uint64_t)ms);
        in_flight |= ms > 0 && client.open_count == 0;
        assert_true(gw_stream_close(client.stream, WHY));
        fixture_run_ms(100);
        assert_int_equal(client.reason, WHY);
        assert_true(atomic_load(&client_sources[1].is_destroyed));
        test_stream_fini(&client);
    }
    assert_true(in_flight);
    dial(chains[2], 2);
    fixture_run_ms(1000);
    server = test_listener_last(&test_listener);
    close_pair();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_in_order_in_both_directions),
        cmocka_unit_test(a_long_queue_leaves_in_batches),
        cmocka_unit_test(bytes_are_sent_only_after_the_handshake),
        cmocka_unit_test(any_split_gives_the_same_bytes),
        cmocka_unit_test(a_finish_sends_what_is_queued_and_the_end_of_each_filter),
        cmocka_unit_test(a_dial_that_is_closed_before_it_connects_frees_its_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

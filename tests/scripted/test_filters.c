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
#include "tests/support/random.h"
#include "tests/support/test_filter.h"

#include <string.h>

enum { WHY = 77, LINK_COUNT_MAX = GW_STREAM_FILTER_COUNT_MAX };

/* ---- two streams of one port, with a chain at each end ---- */

static struct test_filter_source server_sources[LINK_COUNT_MAX];
static struct test_filter_source client_sources[LINK_COUNT_MAX];
static struct test_listener test_listener;
static struct test_stream client;
static struct test_stream *server;
static const struct gw_stream_events *server_events; /* NULL: test_stream_events */

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
    test_listener.events = server_events;
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
    fixture_run_ms(10);
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
    server_events = NULL;
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
    for (uint64_t seed = 0; seed < 16; seed++) {
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

/* ---- a filter that is done ---- */

/* The prefix arrives in two pieces, the second with bytes for the program. */
static void a_filter_that_is_done_passes_the_rest_and_goes(void **state)
{
    const struct test_filter_config links[] = {
        {.kind = TEST_FILTER_PREFIX, .prefix_bytes = 9, .peer = {.ip = {[15] = 3}, .port = 77}}};
    for (size_t split = 0; split <= 20; split++) {
        fixture_open(NULL);
        open_listener(links, 1);
        struct peer *peer = peer_connect(test_listener.port);
        fixture_run_now();
        server = test_listener_last(&test_listener);
        assert_int_equal(test_stream_send(server, "early", 5), 0);
        peer_send(peer, "ahead of:the program", split);
        fixture_run_now();
        assert_int_equal(gw_stream_peer(server->stream)->port == 77, split >= 9);
        peer_send(peer, &"ahead of:the program"[split], 20 - split);
        fixture_run_now();
        assert_int_equal(gw_stream_peer(server->stream)->port, 77);
        assert_int_equal(atomic_load(&server_sources[0].destroyed_count), 1);
        assert_int_equal(bytes_count(&server->received), 11);
        assert_memory_equal(bytes_data(&server->received), "the program", 11);
        assert_int_equal(test_stream_send(server, " late", 5), 0);
        peer_send(peer, "!", 1);
        fixture_run_now();
        assert_int_equal(bytes_count(&server->received), 12);
        assert_int_equal(peer_unread_count(peer), 10);
        assert_memory_equal(peer_data(peer), "early late", 10);
        peer_finish(peer);
        fixture_run_now();
        assert_int_equal(server->reason, GW_E_CLOSED);
        peer_close(peer);
        test_listener_close(&test_listener);
        test_listener_fini(&test_listener);
        assert_true(atomic_load(&server_sources[0].is_destroyed));
        memset(server_sources, 0, sizeof server_sources);
        fixture_close();
    }
}

/* ---- a relay between the two, which may stop anywhere ---- */

enum { RELAY_PORT = 9, ALL = 1 << 30 };

static struct {
    struct peer *listener;
    struct peer *to_client;
    struct peer *to_server;
    size_t count; /* bytes of the client that were passed on */
} relay;

/* As open_pair(), but each byte of the client is passed on by relay_run(). */
static void open_relayed(const struct test_filter_config *links, int count)
{
    fixture_open(NULL);
    open_listener(links, count);
    memset(&relay, 0, sizeof relay);
    relay.listener = peer_listen(RELAY_PORT);
    memset(&client, 0, sizeof client);
    client.config = config_of(client_sources, links, count, true);
    assert_int_equal(test_stream_dial(&client, RELAY_PORT), 0);
    release(&client.config);
    fixture_run_now();
    relay.to_client = peer_accept(relay.listener);
    relay.to_server = peer_connect(test_listener.port);
    fixture_run_now();
    server = test_listener_last(&test_listener);
}

static void close_relayed(void)
{
    peer_close(relay.to_client);
    peer_close(relay.to_server);
    peer_close(relay.listener);
    close_pair();
}

static size_t pass_on(struct peer *from, struct peer *to, size_t count_max)
{
    static uint8_t bytes[4096];
    size_t count = peer_unread_count(from) < count_max ? peer_unread_count(from) : count_max;
    count = count < sizeof bytes ? count : sizeof bytes;
    peer_read(from, bytes, count);
    peer_send(to, bytes, count);
    return count;
}

/* Runs until nothing moves, with at most `count_max` bytes of the client altogether. FIN is passed
 * on behind all bytes. */
static void relay_run(size_t count_max)
{
    size_t moved = 1;
    while (moved > 0) {
        fixture_run_now();
        size_t count = pass_on(relay.to_client, relay.to_server, count_max - relay.count);
        relay.count += count;
        moved = count + pass_on(relay.to_server, relay.to_client, ALL);
    }
    if (count_max == ALL && peer_has_fin(relay.to_client)) {
        peer_finish(relay.to_server);
    }
    if (count_max == ALL && peer_has_fin(relay.to_server)) {
        peer_finish(relay.to_client);
    }
    fixture_run_now();
}

/*
 * Both sides have something to send; the client's bytes stop after `count`. The chain has its
 * handshake in the first of them. Returns whether that was all.
 */
static bool open_stopped(const struct test_filter_config *links, int length, size_t count)
{
    open_relayed(links, length);
    assert_int_equal(test_stream_send_pattern(&client, 0, 40), 0);
    assert_int_equal(test_stream_send_pattern(server, 0, 60), 0);
    relay_run(count);
    return relay.count < count;
}

/* Runs `test` for each chain, with filters that have an end or not, and each state of a peer. */
static void for_each_state(void (*test)(const struct test_filter_config *links, bool is_whole))
{
    for (int i = 0; i < 2 * CHAIN_COUNT; i++) {
        struct test_filter_config links[LINK_COUNT_MAX + 1];
        int length = chain_lengths[i / 2];
        memcpy(links, chains[i / 2], sizeof links);
        for (int k = 0; k < length; k++) {
            links[k].has_end = i % 2 == 0;
        }
        bool is_whole = false;
        for (size_t count = 0; !is_whole; count++) {
            is_whole = open_stopped(links, length, count);
            test(links, is_whole);
            close_relayed();
        }
    }
}

static void finish_now(const struct test_filter_config *links, bool is_whole)
{
    uint64_t begun_ns = fixture_now_ns();
    assert_true(gw_stream_finish(server->stream, WHY, NULL));
    fixture_run_ms(GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS + 10);
    assert_int_equal(server->close_count, 1);
    assert_int_equal(server->reason, WHY);
    assert_true(fixture_ms(server->closed_ns) - fixture_ms(begun_ns) >= GW_STREAM_LINGER_MS);
    assert_int_equal(gw_stream_send_queue_bytes(server->stream), 0);
    assert_true(!is_whole || peer_has_fin(relay.to_server) || peer_unread_count(relay.to_server));
}

static void a_finish_in_any_state_of_the_peer_ends_in_time(void **state)
{
    for_each_state(finish_now);
}

/* The queue is not empty, so the handshake is completed in the flush. */
static void finish_and_go_on(const struct test_filter_config *links, bool is_whole)
{
    assert_true(gw_stream_finish(server->stream, WHY, NULL));
    fixture_run_ms(100);
    relay_run(ALL);
    relay_run(ALL);
    relay_run(ALL);
    expect_pattern(&client, 60);
    assert_int_equal(client.reason, GW_E_CLOSED);
    assert_int_equal(server->reason, WHY);
    assert_int_equal(server->close_count, 1);
}

static void a_finish_before_the_handshake_completes_it_and_sends_what_is_queued(void **state)
{
    for_each_state(finish_and_go_on);
}

static void close_now(const struct test_filter_config *links, bool is_whole)
{
    assert_true(gw_stream_close(server->stream, WHY));
    fixture_run_now();
    assert_int_equal(server->close_count, 1);
    assert_int_equal(server->reason, WHY);
    assert_int_equal(fixture_counters().stream_count, 1);
}

static void a_close_in_any_state_is_immediate(void **state)
{
    for_each_state(close_now);
}

/* Inside of a message, of a handshake, or before the end of a protocol that has one. */
static void cut_off(const struct test_filter_config *links, bool is_whole)
{
    peer_finish(relay.to_server);
    fixture_run_now();
    bool is_truncated = links[0].has_end || !is_whole;
    if (is_truncated && server->reason == GW_E_RESET) {
        assert_non_null(gw_stream_problem(server->stream));
    } else {
        assert_false(links[0].has_end);
        assert_int_equal(server->reason, GW_E_CLOSED);
    }
    assert_int_equal(server->close_count, 1);
    assert_true(bytes_count(&server->received) <= 40);
    assert_true(
        test_stream_is_pattern(bytes_data(&server->received), bytes_count(&server->received), 0));
}

static void a_fin_in_any_state_ends_the_stream_at_once(void **state)
{
    for_each_state(cut_off);
}

static void reset_now(const struct test_filter_config *links, bool is_whole)
{
    peer_reset(relay.to_server);
    fixture_run_now();
    assert_int_equal(server->close_count, 1);
    assert_int_equal(server->reason, GW_E_RESET);
}

static void a_reset_in_any_state_ends_the_stream_at_once(void **state)
{
    for_each_state(reset_now);
}

static void pause_stream(void *context)
{
    gw_stream_pause(((struct test_stream *)context)->stream);
}

static void resume_stream(void *context)
{
    gw_stream_resume(((struct test_stream *)context)->stream);
}

/* The handshake goes on in a pause, so what is queued is sent; nothing is delivered. */
static void pause_and_go_on(const struct test_filter_config *links, bool is_whole)
{
    size_t count = bytes_count(&server->received);
    fixture_in_turn(gw_stream_turn(server->stream), pause_stream, server);
    relay_run(ALL);
    assert_int_equal(bytes_count(&server->received), count);
    expect_pattern(&client, 60);
    fixture_in_turn(gw_stream_turn(server->stream), resume_stream, server);
    expect_pattern(server, 40);
}

static void a_pause_in_any_state_stops_the_bytes_and_not_the_handshake(void **state)
{
    for_each_state(pause_and_go_on);
}

/* ---- failures ---- */

/* Sends in both directions and finishes the server. */
static void exchange(void)
{
    (void)test_stream_send_pattern(&client, 0, 8000);
    if (server != NULL) {
        (void)test_stream_send_pattern(server, 0, 9000);
    }
    fixture_run_ms(5);
    if (server != NULL) {
        gw_stream_finish(server->stream, WHY, NULL);
    }
    fixture_run_ms(3000);
    assert_int_equal(fixture_counters().send_queue_bytes, 0);
}

static void expect_prefix(const struct test_stream *stream)
{
    size_t count = bytes_count(&stream->received);
    assert_true(test_stream_is_pattern(bytes_data(&stream->received), count, 0));
}

/* Fails one step of one filter at one side. Returns whether there was such a step. */
static bool fail_one(int chain, bool at_server, int link, uint32_t step)
{
    struct test_filter_config links[LINK_COUNT_MAX + 1];
    const struct port_fixture_config small = {.kernel.window_bytes = 1500};
    memcpy(links, chains[chain], sizeof links);
    fixture_open(&small);
    links[link].fail_step = at_server ? step : 0;
    open_listener(links, chain_lengths[chain]);
    links[link].fail_step = at_server ? 0 : step;
    dial(links, chain_lengths[chain]);
    fixture_run_now();
    server = test_listener_last(&test_listener);
    struct test_filter_source *source = at_server ? &server_sources[link] : &client_sources[link];
    struct test_stream *failing = at_server ? server : &client;
    exchange();
    bool was_reached = atomic_load(&source->step_count) >= step;
    assert_int_equal(server->close_count, 1);
    assert_int_equal(client.close_count, 1);
    expect_prefix(server);
    expect_prefix(&client);
    if (was_reached) {
        assert_non_null(gw_stream_problem(failing->stream));
        bool was_finished = failing == server && failing->reason == WHY;
        assert_true(was_finished || failing->reason == TEST_FILTER_FAILED);
    } else {
        expect_pattern(server, 8000);
        expect_pattern(&client, 9000);
    }
    close_pair();
    return was_reached;
}

static void a_failure_at_any_step_closes_both_ends(void **state)
{
    for (int chain = 0; chain < CHAIN_COUNT; chain++) {
        for (int link = 0; link < chain_lengths[chain]; link++) {
            uint32_t step = 1;
            while (fail_one(chain, true, link, step)) {
                step += step < 20 ? 1 : 17;
            }
            step = 1;
            while (fail_one(chain, false, link, step)) {
                step += step < 20 ? 1 : 17;
            }
        }
    }
}

/* The alert of a failed filter leaves through the outer ones, which then finish. */
static void a_failed_filter_sends_its_alert_through_the_outer_ones(void **state)
{
    const struct test_filter_config links[] = {
        {.kind = TEST_FILTER_SECRET, .has_end = true},
        {.kind = TEST_FILTER_MARKED, .has_end = true, .fail_step = 3},
        {.kind = TEST_FILTER_SECRET, .has_end = true}};
    const struct test_filter_config healthy[] = {
        links[0], {.kind = TEST_FILTER_MARKED, .has_end = true}, links[2]};
    fixture_open(NULL);
    open_listener(links, 3);
    dial(healthy, 3);
    assert_int_equal(test_stream_send_pattern(&client, 0, 100), 0);
    fixture_run_now();
    server = test_listener_last(&test_listener);
    assert_int_equal(server->reason, TEST_FILTER_FAILED);
    assert_string_equal(gw_stream_problem(server->stream), "recv() had to fail");
    assert_int_equal(client.reason, TEST_FILTER_ALERTED);
    assert_string_equal(gw_stream_problem(client.stream), "the peer has failed");
    assert_int_equal(atomic_load(&server_sources[0].finished_count), 1);
    assert_int_equal(atomic_load(&server_sources[1].finished_count), 0);
    assert_int_equal(atomic_load(&server_sources[2].finished_count), 0);
    close_pair();
}

static struct gw_buf *pattern_buf(uint32_t bytes)
{
    struct gw_buf *buf = gw_buf_create(bytes);
    assert_non_null(buf);
    for (uint32_t i = 0; i < bytes; i++) {
        gw_buf_data(buf)[i] = pattern_byte(5, i);
    }
    return buf;
}

/* Both ends send as soon as they can, and the server finishes. Returns whether one has failed. */
static bool fail_allocation(int chain, uint64_t number)
{
    const struct port_fixture_config small = {.kernel.window_bytes = 1500};
    fixture_open(&small);
    open_listener(chains[chain], chain_lengths[chain]);
    memset(&client, 0, sizeof client);
    client.config = config_of(client_sources, chains[chain], chain_lengths[chain], true);
    struct gw_buf *from_client = pattern_buf(5000);
    struct gw_buf *from_server = pattern_buf(7000);
    memory_fail_at(number);
    int error = test_stream_dial(&client, test_listener.port);
    release(&client.config);
    if (error == GW_OK) {
        (void)gw_stream_send(client.stream, from_client);
    }
    fixture_run_now();
    server = test_listener.count > 0 ? test_listener_last(&test_listener) : NULL;
    if (server != NULL) {
        (void)gw_stream_send(server->stream, from_server);
        fixture_run_now();
        gw_stream_finish(server->stream, WHY, NULL);
    }
    fixture_run_ms(3000);
    bool has_failed = memory_failed_count() > 0;
    memory_fail_at(0);
    gw_buf_unref(from_client);
    gw_buf_unref(from_server);
    test_listener_close(&test_listener);
    if (error == GW_OK) {
        gw_stream_close(client.stream, 99);
        fixture_run_ms(100);
        assert_int_equal(client.close_count, 1);
        expect_prefix(&client);
    }
    if (server != NULL) {
        assert_int_equal(server->close_count, 1);
        expect_prefix(server);
    }
    assert_true(has_failed || (bytes_count(&client.received) == 7000 && error == GW_OK));
    test_stream_fini(&client);
    test_listener_fini(&test_listener);
    fixture_close();
    return has_failed;
}

static void every_allocation_may_fail(void **state)
{
    for (int chain = 0; chain < CHAIN_COUNT; chain++) {
        uint64_t number = 1;
        while (fail_allocation(chain, number)) {
            number++;
        }
        assert_true(number > 10);
    }
}

/* ---- what a program notices of a stream is the same as without filters ---- */

static struct {
    uint32_t recv_end_count;
    uint32_t lost_count;
    uint32_t low_count;
} noticed;

static void on_recv_end(struct gw_stream *stream, void *context)
{
    noticed.recv_end_count++;
    assert_int_equal(test_stream_send_pattern(context, 0, 500), 0);
    gw_stream_finish(stream, WHY, NULL);
}

static void on_lost(struct gw_stream *stream, uint16_t key, void *context)
{
    assert_int_equal(key, 7);
    noticed.lost_count++;
}

static void on_send_low(struct gw_stream *stream, void *context)
{
    noticed.low_count++;
}

/* Opens a relayed pair whose server has these events. Chain -1 has no filter. */
static void open_noticed(int chain, bool half_closes, bool has_end)
{
    static struct gw_stream_events events;
    struct test_filter_config links[LINK_COUNT_MAX + 1] = {{0}};
    int length = chain < 0 ? 0 : chain_lengths[chain];
    memcpy(links, chains[chain < 0 ? 0 : chain], sizeof links);
    for (int i = 0; i < length; i++) {
        links[i].has_end = has_end;
    }
    memset(&noticed, 0, sizeof noticed);
    events = test_stream_events;
    events.on_recv_end = half_closes ? on_recv_end : NULL;
    events.on_lost = on_lost;
    events.on_send_low = on_send_low;
    server_events = &events;
    open_relayed(links, length);
    relay_run(ALL);
}

static void a_stream_answers_after_the_fin_of_its_peer(void **state)
{
    for (int chain = -1; chain < CHAIN_COUNT; chain++) {
        open_noticed(chain, true, false);
        assert_int_equal(test_stream_send_pattern(&client, 0, 300), 0);
        relay_run(ALL);
        peer_finish(relay.to_server);
        fixture_run_now();
        expect_pattern(server, 300);
        assert_int_equal(noticed.recv_end_count, 1);
        relay_run(ALL);
        expect_pattern(&client, 500);
        assert_int_equal(server->reason, WHY);
        close_relayed();
    }
}

/* The end of a protocol is reported before FIN arrives; FIN still ends the linger. */
static void a_stream_answers_after_the_end_of_a_filters_protocol(void **state)
{
    for (int chain = 0; chain < CHAIN_COUNT; chain++) {
        open_noticed(chain, true, true);
        assert_int_equal(test_stream_send_pattern(&client, 0, 300), 0);
        gw_stream_finish(client.stream, 99, NULL);
        fixture_run_now();
        while (relay.count < relay.count + pass_on(relay.to_client, relay.to_server, ALL)) {
            fixture_run_now(); /* without FIN */
        }
        expect_pattern(server, 300);
        assert_int_equal(noticed.recv_end_count, 1);
        assert_true(peer_unread_count(relay.to_server) > 500);
        assert_int_equal(server->close_count, 0);
        fixture_run_ms(GW_STREAM_LINGER_MS / 2);
        assert_int_equal(server->close_count, 0);
        peer_finish(relay.to_server);
        fixture_run_now();
        assert_int_equal(server->reason, WHY);
        close_relayed();
    }
}

struct flood {
    uint32_t accepted_count;
    int error;
};

static void flood(void *context)
{
    struct flood *result = context;
    do {
        result->error = test_stream_send_pattern(
            server, (uint64_t)result->accepted_count * UINT64_C(1000), 1000);
        result->accepted_count += result->error == GW_OK;
    } while (result->error == GW_OK && result->accepted_count < 1000);
}

static void the_queue_of_a_peer_that_does_not_read_has_the_same_limit(void **state)
{
    for (int chain = -1; chain < CHAIN_COUNT; chain++) {
        struct flood result = {0};
        open_noticed(chain, false, false);
        peer_set_window(relay.to_server, 0);
        fixture_in_turn(gw_stream_turn(server->stream), flood, &result);
        assert_int_equal(result.error, GW_E_FULL);
        assert_int_equal(result.accepted_count, 65536 / (1000 + GW_STREAM_BUF_OVERHEAD_BYTES));
        assert_int_equal(noticed.low_count, 0);
        peer_set_window(relay.to_server, 1 << 20);
        relay_run(ALL);
        assert_int_equal(noticed.low_count, 1);
        expect_pattern(&client, result.accepted_count * (size_t)1000);
        close_relayed();
    }
}

static void a_thread_outside_a_turn_has_the_same_limits(void **state)
{
    const uint32_t cost = 1000 + GW_STREAM_BUF_OVERHEAD_BYTES;
    for (int chain = -1; chain < CHAIN_COUNT; chain++) {
        for (int is_refused = 0; is_refused < 2; is_refused++) {
            struct flood result = {0};
            open_noticed(chain, false, false);
            peer_set_window(relay.to_server, 0);
            if (is_refused) {
                assert_int_equal(test_stream_send_pattern(server, 0, 1000), GW_OK);
                fixture_run_now();
                result.accepted_count = 1;
            }
            flood(&result);
            assert_int_equal(result.error, GW_E_FULL);
            assert_int_equal(result.accepted_count,
                             (is_refused ? 1U : GW_STREAM_BURST_FACTOR) * 65536 / cost);
            peer_set_window(relay.to_server, 1 << 20);
            relay_run(ALL);
            expect_pattern(&client, result.accepted_count * (size_t)1000);
            result = (struct flood){0};
            flood(&result); /* the refusal is over */
            assert_int_equal(result.accepted_count, GW_STREAM_BURST_FACTOR * 65536 / cost);
            close_relayed();
        }
    }
}

/* The kernel takes what it can in the middle of the turn, so a peer that reads has no limit. */
static void a_turn_may_send_more_than_the_limit_to_a_peer_that_reads(void **state)
{
    for (int chain = -1; chain < CHAIN_COUNT; chain++) {
        struct flood result = {0};
        const struct port_fixture_config fast = {.kernel.immediate_percent = 100};
        open_pair(&fast, chain < 0 ? NULL : chains[chain], chain < 0 ? 0 : chain_lengths[chain]);
        fixture_in_turn(gw_stream_turn(server->stream), flood, &result);
        assert_int_equal(result.error, GW_OK);
        assert_int_equal(result.accepted_count, 1000);
        expect_pattern(&client, 1000 * 1000);
        close_pair();
    }
}

/* A state of 2,000 bytes, all of them `number`; a newer one supersedes it. */
enum { STATE_BYTES = 2000, STATE_COUNT = 100 };

static void send_states(void *context)
{
    for (uint8_t number = 0; number < STATE_COUNT; number++) {
        struct gw_buf *buf = gw_buf_create(STATE_BYTES);
        assert_non_null(buf);
        memset(gw_buf_data(buf), number, STATE_BYTES);
        gw_buf_mark(buf, 0, 7);
        assert_int_equal(gw_stream_send(server->stream, buf), GW_OK);
        gw_buf_unref(buf);
    }
}

/* What the kernel has begun to take is never cut, however much of it is coalesced behind. */
static void coalescing_leaves_what_a_filter_has(void **state)
{
    for (int chain = -1; chain < CHAIN_COUNT; chain++) {
        for (size_t window = 1; window < 6000; window += 700) {
            open_noticed(chain, false, false);
            peer_set_window(relay.to_server, window);
            fixture_in_turn(gw_stream_turn(server->stream), send_states, NULL);
            fixture_in_turn(gw_stream_turn(server->stream), send_states, NULL);
            peer_set_window(relay.to_server, 1 << 20);
            relay_run(ALL);
            size_t count = bytes_count(&client.received);
            const uint8_t *data = bytes_data(&client.received);
            assert_int_equal(count % STATE_BYTES, 0);
            assert_true(count >= STATE_BYTES && count < STATE_COUNT * STATE_BYTES);
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(data[i], data[i - i % STATE_BYTES]);
            }
            assert_int_equal(data[count - 1], STATE_COUNT - 1);
            assert_true(noticed.lost_count > 0);
            assert_true(fixture_counters().send_coalesced_count > 0);
            close_relayed();
        }
    }
}

/* ---- the same walk with and without filters ---- */

enum { WALK_COUNT = 20, WALK_STEP_COUNT = 60 };

struct walk_end {
    size_t sent_bytes;
    size_t received_bytes;
    int reason;
};

struct walk_result {
    struct walk_end client;
    struct walk_end server;
};

static void walk_step(struct random *steps, struct test_stream *stream, struct walk_end *end)
{
    uint32_t bytes = 1 + random_below(steps, 1500);
    switch (random_below(steps, 6)) {
    case 0:
        fixture_in_turn(gw_stream_turn(stream->stream), pause_stream, stream);
        break;
    case 1:
        fixture_in_turn(gw_stream_turn(stream->stream), resume_stream, stream);
        break;
    case 2:
        stream->message_bytes = 1 + random_below(steps, 100);
        stream->budget = random_below(steps, 4);
        break;
    default:
        assert_int_equal(test_stream_send_pattern(stream, end->sent_bytes, bytes), GW_OK);
        end->sent_bytes += bytes;
    }
}

/* Reads also what is no whole message. */
static void read_rest(void *context)
{
    struct test_stream *stream = context;
    stream->message_bytes = 0;
    stream->budget = 0;
    gw_stream_pause(stream->stream);
    gw_stream_resume(stream->stream);
}

static void end_walk(struct random *steps)
{
    struct test_stream *first = random_below(steps, 2) == 0 ? &client : server;
    fixture_in_turn(gw_stream_turn(client.stream), read_rest, &client);
    fixture_in_turn(gw_stream_turn(server->stream), read_rest, server);
    fixture_run_ms(2000);
    if (random_below(steps, 2) == 0) {
        gw_stream_finish(first->stream, WHY, NULL);
    } else {
        gw_stream_close(first->stream, WHY);
    }
    fixture_run_ms(3000);
}

static struct walk_end result_of(const struct test_stream *stream, size_t sent_bytes)
{
    expect_prefix(stream);
    assert_int_equal(stream->close_count, 1);
    return (struct walk_end){.sent_bytes = sent_bytes,
                             .received_bytes = bytes_count(&stream->received),
                             .reason = stream->reason};
}

/* What both do depends on the seed alone, what the kernel does on the filters, too. */
static struct walk_result walk(uint64_t seed, int chain)
{
    const struct port_fixture_config hostile = {
        .kernel = {.seed = seed,
                   .window_bytes = 1 + (uint32_t)(seed * 131 % 3000),
                   .late_ns_max = (uint32_t)(seed % 4) * 300000,
                   .split_percent = (uint8_t)(seed * 7 % 90),
                   .nothing_percent = 20,
                   .immediate_percent = (uint8_t)(seed * 11 % 100),
                   .delay_percent = 30,
                   .shuffles = true}};
    struct test_filter_config links[LINK_COUNT_MAX + 1] = {{0}};
    struct random steps = {seed};
    struct walk_result result = {0};
    memcpy(links, chains[chain < 0 ? 0 : chain], sizeof links);
    links[0].ping_percent = (uint32_t)(seed % 3) * 20;
    open_pair(&hostile, links, chain < 0 ? 0 : chain_lengths[chain]);
    for (int i = 0; i < WALK_STEP_COUNT; i++) {
        bool is_client = random_below(&steps, 2) == 0;
        walk_step(&steps, is_client ? &client : server,
                  is_client ? &result.client : &result.server);
        fixture_run_ms(random_below(&steps, 4));
    }
    end_walk(&steps);
    result.client = result_of(&client, result.client.sent_bytes);
    result.server = result_of(server, result.server.sent_bytes);
    close_pair();
    return result;
}

static void a_walk_has_the_same_result_with_any_chain(void **state)
{
    for (uint64_t seed = 1; seed <= WALK_COUNT; seed++) {
        struct walk_result plain = walk(seed, -1);
        assert_int_equal(plain.client.received_bytes, plain.server.sent_bytes);
        assert_int_equal(plain.server.received_bytes, plain.client.sent_bytes);
        for (int chain = 0; chain < CHAIN_COUNT; chain++) {
            struct walk_result filtered = walk(seed, chain);
            if (memcmp(&plain, &filtered, sizeof plain) != 0) {
                print_message("seed %u, chain %d\n", (unsigned)seed, chain);
            }
            assert_int_equal(filtered.client.received_bytes, plain.client.received_bytes);
            assert_int_equal(filtered.server.received_bytes, plain.server.received_bytes);
            assert_int_equal(filtered.client.reason, plain.client.reason);
            assert_int_equal(filtered.server.reason, plain.server.reason);
        }
    }
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
        cmocka_unit_test(a_filter_that_is_done_passes_the_rest_and_goes),
        cmocka_unit_test(a_finish_in_any_state_of_the_peer_ends_in_time),
        cmocka_unit_test(a_finish_before_the_handshake_completes_it_and_sends_what_is_queued),
        cmocka_unit_test(a_close_in_any_state_is_immediate),
        cmocka_unit_test(a_fin_in_any_state_ends_the_stream_at_once),
        cmocka_unit_test(a_reset_in_any_state_ends_the_stream_at_once),
        cmocka_unit_test(a_pause_in_any_state_stops_the_bytes_and_not_the_handshake),
        cmocka_unit_test(a_failure_at_any_step_closes_both_ends),
        cmocka_unit_test(a_failed_filter_sends_its_alert_through_the_outer_ones),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_stream_answers_after_the_fin_of_its_peer),
        cmocka_unit_test(a_stream_answers_after_the_end_of_a_filters_protocol),
        cmocka_unit_test(the_queue_of_a_peer_that_does_not_read_has_the_same_limit),
        cmocka_unit_test(a_thread_outside_a_turn_has_the_same_limits),
        cmocka_unit_test(a_turn_may_send_more_than_the_limit_to_a_peer_that_reads),
        cmocka_unit_test(coalescing_leaves_what_a_filter_has),
        cmocka_unit_test(a_walk_has_the_same_result_with_any_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

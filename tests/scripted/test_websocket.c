/* tests/scripted/test_websocket.c: Streams over WebSocket. */
#include "tests/test.h"

#include "net/buf.h"
#include "net/error.h"
#include "net/filter/source.h"
#include "net/filter/websocket.h"
#include "net/listener.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/port_fixture.h"
#include "tests/scripted/test_stream.h"
#include "tests/support/random.h"
#include "tests/support/websocket_bytes.h"

#include <string.h>

#define REQUEST                                                                                    \
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                   \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

enum { WHY = 7, STATUS = 4000 + WHY, WALK_COUNT = 50, STEP_COUNT = 60 };

static const uint8_t key[4] = {0x12, 0xFE, 0x00, 0x80};
static const struct gw_stream_config plain_config = {.recv_bytes_max = 4096,
                                                     .send_queue_bytes_max = 65536};

static struct test_listener test_listener;
static struct test_stream client;
static struct test_stream *server;

static uint64_t numbers(void)
{
    static struct random random = {11};
    return random_next(&random);
}

static void open_listener(const struct port_fixture_config *fixture)
{
    const struct gw_websocket_server_config server_config = {.path = NULL};
    struct gw_stream_config config = plain_config;
    fixture_open(fixture);
    memset(&test_listener, 0, sizeof test_listener);
    assert_int_equal(gw_websocket_server_create(&server_config, &config.filters[0]), 0);
    assert_int_equal(test_listener_open(&test_listener, 0, &config), 0);
    gw_filter_source_unref(config.filters[0]);
    fixture_run_now();
    fixture_align_to_tick();
}

static void close_listener(void)
{
    test_listener_close(&test_listener);
    fixture_run_ms(5000);
    test_listener_fini(&test_listener);
    fixture_close();
}

static void dial(const char *path)
{
    const struct gw_websocket_client_config config = {.host = "a", .path = path, .random = numbers};
    memset(&client, 0, sizeof client);
    client.config = plain_config;
    assert_int_equal(gw_websocket_client_create(&config, &client.config.filters[0]), 0);
    assert_int_equal(test_stream_dial(&client, test_listener.port), 0);
    gw_filter_source_unref(client.config.filters[0]);
}

static void expect_pattern(const struct test_stream *stream, size_t count)
{
    assert_int_equal(bytes_count(&stream->received), count);
    assert_true(test_stream_is_pattern(bytes_data(&stream->received), count, 0));
}

/* ---- a client and a server of ours ---- */

/* What one side has sent, and what it did last. */
struct side {
    struct test_stream *stream;
    uint64_t sent;
    bool is_paused;
    bool is_over;
};

static void pause_stream(void *context)
{
    gw_stream_pause(((struct test_stream *)context)->stream);
}

static void resume_stream(void *context)
{
    gw_stream_resume(((struct test_stream *)context)->stream);
}

static void act(struct side *side, struct random *random)
{
    struct gw_turn *turn = gw_stream_turn(side->stream->stream);
    uint32_t bytes = 1 + random_below(random, random_below(random, 4) == 0 ? 9000 : 200);
    switch (random_below(random, 8)) {
    case 0:
        fixture_in_turn(turn, side->is_paused ? resume_stream : pause_stream, side->stream);
        side->is_paused = !side->is_paused;
        break;
    default:
        side->sent += test_stream_send_pattern(side->stream, side->sent, bytes) == 0 ? bytes : 0;
    }
}

/* The last one of a walk: both read, one side finishes or closes. Returns whether it finishes. */
static bool end_walk(struct side *side, struct random *random)
{
    bool finishes = random_below(random, 4) != 0;
    if (finishes) {
        gw_stream_finish(side->stream->stream, WHY, NULL);
    } else {
        gw_stream_close(side->stream->stream, WHY);
    }
    return finishes;
}

static struct port_fixture_config hostile(uint64_t seed)
{
    struct random random = {seed};
    return (struct port_fixture_config){
        .kernel = {
            .seed = seed,
            .recv_bytes_max = random_below(&random, 3) == 0 ? 0 : 1 + random_below(&random, 60),
            .window_bytes = random_below(&random, 3) == 0 ? 0 : 1 + random_below(&random, 2000),
            .late_ns_max = random_below(&random, 2) == 0 ? 0 : 2 * FIXTURE_MS,
            .split_percent = (uint8_t)random_below(&random, 60),
            .nothing_percent = (uint8_t)random_below(&random, 30),
            .immediate_percent = (uint8_t)random_below(&random, 101),
            .delay_percent = (uint8_t)random_below(&random, 40),
            .spurious_percent = (uint8_t)random_below(&random, 30),
            .shuffles = random_below(&random, 2) == 0}};
}

/* Whatever both sides do and the kernel does: all bytes before a finish arrive, and those before a
 * close are a prefix. */
static void walks_deliver_all_bytes_before_a_finish(void **state)
{
    for (uint64_t seed = 1; seed <= WALK_COUNT; seed++) {
        struct random random = {seed};
        const struct port_fixture_config fixture = hostile(seed);
        open_listener(&fixture);
        dial("/");
        struct side up = {&client, 0, false, false};
        if (random_below(&random, 2) == 0) {
            act(&up, &random); /* before the handshake */
        }
        fixture_run_ms(2000);
        server = test_listener_last(&test_listener);
        assert_non_null(server);
        struct side down = {server, 0, false, false};
        for (int i = 0; i < STEP_COUNT; i++) {
            act(random_below(&random, 2) == 0 ? &up : &down, &random);
            fixture_run_ms(random_below(&random, 3));
        }
        for (int i = 0; i < 2; i++) {
            struct side *side = i == 0 ? &up : &down;
            if (side->is_paused) {
                fixture_in_turn(gw_stream_turn(side->stream->stream), resume_stream, side->stream);
            }
        }
        fixture_run_until_idle();
        kernel_behaviour()->late_ns_max = 0; /* a finish has GW_STREAM_FLUSH_MS */
        struct side *first = random_below(&random, 2) == 0 ? &up : &down;
        struct side *second = first == &up ? &down : &up;
        uint32_t more = 1 + random_below(&random, 3000);
        first->sent += test_stream_send_pattern(first->stream, first->sent, more) == 0 ? more : 0;
        bool finishes = end_walk(first, &random);
        fixture_run_ms(5000);
        assert_int_equal(first->stream->reason, WHY);
        expect_pattern(first->stream, second->sent);
        if (finishes) {
            expect_pattern(second->stream, first->sent);
            assert_int_equal(second->stream->reason, GW_E_CLOSED);
        } else {
            assert_true(test_stream_is_pattern(bytes_data(&second->stream->received),
                                               bytes_count(&second->stream->received), 0));
            assert_int_equal(second->stream->reason, GW_E_RESET);
        }
        assert_int_equal(fixture_counters().send_queue_bytes, 0);
        test_stream_fini(&client);
        close_listener();
    }
}

/* A client whose request is refused must not give the program the server's answer as bytes. */
static void a_refused_client_receives_nothing(void **state)
{
    open_listener(NULL);
    dial("/elsewhere");
    assert_int_equal(test_stream_send_pattern(&client, 0, 100), 0);
    fixture_run_ms(3000);
    assert_int_equal(client.reason, GW_E_WEBSOCKET);
    assert_non_null(strstr(gw_stream_problem(client.stream), "404"));
    assert_int_equal(bytes_count(&client.received), 0);
    server = test_listener_last(&test_listener);
    assert_int_equal(server->reason, GW_E_WEBSOCKET);
    assert_int_equal(bytes_count(&server->received), 0);
    test_stream_fini(&client);
    close_listener();
}

/* ---- a peer of the test ---- */

/* Reads the head of the server's answer. */
static void expect_acceptance(struct peer *peer)
{
    const char *data = (const char *)peer_data(peer);
    size_t bytes = 4;
    assert_true(peer_unread_count(peer) > 20);
    assert_memory_equal(data, "HTTP/1.1 101 ", 13);
    while (memcmp(data + bytes - 4, "\r\n\r\n", 4) != 0) {
        assert_true(++bytes <= peer_unread_count(peer));
    }
    peer_read(peer, NULL, bytes);
}

static struct peer *join(void)
{
    struct peer *peer = peer_connect(test_listener.port);
    peer_send(peer, REQUEST, sizeof REQUEST - 1);
    fixture_run_now();
    server = test_listener_last(&test_listener);
    expect_acceptance(peer);
    assert_int_equal(peer_unread_count(peer), 0);
    return peer;
}

static void send_frame(struct peer *peer, uint8_t first, const void *payload, size_t bytes)
{
    uint8_t frame[256];
    peer_send(peer, frame, ws_write(frame, first, key, payload, bytes));
}

static void expect_frame(struct peer *peer, uint8_t first, const void *payload, size_t bytes)
{
    static uint8_t data[65536];
    struct ws_frame frame;
    size_t count = peer_unread_count(peer);
    assert_true(count <= sizeof data);
    memcpy(data, peer_data(peer), count);
    size_t all = ws_read(data, count, &frame);
    assert_true(all > 0);
    assert_int_equal(frame.first, first);
    assert_int_equal(frame.bytes, bytes);
    if (bytes > 0) {
        assert_memory_equal(frame.payload, payload, bytes);
    }
    peer_read(peer, NULL, all);
}

static void expect_close(struct peer *peer, uint16_t status, const char *text)
{
    uint8_t payload[128] = {(uint8_t)(status >> 8), (uint8_t)status};
    memcpy(payload + 2, text, strlen(text));
    expect_frame(peer, WS_CLOSE | WS_FIN, payload, 2 + strlen(text));
    assert_int_equal(peer_unread_count(peer), 0);
    assert_true(peer_has_fin(peer));
}

static void a_finish_sends_the_last_message_a_close_and_a_fin(void **state)
{
    open_listener(NULL);
    struct peer *peer = join();
    struct gw_buf *last = gw_buf_create(4);
    memcpy(gw_buf_data(last), "last", 4);
    gw_stream_finish(server->stream, WHY, last);
    gw_buf_unref(last);
    fixture_run_now();
    expect_frame(peer, WS_BINARY | WS_FIN, "last", 4);
    expect_close(peer, STATUS, "reason 7");
    send_frame(peer, WS_CLOSE | WS_FIN, "\x0F\xA7", 2);
    peer_finish(peer);
    fixture_run_now();
    assert_int_equal(server->reason, WHY);
    assert_int_equal(server->close_count, 1);
    peer_close(peer);
    close_listener();
}

/* A server that is full: the browser gets the CLOSE packet and the status. */
static void a_finish_with_a_last_message_waits_for_the_handshake(void **state)
{
    (void)state;
    for (int completes = 0; completes < 2; completes++) {
        open_listener(NULL);
        struct peer *peer = peer_connect(test_listener.port);
        peer_send(peer, REQUEST, 30);
        fixture_run_now();
        server = test_listener_last(&test_listener);
        struct gw_buf *last = gw_buf_create(4);
        memcpy(gw_buf_data(last), "last", 4);
        gw_stream_finish(server->stream, WHY, last);
        gw_buf_unref(last);
        fixture_run_now();
        assert_int_equal(peer_unread_count(peer), 0);
        if (completes) {
            peer_send(peer, &REQUEST[30], sizeof REQUEST - 1 - 30);
            fixture_run_now();
            expect_acceptance(peer);
            expect_frame(peer, WS_BINARY | WS_FIN, "last", 4);
            expect_close(peer, STATUS, "reason 7");
        }
        peer_finish(peer);
        fixture_run_ms(2 * GW_STREAM_FLUSH_MS);
        assert_int_equal(server->close_count, 1);
        assert_int_equal(server->reason, WHY);
        peer_close(peer);
        close_listener();
    }
}

/* Bytes and the close frame in one piece, as a browser sends them. */
static void a_close_frame_of_the_peer_is_a_fin(void **state)
{
    for (int split = 0; split < 2; split++) {
        const struct port_fixture_config small = {.kernel.recv_bytes_max = split ? 1 : 0};
        open_listener(&small);
        struct peer *peer = join();
        send_frame(peer, WS_BINARY | WS_FIN, "bytes", 5);
        send_frame(peer, WS_CLOSE | WS_FIN, "\x03\xE9", 2);
        fixture_run_now();
        assert_int_equal(bytes_count(&server->received), 5);
        assert_memory_equal(bytes_data(&server->received), "bytes", 5);
        expect_close(peer, 1001, "");
        peer_finish(peer);
        fixture_run_now();
        assert_int_equal(server->reason, GW_E_CLOSED);
        peer_close(peer);
        close_listener();
    }
}

static void a_fin_without_a_close_frame_is_a_reset(void **state)
{
    open_listener(NULL);
    struct peer *peer = join();
    send_frame(peer, WS_BINARY | WS_FIN, "bytes", 5);
    peer_finish(peer);
    fixture_run_ms(3000);
    assert_int_equal(bytes_count(&server->received), 5);
    assert_int_equal(server->reason, GW_E_RESET);
    peer_close(peer);
    close_listener();
}

static void a_violation_closes_with_its_status_and_a_fin(void **state)
{
    open_listener(NULL);
    for (int i = 0; i < 2; i++) {
        struct peer *peer = join();
        send_frame(peer, WS_BINARY | WS_FIN, "bytes", 5);
        if (i == 0) {
            send_frame(peer, WS_TEXT | WS_FIN, "text", 4);
        } else {
            peer_send(peer, "\x82\x01x", 3); /* not masked */
        }
        assert_int_equal(test_stream_send_pattern(server, 0, 10), 0);
        fixture_run_now();
        assert_int_equal(bytes_count(&server->received), 5);
        peer_read(peer, NULL, 12); /* what was sent before, in its frame */
        expect_close(peer, i == 0 ? 1003 : 1002,
                     i == 0 ? "a message is text and not binary"
                            : "a frame of the client is not masked");
        peer_close(peer);
        fixture_run_ms(3000);
        assert_int_equal(server->reason, GW_E_WEBSOCKET);
    }
    close_listener();
}

static void a_peer_may_stop_anywhere_in_the_handshake(void **state)
{
    for (size_t count = 0; count < sizeof REQUEST - 1; count += count < 10 ? 1 : 13) {
        for (int way = 0; way < 3; way++) {
            open_listener(NULL);
            struct peer *peer = peer_connect(test_listener.port);
            peer_send(peer, REQUEST, count);
            fixture_run_now();
            server = test_listener_last(&test_listener);
            if (way == 0) {
                peer_finish(peer);
                fixture_run_ms(3000);
                assert_int_equal(server->reason, count == 0 ? GW_E_CLOSED : GW_E_RESET);
            } else if (way == 1) {
                peer_reset(peer);
                fixture_run_ms(3000);
                assert_int_equal(server->reason, GW_E_RESET);
            } else {
                gw_stream_finish(server->stream, WHY, NULL);
                fixture_run_now();
                assert_true(peer_unread_count(peer) > 20);
                assert_memory_equal(peer_data(peer), "HTTP/1.1 503 ", 13);
                peer_read(peer, NULL, peer_unread_count(peer));
                assert_true(peer_has_fin(peer));
                peer_finish(peer);
                fixture_run_ms(3000);
                assert_int_equal(server->reason, WHY);
            }
            assert_int_equal(bytes_count(&server->received), 0);
            peer_close(peer);
            close_listener();
        }
    }
}

static void frames_without_a_request_are_not_received(void **state)
{
    open_listener(NULL);
    struct peer *peer = peer_connect(test_listener.port);
    send_frame(peer, WS_BINARY | WS_FIN, "bytes", 5);
    fixture_run_now();
    server = test_listener_last(&test_listener);
    assert_int_equal(bytes_count(&server->received), 0);
    assert_true(peer_unread_count(peer) > 20);
    assert_memory_equal(peer_data(peer), "HTTP/1.1 400 ", 13);
    peer_close(peer);
    fixture_run_ms(3000);
    assert_int_equal(server->reason, GW_E_WEBSOCKET);
    close_listener();
}

/* A flood of pings is answered by one pong for each output that leaves. */
static void pings_queue_nothing(void **state)
{
    open_listener(NULL);
    struct peer *peer = join();
    peer_set_window(peer, 0);
    for (int i = 0; i < 1000; i++) {
        send_frame(peer, WS_PING | WS_FIN, "ping", 4);
        fixture_run_now();
    }
    assert_in_range(fixture_counters().pool_bytes, 1, 8192);
    peer_set_window(peer, 1 << 20);
    fixture_run_now();
    assert_in_range(peer_unread_count(peer), 6, 12);
    assert_int_equal(fixture_counters().pool_bytes, 0);
    peer_close(peer);
    close_listener();
}

/* ---- memory ---- */

static void each_allocation_may_fail(void **state)
{
    for (uint64_t number = 1;; number++) {
        open_listener(NULL);
        dial("/");
        memory_fail_at(number);
        fixture_run_ms(100);
        server = test_listener.count > 0 ? test_listener_last(&test_listener) : NULL;
        bool is_open = server != NULL && server->close_count == 0 && client.close_count == 0;
        if (is_open) {
            struct gw_buf *buf = gw_buf_create(1000);
            if (buf != NULL) {
                memset(gw_buf_data(buf), 'x', 1000);
                gw_stream_send(client.stream, buf);
                gw_stream_send(server->stream, buf);
                gw_buf_unref(buf);
            }
            fixture_run_ms(100);
            gw_stream_finish(client.stream, WHY, NULL);
        }
        fixture_run_ms(5000);
        bool failed = memory_failed_count() > 0;
        memory_fail_at(0);
        gw_stream_close(client.stream, WHY);
        fixture_run_ms(5000);
        assert_int_equal(client.close_count, 1);
        if (!failed) {
            assert_int_equal(bytes_count(&server->received), 1000);
            assert_int_equal(bytes_count(&client.received), 1000);
            assert_in_range(number, 10, 200);
        }
        test_stream_fini(&client);
        close_listener();
        if (!failed) {
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finish_sends_the_last_message_a_close_and_a_fin),
        cmocka_unit_test(a_finish_with_a_last_message_waits_for_the_handshake),
        cmocka_unit_test(a_close_frame_of_the_peer_is_a_fin),
        cmocka_unit_test(a_fin_without_a_close_frame_is_a_reset),
        cmocka_unit_test(a_violation_closes_with_its_status_and_a_fin),
        cmocka_unit_test(a_peer_may_stop_anywhere_in_the_handshake),
        cmocka_unit_test(frames_without_a_request_are_not_received),
        cmocka_unit_test(a_refused_client_receives_nothing),
        cmocka_unit_test(pings_queue_nothing),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(walks_deliver_all_bytes_before_a_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

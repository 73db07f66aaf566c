/* tests/scripted/test_stream.c: A stream that records its events, and a listener for such streams.
 */
#include "tests/scripted/test_stream.h"

#include "tests/test.h"

#include "net/buf.h"
#include "net/listener.h"
#include "net/ring.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/port_fixture.h"
#include "tests/support/random.h"

#include <string.h>

enum { PATTERN_SEED = 5 };

static const struct gw_stream_config usual = {.recv_bytes_max = 4096,
                                              .send_queue_bytes_max = 65536};

static void on_open(struct gw_stream *stream, void *context)
{
    struct test_stream *test_stream = context;
    assert_int_equal(test_stream->open_count++, 0);
    test_stream->opened_ns = fixture_now_ns();
    if (test_stream->on_open != NULL) {
        test_stream->on_open(test_stream);
    }
}

static void read_bytes(struct test_stream *test_stream, struct gw_ring *ring, uint32_t bytes)
{
    static uint8_t bounce[64 * 1024];
    assert_true(bytes <= sizeof bounce);
    bytes_put(&test_stream->received, gw_ring_peek(ring, bytes, bounce), bytes);
    gw_ring_consume(ring, bytes);
}

static enum gw_recv on_recv(struct gw_stream *stream, struct gw_ring *ring, void *context)
{
    struct test_stream *test_stream = context;
    assert_int_equal(test_stream->close_count, 0);
    test_stream->recv_count++;
    uint32_t size =
        test_stream->message_bytes != 0 ? test_stream->message_bytes : gw_ring_used_bytes(ring);
    for (uint32_t count = 0; gw_ring_used_bytes(ring) >= size && size > 0; count++) {
        if (test_stream->budget != 0 && count == test_stream->budget) {
            return GW_RECV_AGAIN;
        }
        read_bytes(test_stream, ring, size);
        if (test_stream->on_recv != NULL) {
            test_stream->on_recv(test_stream);
        }
    }
    return GW_RECV_MORE;
}

static void on_deadline(struct gw_stream *stream, void *context)
{
    struct test_stream *test_stream = context;
    assert_int_equal(test_stream->close_count, 0);
    test_stream->deadline_count++;
    test_stream->deadline_ns = fixture_now_ns();
    if (test_stream->on_deadline != NULL) {
        test_stream->on_deadline(test_stream);
    }
}

static void on_close(struct gw_stream *stream, int reason, void *context)
{
    struct test_stream *test_stream = context;
    assert_int_equal(test_stream->close_count++, 0);
    test_stream->reason = reason;
    test_stream->closed_ns = fixture_now_ns();
    if (test_stream->on_close != NULL) {
        test_stream->on_close(test_stream);
    }
}

const struct gw_stream_events test_stream_events = {
    .on_open = on_open, .on_recv = on_recv, .on_deadline = on_deadline, .on_close = on_close};

int test_stream_dial(struct test_stream *test_stream, uint16_t port)
{
    struct gw_addr addr = peer_addr(port);
    const struct gw_stream_config *config =
        test_stream->config.recv_bytes_max != 0 ? &test_stream->config : &usual;
    return gw_stream_dial(fixture_port, &addr, NULL, config, &test_stream_events, test_stream,
                          &test_stream->stream);
}

void test_stream_fini(struct test_stream *test_stream)
{
    gw_stream_unref(test_stream->stream);
    test_stream->stream = NULL;
    bytes_fini(&test_stream->received);
}

int test_stream_send(struct test_stream *test_stream, const void *data, uint32_t bytes)
{
    struct gw_buf *buf = gw_buf_create(bytes);
    assert_non_null(buf);
    memcpy(gw_buf_data(buf), data, bytes);
    int error = gw_stream_send(test_stream->stream, buf);
    gw_buf_unref(buf);
    return error;
}

int test_stream_send_pattern(struct test_stream *test_stream, uint64_t from, uint32_t bytes)
{
    struct gw_buf *buf = gw_buf_create(bytes);
    assert_non_null(buf);
    for (uint32_t i = 0; i < bytes; i++) {
        gw_buf_data(buf)[i] = pattern_byte(PATTERN_SEED, from + i);
    }
    int error = gw_stream_send(test_stream->stream, buf);
    gw_buf_unref(buf);
    return error;
}

bool test_stream_is_pattern(const uint8_t *data, size_t count, uint64_t from)
{
    for (size_t i = 0; i < count; i++) {
        if (data[i] != pattern_byte(PATTERN_SEED, from + i)) {
            return false;
        }
    }
    return true;
}

/* ---- listener ---- */

static void on_accept(struct gw_listener *listener, struct gw_stream *stream, void *context)
{
    struct test_listener *test_listener = context;
    if (test_listener->leaves_alone) {
        return;
    }
    assert_true(test_listener->count <
                sizeof test_listener->streams / sizeof test_listener->streams[0]);
    struct test_stream *test_stream = memory_take_unseen(sizeof *test_stream);
    test_stream->stream = gw_stream_ref(stream);
    test_listener->streams[test_listener->count++] = test_stream;
    if (test_listener->on_accept != NULL) {
        test_listener->on_accept(test_stream);
    }
    gw_stream_start(stream,
                    test_listener->events != NULL ? test_listener->events : &test_stream_events,
                    test_stream);
}

static void on_shut(struct gw_listener *listener, void *context)
{
    struct test_listener *test_listener = context;
    assert_int_equal(test_listener->close_count++, 0);
    test_listener->closed_ns = fixture_now_ns();
}

int test_listener_open(struct test_listener *test_listener, uint16_t port,
                       const struct gw_stream_config *config)
{
    static const struct gw_listener_events events = {on_accept, on_shut};
    const struct gw_listener_config listener_config = {.addr = peer_addr(port),
                                                       .stream = config != NULL ? *config : usual};
    int error = gw_listener_open(fixture_port, &listener_config, &events, test_listener,
                                 &test_listener->listener);
    if (error == 0) {
        test_listener->port = gw_listener_addr(test_listener->listener)->port;
    }
    return error;
}

void test_listener_close(struct test_listener *test_listener)
{
    gw_listener_close(test_listener->listener);
    fixture_run_now();
}

struct test_stream *test_listener_last(const struct test_listener *test_listener)
{
    assert_true(test_listener->count > 0);
    return test_listener->streams[test_listener->count - 1];
}

void test_listener_fini(struct test_listener *test_listener)
{
    for (uint32_t i = 0; i < test_listener->count; i++) {
        test_stream_fini(test_listener->streams[i]);
        memory_free_unseen(test_listener->streams[i]);
    }
    test_listener->count = 0;
}

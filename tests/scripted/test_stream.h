/* tests/scripted/test_stream.h: A stream that records its events, and a listener for such streams.
 */
#ifndef GW_TESTS_SCRIPTED_TEST_STREAM_H
#define GW_TESTS_SCRIPTED_TEST_STREAM_H

#include "net/stream.h"
#include "tests/scripted/bytes.h"
#include <stdbool.h>
#include <stdint.h>

struct gw_listener;

/* It reads everything unless its fields say otherwise. All callbacks may be NULL. */
struct test_stream {
    struct gw_stream *stream; /* holds a reference */
    uint32_t open_count;
    uint32_t recv_count;
    uint32_t deadline_count;
    uint32_t close_count;
    int reason;
    uint64_t opened_ns;
    uint64_t deadline_ns; /* when the last one fired */
    uint64_t closed_ns;
    struct bytes received;
    uint32_t message_bytes; /* reads whole messages of this length; 0: any number of bytes */
    uint32_t budget;        /* messages that it reads at a time; 0: all */
    void (*on_open)(struct test_stream *test_stream);
    void (*on_recv)(struct test_stream *test_stream);
    void (*on_deadline)(struct test_stream *test_stream);
    void (*on_close)(struct test_stream *test_stream);
    struct gw_stream_config config; /* of a dialed stream; 0: 4,096 and 65,536 */
};

extern const struct gw_stream_events test_stream_events;

/* Dials. Returns the error of gw_stream_dial(). */
int test_stream_dial(struct test_stream *test_stream, uint16_t port);

/* Releases its stream, which has closed, and the received bytes. */
void test_stream_fini(struct test_stream *test_stream);

/* Queues bytes. Returns the error of gw_stream_send(). */
int test_stream_send(struct test_stream *test_stream, const void *data, uint32_t bytes);

/* Queues `bytes` of a pseudorandom pattern from position `from` on; compares bytes with it. */
int test_stream_send_pattern(struct test_stream *test_stream, uint64_t from, uint32_t bytes);
bool test_stream_is_pattern(const uint8_t *data, size_t count, uint64_t from);

/* ---- a listener that creates a test_stream for each connection ---- */

struct test_listener {
    struct gw_listener *listener;
    uint16_t port;
    struct test_stream *streams[64];
    uint32_t count;
    uint32_t close_count;
    uint64_t closed_ns;
    const struct gw_stream_events *events;              /* NULL: test_stream_events */
    bool leaves_alone;                                  /* does not start accepted streams */
    void (*on_accept)(struct test_stream *test_stream); /* called before the start */
};

/* Opens it, with a config of streams as above; `port` 0: any. Returns the listener's error. */
int test_listener_open(struct test_listener *test_listener, uint16_t port,
                       const struct gw_stream_config *config);
void test_listener_close(struct test_listener *test_listener);

/* The stream accepted last. */
struct test_stream *test_listener_last(const struct test_listener *test_listener);

/* Releases all accepted streams. */
void test_listener_fini(struct test_listener *test_listener);

#endif

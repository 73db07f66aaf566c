/* tests/net/websocket_echo.c: Programs for interoperation: an echo server on WebSocket, and a
 * client of one.
 *
 * websocket_echo BACKEND check PATH        says whether this machine can run the backend
 * websocket_echo BACKEND serve PATH        prints its port, and echoes until its input ends; a
 * stream whose bytes begin with "close N" is finished with N websocket_echo BACKEND dial PORT PATH
 * BYTES REASON sends a pattern, receives it back, finishes with REASON
 */
#include "net/buf.h"
#include "net/error.h"
#include "net/filter/source.h"
#include "net/filter/websocket.h"
#include "net/listener.h"
#include "net/port.h"
#include "net/ring.h"
#include "net/stream.h"
#include "net/workers.h"
#include "tests/support/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MESSAGE_BYTES_MAX = 1 << 16,
    QUEUE_BYTES_MAX = 64 << 20,
    PIECE_BYTES = 10000,
    BAD_USAGE = 2,
    MACHINE_REFUSES = 77,
};

static struct gw_port *port;
static uint64_t wanted_bytes, received_bytes;
static int finish_reason, close_reason;

static void expect(bool held, const char *what)
{
    if (!held) {
        fprintf(stderr, "websocket_echo: %s\n", what);
        exit(1);
    }
}

static enum gw_recv echo(struct gw_stream *stream, struct gw_ring *ring, void *context)
{
    uint32_t bytes = gw_ring_used_bytes(ring);
    struct gw_buf *buf = gw_buf_create(bytes + 1);
    uint8_t *data = gw_buf_data(buf);
    memcpy(data, gw_ring_peek(ring, bytes, data), bytes);
    data[bytes] = '\0';
    gw_ring_consume(ring, bytes);
    gw_buf_trim(buf, bytes);
    if (strncmp((const char *)data, "close ", 6) == 0) {
        gw_stream_finish(stream, atoi((const char *)data + 6), NULL);
    } else {
        expect(gw_stream_send(stream, buf) == 0, "the echo cannot be queued");
    }
    gw_buf_unref(buf);
    return GW_RECV_MORE;
}

static void on_accept(struct gw_listener *listener, struct gw_stream *stream, void *context)
{
    static const struct gw_stream_events events = {.on_recv = echo};
    gw_stream_start(stream, &events, NULL);
}

static void send_pattern(struct gw_stream *stream, void *context)
{
    for (uint64_t at = 0; at < wanted_bytes; at += PIECE_BYTES) {
        uint32_t bytes =
            wanted_bytes - at < PIECE_BYTES ? (uint32_t)(wanted_bytes - at) : PIECE_BYTES;
        struct gw_buf *buf = gw_buf_create(bytes);
        for (uint32_t i = 0; i < bytes; i++) {
            gw_buf_data(buf)[i] = pattern_byte(1, at + i);
        }
        expect(gw_stream_send(stream, buf) == 0, "the pattern cannot be queued");
        gw_buf_unref(buf);
    }
}

static enum gw_recv check_pattern(struct gw_stream *stream, struct gw_ring *ring, void *context)
{
    static uint8_t bounce[MESSAGE_BYTES_MAX + GW_STREAM_RECV_BYTES_MAX];
    uint32_t bytes = gw_ring_used_bytes(ring);
    const uint8_t *data = gw_ring_peek(ring, bytes, bounce);
    for (uint32_t i = 0; i < bytes; i++) {
        expect(data[i] == pattern_byte(1, received_bytes + i), "another byte comes back");
    }
    gw_ring_consume(ring, bytes);
    received_bytes += bytes;
    if (received_bytes == wanted_bytes) {
        gw_stream_finish(stream, finish_reason, NULL);
    }
    return GW_RECV_MORE;
}

static void on_dialed_close(struct gw_stream *stream, int reason, void *context)
{
    close_reason = reason;
    gw_port_stop(port);
}

static void serve(struct gw_stream_config *stream_config, const char *path)
{
    static const char *const any[] = {"https://game.example"};
    const struct gw_websocket_server_config config = {
        .path = path, .origins = any, .origin_count = 1};
    static const struct gw_listener_events events = {.on_accept = on_accept};
    struct gw_listener *listener;
    struct gw_workers *workers;
    struct gw_listener_config listening = {.stream = *stream_config};
    expect(gw_websocket_server_create(&config, &listening.stream.filters[0]) == 0, "no filter");
    expect(gw_addr_parse("127.0.0.1:0", &listening.addr) == 0 &&
               gw_listener_open(port, &listening, &events, NULL, &listener) == 0,
           "there is no listener");
    gw_filter_source_unref(listening.stream.filters[0]);
    printf("%u\n", (unsigned)gw_listener_addr(listener)->port);
    fflush(stdout);
    expect(gw_workers_start(port, &workers) == 0, "there are no workers");
    while (getchar() != EOF) {
    }
    /* Streams may be open: the port is not destroyed. */
    exit(0);
}

static int dial(struct gw_stream_config *stream_config, const char *number, const char *path)
{
    static const struct gw_stream_events events = {
        .on_open = send_pattern, .on_recv = check_pattern, .on_close = on_dialed_close};
    char host[64];
    struct gw_addr addr;
    struct gw_stream *stream;
    snprintf(host, sizeof(host), "127.0.0.1:%s", number);
    const struct gw_websocket_client_config config = {.host = host, .path = path};
    expect(gw_addr_parse(host, &addr) == 0, "the port is no number");
    expect(gw_websocket_client_create(&config, &stream_config->filters[0]) == 0, "no filter");
    expect(gw_stream_dial(port, &addr, NULL, stream_config, &events, NULL, &stream) == 0,
           "there is no stream");
    gw_filter_source_unref(stream_config->filters[0]);
    gw_port_run(port);
    gw_stream_unref(stream);
    gw_port_destroy(port);
    printf("%llu bytes, %s\n", (unsigned long long)received_bytes,
           close_reason < 0 ? gw_error_name(close_reason) : "finished");
    return 0;
}

int main(int argc, char **argv)
{
    struct gw_port_config config = {.worker_count = 1, .stream_count_max = 100};
    struct gw_stream_config stream_config = {.recv_bytes_max = MESSAGE_BYTES_MAX,
                                             .send_queue_bytes_max = QUEUE_BYTES_MAX};
    if (argc < 4) {
        fprintf(stderr, "usage: %s BACKEND serve PATH | dial PORT PATH BYTES REASON\n", argv[0]);
        return BAD_USAGE;
    }
    while (config.backend <= GW_BACKEND_EPOLL &&
           strcmp(gw_backend_name(config.backend), argv[1]) != 0) {
        config.backend++;
    }
    if (strcmp(argv[2], "serve") == 0) {
        config.worker_count = 2; /* which share the contexts of the source */
    }
    if (gw_port_create(&config, &port) != 0) {
        fprintf(stderr, "%s\n", gw_backend_refusal(config.backend));
        return MACHINE_REFUSES;
    }
    if (strcmp(argv[2], "check") == 0) {
        gw_port_destroy(port);
        return 0;
    }
    if (strcmp(argv[2], "serve") == 0) {
        serve(&stream_config, argv[3]);
    }
    expect(argc == 7, "dial takes PORT PATH BYTES REASON");
    wanted_bytes = (uint64_t)atol(argv[5]);
    finish_reason = atoi(argv[6]);
    return dial(&stream_config, argv[3], argv[4]);
}

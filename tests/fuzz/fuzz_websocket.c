/* tests/fuzz/fuzz_websocket.c: Fuzzer of the WebSocket filter, both sides.
 *
 * The first byte of an input selects the side and whether the handshake is done, the second one the
 * size of the pieces in which the rest arrives. What the filter receives is compared with a reader
 * of frames that is written from RFC 6455 alone.
 */
#include "tests/fuzz/fuzz.h"

#include "net/error.h"
#include "net/filter/filter.h"
#include "net/filter/source.h"
#include "net/filter/websocket.h"
#include "net/filter/websocket_accept.h"
#include "net/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLIENT = 1,
    OPEN = 2,
    BYTES_MAX = 1 << 17,
    OWN_OUTPUT_BYTES_MAX = 1024, /* whatever the peer sends */
};

struct outcome {
    int error;
    bool ended;
    size_t bytes;
    uint8_t data[BYTES_MAX];
};

static struct outcome whole, split, read;

static uint64_t same_number(void)
{
    return 0x0123456789ABCDEF;
}

/* ---- the filter ---- */

static struct gw_filter *create(uint8_t way)
{
    struct gw_filter_source *source = NULL;
    struct gw_filter *filter = NULL;
    const struct gw_addr peer = {.port = 1};
    const struct gw_websocket_client_config client = {.host = "a", .random = same_number};
    const struct gw_websocket_server_config server = {.path = NULL};
    int error = way & CLIENT ? gw_websocket_client_create(&client, &source)
                             : gw_websocket_server_create(&server, &source);
    fuzz_expect(error == 0 && source->create(source, &peer, &filter) == 0, "there is no filter");
    gw_filter_source_unref(source);
    return filter;
}

static void send_own(struct gw_filter *filter)
{
    struct gw_span out[GW_FILTER_SPAN_COUNT_MAX];
    if (filter->wants_send) {
        int count = filter->ops->send(filter, NULL, 0, out);
        fuzz_expect(count >= 0 && count <= 1, "own output fails, or has several spans");
        fuzz_expect(count == 0 || out[0].bytes <= OWN_OUTPUT_BYTES_MAX,
                    "the own output of the filter is not bounded");
        fuzz_expect(!filter->wants_send, "a filter wants to send for ever");
        filter->ops->sent(filter);
    }
}

static void pass(struct gw_filter *filter, const uint8_t *bytes, size_t length,
                 struct outcome *outcome)
{
    static uint8_t out[GW_STREAM_RECV_BYTES_MAX];
    struct gw_span in = {bytes, (uint32_t)length};
    int written;
    while ((written = filter->ops->recv(filter, &in, out)) > 0) {
        fuzz_expect(in.bytes == 0 && filter->is_open && (size_t)written <= length,
                    "input is left, or more comes out than went in");
        memcpy(outcome->data + outcome->bytes, out, (size_t)written);
        outcome->bytes += (size_t)written;
    }
    outcome->error = written;
    if (written < 0) {
        struct gw_span more = {bytes, (uint32_t)length};
        fuzz_expect(filter->problem != NULL, "a failure has no problem");
        fuzz_expect(filter->ops->recv(filter, &more, out) == written, "an error does not stay");
    }
    send_own(filter);
}

/* Completes the handshake. */
static void open_filter(struct gw_filter *filter, uint8_t way)
{
    static struct outcome ignored;
    char answer[256] = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       "Sec-WebSocket-Version: 13\r\n\r\n";
    if (way & CLIENT) {
        uint64_t numbers[2] = {same_number(), same_number()};
        char key[GW_WEBSOCKET_KEY_BYTES + 1], accept[GW_WEBSOCKET_ACCEPT_BYTES + 1];
        gw__base64((const uint8_t *)numbers, sizeof(numbers), key);
        gw__websocket_accept((const uint8_t *)key, accept);
        snprintf(answer, sizeof(answer),
                 "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Protocol: gangway.v1\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                 accept);
    }
    ignored.bytes = 0;
    pass(filter, (const uint8_t *)answer, strlen(answer), &ignored);
    fuzz_expect(filter->is_open, "the handshake is not done");
}

static void run(uint8_t way, const uint8_t *bytes, size_t length, size_t piece,
                struct outcome *outcome)
{
    struct gw_filter *filter = create(way);
    outcome->bytes = 0;
    outcome->error = 0;
    send_own(filter);
    if (way & OPEN) {
        open_filter(filter, way);
    }
    for (size_t at = 0; at < length && outcome->error == 0; at += piece) {
        size_t part = length - at < piece ? length - at : piece;
        uint8_t *copy = malloc(part);
        memcpy(copy, bytes + at, part);
        pass(filter, copy, part, outcome);
        free(copy);
    }
    outcome->ended = filter->recv_ended;
    filter->ops->finish(filter, 7);
    send_own(filter);
    filter->ops->destroy(filter);
    fuzz_expect(gw__pool_used_bytes() == 0, "memory is leaked");
}

/* ---- the reader of frames ---- */

static bool close_is_valid(const uint8_t *payload, const uint8_t *mask, uint64_t bytes)
{
    if (bytes < 2) {
        return bytes == 0;
    }
    unsigned status = (unsigned)(payload[0] ^ mask[0]) << 8 | (unsigned)(payload[1] ^ mask[1]);
    return (status >= 1000 && status <= 1014 && (status < 1004 || status > 1006)) ||
           (status >= 3000 && status <= 4999);
}

/* Reads one frame. Returns its bytes; 0 when it is incomplete, an error, or the last one. */
static size_t read_frame(uint8_t way, const uint8_t *at, size_t left, bool *in_message)
{
    static const uint8_t none[4];
    size_t header = 2;
    if (left < 2) {
        return 0;
    }
    unsigned opcode = at[0] & 15u;
    bool final = at[0] >> 7, masked = at[1] >> 7, control = opcode >= 8;
    uint64_t bytes = at[1] & 127u;
    size_t count = bytes < 126 ? 0 : bytes == 126 ? 2 : 8;
    if (left < 2 + count + (masked ? 4 : 0)) {
        return 0;
    }
    read.error = control && (bytes > 125 || !final) ? GW_E_WEBSOCKET : 0;
    if (count > 0) {
        bytes = 0;
        for (; header < 2 + count; header++) {
            bytes = bytes << 8 | at[header];
        }
        if (bytes >> 63 != 0 || bytes < (count == 2 ? 126 : 65536)) {
            read.error = GW_E_WEBSOCKET;
        }
    }
    const uint8_t *mask = masked ? at + header : none;
    header += masked ? 4 : 0;
    uint64_t present = left - header < bytes ? left - header : bytes;
    if (read.error != 0 || (bytes > 0 && present == 0) || (control && present < bytes)) {
        return 0;
    }
    bool known = opcode == 8 || opcode == 9 || opcode == 10 || (opcode == 0 && *in_message) ||
                 (opcode == 2 && !*in_message);
    if (!known || (at[0] & 0x70) != 0 || masked == ((way & CLIENT) != 0) ||
        (opcode == 8 && !close_is_valid(at + header, mask, bytes))) {
        read.error = GW_E_WEBSOCKET;
        return 0;
    }
    if (opcode == 8) {
        read.ended = true;
        return 0;
    }
    for (uint64_t i = 0; i < present && !control; i++) {
        read.data[read.bytes++] = at[header + i] ^ mask[i % 4];
    }
    *in_message = control ? *in_message : !final;
    return present < bytes ? 0 : header + (size_t)bytes;
}

static void read_frames(uint8_t way, const uint8_t *bytes, size_t length)
{
    bool in_message = false;
    size_t count = 1;
    read.bytes = 0;
    read.error = 0;
    read.ended = false;
    while (length > 0 && (count = read_frame(way, bytes, length, &in_message)) > 0) {
        bytes += count;
        length -= count;
    }
}

static void expect_same(const struct outcome *a, const struct outcome *b, const char *what)
{
    fuzz_expect(a->error == b->error && a->ended == b->ended && a->bytes == b->bytes &&
                    memcmp(a->data, b->data, a->bytes) == 0,
                what);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 3 || length > BYTES_MAX) {
        return 0;
    }
    uint8_t way = bytes[0];
    size_t piece = bytes[1] + 1u;
    run(way, bytes + 2, length - 2, GW_STREAM_RECV_BYTES_MAX, &whole);
    run(way, bytes + 2, length - 2, piece, &split);
    expect_same(&whole, &split, "what arrives in pieces differs");
    if (way & OPEN) {
        read_frames(way, bytes + 2, length - 2);
        expect_same(&whole, &read, "the reader of RFC 6455 differs");
    }
    return 0;
}

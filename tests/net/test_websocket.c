/* tests/net/test_websocket.c: The WebSocket filter without a stream: both sides, split anywhere. */
#include "tests/test.h"

#include "net/error.h"
#include "net/filter/websocket.h"
#include "tests/net/filter_driver.h"
#include "tests/scripted/memory.h"
#include "tests/support/random.h"
#include "tests/support/websocket_bytes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define REQUEST_LINES                                                                              \
    "Host: 127.0.0.1:7778\r\n"                                                                     \
    "Upgrade: websocket\r\n"                                                                       \
    "Connection: Upgrade\r\n"                                                                      \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                                              \
    "Sec-WebSocket-Version: 13\r\n"
#define REQUEST "GET / HTTP/1.1\r\n" REQUEST_LINES
#define ACCEPTANCE                                                                                 \
    "HTTP/1.1 101 Switching Protocols\r\n"                                                         \
    "Upgrade: websocket\r\n"                                                                       \
    "Connection: Upgrade\r\n"                                                                      \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

enum {
    WHOLE = 1 << 20,
    FRAME_BYTES = 1024,
    IDLE_BYTES_MAX = 72, /* of a filter; the rest of the 160 is the stream's */
};

static const uint8_t key[4] = {0x12, 0xFE, 0x00, 0x80};

/* Where wslay is a shared library, the linker does not redirect its allocations. */
int __real_wslay_frame_context_init(wslay_frame_context_ptr *context,
                                    const struct wslay_frame_callbacks *callbacks, void *data);
int __wrap_wslay_frame_context_init(wslay_frame_context_ptr *context,
                                    const struct wslay_frame_callbacks *callbacks, void *data);
void __real_wslay_frame_context_free(wslay_frame_context_ptr context);
void __wrap_wslay_frame_context_free(wslay_frame_context_ptr context);

static int context_count;

int __wrap_wslay_frame_context_init(wslay_frame_context_ptr *context,
                                    const struct wslay_frame_callbacks *callbacks, void *data)
{
    void *memory = malloc(1); /* fails when the test wants it to */
    if (memory == NULL) {
        return -1;
    }
    free(memory);
    int result = __real_wslay_frame_context_init(context, callbacks, data);
    context_count += result == 0;
    return result;
}

void __wrap_wslay_frame_context_free(wslay_frame_context_ptr context)
{
    context_count--;
    __real_wslay_frame_context_free(context);
}

static struct gw_filter_source *create_server(void)
{
    const struct gw_websocket_server_config config = {.path = NULL};
    struct gw_filter_source *source = NULL;
    assert_int_equal(gw_websocket_server_create(&config, &source), 0);
    return source;
}

static uint64_t numbers(void)
{
    static struct random random = {7};
    return random_next(&random);
}

static struct gw_filter_source *create_client(const char *path)
{
    const struct gw_websocket_client_config config = {
        .host = "127.0.0.1:7778", .path = path, .random = numbers};
    struct gw_filter_source *source = NULL;
    assert_int_equal(gw_websocket_client_create(&config, &source), 0);
    return source;
}

/* A server filter that has accepted a request; its answer is removed. */
static void open_server(struct filter_driver *server, struct gw_filter_source *source)
{
    assert_int_equal(filter_driver_init(server, source), 0);
    assert_int_equal(filter_driver_recv(server, REQUEST "\r\n", sizeof(REQUEST) + 1, WHOLE), 0);
    assert_true(server->filter->is_open);
    collected_clear(&server->sent);
}

/* Creates a source and one filter of it, which has accepted a request. */
static void set_up(struct filter_driver *server)
{
    struct gw_filter_source *source = create_server();
    open_server(server, source);
    gw_filter_source_unref(source);
}

static void recv_frame(struct filter_driver *driver, uint8_t first, const void *payload,
                       size_t bytes)
{
    uint8_t frame[FRAME_BYTES];
    assert_true(bytes + WS_HEADER_BYTES_MAX <= sizeof(frame));
    filter_driver_recv(driver, frame, (uint32_t)ws_write(frame, first, key, payload, bytes), WHOLE);
}

/* Takes the first frame that was sent, and checks it. */
static void expect_frame(struct filter_driver *driver, uint8_t first, const void *payload,
                         size_t bytes)
{
    struct ws_frame frame;
    size_t all = ws_read(driver->sent.data, driver->sent.bytes, &frame);
    assert_true(all > 0);
    assert_int_equal(frame.first, first);
    assert_int_equal(frame.bytes, bytes);
    if (bytes > 0) {
        assert_memory_equal(frame.payload, payload, bytes);
    }
    collected_remove(&driver->sent, (uint32_t)all);
}

/* Takes the first frame that was sent, which must be a close frame and the last one. */
static void expect_close(struct filter_driver *driver, uint16_t status, const char *text)
{
    uint8_t payload[126] = {(uint8_t)(status >> 8), (uint8_t)status};
    memcpy(payload + 2, text, strlen(text));
    expect_frame(driver, WS_CLOSE | WS_FIN, payload, 2 + strlen(text));
    assert_int_equal(driver->sent.bytes, 0);
}

static void expect_received(struct filter_driver *driver, const void *data, size_t bytes)
{
    assert_int_equal(driver->received.bytes, bytes);
    if (bytes > 0) {
        assert_memory_equal(driver->received.data, data, bytes);
    }
    collected_clear(&driver->received);
}

static bool sent_begins_with(struct filter_driver *driver, const char *text)
{
    return driver->sent.bytes >= strlen(text) && memcmp(driver->sent.data, text, strlen(text)) == 0;
}

static bool sent_has(struct filter_driver *driver, const char *text)
{
    collected_append(&driver->sent, "", 1);
    bool found = strstr((const char *)driver->sent.data, text) != NULL;
    driver->sent.bytes--;
    return found;
}

/* ---- the handshake of a server ---- */

static void a_request_is_accepted_however_it_is_split(void **state)
{
    static const char request[] = REQUEST "Sec-WebSocket-Protocol: chat, gangway.v1\r\n\r\n";
    static const char accepted[] = ACCEPTANCE "Sec-WebSocket-Protocol: gangway.v1\r\n\r\n";
    struct gw_filter_source *source = create_server();
    for (uint32_t piece = 1; piece <= sizeof(request); piece++) {
        struct filter_driver server;
        assert_int_equal(filter_driver_init(&server, source), 0);
        filter_driver_recv(&server, request, sizeof(request) - 2, piece);
        assert_false(server.filter->is_open);
        assert_int_equal(server.sent.bytes, 0);
        filter_driver_recv(&server, request + sizeof(request) - 2, 1, piece);
        assert_true(server.filter->is_open);
        assert_int_equal(server.sent.bytes, sizeof(accepted) - 1);
        assert_memory_equal(server.sent.data, accepted, sizeof(accepted) - 1);
        filter_driver_fini(&server);
    }
    gw_filter_source_unref(source);
}

/* As with long cookies: the block of the head grows while it arrives. */
static void a_long_request_is_accepted_however_it_is_split(void **state)
{
    static char request[4097];
    struct gw_filter_source *source = create_server();
    size_t at = (size_t)snprintf(request, sizeof(request), REQUEST "Cookie: ");
    memset(request + at, 'c', 4096 - 4 - at);
    memcpy(request + 4096 - 4, "\r\n\r\n", 5);
    for (uint32_t piece = 1; piece < sizeof(request); piece = piece * 3 / 2 + 1) {
        struct filter_driver server;
        assert_int_equal(filter_driver_init(&server, source), 0);
        assert_int_equal(filter_driver_recv(&server, request, 4096, piece), 0);
        assert_true(server.filter->is_open);
        filter_driver_fini(&server);
    }
    gw_filter_source_unref(source);
}

static void a_client_may_ask_for_no_subprotocol(void **state)
{
    struct gw_filter_source *source = create_server();
    struct filter_driver server;
    assert_int_equal(filter_driver_init(&server, source), 0);
    filter_driver_recv(&server, REQUEST "\r\n", sizeof(REQUEST) + 1, WHOLE);
    assert_int_equal(server.sent.bytes, sizeof(ACCEPTANCE "\r\n") - 1);
    assert_memory_equal(server.sent.data, ACCEPTANCE "\r\n", server.sent.bytes);
    filter_driver_fini(&server);
    gw_filter_source_unref(source);
}

/* Passes a request. Checks the answer, and that the filter has failed unless it is 101. */
static void expect_status(struct gw_filter_source *source, const char *request, const char *status,
                          const char *text)
{
    char first[64];
    struct filter_driver server;
    snprintf(first, sizeof(first), "HTTP/1.1 %s", status);
    assert_int_equal(filter_driver_init(&server, source), 0);
    filter_driver_recv(&server, request, (uint32_t)strlen(request), WHOLE);
    if (!sent_begins_with(&server, first)) {
        fail_msg("%.*s: not %s, but %.*s", 40, request, status, (int)server.sent.bytes,
                 (const char *)server.sent.data);
    }
    bool accepted = strncmp(status, "101", 3) == 0;
    assert_int_equal(server.error, accepted ? 0 : GW_E_WEBSOCKET);
    if (!accepted) {
        assert_true(sent_has(&server, strncmp(status, "426", 3) == 0
                                          ? "\r\nConnection: close, Upgrade\r\n"
                                          : "\r\nConnection: close\r\n"));
        assert_true(sent_has(&server, text));
        assert_int_equal(server.sent.data[server.sent.bytes - 1], '\n');
        assert_true(strstr(server.filter->problem, text) != NULL);
    }
    filter_driver_fini(&server);
}

static void each_invalid_request_has_its_answer(void **state)
{
    static const struct {
        const char *request, *status, *text;
    } cases[] = {
        {"hello\r\n", "400 ", "HTTP"},
        {"GET / HTTP/1.0\r\n" REQUEST_LINES "\r\n", "400 ", "HTTP/1.1"},
        {"POST / HTTP/1.1\r\n" REQUEST_LINES "\r\n", "400 ", "GET"},
        {REQUEST "Host: b\r\n\r\n", "400 ", "Host"},
        {"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "400 ", "Host"},
        {REQUEST "Content-Length: 5\r\n\r\nhello", "400 ", "body"},
        {REQUEST "Transfer-Encoding: chunked\r\n\r\n", "400 ", "body"},
        {REQUEST "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "400 ", "Key"},
        {REQUEST "Sec-WebSocket-Protocol: chat, gangway.v2\r\n\r\n", "400 ", "gangway.v1"},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
         "400 ", "Key"},
        {REQUEST "Origin: https://evil.example\r\n\r\n", "403 ", "origin"},
        {"GET /game HTTP/1.1\r\n" REQUEST_LINES "\r\n", "404 ", "path"},
        {"GET http://127.0.0.1/ HTTP/1.1\r\n" REQUEST_LINES "\r\n", "404 ", "path"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "426 ", "WebSocket"},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "426 ",
         "WebSocket"},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n", "426 ",
         "WebSocket"},
        {REQUEST "Sec-WebSocket-Version: 8\r\n\r\n", "426 ", "13"},
        {"GET /?token=1 HTTP/1.1\r\n" REQUEST_LINES "\r\n", "101 ", ""},
    };
    struct gw_filter_source *source = create_server();
    for (size_t i = 0; i < LENGTH(cases); i++) {
        expect_status(source, cases[i].request, cases[i].status, cases[i].text);
    }
    gw_filter_source_unref(source);
}

static void an_upgrade_that_is_required_is_named(void **state)
{
    struct gw_filter_source *source = create_server();
    struct filter_driver server;
    assert_int_equal(filter_driver_init(&server, source), 0);
    static const char old[] = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n";
    filter_driver_recv(&server, old, sizeof(old) - 1, WHOLE);
    assert_true(sent_has(&server, "\r\nUpgrade: websocket\r\n"));
    assert_true(sent_has(&server, "\r\nSec-WebSocket-Version: 13\r\n"));
    filter_driver_fini(&server);
    gw_filter_source_unref(source);
}

static void a_head_that_is_too_long_is_431(void **state)
{
    struct gw_filter_source *source = create_server();
    static char text[8192];
    size_t at = (size_t)snprintf(text, sizeof(text), REQUEST "A: ");
    memset(text + at, 'x', sizeof(text) - 1 - at);
    expect_status(source, text, "431 ", "4,096");
    at = (size_t)snprintf(text, sizeof(text), REQUEST);
    for (int i = 0; i < 60; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "A: b\r\n");
    }
    snprintf(text + at, sizeof(text) - at, "\r\n");
    expect_status(source, text, "431 ", "64 lines");
    gw_filter_source_unref(source);
}

static void origins_are_allowed_by_host_or_by_list(void **state)
{
    static const char *const list[] = {"https://game.example", "http://other.example:8080", "null"};
    static const char *const any[] = {"*"};
    static const struct {
        const char *origin;
        bool same, listed;
    } cases[] = {
        {"http://game.test", true, false},
        {"HTTPS://GAME.TEST:444", true, false},
        {"http://game.test.evil.example", false, false},
        {"http://localhost:3000", true, false},
        {"http://127.0.0.1", true, false},
        {"http://127.8.9.1:80", true, false},
        {"http://[::1]:80", true, false},
        {"http://127.evil.example", false, false},
        {"http://[::1]", true, false},
        {"http://[::1]:80", true, false},
        {"http://[::1]evil.example", false, false},
        {"http://[::1", true, false}, /* no browser sends it, and it is this host */
        {"http://[::2]", false, false},
        {"http://128.0.0.1", false, false},
        {"http://", false, false},
        {"game.test", false, false},
        {"file://", true, false},
        {"null", false, true},
        {"https://game.example", false, true},
        {"https://GAME.example", false, true},
        {"https://game.example:8080", false, false},
        {"http://game.example", false, false},
        {"http://other.example:8080", false, true},
    };
    struct gw_websocket_server_config config = {.path = "/"};
    struct gw_filter_source *same, *listed, *all;
    assert_int_equal(gw_websocket_server_create(&config, &same), 0);
    config.origins = list;
    config.origin_count = LENGTH(list);
    assert_int_equal(gw_websocket_server_create(&config, &listed), 0);
    config.origins = any;
    config.origin_count = 1;
    assert_int_equal(gw_websocket_server_create(&config, &all), 0);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char request[1024];
        snprintf(request, sizeof(request),
                 "GET / HTTP/1.1\r\nHost: game.test:7778\r\nUpgrade: websocket\r\n"
                 "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: %s\r\n\r\n",
                 cases[i].origin);
        expect_status(same, request, cases[i].same ? "101 " : "403 ", "origin");
        expect_status(listed, request, cases[i].listed ? "101 " : "403 ", "origin");
        expect_status(all, request, "101 ", "");
    }
    gw_filter_source_unref(same);
    gw_filter_source_unref(listed);
    gw_filter_source_unref(all);
}

static void other_protocols_are_named_in_the_problem(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t count;
        const char *problem;
    } cases[] = {
        {"\x20\0\0\0\x01\0\x47\x57", 8, "plain Gangway"},
        {"\x16\x03\x01\x02\0\x01\0\x01", 8, "TLS"},
        {"\x01\x02\x03", 3, "does not speak HTTP"},
    };
    struct gw_filter_source *source = create_server();
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct filter_driver server;
        assert_int_equal(filter_driver_init(&server, source), 0);
        filter_driver_recv(&server, cases[i].bytes, cases[i].count, WHOLE);
        assert_int_equal(server.error, GW_E_WEBSOCKET);
        assert_non_null(strstr(server.filter->problem, cases[i].problem));
        assert_true(sent_begins_with(&server, "HTTP/1.1 400 "));
        filter_driver_fini(&server);
    }
    gw_filter_source_unref(source);
}

static void a_finish_before_the_request_is_complete_is_503(void **state)
{
    struct gw_filter_source *source = create_server();
    for (uint32_t bytes = 0; bytes < sizeof(REQUEST) - 1; bytes += 50) {
        struct filter_driver server;
        assert_int_equal(filter_driver_init(&server, source), 0);
        filter_driver_recv(&server, REQUEST, bytes, WHOLE);
        filter_driver_finish(&server, 5);
        assert_true(sent_begins_with(&server, "HTTP/1.1 503 "));
        /* The rest of the request is discarded. */
        uint32_t sent = server.sent.bytes;
        assert_int_equal(filter_driver_recv(&server, &(REQUEST "\r\n")[bytes],
                                            sizeof(REQUEST) + 1 - bytes, WHOLE),
                         0);
        assert_false(server.filter->is_open);
        assert_int_equal(server.sent.bytes, sent);
        filter_driver_fini(&server);
    }
    gw_filter_source_unref(source);
}

static void a_peer_that_ends_in_the_handshake_has_an_error(void **state)
{
    struct gw_filter_source *source = create_server();
    struct filter_driver server;
    assert_int_equal(filter_driver_init(&server, source), 0);
    assert_int_equal(server.filter->ops->recv_end(server.filter), GW_E_CLOSED);
    filter_driver_fini(&server);
    assert_int_equal(filter_driver_init(&server, source), 0);
    filter_driver_recv(&server, REQUEST, 1, WHOLE);
    assert_int_equal(server.filter->ops->recv_end(server.filter), GW_E_RESET);
    filter_driver_fini(&server);
    gw_filter_source_unref(source);
}

/* ---- frames ---- */

static void data_frames_are_one_stream_however_they_are_split(void **state)
{
    static uint8_t all[200000], wire[220000];
    static const uint32_t sizes[] = {0, 1, 125, 126, 127, 300, 65535, 65536, 4096, 0, 20000, 2};
    struct random random = {3};
    uint32_t bytes = 0, wire_bytes = 0;
    /* Messages of one to three frames, with pings between them. */
    for (uint32_t i = 0; i < LENGTH(sizes); i++) {
        for (uint32_t j = 0; j < sizes[i]; j++) {
            all[bytes + j] = pattern_byte(1, bytes + j);
        }
        uint8_t first =
            (uint8_t)((i % 3 == 0 ? WS_BINARY : WS_CONTINUATION) | (i % 3 == 2 ? WS_FIN : 0));
        wire_bytes += (uint32_t)ws_write(wire + wire_bytes, first, key, all + bytes, sizes[i]);
        wire_bytes += (uint32_t)ws_write(wire + wire_bytes, WS_PING | WS_FIN, key, "?", i % 2);
        bytes += sizes[i];
    }
    for (int round = 0; round < 40; round++) {
        struct filter_driver server;
        set_up(&server);
        for (uint32_t at = 0; at < wire_bytes;) {
            uint32_t piece = 1 + random_below(&random, round < 2 ? 1 : round < 20 ? 40 : 16384);
            piece = piece < wire_bytes - at ? piece : wire_bytes - at;
            assert_int_equal(filter_driver_recv(&server, wire + at, piece, piece), 0);
            at += piece;
        }
        expect_received(&server, all, bytes);
        filter_driver_fini(&server);
        assert_int_equal(context_count, 0);
    }
}

static void frames_behind_the_request_in_one_piece_are_received(void **state)
{
    struct gw_filter_source *source = create_server();
    struct filter_driver server;
    uint8_t bytes[sizeof(REQUEST) + 64];
    size_t head = sizeof(REQUEST "\r\n") - 1;
    memcpy(bytes, REQUEST "\r\n", head);
    size_t all = head + ws_write(bytes + head, WS_BINARY | WS_FIN, key, "hello", 5);
    assert_int_equal(filter_driver_init(&server, source), 0);
    assert_int_equal(filter_driver_recv(&server, bytes, (uint32_t)all, WHOLE), 0);
    expect_received(&server, "hello", 5);
    filter_driver_fini(&server);
    gw_filter_source_unref(source);
}

static void a_violation_closes_with_its_status_after_the_valid_bytes(void **state)
{
    static const struct {
        const char *bytes;
        size_t count;
        uint16_t status;
        const char *problem;
    } cases[] = {
        {"\x81\x81\0\0\0\0x", 7, 1003, "text"},
        {"\x01\x81\0\0\0\0x", 7, 1003, "text"},
        {"\x82\x01x", 3, 1002, "not masked"},
        {"\x82\x00", 2, 1002, "not masked"},
        {"\x88\x00", 2, 1002, "not masked"},
        {"\xC2\x81\0\0\0\0x", 7, 1002, "reserved bit"},
        {"\xA2\x81\0\0\0\0x", 7, 1002, "reserved bit"},
        {"\x92\x81\0\0\0\0x", 7, 1002, "reserved bit"},
        {"\xC9\x80\0\0\0\0", 6, 1002, "reserved bit"},
        {"\x83\x81\0\0\0\0x", 7, 1002, "reserved opcode"},
        {"\x87\x80\0\0\0\0", 6, 1002, "reserved opcode"},
        {"\x8B\x80\0\0\0\0", 6, 1002, "reserved opcode"},
        {"\x8F\x80\0\0\0\0", 6, 1002, "reserved opcode"},
        {"\x80\x81\0\0\0\0x", 7, 1002, "has not begun"},
        {"\x02\x81\0\0\0\0x\x82\x81\0\0\0\0y", 14, 1002, "inside another"},
        {"\x89\xFE\0\x7E\0\0\0\0", 8, 1002, "length"},              /* a ping of 126 bytes */
        {"\x09\x80\0\0\0\0", 6, 1002, "length"},                    /* a ping in fragments */
        {"\x08\x80\0\0\0\0", 6, 1002, "length"},                    /* a close in fragments */
        {"\x82\xFF\x80\0\0\0\0\0\0\0\0\0\0\0", 14, 1002, "length"}, /* the top bit */
        {"\x82\xFE\0\x05\0\0\0\0", 8, 1002, "length"},              /* not the shortest form */
        {"\x82\xFF\0\0\0\0\0\0\xFF\xFF\0\0\0\0", 14, 1002, "length"},
        {"\x88\x81\0\0\0\0x", 7, 1002, "status"},        /* half a status */
        {"\x88\x82\0\0\0\0\x03\xEC", 8, 1002, "status"}, /* 1004 */
        {"\x88\x82\0\0\0\0\x03\xED", 8, 1002, "status"}, /* 1005 */
        {"\x88\x82\0\0\0\0\x03\xEE", 8, 1002, "status"}, /* 1006 */
        {"\x88\x82\0\0\0\0\x03\xE7", 8, 1002, "status"}, /* 999 */
        {"\x88\x82\0\0\0\0\x13\x88", 8, 1002, "status"}, /* 5000 */
        {"\x88\x82\0\0\0\0\x0B\xB7", 8, 1002, "status"}, /* 2999 */
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        for (uint32_t piece = 1; piece <= 64; piece += piece == 1 ? 63 : 1) {
            struct filter_driver server;
            uint8_t bytes[128];
            size_t valid = ws_write(bytes, WS_BINARY | WS_FIN, key, "valid", 5);
            memcpy(bytes + valid, cases[i].bytes, cases[i].count);
            set_up(&server);
            filter_driver_recv(&server, bytes, (uint32_t)(valid + cases[i].count), piece);
            assert_int_equal(server.error, GW_E_WEBSOCKET);
            assert_non_null(strstr(server.filter->problem, cases[i].problem));
            assert_in_range(server.received.bytes, 5, 6);
            assert_memory_equal(server.received.data, "valid", 5);
            expect_close(&server, cases[i].status, server.filter->problem);
            filter_driver_finish(&server, GW_E_WEBSOCKET);
            assert_int_equal(server.sent.bytes, 0);
            /* A stream that is paused learns it when it sends. */
            assert_int_equal(filter_driver_send(&server, "more", 4, 1), GW_E_WEBSOCKET);
            assert_int_equal(server.filter->ops->recv_end(server.filter), GW_E_WEBSOCKET);
            filter_driver_fini(&server);
        }
    }
}

static void a_long_length_is_only_a_number(void **state)
{
    struct filter_driver server;
    set_up(&server);
    int64_t blocks = memory_block_count();
    filter_driver_recv(&server, "\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0abc", 17, WHOLE);
    assert_int_equal(server.error, 0);
    expect_received(&server, "abc", 3);
    assert_int_equal(memory_block_count(), blocks); /* the context was the server's spare one */
    filter_driver_fini(&server);
}

static void only_the_latest_ping_is_answered(void **state)
{
    struct filter_driver server;
    uint8_t bytes[FRAME_BYTES], payload[125];
    size_t count = 0;
    memset(payload, 'p', sizeof(payload));
    set_up(&server);
    count += ws_write(bytes + count, WS_PING | WS_FIN, key, "first", 5);
    count += ws_write(bytes + count, WS_PING | WS_FIN, key, payload, sizeof(payload));
    count += ws_write(bytes + count, WS_PONG | WS_FIN, key, "nobody asked", 12);
    filter_driver_recv(&server, bytes, (uint32_t)count, WHOLE);
    expect_frame(&server, WS_PONG | WS_FIN, payload, sizeof(payload));
    assert_int_equal(server.sent.bytes, 0);
    recv_frame(&server, WS_PING | WS_FIN, NULL, 0);
    expect_frame(&server, WS_PONG | WS_FIN, NULL, 0);
    assert_int_equal(server.sent.bytes, 0);
    filter_driver_fini(&server);
}

/* The kernel may read an output until the next send(). */
static void pings_do_not_change_the_output_in_flight(void **state)
{
    struct filter_driver server;
    uint8_t bytes[FRAME_BYTES];
    set_up(&server);
    server.is_late = true;
    for (char letter = 'a'; letter <= 'z'; letter++) {
        size_t count = ws_write(bytes, WS_PING | WS_FIN, key, &letter, 1);
        struct gw_span in = {bytes, (uint32_t)count};
        assert_int_equal(server.filter->ops->recv(server.filter, &in, bytes), 0);
        if (letter % 3 == 0) {
            filter_driver_send(&server, &letter, 1, 1);
        }
    }
    filter_driver_flush(&server);
    filter_driver_sent(&server);
    for (char letter = 'a'; letter <= 'z'; letter++) {
        if (letter % 3 == 0) {
            expect_frame(&server, WS_PONG | WS_FIN, &letter, 1);
            expect_frame(&server, WS_BINARY | WS_FIN, &letter, 1);
        }
    }
    expect_frame(&server, WS_PONG | WS_FIN, "z", 1);
    assert_int_equal(server.sent.bytes, 0);
    filter_driver_fini(&server);
}

static void a_server_sends_the_spans_of_the_queue_themselves(void **state)
{
    static const uint8_t data[GW_FILTER_SEND_BYTES_MAX];
    static const uint32_t sizes[] = {1, 125, 126, 1000, GW_FILTER_SEND_BYTES_MAX};
    struct filter_driver server;
    set_up(&server);
    filter_driver_send(&server, data, 1, 1); /* leaves the source a spare context */
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        struct gw_span out[GW_FILTER_SPAN_COUNT_MAX];
        const struct gw_span in[2] = {{data, 1}, {data + 1, sizes[i] - 1}};
        uint64_t taken = memory_taken_count();
        assert_int_equal(server.filter->ops->send(server.filter, in, 2, out), 3);
        assert_int_equal(memory_taken_count(), taken);
        assert_int_equal(out[0].bytes, sizes[i] < 126 ? 2 : 4);
        assert_int_equal(out[0].data[0], WS_BINARY | WS_FIN);
        assert_ptr_equal(out[1].data, data);
        assert_ptr_equal(out[2].data, data + 1);
        server.filter->ops->sent(server.filter);
    }
    filter_driver_fini(&server);
}

/* ---- the end ---- */

static void a_finish_is_a_close_with_a_status(void **state)
{
    static const struct {
        int reason;
        uint16_t status;
        const char *text;
    } cases[] = {
        {1, 4001, "reason 1"},
        {63, 4063, "reason 63"},
        {998, 4998, "reason 998"},
        {999, 4999, "reason 999"},
        {1000, 4999, "reason 1000"},
        {65535, 4999, "reason 65535"},
        {0, 1000, ""},
        {GW_E_CLOSED, 1000, ""},
        {GW_E_TIMEOUT, 1011, "GW_E_TIMEOUT"},
        {GW_E_RESET, 1011, "GW_E_RESET"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct filter_driver server;
        set_up(&server);
        filter_driver_send(&server, "last", 4, 1);
        filter_driver_finish(&server, cases[i].reason);
        expect_frame(&server, WS_BINARY | WS_FIN, "last", 4);
        expect_close(&server, cases[i].status, cases[i].text);
        /* Pings are not answered behind the close frame, and the answer to it ends the protocol. */
        recv_frame(&server, WS_PING | WS_FIN, "?", 1);
        assert_false(server.filter->recv_ended);
        recv_frame(&server, WS_CLOSE | WS_FIN, "\x0F\xA1", 2);
        assert_true(server.filter->recv_ended);
        assert_int_equal(server.sent.bytes, 0);
        assert_int_equal(server.error, 0);
        filter_driver_fini(&server);
    }
}

static void a_close_of_the_peer_is_a_fin_and_answered_at_the_finish(void **state)
{
    static const struct {
        const char *payload;
        size_t bytes;
        int reason;
        uint16_t status;
        const char *text;
    } cases[] = {
        {"\x03\xE9going away", 12, GW_E_CLOSED, 1001, ""}, /* its own status */
        {"\x0B\xB8", 2, 0, 3000, ""},
        {"", 0, GW_E_CLOSED, 1000, ""},
        {"\x03\xE9", 2, 7, 4007, "reason 7"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct filter_driver server;
        set_up(&server);
        recv_frame(&server, WS_BINARY | WS_FIN, "a", 1);
        recv_frame(&server, WS_CLOSE | WS_FIN, cases[i].payload, cases[i].bytes);
        assert_int_equal(server.error, 0);
        assert_true(server.filter->recv_ended);
        recv_frame(&server, WS_BINARY | WS_FIN, "b", 1);
        expect_received(&server, "a", 1);
        assert_int_equal(server.filter->ops->recv_end(server.filter), 0);
        filter_driver_send(&server, "answer", 6, 1);
        filter_driver_finish(&server, cases[i].reason);
        expect_frame(&server, WS_BINARY | WS_FIN, "answer", 6);
        expect_close(&server, cases[i].status, cases[i].text);
        filter_driver_fini(&server);
    }
}

static void a_fin_without_a_close_is_a_reset(void **state)
{
    struct filter_driver server;
    set_up(&server);
    recv_frame(&server, WS_BINARY | WS_FIN, "a", 1);
    assert_int_equal(server.filter->ops->recv_end(server.filter), GW_E_RESET);
    assert_non_null(strstr(server.filter->problem, "without a close frame"));
    expect_received(&server, "a", 1);
    filter_driver_fini(&server);
}

/* ---- the client ---- */

static void a_client_asks_as_rfc_6455_says(void **state)
{
    struct gw_filter_source *source = create_client("/game?room=1");
    struct filter_driver client;
    assert_int_equal(filter_driver_init(&client, source), 0);
    assert_false(client.filter->is_open);
    assert_int_equal(filter_driver_flush(&client), 0);
    assert_true(sent_begins_with(&client, "GET /game?room=1 HTTP/1.1\r\n"));
    assert_true(sent_has(&client, "\r\nHost: 127.0.0.1:7778\r\n"));
    assert_true(sent_has(&client, "\r\nUpgrade: websocket\r\n"));
    assert_true(sent_has(&client, "\r\nConnection: Upgrade\r\n"));
    assert_true(sent_has(&client, "\r\nSec-WebSocket-Version: 13\r\n"));
    assert_true(sent_has(&client, "\r\nSec-WebSocket-Protocol: gangway.v1\r\n"));
    assert_memory_equal(client.sent.data + client.sent.bytes - 4, "\r\n\r\n", 4);
    filter_driver_fini(&client);
    gw_filter_source_unref(source);
}

static void an_answer_that_is_not_an_acceptance_fails_the_client(void **state)
{
    static const struct {
        const char *answer;
        const char *problem;
    } cases[] = {
        {"HTTP/1.1 403 Forbidden\r\n\r\n", "403"},
        {"HTTP/1.1 404 Not Found\r\n\r\n", "404"},
        {"HTTP/1.1 503 Service Unavailable\r\n\r\n", "503"},
        {"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "302"},
        {"HTTP/1.1 418 I am a teapot\r\n\r\n", "another HTTP status"},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "another protocol"},
        {ACCEPTANCE "Sec-WebSocket-Protocol: gangway.v1\r\n\r\n", "Sec-WebSocket-Accept"},
        {"HTTP/2 101 Switching\r\n\r\n", "HTTP/1.1"},
        {"\x20\0\0\0\x02\0\x47\x57", "plain Gangway"},
        {"hello\r\n", "HTTP"},
    };
    struct gw_filter_source *source = create_client("/");
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct filter_driver client;
        size_t bytes = strlen(cases[i].answer);
        assert_int_equal(filter_driver_init(&client, source), 0);
        filter_driver_flush(&client);
        collected_clear(&client.sent);
        filter_driver_recv(&client, cases[i].answer, (uint32_t)(bytes > 8 ? bytes : 8), WHOLE);
        assert_int_equal(client.error, GW_E_WEBSOCKET);
        assert_non_null(strstr(client.filter->problem, cases[i].problem));
        assert_int_equal(client.sent.bytes, 0);
        filter_driver_fini(&client);
    }
    gw_filter_source_unref(source);
}

static void a_server_that_sends_before_the_request_fails_the_client(void **state)
{
    struct gw_filter_source *source = create_client("/");
    struct filter_driver client;
    assert_int_equal(filter_driver_init(&client, source), 0);
    filter_driver_recv(&client, ACCEPTANCE "\r\n", sizeof(ACCEPTANCE "\r\n") - 1, WHOLE);
    assert_int_equal(client.error, GW_E_WEBSOCKET);
    assert_non_null(strstr(client.filter->problem, "before the request"));
    filter_driver_fini(&client);
    gw_filter_source_unref(source);
}

/* An extension that the client did not offer. `numbers` makes its key, which the answer must fit.
 */
static void an_extension_fails_the_client(void **state)
{
    struct gw_filter_source *client_source = create_client("/"), *server_source = create_server();
    static const char extension[] = "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    struct filter_driver client, server;
    assert_int_equal(filter_driver_init(&client, client_source), 0);
    assert_int_equal(filter_driver_init(&server, server_source), 0);
    filter_driver_flush(&client);
    filter_driver_recv(&server, client.sent.data, client.sent.bytes, WHOLE);
    server.sent.bytes -= 2; /* the empty line */
    collected_append(&server.sent, extension, sizeof(extension) - 1);
    filter_driver_recv(&client, server.sent.data, server.sent.bytes, WHOLE);
    assert_int_equal(client.error, GW_E_WEBSOCKET);
    assert_non_null(strstr(client.filter->problem, "extension"));
    filter_driver_fini(&client);
    filter_driver_fini(&server);
    gw_filter_source_unref(client_source);
    gw_filter_source_unref(server_source);
}

/* A client and a server, whose outputs are each other's input. */
struct pair {
    struct filter_driver client, server;
};

/* Moves what each has sent to the other one, in pieces of random sizes. */
static int exchange(struct pair *pair, struct random *random, uint32_t piece_bytes_max)
{
    while ((pair->client.sent.bytes > 0 || pair->server.sent.bytes > 0) &&
           pair->client.error == 0 && pair->server.error == 0) {
        struct filter_driver *from = random_below(random, 2) == 0 ? &pair->client : &pair->server;
        struct filter_driver *to = from == &pair->client ? &pair->server : &pair->client;
        if (from->sent.bytes > 0) {
            uint32_t piece = 1 + random_below(random, piece_bytes_max);
            piece = piece < from->sent.bytes ? piece : from->sent.bytes;
            filter_driver_recv(to, from->sent.data, piece, piece);
            collected_remove(&from->sent, piece);
        }
    }
    return pair->client.error != 0 ? pair->client.error : pair->server.error;
}

/* Opens both. Returns an error of memory. */
static int open_pair(struct pair *pair, struct gw_filter_source *client,
                     struct gw_filter_source *server, struct random *random,
                     uint32_t piece_bytes_max)
{
    memset(pair, 0, sizeof(*pair));
    int error = filter_driver_init(&pair->client, client);
    error = error != 0 ? error : filter_driver_init(&pair->server, server);
    error = error != 0 ? error : filter_driver_flush(&pair->client);
    error = error != 0 ? error : exchange(pair, random, piece_bytes_max);
    assert_true(error != 0 || (pair->client.filter->is_open && pair->server.filter->is_open));
    return error;
}

static void close_pair(struct pair *pair)
{
    filter_driver_fini(&pair->client);
    filter_driver_fini(&pair->server);
}

static void client_and_server_carry_any_bytes_in_any_pieces(void **state)
{
    enum { STREAM_BYTES = 60000 };
    static uint8_t bytes[STREAM_BYTES];
    struct gw_filter_source *client = create_client("/"), *server = create_server();
    for (uint32_t i = 0; i < STREAM_BYTES; i++) {
        bytes[i] = pattern_byte(2, i);
    }
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct random random = {seed};
        uint32_t piece_max = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 50 : 16384;
        uint32_t up = 0, down = 0, limit = piece_max == 1 ? 3000 : STREAM_BYTES;
        struct pair pair;
        assert_int_equal(open_pair(&pair, client, server, &random, piece_max), 0);
        pair.client.is_late = pair.server.is_late = seed % 2 == 0;
        while (up < limit || down < limit) {
            uint32_t *done = random_below(&random, 2) == 0 ? &up : &down;
            uint32_t part = 1 + random_below(&random, random_below(&random, 2) ? 300 : 40000);
            part = part < limit - *done ? part : limit - *done;
            assert_int_equal(filter_driver_send(done == &up ? &pair.client : &pair.server,
                                                bytes + *done, part,
                                                1 + (int)random_below(&random, 63)),
                             0);
            *done += part;
            assert_int_equal(exchange(&pair, &random, piece_max), 0);
        }
        filter_driver_finish(&pair.client, 9);
        filter_driver_sent(&pair.client);
        filter_driver_sent(&pair.server);
        assert_int_equal(exchange(&pair, &random, piece_max), 0);
        assert_true(pair.server.filter->recv_ended);
        filter_driver_finish(&pair.server, GW_E_CLOSED);
        filter_driver_sent(&pair.server);
        assert_int_equal(exchange(&pair, &random, piece_max), 0);
        assert_true(pair.client.filter->recv_ended);
        expect_received(&pair.server, bytes, limit);
        expect_received(&pair.client, bytes, limit);
        close_pair(&pair);
    }
    gw_filter_source_unref(client);
    gw_filter_source_unref(server);
    assert_int_equal(context_count, 0);
}

static void each_frame_of_a_client_has_a_mask_of_its_own(void **state)
{
    struct gw_filter_source *client = create_client("/"), *server = create_server();
    struct random random = {1};
    struct ws_frame a, b;
    struct pair pair;
    assert_int_equal(open_pair(&pair, client, server, &random, WHOLE), 0);
    filter_driver_send(&pair.client, "same", 4, 1);
    filter_driver_send(&pair.client, "same", 4, 1);
    uint8_t *sent = pair.client.sent.data;
    size_t bytes = ws_read(sent, pair.client.sent.bytes, &a);
    assert_int_equal(bytes, 10);
    assert_int_equal(ws_read(sent + bytes, pair.client.sent.bytes - bytes, &b), 10);
    assert_true(a.is_masked && b.is_masked);
    assert_memory_not_equal(a.key, b.key, 4);
    assert_memory_equal(a.payload, "same", 4);
    assert_memory_equal(b.payload, "same", 4);
    close_pair(&pair);
    gw_filter_source_unref(client);
    gw_filter_source_unref(server);
}

static void a_masked_frame_of_a_server_fails_the_client(void **state)
{
    struct gw_filter_source *client = create_client("/"), *server = create_server();
    struct random random = {1};
    struct ws_frame frame;
    struct pair pair;
    assert_int_equal(open_pair(&pair, client, server, &random, WHOLE), 0);
    recv_frame(&pair.client, WS_BINARY | WS_FIN, "x", 1);
    assert_int_equal(pair.client.error, GW_E_WEBSOCKET);
    assert_non_null(strstr(pair.client.filter->problem, "masked"));
    assert_true(ws_read(pair.client.sent.data, pair.client.sent.bytes, &frame) > 0);
    assert_true(frame.is_masked);
    assert_int_equal(frame.first, WS_CLOSE | WS_FIN);
    assert_memory_equal(frame.payload, "\x03\xEA", 2);
    close_pair(&pair);
    gw_filter_source_unref(client);
    gw_filter_source_unref(server);
}

static void a_client_that_loses_its_server_in_the_handshake_has_an_error(void **state)
{
    struct gw_filter_source *source = create_client("/");
    struct filter_driver client;
    assert_int_equal(filter_driver_init(&client, source), 0);
    filter_driver_flush(&client);
    assert_int_equal(client.filter->ops->recv_end(client.filter), GW_E_WEBSOCKET);
    assert_non_null(strstr(client.filter->problem, "handshake"));
    filter_driver_fini(&client);
    /* A finish before the answer sends nothing: there is no WebSocket yet to close. */
    assert_int_equal(filter_driver_init(&client, source), 0);
    filter_driver_finish(&client, 1);
    assert_int_equal(client.sent.bytes, 0);
    filter_driver_fini(&client);
    gw_filter_source_unref(source);
}

/* ---- memory ---- */

/* Everything that a connection does, once. Returns the first error. */
static int talk(struct gw_filter_source *client, struct gw_filter_source *server)
{
    struct random random = {5};
    struct pair pair;
    int error = open_pair(&pair, client, server, &random, 30);
    static const uint8_t bytes[5000];
    if (error == 0) {
        filter_driver_send(&pair.client, bytes, sizeof(bytes), 3);
        filter_driver_send(&pair.server, bytes, sizeof(bytes), 3);
        error = exchange(&pair, &random, 100);
    }
    if (error == 0) {
        uint8_t ping[64];
        size_t count = ws_write(ping, WS_PING | WS_FIN, key, "ping", 4);
        error = filter_driver_recv(&pair.server, ping, (uint32_t)count, 3);
    }
    if (error == 0) {
        error = exchange(&pair, &random, 100);
    }
    if (error == 0) {
        assert_int_equal(pair.server.received.bytes, sizeof(bytes));
        assert_int_equal(pair.client.received.bytes, sizeof(bytes));
        filter_driver_finish(&pair.server, 3);
        error = exchange(&pair, &random, 100);
    }
    close_pair(&pair);
    return error;
}

static void each_allocation_may_fail(void **state)
{
    int64_t blocks = memory_block_count();
    for (uint64_t number = 1;; number++) {
        struct gw_filter_source *client = create_client("/"), *server = create_server();
        memory_fail_at(number);
        int error = talk(client, server);
        bool failed = memory_failed_count() > 0;
        memory_fail_at(0);
        gw_filter_source_unref(client);
        gw_filter_source_unref(server);
        assert_int_equal(memory_block_count(), blocks);
        assert_int_equal(context_count, 0);
        if (!failed) {
            assert_int_equal(error, 0);
            assert_in_range(number, 15, 200); /* there were some */
            return;
        }
        assert_true(error == 0 || error == GW_E_MEMORY);
    }
}

/* The spare context of the source is with another filter, inside a frame. */
static void a_context_that_cannot_be_allocated_fails_the_filter(void **state)
{
    struct gw_filter_source *source = create_server();
    struct filter_driver holder, server;
    open_server(&holder, source);
    open_server(&server, source);
    filter_driver_recv(&holder, "\x82\x85", 2, WHOLE);
    for (uint64_t number = 1; number <= 2; number++) {
        memory_fail_at(number);
        recv_frame(&server, WS_BINARY | WS_FIN, "hello", 5);
        memory_fail_at(0);
        assert_int_equal(server.error, GW_E_MEMORY);
        filter_driver_fini(&server);
        open_server(&server, source);
        filter_driver_fini(&holder);
        open_server(&holder, source);
        filter_driver_recv(&holder, "\x82\x85", 2, WHOLE);
    }
    filter_driver_fini(&holder);
    filter_driver_fini(&server);
    gw_filter_source_unref(source);
    assert_int_equal(context_count, 0);
}

static void a_source_that_cannot_be_allocated_is_an_error(void **state)
{
    static const char *const origin = "https://game.example";
    const struct gw_websocket_server_config server = {.origins = &origin, .origin_count = 1};
    const struct gw_websocket_client_config client = {.host = "a"};
    struct gw_filter_source *source = NULL;
    int64_t blocks = memory_block_count();
    for (uint64_t number = 1; number <= 2; number++) {
        memory_fail_at(number);
        assert_int_equal(gw_websocket_server_create(&server, &source), GW_E_MEMORY);
    }
    memory_fail_at(1);
    assert_int_equal(gw_websocket_client_create(&client, &source), GW_E_MEMORY);
    memory_fail_at(0);
    assert_null(source);
    assert_int_equal(memory_block_count(), blocks);
}

static void an_idle_filter_is_one_small_block(void **state)
{
    struct gw_filter_source *source = create_server();
    struct filter_driver first, server;
    open_server(&first, source); /* the spare context of the source */
    int64_t blocks = memory_block_count();
    uint64_t taken = memory_taken_count();
    assert_int_equal(filter_driver_init(&server, source), 0);
    assert_int_equal(memory_taken_count(), taken + 1);
    assert_in_range(memory_last_bytes(), 64, IDLE_BYTES_MAX);
    filter_driver_recv(&server, REQUEST "\r\n", sizeof(REQUEST) + 1, 20);
    recv_frame(&server, WS_BINARY | WS_FIN, "hello", 5);
    recv_frame(&server, WS_PING | WS_FIN, "hello", 5);
    filter_driver_send(&server, "hello", 5, 1);
    assert_int_equal(memory_block_count(), blocks + 1);
    /* A message needs no allocation. */
    taken = memory_taken_count();
    recv_frame(&server, WS_BINARY | WS_FIN, "hello", 5);
    filter_driver_send(&server, "hello", 5, 1);
    assert_int_equal(memory_taken_count(), taken);
    filter_driver_fini(&first);
    filter_driver_fini(&server);
    gw_filter_source_unref(source);
}

static void invalid_configurations_are_refused(void **state)
{
    static const char *const paths[] = {"", "game", "/a b", "/a#b", "/\n", "/\xC3\xA4"};
    static const char *const hosts[] = {"", "a b", "a/b", "a\r\nX: y", "user@host"};
    static const char *const origins[] = {"",           "game.example",         "https://",
                                          "https://a/", "https://a, https://b", "https://*.a"};
    struct gw_filter_source *source = NULL;
    char longest[GW_WEBSOCKET_TEXT_BYTES_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[GW_WEBSOCKET_TEXT_BYTES_MAX + 1] = '\0';
    struct gw_websocket_server_config server = {.path = longest};
    struct gw_websocket_client_config client = {.host = "a", .path = longest};
    assert_int_equal(gw_websocket_server_create(&server, &source), GW_E_ADDRESS);
    assert_int_equal(gw_websocket_client_create(&client, &source), GW_E_ADDRESS);
    for (size_t i = 0; i < LENGTH(paths); i++) {
        server.path = client.path = paths[i];
        assert_int_equal(gw_websocket_server_create(&server, &source), GW_E_ADDRESS);
        assert_int_equal(gw_websocket_client_create(&client, &source), GW_E_ADDRESS);
    }
    client.path = NULL;
    for (size_t i = 0; i < LENGTH(hosts); i++) {
        client.host = hosts[i];
        assert_int_equal(gw_websocket_client_create(&client, &source), GW_E_ADDRESS);
    }
    server.path = "/a?b";
    assert_int_equal(gw_websocket_server_create(&server, &source), GW_E_ADDRESS);
    server.path = NULL;
    server.origin_count = 1;
    for (size_t i = 0; i < LENGTH(origins); i++) {
        server.origins = &origins[i];
        assert_int_equal(gw_websocket_server_create(&server, &source), GW_E_ADDRESS);
    }
    server.origin_count = GW_WEBSOCKET_ORIGIN_COUNT_MAX + 1;
    assert_int_equal(gw_websocket_server_create(&server, &source), GW_E_FULL);
    assert_null(source);
    server.origins = NULL;
    server.origin_count = 0;
    longest[GW_WEBSOCKET_TEXT_BYTES_MAX] = '\0';
    server.path = client.path = longest;
    client.host = longest + 1;
    assert_int_equal(gw_websocket_server_create(&server, &source), 0);
    gw_filter_source_unref(source);
    /* The longest request fits. */
    assert_int_equal(gw_websocket_client_create(&client, &source), 0);
    struct filter_driver driver;
    assert_int_equal(filter_driver_init(&driver, source), 0);
    filter_driver_flush(&driver);
    assert_memory_equal(driver.sent.data + driver.sent.bytes - 4, "\r\n\r\n", 4);
    filter_driver_fini(&driver);
    gw_filter_source_unref(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_accepted_however_it_is_split),
        cmocka_unit_test(a_long_request_is_accepted_however_it_is_split),
        cmocka_unit_test(a_client_may_ask_for_no_subprotocol),
        cmocka_unit_test(each_invalid_request_has_its_answer),
        cmocka_unit_test(an_upgrade_that_is_required_is_named),
        cmocka_unit_test(a_head_that_is_too_long_is_431),
        cmocka_unit_test(origins_are_allowed_by_host_or_by_list),
        cmocka_unit_test(other_protocols_are_named_in_the_problem),
        cmocka_unit_test(a_finish_before_the_request_is_complete_is_503),
        cmocka_unit_test(a_peer_that_ends_in_the_handshake_has_an_error),
        cmocka_unit_test(data_frames_are_one_stream_however_they_are_split),
        cmocka_unit_test(frames_behind_the_request_in_one_piece_are_received),
        cmocka_unit_test(a_violation_closes_with_its_status_after_the_valid_bytes),
        cmocka_unit_test(a_long_length_is_only_a_number),
        cmocka_unit_test(only_the_latest_ping_is_answered),
        cmocka_unit_test(pings_do_not_change_the_output_in_flight),
        cmocka_unit_test(a_server_sends_the_spans_of_the_queue_themselves),
        cmocka_unit_test(a_finish_is_a_close_with_a_status),
        cmocka_unit_test(a_close_of_the_peer_is_a_fin_and_answered_at_the_finish),
        cmocka_unit_test(a_fin_without_a_close_is_a_reset),
        cmocka_unit_test(a_client_asks_as_rfc_6455_says),
        cmocka_unit_test(an_answer_that_is_not_an_acceptance_fails_the_client),
        cmocka_unit_test(a_server_that_sends_before_the_request_fails_the_client),
        cmocka_unit_test(an_extension_fails_the_client),
        cmocka_unit_test(client_and_server_carry_any_bytes_in_any_pieces),
        cmocka_unit_test(each_frame_of_a_client_has_a_mask_of_its_own),
        cmocka_unit_test(a_masked_frame_of_a_server_fails_the_client),
        cmocka_unit_test(a_client_that_loses_its_server_in_the_handshake_has_an_error),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_context_that_cannot_be_allocated_fails_the_filter),
        cmocka_unit_test(a_source_that_cannot_be_allocated_is_an_error),
        cmocka_unit_test(an_idle_filter_is_one_small_block),
        cmocka_unit_test(invalid_configurations_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/support/websocket_bytes.h: WebSocket frames of the tests, written from RFC 6455 alone. */
#ifndef GW_TESTS_SUPPORT_WEBSOCKET_BYTES_H
#define GW_TESTS_SUPPORT_WEBSOCKET_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
    WS_FIN = 0x80, /* added to an opcode: the frame is the last one of its message */
    WS_HEADER_BYTES_MAX = 14,
};

/* Writes a frame. `first` is its first byte; `key` masks it, NULL: it is not masked. Returns the
 * number of bytes written, at most `bytes` + WS_HEADER_BYTES_MAX. */
size_t ws_write(uint8_t *out, uint8_t first, const uint8_t key[4], const void *payload,
                size_t bytes);

/* A frame that was read; its payload is unmasked in place. */
struct ws_frame {
    uint8_t first;
    bool is_masked;
    uint8_t key[4];
    uint8_t *payload;
    size_t bytes;
};

/* Reads the frame at the start of `data`. Returns its bytes with its header, or 0 when it is not
 * complete. */
size_t ws_read(uint8_t *data, size_t bytes, struct ws_frame *frame_out);

#endif

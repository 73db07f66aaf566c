/* tests/support/websocket_bytes.c: WebSocket frames of the tests, written from RFC 6455 alone. */
#include "tests/support/websocket_bytes.h"

#include <string.h>

size_t ws_write(uint8_t *out, uint8_t first, const uint8_t key[4], const void *payload,
                size_t bytes)
{
    size_t length_bytes = bytes < 126 ? 0 : bytes < 65536 ? 2 : 8;
    uint8_t *at = out;
    *at++ = first;
    *at++ = (uint8_t)((key != NULL ? 0x80 : 0) | (length_bytes == 0   ? bytes
                                                  : length_bytes == 2 ? 126
                                                                      : 127));
    for (size_t i = length_bytes; i > 0; i--) {
        *at++ = (uint8_t)((uint64_t)bytes >> 8 * (i - 1));
    }
    if (key != NULL) {
        memcpy(at, key, 4);
        at += 4;
    }
    for (size_t i = 0; i < bytes; i++) {
        *at++ = (uint8_t)(((const uint8_t *)payload)[i] ^ (key != NULL ? key[i % 4] : 0));
    }
    return (size_t)(at - out);
}

size_t ws_read(uint8_t *data, size_t bytes, struct ws_frame *frame_out)
{
    if (bytes < 2) {
        return 0;
    }
    size_t length = data[1] & 0x7F;
    size_t length_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    bool is_masked = (data[1] & 0x80) != 0;
    size_t header = 2 + length_bytes + (is_masked ? 4 : 0);
    if (bytes < header) {
        return 0;
    }
    if (length_bytes > 0) {
        length = 0;
        for (size_t i = 0; i < length_bytes; i++) {
            length = length << 8 | data[2 + i];
        }
    }
    if (bytes - header < length) {
        return 0;
    }
    *frame_out = (struct ws_frame){
        .first = data[0], .is_masked = is_masked, .payload = data + header, .bytes = length};
    if (is_masked) {
        memcpy(frame_out->key, data + header - 4, 4);
        for (size_t i = 0; i < length; i++) {
            data[header + i] ^= frame_out->key[i % 4];
        }
    }
    return header + length;
}

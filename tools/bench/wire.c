/* tools/bench/wire.c: frames of the benchmark, for programs without Gangway. */
#include "tools/bench/wire.h"

#include <string.h>

enum {
    FIELD_STAMP = 0x09,   /* field 1, fixed64 */
    FIELD_PAYLOAD = 0x12, /* field 2, bytes */
    STAMP_AT = WIRE_HEADER_BYTES + 1,
    PAYLOAD_AT = STAMP_AT + 8,
    PERIOD = 251, /* of the payload; a prime, so that a shift by a power of two is detected */
};

/* Every payload is a part of this. */
static const uint8_t *pattern(uint64_t stamp)
{
    static uint8_t bytes[PERIOD + WIRE_FRAME_BYTES_MAX];
    if (bytes[1] == 0) {
        for (uint32_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)(i % PERIOD);
        }
    }
    return bytes + (stamp ^ stamp >> 32) % PERIOD;
}

uint8_t *wire_header(uint8_t *out, uint32_t body_bytes, uint16_t id, uint16_t tag)
{
    const uint8_t header[WIRE_HEADER_BYTES] = {(uint8_t)body_bytes,
                                               (uint8_t)(body_bytes >> 8),
                                               (uint8_t)(body_bytes >> 16),
                                               0,
                                               (uint8_t)id,
                                               (uint8_t)(id >> 8),
                                               (uint8_t)tag,
                                               (uint8_t)(tag >> 8)};
    memcpy(out, header, sizeof(header));
    return out + sizeof(header);
}

static uint8_t *write_stamp(uint8_t *out, uint64_t stamp)
{
    *out++ = FIELD_STAMP;
    for (int i = 0; i < 8; i++) {
        *out++ = (uint8_t)(stamp >> 8 * i);
    }
    return out;
}

uint64_t wire_stamp(const uint8_t *frame)
{
    uint64_t stamp = 0;
    for (int i = 0; i < 8; i++) {
        stamp |= (uint64_t)frame[STAMP_AT + i] << 8 * i;
    }
    return stamp;
}

/* Writes the length of the rest of `bytes` after it. Returns a pointer behind it. */
static uint8_t *write_length(uint8_t *out, uint32_t bytes)
{
    if (bytes - 1 < 0x80) {
        *out++ = (uint8_t)(bytes - 1);
    } else {
        *out++ = (uint8_t)((bytes - 2) | 0x80);
        *out++ = (uint8_t)((bytes - 2) >> 7);
    }
    return out;
}

void wire_message(uint8_t *out, uint32_t frame_bytes, uint16_t id, uint64_t stamp)
{
    const uint8_t *end = out + frame_bytes;
    uint8_t *at = wire_header(out, frame_bytes - WIRE_HEADER_BYTES, id, 0);
    at = write_stamp(at, stamp);
    *at++ = FIELD_PAYLOAD;
    at = write_length(at, (uint32_t)(end - at));
    memcpy(at, pattern(stamp), (size_t)(end - at));
}

bool wire_is_message(const uint8_t *frame, uint32_t frame_bytes, uint16_t id, uint64_t stamp)
{
    uint8_t head[PAYLOAD_AT + 3];
    uint8_t *at = wire_header(head, frame_bytes - WIRE_HEADER_BYTES, id, 0);
    at = write_stamp(at, stamp);
    *at++ = FIELD_PAYLOAD;
    at = write_length(at, frame_bytes - (uint32_t)(at - head));
    size_t head_bytes = (size_t)(at - head);
    return memcmp(frame, head, head_bytes) == 0 &&
           memcmp(frame + head_bytes, pattern(stamp), frame_bytes - head_bytes) == 0;
}

void wire_join(uint8_t *out, uint64_t room)
{
    write_stamp(wire_header(out, WIRE_JOIN_BYTES - WIRE_HEADER_BYTES, WIRE_JOIN, 0), room);
}

void wire_hello(uint8_t *out)
{
    static const uint8_t body[] = {0x08, 1, 0x22, 2, 'x', 'x'}; /* protocol_major 1, name "xx" */
    uint8_t *at = wire_header(out, sizeof(body), WIRE_HELLO, WIRE_HELLO_TAG);
    memcpy(at, body, sizeof(body));
}

/* tools/bench/wire.h: frames of the benchmark, for programs without Gangway. */
#ifndef GW_TOOLS_BENCH_WIRE_H
#define GW_TOOLS_BENCH_WIRE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The frames of protocol/WIRE.md with the messages of bench.proto, encoded by hand so that every
 * program moves the same bytes:
 *
 *      0       3   4    6    8    9            17   18        20
 *      +-------+---+----+----+----+------------+----+---------+------------+
 *      | bytes | 0 | id | 0  | 09 | stamp, f64 | 12 | varint  | payload    |
 *      +-------+---+----+----+----+------------+----+---------+------------+
 *
 * The length of the payload is a varint of one or two bytes. The stamp identifies
 * sender and message.
 */
enum {
    WIRE_HEADER_BYTES = 8,
    WIRE_FRAME_BYTES_MIN = 32,
    WIRE_FRAME_BYTES_MAX = 4096,
    WIRE_HELLO = 1,
    WIRE_HELLO_ACK = 2,
    WIRE_HELLO_TAG = 0x5747,
    WIRE_PING = 3,
    WIRE_PONG = 4,
    WIRE_ECHO = 1000, /* decoded and encoded again */
    WIRE_JOIN = 1001,
    WIRE_SAY = 1002,
    WIRE_OPAQUE = 1003, /* echoed without decoding */
};

static inline uint32_t wire_body_bytes(const uint8_t *header)
{
    return (uint32_t)header[0] | (uint32_t)header[1] << 8 | (uint32_t)header[2] << 16;
}

static inline uint16_t wire_id(const uint8_t *header)
{
    return (uint16_t)(header[4] | header[5] << 8);
}

/* Writes a header. Returns the byte after it. */
uint8_t *wire_header(uint8_t *out, uint32_t body_bytes, uint16_t id, uint16_t tag);

/* Writes a whole Echo or Say of `frame_bytes`, WIRE_FRAME_BYTES_MIN to _MAX. */
void wire_message(uint8_t *out, uint32_t frame_bytes, uint16_t id, uint64_t stamp);

/* Whether the frame is what wire_message() writes. */
bool wire_is_message(const uint8_t *frame, uint32_t frame_bytes, uint16_t id, uint64_t stamp);

/* The stamp of an Echo or Say, the number of a Join. */
uint64_t wire_stamp(const uint8_t *frame);

/* Writes a Join and a HELLO, of WIRE_JOIN_BYTES and WIRE_HELLO_BYTES. */
enum { WIRE_JOIN_BYTES = 17, WIRE_HELLO_BYTES = 14 };
void wire_join(uint8_t *out, uint64_t room);
void wire_hello(uint8_t *out);

#endif

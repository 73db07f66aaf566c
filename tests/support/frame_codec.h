/* tests/support/frame_codec.h: Encoder and decoder of frames, independent of protocol/frame.h. */
#ifndef GW_TESTS_SUPPORT_FRAME_CODEC_H
#define GW_TESTS_SUPPORT_FRAME_CODEC_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All test clients encode and decode frames with this codec. It is written from WIRE.md and shares
 * no code with the library, so a mistake in protocol/frame.h does not cancel out in a test. It
 * allocates nothing. Thread: any.
 */
enum { FRAME_HEADER_BYTES = 8 };

/* The control packets of WIRE.md. */
enum control_packet {
    HELLO = 1,
    HELLO_ACK = 2,
    PING = 3,
    PONG = 4,
    CLOSE = 5,
    GO_AWAY = 6,
    ERROR_REPLY = 11,
    HELLO_TAG = 0x5747, /* the tag of HELLO and HELLO_ACK */
};

struct frame_header {
    uint32_t body_bytes;
    uint8_t flags;
    uint16_t id;
    uint16_t tag;
};

/* Writes FRAME_HEADER_BYTES bytes and checks none of the values. Returns the byte after them. */
uint8_t *frame_write_header(uint8_t *out, uint32_t body_bytes, uint8_t flags, uint16_t id,
                            uint16_t tag);

/* Writes a header and the encoded message. Returns the number of bytes written. */
size_t frame_write(uint8_t *out, uint16_t id, uint8_t flags, uint16_t tag,
                   const ProtobufCMessage *message);

/* Decodes FRAME_HEADER_BYTES bytes. */
struct frame_header frame_read_header(const uint8_t *bytes);

/* The length of the frame at the start of `bytes`, header included; 0 while it is incomplete. */
size_t frame_complete_bytes(const uint8_t *bytes, size_t count);

#endif

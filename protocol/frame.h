/* protocol/frame.h: Encoding and decoding of frame headers. */
#ifndef GW_PROTOCOL_FRAME_H
#define GW_PROTOCOL_FRAME_H

#include <assert.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A frame on the wire (WIRE.md). Numbers are little-endian.
 *
 *      0                 3       4           6       8
 *      +-----------------+-------+-----------+-------+-----------------------------+
 *      | body_bytes, u24 | flags | packet_id |  tag  | body: one protobuf message  |
 *      +-----------------+-------+-----------+-------+-----------------------------+
 *
 * body_bytes excludes the header, so each frame is at least 8 bytes long and a parser always
 * advances: a length of 0 is an empty message.
 *
 * The functions have no state and allocate nothing. Thread: any.
 */
enum {
    GW_FRAME_HEADER_BYTES = 8,
    GW_FRAME_BODY_BYTES_MAX = 0xFFFFFF,

    GW_FRAME_REPLY = 0x01,                            /* answers the request with the same tag */
    GW_FRAME_ERROR = 0x02,                            /* the body is a gw.Error */
    GW_FRAME_FLAGS = GW_FRAME_REPLY | GW_FRAME_ERROR, /* the defined bits */
};

/* A decoded frame header. No field has been validated. */
struct gw_frame {
    uint32_t body_bytes;
    uint16_t packet_id;
    uint16_t tag;
    uint8_t flags;
};

/* Decodes the header. Owns: borrows GW_FRAME_HEADER_BYTES bytes. */
static inline struct gw_frame gw_frame_read(const uint8_t *header)
{
    struct gw_frame frame;
    uint32_t length_and_flags = (uint32_t)header[0] | (uint32_t)header[1] << 8 |
                                (uint32_t)header[2] << 16 | (uint32_t)header[3] << 24;
    frame.body_bytes = length_and_flags & GW_FRAME_BODY_BYTES_MAX;
    frame.flags = (uint8_t)(length_and_flags >> 24);
    frame.packet_id = (uint16_t)(header[4] | header[5] << 8);
    frame.tag = (uint16_t)(header[6] | header[7] << 8);
    return frame;
}

/*
 * Encodes the header into GW_FRAME_HEADER_BYTES bytes at `out`.
 *
 * `frame->body_bytes` must not exceed GW_FRAME_BODY_BYTES_MAX.
 *
 * Returns   the address after the header, where the body begins.
 */
static inline uint8_t *gw_frame_write(uint8_t *out, const struct gw_frame *frame)
{
    assert(frame->body_bytes <= GW_FRAME_BODY_BYTES_MAX);
    /* One number: the compiler merges the stores below into one. */
    uint64_t header = (uint64_t)(frame->body_bytes & GW_FRAME_BODY_BYTES_MAX) |
                      (uint64_t)frame->flags << 24 | (uint64_t)frame->packet_id << 32 |
                      (uint64_t)frame->tag << 48;
    out[0] = (uint8_t)header;
    out[1] = (uint8_t)(header >> 8);
    out[2] = (uint8_t)(header >> 16);
    out[3] = (uint8_t)(header >> 24);
    out[4] = (uint8_t)(header >> 32);
    out[5] = (uint8_t)(header >> 40);
    out[6] = (uint8_t)(header >> 48);
    out[7] = (uint8_t)(header >> 56);
    return out + GW_FRAME_HEADER_BYTES;
}

#ifdef __cplusplus
}
#endif

#endif

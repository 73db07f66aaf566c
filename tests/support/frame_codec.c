/* tests/support/frame_codec.c: Encoder and decoder of frames, independent of protocol/frame.h. */
#include "tests/support/frame_codec.h"

static uint32_t little_endian(const uint8_t *bytes, int count)
{
    uint32_t number = 0;
    for (int i = 0; i < count; i++) {
        number |= (uint32_t)bytes[i] << 8 * i;
    }
    return number;
}

uint8_t *frame_write_header(uint8_t *out, uint32_t body_bytes, uint8_t flags, uint16_t id,
                            uint16_t tag)
{
    *out++ = (uint8_t)body_bytes;
    *out++ = (uint8_t)(body_bytes >> 8);
    *out++ = (uint8_t)(body_bytes >> 16);
    *out++ = flags;
    *out++ = (uint8_t)id;
    *out++ = (uint8_t)(id >> 8);
    *out++ = (uint8_t)tag;
    *out++ = (uint8_t)(tag >> 8);
    return out;
}

size_t frame_write(uint8_t *out, uint16_t id, uint8_t flags, uint16_t tag,
                   const ProtobufCMessage *message)
{
    size_t body_bytes = protobuf_c_message_pack(message, out + FRAME_HEADER_BYTES);
    frame_write_header(out, (uint32_t)body_bytes, flags, id, tag);
    return FRAME_HEADER_BYTES + body_bytes;
}

struct frame_header frame_read_header(const uint8_t *bytes)
{
    return (struct frame_header){.body_bytes = little_endian(bytes, 3),
                                 .flags = bytes[3],
                                 .id = (uint16_t)little_endian(bytes + 4, 2),
                                 .tag = (uint16_t)little_endian(bytes + 6, 2)};
}

size_t frame_complete_bytes(const uint8_t *bytes, size_t count)
{
    if (count < FRAME_HEADER_BYTES) {
        return 0;
    }
    size_t frame_bytes = FRAME_HEADER_BYTES + frame_read_header(bytes).body_bytes;
    return count >= frame_bytes ? frame_bytes : 0;
}

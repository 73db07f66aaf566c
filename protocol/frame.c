/* protocol/frame.c: the eight bytes before each body. */
#include "protocol/frame.h"

#include <assert.h>

uint8_t *gw_frame_write(uint8_t *out, const struct gw_frame *frame)
{
    assert(frame->body_bytes <= GW_FRAME_BODY_BYTES_MAX);
    out[0] = (uint8_t)frame->body_bytes;
    out[1] = (uint8_t)(frame->body_bytes >> 8);
    out[2] = (uint8_t)(frame->body_bytes >> 16);
    out[3] = frame->flags;
    out[4] = (uint8_t)frame->packet_id;
    out[5] = (uint8_t)(frame->packet_id >> 8);
    out[6] = (uint8_t)frame->tag;
    out[7] = (uint8_t)(frame->tag >> 8);
    return out + GW_FRAME_HEADER_BYTES;
}

/* net/filter/websocket_frames.c: Reading and writing of WebSocket frames, with wslay. */
#include "net/filter/websocket_frames.h"

#include "net/error.h"

#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

struct gw_websocket_frames {
    wslay_frame_context_ptr wslay;
    const struct gw_websocket_spares *spares;
    uint64_t left_bytes;   /* of the payload of the frame that is being read */
    uint32_t unread_bytes; /* that wslay has taken of a header that is not complete */
    struct gw_span *in;
    uint8_t *out;
    bool skips_payload; /* of the frame that is being written, behind its header */
    uint32_t out_bytes;
    uint32_t control_bytes; /* of the control frame that is being read */
    uint8_t control[GW_WEBSOCKET_CONTROL_BYTES_MAX];
};

static ssize_t give_input(uint8_t *buffer, size_t bytes_max, int flags, void *context)
{
    struct gw_websocket_frames *frames = context;
    struct gw_span *in = frames->in;
    uint32_t bytes = in->bytes < bytes_max ? in->bytes : (uint32_t)bytes_max;
    (void)flags;
    if (bytes > 0) {
        memcpy(buffer, in->data, bytes);
        in->data += bytes;
        in->bytes -= bytes;
        frames->unread_bytes += bytes;
    }
    return (ssize_t)bytes;
}

static ssize_t take_output(const uint8_t *data, size_t bytes, int flags, void *context)
{
    struct gw_websocket_frames *frames = context;
    (void)flags;
    if (frames->out_bytes == 0 || !frames->skips_payload) {
        memcpy(frames->out + frames->out_bytes, data, bytes);
        frames->out_bytes += (uint32_t)bytes;
    }
    return (ssize_t)bytes;
}

static int make_mask(uint8_t *key, size_t bytes, void *context)
{
    const struct gw_websocket_frames *frames = context;
    uint64_t number = frames->spares->random();
    memcpy(key, &number, bytes < sizeof(number) ? bytes : sizeof(number));
    return 0;
}

static struct gw_websocket_frames *frames_create(const struct gw_websocket_spares *spares)
{
    static const struct wslay_frame_callbacks callbacks = {
        .send_callback = take_output,
        .recv_callback = give_input,
        .genmask_callback = make_mask,
    };
    struct gw_websocket_frames *frames = calloc(1, sizeof(*frames));
    if (frames != NULL && wslay_frame_context_init(&frames->wslay, &callbacks, frames) != 0) {
        free(frames);
        return NULL;
    }
    if (frames != NULL) {
        frames->spares = spares;
    }
    return frames;
}

static void frames_free(struct gw_websocket_frames *frames)
{
    if (frames != NULL) {
        wslay_frame_context_free(frames->wslay);
        free(frames);
    }
}

struct gw_websocket_frames *gw__websocket_frames_take(struct gw_websocket_spares *spares)
{
    for (uint32_t i = 0; i < GW_WEBSOCKET_SPARE_COUNT; i++) {
        if (atomic_load_explicit(&spares->spare[i], memory_order_relaxed) != NULL) {
            struct gw_websocket_frames *frames =
                atomic_exchange_explicit(&spares->spare[i], NULL, memory_order_acquire);
            if (frames != NULL) {
                return frames;
            }
        }
    }
    return frames_create(spares);
}

void gw__websocket_frames_give(struct gw_websocket_spares *spares,
                               struct gw_websocket_frames *frames)
{
    if (frames != NULL && gw__websocket_frames_between(frames)) {
        for (uint32_t i = 0; i < GW_WEBSOCKET_SPARE_COUNT; i++) {
            struct gw_websocket_frames *none = NULL;
            if (atomic_compare_exchange_strong_explicit(
                    &spares->spare[i], &none, frames, memory_order_release, memory_order_relaxed)) {
                return;
            }
        }
    }
    frames_free(frames);
}

void gw__websocket_spares_free(struct gw_websocket_spares *spares)
{
    for (uint32_t i = 0; i < GW_WEBSOCKET_SPARE_COUNT; i++) {
        frames_free(atomic_exchange(&spares->spare[i], NULL));
    }
}

/* wslay accepts only the shortest form of a length, so the length says how long the header was. */
static uint32_t header_bytes(const struct wslay_frame_iocb *frame)
{
    uint32_t bytes = frame->payload_length < 126 ? 2 : frame->payload_length <= UINT16_MAX ? 4 : 10;
    return bytes + (frame->mask ? 4 : 0);
}

/* Reads the next part of any frame, with the results of gw__websocket_frames_read(). */
static int read_part(struct gw_websocket_frames *frames, struct gw_websocket_part *part_out)
{
    struct wslay_frame_iocb frame;
    ssize_t result;
    do {
        result = wslay_frame_recv(frames->wslay, &frame);
    } while (result == WSLAY_ERR_WANT_READ && frames->in->bytes > 0);
    if (result < 0) {
        return result == WSLAY_ERR_WANT_READ ? 0 : GW_E_WEBSOCKET;
    }
    bool begins = frames->left_bytes == 0;
    if (begins) {
        frames->left_bytes = frame.payload_length;
        frames->unread_bytes -= header_bytes(&frame);
        frames->control_bytes = 0;
    }
    frames->left_bytes -= frame.data_length;
    frames->unread_bytes -= (uint32_t)frame.data_length;
    *part_out = (struct gw_websocket_part){
        .data = frame.data,
        .bytes = (uint32_t)frame.data_length,
        .opcode = frame.opcode,
        .is_reserved = frame.rsv != 0,
        .is_final = frame.fin != 0,
        .is_masked = frame.mask != 0,
        .begins = begins,
    };
    return 1;
}

int gw__websocket_frames_read(struct gw_websocket_frames *frames, struct gw_span *in,
                              struct gw_websocket_part *part_out)
{
    int result;
    frames->in = in;
    while ((result = read_part(frames, part_out)) == 1 && wslay_is_ctrl_frame(part_out->opcode)) {
        memcpy(frames->control + frames->control_bytes, part_out->data, part_out->bytes);
        frames->control_bytes += part_out->bytes;
        if (frames->left_bytes == 0) {
            part_out->data = frames->control;
            part_out->bytes = frames->control_bytes;
            part_out->begins = true;
            break;
        }
    }
    return result;
}

bool gw__websocket_frames_between(const struct gw_websocket_frames *frames)
{
    return frames->left_bytes == 0 && frames->unread_bytes == 0;
}

int gw__websocket_frames_write(struct gw_websocket_frames *frames, uint8_t opcode,
                               const struct gw_span *payload, int payload_count, bool with_payload,
                               uint8_t *out)
{
    struct wslay_frame_iocb frame = {
        .fin = 1, .opcode = opcode, .mask = frames->spares->is_client ? 1 : 0};
    frames->out = out;
    frames->out_bytes = 0;
    frames->skips_payload = !with_payload;
    for (int i = 0; i < payload_count; i++) {
        frame.payload_length += payload[i].bytes;
    }
    /* After the last byte of the payload the next call begins a frame: so none for an empty span. */
    if (frame.payload_length == 0 && wslay_frame_send(frames->wslay, &frame) < 0) {
        return GW_E_WEBSOCKET;
    }
    for (int i = 0; i < payload_count; i++) {
        frame.data = payload[i].data;
        frame.data_length = payload[i].bytes;
        if (payload[i].bytes > 0 && wslay_frame_send(frames->wslay, &frame) < 0) {
            return GW_E_WEBSOCKET;
        }
    }
    return (int)frames->out_bytes;
}

/* net/filter/websocket_frames.c: Reading and writing of WebSocket frames, with wslay. */
#include "net/filter/websocket_frames.h"

#include "net/error.h"

#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

enum { LENGTH_BITS = 0x7F, MASK_BIT = 0x80 };

struct gw_websocket_frames {
    wslay_frame_context_ptr wslay;
    const struct gw_websocket_spares *spares;

    /* The frame that is being read. */
    struct gw_span *in;
    uint64_t left_bytes;  /* of its payload, that wslay has not been given */
    uint32_t given_bytes; /* of its payload */
    uint8_t header[GW_WEBSOCKET_HEADER_BYTES_MAX];
    uint8_t header_bytes; /* that have arrived; 0: between two frames */
    uint8_t key[4];       /* zeros without a mask */
    bool is_masked;
    bool begins; /* no part of it has been returned */
    uint32_t control_bytes;
    uint8_t control[GW_WEBSOCKET_CONTROL_BYTES_MAX];

    /* The frame that is being written. */
    uint8_t *out;
    uint32_t out_bytes;
    bool skips_payload;
};

/* ---- reading ---- */

/* The bytes of the header, as far as those that have arrived say. */
static uint32_t header_bytes_of(const struct gw_websocket_frames *frames)
{
    if (frames->header_bytes < 2) {
        return 2;
    }
    uint8_t length = frames->header[1] & LENGTH_BITS;
    return 2 +
           (length < 126    ? 0
            : length == 126 ? 2
                            : 8) +
           ((frames->header[1] & MASK_BIT) != 0 ? 4 : 0);
}

/* Takes the header from the input. Returns whether it is complete. */
static bool take_header(struct gw_websocket_frames *frames)
{
    struct gw_span *in = frames->in;
    while (frames->header_bytes < header_bytes_of(frames)) {
        if (in->bytes == 0) {
            return false;
        }
        frames->header[frames->header_bytes++] = *in->data++;
        in->bytes--;
    }
    return true;
}

/* Gives wslay the header, as one without a mask. Returns its bytes. */
static uint32_t give_header(struct gw_websocket_frames *frames, uint8_t *buffer)
{
    uint32_t bytes = frames->header_bytes;
    frames->is_masked = (frames->header[1] & MASK_BIT) != 0;
    memset(frames->key, 0, sizeof(frames->key));
    if (frames->is_masked) {
        bytes -= sizeof(frames->key);
        memcpy(frames->key, frames->header + bytes, sizeof(frames->key));
    }
    frames->left_bytes = bytes == 2 ? frames->header[1] & LENGTH_BITS : 0;
    for (uint32_t i = 2; i < bytes; i++) {
        frames->left_bytes = frames->left_bytes << 8 | frames->header[i];
    }
    frames->given_bytes = 0;
    frames->control_bytes = 0;
    frames->begins = true;
    memcpy(buffer, frames->header, bytes);
    buffer[1] &= LENGTH_BITS;
    return bytes;
}

/* Gives wslay the next bytes of the payload, unmasked: 8 at a time, where wslay unmasks one. */
static uint32_t give_payload(struct gw_websocket_frames *frames, uint8_t *buffer,
                             uint32_t bytes_max)
{
    struct gw_span *in = frames->in;
    uint32_t bytes = in->bytes < bytes_max ? in->bytes : bytes_max;
    bytes = frames->left_bytes < bytes ? (uint32_t)frames->left_bytes : bytes;
    uint8_t keys[8];
    uint64_t mask, word;
    uint32_t i = 0;
    for (uint32_t k = 0; k < sizeof(keys); k++) {
        keys[k] = frames->key[(frames->given_bytes + k) % sizeof(frames->key)];
    }
    memcpy(&mask, keys, sizeof(mask));
    for (; i + sizeof(word) <= bytes; i += (uint32_t)sizeof(word)) {
        memcpy(&word, in->data + i, sizeof(word));
        word ^= mask;
        memcpy(buffer + i, &word, sizeof(word));
    }
    for (; i < bytes; i++) {
        buffer[i] = in->data[i] ^ keys[i % sizeof(keys)];
    }
    in->data += bytes;
    in->bytes -= bytes;
    frames->left_bytes -= bytes;
    frames->given_bytes += bytes;
    return bytes;
}

/* Input for wslay: nothing of the next frame. */
static ssize_t give_input(uint8_t *buffer, size_t bytes_max, int flags, void *context)
{
    struct gw_websocket_frames *frames = context;
    uint32_t bytes = 0;
    (void)flags;
    if (frames->left_bytes == 0) {
        if (!take_header(frames)) {
            return 0;
        }
        bytes = give_header(frames, buffer);
    }
    return (ssize_t)(bytes + give_payload(frames, buffer + bytes, (uint32_t)bytes_max - bytes));
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
    *part_out = (struct gw_websocket_part){
        .data = frame.data,
        .bytes = (uint32_t)frame.data_length,
        .opcode = frame.opcode,
        .is_reserved = frame.rsv != 0,
        .is_final = frame.fin != 0,
        .is_masked = frames->is_masked,
        .begins = frames->begins,
    };
    frames->begins = false;
    if (frames->left_bytes == 0) {
        frames->header_bytes = 0;
    }
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
    return frames->header_bytes == 0;
}

/* ---- writing ---- */

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
    /* After the last byte of the payload the next call begins a frame: so none for an empty span.
     */
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

/* ---- contexts ---- */

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

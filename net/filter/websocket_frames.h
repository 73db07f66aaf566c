/* net/filter/websocket_frames.h: Reading and writing of WebSocket frames. Private to net. */
#ifndef GW_NET_FILTER_WEBSOCKET_FRAMES_H
#define GW_NET_FILTER_WEBSOCKET_FRAMES_H

#include "net/backend/backend.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * wslay reads the frames. It would unmask one byte at a time, which costs more than all the rest,
 * so it is given frames without a mask: they are unmasked when they are copied into its buffer.
 *
 * A context of wslay has a buffer of 4 KiB. That is too much for each idle connection, and between
 * two frames it has no state. So a filter takes a context from its source for one call, and keeps
 * it only while a frame has partly arrived.
 */
struct gw_websocket_frames;

enum {
    GW_WEBSOCKET_SPARE_COUNT = 8,
    GW_WEBSOCKET_CONTROL_BYTES_MAX = 125,
    GW_WEBSOCKET_HEADER_BYTES_MAX = 14, /* 4 for unmasked frames of less than 64 KiB */
};

/* The contexts of one source that no filter has. */
struct gw_websocket_spares {
    _Atomic(struct gw_websocket_frames *) spare[GW_WEBSOCKET_SPARE_COUNT];
    bool is_client; /* masks what it writes */
    uint64_t (*random)(void);
};

/* A control frame (its opcode has bit 3), or what has arrived of another one since its last part.
 */
struct gw_websocket_part {
    const uint8_t *data; /* unmasked; valid until the next read */
    uint32_t bytes;
    uint8_t opcode;
    bool is_reserved; /* a bit is set that RFC 6455 reserves */
    bool is_final;    /* the frame ends its message */
    bool is_masked;
    bool begins; /* the first part of the frame */
};

/* Takes a context that is between two frames. NULL: out of memory. Thread: any. */
struct gw_websocket_frames *gw__websocket_frames_take(struct gw_websocket_spares *spares);

/* Gives a context back; frees it if it is inside a frame. `frames` may be NULL. Thread: any. */
void gw__websocket_frames_give(struct gw_websocket_spares *spares,
                               struct gw_websocket_frames *frames);

/* Frees the spare contexts, when the source is destroyed. */
void gw__websocket_spares_free(struct gw_websocket_spares *spares);

/*
 * Reads from the front of `*in`, and moves its front.
 *
 * Returns   1 with a part; 0 when all input is taken; GW_E_WEBSOCKET when a length is invalid, or a
 *           control frame is too long or fragmented: then the context must be given back, and is
 *           freed
 */
int gw__websocket_frames_read(struct gw_websocket_frames *frames, struct gw_span *in,
                              struct gw_websocket_part *part_out);

/* Whether all bytes that were read belong to complete frames. */
bool gw__websocket_frames_between(const struct gw_websocket_frames *frames);

/*
 * Writes a final frame to `out`. A client's frame is masked. Without `with_payload` writes only the
 * header, which a server sends before its payload.
 *
 * Returns   the number of bytes written, or GW_E_WEBSOCKET
 */
int gw__websocket_frames_write(struct gw_websocket_frames *frames, uint8_t opcode,
                               const struct gw_span *payload, int payload_count, bool with_payload,
                               uint8_t *out);

#endif

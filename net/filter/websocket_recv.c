/* net/filter/websocket_recv.c: The WebSocket filter: receiving the head and the frames. */
#include "net/error.h"
#include "net/filter/websocket_filter.h"
#include "net/pool.h"

#include <string.h>

/* ---- receiving the head ---- */

static int refuse(struct gw_websocket *ws, const struct gw_websocket_refusal *refusal,
                  const char *problem)
{
    if (!gw__websocket_is_client(ws)) {
        gw__websocket_queue_refusal(ws, refusal);
    }
    return gw__websocket_fail(ws, GW_E_WEBSOCKET, problem);
}

/* The head is complete. Returns 0 when the connection is a WebSocket from here on. */
static int take_head(struct gw_websocket *ws)
{
    struct gw_websocket_head *head = ws->head;
    if (gw__websocket_is_client(ws)) {
        const char *problem = gw__websocket_check_answer(&head->parsed, head->data, head->accept);
        if (problem != NULL) {
            return gw__websocket_fail(ws, GW_E_WEBSOCKET, problem);
        }
    } else {
        uint32_t key;
        const struct gw_websocket_refusal *refusal =
            gw__websocket_check_request(&ws->source->rules, &head->parsed, head->data, &key);
        if (refusal != NULL) {
            return refuse(ws, refusal, refusal->text);
        }
        struct gw_websocket_own *own = gw__websocket_own_output(ws);
        if (own == NULL) {
            return gw__websocket_fail(ws, GW_E_MEMORY, "out of memory");
        }
        own->http_bytes =
            (uint16_t)gw__websocket_write_acceptance(&head->parsed, head->data, key, own->http);
    }
    gw__websocket_head_free(ws);
    ws->filter.is_open = true;
    return 0;
}

/* Takes the bytes of the head from `*in`. */
static int recv_head(struct gw_websocket *ws, struct gw_span *in)
{
    uint32_t before = ws->head != NULL ? ws->head->bytes : 0;
    uint32_t bytes = GW_HTTP_HEAD_BYTES_MAX - before;
    bytes = in->bytes < bytes ? in->bytes : bytes;
    if (gw__websocket_is_client(ws) && !ws->is_requested) {
        return gw__websocket_fail(ws, GW_E_WEBSOCKET, "the server sends before the request");
    }
    if (!gw__websocket_head_reserve(ws, before + bytes)) {
        return gw__websocket_fail(ws, GW_E_MEMORY, "out of memory");
    }
    struct gw_websocket_head *head = ws->head;
    memcpy(head->data + before, in->data, bytes);
    head->bytes = before + bytes;
    enum gw_http_head_result result = gw__http_head_parse(&head->parsed, head->data, head->bytes);
    uint32_t taken = head->parsed.bytes - before;
    in->data += taken;
    in->bytes -= taken;
    switch (result) {
    case GW_HTTP_HEAD_PART:
        return 0;
    case GW_HTTP_HEAD_WHOLE:
        return take_head(ws);
    case GW_HTTP_HEAD_TOO_LONG:
        return refuse(ws, &gw__websocket_too_long, gw__websocket_too_long.text);
    default:
        return refuse(
            ws, &gw__websocket_invalid,
            gw__websocket_explain_foreign(head->data, head->bytes, gw__websocket_is_client(ws)));
    }
}

/* ---- receiving frames ---- */

/* RFC 6455, 7.4: statuses that a close frame may have. */
static bool status_is_valid(uint16_t status)
{
    return (status >= 1000 && status <= 1003) || (status >= 1007 && status <= 1014) ||
           (status >= 3000 && status <= 4999);
}

static int take_close(struct gw_websocket *ws, const struct gw_websocket_part *part)
{
    uint16_t status = GW_WEBSOCKET_STATUS_NONE;
    if (part->bytes >= 2) {
        status = (uint16_t)(part->data[0] << 8 | part->data[1]);
    }
    if (part->bytes == 1 || (part->bytes >= 2 && !status_is_valid(status))) {
        return gw__websocket_violation(ws, GW_WEBSOCKET_STATUS_PROTOCOL_ERROR,
                                       "a close frame has an invalid status");
    }
    ws->peer_status = status;
    ws->filter.recv_ended = true;
    return 0;
}

static int take_ping(struct gw_websocket *ws, const struct gw_websocket_part *part)
{
    if (ws->is_closed) {
        return 0;
    }
    struct gw_websocket_own *own = gw__websocket_own_output(ws);
    if (own == NULL) {
        return gw__websocket_fail(ws, GW_E_MEMORY, "out of memory");
    }
    own->has_pong = true;
    own->pong_bytes = (uint8_t)part->bytes;
    memcpy(own->pong, part->data, part->bytes);
    return 0;
}

/* Checks the first part of a frame. */
static int check_frame(struct gw_websocket *ws, const struct gw_websocket_part *part)
{
    if (part->is_masked == gw__websocket_is_client(ws)) {
        return gw__websocket_violation(ws, GW_WEBSOCKET_STATUS_PROTOCOL_ERROR,
                                       gw__websocket_is_client(ws)
                                           ? "a frame of the server is masked"
                                           : "a frame of the client is not masked");
    }
    if (part->is_reserved) {
        return gw__websocket_violation(ws, GW_WEBSOCKET_STATUS_PROTOCOL_ERROR,
                                       "a frame has a reserved bit");
    }
    switch (part->opcode) {
    case GW_WEBSOCKET_OPCODE_TEXT:
        return gw__websocket_violation(ws, GW_WEBSOCKET_STATUS_UNSUPPORTED_DATA,
                                       "a message is text and not binary");
    case GW_WEBSOCKET_OPCODE_BINARY:
    case GW_WEBSOCKET_OPCODE_CONTINUATION:
        if (ws->in_message != (part->opcode == GW_WEBSOCKET_OPCODE_CONTINUATION)) {
            return gw__websocket_violation(ws, GW_WEBSOCKET_STATUS_PROTOCOL_ERROR,
                                           ws->in_message
                                               ? "a message begins inside another one"
                                               : "a frame continues a message that has not begun");
        }
        ws->in_message = !part->is_final;
        return 0;
    case GW_WEBSOCKET_OPCODE_CLOSE:
    case GW_WEBSOCKET_OPCODE_PING:
    case GW_WEBSOCKET_OPCODE_PONG:
        return 0;
    default:
        return gw__websocket_violation(ws, GW_WEBSOCKET_STATUS_PROTOCOL_ERROR,
                                       "a frame has a reserved opcode");
    }
}

/* Handles a part of a frame. Returns the number of bytes for `out`, or an error. */
static int take_part(struct gw_websocket *ws, const struct gw_websocket_part *part, uint8_t *out)
{
    int error = part->begins ? check_frame(ws, part) : 0;
    if (error != 0) {
        return error;
    }
    switch (part->opcode) {
    case GW_WEBSOCKET_OPCODE_CLOSE:
        return take_close(ws, part);
    case GW_WEBSOCKET_OPCODE_PING:
        return take_ping(ws, part);
    case GW_WEBSOCKET_OPCODE_PONG:
        return 0;
    default:
        memcpy(out, part->data, part->bytes);
        return (int)part->bytes;
    }
}

static int recv_frames(struct gw_websocket *ws, struct gw_span *in, uint8_t *out)
{
    struct gw_websocket_frames *frames = ws->frames;
    struct gw_websocket_part part;
    int written = 0;
    int result = 1;
    ws->frames = NULL;
    if (frames == NULL && (frames = gw__websocket_frames_take(&ws->source->spares)) == NULL) {
        return gw__websocket_fail(ws, GW_E_MEMORY, "out of memory");
    }
    while (ws->error == 0 && ws->peer_status == 0 &&
           (result = gw__websocket_frames_read(frames, in, &part)) == 1) {
        int bytes = take_part(ws, &part, out + written);
        written += bytes > 0 ? bytes : 0;
    }
    if (result < 0) {
        gw__websocket_violation(ws, GW_WEBSOCKET_STATUS_PROTOCOL_ERROR,
                                "a frame has an invalid length");
    }
    if (ws->error == 0 && ws->peer_status == 0 && !gw__websocket_frames_between(frames)) {
        ws->frames = frames;
    } else {
        gw__websocket_frames_give(&ws->source->spares, frames);
    }
    /* The bytes before a violation are valid. The next call returns the error. */
    return ws->error != 0 && written == 0 ? ws->error : written;
}

int gw__websocket_recv(struct gw_filter *filter, struct gw_span *in, uint8_t *out)
{
    struct gw_websocket *ws = (struct gw_websocket *)filter;
    if (ws->error != 0) {
        return ws->error;
    }
    if (!filter->is_open && !ws->is_closed && in->bytes > 0) {
        int error = recv_head(ws, in);
        if (error != 0) {
            gw__websocket_head_free(ws);
            return error;
        }
    }
    int written = 0;
    if (filter->is_open && ws->peer_status == 0 && in->bytes > 0) {
        written = recv_frames(ws, in, out);
    }
    in->data += in->bytes;
    in->bytes = 0;
    return written;
}

int gw__websocket_recv_end(struct gw_filter *filter)
{
    struct gw_websocket *ws = (struct gw_websocket *)filter;
    if (ws->error != 0) {
        return ws->error;
    }
    if (ws->peer_status != 0 || ws->is_closed) {
        return 0;
    }
    if (filter->is_open) {
        return gw__websocket_fail(ws, GW_E_RESET,
                                  "the peer ended the connection without a close frame");
    }
    if (gw__websocket_is_client(ws)) {
        return gw__websocket_fail(ws, GW_E_WEBSOCKET,
                                  "the server ended the connection during the handshake");
    }
    return ws->head != NULL
               ? gw__websocket_fail(ws, GW_E_RESET,
                                    "the client ended the connection during the handshake")
               : gw__websocket_fail(ws, GW_E_CLOSED,
                                    "the client ended the connection without a request");
}

/* net/filter/websocket.c: The WebSocket filter. */
#include "net/filter/websocket.h"

#include "net/error.h"
#include "net/filter/filter.h"
#include "net/filter/websocket_frames.h"
#include "net/filter/websocket_handshake.h"
#include "net/pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum opcode {
    OPCODE_CONTINUATION = 0,
    OPCODE_TEXT = 1,
    OPCODE_BINARY = 2,
    OPCODE_CLOSE = 8,
    OPCODE_PING = 9,
    OPCODE_PONG = 10,
};

/* Close statuses of RFC 6455, 7.4.1. */
enum status {
    STATUS_NORMAL = 1000,
    STATUS_PROTOCOL_ERROR = 1002,
    STATUS_UNSUPPORTED_DATA = 1003,
    STATUS_NONE = 1005, /* a close frame without a status */
    STATUS_INTERNAL_ERROR = 1011,
};

struct websocket_source {
    struct gw_filter_source source;
    struct gw_websocket_spares spares;
    struct gw_websocket_rules rules; /* of a server; of a client only the path */
    char host[GW_WEBSOCKET_TEXT_BYTES_MAX + 1];
};

/* A head that arrives, in a block of the pool. */
struct head {
    uint32_t block_bytes;
    uint32_t bytes;
    struct gw_http_head parsed;
    char accept[GW_WEBSOCKET_ACCEPT_BYTES + 1]; /* what a client expects */
    uint8_t data[];
};

/* Output of the filter's own that has not been encoded, in a block of the pool. */
struct own {
    uint16_t http_bytes;
    uint8_t pong_bytes;
    uint8_t close_bytes;
    bool has_pong;
    bool has_close;
    char http[GW_WEBSOCKET_HTTP_BYTES_MAX];
    uint8_t pong[GW_WEBSOCKET_CONTROL_BYTES_MAX];
    uint8_t close[GW_WEBSOCKET_CONTROL_BYTES_MAX];
};

/* Encoded output, in a block of the pool. */
struct output {
    uint32_t block_bytes;
    uint8_t data[];
};

/* Idle, a filter has none of the blocks. Its size counts: a server has one for each player. */
struct websocket {
    struct gw_filter filter;
    struct websocket_source *source;
    union {
        struct head *head;                  /* before is_open, while the head arrives */
        struct gw_websocket_frames *frames; /* after it, while a frame has partly arrived */
    };
    struct own *own;
    struct output *output; /* while the kernel may have it */
    uint8_t header[4];     /* of a server's frame, whose payload is in the send queue */
    uint16_t peer_status;  /* of the peer's close frame; 0: none has arrived */
    int8_t error;          /* after a failure */
    bool in_message : 1;   /* the next data frame continues a message */
    bool is_closed : 1;    /* the close frame or the HTTP answer is the last output */
    bool is_requested : 1; /* a client has made its request */
};

static bool is_client(const struct websocket *ws)
{
    return ws->source->spares.is_client;
}

/* ---- the filter's own output ---- */

/* Returns the block for own output, and asks for a send; NULL: out of memory. */
static struct own *own_output(struct websocket *ws)
{
    if (ws->own == NULL) {
        ws->own = gw__pool_take(sizeof(*ws->own));
        if (ws->own == NULL) {
            return NULL;
        }
        ws->own->http_bytes = 0;
        ws->own->has_pong = false;
        ws->own->has_close = false;
    }
    ws->filter.wants_send = true;
    return ws->own;
}

/* Makes a close frame the last output. Without memory there is none. */
static void queue_close(struct websocket *ws, uint16_t status, const char *text)
{
    struct own *own = ws->is_closed ? NULL : own_output(ws);
    ws->is_closed = true;
    if (own != NULL) {
        size_t bytes = strlen(text);
        assert(bytes <= sizeof(own->close) - 2);
        own->has_pong = false;
        own->has_close = true;
        own->close[0] = (uint8_t)(status >> 8);
        own->close[1] = (uint8_t)status;
        memcpy(own->close + 2, text, bytes);
        own->close_bytes = (uint8_t)(bytes + 2);
    }
}

static void queue_refusal(struct websocket *ws, const struct gw_websocket_refusal *refusal)
{
    struct own *own = ws->is_closed ? NULL : own_output(ws);
    ws->is_closed = true;
    if (own != NULL) {
        own->http_bytes = (uint16_t)gw__websocket_write_refusal(refusal, own->http);
    }
}

/* Fails the filter. Returns the error. */
static int fail(struct websocket *ws, int error, const char *problem)
{
    ws->error = (int8_t)error;
    ws->filter.problem = problem;
    return error;
}

static int violation(struct websocket *ws, uint16_t status, const char *problem)
{
    queue_close(ws, status, problem);
    return fail(ws, GW_E_WEBSOCKET, problem);
}

/* ---- receiving the head ---- */

static void head_free(struct websocket *ws)
{
    if (ws->head != NULL) {
        gw__pool_give(ws->head, ws->head->block_bytes);
        ws->head = NULL;
    }
}

/* Makes the block of the head large enough. Returns false when out of memory. */
static bool head_reserve(struct websocket *ws, uint32_t bytes)
{
    uint32_t needed = (uint32_t)sizeof(struct head) + bytes;
    struct head *old = ws->head;
    if (old != NULL && needed <= old->block_bytes) {
        return true;
    }
    struct head *head = gw__pool_take(needed);
    if (head == NULL) {
        return false;
    }
    if (old != NULL) {
        memcpy(head, old, sizeof(*old) + old->bytes);
        head_free(ws);
    } else {
        memset(head, 0, sizeof(*head));
    }
    head->block_bytes = gw__pool_block_bytes(needed);
    ws->head = head;
    return true;
}

static int refuse(struct websocket *ws, const struct gw_websocket_refusal *refusal,
                  const char *problem)
{
    if (!is_client(ws)) {
        queue_refusal(ws, refusal);
    }
    return fail(ws, GW_E_WEBSOCKET, problem);
}

/* The head is complete. Returns 0 when the connection is a WebSocket from here on. */
static int take_head(struct websocket *ws)
{
    struct head *head = ws->head;
    if (is_client(ws)) {
        const char *problem = gw__websocket_check_answer(&head->parsed, head->data, head->accept);
        if (problem != NULL) {
            return fail(ws, GW_E_WEBSOCKET, problem);
        }
    } else {
        uint32_t key;
        const struct gw_websocket_refusal *refusal =
            gw__websocket_check_request(&ws->source->rules, &head->parsed, head->data, &key);
        if (refusal != NULL) {
            return refuse(ws, refusal, refusal->text);
        }
        struct own *own = own_output(ws);
        if (own == NULL) {
            return fail(ws, GW_E_MEMORY, "out of memory");
        }
        own->http_bytes =
            (uint16_t)gw__websocket_write_acceptance(&head->parsed, head->data, key, own->http);
    }
    head_free(ws);
    ws->filter.is_open = true;
    return 0;
}

/* Takes the bytes of the head from `*in`. */
static int recv_head(struct websocket *ws, struct gw_span *in)
{
    uint32_t before = ws->head != NULL ? ws->head->bytes : 0;
    uint32_t bytes = GW_HTTP_HEAD_BYTES_MAX - before;
    bytes = in->bytes < bytes ? in->bytes : bytes;
    if (is_client(ws) && !ws->is_requested) {
        return fail(ws, GW_E_WEBSOCKET, "the server sends before the request");
    }
    if (!head_reserve(ws, before + bytes)) {
        return fail(ws, GW_E_MEMORY, "out of memory");
    }
    struct head *head = ws->head;
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
        return refuse(ws, &gw__websocket_invalid,
                      gw__websocket_explain_foreign(head->data, head->bytes, is_client(ws)));
    }
}

/* ---- receiving frames ---- */

/* RFC 6455, 7.4: statuses that a close frame may have. */
static bool status_is_valid(uint16_t status)
{
    return (status >= 1000 && status <= 1003) || (status >= 1007 && status <= 1014) ||
           (status >= 3000 && status <= 4999);
}

static int take_close(struct websocket *ws, const struct gw_websocket_part *part)
{
    uint16_t status = STATUS_NONE;
    if (part->bytes >= 2) {
        status = (uint16_t)(part->data[0] << 8 | part->data[1]);
    }
    if (part->bytes == 1 || (part->bytes >= 2 && !status_is_valid(status))) {
        return violation(ws, STATUS_PROTOCOL_ERROR, "a close frame has an invalid status");
    }
    ws->peer_status = status;
    ws->filter.recv_ended = true;
    return 0;
}

static int take_ping(struct websocket *ws, const struct gw_websocket_part *part)
{
    if (ws->is_closed) {
        return 0;
    }
    struct own *own = own_output(ws);
    if (own == NULL) {
        return fail(ws, GW_E_MEMORY, "out of memory");
    }
    own->has_pong = true;
    own->pong_bytes = (uint8_t)part->bytes;
    memcpy(own->pong, part->data, part->bytes);
    return 0;
}

/* Checks the first part of a frame. */
static int check_frame(struct websocket *ws, const struct gw_websocket_part *part)
{
    if (part->is_masked == is_client(ws)) {
        return violation(ws, STATUS_PROTOCOL_ERROR,
                         is_client(ws) ? "a frame of the server is masked"
                                       : "a frame of the client is not masked");
    }
    if (part->is_reserved) {
        return violation(ws, STATUS_PROTOCOL_ERROR, "a frame has a reserved bit");
    }
    switch (part->opcode) {
    case OPCODE_TEXT:
        return violation(ws, STATUS_UNSUPPORTED_DATA, "a message is text and not binary");
    case OPCODE_BINARY:
    case OPCODE_CONTINUATION:
        if (ws->in_message != (part->opcode == OPCODE_CONTINUATION)) {
            return violation(ws, STATUS_PROTOCOL_ERROR,
                             ws->in_message ? "a message begins inside another one"
                                            : "a frame continues a message that has not begun");
        }
        ws->in_message = !part->is_final;
        return 0;
    case OPCODE_CLOSE:
    case OPCODE_PING:
    case OPCODE_PONG:
        return 0;
    default:
        return violation(ws, STATUS_PROTOCOL_ERROR, "a frame has a reserved opcode");
    }
}

/* Handles a part of a frame. Returns the number of bytes for `out`, or an error. */
static int take_part(struct websocket *ws, const struct gw_websocket_part *part, uint8_t *out)
{
    int error = part->begins ? check_frame(ws, part) : 0;
    if (error != 0) {
        return error;
    }
    switch (part->opcode) {
    case OPCODE_CLOSE:
        return take_close(ws, part);
    case OPCODE_PING:
        return take_ping(ws, part);
    case OPCODE_PONG:
        return 0;
    default:
        memcpy(out, part->data, part->bytes);
        return (int)part->bytes;
    }
}

static int recv_frames(struct websocket *ws, struct gw_span *in, uint8_t *out)
{
    struct gw_websocket_frames *frames = ws->frames;
    struct gw_websocket_part part;
    int written = 0;
    int result = 1;
    ws->frames = NULL;
    if (frames == NULL && (frames = gw__websocket_frames_take(&ws->source->spares)) == NULL) {
        return fail(ws, GW_E_MEMORY, "out of memory");
    }
    while (ws->error == 0 && ws->peer_status == 0 &&
           (result = gw__websocket_frames_read(frames, in, &part)) == 1) {
        int bytes = take_part(ws, &part, out + written);
        written += bytes > 0 ? bytes : 0;
    }
    if (result < 0) {
        violation(ws, STATUS_PROTOCOL_ERROR, "a frame has an invalid length");
    }
    if (ws->error == 0 && ws->peer_status == 0 && !gw__websocket_frames_between(frames)) {
        ws->frames = frames;
    } else {
        gw__websocket_frames_give(&ws->source->spares, frames);
    }
    /* The bytes before a violation are valid. The next call returns the error. */
    return ws->error != 0 && written == 0 ? ws->error : written;
}

static int websocket_recv(struct gw_filter *filter, struct gw_span *in, uint8_t *out)
{
    struct websocket *ws = (struct websocket *)filter;
    if (ws->error != 0) {
        return ws->error;
    }
    if (!filter->is_open && !ws->is_closed && in->bytes > 0) {
        int error = recv_head(ws, in);
        if (error != 0) {
            head_free(ws);
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

static int websocket_recv_end(struct gw_filter *filter)
{
    struct websocket *ws = (struct websocket *)filter;
    if (ws->error != 0) {
        return ws->error;
    }
    if (ws->peer_status != 0 || ws->is_closed) {
        return 0;
    }
    if (filter->is_open) {
        return fail(ws, GW_E_RESET, "the peer ended the connection without a close frame");
    }
    if (is_client(ws)) {
        return fail(ws, GW_E_WEBSOCKET, "the server ended the connection during the handshake");
    }
    return ws->head != NULL
               ? fail(ws, GW_E_RESET, "the client ended the connection during the handshake")
               : fail(ws, GW_E_CLOSED, "the client ended the connection without a request");
}

/* ---- sending ---- */

static void output_free(struct websocket *ws)
{
    if (ws->output != NULL) {
        gw__pool_give(ws->output, ws->output->block_bytes);
        ws->output = NULL;
    }
}

static void own_free(struct websocket *ws)
{
    gw__pool_give(ws->own, sizeof(*ws->own));
    ws->own = NULL;
}

/* Makes the request of a client, and remembers the answer that it expects. */
static int make_request(struct websocket *ws)
{
    struct own *own = head_reserve(ws, 0) ? own_output(ws) : NULL;
    if (own == NULL) {
        return fail(ws, GW_E_MEMORY, "out of memory");
    }
    uint64_t numbers[2] = {ws->source->spares.random(), ws->source->spares.random()};
    char key[GW_WEBSOCKET_KEY_BYTES + 1];
    gw__base64((const uint8_t *)numbers, sizeof(numbers), key);
    gw__websocket_accept((const uint8_t *)key, ws->head->accept);
    own->http_bytes = (uint16_t)gw__websocket_write_request(ws->source->host,
                                                            ws->source->rules.path, key, own->http);
    ws->is_requested = true;
    return 0;
}

/* Appends a frame at `at`, of a server's data only the header. Returns its end; NULL: failed. */
static uint8_t *append_frame(struct websocket *ws, struct gw_websocket_frames *frames,
                             uint8_t opcode, const struct gw_span *payload, int payload_count,
                             uint8_t *at)
{
    bool with_payload = is_client(ws) || opcode != OPCODE_BINARY;
    int bytes =
        gw__websocket_frames_write(frames, opcode, payload, payload_count, with_payload, at);
    if (bytes < 0) {
        fail(ws, bytes, "a frame cannot be written");
        return NULL;
    }
    return at + bytes;
}

/* Encodes own output and data into a block. Returns the number of its bytes, or an error. */
static int encode_block(struct websocket *ws, struct gw_websocket_frames *frames,
                        const struct gw_span *in, int in_count, uint32_t in_bytes)
{
    uint32_t needed = (uint32_t)sizeof(struct output) + sizeof(struct own) +
                      3 * GW_WEBSOCKET_HEADER_BYTES_MAX + (is_client(ws) ? in_bytes : 0);
    ws->output = gw__pool_take(needed);
    if (ws->output == NULL) {
        return fail(ws, GW_E_MEMORY, "out of memory");
    }
    ws->output->block_bytes = gw__pool_block_bytes(needed);
    const struct own *own = ws->own;
    uint8_t *at = ws->output->data;
    if (own != NULL) {
        const struct gw_span pong = {own->pong, own->pong_bytes};
        const struct gw_span close = {own->close, own->close_bytes};
        memcpy(at, own->http, own->http_bytes);
        at += own->http_bytes;
        if (own->has_pong) {
            at = append_frame(ws, frames, OPCODE_PONG, &pong, 1, at);
        }
        if (at != NULL && own->has_close) {
            at = append_frame(ws, frames, OPCODE_CLOSE, &close, 1, at);
        }
    }
    if (at != NULL && in_bytes > 0) {
        at = append_frame(ws, frames, OPCODE_BINARY, in, in_count, at);
    }
    return at == NULL ? ws->error : (int)(at - ws->output->data);
}

/* Lists what precedes the data, and the data unless a client has masked it. */
static int encode(struct websocket *ws, struct gw_websocket_frames *frames,
                  const struct gw_span *in, int in_count, uint32_t in_bytes, struct gw_span *out)
{
    int bytes;
    out[0].data = ws->header;
    if (ws->own == NULL && !is_client(ws)) {
        bytes = gw__websocket_frames_write(frames, OPCODE_BINARY, in, in_count, false, ws->header);
    } else {
        bytes = encode_block(ws, frames, in, in_count, in_bytes);
        out[0].data = ws->output != NULL ? ws->output->data : NULL;
    }
    if (bytes < 0) {
        return bytes;
    }
    out[0].bytes = (uint32_t)bytes;
    if (is_client(ws)) {
        return 1;
    }
    for (int i = 0; i < in_count; i++) {
        out[i + 1] = in[i];
    }
    return in_count + 1;
}

static int websocket_send(struct gw_filter *filter, const struct gw_span *in, int in_count,
                          struct gw_span out[GW_FILTER_SPAN_COUNT_MAX])
{
    struct websocket *ws = (struct websocket *)filter;
    uint32_t in_bytes = 0;
    int error = 0;
    output_free(ws);
    if (is_client(ws) && !ws->is_requested && !ws->is_closed && ws->error == 0) {
        error = make_request(ws);
    }
    filter->wants_send = false;
    for (int i = 0; i < in_count; i++) {
        in_bytes += in[i].bytes;
    }
    assert(in_bytes <= GW_FILTER_SEND_BYTES_MAX && in_count < GW_FILTER_SPAN_COUNT_MAX);
    if (ws->is_closed || in_bytes == 0) { /* nothing follows the close frame */
        in_count = 0;
        in_bytes = 0;
    }
    if (error != 0 || (ws->own == NULL && in_bytes == 0)) {
        return ws->error;
    }
    /* Before the filter is open its output has no frames. */
    struct gw_websocket_frames *frames = NULL;
    struct gw_websocket_frames *kept = filter->is_open ? ws->frames : NULL;
    if (filter->is_open) {
        frames = kept != NULL ? kept : gw__websocket_frames_take(&ws->source->spares);
        if (frames == NULL) {
            return fail(ws, GW_E_MEMORY, "out of memory");
        }
    }
    int result = encode(ws, frames, in, in_count, in_bytes, out);
    if (frames != kept) {
        gw__websocket_frames_give(&ws->source->spares, frames);
    }
    own_free(ws);
    return result;
}

static void websocket_sent(struct gw_filter *filter)
{
    output_free((struct websocket *)filter);
}

/* ---- the end ---- */

static void websocket_finish(struct gw_filter *filter, int reason)
{
    struct websocket *ws = (struct websocket *)filter;
    char text[32] = "";
    uint16_t status = STATUS_NORMAL;
    if (!filter->is_open) {
        if (!is_client(ws)) {
            queue_refusal(ws, &gw__websocket_closing);
            head_free(ws);
        }
        filter->wants_send = ws->own != NULL;
        ws->is_closed = true;
        return;
    }
    if (reason > 0) {
        bool fits = reason < GW_WEBSOCKET_STATUS_OTHER - GW_WEBSOCKET_STATUS_REASON;
        status = (uint16_t)(fits ? GW_WEBSOCKET_STATUS_REASON + reason : GW_WEBSOCKET_STATUS_OTHER);
        snprintf(text, sizeof(text), "reason %d", reason);
    } else if (reason < 0 && reason != GW_E_CLOSED) {
        status = STATUS_INTERNAL_ERROR;
        snprintf(text, sizeof(text), "%s", gw_error_name(reason));
    } else if (ws->peer_status != 0 && ws->peer_status != STATUS_NONE) {
        status = ws->peer_status;
    }
    queue_close(ws, status, text);
}

static void websocket_destroy(struct gw_filter *filter)
{
    struct websocket *ws = (struct websocket *)filter;
    if (filter->is_open) {
        gw__websocket_frames_give(&ws->source->spares, ws->frames);
    } else {
        head_free(ws);
    }
    own_free(ws);
    output_free(ws);
    gw_filter_source_unref(&ws->source->source);
    free(ws);
}

/* ---- sources ---- */

static const struct gw_filter_ops websocket_ops = {
    .name = "websocket",
    .recv = websocket_recv,
    .recv_end = websocket_recv_end,
    .send = websocket_send,
    .sent = websocket_sent,
    .finish = websocket_finish,
    .destroy = websocket_destroy,
};

static int filter_create(struct gw_filter_source *source, const struct gw_addr *peer,
                         struct gw_filter **filter_out)
{
    struct websocket *ws = calloc(1, sizeof(*ws));
    (void)peer;
    if (ws == NULL) {
        return GW_E_MEMORY;
    }
    gw_filter_source_ref(source);
    ws->source = (struct websocket_source *)source;
    ws->filter.ops = &websocket_ops;
    ws->filter.wants_send = is_client(ws);
    *filter_out = &ws->filter;
    return 0;
}

static void source_destroy(struct gw_filter_source *source)
{
    struct websocket_source *websocket = (struct websocket_source *)source;
    gw__websocket_spares_free(&websocket->spares);
    free(websocket->rules.origins);
    free(websocket);
}

static struct websocket_source *source_create(const char *path)
{
    struct websocket_source *source = calloc(1, sizeof(*source));
    if (source != NULL) {
        atomic_init(&source->source.refs, 1);
        source->source.create = filter_create;
        source->source.destroy = source_destroy;
        snprintf(source->rules.path, sizeof(source->rules.path), "%s", path);
    }
    return source;
}

/* Copies the origins into one block. Returns 0, GW_E_FULL, GW_E_ADDRESS or GW_E_MEMORY. */
static int copy_origins(const struct gw_websocket_server_config *config,
                        struct gw_websocket_rules *rules)
{
    size_t bytes = 0;
    if (config->origin_count > GW_WEBSOCKET_ORIGIN_COUNT_MAX) {
        return GW_E_FULL;
    }
    for (uint32_t i = 0; i < config->origin_count; i++) {
        if (!gw__websocket_origin_is_valid(config->origins[i])) {
            return GW_E_ADDRESS;
        }
        bytes += strlen(config->origins[i]) + 1;
    }
    rules->origins = malloc(bytes > 0 ? bytes : 1);
    if (rules->origins == NULL) {
        return GW_E_MEMORY;
    }
    char *at = rules->origins;
    for (uint32_t i = 0; i < config->origin_count; i++) {
        size_t origin_bytes = strlen(config->origins[i]) + 1;
        memcpy(at, config->origins[i], origin_bytes);
        at += origin_bytes;
    }
    rules->origin_count = config->origin_count;
    return 0;
}

int gw_websocket_server_create(const struct gw_websocket_server_config *config,
                               struct gw_filter_source **source_out)
{
    const char *path = config->path != NULL ? config->path : "/";
    if (!gw__websocket_path_is_valid(path, false)) {
        return GW_E_ADDRESS;
    }
    struct websocket_source *source = source_create(path);
    int error = source == NULL ? GW_E_MEMORY : 0;
    if (error == 0 && config->origins != NULL) {
        error = copy_origins(config, &source->rules);
    }
    if (error != 0) {
        free(source);
        return error;
    }
    *source_out = &source->source;
    return 0;
}

int gw_websocket_client_create(const struct gw_websocket_client_config *config,
                               struct gw_filter_source **source_out)
{
    const char *path = config->path != NULL ? config->path : "/";
    if (!gw__websocket_path_is_valid(path, true) || config->host == NULL ||
        !gw__websocket_host_is_valid(config->host)) {
        return GW_E_ADDRESS;
    }
    struct websocket_source *source = source_create(path);
    if (source == NULL) {
        return GW_E_MEMORY;
    }
    source->spares.is_client = true;
    source->spares.random = config->random != NULL ? config->random : os_random;
    snprintf(source->host, sizeof(source->host), "%s", config->host);
    *source_out = &source->source;
    return 0;
}

/* net/filter/websocket.c: The WebSocket filter: its output, its end, its sources. */
#include "net/filter/websocket.h"

#include "net/error.h"
#include "net/filter/source.h"
#include "net/filter/websocket_filter.h"
#include "net/pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the filter's own output ---- */

struct gw_websocket_own *gw__websocket_own_output(struct gw_websocket *ws)
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

void gw__websocket_queue_close(struct gw_websocket *ws, uint16_t status, const char *text)
{
    struct gw_websocket_own *own = ws->is_closed ? NULL : gw__websocket_own_output(ws);
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

void gw__websocket_queue_refusal(struct gw_websocket *ws,
                                 const struct gw_websocket_refusal *refusal)
{
    struct gw_websocket_own *own = ws->is_closed ? NULL : gw__websocket_own_output(ws);
    ws->is_closed = true;
    if (own != NULL) {
        own->http_bytes = (uint16_t)gw__websocket_write_refusal(refusal, own->http);
    }
}

int gw__websocket_fail(struct gw_websocket *ws, int error, const char *problem)
{
    ws->error = (int8_t)error;
    ws->filter.problem = problem;
    return error;
}

int gw__websocket_violation(struct gw_websocket *ws, uint16_t status, const char *problem)
{
    gw__websocket_queue_close(ws, status, problem);
    return gw__websocket_fail(ws, GW_E_WEBSOCKET, problem);
}

void gw__websocket_head_free(struct gw_websocket *ws)
{
    if (ws->head != NULL) {
        gw__pool_give(ws->head, ws->head->block_bytes);
        ws->head = NULL;
    }
}

bool gw__websocket_head_reserve(struct gw_websocket *ws, uint32_t bytes)
{
    uint32_t needed = (uint32_t)sizeof(struct gw_websocket_head) + bytes;
    struct gw_websocket_head *old = ws->head;
    if (old != NULL && needed <= old->block_bytes) {
        return true;
    }
    struct gw_websocket_head *head = gw__pool_take(needed);
    if (head == NULL) {
        return false;
    }
    if (old != NULL) {
        memcpy(head, old, sizeof(*old) + old->bytes);
        gw__websocket_head_free(ws);
    } else {
        memset(head, 0, sizeof(*head));
    }
    head->block_bytes = gw__pool_block_bytes(needed);
    ws->head = head;
    return true;
}

/* ---- sending ---- */

static void output_free(struct gw_websocket *ws)
{
    if (ws->output != NULL) {
        gw__pool_give(ws->output, ws->output->block_bytes);
        ws->output = NULL;
    }
}

static void own_free(struct gw_websocket *ws)
{
    gw__pool_give(ws->own, sizeof(*ws->own));
    ws->own = NULL;
}

/* Makes the request of a client, and remembers the answer that it expects. */
static int make_request(struct gw_websocket *ws)
{
    struct gw_websocket_own *own =
        gw__websocket_head_reserve(ws, 0) ? gw__websocket_own_output(ws) : NULL;
    if (own == NULL) {
        return gw__websocket_fail(ws, GW_E_MEMORY, "out of memory");
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
static uint8_t *append_frame(struct gw_websocket *ws, struct gw_websocket_frames *frames,
                             uint8_t opcode, const struct gw_span *payload, int payload_count,
                             uint8_t *at)
{
    bool with_payload = gw__websocket_is_client(ws) || opcode != GW_WEBSOCKET_OPCODE_BINARY;
    int bytes =
        gw__websocket_frames_write(frames, opcode, payload, payload_count, with_payload, at);
    if (bytes < 0) {
        gw__websocket_fail(ws, bytes, "a frame cannot be written");
        return NULL;
    }
    return at + bytes;
}

/* Encodes own output and data into a block. Returns the number of its bytes, or an error. */
static int encode_block(struct gw_websocket *ws, struct gw_websocket_frames *frames,
                        const struct gw_span *in, int in_count, uint32_t in_bytes)
{
    uint32_t needed = (uint32_t)sizeof(struct gw_websocket_output) +
                      sizeof(struct gw_websocket_own) + 3 * GW_WEBSOCKET_HEADER_BYTES_MAX +
                      (gw__websocket_is_client(ws) ? in_bytes : 0);
    ws->output = gw__pool_take(needed);
    if (ws->output == NULL) {
        return gw__websocket_fail(ws, GW_E_MEMORY, "out of memory");
    }
    ws->output->block_bytes = gw__pool_block_bytes(needed);
    const struct gw_websocket_own *own = ws->own;
    uint8_t *at = ws->output->data;
    if (own != NULL) {
        const struct gw_span pong = {own->pong, own->pong_bytes};
        const struct gw_span close = {own->close, own->close_bytes};
        memcpy(at, own->http, own->http_bytes);
        at += own->http_bytes;
        if (own->has_pong) {
            at = append_frame(ws, frames, GW_WEBSOCKET_OPCODE_PONG, &pong, 1, at);
        }
        if (at != NULL && own->has_close) {
            at = append_frame(ws, frames, GW_WEBSOCKET_OPCODE_CLOSE, &close, 1, at);
        }
    }
    if (at != NULL && in_bytes > 0) {
        at = append_frame(ws, frames, GW_WEBSOCKET_OPCODE_BINARY, in, in_count, at);
    }
    return at == NULL ? ws->error : (int)(at - ws->output->data);
}

/* Lists what precedes the data, and the data unless a client has masked it. */
static int encode(struct gw_websocket *ws, struct gw_websocket_frames *frames,
                  const struct gw_span *in, int in_count, uint32_t in_bytes, struct gw_span *out)
{
    int bytes;
    out[0].data = ws->header;
    if (ws->own == NULL && !gw__websocket_is_client(ws)) {
        bytes = gw__websocket_frames_write(frames, GW_WEBSOCKET_OPCODE_BINARY, in, in_count, false,
                                           ws->header);
    } else {
        bytes = encode_block(ws, frames, in, in_count, in_bytes);
        out[0].data = ws->output != NULL ? ws->output->data : NULL;
    }
    if (bytes < 0) {
        return bytes;
    }
    out[0].bytes = (uint32_t)bytes;
    if (gw__websocket_is_client(ws)) {
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
    struct gw_websocket *ws = (struct gw_websocket *)filter;
    uint32_t in_bytes = 0;
    int error = 0;
    output_free(ws);
    if (gw__websocket_is_client(ws) && !ws->is_requested && !ws->is_closed && ws->error == 0) {
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
            return gw__websocket_fail(ws, GW_E_MEMORY, "out of memory");
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
    output_free((struct gw_websocket *)filter);
}

/* ---- the end ---- */

static void websocket_finish(struct gw_filter *filter, int reason)
{
    struct gw_websocket *ws = (struct gw_websocket *)filter;
    char text[32] = "";
    uint16_t status = GW_WEBSOCKET_STATUS_NORMAL;
    if (!filter->is_open) {
        if (!gw__websocket_is_client(ws)) {
            gw__websocket_queue_refusal(ws, &gw__websocket_closing);
            gw__websocket_head_free(ws);
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
        status = GW_WEBSOCKET_STATUS_INTERNAL_ERROR;
        snprintf(text, sizeof(text), "%s", gw_error_name(reason));
    } else if (ws->peer_status != 0 && ws->peer_status != GW_WEBSOCKET_STATUS_NONE) {
        status = ws->peer_status;
    }
    gw__websocket_queue_close(ws, status, text);
}

static void websocket_destroy(struct gw_filter *filter)
{
    struct gw_websocket *ws = (struct gw_websocket *)filter;
    if (filter->is_open) {
        gw__websocket_frames_give(&ws->source->spares, ws->frames);
    } else {
        gw__websocket_head_free(ws);
    }
    own_free(ws);
    output_free(ws);
    gw_filter_source_unref(&ws->source->source);
    free(ws);
}

/* ---- sources ---- */

static const struct gw_filter_ops websocket_ops = {
    .name = "websocket",
    .recv = gw__websocket_recv,
    .recv_end = gw__websocket_recv_end,
    .send = websocket_send,
    .sent = websocket_sent,
    .finish = websocket_finish,
    .destroy = websocket_destroy,
};

static int filter_create(struct gw_filter_source *source, const struct gw_addr *peer,
                         struct gw_filter **filter_out)
{
    struct gw_websocket *ws = calloc(1, sizeof(*ws));
    (void)peer;
    if (ws == NULL) {
        return GW_E_MEMORY;
    }
    gw_filter_source_ref(source);
    ws->source = (struct gw_websocket_source *)source;
    ws->filter.ops = &websocket_ops;
    ws->filter.wants_send = gw__websocket_is_client(ws);
    *filter_out = &ws->filter;
    return 0;
}

static void source_destroy(struct gw_filter_source *source)
{
    struct gw_websocket_source *websocket = (struct gw_websocket_source *)source;
    gw__websocket_spares_free(&websocket->spares);
    free(websocket->rules.origins);
    free(websocket);
}

static struct gw_websocket_source *source_create(const char *path)
{
    struct gw_websocket_source *source = calloc(1, sizeof(*source));
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
    struct gw_websocket_source *source = source_create(path);
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
    struct gw_websocket_source *source = source_create(path);
    if (source == NULL) {
        return GW_E_MEMORY;
    }
    source->spares.is_client = true;
    source->spares.random = config->random != NULL ? config->random : os_random;
    snprintf(source->host, sizeof(source->host), "%s", config->host);
    *source_out = &source->source;
    return 0;
}

/* net/stream_filter.c: The chain of byte filters of a stream: receiving, failures, its lifetime. */
#include "net/stream_filter.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/filter/source.h"
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

enum { PIECE_COUNT_MAX = 4 }; /* calls of on_recv in one turn */

bool gw__stream_is_filtered(const struct gw_stream *stream)
{
    return stream->filters != NULL && stream->filters->count > 0;
}

const struct gw_addr *gw_stream_peer(const struct gw_stream *stream)
{
    const struct gw_addr *peer =
        stream->filters == NULL
            ? NULL
            : atomic_load_explicit(&stream->filters->peer, memory_order_acquire);
    return peer == NULL ? &stream->peer : peer;
}

bool gw_stream_awaits_peer(const struct gw_stream *stream)
{
    bool awaits_peer = false;
    for (int i = 0; stream->filters != NULL && i < stream->filters->count; i++) {
        awaits_peer |= stream->filters->links[i].filter->awaits_peer;
    }
    return awaits_peer;
}

const char *gw_stream_problem(const struct gw_stream *stream)
{
    return stream->filters == NULL ? NULL : stream->filters->problem;
}

static bool all_open(const struct gw_stream_filters *filters)
{
    return gw__filters_first_closed(filters) == filters->count;
}

void gw__filters_fail(struct gw_stream *stream, int index, int error)
{
    struct gw_stream_filters *filters = stream->filters;
    if (!filters->is_failed) {
        filters->is_failed = true;
        filters->error = error;
        filters->problem = index < 0 ? NULL : filters->links[index].filter->problem;
    }
    filters->is_broken |= index < 0;
    if (filters->sender_count > index + 1) {
        filters->sender_count = (uint8_t)(index + 1);
    }
    if (filters->unfinished_count > index) {
        filters->unfinished_count = (uint8_t)(index < 0 ? 0 : index);
    }
    if (!gw__stream_decide_end(stream, GW_STREAM_END_FINISH, error)) {
        atomic_fetch_or(&stream->end, GW_STREAM_END_FINISH); /* after a failed send, too */
    }
    gw__stream_post_work(stream, GW_STREAM_WORK_FILTERS);
}

void gw__stream_filters_work(struct gw_stream *stream)
{
    struct gw_stream_filters *filters = stream->filters;
    if (filters->is_broken || (filters->is_failed && stream->send_failed)) {
        gw__stream_fail(stream, filters->error);
        return;
    }
    if (filters->is_failed && stream->state <= GW_STREAM_FLUSHING) {
        stream->last_queued = true;
        if (filters->rest == NULL) {
            gw__stream_drop_queue(stream);
        }
        gw__stream_flush_at_end(stream);
    }
    if (filters->is_failed && stream->state == GW_STREAM_OPEN) {
        gw__stream_begin_flush(stream);
    } else {
        gw__stream_step_end(stream);
    }
}

void gw__filters_remove_done(struct gw_stream *stream)
{
    struct gw_stream_filters *filters = stream->filters;
    if (filters->rest != NULL || filters->is_failed || stream->state != GW_STREAM_OPEN) {
        return;
    }
    uint8_t count = 0;
    for (int i = 0; i < filters->count; i++) {
        struct gw_filter_link link = filters->links[i];
        if (link.filter->is_done) {
            link.filter->ops->destroy(link.filter);
            gw_filter_source_unref(link.source);
        } else {
            filters->links[count++] = link;
        }
    }
    filters->count = count;
    filters->sender_count = count;
    filters->unfinished_count = count;
    if (count == 0) {
        stream->flush_task.run = gw__stream_run_flush;
    }
}

/* ---- receiving ---- */

static void take_peer(struct gw_stream *stream, int index)
{
    struct gw_stream_filters *filters = stream->filters;
    const struct gw_addr *peer = filters->links[index].filter->peer;
    if (peer == NULL || atomic_load_explicit(&filters->peer, memory_order_relaxed) != NULL) {
        return;
    }
    struct gw_addr *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        gw__filters_fail(stream, index, GW_E_MEMORY);
        return;
    }
    *copy = *peer;
    atomic_store_explicit(&filters->peer, copy, memory_order_release);
}

/*
 * Returns the next bytes for the program in *piece_out: with `in` from that input of the outermost
 * filter, otherwise from what the filters have kept, the innermost first. Returns false when there
 * are none, or after a failure.
 */
static bool pull(struct gw_stream *stream, struct gw_span in, struct gw_span *piece_out)
{
    struct gw_stream_filters *filters = stream->filters;
    uint8_t(*scratch)[GW_STREAM_RECV_BYTES_MAX] = gw__worker()->filter_bytes;
    int bank = 0;
    int i = in.bytes > 0 ? 0 : filters->count - 1;
    while (i >= 0 && i < filters->count) {
        struct gw_filter *filter = filters->links[i].filter;
        int bytes = filter->is_done ? 0 : filter->ops->recv(filter, &in, scratch[bank]);
        if (bytes >= 0) {
            take_peer(stream, i);
        } else {
            gw__filters_fail(stream, i, bytes);
        }
        if (filters->is_failed) {
            return false;
        }
        if (bytes > 0) {
            in = (struct gw_span){.data = scratch[bank], .bytes = (uint32_t)bytes};
            bank = 1 - bank;
        }
        assert(in.bytes == 0 || bytes > 0 || filter->is_done);
        i += in.bytes > 0 ? 1 : -1;
    }
    *piece_out = in;
    return in.bytes > 0;
}

/* Nothing follows for the filters from `index` on. */
static void take_end(struct gw_stream *stream, int index)
{
    struct gw_stream_filters *filters = stream->filters;
    filters->has_ended = true;
    for (; index < filters->count; index++) {
        struct gw_filter *filter = filters->links[index].filter;
        int error = filter->is_done ? GW_OK : filter->ops->recv_end(filter);
        /* When the stream ends anyway, only a handshake could not go on. */
        if (error != GW_OK && (!gw__stream_has_end(stream) || !all_open(filters))) {
            stream->peer_finished = true;
            gw__filters_fail(stream, index, error);
            return;
        }
    }
    gw__stream_take_fin(stream);
}

/* A pause is for the bytes of the program: a handshake goes on, until there are some. */
static bool reads_on(const struct gw_stream *stream)
{
    return !stream->paused || (!gw__stream_has_end(stream) && !all_open(stream->filters) &&
                               gw_ring_used_bytes(&stream->ring) == 0);
}

static void receive(struct gw_stream *stream)
{
    bool is_open = stream->state == GW_STREAM_OPEN;
    if (is_open && stream->paused && reads_on(stream) && !stream->receiving &&
        !stream->peer_finished) {
        stream->receiving = true;
        stream->turn.lane->ops->recv(&stream->socket);
    } else {
        gw__stream_recv(stream);
    }
}

/* After the filters were called: sends what they want to send, and receives or ends. */
static void continue_after(struct gw_stream *stream, bool is_drained)
{
    struct gw_stream_filters *filters = stream->filters;
    int ended = 0;
    while (ended < filters->count && !filters->links[ended].filter->recv_ended) {
        ended++;
    }
    bool ends = is_drained && !filters->has_ended && ended < filters->count;
    if (gw__filters_find_sender(stream) >= 0) {
        gw__stream_flush_at_end(stream);
    }
    if (ends) {
        take_end(stream, ended + 1);
    } else {
        gw__filters_remove_done(stream);
        if (is_drained) {
            receive(stream);
        }
    }
}

/*
 * Passes bytes through the filters: `in`, or what they have kept, until nothing is left or on_recv
 * stops. After so many pieces other turns run first: on_recv limits what it does in one turn, and
 * does not know how often it is called there.
 */
static void pass(struct gw_stream *stream, struct gw_span in)
{
    const struct gw_stream_filters *filters = stream->filters;
    int piece_count = 0;
    bool goes_on = true;
    bool is_drained = false;
    while (goes_on && !is_drained) {
        struct gw_span piece;
        if (filters->is_failed || filters->has_ended || !pull(stream, in, &piece)) {
            is_drained = true;
        } else if (stream->state == GW_STREAM_OPEN) {
            gw_ring_borrow(&stream->ring, piece.data, piece.bytes);
            goes_on = gw__stream_read_ring(stream) && reads_on(stream);
            if (goes_on && ++piece_count == PIECE_COUNT_MAX) {
                gw__stream_post_work(stream, GW_STREAM_WORK_READ);
                goes_on = false;
            }
        }
        in.bytes = 0;
    }
    if (stream->state < GW_STREAM_CLOSING) {
        continue_after(stream, is_drained);
    }
}

void gw__stream_filters_read(struct gw_stream *stream)
{
    bool goes_on = true;
    if (stream->state == GW_STREAM_OPEN) {
        goes_on = gw__stream_read_ring(stream) && reads_on(stream);
    }
    if (goes_on) {
        pass(stream, (struct gw_span){.data = NULL, .bytes = 0});
    }
}

static void take_bytes(struct gw_stream *stream, const uint8_t *data, uint32_t bytes)
{
    struct gw_port *port = stream->turn.lane->port;
    gw__port_count(port, GW_COUNTER_RECV_COUNT, 1);
    gw__port_count(port, GW_COUNTER_BYTES_IN, bytes);
    if (stream->state == GW_STREAM_LINGERING) {
        gw__stream_discard_bytes(stream, bytes);
    } else {
        stream->lingered_bytes += stream->state == GW_STREAM_FLUSHING ? bytes : 0;
        pass(stream, (struct gw_span){.data = data, .bytes = bytes});
    }
}

static void recv_done(struct gw_stream *stream, const uint8_t *data, int result)
{
    struct gw_stream_filters *filters = stream->filters;
    stream->receiving = false;
    if (stream->state == GW_STREAM_CLOSING) {
        gw__stream_step_end(stream);
    } else if (result > 0) {
        take_bytes(stream, data, (uint32_t)result);
    } else if (result < 0) {
        gw__stream_fail(stream, result);
    } else {
        filters->has_fin = true;
        bool is_news =
            stream->state <= GW_STREAM_FLUSHING && !filters->is_failed && !filters->has_ended;
        take_end(stream, is_news ? 0 : filters->count);
    }
}

bool gw__stream_filters_have_fin(const struct gw_stream *stream)
{
    return stream->filters->has_fin;
}

/* ---- creation and end ---- */

static void op_done(struct gw_op *op, int result)
{
    struct gw_stream *stream = GW_CONTAINER_OF(gw__op_socket(op), struct gw_stream, socket);
    if (!gw__stream_is_filtered(stream) || stream->state == GW_STREAM_CONNECTING) {
        gw__stream_op_done(op, result);
        return;
    }
    gw_turn_ref(&stream->turn); /* it may close in the middle */
    if (op->way == GW_WAY_IN) {
        recv_done(stream, op->own.data, result);
    } else {
        gw__filters_send_done(stream, result);
    }
    gw_turn_unref(&stream->turn);
}

int gw__stream_filters_create(struct gw_stream *stream, const struct gw_stream_config *config)
{
    uint8_t count = 0;
    while (count < GW_STREAM_FILTER_COUNT_MAX && config->filters[count] != NULL) {
        count++;
    }
    if (count == 0) {
        return GW_OK;
    }
    struct gw_stream_filters *filters =
        calloc(1, sizeof(*filters) + count * sizeof(struct gw_filter_link));
    if (filters == NULL) {
        return GW_E_MEMORY;
    }
    stream->filters = filters;
    for (int i = 0; i < count; i++) {
        struct gw_filter_link *link = &filters->links[filters->count];
        int error = config->filters[i]->create(config->filters[i], &stream->peer, &link->filter);
        if (error != GW_OK) {
            return error;
        }
        if (link->filter != NULL) {
            link->source = gw_filter_source_ref(config->filters[i]);
            filters->count++;
        }
    }
    if (filters->count == 0) {
        free(filters);
        stream->filters = NULL;
        return GW_OK;
    }
    filters->sender_count = filters->count;
    filters->unfinished_count = filters->count;
    stream->socket.done = op_done;
    stream->flush_task.run = gw__filters_run_flush;
    return GW_OK;
}

void gw__stream_filters_close(struct gw_stream *stream)
{
    if (gw__stream_is_filtered(stream)) {
        struct gw_stream_filters *filters = stream->filters;
        gw__stream_filters_drop(stream);
        while (filters->count > 0) {
            struct gw_filter_link *link = &filters->links[--filters->count];
            link->filter->ops->destroy(link->filter);
            gw_filter_source_unref(link->source);
        }
    }
}

void gw__stream_filters_free(struct gw_stream *stream)
{
    if (stream->filters != NULL) {
        gw__stream_filters_close(stream);
        free(atomic_load_explicit(&stream->filters->peer, memory_order_relaxed));
        free(stream->filters);
    }
}

/* ---- sources ---- */

struct gw_filter_source *gw_filter_source_ref(struct gw_filter_source *source)
{
    atomic_fetch_add_explicit(&source->refs, 1, memory_order_relaxed);
    return source;
}

void gw_filter_source_unref(struct gw_filter_source *source)
{
    if (source != NULL && atomic_fetch_sub_explicit(&source->refs, 1, memory_order_acq_rel) == 1) {
        source->destroy(source);
    }
}

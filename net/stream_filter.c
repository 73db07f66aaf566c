/* net/stream_filter.c: The chain of byte filters of a stream. */
#include "net/container_of.h"
#include "net/error.h"
#include "net/filter/filter.h"
#include "net/filter/source.h"
#include "net/pool.h"
#include "net/stream_internal.h"
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 *   kernel -> pull() -> scratch of the worker -> ring -> on_recv
 *   kernel <- rest   <- encode()              <- batch of the send queue
 *
 * A batch is the front of the send queue. Its entries remain there until the kernel has taken all
 * of the output made from it. What the kernel does not take at once is listed in `rest`: its bytes
 * are in buffers of the filters or in entries of the batch.
 */

enum { PIECE_COUNT_MAX = 4 }; /* calls of on_recv in one turn */

/* Output that the kernel has not taken completely: spans[first] to spans[count - 1]. */
struct rest {
    uint32_t first;
    uint32_t count;
    uint32_t capacity_count;
    struct gw_span spans[];
};

struct link {
    struct gw_filter *filter;
    struct gw_filter_source *source;
};

struct gw_stream_filters {
    _Atomic(struct gw_addr *) peer; /* from a filter; otherwise NULL */
    const char *problem;            /* of the filter that failed first */
    struct rest *rest;
    uint32_t batch_bytes; /* in the front of the send queue */
    int error;            /* of the filter that failed first */
    uint8_t count;
    uint8_t sender_count;     /* the first so many may still send: fewer after a failure */
    uint8_t unfinished_count; /* the first so many have not been finished */
    uint8_t senders;          /* a bit for each filter whose output has not left */
    bool is_failed : 1;
    bool is_broken : 1; /* the rest of an output is lost: nothing can follow it */
    bool has_fin : 1;
    bool has_ended : 1; /* FIN, or a filter says that nothing follows */
    struct link links[];
};

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

static bool is_passed(const struct gw_filter *filter)
{
    return filter->is_done || filter->is_open;
}

/* The first filter that is not open; the number of filters when all are. */
static int first_closed(const struct gw_stream_filters *filters)
{
    int index = 0;
    while (index < filters->count && is_passed(filters->links[index].filter)) {
        index++;
    }
    return index;
}

static bool all_open(const struct gw_stream_filters *filters)
{
    return first_closed(filters) == filters->count;
}

/*
 * The filter with this index has failed; a negative one: an output is lost. It may be the turn of
 * another object, so the stream's own turn does the rest.
 */
static void fail(struct gw_stream *stream, int index, int error)
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

/* ---- sending ---- */

/* Spans to send. */
struct output {
    const struct gw_span *spans;
    int count;
    uint32_t bytes;
};

static uint32_t sum_bytes(const struct gw_span *spans, int count)
{
    uint32_t bytes = 0;
    for (int i = 0; i < count; i++) {
        bytes += spans[i].bytes;
    }
    return bytes;
}

/* Who sends next: the innermost filter that may and wants to, `count` for the queue; -1: none. */
static int find_sender(const struct gw_stream *stream)
{
    const struct gw_stream_filters *filters = stream->filters;
    int index = first_closed(filters);
    if (index == filters->count && !filters->is_failed &&
        !gw__send_queue_is_empty(&stream->queue)) {
        return index;
    }
    index = index < filters->sender_count ? index : filters->sender_count - 1;
    while (index >= 0 &&
           (filters->links[index].filter->is_done || !filters->links[index].filter->wants_send)) {
        index--;
    }
    return index;
}

static bool has_output(const struct gw_stream *stream)
{
    bool open = stream->state == GW_STREAM_OPEN || stream->state == GW_STREAM_FLUSHING;
    return open && !stream->sending && !stream->send_failed && !stream->filters->is_broken &&
           (stream->filters->rest != NULL || find_sender(stream) >= 0);
}

/* Makes the front of the queue the batch. Leaves room for a span of each filter. */
static int gather_batch(struct gw_stream *stream, struct gw_span spans[GW_SEND_SPAN_COUNT_MAX])
{
    struct gw_stream_filters *filters = stream->filters;
    int count = gw__send_queue_gather(&stream->queue, spans);
    int count_max = GW_SEND_SPAN_COUNT_MAX - filters->count;
    uint32_t left_bytes = GW_FILTER_SEND_BYTES_MAX;
    int taken = 0;
    while (taken < count && taken < count_max && left_bytes > 0) {
        struct gw_span *span = &spans[taken++];
        span->bytes = span->bytes < left_bytes ? span->bytes : left_bytes;
        left_bytes -= span->bytes;
    }
    filters->batch_bytes = GW_FILTER_SEND_BYTES_MAX - left_bytes;
    stream->shown_count = (uint8_t)taken;
    return taken;
}

/* Passes a batch, or the output of filters alone, outwards. Returns false after a failure. */
static bool encode(struct gw_stream *stream, struct gw_span memory[2][GW_SEND_SPAN_COUNT_MAX],
                   struct output *output_out)
{
    struct gw_stream_filters *filters = stream->filters;
    int sender = find_sender(stream);
    int count = sender == filters->count ? gather_batch(stream, memory[0]) : 0;
    struct gw_span *in = memory[0];
    for (int i = sender == filters->count ? sender - 1 : sender; i >= 0; i--) {
        struct gw_filter *filter = filters->links[i].filter;
        if (filter->is_done || (count == 0 && !filter->wants_send)) {
            continue;
        }
        struct gw_span *out = in == memory[0] ? memory[1] : memory[0];
        filters->senders |= (uint8_t)(1U << i);
        count = filter->ops->send(filter, in, count, out);
        if (count < 0) {
            fail(stream, i, count);
            gw__stream_filters_drop(stream);
            return false;
        }
        in = out;
    }
    *output_out = (struct output){.spans = in, .count = count, .bytes = sum_bytes(in, count)};
    return true;
}

/* The rest of the last output, or the next one. */
static bool next_output(struct gw_stream *stream, struct gw_span memory[2][GW_SEND_SPAN_COUNT_MAX],
                        struct output *output_out)
{
    const struct rest *rest = stream->filters->rest;
    if (rest == NULL) {
        return encode(stream, memory, output_out);
    }
    const struct gw_span *spans = rest->spans + rest->first;
    int count = (int)(rest->count - rest->first);
    *output_out = (struct output){.spans = spans, .count = count, .bytes = sum_bytes(spans, count)};
    return true;
}

static uint32_t rest_bytes(uint32_t count)
{
    return (uint32_t)(sizeof(struct rest) + count * sizeof(struct gw_span));
}

static void free_rest(struct gw_stream_filters *filters)
{
    if (filters->rest != NULL) {
        gw__pool_give(filters->rest, rest_bytes(filters->rest->capacity_count));
        filters->rest = NULL;
    }
}

void gw__stream_filters_drop(struct gw_stream *stream)
{
    if (gw__stream_is_filtered(stream)) {
        free_rest(stream->filters);
        stream->filters->batch_bytes = 0;
        stream->filters->senders = 0;
        stream->shown_count = 0;
    }
}

/* All of the output has left: removes the batch from the queue. */
static void end_output(struct gw_stream *stream, struct gw_send_gone *gone_out)
{
    struct gw_stream_filters *filters = stream->filters;
    for (int i = 0; i < filters->count; i++) {
        struct gw_filter *filter = filters->links[i].filter;
        if ((filters->senders & 1U << i) != 0 && filter->ops->sent != NULL) {
            filter->ops->sent(filter);
        }
    }
    uint32_t batch_bytes = filters->batch_bytes;
    gw__stream_filters_drop(stream);
    gone_out->count = 0;
    if (batch_bytes > 0) {
        gw__stream_consume(stream, batch_bytes, gone_out);
    } else if (gw__send_queue_is_empty(&stream->queue)) {
        gw__stream_set_refusal(stream, GW_STREAM_REFUSAL_NONE);
    }
    if (filters->is_failed) {
        gw__stream_drop_queue(stream);
    }
}

/* Keeps the list of what the kernel has not taken. Returns false when there is no memory. */
static bool keep_rest(struct gw_stream *stream, const struct output *output)
{
    struct gw_stream_filters *filters = stream->filters;
    if (filters->rest == NULL) {
        struct rest *rest = gw__pool_take(rest_bytes((uint32_t)output->count));
        if (rest == NULL) {
            gw__stream_filters_drop(stream);
            fail(stream, -1, GW_E_MEMORY);
            return false;
        }
        rest->first = 0;
        rest->count = (uint32_t)output->count;
        rest->capacity_count = rest->count;
        memcpy(rest->spans, output->spans, rest->count * sizeof(struct gw_span));
        filters->rest = rest;
    }
    return true;
}

/* The kernel has taken the first `bytes` of the rest. Returns whether that was all. */
static bool advance_rest(struct rest *rest, uint32_t bytes)
{
    while (rest->first < rest->count && bytes >= rest->spans[rest->first].bytes) {
        bytes -= rest->spans[rest->first].bytes;
        rest->first++;
    }
    if (rest->first < rest->count) {
        rest->spans[rest->first].data += bytes;
        rest->spans[rest->first].bytes -= bytes;
    }
    return rest->first == rest->count;
}

/* Under the conditions of send_now() of stream_send.c. */
void gw__stream_filters_send_now(struct gw_stream *stream)
{
    struct gw_span memory[2][GW_SEND_SPAN_COUNT_MAX];
    struct output output;
    struct gw_send_gone gone;
    bool took_all = true;
    while (took_all && has_output(stream) && stream->state == GW_STREAM_OPEN &&
           gw__stream_refusal(stream) != GW_STREAM_REFUSAL_LOSS) {
        if (!next_output(stream, memory, &output)) {
            continue;
        }
        int sent = stream->turn.lane->ops->send_now(&stream->socket, output.spans, output.count);
        if (sent > 0) {
            gw__stream_count_sent(stream, (uint32_t)sent);
        }
        took_all = sent == (int)output.bytes;
        if (took_all) {
            end_output(stream, &gone);
        } else if (keep_rest(stream, &output)) {
            (void)advance_rest(stream->filters->rest, sent > 0 ? (uint32_t)sent : 0);
            gw__stream_flush_at_end(stream);
        }
    }
}

/* Submits a send of the next output. */
static void submit(struct gw_stream *stream)
{
    struct gw_span memory[2][GW_SEND_SPAN_COUNT_MAX];
    struct output output;
    struct gw_send_gone gone;
    while (has_output(stream)) {
        if (!next_output(stream, memory, &output)) {
            continue;
        }
        if (output.bytes > 0 && keep_rest(stream, &output)) {
            if (gw__stream_refusal(stream) == GW_STREAM_REFUSAL_NONE) {
                gw__stream_set_refusal(stream, GW_STREAM_REFUSAL_SOME);
            }
            stream->sending = true;
            stream->turn.lane->ops->send(&stream->socket, output.spans, output.count);
        } else if (output.bytes == 0) {
            end_output(stream, &gone);
            gw__stream_post_work(stream, GW_STREAM_WORK_FILTERS);
        }
    }
}

static void run_flush(struct gw_task *task)
{
    struct gw_stream *stream = GW_CONTAINER_OF(task, struct gw_stream, flush_task);
    stream->flush_marked = false;
    gw__stream_filters_send_now(stream);
    submit(stream);
    gw_turn_unref(&stream->turn);
}

static void take_sent(struct gw_stream *stream, uint32_t bytes)
{
    struct gw_send_gone gone;
    if (bytes > 0) {
        gw__stream_count_sent(stream, bytes);
    }
    if (advance_rest(stream->filters->rest, bytes)) {
        end_output(stream, &gone);
        gw__stream_report_lost(stream, &gone);
    }
    if (stream->filters->rest != NULL || find_sender(stream) >= 0) {
        gw__stream_flush_at_end(stream);
    }
}

/* Destroys filters that are done; with none left, operations and flushes are those of a plain
 * stream. */
static void remove_done(struct gw_stream *stream)
{
    struct gw_stream_filters *filters = stream->filters;
    if (filters->rest != NULL || filters->is_failed || stream->state != GW_STREAM_OPEN) {
        return;
    }
    uint8_t count = 0;
    for (int i = 0; i < filters->count; i++) {
        struct link link = filters->links[i];
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

static void send_done(struct gw_stream *stream, int result)
{
    stream->sending = false;
    if (result < 0 && stream->state != GW_STREAM_CLOSING) {
        gw__stream_fail_sending(stream, result);
        return;
    }
    if (result >= 0 && stream->filters->rest != NULL) { /* otherwise it was a connect */
        take_sent(stream, (uint32_t)result);
        remove_done(stream);
    }
    gw__stream_step_end(stream);
}

bool gw__stream_filters_finish(struct gw_stream *stream)
{
    struct gw_stream_filters *filters = stream->filters;
    if (!gw__stream_is_filtered(stream)) {
        return true;
    }
    for (;;) {
        bool wants_send = filters->rest != NULL;
        for (int i = 0; i < filters->sender_count; i++) {
            const struct gw_filter *filter = filters->links[i].filter;
            wants_send |= filter->wants_send && !filter->is_done;
        }
        if (wants_send || filters->unfinished_count == 0) {
            if (wants_send) {
                gw__stream_flush_at_end(stream);
            }
            return !wants_send;
        }
        struct gw_filter *filter = filters->links[--filters->unfinished_count].filter;
        if (!filter->is_done) {
            filter->ops->finish(filter, gw__stream_reason(stream));
        }
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
        fail(stream, index, GW_E_MEMORY);
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
            fail(stream, i, bytes);
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
            fail(stream, index, error);
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
    if (find_sender(stream) >= 0) {
        gw__stream_flush_at_end(stream);
    }
    if (ends) {
        take_end(stream, ended + 1);
    } else {
        remove_done(stream);
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
        send_done(stream, result);
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
    struct gw_stream_filters *filters = calloc(1, sizeof(*filters) + count * sizeof(struct link));
    if (filters == NULL) {
        return GW_E_MEMORY;
    }
    stream->filters = filters;
    for (int i = 0; i < count; i++) {
        struct link *link = &filters->links[filters->count];
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
    stream->flush_task.run = run_flush;
    return GW_OK;
}

void gw__stream_filters_close(struct gw_stream *stream)
{
    if (gw__stream_is_filtered(stream)) {
        struct gw_stream_filters *filters = stream->filters;
        gw__stream_filters_drop(stream);
        while (filters->count > 0) {
            struct link *link = &filters->links[--filters->count];
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

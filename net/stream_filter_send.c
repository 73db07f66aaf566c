/* net/stream_filter_send.c: Sending through the byte filters of a stream. */
#include "net/container_of.h"
#include "net/error.h"
#include "net/pool.h"
#include "net/stream_filter.h"
#include <string.h>

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

int gw__filters_find_sender(const struct gw_stream *stream)
{
    const struct gw_stream_filters *filters = stream->filters;
    int index = gw__filters_first_closed(filters);
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
           (stream->filters->rest != NULL || gw__filters_find_sender(stream) >= 0);
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
    int sender = gw__filters_find_sender(stream);
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
            gw__filters_fail(stream, i, count);
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
    const struct gw_filter_rest *rest = stream->filters->rest;
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
    return (uint32_t)(sizeof(struct gw_filter_rest) + count * sizeof(struct gw_span));
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
        struct gw_filter_rest *rest = gw__pool_take(rest_bytes((uint32_t)output->count));
        if (rest == NULL) {
            gw__stream_filters_drop(stream);
            gw__filters_fail(stream, -1, GW_E_MEMORY);
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
static bool advance_rest(struct gw_filter_rest *rest, uint32_t bytes)
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

void gw__filters_run_flush(struct gw_task *task)
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
    if (stream->filters->rest != NULL || gw__filters_find_sender(stream) >= 0) {
        gw__stream_flush_at_end(stream);
    }
}

void gw__filters_send_done(struct gw_stream *stream, int result)
{
    stream->sending = false;
    if (result < 0 && stream->state != GW_STREAM_CLOSING) {
        gw__stream_fail_sending(stream, result);
        return;
    }
    if (result >= 0 && stream->filters->rest != NULL) { /* otherwise it was a connect */
        take_sent(stream, (uint32_t)result);
        gw__filters_remove_done(stream);
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

/* net/stream_send.c: Sending on streams. */
#include "net/buf.h"
#include "net/container_of.h"
#include "net/error.h"
#include "net/stream_internal.h"
#include <assert.h>

/* ---- counting and limits ---- */

static uint32_t queued(const struct gw_stream *stream)
{
    return atomic_load_explicit(&stream->queued_bytes, memory_order_relaxed);
}

static void count_queued(struct gw_stream *stream, uint32_t cost)
{
    gw__port_count(stream->turn.lane->port, GW_COUNTER_SEND_QUEUE_BYTES, cost);
}

/* Subtracts `cost` from the queued bytes. */
static void release(struct gw_stream *stream, uint32_t cost)
{
    atomic_fetch_sub_explicit(&stream->queued_bytes, cost, memory_order_relaxed);
    gw__port_count(stream->turn.lane->port, GW_COUNTER_SEND_QUEUE_BYTES, (uint64_t)0 - cost);
}

enum gw_stream_refusal gw__stream_refusal(const struct gw_stream *stream)
{
    return (enum gw_stream_refusal)atomic_load_explicit(&stream->refusal, memory_order_relaxed);
}

void gw__stream_set_refusal(struct gw_stream *stream, enum gw_stream_refusal refused)
{
    atomic_store_explicit(&stream->refusal, (unsigned char)refused, memory_order_relaxed);
}

static void send_now(struct gw_stream *stream);

/* Tries the kernel where a limit would be exceeded. */
static void try_now(struct gw_stream *stream)
{
    if (gw__stream_is_filtered(stream)) {
        gw__stream_filters_send_now(stream);
    } else {
        send_now(stream);
    }
}

/*
 * Whether the calling thread may access the queue, or must post a task: also on the stream's own
 * lane when tasks are queued for its turn, so that a send does not overtake what was posted before.
 */
static bool queue_is_mine(const struct gw_stream *stream)
{
    return gw_turn_is_mine(&stream->turn) ||
           (gw__lane_is_mine(stream->turn.lane) && gw__turn_is_idle(&stream->turn));
}

/*
 * The limit is for bytes that the kernel does not take. A caller that may access the queue tries
 * the kernel first; for others it counts whether the kernel has refused bytes. Returns the limit.
 */
static uint64_t limit_now(struct gw_stream *stream)
{
    uint64_t limit = stream->queued_bytes_max;
    bool is_blocked = gw__stream_refusal(stream) != GW_STREAM_REFUSAL_NONE;
    if (queue_is_mine(stream)) {
        try_now(stream);
        is_blocked = !gw__send_queue_is_empty(&stream->queue);
    }
    if (!is_blocked) {
        limit *= GW_STREAM_BURST_FACTOR;
        limit = limit < UINT32_MAX ? limit : UINT32_MAX;
    }
    return limit;
}

/*
 * Adds `cost`, which exceeds the limit, unless the kernel has refused bytes; any cost when nothing
 * is queued.
 */
static int claim_beyond(struct gw_stream *stream, uint32_t cost)
{
    uint64_t limit = limit_now(stream);
    unsigned before = queued(stream);
    do {
        if (before != 0 && (uint64_t)before + cost > limit) {
            return GW_E_FULL;
        }
    } while (!atomic_compare_exchange_weak_explicit(&stream->queued_bytes, &before, before + cost,
                                                    memory_order_relaxed, memory_order_relaxed));
    count_queued(stream, cost);
    return GW_OK;
}

/* Adds `cost` to the queued bytes within the limit. Returns 0, GW_E_CLOSED or GW_E_FULL. */
static int claim(struct gw_stream *stream, uint32_t cost)
{
    if (gw__stream_has_end(stream)) {
        return GW_E_CLOSED;
    }
    unsigned before = queued(stream);
    if ((uint64_t)before + cost > stream->queued_bytes_max) {
        return claim_beyond(stream, cost);
    }
    while (!atomic_compare_exchange_weak_explicit(&stream->queued_bytes, &before, before + cost,
                                                  memory_order_relaxed, memory_order_relaxed)) {
        if ((uint64_t)before + cost > stream->queued_bytes_max) {
            return claim_beyond(stream, cost);
        }
    }
    count_queued(stream, cost);
    return GW_OK;
}

/* ---- into the queue ---- */

static bool takes_entries(const struct gw_stream *stream)
{
    return stream->state <= GW_STREAM_FLUSHING && !stream->send_failed && !stream->last_queued;
}

static uint32_t soft_bytes(const struct gw_stream *stream)
{
    return stream->queued_bytes_max / GW_STREAM_SOFT_PART;
}

/* Above the soft limit, drops the older bytes that `entry` supersedes. */
static void coalesce(struct gw_stream *stream, struct gw_send_entry *entry)
{
    struct gw_send_gone gone;
    if (entry->key == 0 || queued(stream) <= soft_bytes(stream)) {
        return;
    }
    try_now(stream);
    if (queued(stream) > soft_bytes(stream)) {
        stream->was_high = true;
        gw__send_queue_coalesce(&stream->queue, stream->shown_count, entry, &gone);
        release(stream, gone.cost);
        if (gone.count > 0) {
            gw__stream_set_refusal(stream, GW_STREAM_REFUSAL_LOSS);
        }
        gw__port_count(stream->turn.lane->port, GW_COUNTER_SEND_COALESCED, gone.count);
    }
}

static void append(struct gw_stream *stream, struct gw_send_entry *entry)
{
    if (!takes_entries(stream)) {
        release(stream, gw__send_entry_cost(entry));
        gw__send_entry_destroy(entry);
        return;
    }
    stream->last_queued = entry->last;
    coalesce(stream, entry);
    gw__send_queue_append(&stream->queue, entry);
    gw__stream_flush_at_end(stream);
}

/* The task of an entry from another thread. */
static void arrive(struct gw_task *task)
{
    struct gw_send_entry *entry = (struct gw_send_entry *)(void *)task;
    append(entry->stream, entry);
}

static void post_entry(struct gw_stream *stream, struct gw_send_entry *entry)
{
    entry->task.run = arrive;
    entry->stream = stream;
    gw_turn_post(&stream->turn, &entry->task);
}

static void queue_entry(struct gw_stream *stream, struct gw_send_entry *entry)
{
    if (queue_is_mine(stream)) {
        append(stream, entry);
    } else {
        post_entry(stream, entry);
    }
}

int gw_stream_send(struct gw_stream *stream, struct gw_buf *buf)
{
    return gw_stream_send_part(stream, buf, 0, gw_buf_bytes(buf));
}

int gw_stream_send_part(struct gw_stream *stream, struct gw_buf *buf, uint32_t begin, uint32_t end)
{
    end = end < gw_buf_bytes(buf) ? end : gw_buf_bytes(buf);
    uint32_t cost = end - begin + GW_STREAM_BUF_OVERHEAD_BYTES;
    if (begin >= end) {
        return gw__stream_has_end(stream) ? GW_E_CLOSED : GW_OK;
    }
    int error = claim(stream, cost);
    if (error != GW_OK) {
        return error;
    }
    struct gw_send_entry *entry = gw__send_entry_share(buf, begin, end);
    if (entry == NULL) {
        release(stream, cost);
        return GW_E_MEMORY;
    }
    queue_entry(stream, entry);
    return GW_OK;
}

/* Posted even in the stream's own turn, behind what others have posted: nothing may follow it. */
void gw__stream_queue_last(struct gw_stream *stream, struct gw_buf *buf)
{
    uint32_t bytes = gw_buf_bytes(buf);
    struct gw_send_entry *entry = bytes == 0 ? NULL : gw__send_entry_share(buf, 0, bytes);
    if (entry != NULL) {
        entry->last = true;
        uint32_t cost = gw__send_entry_cost(entry); /* no limit for the final message */
        atomic_fetch_add_explicit(&stream->queued_bytes, cost, memory_order_relaxed);
        count_queued(stream, cost);
        post_entry(stream, entry);
    }
}

/* Finds memory: on the stream's lane in the last chunk or a new one, else in a new entry. */
static int find_room(struct gw_stream *stream, struct gw_stream_reservation *reservation)
{
    uint32_t bytes = reservation->bytes;
    if (reservation->in_place) {
        reservation->data = gw__send_queue_room(&stream->queue, bytes);
        if (reservation->data != NULL) {
            return GW_OK;
        }
    }
    struct gw_send_entry *entry =
        reservation->in_place ? gw__send_entry_chunk(bytes) : gw__send_entry_exact(bytes);
    reservation->own = entry;
    reservation->data = entry == NULL ? NULL : entry->data;
    return entry == NULL ? GW_E_MEMORY : GW_OK;
}

int gw_stream_reserve(struct gw_stream *stream, uint32_t bytes,
                      struct gw_stream_reservation *reservation_out)
{
    int error = bytes == 0 ? GW_E_FULL : claim(stream, bytes);
    if (error != GW_OK) {
        return error;
    }
    *reservation_out =
        (struct gw_stream_reservation){.bytes = bytes, .in_place = queue_is_mine(stream)};
    error = find_room(stream, reservation_out);
    if (error != GW_OK) {
        release(stream, bytes);
    }
    return error;
}

void gw_stream_commit(struct gw_stream *stream, struct gw_stream_reservation *reservation)
{
    struct gw_send_entry *entry = reservation->own;
    if (entry != NULL) {
        entry->end = reservation->bytes;
        queue_entry(stream, entry);
    } else {
        stream->queue.last->end += reservation->bytes;
        gw__stream_flush_at_end(stream);
    }
}

/* ---- out of the queue ---- */

void gw__stream_flush_at_end(struct gw_stream *stream)
{
    if (!stream->flush_marked) {
        stream->flush_marked = true;
        gw_turn_ref(&stream->turn);
        gw__turn_at_end(GW_TURN_END_FLUSH, &stream->flush_task);
    }
}

static bool may_send(const struct gw_stream *stream)
{
    bool open = stream->state == GW_STREAM_OPEN || stream->state == GW_STREAM_FLUSHING;
    return open && !stream->sending && !stream->send_failed &&
           !gw__send_queue_is_empty(&stream->queue);
}

static bool is_low(const struct gw_stream *stream)
{
    return stream->was_high && queued(stream) <= soft_bytes(stream) / 2;
}

/* The queue had `before` bytes and has drained. This may be in a turn of another object. */
static void note_drained(struct gw_stream *stream, uint32_t before)
{
    stream->was_high |= before > soft_bytes(stream);
    if (is_low(stream)) {
        gw__stream_post_work(stream, GW_STREAM_WORK_SEND_LOW);
    }
}

void gw__stream_send_low(struct gw_stream *stream)
{
    if (is_low(stream) && !gw__stream_has_end(stream)) {
        stream->was_high = false;
        stream->events->on_send_low(stream, stream->context);
    }
}

void gw__stream_count_sent(struct gw_stream *stream, uint32_t bytes)
{
    struct gw_port *port = stream->turn.lane->port;
    gw__port_count(port, GW_COUNTER_SEND_COUNT, 1);
    gw__port_count(port, GW_COUNTER_BYTES_OUT, bytes);
}

void gw__stream_consume(struct gw_stream *stream, uint32_t bytes, struct gw_send_gone *gone_out)
{
    gw__send_queue_consume(&stream->queue, bytes, gone_out);
    release(stream, gone_out->cost);
    if (stream->events->on_send_low != NULL) {
        note_drained(stream, queued(stream) + gone_out->cost);
    }
    if (gw__send_queue_is_empty(&stream->queue)) {
        gw__stream_set_refusal(stream, GW_STREAM_REFUSAL_NONE);
    }
}

/*
 * Sends what the kernel takes at once. It may be called in the middle of a turn, and in turns of
 * other objects of the lane: so not when the stream's turn must act on the result, in an end and
 * after a loss. An error is left to the send that follows.
 */
static void send_now(struct gw_stream *stream)
{
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    struct gw_send_gone gone;
    int sent = 0;
    uint32_t shown_bytes = 0;
    while (sent == (int)shown_bytes && may_send(stream) && stream->state == GW_STREAM_OPEN &&
           gw__stream_refusal(stream) != GW_STREAM_REFUSAL_LOSS) {
        int count = gw__send_queue_gather(&stream->queue, spans);
        shown_bytes = 0;
        for (int i = 0; i < count; i++) {
            shown_bytes += spans[i].bytes;
        }
        sent = stream->turn.lane->ops->send_now(&stream->socket, spans, count);
        if (sent > 0) {
            gw__stream_count_sent(stream, (uint32_t)sent);
            gw__stream_consume(stream, (uint32_t)sent, &gone);
        }
    }
}

void gw__stream_run_flush(struct gw_task *task)
{
    struct gw_stream *stream = GW_CONTAINER_OF(task, struct gw_stream, flush_task);
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    stream->flush_marked = false;
    send_now(stream);
    if (may_send(stream)) {
        int count = gw__send_queue_gather(&stream->queue, spans);
        if (gw__stream_refusal(stream) == GW_STREAM_REFUSAL_NONE) {
            gw__stream_set_refusal(stream, GW_STREAM_REFUSAL_SOME);
        }
        stream->sending = true;
        stream->shown_count = (uint8_t)count;
        stream->turn.lane->ops->send(&stream->socket, spans, count);
    }
    gw_turn_unref(&stream->turn);
}

void gw__stream_report_lost(struct gw_stream *stream, const struct gw_send_gone *gone)
{
    for (uint32_t i = 0; i < gone->count && !gw__stream_has_end(stream); i++) {
        if (stream->events->on_lost != NULL) {
            stream->events->on_lost(stream, gone->keys[i], stream->context);
        }
    }
}

static void take_sent(struct gw_stream *stream, uint32_t bytes)
{
    struct gw_send_gone gone;
    if (bytes > 0) {
        gw__stream_count_sent(stream, bytes);
        gw__stream_consume(stream, bytes, &gone);
        gw__stream_report_lost(stream, &gone);
    }
    if (!gw__send_queue_is_empty(&stream->queue)) {
        gw__stream_flush_at_end(stream);
    }
}

/*
 * Sending failed. Bytes that have arrived are still delivered for a while, unless the program has
 * finished or closed the stream.
 */
void gw__stream_fail_sending(struct gw_stream *stream, int error)
{
    bool open = stream->state == GW_STREAM_OPEN;
    if (!open || !gw__stream_decide_end(stream, GW_STREAM_END_FAILED, error)) {
        gw__stream_fail(stream, error);
        return;
    }
    stream->send_failed = true;
    gw__stream_drop_queue(stream);
    gw__stream_set_end_deadline(stream, GW_STREAM_LINGER_MS);
}

void gw__stream_send_done(struct gw_stream *stream, int result)
{
    stream->sending = false;
    stream->shown_count = 0;
    if (result < 0 && stream->state != GW_STREAM_CLOSING) {
        gw__stream_fail_sending(stream, result);
        return;
    }
    if (result >= 0) {
        take_sent(stream, (uint32_t)result);
    }
    gw__stream_step_end(stream);
}

void gw__stream_drop_queue(struct gw_stream *stream)
{
    assert(!stream->sending);
    gw__stream_filters_drop(stream);
    release(stream, gw__send_queue_drop(&stream->queue));
}

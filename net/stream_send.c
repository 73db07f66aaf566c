/* net/stream_send.c: the bytes that go out on a stream. */
#include "net/buf.h"
#include "net/container_of.h"
#include "net/error.h"
#include "net/stream_internal.h"
#include <assert.h>

/* ---- what waits, counted ---- */

static uint32_t queued(const struct gw_stream *stream)
{
    return atomic_load_explicit(&stream->queued_bytes, memory_order_relaxed);
}

static void count_queued(struct gw_stream *stream, uint32_t cost)
{
    gw__port_count(stream->turn.lane->port, GW_COUNTER_SEND_QUEUE_BYTES, cost);
}

/* Takes `cost` off what waits. */
static void release(struct gw_stream *stream, uint32_t cost)
{
    atomic_fetch_sub_explicit(&stream->queued_bytes, cost, memory_order_relaxed);
    gw__port_count(stream->turn.lane->port, GW_COUNTER_SEND_QUEUE_BYTES, (uint64_t)0 - cost);
}

/* Adds `cost` to what waits, however much that is. */
static void charge(struct gw_stream *stream, uint32_t cost)
{
    atomic_fetch_add_explicit(&stream->queued_bytes, cost, memory_order_relaxed);
    count_queued(stream, cost);
}

static enum gw_stream_refusal refusal(const struct gw_stream *stream)
{
    return (enum gw_stream_refusal)atomic_load_explicit(&stream->refusal, memory_order_relaxed);
}

static void set_refusal(struct gw_stream *stream, enum gw_stream_refusal refused)
{
    atomic_store_explicit(&stream->refusal, (unsigned char)refused, memory_order_relaxed);
}

static void send_now(struct gw_stream *stream);

/*
 * Whether the calling thread may touch the queue now, or must leave a task: also on the stream's
 * own lane when other tasks wait for its turn, so that what was posted before is not overtaken.
 */
static bool queue_is_mine(const struct gw_stream *stream)
{
    return gw_turn_is_mine(&stream->turn) ||
           (gw__lane_is_mine(stream->turn.lane) && gw__turn_is_idle(&stream->turn));
}

/*
 * The limit is for what the kernel does not take. Where the caller may touch the queue the kernel
 * is asked now; elsewhere it counts whether it has refused something. Returns what may wait.
 */
static uint64_t limit_now(struct gw_stream *stream)
{
    uint64_t limit = stream->queued_bytes_max;
    bool is_blocked = refusal(stream) != GW_STREAM_REFUSAL_NONE;
    if (queue_is_mine(stream)) {
        send_now(stream);
        is_blocked = !gw__send_queue_is_empty(&stream->queue);
    }
    if (!is_blocked) {
        limit *= GW_STREAM_BURST_FACTOR;
        limit = limit < UINT32_MAX ? limit : UINT32_MAX;
    }
    return limit;
}

/* Adds `cost`, which is beyond the limit, to what waits, unless the kernel has refused something;
 * where nothing waits, any cost. */
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

/* Adds `cost` to what waits, if the limit allows. Returns 0, GW_E_CLOSED or GW_E_FULL. */
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
    return stream->state <= GW_STREAM_FLUSHING && !stream->send_failed && !stream->last_said;
}

static uint32_t soft_bytes(const struct gw_stream *stream)
{
    return stream->queued_bytes_max / GW_STREAM_SOFT_PART;
}

/* A queue that is long lets go of what `entry` makes old. */
static void make_way(struct gw_stream *stream, struct gw_send_entry *entry)
{
    struct gw_send_gone gone;
    if (entry->kind == 0 || queued(stream) <= soft_bytes(stream)) {
        return;
    }
    send_now(stream);
    if (queued(stream) > soft_bytes(stream)) {
        stream->was_high = true;
        gw__send_queue_coalesce(&stream->queue, stream->shown_count, entry, &gone);
        release(stream, gone.cost);
        if (gone.count > 0) {
            set_refusal(stream, GW_STREAM_REFUSAL_LOSS);
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
    stream->last_said = entry->last;
    make_way(stream, entry);
    gw__send_queue_append(&stream->queue, entry);
    gw__stream_flush_at_end(stream);
}

/* An entry has come from another thread. */
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

/* Also in the stream's own turn behind what others have posted: nothing may come after it. */
void gw__stream_queue_last(struct gw_stream *stream, struct gw_buf *buf)
{
    uint32_t bytes = gw_buf_bytes(buf);
    struct gw_send_entry *entry = bytes == 0 ? NULL : gw__send_entry_share(buf, 0, bytes);
    if (entry != NULL) {
        entry->last = true;
        charge(stream, gw__send_entry_cost(entry));
        post_entry(stream, entry);
    }
}

/* Finds room on the stream's own lane: in the last chunk, or in a new one. */
static int reserve_in_place(struct gw_stream *stream, struct gw_stream_reservation *place)
{
    place->data = gw__send_queue_room(&stream->queue, place->bytes);
    if (place->data != NULL) {
        return GW_OK;
    }
    struct gw_send_entry *entry = gw__send_entry_chunk(place->bytes);
    place->own = entry;
    place->data = entry == NULL ? NULL : entry->data;
    return entry == NULL ? GW_E_MEMORY : GW_OK;
}

static int reserve_elsewhere(struct gw_stream_reservation *place)
{
    struct gw_send_entry *entry = gw__send_entry_exact(place->bytes);
    place->own = entry;
    place->data = entry == NULL ? NULL : entry->data;
    return entry == NULL ? GW_E_MEMORY : GW_OK;
}

int gw_stream_reserve(struct gw_stream *stream, uint32_t bytes,
                      struct gw_stream_reservation *place_out)
{
    int error = bytes == 0 ? GW_E_FULL : claim(stream, bytes);
    if (error != GW_OK) {
        return error;
    }
    *place_out = (struct gw_stream_reservation){.bytes = bytes, .in_place = queue_is_mine(stream)};
    error =
        place_out->in_place ? reserve_in_place(stream, place_out) : reserve_elsewhere(place_out);
    if (error != GW_OK) {
        release(stream, bytes);
    }
    return error;
}

void gw_stream_commit(struct gw_stream *stream, struct gw_stream_reservation *place)
{
    struct gw_send_entry *entry = place->own;
    if (entry != NULL) {
        entry->end = place->bytes;
        queue_entry(stream, entry);
    } else {
        stream->queue.last->end += place->bytes;
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

/* Lets go of what was sent. */
static void consume(struct gw_stream *stream, uint32_t bytes, struct gw_send_gone *gone_out)
{
    struct gw_port *port = stream->turn.lane->port;
    gw__port_count(port, GW_COUNTER_SEND_COUNT, 1);
    gw__port_count(port, GW_COUNTER_BYTES_OUT, bytes);
    gw__send_queue_consume(&stream->queue, bytes, gone_out);
    release(stream, gone_out->cost);
    if (stream->events->on_send_low != NULL) {
        note_drained(stream, queued(stream) + gone_out->cost);
    }
    if (gw__send_queue_is_empty(&stream->queue)) {
        set_refusal(stream, GW_STREAM_REFUSAL_NONE);
    }
}

/*
 * Sends what the kernel takes at once. Also in the middle of a turn, and in turns of others of the
 * lane: so not where a turn of the stream must hear of it, at its end and after a loss. An error is
 * left to the send that follows.
 */
static void send_now(struct gw_stream *stream)
{
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    struct gw_send_gone gone;
    int sent = 0;
    uint32_t shown_bytes = 0;
    while (sent == (int)shown_bytes && may_send(stream) && stream->state == GW_STREAM_OPEN &&
           refusal(stream) != GW_STREAM_REFUSAL_LOSS) {
        int count = gw__send_queue_gather(&stream->queue, spans);
        shown_bytes = 0;
        for (int i = 0; i < count; i++) {
            shown_bytes += spans[i].bytes;
        }
        sent = stream->turn.lane->ops->send_now(&stream->socket, spans, count);
        if (sent > 0) {
            consume(stream, (uint32_t)sent, &gone);
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
        if (refusal(stream) == GW_STREAM_REFUSAL_NONE) {
            set_refusal(stream, GW_STREAM_REFUSAL_SOME);
        }
        stream->sending = true;
        stream->shown_count = (uint8_t)count;
        stream->turn.lane->ops->send(&stream->socket, spans, count);
    }
    gw_turn_unref(&stream->turn);
}

/* To who goes on; an end makes up for nothing. */
static void tell_lost(struct gw_stream *stream, const struct gw_send_gone *gone)
{
    for (uint32_t i = 0; i < gone->count && !gw__stream_has_end(stream); i++) {
        if (stream->events->on_lost != NULL) {
            stream->events->on_lost(stream, gone->kinds[i], stream->context);
        }
    }
}

static void take_sent(struct gw_stream *stream, uint32_t bytes)
{
    struct gw_send_gone gone;
    if (bytes > 0) {
        consume(stream, bytes, &gone);
        tell_lost(stream, &gone);
    }
    if (!gw__send_queue_is_empty(&stream->queue)) {
        gw__stream_flush_at_end(stream);
    }
}

/*
 * Nothing more can leave. What had arrived is still delivered, for a while; but not to who has
 * finished or closed already.
 */
static void fail_sending(struct gw_stream *stream, int error)
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
        fail_sending(stream, result);
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
    release(stream, gw__send_queue_drop(&stream->queue));
}

/* net/stream_end.c: Finish and close of streams. */
#include "net/buf.h"
#include "net/container_of.h"
#include "net/error.h"
#include "net/stream_internal.h"
#include <assert.h>
#include <stddef.h>

enum { NS_PER_MS = 1000000 };

/* ---- deciding, on any thread ---- */

bool gw__stream_decide_end(struct gw_stream *stream, unsigned bit, int reason)
{
    uint64_t none = 0;
    uint64_t end = (uint64_t)(uint32_t)reason << GW_STREAM_END_REASON_SHIFT | bit;
    return atomic_compare_exchange_strong(&stream->end, &none, end);
}

int gw__stream_reason(const struct gw_stream *stream)
{
    uint64_t end = atomic_load(&stream->end);
    return (int)(int32_t)(uint32_t)(end >> GW_STREAM_END_REASON_SHIFT);
}

void gw__stream_post_end(struct gw_stream *stream)
{
    gw__stream_post_work(stream, GW_STREAM_WORK_END);
}

/* A send failed before the program finished the stream: deliver nothing more. */
static void close_recv(struct gw_stream *stream)
{
    if (!gw__stream_is_recv_closed(stream)) {
        atomic_fetch_or(&stream->end, GW_STREAM_END_FINISH);
        gw__stream_post_end(stream);
    }
}

bool gw_stream_finish(struct gw_stream *stream, int reason, struct gw_buf *last)
{
    if (!gw__stream_decide_end(stream, GW_STREAM_END_FINISH, reason)) {
        close_recv(stream);
        return false;
    }
    if (last != NULL) {
        gw__stream_queue_last(stream, last);
    }
    gw__stream_post_end(stream);
    return true;
}

bool gw_stream_close(struct gw_stream *stream, int reason)
{
    bool first = gw__stream_decide_end(stream, GW_STREAM_END_CLOSE, reason);
    if (!first) {
        atomic_fetch_or(&stream->end, GW_STREAM_END_CLOSE);
    }
    gw__stream_post_end(stream);
    return first;
}

/* ---- steps of the end, in turns ---- */

void gw__stream_set_end_deadline(struct gw_stream *stream, uint32_t ms)
{
    gw_timer_set(&stream->timer, gw_turn_now_ns(&stream->turn) + (uint64_t)ms * NS_PER_MS);
}

/*
 * The last turn. A close with unsent bytes is a reset, so that a peer that has stopped reading
 * leaves no bytes in the kernel. A close with all bytes sent is not, because RST discards bytes
 * that the peer has received and not read.
 */
static void end_now(struct gw_stream *stream)
{
    const struct gw_backend_ops *ops = stream->turn.lane->ops;
    stream->state = GW_STREAM_CLOSED;
    gw_timer_stop(&stream->timer);
    gw__stream_drop_queue(stream);
    gw__stream_filters_close(stream);
    gw_ring_fini(&stream->ring);
    if (stream->attached) {
        ops->detach(&stream->socket, ops->has_unsent(&stream->socket));
    } else {
        ops->socket_close(stream->socket.handle);
    }
    gw__stream_leave_port(stream);
    if (stream->events->on_close != NULL) {
        stream->events->on_close(stream, gw__stream_reason(stream), stream->context);
    }
    gw_turn_unref(&stream->turn);
}

static void begin_close(struct gw_stream *stream)
{
    if (stream->state >= GW_STREAM_CLOSING) {
        return;
    }
    stream->state = GW_STREAM_CLOSING;
    gw_timer_stop(&stream->timer);
    if (stream->receiving || stream->sending) {
        stream->turn.lane->ops->cancel(&stream->socket);
    }
    gw__stream_step_end(stream);
}

void gw__stream_begin_flush(struct gw_stream *stream)
{
    stream->state = GW_STREAM_FLUSHING;
    gw_ring_fini(&stream->ring);
    gw__stream_set_end_deadline(stream, GW_STREAM_FLUSH_MS);
    gw__stream_flush_at_end(stream); /* bytes may be queued since before it opened */
    if (gw__stream_is_filtered(stream)) {
        gw__stream_filters_read(stream);
    } else {
        gw__stream_recv(stream); /* a peer that is sending must be able to go on */
    }
    gw__stream_step_end(stream);
}

/* Everything is sent: sends FIN and waits for the peer's. */
static void begin_linger(struct gw_stream *stream)
{
    stream->turn.lane->ops->shutdown(&stream->socket);
    if (gw__stream_is_filtered(stream)) {
        stream->peer_finished = gw__stream_filters_have_fin(stream);
    }
    stream->lingered_bytes = 0;
    stream->state = GW_STREAM_LINGERING;
    gw__stream_set_end_deadline(stream, GW_STREAM_LINGER_MS);
    gw__stream_recv(stream);
    gw__stream_step_end(stream);
}

void gw__stream_run_end(struct gw_stream *stream, bool alone)
{
    bool close = (atomic_load(&stream->end) & GW_STREAM_END_CLOSE) != 0;
    if (close || stream->state < GW_STREAM_OPEN || stream->send_failed) {
        begin_close(stream);
    } else if (stream->state == GW_STREAM_OPEN && !alone) {
        gw__stream_post_end(stream);
    } else if (stream->state == GW_STREAM_OPEN) {
        gw__stream_begin_flush(stream);
    }
}

void gw__stream_step_end(struct gw_stream *stream)
{
    if (stream->state == GW_STREAM_FLUSHING && !stream->sending &&
        gw__send_queue_is_empty(&stream->queue) && gw__stream_filters_finish(stream)) {
        begin_linger(stream);
    } else if (stream->state == GW_STREAM_LINGERING && stream->peer_finished &&
               !stream->turn.lane->ops->has_unsent(&stream->socket)) {
        begin_close(stream);
    } else if (stream->state == GW_STREAM_CLOSING && !stream->sending && !stream->receiving) {
        end_now(stream);
    }
}

void gw__stream_fail(struct gw_stream *stream, int error)
{
    gw__stream_decide_end(stream, GW_STREAM_END_CLOSE, error);
    begin_close(stream);
}

/* ---- the deadline ---- */

static bool is_ending(const struct gw_stream *stream)
{
    return stream->state > GW_STREAM_OPEN || stream->send_failed;
}

void gw__stream_on_time(struct gw_timer *timer)
{
    struct gw_stream *stream = GW_CONTAINER_OF(timer, struct gw_stream, timer);
    if (is_ending(stream)) {
        gw__stream_fail(stream, GW_E_TIMEOUT);
    } else if (!gw__stream_has_end(stream) && stream->events->on_deadline != NULL) {
        stream->events->on_deadline(stream, stream->context);
    }
}

void gw_stream_set_deadline(struct gw_stream *stream, uint64_t deadline_ns)
{
    assert(gw_turn_check(&stream->turn, __func__));
    if (is_ending(stream)) {
        return;
    }
    if (deadline_ns == GW_STREAM_NO_DEADLINE) {
        gw_timer_stop(&stream->timer);
    } else {
        gw_timer_set(&stream->timer, deadline_ns);
    }
}

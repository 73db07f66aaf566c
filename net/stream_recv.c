/* net/stream_recv.c: Receiving on streams. */
#include "net/error.h"
#include "net/stream_internal.h"
#include <assert.h>

/* Whether received bytes are delivered. */
static bool is_delivering(const struct gw_stream *stream)
{
    return stream->state == GW_STREAM_OPEN && !gw__stream_is_recv_closed(stream);
}

static bool wants_bytes(const struct gw_stream *stream)
{
    switch ((enum gw_stream_state)stream->state) {
    case GW_STREAM_OPEN:
        return is_delivering(stream) && !stream->paused;
    case GW_STREAM_FLUSHING:
        return stream->lingered_bytes <= GW_STREAM_LINGER_BYTES;
    case GW_STREAM_LINGERING:
        return true;
    default:
        return false;
    }
}

void gw__stream_recv(struct gw_stream *stream)
{
    if (stream->receiving || stream->peer_finished || !wants_bytes(stream)) {
        return;
    }
    stream->receiving = true;
    stream->turn.lane->ops->recv(&stream->socket);
}

/* Calls on_recv; without it, discards everything. */
static enum gw_recv call_on_recv(struct gw_stream *stream)
{
    if (stream->events->on_recv != NULL) {
        return stream->events->on_recv(stream, &stream->ring, stream->context);
    }
    gw_ring_consume(&stream->ring, gw_ring_used_bytes(&stream->ring));
    return GW_RECV_MORE;
}

bool gw__stream_read_ring(struct gw_stream *stream)
{
    enum gw_recv next = GW_RECV_MORE;
    bool has_news = gw_ring_used_bytes(&stream->ring) > 0 || stream->peer_finished;
    if (is_delivering(stream) && !stream->paused && has_news) {
        next = call_on_recv(stream);
    }
    if (!is_delivering(stream)) {
        gw_ring_fini(&stream->ring); /* an end was decided and is posted */
        return false;
    }
    int error = gw_ring_commit(&stream->ring);
    if (error != GW_OK) {
        gw__stream_fail(stream, error);
    } else if (next == GW_RECV_AGAIN) {
        gw__stream_post_work(stream, GW_STREAM_WORK_READ);
    }
    return error == GW_OK && next == GW_RECV_MORE;
}

void gw__stream_deliver(struct gw_stream *stream)
{
    if (gw__stream_read_ring(stream)) {
        gw__stream_recv(stream);
    }
}

/* Discards bytes received after a finish. */
void gw__stream_discard_bytes(struct gw_stream *stream, uint32_t bytes)
{
    stream->lingered_bytes += bytes;
    if (stream->state == GW_STREAM_LINGERING && stream->lingered_bytes > GW_STREAM_LINGER_BYTES) {
        gw_stream_close(stream, GW_E_CLOSED);
    } else {
        gw__stream_recv(stream);
    }
}

static void take_bytes(struct gw_stream *stream, const uint8_t *data, uint32_t bytes)
{
    struct gw_port *port = stream->turn.lane->port;
    gw__port_count(port, GW_COUNTER_RECV_COUNT, 1);
    gw__port_count(port, GW_COUNTER_BYTES_IN, bytes);
    if (stream->state == GW_STREAM_OPEN) {
        gw_ring_borrow(&stream->ring, data, bytes);
        gw__stream_deliver(stream);
    } else {
        gw__stream_discard_bytes(stream, bytes);
    }
}

/*
 * The peer has sent FIN. The end is posted, so it comes behind all sends before it, also those of
 * other threads. An end that was decided before is posted already.
 */
void gw__stream_take_fin(struct gw_stream *stream)
{
    stream->peer_finished = true;
    if (stream->state == GW_STREAM_OPEN && !gw__stream_has_end(stream) &&
        stream->events->on_recv_end != NULL) {
        stream->events->on_recv_end(stream, stream->context);
        gw__stream_deliver(stream);
    } else if (stream->state == GW_STREAM_OPEN && !stream->send_failed) {
        if (gw__stream_decide_end(stream, GW_STREAM_END_FINISH, GW_E_CLOSED)) {
            gw__stream_post_end(stream);
        }
    } else if (stream->state == GW_STREAM_LINGERING) {
        gw__stream_step_end(stream);
    } else if (stream->state != GW_STREAM_FLUSHING) {
        gw__stream_fail(stream, GW_E_CLOSED);
    }
}

void gw__stream_recv_done(struct gw_stream *stream, const uint8_t *data, int result)
{
    stream->receiving = false;
    if (stream->state == GW_STREAM_CLOSING) {
        gw__stream_step_end(stream);
    } else if (result > 0) {
        take_bytes(stream, data, (uint32_t)result);
    } else if (result == 0) {
        gw__stream_take_fin(stream);
    } else {
        gw__stream_fail(stream, result);
    }
}

void gw_stream_pause(struct gw_stream *stream)
{
    assert(gw_turn_check(&stream->turn, __func__));
    stream->paused = true;
}

int gw_stream_peer_end(struct gw_stream *stream)
{
    assert(gw_turn_is_mine(&stream->turn));
    bool is_open = stream->state == GW_STREAM_OPEN && !gw__stream_has_end(stream);
    return is_open ? stream->turn.lane->ops->peer_end(&stream->socket) : GW_OK;
}

void gw_stream_resume(struct gw_stream *stream)
{
    assert(gw_turn_check(&stream->turn, __func__));
    if (stream->paused) {
        stream->paused = false;
        gw__stream_post_work(stream, GW_STREAM_WORK_READ);
    }
}

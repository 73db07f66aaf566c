/* net/stream.c: Creation, start and accessors of streams. */
#include "net/stream.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/stream_internal.h"
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

_Static_assert(sizeof(struct gw_stream) <=
                   288 + OS_SOCKET_BYTES + 2 * OS_OP_BYTES + 2 * sizeof(os_socket),
               "ten thousand idle streams are most of a server's memory");

static const struct gw_backend_ops *ops_of(const struct gw_stream *stream)
{
    return stream->turn.lane->ops;
}

static void free_stream(struct gw_turn *turn)
{
    struct gw_stream *stream = (struct gw_stream *)(void *)turn;
    gw__stream_filters_free(stream);
    free(stream);
}

_Static_assert(offsetof(struct gw_stream, socket) == sizeof(struct gw_turn),
               "gw__socket_prefetch() finds the stream of a socket");

/* The smallest power of two that holds one message and one receive, in 32 bits. */
static uint32_t ring_bytes_for(uint32_t recv_bytes_max)
{
    uint32_t bytes = GW_STREAM_RECV_BYTES_MAX;
    uint64_t wanted_bytes = (uint64_t)recv_bytes_max + GW_STREAM_RECV_BYTES_MAX;
    while (bytes < wanted_bytes && bytes <= UINT32_MAX / 2) {
        bytes *= 2;
    }
    return bytes;
}

/* ---- the turn's work ---- */

/* After a finish or close there is no on_open: the end is posted, and sends what was queued. */
static void open_now(struct gw_stream *stream)
{
    stream->state = GW_STREAM_OPEN;
    if (gw__stream_has_end(stream)) {
        return;
    }
    if (stream->events->on_open != NULL) {
        stream->events->on_open(stream, stream->context);
    }
    gw__stream_flush_at_end(stream); /* sends what was queued before */
    if (gw__stream_is_filtered(stream)) {
        gw__stream_filters_read(stream);
    } else {
        gw__stream_recv(stream);
    }
}

static void begin(struct gw_stream *stream)
{
    int error = ops_of(stream)->attach(&stream->socket);
    if (error != GW_OK) {
        gw__stream_fail(stream, error);
        return;
    }
    stream->attached = true;
    if (stream->state == GW_STREAM_CONNECTING) {
        stream->sending = true;
        ops_of(stream)->connect(&stream->socket, &stream->peer);
    } else {
        open_now(stream);
    }
}

static void connect_done(struct gw_stream *stream, int result)
{
    stream->sending = false;
    if (result < 0) {
        gw__stream_fail(stream, result);
    } else {
        open_now(stream);
    }
}

/* After an end during a connect its result is handled as that of a send: both only wait for it. */
void gw__stream_op_done(struct gw_op *op, int result)
{
    struct gw_stream *stream = GW_CONTAINER_OF(gw__op_socket(op), struct gw_stream, socket);
    if (op->way == GW_WAY_IN) {
        gw__stream_recv_done(stream, op->own.data, result);
    } else if (stream->state == GW_STREAM_CONNECTING) {
        connect_done(stream, result);
    } else {
        gw__stream_send_done(stream, result);
    }
}

static void run_work(struct gw_task *task)
{
    struct gw_stream *stream = GW_CONTAINER_OF(task, struct gw_stream, work_task);
    unsigned work = atomic_exchange(&stream->work, 0);
    if (stream->state == GW_STREAM_CLOSED) {
        return;
    }
    if ((work & GW_STREAM_WORK_OPEN) != 0) {
        begin(stream);
    }
    if ((work & GW_STREAM_WORK_READ) != 0 && stream->state == GW_STREAM_OPEN) {
        if (gw__stream_is_filtered(stream)) {
            gw__stream_filters_read(stream);
        } else {
            gw__stream_deliver(stream);
        }
    }
    if ((work & GW_STREAM_WORK_SEND_LOW) != 0) {
        gw__stream_send_low(stream);
    }
    if ((work & GW_STREAM_WORK_FILTERS) != 0) {
        gw__stream_filters_work(stream);
    }
    if ((work & GW_STREAM_WORK_END) != 0) {
        gw__stream_run_end(stream, work == GW_STREAM_WORK_END);
    }
}

void gw__stream_post_work(struct gw_stream *stream, unsigned work)
{
    if (atomic_fetch_or(&stream->work, work) == 0) {
        gw_turn_post(&stream->turn, &stream->work_task);
    }
}

/* ---- creation ---- */

/* Returns 0, GW_E_MEMORY or the error of a filter; then the socket is still open. */
static int create(struct gw_port *port, os_socket handle, const struct gw_addr *peer,
                  const struct gw_stream_config *config, struct gw_stream **stream_out)
{
    struct gw_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return GW_E_MEMORY;
    }
    stream->peer = *peer;
    gw__socket_init(&stream->socket, handle, &stream->turn, gw__stream_op_done);
    stream->work_task.run = run_work;
    stream->flush_task.run = gw__stream_run_flush;
    stream->queued_bytes_max = config->send_queue_bytes_max;
    gw_ring_init(&stream->ring, ring_bytes_for(config->recv_bytes_max));
    gw_timer_init(&stream->timer, &stream->turn, gw__stream_on_time);
    int error = gw__stream_filters_create(stream, config);
    if (error != GW_OK) {
        gw__stream_filters_free(stream);
        free(stream);
        return error;
    }
    struct gw_lane *lane = gw__port_emptiest_lane(port);
    gw__turn_init(&stream->turn, lane, free_stream);
    atomic_fetch_add_explicit(&lane->stream_count, 1, memory_order_relaxed);
    *stream_out = stream;
    return GW_OK;
}

struct gw_stream *gw__stream_create(struct gw_port *port, os_socket handle,
                                    const struct gw_stream_config *config)
{
    struct gw_addr peer = gw__port_ops(port)->socket_peer(handle);
    struct gw_stream *stream;
    return create(port, handle, &peer, config, &stream) == GW_OK ? stream : NULL;
}

void gw__stream_discard(struct gw_stream *stream)
{
    ops_of(stream)->socket_close(stream->socket.handle);
    gw__stream_leave_port(stream);
    gw_turn_unref(&stream->turn);
}

bool gw__stream_is_started(const struct gw_stream *stream)
{
    return stream->events != NULL;
}

void gw__stream_leave_port(struct gw_stream *stream)
{
    struct gw_lane *lane = stream->turn.lane;
    atomic_fetch_sub_explicit(&lane->stream_count, 1, memory_order_relaxed);
    gw__port_release_stream(lane->port);
}

void gw_stream_start(struct gw_stream *stream, const struct gw_stream_events *events, void *context)
{
    if (gw__stream_is_started(stream)) {
        return;
    }
    stream->events = events;
    stream->context = context;
    gw__stream_post_work(stream, GW_STREAM_WORK_OPEN);
}

/* Counts one more stream and opens its socket. */
static int open_socket(struct gw_port *port, const struct gw_addr *addr,
                       const struct gw_addr *source, os_socket *handle_out)
{
    if (!gw__port_reserve_stream(port)) {
        return GW_E_FULL;
    }
    int error = gw__port_ops(port)->socket_open(addr, source, handle_out);
    if (error != GW_OK) {
        gw__port_release_stream(port);
    }
    return error;
}

int gw_stream_dial(struct gw_port *port, const struct gw_addr *addr, const struct gw_addr *source,
                   const struct gw_stream_config *config, const struct gw_stream_events *events,
                   void *context, struct gw_stream **stream_out)
{
    os_socket handle;
    int error = open_socket(port, addr, source, &handle);
    if (error != GW_OK) {
        return error;
    }
    struct gw_stream *stream;
    error = create(port, handle, addr, config, &stream);
    if (error != GW_OK) {
        gw__port_ops(port)->socket_close(handle);
        gw__port_release_stream(port);
        return error;
    }
    gw__port_count(port, GW_COUNTER_DIALED, 1);
    stream->state = GW_STREAM_CONNECTING;
    *stream_out = gw_stream_ref(stream);
    gw_stream_start(stream, events, context);
    return GW_OK;
}

/* ---- accessors ---- */

const struct gw_addr *gw__stream_peer_of(const struct gw_turn *turn)
{
    return turn->on_free == free_stream
               ? gw_stream_peer((const struct gw_stream *)(const void *)turn)
               : NULL;
}

struct gw_stream *gw_stream_ref(struct gw_stream *stream)
{
    gw_turn_ref(&stream->turn);
    return stream;
}

void gw_stream_unref(struct gw_stream *stream)
{
    if (stream != NULL) {
        gw_turn_unref(&stream->turn);
    }
}

struct gw_turn *gw_stream_turn(struct gw_stream *stream)
{
    return &stream->turn;
}

uint32_t gw_stream_send_queue_bytes(const struct gw_stream *stream)
{
    return atomic_load_explicit(&stream->queued_bytes, memory_order_relaxed);
}

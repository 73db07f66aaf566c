/* net/listener.c: Listening sockets and the streams that they accept. */
#include "net/listener.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/filter/source.h"
#include "net/stream_internal.h"
#include <stddef.h>
#include <stdlib.h>

enum {
    BACKLOG_COUNT_MAX = 4096, /* the default of net.core.somaxconn since Linux 5.4 */
    PAUSE_MS = 100,
    FAILURE_COUNT_MAX = 16, /* accepts that fail in a row and are retried at once */
    NS_PER_MS = 1000000,
};

struct gw_listener {
    struct gw_turn turn;
    struct gw_socket socket;
    struct gw_timer pause; /* until accepting continues */
    struct gw_task open_task;
    struct gw_task close_task;
    struct gw_listener_config config;
    const struct gw_listener_events *events;
    void *context;
    bool attached;
    bool accepting; /* an accept is in flight */
    bool closing;
    bool short_of;         /* the last accept failed for want of descriptors or memory */
    uint8_t failure_count; /* accepts that failed since the last success */
};

_Static_assert(offsetof(struct gw_listener, socket) == sizeof(struct gw_turn),
               "gw__socket_prefetch() finds the listener of a socket");

static const struct gw_backend_ops *ops_of(const struct gw_listener *listener)
{
    return listener->turn.lane->ops;
}

static struct gw_port *port_of(const struct gw_listener *listener)
{
    return listener->turn.lane->port;
}

static void free_listener(struct gw_turn *turn)
{
    struct gw_listener *listener = (struct gw_listener *)(void *)turn;
    for (int i = 0; i < GW_STREAM_FILTER_COUNT_MAX; i++) {
        gw_filter_source_unref(listener->config.stream.filters[i]);
    }
    free(listener);
}

/* ---- closing ---- */

/* The last turn, when no accept is in flight. */
static void step_close(struct gw_listener *listener)
{
    if (!listener->closing || listener->accepting) {
        return;
    }
    gw_timer_stop(&listener->pause);
    if (listener->attached) {
        ops_of(listener)->detach(&listener->socket, false);
    } else {
        ops_of(listener)->socket_close(listener->socket.handle);
    }
    if (listener->events->on_close != NULL) {
        listener->events->on_close(listener, listener->context);
    }
    gw_turn_unref(&listener->turn);
}

static void run_close(struct gw_task *task)
{
    struct gw_listener *listener = GW_CONTAINER_OF(task, struct gw_listener, close_task);
    listener->closing = true;
    if (listener->accepting) {
        ops_of(listener)->cancel(&listener->socket);
    }
    step_close(listener);
}

void gw_listener_close(struct gw_listener *listener)
{
    gw_turn_post(&listener->turn, &listener->close_task);
}

/* ---- accepting ---- */

static void accept_next(struct gw_listener *listener)
{
    if (!listener->closing && !listener->accepting) {
        listener->accepting = true;
        ops_of(listener)->accept(&listener->socket);
    }
}

static void end_pause(struct gw_timer *timer)
{
    accept_next(GW_CONTAINER_OF(timer, struct gw_listener, pause));
}

/* A shortage lasts longer than a retry: accepting again at once would spin. */
static void pause_accepting(struct gw_listener *listener, int error)
{
    gw__port_count(port_of(listener), GW_COUNTER_ACCEPT_PAUSES, 1);
    if (!listener->short_of) {
        struct gw_log_field fields[] = {GW_LOG_TEXT("error", gw_error_name(error)),
                                        GW_LOG_NUMBER("pause_ms", PAUSE_MS)};
        gw_log_write(gw_port_log(port_of(listener)), GW_LOG_WARNING, "accept_paused", fields, 2);
    }
    listener->short_of = true;
    gw_timer_set(&listener->pause, gw_turn_now_ns(&listener->turn) + PAUSE_MS * NS_PER_MS);
}

/* Creates a stream for a socket; without memory or room closes the socket and returns NULL. */
static struct gw_stream *create_stream(struct gw_listener *listener, os_socket handle)
{
    struct gw_port *port = port_of(listener);
    gw__port_count(port, GW_COUNTER_ACCEPTED, 1);
    if (!gw__port_reserve_stream(port)) {
        gw__port_count(port, GW_COUNTER_TURNED_AWAY, 1);
        ops_of(listener)->socket_close(handle);
        return NULL;
    }
    struct gw_stream *stream = gw__stream_create(port, handle, &listener->config.stream);
    if (stream == NULL) {
        gw__port_count(port, GW_COUNTER_TURNED_AWAY, 1);
        gw__port_release_stream(port);
        ops_of(listener)->socket_close(handle);
    }
    return stream;
}

static void accept_stream(struct gw_listener *listener, os_socket handle)
{
    struct gw_stream *stream = create_stream(listener, handle);
    if (stream == NULL) {
        return;
    }
    gw_stream_ref(stream); /* it may close on its own worker before on_accept returns */
    listener->events->on_accept(listener, stream, listener->context);
    if (!gw__stream_is_started(stream)) {
        gw__stream_discard(stream);
    }
    gw_stream_unref(stream);
}

/*
 * Whether to pause before the next accept: descriptors or memory are short, or many accepts have
 * failed in a row. Any other error is that of one connection, which the call has removed from the
 * backlog: accept(2) lists ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, EPERM and more.
 */
static bool must_pause(struct gw_listener *listener, int error)
{
    if (error >= 0) {
        listener->failure_count = 0;
        return false;
    }
    listener->failure_count++;
    bool is_shortage = error == GW_E_FULL || error == GW_E_MEMORY;
    bool pauses = is_shortage || listener->failure_count == FAILURE_COUNT_MAX;
    listener->failure_count = pauses ? 0 : listener->failure_count;
    return pauses;
}

static void accept_done(struct gw_op *op, int result)
{
    struct gw_socket *socket = gw__op_socket(op);
    struct gw_listener *listener = GW_CONTAINER_OF(socket, struct gw_listener, socket);
    listener->accepting = false;
    if (result == 0 && listener->closing) {
        ops_of(listener)->socket_close(socket->accepted);
    } else if (result == 0) {
        listener->short_of = false;
        accept_stream(listener, socket->accepted);
    }
    if (listener->closing) {
        step_close(listener);
    } else if (must_pause(listener, result)) {
        pause_accepting(listener, result);
    } else {
        accept_next(listener);
    }
}

/* ---- opening ---- */

static void run_open(struct gw_task *task)
{
    struct gw_listener *listener = GW_CONTAINER_OF(task, struct gw_listener, open_task);
    int error = ops_of(listener)->attach(&listener->socket);
    listener->attached = error == GW_OK;
    if (listener->attached) {
        accept_next(listener);
        return;
    }
    struct gw_log_field fields[] = {GW_LOG_TEXT("error", gw_error_name(error))};
    gw_log_write(gw_port_log(port_of(listener)), GW_LOG_ERROR, "listen_failed", fields, 1);
}

/* Tries for GW_LISTENER_WAIT_MS; only outside of turns, because it sleeps. */
static int listen_again(struct gw_port *port, struct gw_addr *addr, uint32_t backlog,
                        os_socket *handle_out)
{
    char text[GW_ADDR_TEXT_BYTES];
    struct gw_log_field fields[] = {GW_LOG_TEXT("address", gw_addr_format(addr, text)),
                                    GW_LOG_NUMBER("wait_ms_max", GW_LISTENER_WAIT_MS)};
    gw_log_write(gw_port_log(port), GW_LOG_WARNING, "listen_waits", fields, 2);
    return gw__port_ops(port)->socket_listen(addr, backlog, GW_LISTENER_WAIT_MS, handle_out);
}

int gw_listener_open(struct gw_port *port, const struct gw_listener_config *config,
                     const struct gw_listener_events *events, void *context,
                     struct gw_listener **listener_out)
{
    uint32_t backlog =
        config->backlog_count_max == 0 ? (uint32_t)BACKLOG_COUNT_MAX : config->backlog_count_max;
    struct gw_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) {
        return GW_E_MEMORY;
    }
    listener->config = *config;
    os_socket handle;
    int error = gw__port_ops(port)->socket_listen(&listener->config.addr, backlog, 0, &handle);
    if (error == GW_E_IN_USE && gw__worker() == NULL) {
        error = listen_again(port, &listener->config.addr, backlog, &handle);
    }
    if (error != GW_OK) {
        free(listener);
        return error;
    }
    gw_turn_init(&listener->turn, port, free_listener);
    gw__socket_init(&listener->socket, handle, &listener->turn, accept_done);
    listener->open_task.run = run_open;
    listener->close_task.run = run_close;
    listener->events = events;
    listener->context = context;
    gw_timer_init(&listener->pause, &listener->turn, end_pause);
    for (int i = 0; i < GW_STREAM_FILTER_COUNT_MAX; i++) {
        if (config->stream.filters[i] != NULL) {
            gw_filter_source_ref(config->stream.filters[i]);
        }
    }
    *listener_out = listener;
    gw_turn_post(&listener->turn, &listener->open_task);
    return GW_OK;
}

const struct gw_addr *gw_listener_addr(const struct gw_listener *listener)
{
    return &listener->config.addr;
}

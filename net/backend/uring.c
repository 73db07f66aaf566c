/* net/backend/uring.c: The backend on io_uring(7). */
#define _GNU_SOURCE /* <liburing.h> */
#include "net/backend/backend.h"

#include "net/backend/try.h"
#include "net/backend/uring_lane.h"
#include "net/error.h"
#include "net/lane.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * A submit records what net awaits in the socket's record and adds the record to the lane's list of
 * changed sockets. wait() prepares requests for all of them and submits these in the call that
 * waits. A full submission queue, or a kernel that takes only a part, loses nothing: the rest stays
 * in the list.
 *
 * Accepts and receives are multishot: one request stays armed for as long as each done submits the
 * next operation, which costs nothing then. When none has been submitted by the next call into the
 * kernel, which is the only time at which the kernel works for this ring, that call first cancels
 * the request. So what arrives without an operation is at most the rest of one call. It is
 * buffered; from then on the socket receives with single-shot requests, until one of them leaves
 * nothing unread. New sockets start with single-shot requests.
 *
 * A send is tried inside the submit, while the bytes are in the cache. When the kernel does not
 * take them, the send waits for a poll that reports room. A connect waits in the same way.
 */
static struct gw_uring_socket *record_of(const struct gw_socket *socket)
{
    return *(struct gw_uring_socket *const *)&socket->own;
}

static struct gw_uring_lane *lane_of(const struct gw_socket *socket)
{
    return socket->turn->lane->own;
}

/* Puts an operation that has ended inside a call into the list that wait() hands over. */
static void finish_with(struct gw_op *op, int result, struct gw_uring_buffered *buffered)
{
    ((struct gw_uring_op *)&op->own)->buffered = buffered;
    gw__finished_add(&lane_of(gw__op_socket(op))->finished, op, result);
}

static void finish(struct gw_op *op, int result)
{
    finish_with(op, result, NULL);
}

/* Opens a ring of the size that the workers' rings have: the kernel may refuse those and allow a
 * smaller one. */
static bool backend_available(const char **why_out)
{
    struct gw_uring_lane lane = {.wake = -1};
    int error = gw__uring_lane_open(&lane);
    if (error == 0) {
        gw__uring_lane_close(&lane);
    }
    *why_out = error == 0 ? NULL : gw__uring_refusal(error);
    return error == 0;
}

static int backend_open(struct gw_lane *lane, const char **why_out)
{
    struct gw_uring_lane *own = calloc(1, sizeof(*own));
    if (own == NULL) {
        return GW_E_MEMORY;
    }
    int error = gw__uring_lane_open(own);
    if (error != 0) {
        free(own);
        *why_out = gw__uring_refusal(error);
        return GW_E_UNSUPPORTED;
    }
    lane->own = own;
    return GW_OK;
}

static void backend_close(struct gw_lane *lane)
{
    struct gw_uring_lane *own = lane->own;
    gw__uring_lane_close(own);
    gw__uring_sockets_free(&own->sockets);
    free(own);
    lane->own = NULL;
}

/* Whether the ring goes on after `error`, of which 0 and -ETIME are none. */
static bool is_transient(int error)
{
    return error == 0 || error == -ETIME || error == -EINTR || error == -EAGAIN || error == -EBUSY;
}

static int backend_wait(struct gw_lane *lane, uint64_t deadline_ns)
{
    struct gw_uring_lane *own = lane->own;
    gw__uring_hand_over_finished(own);
    if (!gw__uring_enable(own)) {
        return GW_E_SYSTEM;
    }
    gw__uring_prepare_changes(own);
    bool is_submitted =
        own->is_wake_armed && own->changed_first == NULL; /* or the queue was full */
    bool busy = !is_submitted || own->finished.first != NULL || gw__lane_is_busy(lane);
    int error = gw__uring_enter(own, busy ? 0 : gw__lane_left_ns(lane, deadline_ns));
    while (error == -EINTR) {
        error = gw__uring_enter(own, 0); /* SIGSTOP interrupts, too: signal(7) */
    }
    gw__lane_awake(lane);
    unsigned count = gw__uring_take_completions(own);
    if (!is_transient(error)) {
        return GW_E_SYSTEM;
    }
    return count > 0 || busy || gw__uring_has_more(own) ? GW_WAIT_SOMETHING : GW_WAIT_NOTHING;
}

static void backend_wake(struct gw_lane *lane)
{
    const struct gw_uring_lane *own = lane->own;
    uint64_t one = 1;
    int saved_errno = errno; /* a signal handler may be calling */
    ssize_t put = write(own->wake, &one, sizeof(one));
    (void)put;
    errno = saved_errno;
}

static int backend_attach(struct gw_socket *socket)
{
    struct gw_uring_socket *record = gw__uring_socket_take(&lane_of(socket)->sockets);
    if (record == NULL) {
        return GW_E_MEMORY;
    }
    record->socket = socket;
    record->is_single_shot = true;
    *(struct gw_uring_socket **)&socket->own = record;
    return GW_OK;
}

static void await(struct gw_socket *socket, struct gw_uring_half *half, enum gw_uring_kind kind)
{
    assert(!half->is_awaited);
    half->is_awaited = true;
    half->kind = (uint8_t)kind;
    half->is_cancelled = false;
    if (half->request == GW_URING_NONE) {
        gw__uring_note_change(lane_of(socket), record_of(socket));
    }
}

/* Finishes the operation at once with what has been buffered, or waits for the kernel. */
static void submit_in(struct gw_socket *socket, enum gw_uring_kind kind)
{
    struct gw_uring_socket *record = record_of(socket);
    struct gw_uring_buffered *buffered = gw__uring_buffered_take(record);
    if (buffered != NULL) {
        finish_with(&socket->in, buffered->result, buffered);
    } else if (record->has_lost) {
        finish(&socket->in, GW_E_MEMORY);
    } else {
        await(socket, &record->in, kind);
    }
}

static void backend_accept(struct gw_socket *socket)
{
    submit_in(socket, GW_URING_ACCEPT);
}

static void backend_connect(struct gw_socket *socket, const struct gw_addr *addr)
{
    int result;
    if (gw__try_connect(socket->handle, addr, &result)) {
        finish(&socket->out, result);
    } else {
        await(socket, &record_of(socket)->out, GW_URING_CONNECT);
    }
}

static void backend_recv(struct gw_socket *socket)
{
    submit_in(socket, GW_URING_RECV);
}

static void backend_send(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    int result;
    if (gw__try_send(socket->handle, spans, span_count, &result)) {
        finish(&socket->out, result);
    } else {
        await(socket, &record_of(socket)->out, GW_URING_SEND);
    }
}

static int backend_send_now(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    int result;
    return gw__try_send(socket->handle, spans, span_count, &result) ? result : 0;
}

static void backend_shutdown(struct gw_socket *socket)
{
    (void)shutdown(socket->handle, SHUT_WR);
}

static void cancel_half(struct gw_uring_lane *lane, struct gw_uring_socket *record,
                        struct gw_uring_half *half)
{
    if (!half->is_awaited) {
        return;
    }
    if (half->request == GW_URING_NONE) {
        half->is_awaited = false;
        finish(gw__uring_op(record, half), GW_E_CLOSED);
    } else {
        half->is_cancelled = true;
        gw__uring_note_change(lane, record);
    }
}

static void backend_cancel(struct gw_socket *socket)
{
    struct gw_uring_socket *record = record_of(socket);
    cancel_half(lane_of(socket), record, &record->in);
    cancel_half(lane_of(socket), record, &record->out);
}

static bool backend_has_unsent(struct gw_socket *socket)
{
    return os_socket_has_unsent(socket->handle);
}

static int backend_peer_end(struct gw_socket *socket)
{
    return os_socket_peer_end(socket->handle);
}

static void backend_detach(struct gw_socket *socket, bool reset)
{
    struct gw_uring_lane *lane = lane_of(socket);
    struct gw_uring_socket *record = record_of(socket);
    assert(!record->in.is_awaited && !record->out.is_awaited);
    if (record->in.kind == GW_URING_ACCEPT && record->in.request != GW_URING_NONE) {
        /* The request keeps the listening socket open until it ends; this refuses new connections.
         */
        (void)shutdown(socket->handle, SHUT_RDWR);
    }
    gw__uring_buffered_drop(record);
    record->socket = NULL;
    if (record->in.request == GW_URING_ARMED) {
        gw__uring_note_change(lane, record);
    }
    gw__uring_release(lane, record);
    os_socket_end(socket->handle, reset);
    socket->handle = OS_SOCKET_NONE;
}

const struct gw_backend_ops gw__backend_uring = {
    .backend = GW_BACKEND_URING,
    .lane_shared = false,
    .available = backend_available,
    .open = backend_open,
    .close = backend_close,
    .wait = backend_wait,
    .wake = backend_wake,
    .attach = backend_attach,
    .accept = backend_accept,
    .connect = backend_connect,
    .recv = backend_recv,
    .send = backend_send,
    .send_now = backend_send_now,
    .shutdown = backend_shutdown,
    .cancel = backend_cancel,
    .has_unsent = backend_has_unsent,
    .peer_end = backend_peer_end,
    .detach = backend_detach,
    .now_ns = os_now_ns,
    .random = os_random,
    .socket_open = os_socket_open,
    .socket_listen = os_socket_listen,
    .socket_peer = os_socket_peer,
    .socket_close = os_socket_close,
    .addr_lookup = os_addr_lookup,
};

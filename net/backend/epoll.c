/* net/backend/epoll.c: The backend on epoll(7). */
#define _GNU_SOURCE /* accept4 */
#include "net/backend/backend.h"

#include "net/backend/finished.h"
#include "net/backend/try.h"
#include "net/error.h"
#include "net/lane.h"
#include "net/stream.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * An operation waits in its socket until the kernel reports that the socket is ready; then the
 * backend performs it. Level-triggered, and disarmed late: a socket stays armed between two
 * receives, and leaves the set only when it is ready and no operation waits. So a steady stream
 * needs no epoll_ctl.
 *
 * A send is tried inside the submit. Operations that finish inside a call wait in the lane's list
 * until wait() has processed the current event. Not longer: a send's memory is reused for the next
 * one while it is in the cache.
 */
enum {
    EVENT_COUNT_MAX = 1024, /* per wait(); turns and timers run after that */
    ACCEPT_COUNT_MAX = 16,  /* per wait(), so that a listener does not delay other sockets */
};

struct epoll_lane {
    int set;
    int wake;
    struct gw_finished finished;
    struct epoll_event *events; /* that wait() has not processed yet */
    int event_count;
};

/* The operations that wait on a socket, and the events that its entry in the set requests. */
struct epoll_socket {
    uint8_t armed;      /* EPOLLIN, EPOLLOUT; 0: not in the set */
    bool in_waits;      /* until the socket is readable */
    bool out_waits;     /* until the socket is writable */
    bool is_accept;     /* the operation in is an accept, otherwise a recv */
    bool is_connecting; /* the operation out is a connect, otherwise a send */
};

_Static_assert(EPOLLIN < 256 && EPOLLOUT < 256, "the requested events fit into a byte");

_Static_assert(sizeof(struct epoll_socket) <= sizeof(((struct gw_socket *)0)->own),
               "epoll_socket fits into gw_socket.own");

static struct epoll_socket *own_of(struct gw_socket *socket)
{
    return (struct epoll_socket *)&socket->own;
}

static struct epoll_lane *lane_of(struct gw_socket *socket)
{
    return socket->turn->lane->own;
}

/* ---- operations that have finished inside a call ---- */

static void finish(struct gw_op *op, int result)
{
    gw__finished_add(&lane_of(gw__op_socket(op))->finished, op, result);
}

static void hand_over_finished(struct epoll_lane *lane)
{
    struct gw_finished taken = gw__finished_take(&lane->finished);
    struct gw_op *op;
    while ((op = gw__finished_next(&taken)) != NULL) {
        gw__op_done(op, op->result);
    }
}

/* ---- the epoll set ---- */

/* Makes the socket's entry request `events`. Returns 0 or a gw_error. */
static int arm(struct gw_socket *socket, uint32_t events)
{
    struct epoll_socket *own = own_of(socket);
    struct epoll_event event = {.events = events, .data.ptr = socket};
    int how = own->armed == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    if (own->armed == events) {
        return GW_OK;
    }
    if (epoll_ctl(lane_of(socket)->set, how, socket->handle, &event) != 0) {
        return os_error(errno);
    }
    own->armed = (uint8_t)events;
    return GW_OK;
}

static void wait_for_input(struct gw_socket *socket, bool is_accept)
{
    struct epoll_socket *own = own_of(socket);
    assert(!own->in_waits);
    int error = arm(socket, own->armed | EPOLLIN);
    own->is_accept = is_accept;
    own->in_waits = error == GW_OK;
    if (error != GW_OK) {
        finish(&socket->in, error);
    }
}

static void wait_for_room(struct gw_socket *socket, bool is_connecting)
{
    struct epoll_socket *own = own_of(socket);
    assert(!own->out_waits);
    int error = arm(socket, own->armed | EPOLLOUT);
    own->is_connecting = is_connecting;
    own->out_waits = error == GW_OK;
    if (error != GW_OK) {
        finish(&socket->out, error);
    }
}

/* ---- a socket is ready ---- */

static void accept_ready(struct gw_socket *socket)
{
    struct epoll_socket *own = own_of(socket);
    for (int i = 0; i < ACCEPT_COUNT_MAX && own->in_waits; i++) {
        int handle = accept4(socket->handle, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (handle < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        int result = handle < 0 ? os_error(errno) : GW_OK;
        if (handle >= 0) {
            os_socket_accepted(handle);
        }
        own->in_waits = false;
        socket->accepted = handle;
        gw__op_done(&socket->in, result);
        if (result != GW_OK) {
            return;
        }
    }
}

/* Reads once. Returns false when the socket is not readable after all. */
static bool read_ready(struct gw_socket *socket, int *result_out)
{
    uint8_t *bytes = gw__worker_recv_bytes();
    ssize_t got = recv(socket->handle, bytes, GW_STREAM_RECV_BYTES_MAX, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    socket->in.own.data = bytes;
    *result_out = got < 0 ? os_error(errno) : (int)got;
    return true;
}

/* Removes events for which no operation waits: level-triggered, they would be reported each time.
 */
static void disarm_unused(struct gw_socket *socket)
{
    struct epoll_socket *own = own_of(socket);
    uint32_t events = (own->in_waits ? EPOLLIN : 0u) | (own->out_waits ? EPOLLOUT : 0u);
    (void)arm(socket, events);
}

static void recv_and_send_ready(struct gw_socket *socket, uint32_t events)
{
    struct epoll_socket *own = own_of(socket);
    bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
    bool in_ready = own->in_waits && (broken || (events & EPOLLIN) != 0);
    bool out_ready = own->out_waits && (broken || (events & EPOLLOUT) != 0);
    int in_result = 0;

    in_ready = in_ready && read_ready(socket, &in_result);
    if (!in_ready && !out_ready) {
        disarm_unused(socket);
        return;
    }
    /* A writable socket has room or an error; the next send returns the error. */
    int out_result = out_ready && own->is_connecting ? gw__try_connected(socket->handle) : GW_OK;
    /* Both results exist before either done is called: the first done may cancel the other
     * operation, and the last done may free the socket. */
    own->in_waits = own->in_waits && !in_ready;
    own->out_waits = own->out_waits && !out_ready;
    if (in_ready) {
        gw__op_done(&socket->in, in_result);
    }
    if (out_ready) {
        gw__op_done(&socket->out, out_result);
    }
}

static void socket_ready(struct gw_socket *socket, uint32_t events)
{
    const struct epoll_socket *own = own_of(socket);
    if (own->in_waits && own->is_accept) {
        accept_ready(socket);
    } else {
        recv_and_send_ready(socket, events);
    }
}

/* ---- the functions of gw__backend_epoll ---- */

static bool backend_available(const char **why_out)
{
    *why_out = NULL;
    return true;
}

static int backend_open(struct gw_lane *lane, const char **why_out)
{
    (void)why_out; /* no other backend would open where this one fails */
    struct epoll_lane *own = calloc(1, sizeof(*own));
    if (own == NULL) {
        return GW_E_MEMORY;
    }
    own->set = epoll_create1(EPOLL_CLOEXEC);
    own->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (own->set >= 0 && own->wake >= 0 &&
        epoll_ctl(own->set, EPOLL_CTL_ADD, own->wake, &event) == 0) {
        lane->own = own;
        return GW_OK;
    }
    int error = os_error(errno);
    if (own->wake >= 0) {
        close(own->wake);
    }
    if (own->set >= 0) {
        close(own->set);
    }
    free(own);
    return error;
}

static void backend_close(struct gw_lane *lane)
{
    struct epoll_lane *own = lane->own;
    close(own->wake);
    close(own->set);
    free(own);
    lane->own = NULL;
}

static void take_wake(const struct epoll_lane *own)
{
    uint64_t count;
    ssize_t got = read(own->wake, &count, sizeof(count));
    (void)got; /* EAGAIN: an earlier read has taken it */
}

static void take_event(struct epoll_lane *own)
{
    const struct epoll_event *event = own->events++;
    own->event_count--;
    if (own->event_count > 0) {
        gw__socket_prefetch(own->events->data.ptr);
    }
    if (event->data.ptr == NULL) {
        take_wake(own);
    } else if (event->events != 0) {
        socket_ready(event->data.ptr, event->events);
    }
}

/* Drops the unprocessed events of a socket that is detached. */
static void forget_events(struct epoll_lane *own, const struct gw_socket *socket)
{
    for (int i = 0; i < own->event_count; i++) {
        if (own->events[i].data.ptr == socket) {
            own->events[i].events = 0;
        }
    }
}

static int backend_wait(struct gw_lane *lane, uint64_t deadline_ns)
{
    struct epoll_lane *own = lane->own;
    struct epoll_event events[EVENT_COUNT_MAX];

    hand_over_finished(own);
    bool busy = own->finished.first != NULL || gw__lane_is_busy(lane);
    int count = os_epoll_wait(own->set, events, EVENT_COUNT_MAX,
                              busy ? 0 : gw__lane_left_ns(lane, deadline_ns));
    while (count < 0 && errno == EINTR) {
        count = os_epoll_wait(own->set, events, EVENT_COUNT_MAX,
                              0); /* SIGSTOP interrupts, too: signal(7) */
    }
    gw__lane_awake(lane);
    if (count < 0) {
        return GW_E_SYSTEM;
    }
    own->events = events;
    own->event_count = count;
    while (own->event_count > 0) {
        take_event(own);
        hand_over_finished(own);
    }
    return count > 0 || busy ? GW_WAIT_SOMETHING : GW_WAIT_NOTHING;
}

static void backend_wake(struct gw_lane *lane)
{
    const struct epoll_lane *own = lane->own;
    uint64_t one = 1;
    int saved_errno = errno; /* a signal handler may be calling */
    ssize_t put = write(own->wake, &one, sizeof(one));
    (void)put; /* EAGAIN: the counter is full, so the worker wakes anyway */
    errno = saved_errno;
}

static int backend_attach(struct gw_socket *socket)
{
    (void)socket; /* it joins the set with its first operation */
    return GW_OK;
}

static void backend_accept(struct gw_socket *socket)
{
    wait_for_input(socket, true);
}

static void backend_connect(struct gw_socket *socket, const struct gw_addr *addr)
{
    int result;
    if (gw__try_connect(socket->handle, addr, &result)) {
        finish(&socket->out, result);
    } else {
        wait_for_room(socket, true);
    }
}

static void backend_recv(struct gw_socket *socket)
{
    wait_for_input(socket, false);
}

static void backend_send(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    int result;
    if (gw__try_send(socket->handle, spans, span_count, &result)) {
        finish(&socket->out, result);
    } else {
        wait_for_room(socket, false);
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

static void backend_cancel(struct gw_socket *socket)
{
    struct epoll_socket *own = own_of(socket);
    if (own->in_waits) {
        own->in_waits = false;
        finish(&socket->in, GW_E_CLOSED);
    }
    if (own->out_waits) {
        own->out_waits = false;
        finish(&socket->out, GW_E_CLOSED);
    }
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
    assert(!own_of(socket)->in_waits && !own_of(socket)->out_waits);
    forget_events(lane_of(socket), socket);
    (void)arm(socket, 0); /* a child process may have the socket, too; closing would not remove it:
                             epoll(7), Q6 */
    os_socket_end(socket->handle, reset);
    socket->handle = OS_SOCKET_NONE;
}

const struct gw_backend_ops gw__backend_epoll = {
    .backend = GW_BACKEND_EPOLL,
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

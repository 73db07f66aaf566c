/* net/backend/iocp.c: the kernel through a Windows completion port, which all workers share. */
#include "net/backend/iocp.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/lane.h"
#include "net/stream.h"
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/*
 * Every worker waits at the one port, and the kernel says who takes what has finished. It does not
 * say in which order they work on it: so what comes home only leaves a task for the turn of its
 * object, and whoever gets the turn goes on.
 *
 * A call that ends at once leaves no packet in the port, but the same task. It comes behind all
 * that is ready, so that a busy socket holds up nobody.
 *
 * A receive waits with no buffer at all, and so locks no memory; the bytes are read in the turn.
 */
enum {
    ENTRY_COUNT_MAX = 64,
    NOTHING_THERE = -1000, /* no gw_error: what was ready is not any more */
    HIGH_RESOLUTION = 2,   /* CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, which old headers lack */
};

struct iocp_lane {
    HANDLE port;
    HANDLE timer;
    atomic_uint acceptor_count;
    os_thread timekeeper;
    os_mutex mutex;
    uint64_t due_ns; /* by os_now_ns(), when the timer goes off; UINT64_MAX: not set. Locked. */
    bool closing;    /* locked */
};

/* Of one that listens, or of one that moves bytes. */
struct iocp_socket {
    struct gw__acceptor *acceptor;
    bool recv_cancelled;
    bool has_shutdown;
    bool has_unsent; /* the last send was cancelled or failed: the peer has no room */
};

_Static_assert(sizeof(struct iocp_socket) <= sizeof(((struct gw_socket *)0)->own),
               "a socket has room for what iocp keeps");
_Static_assert(sizeof(struct gw__overlapped) <= sizeof(((struct gw_op *)0)->own),
               "an operation has room for an extended OVERLAPPED");

struct gw__winsock gw__winsock;

static struct iocp_socket *own_of(struct gw_socket *socket)
{
    return (struct iocp_socket *)&socket->own;
}

static struct gw__overlapped *overlapped_of(struct gw_op *op)
{
    return (struct gw__overlapped *)(void *)op->own.bytes;
}

static struct gw_op *op_of(struct gw__overlapped *flight)
{
    return GW_CONTAINER_OF(flight, struct gw_op, own.bytes);
}

static struct gw_op *op_of_task(struct gw_task *task)
{
    return GW_CONTAINER_OF(task, struct gw_op, own.task);
}

atomic_uint *gw__iocp_acceptor_count(struct gw_lane *lane)
{
    return &((struct iocp_lane *)lane->own)->acceptor_count;
}

/* ---- flights ---- */

void gw__overlapped_begin(struct gw__overlapped *flight,
                      void (*lane)(struct gw__overlapped *flight, int result))
{
    *flight = (struct gw__overlapped){.home = home};
}

void gw__overlapped_began(struct gw__overlapped *flight, BOOL succeeded, DWORD bytes)
{
    int code = succeeded ? 0 : WSAGetLastError();
    if (succeeded) {
        flight->lane(flight, (int)bytes);
    } else if (code != WSA_IO_PENDING) {
        flight->lane(flight, os_error(code));
    }
}

/* A packet of the port: a flight that has come home, or a wake. Returns whether it was a flight. */
static bool take_packet(const OVERLAPPED_ENTRY *entry)
{
    if (entry->lpOverlapped == NULL) {
        return false;
    }
    struct gw__overlapped *flight =
        GW_CONTAINER_OF(entry->lpOverlapped, struct gw__overlapped, overlapped);
    int status = (int)entry->lpOverlapped->Internal; /* an NTSTATUS */
    flight->lane(flight, status >= 0 ? (int)entry->dwNumberOfBytesTransferred : os_error(status));
    return true;
}

/* ---- time ---- */

/*
 * Timeouts of the port have the grain of the system's clock, 15.6 ms; this timer's is half a
 * millisecond. It cannot be waited for together with the port, so a thread does that alone.
 */
static void keep_time(void *context)
{
    struct gw_lane *lane = context;
    struct iocp_lane *own = lane->own;
    for (bool closing = false; !closing;) {
        (void)WaitForSingleObject(own->timer, INFINITE);
        os_mutex_lock(&own->mutex);
        own->due_ns = UINT64_MAX;
        closing = own->closing;
        os_mutex_unlock(&own->mutex);
        lane->ops->wake(lane);
    }
}

/* Locked. */
static void set_timer(struct iocp_lane *own, uint64_t left_ns)
{
    LARGE_INTEGER due = {.QuadPart = -(LONGLONG)(left_ns / 100) - 1}; /* from now on, in 100 ns */
    (void)SetWaitableTimer(own->timer, &due, 0, NULL, NULL, FALSE);
}

/* Sees to it that some worker comes home in time. */
static void wake_after(struct iocp_lane *own, uint64_t left_ns)
{
    enum { NEAR_NS = 50000 }; /* two looks at the clock make no other time */
    const uint64_t left_ns_max = (uint64_t)3600 * 1000000000u;
    left_ns = left_ns < left_ns_max ? left_ns : left_ns_max;
    uint64_t due_ns = os_now_ns() + left_ns; /* the lane's clock may be a scripted one */
    os_mutex_lock(&own->mutex);
    if (due_ns + NEAR_NS < own->due_ns) {
        own->due_ns = due_ns;
        set_timer(own, left_ns);
    }
    os_mutex_unlock(&own->mutex);
}

static int open_timer(struct gw_lane *lane)
{
    struct iocp_lane *own = lane->own;
    own->due_ns = UINT64_MAX;
    os_mutex_init(&own->mutex);
    own->timer = CreateWaitableTimerExW(NULL, NULL, HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    if (own->timer == NULL) { /* a Windows older than 10, 1803 */
        own->timer = CreateWaitableTimerExW(NULL, NULL, 0, TIMER_ALL_ACCESS);
    }
    if (own->timer == NULL) {
        return os_error((int)GetLastError());
    }
    int error = os_thread_start(&own->timekeeper, keep_time, lane);
    if (error != GW_OK) {
        CloseHandle(own->timer);
    }
    return error;
}

static void close_timer(struct iocp_lane *own)
{
    os_mutex_lock(&own->mutex);
    own->closing = true;
    set_timer(own, 0);
    os_mutex_unlock(&own->mutex);
    os_thread_join(own->timekeeper);
    CloseHandle(own->timer);
    os_mutex_fini(&own->mutex);
}

/* ---- what comes home ---- */

/* A send completes when the system has taken all its bytes. */
static void send_home(struct gw__overlapped *flight, int result)
{
    own_of(gw__op_socket(op_of(flight)))->has_unsent = result < 0;
    gw__op_done(op_of(flight), result);
}

/* Leaves what is to be done next for the turn. The flight is over: its memory is the task's. */
static void leave_for_turn(struct gw__overlapped *flight, int result, void (*run)(struct gw_task *task))
{
    struct gw_op *op = op_of(flight);
    op->result = result;
    op->own.task.run = run;
    gw_turn_post(gw__op_socket(op)->turn, &op->own.task);
}

/* Until then the socket does not know that it is connected: ConnectEx(). */
static void finish_connect(struct gw_task *task)
{
    struct gw_op *op = op_of_task(task);
    struct gw_socket *socket = gw__op_socket(op);
    int result = op->result;
    if (result >= 0 &&
        setsockopt(socket->handle, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) != 0) {
        result = os_error(WSAGetLastError());
    }
    if (result >= 0 && os_socket_is_self_connected(socket->handle)) {
        result = GW_E_REFUSED;
    }
    socket->done(op, result < 0 ? result : GW_OK);
}

static void connect_home(struct gw__overlapped *flight, int result)
{
    leave_for_turn(flight, result, finish_connect);
}

static void wait_for_bytes(struct gw_socket *socket);

/*
 * Wine looks at a socket before the program does, and so may take a reset for itself; what is left
 * of it reads like an end in good order. But where there is no connection any more not even nothing
 * can be sent.
 */
static int end_result(struct gw_socket *socket)
{
    bool has_shutdown = own_of(socket)->has_shutdown;
    int sent = has_shutdown ? 0 : send(socket->handle, "", 0, 0);
    return sent == 0 || WSAGetLastError() == WSAEWOULDBLOCK ? 0 : GW_E_RESET;
}

static int recv_result(struct gw_socket *socket, uint8_t *bytes)
{
    int got = recv(socket->handle, (char *)bytes, GW_STREAM_RECV_BYTES_MAX, 0);
    int code = got < 0 ? WSAGetLastError() : 0;
    if (code == WSAEWOULDBLOCK) {
        return NOTHING_THERE;
    }
    return got > 0 ? got : got == 0 ? end_result(socket) : os_error(code);
}

/* Bytes are there, or the end. Nobody else may use the worker's memory until done returns. */
static void read_bytes(struct gw_task *task)
{
    struct gw_op *op = op_of_task(task);
    struct gw_socket *socket = gw__op_socket(op);
    uint8_t *bytes = gw__worker_recv_bytes();
    int result = op->result < 0 ? op->result : recv_result(socket, bytes);
    if (result == NOTHING_THERE && !own_of(socket)->recv_cancelled) {
        wait_for_bytes(socket);
        return;
    }
    op->own.data = bytes;
    socket->done(op, result == NOTHING_THERE ? GW_E_CLOSED : result);
}

static void recv_home(struct gw__overlapped *flight, int result)
{
    leave_for_turn(flight, result, read_bytes);
}

static void wait_for_bytes(struct gw_socket *socket)
{
    char nowhere;
    WSABUF nothing = {.len = 0, .buf = &nowhere};
    DWORD bytes = 0;
    DWORD flags = 0;
    struct gw__overlapped *flight = overlapped_of(&socket->in);
    gw__overlapped_begin(flight, recv_home);
    int got = WSARecv(socket->handle, &nothing, 1, &bytes, &flags, &flight->overlapped, NULL);
    gw__overlapped_began(flight, got == 0, 0);
}

/* ---- the door ---- */

static bool backend_available(const char **why_out)
{
    *why_out = NULL;
    return true;
}

static int find_function(SOCKET socket, GUID name, void *function_out, DWORD bytes)
{
    DWORD got = 0;
    int found = WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof(name),
                         function_out, bytes, &got, NULL, NULL);
    return found == 0 ? GW_OK : os_error(WSAGetLastError());
}

static int find_functions(void)
{
    struct gw_addr any = {.port = 0};
    os_socket socket;
    os_ip_make_any_v4(any.ip);
    int error = os_socket_open(&any, NULL, &socket);
    if (error != GW_OK) {
        return error;
    }
    error = find_function(socket, (GUID)WSAID_ACCEPTEX, &gw__winsock.accept,
                          sizeof(gw__winsock.accept));
    if (error == GW_OK) {
        error = find_function(socket, (GUID)WSAID_CONNECTEX, &gw__winsock.connect,
                              sizeof(gw__winsock.connect));
    }
    os_socket_close(socket);
    return error;
}

static int backend_open(struct gw_lane *lane, const char **why_out)
{
    (void)why_out; /* what is short is short for every backend */
    struct iocp_lane *own = calloc(1, sizeof(*own));
    if (own == NULL) {
        return GW_E_MEMORY;
    }
    lane->own = own;
    int error = find_functions();
    own->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    if (error == GW_OK && own->port == NULL) {
        error = os_error((int)GetLastError());
    }
    if (error == GW_OK) {
        error = open_timer(lane);
    }
    if (error != GW_OK) {
        if (own->port != NULL) {
            CloseHandle(own->port);
        }
        free(own);
        lane->own = NULL;
    }
    return error;
}

/* What a listener has left behind still belongs to the kernel. */
static void wait_for_acceptors(struct iocp_lane *own)
{
    while (atomic_load(&own->acceptor_count) > 0) {
        OVERLAPPED_ENTRY entry;
        ULONG count = 0;
        if (GetQueuedCompletionStatusEx(own->port, &entry, 1, &count, INFINITE, FALSE)) {
            (void)take_packet(&entry);
        }
    }
}

static void backend_close(struct gw_lane *lane)
{
    struct iocp_lane *own = lane->own;
    wait_for_acceptors(own);
    close_timer(own);
    CloseHandle(own->port);
    free(own);
    lane->own = NULL;
}

static uint64_t left_ns_until(const struct gw_lane *lane, uint64_t deadline_ns)
{
    uint64_t now_ns = deadline_ns == 0 ? 0 : lane->ops->now_ns();
    return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

static int backend_wait(struct gw_lane *lane, uint64_t deadline_ns)
{
    struct iocp_lane *own = lane->own;
    OVERLAPPED_ENTRY entries[ENTRY_COUNT_MAX];
    ULONG count = 0;
    uint64_t left_ns = left_ns_until(lane, deadline_ns);
    if (left_ns > 0 && deadline_ns != UINT64_MAX) {
        wake_after(own, left_ns);
    }
    BOOL got = GetQueuedCompletionStatusEx(own->port, entries, ENTRY_COUNT_MAX, &count,
                                           left_ns == 0 ? 0 : INFINITE, FALSE);
    DWORD code = got ? 0 : GetLastError();
    gw__lane_awake(lane);
    if (!got) {
        return code == WAIT_TIMEOUT ? GW_WAIT_NOTHING : GW_E_SYSTEM; /* `count` means nothing */
    }
    bool took = count == ENTRY_COUNT_MAX; /* or there may be more */
    for (ULONG i = 0; i < count; i++) {
        took = take_packet(&entries[i]) || took;
    }
    return took ? GW_WAIT_SOMETHING : GW_WAIT_NOTHING;
}

static void backend_wake(struct gw_lane *lane)
{
    const struct iocp_lane *own = lane->own;
    (void)PostQueuedCompletionStatus(own->port, 0, 0, NULL);
}

static int backend_attach(struct gw_socket *socket)
{
    const struct iocp_lane *own = socket->turn->lane->own;
    HANDLE handle = (HANDLE)socket->handle;
    const UCHAR modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
    if (CreateIoCompletionPort(handle, own->port, (ULONG_PTR)socket, 0) == NULL ||
        !SetFileCompletionNotificationModes(handle, modes)) {
        return os_error((int)GetLastError());
    }
    return GW_OK;
}

static void backend_accept(struct gw_socket *socket)
{
    struct iocp_socket *own = own_of(socket);
    if (own->acceptor == NULL) {
        own->acceptor = gw__acceptor_create(socket);
    }
    if (own->acceptor == NULL) {
        gw__op_done(&socket->in, GW_E_MEMORY);
    } else {
        gw__acceptor_ask(own->acceptor, &socket->in);
    }
}

/* ConnectEx() wants a socket that is bound; one that has a source is already. */
static int bind_to_any(SOCKET socket, bool ipv4)
{
    struct gw_addr any = {.port = 0};
    struct sockaddr_storage system;
    if (ipv4) {
        os_ip_make_any_v4(any.ip);
    }
    int bytes = os_addr_to_system(&any, &system);
    bool bound = bind(socket, (struct sockaddr *)&system, bytes) == 0;
    int code = bound ? 0 : WSAGetLastError();
    return code == 0 || code == WSAEINVAL ? GW_OK : os_error(code);
}

static void backend_connect(struct gw_socket *socket, const struct gw_addr *addr)
{
    struct sockaddr_storage system;
    struct gw__overlapped *flight = overlapped_of(&socket->out);
    int bytes = os_addr_to_system(addr, &system);
    int error = bind_to_any(socket->handle, gw_addr_is_ipv4(addr));
    if (error != GW_OK) {
        gw__op_done(&socket->out, error);
        return;
    }
    gw__overlapped_begin(flight, connect_home);
    BOOL connected = gw__winsock.connect(socket->handle, (struct sockaddr *)&system, bytes, NULL, 0,
                                         NULL, &flight->overlapped);
    gw__overlapped_began(flight, connected, 0);
}

static void backend_recv(struct gw_socket *socket)
{
    own_of(socket)->recv_cancelled = false;
    wait_for_bytes(socket);
}

static void copy_spans(WSABUF *parts_out, const struct gw_span *spans, int span_count)
{
    for (int i = 0; i < span_count; i++) {
        parts_out[i].buf = (char *)(uintptr_t)spans[i].data; /* WSASend() only reads it */
        parts_out[i].len = spans[i].bytes;
    }
}

static void backend_send(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    WSABUF parts[GW_SEND_SPAN_COUNT_MAX];
    struct gw__overlapped *flight = overlapped_of(&socket->out);
    DWORD bytes = 0;
    copy_spans(parts, spans, span_count);
    gw__overlapped_begin(flight, send_home);
    int sent =
        WSASend(socket->handle, parts, (DWORD)span_count, &bytes, 0, &flight->overlapped, NULL);
    gw__overlapped_began(flight, sent == 0, bytes);
}

/* Without an OVERLAPPED the socket's non-blocking mode counts, and the port gets no packet. */
static int backend_send_now(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    WSABUF parts[GW_SEND_SPAN_COUNT_MAX];
    DWORD bytes = 0;
    copy_spans(parts, spans, span_count);
    int sent = WSASend(socket->handle, parts, (DWORD)span_count, &bytes, 0, NULL, NULL);
    int code = sent == 0 ? 0 : WSAGetLastError();
    return sent == 0 ? (int)bytes : code == WSAEWOULDBLOCK ? 0 : os_error(code);
}

static void backend_shutdown(struct gw_socket *socket)
{
    own_of(socket)->has_shutdown = true;
    (void)shutdown(socket->handle, SD_SEND);
}

static void backend_cancel(struct gw_socket *socket)
{
    struct iocp_socket *own = own_of(socket);
    if (own->acceptor != NULL) {
        gw__acceptor_cancel(own->acceptor);
        return;
    }
    own->recv_cancelled = true;
    (void)CancelIoEx((HANDLE)socket->handle, NULL);
}

static bool backend_has_unsent(struct gw_socket *socket)
{
    return own_of(socket)->has_unsent;
}

static int backend_peer_end(struct gw_socket *socket)
{
    return os_socket_peer_end(socket->handle);
}

static void backend_detach(struct gw_socket *socket, bool reset)
{
    struct iocp_socket *own = own_of(socket);
    if (own->acceptor != NULL) {
        gw__acceptor_leave(own->acceptor);
        own->acceptor = NULL;
    }
    os_socket_end(socket->handle, reset);
    socket->handle = OS_SOCKET_NONE;
}

const struct gw_backend_ops gw__backend_iocp = {
    .backend = GW_BACKEND_IOCP,
    .lane_shared = true,
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
};

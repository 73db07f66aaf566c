/* net/backend/iocp.c: The backend on a Windows completion port, which all workers share. */
#include "net/backend/iocp.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/lane.h"
#include "net/stream.h"
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/*
 * All workers wait at one port, and the kernel decides which worker takes which packet. It does not
 * order their work on the packets: so taking a packet only posts a task to the turn of its object,
 * and the worker that runs the turn goes on.
 *
 * A call that ends at once leaves no packet in the port; it posts the same task. The task runs
 * after all turns that are ready, so that a busy socket does not delay others.
 *
 * A receive waits with a buffer of 0 bytes, and so locks no memory; the turn reads the bytes.
 */
enum {
    ENTRY_COUNT_MAX = 64,
    NOTHING_READ = -1000, /* no gw_error: the socket is not readable any more */
};

struct iocp_lane {
    HANDLE port;
    atomic_uint acceptor_count;
    struct gw__iocp_timer timer;
};

/* What the backend keeps in gw_socket.own. */
struct iocp_socket {
    struct gw__acceptor *acceptor; /* of a listening socket */
    bool recv_cancelled;
    bool has_shutdown;
    bool has_unsent; /* the last send was cancelled or failed, so bytes may be unsent */
};

_Static_assert(sizeof(struct iocp_socket) <= sizeof(((struct gw_socket *)0)->own),
               "iocp_socket fits into gw_socket.own");
_Static_assert(sizeof(struct gw__overlapped) <= sizeof(((struct gw_op *)0)->own),
               "an extended OVERLAPPED fits into gw_op.own");

struct gw__winsock gw__winsock;

static struct iocp_socket *own_of(struct gw_socket *socket)
{
    return (struct iocp_socket *)&socket->own;
}

static struct gw__overlapped *overlapped_of(struct gw_op *op)
{
    return (struct gw__overlapped *)(void *)op->own.bytes;
}

static struct gw_op *op_of(struct gw__overlapped *overlapped)
{
    return GW_CONTAINER_OF(overlapped, struct gw_op, own.bytes);
}

static struct gw_op *op_of_task(struct gw_task *task)
{
    return GW_CONTAINER_OF(task, struct gw_op, own.task);
}

atomic_uint *gw__iocp_acceptor_count(struct gw_lane *lane)
{
    return &((struct iocp_lane *)lane->own)->acceptor_count;
}

/* ---- overlapped operations ---- */

void gw__overlapped_begin(struct gw__overlapped *overlapped,
                          void (*completed)(struct gw__overlapped *overlapped, int result))
{
    *overlapped = (struct gw__overlapped){.completed = completed};
}

void gw__overlapped_began(struct gw__overlapped *overlapped, BOOL succeeded, DWORD bytes)
{
    int code = succeeded ? 0 : WSAGetLastError();
    if (succeeded) {
        overlapped->completed(overlapped, (int)bytes);
    } else if (code != WSA_IO_PENDING) {
        overlapped->completed(overlapped, os_error(code));
    }
}

/* Takes a packet of the port: an operation that has completed, or a wake. Returns false for a wake.
 */
static bool take_packet(const OVERLAPPED_ENTRY *entry)
{
    if (entry->lpOverlapped == NULL) {
        return false;
    }
    struct gw__overlapped *overlapped =
        GW_CONTAINER_OF(entry->lpOverlapped, struct gw__overlapped, system);
    int status = (int)entry->lpOverlapped->Internal; /* an NTSTATUS */
    overlapped->completed(overlapped,
                          status >= 0 ? (int)entry->dwNumberOfBytesTransferred : os_error(status));
    return true;
}

/* ---- completed operations ---- */

/* A send completes when the system has taken all its bytes. */
static void send_completed(struct gw__overlapped *overlapped, int result)
{
    own_of(gw__op_socket(op_of(overlapped)))->has_unsent = result < 0;
    gw__op_done(op_of(overlapped), result);
}

/* Posts the next step to the turn. The kernel is done with `overlapped`: the task takes its memory.
 */
static void post_to_turn(struct gw__overlapped *overlapped, int result,
                         void (*run)(struct gw_task *task))
{
    struct gw_op *op = op_of(overlapped);
    op->result = result;
    op->own.task.run = run;
    gw_turn_post(gw__op_socket(op)->turn, &op->own.task);
}

/* Until SO_UPDATE_CONNECT_CONTEXT getpeername() and shutdown() fail on the socket: ConnectEx(). */
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

static void connect_completed(struct gw__overlapped *overlapped, int result)
{
    post_to_turn(overlapped, result, finish_connect);
}

static void start_recv(struct gw_socket *socket);

/*
 * Distinguishes FIN from RST when recv() has returned 0. Wine reads a socket's error before the
 * program does; after that recv() returns 0 for a reset, too. But a send of 0 bytes fails without a
 * connection.
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
        return NOTHING_READ;
    }
    return got > 0 ? got : got == 0 ? end_result(socket) : os_error(code);
}

/* The socket is readable, or has ended. Nothing else uses the worker's buffer until done returns.
 */
static void read_bytes(struct gw_task *task)
{
    struct gw_op *op = op_of_task(task);
    struct gw_socket *socket = gw__op_socket(op);
    uint8_t *bytes = gw__worker_recv_bytes();
    int result = op->result < 0 ? op->result : recv_result(socket, bytes);
    if (result == NOTHING_READ && !own_of(socket)->recv_cancelled) {
        start_recv(socket);
        return;
    }
    op->own.data = bytes;
    socket->done(op, result == NOTHING_READ ? GW_E_CLOSED : result);
}

static void recv_completed(struct gw__overlapped *overlapped, int result)
{
    post_to_turn(overlapped, result, read_bytes);
}

static void start_recv(struct gw_socket *socket)
{
    char nowhere;
    WSABUF nothing = {.len = 0, .buf = &nowhere};
    DWORD bytes = 0;
    DWORD flags = 0;
    struct gw__overlapped *overlapped = overlapped_of(&socket->in);
    gw__overlapped_begin(overlapped, recv_completed);
    int got = WSARecv(socket->handle, &nothing, 1, &bytes, &flags, &overlapped->system, NULL);
    gw__overlapped_began(overlapped, got == 0, 0);
}

/* ---- the functions of gw__backend_iocp ---- */

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
    (void)why_out; /* no other backend would open where this one fails */
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
        error = gw__iocp_timer_open(&own->timer, lane);
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

/* The kernel still owns pending operations of acceptors that were released. */
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
    gw__iocp_timer_close(&own->timer);
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
        gw__iocp_timer_set(&own->timer, left_ns);
    }
    BOOL got = GetQueuedCompletionStatusEx(own->port, entries, ENTRY_COUNT_MAX, &count,
                                           left_ns == 0 ? 0 : INFINITE, FALSE);
    DWORD code = got ? 0 : GetLastError();
    gw__lane_awake(lane);
    if (!got) {
        return code == WAIT_TIMEOUT ? GW_WAIT_NOTHING : GW_E_SYSTEM; /* `count` is undefined */
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
        gw__acceptor_accept(own->acceptor, &socket->in);
    }
}

/* ConnectEx() requires a bound socket. WSAEINVAL: it is bound already, to its source address. */
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
    struct gw__overlapped *overlapped = overlapped_of(&socket->out);
    int bytes = os_addr_to_system(addr, &system);
    int error = bind_to_any(socket->handle, gw_addr_is_ipv4(addr));
    if (error != GW_OK) {
        gw__op_done(&socket->out, error);
        return;
    }
    gw__overlapped_begin(overlapped, connect_completed);
    BOOL connected = gw__winsock.connect(socket->handle, (struct sockaddr *)&system, bytes, NULL, 0,
                                         NULL, &overlapped->system);
    gw__overlapped_began(overlapped, connected, 0);
}

static void backend_recv(struct gw_socket *socket)
{
    own_of(socket)->recv_cancelled = false;
    start_recv(socket);
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
    struct gw__overlapped *overlapped = overlapped_of(&socket->out);
    DWORD bytes = 0;
    copy_spans(parts, spans, span_count);
    gw__overlapped_begin(overlapped, send_completed);
    int sent =
        WSASend(socket->handle, parts, (DWORD)span_count, &bytes, 0, &overlapped->system, NULL);
    gw__overlapped_began(overlapped, sent == 0, bytes);
}

/* Without an OVERLAPPED the call follows the socket's non-blocking mode, and queues no packet. */
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
        gw__acceptor_release(own->acceptor);
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
    .addr_lookup = os_addr_lookup,
};

/* tests/guard/silent_kernel.c: a backend without sockets, whose peers connect, send nothing, and
 * close. */
#include "tests/guard/silent_kernel.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/lane.h"
#include <stddef.h>

enum { LISTENER = SILENT_KERNEL_PEER_COUNT_MAX, NOW_NS = 1000000000 };

static struct {
    uint32_t coming_count;
    os_socket next;
    struct gw_socket *accept;
    struct gw_socket *recvs[SILENT_KERNEL_PEER_COUNT_MAX];
    struct gw_task *finished; /* completed operations, linked by gw_op.own.task; the result is in
                                 the operation */
} kernel;

void silent_kernel_connect(uint32_t count)
{
    kernel.coming_count += count;
}

static void finish(struct gw_op *op, int result)
{
    op->result = result;
    op->own.task.next = kernel.finished;
    kernel.finished = &op->own.task;
}

/* Its FIN arrives. */
void silent_kernel_close(uint32_t number)
{
    struct gw_socket *socket = kernel.recvs[number];
    kernel.recvs[number] = NULL;
    finish(&socket->in, 0);
}

static void let_one_in(void)
{
    struct gw_socket *socket = kernel.accept;
    kernel.accept = NULL;
    kernel.coming_count--;
    socket->accepted = kernel.next++;
    gw__op_done(&socket->in, GW_OK);
}

static bool backend_available(const char **why_out)
{
    return true;
}

static int backend_open(struct gw_lane *lane, const char **why_out)
{
    return GW_OK;
}

static void backend_close(struct gw_lane *lane)
{
}

static int backend_wait(struct gw_lane *lane, uint64_t deadline_ns)
{
    gw__lane_awake(lane);
    while (kernel.coming_count > 0 && kernel.accept != NULL) {
        let_one_in();
    }
    while (kernel.finished != NULL) {
        struct gw_op *op = GW_CONTAINER_OF(kernel.finished, struct gw_op, own.task);
        kernel.finished = kernel.finished->next;
        gw__op_done(op, op->result);
    }
    return GW_OK;
}

static void backend_wake(struct gw_lane *lane)
{
}

static int backend_attach(struct gw_socket *socket)
{
    return GW_OK;
}

static void backend_accept(struct gw_socket *socket)
{
    kernel.accept = socket;
}

static void backend_connect(struct gw_socket *socket, const struct gw_addr *addr)
{
    finish(&socket->out, GW_E_REFUSED);
}

static void backend_recv(struct gw_socket *socket)
{
    kernel.recvs[socket->handle] = socket;
}

static void backend_send(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    int bytes = 0;
    for (int i = 0; i < span_count; i++) {
        bytes += (int)spans[i].bytes;
    }
    finish(&socket->out, bytes);
}

static int backend_send_now(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    int bytes = 0;
    for (int i = 0; i < span_count; i++) {
        bytes += (int)spans[i].bytes;
    }
    return bytes;
}

static void backend_shutdown(struct gw_socket *socket)
{
}

static void backend_cancel(struct gw_socket *socket)
{
    if (socket->handle != LISTENER && kernel.recvs[socket->handle] != NULL) {
        finish(&socket->in, GW_E_CLOSED);
        kernel.recvs[socket->handle] = NULL;
    }
}

static bool backend_has_unsent(struct gw_socket *socket)
{
    return false;
}

static int backend_peer_end(struct gw_socket *socket)
{
    return GW_OK;
}

static void backend_detach(struct gw_socket *socket, bool reset)
{
}

static uint64_t now_ns(void)
{
    return NOW_NS;
}

static uint64_t random(void)
{
    return NOW_NS;
}

static int socket_open(const struct gw_addr *to, const struct gw_addr *source,
                       os_socket *socket_out)
{
    return GW_E_SYSTEM;
}

static int socket_listen(struct gw_addr *addr, uint32_t backlog_count_max, uint32_t wait_ms,
                         os_socket *socket_out)
{
    addr->port = 1;
    *socket_out = LISTENER;
    return GW_OK;
}

static struct gw_addr socket_peer(os_socket socket)
{
    return (struct gw_addr){.port = (uint16_t)socket};
}

static void socket_close(os_socket socket)
{
}

const struct gw_backend_ops silent_kernel = {
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
    .now_ns = now_ns,
    .random = random,
    .socket_open = socket_open,
    .socket_listen = socket_listen,
    .socket_peer = socket_peer,
    .socket_close = socket_close,
};

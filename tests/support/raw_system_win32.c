/* tests/support/raw_system_win32.c: The system calls of raw_socket.c, on Windows. */
#include "tests/support/raw_system.h"

#include "net/os/os.h"
#include "tests/support/raw_socket.h"
#include <stdatomic.h>
#include <winsock2.h>
#include <ws2tcpip.h>

/*
 * The sockets are non-blocking, and a blocking call polls first: Windows has no MSG_DONTWAIT, and
 * after a timeout of a blocking call the state of the socket is undefined.
 */

static void set_option(intptr_t handle, int level, int name, int value)
{
    (void)setsockopt((SOCKET)handle, level, name, (const char *)&value, sizeof(value));
}

/* Waits until the handle is ready for `events`, has failed, or the time is over. */
static bool wait_for(intptr_t handle, SHORT events, int patience_ms)
{
    WSAPOLLFD asked = {.fd = (SOCKET)handle, .events = events};
    return WSAPoll(&asked, 1, patience_ms) == 1;
}

static intptr_t prepare(SOCKET socket)
{
    u_long on = 1;
    if (socket == INVALID_SOCKET) {
        return -1;
    }
    (void)ioctlsocket(socket, FIONBIO, &on);
    set_option((intptr_t)socket, IPPROTO_TCP, TCP_NODELAY, 1);
    return (intptr_t)socket;
}

static void want_winsock(void)
{
    static atomic_bool wanted;
    WSADATA data;
    if (!atomic_exchange(&wanted, true)) {
        (void)WSAStartup(MAKEWORD(2, 2), &data);
    }
}

intptr_t raw_system_open(bool ipv4)
{
    want_winsock();
    return prepare(socket(ipv4 ? AF_INET : AF_INET6, SOCK_STREAM, IPPROTO_TCP));
}

bool raw_system_connect(intptr_t handle, const struct gw_addr *addr)
{
    struct sockaddr_storage system;
    int bytes = os_addr_to_system(addr, &system);
    int code = 0;
    int code_bytes = sizeof(code);
    if (connect((SOCKET)handle, (struct sockaddr *)&system, bytes) == 0) {
        return true;
    }
    if (WSAGetLastError() != WSAEWOULDBLOCK ||
        !wait_for(handle, POLLWRNORM, RAW_SOCKET_PATIENCE_MS)) {
        return false;
    }
    return getsockopt((SOCKET)handle, SOL_SOCKET, SO_ERROR, (char *)&code, &code_bytes) == 0 &&
           code == 0;
}

bool raw_system_listen(intptr_t handle, struct gw_addr *addr, int backlog_count_max)
{
    struct sockaddr_storage system;
    int bytes = os_addr_to_system(addr, &system);
    if (bind((SOCKET)handle, (struct sockaddr *)&system, bytes) != 0 ||
        listen((SOCKET)handle, backlog_count_max) != 0 ||
        getsockname((SOCKET)handle, (struct sockaddr *)&system, &bytes) != 0) {
        return false;
    }
    addr->port = os_addr_from_system(&system).port;
    return true;
}

intptr_t raw_system_accept(intptr_t handle)
{
    if (!wait_for(handle, POLLRDNORM, RAW_SOCKET_PATIENCE_MS)) {
        return -1;
    }
    return prepare(accept((SOCKET)handle, NULL, NULL));
}

long raw_system_send(intptr_t handle, const void *data, size_t bytes, bool wait)
{
    for (;;) {
        int sent = send((SOCKET)handle, data, (int)bytes, 0);
        if (sent >= 0 || WSAGetLastError() != WSAEWOULDBLOCK) {
            return sent;
        }
        if (!wait) {
            return 0;
        }
        if (!wait_for(handle, POLLWRNORM, RAW_SOCKET_PATIENCE_MS)) {
            return -1;
        }
    }
}

int raw_system_recv(intptr_t handle, void *data, size_t bytes)
{
    for (;;) {
        int got = recv((SOCKET)handle, data, (int)bytes, 0);
        if (got >= 0) {
            return got;
        }
        if (WSAGetLastError() != WSAEWOULDBLOCK) {
            return RAW_SOCKET_RESET;
        }
        if (!wait_for(handle, POLLRDNORM, RAW_SOCKET_PATIENCE_MS)) {
            return RAW_SOCKET_NOTHING;
        }
    }
}

bool raw_system_has_news(intptr_t handle)
{
    return wait_for(handle, POLLRDNORM, 0);
}

void raw_system_finish(intptr_t handle)
{
    (void)shutdown((SOCKET)handle, SD_SEND);
}

void raw_system_close(intptr_t handle)
{
    (void)closesocket((SOCKET)handle);
}

void raw_system_make_abrupt(intptr_t handle)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt((SOCKET)handle, SOL_SOCKET, SO_LINGER, (const char *)&at_once,
                     sizeof(at_once));
}

void raw_system_narrow(intptr_t handle)
{
    set_option(handle, SOL_SOCKET, SO_SNDBUF, 1);
    set_option(handle, SOL_SOCKET, SO_RCVBUF, 1);
}

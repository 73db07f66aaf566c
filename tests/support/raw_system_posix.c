/* tests/support/raw_system_posix.c: The system calls of raw_socket.c, on POSIX. */
#define _GNU_SOURCE /* MSG_DONTWAIT */
#include "tests/support/raw_system.h"

#include "net/os/os.h"
#include "tests/support/raw_socket.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void set_option(intptr_t handle, int level, int name, int value)
{
    (void)setsockopt((int)handle, level, name, &value, sizeof(value));
}

static void set_patience(intptr_t handle)
{
    const struct timeval patience = {.tv_sec = RAW_SOCKET_PATIENCE_MS / 1000};
    (void)setsockopt((int)handle, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt((int)handle, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    set_option(handle, IPPROTO_TCP, TCP_NODELAY, 1);
}

intptr_t raw_system_open(bool ipv4)
{
    int handle = socket(ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    if (handle >= 0) {
        set_patience(handle);
    }
    return handle;
}

/* An interrupted connect goes on; this waits for its end. */
static bool has_connected(intptr_t handle)
{
    struct pollfd asked = {.fd = (int)handle, .events = POLLOUT};
    int code = 0;
    socklen_t bytes = sizeof(code);
    while (poll(&asked, 1, RAW_SOCKET_PATIENCE_MS) < 0 && errno == EINTR) {
    }
    return asked.revents != 0 &&
           getsockopt((int)handle, SOL_SOCKET, SO_ERROR, &code, &bytes) == 0 && code == 0;
}

/*
 * The kernel frees a closed io_uring later, in the thread that has opened it, and so interrupts a
 * connect with a timeout: signal(7), "Interruption of system calls".
 */
bool raw_system_connect(intptr_t handle, const struct gw_addr *addr)
{
    struct sockaddr_storage system;
    socklen_t bytes = (socklen_t)os_addr_to_system(addr, &system);
    return connect((int)handle, (struct sockaddr *)&system, bytes) == 0 ||
           (errno == EINTR && has_connected(handle));
}

bool raw_system_listen(intptr_t handle, struct gw_addr *addr, int backlog_count_max)
{
    struct sockaddr_storage system;
    socklen_t bytes = (socklen_t)os_addr_to_system(addr, &system);
    if (bind((int)handle, (struct sockaddr *)&system, bytes) != 0 ||
        listen((int)handle, backlog_count_max) != 0 ||
        getsockname((int)handle, (struct sockaddr *)&system, &bytes) != 0) {
        return false;
    }
    addr->port = os_addr_from_system(&system).port;
    return true;
}

intptr_t raw_system_accept(intptr_t handle)
{
    int accepted;
    do {
        accepted = accept((int)handle, NULL, NULL);
    } while (accepted < 0 && errno == EINTR);
    if (accepted >= 0) {
        set_patience(accepted);
    }
    return accepted;
}

long raw_system_send(intptr_t handle, const void *data, size_t bytes, bool wait)
{
    ssize_t sent;
    do {
        sent = send((int)handle, data, bytes, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    } while (sent < 0 && errno == EINTR);
    return sent < 0 && !wait && errno == EAGAIN ? 0 : (long)sent;
}

int raw_system_recv(intptr_t handle, void *data, size_t bytes)
{
    ssize_t got;
    do {
        got = recv((int)handle, data, bytes, 0);
    } while (got < 0 && errno == EINTR);
    if (got >= 0) {
        return (int)got;
    }
    return errno == EAGAIN ? RAW_SOCKET_NOTHING : RAW_SOCKET_RESET;
}

bool raw_system_has_news(intptr_t handle)
{
    struct pollfd asked = {.fd = (int)handle, .events = POLLIN};
    return poll(&asked, 1, 0) == 1;
}

void raw_system_finish(intptr_t handle)
{
    (void)shutdown((int)handle, SHUT_WR);
}

void raw_system_close(intptr_t handle)
{
    (void)close((int)handle);
}

void raw_system_make_abrupt(intptr_t handle)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt((int)handle, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void raw_system_narrow(intptr_t handle)
{
    set_option(handle, SOL_SOCKET, SO_SNDBUF, 1);
    set_option(handle, SOL_SOCKET, SO_RCVBUF, 1);
}

/* tests/support/raw_socket.c: the other end of a connection, on POSIX. */
#define _GNU_SOURCE /* MSG_DONTWAIT and friends beside strict C11 */
#include "tests/support/raw_socket.h"

#include "net/os/os.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int handle_of(const struct raw_socket *socket)
{
    return (int)socket->handle;
}

static void set_option(intptr_t handle, int level, int name, int value)
{
    (void)setsockopt((int)handle, level, name, &value, sizeof(value));
}

static void set_patience(const struct raw_socket *socket)
{
    const struct timeval patience = {.tv_sec = RAW_SOCKET_PATIENCE_MS / 1000};
    (void)setsockopt(handle_of(socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(handle_of(socket), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    set_option(socket->handle, IPPROTO_TCP, TCP_NODELAY, 1);
}

static bool open_for(struct raw_socket *socket_out, const struct gw_addr *addr)
{
    int family = gw_addr_is_ipv4(addr) ? AF_INET : AF_INET6;
    socket_out->handle = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    return socket_out->handle >= 0;
}

static bool close_and_fail(struct raw_socket *socket)
{
    raw_socket_close(socket);
    return false;
}

/* A connect that was interrupted goes on; this waits for it. */
static bool has_connected(const struct raw_socket *socket)
{
    struct pollfd asked = {.fd = handle_of(socket), .events = POLLOUT};
    int code = 0;
    socklen_t bytes = sizeof(code);
    while (poll(&asked, 1, RAW_SOCKET_PATIENCE_MS) < 0 && errno == EINTR) {
    }
    return asked.revents != 0 &&
           getsockopt(handle_of(socket), SOL_SOCKET, SO_ERROR, &code, &bytes) == 0 && code == 0;
}

/*
 * The kernel takes leave of a closed io_uring in the thread that made it, later, and so interrupts
 * a connect that has a limit of time: signal(7), "Interruption of system calls".
 */
static bool connect_to(struct raw_socket *socket, const struct gw_addr *addr)
{
    struct sockaddr_storage system;
    socklen_t bytes = (socklen_t)os_addr_to_system(addr, &system);
    set_patience(socket);
    return connect(handle_of(socket), (struct sockaddr *)&system, bytes) == 0 ||
           (errno == EINTR && has_connected(socket));
}

bool raw_socket_connect(struct raw_socket *socket_out, const struct gw_addr *addr)
{
    if (!open_for(socket_out, addr)) {
        return false;
    }
    return connect_to(socket_out, addr) || close_and_fail(socket_out);
}

bool raw_socket_connect_narrow(struct raw_socket *socket_out, const struct gw_addr *addr)
{
    if (!open_for(socket_out, addr)) {
        return false;
    }
    raw_socket_narrow(socket_out->handle); /* before connecting: it decides the window */
    return connect_to(socket_out, addr) || close_and_fail(socket_out);
}

static uint16_t port_of(const struct sockaddr_storage *system)
{
    if (system->ss_family == AF_INET) {
        return ntohs(((const struct sockaddr_in *)system)->sin_port);
    }
    return ntohs(((const struct sockaddr_in6 *)system)->sin6_port);
}

bool raw_socket_listen(struct raw_socket *socket_out, struct gw_addr *addr, int backlog_count_max)
{
    struct sockaddr_storage system;
    socklen_t bytes = (socklen_t)os_addr_to_system(addr, &system);
    if (!open_for(socket_out, addr)) {
        return false;
    }
    set_patience(socket_out);
    if (bind(handle_of(socket_out), (struct sockaddr *)&system, bytes) != 0 ||
        listen(handle_of(socket_out), backlog_count_max) != 0 ||
        getsockname(handle_of(socket_out), (struct sockaddr *)&system, &bytes) != 0) {
        return close_and_fail(socket_out);
    }
    addr->port = port_of(&system);
    return true;
}

bool raw_socket_accept(const struct raw_socket *listener, struct raw_socket *socket_out,
                       struct gw_addr *peer_out)
{
    do {
        socket_out->handle = accept(handle_of(listener), NULL, NULL);
    } while (socket_out->handle < 0 && errno == EINTR);
    if (socket_out->handle < 0) {
        return false;
    }
    set_patience(socket_out);
    *peer_out = os_socket_peer((os_socket)socket_out->handle);
    return true;
}

static ssize_t send_part(const struct raw_socket *socket, const uint8_t *data, size_t bytes)
{
    ssize_t sent;
    do {
        sent = send(handle_of(socket), data, bytes, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

bool raw_socket_send(const struct raw_socket *socket, const void *data, size_t bytes)
{
    const uint8_t *rest = data;
    while (bytes > 0) {
        ssize_t sent = send_part(socket, rest, bytes);
        if (sent <= 0) {
            return false;
        }
        rest += sent;
        bytes -= (size_t)sent;
    }
    return true;
}

size_t raw_socket_send_some(const struct raw_socket *socket, const void *data, size_t bytes)
{
    ssize_t sent = send(handle_of(socket), data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? (size_t)sent : 0;
}

int raw_socket_recv(const struct raw_socket *socket, void *data, size_t bytes)
{
    ssize_t got;
    do {
        got = recv(handle_of(socket), data, bytes, 0);
    } while (got < 0 && errno == EINTR);
    if (got >= 0) {
        return (int)got;
    }
    return errno == EAGAIN ? RAW_SOCKET_NOTHING : RAW_SOCKET_RESET;
}

bool raw_socket_recv_all(const struct raw_socket *socket, void *data, size_t bytes)
{
    uint8_t *rest = data;
    while (bytes > 0) {
        int got = raw_socket_recv(socket, rest, bytes);
        if (got <= 0) {
            return false;
        }
        rest += got;
        bytes -= (size_t)got;
    }
    return true;
}

int raw_socket_recv_until_end(const struct raw_socket *socket)
{
    uint8_t data[4096];
    int got;
    do {
        got = raw_socket_recv(socket, data, sizeof(data));
    } while (got > 0);
    return got;
}

bool raw_socket_has_news(const struct raw_socket *socket)
{
    struct pollfd asked = {.fd = handle_of(socket), .events = POLLIN};
    return poll(&asked, 1, 0) == 1;
}

void raw_socket_finish(const struct raw_socket *socket)
{
    (void)shutdown(handle_of(socket), SHUT_WR);
}

void raw_socket_close(struct raw_socket *socket)
{
    if (socket->handle >= 0) {
        (void)close(handle_of(socket));
        socket->handle = -1;
    }
}

void raw_socket_reset(struct raw_socket *socket)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(handle_of(socket), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    raw_socket_close(socket);
}

void raw_socket_narrow(intptr_t handle)
{
    set_option(handle, SOL_SOCKET, SO_SNDBUF, 1);
    set_option(handle, SOL_SOCKET, SO_RCVBUF, 1);
}

/* tests/support/raw_socket.c: A blocking socket for the peer of a connection. */
#include "tests/support/raw_socket.h"

#include "net/os/os.h"
#include "tests/support/raw_system.h"

static bool open_for(struct raw_socket *socket_out, const struct gw_addr *addr)
{
    socket_out->handle = raw_system_open(gw_addr_is_ipv4(addr));
    return socket_out->handle >= 0;
}

static bool close_and_fail(struct raw_socket *socket)
{
    raw_socket_close(socket);
    return false;
}

bool raw_socket_connect(struct raw_socket *socket_out, const struct gw_addr *addr)
{
    if (!open_for(socket_out, addr)) {
        return false;
    }
    return raw_system_connect(socket_out->handle, addr) || close_and_fail(socket_out);
}

bool raw_socket_connect_narrow(struct raw_socket *socket_out, const struct gw_addr *addr)
{
    if (!open_for(socket_out, addr)) {
        return false;
    }
    raw_socket_narrow(socket_out->handle); /* before connecting: it decides the window */
    return raw_system_connect(socket_out->handle, addr) || close_and_fail(socket_out);
}

bool raw_socket_listen(struct raw_socket *socket_out, struct gw_addr *addr, int backlog_count_max)
{
    if (!open_for(socket_out, addr)) {
        return false;
    }
    return raw_system_listen(socket_out->handle, addr, backlog_count_max) ||
           close_and_fail(socket_out);
}

bool raw_socket_accept(const struct raw_socket *listener, struct raw_socket *socket_out,
                       struct gw_addr *peer_out)
{
    socket_out->handle = raw_system_accept(listener->handle);
    if (socket_out->handle < 0) {
        return false;
    }
    *peer_out = os_socket_peer((os_socket)socket_out->handle);
    return true;
}

bool raw_socket_send(const struct raw_socket *socket, const void *data, size_t bytes)
{
    const uint8_t *rest = data;
    while (bytes > 0) {
        long sent = raw_system_send(socket->handle, rest, bytes, true);
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
    long sent = raw_system_send(socket->handle, data, bytes, false);
    return sent > 0 ? (size_t)sent : 0;
}

int raw_socket_recv(const struct raw_socket *socket, void *data, size_t bytes)
{
    return raw_system_recv(socket->handle, data, bytes);
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

/*
 * Wine reports a reset once, and not always to recv(); afterwards recv() returns 0, as for FIN. But
 * a send of 0 bytes fails without a connection.
 */
bool raw_socket_recv_until_reset(const struct raw_socket *socket)
{
    int end = raw_socket_recv_until_end(socket);
    return end == RAW_SOCKET_RESET ||
           (end == RAW_SOCKET_FIN && raw_system_send(socket->handle, "", 0, false) < 0);
}

bool raw_socket_has_news(const struct raw_socket *socket)
{
    return raw_system_has_news(socket->handle);
}

void raw_socket_finish(const struct raw_socket *socket)
{
    raw_system_finish(socket->handle);
}

void raw_socket_close(struct raw_socket *socket)
{
    if (socket->handle >= 0) {
        raw_system_close(socket->handle);
        socket->handle = -1;
    }
}

void raw_socket_reset(struct raw_socket *socket)
{
    raw_system_make_abrupt(socket->handle);
    raw_socket_close(socket);
}

void raw_socket_narrow(intptr_t handle)
{
    raw_system_narrow(handle);
}

/* net/os/socket_win32.c: Sockets of Windows. */
#include "net/os/socket.h"

#include "net/error.h"
#include <stdio.h>

#include <windows.h>

int os_socket_error(void)
{
    return os_error(WSAGetLastError());
}

void os_sleep_ms(uint32_t ms)
{
    Sleep(ms);
}

/* ---- opening ---- */

static BOOL CALLBACK start_winsock(INIT_ONCE *once, void *parameter, void **context)
{
    WSADATA data;
    (void)once;
    (void)parameter;
    (void)context;
    return WSAStartup(MAKEWORD(2, 2), &data) == 0;
}

/* Winsock stays initialized until the program ends: other code may use it. */
static void want_winsock(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    (void)InitOnceExecuteOnce(&once, start_winsock, NULL, NULL);
}

void os_socket_accepted(os_socket socket)
{
    u_long on = 1;
    (void)ioctlsocket(socket, FIONBIO,
                      &on); /* for the reads in turns; overlapped I/O is not affected */
    os_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
}

int os_socket_open_family(int family, os_socket *socket_out)
{
    enum {
        MAXRT = 5
    }; /* TCP_MAXRT of <ws2ipdef.h>, which MinGW lacks: seconds of retransmissions */
    want_winsock();
    *socket_out = WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (*socket_out == INVALID_SOCKET) {
        return os_error(WSAGetLastError());
    }
    os_socket_accepted(*socket_out);
    os_socket_set_option(*socket_out, IPPROTO_TCP, MAXRT, OS_SOCKET_UNACKED_MS / 1000);
    return GW_OK;
}

int os_socket_open(const struct gw_addr *to, const struct gw_addr *source, os_socket *socket_out)
{
    if (source != NULL && gw_addr_is_ipv4(source) != gw_addr_is_ipv4(to)) {
        return GW_E_ADDRESS; /* bind() would fail with WSAEFAULT, which otherwise means a bug */
    }
    int error = os_socket_open_family(gw_addr_is_ipv4(to) ? AF_INET : AF_INET6, socket_out);
    if (error == GW_OK && source != NULL) {
        error = os_socket_close_on_error(os_socket_bind(*socket_out, source), socket_out);
    }
    return error;
}

void os_socket_prepare_to_listen(os_socket socket)
{
    /* On Windows SO_REUSEADDR would let any program take the port over, TIME_WAIT or not. */
    os_socket_set_option(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
}

void os_listener_note(os_socket socket, const char *path, bool is_given)
{
    (void)socket; /* a process that ends frees its ports at once */
    (void)path;
    (void)is_given;
}

void os_socket_close(os_socket socket)
{
    (void)closesocket(socket);
}

/* ---- connections ---- */

bool os_socket_has_unsent(os_socket socket)
{
    (void)socket; /* Windows has no such query; the backend tracks it */
    return false;
}

/*
 * WSAPoll() reports a FIN behind unread bytes. Wine's does not; there recv() and send() report the
 * other ends. A send of 0 bytes fails where there is no connection.
 */
int os_socket_peer_end(os_socket socket)
{
    WSAPOLLFD state = {.fd = socket, .events = POLLRDNORM};
    char byte;
    int got = recv(socket, &byte, 1, MSG_PEEK);
    int code = got < 0 ? WSAGetLastError() : 0;
    if (code != 0 && code != WSAEWOULDBLOCK) {
        return os_error(code);
    }
    if (send(socket, "", 0, 0) != 0 && WSAGetLastError() != WSAEWOULDBLOCK) {
        return GW_E_RESET;
    }
    bool is_polled = WSAPoll(&state, 1, 0) > 0;
    if (is_polled && (state.revents & POLLERR) != 0) {
        return GW_E_RESET;
    }
    return got == 0 || (is_polled && (state.revents & POLLHUP) != 0) ? GW_E_CLOSED : GW_OK;
}

/* ---- zones ---- */

int os_zone_parse(const char *text, uint16_t *zone_out)
{
    return os_zone_number_parse(text, zone_out); /* names would need iphlpapi.dll */
}

void os_zone_format(uint16_t zone, char text[OS_ZONE_TEXT_BYTES])
{
    snprintf(text, OS_ZONE_TEXT_BYTES, "%u", (unsigned)zone);
}

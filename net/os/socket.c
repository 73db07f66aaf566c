/* net/os/socket.c: Sockets through the calls that all systems took over from BSD. */
#include "net/os/socket.h"

#include "net/error.h"
#include <string.h>

void os_socket_set_option(os_socket socket, int level, int name, int value)
{
    (void)setsockopt(socket, level, name, (const char *)&value, sizeof(value));
}

int os_socket_bind(os_socket socket, const struct gw_addr *addr)
{
    struct sockaddr_storage system;
    socklen_t bytes = (socklen_t)os_addr_to_system(addr, &system);
    return bind(socket, (struct sockaddr *)&system, bytes) == 0 ? GW_OK : os_socket_error();
}

int os_socket_close_on_error(int error, os_socket *socket)
{
    if (error != GW_OK) {
        os_socket_close(*socket);
        *socket = OS_SOCKET_NONE;
    }
    return error;
}

/* ---- listening ---- */

static int listen_on(os_socket socket, struct gw_addr *addr, uint32_t backlog_count_max)
{
    struct sockaddr_storage system;
    socklen_t bytes = sizeof(system);
    int error = os_socket_bind(socket, addr);
    if (error != GW_OK) {
        return error;
    }
    if (listen(socket, (int)backlog_count_max) != 0 ||
        getsockname(socket, (struct sockaddr *)&system, &bytes) != 0) {
        return os_socket_error();
    }
    addr->port = os_addr_from_system(&system).port;
    return GW_OK;
}

static int try_to_listen(struct gw_addr *addr, uint32_t backlog_count_max, os_socket *socket_out)
{
    if (gw_addr_is_local(addr)) {
        return os_local_listen(addr, backlog_count_max, socket_out);
    }
    bool every_ip = os_ip_is_any(addr->ip);
    int error = os_socket_open_family(gw_addr_is_ipv4(addr) ? AF_INET : AF_INET6, socket_out);
    if (error != GW_OK && every_ip) { /* a machine without IPv6 */
        os_ip_make_any_v4(addr->ip);
        error = os_socket_open_family(AF_INET, socket_out);
    }
    if (error != GW_OK) {
        return error;
    }
    os_socket_prepare_to_listen(*socket_out);
    if (!gw_addr_is_ipv4(addr)) {
        os_socket_set_option(*socket_out, IPPROTO_IPV6, IPV6_V6ONLY, !every_ip);
    }
    error = os_socket_close_on_error(listen_on(*socket_out, addr, backlog_count_max), socket_out);
    if (error == GW_OK) {
        os_listener_note(*socket_out, NULL, false);
    }
    return error;
}

int os_socket_listen(struct gw_addr *addr, uint32_t backlog_count_max, uint32_t wait_ms,
                     os_socket *socket_out)
{
    enum { RETRY_MS = 10, NS_PER_MS = 1000000 };
    uint64_t until_ns = os_now_ns() + (uint64_t)wait_ms * NS_PER_MS;
    int error = try_to_listen(addr, backlog_count_max, socket_out);
    while (error == GW_E_IN_USE && os_now_ns() < until_ns) {
        os_sleep_ms(RETRY_MS);
        error = try_to_listen(addr, backlog_count_max, socket_out);
    }
    return error;
}

/* ---- connections ---- */

struct gw_addr os_socket_peer(os_socket socket)
{
    struct sockaddr_storage system;
    socklen_t bytes = sizeof(system);
    if (getpeername(socket, (struct sockaddr *)&system, &bytes) != 0) {
        return (struct gw_addr){.port = 0};
    }
    return system.ss_family == AF_UNIX ? os_local_peer(socket) : os_addr_from_system(&system);
}

bool os_socket_is_self_connected(os_socket socket)
{
    struct sockaddr_storage here;
    struct sockaddr_storage there;
    socklen_t here_bytes = sizeof(here);
    socklen_t there_bytes = sizeof(there);
    if (getsockname(socket, (struct sockaddr *)&here, &here_bytes) != 0 ||
        getpeername(socket, (struct sockaddr *)&there, &there_bytes) != 0 ||
        here.ss_family == AF_UNIX) {
        return false;
    }
    struct gw_addr from = os_addr_from_system(&here);
    struct gw_addr to = os_addr_from_system(&there);
    return from.port == to.port && from.zone == to.zone &&
           memcmp(from.ip, to.ip, sizeof(from.ip)) == 0;
}

void os_socket_end(os_socket socket, bool reset)
{
    if (reset) {
        const struct linger none = {.l_onoff = 1, .l_linger = 0}; /* closing aborts: socket(7) */
        (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, (const char *)&none, sizeof(none));
    }
    os_socket_close(socket);
}

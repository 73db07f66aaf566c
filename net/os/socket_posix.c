/* net/os/socket_posix.c: Sockets of Linux. */
#define _GNU_SOURCE /* POLLRDHUP, IP_BIND_ADDRESS_NO_PORT */
#include "net/os/socket.h"

#include "net/error.h"
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int os_socket_error(void)
{
    return os_error(errno);
}

void os_sleep_ms(uint32_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* ---- opening ---- */

/*
 * Bounds what the kernel buffers for one peer. The kernel doubles SO_SNDBUF for its own overhead
 * and then does not resize the buffer, which could otherwise grow to net.ipv4.tcp_wmem[2]:
 * socket(7). After TCP_USER_TIMEOUT without an acknowledgement, or with a closed window, the kernel
 * drops the connection, also one that the program has closed: tcp(7).
 */
static void bound_kernel_memory(os_socket socket)
{
    os_socket_set_option(socket, SOL_SOCKET, SO_SNDBUF, OS_SOCKET_SEND_BYTES);
    os_socket_set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, OS_SOCKET_UNACKED_MS);
}

void os_socket_accepted(os_socket socket)
{
    /* Low latency is worth more packets: a small message leaves at once. */
    os_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
}

int os_socket_open_family(int family, os_socket *socket_out)
{
    *socket_out = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                         family == AF_UNIX ? 0 : IPPROTO_TCP);
    return *socket_out >= 0 ? GW_OK : os_error(errno);
}

int os_socket_open(const struct gw_addr *to, const struct gw_addr *source, os_socket *socket_out)
{
    if (gw_addr_is_local(to)) { /* one of the process itself, and of a descriptor, is not dialed */
        struct sockaddr_storage unused;
        bool is_good = source == NULL && os_addr_to_system(to, &unused) > 0;
        return is_good ? os_socket_open_family(AF_UNIX, socket_out) : GW_E_ADDRESS;
    }
    int error = os_socket_open_family(gw_addr_is_ipv4(to) ? AF_INET : AF_INET6, socket_out);
    if (error != GW_OK) {
        return error;
    }
    os_socket_accepted(*socket_out);
    bound_kernel_memory(*socket_out);
    if (source != NULL) {
        /* connect(2) chooses the port, so that one port serves many destinations: ip(7). */
        os_socket_set_option(*socket_out, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        error = os_socket_bind(*socket_out, source);
    }
    return os_socket_close_on_error(error, socket_out);
}

void os_socket_prepare_to_listen(os_socket socket)
{
    os_socket_set_option(socket, SOL_SOCKET, SO_REUSEADDR,
                         1);     /* no wait for TIME_WAIT: socket(7) */
    bound_kernel_memory(socket); /* accepted sockets inherit it, without a call for each */
}

/* ---- listening sockets ---- */

/* Listening sockets above this number are only closed when the process ends. */
enum { LISTENING_COUNT_MAX = 16 };

struct listening {
    atomic_int socket; /* a descriptor plus 1; 0: free; -1: the rest is being written */
    bool is_given;
    const char *path; /* of its file, which is removed if it is still the same; NULL: none */
    dev_t device;
    ino_t inode;
};

static struct listening listening[LISTENING_COUNT_MAX];

void os_listener_note(os_socket socket, const char *path, bool is_given)
{
    struct stat file = {0};
    int none = 0;
    if (path != NULL && lstat(path, &file) != 0) {
        path = NULL;
    }
    for (int i = 0; i < LISTENING_COUNT_MAX; i++, none = 0) {
        struct listening *entry = &listening[i];
        if (atomic_compare_exchange_strong(&entry->socket, &none, -1)) {
            entry->is_given = is_given;
            entry->path = path;
            entry->device = file.st_dev;
            entry->inode = file.st_ino;
            atomic_store(&entry->socket, socket + 1);
            return;
        }
    }
}

bool os_listener_is_noted(os_socket socket)
{
    bool is_noted = false;
    for (int i = 0; i < LISTENING_COUNT_MAX; i++) {
        is_noted |= atomic_load(&listening[i].socket) == socket + 1;
    }
    return is_noted;
}

/* Before the socket is closed: until then no other server takes the file for that of a dead one. */
static void remove_file(const struct listening *entry)
{
    struct stat file;
    if (entry->path != NULL && lstat(entry->path, &file) == 0 && file.st_dev == entry->device &&
        file.st_ino == entry->inode) {
        (void)unlink(entry->path);
    }
}

static void forget_listening(os_socket socket)
{
    for (int i = 0; i < LISTENING_COUNT_MAX; i++) {
        struct listening *entry = &listening[i];
        if (atomic_load_explicit(&entry->socket, memory_order_relaxed) == socket + 1) {
            remove_file(entry);
            atomic_store(&entry->socket, 0);
        }
    }
}

void os_listeners_shut_down(void)
{
    for (int i = 0; i < LISTENING_COUNT_MAX; i++) {
        int socket = atomic_load(&listening[i].socket) - 1;
        if (socket >= 0 && !listening[i].is_given) {
            remove_file(&listening[i]);
            (void)shutdown(socket, SHUT_RDWR);
        }
    }
}

void os_socket_close(os_socket socket)
{
    forget_listening(socket);
    (void)close(socket); /* the descriptor is gone whatever close(2) says */
}

/* ---- connections ---- */

/* SIOCOUTQNSD of tcp(7). It counts an unsent FIN as one byte; that alone needs no reset. */
bool os_socket_has_unsent(os_socket socket)
{
    int bytes = 0;
    return ioctl(socket, SIOCOUTQNSD, &bytes) == 0 && bytes > 1;
}

int os_socket_peer_end(os_socket socket)
{
    struct pollfd state = {.fd = socket, .events = POLLRDHUP};
    int code = 0;
    socklen_t bytes = sizeof(code);
    if (poll(&state, 1, 0) <= 0) {
        return GW_OK;
    }
    if ((state.revents & (POLLERR | POLLHUP)) == 0) {
        return GW_E_CLOSED;
    }
    (void)getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &bytes);
    return code != 0 ? os_error(code) : GW_E_RESET; /* 0: a send has reported it already */
}

/* ---- zones ---- */

int os_zone_parse(const char *text, uint16_t *zone_out)
{
    unsigned number = if_nametoindex(text);
    if (number == 0 || number > UINT16_MAX) {
        return os_zone_number_parse(text, zone_out);
    }
    *zone_out = (uint16_t)number;
    return GW_OK;
}

void os_zone_format(uint16_t zone, char text[OS_ZONE_TEXT_BYTES])
{
    _Static_assert(OS_ZONE_TEXT_BYTES >= IF_NAMESIZE, "an interface name fits");
    if (if_indextoname(zone, text) == NULL) {
        snprintf(text, OS_ZONE_TEXT_BYTES, "%u", (unsigned)zone);
    }
}

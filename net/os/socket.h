/* net/os/socket.h: What socket.c and the socket code of each system share. Private to net. */
#ifndef GW_NET_OS_SOCKET_H
#define GW_NET_OS_SOCKET_H

#include "net/addr.h"
#include "net/os/os.h"
#include <stdint.h>

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#endif

/* ---- socket.c ---- */

void os_socket_set_option(os_socket socket, int level, int name, int value);

/* Returns 0 or a gw_error, as what follows does. */
int os_socket_bind(os_socket socket, const struct gw_addr *addr);

/* Returns `error`; unless it is 0, closes the socket first and makes it OS_SOCKET_NONE. */
int os_socket_close_on_error(int error, os_socket *socket);

/* ---- socket_posix.c, socket_win32.c ---- */

/* Opens a non-blocking stream socket that children do not inherit. `family` is AF_INET, AF_INET6
 * or, on Linux, AF_UNIX. */
int os_socket_open_family(int family, os_socket *socket_out);

/* Sets the options that a listening socket needs before it is bound. */
void os_socket_prepare_to_listen(os_socket socket);

/*
 * Linux: remembers a listening socket for os_listeners_shut_down(). The file at `path`, if it is
 * not NULL, is removed when the socket is closed. A socket that `is_given` is listened at by
 * others, too, and is not shut down. Others: does nothing.
 */
void os_listener_note(os_socket socket, const char *path, bool is_given);

/* Linux alone: whether it is one of these. */
bool os_listener_is_noted(os_socket socket);

/*
 * Linux alone: shuts down the listening sockets, so that their ports are free before the process
 * ends. An io_uring keeps the sockets of its requests open until the kernel has taken the ring
 * apart, some milliseconds later. Thread: any; also a signal handler.
 */
void os_listeners_shut_down(void);

/* The gw_error of the socket call that has failed last on this thread. */
int os_socket_error(void);

void os_sleep_ms(uint32_t ms);

/* ---- local_posix.c, local_win32.c: for addresses that are no IP addresses ---- */

/* As os_socket_listen(), without a wait; GW_E_ADDRESS also when the path has another file, or when
 * the descriptor is not a listening stream socket. */
int os_local_listen(struct gw_addr *addr, uint32_t backlog_count_max, os_socket *socket_out);

/* The process at the other end of an accepted Unix socket. */
struct gw_addr os_local_peer(os_socket socket);

#endif

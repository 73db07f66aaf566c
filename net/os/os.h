/* net/os/os.h: System functions that differ between Linux and Windows. Private to net. */
#ifndef GW_NET_OS_OS_H
#define GW_NET_OS_OS_H

#include "net/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
typedef uintptr_t os_socket; /* a SOCKET; declared so that this header needs no <winsock2.h> */
typedef struct os_mutex {
    void *lock; /* an SRWLOCK */
} os_mutex;
typedef struct os_cond {
    void *variable; /* a CONDITION_VARIABLE */
} os_cond;
typedef void *os_thread; /* a HANDLE */
enum {
    OS_OP_BYTES = 40,     /* an OVERLAPPED and its callback */
    OS_SOCKET_BYTES = 16, /* what a backend stores for a socket */
};
#define OS_MUTEX_INIT                                                                              \
    {                                                                                              \
        NULL                                                                                       \
    }
#else
#include <pthread.h>
typedef int os_socket;
typedef pthread_mutex_t os_mutex;
typedef pthread_cond_t os_cond;
typedef pthread_t os_thread;
enum {
    OS_OP_BYTES = 16,    /* a link in a list */
    OS_SOCKET_BYTES = 8, /* what a backend stores for a socket */
};
#define OS_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER
#endif

#define OS_SOCKET_NONE ((os_socket)-1)

/* The send buffer of one connection, and how long sent bytes may remain unacknowledged. */
enum { OS_SOCKET_SEND_BYTES = 128 * 1024, OS_SOCKET_UNACKED_MS = 20000 };

/* ---- sockets: TCP, non-blocking, not inherited by children, TCP_NODELAY ---- */

/*
 * Opens a socket that can connect to `to`, bound to `source` unless that is NULL.
 *
 * Returns 0, GW_E_ADDRESS, GW_E_FULL, GW_E_MEMORY or GW_E_SYSTEM.
 */
int os_socket_open(const struct gw_addr *to, const struct gw_addr *source, os_socket *socket_out);

/*
 * Opens a listening socket bound to `addr`, and writes the actual address back into `addr`. While
 * the address is in use, tries again for `wait_ms`; the calling thread sleeps in between.
 *
 * Returns what os_socket_open() returns, or GW_E_IN_USE.
 */
int os_socket_listen(struct gw_addr *addr, uint32_t backlog_count_max, uint32_t wait_ms,
                     os_socket *socket_out);

/* Sets the options of os_socket_open() on an accepted socket. */
void os_socket_accepted(os_socket socket);

void os_socket_close(os_socket socket);

/* Whether the send buffer contains bytes that the system has not sent yet. False on Windows, which
 * has no query for it. */
bool os_socket_has_unsent(os_socket socket);

/* As peer_end of a backend: 0, GW_E_CLOSED after FIN, or the error that has ended the connection.
 */
int os_socket_peer_end(os_socket socket);

/* Closes a socket; with `reset` the system discards unsent bytes and sends RST. */
void os_socket_end(os_socket socket, bool reset);

/*
 * Whether the other end of a connected socket is the socket itself. That happens in TCP when the
 * kernel chooses the destination port as the source port, and no socket listens on that port.
 */
bool os_socket_is_self_connected(os_socket socket);

/* The address of the other end; all zero when the socket is not connected any more. */
struct gw_addr os_socket_peer(os_socket socket);

/* ---- addresses ---- */

/* Converts an address to the form of the system's calls, and back. The first returns its size. */
struct sockaddr_storage;
int os_addr_to_system(const struct gw_addr *addr, struct sockaddr_storage *system_out);
struct gw_addr os_addr_from_system(const struct sockaddr_storage *system);

/*
 * Looks up a host name, and waits for the answer. Writes up to `count_max` addresses without a
 * port, and their number; 0 after an error.
 *
 * Returns 0, GW_E_NAME, GW_E_TIMEOUT, GW_E_MEMORY or GW_E_SYSTEM.
 */
int os_addr_lookup(const char *name, struct gw_addr *addrs_out, uint32_t count_max,
                   uint32_t *count_out);

/* Reads and writes an IP address without a port. Reading returns 0 or GW_E_ADDRESS. */
int os_ip_parse(const char *text, uint8_t ip_out[16]);
void os_ip_format(const uint8_t ip[16], char *text, uint32_t text_bytes);

/*
 * Reads and writes the zone of a link-local address: the name of an interface, or its number, which
 * is not 0. Reading returns 0 or GW_E_ADDRESS.
 */
enum { OS_ZONE_TEXT_BYTES = 16 };                               /* IF_NAMESIZE of Linux */
int os_zone_number_parse(const char *text, uint16_t *zone_out); /* the number alone */
int os_zone_parse(const char *text, uint16_t *zone_out);
void os_zone_format(uint16_t zone, char text[OS_ZONE_TEXT_BYTES]);

/* Whether the address is ::, which is any address of both families. Makes it 0.0.0.0. */
bool os_ip_is_any(const uint8_t ip[16]);
void os_ip_make_any_v4(uint8_t ip[16]);

/*
 * epoll_pwait2(2), with a timeout in nanoseconds; epoll_wait(2), with one in milliseconds, where
 * the C library (glibc before 2.35), the kernel (before 5.11) or a seccomp filter does not have it.
 */
struct epoll_event;
int os_epoll_wait(int set, struct epoll_event *events, int count_max, uint64_t left_ns);

/*
 * ---- addresses that are no IP addresses: Linux alone ----
 *
 * They have OS_LOCAL_ZONE as their zone, and in `ip` their kind, which no link-local address begins
 * with, and from ip[4] on: the index of a path; a number; pid, uid and gid.
 */
enum { OS_LOCAL_ZONE = UINT16_MAX };
enum os_local_kind { OS_LOCAL_PATH, OS_LOCAL_DESCRIPTOR, OS_LOCAL_PROCESS, OS_LOCAL_KIND_COUNT };

/* Return 0, GW_E_FULL (too many paths) or GW_E_UNSUPPORTED (Windows). */
int os_local_from_path(const char *path, struct gw_addr *addr_out);
int os_local_from_descriptor(uint16_t descriptor, struct gw_addr *addr_out);

/* Formats such an address. */
void os_local_format(const struct gw_addr *addr, char text[GW_ADDR_TEXT_BYTES]);

/* As os_addr_to_system(): 0 for what no socket call takes. */
int os_local_to_system(const struct gw_addr *addr, struct sockaddr_storage *system_out);

/* ---- errors, time, processors, memory, threads, signals ---- */

/* Converts an errno to a gw_error; on Windows a value of GetLastError(), of WSAGetLastError(), or
 * an NTSTATUS. Never returns GW_OK. */
int os_error(int system_code);

/* A monotonic clock, and cryptographically secure random numbers. */
uint64_t os_now_ns(void);
uint64_t os_random(void);

/* The number of processors that this program may use: its affinity, and on Linux its quota. At
 * least 1. */
uint32_t os_processor_count(void);

/* Raises the limit of open descriptors to `count` where allowed. Returns the limit afterwards. */
uint64_t os_descriptors_want(uint64_t count);

/* Allocates zeroed pages; NULL: no memory. `bytes` is a multiple of os_page_bytes(). */
size_t os_page_bytes(void);
void *os_pages_take(size_t bytes);
void os_pages_give(void *pages, size_t bytes);

/* Makes every later access to these pages fault. */
void os_pages_forbid(void *pages, size_t bytes);

void os_mutex_init(os_mutex *mutex);
void os_mutex_fini(os_mutex *mutex);
void os_mutex_lock(os_mutex *mutex);
void os_mutex_unlock(os_mutex *mutex);

/*
 * A condition variable. Waiting unlocks the mutex, waits for a wake, which may be spurious, and
 * locks the mutex again. Waking does not need the mutex.
 */
void os_cond_init(os_cond *cond);
void os_cond_fini(os_cond *cond);
void os_cond_wait(os_cond *cond, os_mutex *mutex);
void os_cond_wake_one(os_cond *cond);
void os_cond_wake_all(os_cond *cond);

/* Starts a thread. Returns 0 or GW_E_SYSTEM. Every thread is joined once. */
int os_thread_start(os_thread *thread_out, void (*run)(void *context), void *context);
void os_thread_join(os_thread thread);

/*
 * Opens the null device on each of the descriptors 0, 1 and 2 that is closed, so that no socket
 * gets such a number and receives what the program prints. Reading or writing them still fails.
 */
void os_standard_descriptors_reserve(void);

/*
 * Installs the signal handlers that gw_signals_take() describes. They call `on_signal` with an enum
 * gw_signal, inside a signal handler or on a thread of the system. os_signals_release() restores
 * the previous handlers; on_signal is not called after it.
 */
void os_signals_take(void (*on_signal)(int signal));
void os_signals_release(void);

#endif

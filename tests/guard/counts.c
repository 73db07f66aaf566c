/* tests/guard/counts.c: counters of system calls, allocations and copies, in wrappers for `ld
 * --wrap`. */
#define _GNU_SOURCE
#include "tests/guard/counts.h"

#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct counts counted;
static bool counting;
static bool paused;

void counts_begin(void)
{
    memset(&counted, 0, sizeof(counted));
    counting = true;
}

struct counts counts_end(void)
{
    counting = false;
    return counted;
}

void counts_pause(void)
{
    paused = true;
}

void counts_resume(void)
{
    paused = false;
}

static void count(uint64_t *number, uint64_t by)
{
    if (counting && !paused) {
        *number += by;
    }
}

void counts_wait(void)
{
    count(&counted.syscall_count, 1);
    count(&counted.wait_count, 1);
}

/* ---- the kernel ---- */

ssize_t __real_recv(int socket, void *bytes, size_t count, int flags);
ssize_t __real_send(int socket, const void *bytes, size_t count, int flags);
ssize_t __real_sendmsg(int socket, const struct msghdr *message, int flags);
int __real_accept4(int socket, struct sockaddr *addr, socklen_t *bytes, int flags);
ssize_t __real_read(int file, void *bytes, size_t count);
ssize_t __real_write(int file, const void *bytes, size_t count);
int __real_epoll_ctl(int set, int how, int file, struct epoll_event *event);
int __real_epoll_pwait2(int set, struct epoll_event *events, int count,
                        const struct timespec *timeout, const sigset_t *mask);
ssize_t __wrap_recv(int socket, void *bytes, size_t count, int flags);
ssize_t __wrap_send(int socket, const void *bytes, size_t count, int flags);
ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags);
int __wrap_accept4(int socket, struct sockaddr *addr, socklen_t *bytes, int flags);
ssize_t __wrap_read(int file, void *bytes, size_t count);
ssize_t __wrap_write(int file, const void *bytes, size_t count);
int __wrap_epoll_ctl(int set, int how, int file, struct epoll_event *event);
int __wrap_epoll_pwait2(int set, struct epoll_event *events, int count,
                        const struct timespec *timeout, const sigset_t *mask);

ssize_t __wrap_recv(int socket, void *bytes, size_t byte_count, int flags)
{
    count(&counted.syscall_count, 1);
    return __real_recv(socket, bytes, byte_count, flags);
}

ssize_t __wrap_send(int socket, const void *bytes, size_t byte_count, int flags)
{
    count(&counted.syscall_count, 1);
    return __real_send(socket, bytes, byte_count, flags);
}

ssize_t __wrap_sendmsg(int socket, const struct msghdr *message, int flags)
{
    count(&counted.syscall_count, 1);
    return __real_sendmsg(socket, message, flags);
}

int __wrap_accept4(int socket, struct sockaddr *addr, socklen_t *bytes, int flags)
{
    count(&counted.syscall_count, 1);
    return __real_accept4(socket, addr, bytes, flags);
}

ssize_t __wrap_read(int file, void *bytes, size_t byte_count)
{
    count(&counted.syscall_count, 1);
    return __real_read(file, bytes, byte_count);
}

ssize_t __wrap_write(int file, const void *bytes, size_t byte_count)
{
    count(&counted.syscall_count, 1);
    return __real_write(file, bytes, byte_count);
}

int __wrap_epoll_ctl(int set, int how, int file, struct epoll_event *event)
{
    count(&counted.syscall_count, 1);
    return __real_epoll_ctl(set, how, file, event);
}

int __wrap_epoll_pwait2(int set, struct epoll_event *events, int event_count,
                        const struct timespec *timeout, const sigset_t *mask)
{
    counts_wait();
    return __real_epoll_pwait2(set, events, event_count, timeout, mask);
}

/* ---- the heap, and copies ---- */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__real_memcpy(void *to, const void *from, size_t bytes);
void *__real_memmove(void *to, const void *from, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_memcpy(void *to, const void *from, size_t bytes);
void *__wrap_memmove(void *to, const void *from, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    count(&counted.allocation_count, 1);
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t member_count, size_t bytes)
{
    count(&counted.allocation_count, 1);
    return __real_calloc(member_count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    count(&counted.allocation_count, 1);
    return __real_realloc(memory, bytes);
}

void *__wrap_memcpy(void *to, const void *from, size_t bytes)
{
    count(&counted.copied_bytes, bytes);
    return __real_memcpy(to, from, bytes);
}

void *__wrap_memmove(void *to, const void *from, size_t bytes)
{
    count(&counted.copied_bytes, bytes);
    return __real_memmove(to, from, bytes);
}

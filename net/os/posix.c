/* net/os/posix.c: System functions of Linux: waiting, errors, time, processors, pages, threads. */
#define _GNU_SOURCE /* epoll_pwait2, sched_getaffinity */
#include "net/os/os.h"

#include "net/error.h"
#include "net/os/cgroup.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* ---- waiting ---- */

/* epoll_pwait2(2), or the error of a kernel without it where the C library has none. */
static int wait_with_timespec(int set, struct epoll_event *events, int count_max,
                              const struct timespec *left)
{
#ifdef GW_HAS_EPOLL_PWAIT2
    return epoll_pwait2(set, events, count_max, left, NULL);
#else
    (void)set;
    (void)events;
    (void)count_max;
    (void)left;
    errno = ENOSYS;
    return -1;
#endif
}

int os_epoll_wait(int set, struct epoll_event *events, int count_max, uint64_t left_ns)
{
    enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };
    const struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S),
                                  .tv_nsec = (long)(left_ns % NS_PER_S)};
    int count = wait_with_timespec(set, events, count_max, &left);
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
        int left_ms = (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
        count = epoll_wait(set, events, count_max, left_ms);
    }
    return count;
}

/* ---- errors ---- */

int os_error(int system_code)
{
    static const struct {
        int code;
        int error;
    } table[] = {
        {ECANCELED, GW_E_CLOSED},      {ECONNRESET, GW_E_RESET},     {EPIPE, GW_E_RESET},
        {ECONNABORTED, GW_E_RESET},    {ECONNREFUSED, GW_E_REFUSED}, {ETIMEDOUT, GW_E_TIMEOUT},
        {EHOSTUNREACH, GW_E_REFUSED},  {ENETUNREACH, GW_E_REFUSED},  {EADDRINUSE, GW_E_IN_USE},
        {EADDRNOTAVAIL, GW_E_ADDRESS}, {EAFNOSUPPORT, GW_E_ADDRESS}, {EACCES, GW_E_DENIED},
        {EINVAL, GW_E_ADDRESS},        {EMFILE, GW_E_FULL},          {ENFILE, GW_E_FULL},
        {ENOSPC, GW_E_FULL},           {ENOBUFS, GW_E_MEMORY},       {ENOMEM, GW_E_MEMORY},
        {EROFS, GW_E_DENIED},          {ENOENT, GW_E_NO_FILE},       {ENOTDIR, GW_E_NO_FILE},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].code == system_code) {
            return table[i].error;
        }
    }
    return GW_E_SYSTEM;
}

/* ---- time, random numbers, processors ---- */

uint64_t os_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t os_random(void)
{
    uint64_t number = 0;
    while (getrandom(&number, sizeof(number), 0) != sizeof(number)) {
    }
    return number;
}

uint32_t os_processor_count(void)
{
    cpu_set_t set;
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) {
        count = CPU_COUNT(&set);
    }
    uint32_t quota = gw__cgroup_processor_count("/proc/self/cgroup", "/sys/fs/cgroup");
    uint32_t mine = count > 0 ? (uint32_t)count : 1;
    return mine < quota ? mine : quota;
}

uint64_t os_descriptors_want(uint64_t count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    if (limit.rlim_cur < count && limit.rlim_cur < limit.rlim_max) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            return before;
        }
    }
    return limit.rlim_cur;
}

/* ---- pages ---- */

size_t os_page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *os_pages_take(size_t bytes)
{
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void os_pages_give(void *pages, size_t bytes)
{
    (void)munmap(pages, bytes);
}

void os_pages_forbid(void *pages, size_t bytes)
{
    (void)mprotect(pages, bytes, PROT_NONE);
}

/* ---- threads ---- */

void os_mutex_init(os_mutex *mutex)
{
    pthread_mutex_init(mutex, NULL);
}

void os_mutex_fini(os_mutex *mutex)
{
    pthread_mutex_destroy(mutex);
}

void os_mutex_lock(os_mutex *mutex)
{
    pthread_mutex_lock(mutex);
}

void os_mutex_unlock(os_mutex *mutex)
{
    pthread_mutex_unlock(mutex);
}

void os_cond_init(os_cond *cond)
{
    pthread_cond_init(cond, NULL);
}

void os_cond_fini(os_cond *cond)
{
    pthread_cond_destroy(cond);
}

void os_cond_wait(os_cond *cond, os_mutex *mutex)
{
    pthread_cond_wait(cond, mutex);
}

void os_cond_wake_one(os_cond *cond)
{
    pthread_cond_signal(cond);
}

void os_cond_wake_all(os_cond *cond)
{
    pthread_cond_broadcast(cond);
}

/* Adapts a function without a result to the type that pthread_create() takes. */
struct start {
    void (*run)(void *context);
    void *context;
};

static void *run_start(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    start.run(start.context);
    return NULL;
}

int os_thread_start(os_thread *thread_out, void (*run)(void *context), void *context)
{
    struct start *start = malloc(sizeof(*start));
    if (start == NULL) {
        return GW_E_SYSTEM;
    }
    *start = (struct start){.run = run, .context = context};
    if (pthread_create(thread_out, NULL, run_start, start) != 0) {
        free(start);
        return GW_E_SYSTEM;
    }
    return GW_OK;
}

void os_thread_join(os_thread thread)
{
    pthread_join(thread, NULL);
}

/* ---- standard descriptors ---- */

void os_standard_descriptors_reserve(void)
{
    /* Opened for the other direction: reading 0, or writing 1 and 2, still fails with EBADF. */
    static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int number = 0; number <= 2; number++) {
        if (fcntl(number, F_GETFD) >= 0 || errno != EBADF) {
            continue;
        }
        int opened = open("/dev/null", flags[number]); /* POSIX: the lowest number that is free */
        if (opened > number) {
            (void)close(opened); /* another thread has taken the number */
        }
    }
}

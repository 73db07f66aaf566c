/* net/os/posix.c: what Linux does in its own way. */
#define _GNU_SOURCE /* accept4's flags, sched_getaffinity, IP_BIND_ADDRESS_NO_PORT */
#include "net/os/os.h"

#include "net/error.h"
#include "net/os/cgroup.h"
#include "net/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- sockets ---- */

static void set_option(os_socket socket, int level, int name, int value)
{
    (void)setsockopt(socket, level, name, &value, sizeof(value));
}

/*
 * Bounds what the kernel keeps for one peer. The kernel doubles SO_SNDBUF for its own overhead and
 * no longer tunes the buffer, which would grow to net.ipv4.tcp_wmem[2]: socket(7). After
 * TCP_USER_TIMEOUT without an acknowledgement, or with a closed window, it drops the connection,
 * also one that the program has closed: tcp(7).
 */
static void bound_kernel_memory(os_socket socket)
{
    set_option(socket, SOL_SOCKET, SO_SNDBUF, OS_SOCKET_SEND_BYTES);
    set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, OS_SOCKET_UNACKED_MS);
}

void os_socket_accepted(os_socket socket)
{
    /* A game would rather spend packets than milliseconds. */
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
}

static int open_socket(int family, os_socket *socket_out)
{
    *socket_out = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    return *socket_out >= 0 ? GW_OK : os_error(errno);
}

static int bind_socket(os_socket socket, const struct gw_addr *addr)
{
    struct sockaddr_storage system;
    socklen_t bytes = (socklen_t)os_addr_to_system(addr, &system);
    return bind(socket, (struct sockaddr *)&system, bytes) == 0 ? GW_OK : os_error(errno);
}

/* Passes `error` on, and does not leave the socket behind it open. */
static int close_on_error(int error, os_socket *socket)
{
    if (error != GW_OK) {
        os_socket_close(*socket);
        *socket = OS_SOCKET_NONE;
    }
    return error;
}

int os_socket_open(const struct gw_addr *to, const struct gw_addr *source, os_socket *socket_out)
{
    int error = open_socket(gw_addr_is_ipv4(to) ? AF_INET : AF_INET6, socket_out);
    if (error != GW_OK) {
        return error;
    }
    os_socket_accepted(*socket_out);
    bound_kernel_memory(*socket_out);
    if (source != NULL) {
        /* The port is chosen at connect, so that one port serves for many destinations: ip(7). */
        set_option(*socket_out, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        error = bind_socket(*socket_out, source);
    }
    return close_on_error(error, socket_out);
}

/* Sockets that listen, for shut_listeners(). More than these are left to the end of the process. */
enum { LISTENING_COUNT_MAX = 16 };
static atomic_int listening[LISTENING_COUNT_MAX]; /* a descriptor and 1; 0: free */

static void note_listening(os_socket socket)
{
    int none = 0;
    for (int i = 0; i < LISTENING_COUNT_MAX; i++, none = 0) {
        if (atomic_compare_exchange_strong(&listening[i], &none, socket + 1)) {
            return;
        }
    }
}

static void forget_listening(os_socket socket)
{
    for (int i = 0; i < LISTENING_COUNT_MAX; i++) {
        if (atomic_load_explicit(&listening[i], memory_order_relaxed) == socket + 1) {
            atomic_store(&listening[i], 0);
        }
    }
}

/*
 * Frees the ports before the process ends: what waits in an io_uring keeps its sockets open until
 * the kernel has taken the ring apart, some milliseconds later. Also in a signal handler.
 */
static void shut_listeners(void)
{
    for (int i = 0; i < LISTENING_COUNT_MAX; i++) {
        int socket = atomic_load(&listening[i]) - 1;
        if (socket >= 0) {
            (void)shutdown(socket, SHUT_RDWR);
        }
    }
}

static int listen_on(os_socket socket, struct gw_addr *addr, uint32_t backlog_count_max)
{
    struct sockaddr_storage system;
    socklen_t bytes = sizeof(system);
    int error = bind_socket(socket, addr);
    if (error != GW_OK) {
        return error;
    }
    if (listen(socket, (int)backlog_count_max) != 0 ||
        getsockname(socket, (struct sockaddr *)&system, &bytes) != 0) {
        return os_error(errno);
    }
    addr->port = os_addr_from_system(&system).port;
    return GW_OK;
}

static int try_to_listen(struct gw_addr *addr, uint32_t backlog_count_max, os_socket *socket_out)
{
    bool every_ip = os_ip_is_any(addr->ip);
    int error = open_socket(gw_addr_is_ipv4(addr) ? AF_INET : AF_INET6, socket_out);
    if (error != GW_OK && every_ip) { /* a machine without IPv6 */
        os_ip_make_any_v4(addr->ip);
        error = open_socket(AF_INET, socket_out);
    }
    if (error != GW_OK) {
        return error;
    }
    set_option(*socket_out, SOL_SOCKET, SO_REUSEADDR, 1); /* no wait for TIME_WAIT: socket(7) */
    bound_kernel_memory(*socket_out); /* accepted sockets inherit it, without a call for each */
    if (!gw_addr_is_ipv4(addr)) {
        set_option(*socket_out, IPPROTO_IPV6, IPV6_V6ONLY, !every_ip);
    }
    return close_on_error(listen_on(*socket_out, addr, backlog_count_max), socket_out);
}

int os_socket_listen(struct gw_addr *addr, uint32_t backlog_count_max, uint32_t wait_ms,
                     os_socket *socket_out)
{
    enum { RETRY_MS = 10, NS_PER_MS = 1000000 };
    const struct timespec pause = {.tv_nsec = RETRY_MS * NS_PER_MS};
    uint64_t until_ns = os_now_ns() + (uint64_t)wait_ms * NS_PER_MS;
    int error = try_to_listen(addr, backlog_count_max, socket_out);
    while (error == GW_E_IN_USE && os_now_ns() < until_ns) {
        (void)nanosleep(&pause, NULL);
        error = try_to_listen(addr, backlog_count_max, socket_out);
    }
    if (error == GW_OK) {
        note_listening(*socket_out);
    }
    return error;
}

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
    _Static_assert(OS_ZONE_TEXT_BYTES >= IF_NAMESIZE, "a name has room");
    if (if_indextoname(zone, text) == NULL) {
        snprintf(text, OS_ZONE_TEXT_BYTES, "%u", (unsigned)zone);
    }
}

void os_socket_close(os_socket socket)
{
    forget_listening(socket);
    (void)close(socket); /* the descriptor is gone whatever close(2) says */
}

/* SIOCOUTQNSD of tcp(7). It counts a FIN that waits as one byte, which is not worth a reset. */
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
    return code != 0 ? os_error(code) : GW_E_RESET; /* 0: a send has been told already */
}

void os_socket_end(os_socket socket, bool reset)
{
    if (reset) {
        const struct linger none = {.l_onoff = 1, .l_linger = 0}; /* close(2) aborts: socket(7) */
        (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    }
    os_socket_close(socket);
}

struct gw_addr os_socket_peer(os_socket socket)
{
    struct sockaddr_storage system;
    socklen_t bytes = sizeof(system);
    if (getpeername(socket, (struct sockaddr *)&system, &bytes) != 0) {
        return (struct gw_addr){.port = 0};
    }
    return os_addr_from_system(&system);
}

/* ---- waiting ---- */

/* What the build has found, and otherwise an answer as that of a kernel that does not know it. */
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
    } words[] = {
        {ECANCELED, GW_E_CLOSED},      {ECONNRESET, GW_E_RESET},     {EPIPE, GW_E_RESET},
        {ECONNABORTED, GW_E_RESET},    {ECONNREFUSED, GW_E_REFUSED}, {ETIMEDOUT, GW_E_TIMEOUT},
        {EHOSTUNREACH, GW_E_REFUSED},  {ENETUNREACH, GW_E_REFUSED},  {EADDRINUSE, GW_E_IN_USE},
        {EADDRNOTAVAIL, GW_E_ADDRESS}, {EAFNOSUPPORT, GW_E_ADDRESS}, {EACCES, GW_E_ADDRESS},
        {EINVAL, GW_E_ADDRESS},        {EMFILE, GW_E_FULL},          {ENFILE, GW_E_FULL},
        {ENOSPC, GW_E_FULL},           {ENOBUFS, GW_E_MEMORY},       {ENOMEM, GW_E_MEMORY},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].code == system_code) {
            return words[i].error;
        }
    }
    return GW_E_SYSTEM;
}

/* ---- time, chance, processors ---- */

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

/* Carries a function without a result through pthread's signature. */
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
    /* Opened the wrong way round: reading 0, or writing 1 and 2, still fails with EBADF. */
    static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int number = 0; number <= 2; number++) {
        if (fcntl(number, F_GETFD) >= 0 || errno != EBADF) {
            continue;
        }
        int opened = open("/dev/null", flags[number]); /* POSIX: the lowest number that is free */
        if (opened > number) {
            (void)close(opened); /* another thread took the number meanwhile */
        }
    }
}

/* ---- signals ---- */

enum { STOP_REPEAT_MS = 300 };

/*
 * What asks a program to stop: a supervisor or container runtime (TERM), the keys of a terminal
 * (INT, QUIT), a terminal that closes (HUP), and lxc-stop(1) (PWR). Shells start background jobs
 * with INT and QUIT ignored, nohup(1) starts programs with HUP ignored: these stay ignored.
 */
static struct stop_signal {
    int number;
    bool may_stay_ignored;
    bool ends_at_once; /* when it comes again */
    bool taken;
    struct sigaction before;
    _Atomic uint64_t first_ns; /* 0: has not come */
} stop_signals[] = {
    {.number = SIGTERM, .ends_at_once = true},
    {.number = SIGINT, .may_stay_ignored = true, .ends_at_once = true},
    {.number = SIGQUIT, .may_stay_ignored = true, .ends_at_once = true},
    {.number = SIGHUP, .may_stay_ignored = true},
    {.number = SIGPWR},
};
enum { STOP_SIGNAL_COUNT = sizeof(stop_signals) / sizeof(stop_signals[0]) };

static void (*_Atomic signal_taker)(int signal); /* NULL: signals are not taken */
static atomic_bool stop_requested;

static void handle_report(int number)
{
    (void)number;
    int saved_errno = errno;
    void (*taker)(int) = atomic_load(&signal_taker);
    if (taker != NULL) {
        taker(GW_SIGNAL_REPORT);
    }
    errno = saved_errno;
}

/*
 * Terminals, shells and supervisors send several signals for one request: TERM and HUP, INT and
 * TERM, or the same one twice within milliseconds. Only one that comes again after a while is a
 * second request.
 */
static void handle_stop(int number)
{
    int saved_errno = errno;
    uint64_t now_ns = os_now_ns(); /* clock_gettime() is allowed here: signal-safety(7) */
    uint64_t first_ns = 0;
    struct stop_signal *stop = stop_signals;
    while (stop->number != number) {
        stop++;
    }
    if (!atomic_compare_exchange_strong(&stop->first_ns, &first_ns, now_ns) && stop->ends_at_once &&
        now_ns - first_ns >= STOP_REPEAT_MS * UINT64_C(1000000)) {
        shut_listeners();
        _exit(1);
    }
    void (*taker)(int) = atomic_load(&signal_taker);
    if (!atomic_exchange(&stop_requested, true) && taker != NULL) {
        taker(GW_SIGNAL_STOP);
    }
    errno = saved_errno;
}

static void set_handler(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static bool is_ignored(const struct stop_signal *stop)
{
    return (stop->before.sa_flags & SA_SIGINFO) == 0 && stop->before.sa_handler == SIG_IGN;
}

void os_signals_take(void (*on_signal)(int signal))
{
    sigset_t unblocked;
    sigemptyset(&unblocked);
    sigaddset(&unblocked, SIGUSR1);
    atomic_store(&stop_requested, false);
    atomic_store(&signal_taker, on_signal);
    set_handler(SIGPIPE, SIG_IGN);
    set_handler(SIGUSR1, handle_report);
    for (struct stop_signal *stop = stop_signals; stop < stop_signals + STOP_SIGNAL_COUNT; stop++) {
        atomic_store(&stop->first_ns, 0);
        if (!stop->taken) { /* otherwise release() has left the handler */
            sigaction(stop->number, NULL, &stop->before);
        }
        stop->taken = !(stop->may_stay_ignored && is_ignored(stop));
        if (stop->taken) {
            set_handler(stop->number, handle_stop);
            sigaddset(&unblocked, stop->number);
        }
    }
    /* The mask of the parent is inherited through fork() and exec(), and by the workers from here.
     */
    (void)pthread_sigmask(SIG_UNBLOCK, &unblocked, NULL);
}

void os_signals_release(void)
{
    atomic_store(&signal_taker, NULL);
    /* SIGPIPE stays ignored, and SIGUSR1 without effect: neither may end a program that is stopping
     * and writes its last lines. The same holds for further requests to stop. */
    for (struct stop_signal *stop = stop_signals; stop < stop_signals + STOP_SIGNAL_COUNT; stop++) {
        if (stop->taken && !atomic_load(&stop_requested)) {
            sigaction(stop->number, &stop->before, NULL);
            stop->taken = false;
        }
    }
}

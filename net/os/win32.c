/* net/os/win32.c: what Windows does in its own way. */
#include "net/os/os.h"

#include "net/error.h"
#include "net/signals.h"
#include <process.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include <bcrypt.h>

/* ---- sockets ---- */

static BOOL CALLBACK start_winsock(INIT_ONCE *once, void *parameter, void **context)
{
    WSADATA data;
    (void)once;
    (void)parameter;
    (void)context;
    return WSAStartup(MAKEWORD(2, 2), &data) == 0;
}

/* Winsock stays until the program ends: nobody knows who else uses it. */
static void want_winsock(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    (void)InitOnceExecuteOnce(&once, start_winsock, NULL, NULL);
}

static void set_option(os_socket socket, int level, int name, int value)
{
    (void)setsockopt(socket, level, name, (const char *)&value, sizeof(value));
}

void os_socket_accepted(os_socket socket)
{
    u_long on = 1;
    (void)ioctlsocket(socket, FIONBIO, &on); /* for the reads inside turns; overlapped I/O pends */
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
}

static int open_socket(int family, os_socket *socket_out)
{
    enum { MAXRT = 5 }; /* TCP_MAXRT of <ws2ipdef.h>, which MinGW lacks: seconds of retries */
    want_winsock();
    *socket_out = WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (*socket_out == INVALID_SOCKET) {
        return os_error(WSAGetLastError());
    }
    os_socket_accepted(*socket_out);
    set_option(*socket_out, IPPROTO_TCP, MAXRT, OS_SOCKET_UNACKED_MS / 1000);
    return GW_OK;
}

static int bind_socket(os_socket socket, const struct gw_addr *addr)
{
    struct sockaddr_storage system;
    int bytes = os_addr_to_system(addr, &system);
    return bind(socket, (struct sockaddr *)&system, bytes) == 0 ? GW_OK
                                                                : os_error(WSAGetLastError());
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
    if (source != NULL && gw_addr_is_ipv4(source) != gw_addr_is_ipv4(to)) {
        return GW_E_ADDRESS; /* bind() would call it WSAEFAULT, which is otherwise a bug of ours */
    }
    int error = open_socket(gw_addr_is_ipv4(to) ? AF_INET : AF_INET6, socket_out);
    if (error == GW_OK && source != NULL) {
        error = close_on_error(bind_socket(*socket_out, source), socket_out);
    }
    return error;
}

static int listen_on(os_socket socket, struct gw_addr *addr, uint32_t backlog_count_max)
{
    struct sockaddr_storage system;
    int bytes = sizeof(system);
    int error = bind_socket(socket, addr);
    if (error != GW_OK) {
        return error;
    }
    if (listen(socket, (int)backlog_count_max) != 0 ||
        getsockname(socket, (struct sockaddr *)&system, &bytes) != 0) {
        return os_error(WSAGetLastError());
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
    /* Here SO_REUSEADDR would let any program take the port away, TIME_WAIT or not. */
    set_option(*socket_out, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
    if (!gw_addr_is_ipv4(addr)) {
        set_option(*socket_out, IPPROTO_IPV6, IPV6_V6ONLY, !every_ip);
    }
    return close_on_error(listen_on(*socket_out, addr, backlog_count_max), socket_out);
}

int os_socket_listen(struct gw_addr *addr, uint32_t backlog_count_max, uint32_t wait_ms,
                     os_socket *socket_out)
{
    enum { RETRY_MS = 10, NS_PER_MS = 1000000 };
    uint64_t until_ns = os_now_ns() + (uint64_t)wait_ms * NS_PER_MS;
    int error = try_to_listen(addr, backlog_count_max, socket_out);
    while (error == GW_E_IN_USE && os_now_ns() < until_ns) {
        Sleep(RETRY_MS);
        error = try_to_listen(addr, backlog_count_max, socket_out);
    }
    return error;
}

int os_zone_parse(const char *text, uint16_t *zone_out)
{
    return os_zone_number_parse(text, zone_out); /* names would take iphlpapi.dll */
}

void os_zone_format(uint16_t zone, char text[OS_ZONE_TEXT_BYTES])
{
    snprintf(text, OS_ZONE_TEXT_BYTES, "%u", (unsigned)zone);
}

void os_socket_close(os_socket socket)
{
    (void)closesocket(socket);
}

bool os_socket_has_unsent(os_socket socket)
{
    (void)socket; /* Windows does not tell; see has_unsent of the backend */
    return false;
}

/*
 * WSAPoll() tells of a FIN behind unread bytes; Wine's does not, but its recv() and send() tell of
 * what else there is. Nothing can be sent where there is no connection, not even nothing.
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

void os_socket_end(os_socket socket, bool reset)
{
    if (reset) {
        const struct linger none = {.l_onoff = 1, .l_linger = 0}; /* closesocket() aborts then */
        (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, (const char *)&none, sizeof(none));
    }
    os_socket_close(socket);
}

struct gw_addr os_socket_peer(os_socket socket)
{
    struct sockaddr_storage system;
    int bytes = sizeof(system);
    if (getpeername(socket, (struct sockaddr *)&system, &bytes) != 0) {
        return (struct gw_addr){.port = 0};
    }
    return os_addr_from_system(&system);
}

/* ---- errors ---- */

/* What an OVERLAPPED brings home; <ntstatus.h> and <windows.h> do not go together. */
enum {
    HANDLES_CLOSED = (int)0x8000000A,
    NO_MEMORY = (int)0xC0000017,
    INSUFFICIENT_RESOURCES = (int)0xC000009A,
    IO_TIMEOUT = (int)0xC00000B5,
    TOO_MANY_OPENED_FILES = (int)0xC000011F,
    CANCELLED = (int)0xC0000120,
    LOCAL_DISCONNECT = (int)0xC000013B,
    REMOTE_DISCONNECT = (int)0xC000013C,
    ADDRESS_ALREADY_EXISTS = (int)0xC000020A,
    CONNECTION_DISCONNECTED = (int)0xC000020C,
    CONNECTION_RESET = (int)0xC000020D,
    CONNECTION_REFUSED = (int)0xC0000236,
    GRACEFUL_DISCONNECT = (int)0xC0000237,
    NETWORK_UNREACHABLE = (int)0xC000023C,
    HOST_UNREACHABLE = (int)0xC000023D,
    PROTOCOL_UNREACHABLE = (int)0xC000023E,
    PORT_UNREACHABLE = (int)0xC000023F,
    CONNECTION_ABORTED = (int)0xC0000241,
};

int os_error(int system_code)
{
    static const struct {
        int code;
        int error;
    } words[] = {
        /* of GetLastError() and of WSAGetLastError(), which are one list */
        {ERROR_OPERATION_ABORTED, GW_E_CLOSED},
        {WSAEINTR, GW_E_CLOSED},
        {ERROR_UNEXP_NET_ERR, GW_E_RESET},
        {ERROR_NETNAME_DELETED, GW_E_RESET},
        {ERROR_BROKEN_PIPE, GW_E_RESET},
        {ERROR_CONNECTION_ABORTED, GW_E_RESET},
        {WSAENETRESET, GW_E_RESET},
        {WSAECONNABORTED, GW_E_RESET},
        {WSAECONNRESET, GW_E_RESET},
        {WSAESHUTDOWN, GW_E_RESET},
        {WSAEDISCON, GW_E_RESET},
        {ERROR_CONNECTION_REFUSED, GW_E_REFUSED},
        {ERROR_NETWORK_UNREACHABLE, GW_E_REFUSED},
        {ERROR_HOST_UNREACHABLE, GW_E_REFUSED},
        {ERROR_PROTOCOL_UNREACHABLE, GW_E_REFUSED},
        {ERROR_PORT_UNREACHABLE, GW_E_REFUSED},
        {WSAENETUNREACH, GW_E_REFUSED},
        {WSAECONNREFUSED, GW_E_REFUSED},
        {WSAEHOSTUNREACH, GW_E_REFUSED},
        {ERROR_SEM_TIMEOUT, GW_E_TIMEOUT},
        {WSAETIMEDOUT, GW_E_TIMEOUT},
        {WSAEACCES, GW_E_ADDRESS},
        {WSAEINVAL, GW_E_ADDRESS},
        {WSAEAFNOSUPPORT, GW_E_ADDRESS},
        {WSAEADDRINUSE, GW_E_IN_USE},
        {WSAEADDRNOTAVAIL, GW_E_ADDRESS},
        {ERROR_TOO_MANY_OPEN_FILES, GW_E_FULL},
        {WSAEMFILE, GW_E_FULL},
        {ERROR_NOT_ENOUGH_MEMORY, GW_E_MEMORY},
        {ERROR_OUTOFMEMORY, GW_E_MEMORY},
        {ERROR_NO_SYSTEM_RESOURCES, GW_E_MEMORY},
        {WSAENOBUFS, GW_E_MEMORY},
        /* of an OVERLAPPED */
        {CANCELLED, GW_E_CLOSED},
        {HANDLES_CLOSED, GW_E_CLOSED},
        {LOCAL_DISCONNECT, GW_E_RESET},
        {REMOTE_DISCONNECT, GW_E_RESET},
        {CONNECTION_DISCONNECTED, GW_E_RESET},
        {CONNECTION_RESET, GW_E_RESET},
        {GRACEFUL_DISCONNECT, GW_E_RESET},
        {CONNECTION_ABORTED, GW_E_RESET},
        {CONNECTION_REFUSED, GW_E_REFUSED},
        {NETWORK_UNREACHABLE, GW_E_REFUSED},
        {HOST_UNREACHABLE, GW_E_REFUSED},
        {PROTOCOL_UNREACHABLE, GW_E_REFUSED},
        {PORT_UNREACHABLE, GW_E_REFUSED},
        {IO_TIMEOUT, GW_E_TIMEOUT},
        {ADDRESS_ALREADY_EXISTS, GW_E_IN_USE},
        {TOO_MANY_OPENED_FILES, GW_E_FULL},
        {NO_MEMORY, GW_E_MEMORY},
        {INSUFFICIENT_RESOURCES, GW_E_MEMORY},
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
    const uint64_t ns_per_s = 1000000000u;
    LARGE_INTEGER count;
    LARGE_INTEGER per_second; /* constant since the machine was started; asking costs nothing */
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&per_second);
    uint64_t whole = (uint64_t)count.QuadPart / (uint64_t)per_second.QuadPart;
    uint64_t rest = (uint64_t)count.QuadPart % (uint64_t)per_second.QuadPart;
    return whole * ns_per_s + rest * ns_per_s / (uint64_t)per_second.QuadPart;
}

uint64_t os_random(void)
{
    uint64_t number = 0;
    if (BCryptGenRandom(NULL, (PUCHAR)&number, sizeof(number), BCRYPT_USE_SYSTEM_PREFERRED_RNG) !=
        0) {
        abort(); /* tokens that can be guessed would be worse than none */
    }
    return number;
}

uint32_t os_processor_count(void)
{
    DWORD_PTR mine = 0;
    DWORD_PTR machine = 0;
    uint32_t count = 0;
    (void)GetProcessAffinityMask(GetCurrentProcess(), &mine, &machine);
    for (; mine != 0; mine &= mine - 1) {
        count++;
    }
    return count > 0 ? count : 1;
}

uint64_t os_descriptors_want(uint64_t count)
{
    return count; /* handles are limited by memory alone */
}

/* ---- pages ---- */

size_t os_page_bytes(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwPageSize;
}

void *os_pages_take(size_t bytes)
{
    return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void os_pages_give(void *pages, size_t bytes)
{
    (void)bytes; /* all that was taken with them goes at once */
    (void)VirtualFree(pages, 0, MEM_RELEASE);
}

void os_pages_forbid(void *pages, size_t bytes)
{
    DWORD before;
    (void)VirtualProtect(pages, bytes, PAGE_NOACCESS, &before);
}

/* ---- threads ---- */

static PSRWLOCK lock_of(os_mutex *mutex)
{
    _Static_assert(sizeof(SRWLOCK) == sizeof(os_mutex), "an SRWLOCK is one pointer");
    return (PSRWLOCK)(void *)&mutex->lock;
}

void os_mutex_init(os_mutex *mutex)
{
    InitializeSRWLock(lock_of(mutex));
}

void os_mutex_fini(os_mutex *mutex)
{
    (void)mutex; /* it has nothing to give back */
}

void os_mutex_lock(os_mutex *mutex)
{
    AcquireSRWLockExclusive(lock_of(mutex));
}

void os_mutex_unlock(os_mutex *mutex)
{
    ReleaseSRWLockExclusive(lock_of(mutex));
}

/* Carries a function without a result through the system's signature. */
struct start {
    void (*run)(void *context);
    void *context;
};

static unsigned __stdcall run_start(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    start.run(start.context);
    return 0;
}

int os_thread_start(os_thread *thread_out, void (*run)(void *context), void *context)
{
    struct start *start = malloc(sizeof(*start));
    if (start == NULL) {
        return GW_E_SYSTEM;
    }
    *start = (struct start){.run = run, .context = context};
    uintptr_t thread = _beginthreadex(NULL, 0, run_start, start, 0, NULL);
    if (thread == 0) {
        free(start);
        return GW_E_SYSTEM;
    }
    *thread_out = (os_thread)thread;
    return GW_OK;
}

void os_thread_join(os_thread thread)
{
    (void)WaitForSingleObject(thread, INFINITE);
    (void)CloseHandle(thread);
}

/* ---- standard descriptors ---- */

void os_standard_descriptors_reserve(void)
{
    /* Sockets are handles here, and never get the number of a standard stream. */
}

/* ---- signals ---- */

/* The system calls the handler on a thread of its own: the lock keeps it out of what has ended. */
static struct {
    os_mutex mutex;
    void (*taker)(int signal); /* locked */
    atomic_uint stop_count;
} signals = {.mutex = OS_MUTEX_INIT};

static void tell_stop(void)
{
    os_mutex_lock(&signals.mutex);
    if (signals.taker != NULL) {
        signals.taker(GW_SIGNAL_STOP);
    }
    os_mutex_unlock(&signals.mutex);
}

/*
 * When the console closes, the user logs off or the machine goes down, the system ends the program
 * as soon as this returns. So it does not: main() returns when everybody has been told, or the
 * system's patience ends, which is five seconds.
 */
static BOOL WINAPI handle_control(DWORD event)
{
    if (atomic_fetch_add(&signals.stop_count, 1) > 0) {
        _exit(1);
    }
    tell_stop();
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) {
        Sleep(INFINITE);
    }
    return TRUE;
}

void os_signals_take(void (*on_signal)(int signal))
{
    os_mutex_lock(&signals.mutex);
    signals.taker = on_signal;
    os_mutex_unlock(&signals.mutex);
    atomic_store(&signals.stop_count, 0);
    (void)SetConsoleCtrlHandler(handle_control, TRUE);
}

void os_signals_release(void)
{
    (void)SetConsoleCtrlHandler(handle_control, FALSE);
    os_mutex_lock(&signals.mutex);
    signals.taker = NULL;
    os_mutex_unlock(&signals.mutex);
}

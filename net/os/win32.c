/* net/os/win32.c: System functions of Windows: errors, time, processors, pages, threads, signals.
 */
#include "net/os/os.h"

#include "net/error.h"
#include "net/signals.h"
#include <process.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <winsock2.h>

#include <windows.h>

#include <bcrypt.h>

/* ---- errors ---- */

/* NTSTATUS values of an OVERLAPPED. <ntstatus.h> cannot be included beside <windows.h>. */
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
    } table[] = {
        /* of GetLastError() and WSAGetLastError(), which share their numbers */
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
        {WSAEACCES, GW_E_DENIED},
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
    const uint64_t ns_per_s = 1000000000u;
    LARGE_INTEGER count;
    LARGE_INTEGER per_second; /* constant since the system was started; reading it is cheap */
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
        abort(); /* without it tokens could be guessed */
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
    return count; /* only memory limits handles */
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
    (void)bytes; /* VirtualFree() releases the whole allocation */
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
    (void)mutex; /* an SRWLOCK needs no cleanup */
}

void os_mutex_lock(os_mutex *mutex)
{
    AcquireSRWLockExclusive(lock_of(mutex));
}

void os_mutex_unlock(os_mutex *mutex)
{
    ReleaseSRWLockExclusive(lock_of(mutex));
}

static PCONDITION_VARIABLE variable_of(os_cond *cond)
{
    _Static_assert(sizeof(CONDITION_VARIABLE) == sizeof(os_cond),
                   "a CONDITION_VARIABLE is one pointer");
    return (PCONDITION_VARIABLE)(void *)&cond->variable;
}

void os_cond_init(os_cond *cond)
{
    InitializeConditionVariable(variable_of(cond));
}

void os_cond_fini(os_cond *cond)
{
    (void)cond; /* a CONDITION_VARIABLE needs no cleanup */
}

void os_cond_wait(os_cond *cond, os_mutex *mutex)
{
    (void)SleepConditionVariableSRW(variable_of(cond), lock_of(mutex), INFINITE, 0);
}

void os_cond_wake_one(os_cond *cond)
{
    WakeConditionVariable(variable_of(cond));
}

void os_cond_wake_all(os_cond *cond)
{
    WakeAllConditionVariable(variable_of(cond));
}

/* Adapts a function without a result to the type that _beginthreadex() takes. */
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
    /* Sockets are handles here, and never have the number of a standard stream. */
}

/* ---- signals ---- */

/* The system calls the handler on a thread of its own. The mutex ensures that the callback does not
 * run after os_signals_release(). */
static struct {
    os_mutex mutex;
    void (*callback)(int signal); /* locked */
    atomic_uint stop_count;
} signals = {.mutex = OS_MUTEX_INIT};

static void call_stop(void)
{
    os_mutex_lock(&signals.mutex);
    if (signals.callback != NULL) {
        signals.callback(GW_SIGNAL_STOP);
    }
    os_mutex_unlock(&signals.mutex);
}

/*
 * When the console closes, the user logs off or the system shuts down, the system ends the program
 * as soon as this returns. So it does not return: the program ends when main() returns after the
 * drain, or when the system ends it after five seconds.
 */
static BOOL WINAPI handle_control(DWORD event)
{
    if (atomic_fetch_add(&signals.stop_count, 1) > 0) {
        _exit(1);
    }
    call_stop();
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) {
        Sleep(INFINITE);
    }
    return TRUE;
}

void os_signals_take(void (*on_signal)(int signal))
{
    os_mutex_lock(&signals.mutex);
    signals.callback = on_signal;
    os_mutex_unlock(&signals.mutex);
    atomic_store(&signals.stop_count, 0);
    (void)SetConsoleCtrlHandler(handle_control, TRUE);
}

void os_signals_release(void)
{
    (void)SetConsoleCtrlHandler(handle_control, FALSE);
    os_mutex_lock(&signals.mutex);
    signals.callback = NULL;
    os_mutex_unlock(&signals.mutex);
}

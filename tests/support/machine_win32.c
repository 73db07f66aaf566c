/* tests/support/machine_win32.c: System functions for tests, on Windows. */
#include "tests/support/machine.h"

#include <windows.h>

void machine_sleep_ms(uint32_t ms)
{
    Sleep(ms);
}

void machine_yield(void)
{
    (void)SwitchToThread();
}

FILE *machine_scratch_file(void)
{
    enum { TRY_COUNT = 50, REST_MS = 20 };
    for (int i = 0; i < TRY_COUNT; i++) {
        FILE *file = tmpfile();
        if (file != NULL) {
            return file;
        }
        machine_sleep_ms(REST_MS);
    }
    return NULL;
}

static uint64_t ns_of(FILETIME time)
{
    return ((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime) * 100;
}

uint64_t machine_cpu_ns(void)
{
    FILETIME begin;
    FILETIME end;
    FILETIME kernel;
    FILETIME user;
    (void)GetProcessTimes(GetCurrentProcess(), &begin, &end, &kernel, &user);
    return ns_of(kernel) + ns_of(user);
}

bool machine_may_touch(const void *place)
{
    MEMORY_BASIC_INFORMATION around;
    return VirtualQuery(place, &around, sizeof(around)) != 0 && around.State == MEM_COMMIT &&
           (around.Protect & (PAGE_NOACCESS | PAGE_GUARD)) == 0;
}

intptr_t machine_start_child(void)
{
    return 0; /* a child process inherits only inheritable handles */
}

void machine_end_child(intptr_t child)
{
}

/* A console of its own, so that the parent process does not receive the event. */
static void want_console(void)
{
    static bool wanted;
    if (!wanted) {
        wanted = true;
        (void)FreeConsole();
        (void)AllocConsole();
        (void)SetConsoleCtrlHandler(NULL, FALSE); /* the parent may have set Ctrl-C to be ignored */
    }
}

bool machine_raise(enum machine_signal signal)
{
    if (signal != MACHINE_STOP && signal != MACHINE_INTERRUPT) {
        return false;
    }
    want_console();
    /* Wine has Ctrl-C only. */
    return (signal == MACHINE_STOP && GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, 0)) ||
           GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0);
}

bool machine_has_descriptor_limit(void)
{
    return false;
}

uint64_t machine_set_descriptor_limit(uint64_t count)
{
    return 0;
}

void machine_take_descriptors(void)
{
}

void machine_give_back_descriptor(void)
{
}

void machine_give_back_descriptors(void)
{
}

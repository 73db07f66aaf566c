/* tests/support/machine_win32.c: what tests ask of the machine, on Windows. */
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

intptr_t machine_start_child(void)
{
    return 0; /* a child gets only the handles that were made for it */
}

void machine_end_child(intptr_t child)
{
    (void)child;
}

uint64_t machine_set_descriptor_limit(uint64_t count)
{
    (void)count;
    return 0; /* memory is the only limit */
}

uint32_t machine_next_descriptor(void)
{
    return 0;
}

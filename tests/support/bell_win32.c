/* tests/support/bell_win32.c: A condition variable of Windows, for an SRW lock. */
#include "tests/support/bell.h"

#include <windows.h>

_Static_assert(sizeof(CONDITION_VARIABLE) <= sizeof(struct bell), "it must fit into a bell");

static CONDITION_VARIABLE *inside(struct bell *bell)
{
    return (CONDITION_VARIABLE *)(void *)bell->inside;
}

void bell_init(struct bell *bell)
{
    InitializeConditionVariable(inside(bell));
}

void bell_fini(struct bell *bell)
{
}

void bell_wait(struct bell *bell, os_mutex *mutex)
{
    (void)SleepConditionVariableSRW(inside(bell), (SRWLOCK *)(void *)&mutex->lock, INFINITE, 0);
}

void bell_ring(struct bell *bell)
{
    WakeAllConditionVariable(inside(bell));
}

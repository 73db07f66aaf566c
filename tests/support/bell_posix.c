/* tests/support/bell_posix.c: A condition variable of POSIX. */
#include "tests/support/bell.h"

#include <pthread.h>

_Static_assert(sizeof(pthread_cond_t) <= sizeof(struct bell), "it must fit into a bell");

static pthread_cond_t *inside(struct bell *bell)
{
    return (pthread_cond_t *)(void *)bell->inside;
}

void bell_init(struct bell *bell)
{
    pthread_cond_init(inside(bell), NULL);
}

void bell_fini(struct bell *bell)
{
    pthread_cond_destroy(inside(bell));
}

void bell_wait(struct bell *bell, os_mutex *mutex)
{
    pthread_cond_wait(inside(bell), mutex);
}

void bell_ring(struct bell *bell)
{
    pthread_cond_broadcast(inside(bell));
}

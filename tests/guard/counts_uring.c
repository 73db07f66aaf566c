/* tests/guard/counts_uring.c: counters of calls that enter an io_uring, in wrappers for `ld
 * --wrap`. */
#include "tests/guard/counts.h"

/* The wrappers need no types of liburing. */
int __real_io_uring_enter2(unsigned ring, unsigned submit, unsigned wait, unsigned flags,
                           void *argument, unsigned long bytes);
int __wrap_io_uring_enter2(unsigned ring, unsigned submit, unsigned wait, unsigned flags,
                           void *argument, unsigned long bytes);
int __real_io_uring_get_events(void *ring);
int __real_io_uring_submit(void *ring);
int __real_io_uring_submit_and_get_events(void *ring);
int __real_io_uring_submit_and_wait_timeout(void *ring, void **first, unsigned count, void *left,
                                            void *mask);
int __wrap_io_uring_get_events(void *ring);
int __wrap_io_uring_submit(void *ring);
int __wrap_io_uring_submit_and_get_events(void *ring);
int __wrap_io_uring_submit_and_wait_timeout(void *ring, void **first, unsigned count, void *left,
                                            void *mask);

int __wrap_io_uring_enter2(unsigned ring, unsigned submit, unsigned wait, unsigned flags,
                           void *argument, unsigned long bytes)
{
    counts_wait();
    return __real_io_uring_enter2(ring, submit, wait, flags, argument, bytes);
}

int __wrap_io_uring_get_events(void *ring)
{
    counts_wait();
    return __real_io_uring_get_events(ring);
}

int __wrap_io_uring_submit(void *ring)
{
    counts_wait();
    return __real_io_uring_submit(ring);
}

int __wrap_io_uring_submit_and_get_events(void *ring)
{
    counts_wait();
    return __real_io_uring_submit_and_get_events(ring);
}

int __wrap_io_uring_submit_and_wait_timeout(void *ring, void **first, unsigned count, void *left,
                                            void *mask)
{
    counts_wait();
    return __real_io_uring_submit_and_wait_timeout(ring, first, count, left, mask);
}

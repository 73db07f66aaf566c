/* tests/guard/counts.h: counters of system calls, allocations and copies, by `ld --wrap`. */
#ifndef GW_TESTS_GUARD_COUNTS_H
#define GW_TESTS_GUARD_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

/* Calls of the library to the kernel and the heap, between counts_begin() and counts_end(). */
struct counts {
    uint64_t syscall_count;
    uint64_t wait_count; /* of those: waits for the kernel's queue */
    uint64_t allocation_count;
    uint64_t copied_bytes;
};

/* Start and stop counting. */
void counts_begin(void);
struct counts counts_end(void);

/* Calls between the two are the guard's own, of its players, and are not counted. */
void counts_pause(void);
void counts_resume(void);

/* Counts one wait for the kernel's queue. */
void counts_wait(void);

#endif

/* tests/guard/counts.h: system calls, allocations and copies, counted where the linker sends them.
 */
#ifndef GW_TESTS_GUARD_COUNTS_H
#define GW_TESTS_GUARD_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

/* What the house has asked of the kernel and of the heap, while counting. */
struct counts {
    uint64_t syscall_count;
    uint64_t wait_count; /* of those: waits for the kernel's queue */
    uint64_t allocation_count;
    uint64_t copied_bytes;
};

/* Counts from now on, or no more. The guard's own players are not counted: see counts_pause(). */
void counts_begin(void);
struct counts counts_end(void);

/* What happens between the two is not the house's doing. */
void counts_pause(void);
void counts_resume(void);

/* One wait for the kernel's queue, counted elsewhere. */
void counts_wait(void);

#endif

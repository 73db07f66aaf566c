/* tests/support/machine.h: System functions for tests: sleeping, processor time, descriptors. */
#ifndef GW_TESTS_SUPPORT_MACHINE_H
#define GW_TESTS_SUPPORT_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Sleeps; yields the processor to another thread. */
void machine_sleep_ms(uint32_t ms);
void machine_yield(void);

/* A temporary file, deleted when it is closed; NULL: failed. Under Wine tmpfile() fails now and
 * then; this tries again for a second. */
FILE *machine_scratch_file(void);

/* The processor time of all threads of this program so far. */
uint64_t machine_cpu_ns(void);

/* Whether the byte at an address is readable, without reading it. */
bool machine_may_touch(const void *place);

/*
 * Starts a child process that has all descriptors of this one, and sleeps until it or this program
 * ends. 0: not available on this system.
 */
intptr_t machine_start_child(void);
void machine_end_child(intptr_t child);

/*
 * Sends this program a signal: SIGTERM, SIGINT, SIGUSR1, SIGPIPE; on Windows Ctrl-Break and Ctrl-C.
 * Returns false when this system has no such signal.
 */
enum machine_signal { MACHINE_STOP, MACHINE_INTERRUPT, MACHINE_REPORT, MACHINE_BROKEN_PIPE };
bool machine_raise(enum machine_signal signal);

/* Whether this system limits descriptors other than by memory. */
bool machine_has_descriptor_limit(void);

/*
 * The soft limit of descriptors. Setting it returns the previous one. An accept that waits in
 * io_uring has the limit of the time at which it was submitted.
 */
uint64_t machine_set_descriptor_limit(uint64_t count);

/* Opens descriptors up to the limit; closes one of them, or all. */
void machine_take_descriptors(void);
void machine_give_back_descriptor(void);
void machine_give_back_descriptors(void);

#endif

/* tests/support/machine.h: what tests ask of the machine: rest, processor time, descriptors. */
#ifndef GW_TESTS_SUPPORT_MACHINE_H
#define GW_TESTS_SUPPORT_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Rests the calling thread; lets another one run. */
void machine_sleep_ms(uint32_t ms);
void machine_yield(void);

/* A file that is gone when it is closed; NULL: none. Under Wine a tmpfile() fails now and then;
 * it is tried again for a second. */
FILE *machine_scratch_file(void);

/* Processor time that this program has used so far, all threads together. */
uint64_t machine_cpu_ns(void);

/* Whether the program may read the byte there, without reading it. */
bool machine_may_touch(const void *place);

/*
 * A child process that has all the descriptors of this one, and does nothing until it is ended, or
 * this program is. 0: on this machine there is no such thing.
 */
intptr_t machine_start_child(void);
void machine_end_child(intptr_t child);

/*
 * Sends this program a signal: SIGTERM, SIGINT, SIGUSR1, SIGPIPE; on Windows Ctrl-Break and Ctrl-C.
 * Returns false when this machine has no such thing.
 */
enum machine_signal { MACHINE_STOP, MACHINE_INTERRUPT, MACHINE_REPORT, MACHINE_BROKEN_PIPE };
bool machine_raise(enum machine_signal signal);

/* Whether descriptors have a limit of their own here, or memory is the only one. */
bool machine_has_descriptor_limit(void);

/*
 * The soft limit of descriptors. Setting it returns what it was. An accept that waits in io_uring
 * has the limit of the moment when it was submitted.
 */
uint64_t machine_set_descriptor_limit(uint64_t count);

/* Takes all descriptors that are left under the limit; gives back one of them, or all. */
void machine_take_descriptors(void);
void machine_give_back_descriptor(void);
void machine_give_back_descriptors(void);

#endif

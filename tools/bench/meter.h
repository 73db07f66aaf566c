/* tools/bench/meter.h: what the server has used so far, read from outside. */
#ifndef GW_TOOLS_BENCH_METER_H
#define GW_TOOLS_BENCH_METER_H

#include <stdint.h>

/*
 * The processor time is that of CLOCK_PROCESS_CPUTIME_ID, which one process may read of another:
 * all threads, to the nanosecond, with the kernel's work for them. So no server has to measure
 * itself.
 *
 * Source    clock_getcpuclockid(3); proc(5) for the rest.
 */
struct meter {
    uint64_t cpu_ns;
    uint64_t sleep_count;   /* voluntary context switches: it went to sleep, and was woken */
    uint64_t private_bytes; /* memory that is its own alone and was written: of user space */
};

/* Reads all of it; what cannot be read ends the program. `pid` is the server's. */
struct meter meter_read(int pid);

#endif

/* tools/bench/meter.h: resource usage of the server, read from outside. */
#ifndef GW_TOOLS_BENCH_METER_H
#define GW_TOOLS_BENCH_METER_H

#include <stdint.h>

/*
 * The processor time is CLOCK_PROCESS_CPUTIME_ID of the server's process: all threads, user and
 * kernel mode, in nanoseconds. So no server measures itself.
 *
 * Source    clock_getcpuclockid(3); proc(5) for the rest.
 */
struct meter {
    uint64_t cpu_ns;
    uint64_t sleep_count;   /* voluntary context switches */
    uint64_t private_bytes; /* user memory that is private and was written */
};

/* Reads the usage of process `pid`; a failure ends the program. */
struct meter meter_read(int pid);

#endif

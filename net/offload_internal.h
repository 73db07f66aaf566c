/* net/offload_internal.h: The threads of an offload pool, and what they run. Private to net. */
#ifndef GW_NET_OFFLOAD_INTERNAL_H
#define GW_NET_OFFLOAD_INTERNAL_H

#include "net/offload.h"
#include <stdbool.h>

/*
 * What runs the jobs of a pool: threads of the system, or what a backend has instead of them (the
 * simulated kernel of the tests, which runs them on its own clock). Each thread repeats:
 *
 *      job = gw__offload_take(pool);       NULL: sleeps until the next wake
 *      gw__offload_run(pool, job);
 */
struct gw_offload_threads {
    /* Starts the threads. Returns 0, or an error after it has ended those that it had started. */
    int (*start)(struct gw_offload *pool, uint32_t thread_count);

    /* A job was queued: wakes one thread that sleeps, if any. Thread: any. */
    void (*wake)(struct gw_offload *pool);

    /* Waits until the job of each thread is finished and none is left to take; ends the threads.
     * The pool is closed. */
    void (*join)(struct gw_offload *pool);
};

/* The threads of the system. */
extern const struct gw_offload_threads gw__offload_threads;

/* Removes and returns the first job that may run; NULL: none. Thread: any. */
struct gw_job *gw__offload_take(struct gw_offload *pool);

/* Calls work, unless the pool was closed when the job was taken, and posts done. Thread: any. */
void gw__offload_run(struct gw_offload *pool, struct gw_job *job);

/* Whether the calling thread is inside the work of a job. */
bool gw__offload_is_working(void);

#endif

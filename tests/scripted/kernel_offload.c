/* tests/scripted/kernel_offload.c: Threads of offload pools, as events of the simulated kernel. */
#include "tests/scripted/kernel_inside.h"

#include "net/error.h"
#include "net/offload_internal.h"
#include "tests/scripted/memory.h"

/*
 * A thread wakes up to late_ns_max after it was woken, or after its last job, and takes a job. Up
 * to job_ns_max later it calls work and posts done. So jobs begin and end in any order that threads
 * of the system can produce, decided by the seed.
 */

static void take_job(void *context);

static void wake_at(struct kernel_thread *thread, void (*run)(void *context), uint64_t ns_min,
                    uint64_t ns_max)
{
    uint64_t random_ns = ns_max > ns_min ? random_next(&kernel.random) % (ns_max - ns_min + 1) : 0;
    thread->is_awake = true;
    kernel_at(kernel_now_ns() + ns_min + random_ns, run, thread);
}

static void finish_job(void *context)
{
    struct kernel_thread *thread = context;
    struct gw_job *job = thread->job;
    thread->job = NULL;
    gw__offload_run(thread->pool, job);
    wake_at(thread, take_job, 0, kernel.config.late_ns_max);
}

static void take_job(void *context)
{
    struct kernel_thread *thread = context;
    thread->job = gw__offload_take(thread->pool);
    thread->is_awake = false;
    if (thread->job != NULL) {
        bool works = thread->job->result == GW_OK; /* not after the pool was closed */
        wake_at(thread, finish_job, works ? kernel.config.job_ns_min : 0,
                works ? kernel.config.job_ns_max : 0);
    }
}

static int start(struct gw_offload *pool, uint32_t thread_count)
{
    int error = kernel_call_error(KERNEL_THREADS_START);
    for (uint32_t i = 0; i < thread_count && error == GW_OK; i++) {
        struct kernel_thread *thread = memory_take_unseen(sizeof *thread);
        *thread = (struct kernel_thread){.next = kernel.threads, .pool = pool};
        kernel.threads = thread;
    }
    return error;
}

static void wake(struct gw_offload *pool)
{
    for (struct kernel_thread *thread = kernel.threads; thread != NULL; thread = thread->next) {
        if (thread->pool == pool && !thread->is_awake) {
            wake_at(thread, take_job, 0, kernel.config.late_ns_max);
            return;
        }
    }
}

/* The jobs that work are finished now: the clock stands still while the caller waits. */
static void join(struct gw_offload *pool)
{
    for (struct kernel_thread **link = &kernel.threads; *link != NULL;) {
        struct kernel_thread *thread = *link;
        if (thread->pool != pool) {
            link = &thread->next;
            continue;
        }
        kernel_forget(thread);
        for (struct gw_job *job = thread->job; job != NULL; job = gw__offload_take(pool)) {
            gw__offload_run(pool, job);
        }
        *link = thread->next;
        memory_free_unseen(thread);
    }
}

const struct gw_offload_threads kernel_offload_threads = {
    .start = start, .wake = wake, .join = join};

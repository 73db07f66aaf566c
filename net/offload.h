/* net/offload.h: Threads for jobs that block. */
#ifndef GW_NET_OFFLOAD_H
#define GW_NET_OFFLOAD_H

#include "net/histogram.h"
#include "net/turn.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A callback must not block, because its worker serves no other object until it returns. What
 * blocks (a database, a password hash, a file, a name lookup) is a job: its work runs on a thread
 * of a pool, and its done runs in a turn of the object that posted it.
 *
 *      worker         on_login(player) .......... other turns .......... done: the next turn
 *                       | gw_offload_post()                               ^  of the player
 *      pool thread      +------> work: hash the password, 80 ms ----------+
 *
 * A pool has a fixed number of threads and a queue with a limit. Jobs without a key run side by
 * side. Jobs with the same key run one at a time, and their works and dones are called in the order
 * in which they were posted; a key with many jobs does not delay the others.
 */
struct gw_offload;

enum {
    GW_OFFLOAD_THREAD_COUNT_MAX = 64,
    GW_OFFLOAD_QUEUE_COUNT_MAX = 65536,
    GW_OFFLOAD_SLOW_MS = 1000, /* a job that works longer is logged */
};

struct gw_offload_config {
    uint32_t thread_count;    /* 0: 4; at most GW_OFFLOAD_THREAD_COUNT_MAX */
    uint32_t queue_count_max; /* jobs that wait for a thread; 0: 1,024; at most
                                 GW_OFFLOAD_QUEUE_COUNT_MAX */
};

/*
 * A job. Embed it in the object that holds its input and its result, set the first four members,
 * and leave the others zero.
 */
struct gw_job {
    /*
     * Runs on a thread of the pool, and may block. It may access what the job owns, and call the
     * functions whose comment names the thread "any"; it is no turn. NULL: nothing.
     */
    void (*work)(struct gw_job *job);

    /*
     * Runs once, in a turn of the object that was passed to gw_offload_post(). `result` is 0 after
     * work has returned, or GW_E_CLOSED when the pool was closed before, and work was not called.
     * It may free the job, or post it again. It must not block.
     */
    void (*done)(struct gw_job *job, int result);

    const void *key;  /* NULL: none. The pool compares it and does not access what it points to */
    const char *name; /* for the log, static: "hash_password" */

    /* The library's. */
    struct gw_task task;
    struct gw_offload *pool;
    struct gw_turn *turn;
    struct gw_job *next;     /* in the queue */
    struct gw_job *follower; /* the next one with this key */
    struct gw_job *older;    /* in the table of keys */
    uint64_t since_ns;       /* when it was posted; from then on when its work began */
    int result;
    bool is_posted;
    bool is_logged;
};

/*
 * Creates a pool and starts its threads. Time, log and system calls are those of `port`.
 *
 * Returns   0, GW_E_FULL (a number of `config` exceeds its limit), GW_E_MEMORY or GW_E_SYSTEM (a
 *           thread could not be started); *pool_out is set only on 0.
 * Owns      gives the pool; destroy it with gw_offload_destroy(). Borrows `port` until then, and
 *           until the last done has returned. Copies `config`, which may be NULL: the defaults.
 * Thread    any
 */
int gw_offload_create(struct gw_port *port, const struct gw_offload_config *config,
                      struct gw_offload **pool_out);

/*
 * Posts a job: `work` runs on a thread of the pool, then `done` in a turn of `turn`. After an error
 * neither is called.
 *
 * Returns   0, GW_E_FULL (queue_count_max jobs wait) or GW_E_CLOSED (the pool was closed).
 * Owns      borrows `job` until its done is called. The pool holds a reference to `turn` until done
 *           has returned. The caller holds one during the call.
 * Thread    any
 */
int gw_offload_post(struct gw_offload *pool, struct gw_turn *turn, struct gw_job *job);

/*
 * Closes a pool, without waiting: gw_offload_post() returns GW_E_CLOSED from now on. Jobs that wait
 * do not run; their done is called with GW_E_CLOSED. Jobs that work go on, and their done is called
 * with 0. A program that needs all of its jobs done waits for their dones before it closes the
 * pool. A second call has no effect.
 *
 * Thread    any
 */
void gw_offload_close(struct gw_offload *pool);

/*
 * Closes a pool, and waits until no job works any more. The dones that are outstanding are called
 * by the workers, or, when these have returned, by gw_port_destroy(). Until the last of them has
 * returned they may call gw_offload_post(), which returns GW_E_CLOSED. All other code must have
 * stopped using the pool.
 *
 * Owns      takes `pool`, which may be NULL.
 * Thread    any but a worker and the work of a job, before gw_port_destroy()
 */
void gw_offload_destroy(struct gw_offload *pool);

/* Totals since the pool was created, and current levels. */
struct gw_offload_counters {
    uint64_t posted_count;  /* without those that were refused */
    uint64_t refused_count; /* GW_E_FULL */
    uint64_t worked_count;  /* jobs whose work has returned */
    uint64_t closed_count;  /* jobs that were done with GW_E_CLOSED */
    uint64_t slow_count;    /* jobs that worked longer than GW_OFFLOAD_SLOW_MS */
    uint32_t queued_count;  /* level: jobs that wait for a thread */
    uint32_t working_count; /* level: jobs that work */
};

/* Thread: any. */
void gw_offload_counters(struct gw_offload *pool, struct gw_offload_counters *counters_out);

/*
 * Copies how long jobs have waited from the post until their work began, and how long they have
 * worked.
 *
 * Thread    any
 */
void gw_offload_histograms(struct gw_offload *pool, struct gw_histogram *waiting_out,
                           struct gw_histogram *working_out);

#ifdef __cplusplus
}
#endif

#endif

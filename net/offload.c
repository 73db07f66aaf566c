/* net/offload.c: Pools of threads for jobs that block: queue, keys, end and counters. */
#include "net/offload.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/offload_internal.h"
#include "net/os/os.h"
#include "net/port_internal.h"
#include "net/timer.h"
#include <assert.h>
#include <stdlib.h>

enum { DEFAULT_THREAD_COUNT = 4, DEFAULT_QUEUE_COUNT_MAX = 1024 };

#define SLOW_NS (GW_OFFLOAD_SLOW_MS * UINT64_C(1000000))

struct gw_offload {
    struct gw_turn turn; /* watches for slow jobs. Each posted job holds a reference to it */
    struct gw_port *port;
    const struct gw_offload_threads *threads;
    struct gw_timer watch_timer;
    struct gw_task watch_task;
    struct gw_task close_task;
    uint32_t queue_count_max;

    os_mutex mutex;       /* locks all that follows, but for the handles of the threads */
    os_cond queued;       /* a job was queued, or the pool was closed */
    struct gw_job *first; /* jobs that may run, oldest first */
    struct gw_job *last;
    struct gw_job **keys; /* the newest job of each key, queued or working, by the key's hash */
    uint32_t key_mask;
    bool is_closed;
    bool is_watched; /* the watch timer is set, or a task that sets it is posted */
    struct gw_job *working[GW_OFFLOAD_THREAD_COUNT_MAX]; /* in any order, with gaps */
    struct gw_offload_counters counters;
    struct gw_histogram waiting_ns;
    struct gw_histogram working_ns;

    os_thread handles[GW_OFFLOAD_THREAD_COUNT_MAX];
    uint32_t handle_count;
};

/* The job whose work the calling thread runs. */
static _Thread_local const struct gw_job *this_job;

bool gw__offload_is_working(void)
{
    return this_job != NULL;
}

/* ---- the queue and the keys; the mutex is locked ---- */

static void append(struct gw_offload *pool, struct gw_job *job)
{
    job->next = NULL;
    if (pool->first == NULL) {
        pool->first = job;
    } else {
        pool->last->next = job;
    }
    pool->last = job;
}

/* The place in the table that points to the newest job with the key, or to NULL. */
static struct gw_job **find_key(struct gw_offload *pool, const void *key)
{
    uint64_t hash = (uint64_t)(uintptr_t)key * UINT64_C(0x9E3779B97F4A7C15);
    struct gw_job **link = &pool->keys[(hash >> 32) & pool->key_mask];
    while (*link != NULL && (*link)->key != key) {
        link = &(*link)->older;
    }
    return link;
}

/* Makes a job the newest of its key. Returns whether it may run: no older one is unfinished. */
static bool enter_key(struct gw_offload *pool, struct gw_job *job)
{
    struct gw_job **link = find_key(pool, job->key);
    struct gw_job *newest = *link;
    job->follower = NULL;
    job->older = newest == NULL ? NULL : newest->older;
    *link = job;
    if (newest != NULL) {
        newest->follower = job;
    }
    return newest == NULL;
}

/* The key's next job may run. */
static void leave_key(struct gw_offload *pool, struct gw_job *job)
{
    if (job->follower != NULL) {
        append(pool, job->follower);
    } else {
        *find_key(pool, job->key) = job->older;
    }
}

static struct gw_job **working_slot(struct gw_offload *pool, const struct gw_job *job)
{
    struct gw_job **slot = pool->working;
    while (*slot != job) {
        slot++;
    }
    return slot;
}

/* ---- jobs that work for too long ---- */

static void log_slow(const struct gw_offload *pool, const char *event, const char *name,
                     uint64_t worked_ns)
{
    struct gw_log_field fields[] = {GW_LOG_TEXT("job", name != NULL ? name : "unnamed"),
                                    GW_LOG_NUMBER("worked_ms", worked_ns / 1000000)};
    gw_log_write(gw_port_log(pool->port), GW_LOG_WARNING, event, fields, 2);
}

/* Logs the job of a slot when it has worked for too long. Returns when to check the slot again. */
static uint64_t check_slot(struct gw_offload *pool, uint32_t index, uint64_t now_ns)
{
    const char *name = NULL;
    uint64_t since_ns = now_ns;
    bool is_slow = false;
    os_mutex_lock(&pool->mutex);
    struct gw_job *job = pool->working[index];
    if (job != NULL && !job->is_logged) {
        since_ns = job->since_ns;
        is_slow = now_ns >= since_ns + SLOW_NS;
        job->is_logged = is_slow;
        name = job->name;
    }
    os_mutex_unlock(&pool->mutex);
    if (is_slow) {
        log_slow(pool, "job_slow", name, now_ns - since_ns);
    }
    return is_slow ? now_ns + SLOW_NS : since_ns + SLOW_NS;
}

/* Checks all slots while there are jobs. */
static void watch(struct gw_timer *timer)
{
    struct gw_offload *pool = GW_CONTAINER_OF(timer, struct gw_offload, watch_timer);
    uint64_t now_ns = gw_turn_now_ns(&pool->turn);
    uint64_t next_ns = now_ns + SLOW_NS;
    for (uint32_t i = 0; i < GW_OFFLOAD_THREAD_COUNT_MAX; i++) {
        uint64_t slot_ns = check_slot(pool, i, now_ns);
        next_ns = slot_ns < next_ns ? slot_ns : next_ns;
    }
    os_mutex_lock(&pool->mutex);
    pool->is_watched = pool->counters.queued_count + pool->counters.working_count > 0;
    bool goes_on = pool->is_watched;
    os_mutex_unlock(&pool->mutex);
    if (goes_on) {
        gw_timer_set(timer, next_ns);
    }
}

static void begin_watch(struct gw_task *task)
{
    struct gw_offload *pool = GW_CONTAINER_OF(task, struct gw_offload, watch_task);
    gw_timer_set(&pool->watch_timer, gw_turn_now_ns(&pool->turn) + SLOW_NS);
}

/* ---- running a job ---- */

/* In the turn that the job was posted with. */
static void run_done(struct gw_task *task)
{
    struct gw_job *job = GW_CONTAINER_OF(task, struct gw_job, task);
    struct gw_offload *pool = job->pool;
    struct gw_turn *turn = job->turn;
    job->is_posted = false;
    job->done(job, job->result); /* may free the job, or post it again */
    gw_turn_unref(turn);
    gw_turn_unref(&pool->turn);
}

/* The mutex is locked. */
static struct gw_job *take(struct gw_offload *pool)
{
    struct gw_job *job = pool->first;
    if (job == NULL) {
        return NULL;
    }
    pool->first = job->next;
    pool->counters.queued_count--;
    job->result = pool->is_closed ? GW_E_CLOSED : GW_OK;
    if (!pool->is_closed) {
        uint64_t now_ns = gw_port_now_ns(pool->port);
        gw_histogram_add(&pool->waiting_ns, now_ns > job->since_ns ? now_ns - job->since_ns : 0);
        job->since_ns = now_ns;
        *working_slot(pool, NULL) = job;
        pool->counters.working_count++;
    }
    return job;
}

struct gw_job *gw__offload_take(struct gw_offload *pool)
{
    os_mutex_lock(&pool->mutex);
    struct gw_job *job = take(pool);
    os_mutex_unlock(&pool->mutex);
    return job;
}

/* The mutex is locked. Returns how long the job has worked. */
static uint64_t leave_work(struct gw_offload *pool, struct gw_job *job)
{
    if (job->result == GW_E_CLOSED) {
        pool->counters.closed_count++;
        return 0;
    }
    uint64_t now_ns = gw_port_now_ns(pool->port);
    uint64_t worked_ns = now_ns > job->since_ns ? now_ns - job->since_ns : 0;
    gw_histogram_add(&pool->working_ns, worked_ns);
    *working_slot(pool, job) = NULL;
    pool->counters.working_count--;
    pool->counters.worked_count++;
    pool->counters.slow_count += worked_ns >= SLOW_NS;
    return worked_ns;
}

/*
 * The done is posted before the mutex is unlocked: otherwise the key's next job could be finished
 * on another thread, and its done be posted first.
 */
void gw__offload_run(struct gw_offload *pool, struct gw_job *job)
{
    const char *name = job->name;
    if (job->result == GW_OK && job->work != NULL) {
        this_job = job;
        job->work(job);
        this_job = NULL;
    }
    os_mutex_lock(&pool->mutex);
    uint64_t worked_ns = leave_work(pool, job);
    if (job->key != NULL) {
        leave_key(pool, job);
    }
    gw_turn_post(job->turn, &job->task); /* from here on the job may be gone */
    os_mutex_unlock(&pool->mutex);
    if (worked_ns >= SLOW_NS) {
        log_slow(pool, "job_was_slow", name, worked_ns);
    }
}

/* ---- posting ---- */

/* The mutex is locked. Returns whether a thread must be woken. */
static bool enqueue(struct gw_offload *pool, struct gw_job *job)
{
    pool->counters.posted_count++;
    pool->counters.queued_count++;
    job->since_ns = gw_port_now_ns(pool->port);
    if (!pool->is_watched) {
        pool->is_watched = true;
        gw_turn_post(&pool->turn, &pool->watch_task);
    }
    bool is_ready = job->key == NULL || enter_key(pool, job);
    if (is_ready) {
        append(pool, job);
    }
    return is_ready;
}

int gw_offload_post(struct gw_offload *pool, struct gw_turn *turn, struct gw_job *job)
{
    int error = GW_OK;
    bool must_wake = false;
    assert(!job->is_posted ||
           gw__rule_broken("gw_offload_post() was called with a job that is posted already: its "
                           "done has not been called. A new job is zeroed."));
    os_mutex_lock(&pool->mutex);
    if (pool->is_closed) {
        error = GW_E_CLOSED;
    } else if (pool->counters.queued_count >= pool->queue_count_max) {
        pool->counters.refused_count++;
        error = GW_E_FULL;
    } else {
        job->task.run = run_done;
        job->pool = pool;
        job->turn = gw_turn_ref(turn);
        job->is_posted = true;
        job->is_logged = false;
        gw_turn_ref(&pool->turn);
        must_wake = enqueue(pool, job);
    }
    os_mutex_unlock(&pool->mutex);
    if (must_wake) {
        pool->threads->wake(pool);
    }
    return error;
}

/* ---- threads of the system ---- */

static void serve(void *context)
{
    struct gw_offload *pool = context;
    os_mutex_lock(&pool->mutex);
    for (;;) {
        struct gw_job *job = take(pool);
        if (job != NULL) {
            os_mutex_unlock(&pool->mutex);
            gw__offload_run(pool, job);
            os_mutex_lock(&pool->mutex);
        } else if (pool->is_closed) {
            break;
        } else {
            os_cond_wait(&pool->queued, &pool->mutex);
        }
    }
    os_mutex_unlock(&pool->mutex);
}

static void join_threads(struct gw_offload *pool)
{
    os_cond_wake_all(&pool->queued);
    while (pool->handle_count > 0) {
        os_thread_join(pool->handles[--pool->handle_count]);
    }
}

static int start_threads(struct gw_offload *pool, uint32_t thread_count)
{
    for (; pool->handle_count < thread_count; pool->handle_count++) {
        if (os_thread_start(&pool->handles[pool->handle_count], serve, pool) != GW_OK) {
            gw_offload_close(pool);
            join_threads(pool);
            return GW_E_SYSTEM;
        }
    }
    return GW_OK;
}

static void wake_thread(struct gw_offload *pool)
{
    os_cond_wake_one(&pool->queued);
}

const struct gw_offload_threads gw__offload_threads = {
    .start = start_threads, .wake = wake_thread, .join = join_threads};

/* ---- creation and end ---- */

static void free_pool(struct gw_turn *turn)
{
    struct gw_offload *pool = GW_CONTAINER_OF(turn, struct gw_offload, turn);
    os_cond_fini(&pool->queued);
    os_mutex_fini(&pool->mutex);
    free(pool->keys);
    free(pool);
}

static void end_watch(struct gw_task *task)
{
    struct gw_offload *pool = GW_CONTAINER_OF(task, struct gw_offload, close_task);
    gw_timer_stop(&pool->watch_timer);
    gw_turn_unref(&pool->turn);
}

int gw_offload_create(struct gw_port *port, const struct gw_offload_config *config,
                      struct gw_offload **pool_out)
{
    static const struct gw_offload_config defaults;
    config = config != NULL ? config : &defaults;
    uint32_t thread_count = config->thread_count != 0 ? config->thread_count : DEFAULT_THREAD_COUNT;
    uint32_t queue_count_max =
        config->queue_count_max != 0 ? config->queue_count_max : DEFAULT_QUEUE_COUNT_MAX;
    uint32_t key_count = 1;
    if (thread_count > GW_OFFLOAD_THREAD_COUNT_MAX ||
        queue_count_max > GW_OFFLOAD_QUEUE_COUNT_MAX) {
        return GW_E_FULL;
    }
    while (key_count < queue_count_max) {
        key_count *= 2;
    }
    struct gw_offload *pool = calloc(1, sizeof(*pool));
    struct gw_job **keys = calloc(key_count, sizeof(struct gw_job *));
    if (pool == NULL || keys == NULL) {
        free(keys);
        free(pool);
        return GW_E_MEMORY;
    }
    const struct gw_offload_threads *threads = gw__port_ops(port)->offload_threads;
    pool->port = port;
    pool->threads = threads != NULL ? threads : &gw__offload_threads;
    pool->queue_count_max = queue_count_max;
    pool->keys = keys;
    pool->key_mask = key_count - 1;
    pool->watch_task.run = begin_watch;
    pool->close_task.run = end_watch;
    gw_turn_init(&pool->turn, port, free_pool);
    gw_timer_init(&pool->watch_timer, &pool->turn, watch);
    os_mutex_init(&pool->mutex);
    os_cond_init(&pool->queued);
    int error = pool->threads->start(pool, thread_count);
    if (error != GW_OK) {
        gw_turn_unref(&pool->turn);
        return error;
    }
    *pool_out = pool;
    return GW_OK;
}

/* The jobs that wait are finished here; those that wait for a key whose job works, after that. */
void gw_offload_close(struct gw_offload *pool)
{
    os_mutex_lock(&pool->mutex);
    pool->is_closed = true;
    os_mutex_unlock(&pool->mutex);
    for (struct gw_job *job; (job = gw__offload_take(pool)) != NULL;) {
        gw__offload_run(pool, job);
    }
}

void gw_offload_destroy(struct gw_offload *pool)
{
    if (pool == NULL) {
        return;
    }
    assert((gw__worker() == NULL && !gw__offload_is_working()) ||
           gw__rule_broken("gw_offload_destroy() waits for the jobs that work, so no worker and no "
                           "job may call it."));
    gw_offload_close(pool);
    pool->threads->join(pool);
    gw_turn_post(&pool->turn, &pool->close_task);
}

/* ---- counters ---- */

void gw_offload_counters(struct gw_offload *pool, struct gw_offload_counters *counters_out)
{
    os_mutex_lock(&pool->mutex);
    *counters_out = pool->counters;
    os_mutex_unlock(&pool->mutex);
}

void gw_offload_histograms(struct gw_offload *pool, struct gw_histogram *waiting_out,
                           struct gw_histogram *working_out)
{
    static const struct gw_histogram empty;
    *waiting_out = empty;
    *working_out = empty;
    gw_histogram_merge(waiting_out, &pool->waiting_ns);
    gw_histogram_merge(working_out, &pool->working_ns);
}

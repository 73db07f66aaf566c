/* net/port.c: Ports: creation, worker threads, limits and counters. */
#include "net/port.h"

#include "net/error.h"
#include "net/port_internal.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Descriptors for all but streams: listeners, the lanes' own, files of the program. */
enum { OTHER_DESCRIPTOR_COUNT = 64 };

struct gw_port {
    const struct gw_backend_ops *ops;
    struct gw_log log;
    uint32_t worker_count;
    uint32_t lane_count;
    uint32_t stream_count_max;
    struct gw_lane *lanes;               /* lane_count */
    struct gw_worker *workers;           /* worker_count */
    struct gw_worker_counters *counters; /* worker_count, and one for all other threads */
    atomic_uint entered_count;           /* threads that have called gw_port_run() */
    atomic_uint next_lane;
    atomic_uint stream_count;
    atomic_bool stopping;
};

/* Ports in this process: destroying the last one checks the pool for leaks. */
static atomic_uint port_count;

/* ---- creation and destruction ---- */

static struct gw_port *take_port(const struct gw_backend_ops *ops,
                                 const struct gw_port_config *config, uint32_t worker_count)
{
    struct gw_port *port = calloc(1, sizeof(*port));
    if (port == NULL) {
        return NULL;
    }
    atomic_fetch_add(&port_count, 1);
    port->ops = ops;
    port->log = config->log;
    port->worker_count = worker_count;
    port->stream_count_max = config->stream_count_max;
    port->lanes = calloc(worker_count, sizeof(struct gw_lane));
    port->workers = calloc(worker_count, sizeof(struct gw_worker));
    port->counters = calloc(worker_count + 1, sizeof(struct gw_worker_counters));
    if (port->lanes == NULL || port->workers == NULL || port->counters == NULL) {
        gw_port_destroy(port);
        return NULL;
    }
    return port;
}

static int open_lanes(struct gw_port *port, const char **why_out)
{
    uint32_t count = port->ops->lane_shared ? 1 : port->worker_count;
    for (; port->lane_count < count; port->lane_count++) {
        int error = gw__lane_open(&port->lanes[port->lane_count], port, port->lane_count, why_out);
        if (error != GW_OK) {
            return error;
        }
    }
    return GW_OK;
}

static void raise_descriptor_limit(struct gw_port *port)
{
    uint64_t wanted = (uint64_t)port->stream_count_max + OTHER_DESCRIPTOR_COUNT;
    uint64_t granted = os_descriptors_want(wanted);
    if (granted < wanted) {
        struct gw_log_field fields[] = {GW_LOG_NUMBER("wanted", wanted),
                                        GW_LOG_NUMBER("granted", granted)};
        gw_log_write(&port->log, GW_LOG_WARNING, "few_descriptors", fields, 2);
    }
}

/* *why_out is not set when the error is not the backend's: then another backend would fail, too. */
static int create_on(const struct gw_backend_ops *ops, const struct gw_port_config *config,
                     const char **why_out, struct gw_port **port_out)
{
    uint32_t worker_count = config->worker_count;
    if (worker_count == 0) {
        worker_count = os_processor_count();
        worker_count =
            worker_count < GW_PORT_WORKER_COUNT_MAX ? worker_count : GW_PORT_WORKER_COUNT_MAX;
    }
    if (worker_count > GW_PORT_WORKER_COUNT_MAX) {
        return GW_E_FULL;
    }
    struct gw_port *port = take_port(ops, config, worker_count);
    if (port == NULL) {
        return GW_E_MEMORY;
    }
    raise_descriptor_limit(port);
    int error = open_lanes(port, why_out);
    if (error != GW_OK) {
        gw_port_destroy(port);
        return error;
    }
    *port_out = port;
    return GW_OK;
}

int gw__port_create_on(const struct gw_backend_ops *ops, const struct gw_port_config *config,
                       struct gw_port **port_out)
{
    const char *why = NULL;
    return create_on(ops, config, &why, port_out);
}

/*
 * A backend can run if all its lanes can be opened: a resource such as locked memory may suffice
 * for one lane and not for many. A probe before would need more of it: the kernel frees the memory
 * of a closed ring some milliseconds later.
 */
int gw_port_create(const struct gw_port_config *config, struct gw_port **port_out)
{
    bool is_auto = config->backend == GW_BACKEND_AUTO;
    const char *reason = is_auto ? "the best of this system" : "asked for";
    os_standard_descriptors_reserve();
    for (size_t i = 0; gw__backends[i] != NULL; i++) {
        const struct gw_backend_ops *ops = gw__backends[i];
        if (!is_auto && ops->backend != config->backend) {
            continue;
        }
        const char *why = NULL;
        int error = create_on(ops, config, &why, port_out);
        if (error == GW_OK) {
            struct gw_log_field fields[] = {GW_LOG_TEXT("name", gw_backend_name(ops->backend)),
                                            GW_LOG_TEXT("reason", reason)};
            gw_log_write(&config->log, GW_LOG_INFO, "backend", fields, 2);
        }
        if (error == GW_OK || why == NULL) {
            return error;
        }
        reason = why;
    }
    return GW_E_UNSUPPORTED;
}

/*
 * Tasks that have not run hold memory and references, for example sends to a stream that has
 * closed. They run now. A task of one lane may post to another lane, so each lane is swept twice.
 */
static void sweep(struct gw_port *port)
{
    if (port->lane_count == 0) {
        return;
    }
    struct gw_worker *worker = &port->workers[0];
    worker->port = port;
    gw__worker_enter(worker);
    for (uint32_t i = 0; i < 2 * port->lane_count; i++) {
        gw__lane_sweep(&port->lanes[i % port->lane_count], worker);
    }
    for (uint32_t i = 0; i < port->lane_count; i++) {
        gw__lane_drop_calls(&port->lanes[i]);
    }
    gw__pool_cache_empty(&worker->pool);
    gw__worker_leave();
}

/* Without ports there are no streams, so every ring, chunk and entry must have been freed. */
static void check_pool(const struct gw_log *log)
{
    uint64_t left = gw__pool_used_bytes();
    if (left != 0) {
        struct gw_log_field fields[] = {GW_LOG_NUMBER("bytes", left)};
        gw_log_write(log, GW_LOG_ERROR, "pool_leak", fields, 1);
    }
    assert(left == 0);
}

void gw_port_destroy(struct gw_port *port)
{
    if (port == NULL) {
        return;
    }
    sweep(port);
    uint32_t stream_count = atomic_load(&port->stream_count);
    if (stream_count != 0) {
        struct gw_log_field fields[] = {GW_LOG_NUMBER("streams", stream_count)};
        gw_log_write(&port->log, GW_LOG_ERROR, "port_in_use", fields, 1);
        return;
    }
    while (port->lane_count > 0) {
        gw__lane_close(&port->lanes[--port->lane_count]);
    }
    if (atomic_fetch_sub(&port_count, 1) == 1) {
        check_pool(&port->log);
    }
    free(port->counters);
    free(port->workers);
    free(port->lanes);
    free(port);
    gw__pool_trim();
}

/* ---- serving ---- */

int gw_port_run(struct gw_port *port)
{
    if (gw__worker() != NULL) {
        return GW_E_FULL;
    }
    uint32_t index = atomic_fetch_add(&port->entered_count, 1);
    if (index >= port->worker_count) {
        return GW_E_FULL;
    }
    struct gw_worker *worker = &port->workers[index];
    worker->port = port;
    worker->index = index;
    worker->lane = &port->lanes[port->ops->lane_shared ? 0 : index];

    gw__worker_enter(worker);
    int error = gw__lane_run(worker);
    gw__pool_cache_empty(&worker->pool);
    gw__worker_leave();
    if (error != GW_OK) {
        gw_port_stop(port);
    }
    return error;
}

void gw_port_stop(struct gw_port *port)
{
    atomic_store(&port->stopping, true);
    for (uint32_t i = 0; i < port->lane_count; i++) {
        port->ops->wake(&port->lanes[i]);
    }
}

bool gw__port_is_stopping(const struct gw_port *port)
{
    return atomic_load(&port->stopping);
}

void gw_port_post(struct gw_port *port, struct gw_task *task)
{
    const struct gw_worker *worker = gw__worker();
    bool mine = worker != NULL && worker->port == port;
    struct gw_lane *lane = mine ? worker->lane : gw__port_next_lane(port);
    gw_turn_post(&lane->posted, task);
}

/* ---- accessors ---- */

enum gw_backend gw_port_backend(const struct gw_port *port)
{
    return port->ops->backend;
}

uint32_t gw_port_worker_count(const struct gw_port *port)
{
    return port->worker_count;
}

uint32_t gw_port_worker(const struct gw_port *port)
{
    const struct gw_worker *worker = gw__worker();
    return worker != NULL && worker->port == port ? worker->index : port->worker_count;
}

const struct gw_log *gw_port_log(const struct gw_port *port)
{
    return &port->log;
}

uint64_t gw_port_now_ns(const struct gw_port *port)
{
    return port->ops->now_ns();
}

uint64_t gw_port_random(const struct gw_port *port)
{
    return port->ops->random();
}

/* ---- lanes and the limit of streams ---- */

const struct gw_backend_ops *gw__port_ops(const struct gw_port *port)
{
    return port->ops;
}

struct gw_lane *gw__port_lane(struct gw_port *port, uint32_t index)
{
    return &port->lanes[index];
}

struct gw_lane *gw__port_next_lane(struct gw_port *port)
{
    return &port->lanes[atomic_fetch_add(&port->next_lane, 1) % port->lane_count];
}

struct gw_lane *gw__port_emptiest_lane(struct gw_port *port)
{
    struct gw_lane *emptiest = &port->lanes[0];
    for (uint32_t i = 1; i < port->lane_count; i++) {
        if (atomic_load_explicit(&port->lanes[i].stream_count, memory_order_relaxed) <
            atomic_load_explicit(&emptiest->stream_count, memory_order_relaxed)) {
            emptiest = &port->lanes[i];
        }
    }
    return emptiest;
}

bool gw__port_reserve_stream(struct gw_port *port)
{
    unsigned count = atomic_load(&port->stream_count);
    do {
        if (count >= port->stream_count_max) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&port->stream_count, &count, count + 1));
    return true;
}

void gw__port_release_stream(struct gw_port *port)
{
    atomic_fetch_sub(&port->stream_count, 1);
}

/* ---- counters ---- */

struct gw_worker_counters *gw__port_worker_counters(struct gw_port *port, uint32_t worker_index)
{
    return &port->counters[worker_index];
}

void gw__port_count_elsewhere(struct gw_port *port, enum gw_counter counter, uint64_t number)
{
    atomic_uint_least64_t *sum = &port->counters[port->worker_count].of[counter];
    atomic_fetch_add_explicit(sum, number, memory_order_relaxed);
}

static uint64_t sum_of(const struct gw_port *port, enum gw_counter counter)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i <= port->worker_count; i++) {
        sum += atomic_load_explicit(&port->counters[i].of[counter], memory_order_relaxed);
    }
    return sum;
}

/* A level that one thread raises and another lowers may be read as less than 0 between the two. */
static uint64_t level_of(uint64_t sum)
{
    return sum <= INT64_MAX ? sum : 0;
}

void gw_port_counters(const struct gw_port *port, struct gw_port_counters *counters_out)
{
    *counters_out = (struct gw_port_counters){
        .accepted = sum_of(port, GW_COUNTER_ACCEPTED),
        .turned_away = sum_of(port, GW_COUNTER_TURNED_AWAY),
        .accept_pauses = sum_of(port, GW_COUNTER_ACCEPT_PAUSES),
        .dialed = sum_of(port, GW_COUNTER_DIALED),
        .stream_count = atomic_load(&port->stream_count),
        .bytes_in = sum_of(port, GW_COUNTER_BYTES_IN),
        .bytes_out = sum_of(port, GW_COUNTER_BYTES_OUT),
        .recv_count = sum_of(port, GW_COUNTER_RECV_COUNT),
        .send_count = sum_of(port, GW_COUNTER_SEND_COUNT),
        .send_queue_bytes = level_of(sum_of(port, GW_COUNTER_SEND_QUEUE_BYTES)),
        .send_coalesced_count = sum_of(port, GW_COUNTER_SEND_COALESCED),
        .pool_bytes = level_of(gw__pool_used_bytes()),
        .wake_count = sum_of(port, GW_COUNTER_WAKE_COUNT),
    };
}

/* tests/net/controlled_backend.c: A backend whose time, failures and sends a test controls. */
#include "tests/net/controlled_backend.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/lane.h"
#include "tests/support/machine.h"
#include <stdatomic.h>
#include <stdlib.h>

enum { BUCKET_COUNT = 1024 };

/* A socket that is attached, and its send whose done is delayed. */
struct record {
    struct record *next;
    struct gw_socket *socket;
    void (*done)(struct gw_op *op, int result); /* the caller's; this backend replaces it */
    enum checking_kind out_kind;
    enum checking_kind in_kind;
    bool is_delayed;
    int result;             /* of the delayed send */
    struct gw_task release; /* delivers it */
};

static struct {
    const struct gw_backend_ops *real;
    struct gw_backend_ops ops;
    os_mutex mutex;
    struct record *buckets[BUCKET_COUNT]; /* locked */
    bool delays_sends;                    /* locked */
    _Atomic uint64_t stopped_at_ns;       /* 0: the clock runs */
    _Atomic uint64_t ahead_ns;
    atomic_int fail_result[4];
    atomic_uint fail_count[4];
    _Atomic(void (*)(void)) before_wait;
} control = {.mutex = OS_MUTEX_INIT};

/* How often each worker has begun to wait, and whether it waits now. */
static struct {
    atomic_uint count;
    atomic_bool inside;
} waits[GW_PORT_WORKER_COUNT_MAX];

/* ---- records ---- */

static struct record **bucket_of(const struct gw_socket *socket)
{
    return &control.buckets[(uintptr_t)socket / 64 % BUCKET_COUNT];
}

/* Locked. */
static struct record **find(const struct gw_socket *socket)
{
    struct record **link = bucket_of(socket);
    while (*link != NULL && (*link)->socket != socket) {
        link = &(*link)->next;
    }
    return link;
}

static void note_kind(const struct gw_socket *socket, enum checking_kind kind)
{
    os_mutex_lock(&control.mutex);
    struct record *record = *find(socket);
    if (record != NULL && (kind == CHECKING_ACCEPT || kind == CHECKING_RECV)) {
        record->in_kind = kind;
    } else if (record != NULL) {
        record->out_kind = kind;
    }
    os_mutex_unlock(&control.mutex);
}

/* ---- completions ---- */

/* Takes one of the failures that the test wants, if any is left. */
static bool must_fail(enum checking_kind kind)
{
    unsigned left = atomic_load(&control.fail_count[kind]);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&control.fail_count[kind], &left, left - 1)) {
            return true;
        }
    }
    return false;
}

static void complete(const struct record *record, struct gw_op *op, enum checking_kind kind,
                     int result)
{
    if (must_fail(kind)) {
        if (kind == CHECKING_ACCEPT && result == 0) {
            control.real->socket_close(record->socket->accepted);
        }
        result = atomic_load(&control.fail_result[kind]);
    }
    record->done(op, result); /* the record may be gone when it returns */
}

static void done(struct gw_op *op, int result)
{
    os_mutex_lock(&control.mutex);
    struct record *record = *find(gw__op_socket(op));
    enum checking_kind kind = op->way == GW_WAY_IN ? record->in_kind : record->out_kind;
    bool delays = kind == CHECKING_SEND && control.delays_sends;
    if (delays) {
        record->is_delayed = true;
        record->result = result;
    }
    os_mutex_unlock(&control.mutex);
    if (!delays) {
        complete(record, op, kind, result);
    }
}

static void release(struct gw_task *task)
{
    const struct record *record = GW_CONTAINER_OF(task, struct record, release);
    complete(record, &record->socket->out, CHECKING_SEND, record->result);
}

/* Delivers a delayed send in a turn of its own. Locked. */
static void release_delayed(struct record *record)
{
    if (record->is_delayed) {
        record->is_delayed = false;
        record->release.run = release;
        gw_turn_post(record->socket->turn, &record->release);
    }
}

void controlled_backend_delay_sends(bool delay)
{
    os_mutex_lock(&control.mutex);
    control.delays_sends = delay;
    for (int i = 0; i < BUCKET_COUNT && !delay; i++) {
        for (struct record *at = control.buckets[i]; at != NULL; at = at->next) {
            release_delayed(at);
        }
    }
    os_mutex_unlock(&control.mutex);
}

void controlled_backend_fail(enum checking_kind kind, int result, uint32_t count)
{
    atomic_store(&control.fail_result[kind], result);
    atomic_store(&control.fail_count[kind], count);
}

/* ---- the functions of the backend ---- */

static int backend_wait(struct gw_lane *lane, uint64_t deadline_ns)
{
    void (*call)(void) = atomic_load(&control.before_wait);
    if (call != NULL) {
        call();
    }
    uint32_t index = gw__worker()->index;
    atomic_fetch_add(&waits[index].count, 1);
    atomic_store(&waits[index].inside, true);
    int result = control.real->wait(lane, deadline_ns);
    atomic_store(&waits[index].inside, false);
    return result;
}

static int backend_attach(struct gw_socket *socket)
{
    struct record *record = calloc(1, sizeof(*record));
    record->socket = socket;
    record->done = socket->done;
    int error = control.real->attach(socket);
    if (error != GW_OK) {
        free(record);
        return error;
    }
    socket->done = done;
    os_mutex_lock(&control.mutex);
    record->next = *bucket_of(socket);
    *bucket_of(socket) = record;
    os_mutex_unlock(&control.mutex);
    return GW_OK;
}

static void backend_accept(struct gw_socket *socket)
{
    note_kind(socket, CHECKING_ACCEPT);
    control.real->accept(socket);
}

static void backend_connect(struct gw_socket *socket, const struct gw_addr *addr)
{
    note_kind(socket, CHECKING_CONNECT);
    control.real->connect(socket, addr);
}

static void backend_recv(struct gw_socket *socket)
{
    note_kind(socket, CHECKING_RECV);
    control.real->recv(socket);
}

static void backend_send(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    note_kind(socket, CHECKING_SEND);
    control.real->send(socket, spans, span_count);
}

/* Takes nothing while sends are to be delayed or to fail: then net submits a send. */
static int backend_send_now(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    os_mutex_lock(&control.mutex);
    bool submits = control.delays_sends || atomic_load(&control.fail_count[CHECKING_SEND]) > 0;
    os_mutex_unlock(&control.mutex);
    return submits ? 0 : control.real->send_now(socket, spans, span_count);
}

static void backend_cancel(struct gw_socket *socket)
{
    os_mutex_lock(&control.mutex);
    struct record *record = *find(socket);
    if (record != NULL) {
        release_delayed(record);
    }
    os_mutex_unlock(&control.mutex);
    control.real->cancel(socket);
}

static void backend_detach(struct gw_socket *socket, bool reset)
{
    os_mutex_lock(&control.mutex);
    struct record **link = find(socket);
    struct record *record = *link;
    if (record != NULL) {
        *link = record->next;
    }
    os_mutex_unlock(&control.mutex);
    free(record);
    control.real->detach(socket, reset);
}

static uint64_t backend_now_ns(void)
{
    uint64_t stopped_at_ns = atomic_load(&control.stopped_at_ns);
    return stopped_at_ns != 0 ? stopped_at_ns
                              : control.real->now_ns() + atomic_load(&control.ahead_ns);
}

/* ---- waiting and time ---- */

void controlled_backend_wait_for_workers(uint32_t worker_count)
{
    for (uint32_t i = 0; i < worker_count; i++) {
        uint32_t count = atomic_load(&waits[i].count);
        while (!atomic_load(&waits[i].inside) && atomic_load(&waits[i].count) == count) {
            machine_yield();
        }
    }
}

void controlled_backend_before_wait(void (*call)(void))
{
    atomic_store(&control.before_wait, call);
}

void controlled_backend_stop_time(void)
{
    atomic_store(&control.stopped_at_ns, backend_now_ns());
}

void controlled_backend_resume_time(void)
{
    uint64_t stopped_at_ns = atomic_load(&control.stopped_at_ns);
    if (stopped_at_ns != 0) {
        atomic_store(&control.ahead_ns, stopped_at_ns - control.real->now_ns());
        atomic_store(&control.stopped_at_ns, 0);
    }
}

void controlled_backend_advance_ns(uint64_t ns)
{
    if (atomic_load(&control.stopped_at_ns) != 0) {
        atomic_fetch_add(&control.stopped_at_ns, ns);
    } else {
        atomic_fetch_add(&control.ahead_ns, ns);
    }
}

/* ---- beginning and end ---- */

void controlled_backend_fini(void)
{
    for (int i = 0; i < BUCKET_COUNT; i++) {
        while (control.buckets[i] != NULL) {
            struct record *record = control.buckets[i];
            control.buckets[i] = record->next;
            free(record);
        }
    }
}

const struct gw_backend_ops *controlled_backend_init(const struct gw_backend_ops *real)
{
    controlled_backend_fini(); /* the records of a failed test */
    control.delays_sends = false;
    atomic_store(&control.stopped_at_ns, 0);
    atomic_store(&control.ahead_ns, 0);
    atomic_store(&control.before_wait, NULL);
    for (int kind = 0; kind < 4; kind++) {
        atomic_store(&control.fail_count[kind], 0);
    }
    control.real = real;
    control.ops = *real;
    control.ops.wait = backend_wait;
    control.ops.attach = backend_attach;
    control.ops.accept = backend_accept;
    control.ops.connect = backend_connect;
    control.ops.recv = backend_recv;
    control.ops.send = backend_send;
    control.ops.send_now = backend_send_now;
    control.ops.cancel = backend_cancel;
    control.ops.detach = backend_detach;
    control.ops.now_ns = backend_now_ns;
    return &control.ops;
}

/* tests/support/checking_backend.c: A backend around another one that checks the backend contract.
 */
#include "tests/support/checking_backend.h"

#include "net/error.h"
#include "net/lane.h"
#include "net/os/os.h"
#include "net/stream.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BUCKET_COUNT = 1024 };

static const char *const kind_names[] = {"accept", "connect", "recv", "send"};

struct operation {
    bool is_in_flight;
    bool is_cancelled;
    enum checking_kind kind;
    uint64_t bytes; /* of a send */
    uint64_t sum;
    int span_count;
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
};

/* A socket that is attached. */
struct attached {
    struct attached *next;
    struct gw_socket *socket;
    os_socket handle;
    void (*done)(struct gw_op *op, int result); /* net's; the checker replaces it */
    struct operation in;
    struct operation out;
};

static struct {
    const struct gw_backend_ops *below;
    struct gw_backend_ops ops;
    struct checking_config config;
    os_mutex mutex;
    struct attached *buckets[BUCKET_COUNT]; /* locked, as all that follows */
    struct checking_counts counts;
    uint64_t latest_ns;
    uint64_t late_ns_max;
    uint64_t
        wake_ns[GW_PORT_WORKER_COUNT_MAX]; /* the oldest wake that no wait() has returned for */
} checker = {.mutex = OS_MUTEX_INIT};

/* A wait that should have ended 10 ms ago has lost its wake or its deadline. */
enum { LATE_NS_MAX = 10000000 };

static _Thread_local int call_depth; /* of submits and cancels */

static void lock(void)
{
    os_mutex_lock(&checker.mutex);
}

static void unlock(void)
{
    os_mutex_unlock(&checker.mutex);
}

/* Unlocked: it may not return. */
static void broken(int rule, const char *format, ...)
{
    char text[300];
    va_list rest;
    va_start(rest, format);
    vsnprintf(text, sizeof(text), format, rest);
    va_end(rest);
    checker.config.broken(rule, text);
}

/* ---- attached sockets ---- */

static struct attached **bucket_of(const struct gw_socket *socket)
{
    return &checker.buckets[(uintptr_t)socket / 64 % BUCKET_COUNT];
}

static struct attached *find(const struct gw_socket *socket)
{
    lock();
    struct attached *attached = *bucket_of(socket);
    while (attached != NULL && attached->socket != socket) {
        attached = attached->next;
    }
    unlock();
    return attached;
}

/* NULL, and a broken rule, when it is not attached. */
static struct attached *must_find(const struct gw_socket *socket, const char *what)
{
    struct attached *attached = find(socket);
    if (attached == NULL) {
        broken(6, "%s on a socket that is not attached", what);
    } else if (attached->handle != socket->handle) {
        broken(6, "%s on handle %lld, which was %lld at attach", what, (long long)socket->handle,
               (long long)attached->handle);
    }
    return attached;
}

static struct operation *operation_of(struct attached *attached, const struct gw_op *op)
{
    return op->way == GW_WAY_IN ? &attached->in : &attached->out;
}

/* ---- rules for the caller ---- */

/* On a shared lane the caller must run the turn of the object; otherwise any turn of the lane. */
static void check_thread(const struct gw_socket *socket, const char *what)
{
    const struct gw_worker *worker = gw__worker();
    const struct gw_lane *lane = socket->turn->lane;
    if (worker == NULL || worker->lane != lane) {
        broken(2, "%s from a thread that does not serve the socket's lane", what);
    } else if (lane->ops->lane_shared && worker->turn != socket->turn) {
        broken(2, "%s outside the turn of the socket's object", what);
    }
}

static uint64_t sum_of(const struct gw_span *spans, int span_count)
{
    uint64_t sum = 14695981039346656037u; /* FNV-1a */
    for (int i = 0; i < span_count; i++) {
        for (uint32_t at = 0; at < spans[i].bytes; at += checker.config.checksum_step) {
            sum = (sum ^ spans[i].data[at]) * 1099511628211u;
        }
        if (spans[i].bytes > 0) {
            sum = (sum ^ spans[i].data[spans[i].bytes - 1]) * 1099511628211u;
        }
    }
    return sum;
}

static void note_spans(struct operation *operation, const struct gw_span *spans, int span_count)
{
    if (span_count < 1 || span_count > GW_SEND_SPAN_COUNT_MAX) {
        broken(4, "a send of %d spans", span_count);
    }
    operation->span_count = span_count;
    operation->bytes = 0;
    for (int i = 0; i < span_count; i++) {
        if (spans[i].bytes == 0) {
            broken(4, "a send with an empty span");
        }
        operation->spans[i] = spans[i];
        operation->bytes += spans[i].bytes;
    }
    operation->sum = sum_of(spans, span_count);
}

/* Records an operation. Returns it, or NULL when the socket is not attached. */
static struct operation *submit(enum checking_kind kind, struct gw_op *op)
{
    struct gw_socket *socket = gw__op_socket(op);
    struct attached *attached = must_find(socket, kind_names[kind]);
    check_thread(socket, kind_names[kind]);
    if (attached == NULL) {
        return NULL;
    }
    struct operation *operation = operation_of(attached, op);
    if (operation->is_in_flight) {
        broken(3, "a second %s while a %s is in flight", kind_names[kind],
               kind_names[operation->kind]);
    }
    lock();
    operation->kind = kind;
    operation->is_cancelled = false;
    operation->is_in_flight = true;
    checker.counts.started++;
    checker.counts.sends += kind == CHECKING_SEND;
    unlock();
    op->own.data = (const uint8_t *)(uintptr_t)8; /* reading it before done faults */
    return operation;
}

/* ---- rules for the backend ---- */

static bool is_error(int result)
{
    return result < 0 && strcmp(gw_error_name(result), "GW_E_?") != 0;
}

static bool is_possible(const struct operation *operation, int result)
{
    switch (operation->kind) {
    case CHECKING_RECV:
        return is_error(result) || (result >= 0 && result <= GW_STREAM_RECV_BYTES_MAX);
    case CHECKING_SEND:
        return is_error(result) || (result >= 0 && (uint64_t)result <= operation->bytes);
    default:
        return is_error(result) || result == 0;
    }
}

static void check_done(const struct operation *operation, const struct gw_op *op, int result)
{
    const char *name = kind_names[operation->kind];
    if (call_depth > 0) {
        broken(2, "the done of a %s is called inside a submit", name);
    }
    if (!gw_turn_is_mine(gw__op_socket(op)->turn)) {
        broken(2, "the done of a %s is called outside the turn of its object", name);
    }
    if (!is_possible(operation, result)) {
        broken(6, "the result of a %s is %d", name, result);
    }
    if (operation->kind == CHECKING_SEND &&
        sum_of(operation->spans, operation->span_count) != operation->sum) {
        broken(4, "the memory of a send has changed before its done");
    }
}

/* Calls net's done with a copy of the received bytes. `op` may be gone when it returns. */
static void call_recv_done(void (*net_done)(struct gw_op *op, int result), struct gw_op *op,
                           int result)
{
    const struct gw_span span = {op->own.data, (uint32_t)result};
    uint64_t sum = sum_of(&span, 1);
    uint8_t *copy = checker.config.take((size_t)result);
    memcpy(copy, span.data, (size_t)result);
    op->own.data = copy;
    net_done(op, result);
    checker.config.give(copy);
    if (sum_of(&span, 1) != sum) {
        broken(4, "received bytes have changed before their done has returned");
    }
}

static void done(struct gw_op *op, int result)
{
    struct attached *attached = find(gw__op_socket(op));
    struct operation *operation = attached == NULL ? NULL : operation_of(attached, op);
    if (operation == NULL || !operation->is_in_flight) {
        broken(1, "done is called for an operation that is not in flight");
        return;
    }
    check_done(operation, op, result);
    enum checking_kind kind = operation->kind;
    void (*net_done)(struct gw_op * op, int result) = attached->done;
    lock();
    operation->is_in_flight = false;
    checker.counts.completed++;
    checker.counts.open += kind == CHECKING_ACCEPT && result == 0;
    unlock();
    if (kind == CHECKING_RECV && result > 0) {
        call_recv_done(net_done, op, result);
    } else {
        net_done(op, result);
    }
}

/* The kind of a cancelled operation in flight, or -1. Locked. */
static int cancelled_kind(void)
{
    for (int i = 0; i < BUCKET_COUNT; i++) {
        for (const struct attached *at = checker.buckets[i]; at != NULL; at = at->next) {
            if (at->in.is_in_flight && at->in.is_cancelled) {
                return (int)at->in.kind;
            }
            if (at->out.is_in_flight && at->out.is_cancelled) {
                return (int)at->out.kind;
            }
        }
    }
    return -1;
}

void checking_backend_check_cancelled(void)
{
    lock();
    int kind = cancelled_kind();
    unlock();
    if (kind >= 0) {
        broken(5, "a %s was cancelled, and has not completed", kind_names[kind]);
    }
}

/* ---- time ---- */

static uint64_t backend_now_ns(void)
{
    enum { RACE_NS = 1000000 }; /* threads may read the clock in one order and lock in another */
    uint64_t now_ns = checker.below->now_ns();
    lock();
    uint64_t latest_ns = checker.latest_ns;
    checker.latest_ns = now_ns > latest_ns ? now_ns : latest_ns;
    unlock();
    if (checker.config.has_exact_time && now_ns + RACE_NS < latest_ns) {
        broken(8, "the clock went back by %llu ns", (unsigned long long)(latest_ns - now_ns));
    }
    return now_ns;
}

void checking_backend_allow_late(uint64_t ns)
{
    checker.late_ns_max = LATE_NS_MAX + ns;
}

static void set_wake(const struct gw_lane *lane, uint64_t wake_ns)
{
    lock();
    checker.wake_ns[lane->index] = wake_ns;
    unlock();
}

static void check_waited(const struct gw_lane *lane, uint64_t from_ns, uint64_t deadline_ns)
{
    uint64_t late_ns_max = checker.late_ns_max;
    uint64_t now_ns = checker.below->now_ns();
    uint64_t limit_ns = deadline_ns < from_ns ? from_ns : deadline_ns;
    lock();
    uint64_t wake_ns = checker.wake_ns[lane->index];
    unlock();
    if (deadline_ns != UINT64_MAX && now_ns > limit_ns + late_ns_max) {
        broken(8, "wait returned %llu ns after its deadline",
               (unsigned long long)(now_ns - limit_ns));
    }
    wake_ns = wake_ns != 0 && wake_ns < from_ns ? from_ns : wake_ns;
    if (wake_ns != 0 && now_ns > wake_ns + late_ns_max) {
        broken(8, "lane %u was woken, and slept on", (unsigned)lane->index);
    }
    set_wake(lane, 0);
}

static int backend_wait(struct gw_lane *lane, uint64_t deadline_ns)
{
    bool is_shared = lane->ops->lane_shared;
    uint64_t from_ns = checker.below->now_ns();
    unsigned sleeper_count = atomic_load(&lane->sleeper_count);
    if (gw__worker()->turn != NULL) {
        broken(2, "a worker waits inside a turn");
    }
    int result = checker.below->wait(lane, deadline_ns);
    if (!is_shared && atomic_load(&lane->sleeper_count) + 1 != sleeper_count) {
        broken(8, "wait did not mark the lane awake");
    }
    if (checker.config.has_exact_time && !is_shared &&
        (result == GW_WAIT_NOTHING || result == GW_WAIT_SOMETHING)) {
        check_waited(lane, from_ns, deadline_ns);
    }
    return result;
}

static void backend_wake(struct gw_lane *lane)
{
    if (checker.config.has_exact_time) { /* a signal handler may call it on a real kernel */
        set_wake(lane, checker.below->now_ns());
    }
    checker.below->wake(lane);
}

/* ---- attaching and submits ---- */

static int backend_attach(struct gw_socket *socket)
{
    check_thread(socket, "attach");
    if (find(socket) != NULL) {
        broken(6, "a socket is attached twice");
    }
    struct attached *attached = checker.config.take(sizeof(*attached));
    attached->socket = socket;
    attached->handle = socket->handle;
    attached->done = socket->done;
    socket->done = done;
    int error = checker.below->attach(socket);
    if (error != GW_OK) {
        socket->done = attached->done;
        checker.config.give(attached);
        return error;
    }
    lock();
    attached->next = *bucket_of(socket);
    *bucket_of(socket) = attached;
    checker.counts.attached++;
    unlock();
    return GW_OK;
}

static void backend_accept(struct gw_socket *socket)
{
    (void)submit(CHECKING_ACCEPT, &socket->in);
    call_depth++;
    checker.below->accept(socket);
    call_depth--;
}

static void backend_connect(struct gw_socket *socket, const struct gw_addr *addr)
{
    (void)submit(CHECKING_CONNECT, &socket->out);
    call_depth++;
    checker.below->connect(socket, addr);
    call_depth--;
}

static void backend_recv(struct gw_socket *socket)
{
    (void)submit(CHECKING_RECV, &socket->in);
    call_depth++;
    checker.below->recv(socket);
    call_depth--;
}

static void backend_send(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    struct operation *operation = submit(CHECKING_SEND, &socket->out);
    struct gw_span passed[GW_SEND_SPAN_COUNT_MAX]; /* the spans need not outlive the call */
    if (operation != NULL) {
        note_spans(operation, spans, span_count);
    }
    memcpy(passed, spans, (size_t)span_count * sizeof(*spans));
    call_depth++;
    checker.below->send(socket, passed, span_count);
    call_depth--;
    memset(passed, 0, sizeof(passed));
}

static int backend_send_now(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    struct operation now = {.kind = CHECKING_SEND};
    const struct attached *attached = must_find(socket, "send_now");
    check_thread(socket, "send_now");
    if (attached != NULL && attached->out.is_in_flight) {
        broken(3, "send_now while a %s is in flight", kind_names[attached->out.kind]);
    }
    note_spans(&now, spans, span_count);
    call_depth++;
    int result = checker.below->send_now(socket, spans, span_count);
    call_depth--;
    if (!is_possible(&now, result)) {
        broken(6, "send_now returns %d", result);
    }
    lock();
    checker.counts.sends += result > 0;
    unlock();
    return result;
}

static void backend_shutdown(struct gw_socket *socket)
{
    const struct attached *attached = must_find(socket, "shutdown");
    check_thread(socket, "shutdown");
    if (attached != NULL && attached->out.is_in_flight && !checker.config.allows_early_shutdown) {
        broken(6, "shutdown while a %s is in flight", kind_names[attached->out.kind]);
    }
    checker.below->shutdown(socket);
}

static void backend_cancel(struct gw_socket *socket)
{
    struct attached *attached = must_find(socket, "cancel");
    check_thread(socket, "cancel");
    if (attached != NULL) {
        lock();
        attached->in.is_cancelled = attached->in.is_in_flight;
        attached->out.is_cancelled = attached->out.is_in_flight;
        checker.counts.cancelled += attached->in.is_in_flight || attached->out.is_in_flight;
        unlock();
    }
    call_depth++;
    checker.below->cancel(socket);
    call_depth--;
}

static int backend_peer_end(struct gw_socket *socket)
{
    (void)must_find(socket, "peer_end");
    check_thread(socket, "peer_end");
    int result = checker.below->peer_end(socket);
    if (result != GW_OK && !is_error(result)) {
        broken(6, "peer_end returns %d", result);
    }
    return result;
}

/* ---- open sockets ---- */

static void count_open(int count)
{
    lock();
    checker.counts.open += count;
    int64_t open = checker.counts.open;
    unlock();
    if (open < 0) {
        broken(6, "a socket is closed twice");
    }
}

static void backend_detach(struct gw_socket *socket, bool reset)
{
    struct attached *attached = must_find(socket, "detach");
    check_thread(socket, "detach");
    if (attached != NULL && (attached->in.is_in_flight || attached->out.is_in_flight)) {
        broken(6, "detach while a %s is in flight",
               kind_names[attached->in.is_in_flight ? attached->in.kind : attached->out.kind]);
    }
    if (attached != NULL) {
        lock();
        struct attached **link = bucket_of(socket);
        while (*link != attached) {
            link = &(*link)->next;
        }
        *link = attached->next;
        checker.counts.attached--;
        unlock();
        checker.config.give(attached);
    }
    count_open(-1);
    checker.below->detach(socket, reset);
}

static int backend_socket_open(const struct gw_addr *to, const struct gw_addr *source,
                               os_socket *socket_out)
{
    int error = checker.below->socket_open(to, source, socket_out);
    count_open(error == GW_OK ? 1 : 0);
    return error;
}

static int backend_socket_listen(struct gw_addr *addr, uint32_t backlog_count_max, uint32_t wait_ms,
                                 os_socket *socket_out)
{
    int error = checker.below->socket_listen(addr, backlog_count_max, wait_ms, socket_out);
    count_open(error == GW_OK ? 1 : 0);
    return error;
}

/* Locked. */
static bool is_attached(os_socket handle)
{
    for (int i = 0; i < BUCKET_COUNT; i++) {
        for (const struct attached *at = checker.buckets[i]; at != NULL; at = at->next) {
            if (at->handle == handle) {
                return true;
            }
        }
    }
    return false;
}

static void backend_socket_close(os_socket handle)
{
    lock();
    bool attached = is_attached(handle);
    unlock();
    if (attached) {
        broken(6, "handle %lld is closed while it is attached", (long long)handle);
    }
    count_open(-1);
    checker.below->socket_close(handle);
}

/* ---- beginning and end ---- */

static void forget_attached(void)
{
    for (int i = 0; i < BUCKET_COUNT; i++) {
        while (checker.buckets[i] != NULL) {
            struct attached *attached = checker.buckets[i];
            checker.buckets[i] = attached->next;
            checker.config.give(attached);
        }
    }
}

const struct gw_backend_ops *checking_backend_init(const struct gw_backend_ops *below,
                                                   const struct checking_config *config)
{
    memset(checker.buckets, 0, sizeof(checker.buckets)); /* a failed test leaks its records */
    call_depth = 0;
    checker.below = below;
    checker.config = *config;
    checker.counts = (struct checking_counts){.started = 0};
    checker.latest_ns = 0;
    checker.late_ns_max = LATE_NS_MAX;
    memset(checker.wake_ns, 0, sizeof(checker.wake_ns));
    checker.ops = *below;
    checker.ops.wait = backend_wait;
    checker.ops.wake = backend_wake;
    checker.ops.attach = backend_attach;
    checker.ops.accept = backend_accept;
    checker.ops.connect = backend_connect;
    checker.ops.recv = backend_recv;
    checker.ops.send = backend_send;
    checker.ops.send_now = backend_send_now;
    checker.ops.shutdown = backend_shutdown;
    checker.ops.cancel = backend_cancel;
    checker.ops.peer_end = backend_peer_end;
    checker.ops.detach = backend_detach;
    checker.ops.now_ns = backend_now_ns;
    checker.ops.socket_open = backend_socket_open;
    checker.ops.socket_listen = backend_socket_listen;
    checker.ops.socket_close = backend_socket_close;
    return &checker.ops;
}

void checking_backend_fini(bool expects_all_closed)
{
    struct checking_counts counts = checking_backend_counts();
    forget_attached();
    if (!expects_all_closed) {
        return;
    }
    if (counts.open != 0 || counts.attached != 0) {
        broken(6, "%lld sockets are open, %llu attached", (long long)counts.open,
               (unsigned long long)counts.attached);
    }
    if (counts.started != counts.completed) {
        broken(1, "%llu operations were submitted, %llu have completed",
               (unsigned long long)counts.started, (unsigned long long)counts.completed);
    }
}

struct checking_counts checking_backend_counts(void)
{
    lock();
    struct checking_counts counts = checker.counts;
    unlock();
    return counts;
}

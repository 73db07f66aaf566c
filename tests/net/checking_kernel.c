/* tests/net/checking_kernel.c: a backend that passes everything on, and watches the rules. */
#include "tests/net/checking_kernel.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/lane.h"
#include "net/stream.h"
#include "tests/support/machine.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKET_COUNT = 1024 };

/* An operation in flight; or a socket that is in its lane, when there is no operation. */
struct record {
    struct record *next;
    struct gw_socket *socket;
    struct gw_op *op;
    void (*done)(struct gw_op *op, int result); /* of a socket: what its done really is */
    enum checking_kind kind;
    uint64_t bytes;    /* of a send: all of its spans */
    uint64_t checksum; /* and what they looked like */
    int span_count;
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
    struct gw_task release; /* of a held send */
    bool held;
    int result;
};

static struct {
    const struct gw_backend_ops *real;
    struct gw_backend_ops ops;
    os_mutex mutex;
    struct record *buckets[BUCKET_COUNT];
    struct checking_counts account; /* locked */
    bool hold_sends;                /* locked */
    _Atomic(const char *) broken_rule;
    _Atomic uint64_t stopped_at_ns; /* 0 while time goes */
    _Atomic uint64_t ahead_ns;
    atomic_int fail_result[4];
    atomic_uint fail_count[4];
    _Atomic(void (*)(void)) before_wait;
} kernel = {.mutex = OS_MUTEX_INIT};

/* Where each worker is: how often it has begun to wait, and whether it waits. */
static struct {
    atomic_uint count;
    atomic_bool inside;
} waits[GW_PORT_WORKER_COUNT_MAX];

static _Thread_local int submit_depth;

/* ---- rules ---- */

void checking_backend_break(const char *rule)
{
    const char *none = NULL;
    atomic_compare_exchange_strong(&kernel.broken_rule, &none, rule);
}

const char *checking_backend_broken_rule(void)
{
    return atomic_load(&kernel.broken_rule);
}

static void rule(bool kept, const char *text)
{
    if (!kept) {
        checking_backend_break(text);
    }
}

/* ---- the account ---- */

static struct record **bucket_of(const struct gw_socket *socket)
{
    return &kernel.buckets[(uintptr_t)socket / 64 % BUCKET_COUNT];
}

/* Finds what is in flight in one direction, or the socket itself. Locked. */
static struct record **find(const struct gw_socket *socket, const struct gw_op *op)
{
    struct record **link = bucket_of(socket);
    while (*link != NULL && ((*link)->socket != socket || (*link)->op != op)) {
        link = &(*link)->next;
    }
    return link;
}

static bool is_inward(enum checking_kind kind)
{
    return kind == CHECKING_ACCEPT || kind == CHECKING_RECV;
}

/* How much is in flight on a socket. Locked. */
static int count_of(const struct gw_socket *socket, bool inward)
{
    int count = 0;
    for (const struct record *at = *bucket_of(socket); at != NULL; at = at->next) {
        count += at->socket == socket && at->op != NULL && is_inward(at->kind) == inward;
    }
    return count;
}

static void add(struct record *record)
{
    struct record **bucket = bucket_of(record->socket);
    record->next = *bucket;
    *bucket = record;
}

static struct record *take(struct record **link)
{
    struct record *record = *link;
    if (record != NULL) {
        *link = record->next;
    }
    return record;
}

static void count_open(bool opened)
{
    os_mutex_lock(&kernel.mutex);
    rule(opened || kernel.account.open > 0, "a socket is closed once");
    kernel.account.open += opened ? 1 : (uint64_t)-1;
    os_mutex_unlock(&kernel.mutex);
}

struct checking_counts checking_backend_counts(void)
{
    os_mutex_lock(&kernel.mutex);
    struct checking_counts account = kernel.account;
    os_mutex_unlock(&kernel.mutex);
    return account;
}

/* ---- done ---- */

/* Looks at some bytes of each span: all of them would take long, and memory goes as a whole. */
static uint64_t checksum_of(const struct gw_span *spans, int count)
{
    uint64_t sum = 0;
    for (int i = 0; i < count; i++) {
        for (uint32_t at = 0; at < spans[i].bytes; at += 61) {
            sum = sum * 31 + spans[i].data[at];
        }
        sum = sum * 31 + spans[i].data[spans[i].bytes - 1];
    }
    return sum;
}

/* Takes one of the failures that were asked for, if any is left. */
static bool must_fail(enum checking_kind kind)
{
    unsigned left = atomic_load(&kernel.fail_count[kind]);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&kernel.fail_count[kind], &left, left - 1)) {
            return true;
        }
    }
    return false;
}

static int failed_or(const struct record *record, int result)
{
    if (!must_fail(record->kind)) {
        return result;
    }
    if (record->kind == CHECKING_ACCEPT && result == 0) {
        kernel.real->socket_close(record->socket->accepted);
    }
    return atomic_load(&kernel.fail_result[record->kind]);
}

static void check_result(const struct record *record, int result)
{
    rule(result <= 0 || record->kind == CHECKING_RECV || record->kind == CHECKING_SEND,
         "an accept or a connect moves no bytes");
    rule(result >= GW_E_IN_USE, "a result is a number of bytes or a gw_error");
    if (record->kind == CHECKING_RECV) {
        rule(result <= GW_STREAM_RECV_BYTES_MAX, "a recv brings one largest receive at most");
    }
    if (record->kind == CHECKING_SEND) {
        rule(result < 0 || (uint64_t)result <= record->bytes, "a send takes what it was given");
        rule(checksum_of(record->spans, record->span_count) == record->checksum,
             "the memory of a send is the backend's until its done");
    }
}

/* Shows received bytes where they can be seen only until done returns. */
static void call_done(const struct record *record, int result)
{
    struct gw_op *op = record->op;
    uint8_t *shown = NULL;
    if (record->kind == CHECKING_RECV && result > 0) {
        shown = malloc((size_t)result);
        memcpy(shown, op->own.data, (size_t)result);
        op->own.data = shown;
    }
    record->done(op, result); /* which may be the end of `op` */
    free(shown);
}

static void complete(struct record *record, int result)
{
    check_result(record, result);
    result = failed_or(record, result);
    os_mutex_lock(&kernel.mutex);
    (void)take(find(record->socket, record->op));
    kernel.account.completed++;
    kernel.account.open += record->kind == CHECKING_ACCEPT && result == 0;
    os_mutex_unlock(&kernel.mutex);
    call_done(record, result);
    free(record);
}

static void done_checked(struct gw_op *op, int result)
{
    rule(submit_depth == 0, "done is never called from inside a submit");
    struct gw_socket *socket = gw__op_socket(op);
    rule(gw_turn_is_mine(socket->turn), "done runs in a turn of the operation's object");
    os_mutex_lock(&kernel.mutex);
    struct record *record = *find(socket, op);
    bool hold = record != NULL && record->kind == CHECKING_SEND && kernel.hold_sends;
    rule(record == NULL || !record->held, "done comes exactly once");
    if (hold) {
        record->held = true;
        record->result = result;
    }
    os_mutex_unlock(&kernel.mutex);
    rule(record != NULL, "done comes exactly once");
    if (record != NULL && !hold) {
        complete(record, result);
    }
}

static void release(struct gw_task *task)
{
    struct record *record = GW_CONTAINER_OF(task, struct record, release);
    complete(record, record->result);
}

/* Lets go a held send: its done comes in a turn of its own. Locked. */
static void let_go(struct record *record)
{
    if (record->op != NULL && record->held) {
        record->held = false;
        record->release.run = release;
        gw_turn_post(record->socket->turn, &record->release);
    }
}

void checking_backend_delay_sends(bool hold)
{
    os_mutex_lock(&kernel.mutex);
    kernel.hold_sends = hold;
    for (int i = 0; i < BUCKET_COUNT && !hold; i++) {
        for (struct record *at = kernel.buckets[i]; at != NULL; at = at->next) {
            let_go(at);
        }
    }
    os_mutex_unlock(&kernel.mutex);
}

/* ---- submits ---- */

static void check_turn(const struct gw_socket *socket)
{
    rule(gw_turn_is_mine(socket->turn) || gw__lane_is_mine(socket->turn->lane),
         "a submit is made in a turn of the socket's object, or at the end of one on its lane");
}

static void begin(struct gw_op *op, enum checking_kind kind, struct record *record)
{
    struct gw_socket *socket = gw__op_socket(op);
    *record = (struct record){.socket = socket, .op = op, .kind = kind};
    check_turn(socket);
    os_mutex_lock(&kernel.mutex);
    const struct record *attached = *find(socket, NULL);
    rule(attached != NULL, "a socket is attached before its first operation");
    record->done = attached == NULL ? socket->done : attached->done;
    rule(count_of(socket, is_inward(kind)) == 0,
         "a socket has at most one operation in flight in each direction");
    add(record);
    kernel.account.started++;
    kernel.account.sends += kind == CHECKING_SEND;
    os_mutex_unlock(&kernel.mutex);
}

static void checked_accept(struct gw_socket *socket)
{
    begin(&socket->in, CHECKING_ACCEPT, calloc(1, sizeof(struct record)));
    submit_depth++;
    kernel.real->accept(socket);
    submit_depth--;
}

static void checked_connect(struct gw_socket *socket, const struct gw_addr *addr)
{
    begin(&socket->out, CHECKING_CONNECT, calloc(1, sizeof(struct record)));
    submit_depth++;
    kernel.real->connect(socket, addr);
    submit_depth--;
}

static void checked_recv(struct gw_socket *socket)
{
    begin(&socket->in, CHECKING_RECV, calloc(1, sizeof(struct record)));
    submit_depth++;
    kernel.real->recv(socket);
    submit_depth--;
}

static void checked_send(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    struct record *record = calloc(1, sizeof(*record));
    begin(&socket->out, CHECKING_SEND, record);
    rule(span_count > 0 && span_count <= GW_SEND_SPAN_COUNT_MAX, "a send has 1 to 64 spans");
    record->span_count = span_count;
    for (int i = 0; i < span_count; i++) {
        rule(spans[i].bytes > 0, "a span has bytes");
        record->spans[i] = spans[i];
        record->bytes += spans[i].bytes;
    }
    record->checksum = checksum_of(record->spans, span_count);

    struct gw_span passed[GW_SEND_SPAN_COUNT_MAX]; /* which need not outlive the call */
    memcpy(passed, spans, (size_t)span_count * sizeof(*spans));
    submit_depth++;
    kernel.real->send(socket, passed, span_count);
    submit_depth--;
    memset(passed, 0, sizeof(passed));
}

/* Takes nothing where a send must be held or must fail: then net submits it. */
static int checked_send_now(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    uint64_t bytes = 0;
    check_turn(socket);
    rule(span_count > 0 && span_count <= GW_SEND_SPAN_COUNT_MAX, "a send has 1 to 64 spans");
    for (int i = 0; i < span_count; i++) {
        rule(spans[i].bytes > 0, "a span has bytes");
        bytes += spans[i].bytes;
    }
    os_mutex_lock(&kernel.mutex);
    rule(*find(socket, NULL) != NULL, "a socket is attached before its first operation");
    rule(count_of(socket, false) == 0,
         "a socket has at most one operation in flight in each direction");
    bool submits = kernel.hold_sends || atomic_load(&kernel.fail_count[CHECKING_SEND]) > 0;
    os_mutex_unlock(&kernel.mutex);
    int result = submits ? 0 : kernel.real->send_now(socket, spans, span_count);
    rule(result >= GW_E_SYSTEM && (result < 0 || (uint64_t)result <= bytes),
         "a send takes what it was given");
    os_mutex_lock(&kernel.mutex);
    kernel.account.sends += result > 0;
    os_mutex_unlock(&kernel.mutex);
    return result;
}

static void checked_shutdown(struct gw_socket *socket)
{
    check_turn(socket);
    kernel.real->shutdown(socket);
}

static void checked_cancel(struct gw_socket *socket)
{
    check_turn(socket);
    os_mutex_lock(&kernel.mutex);
    kernel.account.cancelled += count_of(socket, true) + count_of(socket, false) > 0;
    for (struct record *at = *bucket_of(socket); at != NULL; at = at->next) {
        if (at->socket == socket) {
            let_go(at);
        }
    }
    os_mutex_unlock(&kernel.mutex);
    submit_depth++;
    kernel.real->cancel(socket);
    submit_depth--;
}

static int checked_peer_end(struct gw_socket *socket)
{
    check_turn(socket);
    int result = kernel.real->peer_end(socket);
    rule(result <= 0 && result >= GW_E_SYSTEM, "the end of a peer is a gw_error, or there is none");
    return result;
}

/* ---- sockets ---- */

static int checked_attach(struct gw_socket *socket)
{
    struct record *record = calloc(1, sizeof(*record));
    *record = (struct record){.socket = socket, .done = socket->done};
    check_turn(socket);
    int error = kernel.real->attach(socket);
    if (error != GW_OK) {
        free(record);
        return error;
    }
    socket->done = done_checked;
    os_mutex_lock(&kernel.mutex);
    rule(*find(socket, NULL) == NULL, "a socket is attached once");
    add(record);
    kernel.account.attached++;
    os_mutex_unlock(&kernel.mutex);
    return GW_OK;
}

static void checked_detach(struct gw_socket *socket, bool reset)
{
    check_turn(socket);
    os_mutex_lock(&kernel.mutex);
    rule(count_of(socket, true) + count_of(socket, false) == 0, "nothing is in flight at a detach");
    struct record *record = take(find(socket, NULL));
    rule(record != NULL, "who is detached was attached");
    kernel.account.attached--;
    os_mutex_unlock(&kernel.mutex);
    free(record);
    count_open(false);
    kernel.real->detach(socket, reset);
}

static int checked_socket_open(const struct gw_addr *to, const struct gw_addr *source,
                               os_socket *socket_out)
{
    int error = kernel.real->socket_open(to, source, socket_out);
    if (error == GW_OK) {
        count_open(true);
    }
    return error;
}

static int checked_socket_listen(struct gw_addr *addr, uint32_t backlog_count_max, uint32_t wait_ms,
                                 os_socket *socket_out)
{
    int error = kernel.real->socket_listen(addr, backlog_count_max, wait_ms, socket_out);
    if (error == GW_OK) {
        count_open(true);
    }
    return error;
}

static void checked_socket_close(os_socket socket)
{
    count_open(false);
    kernel.real->socket_close(socket);
}

/* ---- waiting, time and faults ---- */

static int checked_wait(struct gw_lane *lane, uint64_t deadline_ns)
{
    void (*call)(void) = atomic_load(&kernel.before_wait);
    if (call != NULL) {
        call();
    }
    rule(gw__worker()->turn == NULL, "a worker waits outside of turns");
    uint32_t index = gw__worker()->index;
    atomic_fetch_add(&waits[index].count, 1);
    atomic_store(&waits[index].inside, true);
    int error = kernel.real->wait(lane, deadline_ns);
    atomic_store(&waits[index].inside, false);
    return error;
}

void checking_backend_wait_for_workers(uint32_t worker_count)
{
    for (uint32_t i = 0; i < worker_count; i++) {
        uint32_t count = atomic_load(&waits[i].count);
        while (!atomic_load(&waits[i].inside) && atomic_load(&waits[i].count) == count) {
            machine_yield();
        }
    }
}

void checking_backend_before_wait(void (*call)(void))
{
    atomic_store(&kernel.before_wait, call);
}

static uint64_t checked_now_ns(void)
{
    uint64_t stopped_at_ns = atomic_load(&kernel.stopped_at_ns);
    return stopped_at_ns != 0 ? stopped_at_ns
                              : kernel.real->now_ns() + atomic_load(&kernel.ahead_ns);
}

void checking_backend_stop_time(void)
{
    atomic_store(&kernel.stopped_at_ns, checked_now_ns());
}

void checking_backend_resume_time(void)
{
    uint64_t stopped_at_ns = atomic_load(&kernel.stopped_at_ns);
    if (stopped_at_ns != 0) {
        atomic_store(&kernel.ahead_ns, stopped_at_ns - kernel.real->now_ns());
        atomic_store(&kernel.stopped_at_ns, 0);
    }
}

void checking_backend_advance_ns(uint64_t ns)
{
    if (atomic_load(&kernel.stopped_at_ns) != 0) {
        atomic_fetch_add(&kernel.stopped_at_ns, ns);
    } else {
        atomic_fetch_add(&kernel.ahead_ns, ns);
    }
}

void checking_backend_fail(enum checking_kind kind, int result, uint32_t count)
{
    atomic_store(&kernel.fail_result[kind], result);
    atomic_store(&kernel.fail_count[kind], count);
}

/* ---- beginning ---- */

static void forget(void)
{
    for (int i = 0; i < BUCKET_COUNT; i++) {
        while (kernel.buckets[i] != NULL) {
            free(take(&kernel.buckets[i]));
        }
    }
    kernel.account = (struct checking_counts){0};
    kernel.hold_sends = false;
    atomic_store(&kernel.broken_rule, NULL);
    atomic_store(&kernel.stopped_at_ns, 0);
    atomic_store(&kernel.ahead_ns, 0);
    atomic_store(&kernel.before_wait, NULL);
    for (int kind = 0; kind < 4; kind++) {
        atomic_store(&kernel.fail_count[kind], 0);
    }
}

const struct gw_backend_ops *checking_backend_init(const struct gw_backend_ops *real)
{
    forget();
    kernel.real = real;
    kernel.ops = *real;
    kernel.ops.wait = checked_wait;
    kernel.ops.peer_end = checked_peer_end;
    kernel.ops.attach = checked_attach;
    kernel.ops.accept = checked_accept;
    kernel.ops.connect = checked_connect;
    kernel.ops.recv = checked_recv;
    kernel.ops.send = checked_send;
    kernel.ops.send_now = checked_send_now;
    kernel.ops.shutdown = checked_shutdown;
    kernel.ops.cancel = checked_cancel;
    kernel.ops.detach = checked_detach;
    kernel.ops.now_ns = checked_now_ns;
    kernel.ops.socket_open = checked_socket_open;
    kernel.ops.socket_listen = checked_socket_listen;
    kernel.ops.socket_close = checked_socket_close;
    return &kernel.ops;
}

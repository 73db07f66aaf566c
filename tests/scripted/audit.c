/* tests/scripted/audit.c: Check of a backend and its caller against the backend contract. */
#include "tests/scripted/audit.h"

#include "net/error.h"
#include "net/lane.h"
#include "net/os/os.h"
#include "net/stream.h"
#include "tests/scripted/broken.h"
#include "tests/scripted/memory.h"

#include <string.h>

enum kind { ACCEPT, RECV, CONNECT, SEND };

static const char *const kind_names[] = {"accept", "recv", "connect", "send"};

/* An operation in flight. */
struct pending_op {
    bool is_up;
    bool is_cancelled;
    enum kind kind;
    uint64_t bytes; /* of a send */
    uint64_t sum;
    int span_count;
    struct gw_span spans[GW_SEND_SPAN_COUNT_MAX];
};

/* A socket that is attached to a lane. */
struct joined {
    struct joined *next;
    struct gw_socket *socket;
    os_socket handle;
    void (*done)(struct gw_op *op, int result); /* the caller's; replaced by ours */
    struct pending_op in;
    struct pending_op out;
};

static struct {
    const struct gw_backend_ops *below;
    struct gw_backend_ops ops;
    os_mutex mutex;
    struct joined *joined;
    uint64_t submitted_count;
    uint64_t done_count;
    uint64_t latest_ns;
    uint64_t late_ns_max;                       /* the tolerance of a wait */
    int64_t open_count;                         /* open handles */
    uint64_t wake_ns[GW_PORT_WORKER_COUNT_MAX]; /* time of a wake since the last return of wait();
                                                   0: none */
} audit = {.mutex = OS_MUTEX_INIT};

/* A real kernel is late at times. A wait that should have returned 10 ms ago counts as lost. */
enum { LATE_NS_MAX = 10000000 };

static _Thread_local bool in_submit;

static void lock(void)
{
    os_mutex_lock(&audit.mutex);
}

static void unlock(void)
{
    os_mutex_unlock(&audit.mutex);
}

/* ---- lookup ---- */

static struct joined *find(const struct gw_socket *socket)
{
    lock();
    struct joined *joined = audit.joined;
    while (joined != NULL && joined->socket != socket) {
        joined = joined->next;
    }
    unlock();
    return joined;
}

static struct joined *must_find(const struct gw_socket *socket, const char *what)
{
    struct joined *joined = find(socket);
    if (joined == NULL) {
        broken(6, "%s on a socket that has not joined its lane, or has left it", what);
    }
    if (joined->handle != socket->handle) {
        broken(6, "%s on handle %d, which was %d when it joined", what, (int)socket->handle,
               (int)joined->handle);
    }
    return joined;
}

/* ---- rules for the caller ---- */

/* On a shared lane a caller may use the sockets of its own turn; otherwise all of its lane. */
static void check_thread(const struct gw_socket *socket, const char *what)
{
    const struct gw_worker *worker = gw__worker();
    const struct gw_lane *lane = socket->turn->lane;
    if (worker == NULL || worker->lane != lane) {
        broken(2, "%s from a thread that does not serve the socket's lane", what);
    }
    if (lane->ops->lane_shared && worker->turn != socket->turn) {
        broken(2, "%s outside the turn of the socket's object", what);
    }
}

static uint64_t sum_of(const struct gw_span *spans, int span_count)
{
    uint64_t sum = 14695981039346656037u; /* FNV-1a */
    for (int i = 0; i < span_count; i++) {
        for (uint32_t byte = 0; byte < spans[i].bytes; byte++) {
            sum = (sum ^ spans[i].data[byte]) * 1099511628211u;
        }
    }
    return sum;
}

static void note_spans(struct pending_op *pending, const struct gw_span *spans, int span_count)
{
    if (span_count < 1 || span_count > GW_SEND_SPAN_COUNT_MAX) {
        broken(4, "a send of %d spans", span_count);
    }
    pending->span_count = span_count;
    pending->bytes = 0;
    for (int i = 0; i < span_count; i++) {
        if (spans[i].bytes == 0) {
            broken(4, "a send with an empty span");
        }
        pending->spans[i] = spans[i];
        pending->bytes += spans[i].bytes;
    }
    pending->sum = sum_of(spans, span_count);
}

static void submit(enum kind kind, struct gw_op *op)
{
    struct gw_socket *socket = gw__op_socket(op);
    struct joined *joined = must_find(socket, kind_names[kind]);
    struct pending_op *pending = op->way == GW_WAY_IN ? &joined->in : &joined->out;
    check_thread(socket, kind_names[kind]);
    if (pending->is_up) {
        broken(3, "a second %s while a %s is in flight", kind_names[kind],
               kind_names[pending->kind]);
    }
    lock();
    pending->kind = kind;
    pending->is_cancelled = false;
    pending->is_up = true;
    audit.submitted_count++;
    unlock();
    op->own.data = (const uint8_t *)(uintptr_t)8; /* an early read of it crashes */
}

/* ---- rules for the backend ---- */

static bool is_error(int result)
{
    return result < 0 && strcmp(gw_error_name(result), "GW_E_?") != 0;
}

static bool can_be(const struct pending_op *pending, int result)
{
    switch (pending->kind) {
    case RECV:
        return is_error(result) || (result >= 0 && result <= GW_STREAM_RECV_BYTES_MAX);
    case SEND:
        return is_error(result) || (result >= 0 && (uint64_t)result <= pending->bytes);
    default:
        return is_error(result) || result == 0;
    }
}

static void check_done(const struct pending_op *pending, const struct gw_op *op, int result)
{
    const char *name = kind_names[pending->kind];
    if (in_submit) {
        broken(2, "the done of a %s comes from inside a submit", name);
    }
    if (!gw_turn_is_mine(gw__op_socket(op)->turn)) {
        broken(2, "the done of a %s comes outside the turn of its object", name);
    }
    if (!can_be(pending, result)) {
        broken(6, "a %s is done with %d", name, result);
    }
    if (pending->kind == SEND && sum_of(pending->spans, pending->span_count) != pending->sum) {
        broken(4, "the memory of a send was changed before its done");
    }
}

/* Calls the caller's done and checks that the received bytes do not change until it returns. */
static void pass_on(const struct joined *joined, enum kind kind, struct gw_op *op, int result)
{
    const struct gw_span span = {op->own.data, (uint32_t)(kind == RECV && result > 0 ? result : 0)};
    uint64_t sum = sum_of(&span, 1);
    joined->done(op, result);
    if (sum_of(&span, 1) != sum) {
        broken(4, "received bytes changed before their done had returned");
    }
}

static void done(struct gw_op *op, int result)
{
    struct joined *joined = find(gw__op_socket(op));
    struct pending_op *pending = joined == NULL         ? NULL
                                 : op->way == GW_WAY_IN ? &joined->in
                                                        : &joined->out;
    if (pending == NULL || !pending->is_up) {
        broken(1, "done comes for an operation that is not in flight");
    }
    check_done(pending, op, result);
    enum kind kind = pending->kind;
    lock();
    pending->is_up = false;
    audit.done_count++;
    audit.open_count += kind == ACCEPT && result == 0 ? 1 : 0;
    unlock();
    pass_on(joined, kind, op, result);
}

void audit_check_cancelled(void)
{
    lock();
    for (struct joined *joined = audit.joined; joined != NULL; joined = joined->next) {
        const struct pending_op *pending[] = {&joined->in, &joined->out};
        for (int i = 0; i < 2; i++) {
            if (pending[i]->is_up && pending[i]->is_cancelled) {
                unlock();
                broken(5, "a %s was cancelled, and its done never came",
                       kind_names[pending[i]->kind]);
            }
        }
    }
    unlock();
}

/* ---- the backend interface ---- */

static int backend_open(struct gw_lane *lane, const char **why_out)
{
    return audit.below->open(lane, why_out);
}

static void backend_close(struct gw_lane *lane)
{
    audit.below->close(lane);
}

static uint64_t backend_now_ns(void)
{
    uint64_t now_ns = audit.below->now_ns();
    lock();
    uint64_t latest_ns = audit.latest_ns;
    audit.latest_ns = now_ns > latest_ns ? now_ns : latest_ns;
    unlock();
    if (now_ns + 1000000 <
        latest_ns) { /* threads may read the clock in one order and arrive here in another */
        broken(8, "the clock went back by %llu ns", (unsigned long long)(latest_ns - now_ns));
    }
    return now_ns;
}

static void set_wake(const struct gw_lane *lane, uint64_t wake_ns)
{
    lock();
    audit.wake_ns[lane->index] = wake_ns;
    unlock();
}

static uint64_t wake_ns_of(const struct gw_lane *lane)
{
    lock();
    uint64_t wake_ns = audit.wake_ns[lane->index];
    unlock();
    return wake_ns;
}

void audit_allow_late(uint64_t ns)
{
    audit.late_ns_max = LATE_NS_MAX + ns;
}

static void check_waited(const struct gw_lane *lane, uint64_t from_ns, uint64_t deadline_ns)
{
    uint64_t late_ns_max = audit.late_ns_max;
    uint64_t now_ns = audit.below->now_ns();
    uint64_t wake_ns = wake_ns_of(lane);
    uint64_t limit_ns = deadline_ns < from_ns ? from_ns : deadline_ns;
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
    uint64_t from_ns = audit.below->now_ns();
    unsigned sleeper_count = atomic_load(&lane->sleeper_count);
    int result = audit.below->wait(lane, deadline_ns);
    if (!lane->ops->lane_shared && atomic_load(&lane->sleeper_count) + 1 != sleeper_count) {
        broken(8, "wait did not say that the lane is awake");
    }
    if (!lane->ops->lane_shared && (result == GW_WAIT_NOTHING || result == GW_WAIT_SOMETHING)) {
        check_waited(lane, from_ns, deadline_ns);
    }
    return result;
}

static void backend_wake(struct gw_lane *lane)
{
    set_wake(lane, audit.below->now_ns());
    audit.below->wake(lane);
}

static int backend_attach(struct gw_socket *socket)
{
    check_thread(socket, "attach");
    if (find(socket) != NULL) {
        broken(6, "a socket joins its lane twice");
    }
    struct joined *joined = memory_take_unseen(sizeof *joined);
    *joined = (struct joined){.socket = socket, .handle = socket->handle, .done = socket->done};
    socket->done = done;
    int error = audit.below->attach(socket);
    if (error != GW_OK) {
        socket->done = joined->done;
        memory_free_unseen(joined);
        return error;
    }
    lock();
    joined->next = audit.joined;
    audit.joined = joined;
    unlock();
    return GW_OK;
}

static void backend_accept(struct gw_socket *socket)
{
    submit(ACCEPT, &socket->in);
    in_submit = true;
    audit.below->accept(socket);
    in_submit = false;
}

static void backend_connect(struct gw_socket *socket, const struct gw_addr *addr)
{
    submit(CONNECT, &socket->out);
    in_submit = true;
    audit.below->connect(socket, addr);
    in_submit = false;
}

static void backend_recv(struct gw_socket *socket)
{
    submit(RECV, &socket->in);
    in_submit = true;
    audit.below->recv(socket);
    in_submit = false;
}

static void backend_send(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    submit(SEND, &socket->out);
    note_spans(&find(socket)->out, spans, span_count);
    in_submit = true;
    audit.below->send(socket, spans, span_count);
    in_submit = false;
}

static int backend_send_now(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    struct pending_op at_once = {.kind = SEND};
    const struct joined *joined = must_find(socket, "send_now");
    check_thread(socket, "send_now");
    if (joined->out.is_up) {
        broken(3, "bytes are sent at once while a %s is in flight", kind_names[joined->out.kind]);
    }
    note_spans(&at_once, spans, span_count);
    in_submit = true;
    int result = audit.below->send_now(socket, spans, span_count);
    in_submit = false;
    if (!can_be(&at_once, result)) {
        broken(6, "send_now returns %d", result);
    }
    return result;
}

static void backend_shutdown(struct gw_socket *socket)
{
    const struct joined *joined = must_find(socket, "shutdown");
    check_thread(socket, "shutdown");
    if (joined->out.is_up) {
        broken(6, "FIN is sent while a %s is in flight", kind_names[joined->out.kind]);
    }
    audit.below->shutdown(socket);
}

static void backend_cancel(struct gw_socket *socket)
{
    struct joined *joined = must_find(socket, "cancel");
    check_thread(socket, "cancel");
    joined->in.is_cancelled = joined->in.is_up;
    joined->out.is_cancelled = joined->out.is_up;
    in_submit = true;
    audit.below->cancel(socket);
    in_submit = false;
}

static int backend_peer_end(struct gw_socket *socket)
{
    (void)must_find(socket, "peer_end");
    check_thread(socket, "peer_end");
    int result = audit.below->peer_end(socket);
    if (result != GW_OK && !is_error(result)) {
        broken(6, "peer_end returns %d", result);
    }
    return result;
}

static void forget(const struct joined *gone)
{
    lock();
    struct joined **link = &audit.joined;
    while (*link != gone) {
        link = &(*link)->next;
    }
    *link = gone->next;
    audit.open_count--;
    unlock();
}

static void backend_detach(struct gw_socket *socket, bool reset)
{
    struct joined *joined = must_find(socket, "detach");
    check_thread(socket, "detach");
    if (joined->in.is_up || joined->out.is_up) {
        broken(6, "a socket is closed while a %s is in flight",
               kind_names[joined->in.is_up ? joined->in.kind : joined->out.kind]);
    }
    forget(joined);
    memory_free_unseen(joined);
    audit.below->detach(socket, reset);
}

static void count_open(int64_t count)
{
    lock();
    audit.open_count += count;
    unlock();
}

static int backend_socket_open(const struct gw_addr *to, const struct gw_addr *source,
                               os_socket *socket_out)
{
    int error = audit.below->socket_open(to, source, socket_out);
    count_open(error == GW_OK ? 1 : 0);
    return error;
}

static int backend_socket_listen(struct gw_addr *addr, uint32_t backlog_count_max, uint32_t wait_ms,
                                 os_socket *socket_out)
{
    int error = audit.below->socket_listen(addr, backlog_count_max, wait_ms, socket_out);
    count_open(error == GW_OK ? 1 : 0);
    return error;
}

static void backend_socket_close(os_socket handle)
{
    lock();
    for (const struct joined *joined = audit.joined; joined != NULL; joined = joined->next) {
        if (joined->handle == handle) {
            unlock();
            broken(6, "handle %d is closed past its lane", (int)handle);
        }
    }
    unlock();
    count_open(-1);
    audit.below->socket_close(handle);
}

const struct gw_backend_ops *audit_init(const struct gw_backend_ops *below)
{
    in_submit = false; /* from a previous test that failed */
    audit.joined = NULL;
    audit.below = below;
    audit.submitted_count = 0;
    audit.done_count = 0;
    audit.latest_ns = 0;
    audit.late_ns_max = LATE_NS_MAX;
    audit.open_count = 0;
    memset(audit.wake_ns, 0, sizeof audit.wake_ns);
    audit.ops = *below;
    audit.ops.open = backend_open;
    audit.ops.close = backend_close;
    audit.ops.wait = backend_wait;
    audit.ops.wake = backend_wake;
    audit.ops.attach = backend_attach;
    audit.ops.accept = backend_accept;
    audit.ops.connect = backend_connect;
    audit.ops.recv = backend_recv;
    audit.ops.send = backend_send;
    audit.ops.send_now = backend_send_now;
    audit.ops.shutdown = backend_shutdown;
    audit.ops.cancel = backend_cancel;
    audit.ops.peer_end = backend_peer_end;
    audit.ops.detach = backend_detach;
    audit.ops.now_ns = backend_now_ns;
    audit.ops.socket_open = backend_socket_open;
    audit.ops.socket_listen = backend_socket_listen;
    audit.ops.socket_close = backend_socket_close;
    return &audit.ops;
}

void audit_fini(bool expects_all_closed)
{
    int64_t open_count = audit.open_count;
    bool all_closed = audit.joined == NULL;
    while (audit.joined != NULL) {
        struct joined *joined = audit.joined;
        audit.joined = joined->next;
        memory_free_unseen(joined);
    }
    if (expects_all_closed && (open_count != 0 || !all_closed)) {
        broken(6, "%lld handles are left open", (long long)open_count);
    }
    if (expects_all_closed && audit.submitted_count != audit.done_count) {
        broken(1, "%llu operations were submitted, %llu are done",
               (unsigned long long)audit.submitted_count, (unsigned long long)audit.done_count);
    }
}

uint64_t audit_submitted_count(void)
{
    return audit.submitted_count;
}

uint64_t audit_done_count(void)
{
    return audit.done_count;
}

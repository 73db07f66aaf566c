/* net/backend/uring.c: the kernel through io_uring(7): completions, as they come. */
#define _GNU_SOURCE /* sendmsg's flags */
#include "net/backend/backend.h"

#include "net/backend/try.h"
#include "net/backend/finished.h"
#include "net/backend/uring_buffers.h"
#include "net/backend/uring_sizes.h"
#include "net/backend/uring_socket.h"
#include "net/error.h"
#include "net/lane.h"
#include "net/stream.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * A submit notes what is wanted and puts the socket into the lane's list of those that changed;
 * wait() tells the kernel about all of them in the call that waits. So a full queue or a kernel
 * that takes only half loses nothing: the rest stays in the list.
 *
 * Accepts and receives are multishot: one request serves while there is always somebody who asks
 * again at once, and asking costs nothing then. When nobody has asked by the next call in which the
 * kernel works for this ring, which it does at no other time, the request is told to go before
 * anything more can come. So all that may come unasked is the rest of one call. It is held, and
 * from then on the socket has one receive at a time, until one of them has left nothing behind. New
 * sockets begin that way.
 *
 * A send is tried inside the submit, while the bytes are hot. What the kernel does not take waits,
 * as a connect does, for a poll that says that there is room.
 */
enum { EVENT_COUNT_MAX = 1024 }; /* in a round; then turns and timers have theirs */

struct gw_uring_sizes gw__uring_sizes = {
    .request_count = 256,
    .completion_count = 4096,
    .buffer_count = 64,
};

struct uring_lane {
    struct io_uring ring;
    struct gw_uring_buffers buffers;
    struct gw_uring_sockets sockets;
    struct gw_uring_socket *changed_first;
    struct gw_uring_socket *changed_last;
    struct gw_finished finished;
    uint64_t wake_count; /* read from `wake`, and of no interest */
    int wake;
    bool is_enabled;    /* a worker has made the ring its own */
    bool is_wake_armed; /* a read of `wake` is in the kernel */
};

enum half_kind { IN_ACCEPT, IN_RECV, OUT_CONNECT, OUT_SEND };

/* What a completion is about: the low bits of its user_data; the rest is the socket's record. */
enum event { EVENT_IN, EVENT_OUT, EVENT_WAKE, EVENT_CANCEL };
enum { EVENT_MASK = 3 };

_Static_assert(_Alignof(struct gw_uring_socket) > EVENT_MASK, "a record's address has free bits");

/* What an operation keeps while it is in the list of finished ones: its task, which nobody runs on
 * a lane of its own, has room for what a recv or an accept brings. */
struct uring_op {
    struct gw_uring_buffered *held; /* in the place of gw_task.run */
    struct gw_task *next;
};

_Static_assert(offsetof(struct uring_op, next) == offsetof(struct gw_task, next) &&
                   sizeof(struct uring_op) <= sizeof(struct gw_task),
               "an operation has room for what io_uring keeps");

static struct gw_uring_socket *record_of(const struct gw_socket *socket)
{
    return *(struct gw_uring_socket *const *)&socket->own;
}

static struct uring_lane *lane_of(const struct gw_socket *socket)
{
    return socket->turn->lane->own;
}

/* The operation that a direction of a record is about. */
static struct gw_op *op_of(const struct gw_uring_socket *record, const struct gw_uring_half *half)
{
    return half == &record->in ? &record->socket->in : &record->socket->out;
}

/* ---- what has finished inside a call ---- */

static void finish_bringing(struct gw_op *op, int result, struct gw_uring_buffered *held)
{
    ((struct uring_op *)&op->own)->held = held;
    gw__finished_add(&lane_of(gw__op_socket(op))->finished, op, result);
}

static void finish(struct gw_op *op, int result)
{
    finish_bringing(op, result, NULL);
}

/* Shows what was held until now. */
static void show_held(struct gw_op *op, const struct gw_uring_buffered *held)
{
    if (held->accepted != OS_SOCKET_NONE) {
        gw__op_socket(op)->accepted = held->accepted;
    } else {
        op->own.data = held->bytes;
    }
}

static void hand_over_finished(struct uring_lane *lane)
{
    struct gw_finished taken = gw__finished_take(&lane->finished);
    struct gw_op *op;
    while ((op = gw__finished_next(&taken)) != NULL) {
        struct gw_uring_buffered *held = ((struct uring_op *)&op->own)->held;
        if (held != NULL) {
            show_held(op, held);
        }
        gw__op_done(op, op->result);
        gw__uring_buffered_free(held);
    }
}

/* ---- telling the kernel what has changed ---- */

static void note_change(struct uring_lane *lane, struct gw_uring_socket *record)
{
    if (record->is_listed) {
        return;
    }
    record->is_listed = true;
    record->next = NULL;
    if (lane->changed_first == NULL) {
        lane->changed_first = record;
    } else {
        lane->changed_last->next = record;
    }
    lane->changed_last = record;
}

/* Room for one request, or NULL: the kernel takes no more of them now. */
static struct io_uring_sqe *take_request(struct uring_lane *lane)
{
    struct io_uring_sqe *request = io_uring_get_sqe(&lane->ring);
    if (request == NULL && io_uring_submit(&lane->ring) > 0) {
        request = io_uring_get_sqe(&lane->ring);
    }
    return request;
}

static uint64_t event_data(const struct gw_uring_socket *record, enum event event)
{
    return (uintptr_t)record | event;
}

static void prepare(struct io_uring_sqe *request, const struct gw_uring_socket *record,
                    const struct gw_uring_half *half)
{
    os_socket handle = record->socket->handle;
    switch ((enum half_kind)half->kind) {
    case IN_ACCEPT:
        io_uring_prep_multishot_accept(request, handle, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        break;
    case IN_RECV:
        io_uring_prep_recv(request, handle, NULL, 0, 0);
        request->ioprio |= record->is_careful ? 0 : IORING_RECV_MULTISHOT;
        request->flags |= IOSQE_BUFFER_SELECT;
        request->buf_group = GW_URING_BUFFER_GROUP;
        break;
    case OUT_CONNECT:
    case OUT_SEND:
        io_uring_prep_poll_add(request, handle, POLLOUT);
        break;
    }
}

static void prepare_cancel(struct io_uring_sqe *request, uint64_t data)
{
    io_uring_prep_cancel64(request, data, 0);
    request->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(request, EVENT_CANCEL);
}

/* The kernel has let go of a socket that was detached, and so has the list of changes. */
static void give_if_free(struct uring_lane *lane, struct gw_uring_socket *record)
{
    bool is_in_kernel = record->in.request != GW_URING_NONE || record->out.request != GW_URING_NONE;
    if (record->socket == NULL && !record->is_listed && !is_in_kernel) {
        gw__uring_socket_give(&lane->sockets, record);
    }
}

/*
 * Brings one direction to what is wanted: no request waits for nobody. Returns false when the
 * kernel takes no more now.
 */
static bool tell_half(struct uring_lane *lane, struct gw_uring_socket *record,
                      struct gw_uring_half *half, enum event event)
{
    bool must_go = half->request == GW_URING_ARMED && (!half->is_awaited || half->is_called_off);
    bool must_come = half->request == GW_URING_NONE && half->is_awaited;
    struct io_uring_sqe *request = must_go || must_come ? take_request(lane) : NULL;
    if (request == NULL) {
        return !must_go && !must_come;
    }
    if (must_go) {
        prepare_cancel(request, event_data(record, event));
        half->request = GW_URING_LEAVING;
    } else {
        prepare(request, record, half);
        io_uring_sqe_set_data64(request, event_data(record, event));
        half->request = GW_URING_ARMED;
    }
    return true;
}

static void tell_wake(struct uring_lane *lane)
{
    struct io_uring_sqe *request = lane->is_wake_armed ? NULL : take_request(lane);
    if (request != NULL) {
        io_uring_prep_read(request, lane->wake, &lane->wake_count, sizeof(lane->wake_count), 0);
        io_uring_sqe_set_data64(request, EVENT_WAKE);
        lane->is_wake_armed = true;
    }
}

/*
 * Tells the kernel of as many changes in a round as there are buffers: each receive that is armed
 * may take one at once, and those that find none would only come back.
 */
static void tell_changes(struct uring_lane *lane)
{
    tell_wake(lane);
    for (uint32_t i = 0; i < lane->buffers.count && lane->changed_first != NULL; i++) {
        struct gw_uring_socket *record = lane->changed_first;
        if (!tell_half(lane, record, &record->in, EVENT_IN) ||
            !tell_half(lane, record, &record->out, EVENT_OUT)) {
            return;
        }
        lane->changed_first = record->next;
        record->is_listed = false;
        give_if_free(lane, record);
    }
}

/* ---- what the kernel tells ---- */

/* A direction's operation comes home. It and its socket may be gone when this returns. */
static void come_home(struct gw_uring_socket *record, struct gw_uring_half *half, int result)
{
    half->is_awaited = false;
    half->is_called_off = false;
    gw__op_done(op_of(record, half), result);
}

/* A request has ended without an answer: it was told to go, or there was no buffer. */
static void came_to_nothing(struct uring_lane *lane, struct gw_uring_socket *record,
                            struct gw_uring_half *half)
{
    if (half->is_awaited && half->is_called_off) {
        come_home(record, half, GW_E_CLOSED);
    } else if (half->is_awaited) {
        note_change(lane, record);
    }
}

static void accepted(struct gw_uring_socket *record, int result)
{
    struct gw_uring_half *half = &record->in;
    if (result >= 0) {
        os_socket_accepted(result);
    }
    if (half->is_awaited) {
        record->socket->accepted = result;
        come_home(record, half, result >= 0 ? GW_OK : os_error(-result));
    } else if (result >= 0) {
        gw__uring_buffer_accepted(record, result);
    }
}

static void received(struct gw_uring_socket *record, int result, const uint8_t *bytes)
{
    struct gw_uring_half *half = &record->in;
    result = result >= 0 ? result : os_error(-result);
    if (half->is_awaited) {
        record->socket->in.own.data = bytes;
        come_home(record, half, result);
    } else {
        gw__uring_buffer_bytes(record, result, bytes);
        record->is_careful = true;
    }
}

/*
 * The answer to a request. The record may be another socket's by the time it was handed over, but a
 * record it is still, and looking at it is harmless.
 */
static void answer_in(struct uring_lane *lane, struct gw_uring_socket *record, int result,
                      const uint8_t *bytes)
{
    if (record->in.kind == IN_ACCEPT) {
        accepted(record, result);
    } else {
        received(record, result, bytes);
    }
    if (record->socket != NULL && !record->in.is_awaited && record->in.request == GW_URING_ARMED) {
        note_change(lane, record);
    }
}

/* Something came for a socket that was detached. */
static void came_too_late(struct uring_lane *lane, struct gw_uring_socket *record, int result)
{
    if (record->in.kind == IN_ACCEPT && result >= 0) {
        os_socket_close(result);
    }
    give_if_free(lane, record);
}

static void in_event(struct uring_lane *lane, struct gw_uring_socket *record, int result,
                     const uint8_t *bytes)
{
    if (record->socket == NULL) {
        came_too_late(lane, record, result);
    } else if (result == -ECANCELED || (result == -ENOBUFS && record->in.kind == IN_RECV)) {
        came_to_nothing(lane, record, &record->in);
    } else {
        answer_in(lane, record, result, bytes);
    }
}

/* A request that is not to go on has had its last word. */
static void note_request(struct gw_uring_socket *record, uint32_t flags)
{
    if ((flags & IORING_CQE_F_MORE) != 0) {
        return;
    }
    record->in.request = GW_URING_NONE;
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        record->is_careful = record->is_careful && (flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
    }
}

static void in_completion(struct uring_lane *lane, struct gw_uring_socket *record,
                          const struct io_uring_cqe *completion)
{
    bool has_buffer = (completion->flags & IORING_CQE_F_BUFFER) != 0;
    uint32_t buffer = completion->flags >> IORING_CQE_BUFFER_SHIFT;
    const uint8_t *bytes = has_buffer ? gw__uring_buffers_at(&lane->buffers, buffer) : NULL;
    note_request(record, completion->flags);
    in_event(lane, record, completion->res, bytes);
    if (has_buffer) {
        gw__uring_buffers_give_back(&lane->buffers, buffer);
    }
}

static void out_completion(struct uring_lane *lane, struct gw_uring_socket *record, int result)
{
    struct gw_uring_half *half = &record->out;
    half->request = GW_URING_NONE;
    if (result == -ECANCELED) {
        came_to_nothing(lane, record, half);
    } else {
        /* For a send there is room, or an error that the next one meets. */
        bool connected = result >= 0 && half->kind == OUT_CONNECT;
        come_home(record, half,
                  result < 0  ? os_error(-result)
                  : connected ? gw__try_connected(record->socket->handle)
                              : GW_OK);
    }
}

/* Whose completion it is: NULL for those of the lane itself. */
static struct gw_uring_socket *record_at(uint64_t data)
{
    return (struct gw_uring_socket *)(uintptr_t)(data & ~(uint64_t)EVENT_MASK);
}

static void take_completion(struct uring_lane *lane, const struct io_uring_cqe *completion)
{
    uint64_t data = completion->user_data;
    struct gw_uring_socket *record = record_at(data);
    switch ((enum event)(data & EVENT_MASK)) {
    case EVENT_IN:
        in_completion(lane, record, completion);
        break;
    case EVENT_OUT:
        out_completion(lane, record, completion->res);
        break;
    case EVENT_WAKE:
        lane->is_wake_armed = false;
        break;
    case EVENT_CANCEL: /* it came too late: what it was to cancel has had its last word */
        break;
    }
}

/* Fetches the record of the completion after the next one, and the socket of the next, if so many
 * are left. */
static void prefetch(const struct io_uring *ring, unsigned next, unsigned left)
{
    const struct io_uring_cq *cq = &ring->cq;
    if (left > 1) {
        __builtin_prefetch(record_at(cq->cqes[(next + 1) & cq->ring_mask].user_data));
    }
    if (left > 0) {
        const struct gw_uring_socket *record = record_at(cq->cqes[next & cq->ring_mask].user_data);
        gw__socket_prefetch(record == NULL ? NULL : record->socket);
    }
}

static unsigned take_shown(struct uring_lane *lane)
{
    struct io_uring_cqe *completion;
    unsigned head;
    unsigned count = 0;
    unsigned shown = io_uring_cq_ready(&lane->ring);
    io_uring_for_each_cqe(&lane->ring, head, completion)
    {
        prefetch(&lane->ring, head + 1, shown > count ? shown - count - 1 : 0);
        take_completion(lane, completion);
        hand_over_finished(lane); /* what a send held is taken again while it is hot */
        count++;
    }
    io_uring_cq_advance(&lane->ring, count);
    gw__uring_buffers_show(&lane->buffers);
    return count;
}

static bool has_more(const struct uring_lane *lane)
{
    return (IO_URING_READ_ONCE(*lane->ring.sq.kflags) & IORING_SQ_TASKRUN) != 0;
}

/*
 * The kernel works for some 20 sockets in a call, and epoll shows all that are ready. So it is
 * asked again, while it says that it has more: what is flushed once for a round, such as a room,
 * would be flushed for every 20 who spoke otherwise. Each time it first hears what has changed, so
 * that who floods a socket that does not ask comes no further than one call. Returns how many
 * completions there were.
 */
static unsigned take_completions(struct uring_lane *lane)
{
    unsigned count = take_shown(lane);
    unsigned more = count;
    while (more > 0 && count < EVENT_COUNT_MAX && has_more(lane)) {
        tell_changes(lane);
        (void)io_uring_submit_and_get_events(&lane->ring);
        more = take_shown(lane);
        count += more;
    }
    return count;
}

/* ---- the ring ---- */

/*
 * Its one issuer is the worker, who runs what the kernel has left for the ring when it waits, and
 * at no other time. The ring is made by another thread, so it begins disabled: whoever enables it
 * is its issuer. Returns 0 or a negative errno.
 */
static int open_ring(struct io_uring *ring, uint32_t request_count, uint32_t completion_count)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE,
        .cq_entries = completion_count,
    };
    return io_uring_queue_init_params(request_count, ring, &params);
}

static bool enable(struct uring_lane *lane)
{
    if (!lane->is_enabled) {
        /* liburing 2.3 declares io_uring_enable_rings(), and does not export it. */
        lane->is_enabled =
            io_uring_register(lane->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == 0;
    }
    return lane->is_enabled;
}

/* Of <linux/io_uring.h> of 6.15; liburing 2.3 knows neither. */
enum { FEAT_NO_IOWAIT = 1 << 17, ENTER_NO_IOWAIT = 1 << 7 };

/* Shows the kernel what is prepared, as liburing does it in its submits. Returns how much that is.
 */
static unsigned show_requests(struct io_uring_sq *sq)
{
    unsigned tail = *sq->ktail;
    for (; sq->sqe_head != sq->sqe_tail; sq->sqe_head++, tail++) {
        sq->array[tail & sq->ring_mask] = sq->sqe_head & sq->ring_mask;
    }
    IO_URING_WRITE_ONCE(*sq->ktail, tail); /* the kernel reads it in the call of this thread */
    return tail - IO_URING_READ_ONCE(*sq->khead);
}

/*
 * A thread that sleeps in a ring with requests counts as waiting for a disk: an idle server would
 * show as 100 % of iowait. Kernels from 6.15 on leave that out where they are told to.
 */
static int sleep_in_ring(struct io_uring *ring, struct __kernel_timespec *left)
{
    struct io_uring_cqe *first;
    if ((ring->features & FEAT_NO_IOWAIT) == 0) {
        return io_uring_submit_and_wait_timeout(ring, &first, 1, left, NULL);
    }
    struct io_uring_getevents_arg argument = {.ts = (uintptr_t)left};
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | ENTER_NO_IOWAIT;
    return io_uring_enter2((unsigned)ring->ring_fd, show_requests(&ring->sq), 1, flags,
                           (sigset_t *)(void *)&argument, sizeof(argument));
}

/* Tells the kernel what is prepared, and waits. Returns 0 or a negative errno. */
static int enter(struct uring_lane *lane, uint64_t left_ns)
{
    enum { NS_PER_S = 1000000000 };
    struct __kernel_timespec left = {.tv_sec = (int64_t)(left_ns / NS_PER_S),
                                     .tv_nsec = (long long)(left_ns % NS_PER_S)};
    int result = left_ns == 0 ? io_uring_submit_and_get_events(&lane->ring)
                              : sleep_in_ring(&lane->ring, &left);
    return result < 0 ? result : 0;
}

/* Whether the ring will take again what it did not take now, or there was only nothing to take. */
static bool is_passing(int error)
{
    return error == 0 || error == -ETIME || error == -EINTR || error == -EAGAIN || error == -EBUSY;
}

/* EPERM has two origins, with two ways out. */
static const char *refusal_by_right(void)
{
    char value = '0';
    int file = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC); /* since 6.6 */
    if (file >= 0) {
        if (read(file, &value, 1) != 1) {
            value = '0';
        }
        close(file);
    }
    return value != '0'
               ? "io_uring refused by this kernel: EPERM (sysctl kernel.io_uring_disabled "
                 "is not 0; with 1 the group of kernel.io_uring_group may use it)"
               : "io_uring refused by this kernel: EPERM (a seccomp filter, of a container "
                 "or a service; allow io_uring_setup, io_uring_enter, io_uring_register)";
}

static const char *refusal_of(int error)
{
    switch (-error) {
    case EPERM:
    case EACCES:
        return refusal_by_right();
    case ENOSYS:
        return "io_uring refused by this kernel: ENOSYS (built without CONFIG_IO_URING, or a "
               "seccomp "
               "filter answers for it)";
    case ENOMEM:
        return "io_uring refused by this kernel: ENOMEM (locked memory; allow 96 KiB for each "
               "worker: ulimit -l, LimitMEMLOCK=, --ulimit memlock=)";
    case EINVAL:
        return "io_uring of this kernel is older than 6.1: EINVAL";
    case EMFILE:
        return "no descriptor for io_uring: EMFILE (two for each worker: ulimit -n)";
    case ENFILE:
        return "no descriptor for io_uring: ENFILE (of the whole machine: sysctl fs.file-max)";
    default:
        return "io_uring refused by this kernel";
    }
}

static int open_parts(struct uring_lane *own)
{
    const struct gw_uring_sizes *sizes = &gw__uring_sizes;
    int error = open_ring(&own->ring, sizes->request_count, sizes->completion_count);
    if (error != 0) {
        return error;
    }
    error = gw__uring_buffers_open(&own->buffers, &own->ring, sizes->buffer_count);
    own->wake = error == 0 ? eventfd(0, EFD_CLOEXEC) : -1; /* the kernel waits for it, so it may */
    if (error == 0 && own->wake < 0) {
        error = -errno;
    }
    if (error != 0) {
        io_uring_queue_exit(&own->ring);
        gw__uring_buffers_close(&own->buffers);
    }
    return error;
}

static void close_parts(struct uring_lane *own)
{
    io_uring_queue_exit(&own->ring);
    close(own->wake);
    gw__uring_buffers_close(&own->buffers);
}

/* ---- the door ---- */

/* A ring as large as those of the workers: a small one may be had where they are refused. */
static bool backend_available(const char **why_out)
{
    struct uring_lane lane = {.wake = -1};
    int error = open_parts(&lane);
    if (error == 0) {
        close_parts(&lane);
    }
    *why_out = error == 0 ? NULL : refusal_of(error);
    return error == 0;
}

static int backend_open(struct gw_lane *lane, const char **why_out)
{
    struct uring_lane *own = calloc(1, sizeof(*own));
    if (own == NULL) {
        return GW_E_MEMORY;
    }
    int error = open_parts(own);
    if (error != 0) {
        free(own);
        *why_out = refusal_of(error);
        return GW_E_UNSUPPORTED;
    }
    lane->own = own;
    return GW_OK;
}

static void backend_close(struct gw_lane *lane)
{
    struct uring_lane *own = lane->own;
    close_parts(own);
    gw__uring_sockets_free(&own->sockets);
    free(own);
    lane->own = NULL;
}

static int backend_wait(struct gw_lane *lane, uint64_t deadline_ns)
{
    struct uring_lane *own = lane->own;
    hand_over_finished(own);
    if (!enable(own)) {
        return GW_E_SYSTEM;
    }
    tell_changes(own);
    bool told = own->is_wake_armed && own->changed_first == NULL; /* or the kernel was full */
    bool busy = !told || own->finished.first != NULL || gw__lane_is_busy(lane);
    int error = enter(own, busy ? 0 : gw__lane_left_ns(lane, deadline_ns));
    while (error == -EINTR) {
        error = enter(own, 0); /* a stop interrupts, too: signal(7) */
    }
    gw__lane_awake(lane);
    unsigned count = take_completions(own);
    if (!is_passing(error)) {
        return GW_E_SYSTEM;
    }
    return count > 0 || busy || has_more(own) ? GW_WAIT_SOMETHING : GW_WAIT_NOTHING;
}

static void backend_wake(struct gw_lane *lane)
{
    const struct uring_lane *own = lane->own;
    uint64_t one = 1;
    int saved_errno = errno; /* a signal handler may be calling */
    ssize_t put = write(own->wake, &one, sizeof(one));
    (void)put;
    errno = saved_errno;
}

static int backend_attach(struct gw_socket *socket)
{
    struct gw_uring_socket *record = gw__uring_socket_take(&lane_of(socket)->sockets);
    if (record == NULL) {
        return GW_E_MEMORY;
    }
    record->socket = socket;
    record->is_careful = true;
    *(struct gw_uring_socket **)&socket->own = record;
    return GW_OK;
}

static void await(struct gw_socket *socket, struct gw_uring_half *half, enum half_kind kind)
{
    assert(!half->is_awaited);
    half->is_awaited = true;
    half->kind = (uint8_t)kind;
    half->is_called_off = false;
    if (half->request == GW_URING_NONE) {
        note_change(lane_of(socket), record_of(socket));
    }
}

/* What came before is there at once. */
static void submit_in(struct gw_socket *socket, enum half_kind kind)
{
    struct gw_uring_socket *record = record_of(socket);
    struct gw_uring_buffered *held = gw__uring_buffered_take(record);
    if (held != NULL) {
        finish_bringing(&socket->in, held->result, held);
    } else if (record->has_lost) {
        finish(&socket->in, GW_E_MEMORY);
    } else {
        await(socket, &record->in, kind);
    }
}

static void backend_accept(struct gw_socket *socket)
{
    submit_in(socket, IN_ACCEPT);
}

static void backend_connect(struct gw_socket *socket, const struct gw_addr *addr)
{
    int result;
    if (gw__try_connect(socket->handle, addr, &result)) {
        finish(&socket->out, result);
    } else {
        await(socket, &record_of(socket)->out, OUT_CONNECT);
    }
}

static void backend_recv(struct gw_socket *socket)
{
    submit_in(socket, IN_RECV);
}

static void backend_send(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    int result;
    if (gw__try_send(socket->handle, spans, span_count, &result)) {
        finish(&socket->out, result);
    } else {
        await(socket, &record_of(socket)->out, OUT_SEND);
    }
}

static int backend_send_now(struct gw_socket *socket, const struct gw_span *spans, int span_count)
{
    int result;
    return gw__try_send(socket->handle, spans, span_count, &result) ? result : 0;
}

static void backend_shutdown(struct gw_socket *socket)
{
    (void)shutdown(socket->handle, SHUT_WR);
}

static void call_off(struct uring_lane *lane, struct gw_uring_socket *record,
                     struct gw_uring_half *half)
{
    if (!half->is_awaited) {
        return;
    }
    if (half->request == GW_URING_NONE) {
        half->is_awaited = false;
        finish(op_of(record, half), GW_E_CLOSED);
    } else {
        half->is_called_off = true;
        note_change(lane, record);
    }
}

static void backend_cancel(struct gw_socket *socket)
{
    struct gw_uring_socket *record = record_of(socket);
    call_off(lane_of(socket), record, &record->in);
    call_off(lane_of(socket), record, &record->out);
}

static bool backend_has_unsent(struct gw_socket *socket)
{
    return os_socket_has_unsent(socket->handle);
}

static int backend_peer_end(struct gw_socket *socket)
{
    return os_socket_peer_end(socket->handle);
}

static void backend_detach(struct gw_socket *socket, bool reset)
{
    struct uring_lane *lane = lane_of(socket);
    struct gw_uring_socket *record = record_of(socket);
    assert(!record->in.is_awaited && !record->out.is_awaited);
    if (record->in.kind == IN_ACCEPT && record->in.request != GW_URING_NONE) {
        /* The request keeps the door open until it has gone; nobody may come in any more. */
        (void)shutdown(socket->handle, SHUT_RDWR);
    }
    gw__uring_buffered_drop(record);
    record->socket = NULL;
    if (record->in.request == GW_URING_ARMED) {
        note_change(lane, record);
    }
    give_if_free(lane, record);
    os_socket_end(socket->handle, reset);
    socket->handle = OS_SOCKET_NONE;
}

const struct gw_backend_ops gw__backend_uring = {
    .backend = GW_BACKEND_URING,
    .lane_shared = false,
    .available = backend_available,
    .open = backend_open,
    .close = backend_close,
    .wait = backend_wait,
    .wake = backend_wake,
    .attach = backend_attach,
    .accept = backend_accept,
    .connect = backend_connect,
    .recv = backend_recv,
    .send = backend_send,
    .send_now = backend_send_now,
    .shutdown = backend_shutdown,
    .cancel = backend_cancel,
    .has_unsent = backend_has_unsent,
    .peer_end = backend_peer_end,
    .detach = backend_detach,
    .now_ns = os_now_ns,
    .random = os_random,
    .socket_open = os_socket_open,
    .socket_listen = os_socket_listen,
    .socket_peer = os_socket_peer,
    .socket_close = os_socket_close,
};

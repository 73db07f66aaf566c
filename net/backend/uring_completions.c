/* net/backend/uring_completions.c: Completions of the io_uring backend, and what becomes of them.
 */
#define _GNU_SOURCE /* <liburing.h> */
#include "net/backend/uring_lane.h"

#include "net/backend/try.h"
#include "net/error.h"
#include <errno.h>

enum { COMPLETION_COUNT_MAX = 1024 }; /* per wait(); turns and timers run after that */

/* ---- operations that have finished inside a call ---- */

void gw__uring_hand_over_finished(struct gw_uring_lane *lane)
{
    struct gw_finished taken = gw__finished_take(&lane->finished);
    struct gw_op *op;
    while ((op = gw__finished_next(&taken)) != NULL) {
        struct gw_uring_buffered *buffered = ((struct gw_uring_op *)&op->own)->buffered;
        if (buffered != NULL && buffered->accepted != OS_SOCKET_NONE) {
            gw__op_socket(op)->accepted = buffered->accepted;
        } else if (buffered != NULL) {
            op->own.data = buffered->bytes;
        }
        gw__op_done(op, op->result);
        gw__uring_buffered_free(buffered);
    }
}

/* ---- one completion ---- */

/* Completes the operation of a direction. It and its socket may be gone when this returns. */
static void complete(struct gw_uring_socket *record, struct gw_uring_half *half, int result)
{
    half->is_awaited = false;
    half->is_cancelled = false;
    gw__op_done(gw__uring_op(record, half), result);
}

/* A request has ended without a result, because of a cancel or because no buffer was free. */
static void ended_without_result(struct gw_uring_lane *lane, struct gw_uring_socket *record,
                                 struct gw_uring_half *half)
{
    if (half->is_awaited && half->is_cancelled) {
        complete(record, half, GW_E_CLOSED);
    } else if (half->is_awaited) {
        gw__uring_note_change(lane, record);
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
        complete(record, half, result >= 0 ? GW_OK : os_error(-result));
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
        complete(record, half, result);
    } else {
        gw__uring_buffer_bytes(record, result, bytes);
        record->is_single_shot = true;
    }
}

/*
 * Passes on what an accept or a recv has brought. Its done may detach the socket and attach another
 * one to the same record; reading the record afterwards is safe, because it is still a record.
 */
static void in_result(struct gw_uring_lane *lane, struct gw_uring_socket *record, int result,
                      const uint8_t *bytes)
{
    if (record->in.kind == GW_URING_ACCEPT) {
        accepted(record, result);
    } else {
        received(record, result, bytes);
    }
    if (record->socket != NULL && !record->in.is_awaited && record->in.request == GW_URING_ARMED) {
        gw__uring_note_change(lane, record);
    }
}

static void in_event(struct gw_uring_lane *lane, struct gw_uring_socket *record, int result,
                     const uint8_t *bytes)
{
    if (record->socket == NULL) { /* detached */
        if (record->in.kind == GW_URING_ACCEPT && result >= 0) {
            os_socket_close(result);
        }
        gw__uring_release(lane, record);
    } else if (result == -ECANCELED || (result == -ENOBUFS && record->in.kind == GW_URING_RECV)) {
        ended_without_result(lane, record, &record->in);
    } else {
        in_result(lane, record, result, bytes);
    }
}

static void in_completion(struct gw_uring_lane *lane, struct gw_uring_socket *record,
                          const struct io_uring_cqe *completion)
{
    bool has_buffer = (completion->flags & IORING_CQE_F_BUFFER) != 0;
    uint32_t buffer = completion->flags >> IORING_CQE_BUFFER_SHIFT;
    const uint8_t *bytes = has_buffer ? gw__uring_buffers_at(&lane->buffers, buffer) : NULL;
    if ((completion->flags & IORING_CQE_F_MORE) == 0) { /* the request has ended */
        record->in.request = GW_URING_NONE;
        if (has_buffer && (completion->flags & IORING_CQE_F_SOCK_NONEMPTY) == 0) {
            record->is_single_shot = false;
        }
    }
    in_event(lane, record, completion->res, bytes);
    if (has_buffer) {
        gw__uring_buffers_give_back(&lane->buffers, buffer);
    }
}

static void out_completion(struct gw_uring_lane *lane, struct gw_uring_socket *record, int result)
{
    struct gw_uring_half *half = &record->out;
    half->request = GW_URING_NONE;
    if (result == -ECANCELED) {
        ended_without_result(lane, record, half);
    } else if (result < 0) {
        complete(record, half, os_error(-result));
    } else {
        /* The poll reports room or an error of the socket; the next send returns the error. */
        complete(record, half,
                 half->kind == GW_URING_CONNECT ? gw__try_connected(record->socket->handle)
                                                : GW_OK);
    }
}

/* The record of a completion; NULL for the lane's own requests. */
static struct gw_uring_socket *record_at(uint64_t data)
{
    return (struct gw_uring_socket *)(uintptr_t)(data & ~(uint64_t)GW_URING_EVENT_MASK);
}

static void take_completion(struct gw_uring_lane *lane, const struct io_uring_cqe *completion)
{
    uint64_t data = completion->user_data;
    struct gw_uring_socket *record = record_at(data);
    switch ((enum gw_uring_event)(data & GW_URING_EVENT_MASK)) {
    case GW_URING_IN:
        in_completion(lane, record, completion);
        break;
    case GW_URING_OUT:
        out_completion(lane, record, completion->res);
        break;
    case GW_URING_WAKE:
        lane->is_wake_armed = false;
        break;
    case GW_URING_CANCEL: /* failed: the request had already ended, with a completion of its own */
        break;
    }
}

/* ---- all of them ---- */

/* Prefetches the record of the completion after the next one, and the socket of the next one;
 * `left` is how many there are. */
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

/* Takes the completions that are in the completion queue now. Returns how many. */
static unsigned take_queued(struct gw_uring_lane *lane)
{
    struct io_uring_cqe *completion;
    unsigned head;
    unsigned count = 0;
    unsigned queued = io_uring_cq_ready(&lane->ring);
    io_uring_for_each_cqe(&lane->ring, head, completion)
    {
        prefetch(&lane->ring, head + 1, queued > count ? queued - count - 1 : 0);
        take_completion(lane, completion);
        gw__uring_hand_over_finished(lane); /* reuses a send's memory while it is in the cache */
        count++;
    }
    io_uring_cq_advance(&lane->ring, count);
    gw__uring_buffers_publish(&lane->buffers);
    return count;
}

/*
 * One call into the kernel delivers the completions of some 20 sockets, where epoll reports all
 * that are ready. So this calls again while the kernel says that it has more; otherwise what is
 * flushed once per wait(), such as a group's broadcasts, would be flushed for every 20 senders.
 * Each call first submits the changes, so that a peer that floods a socket which awaits nothing
 * gets no further than one call.
 */
unsigned gw__uring_take_completions(struct gw_uring_lane *lane)
{
    unsigned count = take_queued(lane);
    unsigned more = count;
    while (more > 0 && count < COMPLETION_COUNT_MAX && gw__uring_has_more(lane)) {
        gw__uring_prepare_changes(lane);
        (void)io_uring_submit_and_get_events(&lane->ring);
        more = take_queued(lane);
        count += more;
    }
    return count;
}

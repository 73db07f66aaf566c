/* net/backend/uring_requests.c: Requests of the io_uring backend, made from what sockets await. */
#define _GNU_SOURCE /* <liburing.h> */
#include "net/backend/uring_lane.h"

#include <poll.h>
#include <sys/socket.h>

void gw__uring_note_change(struct gw_uring_lane *lane, struct gw_uring_socket *record)
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

void gw__uring_release(struct gw_uring_lane *lane, struct gw_uring_socket *record)
{
    bool is_in_kernel = record->in.request != GW_URING_NONE || record->out.request != GW_URING_NONE;
    if (record->socket == NULL && !record->is_listed && !is_in_kernel) {
        gw__uring_socket_give(&lane->sockets, record);
    }
}

/* A free entry of the submission queue, or NULL: the queue is full, and the kernel takes nothing.
 */
static struct io_uring_sqe *take_request(struct gw_uring_lane *lane)
{
    struct io_uring_sqe *request = io_uring_get_sqe(&lane->ring);
    if (request == NULL && io_uring_submit(&lane->ring) > 0) {
        request = io_uring_get_sqe(&lane->ring);
    }
    return request;
}

static void prepare_operation(struct io_uring_sqe *request, const struct gw_uring_socket *record,
                              const struct gw_uring_half *half)
{
    os_socket handle = record->socket->handle;
    switch ((enum gw_uring_kind)half->kind) {
    case GW_URING_ACCEPT:
        io_uring_prep_multishot_accept(request, handle, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        break;
    case GW_URING_RECV:
        io_uring_prep_recv(request, handle, NULL, 0, 0);
        request->ioprio |= record->is_single_shot ? 0 : IORING_RECV_MULTISHOT;
        request->flags |= IOSQE_BUFFER_SELECT;
        request->buf_group = GW_URING_BUFFER_GROUP;
        break;
    case GW_URING_CONNECT:
    case GW_URING_SEND:
        io_uring_prep_poll_add(request, handle, POLLOUT);
        break;
    }
}

static void prepare_cancel(struct io_uring_sqe *request, uint64_t data)
{
    io_uring_prep_cancel64(request, data, 0);
    request->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(request, GW_URING_CANCEL);
}

/*
 * Prepares the request that one direction lacks, or the cancel of one that net does not await.
 * Returns false when the submission queue is full.
 */
static bool prepare_half(struct gw_uring_lane *lane, struct gw_uring_socket *record,
                         struct gw_uring_half *half, enum gw_uring_event event)
{
    bool must_cancel = half->request == GW_URING_ARMED && (!half->is_awaited || half->is_cancelled);
    bool must_start = half->request == GW_URING_NONE && half->is_awaited;
    struct io_uring_sqe *request = must_cancel || must_start ? take_request(lane) : NULL;
    uint64_t data = (uintptr_t)record | event;
    if (request == NULL) {
        return !must_cancel && !must_start;
    }
    if (must_cancel) {
        prepare_cancel(request, data);
        half->request = GW_URING_CANCELLING;
    } else {
        prepare_operation(request, record, half);
        io_uring_sqe_set_data64(request, data);
        half->request = GW_URING_ARMED;
    }
    return true;
}

static void prepare_wake(struct gw_uring_lane *lane)
{
    struct io_uring_sqe *request = lane->is_wake_armed ? NULL : take_request(lane);
    if (request != NULL) {
        io_uring_prep_read(request, lane->wake, &lane->wake_count, sizeof(lane->wake_count), 0);
        io_uring_sqe_set_data64(request, GW_URING_WAKE);
        lane->is_wake_armed = true;
    }
}

void gw__uring_prepare_changes(struct gw_uring_lane *lane)
{
    prepare_wake(lane);
    for (uint32_t i = 0; i < lane->buffers.count && lane->changed_first != NULL; i++) {
        struct gw_uring_socket *record = lane->changed_first;
        if (!prepare_half(lane, record, &record->in, GW_URING_IN) ||
            !prepare_half(lane, record, &record->out, GW_URING_OUT)) {
            return;
        }
        lane->changed_first = record->next;
        record->is_listed = false;
        gw__uring_release(lane, record);
    }
}

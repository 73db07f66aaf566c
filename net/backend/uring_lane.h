/* net/backend/uring_lane.h: The lane of the io_uring backend, and the parts that work on it.
 * Private to net. */
#ifndef GW_NET_BACKEND_URING_LANE_H
#define GW_NET_BACKEND_URING_LANE_H

#include "net/backend/uring_buffers.h" /* first: <liburing.h> defines feature test macros */

#include "net/backend/backend.h"
#include "net/backend/finished.h"
#include "net/backend/uring_socket.h"
#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 *   uring.c               the backend's functions: a submit records in the socket what net awaits
 *     |    ^
 *     v    |
 *   uring_requests.c      brings the kernel's requests in line with what the sockets await
 *   uring_completions.c   takes completions and completes the operations that they are about
 *     |    ^
 *     v    |
 *   uring_ring.c          the ring: opening it, entering the kernel, why a kernel refuses it
 *
 * Thread of all: the lane's worker, unless said otherwise.
 */
struct gw_uring_lane {
    struct io_uring ring;
    struct gw_uring_buffers buffers;
    struct gw_uring_sockets sockets;
    struct gw_uring_socket *changed_first; /* sockets whose requests have to change */
    struct gw_uring_socket *changed_last;
    struct gw_finished finished;
    uint64_t wake_count; /* what the read of `wake` writes; unused */
    int wake;
    bool is_enabled;    /* a worker has enabled the ring, and is its only submitter */
    bool is_wake_armed; /* a read of `wake` is in the kernel */
};

/* What a completion is about: the low bits of its user_data. The other bits are the address of the
 * socket's record. */
enum gw_uring_event { GW_URING_IN, GW_URING_OUT, GW_URING_WAKE, GW_URING_CANCEL };
enum { GW_URING_EVENT_MASK = 3 };

_Static_assert(_Alignof(struct gw_uring_socket) > GW_URING_EVENT_MASK,
               "the low bits of a record's address are free");

/* What the backend keeps in gw_op.own while the operation is in the list of finished ones. It
 * replaces the operation's task, which never runs on a lane with one worker. */
struct gw_uring_op {
    struct gw_uring_buffered *buffered; /* at the offset of gw_task.run */
    struct gw_task *next;
};

_Static_assert(offsetof(struct gw_uring_op, next) == offsetof(struct gw_task, next) &&
                   sizeof(struct gw_uring_op) <= sizeof(struct gw_task),
               "gw_uring_op fits over gw_task");

/* The operation of a direction of a socket. */
static inline struct gw_op *gw__uring_op(const struct gw_uring_socket *record,
                                         const struct gw_uring_half *half)
{
    return half == &record->in ? &record->socket->in : &record->socket->out;
}

/* ---- uring_ring.c ---- */

/* Opens what a lane has in the kernel. Returns 0, or a negative errno and has opened nothing then.
 * Thread: setup. */
int gw__uring_lane_open(struct gw_uring_lane *lane);

/* Closes it and frees the buffers. Thread: setup. */
void gw__uring_lane_close(struct gw_uring_lane *lane);

/* The text for `why_out` of a backend: what the error of gw__uring_lane_open() means, and what to
 * do. Thread: any. */
const char *gw__uring_refusal(int error);

/* Enables the ring for the calling worker, the first time. Returns false when the kernel refuses.
 */
bool gw__uring_enable(struct gw_uring_lane *lane);

/* Submits the prepared requests, and waits for a completion for up to `left_ns`. Returns 0 or a
 * negative errno. */
int gw__uring_enter(struct gw_uring_lane *lane, uint64_t left_ns);

/* Whether the kernel has more completions, which the next call into it delivers. */
bool gw__uring_has_more(const struct gw_uring_lane *lane);

/* ---- uring_requests.c ---- */

/* Adds a socket to the list of those whose requests have to change. */
void gw__uring_note_change(struct gw_uring_lane *lane, struct gw_uring_socket *record);

/*
 * Prepares requests for as many changed sockets as there are buffers: each receive may take a
 * buffer at once, and the kernel would end one that finds none with ENOBUFS.
 */
void gw__uring_prepare_changes(struct gw_uring_lane *lane);

/* Frees the record of a detached socket, unless the kernel or the list of changes still uses it. */
void gw__uring_release(struct gw_uring_lane *lane, struct gw_uring_socket *record);

/* ---- uring_completions.c ---- */

/* Completes the operations that have finished inside a submit or a cancel. */
void gw__uring_hand_over_finished(struct gw_uring_lane *lane);

/* Takes the kernel's completions and completes their operations. Returns how many it took. */
unsigned gw__uring_take_completions(struct gw_uring_lane *lane);

#endif

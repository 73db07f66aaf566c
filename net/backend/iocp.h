/* net/backend/iocp.h: What the parts of the completion-port backend share. Private to net. */
#ifndef GW_NET_BACKEND_IOCP_H
#define GW_NET_BACKEND_IOCP_H

#include "net/backend/backend.h"

#include <stdatomic.h>
#include <winsock2.h>

#include <mswsock.h>
#include <windows.h>

/*
 * The extended OVERLAPPED of the completion-port model. The kernel owns it from the call that
 * starts the operation until a worker takes its packet from the port; then `completed` is called,
 * once. `completed` is also called for a call that ends at once, which leaves no packet.
 */
struct gw__overlapped {
    OVERLAPPED system;
    void (*completed)(struct gw__overlapped *overlapped, int result);
};

/* Prepares one for the next call. */
void gw__overlapped_begin(struct gw__overlapped *overlapped,
                          void (*completed)(struct gw__overlapped *overlapped, int result));

/* Takes the result of the call that started it: whether the call `succeeded`, and the bytes it
 * moved. While the operation is pending, `overlapped` may be gone when this is called. */
void gw__overlapped_began(struct gw__overlapped *overlapped, BOOL succeeded, DWORD bytes);

/* Functions of Winsock that have no import library; looked up when the lane is opened. */
struct gw__winsock {
    LPFN_ACCEPTEX accept;
    LPFN_CONNECTEX connect;
};
extern struct gw__winsock gw__winsock;

/* The number of the lane's acceptors that exist. Closing the lane waits for their operations. */
atomic_uint *gw__iocp_acceptor_count(struct gw_lane *lane);

/* ---- iocp_timer.c ---- */

/*
 * The timer that wakes a worker at a deadline. Timeouts of GetQueuedCompletionStatusEx() have the
 * resolution of the system's clock, 15.6 ms; a waitable timer has 0.5 ms. A thread cannot wait for
 * the port and the timer together, so a thread of its own waits for the timer.
 */
struct gw__iocp_timer {
    HANDLE handle;
    os_thread thread;
    os_mutex mutex;
    uint64_t due_ns; /* by os_now_ns(), when the timer fires; UINT64_MAX: not set. Locked. */
    bool closing;    /* locked */
    struct gw_lane *lane;
};

/* Starts the thread; each time the timer fires it calls wake() of the lane's backend. Returns 0 or
 * a gw_error. Thread: setup. */
int gw__iocp_timer_open(struct gw__iocp_timer *timer, struct gw_lane *lane);

/* Ends and joins the thread. Thread: setup. */
void gw__iocp_timer_close(struct gw__iocp_timer *timer);

/* Makes the timer fire after `left_ns`, an hour at most, unless it fires before that anyway.
 * Thread: worker. */
void gw__iocp_timer_set(struct gw__iocp_timer *timer, uint64_t left_ns);

/* ---- iocp_acceptor.c ---- */

/*
 * A listener's accepts, started in advance: the kernel fills a socket of the pool whenever a peer
 * connects, whether net has an accept in flight or not. One accept at a time takes the next
 * accepted socket, in a turn of the listener, and refills the pool. A slot whose operation has
 * failed stays empty until the next accept, so that a listener which pauses after a failure gets no
 * further ones.
 */
struct gw__acceptor;

/* Creates an empty one for a listening socket. NULL: no memory. References the socket's turn. */
struct gw__acceptor *gw__acceptor_create(struct gw_socket *socket);

/* Completes `op` with the next accepted socket, now or when there is one. Thread: turn, as for what
 * follows. */
void gw__acceptor_accept(struct gw__acceptor *acceptor, struct gw_op *op);

/* Cancels all operations of the pool. The accept that waits completes when none is pending, so that
 * the listening socket can be closed from its done. */
void gw__acceptor_cancel(struct gw__acceptor *acceptor);

/* Releases it. It frees itself when its last operation has completed; the listening socket may be
 * closed before that. */
void gw__acceptor_release(struct gw__acceptor *acceptor);

#endif

/* net/backend/backend.h: The interface between net and the kernel. Private to net. */
#ifndef GW_NET_BACKEND_BACKEND_H
#define GW_NET_BACKEND_BACKEND_H

#include "net/addr.h"
#include "net/container_of.h"
#include "net/os/os.h"
#include "net/port.h"
#include "net/turn.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 *        port.c        stream.c        listener.c             written once
 *          |  submit                       ^  done
 *   -------|-------------------------------|------------------ this file
 *          v                               |
 *        iocp.c         uring.c         epoll.c               three backends, one contract
 *
 * The contract, the same for every backend:
 *
 *   1. A submit (accept, connect, recv, send) returns nothing. Its result arrives as a call of
 *      done, exactly once.
 *   2. done is never called inside a submit. A backend may perform the operation there (a send, at
 *      once, while the bytes are in the cache), but delivers the result from wait(): it passes each
 *      finished operation to gw__op_done(). On a lane with one worker that calls done at once, as a
 *      turn of the operation's object; on a shared lane it posts a task to that turn.
 *   3. A socket has at most one operation in flight in each direction: `in` (accept or recv) and
 *      `out` (connect or send).
 *   4. A recv has no buffer, and occupies no memory while it waits. When bytes have arrived they
 *      are in memory of the backend, `data` and the result, until done returns. Multishot receives,
 *      provided buffers and the zero-byte WSARecv are internal to a backend: one recv is one done.
 *      Bytes that arrive without a recv are buffered for the next one, and the backend stops their
 *      source before more can arrive. The memory of a send's spans belongs to the backend until its
 *      done.
 *   5. cancel() requests cancellation; each operation still completes exactly once: with
 *      GW_E_CLOSED if it was cancelled in time, and with its real result otherwise.
 *   6. A backend only translates. Retries, order, limits, queues and closing are decided in net.
 *   7. A backend's functions are in its file in the order of struct gw_backend_ops, each named
 *      backend_ and its member's name, so that the files differ only where the kernels do. A check
 *      (tests/lint/outlines.py) enforces it.
 *   8. Time, random numbers and sockets are members of the ops, too, so that a scripted kernel
 *      controls them.
 */

struct gw_lane;
struct gw_turn;

/* The two directions of an operation. */
enum gw_way {
    GW_WAY_IN,  /* accept, recv */
    GW_WAY_OUT, /* connect, send */
};

/* One operation in flight. The next operation of its direction reuses it. */
struct gw_op {
    int result;
    uint8_t way; /* enum gw_way: which of its socket's two operations this is */

    union {
        uint8_t bytes[OS_OP_BYTES]; /* the backend's, while it is in flight */
        struct gw_task task;        /* takes it to its object's turn when it has finished */
        const uint8_t *data;        /* recv: the bytes, while done runs */
    } own;
};

/*
 * A socket, attached to the lane of its object's turn, and its operations in flight. Embedded in
 * the object. Its size counts: a server has one for each connection.
 */
struct gw_socket {
    os_socket handle;
    os_socket accepted; /* accept: the new socket, when the result is 0, while done runs */
    struct gw_turn *turn;
    /*
     * Called with the result of an operation: the bytes moved, 0 for an accept or a connect that
     * has succeeded, or a gw_error. A recv of 0 is the peer's FIN. A send may take less than it was
     * given, or 0 when it took nothing but there is room now: net submits the rest again.
     */
    void (*done)(struct gw_op *op, int result);
    union {
        uint64_t align;
        uint8_t bytes[OS_SOCKET_BYTES]; /* the backend's, zeroed before attach */
    } own;
    struct gw_op in;
    struct gw_op out;
};

/* Initializes a socket with a handle, before it is attached. */
static inline void gw__socket_init(struct gw_socket *socket, os_socket handle, struct gw_turn *turn,
                                   void (*done)(struct gw_op *op, int result))
{
    *socket = (struct gw_socket){
        .handle = handle,
        .accepted = OS_SOCKET_NONE,
        .turn = turn,
        .done = done,
        .in.way = GW_WAY_IN,
        .out.way = GW_WAY_OUT,
    };
}

/* The socket that an operation belongs to. */
static inline struct gw_socket *gw__op_socket(const struct gw_op *op)
{
    uintptr_t mutable_op = (uintptr_t)op;
    return op->way == GW_WAY_IN ? GW_CONTAINER_OF(mutable_op, struct gw_socket, in)
                                : GW_CONTAINER_OF(mutable_op, struct gw_socket, out);
}

/* Contiguous bytes to send. */
struct gw_span {
    const uint8_t *data;
    uint32_t bytes;
};

enum { GW_SEND_SPAN_COUNT_MAX = 64 };

/* Results of wait() that are not errors. */
enum {
    GW_WAIT_NOTHING = 0,   /* the kernel had no completion */
    GW_WAIT_SOMETHING = 1, /* it had some, or may have more */
};

/* The functions of a backend. "Thread: worker" below: a thread that serves the lane. */
struct gw_backend_ops {
    enum gw_backend backend;
    bool lane_shared; /* one lane for all workers; otherwise one lane for each */

    /*
     * Whether this machine can run it with one worker. If not, *why_out is a static text with the
     * reason and the remedy, such as "io_uring refused by this kernel: EPERM (...)". Opens what a
     * lane needs, and closes it again. Thread: any.
     */
    bool (*available)(const char **why_out);

    /*
     * Opens and closes the kernel's queue. Returns 0 or a gw_error. With an error it may set
     * *why_out to such a text: then the port tries the next backend. Thread: setup.
     */
    int (*open)(struct gw_lane *lane, const char **why_out);
    void (*close)(struct gw_lane *lane);

    /*
     * Waits for completions until `deadline_ns` of the port's clock (0: does not wait) or a wake.
     * Calls gw__lane_awake() when the kernel has returned, then gw__op_done() for each completion.
     * After a wait that a signal or SIGSTOP has interrupted it polls the kernel once more before it
     * returns. Returns GW_WAIT_NOTHING or GW_WAIT_SOMETHING, or GW_E_SYSTEM when the queue itself
     * has failed. Thread: worker.
     */
    int (*wait)(struct gw_lane *lane, uint64_t deadline_ns);

    /* Makes the current wait() return, or the next one. Thread: any; also a signal handler. */
    void (*wake)(struct gw_lane *lane);

    /* Attaches a socket to the lane of its turn, before its first operation. Returns 0 or a
     * gw_error. Thread of this and all that follow: a turn of the socket's object. */
    int (*attach)(struct gw_socket *socket);

    /* The submits. `spans` need not outlive the call; the memory that they point to must. */
    void (*accept)(struct gw_socket *socket);
    void (*connect)(struct gw_socket *socket, const struct gw_addr *addr);
    void (*recv)(struct gw_socket *socket);
    void (*send)(struct gw_socket *socket, const struct gw_span *spans, int span_count);

    /*
     * Sends what the kernel takes at once. Not a submit: it has no done, and the memory belongs to
     * the caller again. No connect or send may be in flight. Returns the number of bytes taken, 0
     * when the kernel takes none now, or a gw_error. After 0 or an error a send has the same
     * result.
     */
    int (*send_now)(struct gw_socket *socket, const struct gw_span *spans, int span_count);

    /* Sends FIN behind all sent bytes. Receiving goes on. */
    void (*shutdown)(struct gw_socket *socket);

    /* Requests cancellation of the operations of both directions. Does nothing when there are none.
     */
    void (*cancel)(struct gw_socket *socket);

    /*
     * Whether the system's send buffer contains bytes of a finished send that it has not sent, as
     * far as the system reports it. Bytes that wait for an acknowledgement are sent.
     */
    bool (*has_unsent)(struct gw_socket *socket);

    /*
     * Whether the peer has ended the connection, without reading: 0 if it has not, GW_E_CLOSED when
     * its FIN has arrived, also behind unread bytes, or the error that has ended the connection.
     * Reading and sending are not affected, except that a system may report an error only once.
     */
    int (*peer_end)(struct gw_socket *socket);

    /*
     * Detaches the socket from its lane and closes it. No operation may be in flight. With `reset`
     * the system discards unsent bytes and sends RST; otherwise it goes on sending them.
     */
    void (*detach)(struct gw_socket *socket, bool reset);

    /* Time, random numbers, and sockets that are not attached: as the os_ functions of these names.
     */
    uint64_t (*now_ns)(void);
    uint64_t (*random)(void);
    int (*socket_open)(const struct gw_addr *to, const struct gw_addr *source,
                       os_socket *socket_out);
    int (*socket_listen)(struct gw_addr *addr, uint32_t backlog_count_max, uint32_t wait_ms,
                         os_socket *socket_out);
    struct gw_addr (*socket_peer)(os_socket socket);
    void (*socket_close)(os_socket socket);

    /* As os_addr_lookup(). Thread: any; it may block. */
    int (*addr_lookup)(const char *name, struct gw_addr *addrs_out, uint32_t count_max,
                       uint32_t *count_out);

    /* What runs the jobs of net/offload.h; NULL: threads of the system. */
    const struct gw_offload_threads *offload_threads;
};

/* Functions for backends. Thread: worker. */

/* Records that the kernel has returned to the worker: reads the clock, and marks the worker awake.
 */
void gw__lane_awake(struct gw_lane *lane);

/* Whether turns are ready, so that wait() must not sleep. */
bool gw__lane_is_busy(struct gw_lane *lane);

/* The time from now until `deadline_ns` of the port's clock; an hour at most. */
uint64_t gw__lane_left_ns(const struct gw_lane *lane, uint64_t deadline_ns);

/* Delivers a finished operation. `op` and its socket may be gone when this returns. */
void gw__op_done(struct gw_op *op, int result);

/*
 * Prefetches the object that embeds a socket, before its event is processed: among thousands of
 * sockets the object has left the cache, and each cache miss costs 50 to 130 ns. Does no harm for
 * NULL or for a socket that is gone.
 */
static inline void gw__socket_prefetch(const struct gw_socket *socket)
{
    enum { LINE_BYTES = 64, OBJECT_BYTES = 384 };
    uintptr_t object =
        (uintptr_t)socket - sizeof(struct gw_turn); /* the object begins with its turn */
    for (uintptr_t at = 0; at < OBJECT_BYTES; at += LINE_BYTES) {
        __builtin_prefetch((const void *)(object + at));
    }
}

/* This worker's receive buffer of GW_STREAM_RECV_BYTES_MAX bytes. */
uint8_t *gw__worker_recv_bytes(void);

/* The backends of this system, the preferred one first, then NULL. */
extern const struct gw_backend_ops *const gw__backends[];

#endif

/* net/backend/backend.h: the one door between net and the kernel. Private to net. */
#ifndef GW_NET_BACKEND_BACKEND_H
#define GW_NET_BACKEND_BACKEND_H

#include "net/addr.h"
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
 *        iocp.c         uring.c         epoll.c               three backends, one plan
 *
 * The rules of the house, the same in every backend:
 *
 *   1. A submit returns nothing. Whatever becomes of it comes as done, exactly once.
 *   2. done is never called from inside a submit; a backend may do the work there (a send, at once,
 *      while the bytes are hot) and keep its done for wait(). It hands each finished operation to
 *      gw__op_done(): on a lane of its own that calls done straight away, as a turn of the
 *      operation's object; on a shared lane it leaves a task for that turn.
 *   3. A socket has at most one operation inward (accept or recv) and one outward (connect or
 *      send) in flight: its `in` and its `out`.
 *   4. A recv takes no memory, and holds none while it waits. When bytes are there they lie where
 *      the backend chose, `data` and the result, until done returns. Multishot receives, provided
 *      buffers and the zero-byte WSARecv stay inside the backend: one recv is one done. What comes
 *      unasked is held for the next recv, and its source is stopped before more can come. The
 *      memory of a send's spans is the backend's until its done.
 *   5. cancel() hurries operations home, it does not forget them: done still comes, with
 *      GW_E_CLOSED if the cancelling won and with the true result if it did not.
 *   6. A backend translates. Retries, order, limits, queues and close are decided above the door.
 *   7. A backend's functions stand in its file in the order of struct gw_backend_ops, each named
 *      backend_ and its member's name. So the files differ only where the kernels do, and a check
 *      (tests/lint/outlines.py) holds them side by side.
 *   8. Time, chance and sockets come through the door too, so that a scripted kernel owns them.
 */

struct gw_lane;
struct gw_turn;

/* The two ways that an operation can go. */
enum gw_way {
    GW_WAY_IN,  /* accept, recv */
    GW_WAY_OUT, /* connect, send */
};

/* One operation in flight; reused for the next one of its way when done. */
struct gw_op {
    int result;
    uint8_t way; /* enum gw_way: which of its socket's two this is */

    union {
        uint8_t bytes[OS_OP_BYTES]; /* the backend's own while it is in flight */
        struct gw_task task;        /* carries it to its object's turn when it has finished */
        const uint8_t *data;        /* recv: where the bytes lie, while done runs */
    } own;
};

/*
 * A socket, the turn of the object it belongs to, whose home lane it has joined, and what is in
 * flight. Embedded in the object. Ten thousand idle ones are a good part of a server's memory.
 */
struct gw_socket {
    os_socket handle;
    os_socket accepted; /* accept: the new socket, when the result is 0, while done runs */
    struct gw_turn *turn;
    /*
     * What came of an operation: bytes moved, 0 for an accept or a connect that worked, or a
     * gw_error. A recv of 0 is a peer that has finished. A send may take less than it was given, or
     * 0 when nothing was taken but there is room now: the rest is submitted again.
     */
    void (*done)(struct gw_op *op, int result);
    union {
        uint64_t align;
        uint8_t bytes[OS_SOCKET_BYTES]; /* the backend's own, zeroed before attach */
    } own;
    struct gw_op in;
    struct gw_op out;
};

/* Makes a socket of a handle, before it is attached. */
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

/* The socket that an operation is one of. */
static inline struct gw_socket *gw__op_socket(const struct gw_op *op)
{
    size_t place =
        op->way == GW_WAY_IN ? offsetof(struct gw_socket, in) : offsetof(struct gw_socket, out);
    return (struct gw_socket *)((char *)(uintptr_t)op - place);
}

/* A run of bytes to be sent. */
struct gw_span {
    const uint8_t *data;
    uint32_t bytes;
};

enum { GW_SEND_SPAN_COUNT_MAX = 64 };

/* What wait() returns besides errors. */
enum {
    GW_WAIT_NOTHING = 0,   /* the kernel was asked, and had nothing more */
    GW_WAIT_SOMETHING = 1, /* something was taken, or the kernel may have more */
};

/* What a backend offers. "worker" below: only a thread that serves the lane. */
struct gw_backend_ops {
    enum gw_backend backend;
    bool lane_shared; /* one lane for all workers, or one for each */

    /*
     * Whether this machine can run it with one worker; if not, *why_out is a static text that says
     * why and what to do, such as "io_uring refused by this kernel: EPERM (...)". It opens what a
     * lane needs, and closes it again. Thread: any.
     */
    bool (*available)(const char **why_out);

    /*
     * Opens and closes the kernel's queue. Returns 0 or a gw_error, and then may set *why_out to
     * such a text: another backend may run where this one does not. Thread: setup.
     */
    int (*open)(struct gw_lane *lane, const char **why_out);
    void (*close)(struct gw_lane *lane);

    /*
     * Waits for completions until `deadline_ns` of the port's clock (0: takes what is there), calls
     * gw__lane_awake() when the kernel has returned, gw__op_done() for each, then returns. Also
     * returns after a wake. A wait that a signal or a stop interrupts asks the kernel again before
     * it returns. Returns GW_WAIT_NOTHING or GW_WAIT_SOMETHING, or GW_E_SYSTEM when the queue
     * itself has failed. Thread: worker.
     */
    int (*wait)(struct gw_lane *lane, uint64_t deadline_ns);

    /* Makes one wait() return, now or the next time. Thread: any; also a signal handler. */
    void (*wake)(struct gw_lane *lane);

    /* Joins a socket to its turn's home lane, before its first operation. Returns 0 or a gw_error.
     * Thread of this and all that follows: a turn of the socket's object. */
    int (*attach)(struct gw_socket *socket);

    /* The operations. `spans` need not outlive the call; the memory they show must. */
    void (*accept)(struct gw_socket *socket);
    void (*connect)(struct gw_socket *socket, const struct gw_addr *addr);
    void (*recv)(struct gw_socket *socket);
    void (*send)(struct gw_socket *socket, const struct gw_span *spans, int span_count);

    /*
     * Gives the kernel what it takes at once. Not a submit: no done comes, and the memory is the
     * caller's again. Nothing may be in flight outward. Returns the number of bytes taken, 0 when
     * the kernel takes none now, or a gw_error; after 0 or an error a send finds out the same.
     */
    int (*send_now)(struct gw_socket *socket, const struct gw_span *spans, int span_count);

    /* Sends FIN after what has been sent; receiving goes on. */
    void (*shutdown)(struct gw_socket *socket);

    /* Hurries home what is in flight in both directions. Harmless when nothing is. */
    void (*cancel)(struct gw_socket *socket);

    /*
     * Whether the system still holds bytes of a finished send that it has not sent, as far as the
     * system tells. False for a peer that reads; bytes that wait for an acknowledgement are sent.
     */
    bool (*has_unsent)(struct gw_socket *socket);

    /*
     * Whether the peer has ended, without reading: 0 if it has not, GW_E_CLOSED when its FIN has
     * arrived, also behind bytes that are not read yet, or the error that the connection has ended
     * with. Reading and sending go on as before; but an error may be told only once.
     */
    int (*peer_end)(struct gw_socket *socket);

    /*
     * Takes the socket out of its lane and closes it. Nothing may be in flight. With `reset` the
     * system drops what it holds, and the peer gets RST; without, the system goes on sending.
     */
    void (*detach)(struct gw_socket *socket, bool reset);

    /* Time, chance and sockets that are in no lane: as the os_ functions of the same names. */
    uint64_t (*now_ns)(void);
    uint64_t (*random)(void);
    int (*socket_open)(const struct gw_addr *to, const struct gw_addr *source,
                       os_socket *socket_out);
    int (*socket_listen)(struct gw_addr *addr, uint32_t backlog_count_max, uint32_t wait_ms,
                         os_socket *socket_out);
    struct gw_addr (*socket_peer)(os_socket socket);
    void (*socket_close)(os_socket socket);
};

/* What a backend calls. Thread: worker. */

/* A worker is back from the kernel: takes the time, and is no longer asleep. */
void gw__lane_awake(struct gw_lane *lane);

/* Whether turns wait, so that wait() must not sleep. */
bool gw__lane_is_busy(struct gw_lane *lane);

/* How long a wait until `deadline_ns` lasts from now on by the port's clock; an hour at most. */
uint64_t gw__lane_left_ns(const struct gw_lane *lane, uint64_t deadline_ns);

/* Hands over a finished operation. `op` and its socket may be gone when this returns. */
void gw__op_done(struct gw_op *op, int result);

/*
 * Fetches what a socket is embedded in, before its event has its turn: with thousands of them it is
 * out of the cache, and each line that is waited for costs 50 to 130 ns. NULL, or one that is gone,
 * is none.
 */
static inline void gw__socket_prefetch(const struct gw_socket *socket)
{
    enum { LINE_BYTES = 64, OBJECT_BYTES = 384 };
    uintptr_t object = (uintptr_t)socket - sizeof(struct gw_turn); /* which begins with its turn */
    for (uintptr_t at = 0; at < OBJECT_BYTES; at += LINE_BYTES) {
        __builtin_prefetch((const void *)(object + at));
    }
}

/* Memory of this worker to receive into, GW_STREAM_RECV_BYTES_MAX of it. */
uint8_t *gw__worker_recv_bytes(void);

/* The backends of this system, best first, then NULL. */
extern const struct gw_backend_ops *const gw__backends[];

#endif

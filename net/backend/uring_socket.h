/* net/backend/uring_socket.h: What the io_uring backend stores for a socket. Private to net. */
#ifndef GW_NET_BACKEND_URING_SOCKET_H
#define GW_NET_BACKEND_URING_SOCKET_H

#include "net/backend/backend.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * A request in the kernel carries the address of this record, so the record stays until the kernel
 * has ended its requests, which may be later than the end of the gw_socket. A lane allocates its
 * records in blocks and frees them when it is closed: a request that the kernel never reports,
 * because the ring was closed, leaks nothing.
 */

/* The operation of a direction, and of its request in the kernel. */
enum gw_uring_kind { GW_URING_ACCEPT, GW_URING_RECV, GW_URING_CONNECT, GW_URING_SEND };

/* The request of one direction. */
enum gw_uring_request {
    GW_URING_NONE,
    GW_URING_ARMED,      /* the kernel has it */
    GW_URING_CANCELLING, /* the kernel has it, and a cancel for it */
};

/* One direction of a socket. */
struct gw_uring_half {
    uint8_t kind;          /* enum gw_uring_kind */
    uint8_t request;       /* enum gw_uring_request */
    bool is_awaited : 1;   /* net's operation waits for the kernel; false if it ended in a call */
    bool is_cancelled : 1; /* net has cancelled it, and the request has not ended yet */
};

/*
 * A result that arrived while net had no operation for it. A multishot request goes on until it is
 * cancelled, and the kernel may have filled several buffers by then. These are copies, because the
 * lane's buffers are few and shared.
 */
struct gw_uring_buffered {
    struct gw_uring_buffered *next;
    int result; /* bytes, 0 or a gw_error; of an accept: 0 or a gw_error */
    os_socket accepted;
    uint8_t bytes[];
};

struct gw_uring_socket {
    struct gw_socket *socket;           /* NULL after detach */
    struct gw_uring_buffered *buffered; /* oldest first */
    struct gw_uring_socket *next;
    struct gw_uring_half in;  /* accept or recv */
    struct gw_uring_half out; /* waits for room, or for a connect */
    bool is_listed : 1;       /* in the lane's list of changed sockets */
    bool is_single_shot : 1; /* receives without multishot, until a receive leaves nothing unread */
    bool has_lost : 1;       /* a result could not be buffered: no memory */
};

_Static_assert(sizeof(struct gw_uring_socket) <= 32, "each idle connection has a record");

/* The records of one lane. All zero: empty. */
struct gw_uring_sockets {
    struct gw_uring_block *blocks;
    struct gw_uring_socket *free;
};

/* Takes a zeroed record; NULL: no memory. Thread of this and what follows: the lane's. */
struct gw_uring_socket *gw__uring_socket_take(struct gw_uring_sockets *sockets);

/* Gives back a record that no request in the kernel refers to. */
void gw__uring_socket_give(struct gw_uring_sockets *sockets, struct gw_uring_socket *record);

/* Frees all records. Thread: setup. */
void gw__uring_sockets_free(struct gw_uring_sockets *sockets);

/* Buffers a result behind those that are buffered already: of a recv with its bytes, or a socket.
 */
void gw__uring_buffer_bytes(struct gw_uring_socket *record, int result, const uint8_t *bytes);
void gw__uring_buffer_accepted(struct gw_uring_socket *record, os_socket accepted);

/* Takes the oldest buffered result, or NULL. Owns: gives it; free with gw__uring_buffered_free().
 */
struct gw_uring_buffered *gw__uring_buffered_take(struct gw_uring_socket *record);
void gw__uring_buffered_free(struct gw_uring_buffered *buffered);

/* Frees all buffered results and closes their sockets. */
void gw__uring_buffered_drop(struct gw_uring_socket *record);

#endif

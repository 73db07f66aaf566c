/* net/backend/uring_socket.h: what the io_uring backend knows of a socket. Private to net. */
#ifndef GW_NET_BACKEND_URING_SOCKET_H
#define GW_NET_BACKEND_URING_SOCKET_H

#include "net/backend/backend.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * A request in the kernel carries the address of this record, so it stays until the kernel has let
 * go of it, which may be later than the end of its gw_socket. The records of a lane stand in blocks
 * that are freed with the lane: what the kernel never reports, because the ring is closed, is no
 * leak.
 */

/* What the kernel has of one direction. */
enum gw_uring_request {
    GW_URING_NONE,
    GW_URING_ARMED,   /* a request waits */
    GW_URING_LEAVING, /* and has been told to go */
};

/* One direction. */
struct gw_uring_half {
    uint8_t kind;           /* of the operation and of the request */
    uint8_t request;        /* enum gw_uring_request */
    bool is_awaited : 1;    /* net waits for it; not when it has finished inside a call */
    bool is_called_off : 1; /* net has cancelled it; the request's last word is awaited */
};

/*
 * What came while nobody asked: a multishot request goes on until it is told to stop, and the
 * kernel may have filled several buffers by then. So this is the rest of one call, copied out of
 * the shared buffers.
 */
struct gw_uring_buffered {
    struct gw_uring_buffered *next;
    int result; /* bytes, 0 or a gw_error; of an accept: 0 or a gw_error */
    os_socket accepted;
    uint8_t bytes[];
};

struct gw_uring_socket {
    struct gw_socket *socket;   /* NULL once it was detached */
    struct gw_uring_buffered *held; /* oldest first */
    struct gw_uring_socket *next;
    struct gw_uring_half in;  /* accept or recv */
    struct gw_uring_half out; /* waits for room, or for a connect */
    bool is_listed : 1;       /* in the lane's list of those that changed */
    bool
        is_careful : 1; /* more came than was asked for: one receive at a time, until it is quiet */
    bool has_lost : 1;  /* what came could not be held: no memory */
};

_Static_assert(sizeof(struct gw_uring_socket) <= 32,
               "what the kernel knows a socket by is beside each idle one");

/* The records of one lane. Zeroed is none. */
struct gw_uring_sockets {
    struct gw_uring_block *blocks;
    struct gw_uring_socket *free;
};

/* Takes a zeroed record; NULL: no memory. Thread of this and what follows: the lane's. */
struct gw_uring_socket *gw__uring_socket_take(struct gw_uring_sockets *sockets);

/* Gives back a record that the kernel has let go of. */
void gw__uring_socket_give(struct gw_uring_sockets *sockets, struct gw_uring_socket *record);

/* Frees all records. Thread: setup. */
void gw__uring_sockets_free(struct gw_uring_sockets *sockets);

/* Keeps what came behind what is kept already: a result of a recv with its bytes, or a socket. */
void gw__uring_buffer_bytes(struct gw_uring_socket *record, int result, const uint8_t *bytes);
void gw__uring_buffer_accepted(struct gw_uring_socket *record, os_socket accepted);

/* Takes the oldest, or NULL. Owns: gives it; end it with gw__uring_buffered_free(). */
struct gw_uring_buffered *gw__uring_buffered_take(struct gw_uring_socket *record);
void gw__uring_buffered_free(struct gw_uring_buffered *held);

/* Drops all that is kept, sockets too. */
void gw__uring_buffered_drop(struct gw_uring_socket *record);

#endif

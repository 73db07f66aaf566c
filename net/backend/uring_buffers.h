/* net/backend/uring_buffers.h: memory that io_uring receives into. Private to net. */
#ifndef GW_NET_BACKEND_URING_BUFFERS_H
#define GW_NET_BACKEND_URING_BUFFERS_H

#include <liburing.h>
#include <stdint.h>

/*
 *      kernel    takes one when bytes are there, not before        shows them in a completion
 *        ^                                                                      |
 *        |   ring of the free ones, first in, first out                         v
 *        +---------------- given back when done has returned ------------- this worker
 *
 * All sockets of a lane share these few buffers, so a socket that waits has none. Each takes one
 * largest receive: a burst of small messages comes in one completion, and is answered while it is
 * hot. There are so many that all together stay in the cache: at most 1 MiB.
 */
struct gw_uring_buffers {
    struct io_uring_buf_ring *ring; /* and behind it, on the next page: */
    uint8_t *bytes;                 /* the buffers */
    uint32_t count;
    uint16_t given_back; /* to the ring, and not yet shown to the kernel */
};

enum { GW_URING_BUFFER_GROUP = 0 };

/*
 * Takes the memory and shows it to the kernel. Returns 0, or a negative errno and has none then.
 * Thread: setup.
 */
int gw__uring_buffers_open(struct gw_uring_buffers *buffers, struct io_uring *ring, uint32_t count);

/* Frees the memory, if it has any. The ring must have been closed. Thread: setup. */
void gw__uring_buffers_close(struct gw_uring_buffers *buffers);

/* Where a buffer lies. Thread of this and what follows: the lane's. */
uint8_t *gw__uring_buffers_at(const struct gw_uring_buffers *buffers, uint32_t index);

/* Gives a buffer back; the kernel sees it after the next show. */
void gw__uring_buffers_give_back(struct gw_uring_buffers *buffers, uint32_t index);
void gw__uring_buffers_show(struct gw_uring_buffers *buffers);

#endif

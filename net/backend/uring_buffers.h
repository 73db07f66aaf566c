/* net/backend/uring_buffers.h: The buffers that io_uring receives into. Private to net. */
#ifndef GW_NET_BACKEND_URING_BUFFERS_H
#define GW_NET_BACKEND_URING_BUFFERS_H

#include <liburing.h>
#include <stdint.h>

/*
 *      kernel    takes one when bytes have arrived, not before     names it in a completion
 *        ^                                                                      |
 *        |   ring of the free ones, first in, first out                         v
 *        +---------------- given back when done has returned ------------- the worker
 *
 * All sockets of a lane share these buffers; a socket that waits for bytes occupies none. Each
 * buffer holds one receive of the maximum size: a burst of small messages arrives in one completion
 * and is answered while it is in the cache. At most 64 of them, 1 MiB together, so that all stay in
 * the cache.
 */
struct gw_uring_buffers {
    struct io_uring_buf_ring *ring; /* followed on the next page by: */
    uint8_t *bytes;                 /* the buffers */
    uint32_t count;
    uint16_t given_back; /* to the ring, not yet published to the kernel */
};

enum { GW_URING_BUFFER_GROUP = 0 };

/* Allocates the memory and registers it with the ring. Returns 0, or a negative errno and has
 * allocated nothing then. Thread: setup. */
int gw__uring_buffers_open(struct gw_uring_buffers *buffers, struct io_uring *ring, uint32_t count);

/* Frees the memory, if there is any. The ring must be closed. Thread: setup. */
void gw__uring_buffers_close(struct gw_uring_buffers *buffers);

/* The address of a buffer. Thread of this and what follows: the lane's. */
uint8_t *gw__uring_buffers_at(const struct gw_uring_buffers *buffers, uint32_t index);

/* Gives a buffer back. The kernel can use it after the next gw__uring_buffers_publish(). */
void gw__uring_buffers_give_back(struct gw_uring_buffers *buffers, uint32_t index);
void gw__uring_buffers_publish(struct gw_uring_buffers *buffers);

#endif

/* net/backend/uring_sizes.h: The sizes of the queues of an io_uring lane. Private to net. */
#ifndef GW_NET_BACKEND_URING_SIZES_H
#define GW_NET_BACKEND_URING_SIZES_H

#include <stdint.h>

/*
 * Tests make them small before they open a port, to show that full queues lose nothing. Each is a
 * power of two. buffer_count is at most 64: buffers of GW_STREAM_RECV_BYTES_MAX, 1 MiB together.
 */
struct gw_uring_sizes {
    uint32_t request_count;    /* entries of the submission queue */
    uint32_t completion_count; /* entries of the completion queue; the kernel queues the rest */
    uint32_t buffer_count;     /* receives that may be pending in one call */
};

extern struct gw_uring_sizes gw__uring_sizes;

#endif

/* net/backend/uring_sizes.h: how large the queues of an io_uring lane are. Private to net. */
#ifndef GW_NET_BACKEND_URING_SIZES_H
#define GW_NET_BACKEND_URING_SIZES_H

#include <stdint.h>

/*
 * Tests make them tiny before they open a port, to see that full queues lose nothing. Each is a
 * power of two. buffer_count is at most 64: 1 MiB of GW_STREAM_RECV_BYTES_MAX each.
 */
struct gw_uring_sizes {
    uint32_t request_count;    /* what one call can tell the kernel */
    uint32_t completion_count; /* what the kernel can tell without a detour */
    uint32_t buffer_count;     /* what can be received without a detour */
};

extern struct gw_uring_sizes gw__uring_sizes;

#endif

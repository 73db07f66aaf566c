/* net/backend/uring_buffers.c: memory that io_uring receives into. */
#include "net/backend/uring_buffers.h"

#include "net/stream.h"
#include <stdlib.h>
#include <string.h>

/* The kernel wants the ring on a page of its own. One page has room for 256 entries. */
enum { PAGE_BYTES = 4096 };

static uint8_t *bytes_of(const struct gw_uring_buffers *buffers, uint32_t index)
{
    return (uint8_t *)buffers->ring + PAGE_BYTES + (size_t)index * GW_STREAM_RECV_BYTES_MAX;
}

int gw__uring_buffers_open(struct gw_uring_buffers *buffers, struct io_uring *ring, uint32_t count)
{
    size_t bytes = PAGE_BYTES + (size_t)count * GW_STREAM_RECV_BYTES_MAX;
    buffers->ring = aligned_alloc(PAGE_BYTES, bytes);
    buffers->count = count;
    buffers->given_back = 0;
    if (buffers->ring == NULL) {
        return -ENOMEM;
    }
    memset(buffers->ring, 0, PAGE_BYTES);
    struct io_uring_buf_reg reg = {
        .ring_addr = (uintptr_t)buffers->ring,
        .ring_entries = count,
        .bgid = GW_URING_BUFFER_GROUP,
    };
    int error = io_uring_register_buf_ring(ring, &reg, 0);
    if (error != 0) {
        gw__uring_buffers_close(buffers);
        return error;
    }
    for (uint32_t i = 0; i < count; i++) {
        gw__uring_buffers_give_back(buffers, i);
    }
    gw__uring_buffers_show(buffers);
    return 0;
}

void gw__uring_buffers_close(struct gw_uring_buffers *buffers)
{
    free(buffers->ring);
    buffers->ring = NULL;
}

const uint8_t *gw__uring_buffers_at(const struct gw_uring_buffers *buffers, uint32_t index)
{
    return bytes_of(buffers, index);
}

void gw__uring_buffers_give_back(struct gw_uring_buffers *buffers, uint32_t index)
{
    io_uring_buf_ring_add(buffers->ring, bytes_of(buffers, index), GW_STREAM_RECV_BYTES_MAX,
                          (unsigned short)index, io_uring_buf_ring_mask(buffers->count),
                          buffers->given_back);
    buffers->given_back++;
}

void gw__uring_buffers_show(struct gw_uring_buffers *buffers)
{
    io_uring_buf_ring_advance(buffers->ring, buffers->given_back);
    buffers->given_back = 0;
}

/* net/backend/uring_buffers.c: The buffers that io_uring receives into. */
#include "net/backend/uring_buffers.h"

#include "net/os/os.h"
#include "net/stream.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The kernel requires the ring to start on a page. The smallest page has room for 256 entries. */
static bool take_memory(struct gw_uring_buffers *buffers, uint32_t count)
{
    size_t page_bytes = os_page_bytes();
    size_t bytes = page_bytes + (size_t)count * GW_STREAM_RECV_BYTES_MAX;
    buffers->ring = aligned_alloc(page_bytes, (bytes + page_bytes - 1) / page_bytes * page_bytes);
    if (buffers->ring == NULL) {
        return false;
    }
    memset(buffers->ring, 0, page_bytes);
    buffers->bytes = (uint8_t *)buffers->ring + page_bytes;
    buffers->count = count;
    buffers->given_back = 0;
    return true;
}

int gw__uring_buffers_open(struct gw_uring_buffers *buffers, struct io_uring *ring, uint32_t count)
{
    if (!take_memory(buffers, count)) {
        return -ENOMEM;
    }
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
    gw__uring_buffers_publish(buffers);
    return 0;
}

void gw__uring_buffers_close(struct gw_uring_buffers *buffers)
{
    free(buffers->ring);
    buffers->ring = NULL;
}

uint8_t *gw__uring_buffers_at(const struct gw_uring_buffers *buffers, uint32_t index)
{
    return buffers->bytes + (size_t)index * GW_STREAM_RECV_BYTES_MAX;
}

void gw__uring_buffers_give_back(struct gw_uring_buffers *buffers, uint32_t index)
{
    io_uring_buf_ring_add(buffers->ring, gw__uring_buffers_at(buffers, index),
                          GW_STREAM_RECV_BYTES_MAX, (unsigned short)index,
                          io_uring_buf_ring_mask(buffers->count), buffers->given_back);
    buffers->given_back++;
}

void gw__uring_buffers_publish(struct gw_uring_buffers *buffers)
{
    io_uring_buf_ring_advance(buffers->ring, buffers->given_back);
    buffers->given_back = 0;
}

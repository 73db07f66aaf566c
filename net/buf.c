/* net/buf.c: counted shared buffers. */
#include "net/buf.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct gw_buf {
    atomic_uint ref_count;
    uint32_t bytes;
    uint8_t data[];
};

struct gw_buf *gw_buf_create(uint32_t bytes)
{
    struct gw_buf *buf = malloc(sizeof(*buf) + bytes);
    if (buf != NULL) {
        atomic_init(&buf->ref_count, 1);
        buf->bytes = bytes;
    }
    return buf;
}

struct gw_buf *gw_buf_ref(struct gw_buf *buf)
{
    atomic_fetch_add_explicit(&buf->ref_count, 1, memory_order_relaxed);
    return buf;
}

void gw_buf_unref(struct gw_buf *buf)
{
    if (buf != NULL && atomic_fetch_sub_explicit(&buf->ref_count, 1, memory_order_acq_rel) == 1) {
        free(buf);
    }
}

uint8_t *gw_buf_data(struct gw_buf *buf)
{
    return buf->data;
}

uint32_t gw_buf_bytes(const struct gw_buf *buf)
{
    return buf->bytes;
}

void gw_buf_trim(struct gw_buf *buf, uint32_t bytes)
{
    assert(bytes <= buf->bytes);
    buf->bytes = bytes;
}

/* net/buf.c: Reference-counted buffers for sending. */
#include "net/buf.h"

#include "net/send_queue.h"
#include <stdatomic.h>
#include <stdlib.h>

struct gw_buf {
    atomic_uint ref_count;
    uint32_t bytes;
    uint32_t key_begin; /* where the bytes with `key` begin, unless that is 0 */
    uint16_t key;
    uint8_t data[];
};

struct gw_buf *gw_buf_create(uint32_t bytes)
{
    struct gw_buf *buf = malloc(sizeof(*buf) + bytes);
    if (buf != NULL) {
        atomic_init(&buf->ref_count, 1);
        buf->bytes = bytes;
        buf->key = 0;
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
    buf->bytes = bytes < buf->bytes ? bytes : buf->bytes;
}

void gw_buf_mark(struct gw_buf *buf, uint32_t begin, uint16_t key)
{
    if (key != 0 && begin < buf->bytes) {
        buf->key_begin = begin;
        buf->key = key;
    }
}

uint16_t gw__buf_key(const struct gw_buf *buf, uint32_t *begin_out)
{
    *begin_out = buf->key_begin;
    return buf->key;
}

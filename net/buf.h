/* net/buf.h: Reference-counted buffers for sending. */
#ifndef GW_NET_BUF_H
#define GW_NET_BUF_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A buffer is written by the thread that created it. The bytes that have been sent are read-only
 * for every thread: all of them, or the range that was passed to gw_stream_send_part(). So one
 * buffer can be in the send queues of a thousand streams at once: a broadcast encodes a message
 * once and sends the same buffer to each member.
 */
struct gw_buf;

/*
 * Creates a buffer of `bytes`, not zeroed.
 *
 * Returns   the buffer, or NULL when out of memory.
 * Owns      gives one reference; release it with gw_buf_unref().
 * Thread    any
 */
struct gw_buf *gw_buf_create(uint32_t bytes);

/* Adds a reference. Returns `buf`. Thread: any that holds a reference. */
struct gw_buf *gw_buf_ref(struct gw_buf *buf);

/* Releases a reference; the last one frees the buffer. `buf` may be NULL. Thread: any. */
void gw_buf_unref(struct gw_buf *buf);

/* The bytes, for writing. Only before the first send. Thread: the one that created the buffer. */
uint8_t *gw_buf_data(struct gw_buf *buf);

/* The number of bytes. Thread: any. */
uint32_t gw_buf_bytes(const struct gw_buf *buf);

/*
 * Shortens the buffer to `bytes`. No effect when it is not longer. Only before the first send.
 *
 * Thread    the one that created the buffer
 */
void gw_buf_trim(struct gw_buf *buf, uint32_t bytes);

/*
 * Gives the bytes from `begin` on a coalescing key, 1 or more: of the bytes with one key only the
 * newest matter. A send queue above its soft limit drops older bytes with the same key, see
 * gw_stream_send(). The bytes before `begin` are never dropped. Only before the marked bytes are
 * sent. No effect when `key` is 0 or the buffer ends before `begin`.
 *
 * Thread    the one that created the buffer
 */
void gw_buf_mark(struct gw_buf *buf, uint32_t begin, uint16_t key);

#ifdef __cplusplus
}
#endif

#endif

/* net/buf.h: bytes on their way out, written once and then shared. */
#ifndef GW_NET_BUF_H
#define GW_NET_BUF_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A buffer is written by the thread that made it. What was sent of it is read-only for everyone:
 * all of it, or the part that gw_stream_send_part() was given. So one buffer can wait in a thousand
 * send queues at once: to tell a whole room, encode once and send it to each.
 */
struct gw_buf;

/*
 * Makes a buffer of `bytes`, not zeroed, with one reference.
 *
 * Returns   the buffer, or NULL when there is no memory for it.
 * Owns      gives one reference; let it go with gw_buf_unref().
 * Thread    any.
 */
struct gw_buf *gw_buf_create(uint32_t bytes);

/* Takes one more reference. Returns `buf`. Thread: any that holds one. */
struct gw_buf *gw_buf_ref(struct gw_buf *buf);

/* Lets one reference go; the last one frees the buffer. NULL is allowed. Thread: any. */
void gw_buf_unref(struct gw_buf *buf);

/* The bytes, for writing. Only before the first send. */
uint8_t *gw_buf_data(struct gw_buf *buf);

/* How many there are. */
uint32_t gw_buf_bytes(const struct gw_buf *buf);

/*
 * Makes it shorter: `bytes` are left. Does nothing when it is not longer than that. Only before the
 * first send.
 */
void gw_buf_trim(struct gw_buf *buf, uint32_t bytes);

/*
 * Says that the bytes from `begin` on are of a kind, 1 or more, of which only the newest matters: a
 * queue that is long drops them when newer ones of the same kind come; see gw_stream_send(). The
 * bytes before them are never dropped. Only before these bytes are sent. Does nothing when `kind`
 * is 0 or the buffer ends before `begin`.
 */
void gw_buf_mark(struct gw_buf *buf, uint32_t begin, uint16_t kind);

#ifdef __cplusplus
}
#endif

#endif

/* net/send_queue.h: what waits to be sent on one stream. Private to net. */
#ifndef GW_NET_SEND_QUEUE_H
#define GW_NET_SEND_QUEUE_H

#include "net/backend/backend.h"
#include "net/port.h"
#include <stdbool.h>
#include <stdint.h>

struct gw_buf;
struct gw_stream;

/*
 *   last's link                                     last
 *        v                                           v
 *   +---------+     +-----------+     +--------------------+
 *   | shared  | --> |   chunk   | --> |  chunk     | free  |  <- small messages are written here
 *   |   buf   |     +-----------+     +--------------------+
 *   +---------+
 *
 * A queue of runs of bytes: a reference to a counted buffer that other queues share, or bytes of
 * the stream's own in a pooled chunk. It belongs to the lane of its stream. From elsewhere an entry
 * comes as a task for the stream's turn.
 *
 * The last bytes of a shared buffer may be of a kind of which only the newest matters: see
 * gw_buf_mark().
 */
struct gw_send_entry {
    struct gw_task task;      /* on the way from elsewhere; its link is the queue's afterwards */
    struct gw_stream *stream; /* where it is on its way to */
    struct gw_buf *buf;       /* shared bytes, or NULL: they lie in `data` */
    uint32_t capacity_bytes;  /* of `data` */
    uint32_t begin;           /* what is still to be sent: [begin, end) */
    uint32_t end;
    uint32_t key_begin; /* from here on the bytes are of `kind`, unless that is 0 */
    uint16_t kind;
    bool last;       /* nothing is taken behind it */
    bool after_loss; /* older ones of its kind were dropped */
    uint8_t data[];
};

/* The coalescing key of a buffer's last bytes, and where they begin; 0: none (buf.c). Thread: any.
 */
uint16_t gw__buf_key(const struct gw_buf *buf, uint32_t *begin_out);

/* A circle, by its last entry, whose link leads to the first; NULL: empty. So the ten thousand
 * streams that are idle have one pointer each for it. */
struct gw_send_queue {
    struct gw_send_entry *last;
};

/*
 * Makes an entry: bytes [begin, end) of `buf`, with a reference to it, or with room for `bytes` of
 * its own. On the stream's own lane that is a whole chunk, with room for those that come after it.
 *
 * Returns the entry, or NULL when there is no memory. Thread: any.
 */
struct gw_send_entry *gw__send_entry_share(struct gw_buf *buf, uint32_t begin, uint32_t end);
struct gw_send_entry *gw__send_entry_chunk(uint32_t bytes);
struct gw_send_entry *gw__send_entry_exact(uint32_t bytes);

/* Ends an entry. Thread: any. */
void gw__send_entry_destroy(struct gw_send_entry *entry);

/* What an entry counts against the limit of a queue. */
uint32_t gw__send_entry_cost(const struct gw_send_entry *entry);

/* Where the next `bytes` can be written in the last chunk, or NULL. */
static inline uint8_t *gw__send_queue_room(struct gw_send_queue *queue, uint32_t bytes)
{
    struct gw_send_entry *last = queue->last;
    bool fits = last != NULL && last->buf == NULL && last->capacity_bytes - last->end >= bytes;
    return fits ? last->data + last->end : NULL;
}

/* Puts an entry last. A small one of its own bytes is copied into the chunk before it, and ended.
 */
void gw__send_queue_append(struct gw_send_queue *queue, struct gw_send_entry *entry);

/* What was let go of. */
struct gw_send_gone {
    uint32_t cost;                          /* what it had counted against the limit of the queue */
    uint32_t count;                         /* of `kinds`, or of what was dropped */
    uint16_t kinds[GW_SEND_SPAN_COUNT_MAX]; /* of those sent whole that came after a loss */
};

/*
 * Drops what is older than `entry`, of its kind, and whole: not what was begun, nor of the first
 * `shown_count` entries, which the kernel has. `entry`, which is not in the queue yet, comes after
 * a loss then.
 */
void gw__send_queue_coalesce(struct gw_send_queue *queue, uint32_t shown_count,
                             struct gw_send_entry *entry, struct gw_send_gone *gone_out);

/* Shows what is to be sent next. Returns the number of spans, at most GW_SEND_SPAN_COUNT_MAX. */
int gw__send_queue_gather(const struct gw_send_queue *queue,
                          struct gw_span spans[GW_SEND_SPAN_COUNT_MAX]);

/* Lets go of the first `bytes`, which have been sent. */
void gw__send_queue_consume(struct gw_send_queue *queue, uint32_t bytes,
                            struct gw_send_gone *gone_out);

/* Lets go of everything. Returns what it had cost. */
uint32_t gw__send_queue_drop(struct gw_send_queue *queue);

static inline bool gw__send_queue_is_empty(const struct gw_send_queue *queue)
{
    return queue->last == NULL;
}

#endif

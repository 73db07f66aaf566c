/* net/send_queue.h: Queues of buffers and bytes to send on a stream. Private to net. */
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
 * An entry is a range of a reference-counted buffer that other queues share, or bytes of the
 * stream's own in a pooled chunk. The queue belongs to the lane of its stream. Other threads post
 * an entry as a task to the stream's turn.
 *
 * The last bytes of a shared buffer may have a coalescing key, see gw_buf_mark().
 */
struct gw_send_entry {
    struct gw_task task;      /* posts the entry; afterwards its link is the queue's */
    struct gw_stream *stream; /* the stream that a posted entry is for */
    struct gw_buf *buf;       /* shared bytes, or NULL: they are in `data` */
    uint32_t capacity_bytes;  /* of `data` */
    uint32_t begin;           /* bytes left to send: [begin, end) */
    uint32_t end;
    uint32_t key_begin; /* where the bytes with `key` begin, unless that is 0 */
    uint16_t key;
    bool last;       /* nothing is queued behind it */
    bool after_loss; /* older bytes with its key were dropped */
    uint8_t data[];
};

/* The coalescing key of a buffer, 0: none, and where its bytes begin (buf.c). Thread: any. */
uint16_t gw__buf_key(const struct gw_buf *buf, uint32_t *begin_out);

/* A circular list: `last` links to the first entry. NULL: empty; so an idle stream has no more. */
struct gw_send_queue {
    struct gw_send_entry *last;
};

/*
 * Create an entry: the bytes [begin, end) of `buf`, with a reference to it; a chunk with room for
 * `bytes` and for later messages, for the stream's own lane; or one with room for exactly `bytes`.
 *
 * Returns   the entry, or NULL when out of memory.
 * Thread    any
 */
struct gw_send_entry *gw__send_entry_share(struct gw_buf *buf, uint32_t begin, uint32_t end);
struct gw_send_entry *gw__send_entry_chunk(uint32_t bytes);
struct gw_send_entry *gw__send_entry_exact(uint32_t bytes);

/* Frees an entry. Thread: any. */
void gw__send_entry_destroy(struct gw_send_entry *entry);

/* What an entry counts against the limit of a queue. */
uint32_t gw__send_entry_cost(const struct gw_send_entry *entry);

/* Room for `bytes` in the last chunk, or NULL. */
static inline uint8_t *gw__send_queue_room(struct gw_send_queue *queue, uint32_t bytes)
{
    struct gw_send_entry *last = queue->last;
    bool fits = last != NULL && last->buf == NULL && last->capacity_bytes - last->end >= bytes;
    return fits ? last->data + last->end : NULL;
}

/* Appends an entry. A small one with its own bytes is copied into the last chunk and freed. */
void gw__send_queue_append(struct gw_send_queue *queue, struct gw_send_entry *entry);

/* What was removed from a queue. */
struct gw_send_gone {
    uint32_t cost;                         /* what it had counted against the limit of the queue */
    uint32_t count;                        /* of `keys`, or of entries dropped */
    uint16_t keys[GW_SEND_SPAN_COUNT_MAX]; /* of entries sent completely that came after a loss */
};

/*
 * Drops the bytes older than `entry` with its key, except those partly sent and those of the first
 * `shown_count` entries, which the kernel has. If it drops any, marks `entry`, which is not in the
 * queue yet, as after a loss.
 */
void gw__send_queue_coalesce(struct gw_send_queue *queue, uint32_t shown_count,
                             struct gw_send_entry *entry, struct gw_send_gone *gone_out);

/* Lists the bytes to send next. Returns the number of spans, at most GW_SEND_SPAN_COUNT_MAX. */
int gw__send_queue_gather(const struct gw_send_queue *queue,
                          struct gw_span spans[GW_SEND_SPAN_COUNT_MAX]);

/* Removes the first `bytes`, which have been sent. */
void gw__send_queue_consume(struct gw_send_queue *queue, uint32_t bytes,
                            struct gw_send_gone *gone_out);

/* Removes everything. Returns what it had cost. */
uint32_t gw__send_queue_drop(struct gw_send_queue *queue);

static inline bool gw__send_queue_is_empty(const struct gw_send_queue *queue)
{
    return queue->last == NULL;
}

#endif

/* net/send_queue.c: Queues of buffers and bytes to send on a stream. */
#include "net/send_queue.h"

#include "net/buf.h"
#include "net/pool.h"
#include "net/stream.h"
#include <assert.h>
#include <stddef.h>
#include <string.h>

enum {
    CHUNK_BYTES = GW_POOL_BLOCK_BYTES_MAX - sizeof(struct gw_send_entry),
    COPIED_BYTES_MAX = 512, /* for more than this another span is cheaper than the copy */
};

static struct gw_send_entry *create(uint32_t capacity_bytes)
{
    struct gw_send_entry *entry = gw__pool_take((uint32_t)sizeof(*entry) + capacity_bytes);
    if (entry != NULL) {
        *entry = (struct gw_send_entry){.capacity_bytes = capacity_bytes};
    }
    return entry;
}

struct gw_send_entry *gw__send_entry_share(struct gw_buf *buf, uint32_t begin, uint32_t end)
{
    struct gw_send_entry *entry = create(0);
    if (entry != NULL) {
        entry->buf = gw_buf_ref(buf);
        entry->begin = begin;
        entry->end = end;
        uint32_t key_begin;
        uint16_t key = gw__buf_key(buf, &key_begin);
        if (key != 0 && key_begin < end) {
            entry->key = key;
            entry->key_begin = key_begin > begin ? key_begin : begin;
        }
    }
    return entry;
}

struct gw_send_entry *gw__send_entry_chunk(uint32_t bytes)
{
    return create(bytes < CHUNK_BYTES ? (uint32_t)CHUNK_BYTES : bytes);
}

struct gw_send_entry *gw__send_entry_exact(uint32_t bytes)
{
    return create(bytes);
}

void gw__send_entry_destroy(struct gw_send_entry *entry)
{
    gw_buf_unref(entry->buf);
    gw__pool_give(entry, (uint32_t)sizeof(*entry) + entry->capacity_bytes);
}

uint32_t gw__send_entry_cost(const struct gw_send_entry *entry)
{
    uint32_t bytes = entry->end - entry->begin;
    return entry->buf == NULL ? bytes : bytes + GW_STREAM_BUF_OVERHEAD_BYTES;
}

static struct gw_send_entry *next_of(const struct gw_send_entry *entry)
{
    return (struct gw_send_entry *)(void *)entry->task.next;
}

static void link_last(struct gw_send_queue *queue, struct gw_send_entry *entry)
{
    struct gw_send_entry *before = queue->last == NULL ? entry : queue->last;
    entry->task.next = before == entry ? &entry->task : before->task.next;
    before->task.next = &entry->task;
    queue->last = entry;
}

void gw__send_queue_append(struct gw_send_queue *queue, struct gw_send_entry *entry)
{
    uint32_t bytes = entry->end - entry->begin;
    uint8_t *room =
        entry->buf == NULL && bytes <= COPIED_BYTES_MAX ? gw__send_queue_room(queue, bytes) : NULL;
    if (room == NULL) {
        link_last(queue, entry);
        return;
    }
    memcpy(room, entry->data + entry->begin, bytes);
    queue->last->end += bytes;
    gw__send_entry_destroy(entry);
}

/* Removes and frees the entry behind `before`; the one before the first is the last. */
static void remove_entry(struct gw_send_queue *queue, struct gw_send_entry *before,
                         struct gw_send_entry *entry)
{
    before->task.next = entry->task.next;
    if (queue->last == entry) {
        queue->last = before == entry ? NULL : before;
    }
    gw__send_entry_destroy(entry);
}

/* Drops the bytes with the key. Returns whether bytes before them are still to be sent. */
static bool cut(struct gw_send_entry *entry, struct gw_send_gone *gone)
{
    uint32_t cost = gw__send_entry_cost(entry);
    entry->end = entry->key_begin;
    entry->key = 0;
    entry->after_loss = false;
    bool has_head = entry->begin < entry->end;
    gone->cost += cost - (has_head ? gw__send_entry_cost(entry) : 0);
    gone->count++;
    return has_head;
}

static bool is_droppable(const struct gw_send_entry *entry, uint16_t key)
{
    return entry->key == key && entry->begin <= entry->key_begin;
}

void gw__send_queue_coalesce(struct gw_send_queue *queue, uint32_t shown_count,
                             struct gw_send_entry *entry, struct gw_send_gone *gone_out)
{
    const struct gw_send_entry *last = queue->last;
    struct gw_send_entry *before = queue->last;
    gone_out->cost = 0;
    gone_out->count = 0;
    bool more = last != NULL;
    for (uint32_t index = 0; more; index++) {
        struct gw_send_entry *old = next_of(before);
        more = old != last;
        if (index >= shown_count && is_droppable(old, entry->key) && !cut(old, gone_out)) {
            remove_entry(queue, before, old);
        } else {
            before = old;
        }
    }
    entry->after_loss = gone_out->count > 0;
}

int gw__send_queue_gather(const struct gw_send_queue *queue,
                          struct gw_span spans[GW_SEND_SPAN_COUNT_MAX])
{
    int count = 0;
    const struct gw_send_entry *entry = queue->last;
    bool more = entry != NULL;
    while (more && count < GW_SEND_SPAN_COUNT_MAX) {
        entry = next_of(entry);
        more = entry != queue->last;
        const uint8_t *data = entry->buf == NULL ? entry->data : gw_buf_data(entry->buf);
        spans[count].data = data + entry->begin;
        spans[count].bytes = entry->end - entry->begin;
        count++;
    }
    return count;
}

static uint32_t end_first(struct gw_send_queue *queue)
{
    struct gw_send_entry *entry = next_of(queue->last);
    uint32_t cost = gw__send_entry_cost(entry);
    remove_entry(queue, queue->last, entry);
    return cost;
}

void gw__send_queue_consume(struct gw_send_queue *queue, uint32_t bytes,
                            struct gw_send_gone *gone_out)
{
    gone_out->cost = 0;
    gone_out->count = 0;
    while (bytes > 0) {
        assert(queue->last != NULL);
        struct gw_send_entry *entry = next_of(queue->last);
        uint32_t left = entry->end - entry->begin;
        if (bytes < left) {
            entry->begin += bytes;
            gone_out->cost += bytes;
            return;
        }
        bytes -= left;
        if (entry->after_loss) {
            gone_out->keys[gone_out->count++] = entry->key;
        }
        gone_out->cost += end_first(queue);
    }
}

uint32_t gw__send_queue_drop(struct gw_send_queue *queue)
{
    uint32_t cost = 0;
    while (queue->last != NULL) {
        cost += end_first(queue);
    }
    return cost;
}

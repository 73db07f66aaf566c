/* net/stream_filter.h: The state of a chain of byte filters. Private to net. */
#ifndef GW_NET_STREAM_FILTER_H
#define GW_NET_STREAM_FILTER_H

#include "net/filter/filter.h"
#include "net/stream_internal.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 *   kernel -> pull() -> scratch of the worker -> ring -> on_recv
 *   kernel <- rest   <- encode()              <- batch of the send queue
 *
 * A batch is the front of the send queue. Its entries remain there until the kernel has taken all
 * of the output made from it. What the kernel does not take at once is listed in `rest`: its bytes
 * are in buffers of the filters or in entries of the batch.
 */

/* Output that the kernel has not taken completely: spans[first] to spans[count - 1]. */
struct gw_filter_rest {
    uint32_t first;
    uint32_t count;
    uint32_t capacity_count;
    struct gw_span spans[];
};

struct gw_filter_link {
    struct gw_filter *filter;
    struct gw_filter_source *source;
};

struct gw_stream_filters {
    _Atomic(struct gw_addr *) peer; /* from a filter; otherwise NULL */
    const char *problem;            /* of the filter that failed first */
    struct gw_filter_rest *rest;
    uint32_t batch_bytes; /* in the front of the send queue */
    int error;            /* of the filter that failed first */
    uint8_t count;
    uint8_t sender_count;     /* the first so many may still send: fewer after a failure */
    uint8_t unfinished_count; /* the first so many have not been finished */
    uint8_t senders;          /* a bit for each filter whose output has not left */
    bool is_failed : 1;
    bool is_broken : 1; /* the rest of an output is lost: nothing can follow it */
    bool has_fin : 1;
    bool has_ended : 1; /* FIN, or a filter says that nothing follows */
    struct gw_filter_link links[];
};

static inline bool gw__filter_is_passed(const struct gw_filter *filter)
{
    return filter->is_done || filter->is_open;
}

/* The first filter that is not open; the number of filters when all are. */
static inline int gw__filters_first_closed(const struct gw_stream_filters *filters)
{
    int index = 0;
    while (index < filters->count && gw__filter_is_passed(filters->links[index].filter)) {
        index++;
    }
    return index;
}

/* ---- stream_filter.c ---- */

/*
 * The filter with this index has failed; a negative one: an output is lost. It may be the turn of
 * another object, so the stream's own turn does the rest.
 */
void gw__filters_fail(struct gw_stream *stream, int index, int error);

/* Destroys filters that are done; with none left, operations and flushes are those of a plain
 * stream. */
void gw__filters_remove_done(struct gw_stream *stream);

/* ---- stream_filter_send.c ---- */

/* The sender of the next output: the innermost filter that may and wants to send, `count` for the
 * queue; -1: none. */
int gw__filters_find_sender(const struct gw_stream *stream);

/* The task of a flush. */
void gw__filters_run_flush(struct gw_task *task);

/* Handles the result of a send. */
void gw__filters_send_done(struct gw_stream *stream, int result);

#endif

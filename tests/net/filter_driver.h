/* tests/net/filter_driver.h: Test driver of a byte filter, in place of a stream. */
#ifndef GW_TESTS_NET_FILTER_DRIVER_H
#define GW_TESTS_NET_FILTER_DRIVER_H

#include "net/filter/filter.h"
#include "net/filter/source.h"
#include <stdbool.h>
#include <stdint.h>

/* Bytes that were collected. */
struct collected {
    uint8_t *data;
    uint32_t bytes;
    uint32_t capacity;
};

void collected_append(struct collected *collected, const void *data, uint32_t bytes);
void collected_remove(struct collected *collected, uint32_t bytes); /* from the front */
void collected_clear(struct collected *collected);

/*
 * Calls a filter as the duties of a stream in net/filter/filter.h say, and checks those of the
 * filter. Input is in blocks of its exact size, so that a sanitizer reports a read beyond it.
 */
struct filter_driver {
    struct gw_filter *filter;
    int error;                 /* the first one of the filter */
    struct collected received; /* what recv() has written */
    struct collected sent;     /* what send() has listed */
    /* Takes the bytes of an output only before the next call of send(), as late as the kernel may.
     */
    bool is_late;
    struct gw_span spans[GW_FILTER_SPAN_COUNT_MAX]; /* the output that it has not taken */
    int span_count;
    uint8_t *input; /* of the last send(), which lives as long as its output */
};

/* Returns the error of the source. */
int filter_driver_init(struct filter_driver *driver, struct gw_filter_source *source);
void filter_driver_fini(struct filter_driver *driver);

/* Passes received bytes in pieces of at most `piece_bytes`, each followed by the sends that the
 * filter wants. Returns the error of the filter. */
int filter_driver_recv(struct filter_driver *driver, const void *data, uint32_t bytes,
                       uint32_t piece_bytes);

/* Passes bytes to send, in `span_count` spans. Returns the error of the filter. */
int filter_driver_send(struct filter_driver *driver, const void *data, uint32_t bytes,
                       int span_count);

/* Sends what the filter wants to send. Returns the error of the filter. */
int filter_driver_flush(struct filter_driver *driver);

/* Finishes the filter, and sends what it then wants to send. */
void filter_driver_finish(struct filter_driver *driver, int reason);

/* The output that is in flight has left. */
void filter_driver_sent(struct filter_driver *driver);

#endif

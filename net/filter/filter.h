/* net/filter/filter.h: The interface between a stream and its byte filters. Private to net. */
#ifndef GW_NET_FILTER_FILTER_H
#define GW_NET_FILTER_FILTER_H

#include "net/addr.h"
#include "net/backend/backend.h"
#include "net/stream.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 *   kernel -> recv -> [proxy] -> [tls] -> [websocket] -> ring -> on_recv
 *   kernel <- send <-            [tls] <- [websocket] <- send queue
 *
 * A filter translates between the bytes of a connection and the bytes of a program. A stream has a
 * chain of at most GW_STREAM_FILTER_COUNT_MAX, the outermost (next to the socket) first. Its
 * listener or its dialer chooses the chain; plain TCP has none, and its path has no code for
 * filters.
 *
 * A filter has no I/O, no clock and no thread. The stream calls it in its turns, one call at a
 * time, and reads the fields of struct gw_filter after each call.
 *
 * Duties of the stream
 *
 *   1. It passes all received bytes through recv() of each filter, the outermost first, in pieces
 *      of at most GW_STREAM_RECV_BYTES_MAX. It calls recv() again, with no input, until the filter
 *      returns 0, before it passes more input or receives from the kernel; after a call of on_recv
 *      that returned GW_RECV_AGAIN, or during a pause, it does this later. So a filter holds the
 *      rest of one piece at most, and the ring one frame and one piece.
 *   2. It calls send() only when the output of the last send() has left completely. It passes at
 *      most GW_FILTER_SEND_BYTES_MAX bytes of the send queue, and none until each filter of the
 *      chain is_open. It calls send() soon after a filter has set wants_send.
 *   3. Bytes that were passed to send() remain in the send queue, count against its limits, and are
 *      not coalesced away, until the output made from them has left: so a stream with filters
 *      loses, counts and reports the same as one without.
 *   4. To finish a stream it calls finish() of each filter, the innermost first, when the queue is
 *      empty; then it sends what they want to send, and FIN. In the flush it still passes received
 *      bytes to the filters, which may have to complete a handshake, and discards the result.
 *   5. After an error of a filter it drops the send queue, calls send() without input while that
 *      filter or an outer one wants_send (an HTTP answer, an alert), and finishes the outer ones
 * and the stream with that error as the reason. It calls recv() no more.
 *   6. It calls destroy() once, also without finish(), when no output is in flight.
 *
 * Duties of a filter
 *
 *   1. recv() takes all input, or sets is_done. What does not fit into `out` it keeps, at most what
 *      one piece of input makes, and returns it when it is called with no input.
 *   2. Its own output (a handshake, a pong, an alert) has a fixed limit, whatever the peer sends.
 *      It answers only the latest of several requests, or fails.
 *   3. It allocates nothing in proportion to a number that the peer has sent and not filled.
 *   4. An idle filter keeps no buffers.
 *   5. After it has failed, every recv() fails with the same error. `problem` says why, as a static
 *      text for the log.
 */

enum {
    GW_FILTER_SEND_BYTES_MAX =
        16 * 1024 - 256, /* with WebSocket headers it fits into a TLS record */
    GW_FILTER_SPAN_COUNT_MAX = GW_SEND_SPAN_COUNT_MAX, /* of one output */
};

struct gw_filter;

struct gw_filter_ops {
    const char *name; /* "websocket", for the log */

    /*
     * Takes received bytes from the front of `*in`, and moves its front; writes what they mean to
     * `out`, which has room for GW_STREAM_RECV_BYTES_MAX. With `in->bytes` 0 it returns what it has
     * kept.
     *
     * Returns   the number of bytes written; or a gw_error, and then *in is undefined.
     */
    int (*recv)(struct gw_filter *filter, struct gw_span *in, uint8_t *out);

    /*
     * The peer has sent FIN. Returns 0 when its protocol had ended before, and otherwise an error:
     * GW_E_RESET when bytes may be missing.
     */
    int (*recv_end)(struct gw_filter *filter);

    /*
     * Encodes the bytes of `in`, all of them, behind the filter's own output, and lists the result
     * in `out`. Clears wants_send. The spans of `out` may be spans of `in`, and are valid until the
     * next send() or destroy(). The memory of `in` is valid as long.
     *
     * Returns   the number of spans in `out`, at most `in_count` + 1; or a gw_error. The stream
     *           leaves room for one more span for each filter.
     */
    int (*send)(struct gw_filter *filter, const struct gw_span *in, int in_count,
                struct gw_span out[GW_FILTER_SPAN_COUNT_MAX]);

    /* The output of send() has left: buffers may be freed. May be NULL. */
    void (*sent)(struct gw_filter *filter);

    /*
     * The stream finishes, with this reason: a close reason of the program (positive) or a
     * gw_error. The filter makes the end of its protocol its last output, if it has one, and sets
     * wants_send. It may come before is_open: then the filter refuses the handshake or completes
     * it, see duty 4 of the stream.
     */
    void (*finish)(struct gw_filter *filter, int reason);

    void (*destroy)(struct gw_filter *filter);
};

/* What every filter begins with. The filter writes the fields, the stream reads them. */
struct gw_filter {
    const struct gw_filter_ops *ops;
    const char *problem;        /* why it has failed; NULL before */
    const struct gw_addr *peer; /* the address that the peer has for the program; NULL: unchanged */
    bool awaits_peer;           /* it may set `peer` */
    bool is_open;               /* the handshake is done: send() may have input */
    bool is_done;    /* recv() has returned 0, and what it left and all further bytes pass
                        unchanged: the stream destroys the filter */
    bool wants_send; /* it has output of its own */
    bool recv_ended; /* its protocol says that nothing follows, as a FIN does */
};

/*
 * Creates the filters of one kind and configuration: a TLS context, the path and origins of a
 * WebSocket. Shared by listeners and streams, and reference-counted, so that a listener may close
 * before its streams, and a reload may replace a source while streams use the old one.
 */
struct gw_filter_source {
    atomic_uint refs;

    /*
     * Creates a filter for a stream whose socket is connected to `peer`, or sets *filter_out to
     * NULL when this stream needs none.
     *
     * Returns   0 or GW_E_MEMORY
     * Thread    any
     */
    int (*create)(struct gw_filter_source *source, const struct gw_addr *peer,
                  struct gw_filter **filter_out);

    /* Frees the source after the last reference. Thread: any. */
    void (*destroy)(struct gw_filter_source *source);
};

#endif

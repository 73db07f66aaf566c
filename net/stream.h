/* net/stream.h: TCP connections: received bytes in a ring, buffers to send. */
#ifndef GW_NET_STREAM_H
#define GW_NET_STREAM_H

#include "net/addr.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gw_buf;
struct gw_filter_source;
struct gw_port;
struct gw_ring;
struct gw_turn;

/*
 * The callbacks of a stream come in one of two orders, each in a turn of the stream:
 *
 *      on_open   on_recv*   on_close            the connection was established
 *      on_close                                 it was not
 *
 * After on_close no callback follows, the socket is closed, and the stream releases its own
 * reference. Until then the stream holds itself: a reference is needed only to send or close from
 * elsewhere.
 *
 * A stream ends in order, or at once:
 *
 *      finish   flush (GW_STREAM_FLUSH_MS at most), send FIN, read and discard until the peer's FIN
 *               (GW_STREAM_LINGER_MS and GW_STREAM_LINGER_BYTES at most), then close
 *      close    cancel the operations in flight, wait until they complete, close the socket,
 *               on_close
 *
 * Closing the socket resets the connection when the kernel has bytes that it has not sent, so a
 * peer that does not read leaves nothing behind. On Linux the kernel buffers at most 320 KiB for
 * one stream, and drops a connection whose peer acknowledges nothing, or keeps its window closed,
 * for 20 s (SO_SNDBUF and TCP_USER_TIMEOUT).
 *
 * After a call of either, sends are refused and on_recv is not called again. A FIN of the peer
 * finishes the stream with GW_E_CLOSED, unless there is an on_recv_end. After a failed send the
 * bytes that have arrived are still delivered before on_close, for GW_STREAM_LINGER_MS at most.
 */
struct gw_stream;

enum {
    GW_STREAM_RECV_BYTES_MAX = 16 * 1024, /* the most that one receive returns */
    GW_STREAM_FLUSH_MS = 1000,
    GW_STREAM_LINGER_MS = 1000,
    GW_STREAM_LINGER_BYTES = 256 * 1024,
    GW_STREAM_SOFT_PART = 4,    /* soft limit of a send queue: send_queue_bytes_max / this */
    GW_STREAM_BURST_FACTOR = 4, /* see gw_stream_send() */
    GW_STREAM_FILTER_COUNT_MAX = 3,
};

/* What on_recv returns about the bytes that it leaves in the ring. */
enum gw_recv {
    GW_RECV_MORE,  /* no complete message is left: receive */
    GW_RECV_AGAIN, /* complete messages are left: call again in a later turn before receiving */
};

/*
 * Callbacks, in turns of the stream. Any may be NULL; a stream without on_recv discards the bytes
 * that it receives.
 */
struct gw_stream_events {
    /*
     * The connection is established. Bytes queued before are sent after this turn. It must not
     * block.
     */
    void (*on_open)(struct gw_stream *stream, void *context);

    /*
     * Bytes have arrived in `ring`, behind those that the last call left there. The callback must
     * consume every complete message, or return GW_RECV_AGAIN, pause or close. It must pause or
     * close when the bytes can never become a message. It must not block.
     */
    enum gw_recv (*on_recv)(struct gw_stream *stream, struct gw_ring *ring, void *context);

    /*
     * The peer has sent FIN: no more bytes will arrive. Called once, also while reading is paused.
     * The stream stays open for sending until the program finishes or closes it, which it must do
     * in bounded time. on_recv is called once more with the bytes left in the ring, if any: at
     * once, or after the resume when reading is paused; and again while it returns GW_RECV_AGAIN.
     *
     * Without this callback a FIN finishes the stream with GW_E_CLOSED, and bytes left in the ring
     * are dropped. It must not block.
     */
    void (*on_recv_end)(struct gw_stream *stream, void *context);

    /* The deadline of gw_stream_set_deadline() has passed. It must not block. */
    void (*on_deadline)(struct gw_stream *stream, void *context);

    /*
     * Bytes with this coalescing key have been sent, after the queue had dropped older bytes with
     * the same key, see gw_stream_send(). There is room now to send the current state. Not called
     * once the stream is closing. It must not block.
     */
    void (*on_lost)(struct gw_stream *stream, uint16_t key, void *context);

    /*
     * The send queue is low again: it was above the soft limit, send_queue_bytes_max /
     * GW_STREAM_SOFT_PART, and has drained to half of the soft limit or less. A sender that stopped
     * above the limit continues here. Not called once the stream is closing. It must not block.
     */
    void (*on_send_low)(struct gw_stream *stream, void *context);

    /*
     * The stream has closed. `reason` is the reason of the first finish or close, or the error that
     * came before one; GW_E_CLOSED when the peer finished. It must not block.
     */
    void (*on_close)(struct gw_stream *stream, int reason, void *context);
};

struct gw_stream_config {
    /* The longest message that the ring holds until it is complete; at most 2 GiB minus
     * GW_STREAM_RECV_BYTES_MAX. */
    uint32_t recv_bytes_max;
    /* The limit of queued bytes that the kernel does not take. A message longer than this is
     * accepted when the queue is empty. */
    uint32_t send_queue_bytes_max;
    /* The byte filters between the socket and the ring, the one next to the socket first; at most
     * GW_STREAM_FILTER_COUNT_MAX, none for plain TCP. A stream and a listener keep references.
     * on_open comes before their handshakes; what is queued is sent after them. */
    struct gw_filter_source *filters[GW_STREAM_FILTER_COUNT_MAX];
};

/* A queued buffer counts as its bytes and this many more. */
enum { GW_STREAM_BUF_OVERHEAD_BYTES = 64 };

/*
 * Starts to connect to `addr`. (A server gets its streams from a listener.) `source` is the local
 * address to use, whose port may be 0, or NULL for the choice of the kernel. A connection to
 * itself, which TCP permits when nothing listens at the address, is refused.
 *
 * Returns   0; GW_E_FULL (stream_count_max is reached, or no descriptor is left), GW_E_ADDRESS
 *           (`source` is not an address of this machine, or is given for a Unix socket),
 * GW_E_MEMORY or GW_E_SYSTEM: then there is no stream and no callback. The result of the connect is
 * on_open or on_close. Owns      gives one reference; *stream_out is set before any callback runs.
 * Copies `config`, borrows `events` and `context` until on_close. Thread    any
 */
int gw_stream_dial(struct gw_port *port, const struct gw_addr *addr, const struct gw_addr *source,
                   const struct gw_stream_config *config, const struct gw_stream_events *events,
                   void *context, struct gw_stream **stream_out);

/*
 * Sets the callbacks of an accepted stream and opens it. Must be the first call for it. A second
 * call, or a call for a dialed stream, has no effect.
 *
 * The stream runs on its own worker from here on, and may have closed before this returns. To use
 * the stream after the call, add a reference before it.
 *
 * Owns      borrows `events` and `context` until on_close.
 * Thread    turn of the listener, inside on_accept
 */
void gw_stream_start(struct gw_stream *stream, const struct gw_stream_events *events,
                     void *context);

/*
 * Queues `buf` behind everything queued before. A stream is flushed once, at the end of the turn,
 * and earlier only when a limit would be exceeded: both limits are for bytes that the kernel does
 * not take. Buffers are sent in the order in which they were queued, as many at a time as the
 * kernel takes. The order of sends in turns of one object is kept.
 *
 * When the last bytes of `buf` have a coalescing key (gw_buf_mark) and the queue then exceeds its
 * soft limit, send_queue_bytes_max / GW_STREAM_SOFT_PART, all older queued bytes with that key are
 * dropped, except those that the kernel has or that are partly sent. When bytes that were queued
 * after a loss have been sent, on_lost is called.
 *
 * A turn of another lane, and a thread outside a turn, cannot try the kernel. While the kernel has
 * not refused any bytes that are still queued, these may queue up to GW_STREAM_BURST_FACTOR times
 * send_queue_bytes_max, afterwards up to send_queue_bytes_max.
 *
 * Returns   0; GW_E_CLOSED after a finish, a close or the end of the connection; GW_E_FULL when a
 *           limit would be exceeded; GW_E_MEMORY. After an error nothing is queued; the caller
 *           decides whether to close the stream.
 * Owns      borrows `buf`; the queue holds a reference until the kernel has taken the bytes.
 * Thread    any
 */
int gw_stream_send(struct gw_stream *stream, struct gw_buf *buf);

/*
 * As gw_stream_send(), for the bytes [begin, end) of `buf`, as far as it has them. Only these bytes
 * become read-only: the thread that created the buffer may continue to write behind `end`. The
 * coalescing key applies to the bytes that are behind both `begin` and the mark of the buffer.
 * Returns, Owns, Thread: as above.
 */
int gw_stream_send_part(struct gw_stream *stream, struct gw_buf *buf, uint32_t begin, uint32_t end);

/* Memory in a send queue, from gw_stream_reserve() to gw_stream_commit(). */
struct gw_stream_reservation {
    uint8_t *data; /* write exactly the reserved number of bytes here */
    void *own;     /* private */
    uint32_t bytes;
    bool in_place;
};

/*
 * Reserves memory for `bytes`, at least 1, to write a message directly into the queue. In a turn on
 * the stream's lane this is the stream's pooled chunk, elsewhere a buffer of its own that joins the
 * queue on commit. Between the two calls the caller writes the bytes and makes no other call for
 * this stream.
 *
 * Returns   0, GW_E_CLOSED, GW_E_FULL (also for 0 bytes) or GW_E_MEMORY, as gw_stream_send();
 *           *reservation_out is set only on 0, and must then be committed.
 * Thread    any
 */
int gw_stream_reserve(struct gw_stream *stream, uint32_t bytes,
                      struct gw_stream_reservation *reservation_out);

/*
 * Queues the bytes that were written.
 *
 * Owns      takes `reservation`.
 * Thread    the thread that reserved
 */
void gw_stream_commit(struct gw_stream *stream, struct gw_stream_reservation *reservation);

/*
 * Stop and resume reading. While a stream is paused TCP slows its peer down, on_recv is not called,
 * and no bytes are lost: those that have arrived stay in the ring. A FIN or reset of the peer is
 * not noticed before the resume, except with gw_stream_peer_end().
 *
 * Thread    turn
 */
void gw_stream_pause(struct gw_stream *stream);
void gw_stream_resume(struct gw_stream *stream);

/*
 * Checks whether the peer has closed the connection while reading is paused, when no callback
 * reports it. A program that pauses for long calls this now and then. It reads nothing and changes
 * nothing; the program decides whether to close the stream.
 *
 * Returns   0 if the peer has not closed, or the stream is not open; GW_E_CLOSED when its FIN has
 *           arrived (bytes before it may be unread and arrive after a resume); the error of the
 *           connection (GW_E_RESET, GW_E_TIMEOUT, ...) when it can neither receive nor send.
 * Thread    turn
 * Source    POLLRDHUP, POLLHUP and POLLERR of poll(2); WSAPoll() on Windows. One system call.
 */
int gw_stream_peer_end(struct gw_stream *stream);

/*
 * Calls on_deadline once, at `deadline_ns` of the port's clock. A stream has one deadline: a second
 * call moves it, GW_STREAM_NO_DEADLINE removes it. on_deadline is not called after a finish or
 * close.
 *
 * Thread    turn
 */
#define GW_STREAM_NO_DEADLINE UINT64_MAX
void gw_stream_set_deadline(struct gw_stream *stream, uint64_t deadline_ns);

/*
 * Sends the queued bytes, then closes: see above. `last` is queued first, whatever the limits of
 * the queue, as the final message; NULL for none.
 *
 * Returns   true for the first finish or close, which decides the reason; otherwise nothing changes
 *           and `last` is not sent.
 * Owns      borrows `last`; the queue holds a reference until the kernel has taken the bytes.
 * Thread    any, after gw_stream_start() or gw_stream_dial()
 */
bool gw_stream_finish(struct gw_stream *stream, int reason, struct gw_buf *last);

/*
 * Closes at once; queued bytes are dropped. After a finish it ends the flush or linger.
 *
 * Returns   true for the first finish or close, which decides the reason.
 * Thread    any, after gw_stream_start() or gw_stream_dial()
 */
bool gw_stream_close(struct gw_stream *stream, int reason);

/* Adds a reference. Returns `stream`. Thread: any that holds a reference, or turn. */
struct gw_stream *gw_stream_ref(struct gw_stream *stream);

/* Releases a reference; the last one frees the stream. `stream` may be NULL. Thread: any. */
void gw_stream_unref(struct gw_stream *stream);

/*
 * The address of the peer. A filter for the PROXY protocol replaces it before the first on_recv:
 * then a later call returns another pointer, and the first one remains valid as long as the stream.
 *
 * Thread    any
 */
const struct gw_addr *gw_stream_peer(const struct gw_stream *stream);

/*
 * Whether a filter for the PROXY protocol may still replace the address of the peer, which is that
 * of a proxy until then. Thread: in on_accept, before gw_stream_start(); later a turn.
 */
bool gw_stream_awaits_peer(const struct gw_stream *stream);

/*
 * Why a filter of the stream has failed, for the log: "the handshake took too many bytes".
 *
 * Returns   a static text; NULL when no filter has failed.
 * Thread    turn
 */
const char *gw_stream_problem(const struct gw_stream *stream);

/* The stream's turn, for tasks, timers and assertions. Valid as long as the stream. Thread: any. */
struct gw_turn *gw_stream_turn(struct gw_stream *stream);

/* Bytes in the send queue and in tasks that add to it. Thread: any. */
uint32_t gw_stream_send_queue_bytes(const struct gw_stream *stream);

#ifdef __cplusplus
}
#endif

#endif

/* net/stream.h: one TCP connection, as bytes in and buffers out. */
#ifndef GW_NET_STREAM_H
#define GW_NET_STREAM_H

#include "net/addr.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gw_buf;
struct gw_port;
struct gw_ring;
struct gw_turn;

/*
 * The life of a stream is one sentence, and each word of it is a turn:
 *
 *      on_open   on_recv*   on_close            it lived
 *      on_close                                 it never opened
 *
 * After on_close no callback follows, the socket is gone, and the stream's own reference is let go.
 * Until then the stream keeps itself alive: nobody needs a reference to receive, only to send or
 * close from elsewhere.
 *
 * The end comes in order:
 *
 *      finish   flush (GW_STREAM_FLUSH_MS at most), FIN, read and discard until the peer's FIN
 *               (GW_STREAM_LINGER_MS and GW_STREAM_LINGER_BYTES at most), then close
 *      close    cancel what is in flight, wait until it is home, close the socket, on_close
 *
 * Closing the socket is a reset when the kernel still holds bytes that it has not sent, so that a
 * peer that does not read leaves nothing behind. On Linux the kernel holds at most 320 KiB for one
 * stream, and drops a connection that acknowledges nothing, or whose window stays closed, after
 * 20 s (SO_SNDBUF and TCP_USER_TIMEOUT, set by os/socket_posix.c).
 *
 * From the call of either on, nothing more is taken for sending, and on_recv is not called again. A
 * peer's FIN finishes the stream with GW_E_CLOSED, unless there is an on_recv_end. After a failed
 * send what had arrived is still delivered (GW_STREAM_LINGER_MS at most), before on_close.
 */
struct gw_stream;

enum {
    GW_STREAM_RECV_BYTES_MAX = 16 * 1024, /* the most that one receive brings */
    GW_STREAM_FLUSH_MS = 1000,
    GW_STREAM_LINGER_MS = 1000,
    GW_STREAM_LINGER_BYTES = 256 * 1024,
    GW_STREAM_SOFT_PART = 4,    /* the soft limit of a queue is this part of its hard one */
    GW_STREAM_BURST_FACTOR = 4, /* see gw_stream_send() */
};

/* What on_recv says about the bytes it left in the ring. */
enum gw_recv {
    GW_RECV_MORE,  /* no whole message is left: receive */
    GW_RECV_AGAIN, /* whole messages are left: call again in a later turn, do not receive yet */
};

/*
 * Its callbacks. All run in turns of the stream. Any may be NULL; a stream without on_recv discards
 * what it receives.
 */
struct gw_stream_events {
    /* The connection stands. What was queued before now leaves. It must not block. */
    void (*on_open)(struct gw_stream *stream, void *context);

    /*
     * The peer's next bytes lie in `ring`, after those left there last time. Consume whole
     * messages and leave the rest. Not to consume a message that is whole, unless AGAIN or a pause
     * says so, or to leave one that can never be, is the caller's mistake: pause or close.
     * It must not block.
     */
    enum gw_recv (*on_recv)(struct gw_stream *stream, struct gw_ring *ring, void *context);

    /*
     * The peer has sent FIN: nothing follows the bytes that have arrived. Called once, also while
     * reading is paused. The stream stays open for sending until the user finishes or closes it,
     * which the user must do in bounded time. on_recv is called once more, with what is left in the
     * ring or with nothing: at once, or after the resume when reading is paused; and again for as
     * long as it returns AGAIN.
     *
     * Without this callback a FIN finishes the stream with GW_E_CLOSED, and what was left in the
     * ring is dropped. It must not block.
     */
    void (*on_recv_end)(struct gw_stream *stream, void *context);

    /* The time of gw_stream_set_deadline() has come. It must not block. */
    void (*on_deadline)(struct gw_stream *stream, void *context);

    /*
     * Bytes of a kind have left, and older ones that should have left before them had been dropped:
     * see gw_stream_send(). Now there is room to make up for them. May be NULL.
     * It must not block.
     */
    void (*on_lost)(struct gw_stream *stream, uint16_t kind, void *context);

    /*
     * The send queue is low again: it was above the soft limit, one GW_STREAM_SOFT_PART-th of
     * send_queue_bytes_max, and has drained to half of the soft limit or less. A sender that
     * stopped above the limit continues here. Not called once the stream is closing. It must not
     * block.
     */
    void (*on_send_low)(struct gw_stream *stream, void *context);

    /*
     * The end, and why: the reason of the first finish or close, or the error that came before one.
     * GW_E_CLOSED when the peer finished. It must not block.
     */
    void (*on_close)(struct gw_stream *stream, int reason, void *context);
};

struct gw_stream_config {
    uint32_t recv_bytes_max; /* the longest message that waits whole for its turn; 2 GiB less
                                GW_STREAM_RECV_BYTES_MAX is the most that can */
    /* What may wait in the send queue because the kernel does not take it. A message longer than
     * that is taken when nothing else waits. */
    uint32_t send_queue_bytes_max;
};

/* What waits in a send queue counts as its bytes, and this much more for each shared buffer. */
enum { GW_STREAM_BUF_OVERHEAD_BYTES = 64 };

/*
 * Begins to connect to `addr`; for clients and bots. Servers get theirs from a listener. `source`
 * is the address to come from (its port may be 0), or NULL to let the machine choose. A connection
 * to itself, which TCP allows when nobody listens, is refused.
 *
 * Returns   0; GW_E_FULL (stream_count_max of the port is reached, or no descriptor is left),
 *           GW_E_ADDRESS (`source` is not ours), GW_E_MEMORY or GW_E_SYSTEM, and then there is no
 *           stream and no turn. Whether the peer answers comes as on_open or on_close.
 * Owns      gives one reference; *stream_out is set before any callback runs. Copies `config`,
 *           borrows `events` and `context` until on_close.
 * Thread    any.
 */
int gw_stream_dial(struct gw_port *port, const struct gw_addr *addr, const struct gw_addr *source,
                   const struct gw_stream_config *config, const struct gw_stream_events *events,
                   void *context, struct gw_stream **stream_out);

/*
 * Gives an accepted stream its events and lets it open. The first thing to do with one. A second
 * call, and a call for a dialed stream, does nothing.
 *
 * From here on it lives its own life on its own worker, and that life may be over before this
 * returns. To go on using the stream, take a reference first.
 *
 * Owns      borrows `events` and `context` until on_close.
 * Thread    turn, of the listener, inside on_accept.
 */
void gw_stream_start(struct gw_stream *stream, const struct gw_stream_events *events,
                     void *context);

/*
 * Queues `buf` behind all that was queued before. A stream is flushed once, at the end of a turn,
 * while its data is hot; earlier only when a limit would be passed otherwise: both limits are for
 * what the kernel does not take. Buffers leave in that order, as many at a time as the kernel
 * takes. What is queued in turns of one object keeps its order.
 *
 * When the last bytes of `buf` are of a kind (gw_buf_mark) and more than the soft limit waits then,
 * one GW_STREAM_SOFT_PART-th of send_queue_bytes_max, all older bytes of that kind that wait are
 * dropped, but for those that the kernel has or that have begun to leave. When the bytes that came
 * after a loss have left, on_lost is called.
 *
 * A turn of another lane, or a thread that has no turn, cannot ask the kernel. While the kernel has
 * not refused anything that still waits, it may send up to GW_STREAM_BURST_FACTOR times
 * send_queue_bytes_max; after that, up to send_queue_bytes_max.
 *
 * Returns   0; GW_E_CLOSED after a finish, a close or the end of the connection; GW_E_FULL when a
 *           limit would be passed, GW_E_MEMORY. After an error nothing is queued; the caller
 *           decides what to do with a peer that slow.
 * Owns      borrows `buf`, and keeps a reference of its own until the kernel is done with it.
 * Thread    any.
 */
int gw_stream_send(struct gw_stream *stream, struct gw_buf *buf);

/*
 * As gw_stream_send(), for bytes [begin, end) of `buf`, as far as it has them. Only these bytes
 * become read-only, so that the thread that made the buffer may go on writing behind `end`. Of a
 * kind is what lies behind both `begin` and the mark of the buffer.
 */
int gw_stream_send_part(struct gw_stream *stream, struct gw_buf *buf, uint32_t begin, uint32_t end);

/* Room in a stream's send queue, between gw_stream_reserve() and gw_stream_commit(). */
struct gw_stream_reservation {
    uint8_t *data; /* write exactly the bytes that were asked for here */
    void *own;     /* the stream's */
    uint32_t bytes;
    bool in_place;
};

/*
 * Makes room for `bytes`, at least 1, so that a message can be written straight into
 * the queue. In a turn on the stream's own lane that is the stream's pooled chunk; from elsewhere a
 * buffer of its own, which joins the queue on commit. Between the two calls the caller writes, and
 * does nothing else with this stream.
 *
 * Returns   0, GW_E_CLOSED, GW_E_FULL (also for 0 bytes) or GW_E_MEMORY, as gw_stream_send();
 * *place_out is set only on 0, and then must be committed. Thread    any.
 */
int gw_stream_reserve(struct gw_stream *stream, uint32_t bytes,
                      struct gw_stream_reservation *place_out);

/* Queues what was written. Owns: takes `place`. Thread: the one that reserved. */
void gw_stream_commit(struct gw_stream *stream, struct gw_stream_reservation *place);

/*
 * Stops and resumes reading. While a stream is paused its peer is slowed down by TCP, on_recv is
 * not called, and nothing is lost: what had arrived waits in the ring. An end of the peer is not
 * noticed before the resume, unless the user asks: see gw_stream_peer_end().
 *
 * Thread    turn.
 */
void gw_stream_pause(struct gw_stream *stream);
void gw_stream_resume(struct gw_stream *stream);

/*
 * Looks whether the peer has ended, while reading is paused and no callback would tell: a user that
 * pauses for long asks now and then. Nothing is read and nothing changes; to end the stream is up
 * to the user.
 *
 * Returns   0 if the peer has not ended, or the stream is not open; GW_E_CLOSED when its FIN has
 *           arrived: bytes before it may still wait, and come after a resume; the error of the
 *           connection (GW_E_RESET, GW_E_TIMEOUT, ...) when nothing can be received or sent any
 * more. Thread    turn. Source    POLLRDHUP, POLLHUP and POLLERR of poll(2); WSAPoll() on Windows.
 * One system call.
 */
int gw_stream_peer_end(struct gw_stream *stream);

/*
 * Asks for on_deadline at `deadline_ns` of the port's clock, once. A stream has one deadline; a
 * second call moves it, GW_STREAM_NO_DEADLINE takes it back. None comes after a finish or close.
 *
 * Thread    turn.
 */
#define GW_STREAM_NO_DEADLINE UINT64_MAX
void gw_stream_set_deadline(struct gw_stream *stream, uint64_t deadline_ns);

/*
 * Closes after what is queued has been sent: see above. `last` is queued first, however full the
 * queue is, as the last words of this side; NULL for none.
 *
 * Returns   true when this was the first finish or close, which decides the reason; otherwise
 *           nothing is changed and `last` is not sent.
 * Owns      borrows `last`, and keeps a reference of its own.
 * Thread    any, once it was started or dialed.
 */
bool gw_stream_finish(struct gw_stream *stream, int reason, struct gw_buf *last);

/*
 * Closes now. What is queued is dropped. After a finish it only makes haste.
 *
 * Returns   true when this was the first finish or close, which decides the reason.
 * Thread    any, once it was started or dialed.
 */
bool gw_stream_close(struct gw_stream *stream, int reason);

/* Takes one more reference. Returns `stream`. Thread: any that holds one, or turn. */
struct gw_stream *gw_stream_ref(struct gw_stream *stream);

/* Lets one reference go; the last one frees the stream. NULL is allowed. Thread: any. */
void gw_stream_unref(struct gw_stream *stream);

/* The other end. Thread: any. */
const struct gw_addr *gw_stream_peer(const struct gw_stream *stream);

/* Its turn: to post tasks, to keep timers, to assert. Valid as long as the stream. Thread: any. */
struct gw_turn *gw_stream_turn(struct gw_stream *stream);

/* Bytes that wait to be sent now, in the queue and on their way to it. Thread: any. */
uint32_t gw_stream_send_queue_bytes(const struct gw_stream *stream);

#ifdef __cplusplus
}
#endif

#endif

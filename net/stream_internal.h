/* net/stream_internal.h: The state of a stream, and its transitions. Private to net. */
#ifndef GW_NET_STREAM_INTERNAL_H
#define GW_NET_STREAM_INTERNAL_H

#include "net/backend/backend.h"
#include "net/lane.h"
#include "net/port_internal.h"
#include "net/ring.h"
#include "net/send_queue.h"
#include "net/stream.h"
#include "net/timer.h"

/*
 *   NEW ----> CONNECTING ----> OPEN ----> FLUSHING ----> LINGERING ----> CLOSING ----> CLOSED
 *     \____________________________________________________________________^
 *
 * Only turns of the stream change the state. Other threads record what they request in `end` and
 * `work`, and post bytes as tasks.
 */
enum gw_stream_state {
    GW_STREAM_NEW,
    GW_STREAM_CONNECTING,
    GW_STREAM_OPEN,
    GW_STREAM_FLUSHING,  /* finishing: queued bytes are sent */
    GW_STREAM_LINGERING, /* finishing: FIN is sent, the peer's is awaited */
    GW_STREAM_CLOSING,   /* waiting for the operations in flight */
    GW_STREAM_CLOSED,
};

/* Bits of gw_stream.end, below the reason. */
enum {
    GW_STREAM_END_FINISH = 1, /* requested; received bytes are discarded */
    GW_STREAM_END_CLOSE = 2,  /* the same, without a flush */
    GW_STREAM_END_FAILED = 4, /* a send failed; bytes that have arrived are still delivered */
    GW_STREAM_END_REASON_SHIFT = 32,
};

/* Whether the kernel has refused queued bytes, until all of these are sent. */
enum gw_stream_refusal {
    GW_STREAM_REFUSAL_NONE,
    GW_STREAM_REFUSAL_SOME, /* bytes wait until the kernel has room */
    GW_STREAM_REFUSAL_LOSS, /* and older bytes were dropped: on_lost must be called */
};

/* Work for the next turn; bits of gw_stream.work. */
enum {
    GW_STREAM_WORK_OPEN = 1,
    GW_STREAM_WORK_READ = 2,
    GW_STREAM_WORK_END = 4,
    GW_STREAM_WORK_SEND_LOW = 8,
    GW_STREAM_WORK_FILTERS = 16,
};

struct gw_stream_filters;

struct gw_stream {
    struct gw_turn turn;
    struct gw_socket socket;
    struct gw_ring ring;
    struct gw_timer timer; /* the program's deadline, then that of the end */
    struct gw_send_queue queue;
    struct gw_task work_task;
    const struct gw_stream_events *events;
    void *context;
    struct gw_task flush_task;         /* due at the end of the turn while `flush_marked` */
    struct gw_stream_filters *filters; /* NULL: plain TCP */

    _Atomic uint64_t end;     /* bits and reason of the first finish or close; 0 before it */
    atomic_uint work;         /* bits; not 0 while work_task is posted */
    atomic_uint queued_bytes; /* in the queue and in posted entries */

    uint32_t queued_bytes_max;
    uint32_t lingered_bytes; /* read and discarded since a finish */
    struct gw_addr peer;
    uint8_t shown_count; /* of the queue's first entries, which the kernel or a filter has */
    uint8_t state : 3;   /* enum gw_stream_state */
    bool flush_marked : 1;
    bool receiving : 1; /* a recv is in flight */
    bool sending : 1;   /* a send is in flight, or a connect */
    bool attached : 1;
    bool paused : 1;
    bool peer_finished : 1;
    bool last_queued : 1; /* nothing is queued any more: the final message is in the queue */
    bool send_failed : 1; /* delivers what has arrived, then closes */
    bool was_high : 1;    /* the queue has exceeded its soft limit; for on_send_low */
    atomic_uchar refusal; /* enum gw_stream_refusal; written on the lane, read by any */
};

/* ---- stream.c: creation and start ---- */

/*
 * Creates a stream for an accepted socket, already counted by the port. NULL: out of memory, or a
 * filter was refused.
 */
struct gw_stream *gw__stream_create(struct gw_port *port, os_socket handle,
                                    const struct gw_stream_config *config);

/* Frees a stream that was never started. */
void gw__stream_discard(struct gw_stream *stream);
bool gw__stream_is_started(const struct gw_stream *stream);

/* Takes the stream out of the counts of its port and lane. */
void gw__stream_leave_port(struct gw_stream *stream);

/* Posts work, GW_STREAM_WORK_ bits. Thread: any. */
void gw__stream_post_work(struct gw_stream *stream, unsigned work);

/* Handles the result of an operation of a stream that has no filters, or no more. */
void gw__stream_op_done(struct gw_op *op, int result);

/* The peer of the stream that has this turn; NULL for the turn of another object. Thread: any. */
const struct gw_addr *gw__stream_peer_of(const struct gw_turn *turn);

/* ---- stream_recv.c: receiving ---- */

/* Starts a receive, if the state permits one. */
void gw__stream_recv(struct gw_stream *stream);

/* Passes the ring to on_recv, then starts the next receive. */
void gw__stream_deliver(struct gw_stream *stream);

/*
 * Passes the ring to on_recv. Returns whether that has read what it can: then more bytes may be
 * added to the ring.
 */
bool gw__stream_read_ring(struct gw_stream *stream);

/* Handles the result of a receive; `data` are its bytes. */
void gw__stream_recv_done(struct gw_stream *stream, const uint8_t *data, int result);

/* The parts of it that filters use: discards received bytes; handles the peer's FIN. */
void gw__stream_discard_bytes(struct gw_stream *stream, uint32_t bytes);
void gw__stream_take_fin(struct gw_stream *stream);

/* ---- stream_send.c: sending ---- */

/* Handles the result of a send. */
void gw__stream_send_done(struct gw_stream *stream, int result);

/* The parts of it that filters use. */
enum gw_stream_refusal gw__stream_refusal(const struct gw_stream *stream);
void gw__stream_set_refusal(struct gw_stream *stream, enum gw_stream_refusal refused);

/* Counts bytes that the kernel has taken. */
void gw__stream_count_sent(struct gw_stream *stream, uint32_t bytes);

/* Removes sent bytes from the queue. */
void gw__stream_consume(struct gw_stream *stream, uint32_t bytes, struct gw_send_gone *gone_out);

/* Calls on_lost, unless the stream is closing. */
void gw__stream_report_lost(struct gw_stream *stream, const struct gw_send_gone *gone);

/* Handles a failed send. */
void gw__stream_fail_sending(struct gw_stream *stream, int error);

/* Queues the final message, whatever the limits of the queue. Thread: any. */
void gw__stream_queue_last(struct gw_stream *stream, struct gw_buf *buf);

/* Calls on_send_low, if the queue is still low. */
void gw__stream_send_low(struct gw_stream *stream);

/* The task of a flush. */
void gw__stream_run_flush(struct gw_task *task);

/* Flushes the queue at the end of the current turn. Thread: its lane. */
void gw__stream_flush_at_end(struct gw_stream *stream);

/* Drops the queued bytes. No send may be in flight. */
void gw__stream_drop_queue(struct gw_stream *stream);

/* ---- stream_filter.c: the chain of byte filters ---- */

/* Whether bytes pass through filters. False again when the last filter is done. */
bool gw__stream_is_filtered(const struct gw_stream *stream);

/*
 * Creates the filters of `config`: then the results of operations and the flushes of the stream are
 * handled by stream_filter.c. Returns 0 or a gw_error.
 */
int gw__stream_filters_create(struct gw_stream *stream, const struct gw_stream_config *config);

/* Frees the filters; then also what a stream keeps of them. */
void gw__stream_filters_close(struct gw_stream *stream);
void gw__stream_filters_free(struct gw_stream *stream);

/* Continues to read: from the ring, then from the filters, then from the kernel. */
void gw__stream_filters_read(struct gw_stream *stream);

/* As send_now() of stream_send.c: sends what the kernel takes at once. */
void gw__stream_filters_send_now(struct gw_stream *stream);

/* Drops the output that the kernel has not taken. */
void gw__stream_filters_drop(struct gw_stream *stream);

/* Finishes the filters, one by one. Returns whether all have finished and sent their output. */
bool gw__stream_filters_finish(struct gw_stream *stream);

/* Whether the peer's FIN was received, and not only an end that a filter has reported. */
bool gw__stream_filters_have_fin(const struct gw_stream *stream);

/* What is left to the stream's own turn: handles a failed filter, continues a flush. */
void gw__stream_filters_work(struct gw_stream *stream);

/* ---- stream_end.c: finish and close ---- */

/* The reason of the first finish or close. Thread: any. */
int gw__stream_reason(const struct gw_stream *stream);

/* Whether sends are refused. Thread: any. */
static inline bool gw__stream_has_end(const struct gw_stream *stream)
{
    return atomic_load_explicit(&stream->end, memory_order_acquire) != 0;
}

/* Whether received bytes are discarded, because of a finish or close. Thread: any. */
static inline bool gw__stream_is_recv_closed(const struct gw_stream *stream)
{
    const unsigned asked = GW_STREAM_END_FINISH | GW_STREAM_END_CLOSE;
    return (atomic_load_explicit(&stream->end, memory_order_acquire) & asked) != 0;
}

/*
 * Decides the end, unless it was decided before. `bit` is one of GW_STREAM_END_. Returns whether it
 * did. Thread: any.
 */
bool gw__stream_decide_end(struct gw_stream *stream, unsigned bit, int reason);

/* Posts the end, behind everything that was posted before. Thread: any. */
void gw__stream_post_end(struct gw_stream *stream);

/*
 * Begins the end that was decided. A flush must come behind all sends that were posted before it:
 * when the work was not posted for the end alone, and so perhaps before those sends, the end is
 * posted again.
 */
void gw__stream_run_end(struct gw_stream *stream, bool alone);

/* Begins to flush an open stream. */
void gw__stream_begin_flush(struct gw_stream *stream);

/* The next step of an end that has begun, when its condition holds. */
void gw__stream_step_end(struct gw_stream *stream);

/* The connection failed: closes, with this reason unless the end was decided before. */
void gw__stream_fail(struct gw_stream *stream, int error);

/* Limits the time that the rest of the end may take. */
void gw__stream_set_end_deadline(struct gw_stream *stream, uint32_t ms);

/* The stream's timer has fired. */
void gw__stream_on_time(struct gw_timer *timer);

#endif

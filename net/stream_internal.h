/* net/stream_internal.h: a stream from inside: its state, and its life in order. Private to net. */
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
 * Only turns of the stream move it on. Other threads leave their wish in `end` and `work`, and
 * their bytes as tasks.
 */
enum gw_stream_state {
    GW_STREAM_NEW,
    GW_STREAM_CONNECTING,
    GW_STREAM_OPEN,
    GW_STREAM_FLUSHING,  /* finishing: what is queued leaves */
    GW_STREAM_LINGERING, /* finishing: FIN is out, the peer's is awaited */
    GW_STREAM_CLOSING,   /* waiting for what is in flight */
    GW_STREAM_CLOSED,
};

/* Bits of gw_stream.end, below the reason. */
enum {
    GW_STREAM_END_FINISH = 1, /* asked for; nothing is received any more */
    GW_STREAM_END_CLOSE = 2,  /* the same, and without a flush */
    GW_STREAM_END_FAILED = 4, /* a send has failed; what had arrived is still received */
    GW_STREAM_END_REASON_SHIFT = 32,
};

/* What the kernel has refused of the queue; until all of it has left. */
enum gw_stream_refusal {
    GW_STREAM_REFUSAL_NONE,
    GW_STREAM_REFUSAL_SOME, /* something waits until the kernel has room */
    GW_STREAM_REFUSAL_LOSS, /* and packets were dropped: on_lost is to be called */
};

/* What to look at in the next turn; bits of gw_stream.work. */
enum {
    GW_STREAM_WORK_OPEN = 1,
    GW_STREAM_WORK_READ = 2,
    GW_STREAM_WORK_END = 4,
    GW_STREAM_WORK_SEND_LOW = 8,
};

struct gw_stream {
    struct gw_turn turn;
    struct gw_socket socket;
    struct gw_ring ring;
    struct gw_timer timer; /* the user's deadline, then that of the end */
    struct gw_send_queue queue;
    struct gw_task work_task;
    const struct gw_stream_events *events;
    void *context;
    struct gw_task flush_task; /* due at the end of the turn while `flush_marked` */

    _Atomic uint64_t end;     /* what the first finish or close decided; 0 before it */
    atomic_uint work;         /* bits; not 0 while work_task is posted */
    atomic_uint queued_bytes; /* what waits, in the queue and on its way to it */

    uint32_t queued_bytes_max;
    uint32_t lingered_bytes; /* read and discarded since a finish */
    struct gw_addr peer;
    uint8_t shown_count; /* of the queue's first entries: the kernel has them */
    uint8_t state : 3;   /* enum gw_stream_state */
    bool flush_marked : 1;
    bool receiving : 1; /* a recv is in flight */
    bool sending : 1;   /* a send is in flight, or a connect */
    bool attached : 1;
    bool paused : 1;
    bool peer_finished : 1;
    bool last_said : 1;   /* the last words of this side are in the queue */
    bool send_failed : 1; /* delivers what had arrived, then ends */
    bool was_high : 1;    /* the queue has exceeded its soft limit; for on_send_low */
    atomic_uchar refusal; /* enum gw_stream_refusal; its lane changes it, others read it */
};

/* ---- stream.c: making, starting, asking ---- */

/* Makes a stream of a socket that came in. Its place in the port is taken. NULL: no memory. */
struct gw_stream *gw__stream_create(struct gw_port *port, os_socket handle,
                                    const struct gw_stream_config *config);

/* Ends a stream that was never started. */
void gw__stream_discard(struct gw_stream *stream);
bool gw__stream_is_started(const struct gw_stream *stream);

/* Gives back the stream's place in its port. */
void gw__stream_leave_port(struct gw_stream *stream);

/* Leaves a bit of work for a turn. Thread: any. */
void gw__stream_post_work(struct gw_stream *stream, unsigned work);

/* The peer of the stream that has this turn; NULL for the turn of another object. Thread: any. */
const struct gw_addr *gw__stream_peer_of(const struct gw_turn *turn);

/* ---- stream_recv.c: bytes in ---- */

/* Asks for bytes, if the state wants any. */
void gw__stream_recv(struct gw_stream *stream);

/* Hands what lies in the ring to the user, then asks for more. */
void gw__stream_deliver(struct gw_stream *stream);

/* What became of a recv; `data` are its bytes. */
void gw__stream_recv_done(struct gw_stream *stream, const uint8_t *data, int result);

/* ---- stream_send.c: bytes out ---- */

/* What became of a send. */
void gw__stream_send_done(struct gw_stream *stream, int result);

/* Queues the last words of this side, however full the queue is. Thread: any. */
void gw__stream_queue_last(struct gw_stream *stream, struct gw_buf *buf);

/* Calls on_send_low, if the queue is still low. */
void gw__stream_send_low(struct gw_stream *stream);

/* The task of a flush. */
void gw__stream_run_flush(struct gw_task *task);

/* Sees to it that what is queued leaves at the end of the turn that runs now. Thread: its lane. */
void gw__stream_flush_at_end(struct gw_stream *stream);

/* Drops what is queued. Nothing of it may be in flight. */
void gw__stream_drop_queue(struct gw_stream *stream);

/* ---- stream_end.c: finish, close, and the way there ---- */

/* Whether nothing more is taken for sending. Thread: any. */
static inline bool gw__stream_has_end(const struct gw_stream *stream)
{
    return atomic_load_explicit(&stream->end, memory_order_acquire) != 0;
}

/* Whether nothing more is heard, because a finish or close was asked for. Thread: any. */
static inline bool gw__stream_is_recv_closed(const struct gw_stream *stream)
{
    const unsigned asked = GW_STREAM_END_FINISH | GW_STREAM_END_CLOSE;
    return (atomic_load_explicit(&stream->end, memory_order_acquire) & asked) != 0;
}

/* Decides the end, if nobody has yet. `bit` is one of GW_STREAM_END_. Thread: any. */
bool gw__stream_decide_end(struct gw_stream *stream, unsigned bit, int reason);

/* Leaves the end that was decided for a turn, behind all that was left before. Thread: any. */
void gw__stream_post_end(struct gw_stream *stream);

/*
 * Does what was decided. A flush comes behind all that was sent before it: when the work was not
 * posted for the end alone, and so perhaps before those sends, it is left again, behind them.
 */
void gw__stream_run_end(struct gw_stream *stream, bool alone);

/* The next step of an end that has begun, if nothing is in its way. */
void gw__stream_step_end(struct gw_stream *stream);

/* A failure of the connection: the end, if none was decided yet, and nothing is waited for. */
void gw__stream_fail(struct gw_stream *stream, int error);

/* Gives what is left of an end this much time. */
void gw__stream_set_end_deadline(struct gw_stream *stream, uint32_t ms);

/* The stream's timer has come. */
void gw__stream_on_time(struct gw_timer *timer);

#endif

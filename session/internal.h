/* session/internal.h: what the files of this folder share. Private to session. */
#ifndef GW_SESSION_INTERNAL_H
#define GW_SESSION_INTERNAL_H

#include "net/buf.h"
#include "net/stream.h"
#include "net/timer.h"
#include "net/turn.h"
#include "protocol/frame.h"
#include "protocol/packet.h"
#include "session/control.gen.h"
#include "session/manager.h"
#include "session/session.h"
#include "session/slots.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_bucket;
struct gw_rate_rule;
struct gw_membership;
struct gw_requests;
struct gw_ring;
struct gw_shard;

enum {
    GW_PACKET_ID_CONTROL_MAX = 63,
    GW_HELLO_TAG = 0x5747, /* of HELLO and HELLO_ACK */
    GW_FRAMES_PER_TURN_MAX = 64,
    GW_OVERSLEPT_MS = 1000,
    GW_CROSSING_MS =
        1000, /* WIRE.md: so long after the server leaves a stage, its packets may come */
    GW_PEER_LOOK_MS = 1000,         /* how often a peer that is not read from is looked for */
    GW_OTHER_SCHEMA_COUNT_MAX = 16, /* so many other schemas are remembered */
};

/* Whether a session has sent its HELLO, which only a server's peers do. */
enum gw_silence {
    GW_SILENCE_OVER, /* it has, or need not */
    GW_SILENCE_LASTS,
    GW_SILENCE_DISPLACED, /* it has not, and ends so that a new connection finds room */
};

/*
 * Times are in milliseconds since the manager was made. What is asked of them is how long ago
 * something was, so that they may wrap.
 */
struct gw_session {
    struct gw_session_manager *manager;
    struct gw_stream *stream; /* holds a reference */
    gw_session_id id;

    /* Its turn's alone. */
    void *user;
    struct gw_membership *memberships;
    const struct gw_packet *packet; /* of the frame at the head of the ring, once it is admitted */
    struct gw_bucket *buckets;      /* see rates.h; NULL: all are full */
    struct gw_requests *requests;   /* see requests.h; NULL: none is open */
    uint64_t no_lag_ns;             /* when the lag that rates.h means is 0 again */
    uint32_t heartbeat_ms;          /* 0: none */
    uint32_t begun_ms;
    uint32_t received_ms; /* when bytes came last */
    uint32_t pinged_ms;   /* when we asked for some, if `pinged`; when FIN came or a later pause
                             began, if `recv_ended` or `fin_seen`; otherwise, if `held` or `paused`,
                             when we looked for FIN last */
    uint32_t played_ms;   /* when a packet of the game came last */
    uint32_t partial_ms;  /* when the frame at the head of the ring began, if `partial`; when it
                          stopped, if `held` or `paused` */
    uint32_t due_ms;      /* when on_deadline comes, or earlier */
    uint32_t moved_ms; /* when the server left `stages_left`; later by the time it did not read */
    uint32_t stages_left; /* as bits; packets of these may still be on their way */
    uint32_t skip_bytes;  /* so much of a frame that is dropped has still to come */
    bool asked : 1;       /* HELLO has come, or on a client's side, has been said */
    bool pinged : 1;      /* nothing has come since */
    bool partial : 1;     /* the frame at the head of the ring is not whole */
    bool gone : 1;        /* it is having its last turn, or has had it */
    bool fin_seen : 1;    /* the peer has sent FIN, and bytes before it may not have been read */
    bool recv_ended : 1;  /* the peer has sent FIN */
    bool recv_done : 1;   /* and all frames before it were handled, or their time is over */
    bool held;            /* it waits for a token of its rate, and reading is paused */
    bool paused;          /* reading is, because the game wants it */
    bool handling;        /* its packets, in on_recv */
    uint8_t peer_reason;
    uint8_t stage_bit; /* the game's stage, as the place of its bit; holds from the greeting on */

    /* Other threads look at these too. */
    _Atomic uint8_t silence; /* enum gw_silence */
    atomic_bool greeted;
    atomic_bool ended; /* an end has begun */
};

struct gw_session_manager {
    struct gw_port *port;
    struct gw_session_manager_config config;
    const struct gw_packet_table *packets;
    uint8_t sends_from; /* the bit of enum gw_packet_from that is this side's */
    const struct gw_session_events *events;
    void *context;
    uint64_t begun_ns;
    struct gw_slots slots;
    struct gw_shard **shards;        /* see counters.h */
    struct gw_rate_rule *rate_rules; /* see rates.h; by the place of a packet */
    uint32_t bucket_count;
    struct gw_buf *close_frames[GW_CLOSE_REASON_COUNT]; /* a CLOSE for each; NULL: says nothing */
    _Atomic uint64_t places;                            /* see places.c */
    _Atomic uint64_t *silent; /* ids of sessions without a HELLO, oldest first; see listener.c */
    uint32_t silent_mask;     /* one less than how many fit, a power of two */
    atomic_uint silent_first;
    atomic_uint silent_end;
    _Atomic uint64_t other_schemas[GW_OTHER_SCHEMA_COUNT_MAX];
    _Atomic uint64_t quiet_until_ns;       /* for complaints of our own */
    _Atomic uint64_t peers_quiet_until_ns; /* for what peers did wrong */

    /* What drain.c does in turns of the manager. */
    struct gw_turn turn;
    struct gw_timer drain_timer;
    struct gw_task drain_task;
    struct gw_task drained_task;
    uint32_t drain_ms;
    void (*on_drained)(void *context);
    void *drained_context;
};

/*
 * In session.c: makes a session with one reference, that of its stream's life. It cannot be found
 * yet. Returns NULL when there is no memory or no slot.
 */
struct gw_session *gw__session_create(struct gw_session_manager *manager, void *user);
extern const struct gw_stream_events gw__session_stream_events;

/* In receive.c: cuts what has come into frames. */
enum gw_recv gw__session_on_recv(struct gw_stream *stream, struct gw_ring *ring, void *context);

/* The frame at the head of the ring is skipped as it arrives. Its client is not idle. Thread: turn.
 */
static inline void gw__session_skip(struct gw_session *session, const struct gw_frame *frame)
{
    session->packet = NULL;
    session->skip_bytes = GW_FRAME_HEADER_BYTES + frame->body_bytes;
    session->played_ms = session->received_ms;
}

/* In hold.c. Thread of all: turn. */
/* Whether we listen: otherwise it is not the peer's fault that nothing comes. */
static inline bool gw__session_listens(const struct gw_session *session)
{
    return !session->held && !session->paused;
}
/* Reading stops until session->packet has a token, and goes on once it has. */
void gw__session_throttle(struct gw_session *session);
void gw__session_unthrottle(struct gw_session *session);

/* In stage.c. Thread of all: turn. */
/*
 * A frame has come that is not welcome in the session's stage. If it crosses a change of stage, it
 * is refused; otherwise, or when another check fails, the session ends. Returns whether it goes on.
 */
bool gw__stage_admit_crossed(struct gw_session *session, const struct gw_frame *frame,
                             const struct gw_packet_sender *here);
/* The same for session->packet, whose frame was admitted in an earlier call of on_recv. */
void gw__stage_look_again(struct gw_session *session, const struct gw_frame *frame);
/* Leaves the time from `since_ms` to `now_ms`, in which nothing was read, out of GW_CROSSING_MS. */
void gw__stage_leave_out(struct gw_session *session, uint32_t since_ms, uint32_t now_ms);

/* In deadline.c. Thread of all: turn. */
uint32_t gw__session_now_ms(const struct gw_session *session);
/* Whether the process did not run for a while: on_deadline is more than a second late. */
static inline bool gw__session_overslept(const struct gw_session *session, uint32_t now_ms)
{
    return now_ms - session->due_ms - GW_OVERSLEPT_MS < UINT32_MAX / 2; /* and not before */
}
/* Sees to it that on_deadline comes in time for whatever is due first. */
void gw__session_watch(struct gw_session *session);
/* The same when all that is new is due in `left_ms`: cheap when on_deadline comes before. */
void gw__session_watch_within(struct gw_session *session, uint32_t left_ms);
void gw__session_on_deadline(struct gw_stream *stream, void *context);

/*
 * In greeting.c: judges the first header that a server's peer sends. Returns false when it is not
 * a player's; then the session has ended. Owns: borrows GW_FRAME_HEADER_BYTES bytes. Thread: turn.
 */
bool gw__session_is_player(struct gw_session *session, const uint8_t *header);

/* In visitor.c: who begins with these eight bytes. */
enum gw_foreign_protocol gw__foreign_protocol_of(const uint8_t *bytes);

/* In reason.c: what translates into the one list of reasons. Thread: any. */
Gw__CloseReason gw__reason_of_result(enum gw_packet_result result);
Gw__CloseReason gw__reason_of_stream(int reason); /* of on_close: one of ours, or a gw_error */
Gw__CloseReason gw__reason_of_peer(int reason);   /* NONE when it is not in the list */

/*
 * In end.c, after the peer has sent FIN. Finishes the stream once all frames that came before it
 * were handled and no answer is due any more. Thread: turn.
 */
void gw__session_finish_if_done(struct gw_session *session);
void gw__session_on_recv_end(struct gw_stream *stream, void *context);

/*
 * In explain.c: ends a session for what its peer did wrong. CLOSE says it in words, and so does one
 * line of the log in a second. The first one returns false. Thread: turn.
 */
bool gw__session_end_by_header(struct gw_session *session, const struct gw_frame *frame,
                               enum gw_packet_result result, const struct gw_packet_sender *sender);
void gw__session_end_by_body(struct gw_session *session, const struct gw_packet *packet,
                             enum gw_packet_result result, const uint8_t *body,
                             uint32_t body_bytes);
void gw__session_end_by_time(struct gw_session *session, Gw__CloseReason reason);
void gw__session_end_saying(struct gw_session *session, Gw__CloseReason reason, const char *format,
                            ...);

/* In end.c. Thread: any. */
/* As gw_session_end(), with a CLOSE of its own; NULL: with the usual one. */
void gw__session_end_with(struct gw_session *session, Gw__CloseReason reason,
                          struct gw_buf *close_frame);
/* Ends a session to which sending has failed, for that reason. */
void gw__session_end_by_error(struct gw_session *session, int error);
/* Finishes a stream with CLOSE, unless it was finished already. `session` is NULL where there is
 * none. */
void gw__stream_finish_with_close(struct gw_session_manager *manager, struct gw_session *session,
                                  struct gw_stream *stream, Gw__CloseReason reason,
                                  struct gw_buf *close_frame);
/* Makes all that is ever said in CLOSE, so that lack of memory does not keep us from saying so. */
bool gw__close_frames_init(struct gw_session_manager *manager);
void gw__close_frames_fini(struct gw_session_manager *manager);

/*
 * In send.c: the program has called `function` against its rule. Logs that, with the value that was
 * given; the caller does what the rule says then. Thread: any.
 */
void gw__misuse(struct gw_session_manager *manager, const char *function, const char *rule,
                int64_t value);

/* In send.c. Thread: any. */
/* Whether the time in `quiet_until_ns` is over; then another second of quiet begins. */
bool gw__is_quiet_over(const struct gw_session_manager *manager, _Atomic uint64_t *quiet_until_ns);
/* One complaint of our own in a while: whether this may be it. */
bool gw__may_complain(struct gw_session_manager *manager);
/* Gives a frame its length, and shows it. Returns its packet; NULL when it may not be sent. */
const struct gw_packet *gw__session_prepare(struct gw_session *session, struct gw_frame *frame,
                                            const ProtobufCMessage *message);
/* Packs a message straight into the stream's queue; `frame` has its length. */
void gw__session_queue(struct gw_session *session, const struct gw_packet *packet,
                       const struct gw_frame *frame, const ProtobufCMessage *message);
/* Queues a body that is packed already. */
void gw__session_send_packed(struct gw_session *session, const struct gw_packet *packet,
                             const struct gw_frame *frame, const uint8_t *body);
/* Queues bytes [begin, end) of `buf`, and returns whether it did. A session that cannot take them
 * ends. */
bool gw__session_push_part(struct gw_session *session, struct gw_buf *buf, uint32_t begin,
                           uint32_t end);
/* Whether a message is of the type of its packet. One that is not goes to the log. */
static inline bool gw__packet_is_of(struct gw_session_manager *manager,
                                    const struct gw_packet *packet, const ProtobufCMessage *message)
{
    bool is_of = message->descriptor == packet->message;
    if (!is_of) {
        gw__misuse(manager, "send", "the message is of another type than its packet", packet->id);
    }
    return is_of;
}
/* Whether older ones may make way for newer ones, where a peer is slow. */
bool gw__packet_coalesces(const struct gw_session_manager *manager, const struct gw_packet *packet);
/* Whether a body is not too long for its packet. One that is goes to the log. */
void gw__packet_complain(struct gw_session_manager *manager, const struct gw_packet *packet,
                         size_t body_bytes);
static inline bool gw__packet_fits(struct gw_session_manager *manager,
                                   const struct gw_packet *packet, size_t body_bytes)
{
    bool fits = body_bytes <= packet->body_bytes_max;
    if (!fits) {
        gw__packet_complain(manager, packet, body_bytes);
    }
    return fits;
}
/* Counts a packet that went out to so many. */
void gw__packet_count_out(struct gw_session_manager *manager, const struct gw_packet *packet,
                          uint32_t receiver_count);
/* Calls on_packet, if there is one. `session` is NULL for a group, and for a CLOSE without session.
 */
static inline void gw__packet_show(struct gw_session_manager *manager, struct gw_session *session,
                                   struct gw_session_packet packet)
{
    if (manager->events->on_packet != NULL) {
        const struct gw_session_packet shown = packet; /* without a callback it is in no memory */
        manager->events->on_packet(session, &shown, manager->context);
    }
}
/* The same for a frame that was encoded before. Only on_packet costs the decoding. */
void gw__packet_show_encoded(struct gw_session_manager *manager, struct gw_session *session,
                             struct gw_buf *buf);

/* In manager.c. Thread: any. */
/* The table in which the packet with this id must be, if there is one. */
static inline const struct gw_packet_table *
gw__packet_table(const struct gw_session_manager *manager, uint16_t packet_id)
{
    return packet_id <= GW_PACKET_ID_CONTROL_MAX ? &gw__control_packets : manager->packets;
}
/* The packet, when it is one that this side may send; otherwise logs that and returns NULL. */
static inline const struct gw_packet *gw__packet_to_send(struct gw_session_manager *manager,
                                                         uint16_t packet_id)
{
    const struct gw_packet *packet =
        gw_packet_find(gw__packet_table(manager, packet_id), packet_id);
    if (packet == NULL || (packet->from & manager->sends_from) == 0) {
        gw__misuse(manager, "send", "a packet of the table that this side may send", packet_id);
        return NULL;
    }
    return packet;
}
/* The longest frame that comes in. */
uint32_t gw__frame_bytes_max(const struct gw_session_manager *manager);

/* In places.c. Thread: any. */
bool gw__manager_is_draining(struct gw_session_manager *manager);
/*
 * One session more: returns NONE, or why there is no room for it, SHUTDOWN when all is over. One
 * less: the last thing that is done for it.
 */
Gw__CloseReason gw__manager_enter(struct gw_session_manager *manager);
void gw__manager_leave(struct gw_session_manager *manager);
/*
 * Something of a session is on its way through turns, and nobody is told that all is over before it
 * has been released. Returns false when they were told already.
 */
bool gw__manager_ref(struct gw_session_manager *manager);
void gw__manager_unref(struct gw_session_manager *manager);
/* From now on we are draining; afterwards the last one to leave calls gw__manager_drained(). */
void gw__manager_set_draining(struct gw_session_manager *manager);
/* If nobody is left now, calls gw__manager_drained(), unless it has been called. */
void gw__manager_check_drained(struct gw_session_manager *manager);

/* In door.c. */
/* Makes room for the ids of sessions without a HELLO; init() returns whether there is memory. */
bool gw__silent_init(struct gw_session_manager *manager);
void gw__silent_fini(struct gw_session_manager *manager);
/* A connection stands and has sent nothing yet. Thread: turn. */
void gw__silent_add(struct gw_session *session);
/* A HELLO has come. Returns false when the session was displaced, and ends. Thread: turn. */
bool gw__silent_end(struct gw_session *session);

/* In drain.c. */
void gw__drain_init(struct gw_session_manager *manager);
/* Nobody is left. Thread: any, once. */
void gw__manager_drained(struct gw_session_manager *manager);

/* In membership.c: the session has its last turn, and leaves all its groups. Thread: turn. */
void gw__session_leave_groups(struct gw_session *session);

#endif

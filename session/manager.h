/* session/manager.h: everybody who is here. */
#ifndef GW_SESSION_MANAGER_H
#define GW_SESSION_MANAGER_H

#include "net/stream.h"
#include "session/session.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gw_addr;
struct gw_packet;
struct gw_packet_table;
struct gw_port;

/* What on_greet returns to answer later. */
enum { GW_GREET_LATER = -1 };

/* One packet as it passed; see on_packet. */
struct gw_session_packet {
    const struct gw_packet *packet;
    const struct gw_frame *frame;    /* its tag, flags and length */
    const ProtobufCMessage *message; /* NULL: its type has none, or no memory to decode it */
    bool inbound;
};

/*
 * What happens to sessions. All callbacks run in turns of the session they name, but for what
 * on_packet says of itself. Only on_end must be there.
 *
 *      on_begin   [on_greet   on_greeted   handlers*]   on_end
 */
struct gw_session_events {
    /*
     * The connection stands; nothing has been said yet. A client says gw_session_hello() here. It
     * must not block.
     */
    void (*on_begin)(struct gw_session *session, void *context);

    /*
     * On the server's side: a peer has said HELLO, with a version that is ours. Returns 0 to let it
     * in, a close reason to refuse it, or GW_GREET_LATER to answer with gw_session_greet() within
     * the greeting deadline. Any other number is logged and refuses it with NOT_WELCOME. Without
     * this callback everybody is let in.
     * It must not block: a lookup of the name or the credentials answers with gw_session_greet().
     */
    int (*on_greet)(struct gw_session *session, const Gw__Hello *hello, void *context);

    /*
     * It is greeted: HELLO_ACK is on its way (`ack` is NULL) or, on a client's side, has come. It
     * must not block.
     */
    void (*on_greeted)(struct gw_session *session, const Gw__HelloAck *ack, void *context);

    /*
     * On a client's side: the server asks us to leave in good order until the deadline. It must not
     * block.
     */
    void (*on_go_away)(struct gw_session *session, const Gw__GoAway *go_away, void *context);

    /*
     * A packet has come in and is about to be handled, or is about to be sent, unless it turns out
     * to be an answer that nobody waits for; the latter on the thread that sends it. For the log:
     * it must not send or end anything, and NULL costs nothing. What was encoded before is decoded
     * for it and shown as it is queued: gw_session_send_encoded(), GOAWAY and CLOSE. `session` is
     * NULL for what is said to a group, which is shown once, in a turn of its owner, and for the
     * CLOSE of a connection that never became a session. What is dropped or refused unread is not
     * shown. It must not block.
     */
    void (*on_packet)(struct gw_session *session, const struct gw_session_packet *packet,
                      void *context);

    /*
     * A slow peer has missed packets of this type, which its schema lets coalesce: while more than
     * a fourth of send_queue_bytes_max waited that the kernel did not take, older ones that had not
     * begun to leave were dropped when a newer one came. The newest has left now, so that there is
     * room for what makes up for the rest, such as a full snapshot. Without this callback nothing
     * is ever dropped.
     * It must not block.
     */
    void (*on_lost)(struct gw_session *session, uint16_t packet_id, void *context);

    /*
     * It is gone, and gw_session_manager_find() no longer finds it. Once for each session that
     * began, and for each dialed one that never stood. `reason` is why this side ended it, or
     * BY_PEER, or NETWORK; when it is BY_PEER, `peer_reason` is what the peer's CLOSE said (NONE
     * when it only hung up). No callback follows. It leaves its groups after this: what is posted
     * to their owners from here comes before that. It must not block.
     */
    void (*on_end)(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context);
};

enum gw_session_side { GW_SIDE_SERVER, GW_SIDE_CLIENT };

/*
 * Rates. On a server's side each session has a token bucket for each packet type whose schema gives
 * it a rate. A packet that finds no token waits for one, and with it all that the peer has sent
 * behind it: reading is suspended, TCP slows the peer down, and nothing is lost. Tokens come back
 * at twice the rate then. While it waits the session is neither silent nor idle, and no frame is
 * late. A packet that is marked droppable is dropped instead, unread; its tokens come back at the
 * rate.
 *
 * Each packet of the type counts, delayed and dropped ones too. A session that gets further ahead
 * of the rate than `burst` packets and `excess_ms` of the rate ends with TOO_OFTEN. Time in which
 * the session is paused, or the process does not run, counts twice: once as it passes, and once for
 * what the peer sent meanwhile. See session/rates.h for why this ends no client that keeps to its
 * rate.
 */

/* 0 takes the default in brackets. */
struct gw_session_manager_config {
    enum gw_session_side side;
    uint32_t session_count_max;   /* at one time [10,000] */
    uint32_t greeting_timeout_ms; /* from on_begin to HELLO and its answer [5,000] */
    uint32_t heartbeat_ms;        /* as PING in WIRE.md; clients keep to the server's [10,000] */
    uint32_t idle_timeout_ms;     /* without a packet of the game; 0: never */
    uint32_t frame_timeout_ms;    /* from the first byte of a frame to its last [10,000] */
    uint32_t excess_ms;           /* how far a client may get ahead of a rate [12,000] */
    uint32_t request_timeout_ms;  /* see session/request.h [5,000; on a client's side 10,000] */
    bool unlimited;               /* no rate is counted, whatever the schema says */
    uint32_t body_bytes_max_connected; /* from a client before it is greeted [1,024] */
    /* The longest body from a greeted client [4,096] or, on a client's side, from the server
     * [65,536]. A longer one is TOO_LONG, whatever max_bytes its packet has: a server whose schema
     * has a client packet with more logs body_bytes_max_too_small when the manager is created. */
    uint32_t body_bytes_max;
    uint32_t arena_bytes; /* the most memory one unpacked packet may take [262,144] */
    /* What the kernel does not take for one session [262,144]; see gw_stream_send(). A session that
     * exceeds it ends with SLOW_CONSUMER. */
    uint32_t send_queue_bytes_max;
};

struct gw_session_manager;

/* A connection that has sent no HELLO for so long may have to make room for another. */
enum { GW_SILENCE_MS_MIN = 100 };

/*
 * Makes an empty manager.
 *
 * Returns   the manager; NULL when there is no memory for it, or, with a log line that says what
 *           is wrong, when on_end is missing, session_count_max is above 2^29, a limit of bodies is
 *           larger than a frame's, or `packets` contradicts itself.
 * Owns      gives the manager; end it with gw_session_manager_destroy(). Copies `config`; borrows
 *           `port`, `packets`, `events` and `context` for its whole life.
 * Thread    setup.
 */
struct gw_session_manager *gw_session_manager_create(struct gw_port *port,
                                                     const struct gw_session_manager_config *config,
                                                     const struct gw_packet_table *packets,
                                                     const struct gw_session_events *events,
                                                     void *context);

/*
 * Owns      takes `manager`, which may be NULL. All sessions must have ended and all references to
 *           them must have been let go; while sessions are there it is logged and the manager
 * stays. Thread    setup, before gw_port_destroy().
 */
void gw_session_manager_destroy(struct gw_session_manager *manager);

/* What the streams of its sessions need: for the config of a listener. Thread: any. */
struct gw_stream_config gw_session_manager_stream_config(const struct gw_session_manager *manager);

/*
 * Makes a session of a stream that has just come in, and starts it. When session_count_max are
 * here already, the oldest of them ends with CLOSE SERVER_FULL and makes room if it has sent no
 * HELLO for GW_SILENCE_MS_MIN; otherwise the new peer gets CLOSE SERVER_FULL instead. On a client's
 * side it does nothing, and the stream is closed.
 *
 * Owns      keeps its own reference to `stream`.
 * Thread    turn, of the listener, inside on_accept.
 */
void gw_session_manager_admit(struct gw_session_manager *manager, struct gw_stream *stream);

/*
 * Makes a session by calling somebody; for bots. on_begin comes when they answer, on_end when they
 * do not. `source` is the address to come from, or NULL. `user` is what gw_session_user() returns
 * from the first callback on.
 *
 * Returns   the id of the session, or GW_SESSION_ID_NONE when there is no room, descriptor or
 *           memory for one, or this is a server's side; then no callback comes.
 * Owns      borrows `addr` and `source`.
 * Thread    any.
 */
gw_session_id gw_session_manager_dial(struct gw_session_manager *manager,
                                      const struct gw_addr *addr, const struct gw_addr *source,
                                      void *user);

/*
 * Finds a session by id.
 *
 * Returns   the session, or NULL when it has ended.
 * Owns      gives one reference; let it go with gw_session_unref().
 * Thread    any.
 */
struct gw_session *gw_session_manager_find(struct gw_session_manager *manager, gw_session_id id);

/*
 * Calls `visit` for each session that is here now. Who comes or goes meanwhile may or may not be
 * visited. No lock is held during a visit. `visit` must not block when this
 * is called in a turn.
 *
 * Owns      `visit` borrows the session.
 * Thread    any.
 */
void gw_session_manager_each(struct gw_session_manager *manager,
                             void (*visit)(struct gw_session *session, void *context),
                             void *context);

/*
 * Says goodbye to everybody. At once: GOAWAY to who is greeted, CLOSE SHUTDOWN to the others and to
 * whoever still comes. Packets are served until players leave or `drain_ms` has passed, then CLOSE
 * SHUTDOWN goes to the rest. A client's side has no GOAWAY to say; the rest is the same.
 *
 * When nobody is left, in no group either, `on_drained` is called, once, in a turn of the manager:
 * within drain_ms + GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS, as long as nobody new comes. What
 * on_end has posted to the owners of the session's groups has run by then. From then on nobody is
 * let in: a stream that still comes in is closed. A second call is logged and does nothing.
 * `on_drained` must not block.
 *
 * Thread    any, once.
 */
void gw_session_manager_drain(struct gw_session_manager *manager, uint32_t drain_ms,
                              void (*on_drained)(void *context), void *context);

/*
 * How many are here: from their admission or dial to the end of on_end; without those that made
 * room for another and are still closing. Thread: any.
 */
uint32_t gw_session_manager_count(const struct gw_session_manager *manager);

/* Who came to the door and was not a player. */
enum gw_foreign_protocol {
    GW_FOREIGN_HTTP,
    GW_FOREIGN_TLS,
    GW_FOREIGN_SSH,
    GW_FOREIGN_RDP,
    GW_FOREIGN_OTHER,
    GW_FOREIGN_COUNT
};

/* Gw__CloseReason is below this; a reason of a schema that is not is treated as an unknown one. */
enum { GW_CLOSE_REASON_COUNT = 64 };

/* What the manager has seen so far. The sum of `ended` is `begun` once all have ended. */
struct gw_session_counters {
    uint64_t begun; /* accepted or dialed, those turned away at the limit among them */
    uint64_t greeted;
    uint64_t ended[GW_CLOSE_REASON_COUNT]; /* by Gw__CloseReason */
    uint64_t unknown_protocol[GW_FOREIGN_COUNT];
    uint64_t displaced;        /* of those ended with SERVER_FULL: after they had come in */
    uint64_t other_schema;     /* greetings with a schema_hash that is not ours */
    uint64_t requests_late;    /* not answered in time */
    uint64_t requests_refused; /* came in while too many were open, or crossed a change of stage */
    uint64_t answers_ignored;  /* second ones, and those that came too late */
    uint64_t frames_in;
    uint64_t frames_out; /* to a group: once for each member */
};

/* Adds up the counters; while workers run, a picture that is a moment old. Thread: any. */
void gw_session_manager_counters(const struct gw_session_manager *manager,
                                 struct gw_session_counters *counters_out);

/* The table of the control packets, which each manager adds to its game's. Thread: any. */
const struct gw_packet_table *gw_control_packets(void);

/* What became of the packets of one type. */
struct gw_session_packet_counters {
    uint64_t in;      /* came in whole and were not dropped */
    uint64_t out;     /* went out; to a group: once for each member */
    uint64_t delayed; /* had to wait for a token of their rate */
    uint64_t dropped; /* came in above their rate and were not handled */
    uint64_t crossed; /* came in for a stage that the server had just left, and were not handled */
    uint64_t lost;    /* how often on_lost told of them */
};

/* Adds them up; all 0 for an unknown id. Thread: any. */
void gw_session_manager_packet_counters(const struct gw_session_manager *manager,
                                        uint16_t packet_id,
                                        struct gw_session_packet_counters *counters_out);

/* A visitor's name for people: "http". Thread: any. */
const char *gw_foreign_protocol_name(enum gw_foreign_protocol visitor);

#ifdef __cplusplus
}
#endif

#endif

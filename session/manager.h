/* session/manager.h: the sessions of one port: limits, events, counters, draining. */
#ifndef GW_SESSION_MANAGER_H
#define GW_SESSION_MANAGER_H

#include "net/stream.h"
#include "session/session.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gw_addr;
struct gw_listener;
struct gw_packet;
struct gw_packet_table;
struct gw_port;

/* on_greet returns it to answer the HELLO later. */
enum { GW_GREET_LATER = -1 };

/* One received or sent packet; see on_packet. */
struct gw_session_packet {
    const struct gw_packet *packet;
    const struct gw_frame *frame;    /* its tag, flags and length */
    const ProtobufCMessage *message; /* NULL: the packet has no message type, or out of memory */
    bool inbound;
};

/*
 * The events of a session, in this order. Each callback runs in a turn of the session that it
 * names, except on_packet and on_listener_closed, which say so. Only on_end is required.
 *
 *      on_begin   [on_greet   on_greeted   handlers*]   on_end
 */
struct gw_session_events {
    /*
     * The connection is established; nothing was sent yet. A client calls gw_session_hello(). It
     * must not block.
     */
    void (*on_begin)(struct gw_session *session, void *context);

    /*
     * Server side: a HELLO with a supported version was received. Returns 0 to accept the client, a
     * close reason to refuse it, or GW_GREET_LATER to answer with gw_session_greet() within
     * greeting_timeout_ms. Any other number is logged and refuses the client with NOT_WELCOME.
     * NULL: every client is accepted. It must not block: a lookup of a name or of credentials is
     * done elsewhere and answers with gw_session_greet().
     */
    int (*on_greet)(struct gw_session *session, const Gw__Hello *hello, void *context);

    /*
     * The greeting is complete. Server side: HELLO_ACK is queued, and `ack` is NULL. Client side:
     * `ack` was received. It must not block.
     */
    void (*on_greeted)(struct gw_session *session, const Gw__HelloAck *ack, void *context);

    /*
     * Client side: the server shuts down; the client should leave before the deadline. It must not
     * block.
     */
    void (*on_go_away)(struct gw_session *session, const Gw__GoAway *go_away, void *context);

    /*
     * A packet was received and is about to be handled, or is about to be queued. The callback is
     * for logging: it must not send a packet or end a session. NULL costs nothing.
     *
     * A sent packet is reported on the thread that sends it, before an answer is checked for being
     * late. A frame that was encoded before (gw_session_send_encoded(), GOAWAY, CLOSE) is decoded
     * for the callback and reported when it is queued. `session` is NULL for a message to a group
     * or to all sessions, which is reported once, and for the CLOSE of a connection that did not
     * become a session. A packet that is dropped or refused unread is not reported. It must not
     * block.
     */
    void (*on_packet)(struct gw_session *session, const struct gw_session_packet *packet,
                      void *context);

    /*
     * The peer has missed packets of this type, which the schema marks as coalescing. While more
     * than a fourth of send_queue_bytes_max waits for the kernel, a new packet of the type replaces
     * older ones that have not begun to be sent. The event occurs when the newest one was sent, so
     * that there is room for a replacement such as a full snapshot. NULL: packets never coalesce.
     * It must not block.
     */
    void (*on_lost)(struct gw_session *session, uint16_t packet_id, void *context);

    /*
     * The send queue is low again: it was above a fourth of send_queue_bytes_max, and has drained
     * to an eighth or less. A sender that stopped because of gw_session_send_queue_bytes()
     * continues here. Does not occur once the session has ended. May be NULL. It must not block.
     */
    void (*on_send_low)(struct gw_session *session, void *context);

    /*
     * The session has ended, and gw_session_manager_find() no longer returns it. Occurs once for
     * each session that began, and for each dialed one whose connection failed; it is the last
     * event. `reason` is the reason given on this side, or BY_PEER, or NETWORK, or that of a byte
     * filter. For BY_PEER
     * `peer_reason` is the reason in the peer's CLOSE, or NONE when the peer sent no CLOSE. The
     * session leaves its groups after this event: tasks posted here to the owners of the groups run
     * before that. It must not block.
     */
    void (*on_end)(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context);

    /*
     * A listener of gw_session_manager_listen() has closed after gw_listener_close(). It is invalid
     * after this event, which is its last. Occurs in a turn of the listener, not of a session. A
     * program that stops its port when everything has ended counts its listeners here. It must not
     * block. May be NULL.
     */
    void (*on_listener_closed)(struct gw_listener *listener, void *context);
};

enum gw_session_side { GW_SIDE_SERVER, GW_SIDE_CLIENT };

/*
 * Rate limits. On the server side each session has a token bucket for each packet type whose schema
 * sets a rate. When a packet finds no token, reading from the client is suspended until there is a
 * token; TCP flow control slows the client down, and nothing is lost. Tokens return at twice the
 * rate then, and the time of the suspension does not count for the heartbeat, idle and frame
 * timeouts. A packet that the schema marks as droppable is dropped unread instead; its tokens
 * return at the rate.
 *
 * Every packet of the type counts, also a delayed or dropped one. A session that gets ahead of the
 * rate by more than `burst` packets and `excess_ms` of the rate ends with TOO_OFTEN. Time in which
 * the session is paused or the process does not run counts twice: once as it passes, and once for
 * the packets that the peer sent in it. session/rates.h shows why a client that observes its rate
 * is never ended.
 */

/*
 * 0 selects the default in brackets. GW_OFF (net/port.h) switches a timeout or interval off: each
 * member that ends in _ms. Without request_timeout_ms a pause after FIN has no limit either, and a
 * client that has sent FIN stays until its requests are answered.
 */
struct gw_session_manager_config {
    enum gw_session_side side;
    uint32_t session_count_max; /* at the same time [10,000] */
    /* Server side: connections that have sent no HELLO [session_count_max / 4, at least 1,024].
     * They are not counted as sessions; see gw_session_manager_admit(). */
    uint32_t pending_count_max;
    /* Server side: limits for each IPv4 address and each /64 of IPv6, GW_OFF for none: connections
     * at the same time [20], and new ones in a second [10], with a burst of four times as many. */
    uint32_t address_connection_count_max;
    uint32_t address_connects_per_second;
    bool limit_loopback; /* also those of 127.0.0.0/8 and ::1, which have no limit otherwise */
    uint32_t greeting_timeout_ms;      /* from on_begin to the end of the greeting [5,000] */
    uint32_t heartbeat_ms;             /* see PING in WIRE.md; clients use the server's [10,000] */
    uint32_t idle_timeout_ms;          /* without a packet of the game [GW_OFF] */
    uint32_t frame_timeout_ms;         /* from the first byte of a frame to its last [10,000] */
    uint32_t excess_ms;                /* how far a client may get ahead of a rate [12,000] */
    uint32_t request_timeout_ms;       /* see session/request.h [server 5,000; client 10,000] */
    bool unlimited;                    /* switches all rate limits off */
    uint32_t body_bytes_max_connected; /* from a client before the greeting [1,024] */
    /* From a greeted client [4,096] or, on the client side, from the server [65,536]. A longer body
     * is TOO_LONG, whatever max_bytes its packet has. A server whose schema has a client packet
     * with a larger max_bytes logs body_bytes_max_too_small when the manager is created. */
    uint32_t body_bytes_max;
    uint32_t arena_bytes; /* memory for one decoded packet [262,144] */
    /* Bytes that wait for the kernel, for one session [262,144]; see gw_stream_send(). A session
     * that exceeds it ends with SLOW_CONSUMER. */
    uint32_t send_queue_bytes_max;
};

struct gw_session_manager;

/*
 * Refused and displaced connections that send CLOSE at the same time. Further ones are closed
 * without it. The port needs streams for them, and for displaced ones that are being closed, in
 * addition to session_count_max and pending_count_max: four times this number is enough.
 */
enum { GW_REFUSED_COUNT_MAX = 1024 };

/*
 * Creates a manager without sessions.
 *
 * Returns   the manager, or NULL when out of memory. Also NULL, with a log line that names the
 *           error, when on_end is NULL, session_count_max is above 2^29, pending_count_max
 *           is above 2^30, a body limit is larger than a frame, or `packets` is inconsistent.
 * Owns      gives the manager, destroy it with gw_session_manager_destroy(); copies `config`;
 *           borrows `port`, `packets`, `events` and `context` until it is destroyed
 * Thread    setup
 */
struct gw_session_manager *gw_session_manager_create(struct gw_port *port,
                                                     const struct gw_session_manager_config *config,
                                                     const struct gw_packet_table *packets,
                                                     const struct gw_session_events *events,
                                                     void *context);

/*
 * Destroys the manager. All sessions must have ended, and all references to them must have been
 * released. While there are sessions the call is logged and has no effect.
 *
 * Owns      takes `manager`, which may be NULL
 * Thread    setup, before gw_port_destroy()
 */
void gw_session_manager_destroy(struct gw_session_manager *manager);

/*
 * Server side: listens at `addr` and admits every accepted connection as a session, as
 * gw_session_manager_admit() does. A manager may listen at several addresses.
 *
 * The caller closes the listener with gw_listener_close(); its sessions continue. Closing it before
 * gw_session_manager_drain() lets new clients connect to another server; connections that arrive
 * while the manager drains receive CLOSE SHUTDOWN.
 *
 * Returns   0; GW_E_UNSUPPORTED, with a log line, on the client side; or an error of
 *           gw_listener_open(), which says when this call waits for an address in use.
 *           *listener_out is set only on 0.
 * Owns      gives the listener until on_listener_closed, which occurs before `manager` is
 *           destroyed; borrows `addr`
 * Thread    any
 */
int gw_session_manager_listen(struct gw_session_manager *manager, const struct gw_addr *addr,
                              struct gw_listener **listener_out);

/*
 * The same, with byte filters between the sockets and the sessions: PROXY, TLS, WebSocket. The
 * first of `filters` is next to the socket; NULL ends a shorter list. The handshakes of filters are
 * part of the greeting, and have its deadline. When a filter fails, the session ends with
 * BAD_PROXY, BAD_TLS or BAD_WEBSOCKET, see gw_session_problem(). Until a PROXY header has arrived,
 * gw_session_peer() is the address of the proxy.
 *
 * Owns      as above; the listener and its sessions hold references to the sources
 */
int gw_session_manager_listen_filtered(
    struct gw_session_manager *manager, const struct gw_addr *addr,
    struct gw_filter_source *const filters[GW_STREAM_FILTER_COUNT_MAX],
    struct gw_listener **listener_out);

/*
 * Returns the stream configuration of its sessions, for a program that opens a listener itself:
 * with another backlog, or to refuse connections before it calls gw_session_manager_admit().
 * Thread: any.
 */
struct gw_stream_config gw_session_manager_stream_config(const struct gw_session_manager *manager);

/*
 * Creates a session for a stream that a listener has accepted, and starts the stream. The session
 * is pending until its HELLO.
 *
 * When there are pending_count_max pending sessions already, the oldest one ends with SERVER_FULL
 * to make room: a HELLO follows its connection at once, so silent connections keep no client out. A
 * HELLO receives SERVER_FULL when there are session_count_max sessions.
 *
 * A connection above a limit of its address receives CLOSE ADDRESS_LIMIT; the event "address_limit"
 * is logged at most once a minute for an address, with the number of refused connections. Limits
 * are not applied to an address that is all zero, and not before the HELLO to one that a PROXY
 * header will replace. The table of addresses has a fixed size; a connection from
 * an address that finds no room in it is admitted.
 *
 * On the client side the call is logged, and the stream is closed.
 *
 * Owns      holds its own reference to `stream`
 * Thread    turn of the listener, in on_accept
 */
void gw_session_manager_admit(struct gw_session_manager *manager, struct gw_stream *stream);

/*
 * Client side: creates a session and connects it. on_begin occurs when the connection is
 * established, on_end when it fails. `source` is the local address, or NULL. `user` is the initial
 * value of gw_session_user().
 *
 * Returns   the id of the session, or GW_SESSION_ID_NONE when session_count_max is reached, there
 *           is no descriptor or memory, or this is the server side; then no event occurs
 * Owns      borrows `addr` and `source`
 * Thread    any
 */
gw_session_id gw_session_manager_dial(struct gw_session_manager *manager,
                                      const struct gw_addr *addr, const struct gw_addr *source,
                                      void *user);

/*
 * The same, with byte filters, as gw_session_manager_listen_filtered() has them. on_begin occurs
 * when the TCP connection is established, before the handshakes; what is sent there follows them.
 */
gw_session_id gw_session_manager_dial_filtered(
    struct gw_session_manager *manager, const struct gw_addr *addr, const struct gw_addr *source,
    struct gw_filter_source *const filters[GW_STREAM_FILTER_COUNT_MAX], void *user);

/*
 * Finds a session by its id.
 *
 * Returns   the session, or NULL when it has ended
 * Owns      gives one reference, release it with gw_session_unref()
 * Thread    any
 */
struct gw_session *gw_session_manager_find(struct gw_session_manager *manager, gw_session_id id);

/*
 * Calls `visit` for each session. A session that begins or ends during the call may or may not be
 * visited. No lock is held during a visit. `visit` must not block when this is called in a turn.
 *
 * Owns      `visit` borrows the session
 * Thread    any
 */
void gw_session_manager_each(struct gw_session_manager *manager,
                             void (*visit)(struct gw_session *session, void *context),
                             void *context);

/*
 * Sends a message to every greeted session: a notice to all players, for example. It is encoded
 * once, and the send queues share the buffer. A session whose greeting completes during the call
 * may or may not receive it. Messages that a group has collected and not sent yet arrive after it.
 *
 * The checks and their consequences are those of gw_session_send(). Without memory for the message,
 * every greeted session is closed with NO_MEMORY. on_packet reports it once, with a `session` of
 * NULL.
 *
 * Owns      borrows `message`
 * Thread    any
 */
void gw_session_manager_broadcast(struct gw_session_manager *manager, uint16_t packet_id,
                                  const ProtobufCMessage *message);

/*
 * Shuts all sessions down gracefully. A server sends GOAWAY to each greeted session; every other
 * session, and every session that begins from then on, ends with CLOSE SHUTDOWN. Packets are
 * handled until the clients leave or `drain_ms` has passed; then the remaining sessions end with
 * CLOSE SHUTDOWN. A client's side sends no GOAWAY; the rest is the same.
 *
 * When no session is left, not even as a member of a group, `on_drained` is called, once, in a turn
 * of the manager: within drain_ms + GW_STREAM_FLUSH_MS + GW_STREAM_LINGER_MS, unless new
 * connections arrive. Tasks that on_end has posted to the owners of the session's groups have run
 * by then. After that no connection is admitted: a new stream is closed. A second call is logged
 * and has no effect. `on_drained` must not block.
 *
 * Thread    any, once
 */
void gw_session_manager_drain(struct gw_session_manager *manager, uint32_t drain_ms,
                              void (*on_drained)(void *context), void *context);

/*
 * Returns the number of sessions: from their HELLO or dial to the end of on_end. Thread: any.
 */
uint32_t gw_session_manager_count(const struct gw_session_manager *manager);

/*
 * Returns the number of pending sessions: from their admission to their HELLO, their displacement
 * or the end of on_end. Thread: any.
 */
uint32_t gw_session_manager_pending_count(const struct gw_session_manager *manager);

/* The protocol of a connection whose first bytes are not a HELLO. */
enum gw_foreign_protocol {
    GW_FOREIGN_HTTP,
    GW_FOREIGN_TLS,
    GW_FOREIGN_SSH,
    GW_FOREIGN_RDP,
    GW_FOREIGN_PROXY,   /* the PROXY protocol, which a load balancer speaks */
    GW_FOREIGN_GANGWAY, /* on a listener that expects TLS or WebSocket */
    GW_FOREIGN_OTHER,
    GW_FOREIGN_COUNT
};

/*
 * Returns the protocol of a connection that begins with these bytes; GW_FOREIGN_OTHER when it is
 * none of the list or there are too few bytes. A listener that expects TLS or WebSocket calls it
 * for a connection that speaks neither: GW_FOREIGN_GANGWAY is a client that was to connect to
 * another port. Decides by at most 8 bytes. Thread: any.
 */
enum gw_foreign_protocol gw_foreign_protocol_of(const uint8_t *bytes, size_t byte_count);

/*
 * Every Gw__CloseReason of the list is below GW_CLOSE_REASON_GAME; a larger one in the schema is
 * treated as unknown. All reasons of a game have the index GW_CLOSE_REASON_GAME.
 */
enum { GW_CLOSE_REASON_GAME = 63, GW_CLOSE_REASON_COUNT = 64 };

/*
 * Returns the index of a reason in an array of GW_CLOSE_REASON_COUNT, such as the counters; 0
 * (NONE) for a reason that is unknown. Thread: any.
 */
uint32_t gw_close_reason_index(Gw__CloseReason reason);

/* The counters of a manager. When all sessions have ended, the sum of `ended` equals `begun`. */
struct gw_session_counters {
    uint64_t begun; /* connections accepted or dialed, also those rejected at the limit */
    uint64_t greeted;
    uint64_t ended[GW_CLOSE_REASON_COUNT];           /* by gw_close_reason_index() */
    uint64_t ended_ungreeted[GW_CLOSE_REASON_COUNT]; /* of these: before a greeting */
    uint64_t unknown_protocol[GW_FOREIGN_COUNT];
    uint64_t displaced;        /* pending ones that made room for new ones */
    uint64_t other_schema;     /* greetings with another schema_hash */
    uint64_t requests_late;    /* not answered within request_timeout_ms */
    uint64_t requests_refused; /* above GW_REQUEST_COUNT_MAX, or of the previous stage */
    uint64_t answers_ignored;  /* second or late answers */
    uint64_t frames_in;
    uint64_t frames_out; /* to a group or to all sessions: once for each receiver */
};

/* Sums up the counters of all workers; they may change during the call. Thread: any. */
void gw_session_manager_counters(const struct gw_session_manager *manager,
                                 struct gw_session_counters *counters_out);

/* Returns the table of the control packets, which every manager has. Thread: any. */
const struct gw_packet_table *gw_control_packets(void);

/* The counters of one packet type. */
struct gw_session_packet_counters {
    uint64_t in;      /* received completely and not dropped */
    uint64_t out;     /* queued; to a group or to all sessions: once for each receiver */
    uint64_t delayed; /* reading was suspended until there was a token */
    uint64_t dropped; /* received above the rate and not handled */
    uint64_t crossed; /* received for the previous stage and not handled */
    uint64_t lost;    /* on_lost events */
};

/* Sums up the counters of a packet type; all 0 for an unknown id. Thread: any. */
void gw_session_manager_packet_counters(const struct gw_session_manager *manager,
                                        uint16_t packet_id,
                                        struct gw_session_packet_counters *counters_out);

/* Returns the name of a protocol: "http". Thread: any. */
const char *gw_foreign_protocol_name(enum gw_foreign_protocol protocol);

#ifdef __cplusplus
}
#endif

#endif

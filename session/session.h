/* session/session.h: a peer we know, from its first byte to its last. */
#ifndef GW_SESSION_SESSION_H
#define GW_SESSION_SESSION_H

#include "proto/gw/control.pb-c.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gw_addr;
struct gw_buf;
struct gw_frame;
struct gw_session_manager;
struct gw_turn;

/*
 * A session is where bytes and packets meet: it owns one stream, cuts what comes in into frames,
 * hands each to the dispatcher, and turns what goes out into buffers.
 *
 * It has the turns of its stream (see net/port.h). A handler runs inside one, so it may touch its
 * own session freely, and another only through the functions marked any.
 *
 * Between turns, hold the id. An id never comes back for another peer, so a stale one finds
 * nobody; a stale pointer finds anything. To work with a session from elsewhere, turn its id into
 * a reference with gw_session_manager_find(), use it, and let it go.
 */
struct gw_session;

/* A slot and the generation of who sits in it. */
typedef uint64_t gw_session_id;

#define GW_SESSION_ID_NONE ((gw_session_id)0)

/* Which of WIRE.md's formats this is; a HELLO with another number is refused. */
enum { GW_PROTOCOL_MAJOR = 1 };

/* Why it ended: Gw__CloseReason of proto/gw, the one list for wire, log, counters and game. */

/* Thread: any. */
gw_session_id gw_session_id_of(const struct gw_session *session);

/* The address of the peer. Thread: any. */
const struct gw_addr *gw_session_peer(const struct gw_session *session);

/* Its turn: to post tasks, to keep timers, to assert. Thread: any. */
struct gw_turn *gw_session_turn(struct gw_session *session);

/* The manager it belongs to. Thread: any. */
struct gw_session_manager *gw_session_manager_of(const struct gw_session *session);

/*
 * Packs `message` into a frame and queues it.
 *
 * Nothing is returned, because nothing is left to do for the caller: to a session that has ended
 * the packet is dropped, and one whose queue is full ends with SLOW_CONSUMER. A packet that this
 * side may not send or that no table has, a message of another type, and one that is longer than
 * its packet may be are mistakes of the caller: they are logged and dropped.
 *
 * Owns      borrows `message`.
 * Thread    any.
 */
void gw_session_send(struct gw_session *session, uint16_t packet_id,
                     const ProtobufCMessage *message);

/*
 * The general form: with flags and a tag, for requests and replies. `frame->body_bytes` is ignored.
 * Owns, Thread: as above.
 */
void gw_session_send_frame(struct gw_session *session, const struct gw_frame *frame,
                           const ProtobufCMessage *message);

/*
 * Answers a request: packs `message` into a frame with the request's tag and GW_FRAME_REPLY; see
 * session/request.h. What came without a tag expects no answer, and gets a plain packet.
 *
 * Owns      borrows `request`, the frame its handler was called with, and `message`.
 * Thread    any.
 */
void gw_session_reply(struct gw_session *session, const struct gw_frame *request,
                      uint16_t packet_id, const ProtobufCMessage *message);

/*
 * Queues a packet whose body is not a message, as it is: `body` has frame->body_bytes. One that has
 * a message, or is longer than its packet may be, is dropped, as above.
 *
 * Owns      borrows `body`.
 * Thread    any.
 */
void gw_session_send_opaque(struct gw_session *session, const struct gw_frame *frame,
                            const uint8_t *body);

/*
 * Queues a frame made by gw_session_encode(). For one message to many sessions. A buffer that is
 * not one frame, and a packet that this side may not send, are dropped, as above.
 *
 * Owns      borrows `frame`.
 * Thread    any.
 */
void gw_session_send_encoded(struct gw_session *session, struct gw_buf *frame);

/*
 * Packs `message` into a frame, once, for many.
 *
 * Returns   the frame, or NULL when there is no memory or the message is longer than a frame.
 * Owns      gives one reference; let it go with gw_buf_unref(). Borrows `message`.
 * Thread    any.
 */
struct gw_buf *gw_session_encode(uint16_t packet_id, const ProtobufCMessage *message);

/*
 * For the client's side: opens the greeting. Inside or after on_begin, once; a second call, or one
 * on a server's side, is logged and does nothing.
 *
 * protocol_major and schema_hash are filled in; set name, credentials and client_build.
 *
 * Owns      borrows `hello`.
 * Thread    turn.
 */
void gw_session_hello(struct gw_session *session, const Gw__Hello *hello);

/*
 * For the server's side: answers a HELLO that on_greet put off with GW_GREET_LATER. 0 lets the peer
 * in; a close reason refuses it; any other number is logged and refuses it with NOT_WELCOME. Has no
 * effect on a session that has ended or was answered, nor, but for a log line, before its HELLO.
 *
 * Thread    turn.
 */
void gw_session_greet(struct gw_session *session, int result);

/*
 * Ends the session: CLOSE with the reason, then FIN, after what is queued has been sent. The first
 * call decides the reason. What the peer still sends is read and discarded. A reason of the list,
 * but not NONE; a client that leaves says SHUTDOWN. Any other number is logged, and counts as
 * KICKED.
 *
 * Thread    any.
 */
void gw_session_end(struct gw_session *session, Gw__CloseReason reason);

/* Whether an end has begun. What is sent to it from now on is dropped. Thread: any. */
bool gw_session_has_ended(const struct gw_session *session);

/*
 * Stops and resumes reading. A session that is paused handles no packet more, not even those that
 * have come already; its peer is slowed down by TCP, and nothing is lost. Nobody is silent, idle or
 * late with a frame because we do not listen. It can be ended, and a pause does not keep it from
 * that. A peer that is gone (RST) ends it within a second or so, with NETWORK; what the peer had
 * sent before is dropped then. After the peer's FIN, which is noticed in the same time, each pause
 * lasts request_timeout_ms at most: then the session ends with BY_PEER, and frames that were not
 * handled by then are dropped.
 *
 * Thread    turn.
 */
void gw_session_pause(struct gw_session *session);
void gw_session_resume(struct gw_session *session);

/*
 * Where the peer stands: the game's stage, 0 to GW_STAGE_GAME_MAX. It decides which packets are
 * welcome. The greeting leads to stage 0, unless on_greet set another. A stage beyond the last one
 * is logged, and the session stays where it is.
 *
 * Outside a handler of this session's packets, the peer does not know of the change yet. So for one
 * second, packets that were welcome in the stage before are refused or dropped instead of ending
 * the session: see WIRE.md, "Stages".
 *
 * Thread    turn.
 */
void gw_session_set_stage(struct gw_session *session, uint32_t stage);

/*
 * What the game ties to the session, such as its player. NULL at first.
 *
 * Owns      borrows; the game ends it in on_end.
 * Thread    turn.
 */
void gw_session_set_user(struct gw_session *session, void *user);
void *gw_session_user(const struct gw_session *session);

/* Takes one more reference. Returns `session`. Thread: any that holds one, or turn. */
struct gw_session *gw_session_ref(struct gw_session *session);

/* Lets one reference go; the last one frees the session. NULL is allowed. Thread: any. */
void gw_session_unref(struct gw_session *session);

/* A reason's name for people: "SLOW_CONSUMER"; "?" for a number not in the list. Thread: any. */
const char *gw_close_reason_name(Gw__CloseReason reason);

#ifdef __cplusplus
}
#endif

#endif

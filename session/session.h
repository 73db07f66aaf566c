/* session/session.h: one connection to a peer: its identity, sending, stage and end. */
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
 * A session is one connection that exchanges packets. It owns a stream, divides the received bytes
 * into frames, passes each packet to its handler, and encodes the packets to send.
 *
 * The turns of a session are those of its stream (see net/port.h). A handler runs in a turn of its
 * session, so it may call every function below for that session. For another session it may call
 * only the functions marked any.
 *
 * Between turns, store the id and not the pointer. An id is never reused: a stale id returns NULL,
 * a stale pointer is undefined behaviour. gw_session_manager_find() returns a reference for an id;
 * release it with gw_session_unref().
 */
struct gw_session;

/* The index of a slot, and the generation of its session. */
typedef uint64_t gw_session_id;

#define GW_SESSION_ID_NONE ((gw_session_id)0)

/* The major version of the format in WIRE.md. A HELLO with another version is refused. */
enum { GW_PROTOCOL_MAJOR = 1 };

/*
 * The reason of an end is a Gw__CloseReason: one list for wire, log, counters and game. A game may
 * use reasons of its own from GW_CLOSE_REASON_GAME_MIN to GW_CLOSE_REASON_GAME_MAX, cast to
 * Gw__CloseReason: the library passes them to CLOSE and to the on_end of both sides unchanged. In
 * the log and the counters all of them are "GAME".
 */
enum { GW_CLOSE_REASON_GAME_MIN = 1000, GW_CLOSE_REASON_GAME_MAX = 65535 };

/* Returns its id. Thread: any. */
gw_session_id gw_session_id_of(const struct gw_session *session);

/* Returns the address of the peer. Thread: any. */
const struct gw_addr *gw_session_peer(const struct gw_session *session);

/*
 * Why a byte filter of its connection has failed, for the log: "the client does not mask its
 * frames". Returns a static text; NULL when none has failed. Thread: turn, such as on_end.
 */
const char *gw_session_problem(const struct gw_session *session);

/* Returns its turn, for tasks, timers and asserts. Thread: any. */
struct gw_turn *gw_session_turn(struct gw_session *session);

/* Returns its manager. Thread: any. */
struct gw_session_manager *gw_session_manager_of(const struct gw_session *session);

/*
 * Encodes `message` into a frame and queues it.
 *
 * There is no result, because the caller has nothing left to do. When the session has ended, the
 * packet is dropped. When its send queue would exceed send_queue_bytes_max, the session ends with
 * SLOW_CONSUMER; when there is no memory, with NO_MEMORY. Errors of the caller are logged, and the
 * packet is dropped: an id that no table contains or that this side may not send, a message of
 * another type, a body longer than the packet allows.
 *
 * Owns      borrows `message`
 * Thread    any
 */
void gw_session_send(struct gw_session *session, uint16_t packet_id,
                     const ProtobufCMessage *message);

/*
 * The general form of gw_session_send(): with the flags and the tag of `frame`, for requests and
 * replies. frame->body_bytes is ignored. Owns, Thread: as above.
 */
void gw_session_send_frame(struct gw_session *session, const struct gw_frame *frame,
                           const ProtobufCMessage *message);

/*
 * Answers a request: sends `message` with the tag of the request and GW_FRAME_REPLY; see
 * session/request.h. When the request has no tag, sends a plain packet.
 *
 * Owns      borrows `request`, the frame that its handler received, and `message`
 * Thread    any
 */
void gw_session_reply(struct gw_session *session, const struct gw_frame *request,
                      uint16_t packet_id, const ProtobufCMessage *message);

/*
 * Queues a packet that has no message type: frame->body_bytes of `body`, unchanged. A packet that
 * has a message type, or a body longer than the packet allows, is logged and dropped.
 *
 * Owns      borrows `body`
 * Thread    any
 */
void gw_session_send_opaque(struct gw_session *session, const struct gw_frame *frame,
                            const uint8_t *body);

/*
 * Queues a frame made by gw_session_encode(), for one message to many sessions. The send queue
 * shares the buffer. A buffer that is not exactly one frame, or a packet that this side may not
 * send, is logged and dropped.
 *
 * Owns      borrows `frame`
 * Thread    any
 */
void gw_session_send_encoded(struct gw_session *session, struct gw_buf *frame);

/*
 * Encodes `message` into a frame for gw_session_send_encoded().
 *
 * Returns   the frame, or NULL when out of memory or when the message is longer than a frame
 * Owns      gives one reference, release it with gw_buf_unref(); borrows `message`
 * Thread    any
 */
struct gw_buf *gw_session_encode(uint16_t packet_id, const ProtobufCMessage *message);

/*
 * Returns the size of the send queue: the bytes that the kernel has not taken yet, as counted for
 * send_queue_bytes_max. A sender of large amounts stops well below the limit and continues in
 * on_send_low; see session/manager.h. 0 when nothing waits.
 *
 * Thread    any
 */
uint32_t gw_session_send_queue_bytes(const struct gw_session *session);

/*
 * Client side: sends HELLO, in or after on_begin, once. A second call, or a call on the server
 * side, is logged and has no effect. The caller sets name, credentials and client_build;
 * protocol_major and schema_hash are filled in.
 *
 * Owns      borrows `hello`
 * Thread    turn
 */
void gw_session_hello(struct gw_session *session, const Gw__Hello *hello);

/*
 * Server side: answers a HELLO for which on_greet returned GW_GREET_LATER. A `result` of 0 accepts
 * the client; a close reason refuses it; any other number is logged and refuses it with
 * NOT_WELCOME. No effect when the session has ended or was answered. A call before HELLO is logged
 * and has no effect.
 *
 * Thread    turn
 */
void gw_session_greet(struct gw_session *session, int result);

/*
 * Ends the session: sends what is queued, then CLOSE with `reason`, then FIN. The first call
 * determines the reason. Bytes that the peer still sends are read and discarded. A client that
 * leaves uses SHUTDOWN. A `reason` that is NONE, or neither in the list nor a reason of a game, is
 * logged and replaced by KICKED. When there is no memory for the CLOSE of a game's reason, the peer
 * receives KICKED; on_end still has `reason`.
 *
 * Thread    any
 */
void gw_session_end(struct gw_session *session, Gw__CloseReason reason);

/* The longest text in CLOSE, in bytes. */
enum { GW_END_TEXT_BYTES_MAX = 200 };

/*
 * Like gw_session_end(), with a text in CLOSE for the developer or the user of the client. A longer
 * text is cut after the last complete character within GW_END_TEXT_BYTES_MAX. A text that is not
 * UTF-8 is logged, and CLOSE has no text. NULL: no text. Without memory CLOSE has no text.
 *
 * Owns      borrows `text`
 * Thread    any
 */
void gw_session_end_text(struct gw_session *session, Gw__CloseReason reason, const char *text);

/*
 * Returns whether an end has begun. Packets sent to the session from then on are dropped. Thread:
 * any.
 */
bool gw_session_has_ended(const struct gw_session *session);

/*
 * Suspends and resumes reading. A paused session handles no packet, not even one that has already
 * arrived; TCP flow control slows the peer down, and nothing is lost. The time of a pause does not
 * count for the heartbeat, idle and frame timeouts.
 *
 * A paused session can be ended. While it is paused, the connection is checked once a second: after
 * an RST the session ends with NETWORK, and unread bytes are dropped. After a FIN each pause lasts
 * at most request_timeout_ms; then the session ends with BY_PEER, and unhandled frames are dropped.
 *
 * Thread    turn
 */
void gw_session_pause(struct gw_session *session);
void gw_session_resume(struct gw_session *session);

/*
 * Sets the stage of the game, 0 to GW_STAGE_GAME_MAX. The stage determines which packets the peer
 * may send. The greeting sets stage 0, unless on_greet has set another. A stage above the maximum
 * is logged and has no effect.
 *
 * In a turn of the session the change takes effect immediately. From elsewhere it is posted to that
 * turn: in order with the other changes that the caller posts, and before any packet with which the
 * peer reacts to what the caller sends after this call. Without memory for that, the session ends
 * with NO_MEMORY.
 *
 * When the stage changes outside a handler of this session, packets of the client that are allowed
 * in the previous stage may still be in flight. For one second they are refused or dropped and do
 * not end the session: see "Stages" in WIRE.md.
 *
 * Thread    any
 */
void gw_session_set_stage(struct gw_session *session, uint32_t stage);

/*
 * Sets and returns the pointer of the game, such as its player; initially NULL.
 *
 * Owns      borrows `user`; the game releases it in on_end
 * Thread    turn
 */
void gw_session_set_user(struct gw_session *session, void *user);
void *gw_session_user(const struct gw_session *session);

/* Adds a reference. Returns `session`. Thread: any that holds a reference, or turn. */
struct gw_session *gw_session_ref(struct gw_session *session);

/* Releases a reference; the last one frees the session. NULL is allowed. Thread: any. */
void gw_session_unref(struct gw_session *session);

/*
 * Returns the name of a reason: "SLOW_CONSUMER"; "GAME" for a reason of a game, and for its index;
 * "?" when it is not in the list. Thread: any.
 */
const char *gw_close_reason_name(Gw__CloseReason reason);

#ifdef __cplusplus
}
#endif

#endif

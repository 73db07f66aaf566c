/* session/request.h: requests and their answers. */
#ifndef GW_SESSION_REQUEST_H
#define GW_SESSION_REQUEST_H

#include "protocol/frame.h"
#include "session/session.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A request is a packet whose schema names a reply, sent with a tag that is not 0.
 *
 *      client                              server
 *      gw_session_request()  -- tag 7 -->  the handler
 *      on_answer()          <-- tag 7 --   gw_session_reply() or gw_session_refuse(); after
 *                                          request_timeout_ms, ERROR TIMEOUT from the library
 *
 * The handler may answer immediately. It may also store the id of the session and a copy of the
 * frame, and answer later from any turn. Only the first answer in time is sent: a later one is
 * ignored, counted and logged. So each request receives exactly one answer.
 *
 * After FIN a client still receives the answers to its open requests; the session ends after the
 * last one. A CLOSE from either side ends open requests without an answer.
 *
 * A session has at most GW_REQUEST_COUNT_MAX open requests. The server answers a request above the
 * limit with ERROR REFUSED immediately. A request whose tag is the tag of an open one ends the
 * session with BAD_FLAGS. A client increments its tags, as gw_session_request() does: otherwise a
 * late answer could be taken for the answer to a newer request of the same type with the same tag.
 */
enum { GW_REQUEST_COUNT_MAX = 16 };

/* The result of a request. */
enum gw_answer_kind {
    GW_ANSWER_REPLY,   /* `message` is the reply */
    GW_ANSWER_ERROR,   /* `message` is a Gw__Error */
    GW_ANSWER_TIMEOUT, /* no answer within the manager's request_timeout_ms */
    GW_ANSWER_CLOSED,  /* the session has ended */
};

struct gw_answer {
    enum gw_answer_kind kind;
    uint16_t packet_id;              /* of the request */
    const struct gw_frame *frame;    /* of the answer; NULL for TIMEOUT and CLOSED */
    const ProtobufCMessage *message; /* see `kind`, or NULL; valid until the callback returns */
    uint64_t took_ns;                /* since the request was sent */
    /* As given to gw_session_request_with(), or NULL. It must not block. */
    void (*function)(void);
};

/*
 * Receives the answer, exactly once for each request, in a turn of the session. It must not block.
 */
typedef void gw_session_on_answer(struct gw_session *session, const struct gw_answer *answer,
                                  void *context);

/*
 * Client side: sends a request. Its answer is passed to `on_answer` and to no handler.
 *
 * Returns   the tag of the request. 0 when the session has ended, when GW_REQUEST_COUNT_MAX
 *           requests are open, or when out of memory. Also 0, with a log line, when the packet is
 *           not a request of this schema, `message` is of another type, `on_answer` is NULL, or
 *           this is the server side. After 0 nothing was sent, and on_answer is not called.
 * Owns      borrows `message`; borrows `context` until on_answer is called
 * Thread    turn
 */
uint16_t gw_session_request(struct gw_session *session, uint16_t packet_id,
                            const ProtobufCMessage *message, gw_session_on_answer *on_answer,
                            void *context);

/*
 * Like gw_session_request(), with a function of any type that on_answer receives as
 * answer->function. The generated game_ask_x() passes the typed callback of its caller, which must
 * not block. Returns, Owns, Thread: as above.
 */
uint16_t gw_session_request_with(struct gw_session *session, uint16_t packet_id,
                                 const ProtobufCMessage *message, gw_session_on_answer *on_answer,
                                 void (*function)(void), void *context);

/*
 * Server side: answers a request with ERROR. `code` is a Gw__ErrorCode, or a code of the game from
 * 1000. No effect when the request has no tag. A call on the client side is logged and has no
 * effect.
 *
 * Owns      borrows `request`, the frame that its handler received, and `text`
 * Thread    any
 */
void gw_session_refuse(struct gw_session *session, const struct gw_frame *request, uint32_t code,
                       const char *text);

#ifdef __cplusplus
}
#endif

#endif

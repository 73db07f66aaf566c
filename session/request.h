/* session/request.h: a question, and exactly one answer. */
#ifndef GW_SESSION_REQUEST_H
#define GW_SESSION_REQUEST_H

#include "protocol/frame.h"
#include "session/session.h"
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A packet whose schema names a reply, sent with a tag that is not 0, is a request.
 *
 *      client                              server
 *      gw_session_request()  -- tag 7 -->  the handler
 *      on_answer()          <-- tag 7 --   gw_session_reply(), or gw_session_refuse(), or, when
 *                                          neither has come in time, ERROR TIMEOUT by itself
 *
 * The handler may answer at once, or keep the session's id and a copy of its frame and answer
 * later, from any turn. The first answer counts: one that comes after it, or too late, is ignored,
 * counted and logged. So the client hears exactly one, and if none comes it hears that.
 *
 * A client that sends FIN still gets the answers to its open requests: the session ends after the
 * last one. A CLOSE, from either side, ends open requests without an answer.
 *
 * A session has at most GW_REQUEST_COUNT_MAX requests open. A server answers more with ERROR
 * REFUSED at once, and ends with BAD_FLAGS who uses a tag again that is still open. A late answer
 * to a tag that was used again for the same kind of request would be taken for the new one's: a
 * client counts its tags up, as gw_session_request() does.
 */
enum { GW_REQUEST_COUNT_MAX = 16 };

/* What became of a request. */
enum gw_answer_kind {
    GW_ANSWER_REPLY, /* `message` is the reply */
    GW_ANSWER_ERROR, /* `message` is a Gw__Error */
    GW_ANSWER_LATE,  /* the manager's request_timeout_ms have passed */
    GW_ANSWER_GONE,  /* the session has ended */
};

struct gw_answer {
    enum gw_answer_kind kind;
    uint16_t packet_id;              /* of the request */
    const struct gw_frame *frame;    /* of the answer; NULL for LATE and GONE */
    const ProtobufCMessage *message; /* as `kind` says, or NULL; gone when the callback returns */
    uint64_t took_ns;                /* since the request was made */
    void (*function)(void);          /* as given to gw_session_request_with(), or NULL */
};

/*
 * Hears the answer. Exactly once for each request, in a turn of the session. It must not block.
 */
typedef void gw_session_on_answer(struct gw_session *session, const struct gw_answer *answer,
                                  void *context);

/*
 * For the client's side: sends a request. Its answer goes to `on_answer` and to no handler.
 *
 * Returns   its tag; 0 when the session has ended, GW_REQUEST_COUNT_MAX are open, or there is no
 *           memory for it, and also, with a log line, when the packet is no request of this schema,
 *           `message` is of another type, on_answer is NULL or this is a server's side. With 0
 *           nothing was sent, and on_answer is not called.
 * Owns      borrows `message`; `context` until on_answer is called.
 * Thread    turn.
 */
uint16_t gw_session_request(struct gw_session *session, uint16_t packet_id,
                            const ProtobufCMessage *message, gw_session_on_answer *on_answer,
                            void *context);

/*
 * As gw_session_request(), with a function of any type that on_answer finds in answer->function.
 * The generated game_ask_x() keeps the caller's typed callback there.
 */
uint16_t gw_session_request_with(struct gw_session *session, uint16_t packet_id,
                                 const ProtobufCMessage *message, gw_session_on_answer *on_answer,
                                 void (*function)(void), void *context);

/*
 * For the server's side: answers a request with ERROR. `code` is a Gw__ErrorCode or, from 1000 on,
 * the game's. To what came without a tag nothing is said. On a client's side it is logged and does
 * nothing.
 *
 * Owns      borrows `request`, the frame its handler was called with, and `text`.
 * Thread    any.
 */
void gw_session_refuse(struct gw_session *session, const struct gw_frame *request, uint32_t code,
                       const char *text);

#ifdef __cplusplus
}
#endif

#endif

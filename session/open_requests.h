/* session/open_requests.h: requests that have no answer yet. Private to session. */
#ifndef GW_SESSION_OPEN_REQUESTS_H
#define GW_SESSION_OPEN_REQUESTS_H

#include "session/internal.h"
#include "session/request.h"
#include <stdbool.h>

/* One that is open: on a server's side the peer's, on a client's side our own. */
struct gw_request {
    uint32_t begun_ms;
    uint16_t tag;
    uint16_t packet_id;
    gw_session_on_answer *on_answer; /* of our own */
    void (*function)(void);
    void *context;
    uint64_t begun_ns;
};

/*
 * They belong to the session's turn. NULL until there are any; on a server's side also when there
 * have been none for a while.
 */
struct gw_open_requests {
    uint32_t count;
    uint32_t capacity;
    uint16_t last_tag; /* that we gave */
    struct gw_request open[];
};

/* Whether a packet that has come in is a request: on a server's side. */
static inline bool gw__is_request(const struct gw_session *session, const struct gw_packet *packet,
                                  const struct gw_frame *frame)
{
    return packet->reply_id != 0 && frame->tag != 0 &&
           session->manager->config.side == GW_SIDE_SERVER;
}

/*
 * On a server's side: a request has come in. Returns whether it is to be handled; otherwise it was
 * refused, or has ended the session.
 */
bool gw__open_requests_take(struct gw_session *session, const struct gw_frame *frame);

/* On a server's side: answers a request that is not to be handled with ERROR REFUSED. */
void gw__open_requests_refuse(struct gw_session *session, const struct gw_frame *frame);

/*
 * On a client's side: opens a request of this side with the next tag. Returns the tag, or 0 when
 * GW_REQUEST_COUNT_MAX are open or there is no memory.
 */
uint16_t gw__open_requests_ask(struct gw_session *session, const struct gw_request *asked);

/* On a client's side: a reply has come in; it goes to who asked, or nowhere. */
void gw__open_requests_answer(struct gw_session *session, const struct gw_frame *frame,
                              const ProtobufCMessage *message);

/* In explain.c: logs that the game has not answered a request in time. */
void gw__request_complain(struct gw_session *session, uint16_t packet_id, uint16_t tag);

/* Answers those whose time is over. */
void gw__open_requests_expire(struct gw_session *session);

/* When the first one began; false when there is none. */
bool gw__open_requests_first(const struct gw_session *session, uint32_t *begun_ms_out);

/* On a server's side: gives the memory back when none is open. */
void gw__open_requests_rest(struct gw_session *session);

/* The session has its last turn: nobody answers any more. */
void gw__open_requests_end(struct gw_session *session);

/* Takes the open request out that this frame answers. Returns whether there was one. */
bool gw__open_requests_close(struct gw_session *session, const struct gw_frame *answer,
                             struct gw_request *closed_out);

/* An answer that nobody waits for. Thread: any. */
void gw__answer_ignored(struct gw_session *session, const struct gw_frame *frame);

#endif

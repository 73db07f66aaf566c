/* session/open_requests.h: requests that have no answer yet. Private to session. */
#ifndef GW_SESSION_OPEN_REQUESTS_H
#define GW_SESSION_OPEN_REQUESTS_H

#include "session/internal.h"
#include "session/request.h"
#include <stdbool.h>

/* An open request: on the server side one of the peer, on the client side one that was sent. */
struct gw_request {
    uint32_t begun_ms;
    uint16_t tag;
    uint16_t packet_id;
    gw_session_on_answer *on_answer; /* client side */
    void (*function)(void);          /* client side; see gw_session_request_with() */
    void *context;                   /* client side */
    uint64_t begun_ns;
};

/*
 * The open requests of a session, oldest first. Allocated with the first one; on the server side
 * freed after a heartbeat interval without one. Only the session's turn accesses them.
 */
struct gw_open_requests {
    uint32_t count;
    uint32_t capacity;
    uint16_t last_tag; /* the last tag that this side has chosen */
    struct gw_request open[];
};

/* Server side: returns whether a received packet is a request. */
static inline bool gw__is_request(const struct gw_session *session, const struct gw_packet *packet,
                                  const struct gw_frame *frame)
{
    return packet->reply_id != 0 && frame->tag != 0 &&
           session->manager->config.side == GW_SIDE_SERVER;
}

/*
 * Server side: adds a received request. Returns false when it must not be handled, because it was
 * refused or has ended the session.
 */
bool gw__open_requests_accept(struct gw_session *session, const struct gw_frame *frame);

/* Server side: answers a request with ERROR REFUSED; it is not handled. */
void gw__open_requests_refuse(struct gw_session *session, const struct gw_frame *frame);

/*
 * Client side: adds a copy of `sent` with the next tag. Returns the tag, or 0 when
 * GW_REQUEST_COUNT_MAX are open or out of memory.
 */
uint16_t gw__open_requests_add(struct gw_session *session, const struct gw_request *sent);

/* Client side: passes a received answer to the on_answer of its request, if that is open. */
void gw__open_requests_answer(struct gw_session *session, const struct gw_frame *frame,
                              const ProtobufCMessage *message);

/* In explain.c: logs that the game has not answered a request in time. */
void gw__request_log_timeout(struct gw_session *session, uint16_t packet_id, uint16_t tag);

/* Ends the requests that are older than request_timeout_ms. */
void gw__open_requests_expire(struct gw_session *session);

/* Returns the time of the oldest request; false when there is none. */
bool gw__open_requests_first(const struct gw_session *session, uint32_t *begun_ms_out);

/* Server side: frees the memory when no request is open. */
void gw__open_requests_free_idle(struct gw_session *session);

/* Ends all requests, because the session has ended. */
void gw__open_requests_end(struct gw_session *session);

/* Removes the open request that this frame answers. Returns false when there is none. */
bool gw__open_requests_close(struct gw_session *session, const struct gw_frame *answer,
                             struct gw_request *closed_out);

/* Counts and logs an answer without an open request. Thread: any. */
void gw__answer_ignored(struct gw_session *session, const struct gw_frame *frame);

#endif

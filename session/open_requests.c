/* session/open_requests.c: requests that have no answer yet. */
#include "session/open_requests.h"

#include "session/counters.h"
#include "session/deadline.h"
#include "session/end.h"
#include "session/internal.h"
#include "session/send.h"

#include "net/log.h"
#include "net/port.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 2 };

/* ---- the table ---- */

static uint32_t count_of(const struct gw_session *session)
{
    return session->requests != NULL ? session->requests->count : 0;
}

static struct gw_request *find(const struct gw_session *session, uint16_t tag)
{
    for (uint32_t i = 0; i < count_of(session); i++) {
        if (session->requests->open[i].tag == tag) {
            return &session->requests->open[i];
        }
    }
    return NULL;
}

/* Ensures capacity for one more request. Returns false when out of memory. */
static bool grow(struct gw_session *session)
{
    struct gw_open_requests *old = session->requests;
    if (old != NULL && old->count < old->capacity) {
        return true;
    }
    uint32_t capacity = old != NULL ? old->capacity * 2 : CAPACITY_MIN;
    struct gw_open_requests *grown =
        realloc(old, sizeof(*grown) + capacity * sizeof(grown->open[0]));
    if (grown == NULL) {
        return false;
    }
    if (old == NULL) {
        *grown = (struct gw_open_requests){0};
    }
    grown->capacity = capacity;
    session->requests = grown;
    return true;
}

/* The table has capacity for it. */
static void add(struct gw_session *session, const struct gw_request *request)
{
    struct gw_open_requests *requests = session->requests;
    struct gw_request *added = &requests->open[requests->count++];
    *added = *request;
    added->begun_ms = gw__session_now_ms(session);
    added->begun_ns = gw_turn_now_ns(gw_session_turn(session));
    uint32_t timeout_ms = session->manager->config.request_timeout_ms;
    if (timeout_ms != GW_OFF) {
        gw__session_shorten_deadline(session, timeout_ms + 1);
    }
}

/* Keeps the order of their times: the first one times out first. */
static void remove_request(struct gw_open_requests *requests, struct gw_request *request)
{
    uint32_t index = (uint32_t)(request - requests->open);
    requests->count--;
    for (uint32_t i = index; i < requests->count; i++) {
        requests->open[i] = requests->open[i + 1];
    }
}

/* Returns whether a frame answers a request: with its reply, or with ERROR. */
static bool is_answer_to(const struct gw_session *session, const struct gw_frame *frame,
                         const struct gw_request *request)
{
    const struct gw_packet_table *packets = session->manager->packets;
    return frame->packet_id == GW_CONTROL_ERROR ||
           frame->packet_id == gw_packet_find(packets, request->packet_id)->reply_id;
}

bool gw__open_requests_close(struct gw_session *session, const struct gw_frame *answer,
                             struct gw_request *closed_out)
{
    struct gw_request *request = find(session, answer->tag);
    if (request == NULL || !is_answer_to(session, answer, request)) {
        return false;
    }
    *closed_out = *request;
    remove_request(session->requests, request);
    return true;
}

bool gw__open_requests_first(const struct gw_session *session, uint32_t *begun_ms_out)
{
    if (count_of(session) == 0) {
        return false;
    }
    *begun_ms_out = session->requests->open[0].begun_ms;
    return true;
}

static void free_all(struct gw_session *session)
{
    free(session->requests);
    session->requests = NULL;
}

/* last_tag is kept once it was used, because an old answer may still be in flight. */
void gw__open_requests_free_idle(struct gw_session *session)
{
    if (session->requests != NULL && session->requests->count == 0 &&
        session->requests->last_tag == 0) {
        free_all(session);
    }
}

/* ---- server side: requests of the peer ---- */

static void count(struct gw_session *session, _Atomic uint64_t *counter)
{
    gw__count(gw__shard(session->manager), counter, 1);
}

static void send_error(struct gw_session *session, uint16_t tag, Gw__ErrorCode code)
{
    const struct gw_frame frame = {
        .packet_id = GW_CONTROL_ERROR, .tag = tag, .flags = GW_FRAME_REPLY | GW_FRAME_ERROR};
    Gw__Error error = GW__ERROR__INIT;
    error.code = (uint32_t)code;
    gw_session_send_frame(session, &frame, &error.base);
}

void gw__open_requests_refuse(struct gw_session *session, const struct gw_frame *frame)
{
    if (find(session, frame->tag) != NULL) {
        gw__session_end_format(session, GW__CLOSE_REASON__BAD_FLAGS,
                               "packet %u: tag %u is the tag of a request that is still open",
                               frame->packet_id, frame->tag);
        return;
    }
    count(session, &gw__shard(session->manager)->requests_refused);
    send_error(session, frame->tag, GW__ERROR_CODE__REFUSED);
}

bool gw__open_requests_accept(struct gw_session *session, const struct gw_frame *frame)
{
    const struct gw_request request = {.tag = frame->tag, .packet_id = frame->packet_id};
    if (find(session, frame->tag) != NULL || count_of(session) == GW_REQUEST_COUNT_MAX) {
        gw__open_requests_refuse(session, frame);
        return false;
    }
    if (!grow(session)) {
        gw_session_end(session, GW__CLOSE_REASON__NO_MEMORY);
        return false;
    }
    add(session, &request);
    return true;
}

void gw__answer_ignored(struct gw_session *session, const struct gw_frame *frame)
{
    struct gw_session_manager *manager = session->manager;
    count(session, &gw__shard(manager)->answers_ignored);
    if (gw__misuse_log_allowed(manager)) {
        const struct gw_log_field fields[] = {GW_LOG_NUMBER("packet_id", frame->packet_id),
                                              GW_LOG_NUMBER("tag", frame->tag)};
        gw_log_write(gw_port_log(manager->port), GW_LOG_WARNING, "answer_ignored", fields,
                     sizeof fields / sizeof fields[0]);
    }
}

/* ---- client side: own requests ---- */

static void call_on_answer(struct gw_session *session, const struct gw_request *request,
                           enum gw_answer_kind kind, const struct gw_frame *frame,
                           const ProtobufCMessage *message)
{
    const struct gw_answer answer = {
        .kind = kind,
        .packet_id = request->packet_id,
        .frame = frame,
        .message = message,
        .took_ns = gw_turn_now_ns(gw_session_turn(session)) - request->begun_ns,
        .function = request->function,
    };
    request->on_answer(session, &answer, request->context);
}

void gw__open_requests_answer(struct gw_session *session, const struct gw_frame *frame,
                              const ProtobufCMessage *message)
{
    struct gw_request request;
    if (!gw__open_requests_close(session, frame, &request)) {
        gw__answer_ignored(session, frame);
        return;
    }
    bool is_error = frame->packet_id == GW_CONTROL_ERROR;
    call_on_answer(session, &request, is_error ? GW_ANSWER_ERROR : GW_ANSWER_REPLY, frame, message);
}

/* Returns the next tag that no open request has, and that is not 0. */
static uint16_t next_tag(struct gw_session *session)
{
    struct gw_open_requests *requests = session->requests;
    do {
        requests->last_tag++;
    } while (requests->last_tag == 0 || find(session, requests->last_tag) != NULL);
    return requests->last_tag;
}

uint16_t gw__open_requests_add(struct gw_session *session, const struct gw_request *sent)
{
    if (count_of(session) == GW_REQUEST_COUNT_MAX || !grow(session)) {
        return 0;
    }
    struct gw_request request = *sent;
    request.tag = next_tag(session);
    add(session, &request);
    return request.tag;
}

/* ---- timeout and end ---- */

static void time_out(struct gw_session *session, const struct gw_request *request)
{
    count(session, &gw__shard(session->manager)->requests_late);
    if (request->on_answer != NULL) {
        call_on_answer(session, request, GW_ANSWER_TIMEOUT, NULL, NULL);
    } else {
        gw__request_log_timeout(session, request->packet_id, request->tag);
        send_error(session, request->tag, GW__ERROR_CODE__TIMEOUT);
    }
}

static bool has_timed_out(const struct gw_session *session)
{
    uint32_t begun_ms;
    return gw__open_requests_first(session, &begun_ms) &&
           gw__session_now_ms(session) - begun_ms > session->manager->config.request_timeout_ms;
}

void gw__open_requests_expire(struct gw_session *session)
{
    while (has_timed_out(session)) {
        struct gw_request request = session->requests->open[0];
        remove_request(session->requests, session->requests->open);
        time_out(session, &request);
    }
}

void gw__open_requests_end(struct gw_session *session)
{
    while (count_of(session) > 0) {
        struct gw_request request = session->requests->open[0];
        remove_request(session->requests, session->requests->open);
        if (request.on_answer != NULL) {
            call_on_answer(session, &request, GW_ANSWER_CLOSED, NULL, NULL);
        }
    }
    free_all(session);
}

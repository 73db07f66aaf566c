/* session/request.c: sending of requests and answers. */
#include "session/request.h"

#include "session/admission.h"
#include "session/end.h"
#include "session/internal.h"
#include "session/open_requests.h"
#include "session/send.h"

#include "net/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * An answer from another turn, posted to the session's turn, which checks whether the request is
 * open. It holds a reference to the manager, which must outlive the session. It is no
 * gw_turn_call(), whose arguments have at most GW_TURN_CALL_BYTES_MAX bytes: an answer may be
 * longer.
 */
struct posted_reply {
    struct gw_task task;
    struct gw_session *session; /* holds a reference */
    struct gw_frame frame;
    uint8_t body[];
};

/* Returns whether it is the first answer, and in time. */
static bool close_request(struct gw_session *session, const struct gw_frame *frame)
{
    struct gw_request request;
    if (gw_session_has_ended(session)) {
        return false;
    }
    if (!gw__open_requests_close(session, frame, &request)) {
        gw__answer_ignored(session, frame);
        return false;
    }
    return true;
}

static void run_reply(struct gw_task *task)
{
    struct posted_reply *reply = (struct posted_reply *)(void *)task;
    struct gw_session *session = reply->session;
    struct gw_session_manager *manager = session->manager;
    if (close_request(session, &reply->frame)) {
        gw__session_send_packed(session, gw__packet_to_send(manager, reply->frame.packet_id),
                                &reply->frame, reply->body);
        gw__session_finish_if_done(session);
    }
    free(reply);
    gw_session_unref(session);
    gw__manager_unref(manager);
}

static void post(struct gw_session *session, const struct gw_frame *frame,
                 const ProtobufCMessage *message)
{
    struct posted_reply *reply = malloc(sizeof(*reply) + frame->body_bytes);
    if (reply == NULL) {
        gw_session_end(session, GW__CLOSE_REASON__NO_MEMORY);
        return;
    }
    if (!gw__manager_ref(session->manager)) {
        free(reply); /* the manager is drained: the session has ended */
        return;
    }
    *reply = (struct posted_reply){.task.run = run_reply, .session = gw_session_ref(session)};
    reply->frame = *frame;
    protobuf_c_message_pack(message, reply->body);
    gw_turn_post(gw_session_turn(session), &reply->task);
}

/*
 * Server side: answers an open request. An answer that is too long is not sent: the request stays
 * open until it times out.
 */
static void answer(struct gw_session *session, const struct gw_frame *frame,
                   const ProtobufCMessage *message)
{
    struct gw_frame sized = *frame;
    const struct gw_packet *packet = gw__session_check_send(session, &sized, message);
    if (packet == NULL) {
        return;
    }
    if (!gw_turn_is_mine(gw_session_turn(session))) {
        post(session, &sized, message);
    } else if (close_request(session, &sized)) {
        gw__session_queue(session, packet, &sized, message);
        gw__session_finish_if_done(session);
    }
}

void gw_session_reply(struct gw_session *session, const struct gw_frame *request,
                      uint16_t packet_id, const ProtobufCMessage *message)
{
    const struct gw_frame frame = {
        .packet_id = packet_id,
        .tag = request->tag,
        .flags = request->tag == 0 ? 0 : GW_FRAME_REPLY,
    };
    if (request->tag == 0 || session->manager->config.side == GW_SIDE_CLIENT) {
        gw_session_send_frame(session, &frame, message);
    } else {
        answer(session, &frame, message);
    }
}

void gw_session_refuse(struct gw_session *session, const struct gw_frame *request, uint32_t code,
                       const char *text)
{
    if (session->manager->config.side != GW_SIDE_SERVER) {
        gw__misuse(session->manager, __func__, "only a server answers requests", code);
        return;
    }
    const struct gw_frame frame = {.packet_id = GW_CONTROL_ERROR,
                                   .tag = request->tag,
                                   .flags = GW_FRAME_REPLY | GW_FRAME_ERROR};
    Gw__Error error = GW__ERROR__INIT;
    error.code = code;
    error.text = (char *)text;
    if (request->tag != 0) {
        answer(session, &frame, &error.base);
    }
}

uint16_t gw_session_request(struct gw_session *session, uint16_t packet_id,
                            const ProtobufCMessage *message, gw_session_on_answer *on_answer,
                            void *context)
{
    return gw_session_request_with(session, packet_id, message, on_answer, NULL, context);
}

uint16_t gw_session_request_with(struct gw_session *session, uint16_t packet_id,
                                 const ProtobufCMessage *message, gw_session_on_answer *on_answer,
                                 void (*function)(void), void *context)
{
    struct gw_session_manager *manager = session->manager;
    assert(gw_turn_check(gw_session_turn(session), __func__));
    const struct gw_packet *packet = gw__packet_to_send(manager, packet_id);
    if (packet == NULL || !gw__packet_is_of(manager, packet, message) ||
        gw_session_has_ended(session)) {
        return 0;
    }
    if (on_answer == NULL || packet->reply_id == 0 || manager->config.side != GW_SIDE_CLIENT) {
        gw__misuse(manager, __func__, "a client sends a packet that has a reply, with an on_answer",
                   packet_id);
        return 0;
    }
    const struct gw_request request = {
        .packet_id = packet_id, .on_answer = on_answer, .function = function, .context = context};
    const struct gw_frame frame = {.packet_id = packet_id,
                                   .tag = gw__open_requests_add(session, &request)};
    if (frame.tag != 0) {
        gw_session_send_frame(session, &frame, message);
    }
    return frame.tag;
}

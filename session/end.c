/* session/end.c: close reasons, close frames, and the end of a session. */
#include "session/end.h"

#include "session/deadline.h"
#include "session/internal.h"
#include "session/open_requests.h"
#include "session/send.h"

#include "net/error.h"
#include "protocol/utf8.h"

#include <string.h>

/* ---- close reasons ---- */

/* A reason from GW_CLOSE_REASON_GAME on has no counter and no CLOSE: it counts as unknown. */
static const ProtobufCEnumValue *find_reason(int reason)
{
    return reason >= 0 && reason < GW_CLOSE_REASON_GAME
               ? protobuf_c_enum_descriptor_get_value(&gw__close_reason__descriptor, reason)
               : NULL;
}

static bool is_of_game(int reason)
{
    return reason >= GW_CLOSE_REASON_GAME_MIN && reason <= GW_CLOSE_REASON_GAME_MAX;
}

const char *gw_close_reason_name(Gw__CloseReason reason)
{
    const ProtobufCEnumValue *found = find_reason((int)reason);
    if (is_of_game((int)reason) || (int)reason == GW_CLOSE_REASON_GAME) {
        return "GAME";
    }
    return found != NULL ? found->name : "?";
}

uint32_t gw_close_reason_index(Gw__CloseReason reason)
{
    if (is_of_game((int)reason)) {
        return GW_CLOSE_REASON_GAME;
    }
    return find_reason((int)reason) != NULL ? (uint32_t)reason : GW__CLOSE_REASON__NONE;
}

Gw__CloseReason gw__reason_of_peer(int reason)
{
    return find_reason(reason) != NULL || is_of_game(reason) ? (Gw__CloseReason)reason
                                                             : GW__CLOSE_REASON__NONE;
}

Gw__CloseReason gw__reason_of_result(enum gw_packet_result result)
{
    static const Gw__CloseReason reasons[] = {
        [GW_PACKET_OK] = GW__CLOSE_REASON__NONE,
        [GW_PACKET_BAD_FLAGS] = GW__CLOSE_REASON__BAD_FLAGS,
        [GW_PACKET_TOO_LONG] = GW__CLOSE_REASON__TOO_LONG,
        [GW_PACKET_UNKNOWN] = GW__CLOSE_REASON__UNKNOWN_PACKET,
        [GW_PACKET_WRONG_WAY] = GW__CLOSE_REASON__WRONG_WAY,
        [GW_PACKET_WRONG_STAGE] = GW__CLOSE_REASON__WRONG_STAGE,
        [GW_PACKET_TOO_OFTEN] = GW__CLOSE_REASON__TOO_OFTEN,
        [GW_PACKET_BAD_BODY] = GW__CLOSE_REASON__BAD_BODY,
        [GW_PACKET_TOO_COMPLEX] = GW__CLOSE_REASON__TOO_COMPLEX,
    };
    return reasons[result];
}

/* A stream carries both as one number: close reasons are positive, errors negative. */
Gw__CloseReason gw__reason_of_stream(int reason)
{
    switch (reason) {
    case GW_E_CLOSED:
        return GW__CLOSE_REASON__BY_PEER;
    case GW_E_MEMORY:
        return GW__CLOSE_REASON__NO_MEMORY;
    case GW_E_FULL:
        return GW__CLOSE_REASON__SERVER_FULL;
    case GW_E_PROXY:
        return GW__CLOSE_REASON__BAD_PROXY;
    case GW_E_TLS:
        return GW__CLOSE_REASON__BAD_TLS;
    case GW_E_WEBSOCKET:
        return GW__CLOSE_REASON__BAD_WEBSOCKET;
    default:
        return reason > 0 ? (Gw__CloseReason)reason : GW__CLOSE_REASON__NETWORK;
    }
}

/* ---- ending ---- */

static bool has_close_frame(int reason)
{
    return gw__reason_of_peer(reason) != GW__CLOSE_REASON__NONE &&
           reason != GW__CLOSE_REASON__BY_PEER &&
           (reason < GW__CLOSE_REASON__UNKNOWN_PROTOCOL ||
            reason > GW__CLOSE_REASON__BAD_WEBSOCKET);
}

bool gw__close_frames_init(struct gw_session_manager *manager)
{
    for (int reason = 0; reason < GW_CLOSE_REASON_COUNT; reason++) {
        if (has_close_frame(reason)) {
            Gw__Close close = GW__CLOSE__INIT;
            close.reason = (Gw__CloseReason)reason;
            manager->close_frames[reason] = gw_session_encode(GW_CONTROL_CLOSE, &close.base);
            if (manager->close_frames[reason] == NULL) {
                return false;
            }
        }
    }
    return true;
}

void gw__close_frames_fini(struct gw_session_manager *manager)
{
    for (int reason = 0; reason < GW_CLOSE_REASON_COUNT; reason++) {
        gw_buf_unref(manager->close_frames[reason]);
    }
}

void gw__stream_finish_with_close(struct gw_session_manager *manager, struct gw_session *session,
                                  struct gw_stream *stream, Gw__CloseReason reason,
                                  struct gw_buf *close_frame)
{
    if (close_frame == NULL) {
        bool is_in_list = !is_of_game((int)reason);
        close_frame = manager->close_frames[is_in_list ? reason : GW__CLOSE_REASON__KICKED];
    }
    if (gw_stream_finish(stream, (int)reason, close_frame) && close_frame != NULL) {
        gw__packet_count_out(manager, gw__packet_to_send(manager, GW_CONTROL_CLOSE), 1);
        gw__packet_notify_encoded(manager, session, close_frame);
    }
}

void gw__session_end_with(struct gw_session *session, Gw__CloseReason reason,
                          struct gw_buf *close_frame)
{
    if (!atomic_exchange(&session->ended, true)) {
        gw__stream_finish_with_close(session->manager, session, session->stream, reason,
                                     close_frame);
    }
}

static Gw__CloseReason check_reason(struct gw_session *session, Gw__CloseReason reason)
{
    if (gw__reason_of_peer((int)reason) != GW__CLOSE_REASON__NONE) {
        return reason;
    }
    gw__misuse(session->manager, "gw_session_end",
               "the reason is in gw.CloseReason and not NONE, or one of a game", (int64_t)reason);
    return GW__CLOSE_REASON__KICKED;
}

/* When the peer has closed the stream before, the reason of on_close is that of the peer. */
void gw_session_end(struct gw_session *session, Gw__CloseReason reason)
{
    if (is_of_game((int)reason)) {
        gw_session_end_text(session, reason, NULL);
    } else {
        gw__session_end_with(session, check_reason(session, reason), NULL);
    }
}

_Static_assert((int)GW_END_TEXT_BYTES_MAX == (int)GW_CLOSE_TEXT_BYTES_MAX,
               "the max_length of text");

/* Copies at most GW_END_TEXT_BYTES_MAX of `text` and does not split a character. */
static void copy_text(struct gw_session *session, const char *text, char *copy_out)
{
    size_t bytes = 0;
    while (bytes <= GW_END_TEXT_BYTES_MAX && text[bytes] != 0) {
        bytes++;
    }
    if (bytes > GW_END_TEXT_BYTES_MAX) {
        bytes = GW_END_TEXT_BYTES_MAX;
        while (bytes > 0 && ((uint8_t)text[bytes] & 0xC0) == 0x80) {
            bytes--;
        }
    }
    if (!gw_utf8_is_text((const uint8_t *)text, bytes)) {
        gw__misuse(session->manager, "gw_session_end_text", "the text is UTF-8", (int64_t)bytes);
        bytes = 0;
    }
    memcpy(copy_out, text, bytes);
    copy_out[bytes] = 0;
}

void gw_session_end_text(struct gw_session *session, Gw__CloseReason reason, const char *text)
{
    char copy[GW_END_TEXT_BYTES_MAX + 1] = "";
    if (gw_session_has_ended(session)) {
        return;
    }
    reason = check_reason(session, reason);
    if (text != NULL) {
        copy_text(session, text, copy);
    }
    Gw__Close close = GW__CLOSE__INIT;
    close.reason = reason;
    close.text = copy;
    struct gw_buf *close_frame = gw_session_encode(GW_CONTROL_CLOSE, &close.base);
    gw__session_end_with(session, reason, close_frame);
    gw_buf_unref(close_frame);
}

bool gw_session_has_ended(const struct gw_session *session)
{
    return atomic_load_explicit(&session->ended, memory_order_acquire);
}

/* ---- after FIN of the peer ---- */

/* A client sends no answers, so its open requests do not delay the end. */
static bool awaits_answer(const struct gw_session *session)
{
    uint32_t begun_ms;
    bool awaits_greeting = session->hello_done && !session->greeted;
    return session->manager->config.side == GW_SIDE_SERVER &&
           (awaits_greeting || gw__open_requests_first(session, &begun_ms));
}

void gw__session_finish_if_done(struct gw_session *session)
{
    if (session->recv_done && !awaits_answer(session)) {
        gw_stream_finish(session->stream, GW_E_CLOSED, NULL);
    }
}

/* From here on PING has no answer; only open requests and a pause delay the end. */
void gw__session_on_recv_end(struct gw_stream *stream, void *context)
{
    (void)stream;
    struct gw_session *session = context;
    session->recv_ended = true;
    session->probed_ms = gw__session_now_ms(session);
    gw__session_update_deadline(session);
}

/* ---- errors ---- */

void gw__session_end_by_error(struct gw_session *session, int error)
{
    if (error == GW_E_FULL) {
        gw_session_end(session, GW__CLOSE_REASON__SLOW_CONSUMER);
    } else if (error == GW_E_MEMORY) {
        gw_session_end(session, GW__CLOSE_REASON__NO_MEMORY);
    }
    /* GW_E_CLOSED: on_close follows. */
}

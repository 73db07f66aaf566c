/* session/explain.c: descriptions of errors of a peer or of the program, for CLOSE and the log. */
#include "session/end.h"
#include "session/internal.h"
#include "session/open_requests.h"
#include "session/rates.h"
#include "session/send.h"

#include "net/addr.h"
#include "net/log.h"
#include "net/port.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* No text contains bytes of the peer. */
enum { TEXT_BYTES = GW_END_TEXT_BYTES_MAX + 1, NAME_BYTES = 72, STAGES_BYTES = 64 };

enum { LOG_INTERVAL_MS = 1000 };

bool gw__log_allowed(const struct gw_session_manager *manager, _Atomic uint64_t *next_ns)
{
    uint64_t now_ns = gw_port_now_ns(manager->port);
    uint64_t allowed_ns = atomic_load(next_ns);
    return now_ns >= allowed_ns &&
           atomic_compare_exchange_strong(next_ns, &allowed_ns,
                                          now_ns + LOG_INTERVAL_MS * UINT64_C(1000000));
}

/* A program that makes an error usually repeats it. */
bool gw__misuse_log_allowed(struct gw_session_manager *manager)
{
    return gw__log_allowed(manager, &manager->misuse_log_ns);
}

void gw__misuse(struct gw_session_manager *manager, const char *function, const char *rule,
                int64_t value)
{
    if (gw__misuse_log_allowed(manager)) {
        const struct gw_log_field fields[] = {GW_LOG_TEXT("function", function),
                                              GW_LOG_TEXT("rule", rule),
                                              GW_LOG_NUMBER("value", value)};
        gw_log_write(gw_port_log(manager->port), GW_LOG_ERROR, "misuse", fields,
                     sizeof fields / sizeof fields[0]);
    }
}

/* Formats "Chat (1001)". */
static const char *name_of(const struct gw_packet *packet, char *name)
{
    const char *known = packet->name != NULL      ? packet->name
                        : packet->message != NULL ? packet->message->short_name
                                                  : "packet";
    snprintf(name, NAME_BYTES, "%.60s (%u)", known, packet->id);
    return name;
}

/* What scanners and probes cause is no information for an operator. */
static void log_end(struct gw_session *session, Gw__CloseReason reason, const char *text)
{
    enum gw_log_level level = session->greeted ? GW_LOG_INFO : GW_LOG_DEBUG;
    char peer[GW_ADDR_TEXT_BYTES];
    const struct gw_log_field fields[] = {
        GW_LOG_NUMBER("session", session->id),
        GW_LOG_TEXT("peer", gw_addr_format(gw_session_peer(session), peer)),
        GW_LOG_TEXT("reason", gw_close_reason_name(reason)),
        GW_LOG_TEXT("why", text),
    };
    gw_log_write(gw_port_log(session->manager->port), level, "bad_peer", fields,
                 sizeof fields / sizeof fields[0]);
}

void gw__hint(struct gw_session *session, const char *text)
{
    struct gw_session_manager *manager = session->manager;
    if (text == NULL || strstr(text, "this listener") == NULL) {
        return;
    }
    for (size_t i = 0; i < GW_HINT_COUNT_MAX; i++) {
        const char *logged = NULL;
        if (atomic_compare_exchange_strong(&manager->hints[i], &logged, text)) {
            char peer[GW_ADDR_TEXT_BYTES];
            const struct gw_log_field fields[] = {
                GW_LOG_TEXT("peer", gw_addr_format(gw_session_peer(session), peer)),
                GW_LOG_TEXT("text", text)};
            gw_log_write(gw_port_log(manager->port), GW_LOG_INFO, "hint", fields, 2);
            return;
        }
        if (logged == text) {
            return;
        }
    }
}

void gw__session_end_format(struct gw_session *session, Gw__CloseReason reason, const char *format,
                            ...)
{
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    Gw__Close close = GW__CLOSE__INIT;
    close.reason = reason;
    close.text = text;
    if (gw_session_has_ended(session)) {
        return;
    }
    if (gw__log_allowed(session->manager, &session->manager->peer_log_ns[session->greeted])) {
        log_end(session, reason, text);
    }
    struct gw_buf *close_frame = gw_session_encode(GW_CONTROL_CLOSE, &close.base);
    gw__session_end_with(session, reason, close_frame);
    gw_buf_unref(close_frame);
}

/* Ends a session for a header that gw_packet_admit() has refused. */
static void explain_header(struct gw_session *session, const struct gw_frame *frame,
                           enum gw_packet_result result, const struct gw_packet_sender *sender)
{
    char name[NAME_BYTES];
    char here[STAGES_BYTES];
    char there[STAGES_BYTES];
    Gw__CloseReason reason = gw__reason_of_result(result);
    const struct gw_packet_table *packets = session->manager->packets;
    const struct gw_packet *packet =
        gw_packet_find(gw__packet_table(session->manager, frame->packet_id), frame->packet_id);
    if (packet == NULL) {
        snprintf(name, sizeof name, "packet %u", frame->packet_id);
    } else {
        name_of(packet, name);
    }
    if (result == GW_PACKET_BAD_FLAGS) {
        gw__session_end_format(session, reason, "%s: flags 0x%02X, and only 0x01 and 0x02 exist",
                               name, frame->flags);
    } else if (result == GW_PACKET_TOO_LONG) {
        uint32_t max = packet == NULL || packet->body_bytes_max > sender->body_bytes_max
                           ? sender->body_bytes_max
                           : packet->body_bytes_max;
        gw__session_end_format(
            session, reason, "%s: a body of %" PRIu32 " bytes, and at most %" PRIu32 " are allowed",
            name, frame->body_bytes, max);
    } else if (result == GW_PACKET_WRONG_WAY) {
        gw__session_end_format(session, reason, "%s is not sent by %s", name,
                               sender->from == GW_FROM_CLIENT ? "clients" : "servers");
    } else if (result == GW_PACKET_WRONG_STAGE && packet != NULL) {
        gw_packet_stages_text(packets, sender->stage, here, sizeof here);
        gw_packet_stages_text(packets, packet->stages, there, sizeof there);
        gw__session_end_format(session, reason, "%s is not allowed in stage %s, only in %s", name,
                               here, there);
    } else {
        gw__session_end_format(session, reason, "%s is not in the schema", name);
    }
}

bool gw__session_end_by_header(struct gw_session *session, const struct gw_frame *frame,
                               enum gw_packet_result result, const struct gw_packet_sender *sender)
{
    explain_header(session, frame, result, sender);
    return false;
}

bool gw__session_end_by_rate(struct gw_session *session, const struct gw_packet *packet,
                             enum gw_rate rate)
{
    char name[NAME_BYTES];
    if (rate == GW_RATE_NO_MEMORY) {
        gw_session_end(session, GW__CLOSE_REASON__NO_MEMORY);
    } else {
        gw__session_end_format(session, GW__CLOSE_REASON__TOO_OFTEN,
                               "%s: more than %u in a second, for too long", name_of(packet, name),
                               packet->rate_per_second);
    }
    return false;
}

void gw__session_end_by_body(struct gw_session *session, const struct gw_packet *packet,
                             enum gw_packet_result result, const uint8_t *body, uint32_t body_bytes)
{
    char name[NAME_BYTES];
    struct gw_packet_fault fault;
    if (!gw_session_has_ended(session)) {
        gw_packet_explain(packet, result, body, body_bytes, &fault);
        gw__session_end_format(session, gw__reason_of_result(result), "%s: %s %s",
                               name_of(packet, name), fault.field, fault.rule);
    }
}

void gw__session_end_by_time(struct gw_session *session, Gw__CloseReason reason)
{
    char name[NAME_BYTES];
    const struct gw_session_manager_config *config = &session->manager->config;
    if (reason == GW__CLOSE_REASON__FRAME_TIMEOUT) {
        gw__session_end_format(session, reason, "%s: not complete after %" PRIu32 " ms",
                               session->packet != NULL ? name_of(session->packet, name) : "a frame",
                               config->frame_timeout_ms);
    } else if (reason == GW__CLOSE_REASON__GREETING_TIMEOUT && !session->hello_done) {
        gw__session_end_format(session, reason, "no HELLO after %" PRIu32 " ms",
                               config->greeting_timeout_ms);
    } else {
        gw_session_end(session, reason);
    }
}

void gw__request_log_timeout(struct gw_session *session, uint16_t packet_id, uint16_t tag)
{
    struct gw_session_manager *manager = session->manager;
    const struct gw_packet *packet =
        gw_packet_find(gw__packet_table(manager, packet_id), packet_id);
    char name[NAME_BYTES];
    if (packet != NULL && gw__misuse_log_allowed(manager)) {
        const struct gw_log_field fields[] = {
            GW_LOG_TEXT("packet", name_of(packet, name)),
            GW_LOG_NUMBER("session", session->id),
            GW_LOG_NUMBER("tag", tag),
            GW_LOG_NUMBER("after_ms", manager->config.request_timeout_ms),
        };
        gw_log_write(gw_port_log(manager->port), GW_LOG_WARNING, "request_late", fields,
                     sizeof fields / sizeof fields[0]);
    }
}

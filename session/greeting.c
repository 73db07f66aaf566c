/* session/greeting.c: HELLO and HELLO_ACK, and detection of foreign protocols. */
#include "session/admission.h"
#include "session/counters.h"
#include "session/deadline.h"
#include "session/end.h"
#include "session/internal.h"
#include "session/rates.h"
#include "session/receive.h"

#include "net/log.h"
#include "net/port.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- foreign protocols ---- */

struct signature {
    enum gw_foreign_protocol protocol;
    uint8_t byte_count;
    const char *bytes;
};

static const struct signature signatures[] = {
    {GW_FOREIGN_HTTP, 4, "GET "},
    {GW_FOREIGN_HTTP, 4, "HEAD"},
    {GW_FOREIGN_HTTP, 4, "POST"},
    {GW_FOREIGN_HTTP, 4, "PUT "},
    {GW_FOREIGN_HTTP, 4, "DELE"},
    {GW_FOREIGN_HTTP, 4, "CONN"},
    {GW_FOREIGN_HTTP, 4, "OPTI"},
    {GW_FOREIGN_HTTP, 4, "TRAC"},
    {GW_FOREIGN_HTTP, 4, "PATC"},
    {GW_FOREIGN_HTTP, 4, "PRI "},
    {GW_FOREIGN_SSH, 4, "SSH-"},
    {GW_FOREIGN_TLS, 2, "\x16\x03"}, /* RFC 8446, 5.1: a handshake record */
    {GW_FOREIGN_RDP, 2, "\x03\x00"}, /* RFC 1006, 6: TPKT, which carries RDP */
    {GW_FOREIGN_PROXY, 6, "PROXY "},
    {GW_FOREIGN_PROXY, 8, "\r\n\r\n\x00\r\nQ"}, /* version 2 of the PROXY protocol, 2.2 */
};

/* The minimum in WIRE.md, in addition to the schema. */
enum { HELLO_BODY_BYTES_MIN = 2 };

static bool is_hello(const uint8_t *header)
{
    const struct gw_frame frame = gw_frame_read(header);
    return frame.packet_id == GW_CONTROL_HELLO && frame.flags == 0 && frame.tag == GW_HELLO_TAG &&
           frame.body_bytes >= HELLO_BODY_BYTES_MIN;
}

enum gw_foreign_protocol gw_foreign_protocol_of(const uint8_t *bytes, size_t byte_count)
{
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        if (byte_count >= signatures[i].byte_count &&
            memcmp(bytes, signatures[i].bytes, signatures[i].byte_count) == 0) {
            return signatures[i].protocol;
        }
    }
    return byte_count >= GW_FRAME_HEADER_BYTES && is_hello(bytes) ? GW_FOREIGN_GANGWAY
                                                                  : GW_FOREIGN_OTHER;
}

const char *gw_foreign_protocol_name(enum gw_foreign_protocol protocol)
{
    static const char *const names[GW_FOREIGN_COUNT] = {
        [GW_FOREIGN_HTTP] = "http",   [GW_FOREIGN_TLS] = "tls",
        [GW_FOREIGN_SSH] = "ssh",     [GW_FOREIGN_RDP] = "rdp",
        [GW_FOREIGN_PROXY] = "proxy", [GW_FOREIGN_GANGWAY] = "gangway",
        [GW_FOREIGN_OTHER] = "other",
    };
    return (size_t)protocol < GW_FOREIGN_COUNT ? names[protocol] : "?";
}

/* ---- HELLO and HELLO_ACK ---- */

bool gw__hello_header_check(struct gw_session *session, const uint8_t *header)
{
    if (!gw__session_check_address(session)) {
        return false;
    }
    if (is_hello(header)) {
        return true;
    }
    static const char *const hints[GW_FOREIGN_COUNT] = {
        [GW_FOREIGN_HTTP] = "the client speaks HTTP; this listener is none for WebSocket",
        [GW_FOREIGN_TLS] = "the client speaks TLS; this listener has none",
        [GW_FOREIGN_PROXY] = "the client sends a PROXY header, which this listener does not expect "
                             "from its address",
    };
    enum gw_foreign_protocol protocol = gw_foreign_protocol_of(header, GW_FRAME_HEADER_BYTES);
    struct gw_shard *shard = gw__shard(session->manager);
    gw__count(shard, &shard->unknown_protocol[protocol], 1);
    gw__hint(session, hints[protocol]);
    gw_session_end(session, GW__CLOSE_REASON__UNKNOWN_PROTOCOL);
    return false;
}

/* Stores `hash`. Returns false when it is known, or when GW_OTHER_SCHEMA_COUNT_MAX are stored. */
static bool is_new_schema(struct gw_session_manager *manager, uint64_t hash)
{
    for (size_t i = 0; i < GW_OTHER_SCHEMA_COUNT_MAX; i++) {
        uint64_t known = 0;
        if (atomic_compare_exchange_strong(&manager->other_schemas[i], &known, hash)) {
            return true;
        }
        if (known == hash) {
            return false;
        }
    }
    return false;
}

static void log_schema(struct gw_session *session, uint64_t hash)
{
    struct gw_session_manager *manager = session->manager;
    if (hash == 0 || hash == manager->packets->schema_hash) {
        return;
    }
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &shard->other_schema, 1);
    if (is_new_schema(manager, hash)) {
        char text[sizeof "0123456789abcdef"];
        snprintf(text, sizeof text, "%016" PRIx64, hash);
        const struct gw_log_field field = GW_LOG_TEXT("schema_hash", text);
        gw_log_write(gw_port_log(manager->port), GW_LOG_WARNING, "other_schema", &field, 1);
    }
}

/* Returns the reason to refuse this HELLO without on_greet, or NONE. */
static Gw__CloseReason refusal_of(const struct gw_session *session, const Gw__Hello *hello)
{
    if (session->hello_done) {
        return GW__CLOSE_REASON__WRONG_STAGE;
    }
    if (gw__manager_is_draining(session->manager)) {
        return GW__CLOSE_REASON__SHUTDOWN;
    }
    if (hello->protocol_major != GW_PROTOCOL_MAJOR) {
        return GW__CLOSE_REASON__WRONG_VERSION;
    }
    return GW__CLOSE_REASON__NONE;
}

void gw__on_hello(struct gw_session *session, const struct gw_frame *frame, const Gw__Hello *hello)
{
    (void)frame;
    struct gw_session_manager *manager = session->manager;
    Gw__CloseReason refusal = refusal_of(session, hello);
    if (refusal == GW__CLOSE_REASON__WRONG_VERSION) {
        gw__session_end_format(session, refusal, "protocol_major is %u, and must be %u",
                               (unsigned)hello->protocol_major, (unsigned)GW_PROTOCOL_MAJOR);
        return;
    }
    if (refusal != GW__CLOSE_REASON__NONE) {
        gw_session_end(session, refusal);
        return;
    }
    if (!gw__session_enter(session)) {
        return;
    }
    log_schema(session, hello->schema_hash);
    int result = 0;
    if (manager->events->on_greet != NULL) {
        result = manager->events->on_greet(session, hello, manager->context);
    }
    if (result != GW_GREET_LATER) {
        gw_session_greet(session, result);
    }
}

static void send_hello_ack(struct gw_session *session)
{
    const struct gw_session_manager *manager = session->manager;
    const struct gw_frame frame = {
        .packet_id = GW_CONTROL_HELLO_ACK, .flags = GW_FRAME_REPLY, .tag = GW_HELLO_TAG};
    Gw__HelloAck ack = GW__HELLO_ACK__INIT;
    ack.session_id = session->id;
    ack.schema_hash = manager->packets->schema_hash;
    ack.heartbeat_ms = session->heartbeat_ms;
    ack.body_bytes_max = manager->config.body_bytes_max;
    gw_session_send_frame(session, &frame, &ack.base);
}

/* Ends the greeting. */
static void complete(struct gw_session *session, const Gw__HelloAck *ack)
{
    struct gw_session_manager *manager = session->manager;
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &shard->greeted, 1);
    session->active_ms = gw__session_now_ms(session);
    if (!gw__session_reads(session)) {
        session->since_ms = session->active_ms; /* the idle time begins here */
    }
    atomic_store(&session->greeted, true);
    gw__session_update_deadline(session);
    if (manager->events->on_greeted != NULL) {
        manager->events->on_greeted(session, ack, manager->context);
    }
    gw__session_finish_if_done(session);
}

void gw_session_greet(struct gw_session *session, int result)
{
    struct gw_session_manager *manager = session->manager;
    assert(gw_turn_check(gw_session_turn(session), __func__));
    if (manager->config.side != GW_SIDE_SERVER || !session->hello_done) {
        gw__misuse(manager, __func__, "HELLO was received", result);
        return;
    }
    if (gw_session_has_ended(session) || session->greeted) {
        return;
    }
    if (result != 0 && gw__reason_of_peer(result) == GW__CLOSE_REASON__NONE) {
        gw__misuse(manager, "on_greet", "returns 0, GW_GREET_LATER or a close reason", result);
        result = GW__CLOSE_REASON__NOT_WELCOME;
    }
    if (result != 0) {
        gw_session_end(session, (Gw__CloseReason)result);
        return;
    }
    bool has_heartbeat = manager->config.heartbeat_ms != GW_OFF;
    session->heartbeat_ms = has_heartbeat ? manager->config.heartbeat_ms : 0;
    send_hello_ack(session);
    complete(session, NULL);
}

void gw_session_hello(struct gw_session *session, const Gw__Hello *hello)
{
    struct gw_session_manager *manager = session->manager;
    assert(gw_turn_check(gw_session_turn(session), __func__));
    if (manager->config.side != GW_SIDE_CLIENT || session->hello_done) {
        gw__misuse(manager, __func__, "a client sends HELLO once", session->hello_done);
        return;
    }
    const struct gw_frame frame = {.packet_id = GW_CONTROL_HELLO, .tag = GW_HELLO_TAG};
    Gw__Hello ours = *hello;
    ours.protocol_major = GW_PROTOCOL_MAJOR;
    ours.schema_hash = manager->packets->schema_hash;
    session->hello_done = true;
    gw_session_send_frame(session, &frame, &ours.base);
}

void gw__on_hello_ack(struct gw_session *session, const struct gw_frame *frame,
                      const Gw__HelloAck *hello_ack)
{
    bool answers = (frame->flags & GW_FRAME_REPLY) != 0 && frame->tag == GW_HELLO_TAG;
    if (!answers || !session->hello_done || session->greeted) {
        gw_session_end(session, GW__CLOSE_REASON__WRONG_STAGE);
        return;
    }
    log_schema(session, hello_ack->schema_hash);
    session->heartbeat_ms = hello_ack->heartbeat_ms;
    complete(session, hello_ack);
}

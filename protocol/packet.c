/* protocol/packet.c: Header checks and dispatch of packets. */
#include "protocol/packet.h"

#include "protocol/arena.h"
#include "protocol/validate.h"

#include <inttypes.h>
#include <stdio.h>

static enum gw_packet_result check(const struct gw_packet *packet, const struct gw_frame *frame,
                                   const struct gw_packet_sender *sender)
{
    if ((frame->flags & ~GW_FRAME_FLAGS) != 0) {
        return GW_PACKET_BAD_FLAGS;
    }
    if (frame->body_bytes > sender->body_bytes_max) {
        return GW_PACKET_TOO_LONG;
    }
    if (packet == NULL) {
        return GW_PACKET_UNKNOWN;
    }
    if ((packet->from & sender->from) == 0) {
        return GW_PACKET_WRONG_WAY;
    }
    if (sender->from == GW_FROM_CLIENT && (packet->stages & sender->stage) == 0) {
        return GW_PACKET_WRONG_STAGE;
    }
    if (frame->body_bytes > packet->body_bytes_max) {
        return GW_PACKET_TOO_LONG;
    }
    return GW_PACKET_OK;
}

enum gw_packet_result gw_packet_admit(const struct gw_packet_table *table,
                                      const struct gw_frame *frame,
                                      const struct gw_packet_sender *sender,
                                      const struct gw_packet **packet_out)
{
    *packet_out = gw_packet_find(table, frame->packet_id);
    return check(*packet_out, frame, sender);
}

enum gw_packet_result gw_packet_dispatch(const struct gw_packet *packet,
                                         const struct gw_frame *frame, const uint8_t *body,
                                         void *peer, struct gw_arena *arena)
{
    if (packet->message == NULL) {
        if (packet->handle_opaque != NULL) {
            packet->handle_opaque(peer, frame, body);
        }
        return GW_PACKET_OK;
    }
    enum gw_packet_result result =
        packet->message_rules == NULL
            ? GW_PACKET_OK
            : gw_validate_body(packet->message_rules, body, frame->body_bytes, NULL);
    if (result != GW_PACKET_OK) {
        return result;
    }
    gw_arena_reset(arena);
    ProtobufCMessage *message =
        protobuf_c_message_unpack(packet->message, &arena->allocator, frame->body_bytes, body);
    if (message == NULL) {
        result = arena->exhausted ? GW_PACKET_TOO_COMPLEX : GW_PACKET_BAD_BODY;
    } else if (packet->handle != NULL) {
        packet->handle(peer, frame, message);
    }
    gw_arena_reset(arena);
    return result;
}

void gw_packet_explain(const struct gw_packet *packet, enum gw_packet_result result,
                       const uint8_t *body, size_t body_bytes, struct gw_packet_fault *fault_out)
{
    bool is_explained = packet->message_rules != NULL &&
                        gw_validate_explain(packet->message_rules, body, body_bytes, fault_out);
    if (!is_explained) {
        snprintf(fault_out->field, sizeof fault_out->field, "body");
        snprintf(fault_out->rule, sizeof fault_out->rule, "%s",
                 result == GW_PACKET_TOO_COMPLEX ? "takes more memory than a message may"
                                                 : "is not a message that can be unpacked");
    }
}

/* Appends one name to the `used` bytes of `text`. Returns the new length. */
static size_t add_stage(char *text, size_t text_bytes, size_t used, const char *name,
                        uint32_t number)
{
    const char *comma = used == 0 ? "" : ", ";
    int length = name != NULL
                     ? snprintf(text + used, text_bytes - used, "%s%s", comma, name)
                     : snprintf(text + used, text_bytes - used, "%s%" PRIu32, comma, number);
    size_t room = text_bytes - used - 1;
    return used + (length > 0 && (size_t)length < room ? (size_t)length : room);
}

void gw_packet_stages_text(const struct gw_packet_table *table, uint32_t stages, char *text,
                           size_t text_bytes)
{
    size_t used = 0;
    text[0] = '\0';
    if ((stages & GW_STAGE_CONNECTED) != 0) {
        used = add_stage(text, text_bytes, used, "CONNECTED", 0);
    }
    if ((stages & GW_STAGE_GREETED) == GW_STAGE_GREETED) {
        add_stage(text, text_bytes, used, "GREETED", 0);
        return;
    }
    for (uint32_t number = 0; number <= GW_STAGE_GAME_MAX; number++) {
        if ((stages & UINT32_C(2) << number) != 0) {
            used =
                add_stage(text, text_bytes, used,
                          number < table->stage_count ? table->stage_names[number] : NULL, number);
        }
    }
}

const char *gw_packet_result_name(enum gw_packet_result result)
{
    static const char *const names[] = {
        [GW_PACKET_OK] = "OK",
        [GW_PACKET_BAD_FLAGS] = "BAD_FLAGS",
        [GW_PACKET_TOO_LONG] = "TOO_LONG",
        [GW_PACKET_UNKNOWN] = "UNKNOWN",
        [GW_PACKET_WRONG_WAY] = "WRONG_WAY",
        [GW_PACKET_WRONG_STAGE] = "WRONG_STAGE",
        [GW_PACKET_TOO_OFTEN] = "TOO_OFTEN",
        [GW_PACKET_BAD_BODY] = "BAD_BODY",
        [GW_PACKET_TOO_COMPLEX] = "TOO_COMPLEX",
    };
    size_t index = (size_t)result;
    return index < sizeof names / sizeof names[0] ? names[index] : "?";
}

/* tools/dummy-client/fill.c: generated messages of any type, with values that its rules allow. */
#include "tools/dummy-client/fill.h"
#include "proto/game/game_client.gen.h"
#include "protocol/arena.h"
#include "protocol/message_rules.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Texts: as much of it as the field allows, repeated where the field requires more. */
static const char text_value[] = "dummy";

static void *take(struct gw_arena *arena, size_t bytes)
{
    return arena->allocator.alloc(arena->allocator.allocator_data, bytes);
}

static size_t text_bytes(const struct gw_field_rule *rule)
{
    size_t most = rule == NULL ? 1 : rule->length_max;
    size_t bytes = most < sizeof text_value - 1 ? most : sizeof text_value - 1;
    return rule != NULL && bytes < rule->length_min ? rule->length_min : bytes;
}

static void write_text(char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        text[i] = text_value[i % (sizeof text_value - 1)];
    }
}

/* 1, or the nearest value in the range of the field; 0 only if the rules allow it. */
static double number_of(const struct gw_field_rule *rule)
{
    if (rule == NULL || (rule->checks & GW_FIELD_RANGE) == 0) {
        return 1;
    }
    double raised = rule->min > 1 ? rule->min : 1;
    double number = raised > rule->max ? rule->max : raised;
    bool is_zero = number == 0 && (rule->checks & GW_FIELD_NOT_ZERO) != 0;
    return is_zero ? rule->min : number;
}

static void put_string(struct gw_arena *arena, const struct gw_field_rule *rule, void *field_out)
{
    size_t bytes = text_bytes(rule);
    char *text = take(arena, bytes + 1);
    if (text != NULL) {
        write_text(text, bytes);
        text[bytes] = '\0';
        *(char **)field_out = text;
    }
}

static void put_bytes(struct gw_arena *arena, const struct gw_field_rule *rule, void *field_out)
{
    ProtobufCBinaryData *binary = field_out;
    binary->data = take(arena, text_bytes(rule));
    binary->len = binary->data == NULL ? 0 : text_bytes(rule);
    if (binary->data != NULL) {
        write_text((char *)binary->data, binary->len);
    }
}

/* The last of its values; the first if the last is 0, which is not encoded. */
static int enum_value(const ProtobufCEnumDescriptor *names)
{
    int last = names->values[names->n_values - 1].value;
    return last != 0 ? last : names->values[0].value;
}

static ProtobufCMessage *make(struct gw_arena *arena, const ProtobufCMessageDescriptor *type,
                              const struct gw_message_rules *message_rules);

static void put_value(struct gw_arena *arena, const ProtobufCFieldDescriptor *field,
                      const struct gw_field_rule *rule, void *field_out)
{
    double number = number_of(rule);
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        *(int32_t *)field_out = (int32_t)number;
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        *(uint32_t *)field_out = (uint32_t)number;
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        *(int64_t *)field_out = (int64_t)number;
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        *(uint64_t *)field_out = (uint64_t)number;
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        *(float *)field_out = (float)number;
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)field_out = number;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)field_out = 1;
        break;
    case PROTOBUF_C_TYPE_ENUM:
        *(int *)field_out = enum_value(field->descriptor);
        break;
    case PROTOBUF_C_TYPE_STRING:
        put_string(arena, rule, field_out);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        put_bytes(arena, rule, field_out);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)field_out =
            make(arena, field->descriptor, rule == NULL ? NULL : rule->message_rules);
        break;
    }
}

static void *member_at(ProtobufCMessage *message, unsigned offset)
{
    return (uint8_t *)message + offset;
}

/* One element, or none if the rules allow none. */
static void put_list(struct gw_arena *arena, const ProtobufCFieldDescriptor *field,
                     const struct gw_field_rule *rule, ProtobufCMessage *message)
{
    uint64_t *element =
        rule != NULL && rule->count_max == 0 ? NULL : take(arena, sizeof(ProtobufCBinaryData));
    if (element != NULL) {
        memset(element, 0, sizeof(ProtobufCBinaryData));
        put_value(arena, field, rule, element);
        *(void **)member_at(message, field->offset) = element;
        *(size_t *)member_at(message, field->quantifier_offset) = 1;
    }
}

static void put_field(struct gw_arena *arena, const ProtobufCFieldDescriptor *field,
                      const struct gw_field_rule *rule, ProtobufCMessage *message)
{
    bool is_choice = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        put_list(arena, field, rule, message);
        return;
    }
    if (is_choice) {
        uint32_t *chosen = member_at(message, field->quantifier_offset);
        if (*chosen != 0) {
            return;
        }
        *chosen = field->id;
    }
    put_value(arena, field, rule, member_at(message, field->offset));
}

static ProtobufCMessage *make(struct gw_arena *arena, const ProtobufCMessageDescriptor *type,
                              const struct gw_message_rules *message_rules)
{
    ProtobufCMessage *message = take(arena, type->sizeof_message);
    if (message == NULL) {
        return NULL;
    }
    protobuf_c_message_init(type, message);
    for (unsigned i = 0; i < type->n_fields; i++) {
        put_field(arena, &type->fields[i], message_rules == NULL ? NULL : &message_rules->rules[i],
                  message);
    }
    return message;
}

const ProtobufCMessage *dummy_fill(const struct gw_packet *packet, void *memory, size_t bytes)
{
    struct gw_arena arena;
    gw_arena_init(&arena, memory, bytes);
    const ProtobufCMessage *message = make(&arena, packet->message, packet->message_rules);
    return arena.exhausted ? NULL : message;
}

static bool is_allowed(const struct gw_packet *packet, Game__Stage stage)
{
    return (packet->stages >> ((unsigned)stage + 1) & 1) != 0;
}

bool dummy_fill_in_room(const struct gw_packet *packet)
{
    return is_allowed(packet, GAME__STAGE__IN_ROOM);
}

bool dummy_fill_in_lobby(const struct gw_packet *packet)
{
    return is_allowed(packet, GAME__STAGE__LOBBY);
}

void dummy_fill_list(char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < game_client_packets.packet_count; i++) {
        const struct gw_packet *packet = &game_client_packets.packets[i];
        if ((packet->from & GW_FROM_CLIENT) == 0 || packet->message == NULL ||
            !(dummy_fill_in_room(packet) || dummy_fill_in_lobby(packet))) {
            continue;
        }
        const char *name = packet->message->short_name;
        if (used + strlen(name) + sizeof ", " > bytes) {
            return;
        }
        used += (size_t)snprintf(text + used, bytes - used, "%s%s", used == 0 ? " " : ", ", name);
    }
}

const struct gw_packet *dummy_fill_find(const char *name)
{
    for (uint32_t i = 0; i < game_client_packets.packet_count; i++) {
        const struct gw_packet *packet = &game_client_packets.packets[i];
        if ((packet->from & GW_FROM_CLIENT) != 0 && packet->message != NULL &&
            strcmp(packet->message->short_name, name) == 0) {
            return packet;
        }
    }
    return NULL;
}

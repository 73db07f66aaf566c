/* server/log/packet_text.c: Text of a packet, from its descriptor. */
#include "server/log/packet_text.h"

#include "server/log/log.h"

#include <inttypes.h>
#include <stdio.h>

static void put_message(struct server_log_line *line, const ProtobufCMessage *message, int depth);

#define PUT_NUMBER(line, format, type, value)                                                      \
    do {                                                                                           \
        char digits[32];                                                                           \
        snprintf(digits, sizeof digits, (format), *(const type *)(value));                         \
        server_log_put((line), digits);                                                            \
    } while (0)

static void put_enum(struct server_log_line *line, const ProtobufCEnumDescriptor *names,
                     const void *value)
{
    const ProtobufCEnumValue *known =
        protobuf_c_enum_descriptor_get_value(names, *(const int *)value);
    if (known == NULL) {
        PUT_NUMBER(line, "%d", int, value);
    } else {
        server_log_put(line, known->name);
    }
}

static void put_string(struct server_log_line *line, const char *text)
{
    server_log_put_quoted(line, text == NULL ? "" : text, SERVER_PACKET_TEXT_BYTES_MAX);
}

static void put_bytes_count(struct server_log_line *line, const ProtobufCBinaryData *bytes)
{
    char text[40];
    snprintf(text, sizeof text, "<%zu bytes>", bytes->len);
    server_log_put(line, text);
}

static void put_value(struct server_log_line *line, const ProtobufCFieldDescriptor *field,
                      const void *value, int depth)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        PUT_NUMBER(line, "%" PRId32, int32_t, value);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        PUT_NUMBER(line, "%" PRId64, int64_t, value);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        PUT_NUMBER(line, "%" PRIu32, uint32_t, value);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        PUT_NUMBER(line, "%" PRIu64, uint64_t, value);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        PUT_NUMBER(line, "%g", float, value);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        PUT_NUMBER(line, "%g", double, value);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        server_log_put(line, *(const protobuf_c_boolean *)value ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        put_enum(line, field->descriptor, value);
        break;
    case PROTOBUF_C_TYPE_STRING:
        put_string(line, *(char *const *)value);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        put_bytes_count(line, value);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        put_message(line, *(ProtobufCMessage *const *)value, depth + 1);
        break;
    }
}

static size_t item_bytes(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return sizeof(uint64_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return sizeof(uint32_t);
    }
}

static void put_list(struct server_log_line *line, const ProtobufCFieldDescriptor *field,
                     const uint8_t *items, size_t count, int depth)
{
    size_t shown = count < SERVER_PACKET_TEXT_ITEMS_MAX ? count : SERVER_PACKET_TEXT_ITEMS_MAX;
    server_log_put(line, "[");
    for (size_t i = 0; i < shown; i++) {
        server_log_put(line, i == 0 ? "" : " ");
        put_value(line, field, items + i * item_bytes(field), depth);
    }
    if (shown < count) {
        size_t more = count - shown;
        PUT_NUMBER(line, " +%zu", size_t, &more);
    }
    server_log_put(line, "]");
}

static const void *member_at(const ProtobufCMessage *message, unsigned offset)
{
    return (const uint8_t *)message + offset;
}

/* Of a oneof, only the member that is set is there. */
static bool is_there(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) {
        return true;
    }
    return *(const uint32_t *)member_at(message, field->quantifier_offset) == field->id;
}

static void put_field(struct server_log_line *line, const ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field, int depth)
{
    const void *member = member_at(message, field->offset);
    server_log_put(line, field->name);
    server_log_put(line, "=");
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)member_at(message, field->quantifier_offset);
        put_list(line, field, *(uint8_t *const *)member, count, depth);
    } else {
        put_value(line, field, member, depth);
    }
}

static void put_message(struct server_log_line *line, const ProtobufCMessage *message, int depth)
{
    if (message == NULL || depth > SERVER_PACKET_TEXT_DEPTH_MAX) {
        server_log_put(line, message == NULL ? "{}" : "{...}");
        return;
    }
    const char *gap = "";
    server_log_put(line, "{");
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (is_there(message, field)) {
            server_log_put(line, gap);
            put_field(line, message, field, depth);
            gap = " ";
        }
    }
    server_log_put(line, "}");
}

void server_packet_text(struct server_log_line *line, const ProtobufCMessage *message)
{
    put_message(line, message, 0);
}

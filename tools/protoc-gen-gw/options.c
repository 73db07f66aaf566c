/* tools/protoc-gen-gw/options.c: custom options arrive as unknown fields. */
#include "tools/protoc-gen-gw/options.h"

#include "tools/protoc-gen-gw/text.h"

static bool is_option(const ProtobufCMessageUnknownField *field, uint32_t number,
                      ProtobufCWireType wire_type)
{
    return field->tag == number && field->wire_type == wire_type;
}

/* protobuf-c keeps the length in front of what it measures. */
static size_t length_of_varint(const ProtobufCMessageUnknownField *field)
{
    size_t length = 0;
    while (length < field->len && field->data[length] >= 0x80) {
        length++;
    }
    return length < field->len ? length + 1 : length;
}

/* Each `option (gw.packet).x = y;` is an occurrence of its own; together they are one message. */
static bool gather(const ProtobufCMessage *options, uint32_t number, struct text *bytes)
{
    bool found = false;
    for (unsigned i = 0; i < options->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
        if (is_option(field, number, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)) {
            size_t skipped = length_of_varint(field);
            text_add(bytes, field->data + skipped, field->len - skipped);
            found = true;
        }
    }
    return found;
}

enum option_found option_read_packet(const ProtobufCMessage *options, Gw__PacketPolicy **policy_out)
{
    struct text bytes = {0};
    if (options == NULL || !gather(options, OPTION_PACKET, &bytes)) {
        return OPTION_ABSENT;
    }
    *policy_out = gw__packet_policy__unpack(NULL, bytes.length, (const uint8_t *)bytes.bytes);
    text_fini(&bytes);
    return *policy_out == NULL ? OPTION_BROKEN : OPTION_READ;
}

bool option_read_stages(const ProtobufCMessage *options)
{
    bool set = false;
    for (unsigned i = 0; options != NULL && i < options->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
        if (is_option(field, OPTION_STAGES, PROTOBUF_C_WIRE_TYPE_VARINT) && field->len != 0) {
            set = (field->data[0] & 0x7F) != 0;
        }
    }
    return set;
}

/* tools/protoc-gen-gw/options.c: Parsing of the custom options (unknown fields to protobuf-c). */
#include "tools/protoc-gen-gw/options.h"

#include "tools/protoc-gen-gw/text.h"

static bool is_option(const ProtobufCMessageUnknownField *field, uint32_t number,
                      ProtobufCWireType wire_type)
{
    return field->tag == number && field->wire_type == wire_type;
}

/* protobuf-c keeps the length prefix in the data of an unknown field. */
static size_t length_of_varint(const ProtobufCMessageUnknownField *field)
{
    size_t length = 0;
    while (length < field->len && field->data[length] >= 0x80) {
        length++;
    }
    return length < field->len ? length + 1 : length;
}

/* Each `option (gw.packet).x = y;` is a separate occurrence; merged they are one message. */
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

static enum option_found read_message(const ProtobufCMessage *options, uint32_t number,
                                      const ProtobufCMessageDescriptor *type,
                                      ProtobufCMessage **message_out)
{
    struct text bytes = {0};
    if (options == NULL || !gather(options, number, &bytes)) {
        return OPTION_ABSENT;
    }
    *message_out =
        protobuf_c_message_unpack(type, NULL, bytes.length, (const uint8_t *)bytes.bytes);
    text_fini(&bytes);
    return *message_out == NULL ? OPTION_BROKEN : OPTION_READ;
}

enum option_found option_read_packet(const ProtobufCMessage *options, Gw__PacketPolicy **policy_out)
{
    ProtobufCMessage *message = NULL;
    enum option_found found =
        read_message(options, OPTION_PACKET, &gw__packet_policy__descriptor, &message);
    *policy_out = (Gw__PacketPolicy *)message;
    return found;
}

enum option_found option_read_field(const ProtobufCMessage *options, Gw__FieldPolicy **policy_out)
{
    ProtobufCMessage *message = NULL;
    enum option_found found =
        read_message(options, OPTION_FIELD, &gw__field_policy__descriptor, &message);
    *policy_out = (Gw__FieldPolicy *)message;
    return found;
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

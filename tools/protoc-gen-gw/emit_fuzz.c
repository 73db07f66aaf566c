/* tools/protoc-gen-gw/emit_fuzz.c: Generation of a dictionary and seeds for a fuzzer. */
#include "tools/protoc-gen-gw/emit.h"

#include <inttypes.h>
#include <string.h>

enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH_FIRST = 2, FOUR_BYTES = 5 };

static void put_byte(struct text *text, uint64_t value)
{
    uint8_t byte = (uint8_t)value;
    text_add(text, &byte, 1);
}

static void put_varint(struct text *text, uint64_t value)
{
    for (; value > 0x7F; value >>= 7) {
        put_byte(text, value | 0x80);
    }
    put_byte(text, value);
}

static unsigned wire_type_of(const struct field *field)
{
    switch ((int)field->proto->type) {
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64:
        return EIGHT_BYTES;
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED32:
        return FOUR_BYTES;
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE:
        return LENGTH_FIRST;
    default:
        return VARINT;
    }
}

static uint64_t key_of(const struct field *field)
{
    return (uint64_t)(uint32_t)field->proto->number << 3 | wire_type_of(field);
}

/* A value of the enum other than 0. */
static uint64_t enum_value(const struct type *enumeration)
{
    for (size_t i = 0; i < enumeration->enumeration->n_value; i++) {
        if (enumeration->enumeration->value[i]->number != 0) {
            return (uint64_t)enumeration->enumeration->value[i]->number;
        }
    }
    return 1;
}

/* 1, or the value of the field's range that is closest to it. */
static double number_of(const struct field *field)
{
    if (!field->has_range) {
        return 1;
    }
    double raised = field->min > 1 ? field->min : 1;
    double number = raised > field->max ? field->max : raised;
    return number == 0 && field->is_not_zero ? field->min : number;
}

static void put_fixed(struct text *text, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        put_byte(text, value >> (8 * i));
    }
}

static void put_number(struct text *text, const struct field *field)
{
    double number = number_of(field);
    int64_t whole = (int64_t)number;
    float single = (float)number;
    uint32_t single_bits;
    uint64_t bits;
    memcpy(&single_bits, &single, sizeof single_bits);
    memcpy(&bits, &number, sizeof bits);
    switch ((int)field->proto->type) {
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM:
        put_varint(text, field->enumeration == NULL ? 1 : enum_value(field->enumeration));
        break;
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE:
        put_fixed(text, bits, 8);
        break;
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT:
        put_fixed(text, single_bits, 4);
        break;
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64:
        put_fixed(text, (uint64_t)whole, 8);
        break;
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED32:
        put_fixed(text, (uint64_t)whole, 4);
        break;
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT32:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64:
        put_varint(text, whole < 0 ? 2 * (uint64_t) - (whole + 1) + 1 : 2 * (uint64_t)whole);
        break;
    default:
        put_varint(text, (uint64_t)whole);
        break;
    }
}

static void put_message(struct text *text, const struct type *type);

static void put_value(struct text *text, const struct field *field)
{
    struct text value = {0};
    if (wire_type_of(field) != LENGTH_FIRST) {
        put_number(text, field);
        return;
    }
    if (field->message != NULL) {
        put_message(&value, field->message);
    } else {
        for (uint32_t i = 0; i < (field->length_min == 0 ? 1 : field->length_min); i++) {
            put_byte(&value, 'a');
        }
    }
    put_varint(text, value.length);
    text_add(text, value.bytes, value.length);
    text_fini(&value);
}

/* Client packets nest at most CLIENT_DEPTH_MAX deep. */
static void put_message(struct text *text, const struct type *type)
{
    for (size_t i = 0; i < type->message->n_field; i++) {
        put_varint(text, key_of(&type->fields[i]));
        put_value(text, &type->fields[i]);
    }
}

static void emit_key(struct text *text, const struct type *type, const struct field *field)
{
    struct text key = {0};
    put_varint(&key, key_of(field));
    text_print(text, "# %s.%s\n\"", type->name, field->proto->name);
    for (size_t i = 0; i < key.length; i++) {
        text_print(text, "\\x%02X", (unsigned)(uint8_t)key.bytes[i]);
    }
    text_print(text, "\"\n");
    text_fini(&key);
}

static void emit_keys(struct text *text, const struct schema *schema)
{
    for (size_t i = 0; i < schema->types.count; i++) {
        const struct type *type = &schema->types.list[i];
        for (size_t k = 0; schema->from_client[i] && k < type->message->n_field; k++) {
            emit_key(text, type, &type->fields[k]);
        }
    }
}

void emit_dictionary(struct text *text, struct schema *schema)
{
    text_print(text,
               "# Generated by protoc-gen-gw from %s: the keys of all fields that clients send.\n",
               schema->file_name);
    if (schema->control != NULL) {
        emit_keys(text, schema->control);
    }
    emit_keys(text, schema);
}

static void emit_seed(struct text *text, const struct packet *packet, size_t place)
{
    struct text seed = {0};
    put_byte(&seed, place);
    put_message(&seed, packet->type);
    text_print(text, "%s ", packet->snake);
    for (size_t i = 0; i < seed.length; i++) {
        text_print(text, "%02x", (unsigned)(uint8_t)seed.bytes[i]);
    }
    text_print(text, "\n");
    text_fini(&seed);
}

void emit_seeds(struct text *text, struct schema *schema)
{
    text_print(
        text,
        "# Generated by protoc-gen-gw from %s: of each packet that clients send, its place in\n"
        "# the table and a body with every field in it, in hexadecimal.\n",
        schema->file_name);
    for (size_t i = 0; i < schema->packet_count && i <= UINT8_MAX; i++) {
        if ((schema->packets[i].from & FROM_CLIENT) != 0) {
            emit_seed(text, &schema->packets[i], i);
        }
    }
}

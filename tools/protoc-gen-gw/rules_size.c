/* tools/protoc-gen-gw/rules_size.c: Checks of the longest body that the field rules allow. */
#include "tools/protoc-gen-gw/rules.h"

#include <inttypes.h>

/* Minimum and maximum length of a message, field or value under its rules, in bytes. */
struct size {
    uint64_t least;
    uint64_t most;
};

static uint64_t varint_bytes(uint64_t value)
{
    uint64_t bytes = 1;
    for (; value > 0x7F; value >>= 7) {
        bytes++;
    }
    return bytes;
}

/* Of a number as a varint. A negative number takes ten bytes unless it is zigzag-encoded. */
static uint64_t number_bytes(const struct field *field, double number)
{
    bool is_folded =
        field->proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT32 ||
        field->proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64;
    /* An invalid range was reported already. */
    const double exact = 9007199254740992.0;
    number = number > -exact ? number : -exact;
    number = number < exact ? number : exact;
    if (is_folded) {
        return varint_bytes(number < 0 ? (uint64_t)(-2 * number) - 1 : (uint64_t)(2 * number));
    }
    return number < 0 ? 10 : varint_bytes((uint64_t)number);
}

static struct size varint_size(const struct field *field)
{
    uint64_t most = 10;
    switch ((int)field->proto->type) {
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL:
        return (struct size){1, 1};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT32:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT32:
        most = 5;
        break;
    default:
        break;
    }
    if (field->has_range) {
        uint64_t at_min = number_bytes(field, field->min);
        uint64_t at_max = number_bytes(field, field->max);
        uint64_t longest = at_min > at_max ? at_min : at_max;
        uint64_t shortest = at_min < at_max ? at_min : at_max;
        bool has_zero = field->min <= 0 && field->max >= 0;
        return (struct size){has_zero ? 1 : shortest, longest < most ? longest : most};
    }
    if (field->is_known && field->enumeration != NULL) {
        const proto_enum *names = field->enumeration->enumeration;
        most = 1;
        for (size_t i = 0; i < names->n_value; i++) {
            uint64_t bytes = number_bytes(field, names->value[i]->number);
            most = bytes > most ? bytes : most;
        }
    }
    return (struct size){1, most};
}

static struct size size_of_message(const struct type *type);

static struct size with_length(struct size size)
{
    return (struct size){size.least + varint_bytes(size.least),
                         size.most + varint_bytes(size.most)};
}

/* The length of a value without its key. */
static struct size size_of_value(const struct field *field)
{
    switch ((int)field->proto->type) {
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64:
        return (struct size){8, 8};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED32:
        return (struct size){4, 4};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES:
        return with_length((struct size){field->length_min, field->length_max});
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE:
        return with_length(field->message == NULL ? (struct size){0, 0}
                                                  : size_of_message(field->message));
    default:
        return varint_size(field);
    }
}

/* proto3 packs repeated numbers into one field unless the schema says otherwise. */
static bool is_packed(const struct field *field)
{
    const Google__Protobuf__FieldOptions *options = field->proto->options;
    return field->is_repeated && !field_is_text(field->proto) && field->message == NULL &&
           (options == NULL || !options->has_packed || options->packed);
}

static struct size size_of_field(const struct field *field)
{
    uint64_t key = varint_bytes((uint64_t)(uint32_t)field->proto->number << 3);
    struct size size = size_of_value(field);
    uint64_t count = field->is_repeated ? field->count_max : 1;
    if (is_packed(field)) {
        size = with_length((struct size){size.least, count * size.most});
        size = (struct size){key + size.least, key + size.most};
    } else {
        size = (struct size){key + size.least, count * (key + size.most)};
    }
    return (struct size){field->must_come ? size.least : 0, size.most};
}

/* A oneof has at most one member: its longest counts. */
static uint64_t longest_member(const struct type *type, int32_t oneof)
{
    uint64_t longest = 0;
    for (size_t i = 0; i < type->message->n_field; i++) {
        const struct field *field = &type->fields[i];
        if (field_is_in_oneof(field->proto) && field->proto->oneof_index == oneof) {
            uint64_t most = size_of_field(field).most;
            longest = most > longest ? most : longest;
        }
    }
    return longest;
}

/* Recursion is bounded: client packets nest at most CLIENT_DEPTH_MAX deep. */
static struct size size_of_message(const struct type *type)
{
    struct size sum = {0, 0};
    for (size_t i = 0; i < type->message->n_field; i++) {
        const struct field *field = &type->fields[i];
        if (!field_is_in_oneof(field->proto)) {
            struct size size = size_of_field(field);
            sum.least += size.least;
            sum.most += size.most;
        }
    }
    for (size_t i = 0; i < type->message->n_oneof_decl; i++) {
        sum.most += longest_member(type, (int32_t)i);
    }
    /* Above any limit, and no overflow after CLIENT_DEPTH_MAX levels. */
    const uint64_t enough = UINT32_MAX;
    sum.most = sum.most < enough ? sum.most : enough;
    return sum;
}

void rules_apply_size(struct schema *schema, struct packet *packet)
{
    struct size size = size_of_message(packet->type);
    bool is_said = packet->policy->max_bytes != 0;
    if (size.most <= packet->bytes_max) {
        return;
    }
    if (size.most > packet->bytes_limit) {
        bool may_declare = packet->bytes_limit == USUAL_CLIENT_BYTES_MAX && !is_said &&
                           size.most <= BODY_BYTES_MAX;
        const char *declare = may_declare
                                  ? pool_print(&schema->pool,
                                               ", or max_bytes: %" PRIu64
                                               " and in the server a body_bytes_max that allows it",
                                               size.most)
                                  : "";
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s takes up to %" PRIu64 " bytes by the rules of its fields, but its body has "
                    "%" PRIu32 " at most: write a smaller max_length or max_count%s",
                    packet->name, size.most, packet->bytes_limit, declare);
    } else if (is_said) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s takes %" PRIu64 " to %" PRIu64 " bytes by the rules of its fields, and has "
                    "max_bytes %" PRIu32 ": write max_bytes: %" PRIu64
                    ", or a smaller max_length or "
                    "max_count",
                    packet->name, size.least, size.most, packet->bytes_max, size.most);
    } else {
        packet->bytes_max = (uint32_t)size.most;
    }
}

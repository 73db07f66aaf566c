/* tools/protoc-gen-gw/fields.c: Fields of a message with the option (gw.field) and its defaults. */
#include "tools/protoc-gen-gw/fields.h"

#include "tools/protoc-gen-gw/options.h"
#include "tools/protoc-gen-gw/rules.h"
#include "tools/protoc-gen-gw/schema.h"

#include <stdlib.h>

bool field_is_text(const proto_field *field)
{
    return field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING ||
           field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES;
}

bool field_is_string(const proto_field *field)
{
    return field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING;
}

bool field_is_in_oneof(const proto_field *field)
{
    return field->has_oneof_index;
}

bool field_is_floating(const proto_field *field)
{
    return field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT ||
           field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE;
}

bool field_is_enum(const proto_field *field)
{
    return field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM;
}

bool field_is_number(const proto_field *field)
{
    switch ((int)field->type) {
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_GROUP:
        return false;
    default:
        return !field_is_text(field);
    }
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value == 0 ? otherwise : value;
}

/*
 * A limit of a field's range. The limit of a float is rounded to float: 0.1f is more than 0.1.
 * Volatile, because GCC 12.2 drops both conversions when it vectorizes two of them (-O2).
 */
static double end_of_range(const proto_field *field, double end)
{
    if (field->type != GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT) {
        return end;
    }
    volatile float rounded = (float)end;
    return (double)rounded;
}

/* Applies `policy`, which may be NULL, to a value. */
static void apply_to_value(struct field *field, const Gw__FieldPolicy *policy)
{
    static const Gw__FieldPolicy nothing = GW__FIELD_POLICY__INIT;
    const Gw__FieldPolicy *said = policy == NULL ? &nothing : policy;
    const proto_field *proto = field->proto;
    if (field_is_text(proto)) {
        field->length_max = or_default(said->max_length, DEFAULT_LENGTH);
        field->length_min = said->min_length;
        field->is_utf8 = field_is_string(proto) && said->utf8 != GW__CHECK__OFF;
        field->is_printable = field_is_string(proto) && said->printable == GW__CHECK__ON;
    }
    field->is_finite = field_is_floating(proto) && said->finite != GW__CHECK__OFF;
    field->is_known = field_is_enum(proto) && said->known != GW__CHECK__OFF;
    if (said->range != NULL && field_is_number(proto)) {
        field->has_range = true;
        field->min = end_of_range(proto, said->range->min);
        field->max = end_of_range(proto, said->range->max);
    }
}

/* Applies `required` to a field. On a repeated field it concerns the number of elements. */
static void apply_required(struct field *field)
{
    bool is_said = field->policy != NULL && field->policy->required == GW__CHECK__ON;
    if (is_said && !field->is_repeated && field->length_max != 0 && field->length_min == 0) {
        field->length_min = 1;
    }
    field->is_not_zero = is_said && !field->is_repeated &&
                         (field_is_number(field->proto) || field_is_enum(field->proto));
    bool is_value = !field->is_repeated && !field_is_in_oneof(field->proto);
    bool excludes_zero = field->has_range && !(field->min <= 0 && field->max >= 0);
    field->must_come = is_said || (is_value && (excludes_zero || field->length_min != 0));
}

static void apply_to_count(struct field *field)
{
    if (field->is_repeated) {
        uint32_t said = field->policy == NULL ? 0 : field->policy->max_count;
        field->count_max = or_default(said, DEFAULT_COUNT);
    } else if (field->message != NULL) {
        field->count_max = 1;
    }
}

static const struct type *enum_of(const struct types *types, const proto_field *field)
{
    const struct type *type = types_of_name(types, field->type_name);
    return type != NULL && type->enumeration != NULL ? type : NULL;
}

static const Gw__FieldPolicy *read_policy(struct schema *schema, const struct type *type,
                                          size_t index)
{
    const proto_field *proto = type->message->field[index];
    Gw__FieldPolicy *policy = NULL;
    const ProtobufCMessage *options = proto->options == NULL ? NULL : &proto->options->base;
    switch (option_read_field(options, &policy)) {
    case OPTION_READ:
        schema_keep_policy(schema, policy);
        return policy;
    case OPTION_BROKEN:
        problem_add(&schema->problems, type->file->name, type_member_line(type, index),
                    "the option (gw.field) of a field of %s cannot be read", type->name);
        break;
    case OPTION_ABSENT:
        break;
    }
    return NULL;
}

static void read_field(struct schema *schema, const struct type *type, size_t index,
                       struct field *field)
{
    const proto_field *proto = type->message->field[index];
    *field = (struct field){
        .proto = proto,
        .index = index,
        .message = types_of_field(&schema->types, proto),
        .enumeration = enum_of(&schema->types, proto),
        .policy = read_policy(schema, type, index),
        .is_repeated =
            proto->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED,
    };
    apply_to_value(field, field->policy);
    apply_to_count(field);
}

static int by_number(const void *left, const void *right)
{
    const struct field *a = left;
    const struct field *b = right;
    return (a->proto->number > b->proto->number) - (a->proto->number < b->proto->number);
}

static void read_type(struct schema *schema, struct type *type)
{
    size_t count = type->message->n_field;
    struct field *fields = pool_take(&schema->pool, count, sizeof *fields);
    for (size_t i = 0; i < count; i++) {
        read_field(schema, type, i, &fields[i]);
    }
    if (count != 0) {
        qsort(fields, count, sizeof *fields, by_number);
    }
    type->fields = fields;
}

bool field_is_map(const struct field *field)
{
    return field->message != NULL && field->message->message->options != NULL &&
           field->message->message->options->map_entry;
}

/* The policy of a map applies to its keys and values; its range applies to the values only. */
static void apply_map(const struct field *map)
{
    struct field *fields = (struct field *)map->message->fields;
    for (size_t i = 0; i < map->message->message->n_field; i++) {
        apply_to_value(&fields[i], map->policy);
        fields[i].has_range = fields[i].has_range && fields[i].proto->number == 2;
    }
}

/* Required fields have the first counters. */
static void number_counters(const struct type *type)
{
    struct field *fields = (struct field *)type->fields;
    uint32_t counter = 0;
    for (size_t i = 0; i < type->message->n_field; i++) {
        apply_required(&fields[i]);
        fields[i].counter = fields[i].must_come ? ++counter : 0;
    }
    for (size_t i = 0; i < type->message->n_field; i++) {
        if (!fields[i].must_come && fields[i].count_max != 0) {
            fields[i].counter = ++counter;
        }
    }
}

void fields_read(struct schema *schema)
{
    for (size_t i = 0; i < schema->types.count; i++) {
        if (schema->types.list[i].message != NULL) {
            read_type(schema, &schema->types.list[i]);
        }
    }
    for (size_t i = 0; i < schema->types.count; i++) {
        const struct type *type = &schema->types.list[i];
        for (size_t k = 0; type->message != NULL && k < type->message->n_field; k++) {
            if (field_is_map(&type->fields[k])) {
                apply_map(&type->fields[k]);
            }
        }
    }
    for (size_t i = 0; i < schema->types.count; i++) {
        if (schema->types.list[i].message != NULL) {
            number_counters(&schema->types.list[i]);
        }
    }
}

size_t fields_counter_count(const struct type *type)
{
    size_t count = 0;
    for (size_t i = 0; i < type->message->n_field; i++) {
        count += type->fields[i].counter != 0;
    }
    return count;
}

size_t fields_required_count(const struct type *type)
{
    size_t count = 0;
    for (size_t i = 0; i < type->message->n_field; i++) {
        count += type->fields[i].must_come;
    }
    return count;
}

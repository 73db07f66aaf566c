/* tools/protoc-gen-gw/rules_field.c: the rules about fields and what they may hold. */
#include "tools/protoc-gen-gw/rules.h"

#include "tools/protoc-gen-gw/reach.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* A field, where it stands. */
struct place {
    struct schema *schema;
    const struct type *type;
    const struct field *field;
};

static void complain(const struct place *place, const char *format, ...)
{
    struct schema *schema = place->schema;
    const char *name = place->field->proto->name;
    va_list arguments;
    va_start(arguments, format);
    const char *what = pool_print_list(&schema->pool, format, arguments);
    va_end(arguments);
    problem_add(&schema->problems, schema->file_name,
                type_member_line(place->type, place->field->index), "%s.%s %s", place->type->name,
                name == NULL ? "" : name, what);
}

static void check_optional(const struct place *place)
{
    if (place->field->proto->proto3_optional) {
        complain(place, "is `optional`, which protobuf-c cannot do in proto3: leave the word out, "
                        "or put the field into a message of its own");
    }
}

/* Keys and values of a map have what is said of the map. */
static bool holds(const struct place *place, bool (*is_of_kind)(const proto_field *field))
{
    const struct type *entry = place->field->message;
    if (entry == NULL || entry->message->options == NULL || !entry->message->options->map_entry) {
        return is_of_kind(place->field->proto);
    }
    for (size_t i = 0; i < entry->message->n_field; i++) {
        if (is_of_kind(entry->message->field[i])) {
            return true;
        }
    }
    return false;
}

static bool is_string(const proto_field *field)
{
    return field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING;
}

static void check_kinds(const struct place *place)
{
    const Gw__FieldPolicy *policy = place->field->policy;
    if (policy->max_length != 0 && !holds(place, field_is_text)) {
        complain(place, "has a max_length, and is neither string nor bytes");
    }
    if (policy->utf8 != GW__CHECK__CHECK_UNSET && !holds(place, is_string)) {
        complain(place, "says utf8, and is no string");
    }
    if (policy->known != GW__CHECK__CHECK_UNSET && !holds(place, field_is_enum)) {
        complain(place, "says known, and is no enum");
    }
    if (policy->finite != GW__CHECK__CHECK_UNSET && !holds(place, field_is_floating)) {
        complain(place, "says finite, and is neither float nor double");
    }
    if (policy->range != NULL && !holds(place, field_is_number)) {
        complain(place, "has a range, and is no number");
    }
    if (policy->max_count != 0 && !place->field->is_repeated) {
        complain(place, "has a max_count, and is not repeated");
    }
}

static void check_limits(const struct place *place)
{
    const Gw__FieldPolicy *policy = place->field->policy;
    if (policy->max_length > CLIENT_BYTES_MAX) {
        complain(place, "has max_length %" PRIu32 ", but no body from a client is longer than %d",
                 policy->max_length, CLIENT_BYTES_MAX);
    }
    if (policy->max_count > CLIENT_BYTES_MAX) {
        complain(place, "has max_count %" PRIu32 ", but no body from a client is longer than %d",
                 policy->max_count, CLIENT_BYTES_MAX);
    }
}

static bool is_whole(double value)
{
    const double exact = 9007199254740992.0; /* 2^53 */
    return value > -exact && value < exact && value == (double)(int64_t)value;
}

static void check_range(const struct place *place)
{
    const Gw__Range *range = place->field->policy->range;
    if (range == NULL) {
        return;
    }
    if (!(range->min <= range->max)) {
        complain(place, "has a range from %g to %g, where nothing is", range->min, range->max);
    } else if (!holds(place, field_is_floating) &&
               !(is_whole(range->min) && is_whole(range->max))) {
        complain(place, "has a range from %.17g to %.17g: write whole numbers below 2^53",
                 range->min, range->max);
    }
}

static void check_has_effect(const struct place *place)
{
    if (!place->schema->from_client[place->type - place->schema->types.list]) {
        complain(place,
                 "has (gw.field), which is about what clients send, and is in no packet from "
                 "CLIENT: take it away");
    }
}

static void check_fields(struct schema *schema, const struct type *type)
{
    for (size_t i = 0; i < type->message->n_field; i++) {
        const struct place place = {schema, type, &type->fields[i]};
        check_optional(&place);
        if (place.field->policy != NULL) {
            check_kinds(&place);
            check_limits(&place);
            check_range(&place);
            check_has_effect(&place);
        }
    }
}

static void check_counters(struct schema *schema, const struct type *type)
{
    size_t count = fields_counter_count(type);
    if (count > COUNTER_COUNT_MAX) {
        problem_add(&schema->problems, type->file->name, type_line(type),
                    "%s may come from a client, and has %zu fields that are repeated or messages: "
                    "%d may be, put some of them into a message of their own",
                    type->name, count, COUNTER_COUNT_MAX);
    }
}

/* What packets are made of, those that only a server sends too if `any`. */
static const bool *marks_of(struct schema *schema, struct reach *reach, bool any)
{
    bool *marks = pool_take(&schema->pool, schema->types.count, sizeof *marks);
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (any || (schema->packets[i].from & FROM_CLIENT) != 0) {
            reach_mark(reach, schema->packets[i].type, marks);
        }
    }
    return marks;
}

static void mark_types(struct schema *schema)
{
    struct reach reach;
    reach_init(&reach, &schema->pool, &schema->types);
    schema->from_client = marks_of(schema, &reach, false);
    schema->in_packets = marks_of(schema, &reach, true);
}

void rules_apply_to_fields(struct schema *schema)
{
    mark_types(schema);
    for (size_t i = 0; i < schema->types.count; i++) {
        const struct type *type = &schema->types.list[i];
        if (type->message == NULL) {
            continue;
        }
        if (type->file == schema->file) {
            check_fields(schema, type);
        }
        if (schema->from_client[i]) {
            check_counters(schema, type);
        }
    }
}

/* tools/protoc-gen-gw/rules_field.c: Checks of fields and their rules. */
#include "tools/protoc-gen-gw/rules.h"

#include "tools/protoc-gen-gw/names.h"
#include "tools/protoc-gen-gw/reach.h"

#include <float.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* A field and its position in the schema. */
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
    problem_add(&schema->problems, place->type->file->name,
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

/* The policy of a map applies to its keys and values; a range applies to the values only. */
static bool holds(const struct place *place, bool (*is_of_kind)(const proto_field *field))
{
    if (!field_is_map(place->field)) {
        return is_of_kind(place->field->proto);
    }
    const struct type *entry = place->field->message;
    for (size_t i = 0; i < entry->message->n_field; i++) {
        bool is_key = entry->fields[i].proto->number == 1;
        if (is_of_kind(entry->fields[i].proto) && !(is_key && is_of_kind == field_is_number)) {
            return true;
        }
    }
    return false;
}

/* The field whose values a rule limits: the value of a map, or the field. */
static const struct field *value_of(const struct place *place)
{
    const struct type *entry = place->field->message;
    bool is_map = field_is_map(place->field) && entry->message->n_field != 0;
    return is_map ? &entry->fields[entry->message->n_field - 1] : place->field;
}

static void check_kinds(const struct place *place)
{
    const Gw__FieldPolicy *policy = place->field->policy;
    if (policy->max_length != 0 && !holds(place, field_is_text)) {
        complain(place, "has a max_length, and is neither string nor bytes: remove it");
    }
    if (policy->min_length != 0 && !holds(place, field_is_text)) {
        complain(place, "has a min_length, and is neither string nor bytes: remove it");
    }
    if (policy->utf8 != GW__CHECK__CHECK_UNSET && !holds(place, field_is_string)) {
        complain(place, "says utf8, and is no string: remove it");
    }
    if (policy->printable != GW__CHECK__CHECK_UNSET && !holds(place, field_is_string)) {
        complain(place, "says printable, and is no string: remove it");
    }
    if (policy->known != GW__CHECK__CHECK_UNSET && !holds(place, field_is_enum)) {
        complain(place, "says known, and is no enum: remove it");
    }
    if (policy->finite != GW__CHECK__CHECK_UNSET && !holds(place, field_is_floating)) {
        complain(place, "says finite, and is neither float nor double: remove it");
    }
    if (policy->range != NULL && !holds(place, field_is_number)) {
        complain(place, field_is_map(place->field)
                            ? "has a range, and its values are no numbers: remove it"
                            : "has a range, and is no number: remove it");
    }
    if (policy->max_count != 0 && !place->field->is_repeated) {
        complain(place, "has a max_count, and is not repeated: remove it");
    }
}

static void check_limits(const struct place *place)
{
    const Gw__FieldPolicy *policy = place->field->policy;
    uint32_t length_max = policy->max_length == 0 ? DEFAULT_LENGTH : policy->max_length;
    if (policy->max_length > FIELD_LIMIT_MAX) {
        complain(place, "has max_length %" PRIu32 ", and at most %d is possible",
                 policy->max_length, FIELD_LIMIT_MAX);
    }
    if (policy->max_count > FIELD_LIMIT_MAX) {
        complain(place, "has max_count %" PRIu32 ", and at most %d is possible", policy->max_count,
                 FIELD_LIMIT_MAX);
    }
    if (policy->min_length > FIELD_LIMIT_MAX) {
        complain(place, "has min_length %" PRIu32 ", and at most %d is possible",
                 policy->min_length, FIELD_LIMIT_MAX);
    } else if (policy->min_length > length_max) {
        complain(place,
                 "has min_length %" PRIu32 " and max_length %" PRIu32 "%s, where nothing is: write "
                 "max_length: %" PRIu32 " or more",
                 policy->min_length, length_max, policy->max_length == 0 ? " (nothing said)" : "",
                 policy->min_length);
    }
}

static bool is_whole(double value)
{
    const double exact = 9007199254740992.0; /* 2^53 */
    return value > -exact && value < exact && value == (double)(int64_t)value;
}

/* The values of a 32-bit type; for a 64-bit type, the whole numbers that a double holds exactly. */
static struct span {
    double min;
    double max;
} span_of(const proto_field *field)
{
    const double exact = 9007199254740991.0; /* 2^53 - 1 */
    switch ((int)field->type) {
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT32:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32:
        return (struct span){0, UINT32_MAX};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT64:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64:
        return (struct span){0, exact};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64:
        return (struct span){-exact, exact};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT:
        return (struct span){-(double)FLT_MAX, (double)FLT_MAX};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE:
        return (struct span){-DBL_MAX, DBL_MAX};
    default:
        return (struct span){INT32_MIN, INT32_MAX};
    }
}

static void check_range(const struct place *place)
{
    const Gw__Range *range = place->field->policy->range;
    const proto_field *number = value_of(place)->proto;
    if (range == NULL || !field_is_number(number)) {
        return;
    }
    bool is_floating = field_is_floating(number);
    struct span span = span_of(number);
    if (!(range->min <= range->max)) {
        complain(place, "has a range from %g to %g, where nothing is", range->min, range->max);
    } else if (!is_floating && !(is_whole(range->min) && is_whole(range->max))) {
        complain(place, "has a range from %.17g to %.17g: write whole numbers below 2^53",
                 range->min, range->max);
    } else if (range->min < span.min || range->max > span.max) {
        complain(place,
                 "has a range from %.17g to %.17g, but its type holds %.17g to %.17g: write "
                 "numbers of that",
                 range->min, range->max, span.min, span.max);
    } else if (is_floating && place->field->policy->finite == GW__CHECK__OFF) {
        complain(place, "says finite: OFF and has a range, which neither infinity nor NaN is in: "
                        "remove one of them");
    }
}

static void check_texts(const struct place *place)
{
    const Gw__FieldPolicy *policy = place->field->policy;
    if (policy->printable == GW__CHECK__ON && policy->utf8 == GW__CHECK__OFF) {
        complain(place,
                 "says printable and utf8: OFF, but only UTF-8 is printable: remove one of them");
    }
}

static void check_required(const struct place *place)
{
    const struct field *field = place->field;
    if (field->policy->required != GW__CHECK__ON) {
        return;
    }
    if (field_is_in_oneof(field->proto)) {
        complain(place, "is required, and is a member of a oneof, of which one is there at most: "
                        "remove it");
    } else if (!field->is_repeated &&
               field->proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL) {
        complain(place, "is required, and is a bool, which could only be true: remove it");
    } else if (field->is_not_zero && field->has_range && field->min == 0 && field->max == 0) {
        complain(place,
                 "is required, so not 0, and has a range of nothing else: remove one of them");
    } else if (field->is_not_zero && field->is_known && field->enumeration != NULL &&
               field->enumeration->enumeration->n_value == 1) {
        complain(place, "is required, so not 0, and its enum has no other value: remove it");
    }
}

static void check_has_effect(const struct place *place)
{
    if (place->type->file == place->schema->file &&
        !place->schema->from_client[place->type - place->schema->types.list]) {
        complain(
            place,
            "has (gw.field), which applies only to packets from clients, and is in no packet from "
            "CLIENT: remove it");
    }
}

/*
 * protoc-gen-c makes struct members of the fields, in lower case and beside members of its own. It
 * appends an underscore to the keywords of C and C++ that it knows, but not to these names, which
 * are keywords or, once a system header is included, macros.
 */
static bool is_taken(const char *member)
{
    static const char *const words[] = {
        "alignas",
        "alignof",
        "char16_t",
        "char32_t",
        "char8_t",
        "co_await",
        "co_return",
        "co_yield",
        "complex",
        "concept",
        "consteval",
        "constexpr",
        "constinit",
        "d_fileno",
        "decltype",
        "errno",
        "export",
        "h_addr",
        "h_errno",
        "linux",
        "noexcept",
        "noreturn",
        "nullptr",
        "requires",
        "restrict",
        "s6_addr",
        "s6_addr16",
        "s6_addr32",
        "sa_handler",
        "sa_sigaction",
        "si_addr",
        "si_addr_lsb",
        "si_arch",
        "si_band",
        "si_call_addr",
        "si_fd",
        "si_int",
        "si_lower",
        "si_overrun",
        "si_pid",
        "si_pkey",
        "si_ptr",
        "si_status",
        "si_stime",
        "si_syscall",
        "si_timerid",
        "si_uid",
        "si_upper",
        "si_utime",
        "si_value",
        "st_atime",
        "st_ctime",
        "st_mtime",
        "static_assert",
        "stderr",
        "stdin",
        "stdout",
        "thread_local",
        "typeof",
        "typeof_unqual",
        "unix",
        "math_errhandling",
        "sigev_notify_attributes",
        "sigev_notify_function",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], member) == 0) {
            return true;
        }
    }
    return false;
}

/* The repeated field or oneof for which protoc-gen-c adds `member` to the struct; or NULL. */
static const char *owner_of(struct schema *schema, const struct type *type, const char *member)
{
    for (size_t i = 0; i < type->message->n_field; i++) {
        const struct field *other = &type->fields[i];
        const char *name = name_member(&schema->pool, other->proto->name);
        if (other->is_repeated && strcmp(pool_print(&schema->pool, "n_%s", name), member) == 0) {
            return other->proto->name;
        }
    }
    for (size_t i = 0; i < type->message->n_oneof_decl; i++) {
        const char *name = name_member(&schema->pool, type->message->oneof_decl[i]->name);
        if (strcmp(pool_print(&schema->pool, "%s_case", name), member) == 0) {
            return type->message->oneof_decl[i]->name;
        }
    }
    return NULL;
}

static void check_member(const struct place *place)
{
    const char *member = name_member(&place->schema->pool, place->field->proto->name);
    const char *owner = owner_of(place->schema, place->type, member);
    if (strcmp(member, "base") == 0) {
        complain(place,
                 "has the name of a member that protobuf-c puts into every message: write "
                 "another, as in `%s_id`",
                 member);
    } else if (is_taken(member)) {
        complain(place,
                 "has a name that C, C++ or a header of the system keeps for itself, so "
                 "that no program could use it: write another, as in `%s_value`",
                 member);
    } else if (owner != NULL) {
        complain(place, "becomes the member `%s` in C, which is taken by `%s`: write another name",
                 member, owner);
    }
}

static void check_fields(struct schema *schema, const struct type *type)
{
    for (size_t i = 0; i < type->message->n_field; i++) {
        const struct place place = {schema, type, &type->fields[i]};
        if (type->file == schema->file) {
            check_optional(&place);
            check_member(&place);
        }
        if (place.field->policy != NULL) {
            check_kinds(&place);
            check_limits(&place);
            check_range(&place);
            check_texts(&place);
            check_required(&place);
            check_has_effect(&place);
        }
    }
}

static void check_counters(struct schema *schema, const struct type *type)
{
    size_t count = fields_counter_count(type);
    if (count > COUNTER_COUNT_MAX) {
        problem_add(&schema->problems, type->file->name, type_line(type),
                    "%s may come from a client, and has %zu fields that are repeated, messages or "
                    "required: %d may be, put some of them into a message of their own",
                    type->name, count, COUNTER_COUNT_MAX);
    }
}

/* The types that packets contain; with `any` also those of packets that only a server sends. */
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
        if (type->file == schema->file || schema->in_packets[i]) {
            check_fields(schema, type);
        }
        if (schema->from_client[i]) {
            check_counters(schema, type);
        }
    }
}

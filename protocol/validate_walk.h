/* protocol/validate_walk.h: Steps of a validation. Private to protocol.
 *
 * validate.c takes these steps for every body, validate_explain.c for one that was refused. Both
 * include this file, so that the compiler inlines them into the loop of validate.c: a call for each
 * step costs 40 instructions a message.
 */
#ifndef GW_PROTOCOL_VALIDATION_WALK_H
#define GW_PROTOCOL_VALIDATION_WALK_H

#include "protocol/field_check.h"
#include "protocol/validate.h"

#include <string.h>

enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH_FIRST = 2, FOUR_BYTES = 5 };

/* A message that is being validated, and its end. */
struct level {
    const struct gw_message_rules *message_rules;
    const uint8_t *end;
};

struct validation {
    const uint8_t *at;
    size_t step_count;
    size_t unknown_count;
    size_t depth;
    struct level levels[GW_VALIDATE_DEPTH_MAX];
    uint16_t counters[GW_VALIDATE_DEPTH_MAX][GW_RULES_COUNTER_COUNT_MAX];
};

/* A field as its key describes it, with its descriptor and rule. */
struct seen {
    const ProtobufCFieldDescriptor *field; /* NULL: unknown */
    const struct gw_field_rule *rule;
    uint32_t number;
    unsigned wire_type;
};

static const uint8_t wire_types[] = {
    [PROTOBUF_C_TYPE_INT32] = VARINT,         [PROTOBUF_C_TYPE_SINT32] = VARINT,
    [PROTOBUF_C_TYPE_SFIXED32] = FOUR_BYTES,  [PROTOBUF_C_TYPE_INT64] = VARINT,
    [PROTOBUF_C_TYPE_SINT64] = VARINT,        [PROTOBUF_C_TYPE_SFIXED64] = EIGHT_BYTES,
    [PROTOBUF_C_TYPE_UINT32] = VARINT,        [PROTOBUF_C_TYPE_FIXED32] = FOUR_BYTES,
    [PROTOBUF_C_TYPE_UINT64] = VARINT,        [PROTOBUF_C_TYPE_FIXED64] = EIGHT_BYTES,
    [PROTOBUF_C_TYPE_FLOAT] = FOUR_BYTES,     [PROTOBUF_C_TYPE_DOUBLE] = EIGHT_BYTES,
    [PROTOBUF_C_TYPE_BOOL] = VARINT,          [PROTOBUF_C_TYPE_ENUM] = VARINT,
    [PROTOBUF_C_TYPE_STRING] = LENGTH_FIRST,  [PROTOBUF_C_TYPE_BYTES] = LENGTH_FIRST,
    [PROTOBUF_C_TYPE_MESSAGE] = LENGTH_FIRST,
};

static inline struct level *top(struct validation *validation)
{
    return &validation->levels[validation->depth - 1];
}

static inline bool read_varint(struct validation *validation, const uint8_t *end,
                               uint64_t *value_out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && validation->at < end; shift += 7) {
        uint8_t byte = *validation->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *value_out = value;
            return true;
        }
    }
    return false;
}

/* Keys and lengths fit into 32 bits, and protobuf-c reads no more than five bytes of them. */
static inline bool read_short_varint(struct validation *validation, const uint8_t *end,
                                     uint64_t *value_out)
{
    const uint8_t *limit = end - validation->at > 5 ? validation->at + 5 : end;
    return read_varint(validation, limit, value_out) && *value_out <= UINT32_MAX;
}

static inline bool read_fixed(struct validation *validation, const uint8_t *end, size_t bytes,
                              uint64_t *value_out)
{
    if ((size_t)(end - validation->at) < bytes) {
        return false;
    }
    *value_out = 0;
    for (size_t i = bytes; i > 0; i--) {
        *value_out = *value_out << 8 | validation->at[i - 1];
    }
    validation->at += bytes;
    return true;
}

static inline bool read_number(struct validation *validation, const uint8_t *end,
                               unsigned wire_type, uint64_t *value_out)
{
    switch (wire_type) {
    case VARINT:
        return read_varint(validation, end, value_out);
    case EIGHT_BYTES:
        return read_fixed(validation, end, 8, value_out);
    case FOUR_BYTES:
        return read_fixed(validation, end, 4, value_out);
    default:
        return false;
    }
}

/* The bytes behind a length: *end_out is where they end. */
static inline bool read_length(struct validation *validation, const uint8_t **end_out)
{
    uint64_t length;
    const uint8_t *end = top(validation)->end;
    if (!read_short_varint(validation, end, &length) || length > (uint64_t)(end - validation->at)) {
        return false;
    }
    *end_out = validation->at + length;
    return true;
}

static inline bool read_key(struct validation *validation, struct seen *seen)
{
    uint64_t key;
    const struct level *level = top(validation);
    if (!read_short_varint(validation, level->end, &key) || key < 8) {
        return false;
    }
    seen->number = (uint32_t)(key >> 3);
    seen->wire_type = key & 7;
    seen->field =
        protobuf_c_message_descriptor_get_field(level->message_rules->message, seen->number);
    seen->rule =
        seen->field == NULL
            ? NULL
            : &level->message_rules->rules[seen->field - level->message_rules->message->fields];
    return true;
}

/* Counts one occurrence. Returns whether the rule allows it. */
static inline bool count(struct validation *validation, const struct gw_field_rule *rule)
{
    if (rule->counter == 0) {
        return true;
    }
    return ++validation->counters[validation->depth - 1][rule->counter - 1] <= rule->count_max;
}

static inline enum gw__fault enter(struct validation *validation,
                                   const struct gw_message_rules *message_rules, const uint8_t *end)
{
    if (validation->depth == GW_VALIDATE_DEPTH_MAX) {
        return GW__FAULT_TOO_DEEP;
    }
    memset(validation->counters[validation->depth], 0,
           message_rules->counter_count * sizeof validation->counters[0][0]);
    validation->levels[validation->depth++] = (struct level){message_rules, end};
    return GW__FAULT_NONE;
}

/* The first required counter that is 0; required_count if there is none. */
static inline unsigned first_missing(const struct validation *validation,
                                     const struct gw_message_rules *message_rules)
{
    unsigned i = 0;
    while (i < message_rules->required_count &&
           validation->counters[validation->depth - 1][i] != 0) {
        i++;
    }
    return i;
}

/* Ends a message: all its required fields must have occurred. */
static inline enum gw__fault leave(struct validation *validation)
{
    const struct gw_message_rules *message_rules = top(validation)->message_rules;
    if (message_rules->required_count != 0 &&
        first_missing(validation, message_rules) != message_rules->required_count) {
        return GW__FAULT_MISSING;
    }
    validation->depth--;
    return GW__FAULT_NONE;
}

static inline enum gw__fault take_unknown(struct validation *validation, const struct seen *seen)
{
    uint64_t ignored;
    const uint8_t *end;
    if (seen->wire_type != LENGTH_FIRST) {
        if (!read_number(validation, top(validation)->end, seen->wire_type, &ignored)) {
            return GW__FAULT_MALFORMED;
        }
    } else if (read_length(validation, &end)) {
        validation->at = end;
    } else {
        return GW__FAULT_MALFORMED;
    }
    return ++validation->unknown_count <= GW_VALIDATE_UNKNOWN_MAX ? GW__FAULT_NONE
                                                                  : GW__FAULT_UNKNOWN;
}

static inline enum gw__fault take_number(struct validation *validation, const struct seen *seen,
                                         const uint8_t *end, unsigned wire_type)
{
    uint64_t value;
    if (!read_number(validation, end, wire_type, &value)) {
        return GW__FAULT_MALFORMED;
    }
    enum gw__fault fault = seen->rule->checks == 0
                               ? GW__FAULT_NONE
                               : gw__field_check_number(seen->field, seen->rule, value);
    if (fault != GW__FAULT_NONE) {
        return fault;
    }
    return count(validation, seen->rule) ? GW__FAULT_NONE : GW__FAULT_TOO_OFTEN;
}

static inline enum gw__fault take_packed(struct validation *validation, const struct seen *seen)
{
    const uint8_t *end;
    enum gw__fault fault = GW__FAULT_MALFORMED;
    if (read_length(validation, &end)) {
        fault = GW__FAULT_NONE;
        while (fault == GW__FAULT_NONE && validation->at < end) {
            validation->step_count++;
            fault = take_number(validation, seen, end, wire_types[seen->field->type]);
        }
    }
    return fault;
}

static inline enum gw__fault take_bytes(struct validation *validation, const struct seen *seen)
{
    const uint8_t *end;
    if (!read_length(validation, &end)) {
        return GW__FAULT_MALFORMED;
    }
    if (!count(validation, seen->rule)) {
        return GW__FAULT_TOO_OFTEN;
    }
    if (seen->rule->message_rules != NULL) {
        return enter(validation, seen->rule->message_rules, end);
    }
    const uint8_t *bytes = validation->at;
    size_t length = (size_t)(end - bytes);
    validation->at = end;
    if (length > seen->rule->length_max) {
        return GW__FAULT_TOO_LONG;
    }
    if (length < seen->rule->length_min) {
        return GW__FAULT_TOO_SHORT;
    }
    return seen->rule->checks == 0 ? GW__FAULT_NONE
                                   : gw__field_check_text(seen->rule, bytes, length);
}

static inline enum gw__fault take_known(struct validation *validation, const struct seen *seen)
{
    unsigned expected = wire_types[seen->field->type];
    if (seen->wire_type == expected) {
        return expected == LENGTH_FIRST
                   ? take_bytes(validation, seen)
                   : take_number(validation, seen, top(validation)->end, expected);
    }
    bool is_packed =
        seen->wire_type == LENGTH_FIRST && seen->field->label == PROTOBUF_C_LABEL_REPEATED;
    return is_packed ? take_packed(validation, seen) : GW__FAULT_TYPE;
}

static inline enum gw__fault step(struct validation *validation)
{
    if (validation->at == top(validation)->end) {
        return leave(validation);
    }
    struct seen seen;
    validation->step_count++;
    if (!read_key(validation, &seen)) {
        return GW__FAULT_MALFORMED;
    }
    return seen.field == NULL ? take_unknown(validation, &seen) : take_known(validation, &seen);
}

static inline enum gw__fault begin(struct validation *validation,
                                   const struct gw_message_rules *message_rules,
                                   const uint8_t *body, size_t body_bytes)
{
    validation->at = body;
    validation->step_count = 0;
    validation->unknown_count = 0;
    validation->depth = 0;
    return enter(validation, message_rules, body + body_bytes);
}

#endif

/* protocol/scan_walk.h: the steps of a scan. Private to protocol.
 *
 * Two files take the same steps: scan.c for every body, scan_explain.c for one that was refused.
 * Each compiles them for itself, so that the compiler makes one loop of scan.c's (a call for each
 * step costs a message 40 instructions).
 */
#ifndef GW_PROTOCOL_SCAN_WALK_H
#define GW_PROTOCOL_SCAN_WALK_H

#include "protocol/field_check.h"
#include "protocol/scan.h"

#include <string.h>

enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH_FIRST = 2, FOUR_BYTES = 5 };

/* The message we are in, and where it ends. */
struct level {
    const struct gw_shape *shape;
    const uint8_t *end;
};

struct scan {
    const uint8_t *at;
    size_t step_count;
    size_t unknown_count;
    size_t depth;
    struct level levels[GW_SCAN_DEPTH_MAX];
    uint16_t counters[GW_SCAN_DEPTH_MAX][GW_SHAPE_COUNTER_COUNT_MAX];
};

/* A field of the wire: what its key says, and what we know of it. */
struct met {
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

static inline struct level *top(struct scan *scan)
{
    return &scan->levels[scan->depth - 1];
}

static inline bool read_varint(struct scan *scan, const uint8_t *end, uint64_t *value_out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && scan->at < end; shift += 7) {
        uint8_t byte = *scan->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *value_out = value;
            return true;
        }
    }
    return false;
}

/* Keys and lengths fit into 32 bits, and protobuf-c reads no more than five bytes of them. */
static inline bool read_short_varint(struct scan *scan, const uint8_t *end, uint64_t *value_out)
{
    const uint8_t *limit = end - scan->at > 5 ? scan->at + 5 : end;
    return read_varint(scan, limit, value_out) && *value_out <= UINT32_MAX;
}

static inline bool read_fixed(struct scan *scan, const uint8_t *end, size_t bytes,
                              uint64_t *value_out)
{
    if ((size_t)(end - scan->at) < bytes) {
        return false;
    }
    *value_out = 0;
    for (size_t i = bytes; i > 0; i--) {
        *value_out = *value_out << 8 | scan->at[i - 1];
    }
    scan->at += bytes;
    return true;
}

static inline bool read_number(struct scan *scan, const uint8_t *end, unsigned wire_type,
                               uint64_t *value_out)
{
    switch (wire_type) {
    case VARINT:
        return read_varint(scan, end, value_out);
    case EIGHT_BYTES:
        return read_fixed(scan, end, 8, value_out);
    case FOUR_BYTES:
        return read_fixed(scan, end, 4, value_out);
    default:
        return false;
    }
}

/* The bytes behind a length: *end_out is where they end. */
static inline bool read_length(struct scan *scan, const uint8_t **end_out)
{
    uint64_t length;
    const uint8_t *end = top(scan)->end;
    if (!read_short_varint(scan, end, &length) || length > (uint64_t)(end - scan->at)) {
        return false;
    }
    *end_out = scan->at + length;
    return true;
}

static inline bool read_key(struct scan *scan, struct met *met)
{
    uint64_t key;
    const struct level *level = top(scan);
    if (!read_short_varint(scan, level->end, &key) || key < 8) {
        return false;
    }
    met->number = (uint32_t)(key >> 3);
    met->wire_type = key & 7;
    met->field = protobuf_c_message_descriptor_get_field(level->shape->message, met->number);
    met->rule = met->field == NULL
                    ? NULL
                    : &level->shape->rules[met->field - level->shape->message->fields];
    return true;
}

/* One more of what may come only so often, or must come. */
static inline bool count(struct scan *scan, const struct gw_field_rule *rule)
{
    if (rule->counter == 0) {
        return true;
    }
    return ++scan->counters[scan->depth - 1][rule->counter - 1] <= rule->count_max;
}

static inline enum gw__fault enter(struct scan *scan, const struct gw_shape *shape,
                                   const uint8_t *end)
{
    if (scan->depth == GW_SCAN_DEPTH_MAX) {
        return GW__FAULT_TOO_DEEP;
    }
    memset(scan->counters[scan->depth], 0, shape->counter_count * sizeof scan->counters[0][0]);
    scan->levels[scan->depth++] = (struct level){shape, end};
    return GW__FAULT_NONE;
}

/* The first counter that stayed at 0 and must not; required_count when there is none. */
static inline unsigned first_missing(const struct scan *scan, const struct gw_shape *shape)
{
    unsigned place = 0;
    while (place < shape->required_count && scan->counters[scan->depth - 1][place] != 0) {
        place++;
    }
    return place;
}

/* At the end of a message, where what did not come is known. */
static inline enum gw__fault leave(struct scan *scan)
{
    const struct gw_shape *shape = top(scan)->shape;
    if (shape->required_count != 0 && first_missing(scan, shape) != shape->required_count) {
        return GW__FAULT_MISSING;
    }
    scan->depth--;
    return GW__FAULT_NONE;
}

static inline enum gw__fault take_unknown(struct scan *scan, const struct met *met)
{
    uint64_t ignored;
    const uint8_t *end;
    if (met->wire_type != LENGTH_FIRST) {
        if (!read_number(scan, top(scan)->end, met->wire_type, &ignored)) {
            return GW__FAULT_MALFORMED;
        }
    } else if (read_length(scan, &end)) {
        scan->at = end;
    } else {
        return GW__FAULT_MALFORMED;
    }
    return ++scan->unknown_count <= GW_SCAN_UNKNOWN_MAX ? GW__FAULT_NONE : GW__FAULT_UNKNOWN;
}

static inline enum gw__fault take_number(struct scan *scan, const struct met *met,
                                         const uint8_t *end, unsigned wire_type)
{
    uint64_t value;
    if (!read_number(scan, end, wire_type, &value)) {
        return GW__FAULT_MALFORMED;
    }
    enum gw__fault fault = met->rule->checks == 0
                               ? GW__FAULT_NONE
                               : gw__field_check_number(met->field, met->rule, value);
    if (fault != GW__FAULT_NONE) {
        return fault;
    }
    return count(scan, met->rule) ? GW__FAULT_NONE : GW__FAULT_TOO_OFTEN;
}

static inline enum gw__fault take_packed(struct scan *scan, const struct met *met)
{
    const uint8_t *end;
    enum gw__fault fault = GW__FAULT_MALFORMED;
    if (read_length(scan, &end)) {
        fault = GW__FAULT_NONE;
        while (fault == GW__FAULT_NONE && scan->at < end) {
            scan->step_count++;
            fault = take_number(scan, met, end, wire_types[met->field->type]);
        }
    }
    return fault;
}

static inline enum gw__fault take_bytes(struct scan *scan, const struct met *met)
{
    const uint8_t *end;
    if (!read_length(scan, &end)) {
        return GW__FAULT_MALFORMED;
    }
    if (!count(scan, met->rule)) {
        return GW__FAULT_TOO_OFTEN;
    }
    if (met->rule->shape != NULL) {
        return enter(scan, met->rule->shape, end);
    }
    const uint8_t *bytes = scan->at;
    size_t length = (size_t)(end - bytes);
    scan->at = end;
    if (length > met->rule->length_max) {
        return GW__FAULT_TOO_LONG;
    }
    if (length < met->rule->length_min) {
        return GW__FAULT_TOO_SHORT;
    }
    return met->rule->checks == 0 ? GW__FAULT_NONE : gw__field_check_text(met->rule, bytes, length);
}

static inline enum gw__fault take_known(struct scan *scan, const struct met *met)
{
    unsigned expected = wire_types[met->field->type];
    if (met->wire_type == expected) {
        return expected == LENGTH_FIRST ? take_bytes(scan, met)
                                        : take_number(scan, met, top(scan)->end, expected);
    }
    bool is_packed =
        met->wire_type == LENGTH_FIRST && met->field->label == PROTOBUF_C_LABEL_REPEATED;
    return is_packed ? take_packed(scan, met) : GW__FAULT_TYPE;
}

static inline enum gw__fault step(struct scan *scan)
{
    if (scan->at == top(scan)->end) {
        return leave(scan);
    }
    struct met met;
    scan->step_count++;
    if (!read_key(scan, &met)) {
        return GW__FAULT_MALFORMED;
    }
    return met.field == NULL ? take_unknown(scan, &met) : take_known(scan, &met);
}

static inline enum gw__fault begin(struct scan *scan, const struct gw_shape *shape,
                                   const uint8_t *body, size_t body_bytes)
{
    scan->at = body;
    scan->step_count = 0;
    scan->unknown_count = 0;
    scan->depth = 0;
    return enter(scan, shape, body + body_bytes);
}

#endif

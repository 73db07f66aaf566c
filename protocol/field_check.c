/* protocol/field_check.c: Validation of one value against the rule of its field. */
#include "protocol/field_check.h"

#include "protocol/utf8.h"

#include <math.h>
#include <string.h>

static double float_of(uint64_t raw)
{
    uint32_t bits = (uint32_t)raw;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double double_of(uint64_t raw)
{
    double value;
    memcpy(&value, &raw, sizeof value);
    return value;
}

static int64_t zigzag_decoded(uint64_t raw)
{
    return (int64_t)(raw >> 1 ^ (0 - (raw & 1)));
}

/* The number that protobuf-c unpacks from `raw`. 32-bit types drop the upper bits. */
static double number_of(ProtobufCType type, uint64_t raw)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FLOAT:
        return float_of(raw);
    case PROTOBUF_C_TYPE_DOUBLE:
        return double_of(raw);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return (uint32_t)raw;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return (double)raw;
    case PROTOBUF_C_TYPE_SINT32:
        return (double)zigzag_decoded((uint32_t)raw);
    case PROTOBUF_C_TYPE_SINT64:
        return (double)zigzag_decoded(raw);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return (double)(int64_t)raw;
    default:
        return (int32_t)(uint32_t)raw;
    }
}

enum gw__fault gw__field_check_number(const ProtobufCFieldDescriptor *field,
                                      const struct gw_field_rule *rule, uint64_t raw)
{
    if ((rule->checks & GW_FIELD_KNOWN) != 0 &&
        protobuf_c_enum_descriptor_get_value(field->descriptor, (int32_t)(uint32_t)raw) == NULL) {
        return GW__FAULT_KNOWN;
    }
    double number = number_of(field->type, raw);
    if ((rule->checks & GW_FIELD_FINITE) != 0 && !isfinite(number)) {
        return GW__FAULT_FINITE;
    }
    if ((rule->checks & GW_FIELD_NOT_ZERO) != 0 && number == 0) {
        return GW__FAULT_ZERO;
    }
    /* False for NaN. */
    bool is_inside =
        (rule->checks & GW_FIELD_RANGE) == 0 || (number >= rule->min && number <= rule->max);
    return is_inside ? GW__FAULT_NONE : GW__FAULT_RANGE;
}

enum gw__fault gw__field_check_text(const struct gw_field_rule *rule, const uint8_t *bytes,
                                    size_t length)
{
    if ((rule->checks & GW_FIELD_UTF8) != 0 && !gw_utf8_is_text(bytes, length)) {
        return GW__FAULT_UTF8;
    }
    if ((rule->checks & GW_FIELD_PRINTABLE) != 0 && !gw_utf8_is_printable(bytes, length)) {
        return GW__FAULT_PRINTABLE;
    }
    return GW__FAULT_NONE;
}

/* protocol/field_check.h: Validation of one field value. Private to protocol. */
#ifndef GW_PROTOCOL_FIELD_CHECK_H
#define GW_PROTOCOL_FIELD_CHECK_H

#include "protocol/message_rules.h"

#include <stddef.h>

/* Faults of a body. GW__FAULT_TOO_OFTEN and later ones are GW_PACKET_TOO_COMPLEX. */
enum gw__fault {
    GW__FAULT_NONE,
    GW__FAULT_MALFORMED, /* not a field of the wire format */
    GW__FAULT_TYPE,      /* the wire type does not match the field */
    GW__FAULT_TOO_LONG,
    GW__FAULT_TOO_SHORT,
    GW__FAULT_UTF8,
    GW__FAULT_PRINTABLE,
    GW__FAULT_FINITE,
    GW__FAULT_KNOWN,
    GW__FAULT_RANGE,
    GW__FAULT_ZERO,
    GW__FAULT_MISSING,
    GW__FAULT_TOO_OFTEN,
    GW__FAULT_TOO_DEEP,
    GW__FAULT_UNKNOWN, /* too many unknown fields */
};

/*
 * Applies the number checks of rule->checks, which must not be 0. `raw` is the number as received:
 * the value of a varint, or of little-endian bytes. Thread: any.
 */
enum gw__fault gw__field_check_number(const ProtobufCFieldDescriptor *field,
                                      const struct gw_field_rule *rule, uint64_t raw);

/* Applies the string checks of rule->checks. The caller checks the length. Thread: any. */
enum gw__fault gw__field_check_text(const struct gw_field_rule *rule, const uint8_t *bytes,
                                    size_t length);

#endif

/* protocol/field_check.h: compares a value with the rule of its field. Private to protocol. */
#ifndef GW_PROTOCOL_FIELD_CHECK_H
#define GW_PROTOCOL_FIELD_CHECK_H

#include "protocol/message_rules.h"

#include <stddef.h>

/* What is wrong with a body. Those from GW__FAULT_TOO_OFTEN on are GW_PACKET_TOO_COMPLEX. */
enum gw__fault {
    GW__FAULT_NONE,
    GW__FAULT_MALFORMED, /* bytes that are no field */
    GW__FAULT_TYPE,      /* a field whose bytes are those of another type */
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
    GW__FAULT_UNKNOWN, /* too many fields that the schema does not have */
};

/*
 * The checks of rule->checks, of which there is one at least. `raw` is the number as it came, a
 * varint or little-endian bytes. Thread: any.
 */
enum gw__fault gw__field_check_number(const ProtobufCFieldDescriptor *field,
                                      const struct gw_field_rule *rule, uint64_t raw);

/* The same of a string or bytes; their length is the caller's to check. Thread: any. */
enum gw__fault gw__field_check_text(const struct gw_field_rule *rule, const uint8_t *bytes,
                                    size_t length);

#endif

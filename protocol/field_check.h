/* protocol/field_check.h: may a field hold this value? Private to protocol. */
#ifndef GW_PROTOCOL_FIELD_CHECK_H
#define GW_PROTOCOL_FIELD_CHECK_H

#include "protocol/shape.h"

#include <stdbool.h>
#include <stddef.h>

/* `raw` is the number as it came, a varint or little-endian bytes. Thread: any. */
bool gw__field_check_number(const ProtobufCFieldDescriptor *field, const struct gw_field_rule *rule,
                            uint64_t raw);

/* Of a string or bytes. Thread: any. */
bool gw__field_check_bytes(const struct gw_field_rule *rule, const uint8_t *bytes, size_t length);

#endif

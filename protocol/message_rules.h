/* protocol/message_rules.h: Field rules of a message, as tables. */
#ifndef GW_PROTOCOL_MESSAGE_RULES_H
#define GW_PROTOCOL_MESSAGE_RULES_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * protobuf-c's descriptor of a message lists its fields and their types. struct gw_message_rules
 * adds the rules of the schema, one for each field, in the same order:
 *
 *   descriptor->fields    [ text, string ]  [ at, message Point    ]  [ marks, repeated uint32 ]
 *   message_rules->rules  [ <= 400 bytes ]  [ rules of Point, once ]  [ <= 16, each <= 9       ]
 *
 * The generator writes constant tables for each message that a client may send. Rules never contain
 * themselves, directly or indirectly.
 */
struct gw_message_rules {
    const ProtobufCMessageDescriptor *message;
    const struct gw_field_rule *rules; /* message->n_fields of them */
    uint16_t counter_count;            /* number of rules with a counter */
    uint16_t required_count;           /* this many first counters must not be 0 at the end */
};

enum { GW_RULES_COUNTER_COUNT_MAX = 32 };

/* Checks of a value beyond its type; bits. */
enum gw_field_checks {
    GW_FIELD_UTF8 = 0x01,      /* a string: well-formed UTF-8 without NUL */
    GW_FIELD_FINITE = 0x02,    /* a float or double: neither infinite nor NaN */
    GW_FIELD_KNOWN = 0x04,     /* an enum: one of its values */
    GW_FIELD_RANGE = 0x08,     /* a number: within `min` and `max` */
    GW_FIELD_PRINTABLE = 0x10, /* a string: only code points that utf8.h calls printable */
    GW_FIELD_NOT_ZERO = 0x20,  /* a number or an enum: not 0 */
};

/*
 * proto3 sends neither a number that is 0 nor an empty string. A field whose rule forbids that
 * value must therefore be in the body: its counter is one of the first `required_count`.
 */
struct gw_field_rule {
    uint16_t length_max; /* bytes of a string or bytes field; of each element if repeated */
    uint16_t length_min;
    uint16_t count_max; /* maximum number of occurrences or elements; 1 for a message */
    uint8_t counter;    /* index of its counter plus 1; 0: not counted */
    uint8_t checks;     /* bits of enum gw_field_checks */
    double min;
    double max;
    const struct gw_message_rules *message_rules; /* of a message field; otherwise NULL */
};

#ifdef __cplusplus
}
#endif

#endif

/* protocol/message_rules.h: what the fields of a message may hold, as the schema says it. */
#ifndef GW_PROTOCOL_MESSAGE_RULES_H
#define GW_PROTOCOL_MESSAGE_RULES_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * protobuf-c's descriptor says which fields a message has and of what type they are; a message_rules adds
 * what else the schema says of them, a rule for each field, in the same order:
 *
 *      descriptor->fields   [ text, string ]   [ at, message Point ]   [ marks, repeated uint32 ]
 *      message_rules->rules         [ <= 400 bytes ]   [ its message_rules, once   ]   [ <= 16, each <= 9       ]
 *
 * The generator writes them, constant, for every message that a client may send. They never hold
 * themselves, not even through others.
 */
struct gw_message_rules {
    const ProtobufCMessageDescriptor *message;
    const struct gw_field_rule *rules; /* message->n_fields of them */
    uint16_t counter_count;            /* how many rules count */
    uint16_t required_count;           /* the first so many counters must not stay at 0 */
};

enum { GW_RULES_COUNTER_COUNT_MAX = 32 };

/* Checks of a value that are more than its type; bits. */
enum gw_field_checks {
    GW_FIELD_UTF8 = 0x01,      /* a string: well-formed UTF-8 without NUL */
    GW_FIELD_FINITE = 0x02,    /* a float or double: neither infinite nor NaN */
    GW_FIELD_KNOWN = 0x04,     /* an enum: one of its values */
    GW_FIELD_RANGE = 0x08,     /* a number: within `min` and `max` */
    GW_FIELD_PRINTABLE = 0x10, /* a string: only code points that utf8.h calls printable */
    GW_FIELD_NOT_ZERO = 0x20,  /* a number or an enum: not 0 */
};

/*
 * proto3 does not send a number that is 0 nor a string that is empty, so a field whose rule forbids
 * that value must be in the body: its counter is one of the first `required_count`.
 */
struct gw_field_rule {
    uint16_t length_max; /* of a string or bytes, of each one if repeated; in bytes */
    uint16_t length_min;
    uint16_t count_max; /* how often the field may come, or its elements; 1 for a message */
    uint8_t counter;    /* one more than its place among the counters; 0: it is not counted */
    uint8_t checks;     /* bits of enum gw_field_checks */
    double min;
    double max;
    const struct gw_message_rules *message_rules; /* of a message; NULL for anything else */
};

#ifdef __cplusplus
}
#endif

#endif

/* tools/protoc-gen-gw/fields.h: Fields of a message with the option (gw.field) and its defaults. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_FIELDS_H
#define GW_TOOLS_PROTOC_GEN_GW_FIELDS_H

#include "gw/policy.pb-c.h"
#include "tools/protoc-gen-gw/types.h"

#include <stdbool.h>
#include <stdint.h>

struct schema;

/* A field with its option (gw.field) as written and as effective. */
struct field {
    const proto_field *proto;
    size_t index;               /* in the message as written */
    const struct type *message; /* of a message field */
    const struct type *enumeration;
    const Gw__FieldPolicy *policy; /* as written; NULL: no option */
    bool is_repeated;

    /* Effective rules. */
    uint32_t length_max; /* of a string or bytes; otherwise 0 */
    uint32_t length_min;
    uint32_t count_max; /* of a repeated field or a message; otherwise 0 */
    uint32_t counter;   /* as in struct gw_field_rule */
    bool must_come;     /* its rules forbid the value of an absent field */
    bool is_utf8;
    bool is_printable;
    bool is_not_zero; /* a number or an enum */
    bool is_finite;
    bool is_known; /* an enum without unknown values */
    bool has_range;
    double min;
    double max;
};

/*
 * Reads the fields of every message of the schema and its imports, sorted by number as protobuf-c
 * sorts them. The policy of a map applies to its key and value. Reports all errors.
 */
void fields_read(struct schema *schema);

/* The number of fields with a counter, and of required fields. */
size_t fields_counter_count(const struct type *type);
size_t fields_required_count(const struct type *type);

/* Properties of a field. */
bool field_is_in_oneof(const proto_field *field);
bool field_is_string(const proto_field *field);
bool field_is_text(const proto_field *field);     /* a string or bytes */
bool field_is_floating(const proto_field *field); /* a float or double */
bool field_is_enum(const proto_field *field);
bool field_is_number(const proto_field *field); /* may have a range */
bool field_is_map(const struct field *field);

#endif

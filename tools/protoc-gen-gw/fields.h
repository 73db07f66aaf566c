/* tools/protoc-gen-gw/fields.h: the fields of a message, and what each may hold. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_FIELDS_H
#define GW_TOOLS_PROTOC_GEN_GW_FIELDS_H

#include "gw/policy.pb-c.h"
#include "tools/protoc-gen-gw/types.h"

#include <stdbool.h>
#include <stdint.h>

struct schema;

/* A field, with what its option (gw.field) says and what holds when it says nothing. */
struct field {
    const proto_field *proto;
    size_t index;               /* in the message as written */
    const struct type *message; /* of a field that holds one */
    const struct type *enumeration;
    const Gw__FieldPolicy *policy; /* as written; NULL: it says nothing */
    bool is_repeated;

    /* In effect. */
    uint32_t length_max; /* of a string or bytes; 0 of anything else */
    uint32_t length_min;
    uint32_t count_max; /* of a repeated field or a message; 0 of anything else */
    uint32_t counter;   /* as in struct gw_field_rule */
    bool must_come;     /* absent, it would be a value that its rules forbid */
    bool is_utf8;
    bool is_printable;
    bool is_not_zero; /* a number or an enum */
    bool is_finite;
    bool is_known; /* an enum, and no other values than its own */
    bool has_range;
    double min;
    double max;
};

/*
 * Reads the fields of every message of the schema and its imports, sorted by number as protobuf-c
 * sorts them. A map's key and value have what is said of the map. All mistakes are noted.
 */
void fields_read(struct schema *schema);

/* How many of a message's fields are counted, and how many of these must come. */
size_t fields_counter_count(const struct type *type);
size_t fields_required_count(const struct type *type);

/* What a field is, for rules about it. */
bool field_is_in_oneof(const proto_field *field);
bool field_is_string(const proto_field *field);
bool field_is_text(const proto_field *field);     /* a string or bytes */
bool field_is_floating(const proto_field *field); /* a float or double */
bool field_is_enum(const proto_field *field);
bool field_is_number(const proto_field *field); /* one that can have a range */
bool field_is_map(const struct field *field);

#endif

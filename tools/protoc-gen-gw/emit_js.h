/* tools/protoc-gen-gw/emit_js.h: Generation of JavaScript from a schema, and the names in it. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_EMIT_JS_H
#define GW_TOOLS_PROTOC_GEN_GW_EMIT_JS_H

#include "tools/protoc-gen-gw/schema.h"
#include "tools/protoc-gen-gw/text.h"

/* Writes the module: enums, messages with their codecs and rules, and the table of packets. */
void emit_js_module(struct text *text, struct schema *schema);

/* Writes the declarations of the module for TypeScript. */
void emit_js_types(struct text *text, struct schema *schema);

/* Adds an error for each name that is none, and for each two that would be equal in JavaScript. */
void js_check_names(struct schema *schema);

/* "Chat" of "game.Chat", "Deal_HTTPDone" of "small.Deal.HTTPDone", "other_Part" of "other.Part". */
const char *js_type_name(struct schema *schema, const struct type *type);

/* "retryMinMs" of "retry_min_ms". */
const char *js_field_name(struct schema *schema, const struct field *field);

/* The sender and the event of a packet: "chatLine" of "ChatLine", "close_" of "Close", because a
 * connection has a function of that name. */
const char *js_packet_name(struct schema *schema, const struct packet *packet);

/* Whether the module has the type: packets contain it, or it is an enum of the schema. */
bool js_has_type(const struct schema *schema, const struct type *type);

/* Whether the type is the message that protobuf makes of the entries of a map. */
bool js_is_map_entry(const struct type *type);

/* How JavaScript reads, writes and holds a value of the field's type, one element if repeated. */
struct js_value {
    const char *method; /* of Reader and Writer, in tools/clients/js/codec.mjs */
    const char *zero;   /* the value of an absent field */
    const char *type;   /* in TypeScript */
};
struct js_value js_value_of(struct schema *schema, const struct field *field);

#endif

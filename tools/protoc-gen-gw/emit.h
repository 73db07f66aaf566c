/* tools/protoc-gen-gw/emit.h: Generation of C, Lua and input of fuzzers from a schema. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_EMIT_H
#define GW_TOOLS_PROTOC_GEN_GW_EMIT_H

#include "tools/protoc-gen-gw/output.h"

/* A side of a connection: a server, a client, or for control packets both. */
struct side {
    const char *stem; /* "game/game_server" */
    const char *what;
    const char *handler_prefix; /* "game_on_" */
    const char *table;          /* "game_server_packets" */
    const char *id_prefix;      /* "GAME_PACKET_" */
    uint8_t receives;           /* bits of the senders whose packets it handles */
    bool declares_ids;          /* in its own header instead of that of the senders */
};

/* Writes the header and the source of a side: handlers, typed requests and the packet table. */
void emit_side(struct output *output, struct schema *schema, const struct side *side);

/* Writes the header and the source that both sides share: ids, stages, typed senders. */
void emit_senders(struct output *output, struct schema *schema, const char *id_prefix);

/* Writes a dissector for Wireshark, in Lua. */
void emit_dissector(struct text *text, struct schema *schema);

/* Write input for a fuzzer: the keys of all fields of client packets, and a body of each packet. */
void emit_dictionary(struct text *text, struct schema *schema);
void emit_seeds(struct text *text, struct schema *schema);

/* The wire type of a value of the field, and its key: the number of the field and that type. */
enum { EMIT_VARINT = 0, EMIT_EIGHT_BYTES = 1, EMIT_LENGTH_FIRST = 2, EMIT_FOUR_BYTES = 5 };
unsigned emit_wire_type_of(const struct field *field);
uint64_t emit_key_of(const struct field *field);

/* Parts of a file. */
void emit_guard_open(struct text *text, struct schema *schema, const char *name);
void emit_guard_close(struct text *text);
void emit_include(struct text *text, const struct schema *schema, const char *name);
void emit_limits(struct text *text, struct schema *schema, const char *prefix);
void emit_ids(struct text *text, const struct schema *schema, const char *id_prefix);
void emit_message_rules(struct text *text, struct schema *schema);
bool has_message_rules(const struct packet *packet);
void emit_table(struct text *text, struct schema *schema, const struct side *side);

/* Names of generated files: "a.gen.h" and "a.gen.c" of "a". */
const char *emit_header_of(struct schema *schema, const char *stem);
const char *emit_source_of(struct schema *schema, const char *stem);

/* The header that protoc-gen-c generates from the schema. */
const char *emit_messages_of(struct schema *schema);

#endif

/* tools/protoc-gen-gw/emit.h: writes C. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_EMIT_H
#define GW_TOOLS_PROTOC_GEN_GW_EMIT_H

#include "tools/protoc-gen-gw/output.h"

/* One who takes part: a server, a client, or for control packets both in one. */
struct side {
    const char *stem; /* "game/game_server" */
    const char *what;
    const char *handler_prefix; /* "game_on_" */
    const char *table;          /* "game_server_packets" */
    const char *id_prefix;      /* "GAME_PACKET_" */
    uint8_t receives;           /* bits of who sends what it has handlers for */
    bool declares_ids;          /* in its own header, not in that of the senders */
};

/* The header and the source of a side: its handlers, and its table of all packets. */
void emit_side(struct output *output, struct schema *schema, const struct side *side);

/* The header and the source that both sides share: ids, stages, typed senders. */
void emit_senders(struct output *output, struct schema *schema, const char *id_prefix);

/* A dissector for Wireshark, in Lua. */
void emit_dissector(struct text *text, struct schema *schema);

/* For a fuzzer: the keys of all fields of client packets, and a body of each. */
void emit_dictionary(struct text *text, struct schema *schema);
void emit_seeds(struct text *text, struct schema *schema);

/* Parts of a file. */
void emit_guard_open(struct text *text, struct schema *schema, const char *name);
void emit_guard_close(struct text *text);
void emit_include(struct text *text, const struct schema *schema, const char *name);
void emit_limits(struct text *text, struct schema *schema, const char *prefix);
void emit_ids(struct text *text, const struct schema *schema, const char *id_prefix);
void emit_message_rules(struct text *text, struct schema *schema);
bool has_message_rules(const struct packet *packet);
void emit_table(struct text *text, struct schema *schema, const struct side *side);

/* "a.h" of "a.c", and the other way round. */
const char *emit_header_of(struct schema *schema, const char *stem);
const char *emit_source_of(struct schema *schema, const char *stem);

/* The header that protoc-gen-c made of the schema. */
const char *emit_messages_of(struct schema *schema);

#endif

/* tools/protoc-gen-gw/rules.h: what a schema must keep to. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_RULES_H
#define GW_TOOLS_PROTOC_GEN_GW_RULES_H

#include "tools/protoc-gen-gw/schema.h"

/*
 * Notes every mistake of the schema in schema->problems, and fills in what is in effect: from,
 * stages, limits. Packets are sorted by id.
 */
void rules_apply(struct schema *schema);

/* The part of it that is about one packet and its option. */
void rules_apply_to_packet(struct schema *schema, struct packet *packet);

/* The part that is about fields and what they may hold, once packets say who sends them. */
void rules_apply_to_fields(struct schema *schema);

/*
 * The part that is about the length of what clients send: gives a packet without max_bytes what its
 * longest message takes. The packet's type must not hold itself.
 */
void rules_apply_size(struct schema *schema, struct packet *packet);

/* The part that is about requests, once every packet's own part is done. */
void rules_apply_to_replies(struct schema *schema);

#endif

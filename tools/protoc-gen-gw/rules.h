/* tools/protoc-gen-gw/rules.h: Checks of a schema. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_RULES_H
#define GW_TOOLS_PROTOC_GEN_GW_RULES_H

#include "tools/protoc-gen-gw/schema.h"

/*
 * Adds every error of the schema to schema->problems, and fills in the effective policy of each
 * packet: from, stages, limits. Sorts packets by id.
 */
void rules_apply(struct schema *schema);

/* Checks one packet and its option. */
void rules_apply_to_packet(struct schema *schema, struct packet *packet);

/* Checks fields and their rules. Runs after the senders of all packets are known. */
void rules_apply_to_fields(struct schema *schema);

/*
 * Checks the length of client packets. A packet without max_bytes gets the length of its longest
 * message. The packet's type must not contain itself.
 */
void rules_apply_size(struct schema *schema, struct packet *packet);

/* Checks requests and replies. Runs after all packets were checked. */
void rules_apply_to_replies(struct schema *schema);

#endif

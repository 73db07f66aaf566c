/* tools/protoc-gen-gw/list.h: Listing of the packets as a table. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_LIST_H
#define GW_TOOLS_PROTOC_GEN_GW_LIST_H

#include "tools/protoc-gen-gw/lock.h"

/*
 * Writes a table of all packets with their effective policies, and the free ids: those that neither
 * a packet nor `lock` has.
 */
void list_packets(struct text *text, struct schema *schema, const struct lock *lock);

/* Texts of a packet's policy, for the list and PROTOCOL.md: "LOBBY, IN_ROOM", "20/s, 40". */
const char *list_stages(struct schema *schema, const struct packet *packet);
const char *list_rate(struct schema *schema, const struct packet *packet);
const char *list_marks(struct schema *schema, const struct packet *packet);

#endif

/* tools/protoc-gen-gw/list.h: the packets of a schema, for people. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_LIST_H
#define GW_TOOLS_PROTOC_GEN_GW_LIST_H

#include "tools/protoc-gen-gw/lock.h"

/*
 * A table of all packets and what the schema says of them, in effect, and which ids are free:
 * neither a packet's nor one that `lock` remembers.
 */
void list_packets(struct text *text, struct schema *schema, const struct lock *lock);

/* Words of a packet's policy, as lists and references have them: "LOBBY, IN_ROOM", "20/s, 40". */
const char *list_stages(struct schema *schema, const struct packet *packet);
const char *list_rate(struct schema *schema, const struct packet *packet);
const char *list_marks(struct schema *schema, const struct packet *packet);

#endif

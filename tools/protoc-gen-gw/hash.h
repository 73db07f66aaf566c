/* tools/protoc-gen-gw/hash.h: Hash of a schema in canonical form. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_HASH_H
#define GW_TOOLS_PROTOC_GEN_GW_HASH_H

#include "tools/protoc-gen-gw/schema.h"

/*
 * FNV-1a, 64 bits, over a text: the package, each packet by its id, and the fields of every message
 * that packets contain. The order in the file, comments and limits do not affect it.
 *
 * Returns   the hash, never 0.
 */
uint64_t hash_of_schema(struct schema *schema);

#endif

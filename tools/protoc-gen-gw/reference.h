/* tools/protoc-gen-gw/reference.h: PROTOCOL.md, for people who write clients. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_REFERENCE_H
#define GW_TOOLS_PROTOC_GEN_GW_REFERENCE_H

#include "tools/protoc-gen-gw/schema.h"
#include "tools/protoc-gen-gw/text.h"

/* Writes the reference of a schema's packets, and of its control packets, if it has them along. */
void reference_write(struct text *text, struct schema *schema);

/*
 * Writes it to `path` where the file there says something else. With `is_frozen` that is a problem
 * instead.
 */
void reference_keep(struct schema *schema, const char *path, bool is_frozen);

#endif

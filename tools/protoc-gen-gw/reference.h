/* tools/protoc-gen-gw/reference.h: Generation of PROTOCOL.md, for developers of clients. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_REFERENCE_H
#define GW_TOOLS_PROTOC_GEN_GW_REFERENCE_H

#include "tools/protoc-gen-gw/schema.h"
#include "tools/protoc-gen-gw/text.h"

/* Writes the reference of a schema's packets, and of the control packets if they were read. */
void reference_write(struct text *text, struct schema *schema);

/*
 * Writes the reference to `path` if that file differs. With `is_frozen` a difference is an error.
 */
void reference_keep(struct schema *schema, const char *path, bool is_frozen);

#endif

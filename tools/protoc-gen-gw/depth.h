/* tools/protoc-gen-gw/depth.h: Nesting depth of a packed message. */

/* Checked before protobuf-c unpacks a message, because it recurses without a limit. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_DEPTH_H
#define GW_TOOLS_PROTOC_GEN_GW_DEPTH_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The recursion limit of protobuf itself. */
enum { DEPTH_MAX = 100 };

/*
 * Whether the message in `bytes` nests at most DEPTH_MAX deep. Bytes that are no message may pass:
 * unpacking reports them.
 */
bool depth_is_fine(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t length);

#endif

/* tools/protoc-gen-gw/depth.h: keeps protobuf-c, which recurses without a limit, from deep water.
 */
#ifndef GW_TOOLS_PROTOC_GEN_GW_DEPTH_H
#define GW_TOOLS_PROTOC_GEN_GW_DEPTH_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As deep as protobuf itself reads. */
enum { DEPTH_MAX = 100 };

/*
 * Whether the message in `bytes` nests at most DEPTH_MAX deep. Bytes that are no message at all
 * may pass: unpacking finds that out.
 */
bool depth_is_fine(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t length);

#endif

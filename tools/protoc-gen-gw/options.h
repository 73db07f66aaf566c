/* tools/protoc-gen-gw/options.h: Parsing of the custom options of gw/options.proto. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_OPTIONS_H
#define GW_TOOLS_PROTOC_GEN_GW_OPTIONS_H

#include "gw/policy.pb-c.h"

#include <stdbool.h>

/* The numbers of gw/options.proto. */
enum { OPTION_PACKET = 50001, OPTION_STAGES = 50001, OPTION_FIELD = 50001 };

enum option_found { OPTION_ABSENT, OPTION_READ, OPTION_BROKEN };

/*
 * Reads (gw.packet) of a message's `options`, which may be NULL.
 *
 * Owns      gives *policy_out if it returns OPTION_READ; free it with
 *           gw__packet_policy__free_unpacked().
 */
enum option_found option_read_packet(const ProtobufCMessage *options,
                                     Gw__PacketPolicy **policy_out);

/* As above, for (gw.field) of a field; free it with gw__field_policy__free_unpacked(). */
enum option_found option_read_field(const ProtobufCMessage *options, Gw__FieldPolicy **policy_out);

/* Whether (gw.stages) is set among an enum's `options`, which may be NULL. */
bool option_read_stages(const ProtobufCMessage *options);

#endif

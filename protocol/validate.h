/* protocol/validate.h: looks through a body before it is unpacked. */
#ifndef GW_PROTOCOL_VALIDATE_H
#define GW_PROTOCOL_VALIDATE_H

#include "protocol/packet.h"
#include "protocol/message_rules.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * protobuf-c recurses as deep as a body says, keeps each unknown field, merges a message that comes
 * again with all that came before, and believes any bytes to be a string. So whatever comes from a
 * client is looked through first, without recursion and without memory, in one pass:
 *
 *      body:  [key][length][ . . . . ]  [key][varint]  [key][length][ [key][varint] ]
 *                          UTF-8, <= n       known,            into the message, and
 *                                            in range          its message_rules: one level
 *
 * What passes is a message of its type that keeps every rule of the schema, and costs protobuf-c
 * time and memory in proportion to its length.
 */
enum {
    GW_VALIDATE_DEPTH_MAX = 8,    /* messages in messages, the first one counted */
    GW_VALIDATE_UNKNOWN_MAX = 16, /* fields in one body that only a newer schema has */
};

/*
 * Checks `body` against `message_rules`.
 *
 * Returns   GW_PACKET_OK; GW_PACKET_BAD_BODY when it is not a message of that type, or a value is
 *           one that the schema does not allow; GW_PACKET_TOO_COMPLEX when it nests too deep, has
 *           too many unknown fields, or a field comes more often than it may.
 *           *step_count_out (NULL: nobody asks) is how many fields and packed elements were looked
 *           at: never more than the body has bytes.
 * Owns      borrows all.
 * Thread    any.
 */
enum gw_packet_result gw_validate_body(const struct gw_message_rules *message_rules, const uint8_t *body,
                                    size_t body_bytes, size_t *step_count_out);

/*
 * Scans a body again that gw_validate_body() refused, and describes the first thing that is wrong with
 * it. It takes longer than gw_validate_body(); it is for a session that ends.
 *
 * Returns   whether something was wrong; *fault_out means something only then. Names
 *           that are too long are cut off.
 * Thread    any.
 */
bool gw_validate_explain(const struct gw_message_rules *message_rules, const uint8_t *body, size_t body_bytes,
                     struct gw_packet_fault *fault_out);

#ifdef __cplusplus
}
#endif

#endif

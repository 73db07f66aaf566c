/* protocol/validate.h: Validation of a packed body against the rules of its message. */
#ifndef GW_PROTOCOL_VALIDATE_H
#define GW_PROTOCOL_VALIDATE_H

#include "protocol/message_rules.h"
#include "protocol/packet.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * protobuf-c recurses as deep as a body nests, keeps each unknown field, merges a repeated
 * occurrence of a message with the previous ones, and accepts any bytes as a string. Each body from
 * a client is therefore validated before it is unpacked, in one pass, without recursion and without
 * allocation:
 *
 *      body:  [key][length][ . . . . ]  [key][varint]  [key][length][ [key][varint] ]
 *                          UTF-8, <= n       known,            into the message, and
 *                                            in range          its message_rules: one level
 *
 * A valid body is a message of its type that obeys every rule of the schema. protobuf-c needs time
 * and memory in proportion to its length.
 */
enum {
    GW_VALIDATE_DEPTH_MAX = 8,    /* nested messages, including the outermost */
    GW_VALIDATE_UNKNOWN_MAX = 16, /* unknown fields in one body */
};

/*
 * Validates `body` against `message_rules`.
 *
 * Returns   GW_PACKET_OK; GW_PACKET_BAD_BODY if it is not a message of that type, or a value breaks
 *           a rule; GW_PACKET_TOO_COMPLEX if it nests too deep, has too many unknown fields, or a
 *           field occurs more often than its rule allows. *step_count_out (may be NULL) is the
 *           number of fields and packed elements that were read: at most the bytes of the body.
 * Owns      borrows all arguments.
 * Thread    any.
 */
enum gw_packet_result gw_validate_body(const struct gw_message_rules *message_rules,
                                       const uint8_t *body, size_t body_bytes,
                                       size_t *step_count_out);

/*
 * Validates again a body that gw_validate_body() refused, and describes its first fault. Slower
 * than gw_validate_body(): meant for a session that ends.
 *
 * Returns   whether there is a fault; otherwise *fault_out is undefined. Truncates long names.
 * Thread    any.
 */
bool gw_validate_explain(const struct gw_message_rules *message_rules, const uint8_t *body,
                         size_t body_bytes, struct gw_packet_fault *fault_out);

#ifdef __cplusplus
}
#endif

#endif

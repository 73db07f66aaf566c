/* tools/dummy-client/fill.h: generated messages of any type, with values that its rules allow. */
#ifndef GW_DUMMY_FILL_H
#define GW_DUMMY_FILL_H

#include "protocol/packet.h"
#include <stdbool.h>
#include <stddef.h>

/*
 * Generates a message of the packet's type: each field gets a value that its type and the rules of
 * the schema allow, a list one element, a oneof its first member. The values have no meaning.
 *
 * Returns   the message, in `memory`, aligned as max_align_t; NULL when it is too small.
 */
const ProtobufCMessage *dummy_fill(const struct gw_packet *packet, void *memory, size_t bytes);

/* Whether the packet is allowed in a room, and in the lobby. */
bool dummy_fill_in_room(const struct gw_packet *packet);
bool dummy_fill_in_lobby(const struct gw_packet *packet);

/*
 * Writes the names of the packets that a client may send in a room or the lobby: " A, B, C". Writes
 * at most `bytes` bytes with the NUL, and whole names.
 */
void dummy_fill_list(char *text, size_t bytes);

/* The packet of that name, as in the schema ("Chat"), that clients send; or NULL. */
const struct gw_packet *dummy_fill_find(const char *name);

#endif

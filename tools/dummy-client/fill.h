/* tools/dummy-client/fill.h: a message with valid values, of any type. */
#ifndef GW_DUMMY_FILL_H
#define GW_DUMMY_FILL_H

#include "protocol/packet.h"
#include <stdbool.h>
#include <stddef.h>

/*
 * Makes up a message of the packet's type: each field gets a value that its type and the rules of
 * the schema allow, a list one element, a choice its first member. Nothing is known of what it
 * means.
 *
 * Returns   the message, in `memory`, aligned as max_align_t; NULL when it is too small.
 */
const ProtobufCMessage *dummy_fill(const struct gw_packet *packet, void *memory, size_t bytes);

/* Where it is welcome. */
bool dummy_fill_in_room(const struct gw_packet *packet);
bool dummy_fill_in_lobby(const struct gw_packet *packet);

/*
 * Writes the names of the packets that a client may send in a room or the lobby, each behind a
 * space, with commas between them. Writes at most `bytes` bytes with the NUL, and whole names.
 */
void dummy_fill_list(char *text, size_t bytes);

/* The packet that clients send whose name is this, as in the schema: "Chat"; or NULL. */
const struct gw_packet *dummy_fill_find(const char *name);

#endif

/* server/log/packet_text.h: a packet as people read it. */
#ifndef GW_SERVER_LOG_PACKET_TEXT_H
#define GW_SERVER_LOG_PACKET_TEXT_H

#include <protobuf-c/protobuf-c.h>

struct server_log_line;

enum {
    SERVER_PACKET_TEXT_BYTES_MAX = 64, /* of one text; the rest is "..." */
    SERVER_PACKET_TEXT_ITEMS_MAX = 8,  /* of one list; the rest is counted */
    SERVER_PACKET_TEXT_DEPTH_MAX = 4,
};

/*
 * Adds the message to a line of the log: {player=7 name="Ann" members=[{...} {...} +3]}. What is
 * long is cut. Of bytes only their number is told: they may be somebody's password.
 *
 * Owns      borrows both.
 */
void server_packet_text(struct server_log_line *line, const ProtobufCMessage *message);

#endif

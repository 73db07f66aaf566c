/* server/log/packet_text.h: Text of a packet, for the log. */
#ifndef GW_SERVER_LOG_PACKET_TEXT_H
#define GW_SERVER_LOG_PACKET_TEXT_H

#include <protobuf-c/protobuf-c.h>

struct server_log_line;

enum {
    SERVER_PACKET_TEXT_BYTES_MAX = 64, /* of a string; the rest is "..." */
    SERVER_PACKET_TEXT_ITEMS_MAX = 8,  /* of a list; the rest is counted */
    SERVER_PACKET_TEXT_DEPTH_MAX = 4,
};

/*
 * Appends the message to a log line: {player=7 name="Ann" members=[{...} {...} +3]}. Long strings
 * and lists are cut. Of a bytes field only the length is written: it may be a password.
 *
 * Owns      borrows both.
 */
void server_packet_text(struct server_log_line *line, const ProtobufCMessage *message);

#endif

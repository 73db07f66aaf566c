/* tools/dummy-client/send.h: sending of a client's messages. */
#ifndef GW_DUMMY_SEND_H
#define GW_DUMMY_SEND_H

#include <stdint.h>

struct dummy_client;

/* Sends all messages that are due by now. Thread: turn of the client. */
void dummy_send_due(struct dummy_client *client, uint64_t now_ns);

/* Sends the packet of --send, if there is one, with generated values. Thread: turn. */
void dummy_send_filled(struct dummy_client *client);

#endif

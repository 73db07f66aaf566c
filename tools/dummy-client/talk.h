/* tools/dummy-client/talk.h: what a client says. */
#ifndef GW_DUMMY_TALK_H
#define GW_DUMMY_TALK_H

#include <stdint.h>

struct dummy_client;

/* Sends all that should have left by now. Thread: turn of the client. */
void dummy_talk(struct dummy_client *client, uint64_t now_ns);

/* What it sends as soon as it is ready: the packet of --send. Thread: turn. */
void dummy_talk_begin(struct dummy_client *client);

#endif

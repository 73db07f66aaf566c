/* tools/dummy-client/requests.h: what the clients ask, and how long the answers take, by packet. */
#ifndef GW_DUMMY_REQUESTS_H
#define GW_DUMMY_REQUESTS_H

#include "session/request.h"
#include "tools/dummy-client/histogram.h"
#include <stdatomic.h>
#include <stdint.h>

struct dummy_client;
struct gw_packet;

/* The requests of the schema; further ones are made, and not measured. */
enum { DUMMY_REQUEST_KIND_COUNT_MAX = 8, DUMMY_ANSWER_KIND_COUNT = GW_ANSWER_GONE + 1 };

/* One packet's requests. All zero is none. */
struct dummy_request_counter {
    atomic_uint_least64_t answers[DUMMY_ANSWER_KIND_COUNT]; /* by enum gw_answer_kind */
    struct dummy_histogram took;                            /* until REPLY or ERROR */
};

/* The packet whose requests are counted at a place, or NULL behind the last one. Thread: any. */
const struct gw_packet *dummy_request_packet(uint32_t place);

/*
 * Asks. A reply is heard as any packet of its type is; a client that gets none of Enter leaves.
 *
 * Thread    turn of the client.
 */
void dummy_request(struct dummy_client *client, const struct gw_packet *packet,
                   const ProtobufCMessage *message);

/* Adds what `from` has to `into`. Thread: the one that owns `into`. */
void dummy_request_merge(struct dummy_request_counter *into,
                         const struct dummy_request_counter *from);

uint64_t dummy_request_count(const struct dummy_request_counter *counter, enum gw_answer_kind kind);

#endif

/* tools/dummy-client/requests.h: requests of clients, and their latency by packet. */
#ifndef GW_DUMMY_REQUESTS_H
#define GW_DUMMY_REQUESTS_H

#include "net/histogram.h"
#include "session/request.h"
#include <stdatomic.h>
#include <stdint.h>

struct dummy_client;
struct gw_packet;

/* How many requests of the schema are measured; further ones are sent, but not measured. */
enum { DUMMY_REQUEST_KIND_COUNT_MAX = 8, DUMMY_ANSWER_KIND_COUNT = GW_ANSWER_CLOSED + 1 };

/* The requests of one packet. All zero is none. */
struct dummy_request_counter {
    atomic_uint_least64_t answers[DUMMY_ANSWER_KIND_COUNT]; /* by enum gw_answer_kind */
    struct gw_histogram took;                               /* until REPLY or ERROR */
};

/* The packet of request counter `index`, or NULL after the last one. Thread: any. */
const struct gw_packet *dummy_request_packet(uint32_t index);

/*
 * Sends a request. Its reply goes to the handler of its packet.
 *
 * Thread    turn of the client.
 */
void dummy_request(struct dummy_client *client, const struct gw_packet *packet,
                   const ProtobufCMessage *message);

/* Counts an answer, and the time that it took. Thread: turn of the client. */
void dummy_request_measure(struct dummy_client *client, const struct gw_answer *answer);

/* Adds the counts of `from` to `into`. Thread: the one that owns `into`. */
void dummy_request_merge(struct dummy_request_counter *into,
                         const struct dummy_request_counter *from);

uint64_t dummy_request_count(const struct dummy_request_counter *counter, enum gw_answer_kind kind);

#endif

/* tools/dummy-client/requests.c: requests of clients, and their latency by packet. */
#include "tools/dummy-client/requests.h"
#include "proto/game/game_client.gen.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/run.h"

const struct gw_packet *dummy_request_packet(uint32_t index)
{
    for (uint32_t i = 0; i < game_client_packets.packet_count; i++) {
        const struct gw_packet *packet = &game_client_packets.packets[i];
        bool is_request = packet->reply_id != 0 && (packet->from & GW_FROM_CLIENT) != 0;
        if (is_request && index-- == 0) {
            return packet;
        }
    }
    return NULL;
}

static struct dummy_request_counter *counter_of(struct dummy_client *client, uint16_t packet_id)
{
    struct dummy_counter *counter = dummy_stats_mine(&client->run->stats);
    const struct gw_packet *packet;
    for (uint32_t i = 0; i < DUMMY_REQUEST_KIND_COUNT_MAX; i++) {
        packet = dummy_request_packet(i);
        if (packet != NULL && packet->id == packet_id) {
            return &counter->requests[i];
        }
    }
    return NULL;
}

static void add(atomic_uint_least64_t *number, uint64_t count)
{
    uint64_t before = atomic_load_explicit(number, memory_order_relaxed);
    atomic_store_explicit(number, before + count, memory_order_relaxed);
}

void dummy_request_measure(struct dummy_client *client, const struct gw_answer *answer)
{
    struct dummy_request_counter *counter = counter_of(client, answer->packet_id);
    if (counter != NULL) {
        add(&counter->answers[answer->kind], 1);
        if (answer->message != NULL) {
            gw_histogram_add(&counter->took, answer->took_ns);
        }
    }
}

static void on_answer(struct gw_session *session, const struct gw_answer *answer, void *context)
{
    struct dummy_client *client = context;
    dummy_request_measure(client, answer);
    if (answer->kind == GW_ANSWER_REPLY) {
        const struct gw_packet *reply =
            gw_packet_find(&game_client_packets, answer->frame->packet_id);
        reply->handle(session, answer->frame, answer->message);
    }
}

void dummy_request(struct dummy_client *client, const struct gw_packet *packet,
                   const ProtobufCMessage *message)
{
    if (gw_session_request(client->session, packet->id, message, on_answer, client) == 0) {
        gw_session_end(client->session, GW__CLOSE_REASON__NO_MEMORY);
    }
}

void dummy_request_merge(struct dummy_request_counter *into,
                         const struct dummy_request_counter *from)
{
    for (int kind = 0; kind < DUMMY_ANSWER_KIND_COUNT; kind++) {
        add(&into->answers[kind], dummy_request_count(from, (enum gw_answer_kind)kind));
    }
    gw_histogram_merge(&into->took, &from->took);
}

uint64_t dummy_request_count(const struct dummy_request_counter *counter, enum gw_answer_kind kind)
{
    return atomic_load_explicit(&counter->answers[kind], memory_order_relaxed);
}

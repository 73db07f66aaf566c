/* tests/fuzz/fuzz_body.c: Fuzzer of the bodies of client packets.
 *
 * The first byte of an input selects the packet, the last one the allocation that fails.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/game/game_server.gen.h"
#include "protocol/arena.h"
#include "protocol/packet.h"
#include "protocol/validate.h"

#include <stdlib.h>

enum { ARENA_BYTES = 262144 };

static size_t block_count;
static size_t left_count;

/* Each allocation is a separate block, so that a sanitizer detects a read beyond its end. */
static void *take(void *data, size_t bytes)
{
    if (left_count == 0) {
        return NULL;
    }
    left_count--;
    block_count++;
    return malloc(bytes);
}

static void release(void *data, void *block)
{
    block_count -= block != NULL;
    free(block);
}

/* A valid body unpacks, or fails for want of memory and leaks nothing. */
static void unpack(const struct gw_packet *packet, const uint8_t *body, size_t length,
                   size_t memory)
{
    static ProtobufCAllocator allocator = {take, release, NULL};
    left_count = memory;
    ProtobufCMessage *message =
        protobuf_c_message_unpack(packet->message, &allocator, length, body);
    fuzz_expect(message != NULL || left_count == 0, "a valid body does not unpack");
    protobuf_c_message_free_unpacked(message, &allocator);
    fuzz_expect(block_count == 0, "memory is leaked");
}

static void dispatch(const struct gw_packet *packet, const uint8_t *body, size_t length,
                     enum gw_packet_result validated)
{
    static max_align_t memory[ARENA_BYTES / sizeof(max_align_t)];
    struct gw_arena arena;
    gw_arena_init(&arena, memory, ARENA_BYTES);
    const struct gw_frame frame = {.body_bytes = (uint32_t)length, .packet_id = packet->id};
    struct gw_packet without_handler = *packet;
    without_handler.handle = NULL;
    fuzz_expect(gw_packet_dispatch(&without_handler, &frame, body, NULL, &arena) == validated,
                "dispatch and validation differ");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 2) {
        return 0;
    }
    const struct gw_packet *packet =
        &game_server_packets.packets[bytes[0] % game_server_packets.packet_count];
    const uint8_t *body = bytes + 1;
    size_t body_bytes = length - 2;
    if (packet->message_rules == NULL || body_bytes > packet->body_bytes_max) {
        return 0;
    }
    size_t steps;
    enum gw_packet_result result =
        gw_validate_body(packet->message_rules, body, body_bytes, &steps);
    fuzz_expect(steps <= body_bytes, "a step took no byte");
    struct gw_packet_fault fault;
    fuzz_expect(gw_validate_explain(packet->message_rules, body, body_bytes, &fault) ==
                    (result != GW_PACKET_OK),
                "what is refused is not explained, or the other way round");
    if (result == GW_PACKET_OK) {
        unpack(packet, body, body_bytes, bytes[length - 1]);
    }
    dispatch(packet, body, body_bytes, result);
    return 0;
}

/* tests/protocol/measure_dispatch.c: Benchmark of dispatch through the generated table.
 *
 * Compares it with a switch written by hand that does the same work. Prints both costs and their
 * ratio; exits with 1 if the table costs more. The table is the golden file of the generator in
 * tests/tools/golden/game/small.
 */
#include "protocol/arena.h"
#include "protocol/packet.h"
#include "protocol/validate.h"
#include "small/small_server.gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 401, MESSAGES = 2000, KINDS = 4, BODY_BYTES_MAX = 128, ARENA_BYTES = 65536 };

/* A larger ratio is more than noise. */
static const double ratio_max = 1.15;

static unsigned long received;

/* ---- shared by both ---- */

void small_on_sit(struct gw_session *session, const struct gw_frame *frame, const Small__Sit *sit)
{
    received += frame->packet_id;
}

void small_on_c_play(struct gw_session *session, const struct gw_frame *frame,
                     const Small__CPlay *c_play)
{
    received += frame->packet_id + c_play->n_cards;
}

void small_on_int(struct gw_session *session, const struct gw_frame *frame,
                  const Small__Int *int_message)
{
    received += frame->packet_id + (unsigned long)int_message->value;
}

void small_on_session(struct gw_session *session, const struct gw_frame *frame,
                      const Small__Session *session_message)
{
    received += frame->packet_id;
}

/* ---- the switch ---- */

/* The stage of the peer: all bits, so that each packet is allowed. No constant, as in a session. */
struct gw_packet_sender sender;

static max_align_t memory[ARENA_BYTES / sizeof(max_align_t)];

#define HANDLE(handler, type, descriptor)                                                          \
    do {                                                                                           \
        type *message =                                                                            \
            (type *)protobuf_c_message_unpack(&descriptor, &arena->allocator, length, body);       \
        if (message == NULL) {                                                                     \
            return arena->exhausted ? GW_PACKET_TOO_COMPLEX : GW_PACKET_BAD_BODY;                  \
        }                                                                                          \
        handler(NULL, frame, message);                                                             \
    } while (0)

static const struct gw_message_rules *rules_of(uint16_t id)
{
    return gw_packet_find(&small_server_packets, id)->message_rules;
}

static enum gw_packet_result check(const struct gw_message_rules *message_rules,
                                   const struct gw_frame *frame, const uint8_t *body,
                                   uint32_t stages, uint32_t bytes_max)
{
    if ((frame->flags & ~GW_FRAME_FLAGS) != 0) {
        return GW_PACKET_BAD_FLAGS;
    }
    if (frame->body_bytes > sender.body_bytes_max || frame->body_bytes > bytes_max) {
        return GW_PACKET_TOO_LONG;
    }
    if ((stages & sender.stage) == 0) {
        return GW_PACKET_WRONG_STAGE;
    }
    return gw_validate_body(message_rules, body, frame->body_bytes, NULL);
}

/* Written by hand for the four packets, with the same checks of the input. */
static enum gw_packet_result by_hand(const struct gw_message_rules *const *message_rules,
                                     const struct gw_frame *frame, const uint8_t *body,
                                     struct gw_arena *arena)
{
    size_t length = frame->body_bytes;
    enum gw_packet_result result;
    gw_arena_reset(arena);
    switch (frame->packet_id) {
    case 256:
        result = check(message_rules[0], frame, body, 0x2u, 256);
        if (result == GW_PACKET_OK) {
            HANDLE(small_on_sit, Small__Sit, small__sit__descriptor);
        }
        break;
    case 300:
        result = check(message_rules[1], frame, body, 0xFFFFFFFFu, 4096);
        if (result == GW_PACKET_OK) {
            HANDLE(small_on_c_play, Small__CPlay, small__c__play__descriptor);
        }
        break;
    case 301:
        result = check(message_rules[2], frame, body, 0xFFFFFFFFu, 256);
        if (result == GW_PACKET_OK) {
            HANDLE(small_on_int, Small__Int, small__int__descriptor);
        }
        break;
    case 302:
        result = check(message_rules[3], frame, body, 0xFFFFFFFEu, 256);
        if (result == GW_PACKET_OK) {
            HANDLE(small_on_session, Small__Session, small__session__descriptor);
        }
        break;
    case 32767:
        return GW_PACKET_WRONG_WAY;
    default:
        return GW_PACKET_UNKNOWN;
    }
    gw_arena_reset(arena);
    return result;
}

/* ---- the table ---- */

static enum gw_packet_result by_table(const struct gw_frame *frame, const uint8_t *body,
                                      struct gw_arena *arena)
{
    const struct gw_packet *packet;
    enum gw_packet_result result = gw_packet_admit(&small_server_packets, frame, &sender, &packet);
    return result == GW_PACKET_OK ? gw_packet_dispatch(packet, frame, body, NULL, arena) : result;
}

/* ---- input ---- */

struct message {
    struct gw_frame frame;
    uint8_t body[BODY_BYTES_MAX];
};

static struct message messages[KINDS];

static void put(size_t place, uint16_t id, const char *bytes, size_t length)
{
    messages[place].frame = (struct gw_frame){.body_bytes = (uint32_t)length, .packet_id = id};
    memcpy(messages[place].body, bytes, length);
}

static void make_messages(void)
{
    static const char play[] = "\x12\x07\x08\x01\x10\x01\x1A\x01"
                               "a"
                               "\x12\x04\x08\x02\x10\x05"
                               "\xA2\x02\x05"
                               "hello";
    put(0, 256, "", 0);
    put(1, 300, play, sizeof play - 1);
    put(2, 301, "\x08\x2A", 2);
    put(3, 302, "", 0);
}

static const struct gw_message_rules *message_rules[KINDS];

static double measure(bool uses_table, struct gw_arena *arena)
{
    clock_t begin = clock();
    for (size_t i = 0; i < MESSAGES; i++) {
        const struct message *message = &messages[i % KINDS];
        enum gw_packet_result result =
            uses_table ? by_table(&message->frame, message->body, arena)
                       : by_hand(message_rules, &message->frame, message->body, arena);
        if (result != GW_PACKET_OK) {
            fprintf(stderr, "packet %u: %s\n", message->frame.packet_id,
                    gw_packet_result_name(result));
            exit(1);
        }
    }
    return (double)(clock() - begin) * 1e9 / CLOCKS_PER_SEC / MESSAGES;
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *numbers)
{
    qsort(numbers, ROUNDS, sizeof *numbers, by_size);
    return numbers[ROUNDS / 2];
}

/* Alternates, so that other load of the machine affects both rounds of a pair. */
int main(void)
{
    static double table_ns[ROUNDS];
    static double hand_ns[ROUNDS];
    static double ratios[ROUNDS];
    struct gw_arena arena;
    gw_arena_init(&arena, memory, ARENA_BYTES);
    sender = (struct gw_packet_sender){GW_FROM_CLIENT, 0xFFFFFFFFu, 4096};
    make_messages();
    for (size_t i = 0; i < KINDS; i++) {
        message_rules[i] = rules_of(messages[i].frame.packet_id);
    }
    for (int round = 0; round < ROUNDS; round++) {
        table_ns[round] = measure(true, &arena);
        hand_ns[round] = measure(false, &arena);
        ratios[round] = table_ns[round] / hand_ns[round];
    }
    double ratio = median(ratios);
    printf("generated %.0f ns, by hand %.0f ns a message, ratio %.2f (%lu received)\n",
           median(table_ns), median(hand_ns), ratio, received);
    return ratio <= ratio_max ? EXIT_SUCCESS : EXIT_FAILURE;
}

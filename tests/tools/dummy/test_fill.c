/* tests/tools/dummy/test_fill.c: tests of generated messages against the rules of the schema. */
#include "proto/game/game_client.gen.h"
#include "proto/gw/control.pb-c.h"
#include "protocol/arena.h"
#include "protocol/message_rules.h"
#include "tests/test.h"
#include "tools/dummy-client/fill.h"
#include <string.h>

enum { MEMORY_BYTES = 16 * 1024 };

static _Alignas(max_align_t) uint8_t memory[MEMORY_BYTES];
static _Alignas(max_align_t) uint8_t scratch[256 * 1024];
static Gw__Error received;
static char received_text[64];

static void receive(void *peer, const struct gw_frame *frame, const ProtobufCMessage *message)
{
    if (message->descriptor == &gw__error__descriptor) {
        received = *(const Gw__Error *)message;
        strcpy(received_text, received.text);
    }
}

/* The result of a server that receives it: header, length, and each field. */
static enum gw_packet_result check(const struct gw_packet *packet)
{
    static uint8_t body[4096];
    struct gw_arena arena;
    struct gw_packet received_packet = *packet;
    const ProtobufCMessage *message = dummy_fill(packet, memory, sizeof memory);
    assert_non_null(message);
    const struct gw_frame frame = {.packet_id = packet->id,
                                   .body_bytes =
                                       (uint32_t)protobuf_c_message_get_packed_size(message)};
    assert_true(frame.body_bytes <= packet->body_bytes_max);
    protobuf_c_message_pack(message, body);
    received_packet.handle = receive;
    gw_arena_init(&arena, scratch, sizeof scratch);
    return gw_packet_dispatch(&received_packet, &frame, body, NULL, &arena);
}

static void every_client_packet_of_the_game_is_generated_and_valid(void **state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < game_client_packets.packet_count; i++) {
        const struct gw_packet *packet = &game_client_packets.packets[i];
        if ((packet->from & GW_FROM_CLIENT) != 0) {
            assert_non_null(packet->message_rules);
            assert_int_equal(check(packet), GW_PACKET_OK);
            assert_ptr_equal(dummy_fill_find(packet->message->short_name), packet);
            count++;
        }
    }
    assert_true(count >= 6);
}

static struct gw_packet error_packet(const struct gw_message_rules *message_rules)
{
    return (struct gw_packet){.id = 300,
                              .from = GW_FROM_CLIENT,
                              .body_bytes_max = 64,
                              .message = &gw__error__descriptor,
                              .message_rules = message_rules};
}

/* 0 and 1 are out of range, and a text may have three bytes. */
static void values_follow_range_and_length_rules(void **state)
{
    static const struct gw_field_rule rules[] = {
        {.count_max = 1, .checks = GW_FIELD_RANGE, .min = 5, .max = 9},
        {.count_max = 1, .checks = GW_FIELD_UTF8, .length_max = 3}};
    static const struct gw_message_rules message_rules = {&gw__error__descriptor, rules, 0, 0};
    struct gw_packet packet = error_packet(&message_rules);
    assert_int_equal(check(&packet), GW_PACKET_OK);
    assert_int_equal(received.code, 5);
    assert_string_equal(received_text, "dum");
}

static void a_range_of_zero_and_an_empty_text_are_followed(void **state)
{
    static const struct gw_field_rule rules[] = {
        {.count_max = 1, .checks = GW_FIELD_RANGE, .min = 0, .max = 0},
        {.count_max = 1, .length_max = 0}};
    static const struct gw_message_rules message_rules = {&gw__error__descriptor, rules, 0, 0};
    struct gw_packet packet = error_packet(&message_rules);
    assert_int_equal(check(&packet), GW_PACKET_OK);
    assert_int_equal(received.code, 0);
    assert_string_equal(received_text, "");
}

/* A required value is long enough, and not 0. */
static void required_fields_are_generated(void **state)
{
    static const struct gw_field_rule rules[] = {{.count_max = UINT16_MAX,
                                                  .counter = 1,
                                                  .checks = GW_FIELD_RANGE | GW_FIELD_NOT_ZERO,
                                                  .min = 3,
                                                  .max = 3},
                                                 {.count_max = UINT16_MAX,
                                                  .counter = 2,
                                                  .checks = GW_FIELD_UTF8 | GW_FIELD_PRINTABLE,
                                                  .length_min = 12,
                                                  .length_max = 13}};
    static const struct gw_message_rules message_rules = {&gw__error__descriptor, rules, 2, 2};
    struct gw_packet packet = error_packet(&message_rules);
    assert_int_equal(check(&packet), GW_PACKET_OK);
    assert_int_equal(received.code, 3);
    assert_string_equal(received_text, "dummydummydu");
}

/* A list gets one element, with generated fields. */
static void a_list_has_one_generated_element(void **state)
{
    const struct gw_packet packet = {.message = &game__who_is_here__descriptor};
    const Game__WhoIsHere *here =
        (const Game__WhoIsHere *)dummy_fill(&packet, memory, sizeof memory);
    assert_non_null(here);
    assert_int_equal(here->n_members, 1);
    assert_int_equal(here->members[0]->player, 1);
    assert_string_equal(here->members[0]->name, "d");
}

static void a_message_larger_than_the_memory_returns_null(void **state)
{
    const struct gw_packet packet = {.message = &game__who_is_here__descriptor};
    assert_null(dummy_fill(&packet, memory, 64));
    assert_null(dummy_fill(&packet, memory, 0));
}

static void only_packets_that_clients_send_are_found(void **state)
{
    assert_null(dummy_fill_find("ChatLine"));
    assert_null(dummy_fill_find("chat"));
    assert_null(dummy_fill_find(""));
    assert_true(dummy_fill_in_room(dummy_fill_find("Chat")));
    assert_false(dummy_fill_in_lobby(dummy_fill_find("Chat")));
    assert_true(dummy_fill_in_lobby(dummy_fill_find("Enter")));
    assert_false(dummy_fill_in_room(dummy_fill_find("Enter")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_client_packet_of_the_game_is_generated_and_valid),
        cmocka_unit_test(values_follow_range_and_length_rules),
        cmocka_unit_test(a_range_of_zero_and_an_empty_text_are_followed),
        cmocka_unit_test(required_fields_are_generated),
        cmocka_unit_test(a_list_has_one_generated_element),
        cmocka_unit_test(a_message_larger_than_the_memory_returns_null),
        cmocka_unit_test(only_packets_that_clients_send_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

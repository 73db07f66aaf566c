/* tests/protocol/test_packet_dispatch.c: Tests of unpacking and dispatch. */
#include "tests/test.h"

#include "protocol/arena.h"
#include "protocol/message_rules.h"
#include "protocol/packet.h"
#include "tests/protocol/bodies.pb-c.h"

#include <string.h>

enum { ARENA_BYTES = 256 * 1024, BODY_BYTES = 65536 };

static max_align_t memory[ARENA_BYTES / sizeof(max_align_t)];
static uint8_t body[2 * BODY_BYTES];

/* The arguments of the handler. */
static struct {
    int count;
    void *peer;
    struct gw_frame frame;
    uint32_t number;
    char text[32];
    size_t texts;
} received;

static void receive_plain(void *peer, const struct gw_frame *frame, const ProtobufCMessage *message)
{
    const Bodies__Plain *plain = (const Bodies__Plain *)message;
    received.count++;
    received.peer = peer;
    received.frame = *frame;
    received.number = plain->number;
    strncpy(received.text, plain->text, sizeof received.text - 1);
}

static void receive_bomb(void *peer, const struct gw_frame *frame, const ProtobufCMessage *message)
{
    received.count++;
    received.texts = ((const Bodies__Bomb *)message)->n_texts;
}

static void receive_opaque(void *peer, const struct gw_frame *frame, const uint8_t *bytes)
{
    received.count++;
    received.peer = peer;
    received.frame = *frame;
    received.texts = bytes == body;
}

static const struct gw_packet plain_packet = {
    .id = 1000, .message = &bodies__plain__descriptor, .handle = receive_plain};
static const struct gw_packet opaque_packet = {.id = 1002, .handle_opaque = receive_opaque};
static const struct gw_packet bomb_packet = {
    .id = 1001, .message = &bodies__bomb__descriptor, .handle = receive_bomb};

/* An arena whose allocations are counted. */
static size_t allocation_count;
static void *(*take)(void *allocator_data, size_t bytes);

static void *count_and_take(void *allocator_data, size_t bytes)
{
    allocation_count++;
    return take(allocator_data, bytes);
}

static enum gw_packet_result dispatch_in(const struct gw_packet *packet, size_t body_bytes,
                                         size_t arena_bytes)
{
    struct gw_arena arena;
    gw_arena_init(&arena, memory, arena_bytes);
    struct gw_frame frame = {
        .packet_id = packet->id, .body_bytes = (uint32_t)body_bytes, .tag = 0x1234};
    memset(&received, 0, sizeof received);
    enum gw_packet_result result = gw_packet_dispatch(packet, &frame, body, memory, &arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_false(arena.exhausted);
    assert_int_equal(received.count, result == GW_PACKET_OK ? 1 : 0);
    return result;
}

static enum gw_packet_result dispatch(const struct gw_packet *packet, const void *bytes,
                                      size_t body_bytes)
{
    if (body_bytes != 0) {
        memcpy(body, bytes, body_bytes);
    }
    return dispatch_in(packet, body_bytes, ARENA_BYTES);
}

/* The number of allocations that unpacking the body needs. */
static size_t count_allocations(const struct gw_packet *packet, size_t body_bytes)
{
    struct gw_arena arena;
    gw_arena_init(&arena, memory, ARENA_BYTES);
    take = arena.allocator.alloc;
    arena.allocator.alloc = count_and_take;
    allocation_count = 0;
    protobuf_c_message_unpack(packet->message, &arena.allocator, body_bytes, body);
    return allocation_count;
}

static void the_handler_receives_the_message_the_frame_and_the_peer(void **state)
{
    static const uint8_t bytes[] = {0x08, 0x2A, 0x12, 0x02, 'h', 'i'};
    assert_int_equal(dispatch(&plain_packet, bytes, sizeof bytes), GW_PACKET_OK);
    assert_int_equal(received.number, 42);
    assert_string_equal(received.text, "hi");
    assert_ptr_equal(received.peer, memory);
    assert_int_equal(received.frame.packet_id, 1000);
    assert_int_equal(received.frame.tag, 0x1234);
}

static void an_opaque_body_is_passed_on_unchanged(void **state)
{
    static const uint8_t no_message[] = {0xFF, 0xFF, 0xFF};
    assert_int_equal(dispatch(&opaque_packet, no_message, sizeof no_message), GW_PACKET_OK);
    assert_true(received.texts);
    assert_memory_equal(body, no_message, sizeof no_message);
    assert_ptr_equal(received.peer, memory);
    assert_int_equal(received.frame.body_bytes, sizeof no_message);
}

static void an_empty_body_is_a_message_of_zeros(void **state)
{
    assert_int_equal(dispatch(&plain_packet, NULL, 0), GW_PACKET_OK);
    assert_int_equal(received.number, 0);
    assert_string_equal(received.text, "");
}

static void a_body_without_a_handler_is_checked_too(void **state)
{
    static const uint8_t good[] = {0x08, 0x01};
    static const uint8_t bad[] = {0x08};
    const struct gw_packet packet = {.id = 1, .message = &bodies__plain__descriptor};
    struct gw_arena arena;
    gw_arena_init(&arena, memory, ARENA_BYTES);
    struct gw_frame frame = {.packet_id = 1, .body_bytes = sizeof good};
    assert_int_equal(gw_packet_dispatch(&packet, &frame, good, NULL, &arena), GW_PACKET_OK);
    frame.body_bytes = sizeof bad;
    assert_int_equal(gw_packet_dispatch(&packet, &frame, bad, NULL, &arena), GW_PACKET_BAD_BODY);
}

static void a_refused_body_is_explained_with_its_field(void **state)
{
    static const struct gw_field_rule rules[] = {
        {.counter = 0}, {.length_max = 2, .checks = GW_FIELD_UTF8}, {.counter = 0}, {.counter = 0}};
    static const struct gw_message_rules message_rules = {.message = &bodies__plain__descriptor,
                                                          .rules = rules};
    struct gw_packet packet = {.message = &bodies__plain__descriptor,
                               .message_rules = &message_rules};
    static const uint8_t bad[] = "\x12\x03xyz";
    struct gw_packet_fault fault;
    gw_packet_explain(&packet, GW_PACKET_BAD_BODY, bad, sizeof bad - 1, &fault);
    assert_string_equal(fault.field, "text");
    assert_string_equal(fault.rule, "is longer than 2 bytes");
    /* It passes validation, or has no rules: protobuf-c refuses it. */
    gw_packet_explain(&packet, GW_PACKET_TOO_COMPLEX, bad, 0, &fault);
    assert_string_equal(fault.field, "body");
    assert_string_equal(fault.rule, "takes more memory than a message may");
    packet.message_rules = NULL;
    gw_packet_explain(&packet, GW_PACKET_BAD_BODY, bad, sizeof bad - 1, &fault);
    assert_string_equal(fault.field, "body");
    assert_string_equal(fault.rule, "is not a message that can be unpacked");
}

struct vector {
    const char *what;
    uint8_t bytes[16];
    size_t length;
};

static void a_body_that_is_no_message_is_a_bad_body(void **state)
{
    static const struct vector vectors[] = {
        {"a key alone", {0x08}, 1},
        {"a varint that does not end", {0x08, 0x80}, 2},
        {"a key that does not end", {0x80}, 1},
        {"a varint of eleven bytes",
         {0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
         12},
        {"a length without its bytes", {0x12, 0x02, 'h'}, 3},
        {"a length alone", {0x12, 0x01}, 2},
        {"a length that does not end", {0x12, 0x80}, 2},
        {"a length of four gigabytes", {0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 'h'}, 7},
        {"a length of all bits",
         {0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01},
         11},
        {"seven bytes of eight", {0x19, 1, 2, 3, 4, 5, 6, 7}, 8},
        {"three bytes of four", {0x7D, 1, 2, 3}, 4},
        {"a number as a text", {0x0A, 0x01, 'x'}, 3},
        {"a text as a number", {0x10, 0x01}, 2},
        {"eight bytes as four", {0x1D, 1, 2, 3, 4}, 5},
        {"the beginning of a group", {0x0B}, 1},
        {"the end of a group", {0x0C}, 1},
        {"wire type 6", {0x0E, 0x00}, 2},
        {"wire type 7", {0x0F, 0x00}, 2},
        {"field number 0", {0x00, 0x00}, 2},
        {"packed numbers that do not end", {0x22, 0x02, 0x01, 0x80}, 4},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        enum gw_packet_result result = dispatch(&plain_packet, vectors[i].bytes, vectors[i].length);
        if (result != GW_PACKET_BAD_BODY) {
            fail_msg("%s: %s", vectors[i].what, gw_packet_result_name(result));
        }
    }
}

static void every_truncation_of_a_valid_body_is_handled(void **state)
{
    static const uint8_t bytes[] = {0x08, 0xFF, 0x01, 0x12, 0x03, 'a', 'b',  'c',  0x19, 1, 2,
                                    3,    4,    5,    6,    7,    8,   0x22, 0x02, 5,    6};
    static const size_t whole[] = {0, 3, 8, 17, 21};
    size_t next = 0;
    for (size_t length = 0; length <= sizeof bytes; length++) {
        bool ends_a_field = length == whole[next];
        next += ends_a_field;
        assert_int_equal(dispatch(&plain_packet, bytes, length),
                         ends_a_field ? GW_PACKET_OK : GW_PACKET_BAD_BODY);
    }
}

static void every_size_of_arena_is_handled(void **state)
{
    static const uint8_t bytes[] = {0x0A, 0x00, 0x12, 0x03, 0x0A, 0x01, 'x',  0x1A, 0x03,
                                    0x0A, 0x01, 'y',  0x22, 0x01, 'z',  0x30, 0x01};
    memcpy(body, bytes, sizeof bytes);
    size_t arena_bytes = 0;
    while (dispatch_in(&bomb_packet, sizeof bytes, arena_bytes) == GW_PACKET_TOO_COMPLEX) {
        arena_bytes++;
    }
    assert_int_equal(dispatch_in(&bomb_packet, sizeof bytes, arena_bytes), GW_PACKET_OK);
    assert_true(arena_bytes > sizeof(Bodies__Bomb));
}

/* Fills a body with copies of one field. */
static size_t fill(const void *field, size_t field_bytes, size_t body_bytes)
{
    size_t filled = 0;
    while (filled + field_bytes <= body_bytes) {
        memcpy(body + filled, field, field_bytes);
        filled += field_bytes;
    }
    return filled;
}

/* The attacks measured against protobuf-c: 44 to 164 bytes of memory for each byte sent. */
static const struct vector bombs[] = {
    {"empty messages", {0x0A, 0x00}, 2},  {"wide messages", {0x12, 0x00}, 2},
    {"unknown numbers", {0x30, 0x00}, 2}, {"unknown texts", {0x32, 0x00}, 2},
    {"empty texts", {0x22, 0x00}, 2},     {"one wide message, again and again", {0x1A, 0x00}, 2},
};

static void a_body_that_grows_beyond_the_arena_is_too_complex(void **state)
{
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        size_t length = fill(bombs[i].bytes, bombs[i].length, BODY_BYTES);
        enum gw_packet_result result = dispatch_in(&bomb_packet, length, ARENA_BYTES);
        if (result != GW_PACKET_TOO_COMPLEX) {
            fail_msg("%s: %s", bombs[i].what, gw_packet_result_name(result));
        }
    }
}

/* Work, measured in allocations: bounded by the arena and by the number of fields. */
static void unpacking_costs_at_most_a_few_steps_per_field(void **state)
{
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        for (size_t body_bytes = 16; body_bytes <= BODY_BYTES; body_bytes *= 2) {
            size_t length = fill(bombs[i].bytes, bombs[i].length, body_bytes);
            size_t count = count_allocations(&bomb_packet, length);
            size_t field_count = length / bombs[i].length;
            assert_in_range(count, 1, ARENA_BYTES / sizeof(max_align_t) + 1);
            assert_in_range(count, 1, 2 * field_count + 32);
        }
    }
}

static void many_valid_texts_fit(void **state)
{
    static const uint8_t text[] = {0x22, 0x04, 'a', 'b', 'c', 'd'};
    size_t length = fill(text, sizeof text, 4096);
    assert_int_equal(dispatch_in(&bomb_packet, length, ARENA_BYTES), GW_PACKET_OK);
    assert_int_equal(received.texts, 4096 / sizeof text);
}

static void an_arena_serves_one_body_after_the_other(void **state)
{
    struct gw_arena arena;
    gw_arena_init(&arena, memory, ARENA_BYTES);
    size_t length = fill("\x0A\x00", 2, BODY_BYTES);
    struct gw_frame heavy = {.packet_id = 1001, .body_bytes = (uint32_t)length};
    struct gw_frame light = {.packet_id = 1001, .body_bytes = 2};
    for (int round = 0; round < 3; round++) {
        assert_int_equal(gw_packet_dispatch(&bomb_packet, &heavy, body, NULL, &arena),
                         GW_PACKET_TOO_COMPLEX);
        assert_int_equal(gw_packet_dispatch(&bomb_packet, &light, body, NULL, &arena),
                         GW_PACKET_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handler_receives_the_message_the_frame_and_the_peer),
        cmocka_unit_test(an_opaque_body_is_passed_on_unchanged),
        cmocka_unit_test(an_empty_body_is_a_message_of_zeros),
        cmocka_unit_test(a_refused_body_is_explained_with_its_field),
        cmocka_unit_test(a_body_without_a_handler_is_checked_too),
        cmocka_unit_test(a_body_that_is_no_message_is_a_bad_body),
        cmocka_unit_test(every_truncation_of_a_valid_body_is_handled),
        cmocka_unit_test(every_size_of_arena_is_handled),
        cmocka_unit_test(a_body_that_grows_beyond_the_arena_is_too_complex),
        cmocka_unit_test(unpacking_costs_at_most_a_few_steps_per_field),
        cmocka_unit_test(many_valid_texts_fit),
        cmocka_unit_test(an_arena_serves_one_body_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

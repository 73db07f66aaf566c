/* tests/tools/dummy/test_script.c: tests of scripts: messages, due times, positions and rates. */
#include "proto/game/game_client.gen.h"
#include "tests/test.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/script.h"
#include <stdlib.h>

static void every_script_has_a_name(void **state)
{
    for (int i = DUMMY_SCRIPT_HELLO; i <= DUMMY_SCRIPT_MIXED; i++) {
        enum dummy_script script = DUMMY_SCRIPT_HELLO;
        assert_true(dummy_script_find(dummy_script_name((enum dummy_script)i), &script));
        assert_int_equal(script, i);
    }
    enum dummy_script script;
    assert_false(dummy_script_find("dance", &script));
}

static void only_hello_has_no_rooms(void **state)
{
    assert_false(dummy_script_has_rooms(DUMMY_SCRIPT_HELLO));
    assert_true(dummy_script_has_rooms(DUMMY_SCRIPT_CHAT));
    assert_true(dummy_script_has_rooms(DUMMY_SCRIPT_MOVE));
    assert_true(dummy_script_has_rooms(DUMMY_SCRIPT_MIXED));
}

/* The slot of each message follows from its number among those of its kind. */
static void the_slot_of_a_message_follows_from_its_number(void **state)
{
    for (int script = DUMMY_SCRIPT_HELLO; script <= DUMMY_SCRIPT_MIXED; script++) {
        for (uint32_t client = 0; client < 3; client++) {
            uint64_t nth[DUMMY_MESSAGE_COUNT] = {0};
            for (uint64_t slot = 0; slot < 20; slot++) {
                enum dummy_message message =
                    dummy_script_message((enum dummy_script)script, client, slot);
                nth[message]++;
                assert_int_equal(
                    dummy_script_slot((enum dummy_script)script, client, message, nth[message]),
                    slot);
            }
        }
    }
}

static void mixed_is_half_chat_and_half_moves(void **state)
{
    int chats = 0;
    for (uint64_t slot = 0; slot < 100; slot++) {
        chats += dummy_script_message(DUMMY_SCRIPT_MIXED, 7, slot) == DUMMY_CHAT;
    }
    assert_int_equal(chats, 50);
}

static void a_position_keeps_negative_coordinates(void **state)
{
    dummy_position position = dummy_position_at(-1000, -1);
    assert_int_equal(dummy_position_x(position), -1000);
    assert_int_equal(dummy_position_y(position), -1);
    assert_true(position != DUMMY_NOWHERE);
}

static void a_walk_stays_on_the_map_in_steps_of_one(void **state)
{
    for (uint32_t step = 1; step < 100000; step++) {
        dummy_position from = dummy_script_position(3, step - 1),
                       to = dummy_script_position(3, step);
        int32_t x = dummy_position_x(to), y = dummy_position_y(to);
        assert_true(x >= -1000 && x <= 1000 && y >= -1000 && y <= 1000);
        assert_int_equal(abs(x - dummy_position_x(from)) + abs(y - dummy_position_y(from)), 1);
    }
}

static void a_walk_visits_no_position_twice(void **state)
{
    enum { ROW = 2001 };
    uint8_t *was_here = calloc(ROW, ROW);
    assert_non_null(was_here);
    for (uint32_t step = 0; step < ROW * ROW; step++) {
        dummy_position position = dummy_script_position(12345, step);
        uint8_t *here = &was_here[(dummy_position_y(position) + 1000) * ROW +
                                  dummy_position_x(position) + 1000];
        assert_int_equal((*here)++, 0);
    }
    free(was_here);
}

enum { SECOND_NS = 1000000000 };

static void a_rate_becomes_an_interval(void **state)
{
    assert_int_equal(dummy_pace_interval_ns(1000000), SECOND_NS);
    assert_int_equal(dummy_pace_interval_ns(5000000), SECOND_NS / 5);
    assert_int_equal(dummy_pace_interval_ns(200000), UINT64_C(5) * SECOND_NS);
}

static void due_times_do_not_depend_on_earlier_messages(void **state)
{
    struct dummy_pace pace = {.start_ns = 7, .interval_ns = SECOND_NS};
    assert_int_equal(dummy_pace_slot_ns(&pace, 0), 7);
    assert_int_equal(dummy_pace_slot_ns(&pace, 1000), 7 + UINT64_C(1000) * SECOND_NS);
}

static void a_rate_of_zero_is_never_due(void **state)
{
    struct dummy_pace pace = {.interval_ns = dummy_pace_interval_ns(0)};
    dummy_pace_begin(&pace, 5, 1);
    assert_true(dummy_pace_slot_ns(&pace, 0) == DUMMY_NEVER);
}

static void clients_start_spread_over_one_interval(void **state)
{
    int tenths[10] = {0};
    for (uint32_t client = 0; client < 1000; client++) {
        struct dummy_pace pace = {.interval_ns = SECOND_NS};
        dummy_pace_begin(&pace, SECOND_NS, client);
        assert_in_range(pace.start_ns, SECOND_NS, UINT64_C(2) * SECOND_NS - 1);
        tenths[(pace.start_ns - SECOND_NS) / (SECOND_NS / 10)]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(tenths[i], 95, 105);
    }
}

static struct dummy_options options_of(enum dummy_script script, uint64_t millionths)
{
    struct dummy_options options;
    dummy_options_init(&options);
    options.script = script;
    options.rate_millionths = millionths;
    return options;
}

static uint64_t allowed_millionths(uint16_t packet_id)
{
    return UINT64_C(1000000) * gw_packet_find(&game_client_packets, packet_id)->rate_per_second;
}

static void a_rate_above_the_limit_of_its_packet_is_an_excess(void **state)
{
    uint64_t most = allowed_millionths(GAME_PACKET_CHAT);
    struct dummy_options options = options_of(DUMMY_SCRIPT_CHAT, most);
    assert_int_equal(dummy_script_excess(&options).message, DUMMY_MESSAGE_COUNT);
    options = options_of(DUMMY_SCRIPT_CHAT, most + 1);
    assert_int_equal(dummy_script_excess(&options).message, DUMMY_CHAT);
    assert_int_equal(dummy_script_excess(&options).allowed, most / 1000000);
}

static void a_mixed_script_sends_each_kind_at_half_the_rate(void **state)
{
    uint64_t most = allowed_millionths(GAME_PACKET_CHAT);
    struct dummy_options options = options_of(DUMMY_SCRIPT_MIXED, 2 * most);
    assert_int_equal(dummy_script_excess(&options).message, DUMMY_MESSAGE_COUNT);
    options = options_of(DUMMY_SCRIPT_MIXED, 2 * most + 2);
    assert_int_equal(dummy_script_excess(&options).message, DUMMY_CHAT);
}

static void the_default_rate_is_no_excess(void **state)
{
    struct dummy_options options;
    dummy_options_init(&options);
    assert_int_equal(dummy_script_excess(&options).message, DUMMY_MESSAGE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_script_has_a_name),
        cmocka_unit_test(only_hello_has_no_rooms),
        cmocka_unit_test(the_slot_of_a_message_follows_from_its_number),
        cmocka_unit_test(mixed_is_half_chat_and_half_moves),
        cmocka_unit_test(a_position_keeps_negative_coordinates),
        cmocka_unit_test(a_walk_stays_on_the_map_in_steps_of_one),
        cmocka_unit_test(a_walk_visits_no_position_twice),
        cmocka_unit_test(a_rate_becomes_an_interval),
        cmocka_unit_test(due_times_do_not_depend_on_earlier_messages),
        cmocka_unit_test(a_rate_of_zero_is_never_due),
        cmocka_unit_test(clients_start_spread_over_one_interval),
        cmocka_unit_test(a_rate_above_the_limit_of_its_packet_is_an_excess),
        cmocka_unit_test(a_mixed_script_sends_each_kind_at_half_the_rate),
        cmocka_unit_test(the_default_rate_is_no_excess),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

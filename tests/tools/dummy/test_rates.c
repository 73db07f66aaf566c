/* tests/tools/dummy/test_rates.c: who wants to say too much is told before it does. */
#include "proto/game/game_client.gen.h"
#include "tests/test.h"
#include "tools/dummy-client/rates.h"

static struct dummy_options wishing(enum dummy_script script, uint64_t millionths)
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

static void the_rate_of_a_packet_is_not_too_much_and_a_bit_more_is(void **state)
{
    (void)state;
    uint64_t most = allowed_millionths(GAME_PACKET_CHAT);
    struct dummy_options options = wishing(DUMMY_SCRIPT_CHAT, most);
    assert_int_equal(dummy_rates_look(&options).message, DUMMY_MESSAGE_COUNT);
    options = wishing(DUMMY_SCRIPT_CHAT, most + 1);
    assert_int_equal(dummy_rates_look(&options).message, DUMMY_CHAT);
    assert_int_equal(dummy_rates_look(&options).allowed, most / 1000000);
}

static void a_mixed_script_says_each_half_as_often(void **state)
{
    (void)state;
    uint64_t most = allowed_millionths(GAME_PACKET_CHAT);
    struct dummy_options options = wishing(DUMMY_SCRIPT_MIXED, 2 * most);
    assert_int_equal(dummy_rates_look(&options).message, DUMMY_MESSAGE_COUNT);
    options = wishing(DUMMY_SCRIPT_MIXED, 2 * most + 2);
    assert_int_equal(dummy_rates_look(&options).message, DUMMY_CHAT);
}

static void what_the_options_say_by_themselves_is_not_too_much(void **state)
{
    (void)state;
    struct dummy_options options;
    dummy_options_init(&options);
    assert_int_equal(dummy_rates_look(&options).message, DUMMY_MESSAGE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_of_a_packet_is_not_too_much_and_a_bit_more_is),
        cmocka_unit_test(a_mixed_script_says_each_half_as_often),
        cmocka_unit_test(what_the_options_say_by_themselves_is_not_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

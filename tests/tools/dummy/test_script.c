/* tests/tools/dummy/test_script.c: what a client does, message by message. */
#include "tests/test.h"
#include "tools/dummy-client/script.h"

static void every_script_has_a_name(void **state)
{
    (void)state;
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
    (void)state;
    assert_false(dummy_script_has_rooms(DUMMY_SCRIPT_HELLO));
    assert_true(dummy_script_has_rooms(DUMMY_SCRIPT_CHAT));
    assert_true(dummy_script_has_rooms(DUMMY_SCRIPT_MOVE));
    assert_true(dummy_script_has_rooms(DUMMY_SCRIPT_MIXED));
}

/* Every message finds the slot it was sent in, by its number among those of its kind. */
static void a_message_finds_its_slot_again(void **state)
{
    (void)state;
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
    (void)state;
    int chats = 0;
    for (uint64_t slot = 0; slot < 100; slot++) {
        chats += dummy_script_message(DUMMY_SCRIPT_MIXED, 7, slot) == DUMMY_CHAT;
    }
    assert_int_equal(chats, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_script_has_a_name),
        cmocka_unit_test(only_hello_has_no_rooms),
        cmocka_unit_test(a_message_finds_its_slot_again),
        cmocka_unit_test(mixed_is_half_chat_and_half_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

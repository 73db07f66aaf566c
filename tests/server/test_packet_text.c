/* tests/server/test_packet_text.c: Tests of the text of packets. */
#include "tests/server/captured.h"

#include "proto/game/game.pb-c.h"
#include "proto/gw/control.pb-c.h"
#include "server/log/packet_text.h"

static struct captured captured;

static int setup(void **state)
{
    captured_init(&captured, GW_LOG_INFO, 1000);
    return 0;
}

static int teardown(void **state)
{
    captured_fini(&captured);
    return 0;
}

static const char *printed(const ProtobufCMessage *message)
{
    struct server_log_line line;
    server_log_begin(&line, captured.log, GW_LOG_INFO, "packet ");
    server_packet_text(&line, message);
    server_log_end(&line);
    return captured_last(&captured) + strlen("packet ");
}

static void fields_are_printed_with_their_names(void **state)
{
    Game__ChatLine line = GAME__CHAT_LINE__INIT;
    Game__Move move = GAME__MOVE__INIT;
    line.player = UINT64_MAX;
    line.text = "hi\n";
    line.line = 3;
    move.x = -1000;
    assert_string_equal(printed(&line.base), "{player=18446744073709551615 text=\"hi\\n\" line=3}");
    assert_string_equal(printed(&move.base), "{x=-1000 y=0}");
}

static void an_empty_message_is_a_pair_of_braces(void **state)
{
    Game__Leave leave = GAME__LEAVE__INIT;
    assert_string_equal(printed(&leave.base), "{}");
}

static void known_enum_values_are_printed_by_name(void **state)
{
    Game__Entered entered = GAME__ENTERED__INIT;
    entered.result = GAME__ENTER_RESULT__ROOM_FULL;
    assert_string_equal(printed(&entered.base), "{result=ROOM_FULL room=\"\" members=[] line=0}");
    entered.result = (Game__EnterResult)77;
    assert_string_equal(printed(&entered.base), "{result=77 room=\"\" members=[] line=0}");
}

static void an_absent_message_is_printed_as_empty(void **state)
{
    Game__Joined joined = GAME__JOINED__INIT;
    assert_string_equal(printed(&joined.base), "{member={}}");
}

static void long_lists_are_cut_and_counted(void **state)
{
    Game__Position position = GAME__POSITION__INIT;
    Game__Position *positions[SERVER_PACKET_TEXT_ITEMS_MAX + 3];
    Game__Snapshot snapshot = GAME__SNAPSHOT__INIT;
    for (size_t i = 0; i < SERVER_PACKET_TEXT_ITEMS_MAX + 3; i++) {
        positions[i] = &position;
    }
    snapshot.positions = positions;
    snapshot.n_positions = 2;
    assert_string_equal(printed(&snapshot.base),
                        "{positions=[{player=0 x=0 y=0} {player=0 x=0 y=0}]}");
    snapshot.n_positions = SERVER_PACKET_TEXT_ITEMS_MAX;
    assert_null(strstr(printed(&snapshot.base), "+"));
    snapshot.n_positions = SERVER_PACKET_TEXT_ITEMS_MAX + 3;
    assert_non_null(strstr(printed(&snapshot.base), "} +3]}"));
}

static void long_strings_are_cut(void **state)
{
    char text[SERVER_PACKET_TEXT_BYTES_MAX + 2];
    char expected[SERVER_PACKET_TEXT_BYTES_MAX + 20];
    Game__Say say = GAME__SAY__INIT;
    memset(text, 'a', sizeof text);
    text[SERVER_PACKET_TEXT_BYTES_MAX] = '\0';
    say.text = text;
    snprintf(expected, sizeof expected, "{text=\"%s\"}", text);
    assert_string_equal(printed(&say.base), expected);
    text[SERVER_PACKET_TEXT_BYTES_MAX] = 'a';
    text[SERVER_PACKET_TEXT_BYTES_MAX + 1] = '\0';
    snprintf(expected, sizeof expected, "{text=\"%.64s\"...}", text);
    assert_string_equal(printed(&say.base), expected);
}

static void a_bytes_field_shows_only_its_length(void **state)
{
    Gw__Hello hello = GW__HELLO__INIT;
    hello.name = "Ann";
    hello.credentials.data = (uint8_t *)"secret";
    hello.credentials.len = 6;
    const char *text = printed(&hello.base);
    assert_null(strstr(text, "secret"));
    assert_non_null(strstr(text, "credentials=<6 bytes>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields_are_printed_with_their_names, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_message_is_a_pair_of_braces, setup, teardown),
        cmocka_unit_test_setup_teardown(known_enum_values_are_printed_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(an_absent_message_is_printed_as_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(long_lists_are_cut_and_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(long_strings_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bytes_field_shows_only_its_length, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

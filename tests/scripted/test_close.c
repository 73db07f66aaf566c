/* tests/scripted/test_close.c: reasons of a game, and texts in CLOSE. */
#include "tests/test.h"

#include "tests/scripted/memory.h"
#include "tests/scripted/session_fixture.h"

#include <string.h>

static void expect_close(int reason, const char *text)
{
    fixture_run_now();
    session_fixture_expect_close(peer, reason, text);
    peer_close(peer);
    fixture_run_now();
}

static void a_reason_of_the_game_reaches_close_and_on_end(void **state)
{
    static const int reasons[] = {GW_CLOSE_REASON_GAME_MIN, 1234, GW_CLOSE_REASON_GAME_MAX};
    for (uint32_t i = 0; i < 3; i++) {
        gw_session_end(session_fixture.last, (Gw__CloseReason)reasons[i]);
        expect_close(reasons[i], "");
        assert_int_equal(session_fixture.reason, reasons[i]);
        assert_int_equal(session_fixture_counters().ended[GW_CLOSE_REASON_GAME], i + 1);
        peer = session_fixture_join();
    }
    assert_int_equal(fixture_logged_count("misuse"), 0);
}

static void a_reason_of_the_game_in_the_peers_close_is_reported(void **state)
{
    Gw__Close close = GW__CLOSE__INIT;
    close.reason = (Gw__CloseReason)1234;
    session_fixture_send(peer, CLOSE, &close.base);
    fixture_run_now();
    peer_close(peer);
    fixture_run_now();
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__BY_PEER);
    assert_int_equal(session_fixture.peer_reason, 1234);
}

static void on_greet_refuses_with_a_reason_of_the_game(void **state)
{
    peer_close(peer);
    session_fixture.result = 2000;
    peer = session_fixture_connect();
    session_fixture_send_hello(peer);
    expect_close(2000, "");
    assert_int_equal(session_fixture.reason, 2000);
    assert_int_equal(fixture_logged_count("misuse"), 0);
}

static void all_reasons_of_the_game_have_one_name_and_one_index(void **state)
{
    assert_string_equal(gw_close_reason_name((Gw__CloseReason)1000), "GAME");
    assert_string_equal(gw_close_reason_name((Gw__CloseReason)65535), "GAME");
    assert_string_equal(gw_close_reason_name((Gw__CloseReason)GW_CLOSE_REASON_GAME), "GAME");
    assert_string_equal(gw_close_reason_name((Gw__CloseReason)999), "?");
    assert_string_equal(gw_close_reason_name((Gw__CloseReason)65536), "?");
    assert_int_equal(gw_close_reason_index((Gw__CloseReason)1000), GW_CLOSE_REASON_GAME);
    assert_int_equal(gw_close_reason_index(GW__CLOSE_REASON__KICKED), GW__CLOSE_REASON__KICKED);
    assert_int_equal(gw_close_reason_index((Gw__CloseReason)999), 0);
    assert_int_equal(gw_close_reason_index((Gw__CloseReason)-1), 0);
}

static void a_text_is_sent_with_a_reason_of_the_list(void **state)
{
    gw_session_end_text(session_fixture.last, GW__CLOSE_REASON__KICKED, "banned until Monday");
    expect_close(GW__CLOSE_REASON__KICKED, "banned until Monday");
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__KICKED);
}

static void a_text_is_cut_between_characters(void **state)
{
    char text[GW_END_TEXT_BYTES_MAX + 3];
    char cut[GW_END_TEXT_BYTES_MAX + 1] = "";
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 0;
    memcpy(&text[GW_END_TEXT_BYTES_MAX - 1], "\xC3\xA9", 2); /* it ends at byte 201 */
    memcpy(cut, text, GW_END_TEXT_BYTES_MAX - 1);
    gw_session_end_text(session_fixture.last, (Gw__CloseReason)1001, text);
    expect_close(1001, cut);
    peer = session_fixture_join();

    memcpy(&text[GW_END_TEXT_BYTES_MAX - 2], "\xC3\xA9", 3); /* it ends at byte 200 */
    gw_session_end_text(session_fixture.last, (Gw__CloseReason)1001, text);
    expect_close(1001, text);
}

static void a_text_that_is_not_utf8_is_logged_and_not_sent(void **state)
{
    gw_session_end_text(session_fixture.last, (Gw__CloseReason)1001, "caf\xE9");
    expect_close(1001, "");
    assert_int_equal(fixture_logged_count("misuse"), 1);
}

static void only_the_first_end_counts(void **state)
{
    gw_session_end_text(session_fixture.last, (Gw__CloseReason)1001, "first");
    gw_session_end_text(session_fixture.last, (Gw__CloseReason)1002, "second");
    expect_close(1001, "first");
    assert_int_equal(session_fixture.reason, 1001);
}

/* Without memory for the CLOSE, the preallocated KICKED is sent; on_end has the reason. */
static void a_reason_of_the_game_without_memory_is_sent_as_kicked(void **state)
{
    memory_fail_at(1);
    gw_session_end(session_fixture.last, (Gw__CloseReason)1001);
    assert_int_equal(memory_failed_count(), 1);
    memory_fail_at(0);
    expect_close(GW__CLOSE_REASON__KICKED, "");
    assert_int_equal(session_fixture.reason, 1001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOINED_TEST(a_reason_of_the_game_reaches_close_and_on_end),
        JOINED_TEST(a_reason_of_the_game_in_the_peers_close_is_reported),
        JOINED_TEST(on_greet_refuses_with_a_reason_of_the_game),
        JOINED_TEST(all_reasons_of_the_game_have_one_name_and_one_index),
        JOINED_TEST(a_text_is_sent_with_a_reason_of_the_list),
        JOINED_TEST(a_text_is_cut_between_characters),
        JOINED_TEST(a_text_that_is_not_utf8_is_logged_and_not_sent),
        JOINED_TEST(only_the_first_end_counts),
        JOINED_TEST(a_reason_of_the_game_without_memory_is_sent_as_kicked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

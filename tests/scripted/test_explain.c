/* tests/scripted/test_explain.c: Explanations in CLOSE and in the log. */
#include "tests/test.h"

#include "session/request.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/session_fixture.h"

#include <string.h>

static void expect_close(Gw__CloseReason reason, const char *text)
{
    fixture_run_now();
    session_fixture_expect_close(peer, (int)reason, text);
}

/* Sends a header alone from a new, greeted peer. */
static void expect_close_by_header(uint32_t body_bytes, uint8_t flags, uint16_t id,
                                   Gw__CloseReason reason, const char *text)
{
    peer = session_fixture_join();
    session_fixture_send_header(peer, body_bytes, flags, id, 0);
    expect_close(reason, text);
    peer_close(peer);
}

static void close_explains_an_invalid_header(void **state)
{
    expect_close_by_header(0, 0x80, SAY, GW__CLOSE_REASON__BAD_FLAGS,
                           "Error (300): flags 0x80, and only 0x01 and 0x02 exist");
    expect_close_by_header(5000, 0, SAY, GW__CLOSE_REASON__TOO_LONG,
                           "Error (300): a body of 5000 bytes, and at most 256 are allowed");
    expect_close_by_header(5000, 0, BIG, GW__CLOSE_REASON__TOO_LONG,
                           "Error (302): a body of 5000 bytes, and at most 4096 are allowed");
    expect_close_by_header(0xFFFFFF, 0, 4242, GW__CLOSE_REASON__TOO_LONG,
                           "packet 4242: a body of 16777215 bytes, and at most 4096 are allowed");
    expect_close_by_header(0, 0, 4242, GW__CLOSE_REASON__UNKNOWN_PACKET,
                           "packet 4242 is not in the schema");
    expect_close_by_header(0, 0, LINE, GW__CLOSE_REASON__WRONG_WAY,
                           "Error (310) is not sent by clients");
    expect_close_by_header(0, 0, IN_ROOM, GW__CLOSE_REASON__WRONG_STAGE,
                           "Ping (301) is not allowed in stage 0, only in 1");
}

static void close_explains_an_invalid_body(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_header(peer, 4, 0, SAY, 0);
    peer_send(peer, "\x0A\x7Fxy", 4);
    expect_close(GW__CLOSE_REASON__BAD_BODY,
                 "Error (300): body is not a message that can be unpacked");
}

static void close_names_the_invalid_field_of_a_hello(void **state)
{
    uint8_t frame[256];
    char name[60];
    Gw__Hello hello = GW__HELLO__INIT;
    hello.protocol_major = GW_PROTOCOL_MAJOR;
    hello.name = name;
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    peer = session_fixture_connect();
    peer_send(peer, frame, frame_write(frame, HELLO, 0, HELLO_TAG, &hello.base));
    expect_close(GW__CLOSE_REASON__BAD_BODY, "Hello (1): name is longer than 32 bytes");
}

static void close_names_the_supported_protocol_version(void **state)
{
    static const uint32_t majors[] = {0, GW_PROTOCOL_MAJOR + 1, 9};
    static const char *const texts[] = {"protocol_major is 0, and must be 1",
                                        "protocol_major is 2, and must be 1",
                                        "protocol_major is 9, and must be 1"};
    for (int i = 0; i < 3; i++) {
        uint8_t frame[64];
        Gw__Hello hello = GW__HELLO__INIT;
        hello.protocol_major = majors[i];
        hello.name = "Ada";
        peer = session_fixture_connect();
        peer_send(peer, frame, frame_write(frame, HELLO, 0, HELLO_TAG, &hello.base));
        expect_close(GW__CLOSE_REASON__WRONG_VERSION, texts[i]);
    }
}

static void close_names_the_tag_that_was_already_open(void **state)
{
    peer = session_fixture_join();
    for (int i = 0; i < 2; i++) {
        session_fixture_send_request(peer, ASK, 7);
    }
    expect_close(GW__CLOSE_REASON__BAD_FLAGS,
                 "packet 306: tag 7 is the tag of a request that is still open");
}

static void close_names_the_timeout_that_expired(void **state)
{
    peer = session_fixture_connect();
    fixture_run_ms(5010);
    expect_close(GW__CLOSE_REASON__GREETING_TIMEOUT, "no HELLO after 5000 ms");
    peer = session_fixture_join();
    session_fixture_send_header(peer, 100, 0, SAY, 0);
    fixture_run_ms(500);
    expect_close(GW__CLOSE_REASON__FRAME_TIMEOUT, "Error (300): not complete after 400 ms");
    peer = session_fixture_join();
    peer_send(peer, "123", 3);
    fixture_run_ms(500);
    expect_close(GW__CLOSE_REASON__FRAME_TIMEOUT, "a frame: not complete after 400 ms");
}

/* However many peers fail at a time, and however long that lasts. */
static void the_log_has_one_line_per_second(void **state)
{
    for (uint32_t second = 1; second <= 3; second++) {
        for (int i = 0; i < 20; i++) {
            expect_close_by_header(0, 0, 4242, GW__CLOSE_REASON__UNKNOWN_PACKET,
                                   "packet 4242 is not in the schema");
        }
        assert_int_equal(fixture_logged_count("bad_peer"), second);
        fixture_run_ms(1001);
    }
}

static void an_unanswered_request_is_logged(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_request(peer, ASK, 7);
    fixture_run_ms(4999);
    assert_int_equal(fixture_logged_count("request_late"), 0);
    fixture_run_ms(10);
    assert_int_equal(fixture_logged_count("request_late"), 1);
}

/* A CLOSE without a text is encoded when the manager is created. */
static void without_memory_close_has_a_reason_and_no_text(void **state)
{
    peer = session_fixture_join();
    session_fixture_send_header(peer, 0, 0, 4242, 0);
    memory_fail_at(1);
    fixture_run_now();
    memory_fail_at(0);
    expect_close(GW__CLOSE_REASON__UNKNOWN_PACKET, "");
}

static const struct gw_session_manager_config hasty = {.frame_timeout_ms = 400};

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION_TEST(close_explains_an_invalid_header),
        SESSION_TEST(close_explains_an_invalid_body),
        SESSION_TEST(close_names_the_invalid_field_of_a_hello),
        SESSION_TEST(close_names_the_supported_protocol_version),
        SESSION_TEST(close_names_the_tag_that_was_already_open),
        SESSION_TEST_WITH(close_names_the_timeout_that_expired, &hasty),
        SESSION_TEST(the_log_has_one_line_per_second),
        SESSION_TEST(an_unanswered_request_is_logged),
        SESSION_TEST(without_memory_close_has_a_reason_and_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_requests_client.c: Requests from a client-side session, and their replies. */
#include "tests/test.h"

#include "protocol/frame.h"
#include "session/request.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/session_fixture.h"

#include <string.h>

enum { TIMEOUT_MS = 10000, SLACK_MS = 3, HEARTBEAT_MS = 30000, PORT = 7100 };
enum { ANSWERS_MAX = 64 };

static struct gw_session_manager *manager;
static struct gw_session *session; /* borrowed, until it ends */
static struct peer *listener;
static struct peer *server;

static struct {
    enum gw_answer_kind kinds[ANSWERS_MAX];
    uint32_t contexts[ANSWERS_MAX];
    char text[64]; /* of the last answer with a message */
    uint32_t count;
    uint32_t ended_count;
    uint64_t took_ns;
} received;

/* ---- the client ---- */

static void on_begin(struct gw_session *begun, void *context)
{
    const Gw__Hello hello = GW__HELLO__INIT;
    session = begun;
    gw_session_hello(begun, &hello);
}

static void on_end(struct gw_session *ended, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
    session = NULL;
    received.ended_count++;
}

static const struct gw_session_events events = {.on_begin = on_begin, .on_end = on_end};

static void send_from_server(uint16_t id, uint8_t flags, uint16_t tag,
                             const ProtobufCMessage *message)
{
    uint8_t frame[256];
    peer_send(server, frame, frame_write(frame, id, flags, tag, message));
    fixture_run_now();
}

static int open_client(void **state)
{
    static const struct gw_session_manager_config config = {.side = GW_SIDE_CLIENT,
                                                            .session_count_max = 4};
    memset(&received, 0, sizeof received);
    session_fixture_open(NULL, NULL);
    manager =
        gw_session_manager_create(fixture_port, &config, &session_fixture_packets, &events, NULL);
    assert_non_null(manager);
    listener = peer_listen(PORT);
    struct gw_addr addr = peer_addr(PORT);
    assert_int_not_equal(gw_session_manager_dial(manager, &addr, NULL, NULL), 0);
    fixture_run_now();
    server = peer_accept(listener);
    assert_non_null(server);
    Gw__HelloAck ack = GW__HELLO_ACK__INIT;
    ack.heartbeat_ms = HEARTBEAT_MS;
    send_from_server(HELLO_ACK, GW_FRAME_REPLY, HELLO_TAG, &ack.base);
    peer_read(server, NULL, peer_unread_count(server)); /* HELLO */
    return 0;
}

static void on_drained(void *context)
{
}

static int close_client(void **state)
{
    if (server != NULL) {
        peer_close(server);
    }
    peer_close(listener);
    gw_session_manager_drain(manager, 0, on_drained, NULL);
    fixture_run_ms(3000);
    assert_int_equal(received.ended_count, 1);
    gw_session_manager_destroy(manager);
    session_fixture_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_client, close_client)

/* ---- requests ---- */

static void on_answer(struct gw_session *asker, const struct gw_answer *answer, void *context)
{
    assert_ptr_equal(asker, session);
    assert_int_equal(answer->packet_id, ASK);
    assert_int_equal(received.ended_count, 0);
    bool has_text = answer->kind == GW_ANSWER_REPLY || answer->kind == GW_ANSWER_ERROR;
    assert_int_equal(answer->message != NULL, has_text);
    assert_int_equal(answer->frame != NULL, has_text);
    if (has_text) {
        strcpy(received.text, ((const Gw__Error *)answer->message)->text);
    }
    received.kinds[received.count] = answer->kind;
    received.contexts[received.count++] = *(const uint32_t *)context;
    received.took_ns = answer->took_ns;
}

static uint32_t numbers[ANSWERS_MAX];
static uint16_t tags[ANSWERS_MAX];

static void do_ask(void *context)
{
    uint32_t number = *(const uint32_t *)context;
    Gw__Error question = GW__ERROR__INIT;
    numbers[number] = number;
    tags[number] = gw_session_request(session, ASK, &question.base, on_answer, &numbers[number]);
}

/* Returns the tag of the frame that the server has received. */
static uint16_t ask(uint32_t number)
{
    fixture_in_turn(gw_session_turn(session), do_ask, &number);
    if (peer_unread_count(server) == 0) {
        return 0;
    }
    struct frame_header frame = frame_read_header(peer_data(server));
    peer_read(server, NULL, FRAME_HEADER_BYTES + frame.body_bytes);
    assert_int_equal(frame.id, ASK);
    assert_int_equal(frame.flags, 0);
    assert_int_equal(frame.tag, tags[number]);
    return frame.tag;
}

static void reply(uint16_t tag, const char *text)
{
    Gw__Error message = GW__ERROR__INIT;
    message.text = (char *)text;
    send_from_server(ANSWER, GW_FRAME_REPLY, tag, &message.base);
}

static void expect_answer(uint32_t place, uint32_t number, enum gw_answer_kind kind)
{
    assert_true(received.count > place);
    assert_int_equal(received.contexts[place], number);
    assert_int_equal(received.kinds[place], kind);
}

static uint64_t ignored_count(void)
{
    struct gw_session_counters counters;
    gw_session_manager_counters(manager, &counters);
    return counters.answers_ignored;
}

/* ---- a typed callback, as the generator makes one ---- */

static void on_typed_answer(struct gw_session *asker, const struct gw_answer *answer,
                            const Gw__Error *reply_or_null, void *context)
{
    assert_ptr_equal(asker, session);
    assert_int_equal(answer->kind == GW_ANSWER_REPLY, reply_or_null != NULL);
    if (reply_or_null != NULL) {
        strcpy(received.text, reply_or_null->text);
    }
    received.kinds[received.count] = answer->kind;
    received.contexts[received.count++] = *(const uint32_t *)context;
}

typedef void typed_callback(struct gw_session *asker, const struct gw_answer *answer,
                            const Gw__Error *reply_or_null, void *context);

static void call_typed(struct gw_session *asker, const struct gw_answer *answer, void *context)
{
    typed_callback *callback = (typed_callback *)answer->function;
    callback(asker, answer,
             answer->kind == GW_ANSWER_REPLY ? (const Gw__Error *)answer->message : NULL, context);
}

static void do_ask_typed(void *context)
{
    static uint32_t number = 77;
    Gw__Error question = GW__ERROR__INIT;
    *(uint16_t *)context = gw_session_request_with(session, ASK, &question.base, call_typed,
                                                   (void (*)(void))on_typed_answer, &number);
}

static void a_typed_callback_receives_the_reply_or_null(void **state)
{
    uint16_t asked[2];
    for (int i = 0; i < 2; i++) {
        fixture_in_turn(gw_session_turn(session), do_ask_typed, &asked[i]);
        assert_int_equal(asked[i], i + 1);
    }
    reply(asked[1], "yes");
    expect_answer(0, 77, GW_ANSWER_REPLY);
    assert_string_equal(received.text, "yes");
    fixture_run_ms(TIMEOUT_MS + SLACK_MS);
    expect_answer(1, 77, GW_ANSWER_TIMEOUT);
    assert_int_equal(received.count, 2);
    peer_read(server, NULL, peer_unread_count(server));
}

/* ---- answers ---- */

static void a_reply_goes_to_the_request_and_to_no_handler(void **state)
{
    uint16_t tag = ask(1);
    fixture_run_ms(250);
    reply(tag, "yes");
    expect_answer(0, 1, GW_ANSWER_REPLY);
    assert_string_equal(received.text, "yes");
    assert_in_range(received.took_ns, 250 * FIXTURE_MS, 252 * FIXTURE_MS);
    assert_int_equal(session_fixture.received_count, 0);
    reply(tag, "no");
    assert_int_equal(received.count, 1);
    assert_int_equal(ignored_count(), 1);
}

static void each_request_receives_its_own_reply_in_any_order(void **state)
{
    uint16_t first = ask(1);
    uint16_t second = ask(2);
    assert_int_equal(second, first + 1);
    reply(second, "to the second");
    reply(first, "to the first");
    expect_answer(0, 2, GW_ANSWER_REPLY);
    expect_answer(1, 1, GW_ANSWER_REPLY);
}

static void a_request_can_complete_with_an_error(void **state)
{
    Gw__Error error = GW__ERROR__INIT;
    error.text = "no";
    send_from_server(ERROR_REPLY, GW_FRAME_REPLY | GW_FRAME_ERROR, ask(1), &error.base);
    expect_answer(0, 1, GW_ANSWER_ERROR);
    assert_string_equal(received.text, "no");
}

static void an_unanswered_request_completes_with_a_timeout(void **state)
{
    uint64_t from_ns = fixture_now_ns();
    uint16_t tag = ask(1);
    fixture_run_until(from_ns + TIMEOUT_MS * FIXTURE_MS);
    assert_int_equal(received.count, 0);
    fixture_run_until(from_ns + (TIMEOUT_MS + SLACK_MS) * FIXTURE_MS);
    expect_answer(0, 1, GW_ANSWER_TIMEOUT);
    reply(tag, "sorry");
    assert_int_equal(received.count, 1);
}

static void a_request_of_an_ended_session_completes_with_gone(void **state)
{
    ask(1);
    ask(2);
    peer_reset(server);
    fixture_run_ms(2000);
    assert_int_equal(received.count, 2);
    expect_answer(0, 1, GW_ANSWER_CLOSED);
    expect_answer(1, 2, GW_ANSWER_CLOSED);
    assert_int_equal(received.ended_count, 1);
}

/* Replies before the server's FIN count; after it no answer can arrive. */
static void the_servers_fin_ends_the_session_and_its_requests(void **state)
{
    assert_int_equal(ask(1), 1);
    assert_int_equal(ask(2), 2);
    Gw__Error message = GW__ERROR__INIT;
    message.text = "just in time";
    uint8_t frame[256];
    peer_send(server, frame, frame_write(frame, ANSWER, GW_FRAME_REPLY, 2, &message.base));
    peer_finish(server);
    fixture_run_now();
    assert_int_equal(received.ended_count, 1);
    expect_answer(0, 2, GW_ANSWER_REPLY);
    expect_answer(1, 1, GW_ANSWER_CLOSED);
    assert_int_equal(received.count, 2);
    assert_true(peer_has_fin(server));
}

static void an_unrelated_packet_does_not_answer_a_request(void **state)
{
    Gw__Error line = GW__ERROR__INIT;
    uint16_t tag = ask(1);
    reply((uint16_t)(tag + 1), "unknown tag");
    send_from_server(LINE, GW_FRAME_REPLY, tag, &line.base);
    assert_int_equal(received.count, 0);
    assert_int_equal(ignored_count(), 2);
    send_from_server(ANSWER, 0, tag, &line.base); /* no reply, whatever its tag */
    assert_int_equal(received.count, 0);
    reply(tag, "yes");
    expect_answer(0, 1, GW_ANSWER_REPLY);
}

static void sixteen_requests_may_be_open_and_the_next_is_not_sent(void **state)
{
    for (uint32_t i = 1; i <= GW_REQUEST_COUNT_MAX; i++) {
        assert_int_equal(ask(i), i);
    }
    assert_int_equal(ask(30), 0);
    assert_int_equal(tags[30], 0);
    reply(5, "one less");
    assert_int_equal(ask(31), GW_REQUEST_COUNT_MAX + 1);
}

/* Tags count up and wrap around; they skip 0 and the tags of open requests. */
static void no_open_tag_is_reused(void **state)
{
    uint16_t kept = ask(1);
    for (uint32_t i = 2; i <= 65535; i++) {
        assert_int_equal(ask(2), i);
        reply((uint16_t)i, "next");
        received.count = 0;
    }
    assert_int_equal(kept, 1);
    assert_int_equal(ask(3), 2);
}

static void no_tag_is_reused_after_a_silence(void **state)
{
    uint16_t tag = ask(1);
    reply(tag, "yes");
    fixture_run_ms(HEARTBEAT_MS + SLACK_MS);
    assert_int_equal(frame_read_header(peer_data(server)).id, PING);
    peer_read(server, NULL, peer_unread_count(server));
    assert_int_equal(ask(2), tag + 1);
    reply(tag, "an old one");
    assert_int_equal(received.count, 1);
    assert_int_equal(ignored_count(), 1);
}

static void without_memory_no_request_is_sent(void **state)
{
    memory_fail_at(1);
    assert_int_equal(ask(1), 0);
    memory_fail_at(0);
    assert_int_equal(tags[1], 0);
    assert_int_equal(ask(2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reply_goes_to_the_request_and_to_no_handler),
        TEST(each_request_receives_its_own_reply_in_any_order),
        TEST(a_request_can_complete_with_an_error),
        TEST(an_unanswered_request_completes_with_a_timeout),
        TEST(a_request_of_an_ended_session_completes_with_gone),
        TEST(the_servers_fin_ends_the_session_and_its_requests),
        TEST(an_unrelated_packet_does_not_answer_a_request),
        TEST(sixteen_requests_may_be_open_and_the_next_is_not_sent),
        TEST(no_open_tag_is_reused),
        TEST(no_tag_is_reused_after_a_silence),
        TEST(without_memory_no_request_is_sent),
        TEST(a_typed_callback_receives_the_reply_or_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_splits.c: One conversation, split at any position. */
#include "tests/test.h"

#include "tests/scripted/session_fixture.h"
#include "tests/support/random.h"

#include <string.h>

enum { TEXT_BYTES_MAX = 400, ANSWER_BYTES_MAX = 2000, CUT_COUNT_MAX = 8, RANDOM_COUNT = 500 };

/* The bytes of the conversation, and its result when they arrive in one piece. */
static uint8_t text[TEXT_BYTES_MAX];
static size_t text_bytes;
static uint8_t answer[ANSWER_BYTES_MAX];
static size_t answer_bytes;
static uint8_t received[ANSWER_BYTES_MAX];
static size_t received_bytes;

static void add(uint16_t id, uint16_t tag, const ProtobufCMessage *message)
{
    text_bytes += frame_write(text + text_bytes, id, 0, tag, message);
}

static void write_conversation(void)
{
    Gw__Ping ping = GW__PING__INIT;
    Gw__Error say = GW__ERROR__INIT;
    text_bytes = session_fixture_hello_frame(text);
    say.text = "hello";
    add(SAY, 3, &say.base);
    ping.stamp = 0x1122334455667788;
    add(PING, 0, &ping.base);
    say.text = "";
    add(SAY, 0xFFFF, &say.base); /* a frame without a body */
    say.text = "bye";
    add(SAY, 0, &say.base);
    memcpy(text + text_bytes, "\0\0\0\0\xE7\x27\0\0", 8); /* an unassigned id: closes the session */
    text_bytes += 8;
}

static void run_conversation(struct port_fixture_config *config, const size_t *cuts,
                             size_t cut_count)
{
    session_fixture_open(config, NULL);
    struct peer *peer = session_fixture_connect();
    size_t from = 0;
    for (size_t i = 0; i <= cut_count; i++) {
        size_t to = i < cut_count ? cuts[i] : text_bytes;
        peer_send(peer, text + from, to - from);
        fixture_run_now();
        from = to;
    }
    fixture_run_ms(20);
    answer_bytes = peer_unread_count(peer);
    assert_true(answer_bytes <= sizeof answer);
    peer_read(peer, answer, answer_bytes);
    assert_true(peer_has_fin(peer));
    received_bytes = bytes_count(&session_fixture.received);
    memcpy(received, bytes_data(&session_fixture.received), received_bytes);
    session_fixture_close();
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__UNKNOWN_PACKET);
}

static struct {
    uint8_t answer[ANSWER_BYTES_MAX];
    size_t answer_bytes;
    uint8_t received[ANSWER_BYTES_MAX];
    size_t received_bytes;
} whole;

static int run_unsplit(void **state)
{
    write_conversation();
    run_conversation(NULL, NULL, 0);
    memcpy(whole.answer, answer, answer_bytes);
    whole.answer_bytes = answer_bytes;
    memcpy(whole.received, received, received_bytes);
    whole.received_bytes = received_bytes;
    assert_int_equal(session_fixture.received_count, 3);
    return 0;
}

static void assert_same(void)
{
    assert_int_equal(answer_bytes, whole.answer_bytes);
    assert_memory_equal(answer, whole.answer, answer_bytes);
    assert_int_equal(received_bytes, whole.received_bytes);
    assert_memory_equal(received, whole.received, received_bytes);
}

static void one_split_anywhere_gives_the_same_result(void **state)
{
    for (size_t cut = 1; cut < text_bytes; cut++) {
        run_conversation(NULL, &cut, 1);
        assert_same();
    }
}

static void two_splits_anywhere_give_the_same_result(void **state)
{
    for (size_t first = 1; first < text_bytes; first++) {
        for (size_t second = first + 1; second < text_bytes; second += 3) {
            const size_t cuts[] = {first, second};
            run_conversation(NULL, cuts, 2);
            assert_same();
        }
    }
}

static void single_bytes_give_the_same_result(void **state)
{
    struct port_fixture_config config = {.kernel = {.recv_bytes_max = 1, .send_bytes_max = 1}};
    run_conversation(&config, NULL, 0);
    assert_same();
}

/* Split by the sender and by the kernel, in both directions, with completions in any order. */
static void random_splits_give_the_same_result(void **state)
{
    struct random random = {9};
    for (uint64_t seed = 0; seed < RANDOM_COUNT; seed++) {
        size_t cuts[CUT_COUNT_MAX];
        size_t count = random_below(&random, CUT_COUNT_MAX + 1);
        size_t from = 0;
        for (size_t i = 0; i < count; i++) {
            from += random_below(&random, (uint32_t)(text_bytes - from));
            cuts[i] = from;
        }
        struct port_fixture_config config = {.kernel = {.seed = seed,
                                                        .split_percent = 70,
                                                        .nothing_percent = 20,
                                                        .delay_percent = 30,
                                                        .immediate_percent = 50,
                                                        .spurious_percent = 10,
                                                        .shuffles = true,
                                                        .lane_shared = seed % 2 == 0}};
        run_conversation(&config, cuts, count);
        /* Answers may be in flight when the session ends: they are not lost. */
        assert_same();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_split_anywhere_gives_the_same_result),
        cmocka_unit_test(two_splits_anywhere_give_the_same_result),
        cmocka_unit_test(single_bytes_give_the_same_result),
        cmocka_unit_test(random_splits_give_the_same_result),
    };
    return cmocka_run_group_tests(tests, run_unsplit, NULL);
}

/* tests/scenarios/flood.c: floods, and the others notice nothing. */
#include "proto/game/game_server.gen.h"
#include "server/server.h"
#include "tests/scenarios/dummies.h"
#include "tests/scenarios/room_log.h"
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"
#include "tests/support/machine.h"
#include "tests/support/wait.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CROWD = 50,
    GOOD_CROWD = 200,
    TALK_MS = 500,
    EXCESS_MS = 1000,
    POLITE_MS = 60, /* between two questions of who keeps to the rates */
    FLOODERS = 4,
    FRAMES = 256, /* in one piece of a flood */
    TEXT_BYTES = 240,
    CONNECTS = 3000,
    BURST_FRAMES = 20000,
    BURSTS = 8,
    BURST_BYTES = 4 * 1024 * 1024,
    LINES_PER_SECOND = 200,
    ANSWER_MS = 2000,
    QUEUE_BYTES = 256 * 1024,
};

static struct dummies crowd;
static struct test_client *polite; /* asks again and again whether it is still received */
static uint64_t begun_ns;

/* ---- the others ---- */

static void open_all(const struct server_config *config, uint32_t crowd_count, uint32_t talk_ms)
{
    begun_ns = os_now_ns();
    scenario_serve(config);
    polite = test_client_come("polite");
    dummies_init(&crowd, scenario_count(crowd_count), talk_ms);
    dummies_come(&crowd);
}

/* A server that counts no rates: its other limits must do. */
static void serve(uint32_t send_queue_bytes_max)
{
    struct server_config config = scenario_config();
    config.log_lines_per_second = LINES_PER_SECOND;
    config.send_queue_bytes_max = send_queue_bytes_max;
    config.unlimited = true;
    open_all(&config, CROWD, TALK_MS);
}

static void expect_an_answer(void)
{
    uint64_t asked_ns = os_now_ns();
    test_client_receive_silence(polite);
    assert_true((os_now_ns() - asked_ns) / 1000000 < scenario_patience_ms(ANSWER_MS));
}

/* Reports are held back by no limit, and a line that tells of those refused comes with each second.
 */
static void expect_few_lines(void)
{
    uint64_t seconds = (os_now_ns() - begun_ns) / 1000000000 + 2;
    assert_true(scenario_log_lines() <= seconds * (LINES_PER_SECOND + 1) + 10);
}

/* The crowd has been joined. */
static void close_house(void)
{
    dummies_expect_clean(&crowd);
    assert_true(crowd.report.complete);
    test_client_go(polite);
    scenario_wait_until_empty();
    server_drain(scenario.server);
    scenario_join();
    expect_few_lines();
    scenario_destroy();
}

static void close_all(void)
{
    dummies_join(&crowd);
    close_house();
}

/* ---- endless packets, and nobody who reads the answers ---- */

/* A piece of flood, and how far each flooder is in it. */
struct flood {
    uint8_t *bytes;
    size_t count;
    size_t sent[FLOODERS];
    struct test_client *flooders[FLOODERS];
};

static void make_flood(struct flood *flood, uint16_t id, const ProtobufCMessage *message)
{
    *flood = (struct flood){.bytes = malloc(FRAMES * FRAME_BYTES_MAX)};
    assert_non_null(flood->bytes);
    uint8_t *end = flood->bytes;
    for (int i = 0; i < FRAMES; i++) {
        end = test_client_write(end, id, 0, message);
    }
    flood->count = (size_t)(end - flood->bytes);
}

static void pour(struct flood *flood, int flooder_count)
{
    for (int i = 0; i < flooder_count; i++) {
        size_t at = flood->sent[i] % flood->count;
        flood->sent[i] +=
            raw_socket_send_some(&flood->flooders[i]->socket, flood->bytes + at, flood->count - at);
    }
}

static struct test_client *flooder_comes(const char *room)
{
    struct test_client *flooder = test_client_knock_narrow(&scenario.addr);
    assert_non_null(flooder);
    test_client_greet(flooder, "flooder");
    if (room != NULL) {
        (void)test_client_be_in(flooder, room);
    }
    flooder->is_closed = true;
    return flooder;
}

static void flooders_come(struct flood *flood, const char *room)
{
    for (int i = 0; i < FLOODERS; i++) {
        flood->flooders[i] = flooder_comes(room);
    }
}

static uint64_t flooders_ended(void)
{
    return scenario_ended(GW__CLOSE_REASON__SLOW_CONSUMER) +
           scenario_ended(GW__CLOSE_REASON__TOO_OFTEN);
}

static void flood_until_they_are_ended(struct flood *flood)
{
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    while (flooders_ended() < FLOODERS) {
        assert_true(os_now_ns() < end_ns);
        pour(flood, FLOODERS);
        expect_an_answer();
    }
    for (int i = 0; i < FLOODERS; i++) {
        assert_true(flood->sent[i] > 0);
        test_client_close(flood->flooders[i]);
    }
    free(flood->bytes);
}

static char *long_text(char text[TEXT_BYTES + 1])
{
    memset(text, 'x', TEXT_BYTES);
    text[TEXT_BYTES] = '\0';
    return text;
}

static void who_says_endlessly_and_never_reads_is_ended(void **state)
{
    char text[TEXT_BYTES + 1];
    struct flood flood;
    Game__Say say = GAME__SAY__INIT;
    (void)state;
    serve(QUEUE_BYTES);
    say.text = long_text(text);
    make_flood(&flood, GAME_PACKET_SAY, &say.base);
    flooders_come(&flood, NULL);
    flood_until_they_are_ended(&flood);
    close_all();
}

static void who_chats_endlessly_and_never_reads_is_ended(void **state)
{
    char text[TEXT_BYTES + 1];
    struct flood flood;
    Game__Chat chat = GAME__CHAT__INIT;
    (void)state;
    serve(QUEUE_BYTES);
    chat.text = long_text(text);
    make_flood(&flood, GAME_PACKET_CHAT, &chat.base);
    flooders_come(&flood, "flooded");
    flood_until_they_are_ended(&flood);
    close_all();
}

/* A whole piece from each flooder at once; it is as much as may be on its way to a room. */
static void flood_once(struct flood *flood)
{
    for (int i = 0; i < FLOODERS; i++) {
        test_client_send_bytes(flood->flooders[i], flood->bytes, flood->count);
        raw_socket_finish(&flood->flooders[i]->socket);
    }
    free(flood->bytes);
}

static void who_is_in_the_same_room_receives_the_flood_without_a_hole(void **state)
{
    char text[TEXT_BYTES + 1];
    struct flood flood;
    struct listener listener;
    struct room_log room_log = {.room = "flooded"};
    Game__Chat chat = GAME__CHAT__INIT;
    (void)state;
    serve(2 * FLOODERS * FRAMES * (TEXT_BYTES + 64));
    listener_enter(&listener, test_client_come("listener"), &room_log);
    chat.text = long_text(text);
    make_flood(&flood, GAME_PACKET_CHAT, &chat.base);
    flooders_come(&flood, room_log.room);
    /* The room tells the listener of them at its next tick. */
    WAIT_FOR((test_clients_listen(),
              listener_listen(&listener) && listener.member_count == 1 + FLOODERS));
    flood_once(&flood);
    WAIT_FOR((test_clients_listen(), listener_listen(&listener) && listener.member_count == 1));
    assert_int_equal(listener.line, FLOODERS * FRAMES);
    assert_int_equal(flooders_ended(), 0);
    test_client_go(listener.test_client);
    listener_fini(&listener);
    room_log_fini(&room_log);
    for (int i = 0; i < FLOODERS; i++) {
        test_client_close(flood.flooders[i]);
    }
    close_all();
}

/* ---- above the rates ---- */

static void expect_said(struct test_client *test_client, uint32_t *received)
{
    uint16_t id = 0;
    const void *message;
    while ((message = test_client_take(test_client, &id)) != NULL) {
        char text[32];
        assert_int_equal(id, GAME_PACKET_SAID);
        snprintf(text, sizeof text, "message %u", (*received)++);
        assert_string_equal(((const Game__Said *)message)->text, text);
    }
    assert_false(test_client->has_ended);
}

static size_t write_burst(uint8_t *bytes, uint32_t count)
{
    uint8_t *end = bytes;
    for (uint32_t i = 0; i < count; i++) {
        char text[32];
        Game__Say say = GAME__SAY__INIT;
        snprintf(text, sizeof text, "message %u", i);
        say.text = text;
        end = test_client_write(end, GAME_PACKET_SAY, 0, &say.base);
    }
    return (size_t)(end - bytes);
}

static void serve_with_rates(uint32_t excess_ms)
{
    struct server_config config = scenario_config();
    config.log_lines_per_second = LINES_PER_SECOND;
    config.excess_ms = excess_ms;
    open_all(&config, GOOD_CROWD, 2 * EXCESS_MS);
}

/* Up to the last second: a burst, what the rate allows meanwhile, and what may be ahead of it. */
static void expect_chats_within_the_rate(uint64_t from_ns)
{
    const struct gw_packet *chat = gw_packet_find(&game_server_packets, GAME_PACKET_CHAT);
    uint64_t seconds = (os_now_ns() - from_ns) / 1000000000 + 1;
    uint64_t others = crowd.report.total.sent[DUMMY_CHAT];
    assert_true(scenario_packet("Chat").in <=
                others + chat->burst_count + (seconds + EXCESS_MS / 1000) * chat->rate_per_second);
    assert_true(scenario_packet("Chat").delayed > 0);
}

/* Nobody slow, and nobody who reads the answers: only its rate is in the flooder's way. */
static void one_who_floods_is_held_back_and_ended_and_two_hundred_notice_nothing(void **state)
{
    char text[TEXT_BYTES + 1];
    struct flood flood;
    Game__Chat chat = GAME__CHAT__INIT;
    (void)state;
    serve_with_rates(EXCESS_MS);
    uint64_t from_ns = os_now_ns();
    chat.text = long_text(text);
    make_flood(&flood, GAME_PACKET_CHAT, &chat.base);
    flood.flooders[0] = flooder_comes("flooded");
    while (scenario_ended(GW__CLOSE_REASON__TOO_OFTEN) == 0) {
        assert_true(os_now_ns() < from_ns + WAIT_NS);
        pour(&flood, 1);
        expect_an_answer();
        machine_sleep_ms(POLITE_MS);
    }
    test_client_close(flood.flooders[0]);
    free(flood.bytes);
    dummies_join(&crowd);
    expect_chats_within_the_rate(from_ns);
    close_house();
}

/* A burst, and more than that at once: it takes longer, and that is all. */
static void who_says_too_much_at_once_is_answered_to_the_last(void **state)
{
    (void)state;
    enum { COUNT = 80 };
    serve_with_rates(10 * EXCESS_MS);
    struct test_client *test_client = test_client_come("breathless");
    uint8_t bytes[COUNT * 64];
    uint32_t received = 0;
    test_client_send_bytes(test_client, bytes, write_burst(bytes, COUNT));
    WAIT_FOR((test_clients_listen(), expect_said(test_client, &received), received == COUNT));
    assert_true(scenario_packet("Say").delayed > 0);
    test_client_go(test_client);
    close_all();
}

/* ---- connections, thousands ---- */

static void knock_and_run(uint32_t nth)
{
    struct test_client *test_client = test_client_knock(&scenario.addr);
    assert_non_null(test_client);
    if (nth % 3 == 0) {
        test_client_close(test_client);
        return;
    }
    if (nth % 3 == 1) {
        test_client_hello(test_client, "gone before the answer");
    }
    test_client_reset(test_client);
}

static void thousands_of_connects_keep_nobody_out(void **state)
{
    (void)state;
    serve(QUEUE_BYTES);
    for (uint32_t i = 0; i < scenario_count(CONNECTS); i++) {
        knock_and_run(i);
        if (i % 100 == 0) {
            expect_an_answer();
            test_client_go(test_client_come("one of them stays a moment"));
        }
    }
    close_all();
}

/* ---- much at once ---- */

/* As fast as the socket takes it; the answers are read meanwhile. */
static void a_burst_of_packets_is_answered_to_the_last(void **state)
{
    (void)state;
    serve(QUEUE_BYTES);
    struct test_client *test_client = test_client_come("burst");
    uint32_t count = scenario_count(BURST_FRAMES), received = 0;
    uint8_t *bytes = malloc((size_t)count * 64);
    assert_non_null(bytes);
    size_t all = write_burst(bytes, count), sent = 0;
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    while (received < count) {
        assert_true(os_now_ns() < end_ns);
        sent += raw_socket_send_some(&test_client->socket, bytes + sent, all - sent);
        (void)test_clients_listen();
        expect_said(test_client, &received);
    }
    expect_an_answer();
    free(bytes);
    test_client_go(test_client);
    close_all();
}

/* Until the server is tired of it: then sending fails, or nothing more is taken. */
static void pour_out(struct test_client *test_client, const uint8_t *bytes)
{
    size_t sent = 0, taken;
    do {
        taken = raw_socket_send_some(&test_client->socket, bytes + sent, BURST_BYTES - sent);
        sent += taken;
        (void)test_clients_listen();
        machine_sleep_ms(taken == 0 ? 1 : 0);
    } while (sent < BURST_BYTES && !test_client->has_ended);
}

/* Half of them are greeted first. */
static void megabytes_of_rubbish_end_in_good_order(void **state)
{
    (void)state;
    serve(QUEUE_BYTES);
    uint8_t *bytes = calloc(1, BURST_BYTES);
    assert_non_null(bytes);
    for (int i = 0; i < BURSTS; i++) {
        struct test_client *test_client = test_client_knock(&scenario.addr);
        assert_non_null(test_client);
        if (i % 2 == 0) {
            test_client_greet(test_client, "rubbish");
        }
        pour_out(test_client, bytes);
        test_client_close(test_client);
        expect_an_answer();
    }
    free(bytes);
    WAIT_FOR(scenario_ended(GW__CLOSE_REASON__UNKNOWN_PACKET) == BURSTS / 2);
    WAIT_FOR(scenario_ended(GW__CLOSE_REASON__UNKNOWN_PROTOCOL) == BURSTS / 2);
    close_all();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(who_says_endlessly_and_never_reads_is_ended),
        SCENARIO(who_chats_endlessly_and_never_reads_is_ended),
        SCENARIO(who_is_in_the_same_room_receives_the_flood_without_a_hole),
        SCENARIO(one_who_floods_is_held_back_and_ended_and_two_hundred_notice_nothing),
        SCENARIO(who_says_too_much_at_once_is_answered_to_the_last),
        SCENARIO(thousands_of_connects_keep_nobody_out),
        SCENARIO(a_burst_of_packets_is_answered_to_the_last),
        SCENARIO(megabytes_of_rubbish_end_in_good_order),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

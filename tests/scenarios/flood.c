/* tests/scenarios/flood.c: Floods of packets and connections, and their effect on other clients. */
#include "proto/game/game_server.gen.h"
#include "server/server.h"
#include "tests/scenarios/dummies.h"
#include "tests/scenarios/room_view.h"
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
    POLITE_MS = 60, /* between two packets of the polite client */
    FLOODERS = 4,
    FRAMES = 256, /* in one buffer of a flood */
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
static struct test_client *polite; /* checks again and again that the server answers in time */
static uint64_t begun_ns;

/* ---- the other clients ---- */

static void open_all(const struct server_config *config, uint32_t crowd_count, uint32_t talk_ms)
{
    begun_ns = os_now_ns();
    scenario_serve(config);
    polite = test_client_open("polite");
    dummies_init(&crowd, scenario_count(crowd_count), talk_ms);
    dummies_come(&crowd);
}

/* A server without rate limits: its other limits must suffice. */
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
    test_client_expect_idle(polite);
    assert_true((os_now_ns() - asked_ns) / 1000000 < scenario_patience_ms(ANSWER_MS));
}

/* No limit applies to reports; each second has one line with the number of lines that were dropped.
 */
static void expect_few_lines(void)
{
    uint64_t seconds = (os_now_ns() - begun_ns) / 1000000000 + 2;
    assert_true(scenario_log_lines() <= seconds * (LINES_PER_SECOND + 1) + 10);
}

/* After dummies_join(). */
static void close_server(void)
{
    dummies_expect_clean(&crowd);
    assert_true(crowd.report.complete);
    test_client_quit(polite);
    scenario_wait_until_empty();
    server_drain(scenario.server);
    scenario_join();
    expect_few_lines();
    scenario_destroy();
}

static void close_all(void)
{
    dummies_join(&crowd);
    close_server();
}

/* ---- endless packets whose answers are not read ---- */

/* A buffer of frames, and how many of its bytes each flooder has sent. */
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

static void send_flood(struct flood *flood, int flooder_count)
{
    for (int i = 0; i < flooder_count; i++) {
        size_t at = flood->sent[i] % flood->count;
        flood->sent[i] +=
            raw_socket_send_some(&flood->flooders[i]->socket, flood->bytes + at, flood->count - at);
    }
}

static struct test_client *open_flooder(const char *room)
{
    struct test_client *flooder = test_client_connect_narrow(&scenario.addr);
    assert_non_null(flooder);
    test_client_greet(flooder, "flooder");
    if (room != NULL) {
        (void)test_client_join(flooder, room);
    }
    flooder->is_paused = true;
    return flooder;
}

static void open_flooders(struct flood *flood, const char *room)
{
    for (int i = 0; i < FLOODERS; i++) {
        flood->flooders[i] = open_flooder(room);
    }
}

static uint64_t closed_flooder_count(void)
{
    return scenario_ended(GW__CLOSE_REASON__SLOW_CONSUMER) +
           scenario_ended(GW__CLOSE_REASON__TOO_OFTEN);
}

static void flood_until_closed(struct flood *flood)
{
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    while (closed_flooder_count() < FLOODERS) {
        assert_true(os_now_ns() < end_ns);
        send_flood(flood, FLOODERS);
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

static void a_flood_of_say_without_reading_is_closed(void **state)
{
    char text[TEXT_BYTES + 1];
    struct flood flood;
    Game__Say say = GAME__SAY__INIT;
    serve(QUEUE_BYTES);
    say.text = long_text(text);
    make_flood(&flood, GAME_PACKET_SAY, &say.base);
    open_flooders(&flood, NULL);
    flood_until_closed(&flood);
    close_all();
}

static void a_flood_of_chat_without_reading_is_closed(void **state)
{
    char text[TEXT_BYTES + 1];
    struct flood flood;
    Game__Chat chat = GAME__CHAT__INIT;
    serve(QUEUE_BYTES);
    chat.text = long_text(text);
    make_flood(&flood, GAME_PACKET_CHAT, &chat.base);
    open_flooders(&flood, "flooded");
    flood_until_closed(&flood);
    close_all();
}

/* The whole buffer from each flooder at once: as much as may be queued for a room. */
static void flood_once(struct flood *flood)
{
    for (int i = 0; i < FLOODERS; i++) {
        test_client_send_bytes(flood->flooders[i], flood->bytes, flood->count);
        raw_socket_finish(&flood->flooders[i]->socket);
    }
    free(flood->bytes);
}

static void a_member_of_a_flooded_room_receives_every_line(void **state)
{
    char text[TEXT_BYTES + 1];
    struct flood flood;
    struct room_view view;
    struct room_log room_log = {.room = "flooded"};
    Game__Chat chat = GAME__CHAT__INIT;
    serve(2 * FLOODERS * FRAMES * (TEXT_BYTES + 64));
    room_view_enter(&view, test_client_open("member"), &room_log);
    chat.text = long_text(text);
    make_flood(&flood, GAME_PACKET_CHAT, &chat.base);
    open_flooders(&flood, room_log.room);
    /* The room sends their Joined at its next tick. */
    WAIT_FOR(
        (test_clients_receive(), room_view_receive(&view) && view.member_count == 1 + FLOODERS));
    flood_once(&flood);
    WAIT_FOR((test_clients_receive(), room_view_receive(&view) && view.member_count == 1));
    assert_int_equal(view.line, FLOODERS * FRAMES);
    assert_int_equal(closed_flooder_count(), 0);
    test_client_quit(view.client);
    room_view_fini(&view);
    room_log_fini(&room_log);
    for (int i = 0; i < FLOODERS; i++) {
        test_client_close(flood.flooders[i]);
    }
    close_all();
}

/* ---- above the rate limits ---- */

static void expect_said(struct test_client *client, uint32_t *received)
{
    uint16_t id = 0;
    const void *message;
    while ((message = test_client_take(client, &id)) != NULL) {
        char text[32];
        assert_int_equal(id, GAME_PACKET_SAID);
        snprintf(text, sizeof text, "message %u", (*received)++);
        assert_string_equal(((const Game__Said *)message)->text, text);
    }
    assert_false(client->has_ended);
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

/* At most: the burst, the rate times the elapsed seconds, and the excess that may be buffered. */
static void expect_chats_within_the_rate(uint64_t from_ns)
{
    const struct gw_packet *chat = gw_packet_find(&game_server_packets, GAME_PACKET_CHAT);
    uint64_t seconds = (os_now_ns() - from_ns) / 1000000000 + 1;
    uint64_t others = crowd.report.total.sent[DUMMY_CHAT];
    assert_true(scenario_packet("Chat").in <=
                others + chat->burst_count + (seconds + EXCESS_MS / 1000) * chat->rate_per_second);
    assert_true(scenario_packet("Chat").delayed > 0);
}

/* Nothing but its rate limits the flooder. */
static void a_flooder_is_throttled_and_closed_while_200_clients_are_served(void **state)
{
    char text[TEXT_BYTES + 1];
    struct flood flood;
    Game__Chat chat = GAME__CHAT__INIT;
    serve_with_rates(EXCESS_MS);
    uint64_t from_ns = os_now_ns();
    chat.text = long_text(text);
    make_flood(&flood, GAME_PACKET_CHAT, &chat.base);
    flood.flooders[0] = open_flooder("flooded");
    while (scenario_ended(GW__CLOSE_REASON__TOO_OFTEN) == 0) {
        assert_true(os_now_ns() < from_ns + WAIT_NS);
        send_flood(&flood, 1);
        expect_an_answer();
        machine_sleep_ms(POLITE_MS);
    }
    test_client_close(flood.flooders[0]);
    free(flood.bytes);
    dummies_join(&crowd);
    expect_chats_within_the_rate(from_ns);
    close_server();
}

/* More than a burst in one piece: the excess is delayed, not refused. */
static void packets_above_the_burst_are_delayed_and_all_answered(void **state)
{
    enum { COUNT = 80 };
    serve_with_rates(10 * EXCESS_MS);
    struct test_client *client = test_client_open("bursty");
    uint8_t bytes[COUNT * 64];
    uint32_t received = 0;
    test_client_send_bytes(client, bytes, write_burst(bytes, COUNT));
    WAIT_FOR((test_clients_receive(), expect_said(client, &received), received == COUNT));
    assert_true(scenario_packet("Say").delayed > 0);
    test_client_quit(client);
    close_all();
}

/* ---- thousands of connections ---- */

static void connect_and_end(uint32_t nth)
{
    struct test_client *client = test_client_connect(&scenario.addr);
    assert_non_null(client);
    if (nth % 3 == 0) {
        test_client_close(client);
        return;
    }
    if (nth % 3 == 1) {
        test_client_hello(client, "gone before the answer");
    }
    test_client_reset(client);
}

static void thousands_of_short_connections_do_not_delay_new_clients(void **state)
{
    serve(QUEUE_BYTES);
    for (uint32_t i = 0; i < scenario_count(CONNECTS); i++) {
        connect_and_end(i);
        if (i % 100 == 0) {
            expect_an_answer();
            test_client_quit(test_client_open("newcomer"));
        }
    }
    close_all();
}

/* ---- large bursts ---- */

/* The client sends as fast as the socket accepts, and reads the answers meanwhile. */
static void every_packet_of_a_burst_is_answered(void **state)
{
    serve(QUEUE_BYTES);
    struct test_client *client = test_client_open("burst");
    uint32_t count = scenario_count(BURST_FRAMES), received = 0;
    uint8_t *bytes = malloc((size_t)count * 64);
    assert_non_null(bytes);
    size_t all = write_burst(bytes, count), sent = 0;
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    while (received < count) {
        assert_true(os_now_ns() < end_ns);
        sent += raw_socket_send_some(&client->socket, bytes + sent, all - sent);
        (void)test_clients_receive();
        expect_said(client, &received);
    }
    expect_an_answer();
    free(bytes);
    test_client_quit(client);
    close_all();
}

/* Until the server closes: then sending fails, or the socket accepts no more. */
static void send_all(struct test_client *client, const uint8_t *bytes)
{
    size_t sent = 0, taken;
    do {
        taken = raw_socket_send_some(&client->socket, bytes + sent, BURST_BYTES - sent);
        sent += taken;
        (void)test_clients_receive();
        machine_sleep_ms(taken == 0 ? 1 : 0);
    } while (sent < BURST_BYTES && !client->has_ended);
}

/* Every second client greets first. */
static void megabytes_of_invalid_bytes_close_only_their_connection(void **state)
{
    serve(QUEUE_BYTES);
    uint8_t *bytes = calloc(1, BURST_BYTES);
    assert_non_null(bytes);
    for (int i = 0; i < BURSTS; i++) {
        struct test_client *client = test_client_connect(&scenario.addr);
        assert_non_null(client);
        if (i % 2 == 0) {
            test_client_greet(client, "invalid");
        }
        send_all(client, bytes);
        test_client_close(client);
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
        SCENARIO(a_flood_of_say_without_reading_is_closed),
        SCENARIO(a_flood_of_chat_without_reading_is_closed),
        SCENARIO(a_member_of_a_flooded_room_receives_every_line),
        SCENARIO(a_flooder_is_throttled_and_closed_while_200_clients_are_served),
        SCENARIO(packets_above_the_burst_are_delayed_and_all_answered),
        SCENARIO(thousands_of_short_connections_do_not_delay_new_clients),
        SCENARIO(every_packet_of_a_burst_is_answered),
        SCENARIO(megabytes_of_invalid_bytes_close_only_their_connection),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

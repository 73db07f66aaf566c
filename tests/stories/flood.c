/* tests/stories/flood.c: floods, and the others notice nothing. */
#include "proto/game/game_server.gen.h"
#include "server/server.h"
#include "tests/stories/dummies.h"
#include "tests/stories/hall.h"
#include "tests/stories/puppet.h"
#include "tests/stories/story.h"
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
static struct puppet *polite; /* asks again and again whether it is still heard */
static uint64_t begun_ns;

/* ---- the others ---- */

static void open_all(const struct server_config *config, uint32_t crowd_count, uint32_t talk_ms)
{
    begun_ns = os_now_ns();
    story_serve(config);
    polite = puppet_come("polite");
    dummies_init(&crowd, story_count(crowd_count), talk_ms);
    dummies_come(&crowd);
}

/* A server that counts no rates: its other limits must do. */
static void serve(uint32_t send_queue_bytes_max)
{
    struct server_config config = story_config();
    config.log_lines_per_second = LINES_PER_SECOND;
    config.send_queue_bytes_max = send_queue_bytes_max;
    config.unlimited = true;
    open_all(&config, CROWD, TALK_MS);
}

static void expect_an_answer(void)
{
    uint64_t asked_ns = os_now_ns();
    puppet_hear_silence(polite);
    assert_true((os_now_ns() - asked_ns) / 1000000 < story_patience_ms(ANSWER_MS));
}

/* Reports are held back by no limit, and a line that tells of those refused comes with each second.
 */
static void expect_few_lines(void)
{
    uint64_t seconds = (os_now_ns() - begun_ns) / 1000000000 + 2;
    assert_true(story_log_lines() <= seconds * (LINES_PER_SECOND + 1) + 10);
}

/* The crowd has been joined. */
static void close_house(void)
{
    dummies_expect_clean(&crowd);
    assert_true(crowd.report.complete);
    puppet_go(polite);
    story_wait_until_empty();
    server_drain(story.server);
    story_join();
    expect_few_lines();
    story_destroy();
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
    struct puppet *flooders[FLOODERS];
};

static void make_flood(struct flood *flood, uint16_t id, const ProtobufCMessage *message)
{
    *flood = (struct flood){.bytes = malloc(FRAMES * FRAME_BYTES_MAX)};
    assert_non_null(flood->bytes);
    uint8_t *end = flood->bytes;
    for (int i = 0; i < FRAMES; i++) {
        end = puppet_write(end, id, 0, message);
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

static struct puppet *flooder_comes(const char *room)
{
    struct puppet *flooder = puppet_knock_narrow(&story.addr);
    assert_non_null(flooder);
    puppet_greet(flooder, "flooder");
    if (room != NULL) {
        (void)puppet_be_in(flooder, room);
    }
    flooder->is_deaf = true;
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
    return story_ended(GW__CLOSE_REASON__SLOW_CONSUMER) + story_ended(GW__CLOSE_REASON__TOO_OFTEN);
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
        puppet_close(flood->flooders[i]);
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
        puppet_send_bytes(flood->flooders[i], flood->bytes, flood->count);
        raw_socket_finish(&flood->flooders[i]->socket);
    }
    free(flood->bytes);
}

static void who_is_in_the_same_room_hears_the_flood_without_a_hole(void **state)
{
    char text[TEXT_BYTES + 1];
    struct flood flood;
    struct listener listener;
    struct hall hall = {.room = "flooded"};
    Game__Chat chat = GAME__CHAT__INIT;
    (void)state;
    serve(2 * FLOODERS * FRAMES * (TEXT_BYTES + 64));
    listener_enter(&listener, puppet_come("listener"), &hall);
    chat.text = long_text(text);
    make_flood(&flood, GAME_PACKET_CHAT, &chat.base);
    flooders_come(&flood, hall.room);
    /* The room tells the listener of them at its next tick. */
    WAIT_FOR(
        (puppets_listen(), listener_listen(&listener) && listener.member_count == 1 + FLOODERS));
    flood_once(&flood);
    WAIT_FOR((puppets_listen(), listener_listen(&listener) && listener.member_count == 1));
    assert_int_equal(listener.line, FLOODERS * FRAMES);
    assert_int_equal(flooders_ended(), 0);
    puppet_go(listener.puppet);
    listener_fini(&listener);
    hall_fini(&hall);
    for (int i = 0; i < FLOODERS; i++) {
        puppet_close(flood.flooders[i]);
    }
    close_all();
}

/* ---- above the rates ---- */

static void expect_said(struct puppet *puppet, uint32_t *heard)
{
    uint16_t id = 0;
    const void *message;
    while ((message = puppet_take(puppet, &id)) != NULL) {
        char text[32];
        assert_int_equal(id, GAME_PACKET_SAID);
        snprintf(text, sizeof text, "message %u", (*heard)++);
        assert_string_equal(((const Game__Said *)message)->text, text);
    }
    assert_false(puppet->has_ended);
}

static size_t write_burst(uint8_t *bytes, uint32_t count)
{
    uint8_t *end = bytes;
    for (uint32_t i = 0; i < count; i++) {
        char text[32];
        Game__Say say = GAME__SAY__INIT;
        snprintf(text, sizeof text, "message %u", i);
        say.text = text;
        end = puppet_write(end, GAME_PACKET_SAY, 0, &say.base);
    }
    return (size_t)(end - bytes);
}

static void serve_with_rates(uint32_t excess_ms)
{
    struct server_config config = story_config();
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
    assert_true(story_packet("Chat").in <=
                others + chat->burst_count + (seconds + EXCESS_MS / 1000) * chat->rate_per_second);
    assert_true(story_packet("Chat").delayed > 0);
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
    while (story_ended(GW__CLOSE_REASON__TOO_OFTEN) == 0) {
        assert_true(os_now_ns() < from_ns + WAIT_NS);
        pour(&flood, 1);
        expect_an_answer();
        machine_sleep_ms(POLITE_MS);
    }
    puppet_close(flood.flooders[0]);
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
    struct puppet *puppet = puppet_come("breathless");
    uint8_t bytes[COUNT * 64];
    uint32_t heard = 0;
    puppet_send_bytes(puppet, bytes, write_burst(bytes, COUNT));
    WAIT_FOR((puppets_listen(), expect_said(puppet, &heard), heard == COUNT));
    assert_true(story_packet("Say").delayed > 0);
    puppet_go(puppet);
    close_all();
}

/* ---- connections, thousands ---- */

static void knock_and_run(uint32_t nth)
{
    struct puppet *puppet = puppet_knock(&story.addr);
    assert_non_null(puppet);
    if (nth % 3 == 0) {
        puppet_close(puppet);
        return;
    }
    if (nth % 3 == 1) {
        puppet_hello(puppet, "gone before the answer");
    }
    puppet_reset(puppet);
}

static void thousands_of_connects_keep_nobody_out(void **state)
{
    (void)state;
    serve(QUEUE_BYTES);
    for (uint32_t i = 0; i < story_count(CONNECTS); i++) {
        knock_and_run(i);
        if (i % 100 == 0) {
            expect_an_answer();
            puppet_go(puppet_come("one of them stays a moment"));
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
    struct puppet *puppet = puppet_come("burst");
    uint32_t count = story_count(BURST_FRAMES), heard = 0;
    uint8_t *bytes = malloc((size_t)count * 64);
    assert_non_null(bytes);
    size_t all = write_burst(bytes, count), sent = 0;
    uint64_t end_ns = os_now_ns() + WAIT_NS;
    while (heard < count) {
        assert_true(os_now_ns() < end_ns);
        sent += raw_socket_send_some(&puppet->socket, bytes + sent, all - sent);
        (void)puppets_listen();
        expect_said(puppet, &heard);
    }
    expect_an_answer();
    free(bytes);
    puppet_go(puppet);
    close_all();
}

/* Until the server is tired of it: then sending fails, or nothing more is taken. */
static void pour_out(struct puppet *puppet, const uint8_t *bytes)
{
    size_t sent = 0, taken;
    do {
        taken = raw_socket_send_some(&puppet->socket, bytes + sent, BURST_BYTES - sent);
        sent += taken;
        (void)puppets_listen();
        machine_sleep_ms(taken == 0 ? 1 : 0);
    } while (sent < BURST_BYTES && !puppet->has_ended);
}

/* Half of them are greeted first. */
static void megabytes_of_rubbish_end_in_good_order(void **state)
{
    (void)state;
    serve(QUEUE_BYTES);
    uint8_t *bytes = calloc(1, BURST_BYTES);
    assert_non_null(bytes);
    for (int i = 0; i < BURSTS; i++) {
        struct puppet *puppet = puppet_knock(&story.addr);
        assert_non_null(puppet);
        if (i % 2 == 0) {
            puppet_greet(puppet, "rubbish");
        }
        pour_out(puppet, bytes);
        puppet_close(puppet);
        expect_an_answer();
    }
    free(bytes);
    WAIT_FOR(story_ended(GW__CLOSE_REASON__UNKNOWN_PACKET) == BURSTS / 2);
    WAIT_FOR(story_ended(GW__CLOSE_REASON__NOT_A_PLAYER) == BURSTS / 2);
    close_all();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STORY(who_says_endlessly_and_never_reads_is_ended),
        STORY(who_chats_endlessly_and_never_reads_is_ended),
        STORY(who_is_in_the_same_room_hears_the_flood_without_a_hole),
        STORY(one_who_floods_is_held_back_and_ended_and_two_hundred_notice_nothing),
        STORY(who_says_too_much_at_once_is_answered_to_the_last),
        STORY(thousands_of_connects_keep_nobody_out),
        STORY(a_burst_of_packets_is_answered_to_the_last),
        STORY(megabytes_of_rubbish_end_in_good_order),
    };
    story_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/stories/chaos.c: many do anything at any moment, and all is given back. */
#include "server/server.h"
#include "tests/stories/puppet.h"
#include "tests/stories/story.h"
#include "tests/support/chance.h"
#include "tests/support/machine.h"
#include "tests/support/wait.h"
#include <stdio.h>
#include <string.h>

enum {
    PLAYERS = 60,
    STEPS = 400,
    STEPS_BEFORE_DRAIN = 100,
    ROOMS = 6,
    MEMBERS_MAX = 12,
    ROOMS_MAX = 4,
    DRAIN_MS = 300,
    LAST_WORDS_MS = 2500,
    BURST_BYTES = 2048,
    FRAMES_MAX = 4,
};

static struct puppet *players[PLAYERS];
static struct puppet *calm; /* does nothing wrong, in a room of its own */
static struct chance chance;

/* ---- anything ---- */

static uint8_t *add_anything(uint8_t *out)
{
    char text[16];
    Game__Enter enter = GAME__ENTER__INIT; /* Chat and Say are made the same way */
    Game__Move move = GAME__MOVE__INIT;
    const Game__Leave nothing = GAME__LEAVE__INIT;
    snprintf(text, sizeof text, "%u", chance_below(&chance, ROOMS));
    enter.room = text;
    move.x = (int32_t)chance_below(&chance, 10);
    switch (chance_below(&chance, 12)) {
    case 0:
        return puppet_write(out, GAME_PACKET_LEAVE, 0, &nothing.base);
    case 1:
    case 2:
    case 3:
        return puppet_write(out, GAME_PACKET_CHAT, 0, &enter.base);
    case 4:
        return puppet_write(out, GAME_PACKET_MOVE, 0, &move.base);
    case 5:
        return puppet_write(out, GAME_PACKET_WHO, 0, &nothing.base);
    case 6:
        return puppet_write(out, GAME_PACKET_SAY, 0, &enter.base);
    case 7:
        return puppet_write(out, PING, 0, &nothing.base);
    default:
        return puppet_write(out, GAME_PACKET_ENTER, 0, &enter.base);
    }
}

/* A few frames in one piece; sometimes cut, with the rest to come, so that what follows is rubbish. */
static void speak(struct puppet *puppet)
{
    uint8_t burst[BURST_BYTES], *end = burst;
    for (uint32_t i = 0; i <= chance_below(&chance, FRAMES_MAX); i++) {
        end = add_anything(end);
    }
    size_t bytes = (size_t)(end - burst);
    puppet_send_bytes(puppet, burst, chance_below(&chance, 100) == 0 ? bytes - 1 : bytes);
}

static void come(struct puppet **place)
{
    *place = puppet_knock(&story.addr);
    if (*place != NULL && chance_below(&chance, 20) != 0) {
        puppet_hello(*place, "anybody");
    }
}

static void go(struct puppet **place, void (*take_down)(struct puppet *puppet))
{
    take_down(*place);
    *place = NULL;
}

static void act(struct puppet **place)
{
    if (*place == NULL || (*place)->has_ended) {
        if (*place != NULL) {
            go(place, puppet_close);
        }
        come(place);
        return;
    }
    switch (chance_below(&chance, 100)) {
    case 0:
        go(place, puppet_reset);
        break;
    case 1:
        go(place, puppet_close);
        break;
    case 2:
        puppet_farewell(*place, GW__CLOSE_REASON__NONE);
        break;
    case 3:
        raw_socket_finish(&(*place)->socket);
        break;
    default:
        speak(*place);
    }
}

/* What they hear is not looked at; that it is packets, is. */
static void listen(void)
{
    uint16_t id;
    (void)puppets_listen();
    for (int i = 0; i < PLAYERS; i++) {
        while (players[i] != NULL && puppet_take(players[i], &id) != NULL) {
        }
    }
}

static void step(void)
{
    for (int i = 0; i < PLAYERS; i++) {
        if (chance_below(&chance, 3) == 0) {
            act(&players[i]);
        }
    }
    listen();
    machine_sleep_ms(1);
}

/* ---- two stories of it ---- */

static void serve(uint64_t seed)
{
    struct server_config config = story_config();
    config.room_members_max = MEMBERS_MAX;
    config.rooms_max = ROOMS_MAX;
    config.room_tick_ms = seed % 2 == 0 ? 0 : 5;
    config.drain_ms = DRAIN_MS;
    story_serve(&config);
    chance.state = story_seed(seed);
    memset(players, 0, sizeof players);
    calm = puppet_come("calm");
    (void)puppet_be_in(calm, "calm");
}

static void play(uint64_t seed)
{
    serve(seed);
    uint32_t steps = story_count(STEPS);
    for (uint32_t i = 1; i <= steps; i++) {
        step();
        if (i % 50 == 0) {
            puppet_hear_silence(calm);
        }
    }
    const struct server_counters counters = story_counters();
    assert_true(counters.entered > steps / 10);
    assert_true(counters.sessions.ended[GW__CLOSE_REASON__WRONG_STAGE] > 0);
    puppet_go(calm);
    puppets_close();
    story_close();
}

static void whatever_players_do_all_is_given_back(void **state)
{
    (void)state;
    play(1);
    play(2);
}

static bool is_over(void)
{
    struct server_counters counters = story_counters();
    return counters.session_count == 0 && counters.port.stream_count == 0;
}

static void whatever_players_do_the_server_is_gone_in_time(void **state)
{
    (void)state;
    for (uint64_t seed = 3; seed < 5; seed++) {
        serve(seed);
        for (int i = 0; i < STEPS_BEFORE_DRAIN; i++) {
            step();
        }
        uint64_t begun_ns = os_now_ns();
        server_drain(story.server);
        while (!is_over()) {
            assert_true((os_now_ns() - begun_ns) / 1000000 <
                        story_patience_ms(DRAIN_MS + LAST_WORDS_MS));
            step();
        }
        story_join();
        story_destroy();
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STORY(whatever_players_do_all_is_given_back),
        STORY(whatever_players_do_the_server_is_gone_in_time),
    };
    story_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scenarios/chaos.c: many do anything at any moment, and all is given back. */
#include "server/server.h"
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"
#include "tests/support/machine.h"
#include "tests/support/random.h"
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

static struct test_client *players[PLAYERS];
static struct test_client *calm; /* does nothing wrong, in a room of its own */
static struct random random;

/* ---- anything ---- */

static uint8_t *add_anything(uint8_t *out)
{
    char text[16];
    Game__Enter enter = GAME__ENTER__INIT; /* Chat and Say are made the same way */
    Game__Move move = GAME__MOVE__INIT;
    const Game__Leave nothing = GAME__LEAVE__INIT;
    snprintf(text, sizeof text, "%u", random_below(&random, ROOMS));
    enter.room = text;
    move.x = (int32_t)random_below(&random, 10);
    switch (random_below(&random, 12)) {
    case 0:
        return test_client_write(out, GAME_PACKET_LEAVE, 0, &nothing.base);
    case 1:
    case 2:
    case 3:
        return test_client_write(out, GAME_PACKET_CHAT, 0, &enter.base);
    case 4:
        return test_client_write(out, GAME_PACKET_MOVE, 0, &move.base);
    case 5:
        return test_client_write(out, GAME_PACKET_WHO, 0, &nothing.base);
    case 6:
        return test_client_write(out, GAME_PACKET_SAY, 0, &enter.base);
    case 7:
        return test_client_write(out, PING, 0, &nothing.base);
    default:
        return test_client_write(out, GAME_PACKET_ENTER, 0, &enter.base);
    }
}

/* A few frames in one piece; sometimes cut, with the rest to come, so that what follows is rubbish.
 */
static void speak(struct test_client *test_client)
{
    uint8_t burst[BURST_BYTES], *end = burst;
    for (uint32_t i = 0; i <= random_below(&random, FRAMES_MAX); i++) {
        end = add_anything(end);
    }
    size_t bytes = (size_t)(end - burst);
    test_client_send_bytes(test_client, burst, random_below(&random, 100) == 0 ? bytes - 1 : bytes);
}

static void come(struct test_client **place)
{
    *place = test_client_knock(&scenario.addr);
    if (*place != NULL && random_below(&random, 20) != 0) {
        test_client_hello(*place, "anybody");
    }
}

static void go(struct test_client **place, void (*take_down)(struct test_client *test_client))
{
    take_down(*place);
    *place = NULL;
}

static void act(struct test_client **place)
{
    if (*place == NULL || (*place)->has_ended) {
        if (*place != NULL) {
            go(place, test_client_close);
        }
        come(place);
        return;
    }
    switch (random_below(&random, 100)) {
    case 0:
        go(place, test_client_reset);
        break;
    case 1:
        go(place, test_client_close);
        break;
    case 2:
        test_client_close_frame(*place, GW__CLOSE_REASON__NONE);
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
    (void)test_clients_listen();
    for (int i = 0; i < PLAYERS; i++) {
        while (players[i] != NULL && test_client_take(players[i], &id) != NULL) {
        }
    }
}

static void step(void)
{
    for (int i = 0; i < PLAYERS; i++) {
        if (random_below(&random, 3) == 0) {
            act(&players[i]);
        }
    }
    listen();
    machine_sleep_ms(1);
}

/* ---- two stories of it ---- */

static void serve(uint64_t seed)
{
    struct server_config config = scenario_config();
    config.room_members_max = MEMBERS_MAX;
    config.rooms_max = ROOMS_MAX;
    config.room_tick_ms = seed % 2 == 0 ? 0 : 5;
    config.drain_ms = DRAIN_MS;
    scenario_serve(&config);
    random.state = scenario_seed(seed);
    memset(players, 0, sizeof players);
    calm = test_client_come("calm");
    (void)test_client_be_in(calm, "calm");
}

static void play(uint64_t seed)
{
    serve(seed);
    uint32_t steps = scenario_count(STEPS);
    for (uint32_t i = 1; i <= steps; i++) {
        step();
        if (i % 50 == 0) {
            test_client_receive_silence(calm);
        }
    }
    const struct server_counters counters = scenario_counters();
    assert_true(counters.entered > steps / 10);
    assert_true(counters.sessions.ended[GW__CLOSE_REASON__WRONG_STAGE] > 0);
    test_client_go(calm);
    test_clients_close();
    scenario_close();
}

static void whatever_players_do_all_is_given_back(void **state)
{
    (void)state;
    play(1);
    play(2);
}

static bool is_over(void)
{
    struct server_counters counters = scenario_counters();
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
        server_drain(scenario.server);
        while (!is_over()) {
            assert_true((os_now_ns() - begun_ns) / 1000000 <
                        scenario_patience_ms(DRAIN_MS + LAST_WORDS_MS));
            step();
        }
        scenario_join();
        scenario_destroy();
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(whatever_players_do_all_is_given_back),
        SCENARIO(whatever_players_do_the_server_is_gone_in_time),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

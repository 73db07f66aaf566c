/* tests/scenarios/chaos.c: Random actions of many clients; the server releases all resources. */
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
    CLOSE_FRAME_MS = 2500,
    BURST_BYTES = 2048,
    FRAMES_MAX = 4,
};

static struct test_client *players[PLAYERS];
static struct test_client *calm; /* keeps to the protocol, in a room of its own */
static struct random random;

/* ---- random actions ---- */

static uint8_t *add_random_frame(uint8_t *out)
{
    char text[16];
    Game__Enter enter = GAME__ENTER__INIT; /* Chat and Say have the same layout */
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

/* Sends up to four frames in one call. In 1 of 100 cases the last byte is missing, so that the
 * frames that follow are misread.
 */
static void send_frames(struct test_client *client)
{
    uint8_t burst[BURST_BYTES], *end = burst;
    for (uint32_t i = 0; i <= random_below(&random, FRAMES_MAX); i++) {
        end = add_random_frame(end);
    }
    size_t bytes = (size_t)(end - burst);
    test_client_send_bytes(client, burst, random_below(&random, 100) == 0 ? bytes - 1 : bytes);
}

static void connect_client(struct test_client **slot)
{
    *slot = test_client_connect(&scenario.addr);
    if (*slot != NULL && random_below(&random, 20) != 0) {
        test_client_hello(*slot, "client");
    }
}

static void end_client(struct test_client **slot, void (*end)(struct test_client *client))
{
    end(*slot);
    *slot = NULL;
}

static void act(struct test_client **slot)
{
    if (*slot == NULL || (*slot)->has_ended) {
        if (*slot != NULL) {
            end_client(slot, test_client_close);
        }
        connect_client(slot);
        return;
    }
    switch (random_below(&random, 100)) {
    case 0:
        end_client(slot, test_client_reset);
        break;
    case 1:
        end_client(slot, test_client_close);
        break;
    case 2:
        test_client_send_close(*slot, GW__CLOSE_REASON__NONE);
        break;
    case 3:
        raw_socket_finish(&(*slot)->socket);
        break;
    default:
        send_frames(*slot);
    }
}

/* Discards the packets; decoding them checks that they are well-formed. */
static void receive_all(void)
{
    uint16_t id;
    (void)test_clients_receive();
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
    receive_all();
    machine_sleep_ms(1);
}

/* ---- tests ---- */

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
    calm = test_client_open("calm");
    (void)test_client_join(calm, "calm");
}

static void play(uint64_t seed)
{
    serve(seed);
    uint32_t steps = scenario_count(STEPS);
    for (uint32_t i = 1; i <= steps; i++) {
        step();
        if (i % 50 == 0) {
            test_client_expect_idle(calm);
        }
    }
    const struct server_counters counters = scenario_counters();
    assert_true(counters.entered > steps / 10);
    assert_true(counters.sessions.ended[GW__CLOSE_REASON__WRONG_STAGE] > 0);
    test_client_quit(calm);
    test_clients_close();
    scenario_close();
}

static void random_actions_leave_no_resource_behind(void **state)
{
    play(1);
    play(2);
}

static bool is_over(void)
{
    struct server_counters counters = scenario_counters();
    return counters.session_count == 0 && counters.port.stream_count == 0;
}

static void a_server_under_random_actions_drains_within_its_deadline(void **state)
{
    for (uint64_t seed = 3; seed < 5; seed++) {
        serve(seed);
        for (int i = 0; i < STEPS_BEFORE_DRAIN; i++) {
            step();
        }
        uint64_t begun_ns = os_now_ns();
        server_drain(scenario.server);
        while (!is_over()) {
            assert_true((os_now_ns() - begun_ns) / 1000000 <
                        scenario_patience_ms(DRAIN_MS + CLOSE_FRAME_MS));
            step();
        }
        scenario_join();
        scenario_destroy();
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(random_actions_leave_no_resource_behind),
        SCENARIO(a_server_under_random_actions_drains_within_its_deadline),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_walks.c: Random clients on a randomly behaving kernel. */
#include "tests/test.h"

#include "server/counters.h"
#include "server/server.h"
#include "tests/scripted/bot.h"
#include "tests/scripted/chaos.h"
#include "tests/scripted/memory.h"
#include "tests/support/random.h"

#include <string.h>

enum { PLAYER_COUNT = 8, STEP_COUNT = 120, WALK_COUNT = 200 };

static struct chaos_seeds seeds;
static struct random random;
static struct bot bots[PLAYER_COUNT];
static uint64_t lines_received;

static const char *any_room(void)
{
    static const char *const rooms[] = {"hall", "cellar", "attic"};
    return rooms[random_below(&random, 3)];
}

/* ---- actions of a client ---- */

static void connect_bot(struct bot *bot, uint32_t index)
{
    if (bot_connect(bot, index, server_fixture_port) && random_below(&random, 10) != 0) {
        bot_hello(bot);
    }
    if (bot->peer != NULL && random_below(&random, 4) == 0) {
        peer_set_window(bot->peer, 500 + random_below(&random, 5000));
    }
}

static void act_in_room(struct bot *bot)
{
    switch (random_below(&random, 8)) {
    case 0:
        bot_leave(bot);
        bot->is_closed = false;
        break;
    case 1:
        bot_ask_members(bot);
        break;
    case 2:
        bot_move(bot, (int32_t)random_below(&random, 3000) - 1500, 9);
        break;
    default:
        bot_chat(bot);
    }
}

static void disconnect(struct bot *bot)
{
    switch (random_below(&random, 5)) {
    case 0:
        peer_reset(bot->peer);
        break;
    case 1:
        peer_finish(bot->peer);
        break;
    case 2:
        bot_close(bot);
        break;
    case 3:
        bot_fini(bot);
        break;
    default:
        peer_send(bot->peer, "\x05\x00\x00\x00\xE9", 5); /* half a frame */
        peer_finish(bot->peer);
    }
    bot->is_gone = true;
}

/* ENTER and LEAVE may be sent again only after their answer. */
static void act_randomly(struct bot *bot)
{
    bool waits = bot->asked_count > bot->entered_count;
    if (bot->is_gone || bot_is_over(bot)) {
        return;
    }
    if (random_below(&random, 25) == 0) {
        disconnect(bot);
    } else if (bot->is_in_room && bot->left_asked_count == bot->left_count) {
        act_in_room(bot);
    } else if (!waits && bot->is_greeted && bot->left_asked_count == bot->left_count) {
        bot_enter(bot, any_room());
    } else {
        bot_ping(bot);
    }
}

static void step(void)
{
    uint32_t index = random_below(&random, PLAYER_COUNT);
    struct bot *bot = &bots[index];
    if (bot_is_over(bot) || bot->is_gone) {
        lines_received += bot->line_count;
        bot_fini(bot);
        connect_bot(bot, index);
    } else {
        act_randomly(bot);
    }
}

/* ---- one run ---- */

static void read_all(void)
{
    for (int i = 0; i < PLAYER_COUNT; i++) {
        bot_read(&bots[i]);
    }
}

static void walk(void)
{
    for (int i = 0; i < STEP_COUNT; i++) {
        for (uint32_t acts = 1 + random_below(&random, 4); acts > 0; acts--) {
            step();
        }
        fixture_run_ms(random_below(&random, 40));
        if (random_below(&random, 3) != 0) {
            read_all();
        }
    }
}

static void end_walk(void)
{
    if (random_below(&random, 2) == 0) {
        server_drain(server_fixture_server);
        walk();
    }
    for (int i = 0; i < PLAYER_COUNT; i++) {
        lines_received += bots[i].line_count;
        bot_fini(&bots[i]);
    }
    fixture_run_ms(5000);
    server_fixture_close();
}

static int print_seed(void **state)
{
    chaos_print();
    return 0;
}

/* The kernel is hostile in each run; half as many runs are enough with failures, too. */
static void run_walks(void (*spoil)(uint64_t seed))
{
    uint64_t count = spoil != NULL || bot_speaks_websocket ? (seeds.count + 1) / 2 : seeds.count;
    for (uint64_t seed = seeds.first; seed < seeds.first + count; seed++) {
        struct server_fixture_config config = chaos_config(seed);
        config.is_websocket = bot_speaks_websocket;
        chaos_set_seed(seed);
        random = (struct random){seed};
        memset(bots, 0, sizeof bots);
        assert_true(server_fixture_open(&config, NULL));
        if (spoil != NULL) {
            spoil(seed);
        }
        walk();
        end_walk();
    }
    chaos_set_seed(0);
}

static void random_clients_receive_consistent_rooms(void **state)
{
    lines_received = 0;
    run_walks(NULL);
    print_message("%u runs, %u lines received\n", (unsigned)seeds.count, (unsigned)lines_received);
}

static void with_memory_failures(uint64_t seed)
{
    memory_fail_randomly(50 + (uint32_t)(seed % 7) * 100, seed);
}

static void clients_receive_no_error_when_memory_runs_out(void **state)
{
    run_walks(with_memory_failures);
}

static void with_call_failures(uint64_t seed)
{
    kernel_fail_randomly(30 + (uint32_t)(seed % 5) * 50);
}

static void clients_receive_no_error_when_the_kernel_fails(void **state)
{
    run_walks(with_call_failures);
}

static void clients_receive_the_same_over_websocket(void **state)
{
    if (!bot_can_speak_websocket()) {
        skip();
    }
    lines_received = 0;
    bot_speaks_websocket = true;
    run_walks(NULL);
    print_message("%u lines received\n", (unsigned)lines_received);
    run_walks(with_memory_failures);
    run_walks(with_call_failures);
    bot_speaks_websocket = false;
}

int main(int argc, char **argv)
{
    seeds = chaos_seeds(argc, argv, WALK_COUNT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(random_clients_receive_consistent_rooms, print_seed),
        cmocka_unit_test_teardown(clients_receive_no_error_when_memory_runs_out, print_seed),
        cmocka_unit_test_teardown(clients_receive_no_error_when_the_kernel_fails, print_seed),
        cmocka_unit_test_teardown(clients_receive_the_same_over_websocket, print_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

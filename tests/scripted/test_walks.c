/* tests/scripted/test_walks.c: players who come and go as chance wants, over a bad kernel. */
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

/* ---- what a player may do ---- */

static void come(struct bot *bot, uint32_t index)
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
        bot_who(bot);
        break;
    case 2:
        bot_move(bot, (int32_t)random_below(&random, 3000) - 1500, 9);
        break;
    default:
        bot_chat(bot);
    }
}

static void go_away(struct bot *bot)
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
        peer_send(bot->peer, "\x05\x00\x00\x00\xE9", 5); /* half a frame, and no more */
        peer_finish(bot->peer);
    }
    bot->is_gone = true;
}

/* ENTER, and what follows, may be said only once: until it is answered. */
static void act(struct bot *bot)
{
    bool waits = bot->asked_count > bot->entered_count;
    if (bot->is_gone || bot_is_over(bot)) {
        return;
    }
    if (random_below(&random, 25) == 0) {
        go_away(bot);
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
        come(bot, index);
    } else {
        act(bot);
    }
}

/* ---- a walk ---- */

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

static int tell_seed(void **state)
{
    (void)state;
    chaos_tell();
    return 0;
}

/* The kernel is bad in each of them; half as many are enough to spoil something more. */
static void take_walks(void (*spoil)(uint64_t seed))
{
    uint64_t count = spoil != NULL ? (seeds.count + 1) / 2 : seeds.count;
    for (uint64_t seed = seeds.first; seed < seeds.first + count; seed++) {
        struct server_fixture_config config = chaos_config(seed);
        chaos_note(seed);
        random = (struct random){seed};
        memset(bots, 0, sizeof bots);
        assert_true(server_fixture_open(&config, NULL));
        if (spoil != NULL) {
            spoil(seed);
        }
        walk();
        end_walk();
    }
    chaos_note(0);
}

static void whatever_players_do_what_is_received_is_true(void **state)
{
    (void)state;
    lines_received = 0;
    take_walks(NULL);
    print_message("%u walks, %u lines heard\n", (unsigned)seeds.count, (unsigned)lines_received);
}

static void lose_memory(uint64_t seed)
{
    memory_fail_by_random(50 + (uint32_t)(seed % 7) * 100, seed);
}

static void nothing_that_is_received_is_wrong_when_memory_runs_out(void **state)
{
    (void)state;
    take_walks(lose_memory);
}

static void lose_calls(uint64_t seed)
{
    kernel_fail_by_random(30 + (uint32_t)(seed % 5) * 50);
}

static void nothing_that_is_received_is_wrong_when_the_kernel_fails(void **state)
{
    (void)state;
    take_walks(lose_calls);
}

int main(int argc, char **argv)
{
    seeds = chaos_seeds(argc, argv, WALK_COUNT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(whatever_players_do_what_is_received_is_true, tell_seed),
        cmocka_unit_test_teardown(nothing_that_is_received_is_wrong_when_memory_runs_out,
                                  tell_seed),
        cmocka_unit_test_teardown(nothing_that_is_received_is_wrong_when_the_kernel_fails,
                                  tell_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/scenario.c: A short run of a server that uses every packet of the game. */
#include "tests/scripted/scenario.h"

#include "server/server.h"
#include "tests/scripted/bot.h"
#include "tests/scripted/memory.h"

#include <string.h>

enum { PLAYER_COUNT = 4 };

static struct bot bots[PLAYER_COUNT];
static uint64_t allocation_count;
static uint64_t call_count;
static bool call_has_failed;

static void run_ms(uint64_t ms)
{
    for (uint64_t passed = 0; passed < ms; passed += 25) {
        fixture_run_ms(25);
        for (int i = 0; i < PLAYER_COUNT; i++) {
            bot_read(&bots[i]);
        }
    }
}

static void connect_all(void)
{
    for (uint32_t i = 0; i < PLAYER_COUNT; i++) {
        (void)bot_connect(&bots[i], i, server_fixture_port);
        bot_hello(&bots[i]);
    }
    run_ms(150);
}

/* A bot that is not in a room must not send packets of a room. */
static void for_each_in_room(void (*act)(struct bot *bot))
{
    for (int i = 0; i < PLAYER_COUNT; i++) {
        if (bots[i].is_in_room) {
            act(&bots[i]);
        }
    }
}

static void move(struct bot *bot)
{
    bot_move(bot, (int32_t)bot->index + 5, -7);
}

static void use_rooms(void)
{
    for (int i = 0; i < PLAYER_COUNT; i++) {
        bot_enter(&bots[i], i == 3 ? "cellar" : "hall");
        bot_say(&bots[i], "hello");
    }
    run_ms(150);
    for_each_in_room(bot_chat);
    for_each_in_room(move);
    for_each_in_room(bot_ask_members);
    run_ms(100);
}

static void change_rooms(void)
{
    if (bots[1].is_in_room) {
        bot_leave(&bots[1]);
        bot_enter(&bots[1], "cellar");
    }
    bot_ping(&bots[0]);
    run_ms(150);
    for_each_in_room(bot_chat);
    run_ms(100);
}

static void disconnect_all(void)
{
    if (bots[2].peer != NULL) {
        peer_reset(bots[2].peer);
    }
    bot_close(&bots[3]);
    run_ms(100);
    server_drain(server_fixture_server);
    run_ms(100);
    bot_close(&bots[0]);
    run_ms(50);
}

void scenario_run(const struct server_fixture_config *config,
                  const struct server_fixture_failure *failure)
{
    memset(bots, 0, sizeof bots);
    call_has_failed = false;
    bot_speaks_websocket = config->is_websocket;
    if (!server_fixture_open(config, failure)) {
        return;
    }
    connect_all();
    use_rooms();
    change_rooms();
    disconnect_all();
    for (int i = 0; i < PLAYER_COUNT; i++) {
        bot_fini(&bots[i]);
    }
    fixture_run_ms(4500);
    allocation_count = memory_taken_count();
    call_count = kernel_call_count();
    enum kernel_call call;
    call_has_failed = kernel_has_failed(&call);
    server_fixture_close();
}

uint64_t scenario_allocation_count(void)
{
    return allocation_count;
}

uint64_t scenario_call_count(void)
{
    return call_count;
}

bool scenario_call_has_failed(void)
{
    return call_has_failed;
}

struct scenario_score scenario_score(void)
{
    struct scenario_score score = {0};
    for (int i = 0; i < PLAYER_COUNT; i++) {
        score.greeted_count += bots[i].is_greeted ? 1 : 0;
        score.line_count += bots[i].line_count;
        score.entered_count += bots[i].entered_count;
    }
    return score;
}

/* tests/scripted/test_options.c: All options of the server at their minimum and maximum. */
#include "tests/test.h"

#include "server/config/options.h"
#include "server/counters.h"
#include "server/server.h"
#include "tests/scripted/bot.h"
#include "tests/scripted/server_fixture.h"
#include "tests/support/random.h"

#include <string.h>

enum { PLAYER_COUNT = 3, CHAT_COUNT = 40, STEP_MS = 30, COMBINATION_COUNT = 60 };

static struct bot bots[PLAYER_COUNT];
static struct server_config config;

/* Texts keep their defaults, and so does `auth`: the clients here have no tokens. */
static void set(const struct server_option *option, uint32_t value)
{
    void *member = (char *)&config + option->offset;
    bool is_number = option->kind == SERVER_OPTION_NUMBER || option->kind == SERVER_OPTION_CHOICE;
    if (option->kind == SERVER_OPTION_SWITCH) {
        *(bool *)member = value != 0;
    } else if (is_number && option->offset != offsetof(struct server_config, auth)) {
        *(uint32_t *)member = value;
    }
}

static uint32_t most_of(const struct server_option *option)
{
    return option->kind == SERVER_OPTION_SWITCH ? 1 : option->max;
}

static void run_ms(uint64_t ms)
{
    for (uint64_t passed = 0; passed < ms; passed += STEP_MS) {
        fixture_run_ms(STEP_MS);
        for (int i = 0; i < PLAYER_COUNT; i++) {
            bot_read(&bots[i]);
        }
    }
}

static void run_now(void)
{
    fixture_run_now();
    for (int i = 0; i < PLAYER_COUNT; i++) {
        bot_read(&bots[i]);
    }
    fixture_run_now();
}

static uint32_t connect_all(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < PLAYER_COUNT && i < config.sessions_max; i++) {
        assert_true(bot_connect(&bots[i], i, server_fixture_port));
        bot_hello(&bots[i]);
        run_now();
        assert_true(bots[i].is_greeted);
        bot_enter(&bots[i], "hall");
        run_now();
        assert_int_equal(bots[i].entered_count, 1);
        assert_int_equal(bots[i].is_in_room, i < config.room_members_max);
        count += bots[i].is_in_room ? 1 : 0;
    }
    return count;
}

static void chat(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (int j = 0; j < CHAT_COUNT; j++) {
            bot_chat(&bots[i]);
        }
    }
    run_now();
}

/* Without rate limits, this many times more: more than a batch of a room holds. */
static uint32_t round_count(void)
{
    return config.unlimited ? 50 : 1;
}

/* Each client sends what its rates allow at once. */
static void act_all(uint32_t count)
{
    for (uint32_t round = 0; round < round_count(); round++) {
        chat(count);
    }
    for (uint32_t i = 0; i < count; i++) {
        bot_ask_members(&bots[i]);
        bot_move(&bots[i], 5, (int32_t)i + 1);
        bot_say(&bots[i], "hello");
        bot_ping(&bots[i]);
    }
    run_now();
    run_ms((uint64_t)config.room_tick_ms + 2 * STEP_MS);
}

static void check(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_false(bots[i].has_close);
        assert_false(bot_is_over(&bots[i]));
        assert_int_equal(bots[i].line_count, CHAT_COUNT * count * round_count());
        assert_int_equal(bots[i].said_count, 1);
        assert_int_equal(bots[i].pong_count, 1);
        assert_true(bots[i].snapshot_count > 0);
        bot_leave(&bots[i]);
        run_now();
        assert_int_equal(bots[i].left_count, 1);
    }
}

/* Clients that keep to all rules are served, whatever the options are. */
static void play_all(uint8_t immediate_percent)
{
    const struct server_fixture_config server_fixture = {
        .fixture.kernel.immediate_percent = immediate_percent, .server = &config};
    memset(bots, 0, sizeof bots);
    assert_true(server_fixture_open(&server_fixture, NULL));
    uint32_t count = connect_all();
    act_all(count);
    check(count);
    for (int i = 0; i < PLAYER_COUNT; i++) {
        bot_fini(&bots[i]);
    }
    fixture_run_now();
    server_fixture_close();
}

static void each_option_works_at_its_minimum_and_at_its_maximum(void **state)
{
    for (size_t i = 0; i < server_option_count; i++) {
        for (int at_most = 0; at_most <= 1; at_most++) {
            server_config_init(&config);
            set(&server_options[i],
                at_most == 1 ? most_of(&server_options[i]) : server_options[i].min);
            play_all(100);
        }
    }
}

static void all_options_work_at_their_minimum_together_and_at_their_maximum(void **state)
{
    for (int at_most = 0; at_most <= 1; at_most++) {
        server_config_init(&config);
        for (size_t i = 0; i < server_option_count; i++) {
            set(&server_options[i],
                at_most == 1 ? most_of(&server_options[i]) : server_options[i].min);
        }
        play_all(0);
        play_all(100);
    }
}

static void any_options_work_at_their_minimum_with_any_others_at_their_maximum(void **state)
{
    for (uint64_t seed = 1; seed <= COMBINATION_COUNT; seed++) {
        struct random random = {seed};
        server_config_init(&config);
        for (size_t i = 0; i < server_option_count; i++) {
            switch (random_below(&random, 3)) {
            case 0:
                set(&server_options[i], server_options[i].min);
                break;
            case 1:
                set(&server_options[i], most_of(&server_options[i]));
                break;
            default: /* the initial value */
                break;
            }
        }
        play_all(seed % 2 == 0 ? 0 : 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_option_works_at_its_minimum_and_at_its_maximum),
        cmocka_unit_test(all_options_work_at_their_minimum_together_and_at_their_maximum),
        cmocka_unit_test(any_options_work_at_their_minimum_with_any_others_at_their_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scenarios/come_and_go.c: some come and go while others chat, and nothing is lost or
 * doubled.
 */
#include "tests/scenarios/dummies.h"
#include "tests/scenarios/foreign_peers.h"
#include "tests/scenarios/room_log.h"
#include "tests/scenarios/scenario.h"
#include "tests/support/wait.h"
#include <stdio.h>

enum {
    REGULARS = 100,
    VISITS = 500,
    ROUNDS = 2,
    ROOM_LOGS = 4,
    STEP_MS = 5,
    DUMMY_TALK_MS = 1500,
    MAP = 1000,
};

static const char *const rooms[ROOM_LOGS] = {"east", "north", "south", "west"};
static struct room_log room_logs[ROOM_LOGS];

/* Somebody who stays, and never stops talking and walking. */
struct regular {
    struct listener listener;
    int32_t x;
    int32_t y;
};

static struct regular regulars[REGULARS];
static uint32_t regular_count;
static struct random random;

/* ---- those who stay ---- */

static void regulars_come(uint32_t count, uint32_t room_log_count)
{
    regular_count = count;
    for (uint32_t i = 0; i < regular_count; i++) {
        char name[32];
        regulars[i] = (struct regular){0};
        snprintf(name, sizeof name, "regular %u", i);
        listener_enter(&regulars[i].listener, test_client_come(name),
                       &room_logs[i % room_log_count]);
    }
}

static void walk(struct regular *regular)
{
    regular->x = (int32_t)random_below(&random, 2 * MAP + 1) - MAP;
    regular->y = (int32_t)random_below(&random, 2 * MAP + 1) - MAP;
    test_client_move(regular->listener.test_client, regular->x, regular->y);
}

static void regulars_act(void)
{
    for (uint32_t i = 0; i < regular_count; i++) {
        uint32_t what = random_below(&random, 8);
        if (what == 0) {
            listener_chat(&regulars[i].listener);
        } else if (what == 1) {
            walk(&regulars[i]);
        }
    }
}

static void regulars_listen(void)
{
    for (uint32_t i = 0; i < regular_count; i++) {
        assert_true(listener_listen(&regulars[i].listener));
    }
}

/* ---- a round ---- */

static void step(bool and_talk)
{
    uint64_t end_ns = os_now_ns() + STEP_MS * UINT64_C(1000000);
    if (and_talk) {
        regulars_act();
    }
    while (test_clients_listen() || os_now_ns() < end_ns) {
        regulars_listen();
        foreign_peers_listen();
        if (os_now_ns() >= end_ns) {
            break;
        }
        machine_sleep_ms(1);
    }
}

static void play(uint64_t seed)
{
    random.state = scenario_seed(seed);
    foreign_peers_begin(room_logs, ROOM_LOGS, scenario_count(VISITS), scenario_seed(seed));
    while (foreign_peers_act()) {
        step(true);
    }
}

/* ---- how it ends ---- */

static bool agrees(const struct regular *regular)
{
    const struct listener *listener = &regular->listener;
    if (listener->received != listener->said || listener->line != listener->room_log->line_count) {
        return false;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < regular_count; i++) {
        const struct regular *other = &regulars[i];
        if (other->listener.room_log == listener->room_log) {
            const struct room_log_member *member =
                listener_find(listener, other->listener.test_client->id);
            count++;
            if (member == NULL || member->x != other->x || member->y != other->y) {
                return false;
            }
        }
    }
    return listener->member_count == count;
}

static bool all_agree(void)
{
    step(false);
    for (uint32_t i = 0; i < regular_count; i++) {
        if (!agrees(&regulars[i])) {
            return false;
        }
    }
    return true;
}

/* When all is quiet, what the server says of a room is what was heard of it. */
static void ask_who_is_here(void)
{
    for (uint32_t i = 0; i < regular_count; i++) {
        struct listener *listener = &regulars[i].listener;
        test_client_who(listener->test_client);
        listener_believe(listener, GAME_PACKET_WHO_IS_HERE,
                         test_client_receive(listener->test_client, GAME_PACKET_WHO_IS_HERE));
    }
}

static void regulars_go(void)
{
    for (uint32_t i = 0; i < regular_count; i++) {
        test_client_go(regulars[i].listener.test_client);
        listener_fini(&regulars[i].listener);
    }
    regular_count = 0;
}

static void expect_all_lines_counted(int room_log_count)
{
    uint64_t lines = 0;
    for (int i = 0; i < room_log_count; i++) {
        assert_true(room_logs[i].line_count > 0);
        lines += room_logs[i].line_count;
        room_log_fini(&room_logs[i]);
    }
    assert_int_equal(scenario_counters().lines, lines);
}

static void serve(void)
{
    struct server_config config = scenario_config();
    config.room_members_max = REGULARS + VISITS;
    scenario_serve(&config);
}

static void who_stays_loses_nothing_while_others_come_and_go(void **state)
{
    (void)state;
    serve();
    for (int i = 0; i < ROOM_LOGS; i++) {
        room_logs[i] = (struct room_log){.room = rooms[i]};
    }
    regulars_come(scenario_count(REGULARS), ROOM_LOGS);
    uint64_t all = scenario_count(REGULARS) + ROUNDS * scenario_count(VISITS);
    uint64_t unseen_max = 0;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        play(round);
        unseen_max += foreign_peers_early_reset_count();
        WAIT_FOR(all_agree());
        assert_int_equal(scenario_counters().session_count, regular_count);
    }
    ask_who_is_here();
    regulars_go();
    scenario_wait_until_empty();
    expect_all_lines_counted(ROOM_LOGS);
    assert_true(scenario_counters().entered > scenario_count(REGULARS) + scenario_count(VISITS));
    assert_in_range(scenario_counters().sessions.begun, all - unseen_max, all);
    scenario_close();
}

/*
 * The same seen from the other side: what dummy clients check while strangers run about. Somebody
 * stays in each room to the end, so that it stays the same room.
 */
static void dummy_clients_lose_nothing_while_outsiders_come_and_go(void **state)
{
    static struct dummies dummies;
    (void)state;
    serve();
    room_logs[0] = (struct room_log){.room = "room-0"};
    room_logs[1] = (struct room_log){.room = "room-1"};
    regulars_come(2, 2);
    dummies_init(&dummies, scenario_count(REGULARS), DUMMY_TALK_MS);
    dummies.options.room_size = (scenario_count(REGULARS) + 1) / 2;
    dummies_come(&dummies);
    foreign_peers_begin(room_logs, 2, scenario_count(VISITS), scenario_seed(ROUNDS + 1));
    while (foreign_peers_act()) {
        step(false);
    }
    dummies_join(&dummies);
    dummies_expect_clean(&dummies);
    assert_true(dummies.report.complete);
    assert_int_equal(dummies.report.rooms_with_outsiders, 2);
    WAIT_FOR(all_agree());
    regulars_go();
    scenario_wait_until_empty();
    expect_all_lines_counted(2);
    scenario_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(who_stays_loses_nothing_while_others_come_and_go),
        SCENARIO(dummy_clients_lose_nothing_while_outsiders_come_and_go),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

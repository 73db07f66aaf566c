/* tests/scenarios/churn.c: Members that stay receive every line once while other clients come
 * and go.
 */
#include "tests/scenarios/churn_clients.h"
#include "tests/scenarios/dummies.h"
#include "tests/scenarios/room_view.h"
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

/* A member that stays, chats and moves. */
struct regular {
    struct room_view view;
    int32_t x;
    int32_t y;
};

static struct regular regulars[REGULARS];
static uint32_t regular_count;
static struct random random;

/* ---- regulars: members that stay ---- */

static void open_regulars(uint32_t count, uint32_t room_log_count)
{
    regular_count = count;
    for (uint32_t i = 0; i < regular_count; i++) {
        char name[32];
        regulars[i] = (struct regular){0};
        snprintf(name, sizeof name, "regular %u", i);
        room_view_enter(&regulars[i].view, test_client_open(name), &room_logs[i % room_log_count]);
    }
}

static void move(struct regular *regular)
{
    regular->x = (int32_t)random_below(&random, 2 * MAP + 1) - MAP;
    regular->y = (int32_t)random_below(&random, 2 * MAP + 1) - MAP;
    test_client_move(regular->view.client, regular->x, regular->y);
}

static void regulars_act(void)
{
    for (uint32_t i = 0; i < regular_count; i++) {
        uint32_t what = random_below(&random, 8);
        if (what == 0) {
            room_view_chat(&regulars[i].view);
        } else if (what == 1) {
            move(&regulars[i]);
        }
    }
}

static void regulars_receive(void)
{
    for (uint32_t i = 0; i < regular_count; i++) {
        assert_true(room_view_receive(&regulars[i].view));
    }
}

/* ---- a round ---- */

static void step(bool and_talk)
{
    uint64_t end_ns = os_now_ns() + STEP_MS * UINT64_C(1000000);
    if (and_talk) {
        regulars_act();
    }
    while (test_clients_receive() || os_now_ns() < end_ns) {
        regulars_receive();
        churn_clients_receive();
        if (os_now_ns() >= end_ns) {
            break;
        }
        machine_sleep_ms(1);
    }
}

static void play(uint64_t seed)
{
    random.state = scenario_seed(seed);
    churn_clients_begin(room_logs, ROOM_LOGS, scenario_count(VISITS), scenario_seed(seed));
    while (churn_clients_act()) {
        step(true);
    }
}

/* ---- the final state ---- */

static bool agrees(const struct regular *regular)
{
    const struct room_view *view = &regular->view;
    if (view->received != view->sent || view->line != view->room_log->line_count) {
        return false;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < regular_count; i++) {
        const struct regular *other = &regulars[i];
        if (other->view.room_log == view->room_log) {
            const struct room_view_member *member = room_view_find(view, other->view.client->id);
            count++;
            if (member == NULL || member->x != other->x || member->y != other->y) {
                return false;
            }
        }
    }
    return view->member_count == count;
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

/*
 * WhoIsHere agrees with the packets received before it. Those that the room has collected for its
 * tick precede it.
 */
static void check_who_is_here(void)
{
    for (uint32_t i = 0; i < regular_count; i++) {
        struct room_view *view = &regulars[i].view;
        uint16_t id = 0;
        test_client_who(view->client);
        while (id != GAME_PACKET_WHO_IS_HERE) {
            const void *message = test_client_wait(view->client, &id);
            assert_non_null(message);
            room_view_apply(view, id, message);
        }
    }
}

static void close_regulars(void)
{
    for (uint32_t i = 0; i < regular_count; i++) {
        test_client_quit(regulars[i].view.client);
        room_view_fini(&regulars[i].view);
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

static void members_that_stay_receive_every_line_while_others_come_and_go(void **state)
{
    serve();
    for (int i = 0; i < ROOM_LOGS; i++) {
        room_logs[i] = (struct room_log){.room = rooms[i]};
    }
    open_regulars(scenario_count(REGULARS), ROOM_LOGS);
    uint64_t all = scenario_count(REGULARS) + ROUNDS * scenario_count(VISITS);
    uint64_t unseen_max = 0;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        play(round);
        unseen_max += churn_clients_early_reset_count();
        WAIT_FOR(all_agree());
        assert_int_equal(scenario_counters().session_count, regular_count);
    }
    check_who_is_here();
    close_regulars();
    scenario_wait_until_empty();
    expect_all_lines_counted(ROOM_LOGS);
    assert_true(scenario_counters().entered > scenario_count(REGULARS) + scenario_count(VISITS));
    assert_in_range(scenario_counters().sessions.begun, all - unseen_max, all);
    scenario_close();
}

/*
 * The checks of the dummy clients while other clients come and go. One regular stays in each room
 * to the end, so that it stays the same room.
 */
static void dummy_clients_receive_every_line_while_others_come_and_go(void **state)
{
    static struct dummies dummies;
    serve();
    room_logs[0] = (struct room_log){.room = "room-0"};
    room_logs[1] = (struct room_log){.room = "room-1"};
    open_regulars(2, 2);
    dummies_init(&dummies, scenario_count(REGULARS), DUMMY_TALK_MS);
    dummies.options.room_size = (scenario_count(REGULARS) + 1) / 2;
    dummies_come(&dummies);
    churn_clients_begin(room_logs, 2, scenario_count(VISITS), scenario_seed(ROUNDS + 1));
    while (churn_clients_act()) {
        step(false);
    }
    dummies_join(&dummies);
    dummies_expect_clean(&dummies);
    assert_true(dummies.report.complete);
    assert_int_equal(dummies.report.rooms_with_outsiders, 2);
    WAIT_FOR(all_agree());
    close_regulars();
    scenario_wait_until_empty();
    expect_all_lines_counted(2);
    scenario_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(members_that_stay_receive_every_line_while_others_come_and_go),
        SCENARIO(dummy_clients_receive_every_line_while_others_come_and_go),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/stories/come_and_go.c: some come and go while others chat, and nothing is lost or doubled.
 */
#include "tests/stories/dummies.h"
#include "tests/stories/hall.h"
#include "tests/stories/story.h"
#include "tests/stories/visitors.h"
#include "tests/support/wait.h"
#include <stdio.h>

enum {
    REGULARS = 100,
    VISITS = 500,
    ROUNDS = 2,
    HALLS = 4,
    STEP_MS = 5,
    DUMMY_TALK_MS = 1500,
    MAP = 1000,
};

static const char *const rooms[HALLS] = {"east", "north", "south", "west"};
static struct hall halls[HALLS];

/* Somebody who stays, and never stops talking and walking. */
struct regular {
    struct listener listener;
    int32_t x;
    int32_t y;
};

static struct regular regulars[REGULARS];
static uint32_t regular_count;
static struct chance chance;

/* ---- those who stay ---- */

static void regulars_come(uint32_t count, uint32_t hall_count)
{
    regular_count = count;
    for (uint32_t i = 0; i < regular_count; i++) {
        char name[32];
        regulars[i] = (struct regular){0};
        snprintf(name, sizeof name, "regular %u", i);
        listener_enter(&regulars[i].listener, puppet_come(name), &halls[i % hall_count]);
    }
}

static void walk(struct regular *regular)
{
    regular->x = (int32_t)chance_below(&chance, 2 * MAP + 1) - MAP;
    regular->y = (int32_t)chance_below(&chance, 2 * MAP + 1) - MAP;
    puppet_move(regular->listener.puppet, regular->x, regular->y);
}

static void regulars_act(void)
{
    for (uint32_t i = 0; i < regular_count; i++) {
        uint32_t what = chance_below(&chance, 8);
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
    while (puppets_listen() || os_now_ns() < end_ns) {
        regulars_listen();
        visitors_listen();
        if (os_now_ns() >= end_ns) {
            break;
        }
        machine_sleep_ms(1);
    }
}

static void play(uint64_t seed)
{
    chance.state = story_seed(seed);
    visitors_begin(halls, HALLS, story_count(VISITS), story_seed(seed));
    while (visitors_act()) {
        step(true);
    }
}

/* ---- how it ends ---- */

static bool agrees(const struct regular *regular)
{
    const struct listener *listener = &regular->listener;
    if (listener->heard != listener->said || listener->line != listener->hall->line_count) {
        return false;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < regular_count; i++) {
        const struct regular *other = &regulars[i];
        if (other->listener.hall == listener->hall) {
            const struct hall_member *member = listener_find(listener, other->listener.puppet->id);
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
        puppet_who(listener->puppet);
        listener_believe(listener, GAME_PACKET_WHO_IS_HERE,
                         puppet_hear(listener->puppet, GAME_PACKET_WHO_IS_HERE));
    }
}

static void regulars_go(void)
{
    for (uint32_t i = 0; i < regular_count; i++) {
        puppet_go(regulars[i].listener.puppet);
        listener_fini(&regulars[i].listener);
    }
    regular_count = 0;
}

static void expect_all_lines_counted(int hall_count)
{
    uint64_t lines = 0;
    for (int i = 0; i < hall_count; i++) {
        assert_true(halls[i].line_count > 0);
        lines += halls[i].line_count;
        hall_fini(&halls[i]);
    }
    assert_int_equal(story_counters().lines, lines);
}

static void serve(void)
{
    struct server_config config = story_config();
    config.room_members_max = REGULARS + VISITS;
    story_serve(&config);
}

static void who_stays_loses_nothing_while_others_come_and_go(void **state)
{
    (void)state;
    serve();
    for (int i = 0; i < HALLS; i++) {
        halls[i] = (struct hall){.room = rooms[i]};
    }
    regulars_come(story_count(REGULARS), HALLS);
    uint64_t all = story_count(REGULARS) + ROUNDS * story_count(VISITS);
    uint64_t unseen_max = 0;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        play(round);
        unseen_max += visitors_early_reset_count();
        WAIT_FOR(all_agree());
        assert_int_equal(story_counters().session_count, regular_count);
    }
    ask_who_is_here();
    regulars_go();
    story_wait_until_empty();
    expect_all_lines_counted(HALLS);
    assert_true(story_counters().entered > story_count(REGULARS) + story_count(VISITS));
    assert_in_range(story_counters().sessions.begun, all - unseen_max, all);
    story_close();
}

/*
 * The same seen from the other side: what dummy clients check while strangers run about. Somebody
 * stays in each room to the end, so that it stays the same room.
 */
static void dummy_clients_lose_nothing_while_strangers_come_and_go(void **state)
{
    static struct dummies dummies;
    (void)state;
    serve();
    halls[0] = (struct hall){.room = "room-0"};
    halls[1] = (struct hall){.room = "room-1"};
    regulars_come(2, 2);
    dummies_init(&dummies, story_count(REGULARS), DUMMY_TALK_MS);
    dummies.options.room_size = (story_count(REGULARS) + 1) / 2;
    dummies_come(&dummies);
    visitors_begin(halls, 2, story_count(VISITS), story_seed(ROUNDS + 1));
    while (visitors_act()) {
        step(false);
    }
    dummies_join(&dummies);
    dummies_expect_clean(&dummies);
    assert_true(dummies.report.complete);
    assert_int_equal(dummies.report.rooms_with_strangers, 2);
    WAIT_FOR(all_agree());
    regulars_go();
    story_wait_until_empty();
    expect_all_lines_counted(2);
    story_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STORY(who_stays_loses_nothing_while_others_come_and_go),
        STORY(dummy_clients_lose_nothing_while_strangers_come_and_go),
    };
    story_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/stories/limits.c: when all places are taken: in a room, in the lobby, in the server. */
#include "tests/stories/puppet.h"
#include "tests/stories/story.h"
#include "tests/support/wait.h"
#include <string.h>

enum { PLACES = 5, CROWD = 20, ROOMS = 3, SESSIONS = 8, STORM = 200, NAME_BYTES = 32 };

/* ---- a room ---- */

static void open_with_room_of(uint32_t room_members_max)
{
    struct server_config config = story_config();
    config.room_members_max = room_members_max;
    story_serve(&config);
}

static void a_full_room_lets_in_who_comes_when_somebody_has_left(void **state)
{
    struct puppet *inside[PLACES];
    (void)state;
    open_with_room_of(PLACES);
    for (int i = 0; i < PLACES; i++) {
        inside[i] = puppet_come("inside");
        (void)puppet_be_in(inside[i], "full");
    }
    struct puppet *outside = puppet_come("outside");
    puppet_enter(outside, "full");
    (void)puppet_hear_entered(outside, GAME__ENTER_RESULT__ROOM_FULL);
    (void)puppet_be_in(outside, "another");
    puppet_leave(outside);
    (void)puppet_hear(outside, GAME_PACKET_LEFT);
    puppet_leave(inside[0]);
    WAIT_FOR((puppets_listen(), story_counters().room_members == PLACES - 1));
    (void)puppet_be_in(outside, "full");
    assert_int_equal(story_counters().enters_refused, 1);
    puppets_close();
    story_close();
}

/* Who was let in, and who was told that the room is full; others' comings between. */
static int count_let_in(struct puppet **crowd)
{
    int count = 0;
    for (int i = 0; i < CROWD; i++) {
        const Game__Entered *entered = puppet_hear(crowd[i], GAME_PACKET_ENTERED);
        count += entered->result == GAME__ENTER_RESULT__ENTERED_OK;
        assert_true(entered->result == GAME__ENTER_RESULT__ENTERED_OK ||
                    entered->result == GAME__ENTER_RESULT__ROOM_FULL);
    }
    return count;
}

static void of_many_at_once_just_as_many_enter_as_there_are_places(void **state)
{
    struct puppet *crowd[CROWD];
    (void)state;
    open_with_room_of(PLACES);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = puppet_come("crowd");
    }
    for (int i = 0; i < CROWD; i++) {
        puppet_enter(crowd[i], "full");
    }
    assert_int_equal(count_let_in(crowd), PLACES);
    WAIT_FOR(story_counters().room_members == PLACES);
    assert_int_equal(story_counters().enters_refused, CROWD - PLACES);
    puppets_close();
    story_close();
}

/* ---- rooms ---- */

static void when_there_are_too_many_rooms_a_new_one_must_wait(void **state)
{
    static const char *const rooms[ROOMS] = {"one", "two", "three"};
    struct puppet *players[ROOMS];
    (void)state;
    struct server_config config = story_config();
    config.rooms_max = ROOMS;
    story_serve(&config);
    for (int i = 0; i < ROOMS; i++) {
        players[i] = puppet_come("inside");
        (void)puppet_be_in(players[i], rooms[i]);
    }
    struct puppet *late = puppet_come("late");
    puppet_enter(late, "four");
    (void)puppet_hear_entered(late, GAME__ENTER_RESULT__SERVER_BUSY);
    puppet_go(players[1]);
    WAIT_FOR(story_counters().rooms == ROOMS - 1);
    (void)puppet_be_in(late, "four");
    puppets_close();
    story_close();
}

static void expect_bad_room_name(struct puppet *puppet, const char *room)
{
    puppet_enter(puppet, room);
    const Game__Entered *entered = puppet_hear_entered(puppet, GAME__ENTER_RESULT__BAD_ROOM_NAME);
    assert_int_equal(entered->n_members, 0);
}

static void a_room_has_a_name_of_1_to_32_bytes_of_text(void **state)
{
    char name[NAME_BYTES + 2] = {0};
    (void)state;
    story_open();
    struct puppet *puppet = puppet_come("namer");
    memset(name, 'r', NAME_BYTES + 1);
    expect_bad_room_name(puppet, "");
    expect_bad_room_name(puppet, name);
    name[NAME_BYTES] = '\0';
    (void)puppet_be_in(puppet, name);
    puppet_go(puppet);
    puppet = puppet_come("no text");
    puppet_enter(puppet, "\xFF");
    puppet_hear_close(puppet, GW__CLOSE_REASON__BAD_BODY);
    story_close();
}

/* ---- names ---- */

static void expect_refused(const char *name, Gw__CloseReason reason)
{
    struct puppet *puppet = puppet_knock(&story.addr);
    assert_non_null(puppet);
    puppet_hello(puppet, name);
    puppet_hear_close(puppet, reason);
}

static void a_player_has_a_name_of_1_to_32_bytes_of_text(void **state)
{
    char name[NAME_BYTES + 2] = {0};
    (void)state;
    story_open();
    memset(name, 'n', NAME_BYTES + 1);
    expect_refused("", GW__CLOSE_REASON__NOT_WELCOME);
    expect_refused("\xFF", GW__CLOSE_REASON__BAD_BODY);
    expect_refused(name, GW__CLOSE_REASON__BAD_BODY);
    name[NAME_BYTES] = '\0';
    puppet_go(puppet_come(name));
    story_close();
}

/* ---- the server ---- */

static void open_for(uint32_t sessions_max)
{
    struct server_config config = story_config();
    config.sessions_max = sessions_max;
    story_serve(&config);
}

static void a_full_server_says_so_and_has_room_again_when_somebody_has_left(void **state)
{
    struct puppet *inside[SESSIONS];
    (void)state;
    open_for(SESSIONS);
    for (int i = 0; i < SESSIONS; i++) {
        inside[i] = puppet_come("inside");
    }
    for (int i = 0; i < 2 * SESSIONS; i++) {
        expect_refused("one too many", GW__CLOSE_REASON__SERVER_FULL);
    }
    puppet_go(inside[3]);
    WAIT_FOR(story_counters().session_count == SESSIONS - 1);
    puppet_go(puppet_come("now there is a place"));
    puppet_hear_silence(inside[0]);
    assert_int_equal(story_ended(GW__CLOSE_REASON__SERVER_FULL), 2 * SESSIONS);
    puppets_close();
    story_close();
}

/* More than the places and those where one is told so: the rest is closed without a word. */
static int count_greeted(struct puppet **storm, int *told_out)
{
    int greeted = 0;
    *told_out = 0;
    for (int i = 0; i < STORM; i++) {
        uint16_t id = 0;
        const void *message = puppet_wait(storm[i], &id);
        greeted += id == HELLO_ACK;
        *told_out += id == CLOSE;
        if (id == CLOSE) {
            assert_int_equal(((const Gw__Close *)message)->reason, GW__CLOSE_REASON__SERVER_FULL);
        }
    }
    return greeted;
}

static void a_storm_on_a_small_server_fills_it_and_no_more(void **state)
{
    struct puppet *storm[STORM];
    int told;
    (void)state;
    open_for(SESSIONS);
    for (int i = 0; i < STORM; i++) {
        storm[i] = puppet_knock(&story.addr);
        assert_non_null(storm[i]);
        puppet_hello(storm[i], "storm");
    }
    assert_int_equal(count_greeted(storm, &told), SESSIONS);
    assert_int_equal(story_counters().session_count, SESSIONS);
    /* Where the storm takes long, a HELLO may be late; that session ends when its peer closes. */
    assert_true(story_ended(GW__CLOSE_REASON__SERVER_FULL) + story_counters().sessions.displaced >=
                (uint64_t)told);
    assert_true(told > 0);
    puppets_close();
    WAIT_FOR(story_counters().port.stream_count == 0);
    puppet_go(puppet_come("after the storm"));
    assert_int_equal(story_counters().sessions.begun + story_counters().port.turned_away,
                     STORM + 1);
    story_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STORY(a_full_room_lets_in_who_comes_when_somebody_has_left),
        STORY(of_many_at_once_just_as_many_enter_as_there_are_places),
        STORY(when_there_are_too_many_rooms_a_new_one_must_wait),
        STORY(a_room_has_a_name_of_1_to_32_bytes_of_text),
        STORY(a_player_has_a_name_of_1_to_32_bytes_of_text),
        STORY(a_full_server_says_so_and_has_room_again_when_somebody_has_left),
        STORY(a_storm_on_a_small_server_fills_it_and_no_more),
    };
    story_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

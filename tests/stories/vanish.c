/* tests/stories/vanish.c: players vanish at every moment, and the room hears Gone exactly once. */
#include "tests/stories/puppet.h"
#include "tests/stories/story.h"

#include "tests/support/wait.h"
#include <stdlib.h>
#include <string.h>

/* Where a player is when it vanishes. */
enum place { IN_LOBBY, ENTERING, IN_ROOM, TALKING, LEAVING, PLACE_COUNT };

/* So many vanish from each place. */
enum { TIMES = 6, PLAYER_COUNT = PLACE_COUNT * TIMES, HEARTBEAT_MS = 250, FRAME_MS = 250 };

struct vanishing {
    struct puppet *puppet;
    uint64_t id;
    enum place place;
    unsigned joined; /* so often the witness has heard it */
    unsigned gone;
};

static struct vanishing everybody[PLAYER_COUNT];
static struct puppet *witness;

/* ---- what the witness hears ---- */

static struct vanishing *find(uint64_t id)
{
    for (int i = 0; i < PLAYER_COUNT; i++) {
        if (everybody[i].id == id) {
            return &everybody[i];
        }
    }
    fail_msg("the witness hears of a stranger");
    return NULL;
}

static void remember(uint16_t id, const void *message)
{
    if (id == GAME_PACKET_JOINED) {
        find(((const Game__Joined *)message)->member->player)->joined++;
    } else if (id == GAME_PACKET_GONE) {
        find(((const Game__Gone *)message)->player)->gone++;
    } else {
        assert_true(id == GAME_PACKET_CHAT_LINE || id == GAME_PACKET_WHO_IS_HERE);
    }
}

static void remember_all(void)
{
    uint16_t id;
    const void *message;
    (void)puppets_listen();
    while ((message = puppet_take(witness, &id)) != NULL) {
        remember(id, message);
    }
}

static bool is_alone(void)
{
    remember_all();
    return story_counters().session_count == 1;
}

static void expect_only(const struct puppet *puppet, Game__Member *const *members, size_t count)
{
    bool is_among_them = false;
    assert_int_equal(count, puppet == witness ? 1 : 2);
    for (size_t i = 0; i < count; i++) {
        assert_true(members[i]->player == witness->id || members[i]->player == puppet->id);
        is_among_them = is_among_them || members[i]->player == puppet->id;
    }
    assert_true(is_among_them);
}

/* Behind the answer nothing of the room can come that was before it. */
static void the_witness_sees_itself_alone(void)
{
    uint16_t id;
    const void *message;
    puppet_who(witness);
    while ((message = puppet_wait(witness, &id)) != NULL && id != GAME_PACKET_WHO_IS_HERE) {
        remember(id, message);
    }
    const Game__WhoIsHere *here = message;
    assert_non_null(here);
    expect_only(witness, here->members, here->n_members);
}

static void a_newcomer_meets_no_ghosts(void)
{
    struct puppet *newcomer = puppet_come("newcomer");
    puppet_enter(newcomer, "room");
    const Game__Entered *entered = puppet_hear_entered(newcomer, GAME__ENTER_RESULT__ENTERED_OK);
    expect_only(newcomer, entered->members, entered->n_members);
    puppet_hear_joined(witness, newcomer);
    puppet_close(newcomer);
}

static void each_is_gone_as_often_as_it_came(void)
{
    for (int i = 0; i < PLAYER_COUNT; i++) {
        const struct vanishing *one = &everybody[i];
        bool was_surely_there = one->place >= IN_ROOM;
        assert_in_range(one->joined, was_surely_there ? 1 : 0, one->place == IN_LOBBY ? 0 : 1);
        assert_int_equal(one->gone, one->joined);
    }
}

/* ---- coming to the place, and vanishing ---- */

static void come(struct vanishing *one, enum place place)
{
    one->puppet = puppet_come("vanishing");
    one->place = place;
    one->id = one->puppet->id;
    if (place >= IN_ROOM) {
        (void)puppet_be_in(one->puppet, "room");
    }
}

/* The last that is said before it vanishes; no answer is waited for. */
static void act(const struct vanishing *one)
{
    if (one->place == ENTERING) {
        puppet_enter(one->puppet, "room");
    } else if (one->place == TALKING) {
        puppet_chat(one->puppet, "and another thing:");
    } else if (one->place == LEAVING) {
        puppet_leave(one->puppet);
    }
}

static void run(void (*vanish)(struct vanishing *one), const struct server_config *config)
{
    memset(everybody, 0, sizeof everybody);
    story_serve(config);
    witness = puppet_come("witness");
    (void)puppet_be_in(witness, "room");
    for (int i = 0; i < PLAYER_COUNT; i++) {
        come(&everybody[i], (enum place)(i % PLACE_COUNT));
    }
    for (int i = 0; i < PLAYER_COUNT; i++) {
        act(&everybody[i]);
        vanish(&everybody[i]);
    }
}

static void close_all(Gw__CloseReason reason)
{
    WAIT_FOR(is_alone());
    the_witness_sees_itself_alone();
    each_is_gone_as_often_as_it_came();
    a_newcomer_meets_no_ghosts();
    puppet_close(witness);
    story_wait_until_empty();
    uint64_t by_reason = story_ended(reason);
    assert_in_range(by_reason, PLAYER_COUNT, PLAYER_COUNT + 2);
    story_close();
}

/* ---- the manners of vanishing ---- */

static void reset(struct vanishing *one)
{
    puppet_reset(one->puppet);
}

static void players_that_reset_leave_no_ghosts(void **state)
{
    (void)state;
    const struct server_config config = story_config();
    run(reset, &config);
    close_all(GW__CLOSE_REASON__NETWORK);
}

/* Not taken down: whoever closes before having read all sends RST. */
static void hang_up(struct vanishing *one)
{
    raw_socket_finish(&one->puppet->socket);
}

static void hear_all_out(Gw__CloseReason reason)
{
    for (int i = 0; i < PLAYER_COUNT; i++) {
        assert_string_equal(gw_close_reason_name(puppet_hear_out(everybody[i].puppet)),
                            gw_close_reason_name(reason));
        assert_true(everybody[i].puppet->has_hung_up);
        puppet_close(everybody[i].puppet);
    }
}

static void players_that_hang_up_without_a_word_leave_no_ghosts(void **state)
{
    (void)state;
    const struct server_config config = story_config();
    run(hang_up, &config);
    hear_all_out(GW__CLOSE_REASON__NONE);
    close_all(GW__CLOSE_REASON__BY_PEER);
}

static void be_silent(struct vanishing *one)
{
    one->puppet->is_mute = true;
}

static void players_that_fall_silent_are_asked_and_then_ended(void **state)
{
    (void)state;
    struct server_config config = story_config();
    config.heartbeat_ms = HEARTBEAT_MS;
    run(be_silent, &config);
    WAIT_FOR(is_alone());
    for (int i = 0; i < PLAYER_COUNT; i++) {
        struct puppet *puppet = everybody[i].puppet;
        assert_int_equal(puppet_hear_out(puppet), GW__CLOSE_REASON__HEARTBEAT_LOST);
        assert_true(puppet->ping_count >= 1);
        puppet_close(puppet);
    }
    close_all(GW__CLOSE_REASON__HEARTBEAT_LOST);
}

/* Of a packet that is welcome everywhere: an odd one says less than its header. */
static void begin_a_frame(struct vanishing *one)
{
    uint8_t frame[FRAME_BYTES_MAX];
    Game__Say say = GAME__SAY__INIT;
    say.text = "half of this is never said";
    (void)puppet_write(frame, GAME_PACKET_SAY, 0, &say.base);
    puppet_send_bytes(one->puppet, frame, (one - everybody) % 2 == 0 ? 20 : 5);
}

static void players_that_stop_in_a_frame_run_out_of_time(void **state)
{
    (void)state;
    struct server_config config = story_config();
    config.frame_timeout_ms = FRAME_MS;
    run(begin_a_frame, &config);
    WAIT_FOR(is_alone());
    hear_all_out(GW__CLOSE_REASON__FRAME_TIMEOUT);
    close_all(GW__CLOSE_REASON__FRAME_TIMEOUT);
}

static void begin_a_frame_and_hang_up(struct vanishing *one)
{
    begin_a_frame(one);
    hang_up(one);
}

static void players_that_hang_up_in_a_frame_leave_no_ghosts(void **state)
{
    (void)state;
    const struct server_config config = story_config();
    run(begin_a_frame_and_hang_up, &config);
    hear_all_out(GW__CLOSE_REASON__NONE);
    close_all(GW__CLOSE_REASON__BY_PEER);
}

static void begin_a_frame_and_reset(struct vanishing *one)
{
    begin_a_frame(one);
    reset(one);
}

static void players_that_reset_in_a_frame_leave_no_ghosts(void **state)
{
    (void)state;
    const struct server_config config = story_config();
    run(begin_a_frame_and_reset, &config);
    close_all(GW__CLOSE_REASON__NETWORK);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STORY(players_that_reset_leave_no_ghosts),
        STORY(players_that_hang_up_without_a_word_leave_no_ghosts),
        STORY(players_that_fall_silent_are_asked_and_then_ended),
        STORY(players_that_stop_in_a_frame_run_out_of_time),
        STORY(players_that_hang_up_in_a_frame_leave_no_ghosts),
        STORY(players_that_reset_in_a_frame_leave_no_ghosts),
    };
    story_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

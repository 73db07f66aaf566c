/* tests/scenarios/vanish.c: players vanish at every moment, and the room hears Gone exactly once.
 */
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"

#include "tests/support/wait.h"
#include <stdlib.h>
#include <string.h>

/* Where a player is when it vanishes. */
enum place { IN_LOBBY, ENTERING, IN_ROOM, TALKING, LEAVING, PLACE_COUNT };

/* So many vanish from each place. */
enum { TIMES = 6, PLAYER_COUNT = PLACE_COUNT * TIMES, HEARTBEAT_MS = 250, FRAME_MS = 250 };

struct vanishing {
    struct test_client *test_client;
    uint64_t id;
    enum place place;
    unsigned joined; /* so often the witness has received it */
    unsigned gone;
};

static struct vanishing everybody[PLAYER_COUNT];
static struct test_client *witness;

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
    (void)test_clients_listen();
    while ((message = test_client_take(witness, &id)) != NULL) {
        remember(id, message);
    }
}

static bool is_alone(void)
{
    remember_all();
    return scenario_counters().session_count == 1;
}

static void expect_only(const struct test_client *test_client, Game__Member *const *members,
                        size_t count)
{
    bool is_among_them = false;
    assert_int_equal(count, test_client == witness ? 1 : 2);
    for (size_t i = 0; i < count; i++) {
        assert_true(members[i]->player == witness->id || members[i]->player == test_client->id);
        is_among_them = is_among_them || members[i]->player == test_client->id;
    }
    assert_true(is_among_them);
}

/* Behind the answer nothing of the room can come that was before it. */
static void the_witness_sees_itself_alone(void)
{
    uint16_t id;
    const void *message;
    test_client_who(witness);
    while ((message = test_client_wait(witness, &id)) != NULL && id != GAME_PACKET_WHO_IS_HERE) {
        remember(id, message);
    }
    const Game__WhoIsHere *here = message;
    assert_non_null(here);
    expect_only(witness, here->members, here->n_members);
}

static void a_newcomer_meets_no_ghosts(void)
{
    struct test_client *newcomer = test_client_come("newcomer");
    test_client_enter(newcomer, "room");
    const Game__Entered *entered =
        test_client_receive_entered(newcomer, GAME__ENTER_RESULT__ENTERED_OK);
    expect_only(newcomer, entered->members, entered->n_members);
    test_client_receive_joined(witness, newcomer);
    test_client_close(newcomer);
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
    one->test_client = test_client_come("vanishing");
    one->place = place;
    one->id = one->test_client->id;
    if (place >= IN_ROOM) {
        (void)test_client_be_in(one->test_client, "room");
    }
}

/* The last that is said before it vanishes; no answer is waited for. */
static void act(const struct vanishing *one)
{
    if (one->place == ENTERING) {
        test_client_enter(one->test_client, "room");
    } else if (one->place == TALKING) {
        test_client_chat(one->test_client, "and another thing:");
    } else if (one->place == LEAVING) {
        test_client_leave(one->test_client);
    }
}

static void run(void (*vanish)(struct vanishing *one), const struct server_config *config)
{
    memset(everybody, 0, sizeof everybody);
    scenario_serve(config);
    witness = test_client_come("witness");
    (void)test_client_be_in(witness, "room");
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
    test_client_close(witness);
    scenario_wait_until_empty();
    uint64_t by_reason = scenario_ended(reason);
    assert_in_range(by_reason, PLAYER_COUNT, PLAYER_COUNT + 2);
    scenario_close();
}

/* ---- the manners of vanishing ---- */

static void reset(struct vanishing *one)
{
    test_client_reset(one->test_client);
}

static void players_that_reset_leave_no_ghosts(void **state)
{
    (void)state;
    const struct server_config config = scenario_config();
    run(reset, &config);
    close_all(GW__CLOSE_REASON__NETWORK);
}

/* Not taken down: whoever closes before having read all sends RST. */
static void hang_up(struct vanishing *one)
{
    raw_socket_finish(&one->test_client->socket);
}

static void receive_all_out(Gw__CloseReason reason)
{
    for (int i = 0; i < PLAYER_COUNT; i++) {
        assert_string_equal(gw_close_reason_name(test_client_receive_out(everybody[i].test_client)),
                            gw_close_reason_name(reason));
        assert_true(everybody[i].test_client->has_hung_up);
        test_client_close(everybody[i].test_client);
    }
}

static void players_that_hang_up_without_a_word_leave_no_ghosts(void **state)
{
    (void)state;
    const struct server_config config = scenario_config();
    run(hang_up, &config);
    receive_all_out(GW__CLOSE_REASON__NONE);
    close_all(GW__CLOSE_REASON__BY_PEER);
}

static void be_silent(struct vanishing *one)
{
    one->test_client->is_mute = true;
}

static void players_that_fall_silent_are_asked_and_then_ended(void **state)
{
    (void)state;
    struct server_config config = scenario_config();
    config.heartbeat_ms = HEARTBEAT_MS;
    run(be_silent, &config);
    WAIT_FOR(is_alone());
    for (int i = 0; i < PLAYER_COUNT; i++) {
        struct test_client *test_client = everybody[i].test_client;
        assert_int_equal(test_client_receive_out(test_client), GW__CLOSE_REASON__HEARTBEAT_LOST);
        assert_true(test_client->ping_count >= 1);
        test_client_close(test_client);
    }
    close_all(GW__CLOSE_REASON__HEARTBEAT_LOST);
}

/* Of a packet that is welcome everywhere: an odd one says less than its header. */
static void begin_a_frame(struct vanishing *one)
{
    uint8_t frame[FRAME_BYTES_MAX];
    Game__Say say = GAME__SAY__INIT;
    say.text = "half of this is never said";
    (void)test_client_write(frame, GAME_PACKET_SAY, 0, &say.base);
    test_client_send_bytes(one->test_client, frame, (one - everybody) % 2 == 0 ? 20 : 5);
}

static void players_that_stop_in_a_frame_run_out_of_time(void **state)
{
    (void)state;
    struct server_config config = scenario_config();
    config.frame_timeout_ms = FRAME_MS;
    run(begin_a_frame, &config);
    WAIT_FOR(is_alone());
    receive_all_out(GW__CLOSE_REASON__FRAME_TIMEOUT);
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
    const struct server_config config = scenario_config();
    run(begin_a_frame_and_hang_up, &config);
    receive_all_out(GW__CLOSE_REASON__NONE);
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
    const struct server_config config = scenario_config();
    run(begin_a_frame_and_reset, &config);
    close_all(GW__CLOSE_REASON__NETWORK);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(players_that_reset_leave_no_ghosts),
        SCENARIO(players_that_hang_up_without_a_word_leave_no_ghosts),
        SCENARIO(players_that_fall_silent_are_asked_and_then_ended),
        SCENARIO(players_that_stop_in_a_frame_run_out_of_time),
        SCENARIO(players_that_hang_up_in_a_frame_leave_no_ghosts),
        SCENARIO(players_that_reset_in_a_frame_leave_no_ghosts),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

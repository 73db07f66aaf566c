/* tests/scenarios/disconnects.c: Disconnects in every state of a player, and Gone in its room. */
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"

#include "tests/support/wait.h"
#include <stdlib.h>
#include <string.h>

/* The state of a player when it disconnects. */
enum state { IN_LOBBY, ENTERING, IN_ROOM, TALKING, LEAVING, STATE_COUNT };

/* TIMES players disconnect in each state. */
enum { TIMES = 6, PLAYER_COUNT = STATE_COUNT * TIMES, HEARTBEAT_MS = 250 };

struct player {
    struct test_client *client;
    uint64_t id;
    enum state state;
    unsigned joined; /* packets about it that the witness has received */
    unsigned gone;
};

static struct player players[PLAYER_COUNT];
static struct test_client *witness;

/* ---- what the witness receives ---- */

static struct player *find(uint64_t id)
{
    for (int i = 0; i < PLAYER_COUNT; i++) {
        if (players[i].id == id) {
            return &players[i];
        }
    }
    fail_msg("the witness received a packet about an unknown player");
    return NULL;
}

static void count_packet(uint16_t id, const void *message)
{
    if (id == GAME_PACKET_JOINED) {
        find(((const Game__Joined *)message)->member->player)->joined++;
    } else if (id == GAME_PACKET_GONE) {
        find(((const Game__Gone *)message)->player)->gone++;
    } else {
        assert_true(id == GAME_PACKET_CHAT_LINE || id == GAME_PACKET_WHO_IS_HERE);
    }
}

static void count_packets(void)
{
    uint16_t id;
    const void *message;
    (void)test_clients_receive();
    while ((message = test_client_take(witness, &id)) != NULL) {
        count_packet(id, message);
    }
}

static bool is_alone(void)
{
    count_packets();
    return scenario_counters().session_count == 1;
}

static void expect_only(const struct test_client *client, Game__Member *const *members,
                        size_t count)
{
    bool is_among_them = false;
    assert_int_equal(count, client == witness ? 1 : 2);
    for (size_t i = 0; i < count; i++) {
        assert_true(members[i]->player == witness->id || members[i]->player == client->id);
        is_among_them = is_among_them || members[i]->player == client->id;
    }
    assert_true(is_among_them);
}

/* WhoIsHere follows every packet that the room sent before it. */
static void expect_witness_alone(void)
{
    uint16_t id;
    const void *message;
    test_client_who(witness);
    while ((message = test_client_wait(witness, &id)) != NULL && id != GAME_PACKET_WHO_IS_HERE) {
        count_packet(id, message);
    }
    const Game__WhoIsHere *here = message;
    assert_non_null(here);
    expect_only(witness, here->members, here->n_members);
}

static void expect_newcomer_sees_two_members(void)
{
    struct test_client *newcomer = test_client_open("newcomer");
    test_client_enter(newcomer, "room");
    const Game__Entered *entered =
        test_client_receive_entered(newcomer, GAME__ENTER_RESULT__ENTERED_OK);
    expect_only(newcomer, entered->members, entered->n_members);
    test_client_receive_joined(witness, newcomer);
    test_client_close(newcomer);
}

static void expect_one_gone_for_each_joined(void)
{
    for (int i = 0; i < PLAYER_COUNT; i++) {
        const struct player *player = &players[i];
        bool was_surely_there = player->state >= IN_ROOM;
        assert_in_range(player->joined, was_surely_there ? 1 : 0,
                        player->state == IN_LOBBY ? 0 : 1);
        assert_int_equal(player->gone, player->joined);
    }
}

/* ---- reaching the state, and disconnecting ---- */

static void open_player(struct player *player, enum state state)
{
    player->client = test_client_open("player");
    player->state = state;
    player->id = player->client->id;
    if (state >= IN_ROOM) {
        (void)test_client_join(player->client, "room");
    }
}

/* Sends the last packet before the disconnect and does not wait for an answer. */
static void act(const struct player *player)
{
    if (player->state == ENTERING) {
        test_client_enter(player->client, "room");
    } else if (player->state == TALKING) {
        test_client_chat(player->client, "last line");
    } else if (player->state == LEAVING) {
        test_client_leave(player->client);
    }
}

static void run(void (*disconnect)(struct player *player), const struct server_config *config)
{
    memset(players, 0, sizeof players);
    scenario_serve(config);
    witness = test_client_open("witness");
    (void)test_client_join(witness, "room");
    for (int i = 0; i < PLAYER_COUNT; i++) {
        open_player(&players[i], (enum state)(i % STATE_COUNT));
    }
    for (int i = 0; i < PLAYER_COUNT; i++) {
        act(&players[i]);
        disconnect(&players[i]);
    }
}

static void close_all(Gw__CloseReason reason)
{
    WAIT_FOR(is_alone());
    expect_witness_alone();
    expect_one_gone_for_each_joined();
    expect_newcomer_sees_two_members();
    test_client_close(witness);
    scenario_wait_until_empty();
    uint64_t by_reason = scenario_ended(reason);
    assert_in_range(by_reason, PLAYER_COUNT, PLAYER_COUNT + 2);
    scenario_close();
}

/* ---- ways to disconnect ---- */

static void reset(struct player *player)
{
    test_client_reset(player->client);
}

static void players_that_reset_leave_their_room_once(void **state)
{
    const struct server_config config = scenario_config();
    run(reset, &config);
    close_all(GW__CLOSE_REASON__NETWORK);
}

/* Shuts down, does not close: closing with unread bytes sends RST. */
static void send_fin(struct player *player)
{
    raw_socket_finish(&player->client->socket);
}

static void drain_all(Gw__CloseReason reason)
{
    for (int i = 0; i < PLAYER_COUNT; i++) {
        assert_string_equal(gw_close_reason_name(test_client_drain(players[i].client)),
                            gw_close_reason_name(reason));
        assert_true(players[i].client->has_fin);
        test_client_close(players[i].client);
    }
}

static void players_that_send_fin_without_close_leave_their_room_once(void **state)
{
    const struct server_config config = scenario_config();
    run(send_fin, &config);
    drain_all(GW__CLOSE_REASON__NONE);
    close_all(GW__CLOSE_REASON__BY_PEER);
}

static void ignore_pings(struct player *player)
{
    player->client->ignores_pings = true;
}

static void players_that_do_not_answer_ping_are_closed_with_heartbeat_lost(void **state)
{
    struct server_config config = scenario_config();
    config.heartbeat_ms = HEARTBEAT_MS;
    run(ignore_pings, &config);
    WAIT_FOR(is_alone());
    for (int i = 0; i < PLAYER_COUNT; i++) {
        struct test_client *client = players[i].client;
        assert_int_equal(test_client_drain(client), GW__CLOSE_REASON__HEARTBEAT_LOST);
        assert_true(client->ping_count >= 1);
        test_client_close(client);
    }
    close_all(GW__CLOSE_REASON__HEARTBEAT_LOST);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(players_that_reset_leave_their_room_once),
        SCENARIO(players_that_send_fin_without_close_leave_their_room_once),
        SCENARIO(players_that_do_not_answer_ping_are_closed_with_heartbeat_lost),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

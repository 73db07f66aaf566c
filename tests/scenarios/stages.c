/* tests/scenarios/stages.c: Every packet in every state of a player, allowed or not. */
#include "tests/scenarios/room_view.h"
#include "tests/scenarios/scenario.h"
#include "tests/support/wait.h"
#include <stdio.h>
#include <string.h>

enum { BURST_BYTES = 4096, HOPPERS = 8, HOPS = 60, ROOM_LOGS = 3, UNKNOWN = 999 };

/* The state of the player when the packet arrives. */
enum state { CONNECTED, IN_LOBBY, ENTERING, IN_ROOM, LEAVING, STATE_COUNT };

/* Frames sent in one piece, which the server handles in one turn. */
struct burst {
    uint8_t bytes[BURST_BYTES];
    size_t count;
};

static void add(struct burst *burst, uint16_t id, uint16_t tag, const ProtobufCMessage *message)
{
    uint8_t *end = test_client_write(burst->bytes + burst->count, id, tag, message);
    burst->count = (size_t)(end - burst->bytes);
    assert_true(burst->count <= BURST_BYTES);
}

static void add_enter(struct burst *burst, const char *room)
{
    Game__Enter enter = GAME__ENTER__INIT;
    enter.room = (char *)room;
    add(burst, GAME_PACKET_ENTER, 0, &enter.base);
}

static void add_leave(struct burst *burst)
{
    const Game__Leave leave = GAME__LEAVE__INIT;
    add(burst, GAME_PACKET_LEAVE, 0, &leave.base);
}

static void add_text(struct burst *burst, uint16_t id, const char *text)
{
    Game__Say say = GAME__SAY__INIT; /* Chat has the same layout */
    say.text = (char *)text;
    add(burst, id, 0, &say.base);
}

static void add_empty(struct burst *burst, uint16_t id)
{
    const Game__Who message = GAME__WHO__INIT;
    add(burst, id, 0, &message.base);
}

static void add_hello(struct burst *burst, const char *name)
{
    Gw__Hello hello = GW__HELLO__INIT;
    hello.protocol_major = 1;
    hello.name = (char *)name;
    add(burst, HELLO, HELLO_TAG, &hello.base);
}

static void send_burst(struct test_client *client, const struct burst *burst)
{
    test_client_send_bytes(client, burst->bytes, burst->count);
}

/* ---- all packets, all states ---- */

#define OK               GW__CLOSE_REASON__NONE
#define WRONG_STAGE      GW__CLOSE_REASON__WRONG_STAGE
#define WRONG_WAY        GW__CLOSE_REASON__WRONG_WAY
#define NOT_KNOWN        GW__CLOSE_REASON__UNKNOWN_PACKET
#define UNKNOWN_PROTOCOL GW__CLOSE_REASON__UNKNOWN_PROTOCOL

static const struct {
    uint16_t id;
    Gw__CloseReason expected[STATE_COUNT]; /* connected, in lobby, entering, in room, leaving */
} table[] = {
    {HELLO, {OK, WRONG_STAGE, WRONG_STAGE, WRONG_STAGE, WRONG_STAGE}},
    {GAME_PACKET_ENTER, {UNKNOWN_PROTOCOL, OK, OK, WRONG_STAGE, OK}},
    {GAME_PACKET_CHAT, {UNKNOWN_PROTOCOL, WRONG_STAGE, OK, OK, OK}},
    {GAME_PACKET_LEAVE, {UNKNOWN_PROTOCOL, WRONG_STAGE, OK, OK, OK}},
    {GAME_PACKET_MOVE, {UNKNOWN_PROTOCOL, WRONG_STAGE, OK, OK, OK}},
    {GAME_PACKET_WHO, {UNKNOWN_PROTOCOL, WRONG_STAGE, OK, OK, OK}},
    {GAME_PACKET_SAY, {UNKNOWN_PROTOCOL, OK, OK, OK, OK}},
    {PING, {UNKNOWN_PROTOCOL, OK, OK, OK, OK}},
    {PONG, {UNKNOWN_PROTOCOL, OK, OK, OK, OK}},
    {HELLO_ACK, {UNKNOWN_PROTOCOL, WRONG_WAY, WRONG_WAY, WRONG_WAY, WRONG_WAY}},
    {GAME_PACKET_CHAT_LINE, {UNKNOWN_PROTOCOL, WRONG_WAY, WRONG_WAY, WRONG_WAY, WRONG_WAY}},
    {UNKNOWN, {UNKNOWN_PROTOCOL, NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, NOT_KNOWN}},
};

static void add_any(struct burst *burst, uint16_t id)
{
    if (id == HELLO) {
        add_hello(burst, "player");
    } else if (id == GAME_PACKET_ENTER) {
        add_enter(burst, "another room");
    } else if (id == GAME_PACKET_CHAT || id == GAME_PACKET_SAY) {
        add_text(burst, id, "hello");
    } else {
        add_empty(burst, id);
    }
}

static struct test_client *open_in_state(enum state state, struct burst *burst)
{
    struct test_client *client =
        state == CONNECTED ? test_client_connect(&scenario.addr) : test_client_open("player");
    assert_non_null(client);
    if (state >= IN_ROOM) {
        (void)test_client_join(client, "room");
    }
    if (state == ENTERING) {
        add_enter(burst, "room");
    } else if (state == LEAVING) {
        add_leave(burst);
    }
    return client;
}

/* Say is answered: the session is open. */
static void expect_open(struct test_client *client)
{
    uint16_t id = 0;
    test_client_say(client, "still here");
    while (id != GAME_PACKET_SAID) {
        assert_non_null(test_client_wait(client, &id));
        assert_true(id != CLOSE);
    }
    test_client_quit(client);
}

/*
 * ENTER is allowed in the lobby, so for one second after it has moved a player into a room the
 * server drops ENTER. The test sends it until that second is over, however slow the machine is.
 */
static bool has_ended_after(struct test_client *client, const struct burst *burst)
{
    machine_sleep_ms(100);
    (void)test_clients_receive();
    if (!client->has_ended) {
        send_burst(client, burst);
    }
    return client->has_ended;
}

static void check_packet(uint16_t id, enum state state, Gw__CloseReason expected)
{
    struct burst burst = {.count = 0};
    struct test_client *client = open_in_state(state, &burst);
    add_any(&burst, id);
    send_burst(client, &burst);
    if (expected == OK) {
        expect_open(client);
    } else if (expected == UNKNOWN_PROTOCOL) {
        test_client_receive_fin(client);
    } else {
        if (id == GAME_PACKET_ENTER && state == IN_ROOM) {
            WAIT_FOR(has_ended_after(client, &burst));
        }
        assert_int_equal(test_client_drain(client), expected);
        assert_true(client->has_fin);
        test_client_close(client);
    }
}

static void each_packet_is_allowed_or_refused_by_the_state_of_its_player(void **state)
{
    uint64_t expected[GW_CLOSE_REASON_COUNT] = {0};
    scenario_open();
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (int state = 0; state < STATE_COUNT; state++) {
            check_packet(table[i].id, (enum state)state, table[i].expected[state]);
            expected[table[i].expected[state]]++;
        }
    }
    scenario_wait_until_empty();
    for (int reason = 2; reason < GW_CLOSE_REASON_COUNT; reason++) {
        assert_int_equal(scenario_ended((Gw__CloseReason)reason), expected[reason]);
    }
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__BY_PEER), expected[OK]);
    scenario_close();
}

/* ---- several packets without waiting for answers ---- */

static void packets_in_one_piece_with_hello_are_handled(void **state)
{
    struct burst burst = {.count = 0};
    scenario_open();
    struct test_client *client = test_client_connect(&scenario.addr);
    assert_non_null(client);
    add_hello(&burst, "hasty");
    add_text(&burst, GAME_PACKET_SAY, "all at once");
    add_enter(&burst, "room");
    send_burst(client, &burst);
    client->id = ((const Gw__HelloAck *)test_client_receive(client, HELLO_ACK))->session_id;
    const Game__Said *said = test_client_receive(client, GAME_PACKET_SAID);
    assert_string_equal(said->text, "all at once");
    const Game__Entered *entered =
        test_client_receive_entered(client, GAME__ENTER_RESULT__ENTERED_OK);
    assert_int_equal(entered->members[0]->player, client->id);
    test_client_quit(client);
    scenario_close();
}

/* ---- room changes ---- */

static const char *const rooms[ROOM_LOGS] = {"red", "green", "blue"};
static struct room_log room_logs[ROOM_LOGS];
static struct room_view hoppers[HOPPERS];
static struct room_view keepers[ROOM_LOGS]; /* one in each, so that it stays the same room */

static void hop(struct room_view *hopper, struct room_log *next)
{
    struct burst burst = {.count = 0};
    add_leave(&burst);
    add_enter(&burst, next->room);
    send_burst(hopper->client, &burst);
}

/* A client receives its own line in the old room before it has left. */
static void arrive(struct room_view *hopper, struct room_log *next)
{
    uint16_t id = 0;
    while (id != GAME_PACKET_ENTERED) {
        const void *message = test_client_wait(hopper->client, &id);
        assert_non_null(message);
        hopper->room_log = id == GAME_PACKET_ENTERED ? next : hopper->room_log;
        room_view_apply(hopper, id, message);
    }
}

static struct room_log *next_room_log(int round, int hopper)
{
    return &room_logs[(round * (hopper % 2 + 1) + hopper) % ROOM_LOGS];
}

static void all_hop(int round)
{
    for (int i = 0; i < HOPPERS; i++) {
        room_view_chat(&hoppers[i]);
        hop(&hoppers[i], next_room_log(round, i));
    }
    for (int i = 0; i < HOPPERS; i++) {
        arrive(&hoppers[i], next_room_log(round, i));
        assert_int_equal(hoppers[i].received, hoppers[i].sent);
    }
}

static void all_enter(void)
{
    for (int i = 0; i < ROOM_LOGS; i++) {
        room_view_enter(&keepers[i], test_client_open("keeper"), &room_logs[i]);
    }
    for (int i = 0; i < HOPPERS; i++) {
        room_view_enter(&hoppers[i], test_client_open("hopper"), next_room_log(0, i));
    }
}

static bool keepers_have_received_all(void)
{
    size_t members = 0;
    uint64_t lines = 0;
    for (int i = 0; i < ROOM_LOGS; i++) {
        assert_true(room_view_receive(&keepers[i]));
        members += keepers[i].member_count;
        lines += keepers[i].line;
    }
    return members == HOPPERS + ROOM_LOGS && lines == HOPS * HOPPERS;
}

static void all_close(void)
{
    test_clients_close();
    for (int i = 0; i < HOPPERS; i++) {
        room_view_fini(&hoppers[i]);
    }
    for (int i = 0; i < ROOM_LOGS; i++) {
        room_view_fini(&keepers[i]);
        room_log_fini(&room_logs[i]);
    }
}

static void a_player_that_changes_rooms_receives_its_lines_in_the_room_it_sent_them_to(void **state)
{
    for (int i = 0; i < ROOM_LOGS; i++) {
        room_logs[i] = (struct room_log){.room = rooms[i]};
    }
    scenario_open();
    all_enter();
    for (int round = 1; round <= HOPS; round++) {
        all_hop(round);
    }
    assert_int_equal(scenario_counters().lines, HOPS * HOPPERS);
    assert_int_equal(scenario_counters().entered, (HOPS + 1) * HOPPERS + ROOM_LOGS);
    assert_int_equal(scenario_counters().room_members, HOPPERS + ROOM_LOGS);
    assert_int_equal(scenario_counters().rooms_opened, ROOM_LOGS);
    WAIT_FOR((test_clients_receive(), keepers_have_received_all()));
    all_close();
    scenario_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(each_packet_is_allowed_or_refused_by_the_state_of_its_player),
        SCENARIO(packets_in_one_piece_with_hello_are_handled),
        SCENARIO(a_player_that_changes_rooms_receives_its_lines_in_the_room_it_sent_them_to),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

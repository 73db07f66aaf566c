/* tests/scenarios/moments.c: every packet at every moment, wanted or not. */
#include "tests/scenarios/room_log.h"
#include "tests/scenarios/scenario.h"
#include "tests/support/wait.h"
#include <stdio.h>
#include <string.h>

enum { BURST_BYTES = 4096, HOPPERS = 8, HOPS = 60, ROOM_LOGS = 3, UNKNOWN = 999 };

/* Where a player stands when the packet comes. */
enum place { OUTSIDER, IN_LOBBY, ENTERING, IN_ROOM, LEAVING, PLACE_COUNT };

/* Several frames that arrive together, and so are handled in one turn. */
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
    Game__Say say = GAME__SAY__INIT; /* Chat is made the same way */
    say.text = (char *)text;
    add(burst, id, 0, &say.base);
}

static void add_empty(struct burst *burst, uint16_t id)
{
    const Game__Who who = GAME__WHO__INIT;
    add(burst, id, 0, &who.base);
}

static void add_hello(struct burst *burst, const char *name)
{
    Gw__Hello hello = GW__HELLO__INIT;
    hello.protocol_major = 1;
    hello.name = (char *)name;
    add(burst, HELLO, HELLO_TAG, &hello.base);
}

static void send_burst(struct test_client *test_client, const struct burst *burst)
{
    test_client_send_bytes(test_client, burst->bytes, burst->count);
}

/* ---- all packets, all places ---- */

#define OK               GW__CLOSE_REASON__NONE
#define WRONG_STAGE      GW__CLOSE_REASON__WRONG_STAGE
#define WRONG_WAY        GW__CLOSE_REASON__WRONG_WAY
#define NOT_KNOWN        GW__CLOSE_REASON__UNKNOWN_PACKET
#define UNKNOWN_PROTOCOL GW__CLOSE_REASON__UNKNOWN_PROTOCOL

static const struct {
    uint16_t id;
    Gw__CloseReason expected[PLACE_COUNT]; /* outsider, in lobby, entering, in room, leaving */
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
        add_hello(burst, "somebody");
    } else if (id == GAME_PACKET_ENTER) {
        add_enter(burst, "another room");
    } else if (id == GAME_PACKET_CHAT || id == GAME_PACKET_SAY) {
        add_text(burst, id, "hello");
    } else {
        add_empty(burst, id);
    }
}

static struct test_client *stand(enum place place, struct burst *burst)
{
    struct test_client *test_client =
        place == OUTSIDER ? test_client_knock(&scenario.addr) : test_client_come("somebody");
    assert_non_null(test_client);
    if (place >= IN_ROOM) {
        (void)test_client_be_in(test_client, "room");
    }
    if (place == ENTERING) {
        add_enter(burst, "room");
    } else if (place == LEAVING) {
        add_leave(burst);
    }
    return test_client;
}

/* It says something else, and is answered: it is still here. */
static void expect_still_here(struct test_client *test_client)
{
    uint16_t id = 0;
    test_client_say(test_client, "still here");
    while (id != GAME_PACKET_SAID) {
        assert_non_null(test_client_wait(test_client, &id));
        assert_true(id != CLOSE);
    }
    test_client_go(test_client);
}

/*
 * For a second after the server has moved a player into a room, the server drops ENTER, which was
 * welcome before. So it is sent until that second is over, however long the second takes here.
 */
static bool has_ended_after(struct test_client *test_client, const struct burst *burst)
{
    machine_sleep_ms(100);
    (void)test_clients_listen();
    if (!test_client->has_ended) {
        send_burst(test_client, burst);
    }
    return test_client->has_ended;
}

static void try(uint16_t id, enum place place, Gw__CloseReason expected)
{
    struct burst burst = {.count = 0};
    struct test_client *test_client = stand(place, &burst);
    add_any(&burst, id);
    send_burst(test_client, &burst);
    if (expected == OK) {
        expect_still_here(test_client);
    } else if (expected == UNKNOWN_PROTOCOL) {
        test_client_receive_nothing_but_fin(test_client);
    } else {
        if (id == GAME_PACKET_ENTER && place == IN_ROOM) {
            WAIT_FOR(has_ended_after(test_client, &burst));
        }
        assert_int_equal(test_client_receive_out(test_client), expected);
        assert_true(test_client->has_hung_up);
        test_client_close(test_client);
    }
}

static void each_packet_is_checked_by_where_its_player_stands(void **state)
{
    uint64_t expected[GW_CLOSE_REASON_COUNT] = {0};
    (void)state;
    scenario_open();
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (int place = 0; place < PLACE_COUNT; place++) {
            try(table[i].id, (enum place)place, table[i].expected[place]);
            expected[table[i].expected[place]]++;
        }
    }
    scenario_wait_until_empty();
    for (int reason = 2; reason < GW_CLOSE_REASON_COUNT; reason++) {
        assert_int_equal(scenario_ended((Gw__CloseReason)reason), expected[reason]);
    }
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__BY_PEER), expected[OK]);
    scenario_close();
}

/* ---- one after the other, without waiting ---- */

/* The second Enter is welcome in the lobby only, and arrives in the first room: it is dropped. */
static void a_second_enter_behind_enter_is_dropped(void **state)
{
    struct burst burst = {.count = 0};
    (void)state;
    scenario_open();
    struct test_client *test_client = test_client_come("hasty");
    add_enter(&burst, "first");
    add_enter(&burst, "second");
    add_text(&burst, GAME_PACKET_CHAT, "here I am");
    send_burst(test_client, &burst);
    const Game__Entered *entered =
        test_client_receive_entered(test_client, GAME__ENTER_RESULT__ENTERED_OK);
    assert_string_equal(entered->room, "first");
    test_client_receive_line(test_client, test_client, "here I am", 1);
    test_client_go(test_client);
    assert_int_equal(scenario_counters().rooms_opened, 1);
    scenario_close();
}

static void enter_behind_leave_leads_to_the_next_room(void **state)
{
    struct burst burst = {.count = 0};
    (void)state;
    scenario_open();
    struct test_client *test_client = test_client_come("hasty");
    (void)test_client_be_in(test_client, "first");
    add_leave(&burst);
    add_enter(&burst, "second");
    add_leave(&burst);
    add_enter(&burst, "third");
    send_burst(test_client, &burst);
    for (int i = 0; i < 2; i++) {
        (void)test_client_receive(test_client, GAME_PACKET_LEFT);
        const Game__Entered *entered =
            test_client_receive_entered(test_client, GAME__ENTER_RESULT__ENTERED_OK);
        assert_string_equal(entered->room, i == 0 ? "second" : "third");
    }
    test_client_go(test_client);
    scenario_close();
}

static void what_follows_hello_at_once_is_served(void **state)
{
    struct burst burst = {.count = 0};
    (void)state;
    scenario_open();
    struct test_client *test_client = test_client_knock(&scenario.addr);
    assert_non_null(test_client);
    add_hello(&burst, "hasty");
    add_text(&burst, GAME_PACKET_SAY, "all at once");
    add_enter(&burst, "room");
    send_burst(test_client, &burst);
    test_client->id =
        ((const Gw__HelloAck *)test_client_receive(test_client, HELLO_ACK))->session_id;
    const Game__Said *said = test_client_receive(test_client, GAME_PACKET_SAID);
    assert_string_equal(said->text, "all at once");
    const Game__Entered *entered =
        test_client_receive_entered(test_client, GAME__ENTER_RESULT__ENTERED_OK);
    assert_int_equal(entered->members[0]->player, test_client->id);
    test_client_go(test_client);
    scenario_close();
}

/* ---- from room to room ---- */

static const char *const rooms[ROOM_LOGS] = {"red", "green", "blue"};
static struct room_log room_logs[ROOM_LOGS];
static struct listener hoppers[HOPPERS];
static struct listener keepers[ROOM_LOGS]; /* one in each, so that it stays the same room */

static void hop(struct listener *hopper, struct room_log *next)
{
    struct burst burst = {.count = 0};
    add_leave(&burst);
    add_enter(&burst, next->room);
    send_burst(hopper->test_client, &burst);
}

/* What it says in a room must be heard there before it has left. */
static void arrive(struct listener *hopper, struct room_log *next)
{
    uint16_t id = 0;
    while (id != GAME_PACKET_ENTERED) {
        const void *message = test_client_wait(hopper->test_client, &id);
        assert_non_null(message);
        hopper->room_log = id == GAME_PACKET_ENTERED ? next : hopper->room_log;
        listener_believe(hopper, id, message);
    }
}

static struct room_log *next_room_log(int round, int hopper)
{
    return &room_logs[(round * (hopper % 2 + 1) + hopper) % ROOM_LOGS];
}

static void all_hop(int round)
{
    for (int i = 0; i < HOPPERS; i++) {
        listener_chat(&hoppers[i]);
        hop(&hoppers[i], next_room_log(round, i));
    }
    for (int i = 0; i < HOPPERS; i++) {
        arrive(&hoppers[i], next_room_log(round, i));
        assert_int_equal(hoppers[i].received, hoppers[i].said);
    }
}

static void all_come(void)
{
    for (int i = 0; i < ROOM_LOGS; i++) {
        listener_enter(&keepers[i], test_client_come("keeper"), &room_logs[i]);
    }
    for (int i = 0; i < HOPPERS; i++) {
        listener_enter(&hoppers[i], test_client_come("hopper"), next_room_log(0, i));
    }
}

static bool keepers_have_received_all(void)
{
    size_t members = 0;
    uint64_t lines = 0;
    for (int i = 0; i < ROOM_LOGS; i++) {
        assert_true(listener_listen(&keepers[i]));
        members += keepers[i].member_count;
        lines += keepers[i].line;
    }
    return members == HOPPERS + ROOM_LOGS && lines == HOPS * HOPPERS;
}

static void all_go(void)
{
    test_clients_close();
    for (int i = 0; i < HOPPERS; i++) {
        listener_fini(&hoppers[i]);
    }
    for (int i = 0; i < ROOM_LOGS; i++) {
        listener_fini(&keepers[i]);
        room_log_fini(&room_logs[i]);
    }
}

static void who_hops_from_room_to_room_receives_each_to_its_end(void **state)
{
    (void)state;
    for (int i = 0; i < ROOM_LOGS; i++) {
        room_logs[i] = (struct room_log){.room = rooms[i]};
    }
    scenario_open();
    all_come();
    for (int round = 1; round <= HOPS; round++) {
        all_hop(round);
    }
    assert_int_equal(scenario_counters().lines, HOPS * HOPPERS);
    assert_int_equal(scenario_counters().entered, (HOPS + 1) * HOPPERS + ROOM_LOGS);
    assert_int_equal(scenario_counters().room_members, HOPPERS + ROOM_LOGS);
    assert_int_equal(scenario_counters().rooms_opened, ROOM_LOGS);
    WAIT_FOR((test_clients_listen(), keepers_have_received_all()));
    all_go();
    scenario_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(each_packet_is_checked_by_where_its_player_stands),
        SCENARIO(a_second_enter_behind_enter_is_dropped),
        SCENARIO(enter_behind_leave_leads_to_the_next_room),
        SCENARIO(what_follows_hello_at_once_is_served),
        SCENARIO(who_hops_from_room_to_room_receives_each_to_its_end),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/stories/moments.c: every packet at every moment, wanted or not. */
#include "tests/stories/hall.h"
#include "tests/stories/story.h"
#include "tests/support/wait.h"
#include <stdio.h>
#include <string.h>

enum { BURST_BYTES = 4096, HOPPERS = 8, HOPS = 60, HALLS = 3, UNKNOWN = 999 };

/* Where a player stands when the packet comes. */
enum place { STRANGER, IN_LOBBY, ENTERING, IN_ROOM, LEAVING, PLACE_COUNT };

/* Several frames that arrive together, and so are handled in one turn. */
struct burst {
    uint8_t bytes[BURST_BYTES];
    size_t count;
};

static void add(struct burst *burst, uint16_t id, uint16_t tag, const ProtobufCMessage *message)
{
    uint8_t *end = puppet_write(burst->bytes + burst->count, id, tag, message);
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

static void send_burst(struct puppet *puppet, const struct burst *burst)
{
    puppet_send_bytes(puppet, burst->bytes, burst->count);
}

/* ---- all packets, all places ---- */

#define OK           GW__CLOSE_REASON__NONE
#define WRONG_STAGE  GW__CLOSE_REASON__WRONG_STAGE
#define WRONG_WAY    GW__CLOSE_REASON__WRONG_WAY
#define NOT_KNOWN    GW__CLOSE_REASON__UNKNOWN_PACKET
#define NOT_A_PLAYER GW__CLOSE_REASON__NOT_A_PLAYER

static const struct {
    uint16_t id;
    Gw__CloseReason expected[PLACE_COUNT]; /* stranger, in lobby, entering, in room, leaving */
} table[] = {
    {HELLO, {OK, WRONG_STAGE, WRONG_STAGE, WRONG_STAGE, WRONG_STAGE}},
    {GAME_PACKET_ENTER, {NOT_A_PLAYER, OK, OK, WRONG_STAGE, OK}},
    {GAME_PACKET_CHAT, {NOT_A_PLAYER, WRONG_STAGE, WRONG_STAGE, OK, WRONG_STAGE}},
    {GAME_PACKET_LEAVE, {NOT_A_PLAYER, WRONG_STAGE, WRONG_STAGE, OK, WRONG_STAGE}},
    {GAME_PACKET_MOVE, {NOT_A_PLAYER, WRONG_STAGE, WRONG_STAGE, OK, WRONG_STAGE}},
    {GAME_PACKET_WHO, {NOT_A_PLAYER, WRONG_STAGE, WRONG_STAGE, OK, WRONG_STAGE}},
    {GAME_PACKET_SAY, {NOT_A_PLAYER, OK, OK, OK, OK}},
    {PING, {NOT_A_PLAYER, OK, OK, OK, OK}},
    {PONG, {NOT_A_PLAYER, OK, OK, OK, OK}},
    {HELLO_ACK, {NOT_A_PLAYER, WRONG_WAY, WRONG_WAY, WRONG_WAY, WRONG_WAY}},
    {GAME_PACKET_CHAT_LINE, {NOT_A_PLAYER, WRONG_WAY, WRONG_WAY, WRONG_WAY, WRONG_WAY}},
    {UNKNOWN, {NOT_A_PLAYER, NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, NOT_KNOWN}},
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

static struct puppet *stand(enum place place, struct burst *burst)
{
    struct puppet *puppet = place == STRANGER ? puppet_knock(&story.addr) : puppet_come("somebody");
    assert_non_null(puppet);
    if (place >= IN_ROOM) {
        (void)puppet_be_in(puppet, "room");
    }
    if (place == ENTERING) {
        add_enter(burst, "room");
    } else if (place == LEAVING) {
        add_leave(burst);
    }
    return puppet;
}

/* It says something else, and is answered: it is still here. */
static void expect_still_here(struct puppet *puppet)
{
    uint16_t id = 0;
    puppet_say(puppet, "still here");
    while (id != GAME_PACKET_SAID) {
        assert_non_null(puppet_wait(puppet, &id));
        assert_true(id != CLOSE);
    }
    puppet_go(puppet);
}

/*
 * For a second after the server has moved a player into a room, the server drops ENTER, which was
 * welcome before. So it is sent until that second is over, however long the second takes here.
 */
static bool has_ended_after(struct puppet *puppet, const struct burst *burst)
{
    machine_sleep_ms(100);
    (void)puppets_listen();
    if (!puppet->has_ended) {
        send_burst(puppet, burst);
    }
    return puppet->has_ended;
}

static void try(uint16_t id, enum place place, Gw__CloseReason expected)
{
    struct burst burst = {.count = 0};
    struct puppet *puppet = stand(place, &burst);
    add_any(&burst, id);
    send_burst(puppet, &burst);
    if (expected == OK) {
        expect_still_here(puppet);
    } else if (expected == NOT_A_PLAYER) {
        puppet_hear_nothing_but_fin(puppet);
    } else {
        if (id == GAME_PACKET_ENTER && place == IN_ROOM) {
            WAIT_FOR(has_ended_after(puppet, &burst));
        }
        assert_int_equal(puppet_hear_out(puppet), expected);
        assert_true(puppet->has_hung_up);
        puppet_close(puppet);
    }
}

static void each_packet_is_judged_by_where_its_player_stands(void **state)
{
    uint64_t expected[GW_CLOSE_REASON_COUNT] = {0};
    (void)state;
    story_open();
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (int place = 0; place < PLACE_COUNT; place++) {
            try(table[i].id, (enum place)place, table[i].expected[place]);
            expected[table[i].expected[place]]++;
        }
    }
    story_wait_until_empty();
    for (int reason = 2; reason < GW_CLOSE_REASON_COUNT; reason++) {
        assert_int_equal(story_ended((Gw__CloseReason)reason), expected[reason]);
    }
    assert_int_equal(story_ended(GW__CLOSE_REASON__BY_PEER), expected[OK]);
    story_close();
}

/* ---- one after the other, without waiting ---- */

static void a_second_room_is_refused_while_the_first_is_entered(void **state)
{
    struct burst burst = {.count = 0};
    (void)state;
    story_open();
    struct puppet *puppet = puppet_come("hasty");
    add_enter(&burst, "first");
    add_enter(&burst, "second");
    send_burst(puppet, &burst);
    const Game__Entered *refused = puppet_hear_entered(puppet, GAME__ENTER_RESULT__SERVER_BUSY);
    assert_string_equal(refused->room, "second");
    const Game__Entered *entered = puppet_hear_entered(puppet, GAME__ENTER_RESULT__ENTERED_OK);
    assert_string_equal(entered->room, "first");
    puppet_chat(puppet, "here I am");
    puppet_hear_line(puppet, puppet, "here I am", 1);
    puppet_go(puppet);
    story_close();
}

static void who_leaves_may_ask_for_one_next_room(void **state)
{
    struct burst burst = {.count = 0};
    (void)state;
    story_open();
    struct puppet *puppet = puppet_come("hasty");
    (void)puppet_be_in(puppet, "first");
    add_leave(&burst);
    add_enter(&burst, "second");
    add_enter(&burst, "third");
    send_burst(puppet, &burst);
    const Game__Entered *refused = puppet_hear_entered(puppet, GAME__ENTER_RESULT__SERVER_BUSY);
    assert_string_equal(refused->room, "third");
    (void)puppet_hear(puppet, GAME_PACKET_LEFT);
    const Game__Entered *entered = puppet_hear_entered(puppet, GAME__ENTER_RESULT__ENTERED_OK);
    assert_string_equal(entered->room, "second");
    puppet_go(puppet);
    story_close();
}

static void what_follows_hello_at_once_is_served(void **state)
{
    struct burst burst = {.count = 0};
    (void)state;
    story_open();
    struct puppet *puppet = puppet_knock(&story.addr);
    assert_non_null(puppet);
    add_hello(&burst, "hasty");
    add_text(&burst, GAME_PACKET_SAY, "all at once");
    add_enter(&burst, "room");
    send_burst(puppet, &burst);
    puppet->id = ((const Gw__HelloAck *)puppet_hear(puppet, HELLO_ACK))->session_id;
    const Game__Said *said = puppet_hear(puppet, GAME_PACKET_SAID);
    assert_string_equal(said->text, "all at once");
    const Game__Entered *entered = puppet_hear_entered(puppet, GAME__ENTER_RESULT__ENTERED_OK);
    assert_int_equal(entered->members[0]->player, puppet->id);
    puppet_go(puppet);
    story_close();
}

/* ---- from room to room ---- */

static const char *const rooms[HALLS] = {"red", "green", "blue"};
static struct hall halls[HALLS];
static struct listener hoppers[HOPPERS];
static struct listener keepers[HALLS]; /* one in each, so that it stays the same room */

static void hop(struct listener *hopper, struct hall *next)
{
    struct burst burst = {.count = 0};
    add_leave(&burst);
    add_enter(&burst, next->room);
    send_burst(hopper->puppet, &burst);
}

/* What it says in a room must be heard there before it has left. */
static void arrive(struct listener *hopper, struct hall *next)
{
    uint16_t id = 0;
    while (id != GAME_PACKET_ENTERED) {
        const void *message = puppet_wait(hopper->puppet, &id);
        assert_non_null(message);
        hopper->hall = id == GAME_PACKET_ENTERED ? next : hopper->hall;
        listener_believe(hopper, id, message);
    }
}

static struct hall *next_hall(int round, int hopper)
{
    return &halls[(round * (hopper % 2 + 1) + hopper) % HALLS];
}

static void all_hop(int round)
{
    for (int i = 0; i < HOPPERS; i++) {
        listener_chat(&hoppers[i]);
        hop(&hoppers[i], next_hall(round, i));
    }
    for (int i = 0; i < HOPPERS; i++) {
        arrive(&hoppers[i], next_hall(round, i));
        assert_int_equal(hoppers[i].heard, hoppers[i].said);
    }
}

static void all_come(void)
{
    for (int i = 0; i < HALLS; i++) {
        listener_enter(&keepers[i], puppet_come("keeper"), &halls[i]);
    }
    for (int i = 0; i < HOPPERS; i++) {
        listener_enter(&hoppers[i], puppet_come("hopper"), next_hall(0, i));
    }
}

static bool keepers_have_heard_all(void)
{
    size_t members = 0;
    uint64_t lines = 0;
    for (int i = 0; i < HALLS; i++) {
        assert_true(listener_listen(&keepers[i]));
        members += keepers[i].member_count;
        lines += keepers[i].line;
    }
    return members == HOPPERS + HALLS && lines == HOPS * HOPPERS;
}

static void all_go(void)
{
    puppets_close();
    for (int i = 0; i < HOPPERS; i++) {
        listener_fini(&hoppers[i]);
    }
    for (int i = 0; i < HALLS; i++) {
        listener_fini(&keepers[i]);
        hall_fini(&halls[i]);
    }
}

static void who_hops_from_room_to_room_hears_each_to_its_end(void **state)
{
    (void)state;
    for (int i = 0; i < HALLS; i++) {
        halls[i] = (struct hall){.room = rooms[i]};
    }
    story_open();
    all_come();
    for (int round = 1; round <= HOPS; round++) {
        all_hop(round);
    }
    assert_int_equal(story_counters().lines, HOPS * HOPPERS);
    assert_int_equal(story_counters().entered, (HOPS + 1) * HOPPERS + HALLS);
    assert_int_equal(story_counters().room_members, HOPPERS + HALLS);
    assert_int_equal(story_counters().rooms_opened, HALLS);
    WAIT_FOR((puppets_listen(), keepers_have_heard_all()));
    all_go();
    story_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STORY(each_packet_is_judged_by_where_its_player_stands),
        STORY(a_second_room_is_refused_while_the_first_is_entered),
        STORY(who_leaves_may_ask_for_one_next_room),
        STORY(what_follows_hello_at_once_is_served),
        STORY(who_hops_from_room_to_room_hears_each_to_its_end),
    };
    story_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/session/test_group.c: a member hears exactly what was said between its add and its remove.
 */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

#include "net/os/os.h"
#include "net/port.h"
#include "net/turn.h"
#include "session/group.h"

#include <stdlib.h>
#include <string.h>

/* A room is what a group belongs to: an object with turns. */
struct room {
    struct gw_turn turn;
    struct gw_group *group;
    struct gw_session *session; /* whom the next posted_task is about */
    uint64_t said;
    uint32_t count;
    atomic_uint tick_count;
};

static struct room *open_room_that_ticks(uint32_t tick_ms,
                                         void (*on_tick)(struct gw_group *group, void *context))
{
    struct room *room = calloc(1, sizeof *room);
    const struct gw_group_config config = {.tick_ms = tick_ms, .on_tick = on_tick, .context = room};
    gw_turn_init(&room->turn, fixture.port, NULL);
    room->group = gw_group_create(fixture.server.manager, &room->turn, &config);
    assert_non_null(room->group);
    return room;
}

static struct room *open_room(uint32_t tick_ms)
{
    return open_room_that_ticks(tick_ms, NULL);
}

static void do_destroy(void *context)
{
    struct room *room = context;
    gw_group_destroy(room->group);
}

/* Its memory goes when nothing can touch it any more: at the end of the test. */
static struct room *rooms_to_free[8];

static void close_room(struct room *room)
{
    run_in_turn(&room->turn, do_destroy, room);
    for (size_t i = 0; i < 8; i++) {
        if (rooms_to_free[i] == NULL) {
            rooms_to_free[i] = room;
            return;
        }
    }
    fail();
}

static int close_fixture(void **state)
{
    int result = fixture_close(state);
    for (size_t i = 0; i < 8; i++) {
        free(rooms_to_free[i]);
        rooms_to_free[i] = NULL;
    }
    return result;
}

static void say(struct room *room, uint64_t count)
{
    Gw__Ping number = GW__PING__INIT;
    while (count-- > 0) {
        number.stamp = ++room->said;
        gw_group_broadcast(room->group, NUMBER, &number.base);
    }
}

static void do_say_one(void *context)
{
    say(context, 1);
}

static void do_say_ten(void *context)
{
    say(context, 10);
}

static void do_add(void *context)
{
    struct room *room = context;
    assert_int_equal(gw_group_add(room->group, room->session), 0);
}

static void do_remove(void *context)
{
    struct room *room = context;
    gw_group_remove(room->group, gw_session_id_of(room->session));
}

static void do_count(void *context)
{
    struct room *room = context;
    room->count = gw_group_count(room->group);
}

static void do_in(struct room *room, void (*work)(void *), struct gw_session *session)
{
    room->session = session;
    run_in_turn(&room->turn, work, room);
}

static uint32_t count_in(struct room *room)
{
    do_in(room, do_count, NULL);
    return room->count;
}

static void wait_for_members(struct room *room, uint32_t expected)
{
    for (uint64_t end = fixture_now_ms() + RAW_SOCKET_PATIENCE_MS;
         count_in(room) != expected && fixture_now_ms() < end;) {
        machine_sleep_ms(1);
    }
    assert_int_equal(room->count, expected);
}

/* A player, and the session it has. */
struct guest {
    struct raw_socket peer;
    struct gw_session *session;
};

static struct guest invite(void)
{
    struct guest guest = {peer_join(), NULL};
    wait_for_count(&fixture.server.greeted, atomic_load(&fixture.server.begun));
    guest.session = fixture_session();
    return guest;
}

static void see_off(struct guest *guest)
{
    gw_session_unref(guest->session);
    raw_socket_close(&guest->peer);
}

static void expect_numbers(struct raw_socket *peer, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        assert_int_equal(peer_expect_stamp(peer, NUMBER), number);
    }
}

static void receives_what_was_said_between(uint32_t tick_ms)
{
    struct room *room = open_room(tick_ms);
    struct guest ada = invite();
    struct guest bob = invite();
    do_in(room, do_say_ten, NULL); /* nobody receives it */
    do_in(room, do_add, ada.session);
    do_in(room, do_say_ten, NULL);
    do_in(room, do_add, bob.session);
    do_in(room, do_say_ten, NULL);
    do_in(room, do_remove, ada.session);
    do_in(room, do_say_ten, NULL);
    do_in(room, do_remove, bob.session);
    do_in(room, do_say_ten, NULL);
    expect_numbers(&ada.peer, 11, 30);
    expect_numbers(&bob.peer, 21, 40);
    peer_sync(&ada.peer);
    peer_sync(&bob.peer);
    assert_int_equal(count_in(room), 0);
    close_room(room);
    see_off(&ada);
    see_off(&bob);
}

static void without_a_tick_a_member_receives_what_was_said_between_add_and_remove(void **state)
{
    (void)state;
    receives_what_was_said_between(0);
}

static void with_a_tick_a_member_receives_what_was_said_between_add_and_remove(void **state)
{
    (void)state;
    receives_what_was_said_between(20);
}

/* All of it in one turn: what leaves at its end is the same. */
static struct gw_session *comer;

static void do_all_at_once(void *context)
{
    struct room *room = context;
    uint64_t here = gw_session_id_of(room->session);
    uint64_t coming = gw_session_id_of(comer);
    assert_int_equal(gw_group_add(room->group, room->session), 0);
    say(room, 3);
    assert_int_equal(gw_group_add(room->group, comer), 0);
    assert_int_equal(gw_group_add(room->group, comer), 0); /* a member already */
    assert_int_equal(gw_group_count(room->group), 2);
    say(room, 2);
    gw_group_remove(room->group, here);
    gw_group_remove(room->group, here); /* not a member any more */
    say(room, 2);
    gw_group_remove(room->group, coming);
    assert_int_equal(gw_group_add(room->group, comer), 0);
    say(room, 1);
    gw_group_remove(room->group, coming);
}

static void members_may_come_and_go_within_a_turn(void **state)
{
    (void)state;
    struct room *room = open_room(0);
    struct guest ada = invite();
    struct guest bob = invite();
    comer = bob.session;
    do_in(room, do_all_at_once, ada.session);
    expect_numbers(&ada.peer, 1, 5);
    expect_numbers(&bob.peer, 4, 8);
    peer_sync(&ada.peer);
    peer_sync(&bob.peer);
    close_room(room);
    see_off(&ada);
    see_off(&bob);
}

static void do_tell(void *context)
{
    struct room *room = context;
    Gw__Error line = GW__ERROR__INIT;
    line.text = "for you alone";
    say(room, 2);
    gw_group_send(room->group, gw_session_id_of(room->session), LINE, &line.base);
    gw_group_send(room->group, GW_SESSION_ID_NONE, LINE, &line.base); /* not a member */
    say(room, 2);
}

static void who_is_told_receives_it_behind_all_that_was_said_so_far(void **state)
{
    (void)state;
    struct room *room = open_room(10);
    struct guest ada = invite();
    struct guest bob = invite();
    do_in(room, do_add, bob.session);
    do_in(room, do_add, ada.session);
    do_in(room, do_tell, ada.session);
    expect_numbers(&ada.peer, 1, 2);
    peer_expect_line(&ada.peer, "for you alone");
    expect_numbers(&ada.peer, 3, 4);
    expect_numbers(&bob.peer, 1, 4);
    close_room(room);
    see_off(&ada);
    see_off(&bob);
}

static void what_a_group_says_is_counted_once_for_each_member(void **state)
{
    (void)state;
    struct room *room = open_room(0);
    struct guest ada = invite();
    struct guest bob = invite();
    do_in(room, do_say_ten, NULL);
    do_in(room, do_add, ada.session);
    do_in(room, do_add, bob.session);
    do_in(room, do_say_ten, NULL);
    assert_int_equal(packet_counters_of(&fixture.server, NUMBER).out, 20);
    close_room(room);
    see_off(&ada);
    see_off(&bob);
}

/* The end of a member, and of a group. */

static void a_member_that_ends_leaves_by_itself(void **state)
{
    (void)state;
    struct room *room = open_room(5);
    struct guest ada = invite();
    struct guest bob = invite();
    struct guest eve = invite();
    do_in(room, do_add, ada.session);
    do_in(room, do_add, bob.session);
    do_in(room, do_add, eve.session);
    gw_session_unref(bob.session);
    raw_socket_reset(&bob.peer);
    wait_for_members(room, 2);
    do_in(room, do_say_ten, NULL);
    expect_numbers(&ada.peer, 1, 10);
    expect_numbers(&eve.peer, 1, 10);
    close_room(room);
    see_off(&ada);
    see_off(&eve);
}

static void who_has_ended_is_not_added(void **state)
{
    (void)state;
    struct room *room = open_room(0);
    struct guest ada = invite();
    gw_session_end(ada.session, GW__CLOSE_REASON__KICKED);
    do_in(room, do_add, ada.session);
    assert_int_equal(count_in(room), 0);
    peer_expect_close(&ada.peer, GW__CLOSE_REASON__KICKED);
    wait_until_empty(fixture.server.manager);
    do_in(room, do_add, ada.session);
    assert_int_equal(count_in(room), 0);
    close_room(room);
    see_off(&ada);
}

static void a_group_with_members_may_be_destroyed(void **state)
{
    (void)state;
    struct room *room = open_room(1000);
    struct guest ada = invite();
    struct guest bob = invite();
    do_in(room, do_add, ada.session);
    do_in(room, do_add, bob.session);
    do_in(room, do_say_ten, NULL);
    close_room(room); /* what was said leaves */
    expect_numbers(&ada.peer, 1, 10);
    expect_numbers(&bob.peer, 1, 10);
    peer_sync(&ada.peer);
    see_off(&ada);
    see_off(&bob);
}

static void a_session_may_be_in_many_groups(void **state)
{
    (void)state;
    struct room *rooms[5];
    struct guest ada = invite();
    struct guest bob = invite();
    for (int i = 0; i < 5; i++) {
        rooms[i] = open_room(0);
        do_in(rooms[i], do_add, ada.session);
        do_in(rooms[i], do_add, bob.session);
    }
    do_in(rooms[2], do_remove, ada.session);
    do_in(rooms[0], do_remove, ada.session);
    for (int i = 0; i < 5; i++) {
        do_in(rooms[i], do_say_one, NULL);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(peer_expect_stamp(&ada.peer, NUMBER), 1);
    }
    peer_sync(&ada.peer);
    see_off(&ada);
    for (int i = 0; i < 5; i++) {
        wait_for_members(rooms[i], 1);
        close_room(rooms[i]);
    }
    see_off(&bob);
}

/* Ticks. */

/* Expects two more after the first one it is called for. */
static void say_at_three_ticks(struct gw_group *group, void *context)
{
    struct room *room = context;
    assert_ptr_equal(group, room->group);
    say(room, 1);
    if (atomic_fetch_add(&room->tick_count, 1) + 1 < 3) {
        gw_group_request_tick(group);
    }
}

static void do_expect(void *context)
{
    struct room *room = context;
    gw_group_request_tick(room->group);
}

static void ticks_come_only_when_they_are_expected_or_something_was_said(void **state)
{
    (void)state;
    struct room *room = open_room_that_ticks(5, say_at_three_ticks);
    struct guest ada = invite();
    do_in(room, do_add, ada.session);
    machine_sleep_ms(30);
    assert_int_equal(atomic_load(&room->tick_count), 0);
    do_in(room, do_expect, NULL); /* and on_tick itself expects two more */
    wait_for_count(&room->tick_count, 3);
    expect_numbers(&ada.peer, 1, 3);
    machine_sleep_ms(30);
    assert_int_equal(atomic_load(&room->tick_count), 3);
    do_in(room, do_say_one, NULL);
    wait_for_count(&room->tick_count, 4);
    expect_numbers(&ada.peer, 4, 5);
    close_room(room);
    see_off(&ada);
}

static void without_a_tick_on_tick_comes_at_the_end_of_the_turn(void **state)
{
    (void)state;
    struct room *room = open_room_that_ticks(0, say_at_three_ticks);
    struct guest ada = invite();
    do_in(room, do_add, ada.session);
    do_in(room, do_say_ten, NULL);
    wait_for_count(&room->tick_count, 1);
    expect_numbers(&ada.peer, 1, 11);
    do_in(room, do_expect, NULL);
    wait_for_count(&room->tick_count, 2);
    expect_numbers(&ada.peer, 12, 12);
    close_room(room);
    see_off(&ada);
}

static void only_count(struct gw_group *group, void *context)
{
    (void)group;
    struct room *room = context;
    atomic_fetch_add(&room->tick_count, 1);
}

static uint64_t send_count(void)
{
    struct gw_port_counters counters;
    gw_port_counters(fixture.port, &counters);
    return counters.send_count;
}

static void what_is_said_leaves_with_the_tick_and_all_at_once(void **state)
{
    (void)state;
    struct room *room = open_room_that_ticks(20, only_count);
    struct guest ada = invite();
    do_in(room, do_add, ada.session);
    wait_until_sent(); /* HELLO_ACK is counted, too */
    uint64_t sends_before = send_count();
    for (int i = 0; i < 50; i++) {
        do_in(room, do_say_ten, NULL);
    }
    expect_numbers(&ada.peer, 1, 500);
    assert_true(send_count() - sends_before <= atomic_load(&room->tick_count));
    close_room(room);
    see_off(&ada);
}

static const struct loopback_fixture_config one_worker = {.worker_count = 1};

enum { WORD_COUNT = 200 }; /* three times what a turn runs */

static struct {
    struct room *room;
    struct gw_task words[WORD_COUNT];
} queue;

static void run_word(struct gw_task *task)
{
    (void)task;
    say(queue.room, 1);
}

static void do_queue_words(void *context)
{
    queue.room = context;
    for (int i = 0; i < WORD_COUNT; i++) {
        queue.words[i].run = run_word;
        gw_turn_post(&queue.room->turn, &queue.words[i]);
    }
}

static void what_waits_for_a_room_is_said_in_one_piece(void **state)
{
    (void)state;
    struct room *room = open_room(0);
    struct guest guest = invite();
    do_in(room, do_add, guest.session);
    wait_until_sent(); /* HELLO_ACK is counted, too */
    uint64_t sends_before = send_count();
    do_in(room, do_queue_words, NULL);
    expect_numbers(&guest.peer, 1, WORD_COUNT);
    wait_until_sent();
    assert_int_equal(send_count() - sends_before, 1);
    close_room(room);
    see_off(&guest);
}

static void destroy_at_first_tick(struct gw_group *group, void *context)
{
    struct room *room = context;
    gw_group_destroy(group);
    atomic_fetch_add(&room->tick_count, 1);
}

static void a_group_may_be_destroyed_in_its_tick(void **state)
{
    (void)state;
    static const uint32_t ticks_ms[] = {0, 3};
    for (size_t i = 0; i < 2; i++) {
        struct room *room = open_room_that_ticks(ticks_ms[i], destroy_at_first_tick);
        struct guest ada = invite();
        do_in(room, do_add, ada.session);
        do_in(room, do_say_ten, NULL);
        wait_for_count(&room->tick_count, 1);
        expect_numbers(&ada.peer, 1, 10);
        peer_sync(&ada.peer);
        see_off(&ada);
        rooms_to_free[i] = room;
    }
}

/* Much at once. */

static void do_say_much(void *context)
{
    struct room *room = context;
    static char text[3001];
    memset(text, 'x', sizeof text - 1);
    Gw__Error line = GW__ERROR__INIT;
    line.text = text;
    for (line.code = 0; line.code < 60; line.code++) { /* 180 KB: more than one buffer */
        gw_group_broadcast(room->group, LINE, &line.base);
    }
}

static void more_than_a_buffer_holds_leaves_in_order(void **state)
{
    (void)state;
    struct room *room = open_room(0);
    struct guest ada = invite();
    do_in(room, do_add, ada.session);
    do_in(room, do_say_much, NULL);
    for (uint32_t code = 0; code < 60; code++) {
        const struct peer_frame *frame = peer_expect(&ada.peer, LINE);
        Gw__Error *line = gw__error__unpack(NULL, frame->header.body_bytes, frame->body);
        assert_int_equal(line->code, code);
        assert_int_equal(strlen(line->text), 3000);
        gw__error__free_unpacked(line, NULL);
    }
    close_room(room);
    see_off(&ada);
}

static void do_say_longest(void *context)
{
    struct room *room = context;
    static char text[65536];
    memset(text, 'x', sizeof text - 1);
    Gw__Error line = GW__ERROR__INIT;
    line.text = text;
    text[65536 - 4] = '\0';
    assert_int_equal(gw__error__get_packed_size(&line), 65536);
    say(room, 1);
    gw_group_broadcast(room->group, LINE, &line.base);
    text[65536 - 4] = 'x';
    gw_group_broadcast(room->group, LINE, &line.base); /* too long: dropped */
    say(room, 1);
}

static void the_longest_message_is_said_and_a_longer_one_is_not(void **state)
{
    (void)state;
    struct room *room = open_room(0);
    struct guest ada = invite();
    do_in(room, do_add, ada.session);
    do_in(room, do_say_longest, NULL);
    expect_numbers(&ada.peer, 1, 1);
    assert_int_equal(peer_expect(&ada.peer, LINE)->header.body_bytes, 65536);
    expect_numbers(&ada.peer, 2, 2);
    assert_int_equal(atomic_load(&fixture.too_long_logged), 1);
    close_room(room);
    see_off(&ada);
}

static const struct loopback_fixture_config short_queues = {
    .server = {.send_queue_bytes_max = 400 * 1024}};

/* P4, T7: one who does not read ends alone; the others hear it all. */
static void a_slow_member_ends_with_slow_consumer_and_the_others_receive_all(void **state)
{
    (void)state;
    struct room *room = open_room(0);
    struct guest good = invite();
    struct raw_socket slow = peer_connect_narrow(fixture.port_number);
    const Gw__Hello hello = peer_valid_hello();
    peer_send_hello(&slow, &hello);
    peer_expect(&slow, HELLO_ACK);
    wait_for_count(&fixture.server.greeted, 2);
    struct gw_session *session = fixture_session();
    do_in(room, do_add, session);
    do_in(room, do_add, good.session);
    unsigned rounds = 0;
    while (!gw_session_has_ended(session) && rounds < 200) {
        do_in(room, do_say_much, NULL);
        for (int i = 0; i < 60; i++) {
            peer_expect(&good.peer, LINE);
        }
        rounds++;
    }
    assert_true(gw_session_has_ended(session));
    raw_socket_close(&slow);
    wait_for_members(room, 1);
    do_in(room, do_say_ten, NULL);
    expect_numbers(&good.peer, 1, 10);
    wait_for_count(&fixture.server.ended_for[GW__CLOSE_REASON__SLOW_CONSUMER], 1);
    gw_session_unref(session);
    close_room(room);
    see_off(&good);
}

/* One order for all: members on all workers, and a room that they all speak in. */

enum { SPEAKER_COUNT = 12, SPEECH_COUNT = 60 };

struct speech {
    struct gw_task task;
    struct room *room;
    uint64_t stamp;
};

static struct room *forum;

static void run_speech(struct gw_task *task)
{
    struct speech *speech = (struct speech *)(void *)task;
    Gw__Ping number = GW__PING__INIT;
    number.stamp = speech->stamp;
    gw_group_broadcast(speech->room->group, NUMBER, &number.base);
    free(speech);
}

static void speak(struct gw_session *session, const struct gw_frame *frame,
                  const ProtobufCMessage *message)
{
    (void)session;
    (void)frame;
    struct speech *speech = calloc(1, sizeof *speech);
    speech->task.run = run_speech;
    speech->room = forum;
    speech->stamp = ((const Gw__Ping *)message)->stamp;
    gw_turn_post(&forum->turn, &speech->task);
}

static const struct loopback_fixture_config debate = {.server_hooks = {.on_received = speak}};

static void all_receive_the_same_in_one_order(uint32_t tick_ms)
{
    static uint64_t received[SPEAKER_COUNT][SPEAKER_COUNT * SPEECH_COUNT];
    forum = open_room(tick_ms);
    struct guest guests[SPEAKER_COUNT];
    for (int i = 0; i < SPEAKER_COUNT; i++) {
        guests[i] = invite();
        do_in(forum, do_add, guests[i].session);
    }
    for (uint64_t speech = 0; speech < SPEECH_COUNT; speech++) {
        for (uint64_t i = 0; i < SPEAKER_COUNT; i++) {
            peer_send_stamp(&guests[i].peer, EITHER, 1 + i * SPEECH_COUNT + speech);
        }
    }
    for (int i = 0; i < SPEAKER_COUNT; i++) {
        uint64_t last[SPEAKER_COUNT] = {0};
        for (int n = 0; n < SPEAKER_COUNT * SPEECH_COUNT; n++) {
            uint64_t stamp = peer_expect_stamp(&guests[i].peer, NUMBER);
            uint64_t speaker = (stamp - 1) / SPEECH_COUNT;
            assert_true(stamp > last[speaker]); /* in the order it was said */
            last[speaker] = stamp;
            received[i][n] = stamp;
        }
        assert_memory_equal(received[i], received[0], sizeof received[0]);
    }
    close_room(forum);
    for (int i = 0; i < SPEAKER_COUNT; i++) {
        see_off(&guests[i]);
    }
}

static void without_a_tick_all_receive_the_same_in_one_order(void **state)
{
    (void)state;
    all_receive_the_same_in_one_order(0);
}

static void with_a_tick_all_receive_the_same_in_one_order(void **state)
{
    (void)state;
    all_receive_the_same_in_one_order(7);
}

/* The race: members end, are added and removed at the same time, and the group goes, too. */

enum { CROWD_COUNT = 24, MOVE_COUNT = 400 };

static void do_churn(void *context)
{
    struct room *room = context;
    say(room, 1);
    if (rand() % 2 == 0) {
        assert_int_equal(gw_group_add(room->group, room->session), 0);
    } else {
        gw_group_remove(room->group, gw_session_id_of(room->session));
    }
}

static void members_end_while_they_are_added_and_removed(void **state)
{
    (void)state;
    struct guest crowd[CROWD_COUNT];
    struct room *rooms[2] = {open_room(0), open_room(1)};
    for (int i = 0; i < CROWD_COUNT; i++) {
        crowd[i] = invite();
        do_in(rooms[0], do_add, crowd[i].session);
    }
    srand(3);
    int gone = 0;
    for (int move = 0; move < MOVE_COUNT; move++) {
        if (move % (MOVE_COUNT / CROWD_COUNT) == 0 && gone < CROWD_COUNT) {
            if (gone % 2 == 0) {
                raw_socket_reset(&crowd[gone].peer);
            } else {
                gw_session_end(crowd[gone].session, GW__CLOSE_REASON__KICKED);
            }
            gone++;
        }
        do_in(rooms[move % 2], do_churn, crowd[rand() % CROWD_COUNT].session);
    }
    for (int i = 0; i < CROWD_COUNT; i++) {
        see_off(&crowd[i]);
        do_in(rooms[0], do_say_one, NULL);
    }
    close_room(rooms[0]);
    close_room(rooms[1]);
    wait_until_empty(fixture.server.manager);
}

/*
 * With one worker, what happens in which order is the test's choice: while the room has its turn,
 * the peer hangs up, and the session has its last turn before it hears of what the room did.
 */
static atomic_bool room_has_turn;
static atomic_bool room_may_go_on;

static void wait_for_flag(atomic_bool *flag)
{
    while (!atomic_load(flag)) {
        machine_sleep_ms(1);
    }
}

static void do_add_late(void *context)
{
    atomic_store(&room_has_turn, true);
    wait_for_flag(&room_may_go_on);
    do_add(context);
}

static void do_remove_late(void *context)
{
    atomic_store(&room_has_turn, true);
    wait_for_flag(&room_may_go_on);
    do_remove(context);
}

static void hang_up_meanwhile(void *context)
{
    struct guest *guest = context;
    wait_for_flag(&room_has_turn);
    raw_socket_reset(&guest->peer);
    machine_sleep_ms(20);
    atomic_store(&room_may_go_on, true);
}

static void do_while_it_hangs_up(struct room *room, void (*work)(void *), struct guest *guest)
{
    os_thread thread;
    atomic_store(&room_has_turn, false);
    atomic_store(&room_may_go_on, false);
    assert_int_equal(os_thread_start(&thread, hang_up_meanwhile, guest), 0);
    do_in(room, work, guest->session);
    os_thread_join(thread);
}

static void who_ends_before_it_receives_that_it_was_added_leaves_all_the_same(void **state)
{
    (void)state;
    struct room *room = open_room(0);
    struct guest ada = invite();
    do_while_it_hangs_up(room, do_add_late, &ada);
    wait_for_members(room, 0);
    wait_for_count(&fixture.server.ended, 1);
    close_room(room);
    see_off(&ada);
}

static void who_ends_before_it_receives_that_it_was_removed_leaves_once(void **state)
{
    (void)state;
    struct room *room = open_room(0);
    struct guest ada = invite();
    struct guest bob = invite();
    do_in(room, do_add, ada.session);
    do_in(room, do_add, bob.session);
    do_while_it_hangs_up(room, do_remove_late, &ada);
    wait_for_count(&fixture.server.ended, 1);
    assert_int_equal(count_in(room), 1);
    close_room(room);
    see_off(&ada);
    see_off(&bob);
}

/* Nothing of a member or a group is on its way any more when all is over. */
static void drained_comes_after_the_last_membership(void **state)
{
    (void)state;
    struct room *room = open_room(3);
    struct guest crowd[CROWD_COUNT];
    for (int i = 0; i < CROWD_COUNT; i++) {
        crowd[i] = invite();
        do_in(room, do_add, crowd[i].session);
        gw_session_unref(crowd[i].session);
    }
    fixture_drain(&fixture.server, 20);
    for (int i = 0; i < CROWD_COUNT; i++) {
        peer_expect(&crowd[i].peer, GO_AWAY);
        peer_expect_close(&crowd[i].peer, GW__CLOSE_REASON__SHUTDOWN);
    }
    wait_until_drained(&fixture.server);
    assert_int_equal(count_in(room), 0);
    close_room(room);
    machine_sleep_ms(20); /* the group's last task; the port is stopped right after this */
}

#define GROUP_TEST_WITH(test, config)                                                              \
    cmocka_unit_test_prestate_setup_teardown(test, fixture_open, close_fixture, (void *)(config))
#define GROUP_TEST(test) GROUP_TEST_WITH(test, NULL)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GROUP_TEST(without_a_tick_a_member_receives_what_was_said_between_add_and_remove),
        GROUP_TEST(with_a_tick_a_member_receives_what_was_said_between_add_and_remove),
        GROUP_TEST(members_may_come_and_go_within_a_turn),
        GROUP_TEST(who_is_told_receives_it_behind_all_that_was_said_so_far),
        GROUP_TEST(what_a_group_says_is_counted_once_for_each_member),
        GROUP_TEST(a_member_that_ends_leaves_by_itself),
        GROUP_TEST(who_has_ended_is_not_added),
        GROUP_TEST(a_group_with_members_may_be_destroyed),
        GROUP_TEST(a_session_may_be_in_many_groups),
        GROUP_TEST(ticks_come_only_when_they_are_expected_or_something_was_said),
        GROUP_TEST(without_a_tick_on_tick_comes_at_the_end_of_the_turn),
        GROUP_TEST(what_is_said_leaves_with_the_tick_and_all_at_once),
        GROUP_TEST_WITH(what_waits_for_a_room_is_said_in_one_piece, &one_worker),
        GROUP_TEST(a_group_may_be_destroyed_in_its_tick),
        GROUP_TEST(more_than_a_buffer_holds_leaves_in_order),
        GROUP_TEST(the_longest_message_is_said_and_a_longer_one_is_not),
        GROUP_TEST_WITH(a_slow_member_ends_with_slow_consumer_and_the_others_receive_all,
                        &short_queues),
        GROUP_TEST_WITH(without_a_tick_all_receive_the_same_in_one_order, &debate),
        GROUP_TEST_WITH(with_a_tick_all_receive_the_same_in_one_order, &debate),
        GROUP_TEST(members_end_while_they_are_added_and_removed),
        GROUP_TEST_WITH(who_ends_before_it_receives_that_it_was_added_leaves_all_the_same,
                        &one_worker),
        GROUP_TEST_WITH(who_ends_before_it_receives_that_it_was_removed_leaves_once, &one_worker),
        GROUP_TEST(drained_comes_after_the_last_membership),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

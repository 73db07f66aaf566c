/* tests/session/test_group.c: Broadcast groups on real sockets, with members on several workers. */
#include "tests/session/loopback_fixture.h"
#include "tests/test.h"

#include "net/turn.h"
#include "session/group.h"

#include <stdlib.h>

/*
 * tests/scripted/test_groups.c shows what a group does, step by step, with one worker. Here a real
 * kernel agrees with it, and members and owner run at the same time.
 */

/* The owner of a group. */
struct room {
    struct gw_turn turn;
    struct gw_group *group;
    struct gw_session *session; /* the argument of the next task */
    uint64_t last_number;
    uint32_t count;
};

static struct room *room_open(uint32_t tick_ms)
{
    struct room *room = calloc(1, sizeof *room);
    const struct gw_group_config config = {.tick_ms = tick_ms};
    gw_turn_init(&room->turn, fixture.port, NULL);
    room->group = gw_group_create(fixture.server.manager, &room->turn, &config);
    assert_non_null(room->group);
    return room;
}

static void destroy(void *context)
{
    struct room *room = context;
    gw_group_destroy(room->group);
}

/* Rooms are freed at the end of the test, when no task can use them. */
enum { ROOM_COUNT_MAX = 2 };
static struct room *closed_rooms[ROOM_COUNT_MAX];
static size_t closed_room_count;

static void room_close(struct room *room)
{
    run_in_turn(&room->turn, destroy, room);
    assert_true(closed_room_count < ROOM_COUNT_MAX);
    closed_rooms[closed_room_count++] = room;
}

static int close_fixture(void **state)
{
    int result = fixture_close(state);
    while (closed_room_count > 0) {
        free(closed_rooms[--closed_room_count]);
    }
    return result;
}

static void broadcast(struct room *room, uint64_t count)
{
    Gw__Ping number = GW__PING__INIT;
    while (count-- > 0) {
        number.stamp = ++room->last_number;
        gw_group_broadcast(room->group, NUMBER, &number.base);
    }
}

static void broadcast_one(void *context)
{
    broadcast(context, 1);
}

static void broadcast_ten(void *context)
{
    broadcast(context, 10);
}

static void add(void *context)
{
    struct room *room = context;
    assert_int_equal(gw_group_add(room->group, room->session), 0);
}

static void remove_member(void *context)
{
    struct room *room = context;
    gw_group_remove(room->group, gw_session_id_of(room->session));
}

static void count_members(void *context)
{
    struct room *room = context;
    room->count = gw_group_count(room->group);
}

static void in_turn(struct room *room, void (*work)(void *), struct gw_session *session)
{
    room->session = session;
    run_in_turn(&room->turn, work, room);
}

static uint32_t count_in(struct room *room)
{
    in_turn(room, count_members, NULL);
    return room->count;
}

/* A peer and its session. */
struct client {
    struct raw_socket peer;
    struct gw_session *session;
};

static struct client client_join(void)
{
    struct client client = {peer_join(), NULL};
    wait_for_count(&fixture.server.greeted, atomic_load(&fixture.server.begun));
    client.session = fixture_session();
    return client;
}

static void client_close(struct client *client)
{
    gw_session_unref(client->session);
    raw_socket_close(&client->peer);
}

static void expect_numbers(struct raw_socket *peer, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        assert_int_equal(peer_expect_stamp(peer, NUMBER), number);
    }
}

static void a_member_receives_what_is_broadcast_between_its_add_and_its_remove(void **state)
{
    struct room *room = room_open(20);
    struct client ada = client_join();
    struct client bob = client_join();
    in_turn(room, broadcast_ten, NULL); /* no members */
    in_turn(room, add, ada.session);
    in_turn(room, broadcast_ten, NULL);
    in_turn(room, add, bob.session);
    in_turn(room, broadcast_ten, NULL);
    in_turn(room, remove_member, ada.session);
    in_turn(room, broadcast_ten, NULL);
    in_turn(room, remove_member, bob.session);
    in_turn(room, broadcast_ten, NULL);
    expect_numbers(&ada.peer, 11, 30);
    expect_numbers(&bob.peer, 21, 40);
    peer_sync(&ada.peer);
    peer_sync(&bob.peer);
    assert_int_equal(count_in(room), 0);
    room_close(room);
    client_close(&ada);
    client_close(&bob);
}

/* ---- order: members on all workers broadcast in one room ---- */

enum { SPEAKER_COUNT = 12, MESSAGE_COUNT = 60 };

struct message_task {
    struct gw_task task;
    uint64_t stamp;
};

static struct room *shared_room;

static void run_message_task(struct gw_task *task)
{
    struct message_task *message_task = (struct message_task *)(void *)task;
    Gw__Ping number = GW__PING__INIT;
    number.stamp = message_task->stamp;
    gw_group_broadcast(shared_room->group, NUMBER, &number.base);
    free(message_task);
}

static void broadcast_received(struct gw_session *session, const struct gw_frame *frame,
                               const ProtobufCMessage *message)
{
    struct message_task *message_task = calloc(1, sizeof *message_task);
    message_task->task.run = run_message_task;
    message_task->stamp = ((const Gw__Ping *)message)->stamp;
    gw_turn_post(&shared_room->turn, &message_task->task);
}

static const struct loopback_fixture_config broadcasting = {
    .server_hooks = {.on_received = broadcast_received}};

static void all_members_receive_one_order(uint32_t tick_ms)
{
    static uint64_t received[SPEAKER_COUNT][SPEAKER_COUNT * MESSAGE_COUNT];
    shared_room = room_open(tick_ms);
    struct client clients[SPEAKER_COUNT];
    for (int i = 0; i < SPEAKER_COUNT; i++) {
        clients[i] = client_join();
        in_turn(shared_room, add, clients[i].session);
    }
    for (uint64_t message = 0; message < MESSAGE_COUNT; message++) {
        for (uint64_t i = 0; i < SPEAKER_COUNT; i++) {
            peer_send_stamp(&clients[i].peer, EITHER, 1 + i * MESSAGE_COUNT + message);
        }
    }
    for (int i = 0; i < SPEAKER_COUNT; i++) {
        uint64_t last[SPEAKER_COUNT] = {0};
        for (int n = 0; n < SPEAKER_COUNT * MESSAGE_COUNT; n++) {
            uint64_t stamp = peer_expect_stamp(&clients[i].peer, NUMBER);
            uint64_t speaker = (stamp - 1) / MESSAGE_COUNT;
            assert_true(stamp > last[speaker]); /* in the order of the speaker */
            last[speaker] = stamp;
            received[i][n] = stamp;
        }
        assert_memory_equal(received[i], received[0], sizeof received[0]);
    }
    room_close(shared_room);
    for (int i = 0; i < SPEAKER_COUNT; i++) {
        client_close(&clients[i]);
    }
}

static void all_members_receive_one_order_without_a_tick(void **state)
{
    all_members_receive_one_order(0);
}

static void all_members_receive_one_order_with_a_tick(void **state)
{
    all_members_receive_one_order(7);
}

/* ---- races: sessions end while they are added and removed, and while the server drains ---- */

enum { CLIENT_COUNT = 24, CHANGE_COUNT = 400 };

static void broadcast_and_change(void *context)
{
    struct room *room = context;
    broadcast(room, 1);
    if (rand() % 2 == 0) {
        add(room);
    } else {
        remove_member(room);
    }
}

static void sessions_may_end_while_they_are_added_removed_and_drained(void **state)
{
    struct client clients[CLIENT_COUNT];
    struct room *rooms[2] = {room_open(0), room_open(1)};
    for (int i = 0; i < CLIENT_COUNT; i++) {
        clients[i] = client_join();
        in_turn(rooms[0], add, clients[i].session);
    }
    srand(3);
    int ended = 0;
    for (int change = 0; change < CHANGE_COUNT; change++) {
        if (change % (CHANGE_COUNT / CLIENT_COUNT) == 0 && ended < CLIENT_COUNT - 4) {
            if (ended % 2 == 0) {
                raw_socket_reset(&clients[ended].peer);
            } else {
                gw_session_end(clients[ended].session, GW__CLOSE_REASON__KICKED);
            }
            ended++;
        }
        in_turn(rooms[change % 2], broadcast_and_change, clients[rand() % CLIENT_COUNT].session);
    }
    fixture_drain(&fixture.server, 20);
    for (int i = 0; i < CLIENT_COUNT; i++) {
        client_close(&clients[i]);
        in_turn(rooms[0], broadcast_one, NULL);
    }
    wait_until_drained(&fixture.server);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(count_in(rooms[i]), 0);
        room_close(rooms[i]); /* the port stops right after the groups' last tasks */
    }
}

#define GROUP_TEST_WITH(test, config)                                                              \
    cmocka_unit_test_prestate_setup_teardown(test, fixture_open, close_fixture, (void *)(config))
#define GROUP_TEST(test) GROUP_TEST_WITH(test, NULL)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GROUP_TEST(a_member_receives_what_is_broadcast_between_its_add_and_its_remove),
        GROUP_TEST_WITH(all_members_receive_one_order_without_a_tick, &broadcasting),
        GROUP_TEST_WITH(all_members_receive_one_order_with_a_tick, &broadcasting),
        GROUP_TEST(sessions_may_end_while_they_are_added_removed_and_drained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/server/test_rooms.c: Tests of entering and leaving rooms, in many orders of turns. */
#include "proto/game/game_server.gen.h"
#include "protocol/arena.h"
#include "protocol/frame.h"
#include "tests/server/captured.h"
#include "tests/server/fake_session.h"
#include "tests/support/machine.h"

#include "server/game/game.h"
#include "server/game/lobby.h"
#include "server/game/player.h"
#include "server/log/log.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAYERS = 6, ROOMS_MAX = 3, MEMBERS_MAX = 3, SEEDS = 3000, PACKET_COUNT = 120 };

static struct game game;
static struct gw_session_events events;
static struct gw_session *sessions[PLAYERS];
static unsigned over_count;
static FILE *log_file;

static void on_over(void *context)
{
    over_count++;
}

/* The end of a session, in its turn; nothing that was received has to be handled before. */
static struct gw_task ends[PLAYERS];

static void end(struct gw_session *session)
{
    gw_session_end(session, GW__CLOSE_REASON__BY_PEER);
    session->is_gone = true;
    events.on_end(session, session->reason, GW__CLOSE_REASON__NONE, &game);
}

static void run_end(struct gw_task *task)
{
    end(sessions[task - ends]);
}

static void post_end(int player)
{
    if (ends[player].run == NULL) {
        ends[player].run = run_end;
        gw_turn_post(&sessions[player]->turn, &ends[player]);
    }
}

static void open_game(uint32_t seed)
{
    fake_session_init(seed);
    game = (struct game){
        .log = game.log,
        .limits = {.room_members_max = MEMBERS_MAX, .rooms_max = ROOMS_MAX},
        .on_over = on_over,
    };
    over_count = 0;
    memset(ends, 0, sizeof ends);
    game_hold(&game);
    game.lobby = lobby_create(&game);
    for (int i = 0; i < PLAYERS; i++) {
        sessions[i] = fake_session_create();
        sessions[i]->user = player_create(&game, sessions[i]);
        assert_true(player_set_name(sessions[i]->user, "somebody"));
    }
}

/* Ends all sessions; then every object must be freed. */
static void close_game(void)
{
    for (int i = 0; i < PLAYERS; i++) {
        post_end(i);
    }
    fake_session_run_now();
    assert_int_equal(over_count, 0);
    assert_int_equal(game.counters.rooms, 0);
    assert_int_equal(game.counters.room_members, 0);
    game_release(&game);
    assert_int_equal(over_count, 1);
    for (int i = 0; i < PLAYERS; i++) {
        fake_session_destroy(sessions[i]);
    }
    lobby_destroy(game.lobby);
    assert_int_equal(fake_turn_count(), 0);
}

static const struct gw_frame no_tag;

static void enter_room(struct gw_session *session, const char *room)
{
    Game__Enter enter = GAME__ENTER__INIT;
    enter.room = (char *)room;
    assert_false(session->is_paused);
    if (session->stage == GAME__STAGE__LOBBY && !session->has_ended) {
        game_on_enter(session, &no_tag, &enter);
    }
}

static const char *named_room;

static void enter_named(struct gw_session *session)
{
    enter_room(session, named_room);
}

static void enter_red(struct gw_session *session)
{
    enter_room(session, "red");
}

/* The game, with this many players in the room "red". */
static void open_game_in_red(uint32_t seed, int count)
{
    open_game(seed);
    for (int i = 0; i < count; i++) {
        fake_session_receive(sessions[i], enter_red);
    }
    fake_session_run_now();
}

static void enter_blue(struct gw_session *session)
{
    enter_room(session, "blue");
}

static void enter_some(struct gw_session *session)
{
    static const char *const rooms[] = {"a", "b", "c", "d", "red"};
    enter_room(session, rooms[fake_random(5)]);
}

static bool is_playing(const struct gw_session *session)
{
    return session->stage == GAME__STAGE__IN_ROOM && !session->has_ended;
}

static void leave(struct gw_session *session)
{
    if (is_playing(session)) {
        Game__Leave message = GAME__LEAVE__INIT;
        session->client.leave_count++;
        game_on_leave(session, &no_tag, &message);
    }
}

static void chat(struct gw_session *session)
{
    if (is_playing(session)) {
        Game__Chat message = GAME__CHAT__INIT;
        message.text = "hello";
        game_on_chat(session, &no_tag, &message);
    }
}

static void move(struct gw_session *session)
{
    if (is_playing(session)) {
        Game__Move message = GAME__MOVE__INIT;
        message.x = (int32_t)fake_random(3);
        game_on_move(session, &no_tag, &message);
    }
}

static void list_members(struct gw_session *session)
{
    if (is_playing(session)) {
        Game__Who message = GAME__WHO__INIT;
        game_on_who(session, &no_tag, &message);
    }
}

static unsigned in_room_count(void)
{
    unsigned count = 0;
    for (int i = 0; i < PLAYERS; i++) {
        count += sessions[i]->client.is_in_room && !sessions[i]->has_ended;
    }
    return count;
}

static void all_members_of_a_room_have_the_same_list(void **state)
{
    open_game_in_red(1, MEMBERS_MAX);
    for (int i = 0; i < MEMBERS_MAX; i++) {
        assert_int_equal(sessions[i]->client.member_count, MEMBERS_MAX);
    }
    assert_int_equal(game.counters.rooms, 1);
    close_game();
}

static void a_full_room_refuses_with_room_full(void **state)
{
    for (uint32_t seed = 0; seed < 200; seed++) {
        open_game_in_red(seed, MEMBERS_MAX + 1);
        assert_int_equal(in_room_count(), MEMBERS_MAX);
        for (int i = 0; i < MEMBERS_MAX + 1; i++) {
            const struct fake_client *client = &sessions[i]->client;
            assert_int_equal(client->entered_count + client->refused_count, 1);
            assert_true(client->refused_count == 0 ||
                        client->refusal == GAME__ENTER_RESULT__ROOM_FULL);
            assert_int_equal(sessions[i]->stage, client->is_in_room ? 1 : 0);
        }
        close_game();
    }
}

/* A client that has read Left may enter at once. */
static void a_full_room_admits_a_player_once_left_is_sent(void **state)
{
    for (uint32_t seed = 0; seed < 200; seed++) {
        open_game_in_red(seed, MEMBERS_MAX);
        fake_session_receive(sessions[0], leave);
        while (sessions[0]->client.left_count == 0) {
            assert_true(fake_session_step());
        }
        fake_session_receive(sessions[PLAYERS - 1], enter_red);
        fake_session_run_now();
        assert_true(sessions[PLAYERS - 1]->client.is_in_room);
        close_game();
    }
}

static void more_rooms_than_the_maximum_are_refused(void **state)
{
    static const char *const rooms[] = {"a", "b", "c", "d"};
    open_game(1);
    for (int i = 0; i < ROOMS_MAX + 1; i++) {
        named_room = rooms[i];
        fake_session_receive(sessions[i], enter_named);
        fake_session_run_now();
    }
    assert_int_equal(game.counters.rooms, ROOMS_MAX);
    assert_int_equal(sessions[ROOMS_MAX]->client.refusal, GAME__ENTER_RESULT__SERVER_BUSY);
    assert_int_equal(sessions[ROOMS_MAX]->stage, GAME__STAGE__LOBBY);

    fake_session_receive(sessions[0], leave);
    fake_session_run_now();
    fake_session_receive(sessions[ROOMS_MAX], enter_red);
    fake_session_run_now();
    assert_true(sessions[ROOMS_MAX]->client.is_in_room);
    close_game();
}

static void invalid_room_names_are_refused(void **state)
{
    static const char *const names[] = {"", "123456789012345678901234567890123"};
    open_game(1);
    for (size_t i = 0; i < 2; i++) {
        named_room = names[i];
        fake_session_receive(sessions[0], enter_named);
        fake_session_run_now();
        assert_int_equal(sessions[0]->client.refused_count, i + 1);
        assert_int_equal(sessions[0]->client.refusal, GAME__ENTER_RESULT__BAD_ROOM_NAME);
    }
    named_room = "12345678901234567890123456789012";
    fake_session_receive(sessions[0], enter_named);
    fake_session_run_now();
    assert_true(sessions[0]->client.is_in_room);
    close_game();
}

static void a_second_enter_behind_enter_has_no_effect(void **state)
{
    for (uint32_t seed = 0; seed < 200; seed++) {
        open_game(seed);
        fake_session_receive(sessions[0], enter_red);
        fake_session_receive(sessions[0], enter_blue);
        fake_session_run_now();
        assert_true(sessions[0]->client.is_in_room);
        assert_string_equal(sessions[0]->client.room, "red");
        assert_int_equal(sessions[0]->client.entered_count, 1);
        close_game();
    }
}

static void enter_behind_leave_enters_the_other_room(void **state)
{
    for (uint32_t seed = 0; seed < 200; seed++) {
        open_game_in_red(seed, 2);
        fake_session_receive(sessions[0], leave);
        fake_session_receive(sessions[0], enter_blue);
        fake_session_receive(sessions[1], chat);
        fake_session_run_now(); /* the client asserts that Left comes before Entered */
        assert_int_equal(sessions[0]->client.left_count, 1);
        assert_string_equal(sessions[0]->client.room, "blue");
        assert_true(sessions[0]->client.is_in_room);
        close_game();
    }
}

/* Packets that a client sends behind Enter and Leave, without waiting for the answers. */
static void packets_behind_a_change_of_room_are_handled_after_it(void **state)
{
    static fake_packet *const packets[] = {enter_red,  chat, move,        leave,
                                           enter_blue, chat, list_members};
    for (uint32_t seed = 0; seed < 200; seed++) {
        open_game(seed);
        fake_session_receive(sessions[1], enter_red);
        fake_session_run_now();
        for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++) {
            fake_session_receive(sessions[0], packets[i]);
        }
        fake_session_run_now(); /* the client asserts that it receives its lines in the room */
        assert_int_equal(game.counters.lines, 2);
        assert_int_equal(sessions[1]->client.line, 1);
        assert_int_equal(sessions[0]->client.line, 1);
        assert_int_equal(sessions[0]->client.left_count, 1);
        assert_string_equal(sessions[0]->client.room, "blue");
        assert_false(sessions[0]->is_paused);
        close_game();
    }
}

/* The last member leaves, so the lobby closes the room, while another player enters it. */
static void a_player_may_enter_a_room_while_its_last_member_leaves(void **state)
{
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        open_game_in_red(seed, 1);
        fake_session_receive(sessions[0], leave);
        fake_session_receive(sessions[1], enter_red);
        fake_session_run_now();
        assert_false(sessions[0]->client.is_in_room);
        assert_true(sessions[1]->client.is_in_room);
        assert_int_equal(sessions[1]->client.member_count, 1);
        assert_int_equal(game.counters.rooms, 1);
        close_game();
    }
}

static void a_session_that_ends_at_any_time_leaves_its_room_once(void **state)
{
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        open_game_in_red(seed, 1);
        fake_session_receive(sessions[1], enter_red);
        for (uint32_t steps = fake_random(12); steps > 0; steps--) {
            fake_session_step();
        }
        post_end(1);
        fake_session_run_now(); /* the other client asserts that it receives one Gone */
        assert_int_equal(sessions[0]->client.member_count, 1);
        close_game();
    }
}

static void chat_before_leave_is_received(void **state)
{
    for (uint32_t seed = 0; seed < 200; seed++) {
        open_game_in_red(seed, 2);
        fake_session_receive(sessions[1], chat);
        fake_session_receive(sessions[1], move);
        fake_session_receive(sessions[1], leave);
        fake_session_receive(sessions[0], chat);
        fake_session_run_now();
        assert_int_equal(sessions[0]->client.line, 2);
        assert_true(sessions[1]->client.line >= 1);
        close_game();
    }
}

static void chat_up_to_the_limit(struct gw_session *session)
{
    for (int i = 0; i < PLAYER_COMMAND_COUNT_MAX; i++) {
        assert_false(session->is_paused);
        chat(session);
    }
    assert_true(session->is_paused);
    player_catch_up(session->user); /* a command that no packet asks for */
}

/* Twice, to show that the session may be paused again. */
static void a_session_is_paused_while_its_room_has_256_of_its_commands(void **state)
{
    open_game_in_red(1, 1);
    for (uint32_t i = 1; i <= 2; i++) {
        fake_session_receive(sessions[0], chat_up_to_the_limit);
        fake_session_run_now();
        assert_false(sessions[0]->is_paused);
        assert_int_equal(sessions[0]->client.line, i * PLAYER_COMMAND_COUNT_MAX);
    }
    assert_false(sessions[0]->has_ended);
    close_game();
}

/* In many orders of turns; close_game() checks that all is freed. */
static void a_paused_session_may_end(void **state)
{
    for (uint32_t seed = 0; seed < 200; seed++) {
        open_game_in_red(seed, 2);
        fake_session_receive(sessions[0], chat_up_to_the_limit);
        if (seed % 2 == 0) {
            fake_session_receive(sessions[0], leave);
        }
        post_end(0);
        fake_session_run_now();
        assert_int_equal(sessions[1]->client.line, PLAYER_COMMAND_COUNT_MAX);
        close_game();
    }
}

/* A rule of the schema: the handler is not called. */
static void an_empty_text_is_refused_before_its_handler(void **state)
{
    const struct gw_packet *chat = gw_packet_find(&game_server_packets, GAME_PACKET_CHAT);
    static const uint8_t bodies[][3] = {"\x0A\x01"
                                        "a",
                                        "\x0A"};
    static max_align_t memory[64];
    struct gw_arena arena;
    open_game_in_red(1, 1);
    gw_arena_init(&arena, memory, sizeof memory);
    struct gw_frame frame = {.packet_id = GAME_PACKET_CHAT, .body_bytes = 3};
    assert_int_equal(gw_packet_dispatch(chat, &frame, bodies[0], sessions[0], &arena),
                     GW_PACKET_OK);
    frame.body_bytes = 2; /* a text of no bytes */
    assert_int_equal(gw_packet_dispatch(chat, &frame, bodies[1], sessions[0], &arena),
                     GW_PACKET_BAD_BODY);
    frame.body_bytes = 0; /* no text */
    assert_int_equal(gw_packet_dispatch(chat, &frame, bodies[1], sessions[0], &arena),
                     GW_PACKET_BAD_BODY);
    fake_session_run_now();
    close_game();
}

/* ---- the log ---- */

static void a_reason_of_the_game_is_logged_with_its_number(void **state)
{
    static struct captured captured;
    struct server_log *log = game.log;
    captured_init(&captured, GW_LOG_DEBUG, 1000);
    game.log = captured.log;
    open_game(1);
    events.on_end(sessions[0], (Gw__CloseReason)GW_CLOSE_REASON_GAME_MIN, GW__CLOSE_REASON__NONE,
                  &game);
    assert_non_null(strstr(captured_last(&captured), " reason=GAME:1000"));
    events.on_end(sessions[1], GW__CLOSE_REASON__BY_PEER, (Gw__CloseReason)GW_CLOSE_REASON_GAME_MAX,
                  &game);
    assert_non_null(strstr(captured_last(&captured), " reason=BY_PEER peer_reason=GAME:65535"));
    close_game();
    game.log = log;
    captured_fini(&captured);
}

/* ---- random events ---- */

static void do_anything(void)
{
    static fake_packet *const packets[] = {enter_red, enter_some, enter_some, leave, leave,
                                           chat,      chat,       move,       move,  list_members};
    enum { PACKETS = sizeof packets / sizeof packets[0] };
    for (int i = 0; i < PACKET_COUNT; i++) {
        uint32_t what = fake_random(PACKETS + 1);
        int player = (int)fake_random(PLAYERS);
        if (what < PACKETS) {
            fake_session_receive(sessions[player], packets[what]);
        } else if (fake_random(8) == 0) {
            post_end(player);
        }
        for (uint32_t steps = fake_random(6); steps > 0; steps--) {
            fake_session_step();
        }
        assert_true(game.counters.room_members <= ROOMS_MAX * MEMBERS_MAX);
    }
    fake_session_run_now();
}

static void random_packets_and_ends_keep_rooms_consistent(void **state)
{
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        open_game(seed);
        do_anything();
        assert_int_equal(game.counters.room_members, in_room_count());
        close_game();
    }
}

static void sessions_end_without_memory_and_nothing_leaks(void **state)
{
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        open_game(seed);
        fake_memory_fails(2 + seed % 30);
        do_anything();
        close_game();
    }
}

static int setup(void **state)
{
    const struct server_log_config config = {GW_LOG_INFO, 1};
    events = game_events(false);
    log_file = machine_scratch_file();
    assert_non_null(log_file);
    game.log = server_log_create(log_file, &config);
    return game.log == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    server_log_destroy(game.log);
    fclose(log_file);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_members_of_a_room_have_the_same_list),
        cmocka_unit_test(a_full_room_refuses_with_room_full),
        cmocka_unit_test(a_full_room_admits_a_player_once_left_is_sent),
        cmocka_unit_test(more_rooms_than_the_maximum_are_refused),
        cmocka_unit_test(invalid_room_names_are_refused),
        cmocka_unit_test(a_second_enter_behind_enter_has_no_effect),
        cmocka_unit_test(enter_behind_leave_enters_the_other_room),
        cmocka_unit_test(packets_behind_a_change_of_room_are_handled_after_it),
        cmocka_unit_test(a_player_may_enter_a_room_while_its_last_member_leaves),
        cmocka_unit_test(a_session_that_ends_at_any_time_leaves_its_room_once),
        cmocka_unit_test(chat_before_leave_is_received),
        cmocka_unit_test(a_session_is_paused_while_its_room_has_256_of_its_commands),
        cmocka_unit_test(a_paused_session_may_end),
        cmocka_unit_test(an_empty_text_is_refused_before_its_handler),
        cmocka_unit_test(a_reason_of_the_game_is_logged_with_its_number),
        cmocka_unit_test(random_packets_and_ends_keep_rooms_consistent),
        cmocka_unit_test(sessions_end_without_memory_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* tests/scripted/test_groups.c: Ticks, membership and delivery of broadcast groups. */
#include "tests/test.h"

#include "net/turn.h"
#include "session/group.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/session_fixture.h"
#include "tests/support/random.h"

#include <stdio.h>
#include <string.h>

enum { MEMBER_COUNT = 4, TICK_MS = 50 };

static struct gw_turn turn;
static struct gw_group *group;
static struct peer *peers[MEMBER_COUNT];
static struct gw_session *sessions[MEMBER_COUNT];
static uint32_t tick_count;
static uint64_t tick_ns[100];
static void (*at_tick)(void); /* called by on_tick; may be NULL */

static void on_tick(struct gw_group *which, void *context)
{
    if (tick_count < 100) {
        tick_ns[tick_count] = fixture_now_ns();
    }
    tick_count++;
    if (at_tick != NULL) {
        at_tick();
    }
}

static int open_group(void **state)
{
    const struct gw_group_config *config = *state;
    static const struct gw_session_manager_config without_pings = {.heartbeat_ms = 3600 * 1000};
    session_fixture_open(NULL, &without_pings);
    for (int i = 0; i < MEMBER_COUNT; i++) {
        peers[i] = session_fixture_join();
        sessions[i] = gw_session_ref(session_fixture.last);
    }
    gw_turn_init(&turn, fixture_port, NULL);
    group = gw_group_create(session_fixture.manager, &turn, config);
    assert_non_null(group);
    tick_count = 0;
    at_tick = NULL;
    return 0;
}

static void destroy(void *context)
{
    gw_group_destroy(group);
    group = NULL;
}

static void release(int member)
{
    if (sessions[member] != NULL) {
        gw_session_unref(sessions[member]);
        sessions[member] = NULL;
    }
}

static int close_group(void **state)
{
    if (group != NULL) {
        fixture_in_turn(&turn, destroy, NULL);
    }
    for (int i = 0; i < MEMBER_COUNT; i++) {
        release(i);
    }
    session_fixture_close();
    return 0;
}

static const struct gw_group_config with_tick = {.tick_ms = TICK_MS, .on_tick = on_tick};
static const struct gw_group_config without_tick = {.tick_ms = 0, .on_tick = on_tick};

#define TEST(name)                                                                                 \
    cmocka_unit_test_prestate_setup_teardown(name, open_group, close_group, (void *)&with_tick)
#define TEST_WITHOUT_TICK(name)                                                                    \
    cmocka_unit_test_prestate_setup_teardown(name, open_group, close_group, (void *)&without_tick)

/* ---- operations in turns of the owner ---- */

static void broadcast(const char *text)
{
    Gw__Error line = GW__ERROR__INIT;
    line.text = (char *)text;
    gw_group_broadcast(group, LINE, &line.base);
}

static void add(int member)
{
    assert_int_equal(gw_group_add(group, sessions[member]), 0);
}

static void remove_member(int member)
{
    gw_group_remove(group, gw_session_id_of(sessions[member]));
}

static void add_all(void *context)
{
    for (int i = 0; i < MEMBER_COUNT; i++) {
        add(i);
    }
}

static void broadcast_text(void *context)
{
    broadcast(context);
}

static void in_turn(void (*work)(void *context), void *context)
{
    fixture_in_turn(&turn, work, context);
}

/* The texts of all lines that a member has received, joined; each up to its first blank. */
static const char *received_by(int member)
{
    static char all[4000];
    static uint8_t body[70000];
    size_t bytes;
    uint16_t id;
    all[0] = 0;
    while ((id = session_fixture_next(peers[member], body, &bytes)) != 0) {
        assert_true(id == LINE || id == PLACE);
        Gw__Error *line = gw__error__unpack(NULL, bytes, body);
        assert_non_null(line);
        line->text[strcspn(line->text, " ")] = '\0'; /* blanks are padding */
        strcat(all, line->text);
        gw__error__free_unpacked(line, NULL);
    }
    return all;
}

/* ---- ticks ---- */

static void broadcasts_are_sent_together_at_the_tick(void **state)
{
    in_turn(add_all, NULL);
    uint64_t sends = fixture_counters().send_count;
    in_turn(broadcast_text, "a");
    in_turn(broadcast_text, "b");
    assert_string_equal(received_by(0), "");
    fixture_run_ms(TICK_MS + 2);
    assert_int_equal(tick_count, 1);
    assert_int_equal(fixture_counters().send_count, sends + MEMBER_COUNT);
    for (int i = 0; i < MEMBER_COUNT; i++) {
        assert_string_equal(received_by(i), "ab");
    }
}

static void ticks_do_not_drift(void **state)
{
    in_turn(add_all, NULL);
    for (int i = 0; i < 60; i++) {
        in_turn(broadcast_text, "x");
        fixture_run_ms(17 + (uint64_t)i % 5 * 20);
    }
    assert_true(tick_count > 20);
    const uint64_t tick = TICK_MS * FIXTURE_MS;
    for (uint32_t i = 1; i < tick_count; i++) {
        /* Each tick is late by less than a tick of the wheel, measured from the first one. */
        uint64_t off = (tick_ns[i] - tick_ns[0] + 2 * FIXTURE_MS) % tick;
        assert_in_range(off, 0, 4 * FIXTURE_MS);
    }
}

static void a_group_without_broadcasts_does_not_tick(void **state)
{
    in_turn(add_all, NULL);
    fixture_run_ms(5000);
    assert_int_equal(tick_count, 0);
}

static void request_tick(void *context)
{
    gw_group_request_tick(group);
}

static void a_requested_tick_occurs_once(void **state)
{
    in_turn(add_all, NULL);
    in_turn(request_tick, NULL);
    in_turn(request_tick, NULL);
    fixture_run_ms(5000);
    assert_int_equal(tick_count, 1);
}

static void broadcast_three(void *context)
{
    broadcast("1");
    broadcast("2");
    broadcast("3");
}

static void a_group_without_a_tick_sends_at_the_end_of_the_turn(void **state)
{
    in_turn(add_all, NULL);
    uint64_t sends = fixture_counters().send_count;
    in_turn(broadcast_three, NULL);
    assert_string_equal(received_by(3), "123");
    assert_int_equal(fixture_counters().send_count, sends + MEMBER_COUNT);
    assert_int_equal(tick_count, 1);
}

static void broadcast_and_request_up_to_3_ticks(void)
{
    broadcast("t");
    if (tick_count < 3) {
        gw_group_request_tick(group);
    }
}

static void on_tick_may_broadcast_into_its_tick_and_request_another(void **state)
{
    at_tick = broadcast_and_request_up_to_3_ticks;
    in_turn(add_all, NULL);
    in_turn(request_tick, NULL);
    fixture_run_ms(5000);
    assert_int_equal(tick_count, 3);
    assert_string_equal(received_by(0), "ttt");
    in_turn(broadcast_text, "a");
    fixture_run_ms(TICK_MS + 2);
    assert_int_equal(tick_count, 4);
    assert_string_equal(received_by(0), "at");
}

static void on_tick_of_a_group_without_a_tick_runs_at_the_end_of_the_turn(void **state)
{
    at_tick = broadcast_and_request_up_to_3_ticks;
    in_turn(add_all, NULL);
    in_turn(broadcast_three, NULL);
    assert_int_equal(tick_count, 1); /* its request is for the end of a later turn */
    assert_string_equal(received_by(0), "123t");
    in_turn(request_tick, NULL);
    assert_int_equal(tick_count, 2);
    assert_string_equal(received_by(0), "t");
}

static void destroy_group(void)
{
    destroy(NULL);
}

static void a_group_may_be_destroyed_in_on_tick(void **state)
{
    at_tick = destroy_group;
    in_turn(add_all, NULL);
    in_turn(broadcast_three, NULL);
    fixture_run_ms(TICK_MS + 2);
    assert_int_equal(tick_count, 1);
    assert_null(group);
    assert_string_equal(received_by(0), "123");
}

enum { TASK_COUNT = 200 }; /* three times GW_TURN_TASK_COUNT_MAX */

static void broadcast_x(struct gw_task *task)
{
    broadcast("x");
}

static void post_tasks(void *context)
{
    struct gw_task *tasks = context;
    for (int i = 0; i < TASK_COUNT; i++) {
        tasks[i].run = broadcast_x;
        gw_turn_post(&turn, &tasks[i]);
    }
}

static void broadcasts_of_all_waiting_tasks_leave_in_one_send(void **state)
{
    struct gw_task tasks[TASK_COUNT];
    in_turn(add_all, NULL);
    uint64_t sends = fixture_counters().send_count;
    in_turn(post_tasks, tasks);
    assert_int_equal(fixture_counters().send_count, sends + MEMBER_COUNT);
    assert_int_equal(strlen(received_by(0)), TASK_COUNT);
}

static void broadcast_long_lines(void *context)
{
    char text[3001];
    memset(text, ' ', sizeof text);
    text[3000] = '\0';
    for (int i = 0; i < 60; i++) { /* 180 KB: more than one buffer */
        text[0] = (char)('A' + i);
        broadcast(text);
    }
}

static void more_than_a_buffer_holds_arrives_in_order(void **state)
{
    in_turn(add_all, NULL);
    in_turn(broadcast_long_lines, NULL);
    const char *received = received_by(0);
    assert_int_equal(strlen(received), 60);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(received[i], 'A' + i);
    }
}

static void broadcast_longest(void *context)
{
    static char text[65536];
    Gw__Error line = GW__ERROR__INIT;
    memset(text, ' ', sizeof text - 1);
    line.text = text;
    text[0] = 'm';
    text[65536 - 4] = '\0';
    assert_int_equal(gw__error__get_packed_size(&line), 65536);
    broadcast("a");
    broadcast(text);
    text[65536 - 4] = ' ';
    broadcast(text); /* too long: dropped */
    broadcast("b");
}

static void a_message_of_the_maximum_length_is_sent_and_a_longer_one_is_logged(void **state)
{
    in_turn(add_all, NULL);
    in_turn(broadcast_longest, NULL);
    assert_string_equal(received_by(0), "amb");
    assert_int_equal(fixture_logged_count("packet_too_long"), 1);
}

static void each_member_counts_as_one_outgoing_packet(void **state)
{
    in_turn(broadcast_three, NULL); /* no members yet */
    in_turn(add_all, NULL);
    in_turn(broadcast_three, NULL);
    assert_int_equal(session_fixture_counters_of(LINE).out, 3 * MEMBER_COUNT);
}

/* ---- members ---- */

static void add_and_remove(void *context)
{
    add(0);
    broadcast("a");
    add(1);
    broadcast("b");
    remove_member(0);
    broadcast("c");
    add(2);
    add(2); /* already a member */
    assert_int_equal(gw_group_count(group), 2);
    broadcast("d");
    remove_member(1);
    remove_member(1); /* no longer a member */
    add(0);
    broadcast("e");
}

static void a_member_receives_what_is_broadcast_between_its_add_and_its_remove(void **state)
{
    in_turn(add_and_remove, NULL);
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(0), "abe");
    assert_string_equal(received_by(1), "bcd");
    assert_string_equal(received_by(2), "de");
    assert_string_equal(received_by(3), "");
}

static void send_to_member_1_and_to_no_member(void *context)
{
    Gw__Error line = GW__ERROR__INIT;
    broadcast("a");
    line.text = "you";
    gw_group_send(group, gw_session_id_of(sessions[1]), LINE, &line.base);
    gw_group_send(group, GW_SESSION_ID_NONE, LINE, &line.base);
    broadcast("b");
}

static void a_message_to_one_member_arrives_behind_earlier_broadcasts(void **state)
{
    in_turn(add_all, NULL);
    in_turn(send_to_member_1_and_to_no_member, NULL);
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(0), "ab");
    assert_string_equal(received_by(1), "ayoub");
}

static void send_to(int member, const char *text)
{
    Gw__Error line = GW__ERROR__INIT;
    line.text = (char *)text;
    gw_group_send(group, gw_session_id_of(sessions[member]), LINE, &line.base);
}

static void broadcast_and_send_to_member_1(void *context)
{
    broadcast("a");
    send_to(1, "x");
    broadcast("b");
    send_to(1, "y");
    send_to(1, "z");
    broadcast("c");
}

static void a_message_to_one_member_flushes_no_other_member(void **state)
{
    in_turn(add_all, NULL);
    uint64_t sends = fixture_counters().send_count;
    in_turn(broadcast_and_send_to_member_1, NULL);
    assert_string_equal(received_by(1), "axbyz");
    assert_int_equal(fixture_counters().send_count, sends + 1);
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(1), "c");
    for (int i = 0; i < MEMBER_COUNT; i++) {
        assert_string_equal(received_by(i), i == 1 ? "" : "abc");
    }
    assert_int_equal(fixture_counters().send_count, sends + 1 + MEMBER_COUNT);
    assert_int_equal(tick_count, 1);
}

static void broadcast_and_remove_member_1(void *context)
{
    broadcast("a");
    send_to(1, "left");
    remove_member(1);
    broadcast("b");
    add(1);
    broadcast("c");
}

static void adding_and_removing_a_member_flushes_no_other_member(void **state)
{
    in_turn(add_all, NULL);
    uint64_t sends = fixture_counters().send_count;
    in_turn(broadcast_and_remove_member_1, NULL);
    assert_string_equal(received_by(1), "aleft");
    assert_int_equal(fixture_counters().send_count, sends + 1);
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(1), "c");
    assert_string_equal(received_by(0), "abc");
    assert_int_equal(fixture_counters().send_count, sends + 1 + MEMBER_COUNT);
}

static void broadcast_place(const char *text)
{
    Gw__Error place = GW__ERROR__INIT;
    place.text = (char *)text;
    gw_group_broadcast(group, PLACE, &place.base);
}

static void broadcast_places_and_lines(void *context)
{
    broadcast("a");
    broadcast_place("1");
    broadcast_place("2");
    broadcast("b");
    broadcast_place("3");
    send_to(2, "x");
    broadcast_place("4");
    broadcast("c");
}

static void coalescing_packets_keep_their_order_among_others_until_the_tick(void **state)
{
    in_turn(add_all, NULL);
    uint64_t sends = fixture_counters().send_count;
    in_turn(broadcast_places_and_lines, NULL);
    assert_string_equal(received_by(0), "");
    assert_string_equal(received_by(2), "a12b3x");
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(0), "a12b34c");
    assert_string_equal(received_by(2), "4c");
    assert_int_equal(fixture_counters().send_count, sends + 1 + MEMBER_COUNT);
}

static void the_end_of_a_member_flushes_no_other_member(void **state)
{
    in_turn(add_all, NULL);
    in_turn(broadcast_text, "a");
    uint64_t sends = fixture_counters().send_count;
    gw_session_end(sessions[2], GW__CLOSE_REASON__KICKED);
    fixture_run_now();
    assert_int_equal(fixture_counters().send_count, sends + 1); /* CLOSE */
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(0), "a");
    peer_read(peers[2], NULL, SIZE_MAX);
}

/* ---- random operations, compared with a model of what each member receives ---- */

enum { SEQUENCE_COUNT = 300, STEP_COUNT = 60, LONG_BYTES = 30000 };

static struct random random;
static bool is_member[MEMBER_COUNT];
static char expected[MEMBER_COUNT][4000];

static void expect_letter(int member, char letter)
{
    size_t bytes = strlen(expected[member]);
    assert_true(bytes + 1 < sizeof expected[member]);
    expected[member][bytes] = letter;
}

static const char *text_of(char letter)
{
    static char text[LONG_BYTES + 1];
    bool is_long = random_below(&random, 12) == 0; /* some are longer than a batch buffer */
    memset(text, ' ', sizeof text);
    text[is_long ? LONG_BYTES : 1] = '\0';
    text[0] = letter;
    return text;
}

static void broadcast_letter(char letter)
{
    for (int i = 0; i < MEMBER_COUNT; i++) {
        if (is_member[i]) {
            expect_letter(i, letter);
        }
    }
    if (random_below(&random, 2) == 0) {
        broadcast(text_of(letter));
    } else {
        broadcast_place(text_of(letter));
    }
}

static void broadcast_letter_except(int member, char letter)
{
    Gw__Error line = GW__ERROR__INIT;
    for (int i = 0; i < MEMBER_COUNT; i++) {
        if (is_member[i] && i != member) {
            expect_letter(i, letter);
        }
    }
    line.text = (char *)text_of(letter);
    gw_group_broadcast_except(group, gw_session_id_of(sessions[member]),
                              random_below(&random, 2) == 0 ? LINE : PLACE, &line.base);
}

static void take_step(void *context)
{
    char letter = *(const char *)context;
    int member = (int)random_below(&random, MEMBER_COUNT);
    switch (random_below(&random, 9)) {
    case 0:
        add(member);
        is_member[member] = true;
        break;
    case 1:
        remove_member(member);
        is_member[member] = false;
        break;
    case 2:
    case 3:
        if (is_member[member]) {
            expect_letter(member, letter);
        }
        send_to(member, text_of(letter));
        break;
    case 4:
        gw_group_flush(group);
        break;
    case 5:
        broadcast_letter_except(member, letter);
        break;
    default:
        broadcast_letter(letter);
    }
}

static void random_operations_lose_repeat_and_reorder_no_message(void **state)
{
    memset(is_member, 0, sizeof is_member);
    for (uint64_t seed = 1; seed <= SEQUENCE_COUNT; seed++) {
        random = (struct random){seed};
        memset(expected, 0, sizeof expected);
        for (uint32_t i = 0; i < STEP_COUNT; i++) {
            char letter = (char)('!' + 1 + i);
            in_turn(take_step, &letter);
            fixture_run_ms(random_below(&random, 4) == 0 ? random_below(&random, TICK_MS) : 0);
        }
        fixture_run_ms(TICK_MS + 2);
        for (int i = 0; i < MEMBER_COUNT; i++) {
            assert_string_equal(received_by(i), expected[i]);
        }
    }
    assert_int_equal(session_fixture.ended_count, 0);
}

static uint32_t member_count;

static void count(void *context)
{
    member_count = gw_group_count(group);
}

static void a_session_that_ends_leaves_its_group(void **state)
{
    in_turn(add_all, NULL);
    peer_reset(peers[2]);
    fixture_run_now();
    in_turn(count, NULL);
    assert_int_equal(member_count, MEMBER_COUNT - 1);
    in_turn(broadcast_text, "x");
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(1), "x");
}

static void remove_and_end_member_3(void *context)
{
    remove_member(3);
    gw_session_end(sessions[3], GW__CLOSE_REASON__KICKED);
}

static void a_member_may_be_removed_and_ended_in_one_turn(void **state)
{
    in_turn(add_all, NULL);
    in_turn(remove_and_end_member_3, NULL);
    peer_finish(peers[3]);
    fixture_run_ms(100);
    in_turn(count, NULL);
    assert_int_equal(member_count, MEMBER_COUNT - 1);
}

static void a_slow_member_is_closed_and_the_others_receive_everything(void **state)
{
    static char text[20000];
    memset(text, ' ', sizeof text - 1);
    text[0] = 'x';
    peer_set_window(peers[0], 0);
    in_turn(add_all, NULL);
    for (int i = 0; i < 20; i++) {
        in_turn(broadcast_text, text);
        fixture_run_ms(TICK_MS);
        for (int member = 1; member < MEMBER_COUNT; member++) {
            assert_string_equal(received_by(member), "x");
        }
    }
    fixture_run_ms(3000);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__SLOW_CONSUMER);
    in_turn(count, NULL);
    assert_int_equal(member_count, MEMBER_COUNT - 1);
}

/* ---- the end of a member, and of a group ---- */

static void expect_member_count(uint32_t expected)
{
    in_turn(count, NULL);
    assert_int_equal(member_count, expected);
}

static void add_member_0(void *context)
{
    add(0);
}

static void remove_member_0(void *context)
{
    remove_member(0);
}

static void adding_an_ended_session_has_no_effect(void **state)
{
    gw_session_end(sessions[0], GW__CLOSE_REASON__KICKED);
    in_turn(add_member_0, NULL);
    expect_member_count(0);
    assert_int_equal(session_fixture_close_reason(peers[0]), GW__CLOSE_REASON__KICKED);
    peer_close(peers[0]);
    fixture_run_ms(100);
    assert_int_equal(session_fixture.ended_count, 1);
    in_turn(add_member_0, NULL);
    expect_member_count(0);
}

/* The kernel reports the reset before the session's next turn, which is about its membership. */
static void add_member_0_and_reset(void *context)
{
    add_member_0(context);
    peer_reset(peers[0]);
}

static void remove_member_0_and_reset(void *context)
{
    remove_member_0(context);
    peer_reset(peers[0]);
}

static void a_session_that_ends_before_it_handles_its_add_leaves_the_group(void **state)
{
    in_turn(add_member_0_and_reset, NULL);
    assert_int_equal(session_fixture.ended_count, 1);
    expect_member_count(0);
}

static void a_session_that_ends_before_it_handles_its_remove_leaves_the_group_once(void **state)
{
    in_turn(add_all, NULL);
    in_turn(remove_member_0_and_reset, NULL);
    assert_int_equal(session_fixture.ended_count, 1);
    expect_member_count(MEMBER_COUNT - 1);
}

static void destroying_a_group_sends_what_it_has_collected(void **state)
{
    in_turn(add_all, NULL);
    in_turn(broadcast_three, NULL);
    assert_string_equal(received_by(0), "");
    in_turn(destroy, NULL);
    for (int i = 0; i < MEMBER_COUNT; i++) {
        assert_string_equal(received_by(i), "123");
    }
}

enum { GROUP_COUNT = 5 };

static struct gw_group *groups[GROUP_COUNT];

/* Runs `work` with each of the groups as the group of the test. */
static void for_each_group(void (*work)(int index))
{
    struct gw_group *own = group;
    for (int i = 0; i < GROUP_COUNT; i++) {
        group = groups[i];
        work(i);
    }
    group = own;
}

static void create_with_2_members(int index)
{
    groups[index] = gw_group_create(session_fixture.manager, &turn, &without_tick);
    assert_non_null(groups[index]);
    group = groups[index];
    add(0);
    add(1);
}

static void broadcast_index(int index)
{
    broadcast((char[]){(char)('0' + index), '\0'});
}

static void expect_member_1_alone(int index)
{
    assert_int_equal(gw_group_count(group), 1);
}

static void destroy_one(int index)
{
    gw_group_destroy(groups[index]);
}

static void use_many_groups(void *context)
{
    for_each_group(create_with_2_members);
    gw_group_remove(groups[2], gw_session_id_of(sessions[0]));
    gw_group_remove(groups[0], gw_session_id_of(sessions[0]));
    for_each_group(broadcast_index);
}

static void end_many_groups(void *context)
{
    for_each_group(expect_member_1_alone);
    for_each_group(destroy_one);
}

static void a_session_may_be_a_member_of_many_groups(void **state)
{
    in_turn(use_many_groups, NULL);
    assert_string_equal(received_by(0), "134");
    assert_string_equal(received_by(1), "01234");
    peer_reset(peers[0]);
    fixture_run_now();
    in_turn(end_many_groups, NULL);
}

static void draining_removes_all_members_before_it_is_done(void **state)
{
    static uint8_t body[512];
    size_t bytes;
    in_turn(add_all, NULL);
    for (int i = 0; i < MEMBER_COUNT; i++) {
        release(i);
    }
    session_fixture_drain(20);
    fixture_run_ms(100);
    for (int i = 0; i < MEMBER_COUNT; i++) {
        assert_int_equal(session_fixture_next(peers[i], body, &bytes), GO_AWAY);
        assert_int_equal(session_fixture_close_reason(peers[i]), GW__CLOSE_REASON__SHUTDOWN);
        peer_close(peers[i]);
    }
    fixture_run_now();
    assert_int_equal(session_fixture.drained_count, 1);
    expect_member_count(0);
}

/* ---- gw_group_broadcast_except(), gw_group_each() ---- */

static void broadcast_to_all_but_the_first(void *context)
{
    Gw__Error line = GW__ERROR__INIT;
    line.text = context;
    gw_group_broadcast_except(group, gw_session_id_of(sessions[0]), LINE, &line.base);
}

static void an_excluded_member_receives_all_other_messages_in_order(void **state)
{
    in_turn(add_all, NULL);
    in_turn(broadcast_text, "a");
    in_turn(broadcast_to_all_but_the_first, "b");
    in_turn(broadcast_text, "c");
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(0), "ac");
    for (int i = 1; i < MEMBER_COUNT; i++) {
        assert_string_equal(received_by(i), "abc");
    }
}

static void an_excluded_member_is_not_counted(void **state)
{
    in_turn(add_all, NULL);
    in_turn(broadcast_to_all_but_the_first, "a");
    assert_int_equal(session_fixture_counters_of(LINE).out, MEMBER_COUNT - 1);
}

static void without_other_members_a_broadcast_to_the_others_sends_nothing(void **state)
{
    in_turn(add_member_0, NULL);
    in_turn(broadcast_to_all_but_the_first, "a");
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(0), "");
    assert_int_equal(session_fixture_counters_of(LINE).out, 0);
    assert_int_equal(tick_count, 0);
}

static void excluding_a_session_that_is_no_member_excludes_no_member(void **state)
{
    in_turn(add_all, NULL);
    in_turn(remove_member_0, NULL);
    in_turn(broadcast_to_all_but_the_first, "a");
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(0), "");
    assert_string_equal(received_by(1), "a");
    assert_int_equal(session_fixture_counters_of(LINE).out, MEMBER_COUNT - 1);
}

/* Without memory for the message, only the members that miss it are closed. */
static void broadcast_without_memory(void *context)
{
    memory_fail_randomly(1, 1);
    broadcast_to_all_but_the_first(context);
    assert_true(memory_failed_count() > 0);
    memory_fail_randomly(0, 0);
}

static void an_excluded_member_is_not_closed_for_want_of_memory(void **state)
{
    static char text[60000];
    memset(text, 'x', sizeof text - 1);
    in_turn(add_all, NULL);
    in_turn(broadcast_without_memory, text);
    assert_false(gw_session_has_ended(sessions[0]));
    for (int i = 1; i < MEMBER_COUNT; i++) {
        assert_true(gw_session_has_ended(sessions[i]));
    }
}

static uint32_t visit_count[MEMBER_COUNT];

static void count_visit(struct gw_session *session, void *context)
{
    for (int i = 0; i < MEMBER_COUNT; i++) {
        visit_count[i] += sessions[i] == session;
    }
    if (context == session) {
        gw_group_remove(group, gw_session_id_of(session));
    }
}

static void visit_each(void *context)
{
    memset(visit_count, 0, sizeof visit_count);
    gw_group_each(group, count_visit, context);
}

static void each_member_is_visited_once_also_when_one_is_removed(void **state)
{
    in_turn(visit_each, NULL);
    assert_int_equal(visit_count[0], 0);
    for (int removed = 0; removed < MEMBER_COUNT; removed++) {
        in_turn(add_all, NULL);
        in_turn(visit_each, sessions[removed]);
        for (int i = 0; i < MEMBER_COUNT; i++) {
            assert_int_equal(visit_count[i], 1);
        }
        in_turn(visit_each, NULL);
        assert_int_equal(visit_count[removed], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(broadcasts_are_sent_together_at_the_tick),
        TEST(ticks_do_not_drift),
        TEST(a_group_without_broadcasts_does_not_tick),
        TEST(a_requested_tick_occurs_once),
        TEST_WITHOUT_TICK(a_group_without_a_tick_sends_at_the_end_of_the_turn),
        TEST(a_member_receives_what_is_broadcast_between_its_add_and_its_remove),
        TEST_WITHOUT_TICK(a_member_receives_what_is_broadcast_between_its_add_and_its_remove),
        TEST(a_message_to_one_member_arrives_behind_earlier_broadcasts),
        TEST(a_message_to_one_member_flushes_no_other_member),
        TEST(adding_and_removing_a_member_flushes_no_other_member),
        TEST(coalescing_packets_keep_their_order_among_others_until_the_tick),
        TEST(the_end_of_a_member_flushes_no_other_member),
        TEST(random_operations_lose_repeat_and_reorder_no_message),
        TEST_WITHOUT_TICK(random_operations_lose_repeat_and_reorder_no_message),
        TEST(a_session_that_ends_leaves_its_group),
        TEST(a_member_may_be_removed_and_ended_in_one_turn),
        TEST(a_slow_member_is_closed_and_the_others_receive_everything),
        TEST(on_tick_may_broadcast_into_its_tick_and_request_another),
        TEST_WITHOUT_TICK(on_tick_of_a_group_without_a_tick_runs_at_the_end_of_the_turn),
        TEST(a_group_may_be_destroyed_in_on_tick),
        TEST_WITHOUT_TICK(a_group_may_be_destroyed_in_on_tick),
        TEST_WITHOUT_TICK(broadcasts_of_all_waiting_tasks_leave_in_one_send),
        TEST_WITHOUT_TICK(more_than_a_buffer_holds_arrives_in_order),
        TEST_WITHOUT_TICK(a_message_of_the_maximum_length_is_sent_and_a_longer_one_is_logged),
        TEST_WITHOUT_TICK(each_member_counts_as_one_outgoing_packet),
        TEST_WITHOUT_TICK(adding_an_ended_session_has_no_effect),
        TEST_WITHOUT_TICK(a_session_that_ends_before_it_handles_its_add_leaves_the_group),
        TEST_WITHOUT_TICK(a_session_that_ends_before_it_handles_its_remove_leaves_the_group_once),
        TEST(destroying_a_group_sends_what_it_has_collected),
        TEST(a_session_may_be_a_member_of_many_groups),
        TEST(draining_removes_all_members_before_it_is_done),
        TEST(an_excluded_member_receives_all_other_messages_in_order),
        TEST_WITHOUT_TICK(an_excluded_member_receives_all_other_messages_in_order),
        TEST(an_excluded_member_is_not_counted),
        TEST(without_other_members_a_broadcast_to_the_others_sends_nothing),
        TEST(excluding_a_session_that_is_no_member_excludes_no_member),
        TEST(an_excluded_member_is_not_closed_for_want_of_memory),
        TEST(each_member_is_visited_once_also_when_one_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scripted/test_groups.c: groups: their ticks, and what each member hears. */
#include "tests/test.h"

#include "net/turn.h"
#include "session/group.h"
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

static void on_tick(struct gw_group *which, void *context)
{
    (void)which;
    (void)context;
    if (tick_count < 100) {
        tick_ns[tick_count] = fixture_now_ns();
    }
    tick_count++;
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
    return 0;
}

static void destroy(void *context)
{
    (void)context;
    gw_group_destroy(group);
}

static int close_group(void **state)
{
    (void)state;
    fixture_in_turn(&turn, destroy, NULL);
    for (int i = 0; i < MEMBER_COUNT; i++) {
        gw_session_unref(sessions[i]);
        if (peers[i] != NULL) {
            peer_close(peers[i]);
        }
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

/* ---- what is done in turns of the owner ---- */

static void say(const char *text)
{
    Gw__Error line = GW__ERROR__INIT;
    line.text = (char *)text;
    gw_group_broadcast(group, LINE, &line.base);
}

static void add(int member)
{
    assert_int_equal(gw_group_add(group, sessions[member]), 0);
}

static void remove_one(int member)
{
    gw_group_remove(group, gw_session_id_of(sessions[member]));
}

static void add_all(void *context)
{
    (void)context;
    for (int i = 0; i < MEMBER_COUNT; i++) {
        add(i);
    }
}

static void say_one(void *context)
{
    say(context);
}

static void in_turn(void (*work)(void *context), void *context)
{
    fixture_in_turn(&turn, work, context);
}

/* All lines that a member has heard, in one text. */
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
        line->text[strcspn(line->text, " ")] = '\0'; /* blanks only make it long */
        strcat(all, line->text);
        gw__error__free_unpacked(line, NULL);
    }
    return all;
}

/* ---- ticks ---- */

static void what_is_said_leaves_at_the_tick_and_not_before(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    in_turn(say_one, "a");
    in_turn(say_one, "b");
    assert_string_equal(received_by(0), "");
    fixture_run_ms(TICK_MS + 2);
    assert_int_equal(tick_count, 1);
    for (int i = 0; i < MEMBER_COUNT; i++) {
        assert_string_equal(received_by(i), "ab");
    }
}

static void ticks_stand_on_a_grid(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    for (int i = 0; i < 60; i++) {
        in_turn(say_one, "x");
        fixture_run_ms(17 + (uint64_t)i % 5 * 20);
    }
    assert_true(tick_count > 20);
    const uint64_t tick = TICK_MS * FIXTURE_MS;
    for (uint32_t i = 1; i < tick_count; i++) {
        /* Each is late by less than a tick of the wheel; the grid itself does not drift. */
        uint64_t off = (tick_ns[i] - tick_ns[0] + 2 * FIXTURE_MS) % tick;
        assert_in_range(off, 0, 4 * FIXTURE_MS);
    }
}

static void where_nothing_is_said_nothing_ticks(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    fixture_run_ms(5000);
    assert_int_equal(tick_count, 0);
}

static void expect(void *context)
{
    (void)context;
    gw_group_request_tick(group);
}

static void a_tick_that_is_expected_comes_once(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    in_turn(expect, NULL);
    in_turn(expect, NULL);
    fixture_run_ms(5000);
    assert_int_equal(tick_count, 1);
}

static void say_three(void *context)
{
    (void)context;
    say("1");
    say("2");
    say("3");
}

static void without_a_tick_all_leaves_at_the_end_of_the_turn(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    uint64_t sends = fixture_counters().send_count;
    in_turn(say_three, NULL);
    assert_string_equal(received_by(3), "123");
    assert_int_equal(fixture_counters().send_count, sends + MEMBER_COUNT);
    assert_int_equal(tick_count, 1);
}

/* ---- coming and going ---- */

static void come_and_go(void *context)
{
    (void)context;
    add(0);
    say("a");
    add(1);
    say("b");
    remove_one(0);
    say("c");
    add(2);
    add(2);
    say("d");
    remove_one(1);
    remove_one(1);
    add(0);
    say("e");
}

static void a_member_receives_exactly_what_was_said_while_it_was_one(void **state)
{
    (void)state;
    in_turn(come_and_go, NULL);
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(0), "abe");
    assert_string_equal(received_by(1), "bcd");
    assert_string_equal(received_by(2), "de");
    assert_string_equal(received_by(3), "");
}

static void tell(void *context)
{
    Gw__Error line = GW__ERROR__INIT;
    (void)context;
    say("a");
    line.text = "you";
    gw_group_send(group, gw_session_id_of(sessions[1]), LINE, &line.base);
    gw_group_send(group, GW_SESSION_ID_NONE, LINE, &line.base);
    say("b");
}

static void what_one_is_told_stands_behind_what_all_were_told(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    in_turn(tell, NULL);
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(0), "ab");
    assert_string_equal(received_by(1), "ayoub");
}

static void tell_one(int member, const char *text)
{
    Gw__Error line = GW__ERROR__INIT;
    line.text = (char *)text;
    gw_group_send(group, gw_session_id_of(sessions[member]), LINE, &line.base);
}

static void say_and_tell_member_1(void *context)
{
    (void)context;
    say("a");
    tell_one(1, "x");
    say("b");
    tell_one(1, "y");
    tell_one(1, "z");
    say("c");
}

static void only_the_addressee_is_sent_its_part_before_the_tick(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    uint64_t sends = fixture_counters().send_count;
    in_turn(say_and_tell_member_1, NULL);
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

static void say_and_remove_member_1(void *context)
{
    (void)context;
    say("a");
    tell_one(1, "left");
    remove_one(1);
    say("b");
    add(1);
    say("c");
}

static void joining_and_leaving_send_nothing_to_the_others(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    uint64_t sends = fixture_counters().send_count;
    in_turn(say_and_remove_member_1, NULL);
    assert_string_equal(received_by(1), "aleft");
    assert_int_equal(fixture_counters().send_count, sends + 1);
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(1), "c");
    assert_string_equal(received_by(0), "abc");
    assert_int_equal(fixture_counters().send_count, sends + 1 + MEMBER_COUNT);
}

static void say_place(const char *text)
{
    Gw__Error place = GW__ERROR__INIT;
    place.text = (char *)text;
    gw_group_broadcast(group, PLACE, &place.base);
}

static void say_places_and_lines(void *context)
{
    (void)context;
    say("a");
    say_place("1");
    say_place("2");
    say("b");
    say_place("3");
    tell_one(2, "x");
    say_place("4");
    say("c");
}

static void packets_that_coalesce_wait_for_the_tick_among_others(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    uint64_t sends = fixture_counters().send_count;
    in_turn(say_places_and_lines, NULL);
    assert_string_equal(received_by(0), "");
    assert_string_equal(received_by(2), "a12b3x");
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(0), "a12b34c");
    assert_string_equal(received_by(2), "4c");
    assert_int_equal(fixture_counters().send_count, sends + 1 + MEMBER_COUNT);
}

static void a_session_that_ends_within_a_tick_sends_nothing_to_the_others(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    in_turn(say_one, "a");
    uint64_t sends = fixture_counters().send_count;
    gw_session_end(sessions[2], GW__CLOSE_REASON__KICKED);
    fixture_run_now();
    assert_int_equal(fixture_counters().send_count, sends + 1); /* CLOSE */
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(0), "a");
    peer_read(peers[2], NULL, SIZE_MAX);
}

/* ---- generated sequences, against a model of what each member hears ---- */

enum { SEQUENCE_COUNT = 300, STEP_COUNT = 60, LONG_BYTES = 30000 };

static struct random random;
static bool is_member[MEMBER_COUNT];
static char wanted[MEMBER_COUNT][4000];

static void want_of(int member, char letter)
{
    size_t bytes = strlen(wanted[member]);
    assert_true(bytes + 1 < sizeof wanted[member]);
    wanted[member][bytes] = letter;
}

static const char *text_of(char letter)
{
    static char text[LONG_BYTES + 1];
    bool is_long = random_below(&random, 12) == 0; /* a few of them are more than a batch holds */
    memset(text, ' ', sizeof text);
    text[is_long ? LONG_BYTES : 1] = '\0';
    text[0] = letter;
    return text;
}

static void say_to_members(char letter)
{
    for (int i = 0; i < MEMBER_COUNT; i++) {
        if (is_member[i]) {
            want_of(i, letter);
        }
    }
    if (random_below(&random, 2) == 0) {
        say(text_of(letter));
    } else {
        say_place(text_of(letter));
    }
}

static void take_step(void *context)
{
    char letter = *(const char *)context;
    int member = (int)random_below(&random, MEMBER_COUNT);
    switch (random_below(&random, 8)) {
    case 0:
        add(member);
        is_member[member] = true;
        break;
    case 1:
        remove_one(member);
        is_member[member] = false;
        break;
    case 2:
    case 3:
        if (is_member[member]) {
            want_of(member, letter);
        }
        tell_one(member, text_of(letter));
        break;
    case 4:
        gw_group_flush(group);
        break;
    default:
        say_to_members(letter);
    }
}

static void in_any_sequence_no_member_loses_or_doubles_or_reorders(void **state)
{
    (void)state;
    memset(is_member, 0, sizeof is_member);
    for (uint64_t seed = 1; seed <= SEQUENCE_COUNT; seed++) {
        random = (struct random){seed};
        memset(wanted, 0, sizeof wanted);
        for (uint32_t i = 0; i < STEP_COUNT; i++) {
            char letter = (char)('!' + 1 + i);
            in_turn(take_step, &letter);
            fixture_run_ms(random_below(&random, 4) == 0 ? random_below(&random, TICK_MS) : 0);
        }
        fixture_run_ms(TICK_MS + 2);
        for (int i = 0; i < MEMBER_COUNT; i++) {
            assert_string_equal(received_by(i), wanted[i]);
        }
    }
    assert_int_equal(session_fixture.ended_count, 0);
}

static uint32_t member_count;

static void count(void *context)
{
    (void)context;
    member_count = gw_group_count(group);
}

static void a_member_that_ends_leaves_by_itself(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    peer_reset(peers[2]);
    fixture_run_now();
    in_turn(count, NULL);
    assert_int_equal(member_count, MEMBER_COUNT - 1);
    in_turn(say_one, "x");
    fixture_run_ms(TICK_MS + 2);
    assert_string_equal(received_by(1), "x");
}

static void remove_and_destroy_nothing(void *context)
{
    (void)context;
    remove_one(3);
    gw_session_end(sessions[3], GW__CLOSE_REASON__KICKED);
}

static void a_member_may_end_and_be_removed_at_once(void **state)
{
    (void)state;
    in_turn(add_all, NULL);
    in_turn(remove_and_destroy_nothing, NULL);
    peer_finish(peers[3]);
    fixture_run_ms(100);
    in_turn(count, NULL);
    assert_int_equal(member_count, MEMBER_COUNT - 1);
}

static void a_member_that_does_not_read_does_not_hold_the_others_up(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, 'x', sizeof text - 1);
    peer_set_window(peers[0], 0);
    in_turn(add_all, NULL);
    for (int i = 0; i < 20; i++) {
        in_turn(say_one, text);
        fixture_run_ms(TICK_MS);
        assert_true(peer_read(peers[1], NULL, SIZE_MAX) > 0);
    }
    fixture_run_ms(3000);
    assert_int_equal(session_fixture.ended_count, 1);
    assert_int_equal(session_fixture.reason, GW__CLOSE_REASON__SLOW_CONSUMER);
    in_turn(count, NULL);
    assert_int_equal(member_count, MEMBER_COUNT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_said_leaves_at_the_tick_and_not_before),
        TEST(ticks_stand_on_a_grid),
        TEST(where_nothing_is_said_nothing_ticks),
        TEST(a_tick_that_is_expected_comes_once),
        TEST_WITHOUT_TICK(without_a_tick_all_leaves_at_the_end_of_the_turn),
        TEST(a_member_receives_exactly_what_was_said_while_it_was_one),
        TEST_WITHOUT_TICK(a_member_receives_exactly_what_was_said_while_it_was_one),
        TEST(what_one_is_told_stands_behind_what_all_were_told),
        TEST(only_the_addressee_is_sent_its_part_before_the_tick),
        TEST(joining_and_leaving_send_nothing_to_the_others),
        TEST(packets_that_coalesce_wait_for_the_tick_among_others),
        TEST(a_session_that_ends_within_a_tick_sends_nothing_to_the_others),
        TEST(in_any_sequence_no_member_loses_or_doubles_or_reorders),
        TEST_WITHOUT_TICK(in_any_sequence_no_member_loses_or_doubles_or_reorders),
        TEST(a_member_that_ends_leaves_by_itself),
        TEST(a_member_may_end_and_be_removed_at_once),
        TEST(a_member_that_does_not_read_does_not_hold_the_others_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

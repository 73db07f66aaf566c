/* tests/scenarios/drain.c: a server asks everybody to leave, and is gone in time. */
#include "server/server.h"
#include "tests/scenarios/dummies.h"
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"
#include "tests/support/wait.h"
#include <string.h>

enum {
    CROWD = 300,
    TALK_MS = 60000, /* longer than any scenario */
    LONG_MS = 20000,
    SHORT_MS = 600,
    SLACK_MS = 2000, /* for last words: WIRE.md's two times 1,000 ms */
    NOTICE_MS = 500, /* for what is done around them */
    OUTSIDERS = 20,
    FLOOD_TEXT_BYTES = 400,
    BURST = 100,
    FILL_BYTES = 32 * 1024,
};

static struct dummies crowd;
static struct dummies stayers;

/* ---- what takes how long ---- */

static uint64_t begun_ns;

static uint64_t passed_ms(void)
{
    return (os_now_ns() - begun_ns) / 1000000;
}

static void begin_drain(void)
{
    begun_ns = os_now_ns();
    server_drain(scenario.server);
}

static void expect_end_in_time(uint64_t limit_ms)
{
    scenario_join();
    uint64_t took_ms = passed_ms();
    if (took_ms > scenario_patience_ms(limit_ms)) {
        fail_msg("it took %u ms to drain, not %u", (unsigned)took_ms, (unsigned)limit_ms);
    }
}

static void serve_for(uint32_t drain_ms)
{
    struct server_config config = scenario_config();
    config.drain_ms = drain_ms;
    config.unlimited = true; /* lines that nobody reads must be many, soon */
    config.room_members_max = 2 * CROWD;
    scenario_serve(&config);
}

/* ---- crowds ---- */

static void expect_all_asked(const struct dummies *dummies, uint32_t count)
{
    assert_int_equal(dummies->report.greeted, count);
    assert_int_equal(dummies->report.asked_to_go, count);
    dummies_expect_clean(dummies);
}

/* They go after their answers have come, which takes a tick or two; the deadline is far away. */
static void a_crowd_that_goes_when_asked_is_not_waited_for(void **state)
{
    (void)state;
    serve_for(LONG_MS);
    uint32_t count = scenario_count(CROWD);
    dummies_init(&crowd, count, TALK_MS);
    dummies_come(&crowd);
    begin_drain();
    expect_end_in_time(LONG_MS / 4);
    dummies_join(&crowd);
    expect_all_asked(&crowd, count);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__BY_PEER), count);
    assert_int_equal(scenario_packet("GoAway").out, count);
    scenario_destroy();
}

static void a_crowd_that_stays_is_served_until_the_deadline_and_no_longer(void **state)
{
    (void)state;
    serve_for(SHORT_MS);
    uint32_t count = scenario_count(CROWD);
    dummies_init(&stayers, count, TALK_MS);
    stayers.options.stay = true;
    dummies_come(&stayers);
    uint64_t lines = scenario_counters().lines;
    begin_drain();
    WAIT_FOR(scenario_counters().lines > lines + count / 10 || passed_ms() > SHORT_MS);
    assert_true(passed_ms() <= SHORT_MS || scenario_counters().lines > lines);
    expect_end_in_time(SHORT_MS + SLACK_MS);
    assert_true(passed_ms() >= SHORT_MS);
    dummies_join(&stayers);
    expect_all_asked(&stayers, count);
    assert_int_equal(stayers.report.peer_reasons[GW__CLOSE_REASON__SHUTDOWN], count);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SHUTDOWN), count);
    scenario_destroy();
}

/* ---- one at a time ---- */

static void who_is_asked_to_go_is_served_until_the_deadline(void **state)
{
    (void)state;
    serve_for(SHORT_MS);
    struct test_client *ada = test_client_come("Ada");
    (void)test_client_be_in(ada, "room");
    begin_drain();
    const Gw__GoAway *go_away = test_client_receive(ada, GO_AWAY);
    assert_int_equal(go_away->deadline_ms, SHORT_MS);
    assert_true(go_away->retry_min_ms < go_away->retry_max_ms);
    test_client_chat(ada, "so long");
    test_client_receive_line(ada, ada, "so long", 1);
    test_client_leave(ada);
    (void)test_client_receive(ada, GAME_PACKET_LEFT);
    (void)test_client_be_in(ada, "another room");
    test_client_receive_close(ada, GW__CLOSE_REASON__SHUTDOWN);
    assert_true(passed_ms() >= SHORT_MS);
    expect_end_in_time(SHORT_MS + SLACK_MS);
    assert_null(test_client_knock(&scenario.addr));
    scenario_destroy();
}

/* Some have said nothing, and some a part of HELLO. */
static void outsiders_are_closed_at_once(void)
{
    struct test_client *outsiders[OUTSIDERS];
    for (int i = 0; i < OUTSIDERS; i++) {
        outsiders[i] = test_client_knock(&scenario.addr);
        assert_non_null(outsiders[i]);
        test_client_send_bytes(outsiders[i], "\x10\0\0\0\1\0GW\x08\1", (size_t)(i / 2));
    }
    WAIT_FOR(scenario_counters().session_count == 1 + OUTSIDERS);
    begin_drain();
    for (int i = 0; i < OUTSIDERS; i++) {
        test_client_receive_close(outsiders[i], GW__CLOSE_REASON__SHUTDOWN);
    }
    assert_true(passed_ms() < scenario_patience_ms(LONG_MS / 4));
}

/* Half of them say nothing at all. */
static void latecomers_are_told(void)
{
    for (int i = 0; i < OUTSIDERS; i++) {
        struct test_client *late = test_client_knock(&scenario.addr);
        assert_non_null(late);
        if (i % 2 == 0) {
            test_client_hello(late, "late");
        }
        test_client_receive_close(late, GW__CLOSE_REASON__SHUTDOWN);
    }
}

static void who_is_not_greeted_and_who_comes_late_receive_shutdown_at_once(void **state)
{
    (void)state;
    serve_for(LONG_MS);
    struct test_client *stayer = test_client_come("stayer");
    outsiders_are_closed_at_once();
    latecomers_are_told();
    (void)test_client_receive(stayer, GO_AWAY);
    test_client_go(stayer);
    expect_end_in_time(LONG_MS / 4);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SHUTDOWN), 2 * OUTSIDERS);
    assert_int_equal(scenario_counters().sessions.greeted, 1);
    scenario_destroy();
}

static struct test_client *come_and_read_nothing(void)
{
    struct test_client *closed = test_client_knock_narrow(&scenario.addr);
    assert_non_null(closed);
    test_client_greet(closed, "deaf");
    (void)test_client_be_in(closed, "room-0");
    closed->is_closed = true;
    return closed;
}

/* So that its connection is full of lines that it does not read. */
static void fill(struct test_client *speaker)
{
    char text[FLOOD_TEXT_BYTES + 1] = {0};
    memset(text, 'x', FLOOD_TEXT_BYTES);
    while (scenario_counters().port.send_queue_bytes < FILL_BYTES) {
        assert_int_equal(scenario_counters().session_count, 2);
        for (int i = 0; i < BURST; i++) {
            test_client_chat(speaker, text);
        }
        for (int i = 0; i < BURST; i++) {
            (void)test_client_receive(speaker, GAME_PACKET_CHAT_LINE);
        }
    }
}

static void one_that_never_reads_does_not_hold_up_the_end(void **state)
{
    (void)state;
    serve_for(SHORT_MS);
    struct test_client *closed = come_and_read_nothing();
    struct test_client *speaker = test_client_come("speaker");
    (void)test_client_be_in(speaker, "room-0");
    fill(speaker);
    begin_drain();
    test_client_go(speaker);
    expect_end_in_time(SHORT_MS + SLACK_MS + NOTICE_MS);
    assert_true(passed_ms() >= SHORT_MS);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SHUTDOWN), 1);
    test_client_close(closed);
    scenario_destroy();
}

/* ---- all of it ---- */

static void everybody_comes(uint32_t count)
{
    dummies_init(&crowd, count, TALK_MS);
    dummies_init(&stayers, count, TALK_MS);
    stayers.options.stay = true;
    dummies_come(&crowd);
    dummies_come(&stayers);
}

static void a_server_full_of_all_kinds_is_gone_in_time(void **state)
{
    (void)state;
    serve_for(SHORT_MS);
    uint32_t count = scenario_count(CROWD / 2);
    everybody_comes(count);
    struct test_client *closed = come_and_read_nothing();
    struct test_client *outsider = test_client_knock(&scenario.addr);
    assert_non_null(outsider);
    WAIT_FOR(scenario_counters().session_count == 2 * count + 2);
    begin_drain();
    test_client_receive_close(outsider, GW__CLOSE_REASON__SHUTDOWN);
    expect_end_in_time(SHORT_MS + SLACK_MS + NOTICE_MS);
    test_client_close(closed);
    dummies_join(&crowd);
    dummies_join(&stayers);
    expect_all_asked(&crowd, count);
    expect_all_asked(&stayers, count);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__BY_PEER), count);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SHUTDOWN), count + 2);
    scenario_destroy();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_crowd_that_goes_when_asked_is_not_waited_for),
        SCENARIO(a_crowd_that_stays_is_served_until_the_deadline_and_no_longer),
        SCENARIO(who_is_asked_to_go_is_served_until_the_deadline),
        SCENARIO(who_is_not_greeted_and_who_comes_late_receive_shutdown_at_once),
        SCENARIO(one_that_never_reads_does_not_hold_up_the_end),
        SCENARIO(a_server_full_of_all_kinds_is_gone_in_time),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

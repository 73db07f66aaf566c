/* tests/stories/drain.c: a server asks everybody to leave, and is gone in time. */
#include "server/server.h"
#include "tests/stories/dummies.h"
#include "tests/stories/puppet.h"
#include "tests/stories/story.h"
#include "tests/support/wait.h"
#include <string.h>

enum {
    CROWD = 300,
    TALK_MS = 60000, /* longer than any story */
    LONG_MS = 20000,
    SHORT_MS = 600,
    SLACK_MS = 2000, /* for last words: WIRE.md's two times 1,000 ms */
    NOTICE_MS = 500, /* for what is done around them */
    STRANGERS = 20,
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
    server_drain(story.server);
}

static void expect_end_in_time(uint64_t limit_ms)
{
    story_join();
    uint64_t took_ms = passed_ms();
    if (took_ms > story_patience_ms(limit_ms)) {
        fail_msg("it took %u ms to drain, not %u", (unsigned)took_ms, (unsigned)limit_ms);
    }
}

static void serve_for(uint32_t drain_ms)
{
    struct server_config config = story_config();
    config.drain_ms = drain_ms;
    config.unlimited = true; /* lines that nobody reads must be many, soon */
    config.room_members_max = 2 * CROWD;
    story_serve(&config);
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
    uint32_t count = story_count(CROWD);
    dummies_init(&crowd, count, TALK_MS);
    dummies_come(&crowd);
    begin_drain();
    expect_end_in_time(LONG_MS / 4);
    dummies_join(&crowd);
    expect_all_asked(&crowd, count);
    assert_int_equal(story_ended(GW__CLOSE_REASON__BY_PEER), count);
    assert_int_equal(story_packet("GoAway").out, count);
    story_destroy();
}

static void a_crowd_that_stays_is_served_until_the_deadline_and_no_longer(void **state)
{
    (void)state;
    serve_for(SHORT_MS);
    uint32_t count = story_count(CROWD);
    dummies_init(&stayers, count, TALK_MS);
    stayers.options.stay = true;
    dummies_come(&stayers);
    uint64_t lines = story_counters().lines;
    begin_drain();
    WAIT_FOR(story_counters().lines > lines + count / 10 || passed_ms() > SHORT_MS);
    assert_true(passed_ms() <= SHORT_MS || story_counters().lines > lines);
    expect_end_in_time(SHORT_MS + SLACK_MS);
    assert_true(passed_ms() >= SHORT_MS);
    dummies_join(&stayers);
    expect_all_asked(&stayers, count);
    assert_int_equal(stayers.report.peer_reasons[GW__CLOSE_REASON__SHUTDOWN], count);
    assert_int_equal(story_ended(GW__CLOSE_REASON__SHUTDOWN), count);
    story_destroy();
}

/* ---- one at a time ---- */

static void who_is_asked_to_go_is_served_until_the_deadline(void **state)
{
    (void)state;
    serve_for(SHORT_MS);
    struct puppet *ada = puppet_come("Ada");
    (void)puppet_be_in(ada, "room");
    begin_drain();
    const Gw__GoAway *go_away = puppet_hear(ada, GO_AWAY);
    assert_int_equal(go_away->deadline_ms, SHORT_MS);
    assert_true(go_away->retry_min_ms < go_away->retry_max_ms);
    puppet_chat(ada, "so long");
    puppet_hear_line(ada, ada, "so long", 1);
    puppet_leave(ada);
    (void)puppet_hear(ada, GAME_PACKET_LEFT);
    (void)puppet_be_in(ada, "another room");
    puppet_hear_close(ada, GW__CLOSE_REASON__SHUTDOWN);
    assert_true(passed_ms() >= SHORT_MS);
    expect_end_in_time(SHORT_MS + SLACK_MS);
    assert_null(puppet_knock(&story.addr));
    story_destroy();
}

/* Some have said nothing, and some a part of HELLO. */
static void strangers_are_closed_at_once(void)
{
    struct puppet *strangers[STRANGERS];
    for (int i = 0; i < STRANGERS; i++) {
        strangers[i] = puppet_knock(&story.addr);
        assert_non_null(strangers[i]);
        puppet_send_bytes(strangers[i], "\x10\0\0\0\1\0GW\x08\1", (size_t)(i / 2));
    }
    WAIT_FOR(story_counters().session_count == 1 + STRANGERS);
    begin_drain();
    for (int i = 0; i < STRANGERS; i++) {
        puppet_hear_close(strangers[i], GW__CLOSE_REASON__SHUTDOWN);
    }
    assert_true(passed_ms() < story_patience_ms(LONG_MS / 4));
}

/* Half of them say nothing at all. */
static void latecomers_are_told(void)
{
    for (int i = 0; i < STRANGERS; i++) {
        struct puppet *late = puppet_knock(&story.addr);
        assert_non_null(late);
        if (i % 2 == 0) {
            puppet_hello(late, "late");
        }
        puppet_hear_close(late, GW__CLOSE_REASON__SHUTDOWN);
    }
}

static void who_is_not_greeted_and_who_comes_late_hear_shutdown_at_once(void **state)
{
    (void)state;
    serve_for(LONG_MS);
    struct puppet *stayer = puppet_come("stayer");
    strangers_are_closed_at_once();
    latecomers_are_told();
    (void)puppet_hear(stayer, GO_AWAY);
    puppet_go(stayer);
    expect_end_in_time(LONG_MS / 4);
    assert_int_equal(story_ended(GW__CLOSE_REASON__SHUTDOWN), 2 * STRANGERS);
    assert_int_equal(story_counters().sessions.greeted, 1);
    story_destroy();
}

static struct puppet *come_and_read_nothing(void)
{
    struct puppet *deaf = puppet_knock_narrow(&story.addr);
    assert_non_null(deaf);
    puppet_greet(deaf, "deaf");
    (void)puppet_be_in(deaf, "room-0");
    deaf->is_deaf = true;
    return deaf;
}

/* So that its connection is full of lines that it does not read. */
static void fill(struct puppet *speaker)
{
    char text[FLOOD_TEXT_BYTES + 1] = {0};
    memset(text, 'x', FLOOD_TEXT_BYTES);
    while (story_counters().port.send_queue_bytes < FILL_BYTES) {
        assert_int_equal(story_counters().session_count, 2);
        for (int i = 0; i < BURST; i++) {
            puppet_chat(speaker, text);
        }
        for (int i = 0; i < BURST; i++) {
            (void)puppet_hear(speaker, GAME_PACKET_CHAT_LINE);
        }
    }
}

static void one_that_never_reads_does_not_hold_up_the_end(void **state)
{
    (void)state;
    serve_for(SHORT_MS);
    struct puppet *deaf = come_and_read_nothing();
    struct puppet *speaker = puppet_come("speaker");
    (void)puppet_be_in(speaker, "room-0");
    fill(speaker);
    begin_drain();
    puppet_go(speaker);
    expect_end_in_time(SHORT_MS + SLACK_MS + NOTICE_MS);
    assert_true(passed_ms() >= SHORT_MS);
    assert_int_equal(story_ended(GW__CLOSE_REASON__SHUTDOWN), 1);
    puppet_close(deaf);
    story_destroy();
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
    uint32_t count = story_count(CROWD / 2);
    everybody_comes(count);
    struct puppet *deaf = come_and_read_nothing();
    struct puppet *stranger = puppet_knock(&story.addr);
    assert_non_null(stranger);
    WAIT_FOR(story_counters().session_count == 2 * count + 2);
    begin_drain();
    puppet_hear_close(stranger, GW__CLOSE_REASON__SHUTDOWN);
    expect_end_in_time(SHORT_MS + SLACK_MS + NOTICE_MS);
    puppet_close(deaf);
    dummies_join(&crowd);
    dummies_join(&stayers);
    expect_all_asked(&crowd, count);
    expect_all_asked(&stayers, count);
    assert_int_equal(story_ended(GW__CLOSE_REASON__BY_PEER), count);
    assert_int_equal(story_ended(GW__CLOSE_REASON__SHUTDOWN), count + 2);
    story_destroy();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STORY(a_crowd_that_goes_when_asked_is_not_waited_for),
        STORY(a_crowd_that_stays_is_served_until_the_deadline_and_no_longer),
        STORY(who_is_asked_to_go_is_served_until_the_deadline),
        STORY(who_is_not_greeted_and_who_comes_late_hear_shutdown_at_once),
        STORY(one_that_never_reads_does_not_hold_up_the_end),
        STORY(a_server_full_of_all_kinds_is_gone_in_time),
    };
    story_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scenarios/drain.c: Graceful shutdown: GOAWAY, the deadline, and the close of each kind of
 * client. */
#include "server/server.h"
#include "tests/scenarios/dummies.h"
#include "tests/scenarios/scenario.h"
#include "tests/scenarios/test_client.h"
#include "tests/support/wait.h"

enum {
    CROWD = 300,
    TALK_MS = 60000, /* longer than any scenario */
    SHORT_MS = 600,
    SLACK_MS = 2000, /* for the close frame: WIRE.md's two times 1,000 ms */
    NOTICE_MS = 500, /* for the work around it */
};

static struct dummies crowd;
static struct dummies stayers;

/* ---- time ---- */

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
        fail_msg("draining took %u ms; the limit is %u ms", (unsigned)took_ms, (unsigned)limit_ms);
    }
}

static void serve_for(uint32_t drain_ms)
{
    struct server_config config = scenario_config();
    config.drain_ms = drain_ms;
    config.unlimited = true; /* so that unread lines fill a queue quickly */
    config.room_members_max = 2 * CROWD;
    scenario_serve(&config);
}

/* ---- many dummy clients ---- */

static void expect_all_received_goaway(const struct dummies *dummies, uint32_t count)
{
    assert_int_equal(dummies->report.greeted, count);
    assert_int_equal(dummies->report.asked_to_go, count);
    dummies_expect_clean(dummies);
}

/* ---- single clients ---- */

static void a_client_may_chat_and_change_rooms_between_goaway_and_the_deadline(void **state)
{
    serve_for(SHORT_MS);
    struct test_client *ada = test_client_open("Ada");
    (void)test_client_join(ada, "room");
    begin_drain();
    const Gw__GoAway *go_away = test_client_receive(ada, GO_AWAY);
    assert_int_equal(go_away->deadline_ms, SHORT_MS);
    assert_true(go_away->retry_min_ms < go_away->retry_max_ms);
    test_client_chat(ada, "so long");
    test_client_receive_line(ada, ada, "so long", 1);
    test_client_leave(ada);
    (void)test_client_receive(ada, GAME_PACKET_LEFT);
    (void)test_client_join(ada, "another room");
    test_client_receive_close(ada, GW__CLOSE_REASON__SHUTDOWN);
    assert_true(passed_ms() >= SHORT_MS);
    expect_end_in_time(SHORT_MS + SLACK_MS);
    assert_null(test_client_connect(&scenario.addr));
    scenario_destroy();
}

static struct test_client *open_paused_client(void)
{
    struct test_client *paused = test_client_connect_narrow(&scenario.addr);
    assert_non_null(paused);
    test_client_greet(paused, "paused");
    (void)test_client_join(paused, "room-0");
    paused->is_paused = true;
    return paused;
}

/* ---- all kinds together ---- */

static void crowds_come(uint32_t count)
{
    dummies_init(&crowd, count, TALK_MS);
    dummies_init(&stayers, count, TALK_MS);
    stayers.options.stay = true;
    dummies_come(&crowd);
    dummies_come(&stayers);
}

static void a_server_with_all_kinds_of_clients_drains_within_its_deadline(void **state)
{
    serve_for(SHORT_MS);
    uint32_t count = scenario_count(CROWD / 2);
    crowds_come(count);
    struct test_client *paused = open_paused_client();
    struct test_client *unauthenticated = test_client_connect(&scenario.addr);
    assert_non_null(unauthenticated);
    WAIT_FOR(scenario_counters().session_count == 2 * count + 1 &&
             scenario_counters().pending_count == 1);
    begin_drain();
    test_client_receive_close(unauthenticated, GW__CLOSE_REASON__SHUTDOWN);
    expect_end_in_time(SHORT_MS + SLACK_MS + NOTICE_MS);
    test_client_close(paused);
    dummies_join(&crowd);
    dummies_join(&stayers);
    expect_all_received_goaway(&crowd, count);
    expect_all_received_goaway(&stayers, count);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__BY_PEER), count);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SHUTDOWN), count + 2);
    scenario_destroy();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_client_may_chat_and_change_rooms_between_goaway_and_the_deadline),
        SCENARIO(a_server_with_all_kinds_of_clients_drains_within_its_deadline),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

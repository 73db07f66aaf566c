/* tests/scenarios/slow.c: who stops reading in a busy room goes, and the others lose nothing. */
#include "tests/scenarios/room_log.h"
#include "tests/scenarios/scenario.h"
#include "tests/support/machine.h"
#include "tests/support/wait.h"

enum {
    SPEAKERS = 8,
    SLEEPERS = 4,
    PAUSE_LINES = 400,
    PADDING_BYTES = 300,
    QUEUE_BYTES = 256 * 1024,
    /* What a session may have beside its queue: a ring for one frame and one receive, its chunks.
     */
    OTHER_BYTES = 128 * 1024,
    TURNS_MAX = 20000,
    LOST_PLACES = 100,
    MOMENT_MS = 30,
    MAP_EDGE = 1000,
};

static struct room_log room_log;
static struct listener speakers[SPEAKERS];
static struct listener sleepers[SLEEPERS];
static const uint32_t members_max = SPEAKERS + SLEEPERS;

/* ---- who is there ---- */

/* They speak more than the rates of the schema let them. */
static void serve(struct server_config *config)
{
    config->unlimited = true;
    scenario_serve(config);
}

static void open_quickly(void)
{
    struct server_config config = scenario_config();
    serve(&config);
}

static void speakers_come(void)
{
    room_log = (struct room_log){.room = "busy", .padding_bytes = PADDING_BYTES};
    for (int i = 0; i < SPEAKERS; i++) {
        listener_enter(&speakers[i], test_client_come("speaker"), &room_log);
    }
}

static void one_falls_asleep(struct listener *listener)
{
    struct test_client *test_client = test_client_knock_narrow(&scenario.addr);
    assert_non_null(test_client);
    test_client_greet(test_client, "sleeper");
    listener_enter(listener, test_client, &room_log);
    test_client->is_closed = true;
}

static void all_go(struct listener *listeners, int count)
{
    for (int i = 0; i < count; i++) {
        test_client_close(listeners[i].test_client);
        listener_fini(&listeners[i]);
    }
}

/* ---- a busy room ---- */

static bool all_have_received(void)
{
    bool all = true;
    (void)test_clients_listen();
    for (int i = 0; i < SPEAKERS; i++) {
        assert_true(listener_listen(&speakers[i]));
        all =
            all && speakers[i].received == speakers[i].said && speakers[i].line == speakers[0].line;
    }
    return all;
}

static void expect_bounded_memory(void)
{
    const struct server_counters counters = scenario_counters();
    assert_true(counters.port.send_queue_bytes <= (uint64_t)members_max * QUEUE_BYTES);
    assert_true(counters.port.pool_bytes <= (uint64_t)members_max * (QUEUE_BYTES + OTHER_BYTES));
}

static void all_speak(void)
{
    for (int i = 0; i < SPEAKERS; i++) {
        for (int line = 0; line < 16; line++) {
            listener_chat(&speakers[i]);
        }
    }
    WAIT_FOR((expect_bounded_memory(), all_have_received()));
}

/* As the speakers hear it. */
static bool are_alone(void)
{
    for (int i = 0; i < SPEAKERS; i++) {
        if (speakers[i].member_count != SPEAKERS) {
            return false;
        }
    }
    return true;
}

static void speak_until_alone(void)
{
    for (int turn = 0; !are_alone(); turn++) {
        assert_true(turn < TURNS_MAX);
        all_speak();
    }
}

static bool has_nothing_queued(void)
{
    return scenario_counters().port.send_queue_bytes == 0;
}

static void who_stops_reading_in_a_busy_room_goes_and_the_others_stay(void **state)
{
    (void)state;
    struct server_config config = scenario_config();
    config.send_queue_bytes_max = QUEUE_BYTES;
    serve(&config);
    speakers_come();
    for (int i = 0; i < SLEEPERS; i++) {
        one_falls_asleep(&sleepers[i]);
    }
    speak_until_alone();
    WAIT_FOR(scenario_counters().session_count == SPEAKERS);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SLOW_CONSUMER), SLEEPERS);
    WAIT_FOR(has_nothing_queued());
    all_speak();
    assert_int_equal(scenario_counters().lines, room_log.line_count);
    all_go(speakers, SPEAKERS);
    all_go(sleepers, SLEEPERS);
    room_log_fini(&room_log);
    scenario_close();
}

/* What it reads is whole, up to the end; CLOSE is the last, if there was still time to say it. */
static void receive_the_rest(struct listener *listener)
{
    uint16_t id = 0;
    const void *message;
    while ((message = test_client_wait(listener->test_client, &id)) != NULL && id != CLOSE) {
        listener_believe(listener, id, message);
    }
    if (message != NULL) {
        assert_int_equal(((const Gw__Close *)message)->reason, GW__CLOSE_REASON__SLOW_CONSUMER);
        assert_null(test_client_wait(listener->test_client, &id));
    }
}

static void who_wakes_up_too_late_reads_no_holes(void **state)
{
    (void)state;
    open_quickly();
    speakers_come();
    one_falls_asleep(&sleepers[0]);
    speak_until_alone();
    receive_the_rest(&sleepers[0]);
    assert_true(sleepers[0].line > 0);
    WAIT_FOR(scenario_counters().session_count == SPEAKERS);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SLOW_CONSUMER), 1);
    all_go(speakers, SPEAKERS);
    all_go(sleepers, 1);
    room_log_fini(&room_log);
    scenario_close();
}

/* Less than the queue holds: that is what it is for. */
static void who_only_pauses_stays_and_receives_all(void **state)
{
    (void)state;
    open_quickly();
    speakers_come();
    one_falls_asleep(&sleepers[0]);
    while (room_log.line_count < PAUSE_LINES) {
        all_speak();
    }
    sleepers[0].test_client->is_closed = false;
    WAIT_FOR((all_have_received(),
              listener_listen(&sleepers[0]) && sleepers[0].line == room_log.line_count));
    assert_int_equal(scenario_counters().session_count, SPEAKERS + 1);
    all_go(speakers, SPEAKERS);
    all_go(sleepers, 1);
    room_log_fini(&room_log);
    scenario_close();
}

/* ---- places ---- */

/* Each a step on; they wait until they have seen themselves there. */
static bool are_at(int32_t step)
{
    (void)test_clients_listen();
    for (int i = 0; i < SPEAKERS; i++) {
        assert_true(listener_listen(&speakers[i]));
        if (listener_find(&speakers[i], speakers[i].test_client->id)->x != step) {
            return false;
        }
    }
    return true;
}

static void all_move(int32_t step)
{
    for (int i = 0; i < SPEAKERS; i++) {
        test_client_move(speakers[i].test_client, step, i);
    }
    WAIT_FOR(are_at(step));
}

static bool knows_where_all_are(const struct listener *listener, int32_t step)
{
    for (int i = 0; i < SPEAKERS; i++) {
        const struct room_log_member *member = listener_find(listener, speakers[i].test_client->id);
        if (member == NULL || member->x != step || member->y != i) {
            return false;
        }
    }
    return true;
}

/* What waits for those who listen has left after a moment. */
static bool waits_for_long(void)
{
    machine_sleep_ms(MOMENT_MS);
    (void)test_clients_listen();
    return scenario_counters().port.send_queue_bytes > QUEUE_BYTES / 4;
}

/* Lines fill its queue up to the soft limit. Then there are only places, and it may sleep on. */
static void who_sleeps_while_others_move_stays_and_knows_in_the_end_where_they_are(void **state)
{
    int32_t step = 0;
    (void)state;
    struct server_config config = scenario_config();
    config.send_queue_bytes_max = QUEUE_BYTES;
    serve(&config);
    speakers_come();
    one_falls_asleep(&sleepers[0]);
    while (!waits_for_long()) {
        all_speak();
    }
    while (scenario_counters().port.send_coalesced_count < LOST_PLACES) {
        step = step % MAP_EDGE + 1;
        all_move(step);
    }
    sleepers[0].test_client->is_closed = false;
    WAIT_FOR((test_clients_listen(),
              listener_listen(&sleepers[0]) && knows_where_all_are(&sleepers[0], step)));
    assert_true(scenario_packet("Snapshot").lost > 0);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SLOW_CONSUMER), 0);
    all_go(speakers, SPEAKERS);
    all_go(sleepers, 1);
    room_log_fini(&room_log);
    scenario_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(who_stops_reading_in_a_busy_room_goes_and_the_others_stay),
        SCENARIO(who_wakes_up_too_late_reads_no_holes),
        SCENARIO(who_only_pauses_stays_and_receives_all),
        SCENARIO(who_sleeps_while_others_move_stays_and_knows_in_the_end_where_they_are),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tests/scenarios/slow.c: Slow consumers in a busy room, and the members that read. */
#include "tests/scenarios/room_view.h"
#include "tests/scenarios/scenario.h"
#include "tests/support/machine.h"
#include "tests/support/wait.h"

enum {
    SPEAKERS = 8,
    PAUSED = 4,
    PAUSE_LINES = 400,
    PADDING_BYTES = 300,
    QUEUE_BYTES = 256 * 1024,
    /* Memory of a session beside its queue: a ring for one frame and one receive, and its chunks.
     */
    OTHER_BYTES = 128 * 1024,
    TURNS_MAX = 20000,
    LOST_POSITIONS = 100,
    MOMENT_MS = 30,
    MAP_EDGE = 1000,
};

static struct room_log room_log;
static struct room_view speakers[SPEAKERS];
static struct room_view paused[PAUSED];
static const uint32_t members_max = SPEAKERS + PAUSED;

/* ---- speakers and paused members ---- */

/* Without rate limits: the speakers exceed those of the schema. */
static void serve(struct server_config *config)
{
    config->unlimited = true;
    scenario_serve(config);
}

static void open_unlimited(void)
{
    struct server_config config = scenario_config();
    serve(&config);
}

static void speakers_come(void)
{
    room_log = (struct room_log){.room = "busy", .padding_bytes = PADDING_BYTES};
    for (int i = 0; i < SPEAKERS; i++) {
        room_view_enter(&speakers[i], test_client_open("speaker"), &room_log);
    }
}

static void enter_paused(struct room_view *view)
{
    struct test_client *client = test_client_connect_narrow(&scenario.addr);
    assert_non_null(client);
    test_client_greet(client, "paused");
    room_view_enter(view, client, &room_log);
    client->is_paused = true;
}

static void all_go(struct room_view *views, int count)
{
    for (int i = 0; i < count; i++) {
        test_client_close(views[i].client);
        room_view_fini(&views[i]);
    }
}

/* ---- a busy room ---- */

static bool all_have_received(void)
{
    bool all = true;
    (void)test_clients_receive();
    for (int i = 0; i < SPEAKERS; i++) {
        assert_true(room_view_receive(&speakers[i]));
        all =
            all && speakers[i].received == speakers[i].sent && speakers[i].line == speakers[0].line;
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
            room_view_chat(&speakers[i]);
        }
    }
    WAIT_FOR((expect_bounded_memory(), all_have_received()));
}

/* Whether every speaker has received Gone for all paused members. */
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

static void members_that_stop_reading_are_closed_and_the_others_lose_no_line(void **state)
{
    struct server_config config = scenario_config();
    config.send_queue_bytes_max = QUEUE_BYTES;
    serve(&config);
    speakers_come();
    for (int i = 0; i < PAUSED; i++) {
        enter_paused(&paused[i]);
    }
    speak_until_alone();
    WAIT_FOR(scenario_counters().session_count == SPEAKERS);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SLOW_CONSUMER), PAUSED);
    WAIT_FOR(has_nothing_queued());
    all_speak();
    assert_int_equal(scenario_counters().lines, room_log.line_count);
    all_go(speakers, SPEAKERS);
    all_go(paused, PAUSED);
    room_log_fini(&room_log);
    scenario_close();
}

/* The lines have no gap up to the end. CLOSE is the last packet, if the server could still send it.
 */
static void receive_the_rest(struct room_view *view)
{
    uint16_t id = 0;
    const void *message;
    while ((message = test_client_wait(view->client, &id)) != NULL && id != CLOSE) {
        room_view_apply(view, id, message);
    }
    if (message != NULL) {
        assert_int_equal(((const Gw__Close *)message)->reason, GW__CLOSE_REASON__SLOW_CONSUMER);
        assert_null(test_client_wait(view->client, &id));
    }
}

static void a_closed_slow_consumer_reads_its_queue_without_a_gap(void **state)
{
    open_unlimited();
    speakers_come();
    enter_paused(&paused[0]);
    speak_until_alone();
    receive_the_rest(&paused[0]);
    assert_true(paused[0].line > 0);
    WAIT_FOR(scenario_counters().session_count == SPEAKERS);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SLOW_CONSUMER), 1);
    all_go(speakers, SPEAKERS);
    all_go(paused, 1);
    room_log_fini(&room_log);
    scenario_close();
}

/* The unread lines fit into the send queue. */
static void a_member_that_pauses_within_its_queue_receives_every_line(void **state)
{
    open_unlimited();
    speakers_come();
    enter_paused(&paused[0]);
    while (room_log.line_count < PAUSE_LINES) {
        all_speak();
    }
    paused[0].client->is_paused = false;
    WAIT_FOR((all_have_received(),
              room_view_receive(&paused[0]) && paused[0].line == room_log.line_count));
    assert_int_equal(scenario_counters().session_count, SPEAKERS + 1);
    all_go(speakers, SPEAKERS);
    all_go(paused, 1);
    room_log_fini(&room_log);
    scenario_close();
}

/* ---- positions ---- */

/* Whether every speaker has received its own new position. */
static bool are_at(int32_t step)
{
    (void)test_clients_receive();
    for (int i = 0; i < SPEAKERS; i++) {
        assert_true(room_view_receive(&speakers[i]));
        if (room_view_find(&speakers[i], speakers[i].client->id)->x != step) {
            return false;
        }
    }
    return true;
}

static void all_move(int32_t step)
{
    for (int i = 0; i < SPEAKERS; i++) {
        test_client_move(speakers[i].client, step, i);
    }
    WAIT_FOR(are_at(step));
}

static bool knows_where_all_are(const struct room_view *view, int32_t step)
{
    for (int i = 0; i < SPEAKERS; i++) {
        const struct room_view_member *member = room_view_find(view, speakers[i].client->id);
        if (member == NULL || member->x != step || member->y != i) {
            return false;
        }
    }
    return true;
}

/* After 30 ms the queues of the members that read are empty: the rest belongs to the paused one. */
static bool is_queue_of_paused_filled(void)
{
    machine_sleep_ms(MOMENT_MS);
    (void)test_clients_receive();
    return scenario_counters().port.send_queue_bytes > QUEUE_BYTES / 4;
}

/* Lines fill its queue up to the soft limit. From then on there are only snapshots, which coalesce.
 */
static void a_paused_member_stays_while_snapshots_coalesce_and_gets_the_last_positions(void **state)
{
    int32_t step = 0;
    struct server_config config = scenario_config();
    config.send_queue_bytes_max = QUEUE_BYTES;
    serve(&config);
    speakers_come();
    enter_paused(&paused[0]);
    while (!is_queue_of_paused_filled()) {
        all_speak();
    }
    while (scenario_counters().port.send_coalesced_count < LOST_POSITIONS) {
        step = step % MAP_EDGE + 1;
        all_move(step);
    }
    paused[0].client->is_paused = false;
    WAIT_FOR((test_clients_receive(),
              room_view_receive(&paused[0]) && knows_where_all_are(&paused[0], step)));
    assert_true(scenario_packet("Snapshot").lost > 0);
    assert_int_equal(scenario_ended(GW__CLOSE_REASON__SLOW_CONSUMER), 0);
    all_go(speakers, SPEAKERS);
    all_go(paused, 1);
    room_log_fini(&room_log);
    scenario_close();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(members_that_stop_reading_are_closed_and_the_others_lose_no_line),
        SCENARIO(a_closed_slow_consumer_reads_its_queue_without_a_gap),
        SCENARIO(a_member_that_pauses_within_its_queue_receives_every_line),
        SCENARIO(a_paused_member_stays_while_snapshots_coalesce_and_gets_the_last_positions),
    };
    scenario_begin(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

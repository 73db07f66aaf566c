/* tests/scripted/test_shared.c: a lane that all workers share, as a completion port has it. */
#include "tests/test.h"

#include "net/buf.h"
#include "net/turn.h"
#include "session/group.h"
#include "session/session.h"
#include "tests/scripted/hall.h"
#include "tests/scripted/life.h"

#include <string.h>

/* Here no turn but a stream's own may touch its queue: what others send comes as a task. */
static const struct stage_config shared = {.kernel = {.lane_shared = true}};

static struct peer *peer;

static int open_hall(void **state)
{
    (void)state;
    hall_open(&shared, NULL);
    peer = hall_join();
    return 0;
}

static int close_hall(void **state)
{
    (void)state;
    peer_close(peer);
    hall_close();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hall, close_hall)

static void a_session_lives_on_a_shared_lane(void **state)
{
    (void)state;
    hall_say(peer, "one");
    hall_say(peer, "two");
    stage_settle();
    assert_int_equal(hall.heard_count, 2);
    gw_session_end(hall.last, GW__CLOSE_REASON__KICKED);
    stage_settle();
    assert_int_equal(hall_close_reason(peer), GW__CLOSE_REASON__KICKED);
}

/* ---- CLOSE is the last frame ---- */

struct errand {
    struct gw_task task;
    void (*work)(void);
};

static void run_errand(struct gw_task *task)
{
    ((struct errand *)(void *)task)->work();
}

static void say_something(void)
{
    Gw__Error line = GW__ERROR__INIT;
    line.text = "from elsewhere";
    gw_session_send(hall.last, LINE, &line.base);
}

static void end_itself(void)
{
    gw_session_end(hall.last, GW__CLOSE_REASON__KICKED);
}

/* What another turn has said before is on its way as a task, when the session ends itself. */
static void what_was_said_elsewhere_does_not_come_behind_close(void **state)
{
    (void)state;
    struct errand say = {.task.run = run_errand, .work = say_something};
    struct errand end = {.task.run = run_errand, .work = end_itself};
    uint8_t body[64];
    size_t bytes;
    gw_port_post(stage_port, &say.task);
    gw_turn_post(gw_session_turn(hall.last), &end.task);
    stage_settle();
    assert_int_equal(hall_next(peer, body, &bytes), LINE);
    assert_int_equal(hall_close_reason(peer), GW__CLOSE_REASON__KICKED);
}

static struct errand kick = {.task.run = run_errand, .work = end_itself};

static void have_it_kicked(struct gw_session *session)
{
    (void)session;
    if (hall.heard_count == 10) {
        gw_port_post(stage_port, &kick.task);
    }
}

/* It has more frames than a turn takes, so that its next turn is posted already. */
static void a_busy_session_that_is_ended_elsewhere_still_hears_close(void **state)
{
    (void)state;
    hall.on_heard = have_it_kicked;
    for (int i = 0; i < 100; i++) {
        hall_say(peer, "busy");
    }
    stage_settle();
    assert_in_range(hall.heard_count, 64, 100);
    assert_int_equal(hall_close_reason(peer), GW__CLOSE_REASON__KICKED);
}

/* ---- the same with a bare stream ---- */

static struct life *busy;

static void send_and_finish(void)
{
    struct gw_buf *last = gw_buf_create(4);
    assert_non_null(last);
    memcpy(gw_buf_data(last), "last", 4);
    assert_int_equal(life_send(busy, "first ", 6), 0);
    assert_true(gw_stream_finish(busy->stream, 7, last));
    gw_buf_unref(last);
}

static struct errand goodbye = {.task.run = run_errand, .work = send_and_finish};

static void have_it_finished(struct life *life)
{
    busy = life;
    if (bytes_count(&life->heard) == 4) {
        gw_port_post(stage_port, &goodbye.task);
    }
}

static void what_was_sent_before_a_finish_leaves_before_fin(void **state)
{
    (void)state;
    struct door door = {0};
    assert_int_equal(door_open(&door, 0, NULL), 0);
    stage_settle();
    struct peer *other = peer_connect(door.port);
    stage_settle();
    struct life *life = door_last(&door);
    life->message_bytes = 4;
    life->budget = 2;
    life->on_recv = have_it_finished;
    peer_send(other, "aaaabbbbccccdddd", 16);
    stage_settle();
    size_t count = peer_unread_count(other);
    uint8_t heard[16];
    peer_read(other, heard, sizeof heard);
    bool has_fin = peer_has_fin(other);
    peer_finish(other);
    door_close(&door);
    stage_run_ms(2500);
    peer_close(other);
    door_fini(&door);
    assert_true(has_fin);
    assert_int_equal(count, 10);
    assert_memory_equal(heard, "first last", 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_lives_on_a_shared_lane),
        TEST(what_was_said_elsewhere_does_not_come_behind_close),
        TEST(a_busy_session_that_is_ended_elsewhere_still_hears_close),
        TEST(what_was_sent_before_a_finish_leaves_before_fin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

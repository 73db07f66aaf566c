/* tests/scripted/test_shared.c: Sessions on a lane that all workers share, like a completion port.
 */
#include "tests/test.h"

#include "net/buf.h"
#include "net/turn.h"
#include "session/group.h"
#include "session/session.h"
#include "tests/scripted/session_fixture.h"
#include "tests/scripted/test_stream.h"

#include <string.h>

/*
 * On such a lane only the turn of a stream may use its queue: sends of other turns arrive as tasks.
 */
static const struct gw_backend_ops *with_late_clock(const struct gw_backend_ops *below);

static const struct port_fixture_config shared = {.kernel = {.lane_shared = true},
                                                  .wrap = with_late_clock};

static int open_session_fixture(void **state)
{
    session_fixture_open(&shared, NULL);
    peer = session_fixture_join();
    return 0;
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, open_session_fixture, session_fixture_teardown)

static void a_session_works_on_a_shared_lane(void **state)
{
    session_fixture_say(peer, "one");
    session_fixture_say(peer, "two");
    fixture_run_now();
    assert_int_equal(session_fixture.received_count, 2);
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
    fixture_run_now();
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__KICKED);
}

/* ---- CLOSE is the last frame ---- */

struct posted_task {
    struct gw_task task;
    void (*work)(void);
};

static void run_posted_task(struct gw_task *task)
{
    ((struct posted_task *)(void *)task)->work();
}

static void send_something(void)
{
    Gw__Error line = GW__ERROR__INIT;
    line.text = "from another thread";
    gw_session_send(session_fixture.last, LINE, &line.base);
}

static void end_itself(void)
{
    gw_session_end(session_fixture.last, GW__CLOSE_REASON__KICKED);
}

/* A message of another turn is still a task when the session ends itself. */
static void messages_of_other_threads_do_not_follow_close(void **state)
{
    struct posted_task say = {.task.run = run_posted_task, .work = send_something};
    struct posted_task end = {.task.run = run_posted_task, .work = end_itself};
    uint8_t body[64];
    size_t bytes;
    gw_port_post(fixture_port, &say.task);
    gw_turn_post(gw_session_turn(session_fixture.last), &end.task);
    fixture_run_now();
    assert_int_equal(session_fixture_next(peer, body, &bytes), LINE);
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__KICKED);
}

static struct posted_task kick = {.task.run = run_posted_task, .work = end_itself};

static void post_kick(struct gw_session *session)
{
    if (session_fixture.received_count == 10) {
        gw_port_post(fixture_port, &kick.task);
    }
}

/* The session has more frames than a turn takes, so its next turn is posted. */
static void a_busy_session_ended_by_another_thread_still_receives_close(void **state)
{
    session_fixture.on_received = post_kick;
    for (int i = 0; i < 100; i++) {
        session_fixture_say(peer, "busy");
    }
    fixture_run_now();
    assert_in_range(session_fixture.received_count, 64, 100);
    assert_int_equal(session_fixture_close_reason(peer), GW__CLOSE_REASON__KICKED);
}

/* ---- the same with a stream ---- */

static struct test_stream *busy;

static void send_and_finish(void)
{
    struct gw_buf *last = gw_buf_create(4);
    assert_non_null(last);
    memcpy(gw_buf_data(last), "last", 4);
    assert_int_equal(test_stream_send(busy, "first ", 6), 0);
    assert_true(gw_stream_finish(busy->stream, 7, last));
    gw_buf_unref(last);
}

static struct posted_task finish_task = {.task.run = run_posted_task, .work = send_and_finish};

static void post_finish(struct test_stream *test_stream)
{
    busy = test_stream;
    if (bytes_count(&test_stream->received) == 4) {
        gw_port_post(fixture_port, &finish_task.task);
    }
}

static void messages_sent_before_a_finish_precede_fin(void **state)
{
    struct test_listener test_listener = {0};
    assert_int_equal(test_listener_open(&test_listener, 0, NULL), 0);
    fixture_run_now();
    struct peer *other = peer_connect(test_listener.port);
    fixture_run_now();
    struct test_stream *test_stream = test_listener_last(&test_listener);
    test_stream->message_bytes = 4;
    test_stream->budget = 2;
    test_stream->on_recv = post_finish;
    peer_send(other, "aaaabbbbccccdddd", 16);
    fixture_run_now();
    size_t count = peer_unread_count(other);
    uint8_t received[16];
    peer_read(other, received, sizeof received);
    bool has_fin = peer_has_fin(other);
    peer_finish(other);
    test_listener_close(&test_listener);
    fixture_run_ms(2500);
    peer_close(other);
    test_listener_fini(&test_listener);
    assert_true(has_fin);
    assert_int_equal(count, 10);
    assert_memory_equal(received, "first last", 10);
}

/* ---- time ---- */

static const struct gw_backend_ops *accurate;
static uint64_t behind_ns;

static uint64_t now_ns_of_another_worker(void)
{
    return accurate->now_ns() - behind_ns;
}

static const struct gw_backend_ops *with_late_clock(const struct gw_backend_ops *below)
{
    static struct gw_backend_ops ops;
    ops = *below;
    ops.now_ns = now_ns_of_another_worker;
    accurate = below;
    return &ops;
}

static void note_time(void *context)
{
    *(uint64_t *)context = gw_turn_now_ns(gw_session_turn(session_fixture.last));
}

/* The next turn of a session may run on a worker that has read the clock earlier. */
static void time_does_not_go_back_between_turns_of_a_session(void **state)
{
    struct gw_turn *turn = gw_session_turn(session_fixture.last);
    uint64_t first_ns = 0;
    uint64_t second_ns = 0;
    fixture_run_ms(100);
    fixture_in_turn(turn, note_time, &first_ns);
    behind_ns = 5000000;
    fixture_in_turn(turn, note_time, &second_ns);
    behind_ns = 0;
    assert_in_range(second_ns, first_ns, first_ns + 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_works_on_a_shared_lane),
        TEST(messages_of_other_threads_do_not_follow_close),
        TEST(a_busy_session_ended_by_another_thread_still_receives_close),
        TEST(messages_sent_before_a_finish_precede_fin),
        TEST(time_does_not_go_back_between_turns_of_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

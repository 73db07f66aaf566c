/* tests/net/contract_turn.c: Turns: one at a time for each object. */
#include "tests/net/contract.h"

#include "net/os/os.h"
#include "net/port_internal.h"
#include "net/ring.h"
#include "tests/net/port_fixture.h"
#include <stdlib.h>
#include <string.h>

static void open_fixture(void)
{
    static const struct stream_callbacks echo = {.on_recv = checked_echo};
    fixture_open(&(struct port_fixture_plan){.callbacks = &echo});
}

/* ---- exclusion and order ---- */

enum { POSTER_COUNT = 4, POST_COUNT = 3000 };

/* Written by the tasks of one object without a lock; a thread sanitizer reports a race. */
static struct {
    struct gw_turn turn;
    atomic_bool inside;
    atomic_uint overlap_count;
    atomic_uint not_mine_count;
    uint64_t sum;
    uint32_t next_of_poster[POSTER_COUNT];
    uint32_t wrong_order_count;
    atomic_uint run_count;
} object;

struct post {
    struct gw_task task;
    uint32_t poster;
    uint32_t number;
};

struct poster {
    uint32_t index;
    struct post *posts;
};

static void run_post(struct gw_task *task)
{
    const struct post *post = (const struct post *)(void *)task;
    atomic_fetch_add(&object.overlap_count, atomic_exchange(&object.inside, true));
    atomic_fetch_add(&object.not_mine_count, !gw_turn_is_mine(&object.turn));
    object.sum += post->number;
    object.wrong_order_count += object.next_of_poster[post->poster]++ != post->number;
    atomic_fetch_add(&object.run_count, 1);
    atomic_store(&object.inside, false);
}

static void post_many(void *context)
{
    struct poster *poster = context;
    for (uint32_t i = 0; i < POST_COUNT; i++) {
        poster->posts[i] = (struct post){{run_post, NULL}, poster->index, i};
        gw_turn_post(&object.turn, &poster->posts[i].task);
    }
}

static void turns_of_an_object_never_overlap_and_keep_the_order(void **state)
{
    struct poster posters[POSTER_COUNT];
    os_thread threads[POSTER_COUNT];
    memset(&object, 0, sizeof(object));
    open_fixture();
    gw_turn_init(&object.turn, fixture.port, NULL);
    for (uint32_t i = 0; i < POSTER_COUNT; i++) {
        posters[i] = (struct poster){i, calloc(POST_COUNT, sizeof(struct post))};
        assert_int_equal(os_thread_start(&threads[i], post_many, &posters[i]), 0);
    }
    for (uint32_t i = 0; i < POSTER_COUNT; i++) {
        os_thread_join(threads[i]);
    }
    WAIT_FOR(atomic_load(&object.run_count) == POSTER_COUNT * POST_COUNT);
    fixture_close();
    assert_int_equal(atomic_load(&object.overlap_count), 0);
    assert_int_equal(atomic_load(&object.not_mine_count), 0);
    assert_int_equal(object.wrong_order_count, 0);
    assert_int_equal(object.sum, (uint64_t)POSTER_COUNT * POST_COUNT * (POST_COUNT - 1) / 2);
    for (uint32_t i = 0; i < POSTER_COUNT; i++) {
        free(posters[i].posts);
    }
}

/* ---- the budget ---- */

enum { BUSY_COUNT = 3 * GW_TURN_TASK_COUNT_MAX + 8 };

static struct {
    struct gw_turn busy;
    struct gw_turn other;
    struct gw_task tasks[BUSY_COUNT];
    struct gw_task other_task;
    atomic_uint busy_count;
    atomic_uint
        busy_count_seen; /* the number at the time of the other object's turn, and one more */
} budget;

static void run_busy(struct gw_task *task)
{
    atomic_fetch_add(&budget.busy_count, 1);
}

static void run_other(struct gw_task *task)
{
    atomic_store(&budget.busy_count_seen, atomic_load(&budget.busy_count) + 1);
}

static void leave_much_for_one_and_little_for_another(void *context)
{
    for (int i = 0; i < BUSY_COUNT; i++) {
        budget.tasks[i].run = run_busy;
        gw_turn_post(&budget.busy, &budget.tasks[i]);
    }
    budget.other_task.run = run_other;
    gw_turn_post(&budget.other, &budget.other_task);
}

static void a_busy_object_goes_to_the_end_of_the_ready_queue(void **state)
{
    struct gw_turn giver;
    memset(&budget, 0, sizeof(budget));
    open_fixture();
    struct gw_lane *lane = gw__port_lane(fixture.port, 0);
    gw__turn_init(&giver, lane, NULL);
    gw__turn_init(&budget.busy, lane, NULL);
    gw__turn_init(&budget.other, lane, NULL);
    run_in_turn(&giver, leave_much_for_one_and_little_for_another, NULL);
    WAIT_FOR(atomic_load(&budget.busy_count) == BUSY_COUNT);
    WAIT_FOR(atomic_load(&budget.busy_count_seen) != 0);
    assert_true(atomic_load(&budget.busy_count_seen) - 1 == GW_TURN_TASK_COUNT_MAX ||
                (fixture_backend->lane_shared && fixture_worker_count > 1));
    fixture_close();
}

/* An object that always has a task. */
static struct {
    struct gw_turn turn;
    struct gw_task task;
    atomic_uint run_count;
    atomic_bool stop;
} random_sockets;

static void run_random_socket(struct gw_task *task)
{
    atomic_fetch_add(&random_sockets.run_count, 1);
    if (!atomic_load(&random_sockets.stop)) {
        gw_turn_post(&random_sockets.turn, task);
    }
}

static void an_object_that_always_has_tasks_does_not_starve_others(void **state)
{
    struct raw_socket peer;
    memset(&random_sockets, 0, sizeof(random_sockets));
    random_sockets.task.run = run_random_socket;
    open_fixture();
    struct checked_stream *checked = fixture_connect(&peer);
    gw__turn_init(&random_sockets.turn, gw_stream_turn(checked->stream)->lane, NULL);
    gw_turn_post(&random_sockets.turn, &random_sockets.task);
    for (int i = 0; i < 20; i++) {
        assert_true(raw_socket_send(&peer, "hello", 5));
        assert_true(raw_receives_text(&peer, "hello"));
        fixture_run_now();
    }
    assert_true(atomic_load(&random_sockets.run_count) > 20);
    atomic_store(&random_sockets.stop, true);
    fixture_close_connected(&peer);
}

/* ---- the end of an object ---- */

enum { MORTAL_COUNT = 500 };

struct mortal_task {
    struct gw_task task;
    struct mortal *mortal;
};

struct mortal {
    struct gw_turn turn;
    struct mortal_task tasks[POSTER_COUNT];
    uint32_t run_count; /* belongs to the turn */
};

static struct mortal *mortals[MORTAL_COUNT];
static atomic_uint freed_count;
static atomic_uint freed_early_count;

static void run_mortal(struct gw_task *task)
{
    struct mortal_task *own = (struct mortal_task *)(void *)task;
    own->mortal->run_count++;
}

static void free_mortal(struct gw_turn *turn)
{
    struct mortal *mortal = (struct mortal *)(void *)turn;
    atomic_fetch_add(&freed_early_count, mortal->run_count != POSTER_COUNT);
    atomic_fetch_add(&freed_count, 1);
    free(mortal);
}

/* Posts one task to each object, and releases its reference at once. */
static void post_and_let_go(void *context)
{
    uint32_t index = *(uint32_t *)context;
    for (int i = 0; i < MORTAL_COUNT; i++) {
        struct mortal_task *own = &mortals[i]->tasks[index];
        *own = (struct mortal_task){.task.run = run_mortal, .mortal = mortals[i]};
        gw_turn_post(&mortals[i]->turn, &own->task);
        gw_turn_unref(&mortals[i]->turn);
    }
}

static void an_object_is_freed_once_after_its_last_task(void **state)
{
    uint32_t indexes[POSTER_COUNT];
    os_thread threads[POSTER_COUNT];
    atomic_store(&freed_count, 0);
    open_fixture();
    for (int i = 0; i < MORTAL_COUNT; i++) {
        mortals[i] = calloc(1, sizeof(struct mortal));
        gw_turn_init(&mortals[i]->turn, fixture.port, free_mortal);
        for (int j = 1; j < POSTER_COUNT; j++) {
            assert_ptr_equal(gw_turn_ref(&mortals[i]->turn), &mortals[i]->turn);
        }
    }
    for (uint32_t i = 0; i < POSTER_COUNT; i++) {
        indexes[i] = i;
        assert_int_equal(os_thread_start(&threads[i], post_and_let_go, &indexes[i]), 0);
    }
    for (uint32_t i = 0; i < POSTER_COUNT; i++) {
        os_thread_join(threads[i]);
    }
    WAIT_FOR(atomic_load(&freed_count) == MORTAL_COUNT);
    assert_int_equal(atomic_load(&freed_early_count), 0);
    fixture_close();
}

static void run_and_free(struct gw_task *task)
{
    free(task);
    atomic_fetch_add(&freed_count, 1);
}

static void a_task_can_free_itself(void **state)
{
    struct gw_turn turn;
    atomic_store(&freed_count, 0);
    open_fixture();
    gw_turn_init(&turn, fixture.port, NULL);
    for (int i = 0; i < 200; i++) {
        struct gw_task *task = calloc(1, sizeof(*task));
        task->run = run_and_free;
        gw_turn_post(&turn, task);
    }
    WAIT_FOR(atomic_load(&freed_count) == 200);
    fixture_close();
}

/* ---- the end of a turn ---- */

enum { ENDING_COUNT = 4 };

static struct {
    struct gw_turn turn;
    struct gw_task tasks[2];
    struct gw_task endings[ENDING_COUNT];
    uint32_t order[16];
    uint32_t count;
    uint64_t sends_at_end;
    struct checked_stream *checked;
    bool not_mine;
} ending;

static void note(uint32_t what)
{
    ending.not_mine = ending.not_mine || !gw_turn_is_mine(&ending.turn);
    ending.order[ending.count++] = what;
}

static void run_ending(struct gw_task *task)
{
    uint32_t index = (uint32_t)(task - ending.endings);
    note(100 + index);
    ending.sends_at_end = checking_backend_counts().sends;
    (void)checked_send_text(ending.checked, "at the end, ");
    if (index == 1) {
        gw_turn_at_end(&ending.turn,
                       &ending.endings[3]); /* end-of-turn work may add itself again */
    }
}

static void run_with_endings(struct gw_task *task)
{
    uint32_t index = (uint32_t)(task - ending.tasks);
    note(index);
    if (index == 0) {
        for (int i = 0; i < 3; i++) {
            ending.endings[i].run = run_ending;
            gw_turn_at_end(&ending.turn, &ending.endings[i]);
        }
        ending.endings[3].run = run_ending;
    }
    (void)checked_send_text(ending.checked, "in the turn, ");
}

static void post_two_tasks(void *context)
{
    for (int i = 0; i < 2; i++) {
        ending.tasks[i].run = run_with_endings;
        gw_turn_post(&ending.turn, &ending.tasks[i]);
    }
}

static void end_of_turn_work_runs_once_after_the_tasks_and_before_the_sends(void **state)
{
    static const uint32_t order[] = {0, 1, 100, 101, 102, 103};
    struct raw_socket peer;
    struct gw_turn giver;
    memset(&ending, 0, sizeof(ending));
    open_fixture();
    ending.checked = fixture_connect(&peer);
    fixture_run_now();
    struct gw_lane *lane = gw_stream_turn(ending.checked->stream)->lane;
    gw__turn_init(&ending.turn, lane, NULL);
    gw__turn_init(&giver, lane, NULL);
    run_in_turn(&giver, post_two_tasks, NULL);
    assert_true(raw_receives_text(&peer, "in the turn, in the turn, at the end, at the end, "
                                         "at the end, at the end, "));
    fixture_close_connected(&peer);
    assert_int_equal(ending.count, 6);
    assert_memory_equal(ending.order, order, sizeof(order));
    assert_false(ending.not_mine);
    assert_int_equal(ending.sends_at_end, 0);
    assert_int_equal(checking_backend_counts().sends, 1);
}

/* ---- the current turn ---- */

static struct gw_turn mine;
static struct gw_turn not_mine;
static atomic_uint wrong_count;

static void look_around(void *context)
{
    uint64_t now_ns = gw_port_now_ns(fixture.port);
    atomic_fetch_add(&wrong_count, !gw_turn_is_mine(&mine));
    atomic_fetch_add(&wrong_count, gw_turn_is_mine(&not_mine));
    atomic_fetch_add(&wrong_count, gw_turn_now_ns(&mine) > now_ns);
    atomic_fetch_add(&wrong_count, now_ns - gw_turn_now_ns(&mine) > WAIT_NS);
}

static void a_turn_belongs_to_one_object_on_one_thread(void **state)
{
    atomic_store(&wrong_count, 0);
    open_fixture();
    gw_turn_init(&mine, fixture.port, NULL);
    gw_turn_init(&not_mine, fixture.port, NULL);
    assert_false(gw_turn_is_mine(&mine));
    assert_ptr_equal(gw_turn_port(&mine), fixture.port);
    run_in_turn(&mine, look_around, NULL);
    assert_false(gw_turn_is_mine(&mine));
    assert_int_equal(atomic_load(&wrong_count), 0);
    fixture_close();
}

static void new_turns_are_assigned_to_the_lanes_in_rotation(void **state)
{
    enum { PER_LANE = 3 };
    uint32_t counts[64] = {0};
    open_fixture();
    for (uint32_t i = 0; i < PER_LANE * fixture_lane_count(); i++) {
        struct gw_turn turn;
        gw_turn_init(&turn, fixture.port, NULL);
        counts[turn.lane->index]++;
    }
    for (uint32_t i = 0; i < fixture_lane_count(); i++) {
        assert_int_equal(counts[i], PER_LANE);
    }
    fixture_close();
}

int contract_turn(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(turns_of_an_object_never_overlap_and_keep_the_order),
        FIXTURE_TEST(a_busy_object_goes_to_the_end_of_the_ready_queue),
        FIXTURE_TEST(an_object_that_always_has_tasks_does_not_starve_others),
        FIXTURE_TEST(an_object_is_freed_once_after_its_last_task),
        FIXTURE_TEST(a_task_can_free_itself),
        FIXTURE_TEST(end_of_turn_work_runs_once_after_the_tasks_and_before_the_sends),
        FIXTURE_TEST(a_turn_belongs_to_one_object_on_one_thread),
        FIXTURE_TEST(new_turns_are_assigned_to_the_lanes_in_rotation),
    };
    return cmocka_run_group_tests_name("contract: turn", tests, NULL, NULL);
}

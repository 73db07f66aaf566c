/* tests/net/contract_offload.c: Jobs on threads of the system. */
#include "tests/net/contract.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/lookup.h"
#include "net/offload.h"
#include "net/os/os.h"
#include "net/port_internal.h"
#include "tests/net/port_fixture.h"
#include <string.h>

static struct gw_offload *pool;

static void create_pool(const struct gw_offload_config *config)
{
    assert_int_equal(gw_offload_create(fixture.port, config, &pool), GW_OK);
}

/* ---- a job that blocks ---- */

static struct {
    struct gw_job job;
    struct gate gate;
    atomic_bool is_done;
} blocked;

static void wait_at_gate(struct gw_job *job)
{
    (void)job;
    gate_wait(&blocked.gate);
}

static void note_done(struct gw_job *job, int result)
{
    (void)job;
    if (result != GW_OK) {
        fixture_break_rule("a job that works is done with 0");
    }
    atomic_store(&blocked.is_done, true);
}

static void post_blocked(void *context)
{
    const struct checked_stream *checked = context;
    blocked.job = (struct gw_job){.work = wait_at_gate, .done = note_done};
    if (gw_offload_post(pool, gw_stream_turn(checked->stream), &blocked.job) != GW_OK) {
        fixture_break_rule("an open pool takes a job");
    }
}

/* With the same work in a callback the worker would not return, and nothing be echoed. */
static void a_job_that_blocks_delays_not_even_its_own_stream(void **state)
{
    static const struct stream_callbacks echo = {.on_recv = checked_echo};
    struct raw_socket peer;
    struct checked_stream *checked = fixture_open_connected(&echo, &peer);
    gate_reset(&blocked.gate);
    atomic_store(&blocked.is_done, false);
    create_pool(NULL);
    run_in_turn(gw_stream_turn(checked->stream), post_blocked, checked);
    WAIT_FOR(atomic_load(&blocked.gate.reached));
    for (int i = 0; i < 20; i++) {
        assert_true(raw_socket_send(&peer, "b", 1));
        assert_true(raw_receives_text(&peer, "b"));
    }
    assert_false(atomic_load(&blocked.is_done));
    atomic_store(&blocked.gate.open, true);
    WAIT_FOR(atomic_load(&blocked.is_done));
    gw_offload_destroy(pool);
    fixture_close_connected(&peer);
}

/* ---- many jobs of many threads ---- */

enum { POSTER_COUNT = 4, KEY_COUNT = 5, POST_COUNT = 2000 };

/* An object with jobs of one key. Its numbers have no lock; a thread sanitizer reports a race. */
static struct object {
    struct gw_turn turn;
    os_mutex mutex; /* orders the numbers of posts */
    uint32_t posted_count;
    uint32_t worked_count;
    uint32_t wrong_work_count;
    uint32_t done_count;
    uint32_t wrong_done_count;
    atomic_uint freed_count;
} objects[KEY_COUNT];

static struct numbered_job {
    struct gw_job job;
    struct object *object;
    uint32_t number;
    bool is_keyed;
    bool has_worked;
    int posted;
    uint32_t done_count;
    int result;
} jobs[POSTER_COUNT][POST_COUNT];

static void work(struct gw_job *job)
{
    struct numbered_job *numbered = GW_CONTAINER_OF(job, struct numbered_job, job);
    numbered->has_worked = true;
    if (numbered->is_keyed) {
        struct object *object = numbered->object;
        object->wrong_work_count += object->worked_count != numbered->number;
        object->worked_count++;
    }
}

static void done(struct gw_job *job, int result)
{
    struct numbered_job *numbered = GW_CONTAINER_OF(job, struct numbered_job, job);
    struct object *object = numbered->object;
    numbered->done_count++;
    numbered->result = result;
    object->wrong_done_count += !gw_turn_is_mine(&object->turn);
    object->wrong_done_count += numbered->has_worked != (result == GW_OK);
    if (numbered->is_keyed) {
        object->wrong_done_count += object->done_count++ != numbered->number;
    }
}

static void post_many(void *context)
{
    struct numbered_job *mine = context;
    for (uint32_t i = 0; i < POST_COUNT; i++) {
        struct object *object = &objects[i % KEY_COUNT];
        bool is_keyed = i % 3 != 0;
        os_mutex_lock(&object->mutex);
        mine[i] = (struct numbered_job){
            .job = {.work = work, .done = done, .key = is_keyed ? object : NULL},
            .object = object,
            .is_keyed = is_keyed,
            .number = object->posted_count};
        mine[i].posted = gw_offload_post(pool, &object->turn, &mine[i].job);
        object->posted_count += is_keyed && mine[i].posted == GW_OK;
        os_mutex_unlock(&object->mutex);
    }
}

static void note_free(struct gw_turn *turn)
{
    atomic_fetch_add(&GW_CONTAINER_OF(turn, struct object, turn)->freed_count, 1);
}

static void open_objects(struct gw_port *port)
{
    static const struct object none;
    for (int i = 0; i < KEY_COUNT; i++) {
        objects[i] = none;
        gw_turn_init(&objects[i].turn, port, note_free);
        os_mutex_init(&objects[i].mutex);
    }
}

/* All threads have ended. Returns how many jobs were done with `result`. */
static uint32_t check_jobs(int result)
{
    uint32_t count = 0;
    for (int i = 0; i < KEY_COUNT; i++) {
        assert_int_equal(atomic_load(&objects[i].freed_count), 1);
        assert_int_equal(objects[i].done_count, objects[i].posted_count);
        assert_int_equal(objects[i].wrong_work_count + objects[i].wrong_done_count, 0);
        os_mutex_fini(&objects[i].mutex);
    }
    for (int i = 0; i < POSTER_COUNT * POST_COUNT; i++) {
        const struct numbered_job *job = &jobs[i / POST_COUNT][i % POST_COUNT];
        assert_int_equal(job->done_count, job->posted == GW_OK ? 1 : 0);
        count += job->posted == GW_OK && job->result == result;
    }
    return count;
}

/* Posts from four threads; the pool is closed while they post, or after all are done. */
static void run_posters(uint32_t queue_count_max, bool closes)
{
    os_thread threads[POSTER_COUNT];
    struct gw_offload_counters counters;
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    open_objects(fixture.port);
    create_pool(&(struct gw_offload_config){.thread_count = 3, .queue_count_max = queue_count_max});
    for (int i = 0; i < POSTER_COUNT; i++) {
        assert_int_equal(os_thread_start(&threads[i], post_many, jobs[i]), GW_OK);
    }
    if (closes) {
        gw_offload_close(pool);
    }
    for (int i = 0; i < POSTER_COUNT; i++) {
        os_thread_join(threads[i]);
    }
    do {
        gw_offload_counters(pool, &counters);
    } while (!closes && counters.queued_count + counters.working_count > 0);
    for (int i = 0; i < KEY_COUNT; i++) {
        gw_turn_unref(&objects[i].turn);
    }
    gw_offload_destroy(pool);
    fixture_close();
    uint32_t worked_count = check_jobs(GW_OK);
    assert_true(worked_count <= counters.posted_count);
    if (!closes) {
        assert_int_equal(worked_count, counters.worked_count);
        assert_int_equal(counters.posted_count + counters.refused_count, POSTER_COUNT * POST_COUNT);
    }
}

static void each_job_is_done_once_and_those_of_a_key_one_at_a_time(void **state)
{
    run_posters(POSTER_COUNT * POST_COUNT, false);
    assert_int_equal(objects[0].worked_count, objects[0].posted_count);
}

static void a_short_queue_refuses_jobs_and_loses_none(void **state)
{
    run_posters(8, false);
}

static void jobs_posted_while_the_pool_closes_are_done_or_refused(void **state)
{
    run_posters(POSTER_COUNT * POST_COUNT, true);
}

/* No worker serves this port: its end calls the dones. */
static void dones_that_no_worker_has_called_are_called_when_the_port_is_destroyed(void **state)
{
    const struct gw_port_config config = {.worker_count = fixture_worker_count};
    struct gw_port *port;
    assert_int_equal(gw__port_create_on(fixture_backend, &config, &port), GW_OK);
    open_objects(port);
    assert_int_equal(gw_offload_create(port, NULL, &pool), GW_OK);
    memset(jobs, 0, sizeof jobs);
    for (int i = 0; i < POSTER_COUNT * POST_COUNT; i++) {
        jobs[i / POST_COUNT][i % POST_COUNT].posted = GW_E_FULL;
    }
    post_many(jobs[0]);
    for (int i = 0; i < KEY_COUNT; i++) {
        gw_turn_unref(&objects[i].turn);
    }
    gw_offload_destroy(pool);
    assert_int_equal(jobs[0][0].done_count, 0);
    gw_port_destroy(port);
    (void)check_jobs(GW_OK);
}

/* ---- the resolver of the system ---- */

static struct {
    struct gw_turn turn;
    struct gw_lookup lookup;
    atomic_int result;
} looking;

static void note_lookup(struct gw_lookup *lookup, int result)
{
    if (lookup != &looking.lookup || !gw_turn_is_mine(&looking.turn)) {
        fixture_break_rule("a lookup is done in its turn");
    }
    atomic_store(&looking.result, result);
}

static int look_up(const char *name)
{
    looking.lookup = (struct gw_lookup){.on_done = note_lookup};
    atomic_store(&looking.result, 1);
    assert_int_equal(gw_lookup_post(&looking.lookup, pool, &looking.turn, name, 7777), GW_OK);
    WAIT_FOR(atomic_load(&looking.result) != 1);
    return atomic_load(&looking.result);
}

/* No name here needs a name server. */
static void names_are_looked_up_by_the_resolver_of_the_system(void **state)
{
    static const char *const names[] = {"127.0.0.1", "::1", "fe80::1"};
    char text[GW_ADDR_TEXT_BYTES];
    fixture_open(&(struct port_fixture_plan){.callbacks = NULL});
    gw_turn_init(&looking.turn, fixture.port, NULL);
    create_pool(NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(look_up(names[i]), GW_OK);
        assert_int_equal(looking.lookup.addr_count, 1);
        assert_non_null(strstr(gw_addr_format(&looking.lookup.addrs[0], text), names[i]));
        assert_int_equal(looking.lookup.addrs[0].port, 7777);
    }
    assert_int_equal(look_up("localhost"), GW_OK);
    assert_in_range(looking.lookup.addr_count, 1, GW_LOOKUP_ADDR_COUNT_MAX);
    assert_int_equal(look_up("256.0.0.1.."), GW_E_NAME);
    gw_turn_unref(&looking.turn);
    gw_offload_destroy(pool);
    fixture_close();
}

int contract_offload(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_job_that_blocks_delays_not_even_its_own_stream),
        FIXTURE_TEST(each_job_is_done_once_and_those_of_a_key_one_at_a_time),
        FIXTURE_TEST(a_short_queue_refuses_jobs_and_loses_none),
        FIXTURE_TEST(jobs_posted_while_the_pool_closes_are_done_or_refused),
        FIXTURE_TEST(names_are_looked_up_by_the_resolver_of_the_system),
        FIXTURE_TEST(dones_that_no_worker_has_called_are_called_when_the_port_is_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

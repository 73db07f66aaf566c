/* tests/scripted/test_offload.c: Jobs of an offload pool, in every order that threads can cause. */
#include "tests/test.h"

#include "net/container_of.h"
#include "net/error.h"
#include "net/lookup.h"
#include "net/offload.h"
#include "net/turn_internal.h"
#include "tests/scripted/memory.h"
#include "tests/scripted/session_fixture.h"
#include "tests/support/random.h"

#include <stdlib.h>
#include <string.h>

enum { TURN_COUNT = 3, KEY_COUNT = 4, JOB_COUNT_MAX = 400, WALK_COUNT = 300 };

static struct gw_offload *pool;

/* An object with jobs. on_free shows that the pool holds it. */
static struct owner {
    struct gw_turn turn;
    bool is_freed;
} owners[TURN_COUNT];

static struct test_job {
    struct gw_job job;
    struct owner *owner;
    uint32_t key;    /* 0: none */
    uint32_t number; /* among the jobs with its key and turn */
    uint32_t work_count;
    uint32_t done_count;
    int result;
    int posted; /* what gw_offload_post() has returned */
} jobs[JOB_COUNT_MAX];
static uint32_t job_count;

/* By key: the jobs that were posted, that have worked, and that were done, in all. */
static uint32_t posted_count[KEY_COUNT + 1];
static uint32_t worked_count[KEY_COUNT + 1];
static uint32_t done_count[KEY_COUNT + 1];

static void note_free(struct gw_turn *turn)
{
    GW_CONTAINER_OF(turn, struct owner, turn)->is_freed = true;
}

static void open_pool(const struct kernel_config *kernel, const struct gw_offload_config *config)
{
    const struct port_fixture_config fixture = {.kernel = *kernel};
    memset(jobs, 0, sizeof jobs);
    memset(owners, 0, sizeof owners);
    memset(posted_count, 0, sizeof posted_count);
    memset(worked_count, 0, sizeof worked_count);
    memset(done_count, 0, sizeof done_count);
    job_count = 0;
    fixture_open(&fixture);
    for (int i = 0; i < TURN_COUNT; i++) {
        gw_turn_init(&owners[i].turn, fixture_port, note_free);
    }
    assert_int_equal(gw_offload_create(fixture_port, config, &pool), GW_OK);
}

static void free_owners(void)
{
    for (int i = 0; i < TURN_COUNT; i++) {
        gw_turn_unref(&owners[i].turn);
    }
}

static void close_fixture(void)
{
    free_owners();
    gw_offload_destroy(pool);
    fixture_close();
    for (int i = 0; i < TURN_COUNT; i++) {
        assert_true(owners[i].is_freed);
    }
}

static int open_one_thread(void **state)
{
    static const struct gw_offload_config config = {.thread_count = 1, .queue_count_max = 3};
    const struct kernel_config kernel = {.job_ns_min = 10 * FIXTURE_MS,
                                         .job_ns_max = 10 * FIXTURE_MS};
    open_pool(&kernel, &config);
    return 0;
}

static int close_one_thread(void **state)
{
    close_fixture();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_one_thread, close_one_thread)

/* ---- jobs that check their order ---- */

static void work(struct gw_job *job)
{
    struct test_job *test_job = GW_CONTAINER_OF(job, struct test_job, job);
    assert_false(gw_turn_is_mine(&test_job->owner->turn));
    assert_false(test_job->owner->is_freed);
    test_job->work_count++;
    if (test_job->key != 0) {
        assert_int_equal(worked_count[test_job->key]++, test_job->number);
    }
}

static void done(struct gw_job *job, int result)
{
    struct test_job *test_job = GW_CONTAINER_OF(job, struct test_job, job);
    assert_true(gw_turn_is_mine(&test_job->owner->turn));
    assert_false(test_job->owner->is_freed);
    assert_int_equal(test_job->work_count, result == GW_OK ? 1 : 0);
    assert_true(result == GW_OK || result == GW_E_CLOSED);
    test_job->done_count++;
    test_job->result = result;
    if (test_job->key != 0) {
        assert_int_equal(done_count[test_job->key]++, test_job->number);
    }
}

/* Jobs with one key are posted with one turn: the dones of different turns have no order. */
static struct test_job *post(uint32_t owner, uint32_t key)
{
    struct test_job *test_job = &jobs[job_count++];
    assert_true(job_count <= JOB_COUNT_MAX);
    *test_job = (struct test_job){
        .job = {.work = work, .done = done, .key = key != 0 ? &posted_count[key] : NULL},
        .owner = &owners[owner],
        .key = key,
        .number = posted_count[key]};
    test_job->posted = gw_offload_post(pool, &owners[owner].turn, &test_job->job);
    posted_count[key] += test_job->posted == GW_OK;
    return test_job;
}

static struct gw_offload_counters counters(void)
{
    struct gw_offload_counters counters;
    gw_offload_counters(pool, &counters);
    return counters;
}

/* ---- one thread, jobs of 10 ms ---- */

static void work_runs_outside_turns_and_done_in_a_turn(void **state)
{
    const struct test_job *job = post(0, 0);
    assert_int_equal(job->posted, GW_OK);
    fixture_run_ms(9);
    assert_int_equal(job->done_count, 0);
    assert_int_equal(counters().working_count, 1);
    fixture_run_ms(2);
    assert_int_equal(job->work_count, 1);
    assert_int_equal(job->done_count, 1);
    assert_int_equal(job->result, GW_OK);
}

static void a_job_holds_the_turn_that_posted_it(void **state)
{
    struct owner owner = {.is_freed = false};
    struct test_job job = {.job = {.work = work, .done = done}, .owner = &owner};
    gw_turn_init(&owner.turn, fixture_port, note_free);
    assert_int_equal(gw_offload_post(pool, &owner.turn, &job.job), GW_OK);
    gw_turn_unref(&owner.turn);
    fixture_run_ms(9);
    assert_false(owner.is_freed);
    fixture_run_ms(2);
    assert_int_equal(job.done_count, 1);
    assert_true(owner.is_freed);
}

static void a_full_queue_refuses_a_job_and_calls_nothing(void **state)
{
    post(0, 0);
    fixture_run_ms(1); /* the thread works, and the queue is empty */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(post(0, (uint32_t)i)->posted, GW_OK);
    }
    const struct test_job *refused = post(0, 1);
    assert_int_equal(refused->posted, GW_E_FULL);
    assert_int_equal(counters().queued_count, 3);
    assert_int_equal(counters().refused_count, 1);
    fixture_run_ms(10);
    assert_int_equal(post(0, 1)->posted, GW_OK);
    fixture_run_ms(100);
    assert_int_equal(refused->work_count + refused->done_count, 0);
    assert_int_equal(counters().worked_count, 5);
    assert_int_equal(counters().posted_count, 5);
}

static void a_closed_pool_finishes_the_jobs_that_work_and_no_others(void **state)
{
    const struct test_job *working = post(0, 1);
    fixture_run_ms(1);
    const struct test_job *of_its_key = post(0, 1);
    const struct test_job *queued = post(1, 0);
    gw_offload_close(pool);
    assert_int_equal(post(0, 0)->posted, GW_E_CLOSED);
    fixture_run_now();
    assert_int_equal(queued->result, GW_E_CLOSED);
    assert_int_equal(queued->done_count, 1);
    assert_int_equal(working->done_count + of_its_key->done_count, 0);
    fixture_run_ms(10);
    assert_int_equal(working->result, GW_OK);
    assert_int_equal(working->done_count, 1);
    assert_int_equal(of_its_key->result, GW_E_CLOSED);
    assert_int_equal(of_its_key->done_count, 1);
    gw_offload_close(pool);
    assert_int_equal(counters().closed_count, 2);
}

static int result_of_post_in_done;

static void post_again(struct gw_job *job, int result)
{
    struct test_job *test_job = GW_CONTAINER_OF(job, struct test_job, job);
    done(job, result);
    test_job->work_count = 0;
    result_of_post_in_done = gw_offload_post(pool, &test_job->owner->turn, job);
}

static void a_done_may_post_its_job_again(void **state)
{
    struct test_job *job = post(0, 0);
    job->job.done = post_again;
    fixture_run_ms(15);
    assert_int_equal(result_of_post_in_done, GW_OK);
    job->job.done = done;
    fixture_run_ms(10);
    assert_int_equal(job->done_count, 2);
}

static void a_post_in_a_done_after_the_end_of_the_pool_is_refused(void **state)
{
    struct test_job *working = post(0, 0);
    fixture_run_ms(1);
    struct test_job *queued = post(1, 0);
    working->job.done = post_again;
    queued->job.done = post_again;
    gw_offload_destroy(pool);
    assert_int_equal(working->work_count, 1);
    assert_int_equal(working->done_count + queued->done_count, 0);
    result_of_post_in_done = GW_OK;
    fixture_run_now();
    assert_int_equal(result_of_post_in_done, GW_E_CLOSED);
    assert_int_equal(working->result, GW_OK);
    assert_int_equal(queued->result, GW_E_CLOSED);
    assert_int_equal(working->done_count + queued->done_count, 2);
    assert_int_equal(gw_offload_create(fixture_port, NULL, &pool), GW_OK); /* for close_fixture() */
}

static void
dones_outstanding_when_the_workers_have_returned_run_in_the_end_of_the_port(void **state)
{
    post(0, 0);
    post(1, 1);
    post(2, 1);
    gw_offload_destroy(pool);
    free_owners();
    gw_port_stop(fixture_port); /* as if the workers had returned: fixture_close() runs no turn */
    fixture_close();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(jobs[i].done_count, 1);
        assert_int_equal(jobs[i].result, GW_E_CLOSED);
        assert_true(owners[i].is_freed);
    }
    open_one_thread(NULL);
}

static void a_job_that_works_longer_than_a_second_is_logged_while_it_works_and_after(void **state)
{
    kernel_behaviour()->job_ns_min = 2500 * FIXTURE_MS;
    post(0, 0);
    fixture_run_ms(990);
    assert_int_equal(fixture_logged_count("job_slow"), 0);
    fixture_run_ms(20);
    assert_int_equal(fixture_logged_count("job_slow"), 1);
    fixture_run_ms(1400);
    assert_int_equal(fixture_logged_count("job_was_slow"), 0);
    fixture_run_ms(100);
    assert_int_equal(fixture_logged_count("job_slow"), 1);
    assert_int_equal(fixture_logged_count("job_was_slow"), 1);
    assert_int_equal(counters().slow_count, 1);
    kernel_behaviour()->job_ns_min = 990 * FIXTURE_MS;
    fixture_run_ms(3000);
    for (int i = 0; i < 3; i++) {
        post(0, 0);
        fixture_run_ms(700);
    }
    fixture_run_ms(3000);
    assert_int_equal(counters().worked_count, 4);
    assert_int_equal(counters().slow_count, 1);
    assert_int_equal(fixture_logged_count("job_slow"), 1);
    fixture_run_until_idle(); /* without jobs no timer is set */
}

static void the_histograms_show_how_long_jobs_wait_and_work(void **state)
{
    static struct gw_histogram waiting;
    static struct gw_histogram working;
    for (int i = 0; i < 3; i++) {
        post(0, 0);
    }
    fixture_run_ms(100);
    gw_offload_histograms(pool, &waiting, &working);
    assert_int_equal(gw_histogram_count(&waiting), 3);
    assert_int_equal(gw_histogram_count(&working), 3);
    assert_int_equal(gw_histogram_percentile_ns(&waiting, 100), 20 * FIXTURE_MS);
    assert_int_equal(gw_histogram_percentile_ns(&waiting, 1), 0);
    assert_int_equal(gw_histogram_percentile_ns(&working, 100), 10 * FIXTURE_MS);
}

static char explained[512];

static void explain(struct gw_job *job)
{
    work(job);
    gw__turn_explain(&owners[0].turn, "gw_turn_at_end", explained, sizeof explained);
}

static void a_function_of_a_turn_that_work_calls_is_explained(void **state)
{
    post(0, 0)->job.work = explain;
    fixture_run_ms(11);
    assert_non_null(strstr(explained, "gw_turn_at_end() may only be called in turn"));
    assert_non_null(strstr(explained, "this thread runs the work of a job, which is no turn"));
    gw__turn_explain(&owners[0].turn, "gw_turn_at_end", explained, sizeof explained);
    assert_null(strstr(explained, "job"));
}

static void a_pool_that_cannot_be_created_leaves_nothing(void **state)
{
    struct gw_offload *other = NULL;
    struct gw_offload_config config = {.thread_count = GW_OFFLOAD_THREAD_COUNT_MAX + 1};
    assert_int_equal(gw_offload_create(fixture_port, &config, &other), GW_E_FULL);
    config = (struct gw_offload_config){.queue_count_max = GW_OFFLOAD_QUEUE_COUNT_MAX + 1};
    assert_int_equal(gw_offload_create(fixture_port, &config, &other), GW_E_FULL);
    for (uint64_t i = 1; i <= 2; i++) {
        memory_fail_at(i);
        assert_int_equal(gw_offload_create(fixture_port, NULL, &other), GW_E_MEMORY);
        assert_int_equal(memory_failed_count(), 1);
    }
    memory_fail_at(0);
    kernel_fail_next(KERNEL_THREADS_START, 1, GW_E_SYSTEM);
    assert_int_equal(gw_offload_create(fixture_port, NULL, &other), GW_E_SYSTEM);
    assert_null(other);
    gw_offload_destroy(NULL);
}

static void a_post_needs_no_memory(void **state)
{
    memory_fail_randomly(1, 1); /* each allocation */
    const struct test_job *job = post(0, 1);
    fixture_run_ms(20);
    memory_fail_at(0);
    assert_int_equal(job->done_count, 1);
}

/* ---- lookups of host names ---- */

static struct gw_lookup lookup;
static uint32_t lookup_count;
static int lookup_result;

static void note_lookup(struct gw_lookup *of, int result)
{
    assert_ptr_equal(of, &lookup);
    assert_true(gw_turn_is_mine(&owners[0].turn));
    lookup_count++;
    lookup_result = result;
}

/* Looks a name up, which takes 10 ms. */
static int look_up(const char *name)
{
    lookup = (struct gw_lookup){.on_done = note_lookup};
    lookup_count = 0;
    assert_int_equal(gw_lookup_post(&lookup, pool, &owners[0].turn, name, 7777), GW_OK);
    fixture_run_ms(9);
    assert_int_equal(lookup_count, 0);
    fixture_run_ms(2);
    assert_int_equal(lookup_count, 1);
    return lookup_result;
}

static void a_lookup_gives_all_addresses_of_a_name_in_order(void **state)
{
    static struct gw_addr addrs[GW_LOOKUP_ADDR_COUNT_MAX + 1];
    for (uint8_t i = 0; i <= GW_LOOKUP_ADDR_COUNT_MAX; i++) {
        addrs[i] = (struct gw_addr){.ip = {0x20, 0x01, [15] = i}};
    }
    kernel_name("two.example", addrs, 2);
    kernel_name("many.example", addrs, GW_LOOKUP_ADDR_COUNT_MAX + 1);
    assert_int_equal(look_up("two.example"), GW_OK);
    assert_int_equal(lookup.addr_count, 2);
    for (int i = 0; i < 2; i++) {
        assert_memory_equal(lookup.addrs[i].ip, addrs[i].ip, 16);
        assert_int_equal(lookup.addrs[i].port, 7777);
    }
    assert_int_equal(look_up("many.example"), GW_OK);
    assert_int_equal(lookup.addr_count, GW_LOOKUP_ADDR_COUNT_MAX);
    assert_int_equal(lookup.addrs[GW_LOOKUP_ADDR_COUNT_MAX - 1].ip[15],
                     GW_LOOKUP_ADDR_COUNT_MAX - 1);
    assert_int_equal(look_up("none.example"), GW_E_NAME);
    assert_int_equal(lookup.addr_count, 0);
}

static void each_error_of_a_lookup_is_its_result(void **state)
{
    static const struct gw_addr addr = {.ip = {1}};
    kernel_name("one.example", &addr, 1);
    for (const int *error = kernel_errors_of(KERNEL_ADDR_LOOKUP); *error != 0; error++) {
        kernel_fail_next(KERNEL_ADDR_LOOKUP, 1, *error);
        assert_int_equal(look_up("one.example"), *error);
        assert_int_equal(lookup.addr_count, 0);
    }
    assert_int_equal(look_up("one.example"), GW_OK);
}

static void a_lookup_that_the_end_of_the_pool_meets_is_done_with_closed(void **state)
{
    lookup = (struct gw_lookup){.on_done = note_lookup};
    lookup_count = 0;
    assert_int_equal(gw_lookup_post(&lookup, pool, &owners[0].turn, "one.example", 1), GW_OK);
    gw_offload_close(pool);
    fixture_run_now();
    assert_int_equal(lookup_count, 1);
    assert_int_equal(lookup_result, GW_E_CLOSED);
    assert_int_equal(gw_lookup_post(&lookup, pool, &owners[0].turn, "one.example", 1), GW_E_CLOSED);
}

static void names_that_are_empty_or_too_long_are_not_looked_up(void **state)
{
    char name[GW_LOOKUP_NAME_BYTES_MAX + 2];
    memset(name, 'a', sizeof name);
    name[GW_LOOKUP_NAME_BYTES_MAX + 1] = '\0';
    lookup = (struct gw_lookup){.on_done = note_lookup};
    assert_int_equal(gw_lookup_post(&lookup, pool, &owners[0].turn, name, 1), GW_E_ADDRESS);
    assert_int_equal(gw_lookup_post(&lookup, pool, &owners[0].turn, "", 1), GW_E_ADDRESS);
    assert_int_equal(counters().posted_count, 0);
    name[GW_LOOKUP_NAME_BYTES_MAX] = '\0';
    assert_int_equal(look_up(name), GW_E_NAME);
}

/* ---- many jobs on many threads, by seed ---- */

static uint64_t first_seed = 1;
static uint64_t seed_count = WALK_COUNT;
static uint64_t running_seed; /* 0: all have passed */

static void post_randomly(struct random *random)
{
    for (uint32_t count = random_below(random, 8); count > 0 && job_count < JOB_COUNT_MAX;
         count--) {
        uint32_t key = random_below(random, 2) == 0 ? 0 : random_below(random, KEY_COUNT + 1);
        const struct test_job *job = post(key % TURN_COUNT, key);
        assert_true(job->posted == GW_OK || job->posted == GW_E_FULL || job->posted == GW_E_CLOSED);
    }
}

static void check_jobs(void)
{
    for (uint32_t i = 0; i < job_count; i++) {
        assert_int_equal(jobs[i].done_count, jobs[i].posted == GW_OK ? 1 : 0);
    }
}

static void walk(uint64_t seed)
{
    struct random random = {seed};
    const struct gw_offload_config config = {.thread_count = 1 + random_below(&random, 5),
                                             .queue_count_max = 1 + random_below(&random, 30)};
    const struct kernel_config kernel = {.seed = seed,
                                         .late_ns_max = random_below(&random, 3000000),
                                         .job_ns_max = random_below(&random, 30000000),
                                         .spurious_percent = (uint8_t)random_below(&random, 20)};
    uint32_t step_count = 10 + random_below(&random, 60);
    open_pool(&kernel, &config);
    for (uint32_t i = 0; i < step_count; i++) {
        post_randomly(&random);
        fixture_run_ms(random_below(&random, 12));
    }
    if (random_below(&random, 2) == 0) {
        gw_offload_close(pool);
        post_randomly(&random);
        fixture_run_ms(random_below(&random, 50));
    }
    if (random_below(&random, 2) == 0) {
        fixture_run_ms(60000);
        check_jobs();
        assert_int_equal(counters().queued_count + counters().working_count, 0);
    }
    close_fixture();
    check_jobs();
}

static void each_job_is_done_once_and_those_of_a_key_in_order(void **state)
{
    for (uint64_t seed = first_seed; seed < first_seed + seed_count; seed++) {
        running_seed = seed;
        walk(seed);
    }
    running_seed = 0;
}

static int print_seed(void **state)
{
    if (running_seed != 0) {
        print_message("failed with seed %llu\n", (unsigned long long)running_seed);
    }
    return 0;
}

static void jobs_without_a_key_run_side_by_side(void **state)
{
    static const struct gw_offload_config config = {.thread_count = 3};
    const struct kernel_config kernel = {.job_ns_min = 10 * FIXTURE_MS,
                                         .job_ns_max = 10 * FIXTURE_MS};
    open_pool(&kernel, &config);
    for (int i = 0; i < 3; i++) {
        post(0, 0);
    }
    for (int i = 0; i < 3; i++) {
        post(1, 2);
    }
    fixture_run_ms(11);
    assert_int_equal(counters().worked_count, 3);
    fixture_run_ms(10);
    assert_int_equal(counters().worked_count, 4); /* one of the key at a time */
    fixture_run_ms(20);
    assert_int_equal(counters().worked_count, 6);
    close_fixture();
}

/* ---- what it is for ---- */

enum { BLOCKED_MS = 200 };

static struct test_job slow_job;

static void work_slowly(struct gw_job *job)
{
    GW_CONTAINER_OF(job, struct test_job, job)->work_count++;
}

static void reply(struct gw_job *job, int result)
{
    assert_int_equal(result, GW_OK);
    GW_CONTAINER_OF(job, struct test_job, job)->done_count++;
}

static void block(struct gw_session *session)
{
    (void)session;
    kernel_let_pass(BLOCKED_MS * FIXTURE_MS);
    slow_job.done_count++;
}

static void offload(struct gw_session *session)
{
    slow_job.job = (struct gw_job){.work = work_slowly, .done = reply};
    assert_int_equal(gw_offload_post(pool, gw_session_turn(session), &slow_job.job), GW_OK);
}

static struct peer *asking;

static void ping(void *context)
{
    (void)context;
    session_fixture_ping(asking, 1);
}

/* How long another session of the worker waits for a PONG, while the handler of the first runs. */
static uint64_t pong_ms(void (*handle)(struct gw_session *session))
{
    uint8_t body[64];
    size_t bytes;
    struct peer *slow = session_fixture_join();
    asking = session_fixture_join();
    slow_job = (struct test_job){.key = 0};
    session_fixture.on_received = handle;
    uint64_t asked_ns = fixture_now_ns() + 10 * FIXTURE_MS;
    kernel_at(asked_ns, ping, NULL);
    session_fixture_say(slow, "hash my password");
    while (session_fixture_next(asking, body, &bytes) != PONG) {
        fixture_run_ms(1);
    }
    uint64_t took_ms = (fixture_now_ns() - asked_ns) / FIXTURE_MS;
    fixture_run_ms(BLOCKED_MS + 10);
    assert_int_equal(slow_job.done_count, 1);
    peer_close(slow);
    peer_close(asking);
    return took_ms;
}

static void a_slow_job_delays_no_other_session_when_it_is_offloaded(void **state)
{
    const struct port_fixture_config config = {
        .kernel = {.job_ns_min = BLOCKED_MS * FIXTURE_MS, .job_ns_max = BLOCKED_MS * FIXTURE_MS}};
    session_fixture_open(&config, NULL);
    assert_int_equal(gw_offload_create(fixture_port, NULL, &pool), GW_OK);
    uint64_t blocked_ms = pong_ms(block);
    uint64_t offloaded_ms = pong_ms(offload);
    assert_int_equal(slow_job.work_count, 1);
    print_message("another session waits %u ms for a PONG; %u ms with the job offloaded\n",
                  (unsigned)blocked_ms, (unsigned)offloaded_ms);
    assert_in_range(blocked_ms, BLOCKED_MS - 11, BLOCKED_MS);
    assert_in_range(offloaded_ms, 0, 1);
    gw_offload_destroy(pool);
    session_fixture_close();
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        first_seed = strtoull(argv[1], NULL, 10);
        seed_count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(work_runs_outside_turns_and_done_in_a_turn),
        TEST(a_job_holds_the_turn_that_posted_it),
        TEST(a_full_queue_refuses_a_job_and_calls_nothing),
        TEST(a_closed_pool_finishes_the_jobs_that_work_and_no_others),
        TEST(a_done_may_post_its_job_again),
        TEST(a_post_in_a_done_after_the_end_of_the_pool_is_refused),
        TEST(dones_outstanding_when_the_workers_have_returned_run_in_the_end_of_the_port),
        TEST(a_job_that_works_longer_than_a_second_is_logged_while_it_works_and_after),
        TEST(the_histograms_show_how_long_jobs_wait_and_work),
        TEST(a_function_of_a_turn_that_work_calls_is_explained),
        TEST(a_pool_that_cannot_be_created_leaves_nothing),
        TEST(a_post_needs_no_memory),
        TEST(a_lookup_gives_all_addresses_of_a_name_in_order),
        TEST(each_error_of_a_lookup_is_its_result),
        TEST(a_lookup_that_the_end_of_the_pool_meets_is_done_with_closed),
        TEST(names_that_are_empty_or_too_long_are_not_looked_up),
        cmocka_unit_test_teardown(each_job_is_done_once_and_those_of_a_key_in_order, print_seed),
        cmocka_unit_test(jobs_without_a_key_run_side_by_side),
        cmocka_unit_test(a_slow_job_delays_no_other_session_when_it_is_offloaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tools/dummy-client/schedule.c: the schedule of a run: dials the clients and advances the phase.
 */
#include "tools/dummy-client/schedule.h"
#include "net/container_of.h"
#include "net/port.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/run.h"

enum {
    INTERVAL_MS = 5,
    ANSWER_MS = 10000, /* long: with sanitizers and thousands of clients a server is slow */
    CHECK_MS = 2000,
    LEAVE_MS = 10000,
};

static uint64_t ms_since(uint64_t from_ns, uint64_t now_ns)
{
    return (now_ns - from_ns) / 1000000;
}

/* Whether no more clients are to be dialed. */
static bool all_dialed(const struct dummy_schedule *schedule)
{
    struct dummy_run *run = schedule->run;
    return schedule->next_client == run->options->client_count ||
           atomic_load(&run->phase) > DUMMY_PHASE_SEND || atomic_load(&run->go_away_ms) > 0 ||
           atomic_load(&run->nobody_listens);
}

static uint64_t due_ns(const struct dummy_run *run, uint32_t client)
{
    uint64_t ramp_ns = run->options->ramp_microseconds * 1000;
    return run->origin_ns + ramp_ns / run->options->client_count * client;
}

static void dial_due(struct dummy_schedule *schedule, uint64_t now_ns)
{
    struct dummy_run *run = schedule->run;
    while (!all_dialed(schedule) && due_ns(run, schedule->next_client) <= now_ns) {
        struct dummy_client *client = &run->clients[schedule->next_client];
        if (!dummy_client_dial(client, due_ns(run, schedule->next_client))) {
            schedule->dial_failed_count++;
        }
        schedule->next_client++;
    }
}

static void enter_phase(struct dummy_schedule *schedule, enum dummy_phase phase, uint64_t now_ns)
{
    atomic_store(&schedule->run->phase, phase);
    schedule->phase_ns = now_ns;
}

static void end_all(struct dummy_schedule *schedule, uint64_t now_ns)
{
    enter_phase(schedule, DUMMY_PHASE_LEAVE, now_ns);
    for (uint32_t i = 0; i < schedule->next_client; i++) {
        dummy_client_dismiss(&schedule->run->clients[i]);
    }
}

/* After GOAWAY clients leave, or the server closes; ends the sessions that remain after the limit.
 */
static void follow_go_away(struct dummy_schedule *schedule, uint64_t now_ns)
{
    if (!schedule->saw_go_away) {
        schedule->saw_go_away = true;
        schedule->phase_ns = now_ns;
    }
    uint64_t limit_ms = (uint64_t)atomic_load(&schedule->run->go_away_ms) + ANSWER_MS;
    if (ms_since(schedule->phase_ns, now_ns) > limit_ms) {
        end_all(schedule, now_ns);
    }
}

static void advance(struct dummy_schedule *schedule, uint64_t now_ns)
{
    struct dummy_run *run = schedule->run;
    uint64_t waited_ms = ms_since(schedule->phase_ns, now_ns);
    bool all_frozen = atomic_load(&run->unfrozen_count) == 0;
    switch (atomic_load(&run->phase)) {
    case DUMMY_PHASE_SEND:
        if (now_ns >= run->stop_ns || atomic_load(&run->interrupted)) {
            enter_phase(schedule, DUMMY_PHASE_STOP, now_ns);
        }
        break;
    case DUMMY_PHASE_STOP:
        if (atomic_load(&run->busy_count) == 0) {
            enter_phase(schedule, DUMMY_PHASE_WAIT, now_ns);
        } else if (waited_ms > ANSWER_MS) {
            enter_phase(schedule, DUMMY_PHASE_CHECK, now_ns);
        }
        break;
    case DUMMY_PHASE_WAIT:
        if (all_frozen || waited_ms > ANSWER_MS) {
            enter_phase(schedule, DUMMY_PHASE_CHECK, now_ns);
        }
        break;
    case DUMMY_PHASE_CHECK:
        if (all_frozen || waited_ms > CHECK_MS) {
            schedule->complete = true;
            end_all(schedule, now_ns);
        }
        break;
    case DUMMY_PHASE_LEAVE:
        schedule->gave_up = waited_ms > LEAVE_MS;
        break;
    }
}

static void on_time(struct gw_timer *timer)
{
    struct dummy_schedule *schedule = GW_CONTAINER_OF(timer, struct dummy_schedule, timer);
    struct dummy_run *run = schedule->run;
    uint64_t now_ns = gw_turn_now_ns(&schedule->turn);
    dial_due(schedule, now_ns);
    if (atomic_load(&run->go_away_ms) > 0 && atomic_load(&run->phase) < DUMMY_PHASE_LEAVE) {
        follow_go_away(schedule, now_ns);
    } else {
        advance(schedule, now_ns);
    }
    if (schedule->gave_up || (all_dialed(schedule) && atomic_load(&run->open_count) == 0)) {
        schedule->over_ns = now_ns;
        gw_port_stop(run->port);
        return;
    }
    gw_timer_set(timer, now_ns + INTERVAL_MS * UINT64_C(1000000));
}

/* A timer can be set in a turn only; this task is the first. */
static void begin(struct gw_task *task)
{
    struct dummy_schedule *schedule = GW_CONTAINER_OF(task, struct dummy_schedule, begin);
    gw_timer_set(&schedule->timer, gw_turn_now_ns(&schedule->turn));
}

void dummy_schedule_init(struct dummy_schedule *schedule, struct dummy_run *run)
{
    *schedule = (struct dummy_schedule){.run = run, .begin = {.run = begin}};
    gw_turn_init(&schedule->turn, run->port, NULL);
    gw_timer_init(&schedule->timer, &schedule->turn, on_time);
    gw_turn_post(&schedule->turn, &schedule->begin);
}

void dummy_schedule_fini(struct dummy_schedule *schedule)
{
    gw_turn_unref(&schedule->turn);
}

/* tools/dummy-client/conductor.c: brings the clients in, and moves the run on. */
#include "tools/dummy-client/conductor.h"
#include "net/container_of.h"
#include "net/port.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/crowd.h"
#include "tools/dummy-client/options.h"
#include <stddef.h>

enum {
    LOOK_MS = 5,
    ANSWER_MS = 10000, /* generous: with sanitizers and thousands of clients a server is slow */
    CHECK_MS = 2000,
    LEAVE_MS = 10000,
};

static uint64_t ms_since(uint64_t from_ns, uint64_t now_ns)
{
    return (now_ns - from_ns) / 1000000;
}

/* Whether nobody else is to come. */
static bool is_shut(const struct dummy_conductor *conductor)
{
    struct dummy_crowd *crowd = conductor->crowd;
    return conductor->next_client == crowd->options->client_count ||
           atomic_load(&crowd->phase) > DUMMY_PHASE_TALK || atomic_load(&crowd->go_away_ms) > 0 ||
           atomic_load(&crowd->nobody_listens);
}

static uint64_t due_ns(const struct dummy_crowd *crowd, uint32_t client)
{
    uint64_t ramp_ns = crowd->options->ramp_microseconds * 1000;
    return crowd->origin_ns + ramp_ns / crowd->options->client_count * client;
}

static void bring_in(struct dummy_conductor *conductor, uint64_t now_ns)
{
    struct dummy_crowd *crowd = conductor->crowd;
    while (!is_shut(conductor) && due_ns(crowd, conductor->next_client) <= now_ns) {
        struct dummy_client *client = &crowd->clients[conductor->next_client];
        if (!dummy_client_dial(client, due_ns(crowd, conductor->next_client))) {
            conductor->dial_failed_count++;
        }
        conductor->next_client++;
    }
}

static void enter_phase(struct dummy_conductor *conductor, enum dummy_phase phase, uint64_t now_ns)
{
    atomic_store(&conductor->crowd->phase, phase);
    conductor->phase_ns = now_ns;
}

static void send_home(struct dummy_conductor *conductor, uint64_t now_ns)
{
    enter_phase(conductor, DUMMY_PHASE_LEAVE, now_ns);
    for (uint32_t i = 0; i < conductor->next_client; i++) {
        dummy_client_dismiss(&conductor->crowd->clients[i]);
    }
}

/* The server asked us to go: the clients go by themselves, or it closes; this is for the rest. */
static void follow_go_away(struct dummy_conductor *conductor, uint64_t now_ns)
{
    if (!conductor->saw_go_away) {
        conductor->saw_go_away = true;
        conductor->phase_ns = now_ns;
    }
    uint64_t limit_ms = (uint64_t)atomic_load(&conductor->crowd->go_away_ms) + ANSWER_MS;
    if (ms_since(conductor->phase_ns, now_ns) > limit_ms) {
        send_home(conductor, now_ns);
    }
}

static void move_on(struct dummy_conductor *conductor, uint64_t now_ns)
{
    struct dummy_crowd *crowd = conductor->crowd;
    uint64_t waited_ms = ms_since(conductor->phase_ns, now_ns);
    bool all_frozen = atomic_load(&crowd->unfrozen_count) == 0;
    switch (atomic_load(&crowd->phase)) {
    case DUMMY_PHASE_TALK:
        if (now_ns >= crowd->stop_ns || atomic_load(&crowd->interrupted)) {
            enter_phase(conductor, DUMMY_PHASE_HUSH, now_ns);
        }
        break;
    case DUMMY_PHASE_HUSH:
        if (atomic_load(&crowd->busy_count) == 0) {
            enter_phase(conductor, DUMMY_PHASE_WAIT, now_ns);
        } else if (waited_ms > ANSWER_MS) {
            enter_phase(conductor, DUMMY_PHASE_CHECK, now_ns);
        }
        break;
    case DUMMY_PHASE_WAIT:
        if (all_frozen || waited_ms > ANSWER_MS) {
            enter_phase(conductor, DUMMY_PHASE_CHECK, now_ns);
        }
        break;
    case DUMMY_PHASE_CHECK:
        if (all_frozen || waited_ms > CHECK_MS) {
            conductor->complete = true;
            send_home(conductor, now_ns);
        }
        break;
    case DUMMY_PHASE_LEAVE:
        conductor->gave_up = waited_ms > LEAVE_MS;
        break;
    }
}

static void on_time(struct gw_timer *timer)
{
    struct dummy_conductor *conductor = GW_CONTAINER_OF(timer, struct dummy_conductor, timer);
    struct dummy_crowd *crowd = conductor->crowd;
    uint64_t now_ns = gw_turn_now_ns(&conductor->turn);
    bring_in(conductor, now_ns);
    if (atomic_load(&crowd->go_away_ms) > 0 && atomic_load(&crowd->phase) < DUMMY_PHASE_LEAVE) {
        follow_go_away(conductor, now_ns);
    } else {
        move_on(conductor, now_ns);
    }
    if (conductor->gave_up || (is_shut(conductor) && atomic_load(&crowd->here_count) == 0)) {
        conductor->over_ns = now_ns;
        gw_port_stop(crowd->port);
        return;
    }
    gw_timer_set(timer, now_ns + LOOK_MS * UINT64_C(1000000));
}

/* A timer is set in a turn; the first turn is this. */
static void begin(struct gw_task *task)
{
    struct dummy_conductor *conductor = GW_CONTAINER_OF(task, struct dummy_conductor, begin);
    gw_timer_set(&conductor->timer, gw_turn_now_ns(&conductor->turn));
}

void dummy_conductor_init(struct dummy_conductor *conductor, struct dummy_crowd *crowd)
{
    *conductor = (struct dummy_conductor){.crowd = crowd, .begin = {.run = begin}};
    gw_turn_init(&conductor->turn, crowd->port, NULL);
    gw_timer_init(&conductor->timer, &conductor->turn, on_time);
    gw_turn_post(&conductor->turn, &conductor->begin);
}

void dummy_conductor_fini(struct dummy_conductor *conductor)
{
    gw_turn_unref(&conductor->turn);
}
